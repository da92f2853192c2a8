//! Finding a path of the project by descriptors, never through a link, never out of it.
//! Changes nothing.

use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags, Stat, openat, openat2, statat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// The root of a project, held open.
#[derive(Debug)]
pub(in crate::execute) struct Root(OwnedFd);

impl Root {
    pub(in crate::execute) fn open(project: &Path) -> Result<Self, Errno> {
        openat(CWD, project, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).map(Self)
    }

    /// The folder `path`, which is relative; the root itself where it is empty. It can be opened for reading.
    pub(in crate::execute) fn folder(&self, path: &Path) -> Result<OwnedFd, Errno> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        self.beneath(path, OFlags::RDONLY | OFlags::DIRECTORY)
    }

    /// The folder that `path` lies in, and its name there.
    pub(in crate::execute) fn parent<'p>(&self, path: &'p Path) -> Result<(OwnedFd, &'p OsStr), Errno> {
        let name = path.file_name().ok_or(Errno::INVAL)?;
        let parent = path.parent().unwrap_or(Path::new(""));
        let path = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        Ok((self.beneath(path, OFlags::PATH | OFlags::DIRECTORY)?, name))
    }

    /// The file `path`, for reading.
    pub(in crate::execute) fn file(&self, path: &Path) -> Result<OwnedFd, Errno> {
        self.beneath(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)
    }

    /// Whatever stands at `path`, held without being opened; not a link.
    pub(in crate::execute) fn entry(&self, path: &Path) -> Result<OwnedFd, Errno> {
        self.beneath(path, OFlags::PATH)
    }

    /// The root itself.
    pub(in crate::execute) fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    fn beneath(&self, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        loop {
            match openat2(&self.0, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve) {
                // A rename elsewhere came in between.
                Err(Errno::AGAIN | Errno::INTR) => {}
                opened => return opened,
            }
        }
    }

    /// What stands at `path`, links not followed; `None`: nothing.
    pub(in crate::execute) fn stat(&self, path: &Path) -> Result<Option<Stat>, Errno> {
        let found = self.parent(path).and_then(|(parent, name)| statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW));
        match found {
            Ok(found) => Ok(Some(found)),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether guard may make, rename and remove things in the folder `path`.
    pub(in crate::execute) fn writable(&self, path: &Path) -> Result<(), Errno> {
        let folder = self.folder(path)?;
        rustix::fs::accessat(folder.as_fd(), ".", rustix::fs::Access::WRITE_OK, AtFlags::EACCESS)
    }
}
