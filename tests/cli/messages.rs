//! Calls that cannot be meant: each is told what is wrong with it, and what to do.

use super::{Done, Home, done};
use serde_json::Value;

fn told(found: &Done) -> (Option<i32>, &str) {
    assert_eq!(found.stdout, "");
    (found.code, &found.stderr)
}

/// The `error` of `--json`, and that the rest of the object is one of an error.
fn error(found: &Done) -> (String, String) {
    assert_eq!(found.stderr, "");
    let object: Value = serde_json::from_str(&found.stdout).unwrap();
    assert!(["error", "invalid"].contains(&object["verdict"].as_str().unwrap()), "{object}");
    assert_eq!(object["exit_code"], i64::from(found.code.unwrap()));
    let text = |key: &str| object["error"][key].as_str().unwrap_or("none").to_owned();
    (text("message"), text("help"))
}

#[test]
fn a_home_that_is_relative_or_not_set() {
    let home = Home::with("python");
    let expected = "guard: no place for guard's state: neither `HOME` nor `XDG_STATE_HOME` is set to an absolute path\n  \
        help: set `HOME` or `XDG_STATE_HOME` to an absolute path\n";
    for words in [&["exec", "--", "true"][..], &["check", "--", "true"], &["audit", "tail"], &["init"]] {
        assert_eq!(told(&done(home.command(words).env("HOME", "relative"))), (Some(125), expected), "{words:?}");
        assert_eq!(told(&done(home.command(words).env_remove("HOME"))), (Some(125), expected), "{words:?}");
    }
}

#[test]
fn a_folder_that_is_none() {
    let home = Home::with("python");
    let help = "name a folder that is there and may be entered, with `-C DIR` or by going to it";
    for (name, cause) in
        [("/etc/passwd", "it is not a folder"), ("/nonexist", "No such file or directory (os error 2)")]
    {
        let message = format!("cannot enter `{name}`: {cause}");
        let found = home.guard(&["-C", name, "exec", "--", "true"]);
        assert_eq!(told(&found), (Some(125), format!("guard: {message}\n  help: {help}\n").as_str()));
        let found = home.guard(&["-C", name, "exec", "--json", "--", "true"]);
        assert_eq!(error(&found), (message, help.to_owned()));
    }
}

#[test]
fn a_call_that_cannot_be_understood_is_told_without_the_parser_s_own_prefix() {
    let home = Home::with("python");
    let before = home.log();
    let usage = "Usage: guard exec [OPTIONS] <-c <COMMAND LINE>|-- <ARGV>...>";
    for (words, expected) in [
        (&["exec", "--json", "--bogus", "--", "true"][..], "unexpected argument '--bogus' found"),
        (&["exec", "--json"], "the following required arguments were not provided: "),
        (&["exec", "--json", "--"], "the following required arguments were not provided: "),
        (
            &["exec", "--json", "--timeout", "-1", "--", "true"],
            "invalid value '-1' for '--timeout <S>': not between 0.001 and 86400 seconds",
        ),
        (
            &["exec", "--json", "--timeout", "soon", "--", "true"],
            "invalid value 'soon' for '--timeout <S>': not a number of seconds",
        ),
    ] {
        let found = home.guard(words);
        assert_eq!(found.code, Some(125));
        let (message, help) = error(&found);
        assert!(message.starts_with(expected), "{message}");
        assert!(help.ends_with("see `guard exec --help`") && !message.contains('\n'), "{usage} {help}");
    }
    let (_, help) = error(&home.guard(&["file", "write", "--json"]));
    assert!(help.ends_with("see `guard file write --help`"), "{help}");
    // No command is a wrong call, not something that a policy refuses; nothing is recorded.
    for words in [&["exec"][..], &["check"], &["exec", "--"]] {
        let found = home.guard(words);
        assert_eq!(found.code, Some(125), "{}", found.stderr);
        assert!(found.stderr.contains("Usage: guard "), "{}", found.stderr);
    }
    assert_eq!(home.log(), before);
}

#[test]
fn a_log_that_is_a_folder_or_a_pipe_is_named_as_such_by_every_call() {
    let home = Home::with("python");
    let log = home.project.join("build_audit.log");
    std::fs::rename(&log, home.path().join("aside")).unwrap();
    for (make, is) in [("mkdir", "a folder"), ("mkfifo", "a pipe")] {
        assert!(std::process::Command::new(make).arg(&log).status().unwrap().success());
        let at = log.display();
        let expected = format!(
            "guard: audit log `{at}` is {is}, not a plain file\n  help: move `{at}` away and put the log back from a copy\n"
        );
        for words in [
            &["exec", "--", "true"][..],
            &["audit", "tail"],
            &["audit", "tail", "-f"],
            &["audit", "show", "1"],
            &["audit", "search", "x"],
            &["audit", "export"],
            &["audit", "verify"],
            &["audit", "verify", "build_audit.log"],
            &["audit", "recover"],
        ] {
            assert_eq!(told(&home.guard(words)), (Some(125), expected.as_str()), "{words:?}");
        }
        std::fs::remove_dir(&log).or_else(|_| std::fs::remove_file(&log)).unwrap();
    }
}
