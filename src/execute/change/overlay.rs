//! The marks that overlayfs leaves in an upper layer mounted with `userxattr`.
//! Source: Documentation/filesystems/overlayfs.rst of the kernel ("whiteouts and opaque directories", "Nesting overlayfs
//! mounts"). Fenced commands cannot write these marks: the kernel stores their `user.overlay.x` as `user.overlay.overlay.x`.

use rustix::fd::{AsFd, BorrowedFd};
use rustix::fs::{Stat, fgetxattr};
use rustix::io::Errno;

/// What hides the lower folder (`y`), or says that whiteouts may be plain files here (`x`).
const OPAQUE: &str = "user.overlay.opaque";
/// On an empty file in a folder that is marked `x`: a whiteout.
const WHITEOUT: &str = "user.overlay.whiteout";
/// The content lies in another file; impossible with `userxattr`.
const METACOPY: &str = "user.overlay.metacopy";
/// The folder has another name below; impossible with `userxattr`.
const REDIRECT: &str = "user.overlay.redirect";

/// On what was copied up: the kernel's handle of what it was copied from. Empty where the lower file system has none.
const ORIGIN: &str = "user.overlay.origin";

/// What a folder of the upper layer is marked as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// Merged with what lies below.
    Merged,
    /// Hides what lies below.
    Opaque,
    /// Merged, and may hold whiteouts that are plain files.
    Whiteouts,
}

/// Why a mark cannot be told.
pub(super) enum Unmarked {
    /// The system's answer.
    System(Errno),
    /// A mark with a meaning that guard's overlays never give.
    Foreign(&'static str),
}

/// The mark of a folder.
pub(super) fn folder(fd: BorrowedFd<'_>) -> Result<Mark, Unmarked> {
    if attribute(fd, REDIRECT)?.is_some() {
        return Err(Unmarked::Foreign(REDIRECT));
    }
    match attribute(fd, OPAQUE)? {
        Some(b'y') => Ok(Mark::Opaque),
        Some(b'x') => Ok(Mark::Whiteouts),
        None => Ok(Mark::Merged),
        Some(_) => Err(Unmarked::Foreign(OPAQUE)),
    }
}

/// Whether a file is one whose content lies elsewhere.
pub(super) fn file(fd: BorrowedFd<'_>) -> Result<(), Unmarked> {
    match attribute(fd, METACOPY)? {
        Some(_) => Err(Unmarked::Foreign(METACOPY)),
        None => Ok(()),
    }
}

/// Whether a folder was copied up from the one below with this inode number; `None`: there is no telling, as where an ordinary
/// user has mounted the overlay. File systems put the number into their handles as it is (ext4, xfs, btrfs, tmpfs:
/// `encode_fh`).
pub(super) fn is_from(folder: impl AsFd, inode: u64) -> Option<bool> {
    let mut value = [0_u8; 256];
    let len = fgetxattr(folder, ORIGIN, &mut value[..]).ok().filter(|len| *len > 0)?;
    let [a, b, c, d, ..] = inode.to_le_bytes();
    Some(value.get(..len)?.windows(4).any(|bytes| bytes == [a, b, c, d]))
}

/// Whether an empty file in a folder marked [`Mark::Whiteouts`] is a whiteout.
pub(super) fn is_whiteout(fd: BorrowedFd<'_>) -> Result<bool, Unmarked> {
    Ok(attribute(fd, WHITEOUT)?.is_some())
}

/// Whether it is the device 0:0 that stands for a deletion.
pub(super) fn is_whiteout_device(stat: &Stat) -> bool {
    rustix::fs::FileType::from_raw_mode(stat.st_mode).is_char_device() && stat.st_rdev == 0
}

/// The only byte of an attribute; anything longer is taken for a byte that means nothing.
fn attribute(fd: BorrowedFd<'_>, name: &str) -> Result<Option<u8>, Unmarked> {
    let mut value = [0_u8; 16];
    match fgetxattr(fd, name, &mut value[..]) {
        Ok(0 | 1) => Ok(value.first().copied()),
        Ok(_) | Err(Errno::RANGE) => Ok(Some(0)),
        // `EOPNOTSUPP`: a file system without attributes, where no overlay could write either.
        Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(None),
        Err(error) => Err(Unmarked::System(error)),
    }
}
