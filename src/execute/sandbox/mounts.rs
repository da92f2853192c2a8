//! The steps that turn a fresh mount namespace into a fence, and how each is taken.
//! Knows no reasons: which steps there are is decided by the plan.

use super::digits::{self, LONGEST};
use super::sys::{self, Errno, MountAttr, NO_DEV, NO_SUID, READ_ONLY};
use std::ffi::{CStr, CString};

/// Detached mounts that wait for their place.
pub(super) const SLOTS: usize = 32;

/// One change to the mounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Takes a copy of what is at `from`, writable as it is there, to be put back later.
    Take { from: CString, slot: usize, devices: bool },
    /// The project with a layer over it that takes every change, to be put back later.
    Overlay { lower: CString, upper: CString, work: CString, slot: usize },
    /// Opens the folder `from`, which may be out of sight later.
    Open { from: CString, slot: usize },
    /// An opened folder at `at`, and another above it, with a layer over them that takes every change.
    Over { slot: usize, above: Option<usize>, upper: CString, work: CString, at: CString },
    /// Everything that is mounted becomes read-only, without devices, and cut off from the host's mounts.
    Seal,
    /// A private folder in memory.
    Memory { at: CString, options: &'static CStr },
    /// The processes of this pid namespace, read-only; and the highest id one of them may have, where the kernel lets this
    /// be said of one namespace.
    Processes { highest: Option<CString> },
    /// Terminals of its own.
    Terminals,
    /// An empty folder, unless it is there.
    Folder { at: CString, mode: u32 },
    /// An empty file, unless it is there.
    File { at: CString },
    /// An empty file that nobody can read.
    Unreadable { at: CString },
    /// A symbolic link.
    Link { to: CString, at: CString },
    /// Mounts `from` at `at` too.
    Bind { from: CString, at: CString },
    /// Puts the mount at `from`, with all below it, at `to` instead.
    Move { from: CString, to: CString },
    /// Makes the mount at `at` read-only.
    ReadOnly { at: CString },
    /// Puts a taken copy at its place.
    Put { slot: usize, at: CString },
    /// Opens the file or terminal that is standard input anew, so that it cannot be written through it.
    Input { path: CString, device: u64, inode: u64, offset: i64 },
}

const EMPTY: &CStr = c"";
const MS_NOSUID: u64 = 2;
const MS_NODEV: u64 = 4;
const MS_NOEXEC: u64 = 8;
const MS_RDONLY: u64 = 1;
const MS_BIND: u64 = 0x1000;
const MS_MOVE: u64 = 0x2000;
const MS_REC: u64 = 0x4000;
const MS_PRIVATE: u64 = 1 << 18;

impl Step {
    /// Takes the step, where the umask takes nothing away. Allocates nothing. A mount's descriptor is left to the end of the process, since
    /// the kernel takes longer to close one than to put the mount in its place.
    pub(super) fn take(&self, slots: &mut [i32; SLOTS]) -> Result<(), Errno> {
        match self {
            Self::Take { from, slot, devices } => {
                let fd = sys::open_tree(from)?;
                if !devices {
                    let attr = MountAttr { set: NO_SUID | NO_DEV, propagation: MS_PRIVATE, ..MountAttr::default() };
                    sys::mount_setattr(fd, EMPTY, true, &attr)?;
                }
                *slots.get_mut(*slot).ok_or(libc::EMFILE)? = fd;
                Ok(())
            }
            Self::Overlay { lower, upper, work, slot } => {
                let lower = folder(lower)?;
                let fd = overlay(lower, None, upper, work)?;
                *slots.get_mut(*slot).ok_or(libc::EMFILE)? = fd;
                Ok(())
            }
            Self::Open { from, slot } => {
                *slots.get_mut(*slot).ok_or(libc::EMFILE)? = folder(from)?;
                Ok(())
            }
            Self::Over { slot, above, upper, work, at } => {
                let opened = |slot: usize| slots.get(slot).copied().ok_or(libc::EBADF);
                let fd = overlay(opened(*slot)?, above.map(opened).transpose()?, upper, work)?;
                sys::move_mount(fd, at)
            }
            Self::Seal => {
                let set = READ_ONLY | NO_SUID | NO_DEV;
                let attr = MountAttr { set, propagation: MS_PRIVATE, ..MountAttr::default() };
                sys::mount_setattr(libc::AT_FDCWD, c"/", true, &attr)
            }
            Self::Memory { at, options } => sys::mount(c"tmpfs", at, c"tmpfs", MS_NOSUID | MS_NODEV, options),
            Self::Processes { highest } => {
                let read_only = if highest.is_some() { 0 } else { MS_RDONLY };
                sys::mount(c"proc", c"/proc", c"proc", MS_NOSUID | MS_NODEV | MS_NOEXEC | read_only, EMPTY)?;
                let Some(highest) = highest else { return Ok(()) };
                // Where this is refused, what is too many is found by looking.
                if let Ok(fd) = sys::open(c"/proc/sys/kernel/pid_max", libc::O_WRONLY) {
                    let _ = sys::write(fd, highest.to_bytes());
                    sys::close(fd);
                }
                let attr = MountAttr { set: READ_ONLY, ..MountAttr::default() };
                sys::mount_setattr(libc::AT_FDCWD, c"/proc", false, &attr)
            }
            Self::Terminals => {
                let options = c"newinstance,ptmxmode=0666,mode=0620";
                sys::mount(c"devpts", c"/dev/pts", c"devpts", MS_NOSUID | MS_NOEXEC, options)
            }
            Self::Folder { at, mode } => match sys::mkdir(at, *mode) {
                Ok(()) | Err(libc::EEXIST) => Ok(()),
                Err(error) => Err(error),
            },
            Self::Unreadable { at } => sys::mkfile(at, 0),
            Self::File { at } => match sys::mkfile(at, 0o444) {
                Ok(()) | Err(libc::EEXIST) => Ok(()),
                Err(error) => Err(error),
            },
            Self::Link { to, at } => sys::symlink(to, at),
            Self::Bind { from, at } => sys::mount(from, at, EMPTY, MS_BIND | MS_REC, EMPTY),
            Self::Move { from, to } => sys::mount(from, to, EMPTY, MS_MOVE, EMPTY),
            Self::ReadOnly { at } => {
                sys::mount_setattr(libc::AT_FDCWD, at, true, &MountAttr { set: READ_ONLY, ..MountAttr::default() })
            }
            Self::Put { slot, at } => {
                let fd = *slots.get(*slot).ok_or(libc::EBADF)?;
                sys::move_mount(fd, at)
            }
            Self::Input { path, device, inode, offset } => {
                let tree = sys::open_tree(path)?;
                if sys::identity(tree)? != (*device, *inode) {
                    return Err(libc::ESTALE);
                }
                let mut link = [0_u8; LONGEST];
                let link = digits::path(&mut link, b"/proc/self/fd/", tree, b"").ok_or(libc::EBADF)?;
                let fd = sys::open(link, libc::O_RDONLY | libc::O_NOCTTY)?;
                // From now on nobody opens it for writing, and a terminal not at all.
                let set = READ_ONLY | NO_SUID | NO_DEV;
                sys::mount_setattr(tree, EMPTY, false, &MountAttr { set, ..MountAttr::default() })?;
                if *offset > 0 {
                    sys::seek(fd, *offset)?;
                }
                sys::duplicate(fd, 0, false)?;
                sys::close(fd);
                Ok(())
            }
        }
    }

    /// The step as a person is told about it when it fails.
    pub(super) fn describe(&self) -> String {
        let show = |path: &CStr| path.to_string_lossy().into_owned();
        match self {
            Self::Take { from, .. } => format!("keep `{}` as it is", show(from)),
            Self::Overlay { lower, .. } => format!("lay an overlay over `{}`", show(lower)),
            Self::Open { from, .. } => format!("open `{}`", show(from)),
            Self::Over { at, .. } => format!("lay an overlay at `{}`", show(at)),
            Self::Seal => "make the system read-only".into(),
            Self::Memory { at, .. } => format!("mount a private `{}`", show(at)),
            Self::Processes { .. } => "mount a fresh `/proc`".into(),
            Self::Terminals => "mount fresh terminals".into(),
            Self::Folder { at, .. } | Self::File { at } | Self::Unreadable { at } => {
                format!("make way for `{}`", show(at))
            }
            Self::Link { at, .. } => format!("link `{}`", show(at)),
            Self::Bind { from, at } if from == at => format!("make `{}` a mount point", show(at)),
            Self::Bind { at, .. } => format!("cover `{}`", show(at)),
            Self::Move { to, .. } => format!("cover `{}`", show(to)),
            Self::ReadOnly { at } => format!("make `{}` read-only", show(at)),
            Self::Put { at, .. } => format!("mount `{}`", show(at)),
            Self::Input { path, .. } => format!("open standard input `{}` anew", show(path)),
        }
    }
}

fn folder(path: &CStr) -> Result<i32, Errno> {
    sys::open(path, libc::O_PATH | libc::O_DIRECTORY)
}

/// A detached mount of `lower` with `above` and then `upper` over it; the first two are closed. The folders are named by
/// descriptors: no path is too long, and no character in it means anything.
fn overlay(lower: i32, above: Option<i32>, upper: &CStr, work: &CStr) -> Result<i32, Errno> {
    let context = sys::fsopen(c"overlay")?;
    let held = [lower, folder(upper)?, folder(work)?];
    let mut names = [[0; LONGEST]; 3];
    let mut other = [0; LONGEST];
    for ((fd, key), name) in held.iter().zip([c"lowerdir", c"upperdir", c"workdir"]).zip(&mut names) {
        let above = above.filter(|_| *fd == lower);
        let before = above.and_then(|above| digits::path(&mut other, b"/proc/self/fd/", above, b":/proc/self/fd/"));
        let before = before.map_or(&b"/proc/self/fd/"[..], CStr::to_bytes);
        sys::fsconfig_text(context, key, digits::path(name, before, *fd, b"").ok_or(libc::EBADF)?)?;
    }
    // In a user namespace only `user.*` attributes can be written; nothing of an overlay must outlast a crash of the machine.
    for flag in [c"userxattr", c"volatile"] {
        sys::fsconfig_flag(context, flag)?;
    }
    sys::fsconfig_create(context)?;
    let mount = sys::fsmount(context, NO_SUID | NO_DEV)?;
    held.iter().chain(&above).chain([&context]).for_each(|fd| sys::close(*fd));
    Ok(mount)
}
