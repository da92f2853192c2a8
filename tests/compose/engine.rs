//! A Docker engine for the tests: the machine's own if one answers, else one that lives as long as the tests.

use rustix::fs::{FlockOperation, flock};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The name of the image: one static program, as `sh`, `sleep`, `echo` and `ls`.
pub(crate) const IMAGE: &str = "guard-test:1";

/// An engine with the image, held until the tests end; or why there is none.
pub(crate) fn ready() -> Result<(), &'static str> {
    static READY: OnceLock<Result<(), String>> = OnceLock::new();
    READY.get_or_init(begin).as_ref().copied().map_err(String::as_str)
}

fn begin() -> Result<(), String> {
    for tool in ["docker", "dockerd", "busybox", "setpriv"] {
        if !["/usr/local/bin", "/usr/bin", "/usr/sbin", "/bin"].iter().any(|at| Path::new(at).join(tool).exists()) {
            return Err(format!("`{tool}` is not installed"));
        }
    }
    // Only one of several test runs at a time uses the engine, and none stops another's.
    let lock = File::create(std::env::temp_dir().join("guard-test-engine.lock")).map_err(|e| e.to_string())?;
    flock(&lock, FlockOperation::LockExclusive).map_err(|e| e.to_string())?;
    std::mem::forget(lock);
    if !answers() {
        if !rustix::process::geteuid().is_root() {
            return Err("starting one needs root".to_owned());
        }
        start()?;
    }
    image()
}

fn docker(arguments: &[&str]) -> Command {
    let mut command = Command::new("docker");
    command
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", "/nonexistent");
    command
}

fn answers() -> bool {
    docker(&["info"]).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Starts an engine that ends with the tests: the thread that starts it stays to the end, and the engine is told when
/// it goes.
fn start() -> Result<(), String> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("engine");
    std::fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
    let log = folder.join("log");
    let out = File::create(&log).map_err(|e| e.to_string())?;
    let both = out.try_clone().map_err(|e| e.to_string())?;
    std::thread::spawn(move || {
        let at = |name: &str| folder.join(name).into_os_string();
        let mut command = Command::new("setpriv");
        command
            // What it mounts goes with it.
            .args(["--pdeathsig", "TERM", "unshare", "--mount", "dockerd"])
            .args(["--iptables=false", "--ip6tables=false", "--bridge=none"])
            .args(["--storage-driver=vfs", "--host", "unix:///var/run/docker.sock", "--data-root"])
            .arg(at("data"))
            // A socket's path is short.
            .args(["--exec-root", "/run/guard-test-engine"])
            .arg("--pidfile")
            .arg(at("pid"))
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(both);
        let _ended = command.status();
    });
    let began = Instant::now();
    while !answers() {
        if began.elapsed() > Duration::from_secs(30) {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            return Err(format!("none answers: {}", said.lines().last().unwrap_or_default()));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

fn image() -> Result<(), String> {
    if docker(&["image", "inspect", IMAGE])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
    {
        return Ok(());
    }
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let made = Command::new("sh")
        .args(["-ec", "mkdir bin; cp $(command -v busybox) bin/busybox; for name in sh sleep echo ls cat; do ln -s busybox bin/$name; done"])
        .current_dir(folder.path())
        .status();
    if !made.is_ok_and(|status| status.success()) {
        return Err("its image cannot be made".to_owned());
    }
    let line = format!("tar c . | docker import - {IMAGE}");
    let made = Command::new("sh").args(["-ec", &line]).current_dir(folder.path()).stdout(Stdio::null()).status();
    if !made.is_ok_and(|status| status.success()) {
        return Err("its image cannot be imported".to_owned());
    }
    let runs = docker(&["run", "--rm", "--network", "none", IMAGE, "echo", "x"]).output().map_err(|e| e.to_string())?;
    if runs.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&runs.stderr).into_owned()) }
}

/// What `docker inspect` says of a compose project's containers, by `format`, one line each.
pub(crate) fn inspect(project: &str, format: &str) -> Vec<String> {
    let label = format!("label=com.docker.compose.project={project}");
    let found = docker(&["ps", "--all", "--quiet", "--filter", &label]).output().unwrap();
    let ids = String::from_utf8(found.stdout).unwrap();
    ids.split_whitespace()
        .map(|id| {
            let said = docker(&["inspect", "--format", format, id]).output().unwrap();
            String::from_utf8(said.stdout).unwrap().trim().to_owned()
        })
        .collect()
}

/// Removes what a test left of a compose project, dropped or not.
pub(crate) struct Swept(pub(crate) &'static str);

impl Drop for Swept {
    fn drop(&mut self) {
        let label = format!("label=com.docker.compose.project={}", self.0);
        let Ok(found) = docker(&["ps", "--all", "--quiet", "--filter", &label]).output() else { return };
        for id in String::from_utf8_lossy(&found.stdout).split_whitespace() {
            let _gone = docker(&["rm", "--force", id]).stdout(Stdio::null()).status();
        }
    }
}
