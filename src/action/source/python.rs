//! Python as its parser reads it: faults with their places, or what a module holds.
//! Knows nothing of other modules.

use super::compiled::uncompilable;
use super::module::Module;
use super::{Fault, MOST, depth, fault};
use ruff_python_ast::{ModModule, PythonVersion as Version};
use ruff_python_parser::{Mode, ParseOptions, Parsed, parse_unchecked};
use ruff_text_size::Ranged;

/// Major and minor version of a Python: `(3, 11)`.
pub type PythonVersion = (u8, u8);

/// The newest Python whose syntax is known.
pub fn newest() -> PythonVersion {
    Version::latest().as_tuple()
}

/// Reads a module written for `version` of Python. What it needs of the stack is bounded: a few megabytes at the most.
///
/// # Errors
/// What keeps it from being Python, first things first.
pub fn python(text: &str, version: PythonVersion) -> Result<Module, Vec<Fault>> {
    let parsed = sound(text, version)?;
    Ok(parsed.map(|parsed| Module::read(text, parsed.syntax(), parsed.tokens())).unwrap_or_default())
}

/// What keeps a text from being a module of that version of Python.
pub(super) fn faults(text: &str, version: PythonVersion) -> Vec<Fault> {
    sound(text, version).err().unwrap_or_default()
}

fn sound(text: &str, version: PythonVersion) -> Result<Option<Parsed<ModModule>>, Vec<Fault>> {
    if let Some(at) = text.find('\0') {
        return Err(vec![fault(text, at, "a NUL byte")]);
    }
    if u32::try_from(text.len()).is_err() {
        return Err(vec![fault(text, 0, "more than guard can parse")]);
    }
    if let Some(deep) = depth::too_deep(text) {
        return Err(vec![deep]);
    }
    let (major, minor) = version.clamp(Version::lowest().as_tuple(), Version::latest().as_tuple());
    let options = ParseOptions::from(Mode::Module).with_target_version(Version { major, minor });
    let Some(parsed) = parse_unchecked(text, options).try_into_module() else { return Ok(None) };
    let mut faults: Vec<Fault> = parsed
        .errors()
        .iter()
        .take(MOST)
        .map(|error| fault(text, error.location.start().to_usize(), lower(&error.error.to_string())))
        .collect();
    let newer = parsed.unsupported_syntax_errors().iter().take(MOST);
    faults.extend(newer.map(|error| fault(text, error.range().start().to_usize(), lower(&error.to_string()))));
    if faults.is_empty() {
        let mut found = uncompilable(text, parsed.syntax(), Version { major, minor });
        if found.is_empty() {
            return Ok(Some(parsed));
        }
        // Each place is counted from the beginning.
        found.sort();
        faults.extend(found.into_iter().take(MOST).map(|(at, what)| fault(text, at.to_usize(), lower(&what))));
    }
    faults.sort();
    Err(faults)
}

/// Whether the first two lines say another encoding than UTF-8 (PEP 263).
pub fn says_encoding(text: &str) -> bool {
    let said = |line: &str| {
        let comment = line.trim_start_matches('\u{feff}').trim_start().strip_prefix('#')?;
        let mut named = comment.match_indices("coding").filter_map(|(at, word)| comment.get(at + word.len()..));
        let name = named.find_map(|rest| rest.strip_prefix([':', '=']))?.trim_start().to_ascii_lowercase();
        Some(!["utf-8", "utf8", "utf_8"].iter().any(|own| name.starts_with(own)))
    };
    let mut first = text.lines();
    let (one, two) = (first.next().unwrap_or_default(), first.next());
    // Behind a statement it says nothing any more.
    let bare = one.trim_start_matches('\u{feff}').trim_start();
    said(one).or_else(|| two.filter(|_| bare.is_empty() || bare.starts_with('#')).and_then(said)).unwrap_or(false)
}

/// A message as a fragment.
fn lower(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().into_iter().flat_map(char::to_lowercase);
    first.chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str, version: PythonVersion) -> Vec<String> {
        let faults = python(text, version).err().unwrap_or_default();
        faults.into_iter().map(|fault| format!("{}:{}: {}", fault.line, fault.column, fault.what)).collect()
    }

    #[test]
    fn what_is_python_has_no_faults() {
        let table = [
            "",
            "x = 1",
            "\u{feff}# -*- coding: utf-8 -*-\nx = 'é'\r\n",
            "async def f(a, /, b, *, c=1, **d) -> 'int':\n    return await g()\n",
            "match x:\n    case {'a': [1, *_]}: pass\n",
            "def f[T](x: T) -> T: ...\ntype A = int\n",
            "x = f'{a!r:>{w}} {f\"{b}\"}'\n",
            "print(*a, sep='')\n",
        ];
        for text in table {
            assert_eq!(told(text, newest()), [] as [&str; 0], "{text}");
        }
    }

    #[test]
    fn faults_are_told_with_line_and_column() {
        let table = [
            ("x = (1\n", "2:1: unexpected EOF while parsing"),
            ("def f(:\n    pass\n", "1:7: expected a parameter or the end of the parameter list"),
            ("é = 'ß' +\n", "1:10: expected an expression"),
            ("print 'a'\n", "1:7: simple statements must be separated by newlines or semicolons"),
            ("a = 1\0\n", "1:6: a NUL byte"),
            ("if x:\npass\n", "2:1: expected an indented block after `if` statement"),
        ];
        for (text, expected) in table {
            assert_eq!(told(text, newest()).first().map(String::as_str), Some(expected), "{text}");
        }
    }

    // Source: PEP 263.
    #[test]
    fn another_encoding_is_said_in_the_first_two_lines() {
        for text in ["# -*- coding: latin-1 -*-\n", "#!python\n# vim: set fileencoding=cp1252 :\n", "\n#coding=gbk\n"] {
            assert!(says_encoding(text), "{text}");
        }
        let none = ["# coding: utf-8\n", "x = 1\n# coding: latin-1\n", "\n\n# coding: gbk\n", "# coding latin-1\n", ""];
        for text in none {
            assert!(!says_encoding(text), "{text}");
        }
    }

    #[test]
    fn what_a_version_does_not_know_is_a_fault_for_it() {
        let text = "match x:\n    case 1: pass\n";
        assert_eq!(told(text, (3, 10)), [] as [&str; 0]);
        assert_eq!(
            told(text, (3, 9)),
            ["1:1: cannot use `match` statement on Python 3.9 (syntax was added in Python 3.10)"]
        );
        // What is older than any known is taken for the oldest.
        assert_eq!(told("x = 1\n", (2, 7)), [] as [&str; 0]);
        assert_eq!(told("(x := 1)\n", (3, 99)), [] as [&str; 0]);
    }
}
