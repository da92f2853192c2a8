//! Whether somebody has a file to themselves: a lock of the whole or a part that keeps others from reading it.
//! Takes none that lasts.

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::process::{Flock, FlockOffsetType, FlockType, fcntl_getlk};
use std::fs::File;
use std::os::unix::fs::MetadataExt;

/// Who holds a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// Its process, where the kernel tells.
    pub pid: Option<i32>,
}

/// Who has `file` locked for themselves, by `flock` or by `fcntl`; `None`: nobody.
pub fn locked(file: &File) -> Option<Holder> {
    match flock(file, FlockOperation::NonBlockingLockShared) {
        Err(Errno::AGAIN) => return Some(Holder { pid: listed(file) }),
        // Where it cannot be asked there is none to respect.
        Err(_) => {}
        Ok(()) => drop(flock(file, FlockOperation::Unlock)),
    }
    let all = Flock { start: 0, length: 0, pid: None, typ: FlockType::ReadLock, offset_type: FlockOffsetType::Set };
    let held = fcntl_getlk(file, &all).ok().flatten()?;
    Some(Holder { pid: held.pid.map(|pid| pid.as_raw_nonzero().get()).filter(|pid| *pid > 0) })
}

/// The process that the kernel's list of locks names for a file (proc_locks(5)).
fn listed(file: &File) -> Option<i32> {
    let inode = format!(":{}", file.metadata().ok()?.ino());
    let text = std::fs::read_to_string("/proc/locks").ok()?;
    let held = |line: &str| {
        let mut words = line.split_whitespace().skip_while(|word| *word != "WRITE").skip(1);
        let (pid, place) = (words.next()?, words.next()?);
        place.ends_with(&inode).then(|| pid.parse().ok()).flatten()
    };
    text.lines().find_map(held).filter(|pid| *pid > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_lock_that_keeps_readers_out_counts() {
        let path = tempfile::NamedTempFile::new().unwrap();
        let open = || File::open(path.path()).unwrap();
        let own = Holder { pid: i32::try_from(std::process::id()).ok() };
        assert_eq!(locked(&open()), None);
        let other = open();
        flock(&other, FlockOperation::LockShared).unwrap();
        assert_eq!(locked(&open()), None);
        flock(&other, FlockOperation::LockExclusive).unwrap();
        assert_eq!(locked(&open()), Some(own));
        drop(other);
        assert_eq!(locked(&open()), None);
    }
}
