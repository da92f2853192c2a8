//! Any sequence of actions on files, of taking back and of guards that are killed leaves each file as some version that the log
//! names, or as it was before.

use super::{changes, scene, sha256};
use crate::cli::Home;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

const FILES: [&str; 3] = ["a.txt", "sub/b.txt", "sub/deep/c.txt"];

#[derive(Debug, Clone)]
enum Step {
    Write(usize, u8),
    Replace(usize, u8),
    Delete(usize),
    Move(usize, usize),
    Undo(usize),
    /// A write by a guard that is killed after so many milliseconds.
    Killed(usize, u8, u64),
}

fn step() -> impl Strategy<Value = Step> {
    let file = || 0..FILES.len();
    prop_oneof![
        4 => (file(), any::<u8>()).prop_map(|(file, content)| Step::Write(file, content)),
        2 => (file(), any::<u8>()).prop_map(|(file, content)| Step::Replace(file, content)),
        1 => file().prop_map(Step::Delete),
        2 => (file(), file()).prop_map(|(from, to)| Step::Move(from, to)),
        2 => (0..8_usize).prop_map(Step::Undo),
        2 => (file(), any::<u8>(), 1..60_u64).prop_map(|(file, content, after)| Step::Killed(file, content, after)),
    ]
}

/// What an action came to does not matter: it may be refused, or killed.
fn take(home: &Home, step: &Step) {
    let reason = ["--reason", "r"];
    let write = |file: usize| [&["file", "write", FILES[file]][..], &reason].concat();
    match step {
        Step::Write(file, content) => {
            super::given(home, &write(*file), &format!("{content}\n"));
        }
        Step::Replace(file, content) => {
            let new = format!("{content} ");
            let more = ["file", "edit", FILES[*file], "--all", "--old", "1", "--new", &new];
            home.guard(&[&more[..], &reason].concat());
        }
        Step::Delete(file) => drop(home.guard(&[&["file", "delete", FILES[*file]][..], &reason].concat())),
        Step::Move(from, to) => {
            drop(home.guard(&[&["file", "move", FILES[*from], FILES[*to]][..], &reason].concat()));
        }
        Step::Undo(back) => {
            if let Some(seq) = changes(home).get(*back) {
                home.guard(&["undo", &seq.to_string()]);
            }
        }
        Step::Killed(file, content, after) => {
            let mut child = super::writer(home, FILES[*file], &format!("{content}\n"), &[]);
            std::thread::sleep(Duration::from_millis(*after));
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

/// Everything below the project that guard did not put there itself.
fn names(home: &Home) -> BTreeSet<String> {
    let output = Command::new("find").args([".", "-type", "f", "-printf", "%P\n"]).current_dir(&home.project).output();
    let all = String::from_utf8(output.unwrap().stdout).unwrap();
    all.lines().filter(|name| !["guard.toml", "build_audit.log"].contains(name)).map(str::to_owned).collect()
}

/// What the log says of a file last: the hash of its content, or that it is gone.
fn last_said(home: &Home, path: &str) -> Option<Option<String>> {
    let log = home.log();
    let committed = log.lines().filter(|line| line.contains("\"event\":\"change_committed\""));
    let files = committed.flat_map(|line| {
        let at = line.find(" {\"v\":").unwrap() + 1;
        let mut values = serde_json::Deserializer::from_str(&line[at..]).into_iter::<serde_json::Value>();
        values.next().unwrap().unwrap()["changed"]["files"].as_array().unwrap().clone()
    });
    let of = files.filter(|file| file["path"] == path).collect::<Vec<_>>();
    of.last().map(|file| file["sha256"].as_str().map(str::to_owned))
}

#[test]
fn each_file_is_the_version_that_the_log_names_last() {
    let rounds = std::env::var("GUARD_TEST_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(4);
    let mut runner = TestRunner::new(Config { cases: rounds, max_shrink_iters: 20, ..Config::default() });
    let steps = proptest::collection::vec(step(), 1..14);
    runner
        .run(&steps, |steps| {
            let home = scene();
            for step in &steps {
                take(&home, step);
                // What a killed guard left is finished or dropped.
                prop_assert_eq!(home.guard(&["status"]).code, Some(0));
                let there = names(&home);
                prop_assert!(there.iter().all(|name| FILES.contains(&name.as_str())), "{there:?}");
                for file in FILES {
                    let stands = there.contains(file).then(|| sha256(&home, file));
                    prop_assert_eq!(last_said(&home, file).flatten(), stands, "{} after {:?}", file, step);
                }
            }
            prop_assert_eq!(home.guard(&["audit", "verify"]).code, Some(0));
            Ok(())
        })
        .unwrap();
}
