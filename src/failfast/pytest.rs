//! What pytest's output says: its last summary, its reports, the tests that failed.
//! Reads every style of report there is (`--tb=`), with and without `-q`, and nothing of what tests print themselves
//! where pytest sets it apart.

use super::Category;
use super::finding::{Counts, Failure, Reading};
use super::text::{lines, number, place};
use super::trace::{Place, Tracing, exception, frame};
use std::collections::BTreeSet;
use std::ops::Bound;

/// Where in the output a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Elsewhere,
    /// In the sections FAILURES and ERRORS.
    Reports,
    /// In what a test printed itself, quoted by pytest.
    Captured,
    /// In the list of what failed.
    Summary,
}

/// What is told of one test or file.
#[derive(Debug, Default)]
struct Report {
    title: String,
    place: Place,
    /// The place of a syntax error, which is no frame.
    source: Option<(String, u64)>,
    exception: Option<String>,
    message: Option<String>,
    /// Whether the line before was one of the error's.
    quoting: bool,
    tracing: Tracing,
}

/// An entry of the list of what failed.
struct Listed {
    /// All of it, as a report's title has the name that it begins with.
    key: String,
    name: String,
    /// What is said of it.
    message: Option<String>,
}

struct Reader {
    part: Part,
    reports: Vec<Report>,
    listed: Vec<Listed>,
    /// The last summary, and the last that tells of a failure.
    summaries: (Option<Counts>, Option<Counts>),
    collected: Option<u64>,
    /// The first line in which pytest itself complains.
    complaint: Option<String>,
}

pub(super) fn read(stdout: &[u8], stderr: &[u8], succeeded: bool) -> Reading {
    let mut reader = Reader {
        part: Part::Elsewhere,
        reports: Vec::new(),
        listed: Vec::new(),
        summaries: (None, None),
        collected: None,
        complaint: None,
    };
    lines(stdout).for_each(|line| reader.see(&line));
    // Tests may write to standard error what they like: only what comes before there are tests is looked for there.
    if reader.reports.is_empty() && reader.listed.is_empty() {
        reader.part = Part::Elsewhere;
        let summaries = reader.summaries;
        lines(stderr).for_each(|line| reader.see(&line));
        if summaries != (None, None) {
            reader.summaries = summaries;
        }
    }
    reader.end(succeeded)
}

impl Reader {
    fn see(&mut self, line: &str) {
        if line.is_empty() {
            if let Some(report) = self.reports.last_mut() {
                report.quoting = false;
            }
            return;
        }
        if let Some(title) = ruled(line, '=') {
            self.part = match title {
                "FAILURES" | "ERRORS" => Part::Reports,
                "short test summary info" => {
                    // A test may have printed one: the last is pytest's.
                    self.listed.clear();
                    Part::Summary
                }
                _ => Part::Elsewhere,
            };
            if self.part == Part::Reports {
                self.reports.push(Report::default());
            }
            self.count(title);
            return;
        }
        match self.part {
            Part::Elsewhere => self.outside(line),
            Part::Summary => {
                if !self.list(line) {
                    self.outside(line);
                }
            }
            Part::Reports | Part::Captured => {
                if let Some(title) = ruled(line, '_') {
                    self.part = Part::Reports;
                    self.reports.push(Report { title: title.to_owned(), ..Report::default() });
                } else if self.part == Part::Captured {
                } else if ruled(line, '-').is_some_and(|title| title.starts_with("Captured ")) {
                    self.part = Part::Captured;
                } else if let Some(report) = self.reports.last_mut() {
                    if report.title.is_empty()
                        && let Some((file, at, message)) = place(line)
                    {
                        // `--tb=line`: all of it is in one line.
                        let mut whole = Report::default();
                        whole.place.see(file, at);
                        whole.quote(message.trim());
                        self.reports.push(whole);
                        self.reports.push(Report::default());
                    } else {
                        report.see(line);
                    }
                }
            }
        }
    }

    /// A line that belongs to no section.
    fn outside(&mut self, line: &str) {
        if line.starts_with("ImportError while loading conftest ") {
            self.part = Part::Reports;
            self.reports.push(Report { title: line.to_owned(), ..Report::default() });
        } else if let Some(rest) = line.strip_prefix("collected ").and_then(number) {
            self.collected = Some(rest.0);
        } else if ["ERROR: ", "FAIL ", "INTERNALERROR> ", "pytest: error: "].iter().any(|start| line.starts_with(start))
        {
            if self.complaint.is_none() && !line.starts_with("ERROR: usage: ") {
                self.complaint = Some(line.to_owned());
            }
        } else {
            self.count(line.trim());
        }
    }

    /// Takes a line of the list of what failed, if it is one.
    fn list(&mut self, line: &str) -> bool {
        let Some(rest) = ["FAILED ", "ERROR ", "SUBFAIL "].iter().find_map(|start| line.strip_prefix(start)) else {
            return false;
        };
        // The parameters of a test (`test_x[a - b]`) may hold what parts name and message.
        let told = match rest.find("] - ") {
            Some(at) if rest.get(..at).is_some_and(|name| name.contains('[') && !name.contains(" - ")) => Some(at + 1),
            Some(at) if rest.find(" - ") > rest.find('[') => Some(at + 1),
            Some(_) | None => rest.find(" - "),
        };
        let (name, message) = told.and_then(|at| rest.split_at_checked(at)).unwrap_or((rest, ""));
        let message = message.strip_prefix(" - ").map(str::to_owned);
        self.listed.push(Listed { key: key(rest), name: name.trim().to_owned(), message });
        true
    }

    fn count(&mut self, text: &str) {
        if let Some(counts) = summary(text) {
            self.summaries.0 = Some(counts);
            if counts.has_failures() {
                self.summaries.1 = Some(counts);
            }
        }
    }

    fn end(self, succeeded: bool) -> Reading {
        let (last, failing) = self.summaries;
        // What says that all is well does not count in a run that failed, where there is one that does not.
        let counts = if succeeded { last } else { failing.or(last) };
        let counts = counts.map(|counts| Counts { collected: counts.collected.or(self.collected), ..counts });
        let mut reading = Reading { counts, ..Reading::default() };
        let keys: BTreeSet<&str> = self.listed.iter().map(|listed| listed.key.as_str()).collect();
        let mut told = BTreeSet::new();
        for report in self.reports {
            let name = report_key(&report.title);
            // What the list does not name, a test printed.
            let listed = keys.range(name.as_str()..).next().is_some_and(|key| key.starts_with(&name));
            if !keys.is_empty() && !listed {
                continue;
            }
            let Some((category, failure)) = report.end() else { continue };
            reading.add_as(category, failure.file.as_deref(), failure.line, &failure.message);
            told.insert(name);
        }
        let each_told = told.contains("");
        for listed in &self.listed {
            reading.name(&listed.name);
            let upto = (Bound::Unbounded, Bound::Included(listed.key.as_str()));
            let told = told.range::<str, _>(upto).next_back().is_some_and(|name| listed.key.starts_with(name));
            if !each_told && !told {
                let file = listed.name.split("::").next();
                let message = listed.message.as_deref().unwrap_or("failed");
                reading.add_as(raised(message), file, None, message);
            }
        }
        if reading.failures.is_empty() {
            reading.message = self.complaint;
        }
        reading
    }
}

impl Report {
    fn see(&mut self, line: &str) {
        if let Some(quoted) = line.strip_prefix('E').filter(|rest| rest.is_empty() || rest.starts_with("   ")) {
            if !self.quoting {
                // Of chained exceptions the last is the one that came out.
                (self.message, self.exception) = (None, None);
            }
            self.quoting = true;
            self.quote(quoted.trim());
            return;
        }
        self.quoting = false;
        if let Some((file, at, rest)) = place(line).filter(|(file, ..)| !file.starts_with([' ', '>'])) {
            self.place.see(file, at);
            // `a.py:3: in f` stands before the error, `a.py:3: AssertionError` behind it.
            if let Some(name) = exception(rest.trim()).filter(|_| !rest.trim_start().starts_with("in ")) {
                self.exception = Some(name.to_owned());
            }
            return;
        }
        self.tracing.see(line);
    }

    fn quote(&mut self, text: &str) {
        if let Some((file, at)) = frame(text) {
            self.source = Some((file.to_owned(), at));
        } else if let Some(name) = exception(text) {
            if self.exception.is_none() {
                self.exception = Some(name.to_owned());
                self.message = Some(text.to_owned());
            }
        } else if self.message.is_none() && !text.is_empty() {
            self.message = Some(text.to_owned());
        }
    }

    fn end(self) -> Option<(Option<Category>, Failure)> {
        let traced = self.tracing.end();
        let traced_message = traced.as_ref().map(|trace| trace.message.clone());
        let message = self.message.or(traced_message).or_else(|| self.exception.clone())?;
        let (file, line) = match (self.source, traced.as_ref()) {
            (Some((file, line)), _) => (Some(file), Some(line)),
            (None, Some(trace)) if trace.file.is_some() => (trace.file.clone(), trace.line),
            (None, _) => self.place.take(),
        };
        let name = self.exception.or_else(|| traced.map(|trace| trace.exception));
        let category = name.map(|name| Category::of_exception_in_test(&name)).or_else(|| raised(&message));
        Some((category, Failure::new(file.as_deref(), line, &message)))
    }
}

/// What an error's first line makes it.
fn raised(message: &str) -> Option<Category> {
    if message == "assert" || message.starts_with("assert ") {
        return Some(Category::Test);
    }
    exception(message).map(Category::of_exception_in_test)
}

/// `title` of `==== title ====`.
fn ruled(line: &str, rule: char) -> Option<&str> {
    let line = line.trim_end();
    let inner = line.trim_matches(rule);
    let title = inner.strip_prefix(' ')?.strip_suffix(' ')?;
    let whole = line.starts_with(rule) && line.ends_with(rule);
    (whole && !title.chars().all(|letter| letter == ' ' || letter == rule)).then_some(title)
}

/// A listed test as its report's title has it.
fn key(listed: &str) -> String {
    match listed.split_once("::") {
        Some((file, rest)) if !file.contains(" - ") => rest.replace("::", "."),
        Some(_) | None => listed.replace("::", "."),
    }
}

fn report_key(title: &str) -> String {
    let starts = ["ERROR at setup of ", "ERROR at teardown of ", "ERROR collecting "];
    let name = starts.iter().find_map(|start| title.strip_prefix(start)).unwrap_or(title);
    let name = name.strip_prefix("[doctest] ").unwrap_or(name);
    name.replace("::", ".")
}

/// The counts of `1 failed, 2 passed in 0.05s`.
fn summary(text: &str) -> Option<Counts> {
    let (told, time) = text.rsplit_once(" in ")?;
    let seconds = time.split(' ').next()?.strip_suffix('s')?;
    seconds.parse::<f64>().ok()?;
    let mut counts = Counts::default();
    if told == "no tests ran" || told == "no tests collected" {
        return Some(Counts { collected: Some(0), ..counts });
    }
    for part in told.split(", ") {
        let (count, what) = part.split_once(' ')?;
        let count: u64 = count.split('/').next()?.parse().ok()?;
        match what {
            "passed" | "xpassed" => counts.passed = counts.passed.saturating_add(count),
            "failed" | "subtests failed" => counts.failed = counts.failed.saturating_add(count),
            "error" | "errors" => counts.errors = count,
            "skipped" => counts.skipped = count,
            "xfailed" => counts.xfailed = count,
            "deselected" | "warning" | "warnings" | "rerun" | "subtests passed" => {}
            _ if what.starts_with("test collected") || what.starts_with("tests collected") => {
                counts.collected = Some(count);
            }
            _ => return None,
        }
    }
    Some(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_summary_is_a_summary() {
        let counts = Counts { passed: 3, failed: 1, errors: 2, skipped: 4, xfailed: 5, collected: None };
        let full = "1 failed, 2 passed, 4 skipped, 9 deselected, 5 xfailed, 1 xpassed, 1 warning, 2 errors in 61.05s (0:01:01)";
        assert_eq!(summary(full), Some(counts));
        let none = Some(Counts { collected: Some(0), ..Counts::default() });
        assert_eq!(summary("no tests ran in 0.01s"), none);
        let only = Some(Counts { collected: Some(7), ..Counts::default() });
        assert_eq!(summary("7 tests collected in 0.01s"), only);
        assert_eq!(summary("1/7 tests collected (6 deselected) in 0.01s").and_then(|counts| counts.collected), Some(1));
        for text in ["1 passed", "all passed in 1s", "1 passed in no time", "-1 passed in 1s", "1 passed, in 1s", ""] {
            assert_eq!(summary(text), None, "{text}");
        }
    }

    #[test]
    fn a_rule_has_a_title() {
        assert_eq!(ruled("=== a b ===\r", '=').or(ruled("= a b =", '=')), Some("a b"));
        assert_eq!(
            [ruled("_ _ _ _ ", '_'), ruled("======", '='), ruled("= =", '='), ruled("", '='), ruled("=", '=')],
            [None; 5]
        );
    }
}
