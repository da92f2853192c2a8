//! Runs of checkers that end with 0 and have checked nothing: that told of themselves, found no source, or end so whatever they
//! find. What tests did is known by their counts.
//! Reads no sources.

use super::Tool;
use super::text::said;

/// Options with which any tool tells of itself.
const ANY: &[&str] = &["--version", "--help"];

/// Options of single tools with which they check something else than the project's sources, or hide what they find.
fn own(tool: Tool) -> &'static [&'static str] {
    match tool {
        Tool::Mypy => &["-c", "--command", "-V", "-h"],
        Tool::Black => &["-c", "--code", "-h"],
        Tool::Pylint => &["--exit-zero", "--fail-under", "-h"],
        Tool::Isort => &["-V", "-h"],
        Tool::Pytest | Tool::Unittest | Tool::Pip | Tool::Python | Tool::Other => &[],
    }
}

/// Whether `options` make a run of `tool` say nothing of the project; long ones may be cut short, as the tools take them.
pub(super) fn told_so(tool: Tool, options: &[String]) -> bool {
    const SHORTEST: usize = 5;
    let means = |option: &str, known: &str| match known.strip_prefix("--") {
        Some(_) => option.len() >= SHORTEST && known.starts_with(option),
        None => option.starts_with(known),
    };
    let flags = options.iter().map(|option| option.split(['=', ' ']).next().unwrap_or(option));
    flags.into_iter().any(|flag| ANY.iter().chain(own(tool)).any(|known| means(flag, known)))
}

/// Whether the output of a run that ended with 0 shows that nothing was checked.
pub(super) fn shows(tool: Tool, stdout: &str, stderr: &str) -> bool {
    let any = |means: &dyn Fn(&str) -> bool| said(stdout).any(means);
    let silent = said(stdout).next().is_none();
    match tool {
        Tool::Mypy => !silent && !any(&|line| line.starts_with("Success: no issues found in ")),
        // What it found it says on standard error.
        Tool::Black => !silent || said(stderr).any(|line| line.contains("Nothing to do")),
        Tool::Pylint => !silent && !any(&|line| line.starts_with("Your code has been rated at ") || line == "[]"),
        Tool::Isort => {
            let skipped = |line: &str| line.starts_with("Skipped ") && line.ends_with(" files");
            !any(&|line| line.starts_with("SUCCESS: ")) && any(&|line| !skipped(line))
        }
        Tool::Pytest | Tool::Unittest | Tool::Pip | Tool::Python | Tool::Other => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As mypy 1.18.2, pylint 3.3.9, black 25.9.0 and isort 6.1.0 print it.
    #[test]
    fn a_run_that_checked_nothing_is_told_by_what_it_prints() {
        for (tool, stdout, stderr, expected) in [
            (Tool::Mypy, "Success: no issues found in 3 source files\n", "", false),
            (Tool::Mypy, "", "", false),
            (Tool::Mypy, "mypy 1.18.2 (compiled: yes)\n", "", true),
            (Tool::Mypy, "usage: mypy [-h] [-v] [-V] [more options; see below]\n", "", true),
            (Tool::Black, "", "All done! ✨ 🍰 ✨\n2 files would be left unchanged.\n", false),
            (Tool::Black, "", "No Python files are present to be formatted. Nothing to do 😴\n", true),
            (Tool::Black, "", "No Path provided. Nothing to do 😴\n", true),
            (Tool::Black, "black, 25.9.0 (compiled: yes)\n", "", true),
            (Tool::Pylint, "\n-----\nYour code has been rated at 10.00/10\n\n", "", false),
            (Tool::Pylint, "[]\n", "", false),
            (Tool::Pylint, "pylint 3.3.9\nastroid 3.3.11\n", "", true),
            (Tool::Isort, "", "", false),
            (Tool::Isort, "Skipped 1 files\n", "", false),
            (Tool::Isort, "VERSION 6.1.0\nSUCCESS: /p/a.py Everything Looks Good!\n", "", false),
            (Tool::Isort, "VERSION 6.1.0\n", "", true),
            (Tool::Isort, "{\n\"_known_patterns\": null,\n", "", true),
        ] {
            assert_eq!(shows(tool, stdout, stderr), expected, "{stdout}{stderr}");
        }
    }

    #[test]
    fn a_run_that_is_told_to_check_nothing_is_known_by_its_options() {
        for (tool, option, expected) in [
            (Tool::Mypy, "-c pass", true),
            (Tool::Mypy, "--command=pass", true),
            (Tool::Mypy, "--config-file=x", false),
            (Tool::Black, "-cpass", true),
            (Tool::Black, "--check", false),
            (Tool::Pylint, "--exit-zero", true),
            (Tool::Pylint, "--exit-z", true),
            (Tool::Pylint, "--fail-under=-9", true),
            (Tool::Pylint, "--fail-on=E", false),
            (Tool::Isort, "-c", false),
            (Tool::Isort, "--check-only", false),
            (Tool::Other, "--version", true),
            (Tool::Other, "-c", false),
            (Tool::Other, "--", false),
        ] {
            assert_eq!(told_so(tool, &[option.to_owned()]), expected, "{option}");
        }
    }
}
