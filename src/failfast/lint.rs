//! What checkers of sources say: mypy, pylint, black, isort, and any other that names file and line.
//! Their categories are those of the check.

use super::finding::{Failure, Reading};
use super::text::{number, place, said};

pub(super) fn mypy(stdout: &str, stderr: &str) -> Reading {
    let mut reading = Reading::default();
    for line in said(stdout) {
        let Some((before, message)) = line.split_once(": error: ") else { continue };
        // `a.py`, `a.py:3`, with `--show-column-numbers` and `--show-error-end` more of them.
        let (file, at) = match place(&format!("{before}:")) {
            Some((file, at, _)) => (file.to_owned(), Some(at)),
            None => (before.to_owned(), None),
        };
        reading.add(Failure::new(Some(&file), at, message));
        if reading.is_full() {
            break;
        }
    }
    reading.message = said(stderr).find(|line| line.starts_with("mypy: ")).map(String::from);
    reading
}

pub(super) fn pylint(stdout: &str, stderr: &str) -> Reading {
    let mut reading = Reading::default();
    for line in said(stdout) {
        let Some((file, at, rest)) = place(line) else { continue };
        let Some((_, rest)) = number(rest) else { continue };
        let Some(message) = rest.strip_prefix(": ") else { continue };
        // An error tells more than a convention.
        if reading.message.is_none() && message.starts_with(['E', 'F']) {
            reading.message = Some(message.to_owned());
        }
        reading.add(Failure::new(Some(file), Some(at), message));
    }
    if reading.failures.is_empty() {
        reading.message = said(stderr).find(|line| line.contains("error: ")).map(String::from);
    }
    reading
}

pub(super) fn black(stdout: &str, stderr: &str) -> Reading {
    let mut reading = Reading::default();
    for line in said(stderr).chain(said(stdout)) {
        if let Some(file) = line.strip_prefix("would reformat ") {
            reading.add(Failure::new(Some(file), None, "would be reformatted"));
        } else if let Some((file, why)) =
            line.strip_prefix("error: cannot format ").and_then(|rest| rest.split_once(": "))
        {
            reading.message = reading.message.or(Some(line.to_string()));
            // `Cannot parse: 3:11: def f(:`, `Cannot parse for target version Python 3.13: 3:11: …`
            let at = why.split(": ").find_map(|part| {
                let (line, column) = part.split_once(':')?;
                column.parse::<u64>().ok()?;
                line.parse().ok()
            });
            reading.add(Failure::new(Some(file), at, why));
        } else if line.starts_with("Error: ") {
            reading.message = reading.message.or(Some(line.to_owned()));
        }
    }
    reading
}

pub(super) fn isort(stdout: &str, stderr: &str) -> Reading {
    const SAYS: &str = " Imports are incorrectly sorted and/or formatted.";
    let mut reading = Reading::default();
    for line in said(stderr).chain(said(stdout)) {
        if let Some(rest) = line.strip_prefix("ERROR: ") {
            match rest.strip_suffix(SAYS) {
                Some(file) => reading.add(Failure::new(Some(file), None, SAYS)),
                None => reading.add(Failure::new(None, None, rest)),
            }
        } else if line.starts_with("Broken ") {
            reading.message = reading.message.or(Some(line.to_owned()));
        }
    }
    reading
}

/// Lines that begin with a file and a line in it.
pub(super) fn other(stdout: &str, stderr: &str) -> Reading {
    let mut reading = Reading::default();
    for line in said(stdout).chain(said(stderr)) {
        let Some((file, at, rest)) = place(line).filter(|(file, ..)| !file.contains("://") && !file.starts_with(' '))
        else {
            continue;
        };
        let message = number(rest).and_then(|(_, rest)| rest.strip_prefix(':')).unwrap_or(rest).trim();
        if !message.is_empty() {
            reading.add(Failure::new(Some(file), Some(at), message));
        }
        if reading.is_full() {
            break;
        }
    }
    reading
}
