//! Which step a command of a validation list belongs to, by its tool.
//! Knows tools' names and nothing of the list.

use super::Run;
use crate::decide::policy::duration;
use crate::supervise::plan::CheckKind;
use std::time::Duration;

/// Where a command belongs.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// To a check; with what to look at again, if there is something.
    Check(CheckKind, Option<&'static str>),
    /// It is a dry run.
    DryRun(Run),
    /// Its tool is not known.
    Unknown,
}

/// The step of a command.
pub(super) fn step(command: &str) -> Step {
    let words: Vec<&str> = command.split_whitespace().collect();
    let (tool, rest) = tool(&words);
    let has = |flags: &[&str]| rest.iter().any(|word| flags.contains(word));
    let looks = |flags: &[&str]| (!has(flags)).then_some("it changes files: add the option that only looks");
    match tool {
        "pylint" | "flake8" => Step::Check(CheckKind::Lint, None),
        "ruff" if rest.first() == Some(&"format") => Step::Check(CheckKind::Format, looks(&["--check", "--diff"])),
        "ruff" => {
            let fixes = has(&["--fix"]).then_some("it changes files: leave `--fix` out");
            Step::Check(CheckKind::Lint, fixes)
        }
        "mypy" | "pyright" => Step::Check(CheckKind::Types, None),
        "black" => Step::Check(CheckKind::Format, looks(&["--check", "--diff"])),
        "isort" => Step::Check(CheckKind::Format, looks(&["--check-only", "--check", "-c", "--diff"])),
        "pytest" | "py.test" | "unittest" => Step::Check(CheckKind::Tests, None),
        "main.py" => Step::DryRun(dry_run(command)),
        _ => Step::Unknown,
    }
}

/// The tool that a command starts, whatever starts it, and what stands behind it.
fn tool<'w>(words: &'w [&'w str]) -> (&'w str, &'w [&'w str]) {
    match words {
        [one, rest @ ..] if one.contains('=') && !one.starts_with('-') => tool(rest),
        ["poetry" | "uv" | "pipenv" | "pdm" | "hatch", "run", rest @ ..] => tool(rest),
        [python, "-m", module, rest @ ..] if is_python(python) => (module, rest),
        [python, script, rest @ ..] if is_python(python) => {
            let name = script.rsplit('/').next().unwrap_or(script);
            // Other scripts can be anything.
            if name == "main.py" { ("main.py", rest) } else { ("", rest) }
        }
        [program, rest @ ..] => (program.rsplit('/').next().unwrap_or(program), rest),
        [] => ("", &[]),
    }
}

fn is_python(word: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or(word);
    name.strip_prefix("python").is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

/// A dry run, with its `--duration` taken out.
fn dry_run(command: &str) -> Run {
    let none = Run { command: command.to_owned(), duration: None };
    let Some(at) = command.find("--duration") else { return none };
    let Some((before, flagged)) = command.split_at_checked(at) else { return none };
    let Some(value) = flagged.strip_prefix("--duration") else { return none };
    let Some(value) = value.strip_prefix(['=', ' ']).map(str::trim_start) else { return none };
    let end = value.find(char::is_whitespace).unwrap_or(value.len());
    let Some((value, behind)) = value.split_at_checked(end) else { return none };
    let (duration, stands) = match (duration(value), value.parse()) {
        (Some(duration), _) => (duration, "{duration}"),
        (None, Ok(seconds)) => (Duration::from_secs(seconds), "{seconds}"),
        (None, Err(_)) => return none,
    };
    if duration.is_zero() {
        return none;
    }
    let between = if flagged.starts_with("--duration=") { "=" } else { " " };
    Run { command: format!("{before}--duration{between}{stands}{behind}"), duration: Some(duration) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_belongs_where_its_tool_does() {
        let check = |kind| Step::Check(kind, None);
        let table = [
            ("pylint services/", check(CheckKind::Lint)),
            ("ruff check .", check(CheckKind::Lint)),
            ("flake8", check(CheckKind::Lint)),
            ("ruff format --check .", check(CheckKind::Format)),
            ("python -m mypy services/", check(CheckKind::Types)),
            ("uv run pyright", check(CheckKind::Types)),
            ("black --check .", check(CheckKind::Format)),
            ("isort --check-only .", check(CheckKind::Format)),
            ("PYTHONPATH=. .venv/bin/pytest tests/", check(CheckKind::Tests)),
            ("python3 -m unittest", check(CheckKind::Tests)),
            ("docker-compose up -d", Step::Unknown),
            ("python scripts/validate_config.py", Step::Unknown),
            ("RiskManager", Step::Unknown),
            ("", Step::Unknown),
        ];
        for (command, expected) in table {
            assert_eq!(step(command), expected, "{command}");
        }
        for writes in ["black .", "isort .", "ruff format", "ruff check --fix"] {
            assert!(matches!(step(writes), Step::Check(_, Some(_))), "{writes}");
        }
    }

    #[test]
    fn a_dry_run_s_duration_is_taken_out() {
        let table = [
            (
                "python main.py --mode paper --duration 5min",
                "python main.py --mode paper --duration {duration}",
                Some(300),
            ),
            ("python3 main.py --duration=90 -v", "python3 main.py --duration={seconds} -v", Some(90)),
            ("python main.py --duration soon", "python main.py --duration soon", None),
            ("python main.py --duration 0s", "python main.py --duration 0s", None),
            ("python src/main.py", "python src/main.py", None),
        ];
        for (command, expected, seconds) in table {
            let run = Run { command: expected.to_owned(), duration: seconds.map(Duration::from_secs) };
            assert_eq!(step(command), Step::DryRun(run), "{command}");
        }
    }
}
