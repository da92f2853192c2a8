//! What is no question, or none that can be answered in time: each is a refusal, exit code 2 with a reason.
//! Any other failure lets the tool run: exit codes 1, 101 and 127 and a time-out are no refusals to the harness.

use super::{asked, before};
use crate::cli::{Done, Home, done, path};
use serde_json::json;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn refused(found: &Done, because: &str) {
    assert_eq!((found.code, found.stdout.as_str()), (Some(2), ""), "{}", found.stderr);
    assert!(found.stderr.starts_with("guard: refused, since guard could not judge it: "), "{}", found.stderr);
    assert!(found.stderr.contains(because), "{because}: {}", found.stderr);
}

#[test]
fn a_question_that_is_cut_off_anywhere_is_refused() {
    let home = Home::with("python");
    let whole = before(&home, "Bash", &json!({ "command": "ls" }));
    for length in (0..whole.len()).step_by(7) {
        refused(&asked(&home, &whole[..length]), "the question cannot be read");
    }
    assert_eq!(asked(&home, &whole).code, Some(0));
}

#[test]
fn what_is_no_json_text_is_refused() {
    let home = Home::with("python");
    let question = |command: &str| {
        String::from_utf8(before(&home, "Bash", &json!({ "command": "COMMAND" }))).unwrap().replace("COMMAND", command)
    };
    refused(&asked(&home, question("ls \\ud800").as_bytes()), "the question cannot be read");
    refused(&asked(&home, question("ls \\x41").as_bytes()), "the question cannot be read");
    refused(&asked(&home, &[question("ls ").as_bytes(), b"\xff"].concat()), "the question cannot be read");
    let mut bytes = question("ls ?").into_bytes();
    let at = bytes.iter().position(|byte| *byte == b'?').unwrap();
    bytes[at] = 0xff;
    refused(&asked(&home, &bytes), "the question cannot be read");
    let twice = [question("ls"), question("ls")].concat();
    refused(&asked(&home, twice.as_bytes()), "trailing characters");
    refused(&asked(&home, b"[]"), "the question cannot be read");
    let deep = "[".repeat(100_000);
    refused(&asked(&home, deep.as_bytes()), "the question cannot be read");
    let double = question("ls").replacen("{", "{\"tool_name\":\"Read\",", 1);
    refused(&asked(&home, double.as_bytes()), "duplicate field");
}

#[test]
fn ten_megabytes_are_refused_unread() {
    let home = Home::with("python");
    let question = before(&home, "Write", &json!({ "file_path": "a", "content": "x".repeat(10_000_000) }));
    let mut child = Command::new(env!("CARGO_BIN_EXE_guard"));
    child.args(["hook", "claude"]).current_dir(&home.project).env_clear().env("HOME", home.path()).env("PATH", path());
    child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = child.spawn().unwrap();
    assert!(child.stdin.take().unwrap().write_all(&question).is_err(), "it stops reading");
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout), (Some(2), Vec::new()), "{said}");
    assert!(said.contains("larger than 4194304 bytes"), "{said}");
}

#[test]
fn a_question_that_never_ends_is_refused_after_two_seconds() {
    let home = Home::with("python");
    let begun = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_guard"));
    child.args(["hook", "claude"]).current_dir(&home.project).env_clear().env("HOME", home.path()).env("PATH", path());
    child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = child.spawn().unwrap();
    let open = child.stdin.take();
    let output = child.wait_with_output().unwrap();
    drop(open);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout), (Some(2), Vec::new()), "{said}");
    assert!(said.contains("no answer within 2 s"), "{said}");
    assert!((Duration::from_secs(2)..Duration::from_secs(8)).contains(&begun.elapsed()), "{:?}", begun.elapsed());
}

#[test]
fn an_answer_that_cannot_be_written_is_a_refusal() {
    let home = Home::with("python");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_guard"));
    command
        .args(["hook", "claude"])
        .current_dir(&home.project)
        .env_clear()
        .env("HOME", home.path())
        .env("PATH", path());
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    command.stdin(Stdio::piped()).stdout(full).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(&before(&home, "Bash", &json!({ "command": "ls" }))).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("cannot answer: No space left"), "{said}");
}

#[test]
fn where_guard_cannot_judge_the_tool_is_denied_with_what_to_do() {
    let reason = |found: &Done| {
        let answer: serde_json::Value = serde_json::from_str(&found.stdout).unwrap();
        assert_eq!((found.code, &answer["hookSpecificOutput"]["permissionDecision"]), (Some(2), &json!("deny")));
        answer["hookSpecificOutput"]["permissionDecisionReason"].as_str().unwrap().to_owned()
    };
    let bare = Home::bare();
    let question = before(&bare, "Bash", &json!({ "command": "ls" }));
    let said = reason(&asked(&bare, &question));
    assert!(said.contains("no `guard.toml` in") && said.contains("guard init"), "{said}");

    let home = Home::with("python");
    home.write("guard.toml", &(home.read("guard.toml") + "# changed\n"));
    for (tool, input) in [("Bash", json!({ "command": "ls" })), ("Write", json!({ "file_path": "a", "content": "" }))] {
        let said = reason(&asked(&home, &before(&home, tool, &input)));
        assert!(said.contains("changed since it was trusted") && said.contains("guard policy trust"), "{said}");
    }
    let lost = done(home.command(&["hook", "claude"]).env_remove("HOME").write_stdin(before(
        &home,
        "Bash",
        &json!({ "command": "ls" }),
    )));
    let said = reason(&lost);
    assert!(said.contains("no place for guard's state"), "{said}");
}

#[test]
fn a_reason_is_cut_before_the_harness_cuts_it() {
    let home = Home::with("python");
    let line: String = (0..2000).map(|number| format!("unknown-{number} x; ")).collect();
    let found = asked(&home, &before(&home, "Bash", &json!({ "command": line })));
    let answer: serde_json::Value = serde_json::from_str(&found.stdout).unwrap();
    let reason = answer["hookSpecificOutput"]["permissionDecisionReason"].as_str().unwrap();
    assert!(reason.chars().count() <= 6001, "{}", reason.len());
}
