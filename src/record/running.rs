//! Whether a command still runs: each run holds a lock on its own `run/SEQ` file.
//! Knows nothing of processes: the kernel drops the lock when the last of them is gone.

use super::LogError;
use rustix::fs::{FlockOperation, Mode, OFlags, flock, fstat, open, unlink};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// Held while a command runs. Dropped, the command counts as over.
#[derive(Debug)]
pub(super) struct Running {
    seq: u64,
    path: PathBuf,
    _fd: OwnedFd,
}

impl Running {
    pub(super) fn begin(state: &Path, seq: u64) -> Result<Running, LogError> {
        Running::lock(state, seq).map_err(|e| LogError::system("lock", name(state, seq), e))
    }

    /// Takes over the lock of a run whose guard is gone; `None` while it is there.
    pub(super) fn claim(state: &Path, seq: u64) -> Option<Running> {
        Running::lock(state, seq).ok()
    }

    /// Sequence number of the run's start.
    pub(super) fn seq(&self) -> u64 {
        self.seq
    }

    fn lock(state: &Path, seq: u64) -> Result<Running, Errno> {
        let path = name(state, seq);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        loop {
            let fd = open(&path, flags, Mode::RUSR | Mode::WUSR)?;
            flock(&fd, FlockOperation::NonBlockingLockExclusive)?;
            // Between the two its last holder may have removed it: a lock on a file without a name keeps nobody out.
            if fstat(&fd)?.st_nlink > 0 {
                return Ok(Running { seq, path, _fd: fd });
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = unlink(&self.path);
    }
}

/// Whether the run that began with record `seq` still holds its lock.
pub(super) fn is_running(state: &Path, seq: u64) -> bool {
    let path = name(state, seq);
    match open(&path, OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW, Mode::empty()) {
        Ok(fd) => flock(&fd, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK),
        Err(_) => false,
    }
}

fn name(state: &Path, seq: u64) -> PathBuf {
    state.join("run").join(seq.to_string())
}
