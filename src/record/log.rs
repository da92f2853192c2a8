//! An open log: what it stands at, and the state all its records add up to.
//! Reading only; how records are added stands in `append`.

use super::keys::{Content, Head, KeyFile};
use super::plain::open_log;
use super::scan::{Keyed, record_before, scan};
use super::snapshot::{self, Snapshot};
use super::{Disk, Files, Key, LogError, Paths, Point, TagKey};
use crate::event::line::{self, Line, Machine};
use crate::event::{Human, State};
use rustix::fs::{Mode, OFlags, Stat, fstat, lstat, open};
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// An open log.
#[derive(Debug)]
pub struct Log<F: Files = Disk> {
    pub(super) files: F,
    pub(super) paths: Paths,
    pub(super) log: OwnedFd,
    pub(super) identity: (u64, u64),
    pub(super) lock: OwnedFd,
    pub(super) keys: KeyFile,
    pub(super) tags: TagKey,
    /// The last record this process knows of.
    pub(super) point: Point,
    /// The key of the record after it.
    pub(super) key: Key,
    pub(super) state: State,
    /// Whether it is used although it is barred.
    pub(super) barred: bool,
    /// Where the newest snapshot stands, and which file to write next.
    pub(super) snapshot: (u64, usize),
}

impl Log<Disk> {
    /// Opens the log at `paths` for reading its state and appending. Writes nothing.
    pub fn open(paths: &Paths) -> Result<Log, LogError> {
        Log::open_with(Disk, paths)
    }
}

impl<F: Files> Log<F> {
    /// [`Log::open`] over other file operations.
    pub fn open_with(files: F, paths: &Paths) -> Result<Log<F>, LogError> {
        let log = Log::open_barred(files, paths)?;
        match log.bar()? {
            Some(cause) => Err(LogError::Poisoned { log: paths.log.clone(), cause }),
            None => Ok(Log { barred: false, ..log }),
        }
    }

    /// Opens a log that may be barred after a failed sync, and may be appended to all the same.
    pub(super) fn open_barred(files: F, paths: &Paths) -> Result<Log<F>, LogError> {
        let keys = KeyFile::open(&paths.state.join("keys"))?;
        let content = keys.read()?;
        let garbage = || LogError::Keys { path: keys.path.clone(), what: "both its slots are garbage".into() };
        if !keys.is_private() {
            let what = "others may read it; its folder and files must be this user's alone".into();
            return Err(LogError::Keys { path: keys.path.clone(), what });
        }
        let Content { tag_key, head, .. } = content;
        let Head { point: acknowledged, key } = head.ok_or_else(garbage)?;
        let log = open_log(&paths.log, OFlags::RDWR | OFlags::APPEND, acknowledged.seq)?;
        let stat = check(&log, paths)?;
        let lock_path = paths.state.join("lock");
        let lock = open(&lock_path, OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW, Mode::empty())
            .map_err(|e| LogError::system("open", &lock_path, e))?;
        let (snapshot, next) = snapshot::load(&paths.state);
        let mut opened = Log {
            files,
            paths: paths.clone(),
            log,
            identity: identity(&stat),
            lock,
            keys,
            tags: TagKey(tag_key),
            point: Point::default(),
            key: key.clone(),
            state: State::default(),
            barred: true,
            snapshot: (0, next),
        };
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        let keyed = Keyed { next: acknowledged.seq + 1, key, hash: acknowledged.hash };
        let snapshot = snapshot.filter(|s| s.point.end <= size);
        let found = snapshot.is_some() && opened.fold(snapshot.unwrap_or_default(), acknowledged, &keyed, size)?;
        if !found {
            opened.fold(Snapshot::default(), acknowledged, &keyed, size)?;
        }
        Ok(opened)
    }

    /// Folds all records after a snapshot; `false`: the snapshot does not belong to this log.
    fn fold(&mut self, from: Snapshot, known: Point, keyed: &Keyed, size: u64) -> Result<bool, LogError> {
        let Snapshot { point: after, mut state } = from;
        let had = LogError::Shorter { log: self.paths.log.clone(), has: 0, had: known.seq };
        let start = if known.seq < after.seq { known } else { after };
        if start.end > size {
            return Err(had);
        }
        if start.seq > 0 {
            let there = record_before(self.fd(), &self.paths.log, start.end)?;
            let same = there.is_some_and(|(_, seal)| seal.seq == start.seq && seal.hash == start.hash);
            if !same && start == after {
                return Ok(false);
            }
            if !same {
                let what = "it is not the record that was acknowledged";
                return Err(LogError::Edited { log: self.paths.log.clone(), seq: start.seq, what });
            }
        }
        let mut keyed = Some(keyed.clone());
        let mut foreign = false;
        let point = scan((self.fd(), &self.paths.log), start, size, &mut keyed, &mut |at, body| {
            foreign |= at.seq == after.seq && at.hash != after.hash;
            if at.seq > after.seq {
                apply(&mut state, at.seq, body);
            }
        })?;
        if foreign || point.seq < after.seq {
            return Ok(false);
        }
        if point.seq < known.seq {
            return Err(LogError::Shorter { log: self.paths.log.clone(), has: point.seq, had: known.seq });
        }
        self.point = point;
        self.state = state;
        self.snapshot.0 = after.seq;
        if let Some(k) = keyed {
            self.key = k.key;
        }
        Ok(true)
    }

    /// Why the log is barred, if it is.
    pub(super) fn bar(&self) -> Result<Option<String>, LogError> {
        Ok(self.keys.read()?.poison)
    }

    /// What all records so far add up to.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The last record: its sequence number and its hash.
    pub fn head(&self) -> (u64, String) {
        (self.point.seq, line::hex(&self.point.hash))
    }

    /// Where the log lies.
    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// The key that redaction tags are made with.
    pub fn tag_key(&self) -> TagKey {
        self.tags.clone()
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.log.as_fd()
    }
}

/// Adds a record to the state.
pub(super) fn apply(state: &mut State, seq: u64, body: &[u8]) {
    match line::parse(body) {
        Ok(Line { machine: Machine::Known(detail), .. }) => state.apply(seq, &detail),
        // Another version's record counts, but says nothing.
        Ok(Line { machine: Machine::Unknown(_), .. }) | Err(_) => state.records = seq,
    }
}

/// What a line is about.
pub(super) fn subject(human: &Human) -> &str {
    match human {
        Human::Fields { target, .. } => target,
        Human::Labelled { text, .. } => text,
    }
}

/// Device and inode.
pub(super) fn identity(stat: &Stat) -> (u64, u64) {
    (stat.st_dev, stat.st_ino)
}

/// Checks that the open file has one name, and that the name is the log's.
pub(super) fn check(fd: &OwnedFd, paths: &Paths) -> Result<Stat, LogError> {
    let log = || paths.log.clone();
    let stat = fstat(fd).map_err(|e| LogError::system("look at", log(), e))?;
    let named = match lstat(&paths.log) {
        Ok(named) => named,
        Err(Errno::NOENT) => return Err(LogError::Replaced { log: log() }),
        Err(e) => return Err(LogError::system("look at", log(), e)),
    };
    if identity(&named) != identity(&stat) {
        return Err(LogError::Replaced { log: log() });
    }
    if stat.st_nlink != 1 {
        #[expect(clippy::useless_conversion, reason = "the type differs between architectures")]
        let links = u64::from(stat.st_nlink);
        return Err(LogError::HardLinked { log: log(), links });
    }
    Ok(stat)
}
