//! Several at once, and guards that are killed: real guards, many times.

use super::*;
use crate::cli::{done, path};
use rustix::fs::{FlockOperation, flock};
use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

const PARALLEL: &str = "[limits]\nparallel = 4\n";

/// Several guards that change one file each, at the same time; which came in.
fn at_once(home: &Home, files: &[&str], pause: &str) -> Vec<String> {
    let running: Vec<_> = files
        .iter()
        .map(|file| {
            let mut command = home.command(&["exec", "--json", "-c", &format!("{pause}echo 7 >> {file}")]);
            let file = (*file).to_owned();
            thread::spawn(move || (file, done(&mut command)))
        })
        .collect();
    let mut came = Vec::new();
    for one in running {
        let (file, done) = one.join().unwrap();
        let told: Value = serde_json::from_str(&done.stdout).expect("one object is printed");
        let rules = kept_out(&told);
        if rules.is_empty() {
            came.push(file);
        } else {
            assert_eq!((rules, done.code), (vec!["guard:iteration-full"], Some(126)), "{told}");
        }
    }
    came.sort();
    came
}

#[test]
fn two_writers_at_once_cannot_both_be_the_second_file() {
    let home = scene(&["a.py", "b.py", "c.py"], PARALLEL);
    for round in 0..15 {
        comes_in(&home, &["a.py"]);
        let came = at_once(&home, &["b.py", "c.py"], "");
        assert_eq!(came.len(), 1, "round {round}: {came:?}");
        assert_eq!(counted(&home).0, ["a.py".to_owned(), came[0].clone()], "round {round}");
        closes(&home);
    }
    assert_eq!(home.guard(&["audit", "verify"]).code, Some(0));
}

/// Both are judged before either comes in: whoever brings changes in waits for a lock, which is held here until both do.
#[test]
fn what_fitted_when_it_was_judged_is_refused_where_another_came_in_first() {
    let home = scene(&["a.py", "b.py", "c.py"], PARALLEL);
    comes_in(&home, &["a.py"]);
    let lock = fs::File::open(home.state().join("transactions")).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    let both = thread::scope(|scope| {
        let both = scope.spawn(|| at_once(&home, &["b.py", "c.py"], ""));
        let ended = || home.log().matches("\"event\":\"shell_end\"").count();
        while ended() < 3 {
            thread::sleep(Duration::from_millis(20));
        }
        thread::sleep(Duration::from_millis(500));
        flock(&lock, FlockOperation::Unlock).unwrap();
        both.join().unwrap()
    });
    assert_eq!(both.len(), 1, "{both:?}");
    let log = home.log();
    let dropped = log.lines().find(|line| line.contains("change_withheld")).unwrap();
    assert!(dropped.contains("guard:iteration-full"), "{dropped}");
}

#[test]
fn four_writers_into_nothing_begin_one_iteration_of_two() {
    let files = ["a.py", "b.py", "c.py", "d.py"];
    for round in 0..5 {
        let home = scene(&files, PARALLEL);
        let came = at_once(&home, &files, "");
        assert_eq!((came.len(), counted(&home).0), (2, came), "round {round}");
        assert_eq!(home.log().matches("\"event\":\"iteration_started\"").count(), 1);
    }
}

#[test]
fn of_a_guard_that_is_killed_either_the_change_counts_and_is_there_or_neither() {
    let home = scene(&["a.py", "b.py", "c.py"], "");
    let (mut in_, mut out) = (0, 0);
    for round in 0..40_u64 {
        home.write("b.py", "1\n");
        comes_in(&home, &["a.py"]);
        let mut guard = Command::new(env!("CARGO_BIN_EXE_guard"))
            .args(["exec", "-c", "echo 7 >> b.py"])
            .current_dir(&home.project)
            .env_clear()
            .env("PATH", path())
            .env("HOME", home.path())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(4 + round * 2));
        let _ended = guard.kill();
        guard.wait().unwrap();
        green(&home);
        let counts = counted(&home).0.contains(&"b.py".to_owned());
        assert_eq!(home.read("b.py").contains('7'), counts, "round {round}");
        *if counts { &mut in_ } else { &mut out } += 1;
        closes(&home);
    }
    assert_eq!(in_ + out, 40);
    assert_eq!(home.guard(&["audit", "verify"]).code, Some(0));
}
