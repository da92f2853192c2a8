//! What `guard db query` costs beside `psql -c` of the same on the same server, each as a whole process: one row, and a million
//! rows of four columns with the memory that takes. Rounds are paired, because machines are noisy; what counts is the median
//! ratio.
//!
//! `eval "$(scripts/servers start)"; cargo bench --bench query`

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a measurement that fails has nothing to say"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

const ONE: &str = "SELECT relname FROM pg_class WHERE oid = 1259";
/// guard knows no made-up rows, so they stand in a table.
const MANY: &str = "SELECT * FROM million";
const TABLE: &str = "CREATE TABLE IF NOT EXISTS million AS SELECT i AS id, i * 1.5 AS price, 'a text of some length' AS note, \
    timestamp '2026-01-01' + i * interval '1 second' AS at FROM generate_series(1, 1000000) AS i";

struct Place {
    sockets: String,
    port: String,
    home: PathBuf,
    project: PathBuf,
}

fn main() {
    let sockets = std::env::var("GUARD_TEST_POSTGRES_SOCKETS").expect("scripts/servers start");
    let url = std::env::var("GUARD_TEST_POSTGRES").expect("scripts/servers start");
    let (_, port) = url.rsplit_once(':').expect("a port");
    let port = port.split('/').next().expect("a port").to_owned();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let project = folder.path().join("project");
    std::fs::create_dir_all(&project).expect("a project");
    let place = Place { sockets, port, home: folder.path().to_owned(), project };
    place.made();
    let made = place.psql("owner", &["-c", TABLE, "-c", "GRANT SELECT ON million TO bare"]).status().expect("psql");
    assert!(made.success(), "a table");
    println!("load before: {}", load());
    compare(&place, "one row", ONE, "--json", 101);
    compare(&place, "one row, as a table", ONE, "--table", 101);
    let most = compare(&place, "a million rows, CSV", MANY, "--csv", 7);
    println!("guard held at most {:.1} MiB", most as f64 / 1024.0);
    let most = compare(&place, "a million rows, JSON", MANY, "--json", 7);
    println!("guard held at most {:.1} MiB", most as f64 / 1024.0);
    println!("load after: {}", load());
}

/// The program as `cargo build --release` makes it, not the one that cargo makes beside a benchmark.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a folder of this target's");
        let built = Command::new(env!("CARGO"))
            .args(["build", "--release", "--quiet", "--bin", "guard", "--manifest-path"])
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
            .status()
            .expect("cargo");
        assert!(built.success(), "guard can be built");
        target.join("release/guard")
    })
}

fn load() -> String {
    std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim().to_owned()
}

impl Place {
    /// The project, whose policy names the database.
    fn made(&self) {
        let policy = "version = 1\nextends = [\"python\"]\n[[database]]\nname = \"d\"\nkind = \"postgres\"\nurl_env = \"D\"\n\
            rows = 1000000\nbytes = \"1GB\"\ntimeout = \"5min\"\n";
        std::fs::write(self.project.join("guard.toml"), policy).expect("a policy");
        let url = format!("D=postgres://bare@/postgres?host={}&port={}\n", self.sockets, self.port);
        std::fs::write(self.project.join(".env"), url).expect("a URL");
        assert!(self.guard(&["init"]).status().expect("guard").success(), "a project");
    }

    fn guard(&self, words: &[&str]) -> Command {
        // This process goes there itself: a `current_dir` would have the call forked.
        std::env::set_current_dir(&self.project).expect("a project");
        let mut command = Command::new(binary());
        command.args(words).env_clear().env("PATH", "/usr/bin:/bin").env("HOME", &self.home);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    fn psql(&self, user: &str, words: &[&str]) -> Command {
        // Not Debian's wrapper, which is a program in Perl that looks for the real one.
        let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
            .expect("PostgreSQL")
            .filter_map(|entry| Some(entry.ok()?.path().join("bin/psql")))
            .filter(|path| path.exists())
            .collect();
        found.sort();
        let mut command = Command::new(found.last().expect("psql"));
        command.args(["-X", "-q", "-h", &self.sockets, "-p", &self.port, "-U", user, "-d", "postgres"]).args(words);
        command.env_clear().env("PATH", "/usr/bin:/bin").stdin(Stdio::null()).stdout(Stdio::null());
        command
    }
}

/// Prints the medians of both and of their ratio; the most that guard held, in KiB.
fn compare(place: &Place, what: &str, sql: &str, layout: &str, rounds: usize) -> i64 {
    let (mut pairs, mut most): (Vec<(Duration, Duration)>, i64) = (Vec::new(), 0);
    for round in 0..rounds + 1 {
        let form = if layout == "--csv" { "--csv" } else { "-A" };
        let (theirs, _) = ran(&mut place.psql("bare", &[form, "-t", "-c", sql]));
        let (ours, held) = ran(&mut place.guard(&["db", "query", layout, sql]));
        most = most.max(held);
        if round > 0 {
            pairs.push((theirs, ours));
        }
    }
    let theirs = median(pairs.iter().map(|pair| pair.0.as_secs_f64()));
    let ours = median(pairs.iter().map(|pair| pair.1.as_secs_f64()));
    let ratio = median(pairs.iter().map(|pair| pair.1.as_secs_f64() / pair.0.as_secs_f64()));
    println!("{what}: psql {:.1} ms, guard {:.1} ms, {ratio:.2} times", theirs * 1e3, ours * 1e3);
    most
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
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
