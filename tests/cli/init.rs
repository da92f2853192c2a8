//! `guard init`.

use super::{Home, done, terminal};
use std::fs;
use std::os::unix::fs::PermissionsExt;

#[test]
fn init_writes_a_policy_a_log_and_a_private_state_folder() {
    let home = Home::bare();
    let done = home.guard(&["init", "--preset", "python", "--seed-file", "../seed"]);
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    assert!(home.read("guard.toml").contains("extends = [\"python\"]"));
    let log = home.log();
    assert_eq!(log.lines().count(), 1, "{log}");
    assert!(log.contains("[GUARD] [INIT]"), "{log}");
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&home.state()), 0o700);
    assert_eq!(mode(&home.project.join("build_audit.log")), 0o640);
    assert_eq!(mode(&home.path().join("seed")), 0o600);
}

#[test]
fn init_twice_changes_nothing_and_says_so() {
    let home = Home::with("python");
    let before = (home.read("guard.toml"), home.log());
    let done = home.guard(&["init", "--preset", "default"]);
    assert_eq!(done.code, Some(0));
    assert!(done.stdout.contains("nothing changed"), "{}", done.stdout);
    assert_eq!((home.read("guard.toml"), home.log()), before);
}

#[test]
fn the_seed_is_shown_on_a_terminal_and_nowhere_else() {
    let piped = Home::bare();
    let done = piped.guard(&["init"]);
    assert!(done.stdout.contains("not shown"), "{}", done.stdout);
    assert_eq!(seeds(&done.stdout), Vec::<String>::new());

    let shown = Home::bare();
    let done = terminal(&shown, &["init"], "");
    let seeds = seeds(&done.stdout);
    assert_eq!(seeds.len(), 1, "{}", done.stdout);
    assert!(!shown.log().contains(&seeds[0]));
}

/// Words that look like a seed: 64 hex digits.
fn seeds(text: &str) -> Vec<String> {
    text.split_whitespace()
        .filter(|word| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_seed_file_that_exists_is_left_alone_and_nothing_is_made() {
    let home = Home::bare();
    fs::write(home.path().join("seed"), "precious").unwrap();
    let done = home.guard(&["init", "--seed-file", "../seed"]);
    assert_eq!(done.code, Some(125), "{}", done.stdout);
    assert_eq!(fs::read_to_string(home.path().join("seed")).unwrap(), "precious");
    assert!(!home.project.join("guard.toml").exists());
}

#[test]
fn an_unknown_preset_is_named_with_those_there_are() {
    let home = Home::bare();
    let done = home.guard(&["init", "--preset", "pyhton"]);
    assert_eq!(done.code, Some(125));
    assert!(done.stderr.contains("no preset is called `pyhton`"), "{}", done.stderr);
    assert!(done.stderr.contains("default, python, python-trading"), "{}", done.stderr);
    assert!(!home.project.join("guard.toml").exists());
}

#[test]
fn git_is_told_to_leave_the_log_alone() {
    let home = Home::bare();
    done(assert_cmd::Command::new("git").args(["init", "-q"]).arg(&home.project));
    let done = home.guard(&["init"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(home.read(".git/info/exclude").lines().any(|line| line == "/build_audit.log"));
}

#[test]
fn a_policy_that_is_there_is_kept_and_must_be_sound() {
    let home = Home::bare();
    home.write("guard.toml", "version = 1\nextends = [\"default\"]\nobserv = true\n");
    let done = home.guard(&["init"]);
    assert_eq!(done.code, Some(78), "{}", done.stderr);
    assert!(done.stderr.contains("guard.toml:3:1"), "{}", done.stderr);
    assert!(!home.project.join("build_audit.log").exists());

    home.write("guard.toml", "version = 1\nextends = [\"default\"]\n");
    let done = home.guard(&["init"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.stdout.contains("kept as it was"), "{}", done.stdout);
    assert_eq!(home.read("guard.toml"), "version = 1\nextends = [\"default\"]\n");
}

#[test]
fn every_preset_makes_a_working_project() {
    for preset in ["default", "python", "python-trading"] {
        let home = Home::with(preset);
        let done = home.guard(&["policy", "check"]);
        assert_eq!(done.code, Some(0), "{preset}: {}", done.stderr);
        let done = home.guard(&["exec", "--", "ls"]);
        assert_eq!(
            (done.code, done.stdout.as_str()),
            (Some(0), "build_audit.log\nguard.toml\n"),
            "{preset}: {}",
            done.stderr
        );
    }
}

#[test]
fn observe_runs_what_would_be_asked_and_never_what_is_denied() {
    let home = Home::bare();
    assert_eq!(home.guard(&["init", "--preset", "python", "--observe"]).code, Some(0));
    let asked = home.guard(&["exec", "-c", "truncate -s 0 data.csv"]);
    assert_eq!(asked.code, Some(0), "{}", asked.stderr);
    assert!(home.log().contains("\"observed\":true"));
    let denied = home.guard(&["exec", "--", "sudo", "true"]);
    assert_eq!(denied.code, Some(126), "{}", denied.stderr);
}
