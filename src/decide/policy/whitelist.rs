//! The whitelist: a regular expression over resolved program names.
//! Knows names only; it never sees a command's text.

use regex::bytes::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use std::sync::OnceLock;

/// A whitelist. It must match a name from its start to its end, or to a version suffix (`python3.11`, `pip3`).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Whitelist {
    pattern: String,
    /// The alternatives, where the pattern is `^(one|two)`, so that nothing needs compiling.
    names: Option<Vec<String>>,
    /// Where it stands: `guard.toml:5`.
    at: String,
    #[serde(skip)]
    compiled: OnceLock<Option<Regex>>,
}

impl PartialEq for Whitelist {
    fn eq(&self, other: &Whitelist) -> bool {
        (&self.pattern, &self.at) == (&other.pattern, &other.at)
    }
}

impl Eq for Whitelist {}

impl Whitelist {
    /// Reads a regular expression. The error is a fragment.
    pub(crate) fn read(pattern: &str, at: String) -> Result<Whitelist, String> {
        let names = alternatives(pattern);
        if let Err(error) = ascii(pattern) {
            return Err(cause(&error));
        }
        if names.is_none() && build(pattern).is_none() {
            return Err("too large".to_owned());
        }
        Ok(Whitelist { pattern: pattern.to_owned(), names, at, compiled: OnceLock::new() })
    }

    /// Whether `name` is on it.
    pub(crate) fn matches(&self, name: &str) -> bool {
        match &self.names {
            Some(names) => names.iter().any(|known| is_version_of(name, known)),
            None => {
                let compiled = self.compiled.get_or_init(|| build(&self.pattern));
                compiled.as_ref().is_some_and(|regex| regex.is_match(name.as_bytes()))
            }
        }
    }

    /// The regular expression as written.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// Where it stands: `guard.toml:5`.
    pub fn at(&self) -> &str {
        &self.at
    }
}

/// Whether `name` is `program` itself or a version of it.
pub(crate) fn is_version_of(name: &str, program: &str) -> bool {
    name.strip_prefix(program).is_some_and(is_version)
}

/// `name` without its version suffix: `python3.11` is `python`. `None`: it has none.
pub(crate) fn unversioned(name: &str) -> Option<&str> {
    let start = name.find(|c: char| c.is_ascii_digit())?;
    let mut at = start;
    loop {
        let (head, tail) = name.split_at_checked(at)?;
        let head = head.strip_suffix('-').unwrap_or(head);
        if !head.is_empty() && is_version(tail) {
            return Some(head);
        }
        let digits = tail.find(|c: char| !c.is_ascii_digit())?;
        at += digits + tail.get(digits..)?.find(|c: char| c.is_ascii_digit())?;
    }
}

/// Whether `suffix` is empty or a version: `3`, `3.11`, `-15`.
fn is_version(suffix: &str) -> bool {
    if suffix.is_empty() {
        return true;
    }
    let suffix = suffix.strip_prefix('-').unwrap_or(suffix);
    suffix.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

/// The names in `^(one|two)`, `^(?:one|two)$` and `^one`; `None` where a pattern says more than that.
fn alternatives(pattern: &str) -> Option<Vec<String>> {
    let body = pattern.strip_prefix('^')?;
    let body = match body.strip_prefix("(?:").or_else(|| body.strip_prefix('(')) {
        // With `$` a version suffix is not wanted, so that pattern takes the general way.
        Some(inner) => inner.strip_suffix(')')?,
        None if body.contains('|') => return None,
        None => body,
    };
    let plain =
        |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    let names: Vec<String> = body.split('|').map(str::to_owned).collect();
    names.iter().all(|name| plain(name)).then_some(names)
}

fn build(pattern: &str) -> Option<Regex> {
    ascii(&format!(r"\A(?:{pattern})(?:-?[0-9]+(?:\.[0-9]+)*)?\z")).ok()
}

/// Classes and case as ASCII knows them: the tables of Unicode's would cost every call a hundred microseconds.
fn ascii(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern).unicode(false).build()
}

/// The last line of a regex error says what is wrong; those before it draw the pattern.
fn cause(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default().trim();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNERS: &str = "^(python|pytest|pylint|mypy|black|isort|docker-compose|pip)";

    fn matches(pattern: &str, name: &str) -> bool {
        Whitelist::read(pattern, String::new()).unwrap().matches(name)
    }

    #[test]
    fn a_name_must_end_where_the_whitelist_ends_or_at_a_version() {
        for name in ["python", "python3", "python3.11", "pip3", "pip-3.2", "docker-compose", "isort"] {
            assert!(matches(OWNERS, name), "{name}");
        }
        // Names the naive pattern lets through.
        for name in
            ["pythonx", "pip-evil", "pipx", "mypyc", "black_hole.sh", "python3.", "python3x", "python-", "", "xpython"]
        {
            assert!(!matches(OWNERS, name), "{name}");
        }
    }

    #[test]
    fn the_general_way_agrees_with_the_short_one() {
        let general = OWNERS.replace("python|", "pyth[o]n|");
        assert!(alternatives(&general).is_none() && alternatives(OWNERS).is_some());
        for name in ["python", "python3.11", "pip3", "pythonx", "pipx", "pip-evil", "sh", "", "docker-compose2"] {
            assert_eq!(matches(OWNERS, name), matches(&general, name), "{name}");
        }
    }

    #[test]
    fn a_longer_alternative_counts_behind_a_shorter_one() {
        assert!(matches("^(pip|pipx|p[i]n)", "pipx"));
        assert!(!matches("^(python)$", "python3"));
        assert!(matches("^(python)$", "python"));
        assert!(!matches("python", "mypython"));
        assert!(!matches("^a|b", "ab"));
    }

    #[test]
    fn classes_and_case_are_those_of_ascii() {
        assert!(matches(r"^(?i:PYTHON)\d$", "python3"));
        assert!(!matches(r"^python\d$", "python\u{663}"));
        assert!(matches("^caf[.]é$", "caf.é"));
        let said = Whitelist::read(r"^\pL", String::new()).unwrap_err();
        assert_eq!(said, "Unicode not allowed here");
    }

    #[test]
    fn a_bad_pattern_says_what_is_wrong_with_it() {
        assert_eq!(Whitelist::read("^(a", String::new()).unwrap_err(), "unclosed group");
    }

    #[test]
    fn version_suffixes_are_cut_off_where_there_are_any() {
        let table = [
            ("python3.11", Some("python")),
            ("pip3", Some("pip")),
            ("clang-15", Some("clang")),
            ("base64", Some("base")),
            ("sha256sum", None),
            ("x86_64-linux-gnu-gcc-12", Some("x86_64-linux-gnu-gcc")),
            ("7z", None),
            ("ls", None),
            ("3", None),
        ];
        for (name, expected) in table {
            assert_eq!(unversioned(name), expected, "{name}");
        }
    }
}
