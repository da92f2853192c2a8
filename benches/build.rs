//! What `guard loop` adds to the agent's and the tools' own time: a phase of 20 actions, beside the same programs run plainly; how long a
//! plan is resumed with a million records behind it; and the memory both take. Rounds are paired, the median of their differences
//! is printed.
//!
//! `cargo bench --bench build`

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a measurement that fails has nothing to say")]

use guard::event::{Detail, Entry, Human};
use guard::record::{Log, Redactor, Secrets};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

const ROUNDS: usize = 60;
const ACTIONS: usize = 20;
const RECORDS: u64 = 1_000_000;

fn main() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder on the disk that is measured");
    let place = Place::new(folder.path());
    println!("load before: {}", load());
    phase(&place);
    resumed(&place);
    println!("load after: {}", load());
}

struct Place {
    home: PathBuf,
    project: PathBuf,
}

impl Place {
    fn new(folder: &Path) -> Self {
        let place = Self { home: folder.to_owned(), project: folder.join("project") };
        std::fs::create_dir_all(&place.project).expect("a project");
        std::fs::write(place.project.join("guarded.sh"), actions("guard exec -- ")).expect("an agent");
        std::fs::write(place.project.join("plain.sh"), actions("")).expect("an agent");
        let policy = "version = 1\nextends = [\"python\"]\n\n[loop]\nagent_runs = 1000\n";
        std::fs::write(place.project.join("guard.toml"), policy).expect("a policy");
        assert!(place.guard(&["init"]).status().expect("guard").success(), "a project");
        place
    }

    fn guard(&self, words: &[&str]) -> Command {
        self.program(binary().as_os_str(), words)
    }

    fn program(&self, program: &std::ffi::OsStr, words: &[&str]) -> Command {
        // This process goes there itself: a `current_dir` would have the call forked.
        std::env::set_current_dir(&self.project).expect("a project");
        let mut command = Command::new(program);
        command.args(words).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", &self.home);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// A plan of one phase under another id, so that it is worked on.
    fn plan(&self, round: usize) -> String {
        let name = format!("plan{round}.toml");
        let text = format!(
            "version = 1\n[agent]\nkind = \"command\"\nrun = [\"bash\", \"guarded.sh\"]\n[[phase]]\nid = \"1.{round}\"\n\
             description = \"twenty actions\"\nfiles = [\"*.py\"]\n[phase.checks]\nlint = \"/bin/true\"\n"
        );
        std::fs::write(self.project.join(&name), text).expect("a plan");
        name
    }
}

/// An agent that does twenty things, each by a call of its own.
fn actions(by: &str) -> String {
    format!("for n in $(seq {ACTIONS}); do {by}/bin/true || exit 1; done\n")
}

/// The program as `cargo build --release` makes it, not the one that cargo makes beside a benchmark.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let built = Command::new(env!("CARGO")).args(["build", "--release", "--quiet"]).status().expect("cargo");
        assert!(built.success(), "guard can be built");
        PathBuf::from(env!("CARGO_BIN_EXE_guard"))
    })
}

fn load() -> String {
    std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim().to_owned()
}

/// A whole plan of one phase, beside its agent and its check run plainly.
fn phase(place: &Place) {
    let (mut added, mut most, mut wholes) = (Vec::new(), 0, Vec::new());
    for round in 0..ROUNDS + 3 {
        let plan = place.plan(round);
        let (agent, _) = ran(&mut place.program("/bin/bash".as_ref(), &["plain.sh"]));
        let (check, _) = ran(&mut place.program("/bin/true".as_ref(), &[]));
        let (whole, held) = ran(&mut place.guard(&["loop", &plan]));
        most = most.max(held);
        if round >= 3 {
            added.push((whole.saturating_sub(agent + check)).as_secs_f64());
            wholes.push(whole.as_secs_f64());
        }
    }
    let (added, whole) = (median(added) * 1e3, median(wholes) * 1e3);
    println!(
        "a phase of {ACTIONS} actions and a check: {whole:.0} ms, of which guard adds {added:.0} ms (at most 150)"
    );
    println!("the loop held at most {:.1} MiB (at most 48)", most as f64 / 1024.0);
}

/// The call that finds a plan complete, with a million records behind it.
fn resumed(place: &Place) {
    let plan = place.plan(0);
    ran(&mut place.guard(&["loop", &plan, "--replan"]));
    fill(place);
    let (mut times, mut most) = (Vec::new(), 0);
    for round in 0..ROUNDS + 3 {
        let (time, held) = ran(&mut place.guard(&["loop", &plan]));
        most = most.max(held);
        if round >= 3 {
            times.push(time.as_secs_f64());
        }
    }
    println!("a plan resumed with {RECORDS} records behind it: {:.0} ms (less than 100)", median(times) * 1e3);
    println!("the loop held at most {:.1} MiB (at most 48)", most as f64 / 1024.0);
}

/// Appends records as runs make them, four thousand at a time.
fn fill(place: &Place) {
    let paths = guard::record::find(&place.home.join(".local/state/guard"), &place.project).expect("a project");
    let mut log = Log::open(&paths).expect("a log");
    let redactor = Redactor::new(log.tag_key(), Secrets::default());
    let entry = |of| Entry {
        human: Human::Labelled { label: "STDOUT".into(), text: "12 passed in 1.70s".into() },
        detail: Detail::Output { of, len: 19, sha256: None, blob: None },
    };
    while log.state().records < RECORDS {
        let of = log.state().records;
        log.append(&redactor, (0..4000).map(|_| entry(of)).collect()).expect("room on the disk");
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Runs it to its end: how long it took, and the most memory it held, in KiB.
fn ran(command: &mut Command) -> (Duration, i64) {
    let began = Instant::now();
    #[expect(clippy::zombie_processes, reason = "`wait4` below waits for it")]
    let child = command.spawn().expect("a program");
    let id = libc::pid_t::try_from(child.id()).expect("a process");
    let (mut status, mut usage) = (0, std::mem::MaybeUninit::<libc::rusage>::zeroed());
    #[expect(unsafe_code, reason = "the standard library does not tell what a child used")]
    // SAFETY: both pointers are to values of their types on this stack; the child is this process's own and not yet waited for.
    let ended = unsafe { libc::wait4(id, &mut status, 0, usage.as_mut_ptr()) };
    let took = began.elapsed();
    assert_eq!((ended, status), (id, 0), "{command:?}");
    #[expect(unsafe_code, reason = "as above")]
    // SAFETY: it was zeroed, and wait4 filled it.
    let usage = unsafe { usage.assume_init() };
    (took, usage.ru_maxrss)
}
