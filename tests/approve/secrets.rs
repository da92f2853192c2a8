//! What a request holds that nobody may read: kept for its use alone, and shown nowhere.

use super::scene::Scene;
use crate::cli::done;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Secrets by where they come from: a file of settings, the caller's environment, the command itself.
const FILED: &str = "Qm7-filed-canary-93x";
const AROUND: &str = "Zk2-around-canary-51y";
const TYPED: &str = "Wp5-typed-canary-77z";

/// What ends a request, and how.
type End = (&'static str, fn(&Scene, &str));

/// Everything below a folder that holds a text, but for stored requests.
fn holds(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holds(&path, text));
        } else if String::from_utf8_lossy(&fs::read(&path).unwrap()).contains(text) {
            found.push(path.display().to_string());
        }
    }
    found
}

fn asked(scene: &Scene, words: &[&str]) -> crate::cli::Done {
    done(scene.home.command(words).env("PAYMENT_API_KEY", AROUND))
}

#[test]
fn a_secret_of_a_request_is_in_its_stored_copy_and_nowhere_else() {
    let scene = Scene::signed();
    scene.home.write(".env", &format!("PAYMENT_PASSWORD={FILED}\n"));
    let line = format!("PAYMENT_TOKEN={TYPED} truncate -s 3 made {FILED} --password {TYPED} && echo {AROUND} > x");
    let told = asked(&scene, &["exec", "--reason", &format!("to use {FILED}"), "--task", FILED, "-c", &line]);
    assert_eq!(told.code, Some(75), "{}", told.stderr);
    let name = "command-1";
    let copy = scene.copy(name);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&copy), mode(copy.parent().unwrap())), (0o600, 0o700));
    let kept = fs::read_to_string(&copy).unwrap();
    assert!([FILED, AROUND, TYPED].iter().all(|secret| kept.contains(secret)), "what runs is the whole");

    scene.halt();
    asked(&scene, &["escalate", "--analysis", &format!("{FILED} and {AROUND}")]);
    for words in [
        &["pending"][..],
        &["pending", "--json"],
        &["show", name],
        &["show", name, "--json"],
        &["show", name, "--statement", "anna"],
        &["status"],
        &["status", "--json"],
        &["escalations"],
        &["escalations", "--json"],
        &["escalations", "resume-2"],
        &["escalations", "resume-2", "--json"],
        &["show", "resume-2"],
        &["show", "resume-2", "--json"],
        &["audit", "tail"],
    ] {
        let said = asked(&scene, words);
        for secret in [FILED, AROUND, TYPED] {
            let text = format!("{}{}", said.stdout, said.stderr);
            assert!(!text.contains(secret), "{words:?} tells {secret}: {text}");
        }
    }
    let shown = asked(&scene, &["show", name]).stdout;
    assert!(shown.contains("secrets in it are masked here"), "{shown}");
    assert!(shown.contains("truncate -s 3 made"), "what is no secret is shown: {shown}");
    for secret in [FILED, AROUND, TYPED] {
        let found = holds(&scene.home.state(), secret);
        assert_eq!(found, [copy.display().to_string()], "{secret}");
        assert!(!scene.home.log().contains(secret), "{secret}");
    }
}

#[test]
fn a_stored_copy_is_erased_by_use_denial_expiry_and_change() {
    let ends: [End; 4] = [
        ("used", |scene, name| {
            assert_eq!(scene.answer("approve", name).code, Some(0));
            assert_eq!(scene.home.guard(&["run-approved", name]).code, Some(0));
        }),
        ("denied", |scene, name| assert_eq!(scene.answer("deny", name).code, Some(0))),
        ("expired", |scene, _| {
            std::thread::sleep(std::time::Duration::from_millis(3100));
            scene.home.guard(&["status"]);
        }),
        ("changed", |scene, name| {
            assert_eq!(scene.answer("approve", name).code, Some(0));
            scene.home.write("input", "other\n");
            assert_eq!(scene.home.guard(&["run-approved", name]).code, Some(75));
        }),
    ];
    for (how, end) in ends {
        let scene = Scene::signed();
        if how == "expired" {
            scene.home.trust("\n[approvals]\nrequest = \"2s\"\n");
        }
        scene.home.write("input", "one\n");
        let name = scene.ask(&["install", "input", "made"]);
        assert!(scene.copy(&name).exists());
        end(&scene, &name);
        assert_eq!(fs::read_dir(scene.copy(&name).parent().unwrap()).unwrap().count(), 0, "{how}");
        scene.whole();
    }
}

/// A setting's value was taken to reach to the end of its line, so that a command behind one was in no log and in no view.
#[test]
fn what_looks_like_a_secret_hides_no_command_from_the_log_or_from_a_person() {
    let scene = Scene::signed();
    for (line, hidden) in [
        ("API_KEY=0123456789abcdef truncate -s 3 made", "truncate -s 3 made"),
        ("export API_KEY=0123456789abcdef; truncate -s 4 made", "; truncate -s 4 made"),
        ("cookie=0123456789abcdef truncate -s 5 made", "truncate -s 5 made"),
        ("AUTHORIZATION=0123456789abcdef truncate -s 6 made", "truncate -s 6 made"),
        ("echo Authorization: Basic 0123456789abcdef; truncate -s 7 made", "; truncate -s 7 made"),
        ("bash -c 'true\nAPI_KEY=0123456789abcdef truncate -s 8 made'", "truncate -s 8 made"),
    ] {
        let done = scene.home.guard(&["exec", "--json", "-c", line]);
        assert_eq!(done.code, Some(75), "{line}: {}", done.stdout);
        let name = format!("command-{}", scene.pending()["requests"].as_array().unwrap().len());
        let (view, log) = (scene.show(&name)["command"].as_str().unwrap().to_owned(), scene.home.log());
        assert!(view.contains(hidden) && !view.contains("0123456789abcdef"), "{line}: {view}");
        assert!(log.contains(hidden) && !log.contains("0123456789abcdef"), "{line}: {log}");
    }
}

/// A program in the fence writes the project's `.env`: it can call any part of a command a secret.
#[test]
fn a_view_in_which_a_mask_hides_more_than_a_word_cannot_be_approved() {
    let scene = Scene::signed();
    scene.home.write(".env", "X_TOKEN=\"; truncate -s 3 made\"\nY_TOKEN='truncate -s 4 made'\n");
    for line in [
        "echo fine; truncate -s 3 made",
        "bash -c 'truncate -s 4 made'",
        ": '-----BEGIN RSA PRIVATE KEY-----'; truncate -s 5 made",
    ] {
        let done = scene.home.guard(&["exec", "--json", "-c", line]);
        assert_eq!(done.code, Some(75), "{line}: {}", done.stdout);
        let told: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
        let name = told["request"].as_str().unwrap();
        let shown = scene.show(name);
        assert_eq!((&shown["masked"], &shown["hidden"]), (&true.into(), &true.into()), "{line}: {shown}");
        let file = scene.signature("anna", &scene.statement(name, "anna", &[]));
        for words in [
            &["approve", name, "--digest", &scene.digest(name), "--key", &scene.key("anna")][..],
            &["approve", name, "--signature", &file],
        ] {
            let done = scene.home.guard(words);
            assert_eq!(done.code, Some(125), "{line}: {}", done.stderr);
            assert!(done.stderr.contains("what nobody has seen whole cannot be approved"), "{}", done.stderr);
        }
        assert_eq!(scene.answer("deny", name).code, Some(0), "{line}");
    }
    scene.whole();
}
