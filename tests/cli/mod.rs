//! The command line as its users use it: the real binary on real projects.

mod bad_input;
mod cases;
mod check;
mod demo;
mod diagnostics;
mod example;
mod exec;
mod explain;
mod help;
mod history;
mod holes;
mod init;
mod json;
pub(crate) mod ladder;
mod losses;
mod messages;
mod places;
mod readme;
mod signals;
mod tools;
mod trace;
mod transactions;
mod trust;
mod unseen;
mod unwritten;
mod users;

use assert_cmd::Command;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tempfile::TempDir;

/// Budgets that no test spends that is about something else.
pub(crate) const PATIENT: &str = "[attempts]\ntotal = 1000\nsyntax = 1000\nimport = 1000\ntype = 1000\ntest = 1000\n\
                           runtime = 1000\ndatabase = 1000\ndenials = 1000\n";

/// A home with one project in it, and the environment that belongs to them.
pub(crate) struct Home {
    folder: TempDir,
    pub(crate) project: PathBuf,
}

/// What one call of guard came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Home {
    /// A home whose project is not initialised yet.
    pub(crate) fn bare() -> Self {
        Self::with_project("project".as_ref())
    }

    pub(crate) fn with_project(name: &Path) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let project = folder.path().join(name);
        fs::create_dir_all(&project).unwrap();
        let project = fs::canonicalize(project).unwrap();
        Self { folder, project }
    }

    /// A home whose project follows `preset`.
    pub(crate) fn with(preset: &str) -> Self {
        let home = Self::bare();
        let done = home.guard(&["init", "--preset", preset]);
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        home
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The command `guard ARGUMENTS…` in the project, with nothing of the caller's environment but the PATH.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_guard"));
        command
            .args(arguments)
            .current_dir(&self.project)
            .env_clear()
            .env("PATH", path())
            .env("HOME", self.folder.path())
            .env("LANG", "C.UTF-8")
            .timeout(std::time::Duration::from_secs(120));
        command
    }

    pub(crate) fn guard(&self, arguments: &[&str]) -> Done {
        done(&mut self.command(arguments))
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.project.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.project.join(name)).unwrap()
    }

    pub(crate) fn log(&self) -> String {
        self.read("build_audit.log")
    }

    /// The project's state folder.
    pub(crate) fn state(&self) -> PathBuf {
        let root = self.folder.path().join(".local/state/guard");
        let mut found: Vec<_> = fs::read_dir(root)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.join("trusted.toml").exists())
            .collect();
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    /// Where a file stands that a running command has written: apart from the project.
    pub(crate) fn apart(&self, name: &str) -> Option<PathBuf> {
        let running = fs::read_dir(self.state().join("transactions")).ok()?;
        running.flatten().map(|entry| entry.path().join("upper").join(name)).find(|path| path.exists())
    }

    /// Adds rules to the policy and has them trusted, as a person would at a terminal.
    pub(crate) fn trust(&self, addition: &str) {
        let text = self.read("guard.toml") + addition;
        self.write("guard.toml", &text);
        let done = terminal(self, &["policy", "trust"], "yes\n");
        assert!(done.stdout.contains("trusted"), "{}", done.stdout);
    }
}

pub(crate) fn done(command: &mut Command) -> Done {
    let output = command.output().unwrap();
    Done {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Runs guard on a terminal of its own (`script` of util-linux), with `typed` typed into it.
pub(crate) fn terminal(home: &Home, arguments: &[&str], typed: &str) -> Done {
    let line = std::iter::once(env!("CARGO_BIN_EXE_guard"))
        .chain(arguments.iter().copied())
        .map(|word| format!("'{word}'"))
        .collect::<Vec<_>>()
        .join(" ");
    let mut command = Command::new("script");
    command
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .current_dir(&home.project)
        .env_clear()
        .env("PATH", path())
        .env("HOME", home.path())
        .env("SHELL", "/bin/sh")
        .write_stdin(typed)
        .timeout(std::time::Duration::from_secs(60));
    done(&mut command)
}

/// Runs a line of bash on a terminal of its own; where it asks for a digest, the one that it shows is typed, as by a person who
/// has looked at it.
pub(crate) fn agreed(home: &Home, line: &str) -> Done {
    let bin = Path::new(env!("CARGO_BIN_EXE_guard")).parent().unwrap();
    let mut child = std::process::Command::new("script")
        .args(["--quiet", "--return", "--echo", "never", "--command", line, "/dev/null"])
        .current_dir(&home.project)
        .env_clear()
        .env("PATH", format!("{}:{}", bin.display(), path()))
        .env("HOME", home.path())
        .env("SHELL", "/bin/bash")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut typed, mut shown) = (child.stdin.take(), child.stdout.take().unwrap());
    let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
    while let Some(got) = shown.read(&mut buffer).ok().filter(|got| *got > 0) {
        text.extend_from_slice(&buffer[..got]);
        let text = String::from_utf8_lossy(&text);
        let asked = text.split_once("Type `").filter(|(_, after)| after.contains("leave it: "));
        if let Some((mut terminal, (_, after))) = asked.and_then(|asked| Some((typed.take()?, asked))) {
            terminal.write_all(format!("{}\n", after.split('`').next().unwrap()).as_bytes()).unwrap();
        }
    }
    let code = child.wait().unwrap().code();
    Done { code, stdout: String::from_utf8_lossy(&text).replace('\r', ""), stderr: String::new() }
}

/// The PATH of the tests: the Python tools that `scripts/test` installs, then the system's.
pub(crate) fn path() -> String {
    format!("{}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", tools().display())
}

pub(crate) fn tools() -> PathBuf {
    let own = std::env::var_os("GUARD_TEST_TOOLS").map(PathBuf::from);
    own.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/python/bin"))
}

/// A judgement as printed, without what changes: places of programs and of the project, and what presets say.
pub(crate) fn lasting(home: &Home, printed: &str) -> String {
    let mut text = String::new();
    let mut skipping = false;
    for line in printed.replace(&home.project.display().to_string(), "PROJECT").lines() {
        let below = line.trim_start();
        if line.contains("(policy/") || skipping && (below.starts_with("instead:") || below.starts_with("but ")) {
            skipping = true;
            continue;
        }
        skipping = false;
        let placed = line.split_once("runs /").map(|(before, after)| (before, after.split_once(' ')));
        let line = match placed {
            Some((before, Some((_, after)))) => format!("{before}runs PATH {after}"),
            Some((before, None)) => format!("{before}runs PATH"),
            None => line.to_owned(),
        };
        let placed = line.split_once("(/").map(|(before, after)| (before, after.split_once(')').unwrap().1));
        text += &placed.map_or_else(|| line.clone(), |(before, after)| format!("{before}(PATH){after}"));
        text += "\n";
    }
    text
}
