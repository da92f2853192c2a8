//! Standard input as a fenced command may have it: something that only gives bytes.
//! Through a descriptor of the host a command would reach the host's own, writable mounts, and the person's terminal.

use super::feed::Source;
use super::layout::c_path;
use super::mounts::Step;
use crate::execute::ExecuteError;
use rustix::fs::{FileType, Mode, OFlags, SeekFrom, Stat, fcntl_getfl, fstat, major, minor, open, seek};
use rustix::io::Errno;
use rustix::termios::tcgetpgrp;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// How standard input is made safe.
pub(super) enum Input {
    /// It is so already.
    AsIs,
    /// Opened anew inside.
    Reopened(Step),
    /// Opened anew by guard, where there are no mounts to open it through.
    Instead(OwnedFd),
    /// Through a pipe of guard's own: whoever holds the caller's could open it for writing (`/proc/self/fd/0`), and a
    /// shell that reads its script from it would run what was written.
    Fed(Source),
}

/// What standard input is, and what that makes it.
pub(super) fn fenced(mounts: bool) -> Result<Input, ExecuteError> {
    let refuse = |cause: &str| {
        Err(ExecuteError::Fence {
            what: "standard input".to_owned(),
            cause: cause.to_owned(),
            mend: "give it a pipe, a file, a terminal or `/dev/null`".to_owned(),
        })
    };
    let stdin = rustix::stdio::stdin();
    let stat = match fstat(stdin) {
        Ok(stat) => stat,
        Err(Errno::BADF) => return refuse("it is closed"),
        Err(error) => return refuse(&error.to_string()),
    };
    // A name that was opened for nothing, or what may only be written: to open it anew would be to read it with guard's rights.
    match fcntl_getfl(stdin) {
        Ok(flags) if flags.contains(OFlags::PATH) => return refuse("it is a name and not opened (`O_PATH`)"),
        Ok(flags) if flags & OFlags::ACCMODE == OFlags::WRONLY => return refuse("it is opened for writing alone"),
        Ok(_) => {}
        Err(error) => return refuse(&error.to_string()),
    }
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Fifo => Ok(Input::Fed(Source::Pipe)),
        FileType::CharacterDevice => {
            let harmless =
                [(1, 3), (1, 5), (1, 7), (1, 8), (1, 9)].contains(&(major(stat.st_rdev), minor(stat.st_rdev)));
            match harmless {
                true => Ok(Input::AsIs),
                false if rustix::termios::isatty(stdin) => terminal(&stat, mounts),
                false => refuse("it is a device"),
            }
        }
        FileType::Socket => {
            if super::socket::local_stream(0) {
                Ok(Input::Fed(Source::Socket))
            } else {
                refuse("it is a socket that can reach others")
            }
        }
        // Without a name (here-documents of shells, memfd): it cannot be opened anew by one.
        FileType::RegularFile if stat.st_nlink == 0 => Ok(Input::Fed(Source::File)),
        FileType::RegularFile if !mounts => match fcntl_getfl(stdin) {
            Ok(flags) if flags & OFlags::ACCMODE == OFlags::RDONLY => Ok(Input::AsIs),
            _ => refuse("it is a file opened for writing"),
        },
        FileType::RegularFile => {
            let Ok(path) = fs::read_link("/proc/self/fd/0") else { return refuse("its path is unknown") };
            if !leads(&path, &stat) {
                // Of another mount namespace, as that of a harness: no path leads to it here.
                return Ok(Input::Fed(Source::File));
            }
            let offset = seek(stdin, SeekFrom::Current(0)).unwrap_or(0);
            let offset = i64::try_from(offset).unwrap_or(0);
            let path = c_path(Path::new(&path))?;
            Ok(Input::Reopened(Step::Input { path, device: stat.st_dev, inode: stat.st_ino, offset }))
        }
        FileType::Directory => refuse("it is a folder"),
        FileType::BlockDevice | FileType::Symlink | FileType::Unknown => refuse("it is neither a stream nor a file"),
    }
}

/// Whether `path` leads to what was looked at.
fn leads(path: &Path, stat: &Stat) -> bool {
    fs::metadata(path).is_ok_and(|found| (found.dev(), found.ino()) == (stat.st_dev, stat.st_ino))
}

/// A terminal: a descriptor that only reads, of a mount without devices, so that it cannot be opened anew either. What
/// goes to the terminal is standard output and error alone, which pass through guard.
///
/// Only the terminal that is guard's own is given so: another could be made the command's own, and then be written to as
/// `/dev/tty`. That one, and one that no path leads to, goes through a pipe.
fn terminal(stat: &Stat, mounts: bool) -> Result<Input, ExecuteError> {
    let fed = Ok(Input::Fed(Source::Terminal));
    let Ok(path) = fs::read_link("/proc/self/fd/0") else { return fed };
    if !leads(&path, stat) || tcgetpgrp(rustix::stdio::stdin()).is_err() {
        return fed;
    }
    if mounts {
        let path = c_path(&path)?;
        return Ok(Input::Reopened(Step::Input { path, device: stat.st_dev, inode: stat.st_ino, offset: 0 }));
    }
    let flags = OFlags::RDONLY | OFlags::NOCTTY | OFlags::CLOEXEC;
    match open(&path, flags, Mode::empty()) {
        Ok(anew) => Ok(Input::Instead(anew)),
        Err(_) => fed,
    }
}
