//! Opening the log: a plain file, without following a link, and without waiting for anybody.
//! Knows nothing of what stands in it.

use super::LogError;
use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::path::Path;

/// Opens the log at `path`. A pipe in its place is not waited for, and nothing but a plain file is read. `records` is how
/// many it is known to have had, should it be gone.
pub(super) fn open_log(path: &Path, access: OFlags, records: u64) -> Result<OwnedFd, LogError> {
    let flags = access | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let log = path.to_owned();
    let fd = match open(path, flags, Mode::empty()) {
        Ok(fd) => fd,
        Err(Errno::NOENT) => return Err(LogError::Missing { log, records }),
        Err(Errno::LOOP) => return Err(LogError::Link { log }),
        Err(Errno::ISDIR) => return Err(LogError::NotAFile { log, is: "a folder" }),
        Err(Errno::NXIO) => return Err(LogError::NotAFile { log, is: "a socket or a pipe" }),
        Err(e @ (Errno::ACCESS | Errno::PERM | Errno::ROFS)) if access.contains(OFlags::RDWR) => {
            return Err(LogError::ReadOnly { log, cause: e.to_string() });
        }
        Err(e) => return Err(LogError::system("open", log, e)),
    };
    let stat = fstat(&fd).map_err(|e| LogError::system("look at", path, e))?;
    let is = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => return Ok(fd),
        FileType::Directory => "a folder",
        FileType::Fifo => "a pipe",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        FileType::Symlink | FileType::Socket | FileType::Unknown => "something else",
    };
    Err(LogError::NotAFile { log, is })
}
