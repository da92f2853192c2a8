//! Adding records: under the lock one write, outside it one sync, and only then is anything acknowledged.

use super::keys::Head;
use super::log::{apply, check, identity, subject};
use super::reserve::ends;
use super::scan::{Keyed, hash_region, record_at, record_before, scan};
use super::seal::chain;
use super::shorten::Prepared;
use super::snapshot::{self, Snapshot};
use super::{Files, Key, Log, LogError, Point, Receipt, Redactor, Running, Step, running};
use crate::event::line::{self, LONGEST, Seal};
use crate::event::{Detail, Entry, Human, Mode, State};
use chrono::{DateTime, SubsecRound as _, Utc};
use rustix::fs::{FlockOperation, Stat};
use rustix::io::Errno;
use std::borrow::Cow;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

/// A checkpoint is written at least once in so many records.
pub const CHECKPOINT: u64 = 256;
/// Records after which a new snapshot is written.
const SNAPSHOT: u64 = 16;
/// Disk space that is taken beyond the end of the log at a time.
const RESERVE: u64 = 256 * 1024;
/// What must be left of it after a new action is recorded, so that its end can be, even on a full disk.
const LOW: u64 = 96 * 1024;

/// The log's lock; released when dropped.
struct Locked<'a, F: Files>(&'a F, BorrowedFd<'a>);

impl<F: Files> Drop for Locked<'_, F> {
    fn drop(&mut self) {
        let _ = self.0.lock(self.1, FlockOperation::Unlock);
    }
}

/// A start that is durable, and its lock: hold it until the end is appended.
#[derive(Debug)]
pub struct Started {
    receipt: Receipt,
    _held: Vec<Running>,
}

impl Started {
    /// Sequence number of the start, which is the last of what was written with it.
    pub fn seq(&self) -> u64 {
        self.receipt.last
    }

    /// What the append gave back.
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }
}

/// What one turn under the lock left behind.
struct Written {
    receipt: Receipt,
    /// Records guard added of its own.
    extras: Vec<(u64, Prepared)>,
    point: Point,
    key: Key,
    held: Vec<Running>,
}

/// The state this guard knew, and what others have written since.
struct Latest<'a> {
    state: &'a State,
    others: &'a [(u64, Vec<u8>)],
}

/// What makes the records, from the state as it is under the lock; none: it declines.
type Make<'a> = &'a mut dyn FnMut(Latest<'_>) -> Result<Option<Vec<Prepared>>, LogError>;

impl Latest<'_> {
    fn state(&self) -> Cow<'_, State> {
        let mut state = Cow::Borrowed(self.state);
        self.others.iter().for_each(|(seq, body)| apply(state.to_mut(), *seq, body));
        state
    }
}

impl<F: Files> Log<F> {
    /// Appends entries, redacted, in one write, and returns when they are durable.
    pub fn append(&mut self, redactor: &Redactor, entries: Vec<Entry>) -> Result<Receipt, LogError> {
        let started = self.start(redactor, entries)?;
        self.remember();
        Ok(started.receipt)
    }

    /// [`Log::append`] for the start of a command, which counts as running while the answer is held. What waits for it to be
    /// durable may go on; [`Log::remember`] is to be asked next.
    pub fn start(&mut self, redactor: &Redactor, entries: Vec<Entry>) -> Result<Started, LogError> {
        let prepared = entries.iter().map(|e| self.prepare(redactor, e)).collect::<Result<Vec<_>, _>>()?;
        let (mut others, mut prepared) = (Vec::new(), Some(prepared));
        let made = self.write(&mut others, &mut |_| Ok(prepared.take()))?;
        self.finish(made, &others)
    }

    /// [`Log::start`] of what `decide` makes of the state as it is under the lock, so that no other guard comes between:
    /// nothing is written where it declines.
    pub fn start_when<E>(
        &mut self,
        redactor: &Redactor,
        mut decide: impl FnMut(&State) -> Result<Vec<Entry>, E>,
    ) -> Result<Result<Started, E>, LogError> {
        let (mut others, mut declined) = (Vec::new(), None);
        let made = self.write(&mut others, &mut |latest| match decide(&latest.state()) {
            Ok(entries) => entries.iter().map(|e| self.prepare(redactor, e)).collect::<Result<_, _>>().map(Some),
            Err(e) => {
                declined = Some(e);
                Ok(None)
            }
        })?;
        match declined {
            Some(declined) => Ok(Err(declined)),
            None => self.finish(made, &others).map(Ok),
        }
    }

    /// [`Log::start_when`] for records that begin no command.
    pub fn append_when<E>(
        &mut self,
        redactor: &Redactor,
        decide: impl FnMut(&State) -> Result<Vec<Entry>, E>,
    ) -> Result<Result<Receipt, E>, LogError> {
        let started = self.start_when(redactor, decide)?;
        Ok(started.map(|started| {
            self.remember();
            started.receipt
        }))
    }

    /// Makes durable what was written.
    fn finish(
        &mut self,
        made: Option<(Written, Vec<Prepared>)>,
        others: &[(u64, Vec<u8>)],
    ) -> Result<Started, LogError> {
        let (written, records) = made.ok_or_else(|| self.failed("write to", Errno::CANCELED))?;
        self.settle(&written, others, &records);
        self.make_durable()?;
        Ok(Started { receipt: written.receipt, _held: written.held })
    }

    /// Records every command whose start has no end and whose lock is free as lost, and says which.
    pub fn bury(&mut self, redactor: &Redactor) -> Result<Vec<u64>, LogError> {
        if self.state.running.is_empty() {
            return Ok(Vec::new());
        }
        let running = running::held(&self.paths.state);
        let gone: Vec<u64> = self.state.running.difference(&running).copied().collect();
        if gone.is_empty() {
            return Ok(gone);
        }
        self.refresh()?;
        let mut entries = Vec::new();
        for of in gone {
            let found = record_at(self.fd(), &self.paths.log, of, self.point.end)?;
            let line = found.and_then(|text| line::split(&text).and_then(|(body, _)| line::parse(body).ok()));
            let human = line.map(|line| line.human);
            let target = human.as_ref().map_or_else(|| format!("record #{of}"), |human| subject(human).to_owned());
            let (skill, action) = match human {
                Some(Human::Fields { skill, action, .. }) => (skill, action),
                Some(Human::Labelled { label, .. }) if label.starts_with("DB_") => ("DB".into(), "QUERY".into()),
                Some(Human::Labelled { .. }) | None => ("SHELL".into(), "EXEC".into()),
            };
            let result = "LOST".into();
            let human = Human::Fields { skill, action, target, result };
            entries.push((of, Entry { human, detail: Detail::Lost { of } }));
        }
        let mut lost = Vec::new();
        let written = self.append_when(redactor, |state| {
            // An end may stand in the log by now: its guard's own, or one that another guard has found.
            let left: Vec<_> = entries.iter().filter(|(of, _)| state.running.contains(of)).collect();
            lost = left.iter().map(|(of, _)| *of).collect();
            if left.is_empty() { Err(()) } else { Ok(left.into_iter().map(|(_, entry)| entry.clone()).collect()) }
        })?;
        Ok(written.map_or_else(|()| Vec::new(), |_| lost))
    }

    /// Takes in what other guards have appended since.
    pub fn refresh(&mut self) -> Result<(), LogError> {
        let mut others = Vec::new();
        let (point, key) = {
            let _locked = self.take_lock()?;
            let size = u64::try_from(check(&self.log, &self.paths)?.st_size).unwrap_or(0);
            self.catch_up(size, &mut others)?
        };
        others.iter().for_each(|(seq, body)| apply(&mut self.state, *seq, body));
        (self.point, self.key) = (point, key);
        Ok(())
    }

    fn failed(&self, what: &'static str, e: Errno) -> LogError {
        let log = self.paths.log.clone();
        match e {
            Errno::NOSPC | Errno::DQUOT | Errno::FBIG => LogError::Full { log, cause: e.to_string() },
            Errno::ROFS | Errno::PERM | Errno::ACCESS => LogError::ReadOnly { log, cause: e.to_string() },
            e => LogError::system(what, log, e),
        }
    }

    fn step(&self, step: Step) -> Result<(), LogError> {
        self.files.at(step).map_err(|e| self.failed("write", e))
    }

    /// Everything that happens under the lock.
    fn write(
        &self,
        others: &mut Vec<(u64, Vec<u8>)>,
        make: Make<'_>,
    ) -> Result<Option<(Written, Vec<Prepared>)>, LogError> {
        self.step(Step::Lock)?;
        let _locked = self.take_lock()?;
        self.step(Step::Tail)?;
        let stat = check(&self.log, &self.paths)?;
        if identity(&stat) != self.identity {
            return Err(LogError::Replaced { log: self.paths.log.clone() });
        }
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        let (mut point, mut key) = self.catch_up(size, others)?;
        // Before anything is decided, so that no record is later than the time it was decided at: what is answered in time
        // is not written down as late.
        let now = (self.files.now().trunc_subsecs(6), self.state.mode.now);
        let Some(records) = make(Latest { state: &self.state, others })? else { return Ok(None) };

        let (mut bytes, mut extras) = (Vec::with_capacity(1024), Vec::new());
        let tip = (point, key.clone());
        if size > point.end {
            let recovered = self.vouch(point.end, size, &mut bytes)?;
            point.end = size + bytes.len() as u64;
            push(&mut bytes, &recovered, now, &mut point, &mut key);
            extras.push((point.seq, recovered));
        }
        let count = records.len() as u64;
        let phase_ends = records.iter().any(|record| matches!(record.detail, Detail::PhaseEnded(_)));
        if phase_ends || point.seq / CHECKPOINT != (point.seq + count) / CHECKPOINT {
            let checkpoint = Prepared::of(
                fields("CHECKPOINT", &format!("{} records", point.seq)),
                Detail::Checkpoint { records: point.seq },
            )?;
            push(&mut bytes, &checkpoint, now, &mut point, &mut key);
            extras.push((point.seq, checkpoint));
        }
        self.make_room(&stat, &bytes, &records, tip)?;
        let first = point.seq + 1;
        let mut held = Vec::new();
        for record in &records {
            push(&mut bytes, record, now, &mut point, &mut key);
            if let Detail::ShellStart { .. }
            | Detail::AgentStarted(_)
            | Detail::QueryStart(_)
            | Detail::MigrationStart(_) = record.detail
            {
                held.push(Running::begin(&self.paths.state, point.seq)?);
            }
        }
        self.step(Step::Write)?;
        let written = self.files.write(self.fd(), &bytes).map_err(|e| self.failed("write", e))?;
        if written != bytes.len() {
            return Err(self.failed("write all of", Errno::NOSPC));
        }
        self.step(Step::Unlock)?;
        let receipt = Receipt { first, last: point.seq, hash: line::hex(&point.hash) };
        Ok(Some((Written { receipt, extras, point, key, held }, records)))
    }

    fn take_lock(&self) -> Result<Locked<'_, F>, LogError> {
        let fd = self.lock.as_fd();
        let (mut began, mut tries, mut pause) = (None, 0, Duration::from_micros(20));
        loop {
            match self.files.lock(fd, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Locked(&self.files, fd)),
                Err(Errno::WOULDBLOCK | Errno::INTR) => {}
                Err(e) => return Err(LogError::system("lock", self.paths.state.join("lock"), e)),
            }
            let waited = began.get_or_insert_with(Instant::now).elapsed();
            if waited > self.files.patience() {
                let lock = self.paths.state.join("lock");
                return Err(LogError::Busy { lock, waited_ms: waited.as_millis() });
            }
            tries += 1;
            if tries < 16 {
                std::thread::yield_now();
            } else {
                std::thread::sleep(pause);
                pause = (pause * 2).min(Duration::from_millis(1));
            }
        }
    }

    /// Reads what other guards appended since, and checks it against the key state.
    fn catch_up(&self, size: u64, others: &mut Vec<(u64, Vec<u8>)>) -> Result<(Point, Key), LogError> {
        let content = self.keys.read()?;
        if let Some(cause) = content.poison.filter(|_| !self.barred) {
            return Err(LogError::Poisoned { log: self.paths.log.clone(), cause });
        }
        let log = || self.paths.log.clone();
        if size < self.point.end {
            return Err(LogError::Shorter { log: log(), has: 0, had: self.point.seq });
        }
        let mut keyed = Some(Keyed { next: self.point.seq + 1, key: self.key.clone(), hash: self.point.hash });
        let point = scan((self.fd(), &self.paths.log), self.point, size, &mut keyed, &mut |at, body| {
            others.push((at.seq, body.to_vec()));
        })?;
        match content.head {
            None => {
                let what = "both its slots are garbage".into();
                return Err(LogError::Keys { path: self.keys.path.clone(), what });
            }
            Some(head) if head.point.seq > point.seq => {
                return Err(LogError::Shorter { log: log(), has: point.seq, had: head.point.seq });
            }
            Some(_) => {}
        }
        Ok((point, keyed.map_or_else(|| self.key.clone(), |k| k.key)))
    }

    /// Ends a torn tail with a newline, if it has none, and makes the record that vouches for it.
    fn vouch(&self, from: u64, size: u64, bytes: &mut Vec<u8>) -> Result<Prepared, LogError> {
        let mut last = [0];
        rustix::io::pread(self.fd(), &mut last, size - 1).map_err(|e| self.failed("read", e))?;
        let torn = if last == *b"\n" { size - from - 1 } else { size - from };
        if last != *b"\n" {
            bytes.push(b'\n');
        }
        let sha256 = line::hex(&hash_region(self.fd(), &self.paths.log, from, torn)?);
        Prepared::of(fields("RECOVER", &format!("{torn} torn bytes")), Detail::Recovered { bytes: torn, sha256 })
    }

    /// Makes sure that what is about to be written has its place on the disk, and enough is left for what must follow.
    fn make_room(&self, stat: &Stat, ahead: &[u8], records: &[Prepared], tip: (Point, Key)) -> Result<(), LogError> {
        self.step(Step::Reserve)?;
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        let taken = u64::try_from(stat.st_blocks).unwrap_or(0) * 512;
        let ends = records.iter().all(|r| ends(&r.detail));
        let need = ahead.len() as u64
            + records.iter().map(|r| r.draft.bytes() as u64).sum::<u64>()
            + if ends { LONGEST as u64 } else { LOW };
        let left = taken.saturating_sub(size);
        if left >= need {
            return Ok(());
        }
        match self.files.reserve(self.fd(), size, RESERVE.max(need)) {
            // Some file systems cannot reserve; there a full disk shows itself at the write.
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL | Errno::INTR) => Ok(()),
            Err(e @ (Errno::NOSPC | Errno::DQUOT | Errno::FBIG)) => {
                // After a torn tail the next guard that finds room tells more.
                if size == tip.0.end && left >= LONGEST as u64 {
                    self.write_full(tip);
                }
                Err(self.failed("reserve room for", e))
            }
            Err(e) => Err(self.failed("reserve room for", e)),
        }
    }

    /// The last record before the disk was full, once.
    fn write_full(&self, (mut point, mut key): (Point, Key)) {
        let last = record_before(self.fd(), &self.paths.log, point.end);
        if matches!(&last, Ok(Some((body, _))) if line::event(body) == Some(b"log_full")) {
            return;
        }
        let human = Human::Fields {
            skill: "GUARD".into(),
            action: "LOG_FULL".into(),
            target: "no room left".into(),
            result: "FAIL".into(),
        };
        let Ok(full) = Prepared::of(human, Detail::LogFull {}) else { return };
        let mut bytes = Vec::new();
        push(&mut bytes, &full, (self.files.now().trunc_subsecs(6), self.state.mode.now), &mut point, &mut key);
        let _ = self.files.write(self.fd(), &bytes);
        let _ = self.files.sync(self.fd());
    }

    /// Takes note of what was written, by others and by this guard.
    fn settle(&mut self, written: &Written, others: &[(u64, Vec<u8>)], records: &[Prepared]) {
        for (seq, body) in others {
            apply(&mut self.state, *seq, body);
        }
        let extras = written.extras.iter().map(|(seq, record)| (*seq, record));
        for (seq, record) in extras.chain((written.receipt.first..).zip(records)) {
            self.state.apply(seq, &record.detail);
        }
        self.state.records = self.state.records.max(written.point.seq);
        self.point = written.point;
        self.key = written.key.clone();
    }

    /// The sync, outside the lock. If it fails nobody may append until a person has looked.
    fn make_durable(&self) -> Result<(), LogError> {
        let synced = self.files.at(Step::Sync).and_then(|()| self.files.sync(self.fd()));
        synced.map_err(|e| {
            let cause = format!("{e} at record #{}", self.point.seq);
            // If even this fails, the error still stops this action.
            let _ = self.keys.poison(&cause);
            LogError::Sync { log: self.paths.log.clone(), cause }
        })
    }

    /// Advances the key state and, now and then, the snapshot. Neither is waited for: both may stay behind, by a record that was
    /// lost with the power as by one whose guard was killed here.
    pub fn remember(&mut self) {
        let head = Head { point: self.point, key: self.key.clone() };
        let due = self.point.seq >= self.snapshot.0 + SNAPSHOT;
        let snapshot = due.then(|| Snapshot { point: self.point, state: self.state.clone() });
        let mut stored = false;
        let _ = self.keys.advance(&self.files, &head, || {
            if let Some(snapshot) = &snapshot
                && self.files.at(Step::Snapshot).is_ok()
            {
                stored = snapshot::store(&self.files, &self.paths.state, self.snapshot.1, snapshot).is_ok();
            }
        });
        if stored {
            self.snapshot = (self.point.seq, self.snapshot.1 ^ 1);
        }
        let _ = self.files.at(Step::Done);
    }
}

fn fields(action: &str, target: &str) -> Human {
    Human::Fields { skill: "GUARD".into(), action: action.into(), target: target.into(), result: "SUCCESS".into() }
}

/// Appends one sealed line. A clock that went backwards does not take the log with it: the previous time is written
/// again, with a note of how far behind the clock was.
fn push(
    bytes: &mut Vec<u8>,
    record: &Prepared,
    (now, mode): (DateTime<Utc>, Option<Mode>),
    point: &mut Point,
    key: &mut Key,
) {
    let start = bytes.len();
    let behind = point.micros - now.timestamp_micros();
    if behind > 0 {
        let time = DateTime::from_timestamp_micros(point.micros).unwrap_or(now);
        let behind = u64::try_from(behind).ok().map(|us| us.div_ceil(1000));
        record.draft.write(bytes, time, (behind, mode));
    } else {
        record.draft.write(bytes, now, (None, mode));
        point.micros = now.timestamp_micros();
    }
    let hash = chain(&point.hash, bytes.get(start..).unwrap_or_default());
    point.seq += 1;
    point.hash = hash;
    line::seal(bytes, &Seal { seq: point.seq, hash, mac: key.mac(&hash) });
    key.ratchet();
    point.end += (bytes.len() - start) as u64;
}
