//! What a plan names it has answered: `main.py`, the core event loop, which nobody changes without a phase's specification
//! (the owner's specification, SKILL 1).

use super::{Scene, attempt, phase};

const TRADING: &str = "extends = [\"python-trading\"]";
const CHECKED: &str = "checks = { lint = \"cat main.py\" }";

#[test]
fn main_py_asks_until_a_phase_names_it_letter_for_letter() {
    let by_file = "write = \"main.py\"\ncontent = '''\nSPEED = 1\n'''\nmust = true";
    let by_command = "exec = [\"sh\", \"-c\", \"echo SPEED = 2 > main.py\"]\nmust = true";
    for action in [by_file, by_command] {
        for (files, code, steps) in [
            ("main.py", 0, ["1.1 1 agent pass", "1.1 1 lint pass"].as_slice()),
            ("*.py", 75, ["1.1 1 agent waits"].as_slice()),
        ] {
            let scene = Scene::new(TRADING, &phase("1.1", files, CHECKED), &attempt("1.1", "1", &[action]));
            scene.home.write("main.py", "SPEED = 0\n");
            let done = scene.ends(&[], code);
            assert_eq!(scene.steps(), steps, "{files}: {}", done.stdout);
            let asked = scene.status()["requests"].as_array().unwrap().len();
            assert_eq!(asked, usize::from(code == 75), "{files}");
            // The end of a phase is a fixed point of the log.
            assert_eq!(scene.events("checkpoint").len(), usize::from(code == 0), "{files}");
        }
    }
    // Named or not, without a plan it asks.
    let scene = Scene::new(TRADING, &phase("1.1", "main.py", CHECKED), "");
    let asked = scene.home.guard(&["exec", "-c", "echo SPEED = 2 > main.py"]);
    assert_eq!(asked.code, Some(75), "{}", asked.stderr);
    assert!(asked.stderr.contains("ask event-loop"), "{}", asked.stderr);
}
