//! Times of files that a command wrote and left as they were: taken along, so that tools that compare times go on from there.
//! Judges nothing, and changes nothing but that time.

use super::place::Root;
use super::stand::at;
use rustix::fs::{AtFlags, CWD, FileType, Timespec, Timestamps, UTIME_OMIT, utimensat};
use rustix::io::Errno;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Gives files of `project` these times, where nobody has touched them since `began`. What cannot be done is left: a time is
/// nothing that is promised.
pub fn take_times(project: &Path, touched: &[(PathBuf, SystemTime)], began: SystemTime) {
    let Ok(root) = Root::open(project) else { return };
    for (path, time) in touched {
        let _ = one(&root, path, *time, began);
    }
}

fn one(root: &Root, path: &Path, time: SystemTime, began: SystemTime) -> Result<(), Errno> {
    let held = root.entry(path)?;
    let found = rustix::fs::fstat(&held)?;
    let since = time.duration_since(UNIX_EPOCH).map_err(|_| Errno::INVAL)?;
    if FileType::from_raw_mode(found.st_mode).is_file() && at(found.st_ctime, found.st_ctime_nsec) < began {
        let seconds = i64::try_from(since.as_secs()).map_err(|_| Errno::INVAL)?;
        let times = Timestamps {
            last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
            last_modification: Timespec { tv_sec: seconds, tv_nsec: i64::from(since.subsec_nanos()) },
        };
        // By its descriptor: a link in its place would be followed.
        utimensat(CWD, format!("/proc/self/fd/{}", held.as_raw_fd()), &times, AtFlags::empty())?;
    }
    Ok(())
}
