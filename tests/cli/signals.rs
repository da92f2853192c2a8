//! Signals to guard: Ctrl-C and TERM end everything and are recorded; KILL at any moment loses nothing.

use super::{Home, path};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Starts a daemon of its own session that ignores TERM and writes a heartbeat, then waits.
const DAEMON: &str = "import os, signal, time\n\
    if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        signal.signal(signal.SIGTERM, signal.SIG_IGN)\n        \
    while True:\n            open('heartbeat', 'a').write('.')\n            time.sleep(0.02)\n    os._exit(0)\n\
    open('ready', 'w').write('x')\ntime.sleep(600)\n";

fn start(home: &Home, arguments: &[&str]) -> Child {
    // Whoever runs the tests may ignore signals (`nohup`, a background job), which programs inherit.
    Command::new("env")
        .arg("--default-signal=INT,TERM,HUP,QUIT")
        .arg(env!("CARGO_BIN_EXE_guard"))
        .args(arguments)
        .current_dir(&home.project)
        .env_clear()
        .env("PATH", path())
        .env("HOME", home.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn beats(home: &Home) -> u64 {
    home.apart("heartbeat").and_then(|path| std::fs::metadata(path).ok()).map_or(0, |file| file.len())
}

/// Processes that were started with the project's path as their last word.
fn living(home: &Home) -> usize {
    let word = format!("daemon.py\0{}\0", home.project.display()).into_bytes();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    lines.filter(|line| line.ends_with(&word)).count()
}

fn is_dead(home: &Home) {
    until("the daemon is gone", || living(home) == 0);
}

fn daemon(home: &Home) -> Child {
    home.write("daemon.py", DAEMON);
    let guard = start(home, &["exec", "--", "python3", "daemon.py", home.project.to_str().unwrap()]);
    until("the daemon starts", || home.apart("ready").is_some() && beats(home) > 0);
    assert!(living(home) >= 2, "the command and its daemon");
    guard
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn interrupt_terminate_and_hang_up_end_the_tree_and_are_recorded() {
    for (name, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let home = Home::with("python");
        let mut guard = daemon(&home);
        signal(&guard, name);
        assert_eq!(guard.wait().unwrap().code(), Some(code), "{name}");
        is_dead(&home);
        assert!(
            home.log().contains("[CANCELLED]") && home.log().lines().last().unwrap().contains("[DROPPED]"),
            "{name}: {}",
            home.log()
        );
    }
}

/// A terminal's Ctrl-C and a supervisor's TERM come together, a person presses twice: the second came when the command had
/// ended and its end was not on record yet, which `agent::ending` saw when the machine was busy.
#[test]
fn a_second_signal_does_not_keep_the_end_from_the_record() {
    let home = Home::with("python");
    for round in 0..20 {
        let word = format!("6{round:02}.05");
        let mut guard = start(&home, &["exec", "--", "sleep", &word]);
        let asleep = || {
            let processes = std::fs::read_dir("/proc").unwrap().flatten();
            let line = format!("sleep\0{word}\0").into_bytes();
            processes
                .map(|process| process.path().join("cmdline"))
                .find(|at| std::fs::read(at).is_ok_and(|is| is == line))
        };
        until("it sleeps", || asleep().is_some());
        let sleeper = asleep().unwrap();
        let own = rustix::process::Pid::from_child(&guard);
        rustix::process::kill_process(own, rustix::process::Signal::INT).unwrap();
        while std::fs::read(&sleeper).is_ok_and(|line| !line.is_empty()) {}
        rustix::process::kill_process(own, rustix::process::Signal::TERM).unwrap();
        assert_eq!(guard.wait().unwrap().code(), Some(130), "{round}");
    }
    assert_eq!(home.log().matches("[CANCELLED]").count(), 20, "{}", home.log());
}

/// From the record of its start on a command may begin by itself, while guard does not look: whatever moment of that the signal comes in,
/// it ends the command, and the record says so.
#[test]
fn told_to_end_at_any_moment_of_its_beginning_it_ends_and_the_record_says_so() {
    let home = Home::with("python");
    for round in 0..40 {
        let mut guard = start(&home, &["exec", "--", "sleep", "618.04"]);
        let begun = Instant::now();
        while home.log().matches("\"shell_start\"").count() <= round {
            assert!(begun.elapsed() < Duration::from_secs(20), "its start is on record");
        }
        let recorded = Instant::now();
        while recorded.elapsed() < Duration::from_micros(round as u64 * 100) {}
        rustix::process::kill_process(rustix::process::Pid::from_child(&guard), rustix::process::Signal::TERM).unwrap();
        assert_eq!(guard.wait().unwrap().code(), Some(143), "{round}");
    }
    let slept =
        std::fs::read_dir("/proc").unwrap().flatten().filter_map(|it| std::fs::read(it.path().join("cmdline")).ok());
    assert_eq!(slept.filter(|line| line == b"sleep\x00618.04\0").count(), 0);
    assert_eq!(home.log().matches("[CANCELLED]").count(), 40, "{}", home.log());
}

#[test]
fn killed_guard_takes_the_tree_along_and_the_run_is_found_lost() {
    let home = Home::with("python");
    let mut guard = daemon(&home);
    signal(&guard, "KILL");
    guard.wait().unwrap();
    is_dead(&home);
    assert_eq!(home.guard(&["exec", "--", "true"]).code, Some(0));
    assert!(home.log().contains("\"event\":\"lost\",\"of\":2"), "{}", home.log());
    let verified = home.guard(&["audit", "verify"]);
    assert_eq!(verified.code, Some(0), "{}{}", verified.stdout, verified.stderr);
}

#[test]
fn guard_killed_at_any_moment_loses_no_record_and_leaves_a_whole_chain() {
    let home = Home::with("python");
    for step in 0..60 {
        let mut guard = start(&home, &["exec", "--", "true"]);
        std::thread::sleep(Duration::from_micros(step * 150));
        let _gone_already = guard.kill();
        guard.wait().unwrap();
    }
    assert_eq!(home.guard(&["exec", "--", "true"]).code, Some(0));
    let verified = home.guard(&["audit", "verify"]);
    assert!(matches!(verified.code, Some(0 | 2)), "{}{}", verified.stdout, verified.stderr);
    let log = home.log();
    let starts = log.matches("\"event\":\"shell_start\"").count();
    let ends = log.matches("\"event\":\"shell_end\"").count() + log.matches("\"event\":\"lost\"").count();
    assert_eq!(starts, ends, "{log}");
}
