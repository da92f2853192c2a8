//! Counts over crashes, at the same time, and from the log alone.

use super::{exec, failing, used};
use crate::approve::scene::{ASKED, Scene};
use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

fn spawn(scene: &Scene, words: &[&str]) -> Child {
    let command = scene.home.command(words);
    let mut plain = Command::new(command.get_program());
    plain.args(command.get_args()).current_dir(&scene.home.project).env_clear();
    plain.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    plain.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn two_failing_checks_at_the_same_time_count_two() {
    let scene = failing();
    scene.home.trust("[limits]\nparallel = 8\n");
    let both =
        [spawn(&scene, &["exec", "--json", "--", "pytest", "-q"]), spawn(&scene, &["exec", "--", "pytest", "-q"])];
    for child in both {
        assert_eq!(child.wait_with_output().unwrap().status.code(), Some(1));
    }
    assert_eq!(used(&scene, "test"), (2, 2));
    // And of many, one halts: the others that had begun end as they do.
    let children: Vec<Child> = (0..3).map(|_| spawn(&scene, &["exec", "--", "pytest", "-q"])).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(matches!(output.status.code(), Some(1 | 77)), "{output:?}");
    }
    assert_eq!(scene.logged("[ESCALATION] [HALT]"), 1);
    scene.whole();
}

#[test]
fn a_check_whose_guard_was_killed_is_lost_and_neither_counts_nor_resets() {
    let scene = failing();
    exec(&scene, &["--", "pytest", "-q"]);
    scene.home.write(
        "test_slow.py",
        "import time\n\n\ndef test_slow():\n    open('began', 'w').close()\n    time.sleep(30)\n",
    );
    let mut child = spawn(&scene, &["exec", "--", "pytest", "-q", "test_slow.py"]);
    let begin = Instant::now();
    while scene.home.apart("began").is_none() {
        assert!(begin.elapsed() < Duration::from_secs(30));
        sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let status = scene.status();
    assert_eq!((used(&scene, "test"), &status["lost"], &status["running"]), ((1, 1), &1.into(), &0.into()), "{status}");
    assert_eq!(scene.logged("\"event\":\"lost\""), 1);
    scene.whole();
}

#[test]
fn an_approved_command_whose_guard_was_killed_must_be_asked_again() {
    let scene = Scene::signed();
    let line = "truncate -s 3 made; sleep 30";
    assert_eq!(scene.home.guard(&["exec", "-c", line]).code, Some(75));
    assert_eq!(scene.answer("approve", "command-1").code, Some(0));
    let mut child = spawn(&scene, &["run-approved", "command-1"]);
    let begin = Instant::now();
    while scene.home.apart("made").is_none_or(|made| std::fs::metadata(made).is_ok_and(|found| found.len() != 3)) {
        assert!(begin.elapsed() < Duration::from_secs(30));
        sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let done = scene.home.guard(&["run-approved", "command-1"]);
    assert!(done.code == Some(125) && done.stderr.contains("was used before"), "{}", done.stderr);
    assert!(!scene.copy("command-1").exists());
    assert_eq!(scene.home.guard(&["exec", "--json", "-c", line]).code, Some(75));
    scene.whole();
}

/// The snapshot is a convenience: what is counted, asked and halted is told by the log alone.
#[test]
fn the_state_of_the_log_alone_is_the_one_that_was_kept() {
    let scene = failing();
    let everything = |scene: &Scene| {
        let words = [&["status", "--json"][..], &["pending", "--json"], &["escalations", "--json"]];
        words.map(|words| scene.home.guard(words).stdout)
    };
    let (yes, no) = (scene.ask(&ASKED), scene.ask(&["truncate", "-s", "4", "made"]));
    assert_eq!(scene.typed("approve", &yes).code, Some(0));
    assert_eq!(scene.typed("deny", &no).code, Some(0));
    exec(&scene, &["--", "sudo", "true"]);
    exec(&scene, &["--", "sudo", "true"]);
    exec(&scene, &["--", "pytest", "-q"]);
    // A snapshot is written now and then.
    for _ in 0..40 {
        assert_eq!(scene.home.guard(&["exec", "--", "true"]).code, Some(0));
    }
    exec(&scene, &["--", "pytest", "-q"]);
    scene.ask(&["truncate", "-s", "5", "made"]);
    let kept = everything(&scene);
    scene.halt();
    let halted = everything(&scene);
    assert_ne!(kept, halted);
    let mut removed = 0;
    for entry in fs::read_dir(scene.home.state()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("snapshot") {
            fs::remove_file(path).unwrap();
            removed += 1;
        }
    }
    println!("{removed} snapshots removed");
    assert_eq!(everything(&scene), halted);
    // Denied, approved and counted as before.
    assert_eq!(scene.typed("resume", scene.status()["halted"]["name"].as_str().unwrap()).code, Some(0));
    assert_eq!(exec(&scene, &["--", "truncate", "-s", "4", "made"])["rules"][0]["id"], "guard:denied-by-person");
    assert_eq!(scene.home.guard(&["run-approved", &yes]).code, Some(0));
    scene.whole();
}
