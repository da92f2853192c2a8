//! One folder an event: NAME.in.json is answered with NAME.out.json, or refused with NAME.err alone.
//! A denial is said twice, by the object and by exit code 2 with the reason on standard error.

use super::asked;
use crate::cli::Home;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// A project with what the questions name.
fn project() -> Home {
    let home = Home::with("python");
    home.write("a.py", "x = 1\n");
    home.write("n.ipynb", "{}\n");
    home.write(".git/hooks/pre-commit", "#!/bin/sh\n");
    home.write(".claude/settings.local.json", "{}\n");
    std::os::unix::fs::symlink("/etc", home.project.join("out")).unwrap();
    home
}

fn questions() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hook");
    let mut found = Vec::new();
    for event in ["PreToolUse", "PostToolUse", "PostToolUseFailure", "Stop"] {
        found.extend(fs::read_dir(folder.join(event)).unwrap().map(|entry| entry.unwrap().path()));
    }
    found.retain(|path| path.to_str().unwrap().ends_with(".in.json"));
    found.sort();
    assert!(found.len() > 35, "{}", found.len());
    found
}

#[test]
fn every_documented_question_gets_exactly_its_answer() {
    let real = fs::canonicalize(env!("CARGO_BIN_EXE_guard")).unwrap();
    let mut home = project();
    for path in questions() {
        // What was asked and refused before counts: then the next question is of a fresh project.
        if home.log().contains(r#""event":"shell_refused""#) {
            home = project();
        }
        let (project, root) = (home.project.to_str().unwrap().to_owned(), home.path().to_str().unwrap().to_owned());
        let anonymous = |text: &str| {
            let text = text.replace(real.to_str().unwrap(), "GUARD").replace(env!("CARGO_BIN_EXE_guard"), "GUARD");
            text.replace(&project, "PROJECT").replace(&root, "HOME")
        };
        let question = fs::read_to_string(&path).unwrap().replace("PROJECT", &project);
        // A variable of that name stays.
        let question = question.replace("HOME/", &format!("{root}/")).replace("\"HOME\"", &format!("\"{root}\""));
        let question = question.replace("GUARD", real.to_str().unwrap());
        let found = asked(&home, question.as_bytes());
        let stem = path.to_str().unwrap().trim_end_matches(".in.json");
        let (out, err) = (PathBuf::from(format!("{stem}.out.json")), PathBuf::from(format!("{stem}.err")));
        if std::env::var_os("GUARD_WRITE_ANSWERS").is_some() {
            if !found.stdout.is_empty() {
                let answer: Value = serde_json::from_str(&anonymous(&found.stdout)).unwrap();
                fs::write(&out, serde_json::to_string_pretty(&answer).unwrap() + "\n").unwrap();
            } else {
                fs::write(&err, anonymous(&found.stderr)).unwrap();
            }
        }
        assert!(out.exists() != err.exists(), "{stem}: one answer");
        if out.exists() {
            let expected: Value = serde_json::from_str(&fs::read_to_string(&out).unwrap()).unwrap();
            let answer: Value = serde_json::from_str(&anonymous(&found.stdout)).unwrap();
            let part = &expected["hookSpecificOutput"];
            let reason = part["permissionDecisionReason"].as_str().filter(|_| part["permissionDecision"] == "deny");
            let (code, said) = reason.map_or((0, String::new()), |reason| (2, format!("{reason}\n")));
            let told = (found.code, anonymous(&found.stderr), answer);
            assert_eq!(told, (Some(code), said, expected), "{stem}");
        } else {
            let expected = (Some(2), String::new(), fs::read_to_string(&err).unwrap());
            assert_eq!((found.code, found.stdout.clone(), anonymous(&found.stderr)), expected, "{stem}");
        }
    }
}

/// Without a rewritten command an `allow` would let the command run outside the fence.
#[test]
fn no_answer_allows_without_handing_the_command_to_guard() {
    for path in questions() {
        let out = PathBuf::from(path.to_str().unwrap().replace(".in.json", ".out.json"));
        let Ok(text) = fs::read_to_string(out) else { continue };
        let answer: Value = serde_json::from_str(&text).unwrap();
        let Some(part) = answer.get("hookSpecificOutput") else {
            assert!(answer == serde_json::json!({}) || answer["decision"] == "block", "{answer}");
            continue;
        };
        if part["hookEventName"] == "PostToolUseFailure" {
            assert_eq!(part.get("permissionDecision"), None);
            continue;
        }
        assert_eq!(part["hookEventName"], "PreToolUse");
        assert!(!part["permissionDecisionReason"].as_str().unwrap().is_empty());
        match part["permissionDecision"].as_str().unwrap() {
            "allow" => {
                let command = part["updatedInput"]["command"].as_str().unwrap();
                let own = ["exec", "status", "escalate", "wait", "run-approved", "check"];
                let words = command.strip_prefix("GUARD ").unwrap_or_default();
                assert!(own.contains(&words.split(' ').next().unwrap()), "{command}");
            }
            decision => assert_eq!((decision, part.get("updatedInput")), ("deny", None)),
        }
    }
}
