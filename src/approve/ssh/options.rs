//! The options of an approver's entry, as OpenSSH's `ssh-keygen(1)`, ALLOWED SIGNERS, defines them.
//! Knows no names and no keys.

use super::key::shown;
use crate::decide::policy::{nearest, wild};
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use std::ops::Range;

const NAMES: [&str; 4] = ["namespaces", "valid-after", "valid-before", "cert-authority"];

/// What an entry is restricted to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// Patterns of namespaces; `None`: any.
    namespaces: Option<String>,
    /// The first moment it is valid.
    pub(super) after: Option<DateTime<Utc>>,
    /// The last moment it is valid.
    pub(super) before: Option<DateTime<Utc>>,
}

/// What is wrong with the options, where in their text, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OptionFault {
    pub(super) span: Range<usize>,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl OptionFault {
    fn new(span: Range<usize>, message: impl Into<String>, help: &str) -> Self {
        Self { span, message: message.into(), help: (!help.is_empty()).then(|| help.to_owned()) }
    }
}

/// Whether `word`, where the kind of a key or the options could stand, means options.
pub(super) fn are_meant(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    word.contains(['=', '"', ',']) || NAMES.iter().any(|name| lower.starts_with(name))
}

impl Options {
    /// Reads `name="value",name="value"`. Names are told apart as OpenSSH does, without regard to case.
    pub(super) fn read(text: &str) -> Result<Self, OptionFault> {
        let mut options = Self::default();
        let mut at = 0;
        while at < text.len() {
            let (name, value, end) = option(text, at)?;
            let span = at..end;
            let written = text.get(at..at + name.len()).unwrap_or_default();
            options.set(&name.to_ascii_lowercase(), written, value, span)?;
            at = end;
            if at < text.len() {
                if !text.get(at..).is_some_and(|rest| rest.starts_with(',')) {
                    return Err(OptionFault::new(at..text.len(), "a comma is missing between options", ""));
                }
                at += 1;
                if at == text.len() {
                    return Err(OptionFault::new(at - 1..at, "an option is missing after the comma", ""));
                }
            }
        }
        if let (Some(after), Some(before)) = (options.after, options.before)
            && before <= after
        {
            return Err(OptionFault::new(0..text.len(), "`valid-before` is not after `valid-after`", ""));
        }
        Ok(options)
    }

    fn set(&mut self, name: &str, written: &str, value: Option<String>, span: Range<usize>) -> Result<(), OptionFault> {
        match (name, value) {
            ("cert-authority", _) => {
                let help = "list the keys of its people one by one";
                Err(OptionFault::new(span, "`cert-authority` is not supported: certificates cannot approve", help))
            }
            ("namespaces", Some(value)) => {
                if value.split(',').any(|pattern| pattern.trim_start_matches('!').is_empty())
                    || value.contains(['[', '\\'])
                {
                    let help = "write names or patterns of `*` and `?`, with commas between: `namespaces=\"guard-*\"`";
                    return Err(OptionFault::new(span, "a namespace is empty or no pattern", help));
                }
                once(&mut self.namespaces, value, name, span)
            }
            ("valid-after", Some(value)) => {
                let time = moment(&value, name, &span)?;
                once(&mut self.after, time, name, span)
            }
            ("valid-before", Some(value)) => {
                let time = moment(&value, name, &span)?;
                once(&mut self.before, time, name, span)
            }
            ("namespaces" | "valid-after" | "valid-before", None) => {
                let help = format!("write `{name}=\"…\"`");
                Err(OptionFault::new(span, format!("`{name}` has no value in double quotes"), &help))
            }
            (_, _) => {
                let help = nearest(name, &NAMES).map(|near| format!("did you mean `{near}`?")).unwrap_or_default();
                Err(OptionFault::new(span, format!("unknown option `{}`", shown(written)), &help))
            }
        }
    }

    /// Whether a signature in `namespace` is within these options: a pattern with `!` that matches excludes.
    pub(super) fn allow_namespace(&self, namespace: &str) -> bool {
        let Some(patterns) = &self.namespaces else { return true };
        let matches = |pattern: &str| wild::word(pattern, namespace);
        !patterns.split(',').filter_map(|pattern| pattern.strip_prefix('!')).any(matches)
            && patterns.split(',').filter(|pattern| !pattern.starts_with('!')).any(matches)
    }
}

fn once<T>(place: &mut Option<T>, value: T, name: &str, span: Range<usize>) -> Result<(), OptionFault> {
    if place.replace(value).is_some() {
        return Err(OptionFault::new(span, format!("`{name}` is there twice"), ""));
    }
    Ok(())
}

/// One option from `at`: its name, its value where it has one, and where it ends.
fn option(text: &str, at: usize) -> Result<(&str, Option<String>, usize), OptionFault> {
    let rest = text.get(at..).unwrap_or_default();
    let length = rest.find(['=', ',', '"']).unwrap_or(rest.len());
    let name = rest.get(..length).unwrap_or_default();
    let behind = rest.get(length..).unwrap_or_default();
    let Some(quoted) = behind.strip_prefix("=\"") else {
        if behind.starts_with(['=', '"']) {
            let message = format!("the value of `{}` is not in double quotes", shown(name));
            let help = format!("write `{}=\"…\"`", shown(name));
            return Err(OptionFault::new(at..text.len(), message, &help));
        }
        return Ok((name, None, at + length));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices().peekable();
    while let Some((place, character)) = characters.next() {
        match character {
            '"' => return Ok((name, Some(value), at + length + 2 + place + 1)),
            '\\' if characters.next_if(|(_, next)| *next == '"').is_some() => value.push('"'),
            other => value.push(other),
        }
    }
    let message = format!("the value of `{}` has no closing quote", shown(name));
    Err(OptionFault::new(at..text.len(), message, ""))
}

/// `YYYYMMDD`, `YYYYMMDDHHMM` or `YYYYMMDDHHMMSS`, and `Z`.
fn moment(value: &str, name: &str, span: &Range<usize>) -> Result<DateTime<Utc>, OptionFault> {
    let help = "write `YYYYMMDDZ`, `YYYYMMDDHHMMZ` or `YYYYMMDDHHMMSSZ`: a date in UTC, with `Z` at its end";
    let fault = |message: String| OptionFault::new(span.clone(), message, help);
    let is_time = |digits: &str| matches!(digits.len(), 8 | 12 | 14) && digits.bytes().all(|b| b.is_ascii_digit());
    let Some(digits) = value.strip_suffix(['Z', 'z']).filter(|digits| is_time(digits)) else {
        return Err(fault(match is_time(value) {
            true => format!("`{name}` without `Z` would depend on this machine's time zone"),
            false => format!("`{}` is no time", shown(value)),
        }));
    };
    let parsed = match digits.len() {
        8 => NaiveDate::parse_from_str(digits, "%Y%m%d").ok().and_then(|date| date.and_hms_opt(0, 0, 0)),
        12 => NaiveDateTime::parse_from_str(&format!("{digits}00"), "%Y%m%d%H%M%S").ok(),
        _ => NaiveDateTime::parse_from_str(digits, "%Y%m%d%H%M%S").ok(),
    };
    parsed.map(|time| time.and_utc()).ok_or_else(|| fault(format!("`{}` is no time", shown(value))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> Option<DateTime<Utc>> {
        Some(text.parse().unwrap())
    }

    fn message(text: &str) -> String {
        Options::read(text).unwrap_err().message
    }

    #[test]
    fn options_are_read_as_openssh_reads_them() {
        let found = Options::read(
            "Namespaces=\"git,guard-approval-v1\",valid-after=\"20260102Z\",VALID-BEFORE=\"20260304050607Z\"",
        );
        let wanted = Options {
            namespaces: Some("git,guard-approval-v1".to_owned()),
            after: utc("2026-01-02T00:00:00Z"),
            before: utc("2026-03-04T05:06:07Z"),
        };
        assert_eq!(found, Ok(wanted));
        assert_eq!(Options::read("valid-after=\"202601020304Z\"").unwrap().after, utc("2026-01-02T03:04:00Z"));
        assert_eq!(Options::read("namespaces=\"a\\\"b\"").unwrap().namespaces.as_deref(), Some("a\"b"));
        assert_eq!(Options::read(""), Ok(Options::default()));
    }

    #[test]
    fn a_namespace_is_allowed_by_a_pattern_and_excluded_by_a_negated_one() {
        let allows = |patterns: &str| {
            Options::read(&format!("namespaces=\"{patterns}\"")).unwrap().allow_namespace("guard-approval-v1")
        };
        for patterns in ["guard-approval-v1", "git,guard-approval-v1", "*", "guard-*-v?", "*,!git"] {
            assert!(allows(patterns), "{patterns}");
        }
        for patterns in ["git", "guard-approval-v2", "*,!guard-*", "!git", "guard-approval-v", "GUARD-APPROVAL-V1"] {
            assert!(!allows(patterns), "{patterns}");
        }
        assert!(Options::default().allow_namespace("anything"));
    }

    #[test]
    fn what_is_wrong_with_an_option_is_said() {
        for (text, says) in [
            ("cert-authority", "`cert-authority` is not supported: certificates cannot approve"),
            ("CERT-AUTHORITY,namespaces=\"git\"", "`cert-authority` is not supported: certificates cannot approve"),
            ("namespace=\"git\"", "unknown option `namespace`"),
            ("no-touch-required", "unknown option `no-touch-required`"),
            ("namespaces", "`namespaces` has no value in double quotes"),
            ("namespaces=git", "the value of `namespaces` is not in double quotes"),
            ("namespaces=\"git", "the value of `namespaces` has no closing quote"),
            ("namespaces=\"\"", "a namespace is empty or no pattern"),
            ("namespaces=\"a,,b\"", "a namespace is empty or no pattern"),
            ("namespaces=\"[ab]\"", "a namespace is empty or no pattern"),
            ("namespaces=\"a\"namespaces=\"b\"", "a comma is missing between options"),
            ("namespaces=\"a\",", "an option is missing after the comma"),
            ("namespaces=\"a\",namespaces=\"b\"", "`namespaces` is there twice"),
            ("valid-after=\"20260101\"", "`valid-after` without `Z` would depend on this machine's time zone"),
            ("valid-after=\"2026-01-01Z\"", "`2026-01-01Z` is no time"),
            ("valid-after=\"20261301Z\"", "`20261301Z` is no time"),
            ("valid-after=\"202601012560Z\"", "`202601012560Z` is no time"),
            ("valid-after=\"20270101Z\",valid-before=\"20260101Z\"", "`valid-before` is not after `valid-after`"),
        ] {
            assert_eq!(message(text), says, "{text}");
        }
    }
}
