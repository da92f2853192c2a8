//! One side of a comparison, the upper layer or the project below: folders held by descriptors, one name at a time.
//! No link is followed, no path is handed to the kernel, and nothing rests on a path's length. Knows nothing of the other side.

use super::error::ReadError;
use super::overlay::{self, Mark, Unmarked};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{self, AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;
use sha2::{Digest, Sha256};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

/// Which tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// What took the command's writes: guard's own, and nobody else's any more.
    Upper,
    /// The project: others may write to it.
    Lower,
}

/// An open folder.
#[derive(Debug)]
pub(super) struct Folder {
    /// Not held while many folders below it are open.
    fd: Option<OwnedFd>,
    /// Device and inode.
    id: (u64, u64),
    /// The mode to be put back, where reading needed another.
    restore: Option<u32>,
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let (Some(fd), Some(mode)) = (&self.fd, self.restore) {
            // What counts stands in the change set; the upper layer's own modes only matter to whoever reads it again.
            let _ = fs::fchmod(fd, Mode::from_raw_mode(mode));
        }
    }
}

/// Reading needs no more than this.
const READ: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);
const FOLDER: OFlags = READ.union(OFlags::DIRECTORY);

impl Side {
    /// Opens the root, links in its own path followed: it is the caller's.
    pub(super) fn root(self, path: &Path) -> Result<Folder, ReadError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = fs::open(path, flags, Mode::empty()).map_err(|error| system("open", path, error))?;
        Folder::of(fd, None).map_err(|error| system("look at", path, error))
    }

    /// What stands under `name`; `None`: nothing. `path` is for messages.
    pub(super) fn look(self, folder: &Folder, name: &OsStr, path: &Path) -> Result<Option<Stat>, ReadError> {
        match fs::statat(folder.fd(path)?, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(system("look at", path, error)),
        }
    }

    /// Opens a folder below `folder`.
    pub(super) fn enter(self, folder: &Folder, name: &OsStr, stat: &Stat, path: &Path) -> Result<Folder, ReadError> {
        let (fd, restore) = self.opened(folder, name, stat, FOLDER, path)?;
        let entered = Folder::of(fd, restore).map_err(|error| system("look at", path, error))?;
        if entered.id != (stat.st_dev, stat.st_ino) {
            return Err(ReadError::Moved { path: path.to_owned() });
        }
        Ok(entered)
    }

    /// Opens a regular file.
    pub(super) fn file(self, folder: &Folder, name: &OsStr, stat: &Stat, path: &Path) -> Result<OwnedFd, ReadError> {
        let (fd, restore) = self.opened(folder, name, stat, READ, path)?;
        // Attributes are read by the mode, content by the descriptor.
        let marked = if self == Self::Upper { overlay::file(fd.as_fd()) } else { Ok(()) };
        if let Some(mode) = restore {
            fs::fchmod(&fd, Mode::from_raw_mode(mode)).map_err(|error| system("read", path, error))?;
        }
        marked.map_err(|error| unmarked(error, path))?;
        let opened = fs::fstat(&fd).map_err(|error| system("look at", path, error))?;
        if !FileType::from_raw_mode(opened.st_mode).is_file() || opened.st_ino != stat.st_ino {
            return Err(ReadError::Moved { path: path.to_owned() });
        }
        Ok(fd)
    }

    /// Opens the regular file at `path` below `root`.
    fn open(self, root: &Path, path: &Path) -> Result<File, ReadError> {
        let not_there = || ReadError::Moved { path: path.to_owned() };
        let mut folder = self.root(root)?;
        let mut names = path.components().peekable();
        while let Some(part) = names.next() {
            let Component::Normal(name) = part else { return Err(not_there()) };
            let stat = self.look(&folder, name, path)?.ok_or_else(not_there)?;
            let kind = FileType::from_raw_mode(stat.st_mode);
            match names.peek() {
                None if kind.is_file() => return self.file(&folder, name, &stat, path).map(File::from),
                Some(_) if kind.is_dir() => folder = self.enter(&folder, name, &stat, path)?,
                None | Some(_) => return Err(not_there()),
            }
        }
        Err(not_there())
    }

    /// What a link says.
    pub(super) fn link(self, folder: &Folder, name: &OsStr, path: &Path) -> Result<PathBuf, ReadError> {
        match fs::readlinkat(folder.fd(path)?, name, Vec::new()) {
            Ok(to) => Ok(PathBuf::from(OsString::from_vec(to.into_bytes()))),
            Err(Errno::INVAL | Errno::NOENT) => Err(ReadError::Moved { path: path.to_owned() }),
            Err(error) => Err(system("read", path, error)),
        }
    }

    /// Whether an empty file in a folder that may hold such is a whiteout.
    pub(super) fn is_whiteout(
        self,
        folder: &Folder,
        name: &OsStr,
        stat: &Stat,
        path: &Path,
    ) -> Result<bool, ReadError> {
        let fd = self.file(folder, name, stat, path)?;
        overlay::is_whiteout(fd.as_fd()).map_err(|error| unmarked(error, path))
    }

    /// Opens `name`. What the command made unreadable to its owner in the upper layer is made readable: the mode that is to
    /// be put back comes along.
    fn opened(
        self,
        folder: &Folder,
        name: &OsStr,
        stat: &Stat,
        flags: OFlags,
        path: &Path,
    ) -> Result<(OwnedFd, Option<u32>), ReadError> {
        let dir = folder.fd(path)?;
        let open = || {
            let within = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
            fs::openat2(dir, name, flags, Mode::empty(), within)
        };
        let mode = stat.st_mode & MODE;
        // Listing and searching a folder need different bits, and root needs none of them.
        let needed = if flags.contains(OFlags::DIRECTORY) { 0o700 } else { 0o400 };
        if self == Self::Upper && mode & needed != needed && !rustix::process::geteuid().is_root() {
            // Nobody else changes the upper layer any more, and it was seen to be no link.
            fs::chmodat(dir, name, Mode::from_raw_mode(mode | needed), AtFlags::empty())
                .map_err(|error| system("open", path, error))?;
            let opened = open();
            if opened.is_err() {
                let _ = fs::chmodat(dir, name, Mode::from_raw_mode(mode), AtFlags::empty());
            }
            return opened.map(|fd| (fd, Some(mode))).map_err(|error| system("open", path, error));
        }
        match open() {
            Ok(fd) => Ok((fd, None)),
            Err(Errno::XDEV) => Err(ReadError::Mounted { path: path.to_owned() }),
            Err(Errno::LOOP | Errno::NOTDIR | Errno::NOENT | Errno::NXIO) => {
                Err(ReadError::Moved { path: path.to_owned() })
            }
            Err(error) => Err(system("open", path, error)),
        }
    }
}

/// Permission bits, set-user-id and the like included.
pub(super) const MODE: u32 = 0o7777;

impl Folder {
    fn of(fd: OwnedFd, restore: Option<u32>) -> Result<Self, Errno> {
        let stat = fs::fstat(&fd)?;
        Ok(Self { fd: Some(fd), id: (stat.st_dev, stat.st_ino), restore })
    }

    fn fd(&self, path: &Path) -> Result<BorrowedFd<'_>, ReadError> {
        // Every folder that is looked into is open: this is the innermost one.
        self.fd.as_ref().map(AsFd::as_fd).ok_or_else(|| system("look into", path, Errno::BADF))
    }

    /// The mark of a folder of the upper layer.
    pub(super) fn mark(&self, path: &Path) -> Result<Mark, ReadError> {
        overlay::folder(self.fd(path)?).map_err(|error| unmarked(error, path))
    }

    /// Lets go of the descriptor; [`Folder::back`] gets it again.
    pub(super) fn release(&mut self) {
        self.fd = None;
    }

    /// Opens this folder again, from the folder `below` it, if it was let go of.
    pub(super) fn back(&mut self, below: &Folder, path: &Path) -> Result<(), ReadError> {
        if self.fd.is_some() {
            return Ok(());
        }
        let fd =
            fs::openat(below.fd(path)?, "..", FOLDER, Mode::empty()).map_err(|error| system("open", path, error))?;
        let again = Folder::of(fd, None).map_err(|error| system("look at", path, error))?;
        if again.id != self.id {
            return Err(ReadError::Moved { path: path.to_owned() });
        }
        let mut again = again;
        self.fd = again.fd.take();
        Ok(())
    }

    /// The names in it, in no order; fewer than there are once `room` entries, or `bytes` of names, are used up, both
    /// of which it lowers. Whether these are all.
    pub(super) fn names(
        &self,
        names: &mut Vec<OsString>,
        room: &mut usize,
        bytes: &mut usize,
        path: &Path,
    ) -> Result<bool, ReadError> {
        // A description of its own: another reader's place in the folder is left alone.
        let listing = Dir::read_from(self.fd(path)?).map_err(|error| system("list", path, error))?;
        for entry in listing {
            let entry = entry.map_err(|error| system("list", path, error))?;
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            match (room.checked_sub(1), bytes.checked_sub(name.len())) {
                (Some(less), Some(shorter)) => (*room, *bytes) = (less, shorter),
                (None, _) | (_, None) => return Ok(false),
            }
            names.push(OsStr::from_bytes(name).to_owned());
        }
        Ok(true)
    }
}

/// Length and SHA-256 of what is left of a file; `None`: more than `most` bytes. What was read is taken off `most`.
pub(super) fn hashed(fd: OwnedFd, most: &mut u64, path: &Path) -> Result<Option<(u64, [u8; 32])>, ReadError> {
    let mut file = File::from(fd);
    let (mut hash, mut len) = (Sha256::new(), 0_u64);
    let mut buffer = vec![0_u8; 1 << 17];
    loop {
        let read = match file.read(&mut buffer) {
            Ok(0) => return Ok(Some((len, hash.finalize().into()))),
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(cause) => return Err(ReadError::System { what: "read", path: path.to_owned(), cause }),
        };
        hash.update(buffer.get(..read).unwrap_or_default());
        len += read as u64;
        match most.checked_sub(read as u64) {
            Some(less) => *most = less,
            None => return Ok(None),
        }
    }
}

/// Opens a regular file that a command wrote, at `path` in its upper layer: step by step, by no link, whatever its mode.
///
/// # Errors
/// Where it is not there, no regular file, or cannot be read.
pub fn open_written(upper: &Path, path: &Path) -> Result<File, ReadError> {
    Side::Upper.open(upper, path)
}

/// Opens a regular file of the project as it was before, in the same way.
///
/// # Errors
/// Where it is not there, no regular file, or cannot be read.
pub fn open_before(project: &Path, path: &Path) -> Result<File, ReadError> {
    Side::Lower.open(project, path)
}

pub(super) fn system(what: &'static str, path: &Path, error: Errno) -> ReadError {
    ReadError::System { what, path: path.to_owned(), cause: error.into() }
}

fn unmarked(error: Unmarked, path: &Path) -> ReadError {
    match error {
        Unmarked::System(error) => system("look at", path, error),
        Unmarked::Foreign(attribute) => ReadError::Foreign { path: path.to_owned(), attribute },
    }
}
