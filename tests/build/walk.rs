//! A plan of three phases on a real Python project with real pytest, mypy, pylint and black: one is complete at once, one after two
//! corrections, one is a person's after three attempts, and complete after they resumed.

use super::{Scene, copy};
use crate::cli::{Home, tools};
use crate::servers::skip;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// The project, its plan, and what the scripted agent does.
pub(super) fn shop() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/build/shop")
}

/// `None`: the tools that `scripts/test` installs are not there.
fn scene() -> Option<Scene> {
    if !tools().join("pylint").exists() {
        return skip("pylint");
    }
    let home = Home::bare();
    copy(&shop().join("project"), &home.project);
    for name in ["plan.toml", "actions.toml"] {
        fs::copy(shop().join(name), home.project.join(name)).unwrap();
    }
    let made = home.guard(&["init", "--preset", "python"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    Some(Scene { home })
}

/// Every file of the project that is not guard's or the plan's, with its text.
fn sources(scene: &Scene) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for folder in ["services", "tests"] {
        for entry in fs::read_dir(scene.home.project.join(folder)).unwrap().flatten() {
            let path = entry.path();
            if path.is_file() {
                let name = path.strip_prefix(&scene.home.project).unwrap().display().to_string();
                all.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    all.sort();
    all
}

/// The steps of an attempt that ends red at the last of them; all of them green otherwise.
fn attempt(phase: &str, attempt: u32, red: Option<&str>) -> Vec<String> {
    let mut steps = vec!["agent", "lint", "types", "format", "tests"];
    if phase == "1.2" {
        steps.push("tests 2");
    }
    if let Some(red) = red {
        let at = steps.iter().position(|step| *step == red).unwrap();
        steps.truncate(at + 1);
    }
    let result = |step: &str| if Some(step) == red { "fail" } else { "pass" };
    steps.iter().map(|step| format!("{phase} {attempt} {step} {}", result(step))).collect()
}

/// Every step of the plan, until a person is needed.
pub(super) fn steps() -> Vec<String> {
    [
        attempt("1.1", 1, None),
        attempt("1.2", 1, Some("lint")),
        attempt("1.2", 2, Some("types")),
        attempt("1.2", 3, None),
        attempt("1.3", 1, Some("tests")),
        attempt("1.3", 2, Some("tests")),
        attempt("1.3", 3, Some("tests")),
    ]
    .concat()
}

/// What counts meanwhile. A green check of its kind takes an error's count back, so the wrong type is the only one that
/// counts by then.
pub(super) const COUNTED: [&str; 5] =
    ["syntax 1/3, 1/3", "type 1/3, 1/3", "test 1/3, 1/3", "test 2/3, 2/3", "test 3/3, 3/3"];

#[test]
fn one_phase_is_complete_at_once_one_after_two_corrections_and_one_is_a_person_s() {
    let Some(scene) = scene() else { return };
    let before = sources(&scene);
    let first = scene.ends(&[], 77);

    for told in [
        "plan.toml: 3 phases, 0 complete\n",
        "[PHASE_COMPLETE] Phase 1.1: Order size\n- Files modified: services/size.py, tests/test_size.py\n- Tests passed: 2\n\
         - Validation: PASS\n",
        "[PHASE_COMPLETE] Phase 1.2: Fees\n- Files modified: services/fees.py, tests/test_fees.py\n- Tests passed: 7\n\
         - Validation: PASS\n",
        "[PHASE_FAILED] Phase 1.3: Exposure\n- Error: test\n- Attempts: 3/3\n- Last error: assert 2.0 == 5.0\n\
         - Awaiting human intervention (resume-1)\n",
    ] {
        assert!(first.stdout.contains(told), "{told}: {}", first.stdout);
    }
    assert!(first.stderr.contains("a person is needed: `guard escalations resume-1`"), "{}", first.stderr);

    // The log: every step, what counted, and how each phase ended.
    let steps = steps();
    assert_eq!(scene.steps(), steps);
    assert_eq!(scene.counted(), COUNTED);
    let ended = ["1.1: Order size", "1.2: Fees"].map(|phase| format!("[PHASE] [COMPLETE] [{phase}] [PASS]"));
    let failed = "[PHASE] [FAILED] [1.3: Exposure] [FAIL]".to_owned();
    assert_eq!(scene.ended(), [ended.to_vec(), vec![failed.clone()]].concat());
    let last = scene.events("phase_ended").pop().unwrap().machine;
    let told = ["complete", "category", "last", "halt", "agent_runs"].map(|key| last[key].clone());
    assert_eq!(told, [json!(false), json!("test"), json!("assert 2.0 == 5.0"), json!("resume-1"), json!(3)], "{last}");
    let spent = json!({ "used": 3, "budget": 3, "total_used": 3, "total_budget": 3 });
    assert_eq!(last["attempts"], spent);

    // The mode of the phase holds, and is recorded as the plan's.
    assert_eq!(scene.status()["mode"], "backtest");
    let mode = scene.events("mode_set").pop().expect("the mode is recorded");
    assert!(mode.machine.to_string().contains("phase 1.1 of plan.toml"), "{}", mode.machine);

    // What people and programs are told of it.
    let report = scene.json(&["report", "--all", "--json"]);
    let phases = report["phases"].as_array().unwrap();
    let line = |phase: &Value| {
        ["phase", "complete", "attempts", "agent_runs", "tests", "files", "halt"].map(|key| phase[key].clone())
    };
    assert_eq!(
        phases.iter().map(line).collect::<Vec<_>>(),
        [
            [
                json!("1.1"),
                json!(true),
                json!(1),
                json!(1),
                json!(2),
                json!(["services/size.py", "tests/test_size.py"]),
                json!(null)
            ],
            [
                json!("1.2"),
                json!(true),
                json!(3),
                json!(3),
                json!(7),
                json!(["services/fees.py", "tests/test_fees.py"]),
                json!(null)
            ],
            [
                json!("1.3"),
                json!(false),
                json!(3),
                json!(3),
                json!(null),
                json!(["services/exposure.py", "tests/test_exposure.py"]),
                json!("resume-1")
            ],
        ]
    );
    let told = phases.iter().flat_map(|phase| {
        let steps = phase["steps"].as_array().unwrap().iter();
        steps.map(|step| {
            format!("{} {} {} {}", phase["phase"], step["attempt"], step["step"], step["result"]).replace('"', "")
        })
    });
    assert_eq!(told.collect::<Vec<_>>(), steps);
    assert_eq!(report["log"]["verifies"], true, "{}", report["log"]);
    scene.whole();

    // Until a person resumes, nothing goes on.
    let halted = scene.ends(&[], 77);
    assert!(!halted.stdout.contains("begins") && halted.stderr.contains("resume-1"), "{halted:?}");
    assert_eq!(scene.steps(), steps);

    scene.resume("resume-1");
    fs::copy(shop().join("mended.toml"), scene.home.project.join("actions.toml")).unwrap();
    let second = scene.ends(&[], 0);
    assert!(second.stdout.contains("plan.toml: 3 phases, 2 complete\n"), "{}", second.stdout);
    assert_eq!(scene.steps(), [steps.clone(), attempt("1.3", 1, None)].concat());
    assert_eq!(scene.ended().last().unwrap(), "[PHASE] [COMPLETE] [1.3: Exposure] [PASS]");
    assert!(scene.home.read("services/exposure.py").contains("abs(size)"));

    // Once more there is nothing to do, and no record is made.
    let records = scene.records().len();
    let third = scene.ends(&[], 0);
    assert!(third.stdout.contains("plan.toml: 3 phases, 3 complete\n"), "{}", third.stdout);
    assert_eq!(scene.records().len(), records);

    // A phase's work goes back as one: both times it was worked on, and nothing of others.
    let with = sources(&scene);
    let undone = scene.home.guard(&["undo", "--phase", "1.3"]);
    assert_eq!(undone.code, Some(0), "{}{}", undone.stdout, undone.stderr);
    let rest: Vec<_> = with.into_iter().filter(|(name, _)| !name.contains("exposure")).collect();
    assert_eq!(sources(&scene), rest);
    assert!(before.iter().all(|file| rest.contains(file)) && rest.len() == before.len() + 4);
    // What was taken back is not done any more.
    let status = scene.status();
    let complete = |phase: &Value| (phase["phase"].as_str().unwrap().to_owned(), phase["complete"] == true);
    let phases: Vec<_> = status["phases"].as_array().unwrap().iter().map(complete).collect();
    assert_eq!(phases, [("1.1".into(), true), ("1.2".into(), true), ("1.3".into(), false)]);
    scene.whole();
}
