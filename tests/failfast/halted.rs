//! The failing run that spends a budget halts, and then nothing happens until a person resumes.

use super::{exec, failing, halts, line, mend, refused, used};
use crate::approve::scene::{ASKED, Scene};
use crate::cli::done;
use serde_json::{Value, json};

/// Category, file and its text, tool, its exit code, budget.
type Case = (&'static str, &'static str, &'static str, &'static [&'static str], i64, u64);

/// What fails in each category, by which tool, and how often.
#[test]
fn each_category_halts_at_its_own_budget_and_the_exit_code_stays_the_tools() {
    let ended = "import os, signal\n\n\ndef test_bad():\n    os.kill(os.getpid(), signal.SIGSEGV)\n";
    let cases: [Case; 7] = [
        ("runtime", "test_a.py", ended, &["pytest", "-q"], 139, 2),
        ("test", "test_a.py", "def test_bad():\n    assert 1 == 2\n", &["pytest", "-q"], 1, 3),
        ("import", "test_a.py", "import no_such_module_at_all\n\n\ndef test_a():\n    pass\n", &["pytest", "-q"], 2, 2),
        ("syntax", "test_a.py", "def test_bad(:\n", &["pytest", "-q"], 2, 3),
        ("test", "test_a.py", "def test_bad():\n    {}['x']\n", &["pytest", "-q"], 1, 3),
        ("type", "a.py", "x: int = 'text'\n", &["mypy", "a.py"], 1, 3),
        ("syntax", "a.py", "x = {  'a':1 }\n", &["black", "--check", "a.py"], 1, 3),
    ];
    for (category, file, text, words, code, budget) in cases {
        let scene = Scene::open();
        scene.home.write(file, text);
        for number in 1..=budget {
            let told = exec(&scene, &[&["--"], words].concat());
            let expected = json!({ "used": number, "budget": budget, "total_used": number, "total_budget": 3 });
            assert_eq!((&told["attempts"], &told["exit_code"]), (&expected, &json!(code)), "{category}: {told}");
            assert_eq!(told["category"], category);
            assert!(!told["failures"].as_array().unwrap().is_empty(), "{told}");
            if number == budget {
                halts(&told, "resume-1", category);
            } else {
                assert!(told["halted"].is_null(), "{told}");
            }
        }
        refused(&scene.home.guard(&["exec", "--", "ls"]));
        let report = scene.home.guard(&["escalations", "resume-1"]).stdout;
        assert!(
            report.starts_with("[ESCALATION] project: ") && report.contains(&format!("{budget} attempts")),
            "{report}"
        );
        scene.whole();
    }
}

#[test]
fn failures_of_different_categories_count_together() {
    let scene = failing();
    assert_eq!(exec(&scene, &["--", "pytest", "-q"])["category"], "test");
    scene.home.write("b.py", "x: int = 'text'\n");
    assert_eq!(exec(&scene, &["--", "mypy", "b.py"])["category"], "type");
    scene.home.write("c.py", "x = {  'a':1 }\n");
    let told = exec(&scene, &["--", "black", "--check", "c.py"]);
    halts(&told, "resume-1", "syntax");
    assert_eq!(told["attempts"], json!({ "used": 1, "budget": 3, "total_used": 3, "total_budget": 3 }));
    scene.whole();
}

/// A list, a pipeline, a wrapper, a module's name: such a run was no attempt at all.
#[test]
fn a_failing_check_counts_whatever_stands_around_it() {
    for text in [
        "pytest -q; true",
        "pytest -q || true",
        "pytest -q | tail -n 3",
        "pytest -q 2>&1 | tail -n 3; exit 0",
        "cd . && pytest -q",
        "(pytest -q)",
        "! pytest -q",
        "timeout 50 pytest -q",
        "env pytest -q",
        "sh -c 'pytest -q'",
        "bash -c 'bash -c \"pytest -q\"'",
        "python -m pytest -q",
        "python3 -m pytest -q; true",
        "if pytest -q; then echo fine; fi",
        "echo begin; pytest -q; echo end",
        "pytest -q > /dev/null",
        "for x in 1; do pytest -q; done",
    ] {
        let scene = failing();
        let told = line(&scene, text);
        assert_eq!((&told["category"], used(&scene, "test")), (&json!("test"), (1, 1)), "{text}: {told}");
    }
    let scene = Scene::open();
    scene.home.write("a.py", "x: int = 'text'\n");
    for (number, text) in ["mypy a.py | tail -n 5", "mypy a.py || true"].iter().enumerate() {
        let told = line(&scene, text);
        assert_eq!((&told["category"], used(&scene, "type").0), (&json!("type"), number as u64 + 1), "{text}: {told}");
    }
    // A limit: what says nothing, and has another's exit code, is not seen to fail.
    let scene = failing();
    assert_eq!(
        (&line(&scene, "pytest -q > /dev/null; true")["category"], used(&scene, "test")),
        (&Value::Null, (0, 0))
    );
}

/// A file of the project's that is called as the module is what python runs: what it prints fails as it says, and its success
/// makes nothing good.
#[test]
fn a_local_module_named_pytest_is_no_green_run_and_its_failure_counts() {
    let scene = failing();
    assert_eq!(exec(&scene, &["--", "pytest", "-q"])["category"], "test");
    mend(&scene);
    scene.home.write("pytest.py", "print('2 passed in 0.01s')\n");
    for words in [&["--", "python", "-m", "pytest", "-q"][..], &["-c", "python3 -m pytest -q"]] {
        let told = exec(&scene, words);
        assert_eq!((&told["exit_code"], used(&scene, "test")), (&json!(0), (1, 1)), "{words:?}: {told}");
        assert!(told["stdout"].as_str().unwrap().contains("2 passed"), "the local file ran: {told}");
    }
    scene.home.write("pytest.py", "raise KeyError('of its own')\n");
    let told = exec(&scene, &["--", "python", "-m", "pytest", "-q"]);
    assert_eq!((&told["category"], used(&scene, "runtime")), (&json!("runtime"), (1, 2)), "{told}");
    assert_eq!(told["failures"][0]["message"], "KeyError: 'of its own'", "{told}");
    scene.whole();
}

/// What else stands in the line, and is no check, is no attempt.
#[test]
fn what_fails_beside_a_check_that_passes_is_no_attempt() {
    let scene = Scene::open();
    scene.home.write("test_a.py", "def test_ok():\n    assert True\n");
    for text in
        ["pytest -q; grep nothing test_a.py", "pytest -q && grep nothing test_a.py", "! pytest -q", "grep x test_a.py"]
    {
        let told = line(&scene, text);
        assert_eq!((&told["category"], used(&scene, "test")), (&Value::Null, (0, 0)), "{text}: {told}");
    }
}

#[test]
fn while_everything_is_halted_every_door_refuses() {
    let scene = failing();
    let (waits, yes) = (scene.ask(&ASKED), scene.ask(&["truncate", "-s", "4", "made"]));
    assert_eq!(scene.typed("approve", &yes).code, Some(0));
    for _ in 0..3 {
        exec(&scene, &["--", "pytest", "-q"]);
    }
    let records = scene.logged("] SHELL_EXEC: ");
    let told = exec(&scene, &["--", "pytest", "-q"]);
    assert_eq!((&told["verdict"], &told["exit_code"]), (&json!("halted"), &json!(77)), "{told}");
    for words in [
        &["exec", "--", "true"][..],
        &["exec", "-c", "echo x > y"],
        &["exec", "--", "sudo", "true"],
        &["exec", "--wait=1", "--", "truncate", "-s", "9", "made"],
        &["exec", "--", "truncate", "-s", "4", "made"],
        &["run-approved", &yes],
        &["run-approved", &waits],
        &["wait", &waits, "--timeout", "1"],
        &["status"],
    ] {
        refused(&scene.home.guard(words));
    }
    let file = scene.home.project.join("new.py");
    for (tool, input) in [
        ("Bash", json!({ "command": "ls" })),
        ("Monitor", json!({ "command": "ls", "description": "x" })),
        ("Write", json!({ "file_path": file, "content": "x" })),
        ("Edit", json!({ "file_path": scene.home.project.join("test_a.py"), "old_string": "a", "new_string": "b" })),
        ("MultiEdit", json!({ "file_path": file, "edits": [] })),
        ("NotebookEdit", json!({ "notebook_path": file, "new_source": "x" })),
    ] {
        let question = json!({
            "session_id": "s", "transcript_path": "/dev/null", "cwd": scene.home.project, "permission_mode": "default",
            "hook_event_name": "PreToolUse", "tool_name": tool, "tool_input": input, "tool_use_id": "toolu_1",
        });
        let answer = done(scene.home.command(&["hook", "claude"]).write_stdin(question.to_string()));
        let object: Value = serde_json::from_str(&answer.stdout).unwrap();
        let part = &object["hookSpecificOutput"];
        assert_eq!((answer.code, &part["permissionDecision"]), (Some(2), &json!("deny")), "{tool}: {object}");
        assert!(part["permissionDecisionReason"].as_str().unwrap().contains("resume-3"), "{tool}: {object}");
    }
    assert_eq!((scene.logged("] SHELL_EXEC: "), scene.made()), (records, false));
    // A person may still answer, and what was approved runs once it goes on.
    assert_eq!(scene.typed("approve", &waits).code, Some(0));
    assert_eq!(scene.typed("resume", "resume-3").code, Some(0));
    assert_eq!(scene.home.guard(&["run-approved", &waits]).code, Some(0));
    assert!(scene.made());
    assert_eq!(used(&scene, "test"), (0, 0));
    mend(&scene);
    assert_eq!(exec(&scene, &["--", "pytest", "-q"])["exit_code"], 0);
    scene.whole();
}

#[test]
fn a_halt_is_resumed_once_under_its_own_name() {
    let scene = Scene::signed();
    let first = scene.halt();
    // A statement of another kind, or of another halt, is none of this one.
    let statement = scene.statement(&first, "anna", &[]);
    let file = scene.signature("anna", &statement);
    let name = "resume-9";
    assert_eq!(scene.home.guard(&["resume", name, "--signature", &file]).code, Some(125));
    let deny = scene.home.guard(&["deny", &first, "--signature", &file]);
    assert!(deny.code == Some(125) && deny.stderr.contains("there is nothing to deny"), "{}", deny.stderr);
    assert_eq!(scene.home.guard(&["resume", &first, "--signature", &file, "--note", "fine"]).code, Some(0));
    let again = scene.home.guard(&["resume", &first, "--signature", &file]);
    assert_eq!(again.code, Some(125), "{}", again.stderr);
    let second = scene.halt();
    assert_ne!(first, second);
    let replayed = scene.home.guard(&["resume", &second, "--signature", &file]);
    assert_eq!(replayed.code, Some(126), "{}", replayed.stderr);
    assert_eq!(scene.status()["halted"]["name"], second.as_str());
    scene.whole();
}
