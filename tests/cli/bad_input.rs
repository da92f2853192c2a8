//! Bad input: each gets a clear message and its exit code, and nothing is lost.

use super::{Done, Home, done};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

fn says(found: &Done, code: i32, parts: &[&str]) {
    assert_eq!(found.code, Some(code), "{}{}", found.stdout, found.stderr);
    for part in parts {
        assert!(found.stderr.contains(part), "no `{part}` in: {}", found.stderr);
    }
}

fn verified(home: &Home) {
    let found = home.guard(&["audit", "verify"]);
    assert_eq!(found.code, Some(0), "{}{}", found.stdout, found.stderr);
}

#[test]
fn a_command_that_is_empty() {
    let home = Home::with("python");
    says(&home.guard(&["exec", "-c", ""]), 126, &["guard:empty"]);
    says(&home.guard(&["exec", "--", ""]), 126, &["guard:empty"]);
    says(&home.guard(&["exec", "-c", "  \n # nothing"]), 126, &["guard:empty"]);
    verified(&home);
}

#[test]
fn an_argument_that_is_not_utf_8() {
    let home = Home::with("python");
    let mut command = home.command(&["exec", "--", "ls"]);
    command.arg(OsStr::from_bytes(b"caf\xe9"));
    says(&done(&mut command), 126, &["guard:not-text"]);
    let mut command = home.command(&["exec", "-c"]);
    command.arg(OsStr::from_bytes(b"ls caf\xe9"));
    says(&done(&mut command), 126, &["guard:not-text"]);
    verified(&home);
}

#[test]
fn a_line_of_a_megabyte() {
    let home = Home::with("python");
    // A single argument may have 128 KiB on Linux, so a megabyte comes as many.
    let word = "x".repeat(100_000);
    let mut command = home.command(&["exec", "--", "echo"]);
    command.args(std::iter::repeat_n(&word, 10));
    let found = done(&mut command);
    assert!(found.code == Some(126) || found.stdout.len() > 1_000_000, "{}", found.stderr);
    if found.code == Some(126) {
        says(&found, 126, &["guard:too-big"]);
    }
    assert!(home.log().lines().all(|line| line.len() <= 16 * 1024));
    verified(&home);
}

#[test]
fn ten_thousand_nested_substitutions() {
    let home = Home::with("python");
    for (open, close) in
        [("$(", ")"), ("(", ")"), ("{ ", ";}"), ("${x:-", "}"), ("<(", ")"), ("$((", "))"), ("\"$(", ")\"")]
    {
        let line = format!("echo {}true{}", open.repeat(10_000), close.repeat(10_000));
        let found = home.guard(&["exec", "-c", &line]);
        assert_eq!(found.code, Some(126), "{open}: {}", found.stderr);
        assert!(
            found.stderr.contains("guard:too-big") || found.stderr.contains("guard:syntax"),
            "{open}: {}",
            found.stderr
        );
    }
    verified(&home);
}

#[test]
fn quotes_and_brackets_that_do_not_end() {
    let home = Home::with("python");
    for line in ["echo 'a", "echo \"a", "echo $(a", "echo `a", "if true", "echo ${a", "(", ")", "a &&"] {
        let found = home.guard(&["exec", "-c", line]);
        assert!(matches!(found.code, Some(126 | 75)), "{line}: {}", found.stderr);
    }
    says(&home.guard(&["exec", "-c", "echo 'a"]), 126, &["guard:syntax", "line 1"]);
    verified(&home);
}

#[test]
fn a_program_that_does_not_exist() {
    let home = Home::with("python");
    says(&home.guard(&["exec", "--", "pytest-that-is-not-there"]), 127, &["no such program"]);
    says(&home.guard(&["exec", "--", "./python"]), 127, &["no such program"]);
    verified(&home);
}

#[test]
fn a_program_that_cannot_be_executed() {
    let home = Home::with("python");
    home.write("python", "not executable");
    fs::create_dir(home.project.join("pytest")).unwrap();
    symlink("mypy", home.project.join("mypy")).unwrap();
    says(&home.guard(&["exec", "--", "./python"]), 126, &["./python", "not executable"]);
    says(&home.guard(&["exec", "--", "./pytest"]), 126, &["./pytest", "folder"]);
    says(&home.guard(&["exec", "--", "./mypy"]), 126, &["./mypy", "loop"]);
    verified(&home);
}

#[test]
fn a_script_without_an_interpreter_line() {
    let home = Home::bare();
    home.guard(&["init", "--preset", "python", "--observe"]);
    home.write("script", "echo from a script\n");
    fs::set_permissions(home.project.join("script"), fs::Permissions::from_mode(0o755)).unwrap();
    let found = home.guard(&["exec", "--", "./script"]);
    assert!(
        (found.code, found.stdout.as_str()) == (Some(0), "from a script\n") || found.stderr.contains("interpreter"),
        "{}{}",
        found.stdout,
        found.stderr
    );
    verified(&home);
}

#[test]
fn policies_with_faults_say_where() {
    for (text, parts) in [
        ("version = 1\nextends = [\"python\"\n", &["guard.toml:"][..]),
        ("version = 1\nextends = [\"python\"]\nwhitelst = 'x'\n", &["guard.toml:3:1", "whitelst"]),
        ("version = 1\n[shell]\nwhitelist = '^(python'\n", &["guard.toml:3:13"]),
        ("version = 1\nextends = [\"pyton\"]\n", &["guard.toml:2:12", "pyton"]),
        (
            "version = 1\nextends = [\"python\"]\n[[rule]]\nid = \"x\"\nprogram = \"make\"\nverdict = \"ask\"\nreason = \"r\"\nhits = [\"make\", \"ls\"]\n",
            &["guard.toml:8:17", "ls"],
        ),
    ] {
        let home = Home::bare();
        home.write("guard.toml", text);
        says(&home.guard(&["init"]), 78, parts);
        assert!(!home.project.join("build_audit.log").exists());
    }
}

#[test]
fn a_policy_that_is_gone_or_unreadable() {
    let home = Home::with("python");
    fs::remove_file(home.project.join("guard.toml")).unwrap();
    says(&home.guard(&["exec", "--", "ls"]), 78, &["no `guard.toml`"]);
    fs::create_dir(home.project.join("guard.toml")).unwrap();
    says(&home.guard(&["exec", "--", "ls"]), 78, &["guard.toml"]);
    fs::remove_dir(home.project.join("guard.toml")).unwrap();
    symlink("guard.toml", home.project.join("guard.toml")).unwrap();
    says(&home.guard(&["exec", "--", "ls"]), 78, &["guard.toml"]);
}

#[test]
fn a_log_that_is_missing_shortened_or_replaced_stops_everything() {
    type Harm = fn(&Path);
    let harms: [(&str, Harm); 5] = [
        ("missing", |log| fs::remove_file(log).unwrap()),
        ("shortened", |log| {
            let text = fs::read_to_string(log).unwrap();
            let kept: Vec<_> = text.lines().take(2).collect();
            fs::write(log, kept.join("\n") + "\n").unwrap();
        }),
        ("empty", |log| fs::write(log, "").unwrap()),
        ("a link", |log| {
            let other = log.with_file_name("other.log");
            fs::rename(log, &other).unwrap();
            symlink(other, log).unwrap();
        }),
        ("hard-linked", |log| fs::hard_link(log, log.with_file_name("second.log")).unwrap()),
    ];
    for (name, harm) in harms {
        let home = Home::with("python");
        assert_eq!(home.guard(&["exec", "--", "true"]).code, Some(0));
        harm(&home.project.join("build_audit.log"));
        home.write("before.txt", "");
        let found = home.guard(&["exec", "--", "rm", "before.txt"]);
        assert_eq!(found.code, Some(125), "{name}: {}", found.stderr);
        assert!(found.stderr.contains("build_audit.log"), "{name}: {}", found.stderr);
        assert!(home.project.join("before.txt").exists(), "{name}");
    }
}

#[test]
fn a_log_that_was_edited_is_found_by_verify() {
    let home = Home::with("python");
    assert_eq!(home.guard(&["exec", "--", "true"]).code, Some(0));
    home.write("build_audit.log", &home.log().replacen("RETURN_CODE: 0", "RETURN_CODE: 1", 1));
    let found = home.guard(&["audit", "verify"]);
    assert_eq!(found.code, Some(1), "{}{}", found.stdout, found.stderr);
    assert!(format!("{}{}", found.stdout, found.stderr).contains("tampered"), "{}{}", found.stdout, found.stderr);
}

#[test]
fn garbage_in_snapshot_compiled_policy_and_key_slots() {
    let home = Home::with("python");
    assert_eq!(home.guard(&["exec", "--", "true"]).code, Some(0));
    let mut harmed = 0;
    for entry in walk(&home.state()) {
        let name = entry.strip_prefix(home.state()).unwrap().to_string_lossy().into_owned();
        if name.starts_with("policy/") || name.contains("snapshot") {
            fs::write(&entry, b"\xff\x00garbage").unwrap();
            harmed += 1;
        }
    }
    assert!(harmed >= 1, "{:?}", walk(&home.state()));
    assert_eq!(home.guard(&["exec", "--", "true"]).code, Some(0));
    verified(&home);
    for entry in walk(&home.state()) {
        let name = entry.strip_prefix(home.state()).unwrap().to_string_lossy().into_owned();
        if name.contains("key") {
            fs::write(&entry, b"\xff\x00garbage").unwrap();
        }
    }
    let found = home.guard(&["exec", "--", "true"]);
    assert_eq!(found.code, Some(125), "{}", found.stderr);
    assert!(found.stderr.contains("help:"), "{}", found.stderr);
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files
}

#[test]
fn deleting_the_snapshot_loses_nothing() {
    let home = Home::with("python");
    for _ in 0..3 {
        assert_eq!(home.guard(&["exec", "--", "true"]).code, Some(0));
    }
    for entry in walk(&home.state()) {
        if entry.to_string_lossy().contains("snapshot") {
            fs::remove_file(entry).unwrap();
        }
    }
    assert_eq!(home.guard(&["exec", "--", "true"]).code, Some(0));
    assert_eq!(home.log().matches("[SHELL] [EXEC] [true] [SUCCESS]").count(), 4);
    verified(&home);
}

#[test]
fn project_paths_with_spaces_newlines_and_other_bytes() {
    for name in [&b"with space"[..], b"with\nnewline", b"caf\xe9 \xff", b"'quote\" $(x)", b"-dash"] {
        let home = Home::with_project(Path::new(OsStr::from_bytes(name)));
        let made = home.guard(&["init", "--preset", "python"]);
        assert_eq!(made.code, Some(0), "{name:?}: {}", made.stderr);
        home.write("hello.py", "open('made.txt', 'w').write('x')\nprint('hello')\n");
        let found = home.guard(&["exec", "--", "python3", "hello.py"]);
        assert_eq!((found.code, found.stdout.as_str()), (Some(0), "hello\n"), "{name:?}: {}", found.stderr);
        let found = home.guard(&["exec", "-c", "cat made.txt; pwd >/dev/null"]);
        assert_eq!((found.code, found.stdout.as_str()), (Some(0), "x"), "{name:?}: {}", found.stderr);
        verified(&home);
    }
}

#[test]
fn a_project_that_was_moved_is_found_again_by_recover() {
    let home = Home::with("python");
    let moved = home.path().join("moved");
    fs::rename(&home.project, &moved).unwrap();
    let place = moved.to_str().unwrap();
    fs::create_dir(&home.project).unwrap(); // where calls start
    says(&home.guard(&["-C", place, "exec", "--", "true"]), 125, &["not known here", "guard audit recover"]);
    let found = home.guard(&["-C", place, "audit", "recover"]);
    assert_eq!(found.code, Some(0), "{}", found.stderr);
    assert!(found.stdout.contains("found again"), "{}", found.stdout);
    assert_eq!(home.guard(&["-C", place, "exec", "--", "true"]).code, Some(0));
}
