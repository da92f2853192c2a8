//! One command at a time in a project: the second is refused with who holds it, or waits for its turn.

use crate::cli::{Home, agreed, done, path, terminal};
use serde_json::{Value, json};
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Says that it runs, and goes on until its input ends: what it writes to the project may be seen by nobody before.
const HOLD: &str = "import sys\nprint('held', flush=True)\nsys.stdin.read()\nprint('held on')\n";

fn home() -> Home {
    let home = Home::with("python");
    home.write("hold.py", HOLD);
    home
}

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
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn holding(home: &Home) -> Child {
    let mut child = start(home, &["exec", "--", "python3", "hold.py"]);
    runs(&mut child);
    child
}

/// Returns once it has said that it runs.
fn runs(child: &mut Child) {
    let mut said = [0; 5];
    child.stdout.as_mut().unwrap().read_exact(&mut said).unwrap();
    assert_eq!(&said, b"held\n");
}

/// Lets it end.
fn release(child: &mut Child) {
    drop(child.stdin.take());
}

fn ended(mut child: Child) -> (Option<i32>, String, String) {
    release(&mut child);
    let (mut out, mut err) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    (child.wait().unwrap().code(), out, err)
}

/// A line without what differs from run to run: process and time.
fn plain(text: &str, child: &Child) -> String {
    let text = text.replace(&format!("process {}", child.id()), "process PID");
    match text.split_once(", since ") {
        Some((before, after)) => format!("{before}, since TIME{}", &after["00:00:00 UTC".len()..]),
        None => text,
    }
}

#[test]
fn a_second_command_is_refused_with_who_holds_the_turn_and_runs_once_it_is_free() {
    let home = home();
    let first = holding(&home);
    let told = "another command runs in this project: `python3 hold.py` (record #2, process PID, since TIME)";
    let help = "ask for it again when that has ended, or wait for it with `guard exec --wait-turn 60 -- …`; how many run \
                at once is `parallel` in `[limits]` of the policy";
    for arguments in [&["exec", "--", "true"][..], &["exec", "--wait-turn", "0", "--", "true"], &["exec", "-c", "true"]]
    {
        let second = home.guard(arguments);
        assert_eq!((second.code, second.stdout.as_str()), (Some(125), ""), "{arguments:?}");
        assert_eq!(plain(&second.stderr, &first), format!("guard: {told}\n  help: {help}\n"), "{arguments:?}");
    }
    let object: Value = serde_json::from_str(&home.guard(&["exec", "--json", "--", "true"]).stdout).unwrap();
    let since = object["error"]["holders"][0]["since"].as_i64().unwrap();
    let holder = json!({"seq": 2, "pid": first.id(), "since": since, "command": "python3 hold.py"});
    assert_eq!((object["verdict"].clone(), object["exit_code"].clone()), (json!("error"), json!(125)));
    assert_eq!(object["error"]["holders"], json!([holder]));
    assert_eq!(plain(object["error"]["message"].as_str().unwrap(), &first), told);
    // What asks, or is denied, needs no turn: it says so as ever.
    assert_eq!(home.guard(&["exec", "--", "rm", "-rf", "/"]).code, Some(126));
    assert_eq!(home.guard(&["exec", "--", "unheard-of-program"]).code, Some(127));
    assert_eq!(home.guard(&["check", "--", "true"]).code, Some(0));
    assert_eq!(ended(first), (Some(0), "held on\n".into(), String::new()));
    assert_eq!(home.guard(&["exec", "--", "true"]).code, Some(0));
    assert_eq!(home.log().matches("[true] [ERROR] {\"v\":1,\"event\":\"shell_error\",\"exit_code\":125").count(), 4);
    assert_eq!(home.guard(&["audit", "verify"]).code, Some(0));
}

#[test]
fn a_command_that_waits_runs_when_its_turn_comes_and_gives_up_when_its_time_is_over() {
    let home = home();
    let first = holding(&home);
    let begin = Instant::now();
    let second = home.guard(&["exec", "--wait-turn", "1.2", "--", "true"]);
    assert_eq!(second.code, Some(125), "{}", second.stderr);
    assert!(begin.elapsed() >= Duration::from_millis(1200));
    assert!(second.stderr.starts_with("guard: another command runs in this project (after 1 s of waiting): `python3"));
    let third = start(&home, &["exec", "--wait-turn", "60", "--", "python3", "-c", "print('now')"]);
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(ended(first).0, Some(0));
    assert_eq!(ended(third), (Some(0), "now\n".into(), String::new()), "nothing is said where nobody sits");
    let log = home.log();
    let bounds = log.lines().filter(|line| line.contains("\"shell_start\"") || line.contains("\"shell_end\""));
    let starts: Vec<bool> = bounds.map(|line| line.contains("\"shell_start\"")).collect();
    assert_eq!(starts, [true, false, true, false], "one after the other: {}", home.log());
}

#[test]
fn a_person_at_a_terminal_is_told_what_is_waited_for() {
    let home = home();
    let mut first = holding(&home);
    let waiting = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| terminal(&home, &["exec", "--wait-turn", "60", "--", "true"], ""));
        std::thread::sleep(Duration::from_millis(500));
        release(&mut first);
        waiting.join().unwrap()
    });
    assert_eq!(waiting.code, Some(0));
    let told = plain(waiting.stdout.trim_end(), &first);
    assert_eq!(told, "guard: waiting for its turn, after `python3 hold.py` (record #2, process PID, since TIME)");
    ended(first);
}

#[test]
fn a_killed_holder_leaves_its_turn_and_an_interrupted_waiter_leaves_nothing() {
    let home = home();
    let first = holding(&home);
    let waiting = start(&home, &["exec", "--wait-turn", "60", "--", "true"]);
    std::thread::sleep(Duration::from_millis(300));
    let records = home.log().lines().count();
    let interrupt = Command::new("kill").args(["-s", "INT", &waiting.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    assert_eq!(ended(waiting), (None, String::new(), String::new()), "it ends by the signal");
    assert_eq!(home.log().lines().count(), records, "nothing was begun");
    let waiting = start(&home, &["exec", "--wait-turn", "60", "--", "true"]);
    std::thread::sleep(Duration::from_millis(300));
    let killed = Command::new("kill").args(["-s", "KILL", &first.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert_eq!(ended(waiting).0, Some(0));
    ended(first);
    assert_eq!(home.guard(&["exec", "--", "true"]).code, Some(0));
    assert!(home.log().contains("\"event\":\"lost\",\"of\":2"));
    assert_eq!(home.guard(&["audit", "verify"]).code, Some(0));
}

/// What was judged before the wait may be another thing after it: `python` in the project is made while it waits.
#[test]
fn what_waited_is_judged_by_what_stands_when_its_turn_comes() {
    let home = home();
    home.write("tool.sh", "#!/bin/sh\necho ran\n");
    let first = holding(&home);
    let waiting = start(&home, &["exec", "--wait-turn", "60", "--", "python3", "-c", "print('ran')"]);
    std::thread::sleep(Duration::from_millis(300));
    let deny = "\n[[rule]]\nid = \"no-more\"\nprogram = \"python3\"\nverdict = \"deny\"\nreason = \"not any more\"\n\
                hits = [\"python3 -c x\"]\nmisses = [\"true\"]\n";
    home.trust(deny);
    assert_eq!(ended(first).0, Some(0));
    let (code, out, err) = ended(waiting);
    assert_eq!((code, out.as_str()), (Some(126), ""), "{err}");
    assert!(err.contains("deny no-more: not any more"), "{err}");
}

#[test]
fn what_waited_does_not_run_once_everything_is_halted() {
    let home = home();
    let first = holding(&home);
    let waiting = start(&home, &["exec", "--wait-turn", "60", "--", "true"]);
    std::thread::sleep(Duration::from_millis(300));
    let halted = done(&mut home.command(&["halt", "--reason", "a look"]));
    assert_eq!(halted.code, Some(0), "{}", halted.stderr);
    assert_eq!(ended(waiting).0, Some(77), "at once, though the first goes on");
    assert_eq!(ended(first).0, Some(0));
}

#[test]
fn as_many_run_at_once_as_the_policy_says() {
    let home = home();
    home.trust("\n[limits]\nparallel = 2\n");
    let first = holding(&home);
    let second = holding(&home);
    let third = home.guard(&["exec", "--", "true"]);
    assert_eq!(third.code, Some(125));
    let said = "guard: as many commands run in this project as may at once (2): `python3 hold.py` (record #";
    assert!(third.stderr.starts_with(said), "{}", third.stderr);
    assert_eq!(third.stderr.matches("`python3 hold.py` (").count(), 2, "{}", third.stderr);
    assert_eq!((ended(first).0, ended(second).0), (Some(0), Some(0)));
}

/// The end of a command is on record before its guard has put away what is left of it, its changes for one. Whoever reads there that it
/// ended, and asks for the next, is not refused for that moment.
#[test]
fn a_turn_whose_command_ended_is_waited_for_though_nobody_asked_to_wait() {
    let home = home();
    assert_eq!(home.guard(&["exec", "--", "true"]).code, Some(0));
    let slot = std::fs::File::options().write(true).open(home.state().join("turn/0")).unwrap();
    let holds = |seq: u64| {
        let holder = json!({"seq": seq, "pid": std::process::id(), "since": 1, "command": "true"});
        std::fs::write(home.state().join("turn/0"), format!("{holder}\n")).unwrap();
    };
    slot.lock().unwrap();
    holds(2);
    let mut next = start(&home, &["exec", "--", "true"]);
    std::thread::sleep(Duration::from_millis(500));
    assert!(next.try_wait().unwrap().is_none(), "it waits: {:?}", ended(next));
    slot.unlock().unwrap();
    assert_eq!(ended(next), (Some(0), String::new(), String::new()));
    // One that never lets go is not waited for without end.
    slot.lock().unwrap();
    holds(2);
    let refused = home.guard(&["exec", "--", "true"]);
    assert_eq!(refused.code, Some(125));
    let said = "guard: another command runs in this project (after 2 s of waiting): `true` (record #2, ";
    assert!(refused.stderr.starts_with(said), "{}", refused.stderr);
}

/// The text of a turn lies in the state folder, which a person may send to others.
#[test]
fn no_secret_of_a_command_stands_in_its_turn() {
    let home = home();
    let line = "python3 hold.py --password=canary-8c1f77b3";
    let mut first = start(&home, &["exec", "-c", line]);
    runs(&mut first);
    let slot = std::fs::read_to_string(home.state().join("turn/0")).unwrap();
    assert!(slot.contains("python3 hold.py --password=") && !slot.contains("canary-8c1f77b3"), "{slot}");
    let second = home.guard(&["exec", "--", "true"]);
    assert!(!second.stderr.contains("canary-8c1f77b3"), "{}", second.stderr);
    ended(first);
}

#[test]
fn what_a_person_approved_waits_for_its_turn_too_and_is_not_used_up_by_a_refusal() {
    let home = home();
    home.write("data.csv", "1\n");
    assert_eq!(home.guard(&["exec", "--", "truncate", "-s", "0", "data.csv"]).code, Some(75));
    let approved = agreed(&home, "guard approve command-1");
    assert_eq!(approved.code, Some(0), "{}", approved.stdout);
    let first = holding(&home);
    let refused = home.guard(&["run-approved", "command-1"]);
    assert_eq!((refused.code, home.read("data.csv").as_str()), (Some(125), "1\n"));
    assert!(refused.stderr.starts_with("guard: another command runs in this project: `python3 hold.py`"));
    let waiting = start(&home, &["run-approved", "command-1", "--wait-turn", "60"]);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(ended(first).0, Some(0));
    assert_eq!(ended(waiting), (Some(0), String::new(), String::new()));
    assert_eq!(home.read("data.csv"), "");
    assert_eq!(home.guard(&["audit", "verify"]).code, Some(0));
}
