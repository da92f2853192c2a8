//! `guard check`: the same judgement, nothing run, nothing written.

use super::Home;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(tree(&path));
        } else {
            files.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    files
}

#[test]
fn check_gives_the_verdict_as_exit_code_and_leaves_everything_as_it_was() {
    let home = Home::with("python-trading");
    assert_eq!(home.guard(&["check", "--", "ls"]).code, Some(0));
    let before = tree(home.path());
    for (line, code) in [
        ("pytest tests/", 0),
        ("mypy services/", 0),
        ("truncate -s 0 data.csv", 75),
        ("docker-compose down -v", 126),
        ("", 126),
    ] {
        let done = home.guard(&["check", "-c", line]);
        assert_eq!(done.code, Some(code), "{line}: {}{}", done.stdout, done.stderr);
    }
    assert_eq!(tree(home.path()), before);
}

#[test]
fn check_names_every_rule_that_matched() {
    let home = Home::with("python-trading");
    let done = home.guard(&["check", "-c", "pytest tests/ && docker-compose down -v && sudo true"]);
    assert!(done.stdout.starts_with("deny: "), "{}", done.stdout);
    assert!(done.stdout.matches("deny ").count() >= 2 && done.stdout.contains("  allow "), "{}", done.stdout);
}

#[test]
fn a_project_is_the_nearest_ancestor_with_a_policy() {
    let home = Home::with("python");
    home.write("a/b/c.txt", "");
    let deep = home.project.join("a/b");
    let done = home.guard(&["-C", deep.to_str().unwrap(), "exec", "--", "ls"]);
    assert_eq!((done.code, done.stdout.as_str()), (Some(0), "c.txt\n"), "{}", done.stderr);
    let outside = home.guard(&["-C", home.path().to_str().unwrap(), "check", "--", "ls"]);
    assert_eq!(outside.code, Some(78));
    assert!(outside.stderr.contains("guard init"), "{}", outside.stderr);
}
