//! `guard file`: the files of a project read and changed one at a time (SKILL 1 of the owner's document).

mod acts;
mod bad_input;
mod looks;
mod paths;
mod properties;
mod races;
mod rules;
mod service;

use crate::cli::{Done, Home, PATIENT, done};

/// A project whose policy lets as many files be changed as a test likes.
fn scene() -> Home {
    with("")
}

/// The same with more in its policy.
fn with(more: &str) -> Home {
    let home = Home::with("python-trading");
    home.trust(&format!("[iteration]\nfiles = 1000\n{PATIENT}{more}"));
    home
}

/// `guard ARGUMENTS…` with `input`.
fn given(home: &Home, arguments: &[&str], input: &str) -> Done {
    done(home.command(arguments).write_stdin(input))
}

/// `guard file write PATH` with a reason.
fn write(home: &Home, path: &str, content: &str) -> Done {
    given(home, &["file", "write", path, "--reason", "a test"], content)
}

/// Sequence numbers of changes, the latest first.
fn changes(home: &Home) -> Vec<u64> {
    let log = home.log();
    let lines = log.lines().rev().filter(|line| line.contains("\"event\":\"change_committed\""));
    lines.map(|line| line.rsplit(' ').nth(2).unwrap().trim_start_matches('#').parse().unwrap()).collect()
}

/// SHA-256 of a file of the project, by the tool that everybody has.
fn sha256(home: &Home, path: &str) -> String {
    let output = std::process::Command::new("sha256sum").arg(home.project.join(path)).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}

/// A guard that writes `path`, started and not waited for.
fn writer(home: &Home, path: &str, content: &str, more: &[&str]) -> std::process::Child {
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_guard"))
        .args(["file", "write", path, "--reason", "r"])
        .args(more)
        .current_dir(&home.project)
        .env_clear()
        .env("PATH", crate::cli::path())
        .env("HOME", home.path())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), content.as_bytes()).unwrap();
    child
}
