//! What the fence costs: `/bin/true` in it against a plain `posix_spawn` and, when installed, bubblewrap with the same
//! fence. Rounds are paired, because machines are noisy; what counts is the median ratio.

#![expect(clippy::expect_used, reason = "a measurement that cannot be set up is of no use")]
#![expect(clippy::print_stdout, reason = "a measurement tells")]

use guard::execute::change::Transaction;
use guard::execute::sandbox::{Order, Reach, Work};
use guard::execute::{Environment, Level, Place, Sink, prepare_order};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

struct Nothing(u64);

impl Sink for Nothing {
    fn stdout(&mut self, bytes: &[u8]) {
        self.0 += bytes.len() as u64;
    }
    fn stderr(&mut self, _: &[u8]) {}
}

struct Stage {
    _root: tempfile::TempDir,
    place: Place,
    environment: Environment,
}

fn stage() -> Stage {
    let root = tempfile::tempdir_in(concat!(env!("CARGO_MANIFEST_DIR"), "/target")).expect("a folder");
    let project = root.path().join("project");
    let (state, caches) = (root.path().join("state"), root.path().join("state/caches"));
    for folder in [&project.join(".git/hooks"), &caches] {
        std::fs::create_dir_all(folder).expect("a folder");
    }
    for file in ["guard.toml", "build_audit.log", ".git/config"] {
        std::fs::write(project.join(file), "").expect("a file");
    }
    let environment = Environment::new(std::env::vars_os(), &[], &caches);
    let place = Place {
        cwd: project.clone(),
        protected: ["guard.toml", ".git/hooks", ".git/config"].map(|p| project.join(p)).to_vec(),
        hidden: vec![project.join("build_audit.log"), state],
        project,
        caches,
        reads: guard::execute::Reads::default(),
    };
    Stage { _root: root, place, environment }
}

fn fenced(stage: &Stage, program: &str, argv: &[&str]) -> (Duration, Duration, u64) {
    let work = Work::Argv { program: PathBuf::from(program), argv: argv.iter().map(Into::into).collect() };
    let transaction = Transaction::begin(stage._root.path(), &stage.place.project).expect("room for changes");
    let order =
        Order { layer: Some(transaction.layer()), reach: Reach::own(), ..Order::new(work, Duration::from_secs(60)) };
    let start = Instant::now();
    let mut prepared = prepare_order(order, &stage.place, &stage.environment, Level::Full).expect("a fence");
    prepared.ready().expect("a fence");
    let stood = start.elapsed();
    let mut sink = Nothing(0);
    prepared.run(&mut sink).expect("a run");
    (start.elapsed(), stood, sink.0)
}

/// When a command has ended that leaves 300 daemons behind, and when it said that it was about to.
fn daemons(stage: &Stage) -> (Instant, Instant) {
    struct Last(Option<Instant>);
    impl Sink for Last {
        fn stdout(&mut self, _: &[u8]) {
            self.0 = Some(Instant::now());
        }
        fn stderr(&mut self, _: &[u8]) {}
    }
    let program = "import os, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nout, alive = os.pipe()\n\
                   for _ in range(300):\n    if os.fork() == 0:\n        os.setsid()\n        if os.fork() == 0:\n            \
                   os.write(alive, b'x'); time.sleep(600)\n        os._exit(0)\n    os.wait()\n\
                   for _ in range(300): os.read(out, 1)\nos.write(1, b'x')\nos._exit(0)\n";
    let argv = ["python3", "-c", program].map(Into::into).to_vec();
    let work = Work::Argv { program: PathBuf::from("/usr/bin/python3"), argv };
    let order = Order::new(work, Duration::from_secs(60));
    let prepared = prepare_order(order, &stage.place, &stage.environment, Level::Full).expect("a fence");
    let mut last = Last(None);
    let outcome = prepared.run(&mut last).expect("a run");
    assert_eq!(outcome.exit_code, 0, "the storm came about");
    drop(outcome);
    (Instant::now(), last.0.expect("it said so"))
}

/// Round trips of one byte over a TCP connection of its own, timed by the program itself once it is connected.
const ROUND_TRIPS: &str = "import socket, threading, time
s = socket.create_server(('127.0.0.1', 0)); c = socket.create_connection(s.getsockname()); p, _ = s.accept()
for e in (c, p): e.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
def echo():
    while True:
        b = p.recv(1)
        if not b: return
        p.sendall(b)
threading.Thread(target=echo, daemon=True).start()
t = time.perf_counter()
for _ in range(5000): c.sendall(b'x'); c.recv(1)
print(time.perf_counter() - t)";

/// Keeps what it is told.
struct Text(Vec<u8>);

impl Sink for Text {
    fn stdout(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
    fn stderr(&mut self, _: &[u8]) {}
}

fn seconds(text: &[u8]) -> f64 {
    String::from_utf8_lossy(text).trim().parse().expect("a time")
}

/// The round trips in a fence over those without one.
fn round_trips(stage: &Stage) -> f64 {
    let argv = ["python3", "-c", ROUND_TRIPS];
    let bare = Command::new("/usr/bin/python3").args(["-c", ROUND_TRIPS]).output().expect("a process");
    let work = Work::Argv { program: PathBuf::from("/usr/bin/python3"), argv: argv.iter().map(Into::into).collect() };
    let order = Order { reach: Reach::own(), ..Order::new(work, Duration::from_secs(60)) };
    let prepared = prepare_order(order, &stage.place, &stage.environment, Level::Full).expect("a fence");
    let mut text = Text(Vec::new());
    prepared.run(&mut text).expect("a run");
    seconds(&text.0) / seconds(&bare.stdout)
}

fn plain(program: &str, args: &[&str]) -> Duration {
    let start = Instant::now();
    Command::new(program).args(args).stdin(Stdio::inherit()).status().expect("a process");
    start.elapsed()
}

fn bubblewrap(stage: &Stage) -> Option<Duration> {
    let bwrap = Path::new("/usr/bin/bwrap");
    let project = stage.place.project.to_str()?;
    if !bwrap.exists() {
        return None;
    }
    let args = [
        "--unshare-user",
        "--unshare-pid",
        "--unshare-ipc",
        "--die-with-parent",
        "--new-session",
        "--ro-bind",
        "/",
        "/",
        "--dev",
        "/dev",
        "--proc",
        "/proc",
        "--tmpfs",
        "/tmp",
        "--tmpfs",
        "/run",
        "--bind",
        project,
        project,
        "--chdir",
        project,
        "/bin/true",
    ];
    Some(plain("/usr/bin/bwrap", &args))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn main() {
    let stage = stage();
    let (mut ratio, mut standing, mut against, mut base) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..420 {
        let unfenced = plain("/bin/true", &[]).as_secs_f64();
        let (whole, stood, _) = fenced(&stage, "/bin/true", &["true"]);
        let other = bubblewrap(&stage);
        if round < 20 {
            continue;
        }
        base.push(unfenced * 1e6);
        ratio.push(whole.as_secs_f64() / unfenced);
        standing.push(stood.as_secs_f64() / unfenced);
        against.extend(other.map(|o| whole.as_secs_f64() / o.as_secs_f64()));
    }
    println!("plain /bin/true                     {:8.0} µs", median(base));
    println!("fence and /bin/true over plain      {:8.2}", median(ratio));
    println!("  until the fence stands            {:8.2}", median(standing));
    if against.is_empty() {
        println!("over bubblewrap                     not installed");
    } else {
        println!("over bubblewrap                     {:8.2}", median(against));
    }

    let mut storm = Vec::new();
    for _ in 0..5 {
        let (done, last) = daemons(&stage);
        storm.push((done - last).as_secs_f64() * 1e3);
    }
    println!("300 daemons gone after their command  {:6.0} ms (at most 1000)", median(storm));
    let trips: Vec<f64> = (0..61).map(|_| round_trips(&stage)).collect();
    println!("loopback round trip, fenced over bare {:6.2}", median(trips));

    let mut through = Vec::new();
    for _ in 0..5 {
        let argv = ["head", "-c", "1000000000", "/dev/zero"];
        let start = Instant::now();
        let line = "head -c 1000000000 /dev/zero | cat >/dev/null";
        Command::new("/bin/sh").args(["-c", line]).status().expect("a pipe");
        let pipe = start.elapsed();
        let (whole, _, len) = fenced(&stage, "/usr/bin/head", &argv);
        assert_eq!(len, 1_000_000_000, "every byte comes through");
        through.push(whole.as_secs_f64() / pipe.as_secs_f64());
    }
    println!("1 GB through the fence over `| cat` {:8.2}", median(through));
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown");
    println!("peak memory of this process         {}", peak.trim());
}
