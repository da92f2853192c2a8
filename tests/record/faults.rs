//! Every step of the protocol, killed at and failed at: nothing acknowledged is lost, and the chain holds.

use super::*;
use guard::record::verify::Verdict;
use guard::record::{Disk, Files, LogError, Step, recover};
use rustix::io::Errno;
use std::cell::Cell;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::BorrowedFd;
use std::process::{Child, Command, Stdio};

const STEPS: [Step; 8] =
    [Step::Lock, Step::Tail, Step::Reserve, Step::Write, Step::Unlock, Step::Sync, Step::Keys, Step::Snapshot];

/// What happens at a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Kill,
    /// The process is killed after a part of the bytes is written.
    KillMidWrite,
    Fail(Errno),
    /// Only a part is written.
    Short,
}

/// The real file system, until the n-th time a step is reached.
struct Faulty {
    step: Step,
    after: Cell<u32>,
    fault: Fault,
}

impl Faulty {
    fn new(step: Step, after: u32, fault: Fault) -> Faulty {
        Faulty { step, after: Cell::new(after), fault }
    }

    fn due(&self, step: Step) -> bool {
        if step != self.step {
            return false;
        }
        let left = self.after.get();
        self.after.set(left.wrapping_sub(1));
        left == 0
    }
}

fn die() -> ! {
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
    unreachable!()
}

impl Files for Faulty {
    fn at(&self, step: Step) -> Result<(), Errno> {
        // What happens in the middle of a write happens in `write`.
        let mid =
            matches!(self.fault, Fault::Short | Fault::KillMidWrite) && matches!(step, Step::Write | Step::BlobWrite);
        if mid || !self.due(step) {
            return Ok(());
        }
        match self.fault {
            Fault::Kill => die(),
            Fault::Fail(e) => Err(e),
            Fault::Short | Fault::KillMidWrite => Ok(()),
        }
    }

    fn write(&self, fd: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize, Errno> {
        if matches!(self.fault, Fault::Short | Fault::KillMidWrite) && self.due(Step::Write) {
            let part = &bytes[..bytes.len() * 3 / 5];
            let written = rustix::io::write(fd, part)?;
            if self.fault == Fault::KillMidWrite {
                die();
            }
            return Ok(written);
        }
        Disk.write(fd, bytes)
    }
}

/// Run in a process of its own: appends until it is done or dead, and tells each acknowledged record.
#[test]
fn a_writer_that_other_tests_start() {
    let Ok(job) = std::env::var("GUARD_TEST_WRITER") else { return };
    let mut words = job.split('\n');
    let mut next = || words.next().unwrap().to_owned();
    let paths = Paths { log: next().into(), state: next().into() };
    let (count, step, after): (u32, usize, u32) =
        (next().parse().unwrap(), next().parse().unwrap(), next().parse().unwrap());
    let fault = if next() == "mid" { Fault::KillMidWrite } else { Fault::Kill };
    let step = STEPS.get(step).copied().unwrap_or(Step::BlobName);
    let mut log = Log::open_with(Faulty::new(step, after, fault), &paths).unwrap();
    let redactor = Redactor::new(log.tag_key(), Secrets::default());
    for i in 0..count {
        let text = format!("record {i} of process {} {}", std::process::id(), "x".repeat(200));
        let receipt = log.append(&redactor, vec![note(&text), note("second")]).unwrap();
        // One line, one write: a killed process tells all it was told.
        let said = format!("ack {} {}\n", receipt.last, receipt.hash);
        std::io::stdout().write_all(said.as_bytes()).unwrap();
    }
    println!("done");
}

fn writer(paths: &Paths, count: u32, step: usize, after: u32, mid: bool) -> Child {
    let job = format!(
        "{}\n{}\n{count}\n{step}\n{after}\n{}",
        paths.log.display(),
        paths.state.display(),
        if mid { "mid" } else { "kill" }
    );
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "record::faults::a_writer_that_other_tests_start", "--nocapture", "--test-threads=1"])
        .env("GUARD_TEST_WRITER", job)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// What a writer was told before it died, and whether it got to its end.
fn told(child: Child) -> (Vec<(u64, String)>, bool) {
    let (mut acks, mut done) = (Vec::new(), false);
    let mut child = child;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let words: Vec<_> = line.split(' ').collect();
        // The harness writes its own words before the first.
        if let Some(at) = words.iter().position(|w| *w == "ack") {
            acks.push((words[at + 1].parse().unwrap(), words[at + 2].to_owned()));
        }
        done |= line == "done";
    }
    child.wait().unwrap();
    (acks, done)
}

/// The log goes on, holds under the seed, and has every acknowledged record.
fn nothing_is_lost(ground: &Ground, acks: &[(u64, String)]) -> Verdict {
    let mut log = ground.open();
    let redactor = plain(&log);
    log.append(&redactor, vec![note("after")]).unwrap();
    let report = ground.verify();
    assert_eq!(report.flaw, None);
    assert_eq!(log.head(), (report.records, line::hex(&report.hash)));
    assert_eq!(log.state(), ground.refolded().state());
    let hashes: std::collections::HashMap<u64, String> = ground
        .text_lossy()
        .lines()
        .filter_map(|text| line::split(text.as_bytes()))
        .map(|(_, seal)| (seal.seq, line::hex(&seal.hash)))
        .collect();
    for (seq, hash) in acks {
        assert_eq!(hashes.get(seq), Some(hash), "acknowledged record #{seq}");
    }
    report.verdict
}

#[test]
fn a_guard_killed_at_any_step_loses_nothing_it_acknowledged() {
    for (step, which) in STEPS.into_iter().enumerate() {
        let ground = Ground::new();
        let mut acks = Vec::new();
        for run in 0..20 {
            // The snapshot is due only now and then.
            let after = if which == Step::Snapshot { run % 2 } else { run % 5 };
            let (told, done) = told(writer(&ground.paths, 40, step, after, false));
            assert!(!done, "{which:?}: run {run} was not killed");
            acks.extend(told);
        }
        assert_eq!(nothing_is_lost(&ground, &acks), Verdict::Whole, "{which:?}");
    }
}

#[test]
fn a_guard_killed_in_the_middle_of_a_write_leaves_a_torn_line_that_the_next_one_vouches_for() {
    let ground = Ground::new();
    let mut acks = Vec::new();
    for run in 0..20 {
        let (told, done) = told(writer(&ground.paths, 40, 3, run % 5, true));
        assert!(!done);
        acks.extend(told);
    }
    assert_eq!(nothing_is_lost(&ground, &acks), Verdict::Torn);
    assert_eq!(ground.verify().tears, 20);
}

#[test]
fn sixteen_writers_some_of_them_killed_lose_nothing() {
    let ground = Ground::new();
    let children: Vec<_> = (0..16).map(|i| writer(&ground.paths, 60, i, 20 + i as u32, i % 5 == 3)).collect();
    let mut acks = Vec::new();
    let mut finished = 0;
    for child in children {
        let (told, done) = told(child);
        acks.extend(told);
        finished += u32::from(done);
    }
    assert!((8..16).contains(&finished), "half of them have no step to die at, {finished} finished");
    assert!(acks.len() > 8 * 60);
    nothing_is_lost(&ground, &acks);
    let mut numbers: Vec<_> = acks.iter().map(|(seq, _)| seq).collect();
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), acks.len(), "no number was given twice");
}

#[test]
fn an_error_at_any_step_is_told_and_loses_nothing() {
    for step in STEPS {
        for errno in [Errno::IO, Errno::NOSPC] {
            let ground = Ground::new();
            let mut acks = Vec::new();
            for run in 0..20u32 {
                let mut log = Log::open_with(Faulty::new(step, run % 3, Fault::Fail(errno)), &ground.paths).unwrap();
                let redactor = Redactor::new(log.tag_key(), Secrets::default());
                let mut errors = Vec::new();
                for i in 0..(if step == Step::Snapshot { 24 } else { 4 }) {
                    match log.append(&redactor, vec![note(&format!("{i}")), note("b")]) {
                        Ok(receipt) => acks.push((receipt.last, receipt.hash)),
                        Err(e) => errors.push(e),
                    }
                    if errors.iter().any(|e| matches!(e, LogError::Poisoned { .. })) {
                        break;
                    }
                }
                match step {
                    // Both may stay behind: nobody need be told.
                    Step::Keys | Step::Snapshot => assert_eq!(errors.len(), 0, "{step:?} {errno}"),
                    Step::Sync => {
                        assert!(matches!(errors[0], LogError::Sync { .. }) && errors.len() == 2, "{errors:?}");
                        assert!(matches!(Log::open(&ground.paths), Err(LogError::Poisoned { .. })));
                        assert_eq!(recover(&ground.paths, None).unwrap().len(), 1);
                    }
                    Step::Lock
                    | Step::Tail
                    | Step::Reserve
                    | Step::Write
                    | Step::Unlock
                    | Step::Done
                    | Step::BlobWrite
                    | Step::BlobSync
                    | Step::BlobName => {
                        assert_eq!(errors.len(), 1, "{step:?} {errno}: {errors:?}");
                        assert_eq!(matches!(errors[0], LogError::Full { .. }), errno == Errno::NOSPC);
                    }
                }
            }
            assert_eq!(nothing_is_lost(&ground, &acks), Verdict::Whole, "{step:?} {errno}");
        }
    }
}

#[test]
fn a_short_write_is_told_and_becomes_a_torn_line() {
    for run in 0..20 {
        let ground = Ground::new();
        let mut log = Log::open_with(Faulty::new(Step::Write, run % 4, Fault::Short), &ground.paths).unwrap();
        let redactor = Redactor::new(log.tag_key(), Secrets::default());
        let (mut acks, mut errors) = (Vec::new(), 0);
        for _ in 0..6 {
            match log.append(&redactor, vec![note("a"), note("b"), note("c")]) {
                Ok(receipt) => acks.push((receipt.last, receipt.hash)),
                Err(e) => {
                    assert!(matches!(e, LogError::Full { .. }), "{e}");
                    errors += 1;
                }
            }
        }
        assert_eq!((errors, acks.len()), (1, 5));
        assert_eq!(nothing_is_lost(&ground, &acks), Verdict::Torn);
    }
}

#[test]
fn a_blob_that_cannot_be_kept_stops_the_record_that_would_name_it() {
    let text = "long ".repeat(10_000);
    for step in [Step::BlobWrite, Step::BlobSync, Step::BlobName] {
        let ground = Ground::new();
        let mut log = Log::open_with(Faulty::new(step, 0, Fault::Fail(Errno::IO)), &ground.paths).unwrap();
        let redactor = Redactor::new(log.tag_key(), Secrets::default());
        let error = log.append(&redactor, vec![note(&text)]).unwrap_err();
        assert!(error.to_string().contains("blobs"), "{error}");
        assert_eq!(ground.verify().records, 1);
        let left: Vec<_> = walk(&ground.paths.state.join("blobs"));
        assert_eq!(left, Vec::<PathBuf>::new(), "{step:?}");
        log.append(&redactor, vec![note(&text)]).unwrap();
        assert_eq!(ground.verify().verdict, Verdict::Whole);
    }
}
