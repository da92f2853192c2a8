//! Output of pytest 8.4.2, unittest of Python 3.11, mypy 1.18.2, pylint 3.3.9, black 25.9.0, isort 6.1.0 and pip 23.2.1, as
//! recorded in `output/`, each with its command and exit code.

use guard::action::Shell;
use guard::decide::policy::Check;
use guard::event::Ended;
use guard::failfast::{Failed, Finding, Ran, Tool, classify};
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// A file of `output/`.
struct Recording {
    command: String,
    exit_code: i32,
    stdout: String,
    stderr: String,
}

fn recording(text: &str) -> Recording {
    let (command, rest) = text.strip_prefix("$ ").unwrap().split_once("\nexit ").unwrap();
    let (code, rest) = rest.split_once("\n--- stdout\n").unwrap();
    let (stdout, stderr) = rest.rsplit_once("--- stderr\n").unwrap();
    Recording {
        command: command.into(),
        exit_code: code.parse().unwrap(),
        stdout: stdout.into(),
        stderr: stderr.into(),
    }
}

fn check(tool: Tool) -> Check {
    match tool {
        Tool::Pytest | Tool::Unittest | Tool::Python | Tool::Pip => Check::Test,
        Tool::Mypy => Check::Type,
        Tool::Pylint | Tool::Other => Check::Syntax,
        Tool::Black | Tool::Isort => Check::Format,
    }
}

fn found(recording: &Recording, change: impl Fn(&str) -> Vec<u8>) -> Option<Finding> {
    let shell = Shell::from_line((&recording.command).into());
    let tool = Tool::of(&shell.commands()[0]);
    classify(&Ran {
        tool,
        check: check(tool),
        ended: Ended::Exited,
        exit_code: recording.exit_code,
        signal: None,
        stdout: &change(&recording.stdout),
        stderr: &change(&recording.stderr),
    })
}

fn recordings() -> Vec<(String, Recording)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/classify/output");
    let mut all: Vec<(String, Recording)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().into(), recording(&fs::read_to_string(path).unwrap())))
        .collect();
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    all
}

fn told(finding: &Finding) -> String {
    let mut text = String::new();
    match finding {
        Finding::Green(counts) => writeln!(text, "green {counts:?}").unwrap(),
        Finding::Unproved(counts) => writeln!(text, "unproved {counts:?}").unwrap(),
        Finding::Failed(Failed { category, counts, tests, failures, message }) => {
            writeln!(text, "{category:?}: {message}\n  {counts:?}").unwrap();
            for test in tests {
                writeln!(text, "  test {test}").unwrap();
            }
            for failure in failures {
                let line = failure.line.map_or(String::new(), |line| format!(":{line}"));
                writeln!(text, "  {}{line} | {}", failure.file.as_deref().unwrap_or("-"), failure.message).unwrap();
            }
        }
    }
    text
}

#[test]
fn recorded_output_is_read_for_what_it_says() {
    let mut text = String::new();
    for (name, recording) in recordings() {
        let finding = found(&recording, |text| text.as_bytes().to_vec()).unwrap();
        writeln!(text, "{name}: {} -> {}\n  {}", recording.command, recording.exit_code, told(&finding)).unwrap();
    }
    insta::assert_snapshot!(text);
}

#[test]
fn line_ends_of_another_system_and_colours_change_nothing() {
    for (name, recording) in recordings() {
        let plain = found(&recording, |text| text.as_bytes().to_vec());
        let crlf = found(&recording, |text| text.replace('\n', "\r\n").into_bytes());
        assert_eq!(crlf, plain, "{name}");
        let coloured = found(&recording, |text| {
            text.lines().map(|line| format!("\u{1b}[1m\u{1b}[31m{line}\u{1b}[0m\n")).collect::<String>().into_bytes()
        });
        assert_eq!(coloured, plain, "{name}");
    }
}

#[test]
fn no_recorded_failure_is_green_and_no_recorded_success_a_failure() {
    for (name, recording) in recordings() {
        let failed = matches!(found(&recording, |text| text.as_bytes().to_vec()), Some(Finding::Failed(_)));
        assert_eq!(failed, recording.exit_code != 0, "{name}");
    }
}
