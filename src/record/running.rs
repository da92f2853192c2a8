//! Whether a command still runs: each run holds a lock on a slot of its own, `run/N`, that says which record it began with.
//! Slots stay: to make a file and to remove it for each run takes eight times as long. Knows nothing of processes: the
//! kernel drops the lock when the last of them is gone.

use super::LogError;
use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
use rustix::io::{Errno, pread, pwrite};
use std::collections::BTreeSet;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// Held while a command runs. Dropped, the command counts as over.
#[derive(Debug)]
pub(super) struct Running {
    _slot: OwnedFd,
}

impl Running {
    /// Takes a free slot for the run that begins with record `seq`, which is not written yet: whoever finds the record finds the slot
    /// saying so. Under the log's lock, so that nobody else takes one.
    pub(super) fn begin(state: &Path, seq: u64) -> Result<Self, LogError> {
        let mut number = 0_u64;
        loop {
            let path = name(state, number);
            match Self::take(&path, seq) {
                Err(Errno::WOULDBLOCK) => number += 1,
                taken => return taken.map_err(|e| LogError::system("lock", path, e)),
            }
        }
    }

    fn take(path: &Path, seq: u64) -> Result<Self, Errno> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let slot = open(path, flags, Mode::RUSR | Mode::WUSR)?;
        flock(&slot, FlockOperation::NonBlockingLockExclusive)?;
        match pwrite(&slot, &seq.to_le_bytes(), 0)? {
            8 => Ok(Self { _slot: slot }),
            _ => Err(Errno::NOSPC),
        }
    }
}

/// The records with which runs began that still hold their lock.
pub(super) fn held(state: &Path) -> BTreeSet<u64> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let slots = (0..).map_while(|number| open(name(state, number), flags, Mode::empty()).ok());
    // Whoever looks shares the lock, and so is not taken for a run by others that look.
    let held = slots.filter(|slot| flock(slot, FlockOperation::NonBlockingLockShared) == Err(Errno::WOULDBLOCK));
    held.filter_map(|slot| {
        let mut seq = [0; 8];
        (pread(&slot, &mut seq, 0) == Ok(seq.len())).then(|| u64::from_le_bytes(seq))
    })
    .collect()
}

fn name(state: &Path, number: u64) -> PathBuf {
    state.join("run").join(number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_run_has_a_slot_while_it_lasts_and_slots_are_used_again() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path();
        std::fs::create_dir(state.join("run")).unwrap();
        let all = || held(state).into_iter().collect::<Vec<_>>();
        assert_eq!(all(), Vec::<u64>::new());
        let (first, second) = (Running::begin(state, 7).unwrap(), Running::begin(state, 1 << 40).unwrap());
        assert_eq!(all(), [7, 1 << 40]);
        drop(first);
        assert_eq!(all(), [1 << 40]);
        let third = Running::begin(state, 8).unwrap();
        assert_eq!(all(), [8, 1 << 40]);
        drop((second, third));
        assert_eq!(all(), Vec::<u64>::new());
        assert_eq!(std::fs::read_dir(state.join("run")).unwrap().count(), 2);
    }

    #[test]
    fn who_looks_is_no_run_and_keeps_no_run_from_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path();
        std::fs::create_dir(state.join("run")).unwrap();
        drop(Running::begin(state, 7).unwrap());
        let looks = open(name(state, 0), OFlags::RDWR, Mode::empty()).unwrap();
        flock(&looks, FlockOperation::NonBlockingLockShared).unwrap();
        assert!(held(state).is_empty());
        let _run = Running::begin(state, 8).unwrap();
        assert_eq!(held(state).into_iter().collect::<Vec<_>>(), [8]);
    }
}
