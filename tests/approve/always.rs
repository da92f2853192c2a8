//! `guard approve --always`: a rule that allows exactly what was asked, shown, agreed to, added, and nothing else.

use crate::cli::{Done, Home, path, terminal};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

const ASKED: [&str; 6] = ["exec", "--", "truncate", "-s", "0", "data.csv"];

/// A project in which a person is asked about `ASKED`.
fn asked() -> Home {
    let home = Home::with("python");
    assert_eq!(home.guard(&ASKED).code, Some(75));
    home
}

fn config(home: &Home) -> PathBuf {
    home.path().join(".config/guard/policy.toml")
}

fn rule(home: &Home) -> Option<String> {
    fs::read_to_string(config(home)).ok()
}

/// What `guard show` says after `label`.
fn said(home: &Home, arguments: &[&str], label: &str) -> String {
    let shown = home.guard(arguments);
    let line = shown.stdout.lines().find_map(|line| line.trim().strip_prefix(label));
    line.expect(&shown.stderr).trim().to_owned()
}

/// Approves always, as a person at a terminal.
fn always(home: &Home, name: &str) -> Done {
    let digest = said(home, &["show", name, "--always"], "digest:");
    terminal(home, &["approve", name, "--always"], &format!("{digest}\n"))
}

/// That nothing was added, and why.
fn refused(home: &Home, name: &str, why: &str) {
    refused_with(home, name, why, 125);
}

fn refused_with(home: &Home, name: &str, why: &str, code: i32) {
    let before = (rule(home), home.log());
    for arguments in [["approve", name, "--always"], ["show", name, "--always"]] {
        let done = terminal(home, &arguments, "x\n");
        assert!(done.stdout.contains(why), "{}", done.stdout);
        assert_eq!(done.code, Some(code), "{}", done.stdout);
    }
    assert_eq!((rule(home), home.log()), before);
}

#[test]
fn a_rule_is_shown_added_and_recorded_and_the_same_command_runs_by_it() {
    let home = asked();
    let done = always(&home, "command-1");
    assert_eq!(done.code, Some(0), "{}", done.stdout);
    let day = chrono::Utc::now().format("%Y-%m-%d");
    let uid = rustix::process::getuid().as_raw();
    let folder = home.project.display();
    let program = fs::canonicalize("/usr/bin/truncate").unwrap();
    let program = program.display();
    let expected = format!(
        "version = 1\n\n# {day}: what `command-1` asked, approved always\n[[rule]]\nid = \"always-command-1\"\n\
         program = \"{program}\"\nexactly = [\"-s\", \"0\", \"data.csv\"]\nfolder = \"{folder}\"\n\
         verdict = \"allow\"\nreason = \"uid {uid} approved it always (command-1, {day})\"\n\
         hits = [\"{program} -s 0 data.csv\"]\n"
    );
    assert_eq!(rule(&home).unwrap(), expected);
    assert!(done.stdout.contains("exactly = [\"-s\", \"0\", \"data.csv\"]"), "{}", done.stdout);
    assert!(done.stdout.contains(".config/guard/policy.toml"), "{}", done.stdout);
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(config(&home)), mode(config(&home).parent().unwrap().into())), (0o600, 0o700));
    assert!(home.log().contains("[APPROVAL] [ALWAYS] [command-1: always-command-1] [SUCCESS] "), "{}", home.log());

    assert!(home.guard(&["pending"]).stdout.contains("nothing waits"));
    assert_eq!(home.guard(&["wait", "command-1"]).code, Some(0));
    for _ in 0..2 {
        let done = home.guard(&ASKED);
        assert_eq!(done.code, Some(0), "{}", done.stderr);
    }
    assert!(home.project.join("data.csv").exists());
    for other in [
        &["exec", "--", "truncate", "-s", "1", "data.csv"] as &[&str],
        &["exec", "--", "nice", "truncate", "-s", "0", "data.csv"],
        &["exec", "-c", "truncate -s 0 data.csv > x"],
        &["exec", "-c", "truncate -s 0 data.csv; truncate -s 0 x"],
    ] {
        assert_eq!(home.guard(other).code, Some(75), "{other:?}");
    }
    fs::create_dir(home.project.join("sub")).unwrap();
    let mut elsewhere = home.command(&ASKED);
    assert_eq!(elsewhere.current_dir(home.project.join("sub")).output().unwrap().status.code(), Some(75));
    let verified = home.guard(&["audit", "verify"]);
    assert!(verified.stdout.starts_with("whole"), "{} {}", verified.stdout, verified.stderr);
}

#[test]
fn what_waits_for_the_answer_runs_by_the_rule() {
    let home = Home::with("python");
    let mut waiting = Command::new(env!("CARGO_BIN_EXE_guard"))
        .args(["exec", "--wait=60", "--", "truncate", "-s", "0", "data.csv"])
        .current_dir(&home.project)
        .env_clear()
        .env("PATH", path())
        .env("HOME", home.path())
        .spawn()
        .unwrap();
    while !home.project.join("build_audit.log").exists() || !home.log().contains("[REQUEST]") {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(always(&home, "command-1").code, Some(0));
    assert_eq!(waiting.wait().unwrap().code(), Some(0));
    assert!(home.project.join("data.csv").exists());
    assert!(home.log().contains("\"rules\":[{\"id\":\"always-command-1\",\"verdict\":\"allow\"}]"), "{}", home.log());
    assert!(!home.log().contains("[CONSUME]"), "{}", home.log());
    let used = home.guard(&["run-approved", "command-1"]);
    assert_eq!(used.code, Some(125), "{}", used.stderr);
    assert!(used.stderr.contains("needs no approval any more"), "{}", used.stderr);
}

#[test]
fn the_stored_copy_runs_by_the_rule_as_well_and_is_erased() {
    let home = asked();
    let kept = home.state().join("requests/command-1.json");
    assert_eq!(always(&home, "command-1").code, Some(0));
    assert!(kept.exists());
    let done = home.guard(&["run-approved", "command-1"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(home.project.join("data.csv").exists() && !kept.exists());
}

#[test]
fn a_request_that_the_policy_allows_by_now_needs_no_answer() {
    let home = asked();
    home.trust(
        "\n[[rule]]\nid = \"empties-data\"\nprogram = \"truncate\"\nverdict = \"allow\"\nreason = \"its own data\"\n",
    );
    let done = home.guard(&["run-approved", "command-1"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(home.log().contains("[APPROVAL] [CLOSE] [command-1] [ALLOWED]"), "{}", home.log());
    assert!(home.guard(&["audit", "verify"]).stdout.starts_with("whole"));
}

#[test]
fn a_request_that_is_not_allowed_does_not_run_unanswered() {
    let home = asked();
    let done = home.guard(&["run-approved", "command-1"]);
    assert_eq!(done.code, Some(75), "{}", done.stderr);
    assert!(!home.project.join("data.csv").exists());
}

#[test]
fn a_rule_that_was_taken_out_again_allows_nothing() {
    let home = asked();
    assert_eq!(always(&home, "command-1").code, Some(0));
    fs::remove_file(config(&home)).unwrap();
    let done = home.guard(&["run-approved", "command-1"]);
    assert_eq!(done.code, Some(125), "{}", done.stderr);
    assert!(!home.project.join("data.csv").exists());
    assert_eq!(home.guard(&ASKED).code, Some(75));
}

#[test]
fn what_stands_in_the_persons_policy_stays_byte_for_byte() {
    let home = asked();
    let before = "# mine\r\nversion = 1   # \u{e9}\n\n[[rule]]\nid = \"no-w\"\nprogram = \"w\"\nverdict = \"deny\"\nreason = \"r\"";
    fs::create_dir_all(config(&home).parent().unwrap()).unwrap();
    fs::write(config(&home), before).unwrap();
    // The policy has changed, so the request is asked anew.
    assert_eq!(home.guard(&ASKED).code, Some(75));
    refused_with(&home, "command-1", "has changed since it was asked", 75);
    assert_eq!(always(&home, "command-2").code, Some(0));
    let after = rule(&home).unwrap();
    assert!(after.starts_with(&format!("{before}\n\n# ")), "{after}");
    assert_eq!(home.guard(&ASKED).code, Some(0));
}

#[test]
fn an_id_that_is_taken_gets_a_number() {
    let home = Home::with("python");
    fs::create_dir_all(config(&home).parent().unwrap()).unwrap();
    let taken =
        "version = 1\n[[rule]]\nid = \"always-command-1\"\nprogram = \"w\"\nverdict = \"deny\"\nreason = \"r\"\n";
    fs::write(config(&home), taken).unwrap();
    assert_eq!(home.guard(&ASKED).code, Some(75));
    assert_eq!(always(&home, "command-1").code, Some(0));
    assert!(rule(&home).unwrap().contains("id = \"always-command-1-2\""), "{}", rule(&home).unwrap());
}

#[test]
fn a_policy_of_the_persons_that_is_broken_or_a_link_is_left_alone() {
    let home = asked();
    fs::create_dir_all(config(&home).parent().unwrap()).unwrap();
    fs::write(config(&home), "version = 1\n[[rule]]\n").unwrap();
    let done = terminal(&home, &["approve", "command-1", "--always"], "x\n");
    assert_eq!(done.code, Some(78), "{}", done.stdout);
    assert_eq!(rule(&home).unwrap(), "version = 1\n[[rule]]\n");

    fs::remove_file(config(&home)).unwrap();
    let real = home.path().join("dotfile.toml");
    fs::write(&real, "version = 1\n").unwrap();
    std::os::unix::fs::symlink(&real, config(&home)).unwrap();
    assert_eq!(home.guard(&ASKED).code, Some(75));
    refused(&home, "command-2", "is a link: a rule is only added to the file itself");
}

#[test]
fn there_is_no_rule_for_what_is_more_than_one_plain_command() {
    let home = Home::with("python");
    home.write("tool", "#!/bin/sh\n");
    fs::set_permissions(home.project.join("tool"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(home.project.join("x"), "").unwrap();
    let bin = home.path().join("bin");
    fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink("/usr/bin/truncate", bin.join("shorten")).unwrap();
    let table = [
        ("bash x", "is a shell"),
        ("perl x", "is an interpreter"),
        ("sh -c 'truncate -s 0 a'", "it is started by `sh`"),
        ("nice truncate -s 0 b", "it is started by `nice`"),
        ("truncate -s 0 c; truncate -s 0 d", "it is not one plain command"),
        ("truncate -s 0 e > y", "its input or output is redirected"),
        ("A=1 truncate -s 0 f", "it sets `A`"),
        ("truncate -s 0 $UNKNOWN", "only the run will tell"),
        ("./tool", "lies where commands can write"),
        ("shorten -s 0 x", "it is called by another name than that of its file"),
        ("truncate -s 0 --password=correcthorsebatterystaple7", "there is a secret in it"),
    ];
    for (number, (line, why)) in table.into_iter().enumerate() {
        // Ten requests may wait at once.
        let name = format!("command-{}", number + 1);
        let mut command = home.command(&["exec", "-c", line]);
        let done = command.env("PATH", format!("{}:{}", path(), bin.display())).output().unwrap();
        let stderr = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(75), "{line}: {stderr}");
        refused(&home, &name, why);
        let told = home.guard(&["show", &name, "--always"]);
        assert!(told.stderr.contains(&format!("`guard approve {name}` without `--always` allows it once")), "{told:?}");
        let digest = said(&home, &["show", &name], "digest:");
        assert_eq!(terminal(&home, &["deny", &name], &format!("{digest}\n")).code, Some(0));
    }
}

#[test]
fn a_rule_of_the_projects_that_asks_is_answered_by_none_of_the_persons() {
    let home = Home::with("python");
    home.trust("\n[[rule]]\nid = \"asks\"\nprogram = \"truncate\"\nverdict = \"ask\"\nreason = \"empties files\"\n");
    assert_eq!(home.guard(&ASKED).code, Some(75));
    refused(&home, "command-1", "no rule of a person's answers what asks: `asks`, empties files (guard.toml:");
}

#[test]
fn the_digest_of_a_single_answer_adds_no_rule_nor_does_any_other_word() {
    let home = asked();
    let once = said(&home, &["show", "command-1"], "digest:");
    let always = said(&home, &["show", "command-1", "--always"], "digest:");
    assert_ne!(once, always);
    for typed in [once.as_str(), "yes", ""] {
        let done = terminal(&home, &["approve", "command-1", "--always"], &format!("{typed}\n"));
        assert!(done.stdout.contains("nothing changed"), "{}", done.stdout);
    }
    let done = terminal(&home, &["approve", "command-1"], &format!("{always}\n"));
    assert!(done.stdout.contains("nothing changed"), "{}", done.stdout);
    let piped = home.guard(&["approve", "command-1", "--always", "--digest", &always]);
    assert_eq!(piped.code, Some(125), "{}", piped.stderr);
    assert_eq!(rule(&home), None);
    assert_eq!(home.guard(&ASKED).code, Some(75));
}

#[test]
fn a_request_that_was_answered_or_never_asked_gets_no_rule() {
    let home = asked();
    let digest = said(&home, &["show", "command-1"], "digest:");
    assert_eq!(terminal(&home, &["approve", "command-1"], &format!("{digest}\n")).code, Some(0));
    refused(&home, "command-1", "was approved before");
    refused(&home, "command-9", "nothing of that name was ever asked");
    assert_eq!(rule(&home), None);
}

#[test]
fn an_approver_signs_what_the_rule_says_and_no_other_signature_adds_it() {
    let home = asked();
    let key = home.path().join("anna");
    let keygen = |arguments: &[&str]| {
        let done = Command::new("ssh-keygen").args(arguments).current_dir(home.path()).output().unwrap();
        assert!(done.status.success(), "{done:?}");
    };
    keygen(&["-q", "-N", "", "-t", "ed25519", "-f", "anna"]);
    let public = key.with_extension("pub").display().to_string();
    let digest = terminal(&home, &["approver", "add", "anna", &public], "x\n");
    let digest = digest.stdout.split("Type `").nth(1).and_then(|rest| rest.split('`').next()).unwrap().to_owned();
    let added = terminal(&home, &["approver", "add", "anna", &public], &format!("{digest}\n"));
    assert_eq!(added.code, Some(0), "{}", added.stdout);

    let sign = |statement: &str, file: &str| {
        fs::write(home.path().join(file), statement).unwrap();
        keygen(&["-q", "-Y", "sign", "-n", "guard-approval-v1", "-f", "anna", file]);
        home.path().join(format!("{file}.sig")).display().to_string()
    };
    // At a terminal, without a key: too weak by now.
    let digest = said(&home, &["show", "command-1", "--always"], "digest:");
    assert_eq!(said(&home, &["show", "command-1", "--always"], "to allow it always takes at least:"), "signature");
    // A signature over the request allows it once; a rule it does not add.
    let once = home.guard(&["show", "command-1", "--statement", "anna"]).stdout;
    let done = home.guard(&["approve", "command-1", "--always", "--signature", &sign(&once, "once")]);
    assert_eq!((done.code, rule(&home)), (Some(126), None), "{}", done.stderr);
    let always = home.guard(&["show", "command-1", "--always", "--statement", "anna"]).stdout;
    let signature = sign(&always, "always");
    let done = home.guard(&["approve", "command-1", "--signature", &signature]);
    assert_eq!((done.code, rule(&home)), (Some(126), None), "{}", done.stderr);

    let private = key.display().to_string();
    let done = home.guard(&["approve", "command-1", "--always", "--digest", "0000-0000", "--key", &private]);
    assert_eq!((done.code, rule(&home)), (Some(125), None), "{}", done.stderr);
    let done = home.guard(&["approve", "command-1", "--always", "--digest", &digest, "--key", &private]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(rule(&home).unwrap().contains("reason = \"anna approved it always (command-1, "));
    assert!(home.log().contains("\"by\":{\"who\":\"anna\",\"strength\":\"signature\""), "{}", home.log());
    assert_eq!(home.guard(&ASKED).code, Some(0));
    let again = home.guard(&["approve", "command-1", "--always", "--signature", &signature]);
    assert_eq!(again.code, Some(125), "{}", again.stderr);
    assert_eq!(rule(&home).unwrap().matches("[[rule]]").count(), 1);
}

#[test]
fn json_shows_the_rule_and_its_digest() {
    let home = asked();
    let shown = home.guard(&["show", "command-1", "--always", "--json"]).stdout;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["digest"], said(&home, &["show", "command-1", "--always"], "digest:").as_str());
    assert_eq!(shown["rule"]["id"], "always-command-1");
    assert!(shown["rule"]["text"].as_str().unwrap().contains("exactly = [\"-s\", \"0\", \"data.csv\"]"), "{shown}");
}
