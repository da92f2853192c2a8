//! A loop that is killed again and again, at any moment, and called again each time: the same steps, counts and end as without.

use super::{Scene, attempt, phase};
use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A plan that goes as the one on the real project does, with checks that take next to no time.
fn scene() -> Scene {
    let tests = |name: &str| {
        format!("checks = {{ lint = \"sh look.sh {name}.py\", tests = \"python3 -m unittest test_{name}.py\" }}\n")
    };
    let dry = "dry_run = { command = \"cat c.py\", holds = [\"C = 2\"] }\n";
    let phases = [
        phase("1.1", "*a.py", &tests("a")),
        phase("1.2", "*b.py", &(tests("b") + "after = [\"1.1\"]")),
        phase("1.3", "*c.py", &(tests("c") + "after = [\"1.2\"]\n" + dry)),
        phase("1.4", "*d.py", &(tests("d") + "after = [\"1.3\"]")),
    ];
    let write = |name: &str, text: &str| format!("write = \"{name}\"\ncontent = '''\n{text}'''");
    let test = |name: &str| {
        let upper = name.to_uppercase();
        let text = format!(
            "import unittest\n\nfrom {name} import {upper}\n\n\nclass Test(unittest.TestCase):\n    def test_two(self):\n        \
             self.assertEqual({upper}, 2)\n"
        );
        write(&format!("test_{name}.py"), &text)
    };
    let actions = [
        attempt("1.1", "1", &[&write("a.py", "A = 2\n"), &test("a"), "exec = \"cat a.py\"", "sleep = \"100ms\""]),
        // A line that the linter refuses, then a wrong value.
        attempt("1.2", "1", &[&write("b.py", "B = 2  # BAD\n"), &test("b"), "sleep = \"100ms\""]),
        attempt("1.2", "2", &[&write("b.py", "B = 3\n"), "exec = \"cat b.py\""]),
        attempt("1.2", "3", &["sleep = \"100ms\"", &write("b.py", "B = 2\n")]),
        // What the dry run does not hold, though its test is green.
        attempt("1.3", "1", &[&write("c.py", "C = 1 + 1\n"), &test("c")]),
        attempt("1.3", "2", &[&write("c.py", "C = 2\n")]),
        // Wrong three times, the last time in the same way.
        attempt("1.4", "1", &[&write("d.py", "D = 3\n"), &test("d")]),
        attempt("1.4", "2", &[&write("d.py", "D = 4\n"), "sleep = \"100ms\""]),
    ];
    let scene = Scene::new("", &phases.concat(), &actions.concat());
    scene.home.write("look.sh", "if grep -n BAD \"$1\"; then exit 1; fi\n");
    scene
}

const STEPS: [&str; 24] = [
    "1.1 1 agent pass",
    "1.1 1 lint pass",
    "1.1 1 tests pass",
    "1.2 1 agent pass",
    "1.2 1 lint fail",
    "1.2 2 agent pass",
    "1.2 2 lint pass",
    "1.2 2 tests fail",
    "1.2 3 agent pass",
    "1.2 3 lint pass",
    "1.2 3 tests pass",
    "1.3 1 agent pass",
    "1.3 1 lint pass",
    "1.3 1 tests pass",
    "1.3 1 dry-run fail",
    "1.3 2 agent pass",
    "1.3 2 lint pass",
    "1.3 2 tests pass",
    "1.3 2 dry-run pass",
    "1.4 1 agent pass",
    "1.4 1 lint pass",
    "1.4 1 tests fail",
    "1.4 2 agent pass",
    "1.4 2 lint pass",
];

/// The same row of numbers for the same seed (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// What must be the same however often it was killed: steps, what counted, how phases ended, and the files.
fn came(scene: &Scene) -> (Vec<String>, Vec<String>, Vec<String>, BTreeMap<String, String>) {
    let files = ["a.py", "b.py", "c.py", "d.py", "test_a.py", "test_b.py", "test_c.py", "test_d.py"];
    let files = files.map(|name| (name.to_owned(), scene.home.read(name)));
    (scene.steps(), scene.counted(), scene.ended(), files.into_iter().collect())
}

/// Calls the loop and kills it after so long; whether it was killed, and not at its end before.
fn killed_after(scene: &Scene, time: Duration) -> bool {
    let mut guard = Command::new(env!("CARGO_BIN_EXE_guard"))
        .args(["loop", "plan.toml"])
        .current_dir(&scene.home.project)
        .env_clear()
        .env("PATH", crate::cli::path())
        .env("HOME", scene.home.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    std::thread::sleep(time);
    let ended = guard.try_wait().unwrap();
    guard.kill().unwrap();
    guard.wait().unwrap();
    ended.is_none()
}

#[test]
fn killed_at_thirty_moments_it_comes_to_the_same_end_by_the_same_steps_and_counts() {
    let calm = scene();
    let begun = Instant::now();
    calm.ends(&[], 77);
    let whole = begun.elapsed();
    let expected = came(&calm);
    assert_eq!(expected.0[..24], STEPS);
    assert_eq!(expected.0[24..], ["1.4 2 tests fail", "1.4 3 agent stuck"]);
    assert_eq!(
        expected.1,
        ["syntax 1/3, 1/3", "test 1/3, 1/3", "runtime 1/2, 1/3", "test 1/3, 1/3", "test 2/3, 2/3", "test 3/3, 3/3"]
    );

    let seed = std::env::var("GUARD_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()) << 20 | 1);
    let mut random = Random(seed);
    let (mut kills, mut runs) = (0, 0);
    while kills < 30 {
        runs += 1;
        let scene = scene();
        let mut times = Vec::new();
        // Ten or so are spread over the whole of it.
        for _ in 0..10 {
            let time = Duration::from_millis(20 + random.below(u64::try_from(whole.as_millis()).unwrap() / 4));
            times.push(time.as_millis());
            if !killed_after(&scene, time) {
                break;
            }
            kills += 1;
        }
        let last = scene.goes(&[]);
        let told = format!("seed {seed}, run {runs}, killed after {times:?} ms: {}{}", last.stdout, last.stderr);
        assert_eq!(last.code, Some(77), "{told}");
        assert_eq!(came(&scene), expected, "{told}{}", scene.home.log());
        let verified = scene.home.guard(&["audit", "verify"]);
        assert_eq!(verified.code, Some(0), "{told}{}{}", verified.stdout, verified.stderr);
        let status = scene.status();
        assert_eq!((&status["halted"]["name"], status["running"].as_u64()), (&"resume-1".into(), Some(0)), "{told}");
        assert!(runs < 30, "seed {seed}: it is at its end before it can be killed");
    }
}
