//! Turns: so many commands run at once in a project. Each holds a lock on a slot of its own, `turn/N`, that says who it is.
//! Knows no policy and nothing of processes: the kernel drops the lock with the guard that holds it.

use super::{LogError, Paths};
use rustix::fs::{FlockOperation, Mode, OFlags, flock, mkdir, open, openat};
use rustix::io::{Errno, pread, pwrite};
use serde::{Deserialize, Serialize};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long to wait for others that look for a turn, each for some microseconds.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of a slot's text, at most.
const LONGEST: usize = 4096;

/// Who holds a turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Sequence number of its start, once that is recorded.
    pub seq: Option<u64>,
    /// The process of its guard.
    pub pid: u32,
    /// When it got its turn, in seconds since 1970.
    pub since: i64,
    /// What it runs, without secrets.
    pub command: String,
}

/// A turn. Dropped, it is the next one's.
#[derive(Debug)]
pub struct Turn {
    slot: OwnedFd,
    holder: Holder,
}

/// What came of asking for a turn.
#[derive(Debug)]
pub enum Turned {
    /// It is the caller's.
    Taken(Turn),
    /// As many as may hold one already: those of them that could be read.
    Held(Vec<Holder>),
}

impl Turn {
    /// Takes one of `most` turns for `holder`, if one is free. Turns held under a policy that allowed more of them count.
    ///
    /// # Errors
    /// The system's.
    pub fn take(paths: &Paths, most: u32, holder: Holder) -> Result<Turned, LogError> {
        let folder = paths.state.join("turn");
        let failed = |e| LogError::system("lock", &folder, e);
        let place = place(&folder).map_err(failed)?;
        // One looks at a time, or two could see the same slots held for a moment by each other.
        lock(&place, &folder)?;
        let (mut held, mut count, mut free) = (Vec::new(), 0, None);
        let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let mut number = 0_u32;
        loop {
            let slot = match openat(&place, number.to_string(), flags, Mode::empty()) {
                Ok(slot) => slot,
                Err(Errno::NOENT) => break,
                Err(e) => return Err(failed(e)),
            };
            match flock(&slot, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => free = free.or(Some(slot)),
                Err(Errno::WOULDBLOCK) => {
                    count += 1;
                    held.extend(read(&slot));
                }
                Err(e) => return Err(failed(e)),
            }
            number += 1;
        }
        if count >= most {
            return Ok(Turned::Held(held));
        }
        let slot = match free {
            Some(slot) => slot,
            None => {
                let made = openat(&place, number.to_string(), flags | OFlags::CREATE, Mode::RUSR | Mode::WUSR);
                let slot = made.map_err(failed)?;
                flock(&slot, FlockOperation::NonBlockingLockExclusive).map_err(failed)?;
                slot
            }
        };
        let turn = Turn { slot, holder };
        turn.say();
        Ok(Turned::Taken(turn))
    }

    /// Says which record is the start of what runs.
    pub fn began(&mut self, seq: u64) {
        self.holder.seq = Some(seq);
        self.say();
    }

    /// Writes down who holds it, in a line: what stands behind is of a longer one before. On a full disk nobody can be told, and the
    /// turn counts all the same.
    fn say(&self) {
        let Ok(mut text) = serde_json::to_vec(&self.holder) else { return };
        text.push(b'\n');
        let _ = pwrite(&self.slot, &text, 0);
    }
}

/// The folder of all slots.
fn place(folder: &PathBuf) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    match open(folder, flags, Mode::empty()) {
        Err(Errno::NOENT) => {}
        opened => return opened,
    }
    match mkdir(folder, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => open(folder, flags, Mode::empty()),
        Err(e) => Err(e),
    }
}

fn lock(place: &OwnedFd, folder: &PathBuf) -> Result<(), LogError> {
    let begin = Instant::now();
    loop {
        match flock(place, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(()),
            Err(Errno::WOULDBLOCK | Errno::INTR) => {}
            Err(e) => return Err(LogError::system("lock", folder, e)),
        }
        let waited = begin.elapsed();
        if waited > PATIENCE {
            return Err(LogError::Busy { lock: folder.clone(), waited_ms: waited.as_millis() });
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// What a slot says of its holder; `None` where that is just being written.
fn read(slot: &OwnedFd) -> Option<Holder> {
    let mut text = vec![0; LONGEST];
    let len = pread(slot.as_fd(), &mut text, 0).ok()?;
    let line = text.get(..len)?.split(|byte| *byte == b'\n').next()?;
    serde_json::from_slice(line).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths() -> (tempfile::TempDir, Paths) {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths { log: folder.path().join("log"), state: folder.path().to_owned() };
        (folder, paths)
    }

    fn holder(command: &str) -> Holder {
        Holder { seq: None, pid: 7, since: 1, command: command.into() }
    }

    fn taken(paths: &Paths, most: u32, command: &str) -> Turn {
        match Turn::take(paths, most, holder(command)).unwrap() {
            Turned::Taken(turn) => turn,
            Turned::Held(held) => panic!("held by {held:?}"),
        }
    }

    fn held(paths: &Paths, most: u32) -> Vec<Holder> {
        match Turn::take(paths, most, holder("another")).unwrap() {
            Turned::Taken(_) => panic!("it was free"),
            Turned::Held(held) => held,
        }
    }

    #[test]
    fn whoever_comes_second_is_told_who_came_first_and_is_next_when_that_one_is_gone() {
        let (_folder, paths) = paths();
        let mut first = taken(&paths, 1, "a\nb \u{e9}");
        assert_eq!(held(&paths, 1), [holder("a\nb \u{e9}")]);
        first.began(12_345);
        assert_eq!(held(&paths, 1), [Holder { seq: Some(12_345), ..holder("a\nb \u{e9}") }]);
        drop(first);
        let next = taken(&paths, 1, "b");
        assert_eq!(held(&paths, 1), [holder("b")], "nothing is left of a longer text");
        drop(next);
    }

    #[test]
    fn those_who_run_by_a_policy_that_allowed_more_count() {
        let (_folder, paths) = paths();
        let all = ["a", "b", "c"].map(|command| taken(&paths, 3, command));
        let [a, b, c] = all;
        assert_eq!(held(&paths, 3), ["a", "b", "c"].map(holder));
        drop(a);
        assert_eq!(held(&paths, 1), ["b", "c"].map(holder), "one is free of three, but two run where one may");
        drop(b);
        assert_eq!(held(&paths, 1), [holder("c")]);
        drop(c);
        drop(taken(&paths, 1, "d"));
    }

    #[test]
    fn many_at_once_never_hold_more_than_there_are() {
        let (_folder, paths) = paths();
        let (now, most) = (std::sync::atomic::AtomicU32::new(0), std::sync::atomic::AtomicU32::new(0));
        let order = std::sync::atomic::Ordering::SeqCst;
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    let mut got = 0;
                    while got < 50 {
                        if let Turned::Taken(turn) = Turn::take(&paths, 3, holder("x")).unwrap() {
                            most.fetch_max(now.fetch_add(1, order) + 1, order);
                            std::thread::yield_now();
                            now.fetch_sub(1, order);
                            drop(turn);
                            got += 1;
                        }
                    }
                });
            }
        });
        assert!((1..=3).contains(&most.load(order)), "{most:?}");
        assert_eq!(std::fs::read_dir(paths.state.join("turn")).unwrap().count(), 3);
    }
}
