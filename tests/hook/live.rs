//! The answer carried out as the harness carries it out, through `bash -c`.

use super::{asked, before};
use crate::cli::{Home, path};
use serde_json::{Value, json};
use std::process::Command;

/// What the harness does with a command: asks, and runs what it is told to.
fn tool(home: &Home, command: &str) -> Result<(i32, String), String> {
    let found = asked(home, &before(home, "Bash", &json!({ "command": command, "description": "as told" })));
    let answer: Value = serde_json::from_str(&found.stdout).unwrap();
    let part = &answer["hookSpecificOutput"];
    let denied = part["permissionDecision"] == "deny";
    assert_eq!(
        (found.code, found.stderr.is_empty()),
        if denied { (Some(2), false) } else { (Some(0), true) },
        "{command}"
    );
    if denied {
        return Err(part["permissionDecisionReason"].as_str().unwrap().to_owned());
    }
    assert_eq!(part["permissionDecision"], "allow");
    assert_eq!(part["updatedInput"]["description"], "as told");
    let mut bash = Command::new("bash");
    bash.args(["-c", part["updatedInput"]["command"].as_str().unwrap()]).current_dir(&home.project);
    bash.env_clear().env("PATH", path()).env("HOME", home.path()).env("LANG", "C.UTF-8");
    let output = bash.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    Ok((output.status.code().unwrap(), text))
}

#[test]
fn an_allowed_command_runs_as_given_fenced_and_recorded() {
    let home = Home::with("python");
    for (command, code, printed) in [
        ("echo plain", 0, "plain\n"),
        ("echo 'single' \"double\" it\\'s", 0, "single double it's\n"),
        ("echo 'a'\\''b' \"$(echo \"in 'side'\")\"", 0, "a'b in 'side'\n"),
        ("echo one\necho 'two\nthree'", 0, "one\ntwo\nthree\n"),
        ("bash -c 'bash -c '\\''echo \"deep er\"'\\'''", 0, "deep er\n"),
        ("cat <<'END'\n$HOME `x` \\ ' \"\nEND", 0, "$HOME `x` \\ ' \"\n"),
        ("echo ü…\u{1f980}", 0, "ü…\u{1f980}\n"),
        ("echo '!x' '-c' --help", 0, "!x -c --help\n"),
        ("exit 7", 7, ""),
    ] {
        assert_eq!(tool(&home, command), Ok((code, printed.to_owned())), "{command}");
    }
    let log = home.log();
    assert_eq!(log.matches("] SHELL_EXEC: ").count(), 9, "{log}");
    assert!(log.contains("] SHELL_EXEC: echo plain {") && log.contains("\"fence\":\"full\""), "{log}");
    let (code, said) = tool(&home, "python3 -c 'open(\"/etc/motd\", \"w\")'").unwrap();
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("Read-only file system"), "{said}");
}

#[test]
fn what_is_refused_is_recorded_with_what_the_agent_said_of_it() {
    let home = Home::with("python");
    let said = tool(&home, "echo x > /etc/motd").unwrap_err();
    assert!(
        said.contains("guard:writes-outside") && said.contains("(built in)") && said.contains("instead:"),
        "{said}"
    );
    let log = home.log();
    let line = log.lines().last().unwrap();
    assert!(line.contains("[SHELL] [EXEC] [echo x > /etc/motd] [DENIED]") && line.contains("as told"), "{line}");
    assert_eq!(home.guard(&["audit", "verify"]).code, Some(0));
}

#[test]
fn what_an_observing_policy_would_ask_runs_fenced() {
    let home = Home::bare();
    assert_eq!(home.guard(&["init", "--observe"]).code, Some(0));
    home.write("data.csv", "1,2\n");
    assert_eq!(tool(&home, "truncate -s 0 data.csv"), Ok((0, String::new())));
    assert_eq!(home.read("data.csv"), "");
}

/// An agent that could rewrite the harness's settings would be rid of guard, or have the harness run what it likes.
#[test]
fn a_fenced_command_cannot_change_the_settings_that_ask_guard() {
    let home = Home::with("python");
    assert_eq!(home.guard(&["hook", "install", "claude"]).code, Some(0));
    let before = home.read(".claude/settings.json");
    for deed in [
        "open('.claude/settings.json', 'w')",
        "open('.claude/settings.local.json', 'w')",
        "os.rename('.claude', 'x')",
        "os.unlink('.claude/settings.json')",
    ] {
        home.write("deed.py", &format!("import os\n{deed}\n"));
        let (code, said) = tool(&home, "python3 deed.py").unwrap();
        assert!(matches!(code, 1 | 126), "{deed}: {said}");
        assert_eq!(home.read(".claude/settings.json"), before, "{deed}");
    }
    for line in ["guard hook uninstall claude", "rm .claude/settings.json", "echo '{}' > .claude/settings.local.json"] {
        assert!(tool(&home, line).is_err(), "{line}");
    }
    assert_eq!(home.read(".claude/settings.json"), before);
    assert!(!home.project.join(".claude/settings.local.json").exists());
}

/// A home folder can be a project: guard's own files then lie below the root, hidden from commands but not from a harness.
#[test]
fn a_harness_does_not_write_to_guard_s_state_in_a_project() {
    let home = Home::bare();
    let root = home.path().to_str().unwrap().to_owned();
    assert_eq!(home.guard(&["init", &root]).code, Some(0));
    let answer = |path: &str| {
        let found =
            asked(&home, &before(&home, "Write", &json!({ "file_path": format!("{root}/{path}"), "content": "" })));
        (found.code, found.stderr)
    };
    assert_eq!(answer("notes.txt"), (Some(0), String::new()));
    for path in [".local/state/guard/x", ".config/guard/policy.toml", ".claude/settings.json", "guard.toml"] {
        let (code, said) = answer(path);
        assert!(code == Some(2) && said.contains("guard:writes-protected"), "{path}: {code:?} {said}");
    }
}

/// Called in some uncommon way it is the same door, and a wrong call is none.
#[test]
fn other_ways_to_call_it_answer_the_same_or_not_at_all() {
    let home = Home::with("python");
    let question = before(&home, "Bash", &json!({ "command": "ls" }));
    let usual = asked(&home, &question);
    let other = crate::cli::done(home.command(&["-C", "/", "hook", "claude"]).write_stdin(question.clone()));
    assert_eq!(other, usual);
    let wrong = crate::cli::done(home.command(&["hook", "claude", "now"]).write_stdin(question));
    assert_eq!((wrong.code, wrong.stdout.as_str()), (Some(2), ""), "{}", wrong.stderr);
}
