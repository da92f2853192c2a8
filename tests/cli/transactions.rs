//! What commands change: kept apart, judged, brought in whole or not at all, held for a person, taken back.

use super::{Home, agreed, path};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A project whose policy lets a command change as many files as it likes.
fn roomy() -> Home {
    let home = Home::with("python");
    home.trust("[iteration]\nfiles = 1000\nfolder = 1000\n");
    home
}

/// Everything below a folder: modes, contents, targets of links. Without what guard itself keeps there.
fn tree(root: &Path) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut left = vec![root.to_owned()];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            if name == "build_audit.log" {
                continue;
            }
            let found = path.symlink_metadata().unwrap();
            let what = if found.is_symlink() {
                format!("-> {}", fs::read_link(&path).unwrap().display())
            } else if found.is_dir() {
                left.push(path);
                format!("{:o}", found.mode())
            } else {
                format!("{:o} {}", found.mode(), String::from_utf8_lossy(&fs::read(&path).unwrap()))
            };
            all.insert(name, what);
        }
    }
    all
}

/// Folders of transactions that are left in the state.
fn left(home: &Home) -> usize {
    fs::read_dir(home.state().join("transactions")).map_or(0, Iterator::count)
}

fn line(home: &Home, line: &str) -> super::Done {
    home.guard(&["exec", "-c", line])
}

/// The sequence number of the last record of changes.
fn last_change(home: &Home) -> u64 {
    let log = home.log();
    let line = log.lines().rev().find(|line| line.contains("\"event\":\"change_committed\"")).unwrap();
    line.rsplit(' ').nth(2).unwrap().trim_start_matches('#').parse().unwrap()
}

#[test]
fn whatever_a_command_does_to_files_comes_in_and_nothing_else_is_left_behind() {
    let (guarded, plain) = (roomy(), roomy());
    let make = |home: &Home| {
        home.write("a/deep/file", "one\n");
        home.write("a/other", "two\n");
        home.write("mode", "x");
        home.write("gone", "x");
        home.write("goes/with/all", "x");
        home.write("becomes-folder", "x");
        home.write("becomes-file/inner", "x");
        home.write("twice", "same\n");
        symlink("a/other", home.project.join("link")).unwrap();
    };
    make(&guarded);
    make(&plain);
    let work = "echo new > new; mkdir -p n/m; echo y > n/m/y; echo more >> a/deep/file; chmod 755 mode; rm gone; rm -r goes; \
        rm becomes-folder; mkdir becomes-folder; echo z > becomes-folder/z; rm -r becomes-file; echo f > becomes-file; \
        ln -sfn a/deep link; mv a b; cat twice > t2; mv t2 twice; printf 'spaced' > 'with space'; touch -d 2001-01-01 n/m/y; \
        mkdir empty; chmod 711 empty";
    let done = line(&guarded, work);
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    let bare = Command::new("bash").args(["-c", work]).current_dir(&plain.project).status().unwrap();
    assert!(bare.success());
    assert_eq!(tree(&guarded.project), tree(&plain.project));
    assert_eq!(fs::metadata(guarded.project.join("n/m/y")).unwrap().mtime(), 978_307_200, "times come along");
    assert_eq!(left(&guarded), 0);
    let log = guarded.log();
    assert_eq!(log.matches("\"event\":\"change_committed\"").count(), 1);
    assert!(!log.contains("\"path\":\"twice\""), "the same content again is no change");
    assert_eq!(guarded.guard(&["audit", "verify"]).code, Some(0));
}

#[test]
fn what_a_failing_command_wrote_comes_in_and_what_a_stopped_one_wrote_does_not() {
    let home = roomy();
    assert_eq!(line(&home, "echo x > failed; exit 3").code, Some(3));
    assert_eq!(home.read("failed"), "x\n");
    let late = home.guard(&["exec", "--timeout", "0.5", "-c", "echo x > late; sleep 20"]);
    assert_eq!(late.code, Some(124));
    assert!(!home.project.join("late").exists());
    assert!(late.stderr.contains("its changes were dropped: the command ran into its time limit"), "{}", late.stderr);
    assert!(home.log().contains("\"why\":\"ended\""));
    assert_eq!(left(&home), 0);
}

#[test]
fn a_dry_run_shows_the_changes_and_makes_none() {
    let home = roomy();
    home.write("a.py", "one\ntwo\n");
    let before = tree(&home.project);
    let done = home.guard(&["exec", "--dry-run", "-c", "echo three >> a.py; echo new > b.py"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert_eq!(tree(&home.project), before);
    assert!(done.stderr.contains("dry run: nothing was changed"), "{}", done.stderr);
    assert!(done.stderr.contains("+three") && done.stderr.contains("b.py"), "{}", done.stderr);
    let json = home.guard(&["exec", "--json", "--dry-run", "-c", "echo three >> a.py"]);
    let object: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(object["changes"]["withheld"], "dry_run");
    assert_eq!(object["changes"]["files"][0]["path"], "a.py");
    assert!(object["changes"]["diff"].as_str().unwrap().contains("+three"));
    assert_eq!((tree(&home.project), left(&home)), (before, 0));
}

#[test]
fn changes_are_taken_back_whole_or_not_at_all() {
    let home = roomy();
    home.write("keep/a", "1\n");
    home.write("keep/b", "2\n");
    home.write("m", "3\n");
    fs::set_permissions(home.project.join("m"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink("m", home.project.join("l")).unwrap();
    let before = tree(&home.project);
    assert_eq!(
        line(&home, "rm -r keep; echo x > m; chmod 600 m; ln -sfn keep l; mkdir new; echo y > new/y").code,
        Some(0)
    );
    let seq = last_change(&home);
    let after = tree(&home.project);
    assert_ne!(after, before);
    // Somebody else's work is not overwritten.
    home.write("new/y", "mine");
    let refused = home.guard(&["undo", &seq.to_string()]);
    assert_eq!(refused.code, Some(125));
    let says = format!("`new/y` is not as the changes of record {seq} left it");
    assert!(refused.stderr.contains(&says), "{}", refused.stderr);
    home.write("new/y", "y\n");
    home.write("new/z", "mine");
    assert_eq!(home.guard(&["undo", &seq.to_string()]).code, Some(125), "a folder that holds more now stays");
    fs::remove_file(home.project.join("new/z")).unwrap();
    assert_eq!(tree(&home.project), after);
    let done = home.guard(&["undo", &seq.to_string()]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert_eq!(tree(&home.project), before);
    assert!(home.log().contains(&format!("\"undoes\":{seq}")));
    // And back again: taking back is a change like any other.
    assert_eq!(home.guard(&["undo", &last_change(&home).to_string()]).code, Some(0));
    assert_eq!(tree(&home.project), after);
    assert_eq!(home.guard(&["audit", "verify"]).code, Some(0));
}

#[test]
fn what_cannot_be_taken_back_says_why() {
    let home = roomy();
    home.trust("[limits]\nundo = \"10B\"\n");
    let none = home.guard(&["undo", "2"]);
    assert!(none.code == Some(125) && none.stderr.contains("record 2 tells of no changes"), "{}", none.stderr);
    home.write("big", "more than ten bytes\n");
    assert_eq!(line(&home, "echo x > big").code, Some(0));
    let lost = home.guard(&["undo", &last_change(&home).to_string()]);
    assert!(lost.code == Some(125) && lost.stderr.contains("is not kept"), "{}", lost.stderr);
    // The start of the command names its changes as well; what is kept is not believed if it is another by now.
    assert_eq!(line(&home, "echo y > big").code, Some(0));
    let start = last_change(&home) - 5;
    let kept = fs::read_dir(home.state().join("changes")).unwrap().map(|entry| entry.unwrap().path());
    for file in kept.flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path()) {
        if file.extension().is_none() {
            fs::write(file, "forged").unwrap();
        }
    }
    let forged = home.guard(&["undo", &start.to_string()]);
    assert!(forged.code == Some(125) && forged.stderr.contains("is not what was recorded"), "{}", forged.stderr);
    assert_eq!(home.read("big"), "y\n");
}

/// Starts guard, and waits until its command has written `ready`, which nobody sees in the project.
fn running(home: &Home, line: &str) -> std::process::Child {
    let child = Command::new(env!("CARGO_BIN_EXE_guard"))
        .args(["exec", "-c", line])
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
    child
}

#[test]
fn somebody_else_s_work_of_the_same_time_is_never_overwritten() {
    for (outside, word) in [
        ("echo theirs > shared.py", "was changed by somebody else"),
        ("echo theirs > made.py", "was changed by somebody else"),
    ] {
        let home = roomy();
        home.write("shared.py", "before\n");
        // What is made outside meanwhile may or may not be seen inside: the command only waits.
        let work = "touch ready; sleep 3; echo ours >> shared.py; echo ours > made.py; rm ready";
        let child = running(&home, work);
        std::thread::sleep(Duration::from_millis(50));
        let status = Command::new("bash").args(["-c", outside]).current_dir(&home.project).status().unwrap();
        assert!(status.success());
        let done = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(125), "{outside}: {said}");
        assert!(said.contains(word), "{outside}: {said}");
        let theirs = fs::read_to_string(home.project.join("shared.py")).unwrap_or_default()
            + &fs::read_to_string(home.project.join("made.py")).unwrap_or_default();
        assert!(!theirs.contains("ours"), "{outside}: {theirs}");
        assert_eq!(left(&home), 0);
    }
}

#[test]
fn killed_at_any_moment_all_of_a_commit_is_there_or_none() {
    let home = roomy();
    for n in 0..20 {
        home.write(&format!("d/f{n}"), "old\n");
    }
    let whole = |home: &Home| {
        let new = (0..20).filter(|n| home.read(&format!("d/f{n}")).contains("new")).count();
        (new, home.project.join("added").exists(), home.project.join("removed").exists())
    };
    let (mut none, mut all) = (0, 0);
    for round in 0..40_u64 {
        home.write("removed", "x");
        let _gone = fs::remove_file(home.project.join("added"));
        for n in 0..20 {
            home.write(&format!("d/f{n}"), "old\n");
        }
        let mut guard = Command::new(env!("CARGO_BIN_EXE_guard"))
            .args(["exec", "-c", "for f in d/*; do echo new > $f; done; rm removed; echo x > added"])
            .current_dir(&home.project)
            .env_clear()
            .env("PATH", path())
            .env("HOME", home.path())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(4 + round));
        let _ended = guard.kill();
        guard.wait().unwrap();
        // The next call of guard finishes or takes back, whatever it is for.
        assert_eq!(home.guard(&["exec", "--", "true"]).code, Some(0), "round {round}");
        match whole(&home) {
            (0, false, true) => none += 1,
            (20, true, false) => all += 1,
            half => panic!("round {round}: {half:?}"),
        }
        let names: Vec<_> = tree(&home.project).into_keys().filter(|name| name.contains(".guard-")).collect();
        assert_eq!((names, left(&home)), (Vec::<String>::new(), 0));
    }
    assert_eq!(none + all, 40);
    assert_eq!(home.guard(&["audit", "verify"]).code, Some(0));
}

#[test]
fn what_a_killed_guard_had_on_record_is_finished_and_what_it_had_not_is_taken_back() {
    let home = roomy();
    home.write("a", "old\n");
    let state = home.state();
    assert_eq!(line(&home, "echo new > a; echo b > b").code, Some(0));
    // As the guard left them that was killed after its record, and before anything was renamed.
    let of = |name: &str| {
        let log = home.log();
        let line = log.lines().rev().find(|line| line.contains("change_committed")).unwrap().to_owned();
        let at = line.find(&format!("\"{name}\":\"")).unwrap() + name.len() + 4;
        line[at..].split('"').next().unwrap().to_owned()
    };
    let transaction = of("transaction");
    let list = fs::read_dir(state.join("changes")).unwrap().next().unwrap().unwrap().path().join("list.json");
    for (on_record, name) in [(true, transaction.as_str()), (false, "0123456789abcdef")] {
        let folder = state.join("transactions").join(name);
        fs::create_dir_all(folder.join("upper")).unwrap();
        let journal = fs::read_to_string(&list).unwrap().replace(&transaction, name);
        fs::write(folder.join("journal.json"), journal).unwrap();
        home.write("a", "old\n");
        let _none = fs::remove_file(home.project.join("b"));
        home.write(&format!(".guard-{name}-0"), "new\n");
        home.write(&format!(".guard-{name}-1"), "b\n");
        assert_eq!(home.guard(&["exec", "--", "true"]).code, Some(0));
        assert_eq!((home.read("a") == "new\n", home.project.join("b").exists()), (on_record, on_record));
        assert!(tree(&home.project).keys().all(|name| !name.contains(".guard-")));
        assert_eq!(left(&home), 0);
    }
    assert_eq!(home.log().matches("\"event\":\"change_finished\"").count(), 1);
}

#[test]
fn what_no_command_may_change_is_dropped_with_everything_beside_it() {
    let home = roomy();
    assert!(Command::new("git").args(["init", "-q"]).current_dir(&home.project).status().unwrap().success());
    home.write("work.py", "import subprocess, sys\nsubprocess.run(['bash', '-c', sys.argv[1]])\n");
    let before = tree(&home.project);
    for line in [
        "echo x > guard.toml",
        "ln guard.toml alias; echo x > alias",
        "mkdir -p .git/hooks; echo x > .git/hooks/pre-commit",
        "echo x >> .git/config",
        "mv .git .git2; mkdir -p .git/hooks; echo x > .git/hooks/pre-commit",
        "mkdir evil; echo ../evil > .git/commondir",
        "mkdir -p sub; cd sub; git init -q",
        "echo gitdir: elsewhere > sub.git; mkdir s; mv sub.git s/.git",
        "ln -s /etc/passwd outside",
        "ln -s .git g; echo x >> g/config",
    ] {
        // From a program that is allowed, so that nothing but the changes themselves can be judged.
        let done = home.guard(&["exec", "--", "python3", "work.py", &format!("echo new > new.py; {line}")]);
        assert_eq!(done.code, Some(126), "{line}: {}", done.stderr);
        assert_eq!(tree(&home.project), before, "{line}");
    }
    assert_eq!(home.log().matches("\"why\":\"deny\"").count(), 10);
}

#[test]
fn a_rule_that_lets_nothing_be_written_costs_no_transaction_and_writes_nothing() {
    let home = roomy();
    home.trust("[[rule]]\nid = \"only-reads\"\nprogram = \"python3\"\nverdict = \"allow\"\nreason = \"reads\"\nwrites = false\n");
    home.write("w.py", "open('made', 'w')\n");
    let done = home.guard(&["exec", "--", "python3", "w.py"]);
    assert_eq!(done.code, Some(1));
    assert!(done.stderr.contains("Read-only file system"), "{}", done.stderr);
    assert!(!home.state().join("transactions").exists());
}

#[test]
fn a_disk_that_is_full_takes_nothing_in_and_loses_nothing() {
    let small = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mounted =
        Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "none"]).arg(small.path()).status().unwrap();
    if !mounted.success() {
        eprintln!("skipped: mounting a tmpfs needs root");
        return;
    }
    let project = small.path().join("p");
    fs::create_dir(&project).unwrap();
    let home = Home::bare();
    let guard = |arguments: &[&str]| super::done(home.command(arguments).current_dir(&project));
    assert_eq!(guard(&["init", "--preset", "python"]).code, Some(0));
    fs::write(project.join("old"), "old\n").unwrap();
    let full = guard(&["exec", "-c", "echo new > old; head -c 900000 /dev/zero > big"]);
    let names: Vec<PathBuf> = fs::read_dir(&project).unwrap().map(|entry| entry.unwrap().path()).collect();
    let old = fs::read_to_string(project.join("old")).unwrap();
    let room = guard(&["exec", "-c", "echo newer > old"]);
    let last = fs::read_to_string(project.join("old")).unwrap();
    assert!(Command::new("umount").arg("-l").arg(small.path()).status().unwrap().success());
    assert_eq!((full.code, old.as_str()), (Some(125), "old\n"), "{}", full.stderr);
    assert!(full.stderr.contains("No space left on device"), "{}", full.stderr);
    assert!(
        names.iter().all(|name| !name.to_string_lossy().contains(".guard-") && !name.ends_with("big")),
        "{names:?}"
    );
    assert_eq!((room.code, last.as_str()), (Some(0), "newer\n"), "{}", room.stderr);
}

#[test]
fn what_a_person_must_allow_waits_comes_in_as_it_was_shown_and_once() {
    let home = Home::with("python");
    for name in ["a.py", "b.py", "c.py"] {
        home.write(name, "old\n");
    }
    let work = "echo new > a.py; echo new > b.py; echo new > c.py";
    let held = line(&home, work);
    assert_eq!(held.code, Some(75), "{}", held.stderr);
    assert!(held.stderr.contains("its changes wait") && held.stderr.contains("change-1"), "{}", held.stderr);
    assert!(!held.stderr.contains("approve"), "an agent is not told how to approve: {}", held.stderr);
    assert_eq!(home.read("a.py"), "old\n");
    // The same again joins the one that waits.
    assert_eq!(line(&home, work).code, Some(75));
    let pending = home.guard(&["pending"]);
    assert_eq!(pending.stdout.matches("change-1").count(), 1, "{}", pending.stdout);
    let shown = home.guard(&["show", "change-1"]);
    assert!(shown.stdout.contains("-old") && shown.stdout.contains("+new") && shown.stdout.contains("digest: "));
    let json: serde_json::Value = serde_json::from_str(&home.guard(&["show", "--json", "change-1"]).stdout).unwrap();
    assert_eq!((json["kind"].as_str(), json["files"].as_array().unwrap().len()), (Some("change"), 3));
    // What is kept is what is approved.
    let upper = home.state().join("held/change-1/upper/a.py");
    fs::write(&upper, "evil\n").unwrap();
    let forged = agreed(&home, "guard approve change-1");
    assert!(forged.stdout.contains("is not what was judged") && home.read("a.py") == "old\n", "{}", forged.stdout);
    assert!(!home.state().join("held/change-1").exists(), "nobody can use it any more");
    assert_eq!(line(&home, work).code, Some(75));
    let done = agreed(&home, "guard approve change-2");
    assert_eq!((done.code, home.read("c.py").as_str()), (Some(0), "new\n"), "{}", done.stdout);
    assert_eq!(home.guard(&["run-approved", "change-2"]).code, Some(125), "an approval is good for one use");
    assert!(!home.state().join("held/change-2").exists());
    assert_eq!(home.guard(&["audit", "verify"]).code, Some(0));
    let log = home.log();
    assert!(log.contains("\"approval\":\"change-2\"") && log.contains("[APPROVAL] [CONSUME] [change-2] [SUCCESS]"));
}

#[test]
fn kept_changes_of_a_project_that_went_on_are_a_conflict() {
    for (outside, word) in [("echo other > b.py", "was changed by somebody else"), ("rm c.py", "is gone")] {
        let home = Home::with("python");
        for name in ["a.py", "b.py", "c.py"] {
            home.write(name, "old\n");
        }
        assert_eq!(line(&home, "echo new > a.py; echo new > b.py; echo new > c.py").code, Some(75));
        assert!(Command::new("bash").args(["-c", outside]).current_dir(&home.project).status().unwrap().success());
        let before = tree(&home.project);
        let refused = agreed(&home, "guard approve change-1");
        assert!(refused.stdout.contains(word), "{}", refused.stdout);
        assert_eq!(tree(&home.project), before);
        assert!(home.guard(&["pending"]).stdout.contains("nothing waits"));
        assert!(!home.state().join("held/change-1").exists());
    }
}

#[test]
fn a_caller_who_waits_gets_the_changes_with_the_answer_and_a_denial_drops_them() {
    let home = Home::with("python");
    for name in ["a.py", "b.py", "c.py"] {
        home.write(name, "old\n");
    }
    let work = "echo new > a.py; echo new > b.py; echo new > c.py";
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| home.guard(&["exec", "--wait=60", "-c", work]));
        let begin = Instant::now();
        while !home.guard(&["pending"]).stdout.contains("change-1") {
            assert!(begin.elapsed() < Duration::from_secs(30));
        }
        let answered = agreed(&home, "guard approve change-1");
        assert!(answered.stdout.contains("is in the project"), "{}", answered.stdout);
        let done = waiting.join().unwrap();
        assert_eq!((done.code, home.read("a.py").as_str()), (Some(0), "new\n"), "{}", done.stderr);
    });
    assert_eq!(line(&home, "echo new > d.py; echo new > e.py; echo new > f.py").code, Some(75));
    let denied = agreed(&home, "guard deny change-2 --reason no");
    assert!(denied.stdout.contains("denied"), "{}", denied.stdout);
    assert!(!home.project.join("d.py").exists());
    assert!(!home.state().join("held/change-2").exists());
}
