//! What is not right about a file of actions, a brief or a place is said, with its line.

use super::{GUARD, attempt, brief, replayed, scene};
use crate::cli::{Home, done};

#[test]
fn a_file_that_is_wrong_is_told_with_its_line() {
    for (text, said) in [
        ("x = 1\n".to_owned(), "actions.toml:1: unknown field `x`"),
        (attempt(&["say = \"a\"", "sleep = \"soon\""]), "actions.toml:7: `sleep` is a time, as `2s`"),
        ("\0\n".to_owned(), "actions.toml:1: "),
    ] {
        let home = scene("", &text);
        let ran = replayed(&home, &brief("1.1", 1));
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(125), ""), "{text}");
        assert!(ran.stderr.contains(said) && ran.stderr.contains("help: "), "{text}: {}", ran.stderr);
    }
    let home = scene("", "");
    std::fs::write(home.project.join("actions.toml"), b"a = \"\xff\"").unwrap();
    let ran = replayed(&home, &brief("1.1", 1));
    assert!(ran.code == Some(125) && ran.stderr.contains("cannot read the actions `actions.toml`"), "{}", ran.stderr);
    let absent = home.guard(&["agent", "replay", "none.toml", "--phase=1.1", "--attempt=1"]);
    assert!(absent.code == Some(125) && absent.stderr.contains("`none.toml`: No such file"), "{}", absent.stderr);
}

#[test]
fn a_brief_that_is_none_is_told() {
    let home = scene("", "");
    let words = ["run", "--", GUARD, "agent", "replay", "actions.toml"];
    for wrong in ["", "{}", "[1]", "{\"version\":1", &brief("1.1", 1).json().replacen('{', "{\"more\":1,", 1)] {
        let ran = done(home.command(&words).write_stdin(wrong));
        assert_eq!(ran.code, Some(125), "{wrong}: {}", ran.stderr);
        assert!(ran.stderr.contains("standard input holds no brief: "), "{wrong}: {}", ran.stderr);
    }
}

#[test]
fn it_needs_no_project_and_leaves_no_trace() {
    let home = Home::bare();
    home.write("actions.toml", &attempt(&["say = \"here\"", "exec = \"true\""]));
    let ran = home.guard(&["agent", "replay", "actions.toml", "--phase=1.1", "--attempt=1"]);
    // Outside of the fence there is no guard on this PATH.
    let expected = "{\"say\":\"here\"}\n{\"code\":127,\"did\":\"exec\",\"error\":\"cannot call `guard`: No such file or directory (os error 2)\",\"what\":\"true\"}\n";
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), expected, ""));
    assert!(!home.path().join(".local").exists() && !home.project.join("build_audit.log").exists());
}

#[test]
fn a_folder_can_be_named_and_what_cannot_be_printed_is_told() {
    let home = Home::bare();
    home.write("deep/actions.toml", &attempt(&["print_bytes = 1000000", "say = \"here\""]));
    let words = ["-C", "deep", "agent", "replay", "actions.toml", "--phase=1.1", "--attempt=1"];
    let ran = home.guard(&words);
    assert!(ran.code == Some(0) && ran.stdout.ends_with("x\n{\"say\":\"here\"}\n"), "{}", ran.stderr);
    let into = |shell: &str| {
        let line = format!("{GUARD} {} {shell}", words.join(" "));
        let done = std::process::Command::new("bash").args(["-c", &line]).current_dir(&home.project).output().unwrap();
        (done.status.code(), String::from_utf8_lossy(&done.stderr).into_owned())
    };
    assert_eq!(into("| true; exit ${PIPESTATUS[0]}"), (Some(141), String::new()));
    let (code, stderr) = into("> /dev/full");
    assert!(code == Some(125) && stderr.contains("cannot write to standard output"), "{code:?} {stderr}");
}

#[test]
fn an_agent_cannot_have_it_run_outside() {
    let home = scene("", &attempt(&["exec = \"true\""]));
    let ran = home.guard(&["run", "--", "bash", "-c", "guard agent replay actions.toml --phase=1.1 --attempt=1"]);
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (Some(0), "{\"code\":0,\"did\":\"exec\",\"what\":\"true\"}\n"),
        "{}",
        ran.stderr
    );
    // It ran inside: one call came out, that of `exec`.
    assert!(home.log().contains("\"calls\":1"), "{}", home.log());
}
