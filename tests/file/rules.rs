//! What the owner's rules say of single files: what asks, what is denied, what counts (SKILL 1, "Forbidden operations",
//! "Error handling").

use super::{given, scene, with, write};
use crate::cli::{Home, agreed};
use std::fs;

#[test]
fn removing_or_renaming_in_shared_asks_and_changing_does_not() {
    let home = scene();
    home.write("shared/util.py", "a = 1\n");
    let asked = home.guard(&["file", "delete", "shared/util.py", "--reason", "unused"]);
    assert_eq!(asked.code, Some(75), "{}", asked.stderr);
    assert!(asked.stderr.contains("not changed yet: a person has to allow it (change-1)"), "{}", asked.stderr);
    assert!(asked.stderr.contains("shared-files") && asked.stderr.contains("hint: go on"), "{}", asked.stderr);
    let moved = home.guard(&["file", "move", "shared/util.py", "shared/other.py", "--reason", "r"]);
    assert_eq!(moved.code, Some(75), "{}", moved.stderr);
    assert_eq!(write(&home, "shared/util.py", "a = 1\nb = 2\n").code, Some(0));
    // The first request was about another content.
    assert_ne!(agreed(&home, "guard approve change-1").code, Some(0));
    let asked = home.guard(&["file", "delete", "shared/util.py", "--reason", "unused"]);
    let name = asked.stderr.split(['(', ')']).find(|part| part.starts_with("change-")).unwrap().to_owned();
    let shown = home.guard(&["show", &name]).stdout;
    assert!(shown.contains("guard file delete shared/util.py") && shown.contains("they say:  unused"), "{shown}");
    let approved = agreed(&home, &format!("guard approve {name}"));
    assert!(!home.project.join("shared/util.py").exists(), "{}", approved.stdout);
}

#[test]
fn the_event_loop_and_big_files_ask() {
    let home = with("[limits]\nfile_size = \"1KiB\"\n");
    let asked = write(&home, "main.py", "# The loop.\nprint()\n");
    assert!(asked.code == Some(75) && asked.stderr.contains("event-loop"), "{}", asked.stderr);
    assert_eq!(write(&home, "services/main.py", "# Not the loop.\nprint()\n").code, Some(0));
    let asked = write(&home, "data.txt", &"x".repeat(1025));
    assert!(asked.code == Some(75) && asked.stderr.contains("guard:changes-big"), "{}", asked.stderr);
    assert_eq!(write(&home, "data.txt", &"x".repeat(1024)).code, Some(0));
}

#[test]
fn configuration_with_credentials_is_never_written() {
    let home = scene();
    let token = format!("ghp_{}", "a1B2".repeat(9));
    home.write("config/app.yaml", &format!("token: {token}\n"));
    home.write("config/production.yaml", "db:\n  password: hunter2hunter2\n");
    home.write("config/test.yaml", "db:\n  name: x\n");
    for path in ["config/app.yaml", "config/production.yaml"] {
        let refused = write(&home, path, "db: {}\n");
        assert!(
            refused.code == Some(126) && refused.stderr.contains("guard:changes-credentials"),
            "{path}: {}",
            refused.stderr
        );
        let refused = home.guard(&["exec", "-c", &format!("echo 'a: 1' > {path}")]);
        assert_eq!(refused.code, Some(126), "{path}: by a command as well: {}", refused.stderr);
    }
    assert_eq!(write(&home, "config/test.yaml", "db: {}\n").code, Some(0));
    let asked = write(&home, "config/test.yaml", &format!("token: {token}\n"));
    assert!(asked.code == Some(75) && asked.stderr.contains("guard:changes-secret"), "{}", asked.stderr);
}

#[test]
fn what_is_refused_again_and_again_calls_a_person() {
    let home = Home::with("python-trading");
    let refused = |home: &Home| write(home, "../x", "x");
    let mut last = refused(&home);
    for _ in 0..10 {
        last = refused(&home);
        if last.stderr.contains("halted") {
            break;
        }
    }
    assert!(last.stderr.contains("halted: a person is needed (resume-"), "{}", last.stderr);
    let stopped = write(&home, "a.py", "x = 1\n");
    assert_eq!(stopped.code, Some(77), "{}", stopped.stderr);
    assert!(!home.project.join("a.py").exists());
}

#[test]
fn what_the_system_refuses_is_tried_once_more_and_told() {
    let home = scene();
    home.write("a.py", "a\n");
    // Held by somebody who lets go of it before the second try.
    let held = fs::File::open(home.project.join("a.py")).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let log = home.project.join("build_audit.log");
    let release = std::thread::spawn(move || {
        while !fs::read_to_string(&log).unwrap().contains("RETRY 1/1") {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        drop(held);
    });
    let done = write(&home, "a.py", "b\n");
    release.join().unwrap();
    assert_eq!((done.code, home.read("a.py").as_str()), (Some(0), "b\n"), "{}", done.stderr);
    assert!(home.log().contains("[FILE] [MODIFY] [a.py] [RETRY 1/1]"), "{}", home.log());
    let held = fs::File::open(home.project.join("a.py")).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let failed = write(&home, "a.py", "c\n");
    assert_eq!((failed.code, home.read("a.py").as_str()), (Some(125), "b\n"));
    let says = format!("not changed, and tried twice: `a.py` is locked by process {}", std::process::id());
    assert!(failed.stderr.contains(&says), "{}", failed.stderr);
    assert!(home.log().contains("[FILE] [MODIFY] [a.py] [DROPPED]"));
}

#[test]
fn a_failure_that_lasts_calls_a_person() {
    let home = Home::with("python-trading");
    home.write("a.py", "a\n");
    let held = fs::File::open(home.project.join("a.py")).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).unwrap();
    for _ in 0..10 {
        if write(&home, "a.py", "b\n").stderr.contains("halted: a person is needed") {
            assert_eq!(given(&home, &["file", "write", "b.py", "--reason", "r"], "b\n").code, Some(77));
            return;
        }
    }
    panic!("{}", home.log());
}
