//! What guard costs in a project: a run of tests, `git status` in a large project, and bringing in few changes and many. Rounds
//! are paired, because machines are noisy; what counts is the median ratio. As root the large projects lie in memory, so that it
//! is not the disk that is measured.
//!
//! `cargo bench --bench project`; with `-- tests`, `-- status` or `-- commit` only that part.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a measurement that fails has nothing to say"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const LARGE: usize = 100_000;
const SMALL: usize = 1_000;

fn main() {
    if std::env::var_os("GUARD_BENCH_BINARY").is_none() {
        let built = Command::new(env!("CARGO")).args(["build", "--release", "--quiet"]).status().expect("cargo");
        assert!(built.success(), "guard can be built");
    }
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load before: {}", load.trim());
    let parts: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|word| word == part);
    if wanted("tests") {
        tests();
    }
    if wanted("status") || wanted("commit") {
        let large = Home::filled(LARGE);
        if wanted("status") {
            status(&large);
        }
        if wanted("commit") {
            commit(&Home::filled(SMALL), &large);
        }
    }
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load after: {}", load.trim());
}

/// A project, and a home that belongs to it.
struct Home {
    folder: tempfile::TempDir,
    project: PathBuf,
    mounted: bool,
}

impl Drop for Home {
    fn drop(&mut self) {
        if self.mounted {
            let _gone = Command::new("umount").arg("-l").arg(&self.project).status();
        }
    }
}

impl Home {
    fn new(in_memory: bool) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder on the disk that is measured");
        let project = folder.path().join("project");
        fs::create_dir(&project).expect("a project");
        let mount = ["-t", "tmpfs", "-o", "size=2g,nr_inodes=1m", "none"];
        let mounted = in_memory
            && Command::new("mount")
                .args(mount)
                .arg(&project)
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|s| s.success());
        let home = Self { folder, project, mounted };
        let policy = "version = 1\nextends = [\"python\"]\n[iteration]\nfiles = 100000\nfolder = 100000\n[[rule]]\nid = \"status-written\"\nprogram = \"python3\"\n\
                      verdict = \"allow\"\nreason = \"measured\"\nwrites = true\n";
        fs::write(home.project.join("guard.toml"), policy).expect("a policy");
        succeed(&mut home.guard(&["init", "--preset", "python"]));
        home
    }

    /// A repository of so many files, a hundred in a folder.
    fn filled(files: usize) -> Self {
        let home = Self::new(true);
        for folder in 0..files / 100 {
            let at = home.project.join(format!("f{folder}"));
            fs::create_dir(&at).expect("a folder");
            (0..100).for_each(|file| fs::write(at.join(format!("{file}.txt")), "same\n").expect("a file"));
        }
        let script = "git init -q -b main; printf '/guard.toml\\n/build_audit.log\\n' > .git/info/exclude; git add .; \
                      git -c user.name=a -c user.email=a@b commit -qm 1; git status --short";
        succeed(&mut home.plain("bash", &["-ec", script]));
        println!("a project of {files} files, {}", if home.mounted { "in memory" } else { "on the disk" });
        home
    }

    fn guard(&self, arguments: &[&str]) -> Command {
        self.plain(&binary().to_string_lossy(), arguments)
    }

    fn plain(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.project).env_clear().env("HOME", self.folder.path());
        command
            .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", tools().display()))
            .env("GIT_OPTIONAL_LOCKS", "0");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit());
        command
    }
}

/// The guard that is measured: another one than this where `GUARD_BENCH_BINARY` names it.
fn binary() -> PathBuf {
    std::env::var_os("GUARD_BENCH_BINARY").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_guard")), PathBuf::from)
}

/// The Python tools that `scripts/test` installs.
fn tools() -> PathBuf {
    let own = std::env::var_os("GUARD_TEST_TOOLS").map(PathBuf::from);
    own.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/python/bin"))
}

/// 500 tests in ten files: bare as the tools leave it (compiled forms of the tests in place), bare with none of the project's, and
/// fenced, where guard keeps them.
fn tests() {
    let home = Home::new(false);
    for file in 0..10 {
        let one = |n| {
            format!(
                "def test_{n}():\n    value = {n} * 2\n    assert value == {}\n    assert 'x' * {n} != 'y'\n\n",
                n * 2
            )
        };
        let text: String = (0..50).map(one).collect();
        fs::write(home.project.join(format!("test_{file}.py")), text).expect("a file");
    }
    let arguments = ["-q"];
    let bare = || timed(|| succeed(&mut home.plain("pytest", &arguments)));
    let forget = || {
        let _none = fs::remove_dir_all(home.project.join("__pycache__"));
    };
    let fenced = || timed(|| succeed(&mut home.guard(&[&["exec", "--", "pytest"][..], &arguments].concat())));
    let cold: Vec<Duration> = (0..5).map(|_| timed_after(forget, bare)).collect();
    let first = fenced();
    // Compiled apart meanwhile, at the lowest priority.
    std::thread::sleep(Duration::from_secs(5));
    let (mut warm, mut kept) = (vec![], vec![]);
    for round in 0..62 {
        // Each comes first in every other round: what comes second finds warmer caches.
        let times = if round % 2 == 0 {
            (bare(), fenced())
        } else {
            let fenced = fenced();
            (bare(), fenced)
        };
        if round >= 2 {
            warm.push(times.0);
            kept.push(times.1);
        }
    }
    println!("pytest, 500 small tests, 60 paired rounds");
    println!("  bare, not compiled       {:>8.0} ms", millis(&cold));
    println!("  fenced, the first time   {:>8.0} ms", millis(&[first]));
    println!("  bare, compiled before    {:>8.0} ms", millis(&warm));
    let over = ratio(&kept, &warm);
    println!("  fenced                   {:>8.0} ms   {over:.2} × bare (at most 1.05)", millis(&kept));
}

fn timed_after(before: impl Fn(), work: impl Fn() -> Duration) -> Duration {
    before();
    work()
}

/// `git status`: bare, where nothing is written, and by a program that may write.
fn status(home: &Home) {
    let script = "import subprocess, sys\nsys.exit(subprocess.run(['git', 'status', '--short']).returncode)\n";
    fs::write(home.project.join("status.py"), script).expect("a file");
    let (mut bare, mut reading, mut plain, mut writing) = (vec![], vec![], vec![], vec![]);
    for round in 0..14 {
        // The kernel takes the fence of the last transaction down, beside whatever comes next.
        std::thread::sleep(Duration::from_millis(500));
        let times = [
            timed(|| succeed(&mut home.plain("git", &["status", "--short"]))),
            timed(|| succeed(&mut home.guard(&["exec", "--", "git", "status", "--short"]))),
            timed(|| succeed(&mut home.plain("python3", &["status.py"]))),
            timed(|| succeed(&mut home.guard(&["exec", "--", "python3", "status.py"]))),
        ];
        if round >= 2 {
            [&mut bare, &mut reading, &mut plain, &mut writing]
                .into_iter()
                .zip(times)
                .for_each(|(all, time)| all.push(time));
        }
    }
    println!("git status in {LARGE} files, 12 paired rounds");
    println!("  bare                     {:>8.0} ms", millis(&bare));
    println!(
        "  fenced, `writes = false` {:>8.0} ms   {:.2} × bare (at most 1.15)",
        millis(&reading),
        ratio(&reading, &bare)
    );
    println!("  by a program, bare       {:>8.0} ms", millis(&plain));
    println!(
        "  in a transaction         {:>8.0} ms   {:.2} × bare (at most 3)",
        millis(&writing),
        ratio(&writing, &plain)
    );
}

/// Few files and many, written in a small project and a large one.
fn commit(small: &Home, large: &Home) {
    println!("a command that writes k files, 7 paired rounds");
    let script =
        "import sys\nfor n in range(int(sys.argv[1])):\n    open(f'f{n % 10}/{n // 10}.txt', 'w').write(sys.argv[2])\n";
    for home in [small, large] {
        fs::write(home.project.join("write.py"), script).expect("a file");
    }
    for k in [0, 1, 10, 100, 1000] {
        let (mut few, mut many) = (vec![], vec![]);
        for round in 0..9 {
            let times = [small, large].map(|home| {
                let words =
                    ["exec", "--", "python3", "write.py", &k.to_string(), &format!("{round}\n")].map(str::to_owned);
                timed(|| succeed(&mut home.guard(&words.each_ref().map(String::as_str))))
            });
            if round >= 2 {
                few.push(times[0]);
                many.push(times[1]);
            }
        }
        println!(
            "  k = {k:<5} {SMALL} files {:>8.1} ms   {LARGE} files {:>8.1} ms   {:.2} ×",
            millis(&few),
            millis(&many),
            ratio(&many, &few)
        );
    }
}

fn succeed(command: &mut Command) {
    assert!(command.status().expect("it starts").success(), "{command:?}");
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// The median of the ratios, round by round.
fn ratio(of: &[Duration], to: &[Duration]) -> f64 {
    median(of.iter().zip(to).map(|(of, to)| of.as_secs_f64() / to.as_secs_f64()).collect())
}

fn millis(times: &[Duration]) -> f64 {
    median(times.iter().map(|time| time.as_secs_f64() * 1e3).collect())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
