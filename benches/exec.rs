//! What `guard exec` costs, in paired rounds: each round times a bare fdatasync, a plain exec and guard, in turn, others
//! `bwrap` with a like fence (where installed) and guard; the ratios are taken round by round and their median is printed.
//!
//! `cargo bench --bench exec`; with `-- hook` only what a harness's hook costs, with `-- file` only a write of a file, with `-- cost` only the
//! call itself. Root measures that as an ordinary user as well.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a measurement that fails has nothing to say"
)]

use guard::event::{Detail, Entry, Human};
use guard::record::{Log, Redactor, Secrets};
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

const ROUNDS: usize = 300;
/// By its path: a search along `PATH` would have it forked, as said at [`Home::guard`].
const BWRAP: &str = "/usr/bin/bwrap";

/// Set for the process that measures as an ordinary user: the program, and a folder that is that user's.
const INSTALLED: &str = "GUARD_BENCH_INSTALLED";
const FOLDER: &str = "GUARD_BENCH_FOLDER";

fn main() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        println!("guard exec -- /bin/true, {ROUNDS} paired rounds, as {}", user());
        return cost(&Home::new(Path::new(&folder), "ordinary"));
    }
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder on the disk that is measured");
    let home = Home::new(folder.path(), "a");
    println!("guard exec -- /bin/true, {ROUNDS} paired rounds, as {}", user());
    let only = |what: &str| std::env::args().any(|word| word == what);
    if only("file") {
        return file(&home);
    }
    let hooks_alone = only("hook");
    if !hooks_alone {
        cost(&home);
        as_ordinary(folder.path());
    }
    if only("cost") {
        return;
    }
    hook(&home);
    if hooks_alone {
        return;
    }
    file(&home);
    neighbour(&home);
    history(folder.path(), &home);
    crowd(&Home::with(folder.path(), "crowd", Some("[limits]\nparallel = 100\n")));
    flood(&home);
}

struct Home {
    home: PathBuf,
    project: PathBuf,
}

impl Home {
    fn new(folder: &Path, name: &str) -> Self {
        Self::with(folder, name, None)
    }

    /// The same with more settings.
    fn with(folder: &Path, name: &str, settings: Option<&str>) -> Self {
        let home = folder.join(name);
        let project = home.join("project");
        std::fs::create_dir_all(&project).expect("a project");
        if let Some(settings) = settings {
            let policy = format!("version = 1\nextends = [\"python-trading\"]\n{settings}");
            std::fs::write(project.join("guard.toml"), policy).expect("a policy");
        }
        let home = Self { home, project };
        assert!(home.guard(&["init", "--preset", "python-trading"]).status().expect("guard").success());
        home
    }

    /// A call of guard in the project. This process goes there itself: a `current_dir` would have the call forked,
    /// which costs by the size of this process, where the plain exec it is compared with is spawned.
    fn guard(&self, arguments: &[&str]) -> Command {
        std::env::set_current_dir(&self.project).expect("a project");
        let mut command = Command::new(binary());
        command.args(arguments).env_clear();
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", &self.home);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit());
        command
    }
}

/// The program as `cargo install` puts it on a path: what `cargo build --release` makes, copied. The one that cargo makes beside a
/// benchmark has what the tests' dependencies switch on as well: 100 kB of tables that every start would have to relocate. And what a
/// linker wrote piece by piece stays in memory in such pieces until it is read from the disk again, so that each page fault takes longer.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(installed) = std::env::var_os(INSTALLED) {
            return installed.into();
        }
        let built = Command::new(env!("CARGO")).args(["build", "--release", "--quiet"]).status().expect("cargo");
        assert!(built.success(), "guard can be built");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("installed");
        std::fs::create_dir_all(&folder).expect("a folder");
        let installed = folder.join("guard");
        let _from_before = std::fs::remove_file(&installed);
        std::fs::copy(env!("CARGO_BIN_EXE_guard"), &installed).expect("guard can be copied");
        installed
    })
}

/// A hook's answers against a plain exec and, where something is recorded, a bare fdatasync.
fn hook(home: &Home) {
    let file = home.home.join("question");
    let mut bare = File::create(home.home.join("bare.log")).expect("a file");
    println!("guard hook claude, {ROUNDS} paired rounds; at most 2.5 × plain, and one fdatasync where it records");
    for (what, event, tool, input, records) in questions() {
        let (mut asked, mut ratios, mut goal) = (vec![], vec![], vec![]);
        for round in 0..ROUNDS + 20 {
            let text = input.replace("ROUND", &round.to_string()).replace("GUARD", &binary().display().to_string());
            let input: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            let question = serde_json::json!({
                "cwd": home.project, "hook_event_name": event, "tool_name": tool, "tool_input": input,
            });
            std::fs::write(&file, question.to_string()).expect("a question");
            let plain = timed(|| succeed(Command::new("/bin/true").env_clear()));
            let sync = timed(|| {
                bare.write_all(&[b'x'; 300]).expect("room on the disk");
                bare.sync_data().expect("a sync");
            });
            let mut call = home.guard(&["hook", "claude"]);
            call.stdin(File::open(&file).expect("a question")).stderr(Stdio::null());
            let took =
                timed(|| assert!(call.status().expect("guard").code().is_some_and(|code| code == 0 || code == 2)));
            if round >= 20 {
                asked.push(took);
                ratios.push(secs(took) / secs(plain));
                goal.push(secs(took) / (2.5 * secs(plain) + f64::from(records) * secs(sync)));
            }
        }
        println!(
            "  {what:<36} {:>6.0} µs   {:.2} × plain   {:.2} of the bound",
            micros(&asked),
            median(ratios),
            median(goal)
        );
    }
}

/// What it is, event, tool, input (ROUND is a number, GUARD this guard), and how many times it records.
fn questions() -> [(&'static str, &'static str, &'static str, &'static str, u8); 9] {
    let (before, after) = ("PreToolUse", "PostToolUse");
    [
        ("a command, allowed", before, "Bash", r#"{"command": "cd src && pytest -q | tail -n 3"}"#, 0),
        ("a call of guard itself", before, "Bash", r#"{"command": "GUARD status"}"#, 0),
        ("a file, accepted", before, "Write", r#"{"file_path": "a.py", "content": "x"}"#, 0),
        ("another tool", before, "Read", r#"{"file_path": "a.py"}"#, 0),
        ("a command that guard ran", after, "Bash", r#"{"command": "GUARD exec -c ls"}"#, 0),
        // The same twice would count, and halt.
        ("a command, denied", before, "Bash", r#"{"command": "echo x > /etc/motdROUND"}"#, 1),
        ("a file, refused", before, "Write", r#"{"file_path": "guard.toml", "content": "x"}"#, 1),
        ("a command outside the fence", after, "Bash", r#"{"command": "ls"}"#, 1),
        ("a file, changed", after, "Write", r#"{"file_path": "a.py", "content": "x"}"#, 1),
    ]
}

/// The whole call against a plain exec and two bare fdatasyncs.
fn cost(home: &Home) {
    let mut bare = File::create(home.home.join("bare.log")).expect("a file");
    let (mut plain, mut sync, mut guard) = (vec![], vec![], vec![]);
    for round in 0..ROUNDS + 20 {
        let times = [
            timed(|| {
                bare.write_all(&[b'x'; 300]).expect("room on the disk");
                bare.sync_data().expect("a sync");
            }),
            timed(|| succeed(Command::new("/bin/true").env_clear())),
            {
                let mut call = home.guard(&["exec", "--", "/bin/true"]);
                timed(|| succeed(&mut call))
            },
        ];
        if round >= 20 {
            sync.push(times[0]);
            plain.push(times[1]);
            guard.push(times[2]);
        }
    }
    let ratio: Vec<f64> = (0..ROUNDS).map(|n| secs(guard[n]) / secs(plain[n])).collect();
    let goal: Vec<f64> = (0..ROUNDS).map(|n| secs(guard[n]) / (5.5 * secs(plain[n]) + 2.0 * secs(sync[n]))).collect();
    println!("  plain exec            {:>8.0} µs", micros(&plain));
    println!("  bare append+fdatasync {:>8.0} µs", micros(&sync));
    println!("  guard exec            {:>8.0} µs   {:.2} × plain", micros(&guard), median(ratio));
    println!("  against the bound of 5.5 × plain + 2 × fdatasync: {:.2} of it (at most 1)", median(goal));
}

/// Where this is root's: the same once more in a process of an ordinary user, which starts programs as this one does.
fn as_ordinary(folder: &Path) {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    // The first that is a person's; otherwise the one that everybody has.
    let users = std::fs::read_to_string("/etc/passwd").expect("users");
    let numbers = users.lines().filter_map(|line| line.split(':').nth(2)?.parse().ok());
    let user: u32 = numbers.filter(|number| (1000..60_000).contains(number)).min().unwrap_or(65_534);
    let own = folder.join("of-ordinary");
    std::fs::create_dir(&own).expect("a folder");
    std::os::unix::fs::chown(&own, Some(user), Some(user)).expect("a folder of its own");
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("a way to it");
    let mut itself = Command::new(std::env::current_exe().expect("this program"));
    itself.uid(user).gid(user).current_dir(&own).env_clear();
    itself.env("PATH", "/usr/local/bin:/usr/bin:/bin").env(INSTALLED, binary()).env(FOLDER, &own);
    succeed(&mut itself);
}

/// A write of 10 kB of Python, parsed, durable and recorded, against the whole call that runs `/bin/true`.
fn file(home: &Home) {
    let input = home.home.join("content.py");
    let line = "    total = total + len(name) * 2  # what a line of a program is like\n";
    let (mut written, mut ratios) = (vec![], vec![]);
    for round in 0..ROUNDS + 20 {
        let text = format!("def f{round}(name, total):\n{}    return total\n", line.repeat(10_000 / line.len()));
        std::fs::write(&input, text).expect("a content");
        let mut call = home.guard(&["exec", "--", "/bin/true"]);
        let exec = timed(|| succeed(&mut call));
        let mut call = home.guard(&["file", "write", "scripts/measured.py", "--reason", "a measurement"]);
        call.stdin(File::open(&input).expect("a content"));
        let write = timed(|| succeed(&mut call));
        if round >= 20 {
            written.push(write);
            ratios.push(secs(write) / secs(exec));
        }
    }
    let (took, ratio) = (micros(&written), median(ratios));
    println!(
        "guard file write, 10 kB of Python, {ROUNDS} paired rounds: {took:.0} µs, {ratio:.2} × guard exec (at most 2.5)"
    );
}

/// The whole call against bubblewrap, in rounds of their own: the kernel takes its network namespace down after it ended,
/// in the time of whatever runs next.
fn neighbour(home: &Home) {
    if Command::new(BWRAP).arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("  bwrap is not installed: not compared");
        return;
    }
    let (mut wrapped, mut ratios) = (vec![], vec![]);
    for round in 0..ROUNDS + 20 {
        let bwrap = timed(|| succeed(&mut bubblewrap(&home.project)));
        let mut call = home.guard(&["exec", "--", "/bin/true"]);
        let guard = timed(|| succeed(&mut call));
        if round >= 20 {
            wrapped.push(bwrap);
            ratios.push(secs(guard) / secs(bwrap));
        }
    }
    println!("  bwrap, like fence     {:>8.0} µs   guard takes {:.2} of it", micros(&wrapped), median(ratios));
}

/// The nearest that bubblewrap has to guard's fence.
fn bubblewrap(project: &Path) -> Command {
    let mut command = Command::new(BWRAP);
    command.args([
        "--unshare-user",
        "--unshare-pid",
        "--unshare-ipc",
        "--unshare-net",
        "--die-with-parent",
        "--new-session",
    ]);
    command.args([
        "--cap-drop",
        "ALL",
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
    ]);
    command.arg("--bind").arg(project).arg(project);
    command.arg("--ro-bind").arg(project.join("guard.toml")).arg(project.join("guard.toml"));
    command.arg("--ro-bind").arg("/dev/null").arg(project.join("build_audit.log"));
    command.args(["--", "/bin/true"]).env_clear().stdin(Stdio::null());
    command
}

/// The same call with 10 and with a million records behind it.
fn history(folder: &Path, young: &Home) {
    let old = Home::new(folder, "old");
    println!("a call with few and with 1,000,000 records behind it, {ROUNDS} paired rounds");
    fill(&old, 1_000_000);
    let mut ratios = Vec::new();
    for round in 0..ROUNDS + 20 {
        let [few, many] = [young, &old].map(|home| {
            let mut call = home.guard(&["exec", "--", "/bin/true"]);
            timed(|| succeed(&mut call))
        });
        if round >= 20 {
            ratios.push(secs(many) / secs(few));
        }
    }
    println!("  with a million: {:.3} of the time with few (at most 1.10)", median(ratios));
}

/// Appends records as runs make them, four thousand at a time.
fn fill(home: &Home, records: u64) {
    let state_root = home.home.join(".local/state/guard");
    let paths = guard::record::find(&state_root, &home.project).expect("a project");
    let mut log = Log::open(&paths).expect("a log");
    let redactor = Redactor::new(log.tag_key(), Secrets::default());
    let entry = |of| Entry {
        human: Human::Labelled { label: "STDOUT".into(), text: "12 passed in 1.70s".into() },
        detail: Detail::Output { of, len: 19, sha256: None, blob: None },
    };
    while log.state().records < records {
        let of = log.state().records;
        log.append(&redactor, (0..4000).map(|_| entry(of)).collect()).expect("room on the disk");
    }
}

/// A hundred guards at once.
fn crowd(home: &Home) {
    let took = timed(|| {
        let calls: Vec<_> = (0..100).map(|_| home.guard(&["exec", "--", "true"]).spawn().expect("guard")).collect();
        for mut call in calls {
            assert!(call.wait().expect("guard").success());
        }
    });
    println!("100 guards at once: all recorded, {:.0} ms in all", secs(took) * 1e3);
    assert!(home.guard(&["audit", "verify"]).status().expect("guard").success());
}

/// Peak memory and throughput with a child that prints 1 GB.
fn flood(home: &Home) {
    let script = "import os\nb = b'x' * 65535 + b'\\n'\nfor _ in range(16384): os.write(1, b)";
    let mut command = home.guard(&["exec", "--", "python3", "-c", script]);
    let mut child = command.spawn().expect("guard");
    let status = Path::new("/proc").join(child.id().to_string()).join("status");
    let mut peak = String::new();
    let took = timed(|| {
        while child.try_wait().expect("guard").is_none() {
            if let Ok(text) = std::fs::read_to_string(&status)
                && let Some(line) = text.lines().find(|line| line.starts_with("VmHWM"))
            {
                line.clone_into(&mut peak);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    });
    let kib: f64 = peak.split_whitespace().nth(1).and_then(|word| word.parse().ok()).unwrap_or(f64::NAN);
    println!(
        "a child that prints 1 GiB: guard's peak memory {:.1} MiB (at most 32), {:.2} s",
        kib / 1024.0,
        secs(took)
    );
}

fn succeed(command: &mut Command) {
    assert!(command.status().expect("it starts").success(), "{command:?}");
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn secs(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

fn micros(times: &[Duration]) -> f64 {
    median(times.iter().map(|time| secs(*time) * 1e6).collect())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn user() -> &'static str {
    if rustix::process::geteuid().is_root() { "root" } else { "an ordinary user" }
}
