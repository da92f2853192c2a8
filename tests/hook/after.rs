//! What a harness has done, or was kept from doing, by itself stands in the log: one record a call, and none where there
//! is nothing to say.

use super::{asked, before};
use crate::cli::{Home, path};
use serde_json::{Value, json};
use std::process::Command;

fn after(home: &Home, tool: &str, input: &Value) -> Value {
    let mut question: Value = serde_json::from_slice(&before(home, tool, input)).unwrap();
    question["hook_event_name"] = "PostToolUse".into();
    question["tool_response"] = json!({});
    let found = asked(home, question.to_string().as_bytes());
    assert_eq!((found.code, found.stderr.as_str()), (Some(0), ""), "{}", found.stdout);
    serde_json::from_str(&found.stdout).unwrap()
}

/// The lines that were added to the log since there were `before` of them.
fn since(home: &Home, before: usize) -> Vec<String> {
    home.log().lines().skip(before).map(str::to_owned).collect()
}

/// Another hook that answers later displaces `updatedInput` (anthropics/claude-code#15897): the command runs as it was given.
#[test]
fn a_command_whose_rewriting_was_displaced_is_told_and_recorded() {
    let home = Home::with("python");
    let input = json!({ "command": "echo out > a.txt" });
    let allowed: Value = serde_json::from_str(&asked(&home, &before(&home, "Bash", &input)).stdout).unwrap();
    assert_eq!(allowed["hookSpecificOutput"]["permissionDecision"], "allow");
    let mut bash = Command::new("bash");
    bash.args(["-c", "echo out > a.txt"]).current_dir(&home.project).env_clear().env("PATH", path());
    assert!(bash.status().unwrap().success());
    let lines = home.log().lines().count();
    let told = after(&home, "Bash", &input);
    assert_eq!(told["decision"], "block");
    let reason = told["reason"].as_str().unwrap();
    assert!(reason.contains("ran outside the fence") && reason.contains("It is recorded."), "{reason}");
    let added = since(&home, lines);
    assert_eq!(added.len(), 1, "{added:?}");
    assert!(added[0].contains("[SHELL] [EXEC] [echo out > a.txt] [UNFENCED] "), "{added:?}");
    assert!(
        added[0].contains(r#""cwd":".","event":"unfenced","#) || added[0].contains(r#""tool":"Bash""#),
        "{added:?}"
    );
    assert_eq!(home.guard(&["audit", "verify"]).code, Some(0));
}

#[test]
fn what_guard_handed_on_is_not_told_again() {
    let home = Home::with("python");
    for command in ["echo plain", "echo 'it'\\''s' \"$(echo x)\"\n# end", "guard-x -C y"] {
        let answer: Value =
            serde_json::from_str(&asked(&home, &before(&home, "Bash", &json!({ "command": command }))).stdout).unwrap();
        let updated = &answer["hookSpecificOutput"]["updatedInput"];
        if updated.is_null() {
            continue;
        }
        let lines = home.log().lines().count();
        assert_eq!(after(&home, "Bash", updated), json!({}), "{command}");
        assert_eq!(since(&home, lines), [] as [&str; 0]);
    }
}

#[test]
fn a_changed_file_is_recorded_by_its_path_in_the_project() {
    let home = Home::with("python");
    home.write("src/a.py", "x = 1\n");
    home.write("n.ipynb", "{}\n");
    let root = home.project.display();
    for (tool, key, path, shown) in [
        ("Write", "file_path", format!("{root}/src/a.py"), "src/a.py"),
        ("Edit", "file_path", "src/../src/a.py".to_owned(), "src/a.py"),
        ("MultiEdit", "file_path", " src/a.py ".to_owned(), "src/a.py"),
        ("NotebookEdit", "notebook_path", format!("{root}/n.ipynb"), "n.ipynb"),
        ("Write", "file_path", "gone/b] [DENIED.py".to_owned(), "gone/b\\] \\[DENIED.py"),
    ] {
        let lines = home.log().lines().count();
        assert_eq!(after(&home, tool, &json!({ key: path })), json!({}));
        let added = since(&home, lines);
        assert_eq!(added.len(), 1, "{added:?}");
        assert!(added[0].contains(&format!("[FILE] [MODIFY] [{shown}] [SUCCESS] ")), "{shown}: {added:?}");
        assert!(added[0].contains(&format!(r#""tool":"{tool}""#)) && added[0].contains("file_changed"), "{added:?}");
    }
    let lines = home.log().lines().count();
    assert_eq!(after(&home, "Read", &json!({ "file_path": "src/a.py" })), json!({}));
    assert_eq!(since(&home, lines), [] as [&str; 0]);
    assert_eq!(home.guard(&["audit", "verify"]).code, Some(0));
}

#[test]
fn a_write_that_is_refused_is_recorded_with_its_rule() {
    let home = Home::with("python");
    std::os::unix::fs::symlink("/etc", home.project.join("out")).unwrap();
    for (path, shown, rule) in [
        ("guard.toml", "guard.toml", "guard:writes-protected"),
        ("out/motd", "/etc/motd", "guard:writes-outside"),
        ("/etc/nowhere/motd", "/etc/nowhere/motd", "guard:writes-outside"),
        (".git/hooks/pre-commit", ".git/hooks/pre-commit", "guard:writes-protected"),
    ] {
        let lines = home.log().lines().count();
        let found = asked(&home, &before(&home, "Edit", &json!({ "file_path": path })));
        assert_eq!(found.code, Some(2), "{}", found.stdout);
        let added = since(&home, lines);
        assert_eq!(added.len(), 1, "{added:?}");
        assert!(added[0].contains(&format!("[FILE] [MODIFY] [{shown}] [DENIED] ")), "{added:?}");
        assert!(added[0].contains("file_refused") && added[0].contains(rule), "{added:?}");
    }
    let lines = home.log().lines().count();
    assert_eq!(asked(&home, &before(&home, "Edit", &json!({ "file_path": "a.py" }))).code, Some(0));
    assert_eq!(since(&home, lines), [] as [&str; 0], "an accepted write is recorded when it is done");
}
