//! Budgets of failures and refusals, halts, and what makes a failure good: with the real tools that `scripts/test` installs.
//! Each way to cheat is tried as an agent would.

mod denials;
mod green;
mod halted;
mod kept;

use crate::approve::scene::Scene;
use crate::cli::Done;
use serde_json::{Value, json};

/// What `exec --json` says of one call.
fn exec(scene: &Scene, words: &[&str]) -> Value {
    let done = scene.home.guard(&[&["exec", "--json"], words].concat());
    let told: Value = serde_json::from_str(&done.stdout).expect("one object is printed");
    assert_eq!(told["exit_code"].as_i64(), done.code.map(i64::from), "the code is the one that is told");
    told
}

fn line(scene: &Scene, line: &str) -> Value {
    exec(scene, &["-c", line])
}

/// Failures of a category so far, and in all.
fn used(scene: &Scene, category: &str) -> (u64, u64) {
    let status = scene.status();
    (status["attempts"][category]["used"].as_u64().unwrap(), status["total"]["used"].as_u64().unwrap())
}

/// A project with a test that passes and one that fails.
fn failing() -> Scene {
    let scene = Scene::open();
    scene.home.write("test_a.py", "def test_ok():\n    assert True\n\n\ndef test_bad():\n    assert 1 == 2\n");
    scene
}

fn mend(scene: &Scene) {
    scene.home.write("test_a.py", "def test_ok():\n    assert True\n\n\ndef test_bad():\n    assert 1 == 1\n");
}

#[track_caller]
fn halts(told: &Value, name: &str, category: &str) {
    assert_eq!((&told["halted"], &told["category"]), (&json!(name), &json!(category)), "{told}");
    assert!(told["hint"].as_str().unwrap().contains("everything is halted"), "{told}");
}

/// Refused, since everything is halted.
#[track_caller]
fn refused(done: &Done) {
    assert_eq!(done.code, Some(77), "{}{}", done.stdout, done.stderr);
}
