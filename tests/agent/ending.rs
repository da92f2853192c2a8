//! However a harness or the guard around it ends, what it started ends with it, and the log says so.

use super::{events, harness, scene};
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Whether a process runs whose arguments hold `word`.
fn runs(word: &str) -> bool {
    let all = fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .any(|words| words.starts_with(b"sleep\0") && words.windows(word.len()).any(|part| part == word.as_bytes()))
}

/// Waits until that is so.
fn until(what: &str, is: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_it_asked_for_ends_with_the_harness() {
    let home = scene("");
    let ran = harness(
        &home,
        "guard exec -- sleep 617.01 & until guard status | grep -q '2 running'; do sleep 0.1; done; exit 5",
    );
    assert_eq!(ran.code, Some(5), "{}", ran.stderr);
    assert!(!runs("617.01"));
    let events = events(&home);
    assert_eq!(events.last().map(String::as_str), Some("agent_ended"), "{events:?}");
    assert!(home.log().contains("[SHELL] [EXEC] [sleep 617.01] [CANCELLED]"), "{}", home.log());
}

#[test]
fn a_call_whose_caller_goes_away_is_ended() {
    let home = scene("");
    let line = "guard exec -- sleep 617.02 & call=$!; until guard status | grep -q '2 running'; do sleep 0.1; done; kill -9 $call; \
                until guard status | grep -q '1 running'; do sleep 0.1; done; guard exec -- true; echo $?";
    assert_eq!(harness(&home, line).stdout, "0\n");
    assert!(!runs("617.02"));
}

#[test]
fn all_of_it_ends_with_the_guard_around_it() {
    for signal in ["KILL", "TERM", "HUP"] {
        let home = scene("");
        let word = format!("617.{}", signal.len() * 1000 + usize::from(signal.as_bytes()[0]));
        let mut guard = Command::new(env!("CARGO_BIN_EXE_guard"))
            .args(["run", "--", "bash", "-c", &format!("guard approve x; guard exec -- sleep {word}; sleep {word}")])
            .current_dir(&home.project)
            .env_clear()
            .env("PATH", crate::cli::path())
            .env("HOME", home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        until("it runs", || runs(&word));
        assert!(Command::new("kill").args([format!("-{signal}"), guard.id().to_string()]).status().unwrap().success());
        guard.wait().unwrap();
        until("it ends", || !runs(&word));
        // What the killed one did not say is found out by the next.
        until("each start has an end", || {
            home.guard(&["status"]);
            home.guard(&["exec", "--", "true"]);
            home.guard(&["status"]).stdout.contains("0 running")
        });
        // What was refused is on record however it ended.
        assert!(home.log().contains("[AGENT] [CALL] [guard approve x] [DENIED]"), "{}", home.log());
        assert_eq!(home.guard(&["audit", "verify"]).code, Some(0));
    }
}
