//! Whose output it is: the tool that a command's words name.
//! Knows no output.

use crate::action::shell::Command;
use crate::decide::policy::unversioned;

/// A tool whose output is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// pytest.
    Pytest,
    /// The standard library's unittest, as `python -m unittest`.
    Unittest,
    /// mypy.
    Mypy,
    /// pylint.
    Pylint,
    /// black.
    Black,
    /// isort.
    Isort,
    /// pip.
    Pip,
    /// Python, with a program of the project's.
    Python,
    /// Any other; its lines are taken for `FILE:LINE: MESSAGE` where they look like it.
    Other,
}

/// Names of programs and of modules for `python -m`, without their versions.
const TOOLS: &[(&str, Tool)] = &[
    ("pytest", Tool::Pytest),
    ("py.test", Tool::Pytest),
    ("unittest", Tool::Unittest),
    ("mypy", Tool::Mypy),
    ("dmypy", Tool::Mypy),
    ("pylint", Tool::Pylint),
    ("black", Tool::Black),
    ("isort", Tool::Isort),
    ("pip", Tool::Pip),
    ("python", Tool::Python),
    ("pypy", Tool::Python),
];

impl Tool {
    /// The tool that a command runs; `python -m pytest` runs pytest.
    pub fn of(command: &Command) -> Tool {
        let tool = named(command.program().unwrap_or_default());
        let module = command.module().filter(|_| tool == Tool::Python).map(|(module, _)| named(module));
        module.filter(|module| *module != Tool::Other).unwrap_or(tool)
    }
}

fn named(program: &str) -> Tool {
    let file = program.rsplit('/').next().unwrap_or(program);
    let name = unversioned(file).unwrap_or(file);
    TOOLS.iter().find(|(known, _)| *known == name).map_or(Tool::Other, |(_, tool)| *tool)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Shell;

    #[test]
    fn a_tool_is_known_by_its_name_its_path_and_as_a_module_of_python() {
        let cases = [
            ("pytest tests/", Tool::Pytest),
            ("venv/bin/pip3.11 install x", Tool::Pip),
            ("python3 -m pytest -q", Tool::Pytest),
            ("python -W error -m unittest test_x", Tool::Unittest),
            ("python3.11 -Im mypy a.py", Tool::Mypy),
            ("python a.py -m pytest", Tool::Python),
            ("python -c 'import pytest' -m pytest", Tool::Python),
            ("python -m app.main", Tool::Python),
            ("ruff check .", Tool::Other),
            ("\"$tool\" x", Tool::Other),
        ];
        for (line, tool) in cases {
            let shell = Shell::from_line(line.into());
            assert_eq!(Tool::of(&shell.commands()[0]), tool, "{line}");
        }
    }
}
