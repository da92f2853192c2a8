//! Changes that cannot come in for a reason that is nobody's rule: said, recorded, and nothing else stands still for them.

use super::{Done, Home, agreed, path};
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn line(home: &Home, line: &str) -> Done {
    home.guard(&["exec", "-c", line])
}

/// The cause that the last record of dropped changes gives.
fn dropped(home: &Home) -> (String, String) {
    let log = home.log();
    let line = log.lines().rev().find(|line| line.contains("\"event\":\"change_withheld\"")).unwrap_or_default();
    let of = |name: &str| {
        let value = line.split(&format!("\"{name}\":\"")).nth(1).unwrap_or_default();
        value.split("\",\"").next().unwrap_or_default().split("\"}").next().unwrap_or_default().to_owned()
    };
    (of("why"), of("cause"))
}

/// A project with three files, all of which `THREE` changes: more than a command may without a person.
fn three(addition: &str) -> Home {
    let home = Home::with("python");
    home.trust(addition);
    ["a.py", "b.py", "c.py"].into_iter().for_each(|name| home.write(name, "old\n"));
    home
}
const THREE: &str = "echo new > a.py; echo new > b.py; echo new > c.py";

fn nothing_came_in(home: &Home) {
    assert_eq!(["a.py", "b.py", "c.py"].map(|name| home.read(name)), ["old\n"; 3]);
    assert_eq!(fs::read_dir(home.state().join("transactions")).unwrap().count(), 0);
    assert_eq!(home.guard(&["audit", "verify"]).code, Some(0));
}

#[test]
fn changes_that_nobody_could_be_asked_about_are_dropped_on_record() {
    let home = three("[approvals]\ncommand = \"security-key\"\n");
    let done = line(&home, THREE);
    assert_eq!(done.code, Some(78), "{}", done.stderr);
    assert!(done.stderr.contains("no approver can give one"), "{}", done.stderr);
    assert!(done.stderr.contains("its changes were dropped") && done.stderr.contains("modify b.py"), "{}", done.stderr);
    let (why, cause) = dropped(&home);
    assert_eq!(why, "error");
    assert!(cause.contains("no approver can give one"), "{cause}");
    nothing_came_in(&home);
    let json: serde_json::Value = serde_json::from_str(&home.guard(&["exec", "--json", "-c", THREE]).stdout).unwrap();
    assert_eq!((&json["changes"]["withheld"], &json["changes"]["committed"]), (&"error".into(), &false.into()));
}

#[test]
fn changes_that_cannot_be_kept_for_a_person_are_dropped_on_record() {
    let home = three("");
    fs::write(home.state().join("held"), "in the way").unwrap();
    let done = line(&home, THREE);
    assert_eq!(done.code, Some(125), "{}", done.stderr);
    assert!(done.stderr.contains("its changes were dropped") && done.stderr.contains("held"), "{}", done.stderr);
    let (why, cause) = dropped(&home);
    assert!(why == "error" && cause.contains("held"), "{why} {cause}");
    assert!(home.guard(&["pending"]).stdout.contains("nothing waits"));
    nothing_came_in(&home);
}

#[test]
fn changes_of_a_command_whose_end_cannot_be_recorded_are_dropped_on_record() {
    let home = three("[iteration]\nfiles = 1000\nfolder = 1000\n");
    let blobs = home.state().join("blobs");
    let _none = fs::remove_dir_all(&blobs);
    fs::write(&blobs, "in the way").unwrap();
    let done = line(&home, &format!("{THREE}; seq 1 100000"));
    assert_eq!(done.code, Some(125), "{}", done.stderr);
    assert!(done.stderr.contains("its changes were dropped"), "{}", done.stderr);
    assert_eq!(dropped(&home).0, "error");
    fs::remove_file(&blobs).unwrap();
    nothing_came_in(&home);
}

#[test]
fn what_a_person_stops_while_it_runs_changes_nothing_and_is_on_record() {
    let home = three("[iteration]\nfiles = 1000\nfolder = 1000\n");
    let guard = Command::new(env!("CARGO_BIN_EXE_guard"))
        .args(["exec", "-c", &format!("touch ready; sleep 2; rm ready; {THREE}")])
        .current_dir(&home.project)
        .env_clear()
        .env("PATH", path())
        .env("HOME", home.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begin = Instant::now();
    while home.apart("ready").is_none() {
        assert!(begin.elapsed() < Duration::from_secs(30), "it never began");
        std::thread::sleep(Duration::from_millis(10));
    }
    let halted = agreed(&home, "guard halt");
    assert!(halted.stdout.contains("resume-1"), "{}", halted.stdout);
    let done = guard.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(77), "{said}");
    assert!(said.contains("its changes were dropped: everything was halted meanwhile"), "{said}");
    assert_eq!(dropped(&home).0, "halted");
    nothing_came_in(&home);
}

/// A project in which changes are on record and half done: folder `d` cannot be written to.
fn half_done() -> Option<(Home, ReadOnly)> {
    let home = three("[iteration]\nfiles = 1000\nfolder = 1000\n");
    home.write("d/a", "old\n");
    home.write("d/b", "old\n");
    assert_eq!(line(&home, "echo new > d/a; echo new > d/b").code, Some(0));
    let log = home.log();
    let record = log.lines().rev().find(|line| line.contains("change_committed")).unwrap();
    let transaction = record.split("\"transaction\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let list = fs::read_dir(home.state().join("changes")).unwrap().next().unwrap().unwrap().path().join("list.json");
    let folder = home.state().join("transactions").join(&transaction);
    fs::create_dir_all(folder.join("upper")).unwrap();
    fs::copy(list, folder.join("journal.json")).unwrap();
    for (n, name) in ["d/a", "d/b"].into_iter().enumerate() {
        home.write(name, "old\n");
        home.write(&format!("d/.guard-{transaction}-{n}"), "new\n");
    }
    let shut = ReadOnly::over(&home.project.join("d"))?;
    Some((home, shut))
}

/// A folder that nobody can write to, as of a disk that gave up.
struct ReadOnly(std::path::PathBuf);

impl ReadOnly {
    fn over(folder: &std::path::Path) -> Option<Self> {
        let mount = |arguments: &[&str]| {
            let done = Command::new("mount").args(arguments).arg(folder).stderr(Stdio::null()).status();
            done.is_ok_and(|done| done.success())
        };
        let there = folder.to_str().unwrap();
        if !mount(&["--bind", there]) {
            return None;
        }
        let shut = Self(folder.to_owned());
        assert!(mount(&["-o", "remount,bind,ro"]));
        Some(shut)
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        let _gone = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn with_changes_half_done_a_person_can_look_and_stop_and_nothing_runs() {
    let Some((home, shut)) = half_done() else {
        eprintln!("skipped: mounting needs root");
        return;
    };
    for arguments in [&["exec", "--", "true"][..], &["undo", "4"], &["approve", "command-1", "--digest", "x"]] {
        let done = home.guard(arguments);
        assert_eq!(done.code, Some(125), "{arguments:?}: {}", done.stderr);
    }
    let refused = line(&home, "echo new > z.py");
    assert!(refused.stderr.contains("not yet all in the project"), "{}", refused.stderr);
    assert!(!home.project.join("z.py").exists());
    let status = home.guard(&["status"]);
    assert!(status.code == Some(0) && status.stdout.contains("unfinished: the changes of"), "{status:?}");
    let json: serde_json::Value = serde_json::from_str(&home.guard(&["status", "--json"]).stdout).unwrap();
    assert!(json["unfinished"].as_str().unwrap().contains("not yet all in the project"), "{json}");
    assert_eq!(home.guard(&["pending"]).code, Some(0));
    assert_eq!(home.guard(&["audit", "tail"]).code, Some(0));
    assert_eq!(home.guard(&["audit", "verify"]).code, Some(0));
    let halted = agreed(&home, "guard halt");
    assert!(halted.stdout.contains("resume-1"), "{}", halted.stdout);
    assert_eq!(home.guard(&["show", "resume-1"]).code, Some(0));
    let resumed = agreed(&home, "guard resume resume-1");
    assert_eq!(resumed.code, Some(0), "{}", resumed.stdout);
    assert_eq!(home.read("d/a"), "old\n");
    // Once the folder can be written to again, the next call finishes it.
    drop(shut);
    assert_eq!(home.guard(&["exec", "--", "true"]).code, Some(0));
    assert_eq!([home.read("d/a"), home.read("d/b")], ["new\n", "new\n"]);
    assert_eq!(fs::read_dir(home.state().join("transactions")).unwrap().count(), 0);
    assert!(!home.guard(&["status"]).stdout.contains("unfinished"));
}

#[test]
fn what_a_person_did_while_changes_were_half_done_is_kept_and_told() {
    let Some((home, shut)) = half_done() else {
        eprintln!("skipped: mounting needs root");
        return;
    };
    drop(shut);
    home.write("d/a", "mine\n");
    let done = home.guard(&["exec", "--", "true"]);
    assert!(done.code == Some(0) && done.stderr.contains("somebody has worked on `d/a` since"), "{done:?}");
    assert_eq!([home.read("d/a"), home.read("d/b")], ["mine\n", "new\n"]);
    let log = home.log();
    let record = log.lines().rev().find(|line| line.contains("\"event\":\"change_finished\"")).unwrap();
    assert!(record.contains("[CONFLICT]") && record.contains("\"conflicts\":[\"d/a\"]"), "{record}");
    assert_eq!(home.guard(&["audit", "verify"]).code, Some(0));
    assert!(fs::read_dir(home.project.join("d")).unwrap().count() == 2);
}

#[test]
fn a_pipe_that_went_cannot_be_taken_back_and_that_is_said() {
    let home = three("[iteration]\nfiles = 1000\nfolder = 1000\n");
    assert!(Command::new("mkfifo").arg(home.project.join("pipe")).status().unwrap().success());
    let done = line(&home, "rm pipe; echo new > a.py");
    assert_eq!((done.code, home.project.join("pipe").exists()), (Some(0), false), "{}", done.stderr);
    let log = home.log();
    let record = log.lines().rev().find(|line| line.contains("change_committed")).unwrap();
    let undone = home.guard(&["undo", record.rsplit(' ').nth(2).unwrap().trim_start_matches('#')]);
    assert!(undone.code == Some(125) && undone.stderr.contains("what they replaced is not kept"), "{undone:?}");
}

#[test]
fn a_dry_run_names_each_change_once() {
    let home = three("[iteration]\nfiles = 1000\nfolder = 1000\n");
    let done = home.guard(&["exec", "--dry-run", "-c", "echo new > a.py; chmod 600 b.py; rm c.py"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    for name in ["modify a.py", "mode b.py", "delete c.py"] {
        let times =
            done.stderr.lines().filter(|line| line.split_whitespace().collect::<Vec<_>>().join(" ").starts_with(name));
        assert_eq!(times.count(), 1, "{name}: {}", done.stderr);
    }
}

#[test]
fn the_changes_of_a_start_are_found_however_much_was_recorded_meanwhile() {
    let home = three("[iteration]\nfiles = 1000\nfolder = 1000\n[limits]\nparallel = 2\n");
    let slow = Command::new(env!("CARGO_BIN_EXE_guard"))
        .args(["exec", "-c", "touch ready; sleep 8; echo new > a.py; rm ready"])
        .current_dir(&home.project)
        .env_clear()
        .env("PATH", path())
        .env("HOME", home.path())
        .spawn()
        .unwrap();
    let begin = Instant::now();
    while home.apart("ready").is_none() {
        assert!(begin.elapsed() < Duration::from_secs(30), "it never began");
        std::thread::sleep(Duration::from_millis(10));
    }
    let start = home.log().lines().count();
    for _ in 0..16 {
        assert_eq!(home.guard(&["exec", "--", "true"]).code, Some(0));
    }
    assert!(slow.wait_with_output().unwrap().status.success());
    assert!(home.log().lines().count() > start + 64);
    let seq =
        home.log().lines().find(|line| line.contains("touch ready")).unwrap().rsplit(' ').nth(2).unwrap().to_owned();
    let done = home.guard(&["undo", seq.trim_start_matches('#')]);
    assert_eq!((done.code, home.read("a.py").as_str()), (Some(0), "old\n"), "{}", done.stderr);
}
