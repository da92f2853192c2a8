//! Answers that must not count, through the program as a person or an attacker calls it: what is said, the exit code, and that
//! nothing came of it. (The list is that of the issue this was built by.)

use super::scene::{ASKED, Scene};
use super::security_key::{APPLICATION, Device, TOUCHED};
use super::{armoured, unarmoured};
use crate::cli::Done;
use guard::approve::ssh::{NAMESPACE, line};
use std::thread::sleep;
use std::time::Duration;

/// What changes in a project, and how.
type Change = (&'static str, fn(&Scene));

/// What was refused, and how; nothing else may have happened.
#[track_caller]
fn refused(scene: &Scene, name: &str, done: &Done, code: i32, said: &str) {
    assert_eq!((done.code, done.stdout.as_str()), (Some(code), ""), "{}", done.stderr);
    assert!(done.stderr.starts_with("guard: ") && done.stderr.contains(said), "{}", done.stderr);
    assert!(done.stderr.contains("\n  help: "), "{}", done.stderr);
    assert_eq!(scene.logged("[APPROVAL] [APPROVE]"), 0, "{said}");
    assert!(scene.show(name)["approved_by"].is_null(), "{said}");
    assert_eq!(scene.home.guard(&["run-approved", name]).code, Some(75), "{said}");
    assert!(!scene.made(), "{said}");
}

#[test]
fn a_name_that_nobody_was_asked_under_is_told() {
    let scene = Scene::signed();
    let name = scene.ask(&ASKED);
    let key = scene.key("anna");
    for unknown in
        ["command-9", "resume-1", "", "../command-1", "command-1.json", "COMMAND-1", "command-01", "\u{1b}[2J"]
    {
        for words in [&["approve"][..], &["deny"], &["approve", "--digest", "0000-0000", "--key", &key]] {
            let done = scene.home.guard(&[words, &["--", unknown]].concat());
            refused(&scene, &name, &done, 125, "nothing of that name was ever asked here");
            assert!(!done.stderr.contains('\u{1b}'), "{:?}", done.stderr);
        }
    }
    scene.whole();
}

#[test]
fn a_digest_that_is_not_the_statements_is_refused() {
    let scene = Scene::signed();
    let (name, other) = (scene.ask(&ASKED), scene.ask(&["truncate", "-s", "4", "made"]));
    let (own, others) = (scene.digest(&name), scene.digest(&other));
    let (upper, key) = (own.to_uppercase(), scene.key("anna"));
    for digest in ["0000-0000", "", "yes", &others, &upper, &own[..4], &own.replace('-', ""), "7f3a-91bc\n"] {
        if *digest == *own {
            // A digest without letters, in capitals.
            continue;
        }
        let done = scene.home.guard(&["approve", &name, "--digest", digest, "--key", &key]);
        refused(&scene, &name, &done, 125, "the digest given is not this statement's");
    }
    // A digest alone is no answer: whoever may read it could give one.
    let done = scene.home.guard(&["approve", &name, "--digest", &own]);
    refused(&scene, &name, &done, 125, "without a terminal an answer takes a signature");
    let done = scene.home.guard(&["approve", &name]);
    refused(&scene, &name, &done, 125, "this needs a person at a terminal");
    scene.whole();
}

#[test]
fn a_signature_that_does_not_count_approves_nothing() {
    let scene = Scene::signed();
    let (name, other) = (scene.ask(&ASKED), scene.ask(&["truncate", "-s", "4", "made"]));
    scene.desk.key("eve", &["ed25519"]);
    let right = scene.statement(&name, "anna", &[]);
    let signed = |key: &str, statement: &[u8]| scene.desk.sign(key, NAMESPACE, statement, &[]);
    let changed = |from: &str, to: &str| {
        let text = String::from_utf8(right.clone()).unwrap();
        assert!(text.contains(from), "{text}");
        text.replace(from, to).into_bytes()
    };
    let own = signed("anna", &right);
    let flipped = |at: usize| {
        let mut bytes = unarmoured(&own);
        let at = at % bytes.len();
        bytes[at] ^= 1;
        armoured(&bytes)
    };
    let crlf = |text: &str| text.replace('\n', "\r\n");
    let bad: Vec<(&str, String)> = vec![
        ("a key that is nobody's", signed("eve", &right)),
        ("a key that is nobody's, as if it were", signed("eve", &scene.statement(&name, "eve", &[]))),
        ("another namespace", scene.desk.sign("anna", "file", &right, &[])),
        ("another namespace that begins the same", scene.desk.sign("anna", "guard-approval-v11", &right, &[])),
        ("another request", signed("anna", &scene.statement(&other, "anna", &[]))),
        ("a denial", signed("anna", &scene.statement(&name, "anna", &["--deny"]))),
        ("somebody else's name", signed("anna", &scene.statement(&name, "ben", &[]))),
        ("more uses", signed("anna", &changed("\"uses\":1", "\"uses\":2"))),
        ("another log", signed("anna", &changed("\"log\":\"", "\"log\":\"0"))),
        ("a line more", signed("anna", &[&right[..], b"\n"].concat())),
        ("the digest", signed("anna", scene.digest(&name).as_bytes())),
        ("nothing", signed("anna", b"")),
        ("the last byte", flipped(usize::MAX)),
        ("a byte of the key", flipped(50)),
        ("a byte of the namespace", flipped(75)),
        ("a byte of the version", flipped(9)),
        ("half of it", own[..own.len() / 2].to_owned()),
        ("none of it", String::new()),
        ("two of them, crossed", own.replacen('A', "B", 1) + &own),
        ("no signature", "guard\n".repeat(20_000)),
        ("a public key", scene.desk.read("anna.pub")),
        ("a private key", scene.desk.read("anna")),
        ("a terminal's text", crlf("\u{1b}[31mapproved\u{1b}[0m\n")),
    ];
    for (what, signature) in &bad {
        let file = scene.keep(signature);
        let done = scene.home.guard(&["approve", &name, "--signature", &file]);
        println!("{what}: {}", done.stderr);
        refused(&scene, &name, &done, 126, "the signature does not count");
        assert!(!done.stderr.contains('\u{1b}'), "{what}: {:?}", done.stderr);
    }
    for file in ["/dev/null", "/no/such/file", "/", "anna"] {
        let done = scene.home.guard(&["approve", &name, "--signature", file]);
        let said = if file == "/dev/null" { (Some(126), "does not count") } else { (Some(125), "cannot read") };
        assert!(done.code == said.0 && done.stderr.contains(said.1), "{file}: {}", done.stderr);
    }
    // With the digest right and the wrong key, and no key at all.
    let done = scene.home.guard(&["approve", &name, "--digest", &scene.digest(&name), "--key", &scene.key("eve")]);
    refused(&scene, &name, &done, 126, "the signature does not count");
    let done = scene.home.guard(&["approve", &name, "--digest", &scene.digest(&name), "--key", &scene.key("nobody")]);
    refused(&scene, &name, &done, 125, "to sign with");
    let done = scene.home.guard(&["approve", &name, "--digest", &scene.digest(&name), "--agent"]);
    refused(&scene, &name, &done, 125, "no ssh-agent");
    scene.whole();

    // What was refused was refused for what it was: the right one counts.
    let file = scene.keep(&own);
    assert_eq!(scene.home.guard(&["approve", &name, "--signature", &file]).code, Some(0));
    // And once: it is of a request that is answered.
    let again = scene.home.guard(&["approve", &name, "--signature", &file]);
    assert_eq!(again.code, Some(125));
    assert!(again.stderr.contains("was approved before, by anna"), "{}", again.stderr);
    assert_eq!(scene.home.guard(&["run-approved", &name]).code, Some(0));
    assert_eq!(scene.home.guard(&["approve", &name, "--signature", &file]).code, Some(125));
    assert_eq!(
        (scene.made(), scene.logged("[APPROVAL] [APPROVE]"), scene.logged("[APPROVAL] [CONSUME]")),
        (true, 1, 1)
    );
    scene.whole();
}

#[test]
fn a_security_key_that_nobody_touched_approves_nothing() {
    let scene = Scene::open();
    let [device, _] = Device::both(&scene.desk);
    scene.approvers(&line("anna", &device.public()).unwrap());
    scene.home.trust("\n[approvals]\ncommand = \"security-key\"\n");
    let name = scene.ask(&ASKED);
    let statement = scene.statement(&name, "anna", &[]);
    let file = scene.keep(device.sign_this(&statement, 0, APPLICATION));
    refused(&scene, &name, &scene.home.guard(&["approve", &name, "--signature", &file]), 126, "does not count");
    let touched = scene.keep(device.sign_this(&statement, TOUCHED, APPLICATION));
    let done = scene.home.guard(&["approve", &name, "--signature", &touched]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert_eq!(scene.logged("\"strength\":\"security-key\""), 1);
    scene.whole();
}

#[test]
fn an_answer_weaker_than_the_policy_demands_is_refused() {
    let scene = Scene::signed();
    let name = scene.ask(&ASKED);
    // At a terminal, with the right digest, as a program could: an approver is configured, so that it takes a signature.
    let done = scene.typed("approve", &name);
    assert_ne!(done.code, Some(0), "{}", done.stdout);
    assert!(done.stdout.contains("SSH_AUTH_SOCK"), "{}", done.stdout);
    scene.home.trust("\n[approvals]\ncommand = \"security-key\"\nresume = \"terminal\"\n");
    let done = scene.home.guard(&["exec", "--", "truncate", "-s", "5", "made"]);
    assert_eq!(done.code, Some(78), "{}", done.stderr);
    assert!(done.stderr.contains("no approver can give one"), "{}", done.stderr);
    assert!(!scene.made());
    scene.whole();
}

#[test]
fn a_request_nobody_answered_in_time_can_not_be_approved_any_more() {
    let scene = Scene::signed();
    scene.home.trust("\n[approvals]\nrequest = \"1s\"\n");
    let name = scene.ask(&ASKED);
    let file = scene.signature("anna", &scene.statement(&name, "anna", &[]));
    sleep(Duration::from_millis(2100));
    for words in [
        &["approve", &name, "--signature", &file][..],
        &["deny", &name],
        &["run-approved", &name],
        &["wait", &name],
        &["show", &name],
    ] {
        let done = scene.home.guard(words);
        assert_eq!(done.code, Some(75), "{words:?}: {}", done.stderr);
        assert!(done.stderr.contains("in time"), "{words:?}: {}", done.stderr);
    }
    assert_eq!((scene.logged("[APPROVAL] [CLOSE]"), scene.copy(&name).exists(), scene.made()), (1, false, false));
    // It halts nothing, counts nothing, and is asked anew under another name.
    assert_eq!(scene.status()["denials"]["used"], 0);
    assert_ne!(scene.ask(&ASKED), name);
    scene.whole();
}

#[test]
fn an_approval_nobody_used_in_time_runs_nothing() {
    let scene = Scene::signed();
    scene.home.trust("\n[approvals]\nuse = \"1s\"\n");
    let name = scene.ask(&ASKED);
    assert_eq!(scene.answer("approve", &name).code, Some(0));
    sleep(Duration::from_millis(2100));
    let done = scene.home.guard(&["run-approved", &name]);
    assert_eq!(done.code, Some(75), "{}", done.stderr);
    assert!(done.stderr.contains("in time"), "{}", done.stderr);
    // The identical command is a new question.
    assert_ne!(scene.ask(&ASKED), name);
    assert!(!scene.made() && !scene.copy(&name).exists());
    scene.whole();
}

/// What changed between the asking, the answer and the use.
#[test]
fn a_request_whose_ground_changed_meanwhile_runs_nothing() {
    let script = "open('made', 'w').write('x')\n";
    let changes: [Change; 6] = [
        ("the script", |scene| scene.home.write("tool/run.sh", "#!/bin/sh\ntouch made; touch other\n")),
        ("a file it names", |scene| scene.home.write("data.txt", "other\n")),
        ("the file is a link now", |scene| {
            std::fs::remove_file(scene.home.project.join("data.txt")).unwrap();
            std::os::unix::fs::symlink("/etc/passwd", scene.home.project.join("data.txt")).unwrap();
        }),
        ("the file is gone", |scene| std::fs::remove_file(scene.home.project.join("data.txt")).unwrap()),
        ("the program is gone", |scene| std::fs::remove_file(scene.home.project.join("tool/run.sh")).unwrap()),
        ("the policy", |scene| scene.home.trust("\n[limits]\ntimeout = \"59s\"\n")),
    ];
    for when in ["before the answer", "after the answer"] {
        for (what, change) in &changes {
            let scene = Scene::signed();
            scene.home.write("x.py", script);
            scene.home.write("data.txt", "one\n");
            scene.home.write("tool/run.sh", "#!/bin/sh\ntouch made\n");
            let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            std::fs::set_permissions(scene.home.project.join("tool/run.sh"), executable).unwrap();
            let name = scene.ask(&["./tool/run.sh", "data.txt"]);
            if when == "after the answer" {
                assert_eq!(scene.answer("approve", &name).code, Some(0));
                change(&scene);
            } else {
                let digest = scene.digest(&name);
                change(&scene);
                // It may be answered; it is not used.
                scene.home.guard(&["approve", &name, "--digest", &digest, "--key", &scene.key("anna")]);
            }
            let done = scene.home.guard(&["run-approved", &name]);
            assert_eq!(done.code, Some(75), "{what} {when}: {}", done.stderr);
            assert!(done.stderr.contains("has changed since it was asked"), "{what} {when}: {}", done.stderr);
            assert!(!scene.made() && !scene.copy(&name).exists(), "{what} {when}");
            scene.whole();
        }
    }
}

/// Files beyond those that are listed were not bound: sixty-four names before it hid the one that counts.
#[test]
fn every_file_a_request_names_is_bound_however_many() {
    let scene = Scene::signed();
    let names: Vec<String> = (0..70).map(|number| format!("a{number:02}")).collect();
    names.iter().for_each(|name| scene.home.write(name, "same\n"));
    scene.home.write("zz", "one\n");
    let words: Vec<&str> =
        ["install"].into_iter().chain(names.iter().map(String::as_str)).chain(["zz", "made"]).collect();
    let name = scene.ask(&words);
    assert_eq!(scene.answer("approve", &name).code, Some(0));
    scene.home.write("zz", "two\n");
    let done = scene.home.guard(&["run-approved", &name]);
    assert_eq!(done.code, Some(75), "{}", done.stderr);
    scene.whole();
}

/// Whoever can write the state folder is this user outside every fence. What they change is noticed all the same.
#[test]
fn a_stored_copy_that_was_tampered_with_is_neither_shown_nor_run() {
    for when in ["before the answer", "after the answer"] {
        let scene = Scene::signed();
        let name = scene.ask(&ASKED);
        let digest = scene.digest(&name);
        if when == "after the answer" {
            assert_eq!(scene.answer("approve", &name).code, Some(0));
        }
        let path = scene.copy(&name);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("\"3\""), "{text}");
        std::fs::write(&path, text.replace("\"3\"", "\"9\"")).unwrap();
        assert!(!scene.home.guard(&["pending"]).stdout.contains("-s 9"), "{when}");
        for words in [&["show", &name][..], &["approve", &name, "--digest", &digest, "--key", &scene.key("anna")]] {
            let done = scene.home.guard(words);
            assert_eq!((done.code, done.stdout.as_str()), (Some(75), ""), "{words:?}: {}", done.stderr);
        }
        assert_eq!(scene.home.guard(&["run-approved", &name]).code, Some(75), "{when}");
        assert!(!scene.made() && !path.exists(), "{when}");
        scene.whole();
    }
}
