//! `guard policy test`: the cases a project keeps beside its policy.

use super::{Done, Home};
use serde_json::{Value, json};
use std::fs;

const RULES: &str = r#"version = 1
extends = ["python"]
[[rule]]
id = "no-downs"
program = "frob"
subcommand = "down"
verdict = "deny"
reason = "takes it down"
[[rule]]
id = "frobs"
program = "frob"
args = ["src/*"]
verdict = "allow"
reason = "frobs the source"
[[rule]]
id = "nightly"
program = "frob"
task = "nightly"
verdict = "allow"
reason = "may do anything at night"
"#;

/// A folder with a policy and nothing else: no state, no log.
fn bare() -> Home {
    let home = Home::bare();
    home.write("guard.toml", RULES);
    home
}

fn tried(home: &Home, cases: &str) -> Done {
    home.write("guard-tests.toml", cases);
    home.guard(&["policy", "test"])
}

#[test]
fn cases_that_hold_say_how_many_they_are() {
    let home = bare();
    let cases = r#"
[[case]]
command = "frob src/a && frob src/b"
expect = "allow"
rule = "frobs"
[[case]]
name = "never down"
argv = ["frob", "down"]
expect = "deny"
[[case]]
command = "frob /etc/passwd"
expect = "ask"
rule = "guard:not-listed"
[[case]]
command = "frob /etc/passwd"
task = "nightly"
expect = "allow"
[[case]]
command = "pip install requests"
expect = "allow"
"#;
    let done = tried(&home, cases);
    let expected = "guard-tests.toml: 5 cases pass in the made-up world\n";
    assert_eq!((done.code, done.stdout.as_str(), done.stderr.as_str()), (Some(0), expected, ""));
    // From a folder below, as everything else.
    fs::create_dir(home.project.join("sub")).unwrap();
    let below = home.project.join("sub");
    assert_eq!(home.guard(&["-C", below.to_str().unwrap(), "policy", "test"]).code, Some(0));
}

#[test]
fn a_failing_case_shows_its_place_what_was_decided_and_where_to_look() {
    let home = bare();
    let cases = r#"[[case]]
command = "frob src/a"
expect = "allow"
[[case]]
name = "goes down at night"
command = "frob down; true"
task = "nightly"
expect = "allow"
[[case]]
argv = ["frob", "src/b"]
expect = "allow"
rule = "frob"
"#;
    let done = tried(&home, cases);
    assert_eq!((done.code, done.stderr.as_str()), (Some(1), ""));
    insta::assert_snapshot!("failing", done.stdout);
}

#[test]
fn json_has_each_case() {
    let home = bare();
    home.write(
        "more.toml",
        "[[case]]\ncommand = \"frob down\"\nexpect = \"deny\"\n[[case]]\ncommand = \"frob down\"\nexpect = \"ask\"\n",
    );
    let done = home.guard(&["policy", "test", "--json", "more.toml"]);
    assert_eq!(done.code, Some(1));
    let found: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!((&found["file"], &found["passed"], &found["failed"]), (&json!("more.toml"), &json!(1), &json!(1)));
    let rule = json!({
        "id": "no-downs", "verdict": "deny", "reason": "takes it down", "instead": null, "at": "guard.toml:4",
        "answered_by": null,
    });
    assert_eq!(
        found["cases"][1],
        json!({
            "name": null, "command": "frob down", "at": "more.toml:5", "passed": false, "expect": "ask",
            "verdict": "deny", "rule": null, "rules": [rule], "failure": "should be asked, and is denied",
            "line": 5, "column": 11,
        })
    );
    let broken = home.guard(&["policy", "test", "--json", "none.toml"]);
    let found: Value = serde_json::from_str(&broken.stdout).unwrap();
    assert_eq!((broken.code, &found["verdict"], &found["exit_code"]), (Some(78), &json!("invalid"), &json!(78)));
}

#[test]
fn a_file_of_cases_with_faults_shows_all_of_them_and_tries_nothing() {
    let home = bare();
    let cases = r#"timeout = 3
[[case]]
comand = "x"
expect = "allow"
[[case]]
command = "x"
argv = ["x"]
expect = "allowed"
[[case]]
command = 5
"#;
    let done = tried(&home, cases);
    assert_eq!((done.code, done.stdout.as_str()), (Some(78), ""));
    insta::assert_snapshot!("faulty", done.stderr);
    for text in ["", "[[case]\n", "case = []\n", "\u{feff}[[case]]\ncommand = \"true\"\nexpect = \"allow\"\nx = 1\n"] {
        let done = tried(&home, text);
        assert_eq!((done.code, done.stdout.as_str()), (Some(78), ""), "{text:?}");
        assert!(done.stderr.contains("guard-tests.toml:1:") || done.stderr.contains(":4:1"), "{}", done.stderr);
    }
}

#[test]
fn a_missing_file_a_broken_policy_and_no_project_say_so() {
    let home = bare();
    let missing = home.guard(&["policy", "test"]);
    assert_eq!(missing.code, Some(78));
    assert!(missing.stderr.contains("guard-tests.toml") && missing.stderr.contains("[[case]]"), "{}", missing.stderr);
    home.write("guard.toml", "versin = 1\n");
    let broken = tried(&home, "[[case]]\ncommand = \"true\"\nexpect = \"allow\"\n");
    assert_eq!(broken.code, Some(78));
    assert!(broken.stderr.contains("guard.toml:1:1"), "{}", broken.stderr);
    fs::remove_file(home.project.join("guard.toml")).unwrap();
    assert_eq!(home.guard(&["policy", "test"]).code, Some(78));
}

#[test]
fn the_made_up_world_knows_no_machine_and_here_is_the_real_one() {
    let home = bare();
    // A person's layer, and a program that is not installed: both count only here.
    fs::create_dir_all(home.path().join(".config/guard")).unwrap();
    fs::write(
        home.path().join(".config/guard/policy.toml"),
        "version = 1\n[[rule]]\nid = \"no-ls\"\nprogram = \"ls\"\nverdict = \"deny\"\nreason = \"lists nothing\"\n",
    )
    .unwrap();
    let cases =
        "[[case]]\nargv = [\"frob\", \"src/a\"]\nexpect = \"allow\"\n[[case]]\ncommand = \"ls\"\nexpect = \"allow\"\n";
    assert_eq!(tried(&home, cases).code, Some(0));
    let here = home.guard(&["policy", "test", "--here"]);
    assert_eq!(here.code, Some(1));
    assert!(here.stdout.contains("guard:no-program") && here.stdout.contains("deny no-ls:"), "{}", here.stdout);
    assert!(here.stdout.ends_with("0 cases pass, 2 fail in the world as it is here\n"), "{}", here.stdout);
}

#[test]
fn hostile_names_and_commands_cannot_act_on_the_terminal() {
    let home = bare();
    let done = tried(&home, "[[case]]\nname = \"\\u001b[2J\"\ncommand = \"frob '\\u202e'\"\nexpect = \"deny\"\n");
    assert_eq!(done.code, Some(1));
    assert!(!done.stdout.contains(['\u{1b}', '\u{202e}']), "{:?}", done.stdout);
}
