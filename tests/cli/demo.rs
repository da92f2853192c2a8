//! `guard demo` goes as told, leaves nothing behind, and says what it needs.

use super::{Home, done};

#[test]
fn the_demo_goes_as_told_and_leaves_nothing_behind() {
    let home = Home::bare();
    let found = done(home.command(&["demo"]).env("TMPDIR", home.path()));
    assert_eq!(found.code, Some(0), "{}{}", found.stdout, found.stderr);
    assert!(found.stdout.contains(" did not, in") && found.stdout.contains(" 0 did not"), "{}", found.stdout);
    assert!(!found.stdout.contains("NOT AS TOLD") && !found.stdout.contains("left out"), "{}", found.stdout);
    for said in [
        "approved: `command-1` may run once",
        "inside, both are there: True True",
        "deny guard:changes-git",
        "deny guard:changes-protected",
        "processes were seen while it ran, 0 are left",
        "approved: `change-3` is in the project",
        "taken back, as record",
        "tests failed in ",
        "[PHASE_COMPLETE] Phase 1.1: Fees",
        "attempt 2 of 3 in category test",
        "guard: halted (`resume-4`): nothing runs until a person resumes",
        "[ESCALATION] shop: test errors after 3 attempts",
        "resumed: `resume-4`; every count begins anew",
    ] {
        assert!(found.stdout.contains(said), "{said}: {}", found.stdout);
    }
    let left: Vec<_> = std::fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["project"]);
}

/// What the demo shows where these programs, and no others, are to be found.
fn shown_with(programs: &[&str]) -> String {
    let home = Home::bare();
    let bin = home.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    for program in programs {
        std::os::unix::fs::symlink(format!("/usr/bin/{program}"), bin.join(program)).unwrap();
    }
    let found = done(home.command(&["demo"]).env("PATH", &bin).env("TMPDIR", home.path()));
    assert_eq!(found.code, Some(0), "{}{}", found.stdout, found.stderr);
    assert!(!found.stdout.contains("NOT AS TOLD"), "{}", found.stdout);
    found.stdout
}

#[test]
fn without_python_the_demo_says_so_and_shows_the_rest() {
    let shown = shown_with(&["apt-get", "truncate", "ssh-keygen"]);
    assert_eq!(shown.matches("left out: there is no python3 on the PATH").count(), 6, "{shown}");
    assert!(shown.contains(" 0 did not, 6 scenes were left out, in"), "{shown}");
    assert!(shown.contains("approved: `command-1` may run once") && !shown.contains("resume-"), "{shown}");
}

#[test]
fn without_ssh_keygen_nothing_is_approved_or_resumed_and_the_demo_says_so() {
    let shown = shown_with(&["apt-get", "truncate", "python3"]);
    assert_eq!(shown.matches("left out: an answer without a terminal is a signature").count(), 3, "{shown}");
    assert!(shown.contains(" 0 did not, 3 scenes were left out, in"), "{shown}");
    assert!(
        shown.contains("nothing runs until a person resumes") && !shown.contains("guard approve command"),
        "{shown}"
    );
}
