//! Who closes an iteration, and by what.

use super::*;
use crate::cli::{agreed, done};
use std::time::Duration;

#[track_caller]
fn stays_open(home: &Home, why: &str) {
    let done = close(home);
    assert_eq!(done.code, Some(126), "{}", done.stderr);
    assert!(done.stderr.contains(why) && done.stderr.contains("run the check"), "{}", done.stderr);
    assert!(!status(home)["open"].is_null());
}

#[test]
fn a_green_check_since_the_last_change_closes_and_nothing_else_of_an_agent_s_does() {
    let home = scene(&["a.py"], "");
    assert_eq!(close(&home).code, Some(125));
    green(&home);
    comes_in(&home, &["a.py"]);
    // One that ran before the last change, one that failed, a command that is no check.
    stays_open(&home, "no check was green that began after its last change");
    assert_eq!(home.guard(&["exec", "--", "false"]).code, Some(1));
    stays_open(&home, "has failed since its last change");
    green(&home);
    // A green one of another kind does not make up for it.
    stays_open(&home, "has failed since its last change");
    let home = scene(&["a.py"], "");
    comes_in(&home, &["a.py"]);
    assert_eq!(home.guard(&["exec", "--", "ls"]).code, Some(0));
    stays_open(&home, "no check was green");
    // A line in which the check is not alone proves nothing.
    exec(&home, &["-c", "true; ls"]);
    exec(&home, &["-c", "ls; echo '3 passed in 0.01s'"]);
    stays_open(&home, "no check was green");
    green(&home);
    let check = last(&home, "shell_end");
    let done = home.guard(&["iteration", "close", "--json"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let log = home.log();
    let closed = log.lines().rev().find(|line| line.contains("iteration_closed")).unwrap();
    assert!(closed.contains("[GUARD] [ITERATION] [a.py] [PASS]"), "{closed}");
    assert!(closed.contains(&format!("\"check\":{check}")), "{closed}");
}

#[test]
fn tests_close_it_when_they_ran_and_not_when_none_did() {
    let home = scene(&[], "");
    home.write("test_a.py", "def test_one():\n    assert True\n");
    comes_in(&home, &["notes"]);
    for words in [vec!["--collect-only", "-q"], vec!["--version"], vec!["-q", "-k", "nothing"]] {
        home.guard(&[&["exec", "--", "pytest"], &words[..]].concat());
        assert_eq!(close(&home).code, Some(126), "{words:?}");
    }
    assert_eq!(home.guard(&["exec", "--", "pytest", "-q"]).code, Some(0));
    let done = close(&home);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
}

#[test]
fn a_check_that_began_before_the_last_change_does_not_close() {
    let home = scene(&["a.py", "b.py"], "[limits]\nparallel = 2\n");
    comes_in(&home, &["a.py"]);
    let mut slow = home.command(&["exec", "--", "sleep", "2"]);
    let slow = std::thread::spawn(move || done(&mut slow));
    std::thread::sleep(Duration::from_millis(800));
    comes_in(&home, &["b.py"]);
    assert_eq!(slow.join().unwrap().code, Some(0));
    stays_open(&home, "no check was green");
    green(&home);
    assert_eq!(close(&home).code, Some(0));
}

#[test]
fn one_in_which_nothing_is_changed_closes_by_itself() {
    let home = scene(&["a.py"], "");
    assert_eq!(home.guard(&["iteration", "start", "first"]).code, Some(0));
    assert_eq!(close(&home).code, Some(0));
    // Begun anew over one without changes; not over one with changes.
    for what in ["second", "third"] {
        assert_eq!(home.guard(&["iteration", "start", what]).code, Some(0));
    }
    assert_eq!(status(&home)["open"]["what"], "third");
    comes_in(&home, &["a.py"]);
    let done = home.guard(&["iteration", "start", "fourth"]);
    assert_eq!(done.code, Some(126));
    assert!(done.stderr.contains("an iteration is open") && done.stderr.contains("`a.py` changed"), "{}", done.stderr);
    assert_eq!(counted(&home).0, ["a.py"]);
    let change = last(&home, "change_committed").to_string();
    assert_eq!(home.guard(&["undo", &change]).code, Some(0));
    assert_eq!(home.guard(&["iteration", "start", "fourth"]).code, Some(0));
    for what in ["", "  ", &"x".repeat(501)] {
        assert_eq!(home.guard(&["iteration", "start", what]).code, Some(125), "{what}");
    }
    assert_eq!(home.guard(&["audit", "verify"]).code, Some(0));
}

#[test]
fn a_person_closes_without_a_check_at_a_terminal_or_by_a_signature() {
    let home = scene(&["a.py", "b.py"], "");
    comes_in(&home, &["a.py"]);
    let done = home.guard(&["iteration", "close", "--person"]);
    assert_eq!(done.code, Some(125));
    assert!(done.stderr.contains("a person at a terminal"), "{}", done.stderr);
    let done = home.guard(&["iteration", "close", "--digest", "0000-0000"]);
    assert!(done.code == Some(125) && done.stderr.contains("goes with `--person`"), "{}", done.stderr);
    let wrong = crate::cli::terminal(&home, &["iteration", "close", "--person"], "0000-0000\n");
    assert!(wrong.code == Some(125) && wrong.stdout.contains("no check was green"), "{}", wrong.stdout);
    let done = agreed(&home, "guard iteration close --person");
    assert!(done.code == Some(0) && done.stdout.contains("iteration closed"), "{}", done.stdout);
    let log = home.log();
    let closed = log.lines().rev().find(|line| line.contains("iteration_closed")).unwrap();
    assert!(closed.contains("[CLOSED]") && closed.contains("\"strength\":\"terminal\""), "{closed}");
    // Once there is an approver, a terminal is not enough.
    let scene = crate::approve::scene::Scene::signed();
    scene.home.write("a.py", "1\n");
    comes_in(&scene.home, &["a.py"]);
    let key = scene.key("anna");
    let close = format!("guard iteration close --person --key {key}");
    assert_eq!(agreed(&scene.home, "guard iteration close --person").code, Some(125));
    let done = agreed(&scene.home, &close);
    assert!(done.code == Some(0) && done.stdout.contains("iteration closed"), "{}", done.stdout);
    assert!(scene.home.log().lines().last().unwrap().contains("\"strength\":\"signature\""));
}

#[test]
fn while_everything_is_halted_none_begins_or_closes_but_by_a_person() {
    let home = scene(&["a.py"], "");
    comes_in(&home, &["a.py"]);
    green(&home);
    assert_eq!(home.guard(&["halt", "--reason", "to see"]).code, Some(0));
    assert_eq!(close(&home).code, Some(77));
    assert_eq!(home.guard(&["iteration", "start", "x"]).code, Some(77));
    assert_eq!(agreed(&home, "guard iteration close --person").code, Some(0));
}

#[test]
fn where_it_stands_is_said_in_a_line_and_in_full() {
    let home = scene(&["a.py"], "");
    let done = home.guard(&["iteration", "status"]);
    assert_eq!((done.code, done.stdout.as_str()), (Some(0), "no iteration is open: the first change begins one\n"));
    assert_eq!(home.guard(&["iteration", "start", "round fees"]).code, Some(0));
    comes_in(&home, &["a.py"]);
    let line = "iteration: open since record 2, `round fees`: 1 file changed; 2, or more where all are coupled\n";
    assert!(home.guard(&["status"]).stdout.contains(line), "{}", home.guard(&["status"]).stdout);
    let done = home.guard(&["iteration", "status"]);
    assert!(
        done.stdout.starts_with(&format!("{line}  a.py\ncannot be closed yet: no check was green")),
        "{}",
        done.stdout
    );
    green(&home);
    assert!(home.guard(&["iteration", "status"]).stdout.ends_with("can be closed: guard iteration close\n"));
}

/// Whoever makes a file chooses its name: one that draws on a terminal, or makes lines of its own.
#[test]
fn names_are_safe_in_every_message() {
    let home = scene(&[], "");
    let name = "a\nb\u{1b}[31m\u{202e}c.txt";
    let mut write = home.command(&["file", "write", name, "--reason", "r"]);
    assert_eq!(crate::cli::done(write.write_stdin("x")).code, Some(0));
    let diff = "@@ -1 +1 @@\n-\u{1b}[2Jx\n+y\n";
    let said: Vec<String> = [
        (vec!["iteration", "start", "another"], ""),
        (vec!["iteration", "close"], ""),
        (vec!["iteration", "status"], ""),
        (vec!["file", "list"], ""),
        (vec!["file", "edit", name, "--old", "y", "--new", "z", "--reason", "r"], ""),
        (vec!["file", "edit", name, "--reason", "r"], diff),
        (vec!["file", "read", "\u{1b}[31mnone"], ""),
        (vec!["file", "move", name, "../\u{1b}[31mx", "--reason", "r"], ""),
    ]
    .into_iter()
    .map(|(arguments, input)| {
        let done = crate::cli::done(home.command(&arguments).write_stdin(input));
        format!("{}{}", done.stdout, done.stderr)
    })
    .collect();
    let all = said.concat();
    assert!(!all.contains(['\u{1b}', '\u{202e}', '\r']) && !all.contains("a\nb"), "{all:?}");
    assert!(said[0].contains("with `a\\nb\\u{1b}[31m\\u{202e}c.txt` changed"), "{}", said[0]);
}

/// With the real tools, as an agent in a hurry would call them.
#[test]
fn a_checker_that_checked_nothing_closes_nothing() {
    let tools = crate::cli::tools();
    assert!(tools.join("mypy").exists(), "run scripts/test, which installs the tools");
    let home = Home::with("python-trading");
    home.trust(&format!("[iteration]\nfiles = 9\n{PATIENT}"));
    home.write("empty/readme", "no source\n");
    comes_in(&home, &["a.py"]);
    home.write("a.py", "X = 1\n");
    for line in [
        "mypy --version",
        "mypy --help",
        "mypy -c pass",
        "black --check --version",
        "black --check empty",
        "isort --check-only --help",
        "isort --check-only --show-config",
        "pylint --version",
        "pylint --list-msgs",
        "pylint --exit-zero a.py",
        "pylint --fail-under=-100 a.py",
        "pytest --version",
    ] {
        let words: Vec<&str> = ["exec", "--json", "--"].into_iter().chain(line.split(' ')).collect();
        let told: Value = serde_json::from_str(&home.guard(&words).stdout).unwrap();
        assert_ne!(told["proves"], "green", "{line}: {told}");
        assert_eq!(close(&home).code, Some(126), "{line}");
    }
    for line in ["mypy a.py", "black --check a.py", "isort --check-only a.py", "pylint --disable=C a.py"] {
        let words: Vec<&str> = ["exec", "--json", "--"].into_iter().chain(line.split(' ')).collect();
        let told: Value = serde_json::from_str(&home.guard(&words).stdout).unwrap();
        assert_eq!(told["proves"], "green", "{line}: {told}");
    }
    assert_eq!(close(&home).code, Some(0));
}
