//! The pass over the whole log: reads it in parts, hands them to workers, and puts together what they found.

use super::chunk::{Common, Mark, Outcome, Part, check};
use super::ledger::Ledger;
use super::{Flaw, Proof, Report, Verdict};
use crate::event::Detail;
use crate::event::line::{self, Line, Machine};
use crate::record::keys::{Content, KeyFile};
use crate::record::plain::open_log;
use crate::record::{Key, LogError, Point, running, snapshot};
use rustix::fs::{OFlags, fstat};
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};

/// Bytes of a part, about.
const PART: usize = 1024 * 1024;

/// Proves the log, as far as what is at hand allows.
pub fn verify(proof: &Proof) -> Result<Report, LogError> {
    let log = proof.log.as_path();
    let fd = open_log(log, OFlags::RDONLY, 0)?;
    let mut notes = Vec::new();
    // Read before the log's length is: the log is never behind.
    let keys = proof.state.as_deref().map(|state| KeyFile::open(&state.join("keys")).and_then(|k| k.read()));
    let acknowledged = match keys {
        Some(Ok(Content { head: Some(head), .. })) => Some(head.point),
        Some(Ok(Content { head: None, .. })) => {
            notes.push("key state: both slots are garbage".to_owned());
            None
        }
        Some(Err(e)) => {
            notes.push(format!("key state: {e}"));
            None
        }
        None => None,
    };
    let witness = proof.state.as_deref().and_then(|state| snapshot::load(state).0).map(|snapshot| snapshot.point);
    let size = fstat(&fd).map_err(|e| LogError::system("look at", log, e))?.st_size;
    let size = u64::try_from(size).unwrap_or(0);
    let known = acknowledged.into_iter().chain(witness).map(|point| (point.seq, point.hash));
    let heads: Vec<(u64, [u8; 32])> = known.chain(proof.head).filter(|(seq, _)| *seq > 0).collect();
    let common = Common { fd: fd.as_fd(), log, state: proof.state.as_deref(), heads: &heads };

    let mut total = Total::default();
    total.first_record(common, proof.seed.as_ref())?;
    if total.flaw.is_none() {
        run(common, size, proof, &mut total)?;
    }
    if total.flaw.is_none()
        && let Some((seq, _)) = heads.iter().filter(|(seq, _)| !total.seen.contains(seq)).max()
    {
        let what = format!("the log ends before record #{seq}, which was acknowledged");
        total.flaw = Some(Flaw { line: total.lines + 1, seq: total.last.seq + 1, what });
    }
    if let Some(point) = acknowledged.filter(|p| total.flaw.is_none() && p.seq < total.last.seq) {
        notes.push(format!("key state: {} records behind, as after a crash", total.last.seq - point.seq));
    }
    let torn = size - total.last.end.min(size);
    if torn > 0 && total.flaw.is_none() {
        notes.push(format!("the last {torn} bytes are a torn line; the next guard will vouch for it"));
    }
    let mut running = Vec::new();
    let held = proof.state.as_deref().map(running::held);
    for seq in &total.open {
        match &held {
            Some(held) if held.contains(seq) => running.push(*seq),
            Some(_) => notes.push(format!("record #{seq} has no end; the next guard will record it as lost")),
            None => notes.push(format!("record #{seq} has no end")),
        }
    }
    let ended = acknowledged.is_some() || proof.head.is_some();
    if let Some(point) = witness.filter(|_| !ended && total.flaw.is_none()) {
        notes.push(format!("the snapshot vouches that there were {} records, not that there were no more", point.seq));
    }
    let verdict = match &total.flaw {
        Some(_) => Verdict::Tampered,
        None if !ended && proof.seed.is_none() => Verdict::Undecided,
        None if !ended => Verdict::Unended,
        None if total.tears > 0 || torn > 0 => Verdict::Torn,
        None => Verdict::Whole,
    };
    Ok(Report {
        verdict,
        records: total.last.seq,
        hash: total.last.hash,
        flaw: total.flaw,
        tears: total.tears,
        macs: proof.seed.is_some(),
        running,
        notes,
    })
}

/// What all parts so far came to.
#[derive(Debug, Default)]
struct Total {
    lines: u64,
    last: Point,
    tears: u64,
    open: BTreeSet<u64>,
    seen: BTreeSet<u64>,
    flaw: Option<Flaw>,
    ledger: Ledger,
}

impl Total {
    /// Takes note of the first thing that is wrong.
    fn wrong(&mut self, seq: u64, what: Option<String>) {
        if let (None, Some(what)) = (&self.flaw, what) {
            self.flaw = Some(Flaw { line: self.lines + 1, seq, what });
        }
    }

    /// The first record names the seed: another log's first record is another log.
    fn first_record(&mut self, common: Common<'_>, seed: Option<&Key>) -> Result<(), LogError> {
        let mut bytes = vec![0; line::LONGEST];
        let got = rustix::io::pread(common.fd, &mut bytes, 0).map_err(|e| LogError::system("read", common.log, e))?;
        let text = bytes.get(..got).unwrap_or_default().split(|b| *b == b'\n').next().unwrap_or_default();
        let first = line::split(text).and_then(|(body, _)| line::parse(body).ok());
        let what = match first {
            Some(Line { machine: Machine::Known(Detail::Created { seed_fingerprint, .. }), .. }) => {
                match seed.map(Key::fingerprint) {
                    Some(print) if print != seed_fingerprint => {
                        format!("it names the seed `{seed_fingerprint}`, the seed given is `{print}`")
                    }
                    Some(_) | None => return Ok(()),
                }
            }
            Some(_) | None => "it is not the beginning of a log".to_owned(),
        };
        self.flaw = Some(Flaw { line: 1, seq: 1, what });
        Ok(())
    }

    fn add(&mut self, outcome: Outcome) {
        if self.flaw.is_some() {
            return;
        }
        self.flaw = outcome.flaw.map(|flaw| Flaw { line: self.lines + flaw.line, ..flaw });
        for mark in outcome.marks {
            match mark {
                Mark::Start(seq) => {
                    self.open.insert(seq);
                    self.wrong(seq, self.ledger.start());
                }
                Mark::Person(seq, at, detail) => {
                    let wrong = self.ledger.add(seq, at, &detail);
                    self.wrong(seq, wrong);
                }
                Mark::End(seq, of) => {
                    let running = self.open.remove(&of);
                    self.wrong(seq, (!running).then(|| format!("it ends record #{of}, which was not running")));
                }
            }
        }
        self.lines += outcome.lines;
        self.last = outcome.last;
        self.tears += outcome.tears;
        self.seen.extend(outcome.seen);
    }
}

/// Reads the log in parts while the workers check them.
fn run(common: Common<'_>, size: u64, proof: &Proof, total: &mut Total) -> Result<(), LogError> {
    let workers = proof.workers.max(1);
    let (to, from): (SyncSender<Part>, Receiver<Part>) = sync_channel(workers);
    let from = Mutex::new(from);
    std::thread::scope(|scope| {
        let (answer, answers) = channel();
        let from = &from;
        for _ in 0..workers {
            let answer = answer.clone();
            scope.spawn(move || {
                loop {
                    let part = match from.lock() {
                        Ok(receiver) => receiver.recv(),
                        Err(_) => return,
                    };
                    let Ok(part) = part else { return };
                    if answer.send(check(common, part)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(answer);
        let mut order = Order { answers, waiting: BTreeMap::new(), next: 0 };
        let result = feed(common, size, proof.seed.clone(), &to, &mut order, total, workers as u64);
        drop(to);
        while order.take(total) {}
        result
    })
}

/// Puts answers back in order.
struct Order {
    answers: Receiver<Outcome>,
    waiting: BTreeMap<u64, Outcome>,
    next: u64,
}

impl Order {
    /// Takes the next answer, waiting for it; `false`: there are no more.
    fn take(&mut self, total: &mut Total) -> bool {
        loop {
            if let Some(outcome) = self.waiting.remove(&self.next) {
                self.next += 1;
                total.add(outcome);
                return true;
            }
            match self.answers.recv() {
                Ok(outcome) => self.waiting.insert(outcome.index, outcome),
                Err(_) => return false,
            };
        }
    }
}

fn feed(
    common: Common<'_>,
    size: u64,
    seed: Option<Key>,
    to: &SyncSender<Part>,
    order: &mut Order,
    total: &mut Total,
    workers: u64,
) -> Result<(), LogError> {
    let (mut offset, mut index) = (0, 0);
    let (mut before, mut key) = (Point::default(), seed);
    while offset < size {
        let bytes = read_part(common.fd, common.log, offset, size)?;
        let length = bytes.len() as u64;
        let last = last_seal(&bytes, offset);
        let part = Part { index, bytes, offset, before, key: key.clone() };
        if to.send(part).is_err() {
            break;
        }
        index += 1;
        offset += length;
        if let Some(point) = last {
            let steps = point.seq.saturating_sub(before.seq);
            // More records than bytes: the worker will say what is wrong.
            if steps > length {
                break;
            }
            if let Some(key) = &mut key {
                (0..steps).for_each(|_| key.ratchet());
            }
            before = point;
        }
        while index - order.next > 2 * workers {
            order.take(total);
        }
        if total.flaw.is_some() {
            break;
        }
    }
    Ok(())
}

/// A part that ends with a newline, unless the log ends or a torn line is longer.
fn read_part(fd: BorrowedFd<'_>, log: &Path, offset: u64, size: u64) -> Result<Vec<u8>, LogError> {
    let want = PART.min(usize::try_from(size - offset).unwrap_or(PART));
    let mut bytes = vec![0; want];
    let mut got = 0;
    while got < want {
        let room = bytes.get_mut(got..).unwrap_or_default();
        let n = rustix::io::pread(fd, room, offset + got as u64).map_err(|e| LogError::system("read", log, e))?;
        if n == 0 {
            return Err(LogError::system("read", log, "it was shortened meanwhile"));
        }
        got += n;
    }
    if offset + (want as u64) < size
        && let Some(end) = bytes.iter().rposition(|b| *b == b'\n')
    {
        bytes.truncate(end + 1);
    }
    Ok(bytes)
}

/// The last sealed line of a part, unchecked: what the next part begins after.
fn last_seal(bytes: &[u8], offset: u64) -> Option<Point> {
    let mut end = bytes.iter().rposition(|b| *b == b'\n')?;
    loop {
        let text = bytes.get(..end)?;
        let begin = text.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        if let Some((body, seal)) = line::split(text.get(begin..)?) {
            let stamp = std::str::from_utf8(body).ok().and_then(line::parse_time);
            let micros = stamp.map_or(0, |(time, _)| time.timestamp_micros());
            return Some(Point { seq: seal.seq, hash: seal.hash, end: offset + end as u64 + 1, micros });
        }
        end = begin.checked_sub(1)?;
    }
}
