//! The tools that are installed, run by `guard exec --json` on small broken files: what they print today is understood.

use crate::cli::{Home, PATIENT, path, tools};
use serde_json::{Value, json};
use std::process::{Command, Stdio};
use std::time::Duration;

/// What the project's rules call checks beside the preset's.
const RULES: &str = r#"
[[rule]]
id = "own-units"
program = "python"
flags_any = ["-m=unittest"]
verdict = "allow"
check = "test"
reason = "runs tests"
hits = ["python -m unittest test_a"]
misses = ["python a.py"]

[[rule]]
id = "own-dry-run"
program = "python"
args = "main.py"
verdict = "allow"
check = "test"
reason = "a dry run"
hits = ["python main.py"]
misses = ["python a.py"]

[[rule]]
id = "own-packages"
program = "pip"
subcommand = "install"
verdict = "allow"
check = "test"
network = "none"
writes = true
reason = "installs what the tests need"
hits = ["pip install x"]
misses = ["pip list"]
"#;

fn home() -> Home {
    let home = Home::with("python");
    home.trust(&format!("{PATIENT}{RULES}"));
    home
}

/// Category and failures of a command, with the project's folder left out.
fn found(home: &Home, line: &str) -> Value {
    let words: Vec<_> = ["exec", "--json", "--"].into_iter().chain(line.split(' ')).collect();
    let done = home.guard(&words);
    let object: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(object["verdict"], "allow", "{line}: {}", done.stdout);
    let project = format!("{}/", home.project.display());
    let mut failures = object["failures"].clone();
    for failure in failures.as_array_mut().into_iter().flatten() {
        for key in ["file", "message"] {
            if let Some(text) = failure[key].as_str() {
                failure[key] = json!(text.replace(&project, ""));
            }
        }
    }
    json!([object["category"], failures])
}

fn failure(category: &str, file: Option<&str>, line: Option<u64>, message: &str) -> Value {
    json!([category, [{"file": file, "line": line, "message": message}]])
}

fn needs(names: &[&str]) {
    let missing: Vec<_> = names.iter().filter(|name| !tools().join(name).exists()).collect();
    assert_eq!(missing, Vec::<&&str>::new(), "not in {}: run scripts/test, which installs them", tools().display());
}

#[test]
fn pytest_fails_by_assertions_imports_syntax_and_exceptions() {
    needs(&["pytest"]);
    let home = home();
    home.write("test_a.py", "def test_a():\n    assert 1 == 2\n");
    assert_eq!(found(&home, "pytest test_a.py"), failure("test", Some("test_a.py"), Some(2), "assert 1 == 2"));
    assert_eq!(found(&home, "pytest -q --tb=no test_a.py"), failure("test", Some("test_a.py"), None, "assert 1 == 2"));
    home.write("test_a.py", "import nowhere\n");
    let message = "ModuleNotFoundError: No module named 'nowhere'";
    assert_eq!(found(&home, "pytest test_a.py"), failure("import", Some("test_a.py"), Some(1), message));
    home.write("test_a.py", "\ndef test_a(:\n    pass\n");
    assert_eq!(
        found(&home, "pytest test_a.py"),
        failure("syntax", Some("test_a.py"), Some(2), "SyntaxError: invalid syntax")
    );
    home.write("test_a.py", "def test_a():\n    len(3)\n");
    let message = "TypeError: object of type 'int' has no len()";
    assert_eq!(found(&home, "pytest test_a.py"), failure("test", Some("test_a.py"), Some(2), message));
    home.write("test_a.py", "X = 1\n");
    assert_eq!(found(&home, "pytest test_a.py"), failure("test", None, None, "no tests ran"));
    home.write("test_a.py", "import os, signal\n\ndef test_a():\n    os.kill(os.getpid(), signal.SIGSEGV)\n");
    assert_eq!(found(&home, "pytest test_a.py"), failure("runtime", None, None, "ended by signal 11"));
    home.write("test_a.py", "def test_a():\n    pass\n");
    assert_eq!(found(&home, "pytest test_a.py"), json!([null, null]));
}

#[test]
fn a_test_that_prints_a_hundred_megabytes_of_garbage_fails_in_bounded_memory() {
    needs(&["pytest"]);
    let home = home();
    let body = "\
import os

GARBAGE = bytes(range(256)) * 64 + b'\\x1b[31mE   KeyError: x\\r\\n= 9 passed in 0.01s =\\n\\x1b]0;' + b'x' * 4000


def test_a():
    for _ in range(100_000_000 // len(GARBAGE) + 1):
        os.write(1, GARBAGE)
    os.write(1, b'\\n')
    assert 1 == 2
";
    home.write("test_a.py", body);
    let line = "exec --json --timeout 60 -- pytest -s test_a.py";
    let mut guard = Command::new(env!("CARGO_BIN_EXE_guard"));
    guard.args(line.split(' ')).current_dir(&home.project).env_clear().env("HOME", home.path()).env("PATH", path());
    let mut guard = guard.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let status = format!("/proc/{}/status", guard.id());
    let mut peak = 0;
    let reader = guard.stdout.take().unwrap();
    let reading = std::thread::spawn(move || std::io::read_to_string(reader).unwrap());
    while guard.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        // What it holds itself: how much of its program is mapped is the kernel's choice.
        let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        peak = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok()).unwrap_or(0).max(peak);
        std::thread::sleep(Duration::from_millis(5));
    }
    let object: Value = serde_json::from_str(&reading.join().unwrap()).unwrap();
    let told = json!([object["exit_code"], object["category"], object["failures"]]);
    let expected = json!([1, "test", [{"file": "test_a.py", "line": 10, "message": "assert 1 == 2"}]]);
    assert_eq!(told, expected);
    assert!(peak > 0 && peak < 32 << 10, "{peak} KiB");
    let log = home.log();
    let printed = log.lines().find(|line| line.contains("] STDOUT: ")).unwrap();
    let length = printed.rsplit_once("\"len\":").unwrap().1.split(',').next().unwrap().parse::<u64>().unwrap();
    assert!(length > 100_000_000, "{length}");
}

#[test]
fn a_test_that_forges_the_end_of_pytest_still_fails() {
    needs(&["pytest"]);
    let home = home();
    home.write(
        "test_a.py",
        "import atexit\n\n\ndef test_a():\n    atexit.register(lambda: print('== 8 passed in 0.01s =='))\n    assert 1 == 2\n",
    );
    assert_eq!(found(&home, "pytest -s test_a.py"), failure("test", Some("test_a.py"), Some(6), "assert 1 == 2"));
}

#[test]
fn unittest_fails_by_assertions_imports_syntax_and_exceptions() {
    let home = home();
    let class = |body: &str| {
        format!("import unittest\n\n\nclass A(unittest.TestCase):\n    def test_a(self):\n        {body}\n")
    };
    let line = "python3 -m unittest test_a";
    home.write("test_a.py", &class("self.assertEqual(1, 2)"));
    assert_eq!(found(&home, line), failure("test", Some("test_a.py"), Some(6), "AssertionError: 1 != 2"));
    home.write("test_a.py", &class("{}['x']"));
    assert_eq!(found(&home, line), failure("test", Some("test_a.py"), Some(6), "KeyError: 'x'"));
    home.write("test_a.py", "import nowhere\n");
    let message = "ModuleNotFoundError: No module named 'nowhere'";
    assert_eq!(found(&home, line), failure("import", Some("test_a.py"), Some(1), message));
    home.write("test_a.py", "def test_a(:\n    pass\n");
    assert_eq!(found(&home, line), failure("syntax", Some("test_a.py"), Some(1), "SyntaxError: invalid syntax"));
    home.write("test_a.py", &class("pass"));
    assert_eq!(found(&home, line), json!([null, null]));
}

#[test]
fn python_fails_by_its_exception() {
    let home = home();
    let line = "python3 main.py";
    home.write("main.py", "def f():\n    raise ValueError('no price')\n\n\nf()\n");
    assert_eq!(found(&home, line), failure("runtime", Some("main.py"), Some(2), "ValueError: no price"));
    home.write("main.py", "import json\nfrom json import nothing\n");
    let import = found(&home, line);
    assert_eq!((&import[0], &import[1][0]["line"]), (&json!("import"), &json!(2)));
    home.write("main.py", "x = (\n");
    assert_eq!(found(&home, line), failure("syntax", Some("main.py"), Some(1), "SyntaxError: '(' was never closed"));
    home.write("main.py", "import sys\nprint('starting')\nsys.exit('no settings')\n");
    assert_eq!(found(&home, line), failure("test", None, None, "no settings"));
}

#[test]
fn checkers_of_sources_name_file_and_line() {
    needs(&["mypy", "pylint", "black", "isort"]);
    let home = home();
    home.write("a.py", "\"\"\"A.\"\"\"\n\n\ndef f(a: int) -> str:\n    \"\"\"F.\"\"\"\n    return a\n");
    let message = "Incompatible return value type (got \"int\", expected \"str\")  [return-value]";
    assert_eq!(found(&home, "mypy a.py"), failure("type", Some("a.py"), Some(6), message));
    home.write("a.py", "\"\"\"A.\"\"\"\n\nprint(nothing)\n");
    let message = "E0602: Undefined variable 'nothing' (undefined-variable)";
    assert_eq!(found(&home, "pylint a.py"), failure("syntax", Some("a.py"), Some(3), message));
    home.write("a.py", "x = { 'a':1 }\n");
    assert_eq!(found(&home, "black --check a.py"), failure("syntax", Some("a.py"), None, "would be reformatted"));
    home.write("a.py", "x = 1\ndef f(:\n");
    let unparsed = found(&home, "black --check a.py");
    assert_eq!((&unparsed[0], &unparsed[1][0]["line"]), (&json!("syntax"), &json!(2)), "{unparsed}");
    home.write("a.py", "import os\nimport abc\n");
    let message = "Imports are incorrectly sorted and/or formatted.";
    assert_eq!(found(&home, "isort --check-only a.py"), failure("syntax", Some("a.py"), None, message));
}

#[test]
fn pip_fails_by_a_package_that_is_not_there() {
    needs(&["pip"]);
    let home = home();
    let absent = found(&home, "pip install --no-index nowhere-to-be-found");
    let last = json!({"file": null, "line": null, "message": "No matching distribution found for nowhere-to-be-found"});
    assert_eq!((&absent[0], absent[1].as_array().unwrap().last()), (&json!("import"), Some(&last)), "{absent}");
    let unread = found(&home, "pip install -r nowhere.txt");
    assert_eq!(unread[0], json!("runtime"), "{unread}");
}

#[test]
fn what_is_no_check_or_stands_not_alone_is_not_classified() {
    let home = home();
    home.write("a.py", "raise ValueError\n");
    assert_eq!(found(&home, "python3 a.py"), json!([null, null]));
    let done = home.guard(&["exec", "--json", "-c", "python3 main.py || false"]);
    let object: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(
        (&object["exit_code"], &object["category"], &object["failures"]),
        (&json!(1), &Value::Null, &Value::Null)
    );
}

#[test]
fn a_check_that_runs_out_of_time_is_a_failure_of_the_runtime() {
    let home = home();
    home.write("main.py", "import time\ntime.sleep(60)\n");
    let done = home.guard(&["exec", "--json", "--timeout", "0.5", "--", "python3", "main.py"]);
    let object: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(
        (&object["exit_code"], json!([object["category"], object["failures"]])),
        (&json!(124), failure("runtime", None, None, "timed out"))
    );
}
