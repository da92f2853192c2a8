//! The guard that waits for a call before there is one: it is one of many that could serve it, and never outlives who it waits for.

use super::{harness, scene};
use crate::cli::{Home, done};
use std::fs;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The processes that wait for calls, and were started by `parent`.
fn waiting(parent: u32) -> Vec<u32> {
    let waits = |pid: &u32| {
        fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|words| words == b"guard\0--waits\0")
            && fs::read_to_string(format!("/proc/{pid}/status"))
                .is_ok_and(|status| status.contains(&format!("\nPPid:\t{parent}\n")))
    };
    let all = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    all.filter(waits).collect()
}

/// The one that waits, once there is one.
fn one(parent: u32) -> u32 {
    let begun = Instant::now();
    loop {
        if let [pid] = waiting(parent)[..] {
            return pid;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", waiting(parent));
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn kill(pid: u32) {
    assert!(Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap().success());
}

fn begin(home: &Home, line: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_guard"))
        .args(["run", "--", "bash", "-c", line])
        .current_dir(&home.project)
        .env_clear()
        .env("PATH", crate::cli::path())
        .env("HOME", home.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn one_waits_after_each_call_and_calls_are_served_where_it_is_gone() {
    let home = scene("");
    let wait =
        |name: &str| format!("until [ -e {name} ]; do sleep 0.02; done; guard exec -- sh -c 'echo {name}; pwd'; ");
    let mut guard = begin(&home, &["first", "second", "third"].map(wait).concat());
    let first = one(guard.id());
    home.write("first", "");
    let begun = Instant::now();
    while waiting(guard.id()).iter().all(|pid| *pid == first) {
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(5));
    }
    kill(one(guard.id()));
    home.write("second", "");
    one(guard.id());
    home.write("third", "");
    let (mut said, mut wrong) = (String::new(), String::new());
    guard.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    guard.stderr.take().unwrap().read_to_string(&mut wrong).unwrap();
    assert_eq!(guard.wait().unwrap().code(), Some(0), "{wrong}");
    let at = home.project.display();
    assert_eq!(said, format!("first\n{at}\nsecond\n{at}\nthird\n{at}\n"), "{wrong}");
    assert!(waiting(guard.id()).is_empty());
    assert!(home.log().contains("\"calls\":3"), "{}", home.log());
}

#[test]
fn it_goes_with_the_guard_that_it_waits_for() {
    let home = scene("");
    let mut guard = begin(&home, "sleep 60");
    let waits = one(guard.id());
    kill(guard.id());
    guard.wait().unwrap();
    let begun = Instant::now();
    while fs::read(format!("/proc/{waits}/cmdline")).is_ok_and(|words| words.ends_with(b"--waits\0")) {
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn nobody_else_can_have_guard_wait() {
    let home = scene("");
    let plain = home.guard(&["--waits"]);
    assert_eq!(plain.code, Some(125), "{}", plain.stderr);
    assert!(plain.stderr.contains("unexpected argument '--waits'"), "{}", plain.stderr);
    let named = done(home.command(&["--waits"]).env("GUARD_RUN_FOR", format!("1:{}", home.project.display())));
    assert_eq!((named.code, named.stdout.as_str()), (Some(125), ""), "{}", named.stderr);
    let inside = harness(&home, "GUARD_RUN_FOR=1:/ guard --waits < /dev/null; echo $?");
    assert_eq!(inside.stdout, "125\n", "{}", inside.stderr);
}
