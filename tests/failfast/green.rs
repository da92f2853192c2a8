//! What makes failures good: the same rule, told the same, over everything that failed, with tests run and none left out.

use super::{exec, failing, line, mend, used};
use crate::approve::scene::Scene;
use crate::cli::done;
use serde_json::Value;

/// What changes in a project, and how.
type Change = (&'static str, fn(&Scene));

/// Runs a line; whether the failure before it still counts.
#[track_caller]
fn still(scene: &Scene, text: &str) -> bool {
    line(scene, text);
    used(scene, "test").0 > 0
}

#[test]
fn the_same_check_over_what_failed_makes_it_good() {
    for (failed, green) in [
        ("pytest -q", "pytest -q"),
        ("pytest -q", "pytest -v --tb=short"),
        ("pytest --tb short -x", "pytest"),
        ("pytest test_a.py::test_bad", "pytest test_a.py"),
        ("pytest test_a.py", "pytest"),
        ("pytest -q test_a.py", "pytest -q ./test_a.py"),
        ("pytest -k bad", "pytest"),
        ("timeout 50 pytest -q; true", "pytest -q"),
        ("python -m pytest -q", "pytest -q"),
        ("pytest -q", "cd . && pytest -q"),
        ("pytest -q -W error", "pytest -q -W error"),
    ] {
        let scene = failing();
        line(&scene, failed);
        assert_eq!(used(&scene, "test"), (1, 1), "{failed}");
        mend(&scene);
        assert!(!still(&scene, green), "{failed}, then {green}");
    }
}

/// The test still fails: nothing but the same check over all of it may end the series.
#[test]
fn a_check_that_leaves_out_what_failed_makes_nothing_good() {
    for cheat in [
        "pytest --collect-only",
        "pytest --co -q",
        "pytest -k ok",
        "pytest -k nothing; true",
        "pytest --deselect test_a.py::test_bad",
        "pytest test_b.py",
        "pytest test_a.py::test_ok",
        "pytest --ignore test_a.py",
        "pytest --ignore=test_a.py",
        "pytest --ignore-glob='*_a.py'",
        "pytest -m 'not slow' test_b.py",
        "pytest sub",
        "pytest sub/../sub",
        "cd sub && pytest",
        "pytest --version",
        "pytest --help",
        "PYTEST_ADDOPTS='-k ok' pytest",
        "export PYTEST_ADDOPTS='-k ok'; pytest",
        "timeout 50 pytest test_b.py",
        "sh -c 'pytest test_b.py'",
        "python -m pytest test_b.py",
        "python -c 'print(\"2 passed in 0.01s\")'",
        "echo '2 passed in 0.01s'",
        "mypy test_b.py",
        "black --check test_b.py",
    ] {
        let scene = failing();
        scene.home.write("test_b.py", "def test_other():\n    assert True\n\n\ndef test_more():\n    assert True\n");
        scene.home.write("sub/test_c.py", "def test_one():\n    pass\n\n\ndef test_two():\n    pass\n");
        exec(&scene, &["--", "pytest", "-q"]);
        assert!(still(&scene, cheat), "{cheat}");
    }
}

/// What the caller's environment, a folder or a label says makes no other check of it.
#[test]
fn no_environment_folder_or_label_makes_a_failure_good() {
    let scene = failing();
    scene.home.write("sub/test_c.py", "def test_one():\n    pass\n\n\ndef test_two():\n    pass\n");
    exec(&scene, &["--task", "one", "--", "pytest", "-q"]);
    let run = |around: &[(&str, &str)], words: &[&str]| {
        let mut command = scene.home.command(words);
        around.iter().for_each(|(name, value)| {
            command.env(name, value);
        });
        done(&mut command)
    };
    run(&[("PYTEST_ADDOPTS", "-k ok")], &["exec", "--", "pytest", "-q"]);
    assert_eq!(used(&scene, "test"), (2, 2), "it failed again");
    run(&[("PYTEST_PLUGINS", "x"), ("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")], &["exec", "--", "pytest", "-q", "sub"]);
    let mut command = scene.home.command(&["exec", "--", "pytest", "-q"]);
    let below = done(command.current_dir(scene.home.project.join("sub")));
    assert_eq!((below.code, used(&scene, "test")), (Some(0), (2, 2)), "{}", below.stderr);
    let done = scene.home.guard(&["-C", "sub", "exec", "--task", "two", "--", "pytest", "-q"]);
    assert_eq!((done.code, used(&scene, "test")), (Some(0), (2, 2)), "{}", done.stderr);
    // Another label is the same series: the third failure halts.
    assert_eq!(exec(&scene, &["--task", "three", "--", "pytest", "-q"])["halted"], "resume-1");
}

/// The project is the agent's to write: what it changes there so that the failing test is not run.
#[test]
fn a_test_that_is_left_out_by_what_the_project_says_is_missed() {
    let skip = "import pytest\n\n\ndef test_ok():\n    assert True\n\n\n@pytest.mark.skip\ndef test_bad():\n    assert 1 == 2\n";
    let changes: [Change; 9] = [
        ("the ini file deselects it", |scene| scene.home.write("pytest.ini", "[pytest]\naddopts = -k ok\n")),
        ("the ini file ignores it", |scene| {
            scene.home.write("pytest.ini", "[pytest]\naddopts = --deselect test_a.py::test_bad\n");
        }),
        ("pyproject looks elsewhere", |scene| {
            scene.home.write("pyproject.toml", "[tool.pytest.ini_options]\npython_functions = 'test_ok'\n");
        }),
        ("conftest drops it", |scene| {
            let drop =
                "def pytest_collection_modifyitems(items):\n    items[:] = [i for i in items if 'bad' not in i.name]\n";
            scene.home.write("conftest.py", drop);
        }),
        ("conftest skips it", |scene| {
            let skip = "import pytest\n\n\ndef pytest_runtest_setup(item):\n    if 'bad' in item.name:\n        pytest.skip('x')\n";
            scene.home.write("conftest.py", skip);
        }),
        ("conftest ignores its file", |scene| {
            scene.home.write("conftest.py", "collect_ignore = ['test_a.py']\n");
        }),
        ("it expects to fail", |scene| {
            let xfail = "import pytest\n\n\ndef test_ok():\n    assert True\n\n\n@pytest.mark.xfail\ndef test_bad():\n    assert 1 == 2\n";
            scene.home.write("test_a.py", xfail);
        }),
        ("it is gone", |scene| scene.home.write("test_a.py", "def test_ok():\n    assert True\n")),
        ("its file is gone", |scene| std::fs::remove_file(scene.home.project.join("test_a.py")).unwrap()),
    ];
    let with = |scene: &Scene| scene.home.write("test_b.py", "def test_other():\n    assert True\n");
    for (what, change) in changes {
        let scene = failing();
        with(&scene);
        exec(&scene, &["--", "pytest", "-q"]);
        change(&scene);
        assert!(still(&scene, "pytest -q"), "{what}");
    }
    let scene = failing();
    with(&scene);
    exec(&scene, &["--", "pytest", "-q"]);
    scene.home.write("test_a.py", skip);
    assert!(still(&scene, "pytest -q"), "it is skipped");
    // And other tests do not stand for it.
    scene
        .home
        .write("test_b.py", "def test_1():\n    pass\n\n\ndef test_2():\n    pass\n\n\ndef test_3():\n    pass\n");
    assert!(still(&scene, "pytest -q"), "it is skipped, and others were added");
}

/// A check that is told less is another: what its flags found is not looked for any more.
#[test]
fn a_check_without_the_flags_that_it_failed_by_makes_nothing_good() {
    let scene = Scene::open();
    scene.home.write("a.py", "def f(x):\n    return x\n");
    assert_eq!(exec(&scene, &["--", "mypy", "--strict", "a.py"])["category"], "type");
    assert_eq!(exec(&scene, &["--", "mypy", "a.py"])["exit_code"], 0);
    assert_eq!(used(&scene, "type"), (1, 1));
    scene.home.write("a.py", "def f(x: int) -> int:\n    return x\n");
    exec(&scene, &["--", "mypy", "--strict", "a.py"]);
    assert_eq!(used(&scene, "type"), (0, 0));
    let scene = Scene::open();
    scene.home.write("test_w.py", "import warnings\n\n\ndef test_w():\n    warnings.warn('x')\n");
    assert_eq!(exec(&scene, &["--", "pytest", "-q", "-W", "error"])["exit_code"], 1);
    assert_eq!(exec(&scene, &["--", "pytest", "-q"])["exit_code"], 0);
    assert!(scene.status()["total"]["used"].as_u64().unwrap() > 0);
}

/// Green with something around it proves nothing, and the agent is told what would.
#[test]
fn a_green_check_that_does_not_stand_alone_makes_nothing_good_and_the_hint_says_how() {
    let scene = failing();
    exec(&scene, &["--", "pytest", "-q"]);
    mend(&scene);
    for text in [
        "pytest -q; true",
        "cd .; pytest -q",
        "! cd x && pytest -q",
        "cd . && ls && pytest -q",
        "pytest -q | tail -n 5",
        "python -m pytest -q",
        "timeout 50 pytest",
    ] {
        let told = line(&scene, text);
        assert_eq!(used(&scene, "test"), (1, 1), "{text}");
        assert!(told["hint"].as_str().is_some_and(|hint| hint.contains("with nothing around it")), "{text}: {told}");
    }
    let told = exec(&scene, &["--", "pytest", "-q"]);
    assert_eq!((&told["hint"], used(&scene, "test")), (&Value::Null, (0, 0)));
    assert_eq!(line(&scene, "pytest -q; true")["hint"], Value::Null, "where nothing failed there is nothing to say");
}

/// A limit, written down so that nobody relies on more: a machine cannot tell a test that was mended from one that was
/// rewritten so that it passes, nor a tool from a module of the project that prints what it would.
#[test]
fn what_no_machine_can_tell_apart_is_taken_for_green() {
    let changes: [fn(&Scene); 2] = [
        |scene| scene.home.write("test_a.py", "def test_ok():\n    assert True\n\n\ndef test_bad():\n    pass\n"),
        |scene| {
            let lie = "import os\n\n\ndef pytest_sessionfinish():\n    print('\\n2 passed in 0.01s', flush=True)\n    os._exit(0)\n";
            scene.home.write("conftest.py", lie);
        },
    ];
    for change in changes {
        let scene = failing();
        exec(&scene, &["--", "pytest", "-q"]);
        change(&scene);
        assert!(!still(&scene, "pytest -q"), "told apart after all: {}", scene.home.log());
    }
}
