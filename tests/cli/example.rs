//! `build_audit.log.example` is a real recorded session: it verifies with its seed, and the same session records the same.
//! `GUARD_WRITE_EXAMPLE=1 scripts/test example` records it anew.

use super::{Home, agreed};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const TEST: &str = "\"\"\"Tests of risk rules.\"\"\"\n\nfrom risk import share\n\n\ndef test_share() -> None:\n    \"\"\"One percent of a thousand is ten.\"\"\"\n    assert share(1000, 0.01) == 10\n";

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("build_audit.log.example")
}

fn seed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("build_audit.log.example.seed")
}

/// An agent's morning: a red test, a green one, the other checks, two things it may not do, one that hangs; one that a person
/// approves, changes that they let in and take back, and a question of its own, which they answer.
fn session() -> Home {
    let home = Home::bare();
    assert_eq!(home.guard(&["init", "--preset", "python-trading", "--seed-file", "../seed"]).code, Some(0));
    home.write("test_risk.py", TEST);
    home.write("risk.py", "\"\"\"Risk rules.\"\"\"\n\n\ndef share(balance: float, risk: float) -> float:\n    \"\"\"The part of a balance that may be lost.\"\"\"\n    return balance / risk\n");
    // What is refused depends on what is installed: this one is never run, and always there.
    let bin = home.path().join("bin");
    fs::create_dir(&bin).unwrap();
    fs::write(bin.join("docker-compose"), "#!/bin/sh\nexit 99\n").unwrap();
    fs::set_permissions(bin.join("docker-compose"), PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.display(), super::path());
    let call = |words: &[&str], code: i32| {
        let words = [&["exec", "--task", "risk-share"], words].concat();
        let found = super::done(home.command(&words).env("PATH", &path));
        assert_eq!(found.code, Some(code), "{words:?}: {}{}", found.stdout, found.stderr);
    };
    let agree = |line: &str| {
        let found = agreed(&home, line);
        assert_eq!(found.code, Some(0), "{line}: {}", found.stdout);
    };
    call(&["--", "pytest", "-q", "test_risk.py"], 1);
    home.write("risk.py", &home.read("risk.py").replace("balance / risk", "balance * risk"));
    call(&["--reason", "a share is a product", "--", "pytest", "-q", "test_risk.py"], 0);
    call(&["--", "mypy", "--strict", "risk.py"], 0);
    call(&["--", "black", "--check", "risk.py", "test_risk.py"], 0);
    call(&["--", "docker-compose", "down", "-v"], 126);
    call(&["-c", "truncate -s 0 data.csv"], 75);
    agree("guard approve command-1");
    call(&["-c", "truncate -s 0 data.csv"], 0);
    call(&["-c", "for day in 1 2 3; do echo 101.5 > day-$day.csv; done"], 75);
    agree("guard approve change-2");
    let log = home.log();
    let (_, end) = log.lines().last().unwrap().rsplit_once(" #").unwrap();
    let seq = end.split(' ').next().unwrap();
    assert_eq!(home.guard(&["undo", seq]).code, Some(0));
    call(&["--timeout", "0.5", "--", "sleep", "60"], 124);
    let analysis = "the plan wants sixty seconds, the policy gives less";
    assert_eq!(home.guard(&["escalate", "--analysis", analysis]).code, Some(0));
    call(&["--", "ls"], 77);
    agree("guard resume resume-3 --note 'it need not wait'");
    home
}

/// Keys of a record whose values differ from one recording to the next, and of the objects in it.
const DIFFERS: [&str; 17] = [
    "log_id",
    "seed_fingerprint",
    "policy",
    "duration_ms",
    "sha256",
    "len",
    "blob",
    "guard",
    "nonce",
    "content",
    "same",
    "targets",
    "expires",
    "until",
    "uid",
    "transaction",
    "manifest",
];
const DIFFERS_BELOW: [&str; 2] = ["who", "at_ms"];

fn blank(value: &mut Value, keys: &[&str]) {
    for (key, value) in value.as_object_mut().into_iter().flatten() {
        if keys.contains(&key.as_str()) {
            *value = Value::Null;
        } else {
            blank(value, &DIFFERS_BELOW);
        }
    }
}

/// A log with everything replaced that differs from one recording to the next.
fn shape(log: &str) -> Vec<(String, Value)> {
    log.lines()
        .map(|line| {
            let (human, rest) = line.split_once("] ").unwrap().1.rsplit_once(" {").unwrap();
            let (json, _) = rest.rsplit_once("} #").unwrap();
            let mut detail: Value = serde_json::from_str(&format!("{{{json}}}")).unwrap();
            blank(&mut detail, &DIFFERS);
            let human = if human.starts_with("STDOUT") { "STDOUT".to_owned() } else { human.to_owned() };
            (human, detail)
        })
        .collect()
}

#[test]
fn the_example_is_what_the_same_session_records() {
    let home = session();
    if std::env::var_os("GUARD_WRITE_EXAMPLE").is_some() {
        fs::write(example(), home.log()).unwrap();
        fs::copy(home.path().join("seed"), seed()).unwrap();
    }
    assert_eq!(shape(&fs::read_to_string(example()).unwrap()), shape(&home.log()));
}

#[test]
fn the_example_verifies_with_its_seed_and_not_when_changed() {
    let home = Home::bare();
    let (log, seed) = (example(), seed());
    let text = fs::read_to_string(&log).unwrap();
    // Its end is vouched for by the head, which is noted elsewhere: here.
    let mut words = text.lines().last().unwrap().rsplit(' ').skip(1);
    let (hash, seq) = (words.next().unwrap(), words.next().unwrap().trim_start_matches('#'));
    let head = format!("{seq}:{hash}");
    let arguments = ["audit", "verify", "--seed", seed.to_str().unwrap(), log.to_str().unwrap()];
    for (more, code) in [(&["--head", &head][..], 0), (&[], 4)] {
        let found = home.guard(&[&arguments, more].concat());
        assert_eq!(found.code, Some(code), "{}{}", found.stdout, found.stderr);
    }

    home.write("changed.log", &text.replacen("[DENIED]", "[PASSED]", 1));
    let found = home.guard(&["audit", "verify", "--seed", seed.to_str().unwrap(), "changed.log"]);
    assert_eq!(found.code, Some(1), "{}{}", found.stdout, found.stderr);
}
