//! Refusals of what was refused before: known however it is spelled, counted, and halting.

use super::{exec, halts, line};
use crate::approve::scene::{ASKED, Scene};
use crate::cli::done;
use serde_json::{Value, json};

fn denials(scene: &Scene) -> u64 {
    scene.status()["denials"]["used"].as_u64().unwrap()
}

/// Asks as the harness does; whether it was refused.
fn hook(scene: &Scene, command: &str) -> String {
    let question = json!({
        "session_id": "s", "transcript_path": "/dev/null", "cwd": scene.home.project, "permission_mode": "default",
        "hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": { "command": command }, "tool_use_id": "t",
    });
    let answer = done(scene.home.command(&["hook", "claude"]).write_stdin(question.to_string()));
    let object: Value = serde_json::from_str(&answer.stdout).unwrap();
    let part = &object["hookSpecificOutput"];
    match part["updatedInput"]["command"].as_str() {
        Some(updated) => updated.to_owned(),
        None => part["permissionDecisionReason"].as_str().unwrap().to_owned(),
    }
}

#[test]
fn the_same_refused_again_by_whatever_spelling_and_door_counts_and_halts() {
    let spellings: [&dyn Fn(&Scene) -> Value; 7] = [
        &|scene| exec(scene, &["--", "sudo", "true"]),
        &|scene| line(scene, "sudo   'true'"),
        &|scene| line(scene, "echo first; sudo true"),
        &|scene| line(scene, "sh -c 'sudo true'"),
        &|scene| line(scene, "env sudo true || true"),
        &|scene| exec(scene, &["--task", "other", "--reason", "please", "--", "sudo", "true"]),
        &|scene| line(scene, "if sudo true; then echo x; fi"),
    ];
    for spelling in spellings {
        let scene = Scene::open();
        exec(&scene, &["--", "sudo", "true"]);
        assert_eq!(denials(&scene), 0, "the first time is no second one");
        let told = spelling(&scene);
        assert_eq!((&told["verdict"], denials(&scene)), (&json!("deny"), 1), "{told}");
        assert!(told["hint"].as_str().unwrap().contains("asking again counts: 1 of 3"), "{told}");
        assert!(hook(&scene, "true && sudo true").contains("asking again counts: 2 of 3"));
        let told = spelling(&scene);
        assert_eq!(told["halted"], "resume-1", "{told}");
        let report = scene.home.guard(&["escalations", "resume-1"]).stdout;
        assert!(report.contains("asked 3 times again for what was refused"), "{report}");
        scene.whole();
    }
}

#[test]
fn other_refusals_are_other_targets() {
    let scene = Scene::open();
    for word in ["a", "b", "c", "d", "e", "f"] {
        assert_eq!(exec(&scene, &["--", "sudo", word])["verdict"], "deny");
    }
    assert_eq!((denials(&scene), &scene.status()["halted"]), (0, &Value::Null));
}

#[test]
fn what_a_person_denied_is_denied_at_once_and_counts() {
    let scene = Scene::signed();
    let name = scene.ask(&ASKED);
    let file = scene.signature("anna", &scene.statement(&name, "anna", &["--deny"]));
    let done = scene.home.guard(&["deny", &name, "--signature", &file, "--reason", "not that"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert_eq!(scene.home.guard(&["run-approved", &name]).code, Some(126));
    assert_eq!(scene.home.guard(&["wait", &name]).code, Some(126));
    let told = exec(&scene, &["--", "truncate", "-s", "3", "made"]);
    assert_eq!(
        (&told["verdict"], &told["rules"][0]["id"]),
        (&json!("deny"), &json!("guard:denied-by-person")),
        "{told}"
    );
    assert_eq!(denials(&scene), 1);
    assert!(hook(&scene, "echo x; truncate -s '3' made").contains("a person denied it"));
    assert_eq!(denials(&scene), 2);
    let told = line(&scene, "timeout 9 truncate -s 3 made");
    assert_eq!((&told["verdict"], &told["halted"]), (&json!("deny"), &json!("resume-2")), "{told}");
    assert_eq!((scene.logged("[APPROVAL] [REQUEST]"), scene.made()), (1, false));
    // A denial stays one after a person goes on; what else is asked is asked.
    let file = scene.signature("anna", &scene.statement("resume-2", "anna", &[]));
    assert_eq!(scene.home.guard(&["resume", "resume-2", "--signature", &file]).code, Some(0));
    assert_eq!(exec(&scene, &["--", "truncate", "-s", "3", "made"])["verdict"], "deny");
    assert_eq!(exec(&scene, &["--", "truncate", "-s", "4", "made"])["verdict"], "ask");
    scene.whole();
}

#[test]
fn where_nobody_is_there_to_be_asked_an_ask_counts_nowhere() {
    let scene = Scene::open();
    let text = scene.home.read("guard.toml").replace("supervision = \"attended\"", "supervision = \"unattended\"");
    scene.home.write("guard.toml", &text);
    scene.home.trust("\n");
    for _ in 0..5 {
        let told = exec(&scene, &["--", "truncate", "-s", "3", "made"]);
        assert_eq!((&told["verdict"], &told["halted"]), (&json!("deny"), &Value::Null), "{told}");
    }
    assert_eq!((denials(&scene), scene.logged("[APPROVAL] [REQUEST]")), (0, 0));
}

/// A command that a person must allow becomes a request that the reason names; the identical command runs once it is.
#[test]
fn what_the_hook_asks_runs_as_it_was_asked_once_a_person_has_answered() {
    let scene = Scene::signed();
    let asked = "truncate -s 3 made && echo done";
    let reason = hook(&scene, asked);
    assert!(reason.contains("a person has been asked (`command-1`)"), "{reason}");
    let digest = scene.digest("command-1");
    assert!(!reason.contains(&digest) && !reason.contains("guard approve"), "{reason}");
    assert_eq!(hook(&scene, asked), reason, "it joins the one that waits");
    assert_eq!(scene.answer("approve", "command-1").code, Some(0));
    let updated = hook(&scene, asked);
    assert!(updated.contains(" exec -c "), "{updated}");
    let command = scene.home.command(&[]);
    let mut bash = std::process::Command::new("bash");
    bash.args(["-c", &updated]).current_dir(&scene.home.project).env_clear();
    bash.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = bash.output().unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), &b"done\n"[..]), "{output:?}");
    assert!(scene.made());
    assert!(hook(&scene, asked).contains("`command-2`"), "one approval is one use");
    scene.whole();
}

#[test]
fn a_failing_check_that_a_person_approved_counts_as_any_other() {
    let scene = Scene::signed();
    scene.home.write("test_a.py", "def test_bad():\n    assert 1 == 2\n");
    scene.home.trust(
        "\n[[rule]]\nid = \"slow-tests\"\nprogram = \"pytest\"\nflags_any = [\"--maxfail\"]\nverdict = \"ask\"\nreason = \"slow\"\n\
         hits = [\"pytest --maxfail 1\"]\nmisses = [\"pytest\"]\n",
    );
    for number in 1..=3 {
        let name = scene.ask(&["pytest", "--maxfail", "1"]);
        assert_eq!(scene.answer("approve", &name).code, Some(0));
        let done = scene.home.guard(&["run-approved", &name, "--json"]);
        let told: Value = serde_json::from_str(&done.stdout).unwrap();
        assert_eq!((done.code, &told["attempts"]["used"]), (Some(1), &json!(number)), "{told}");
        if number == 3 {
            halts(&told, "resume-4", "test");
        }
    }
    scene.whole();
}
