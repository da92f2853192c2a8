//! Calls of guard itself: an agent's go on unfenced and by guard's own path, a person's are denied, and what only looks
//! like one is judged as any command.

use super::{asked, before};
use crate::cli::{Home, done, path};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

fn real() -> PathBuf {
    fs::canonicalize(env!("CARGO_BIN_EXE_guard")).unwrap()
}

/// What the harness is told to run instead of `line`; `Err`: why it must not run.
fn instead(home: &Home, line: &str, path: &str) -> Result<String, String> {
    let question = before(home, "Bash", &json!({ "command": line }));
    let found = done(home.command(&["hook", "claude"]).env("PATH", path).write_stdin(question));
    assert!(!found.stdout.is_empty(), "{line}: {}", found.stderr);
    let answer: Value = serde_json::from_str(&found.stdout).unwrap();
    let part = &answer["hookSpecificOutput"];
    match part["permissionDecision"].as_str() {
        Some("allow") => Ok(part["updatedInput"]["command"].as_str().unwrap().to_owned()),
        _ => Err(part["permissionDecisionReason"].as_str().unwrap().to_owned()),
    }
}

/// A folder with a program in it, in front of the tests' own `PATH`.
fn in_front(folder: &Path) -> String {
    format!("{}:{}", folder.display(), path())
}

fn script(at: &Path) {
    fs::write(at, "#!/bin/sh\necho not guard\n").unwrap();
    fs::set_permissions(at, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}

#[test]
fn by_whatever_name_it_is_this_guard_it_is_called_by_its_own_path() {
    let home = Home::with("python");
    let bin = home.path().join("bin");
    fs::create_dir(&bin).unwrap();
    symlink(real(), bin.join("guard")).unwrap();
    symlink(bin.join("guard"), bin.join("watch-dog")).unwrap();
    symlink(real(), home.project.join("guard")).unwrap();
    let found = in_front(&bin);
    let own = format!("{} status --json", real().display());
    for line in [
        "guard status --json",
        "  guard   'sta'\"tus\" --js\\on\n",
        "watch-dog status --json",
        "./guard status --json",
        &format!("{} status --json", bin.join("guard").display()),
        &own,
    ] {
        assert_eq!(instead(&home, line, &found), Ok(own.clone()), "{line}");
    }
    let said = instead(&home, "watch-dog approve command-1", &found).unwrap_err();
    assert!(said.contains("guard:for-a-person"), "{said}");
}

#[test]
fn what_is_not_this_guard_runs_fenced_or_not_at_all() {
    let home = Home::with("python");
    let bin = home.path().join("bin");
    fs::create_dir(&bin).unwrap();
    script(&bin.join("guard"));
    script(&home.project.join("guard"));
    fs::copy(real(), bin.join("copy")).unwrap();
    let found = in_front(&bin);
    for line in ["guard status", "./guard status", "copy status", "guard() { rm -r src; }; guard status"] {
        match instead(&home, line, &found) {
            Ok(handed) => assert!(handed.starts_with(&format!("{} exec -c ", real().display())), "{line}: {handed}"),
            Err(said) => assert!(!said.contains("guard:for-a-person"), "{line}: {said}"),
        }
    }
}

/// The shell would do more than call guard: it is judged, and what is rewritten is fenced as a whole.
#[test]
fn what_stands_around_a_call_makes_it_a_command_like_any_other() {
    let home = Home::bare();
    assert_eq!(home.guard(&["init", "--observe"]).code, Some(0));
    let bin = home.path().join("bin");
    fs::create_dir(&bin).unwrap();
    symlink(real(), bin.join("guard")).unwrap();
    let found = in_front(&bin);
    for line in [
        "guard status; rm -r src",
        "guard status && rm -r src",
        "guard status | tee a.py",
        "guard status\nrm -r src",
        "guard status $(rm -r src)",
        "guard status `rm -r src`",
        "guard status \"$(rm -r src)\"",
        "guard status <(rm -r src)",
        "guard status > a.py",
        "guard status < a.py",
        "guard status <<< x",
        "guard status 2>&1",
        "HOME=/tmp guard status",
        "XDG_STATE_HOME=/tmp guard status",
        "env HOME=/tmp guard status",
        "command guard status",
        "exec guard status",
        "guard status &",
        "! guard status",
        "(guard status)",
        "{ guard status; }",
        "time guard status",
        "guard $x",
        "guard status # rm",
        "xargs guard status",
        "bash -c 'guard status'",
        "eval guard status",
    ] {
        match instead(&home, line, &found) {
            Ok(handed) => {
                let words = guard::action::shell::unquoted(&handed).unwrap();
                assert_eq!(words[1..], ["exec", "-c", line], "{handed}");
            }
            Err(said) => assert!(!said.contains("guard itself answers"), "{line}: {said}"),
        }
    }
}

#[test]
fn an_agent_s_exec_is_judged_as_the_command_that_it_is() {
    let home = Home::with("python");
    let guard = real();
    let line = format!("{} exec -c 'echo x > /etc/motd'", guard.display());
    let handed = instead(&home, &line, &path()).unwrap();
    assert_eq!(handed, line);
    let mut bash = std::process::Command::new("bash");
    bash.args(["-c", &handed]).current_dir(&home.project).env_clear().env("PATH", path()).env("HOME", home.path());
    let output = bash.output().unwrap();
    assert_eq!(output.status.code(), Some(126), "{}", String::from_utf8_lossy(&output.stderr));
    let log = home.log();
    assert!(log.lines().last().unwrap().contains("[SHELL] [EXEC] [echo x > /etc/motd] [DENIED]"), "{log}");
    let elsewhere = format!("{} exec -C / -c ls", guard.display());
    assert!(instead(&home, &elsewhere, &path()).unwrap_err().contains("guard:for-a-person"));
}

#[test]
fn a_person_s_call_is_denied_and_recorded_and_nothing_comes_of_it() {
    let home = Home::with("python");
    let guard = real();
    for words in [
        "approve command-43",
        "deny command-43",
        "resume escalation-1",
        "halt",
        "approver add me key",
        "policy trust",
        "init",
        "show command-43",
        "pending",
        "escalations",
        "hook uninstall claude",
        "audit recover",
        "-C . approve command-43",
        "--color approve command-43",
    ] {
        let before = home.log().lines().count();
        let line = format!("{} {words}", guard.display());
        let said = instead(&home, &line, &path()).unwrap_err();
        assert!(said.contains("guard:for-a-person") && said.contains("is for a person to say"), "{said}");
        let log = home.log();
        let last = log.lines().last().unwrap();
        assert_eq!(log.lines().count(), before + 1, "{log}");
        assert!(last.contains(&format!("{words}] [DENIED] ")) && last.contains("guard:for-a-person"), "{last}");
    }
}

/// What an agent may say must reach a person where nothing else may go on.
#[test]
fn an_agent_s_calls_go_on_while_everything_is_halted_and_where_the_policy_is_not_trusted() {
    let home = Home::with("python");
    let line = format!("{} status", real().display());
    assert_eq!(home.guard(&["escalate", "--analysis", "no way on"]).code, Some(0));
    assert_eq!(instead(&home, &line, &path()), Ok(line.clone()));
    let write = asked(&home, &before(&home, "Write", &json!({ "file_path": "a.py", "content": "" })));
    assert!(write.code == Some(2) && write.stderr.contains("halted"), "{}", write.stderr);
    let log = home.log();
    assert!(log.lines().last().unwrap().contains("[FILE] [MODIFY] [a.py] [HALTED] "), "{log}");
    home.write("guard.toml", &(home.read("guard.toml") + "# changed\n"));
    assert_eq!(instead(&home, &line, &path()), Ok(line.clone()));
}
