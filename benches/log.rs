//! What the log costs, in paired rounds against the bare system calls: run with `cargo bench --bench log`.
//! `GUARD_BENCH_RECORDS` sets the length of the long log (1,000,000 if unset).
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark prints, and stops at the first surprise"
)]

use guard::event::line::unhex;
use guard::event::{Detail, Entry, Human};
use guard::record::verify::{Proof, verify};
use guard::record::{Key, LOG_NAME, Log, Paths, Redactor, Secrets, create};
use std::ffi::OsString;
use std::fs;
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

fn main() {
    let folder = tempfile::tempdir_in(std::env::var_os("GUARD_BENCH_DIR").unwrap_or_else(|| "target".into())).unwrap();
    let (paths, seed) = project(&folder.path().join("short"));
    append(&paths, folder.path());
    redact();
    let (long, long_seed) = project(&folder.path().join("long"));
    let records = std::env::var("GUARD_BENCH_RECORDS").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    fill(&long, records);
    let (ten, _) = project(&folder.path().join("ten"));
    fill(&ten, 10);
    open(&ten, &long);
    prove(&long, &long_seed);
    black_box(seed);
}

fn project(at: &Path) -> (Paths, Key) {
    let root = at.join("project");
    fs::create_dir_all(&root).unwrap();
    let log = root.join(LOG_NAME);
    let created = create(&at.join("state"), &root, &log, "policy").unwrap();
    (Paths { log, state: created.state }, Key::new(unhex(created.seed.as_bytes()).unwrap()))
}

fn entry(of: u64) -> Entry {
    let (skill, action, target, result) =
        ("SHELL".into(), "EXEC".into(), "pytest tests/test_risk.py -x -q".into(), "PASS".into());
    let ended = guard::event::Ended::Exited;
    let detail = Detail::ShellEnd {
        of,
        ended,
        exit_code: 0,
        limit: None,
        duration_ms: 12,
        fence: "full".into(),
        missing: vec![],
        check: None,
    };
    Entry { human: Human::Fields { skill, action, target, result }, detail }
}

fn fill(paths: &Paths, records: u64) {
    let mut log = Log::open(paths).unwrap();
    let redactor = Redactor::new(log.tag_key(), Secrets::default());
    while log.head().0 < records {
        let batch = (records - log.head().0).min(5_000);
        log.append(&redactor, (0..batch).map(|_| Entry { detail: Detail::ReturnCode { of: 1 }, ..entry(1) }).collect())
            .unwrap();
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn time<T>(f: impl FnOnce() -> T) -> Duration {
    let began = Instant::now();
    black_box(f());
    began.elapsed()
}

/// An append, durable, against one write and one fdatasync of as many bytes; then opening and appending as a call does.
fn append(paths: &Paths, folder: &Path) {
    let mut log = Log::open(paths).unwrap();
    let redactor = Redactor::new(log.tag_key(), Secrets::default());
    let size = fs::metadata(&paths.log).unwrap().len();
    log.append(&redactor, vec![entry(1)]).unwrap();
    let line = vec![b'x'; usize::try_from(fs::metadata(&paths.log).unwrap().len() - size).unwrap()];
    let mut bare = fs::OpenOptions::new().create(true).append(true).open(folder.join("bare")).unwrap();
    let (mut ours, mut theirs, mut calls, mut ratios) = (vec![], vec![], vec![], vec![]);
    for _ in 0..2_000 {
        let plain = time(|| bare.write_all(&line).and_then(|()| bare.sync_data()).unwrap());
        let sealed = time(|| log.append(&redactor, vec![entry(1)]).unwrap());
        calls.push(time(|| {
            let mut log = Log::open(paths).unwrap();
            log.append(&redactor, vec![entry(1)]).unwrap()
        }));
        ratios.push(sealed.as_secs_f64() / plain.as_secs_f64());
        ours.push(sealed);
        theirs.push(plain);
    }
    ratios.sort_by(f64::total_cmp);
    println!("append {} bytes: {:?}, bare write + fdatasync {:?}", line.len(), median(ours), median(theirs));
    println!("append / bare, median of paired rounds: {:.2} (at most 1.5)", ratios[ratios.len() / 2]);
    println!("open + append: {:?}", median(calls));
}

/// A redactor as a call makes one, and a short line through it.
fn redact() {
    let variables: Vec<(OsString, OsString)> = (0..10)
        .map(|i| (format!("SERVICE_{i}_TOKEN").into(), format!("tok-{i}-9f8e7d6c5b4a39281706").into()))
        .collect();
    let tags = guard::record::TagKey::new([1; 32]);
    let both = (0..2_000).map(|_| {
        time(|| {
            let mut secrets = Secrets::default();
            secrets.environment(&variables);
            Redactor::new(tags.clone(), secrets).redact("pytest tests/test_risk.py -x -q --maxfail=1")
        })
    });
    println!("redactor of 10 secrets and a short line: {:?} (at most 100 µs)", median(both.collect()));
    let redactor =
        Redactor::new(tags, [guard::record::redact::Known { kind: "k".into(), value: b"canary-canary".to_vec() }]);
    let output = "tests/test_risk.py::test_limits PASSED in 0.01s [ 42%]: value=3\n".repeat(130_000);
    let took = time(|| {
        let mut stream = redactor.stream();
        let mut out = Vec::new();
        for part in output.as_bytes().chunks(65_536) {
            stream.feed(part, &mut out);
            out.clear();
        }
        stream.finish(&mut out);
    });
    println!("redacting output: {:.0} MB/s", output.len() as f64 / 1e6 / took.as_secs_f64());
}

fn open(ten: &Paths, long: &Paths) {
    let (mut short, mut far) = (vec![], vec![]);
    for _ in 0..2_000 {
        short.push(time(|| Log::open(ten).unwrap()));
        far.push(time(|| Log::open(long).unwrap()));
    }
    let (short, far) = (median(short), median(far));
    println!("open with 10 records: {short:?}, with {}: {far:?}", Log::open(long).unwrap().head().0);
    println!("ratio: {:.2}", far.as_secs_f64() / short.as_secs_f64());
    for name in ["snapshot.0", "snapshot.1"] {
        let _ = fs::remove_file(long.state.join(name));
    }
    println!("open without a snapshot: {:?}", time(|| Log::open(long).unwrap()));
}

fn prove(paths: &Paths, seed: &Key) {
    for (workers, with) in [(1, true), (2, true), (2, false)] {
        let proof = Proof {
            log: paths.log.clone(),
            state: Some(paths.state.clone()),
            seed: with.then(|| seed.clone()),
            head: None,
            workers,
        };
        let mut records = 0;
        let took = time(|| records = verify(&proof).unwrap().records);
        let rate = records as f64 / took.as_secs_f64();
        println!("verify, seed {with}, {workers} workers: {rate:.0} records/s (at least 200,000 a core)");
    }
    let status = fs::read_to_string("/proc/self/status").unwrap();
    println!("{}", status.lines().find(|l| l.starts_with("VmHWM")).unwrap());
}
