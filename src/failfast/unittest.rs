//! What unittest's output says: its last summary, and a traceback for each test that failed.
//! Knows no other runner.

use super::Category;
use super::finding::{Counts, Reading};
use super::text::{lines, number};
use super::trace::{Tracing, last};

#[derive(Default)]
struct Reader<'a> {
    /// The test whose traceback is read.
    open: Option<Open<'a>>,
    /// Whether the line before was the rule above a test's name.
    ruled: bool,
    ran: Option<u64>,
    status: Option<Counts>,
    /// The last status that tells of a failure.
    failing: Option<Counts>,
    reading: Reading,
}

struct Open<'a> {
    tracing: Tracing<'a>,
    /// Behind the traceback stands what the test printed.
    printed: bool,
}

/// unittest writes to standard error; where that was sent elsewhere, standard output may have it.
pub(super) fn read(stdout: &str, stderr: &str, succeeded: bool) -> Reading {
    let mut reader = Reader::default();
    let stream = if stderr.trim_ascii().is_empty() { stdout } else { stderr };
    lines(stream).for_each(|line| reader.see(line));
    let mut reading = reader.end(succeeded);
    if reading.failures.is_empty()
        && let Some(trace) = last(stream)
    {
        // It could not even begin.
        let category = Category::of_exception_in_test(trace.exception);
        reading.add_as(category, trace.file, trace.line, trace.message);
    }
    reading
}

impl<'a> Reader<'a> {
    fn see(&mut self, line: &'a str) {
        let ruled = std::mem::take(&mut self.ruled);
        if line.len() >= 70 && line.trim_end_matches('=').is_empty() {
            self.close();
            self.ruled = true;
        } else if let Some(name) = headed(line).filter(|_| ruled) {
            self.reading.name(name);
            self.open = Some(Open { tracing: Tracing::default(), printed: false });
        } else if let Some(ran) = line.strip_prefix("Ran ").and_then(number).filter(|(_, rest)| rest.contains(" in ")) {
            self.close();
            (self.ran, self.status) = (Some(ran.0), None);
        } else if let Some(counts) = self.ran.and_then(|ran| status(line, ran)) {
            self.status = Some(counts);
            self.failing = self.status.filter(Counts::has_failures).or(self.failing);
        } else if let Some(open) = &mut self.open {
            open.printed |= line == "Stdout:" || line == "Stderr:";
            if !open.printed {
                open.tracing.see(line);
            }
        }
    }

    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        let Some(trace) = open.tracing.end() else { return };
        let category = Category::of_exception_in_test(trace.exception);
        self.reading.add_as(category, trace.file, trace.line, trace.message);
    }

    fn end(mut self, succeeded: bool) -> Reading {
        self.close();
        // What says that all is well does not count in a run that failed, where there is one that does not.
        self.reading.counts = if succeeded { self.status } else { self.failing.or(self.status) };
        self.reading
    }
}

/// The name of `FAIL: name`.
fn headed(line: &str) -> Option<&str> {
    ["FAIL: ", "UNEXPECTED SUCCESS: ", "ERROR: "].iter().find_map(|start| line.strip_prefix(start))
}

/// The counts of `OK`, `FAILED (failures=1, skipped=2)`, `NO TESTS RAN`, of so many tests.
fn status(line: &str, ran: u64) -> Option<Counts> {
    let (word, rest) = match line.split_once(" (") {
        Some((word, rest)) => (word, rest.strip_suffix(')')?),
        None => (line, ""),
    };
    if !["OK", "FAILED", "NO TESTS RAN"].contains(&word) {
        return None;
    }
    let mut counts = Counts { collected: Some(ran), ..Counts::default() };
    for part in rest.split(", ").filter(|part| !part.is_empty()) {
        let (name, count) = part.split_once('=')?;
        let count = count.parse().ok()?;
        match name {
            "failures" | "unexpected successes" => counts.failed = counts.failed.saturating_add(count),
            "errors" => counts.errors = count,
            "skipped" => counts.skipped = count,
            "expected failures" => counts.xfailed = count,
            _ => return None,
        }
    }
    let others = counts.ran().saturating_add(counts.skipped);
    counts.passed = ran.saturating_sub(others);
    Some(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_counted_from_what_ran() {
        let counts = |passed, failed, errors, skipped, xfailed| {
            Some(Counts { collected: Some(9), passed, failed, errors, skipped, xfailed })
        };
        assert_eq!(status("OK", 9), counts(9, 0, 0, 0, 0));
        let all = "FAILED (failures=1, errors=2, skipped=1, expected failures=1, unexpected successes=1)";
        assert_eq!(status(all, 9), counts(3, 2, 2, 1, 1));
        assert_eq!(status("FAILED (failures=99)", 9), counts(0, 99, 0, 0, 0));
        assert_eq!([status("OK then", 9), status("OK (all)", 9), status("", 9)], [None; 3]);
    }
}
