//! `guard demo` goes as told, leaves nothing behind, and says what it needs.

use super::{Home, done};

#[test]
fn the_demo_goes_as_told_and_leaves_nothing_behind() {
    let home = Home::bare();
    let found = done(home.command(&["demo"]).env("TMPDIR", home.path()));
    assert_eq!(found.code, Some(0), "{}{}", found.stdout, found.stderr);
    assert!(found.stdout.contains(" did not, in") && found.stdout.contains(" 0 did not"), "{}", found.stdout);
    assert!(!found.stdout.contains("NOT AS TOLD"), "{}", found.stdout);
    let left: Vec<_> = std::fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["project"]);
}

#[test]
fn without_python_the_demo_says_so() {
    let home = Home::bare();
    let found = done(home.command(&["demo"]).env("PATH", "/nonexistent"));
    assert_eq!(found.code, Some(125), "{}", found.stdout);
    assert!(found.stderr.contains("no python3"), "{}", found.stderr);
}
