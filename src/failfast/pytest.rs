//! What pytest's output says: its last summary, its reports, the tests that failed.
//! Reads every style of report there is (`--tb=`), with and without `-q`, and nothing of what tests print themselves
//! where pytest sets it apart.

use super::Category;
use super::finding::{Counts, Reading};
use super::text::{lines, number, place};
use super::trace::{Place, Tracing, exception, frame};
use std::borrow::Cow;

/// Reports, and entries of the list of what failed, that are compared with each other; of more, the first are.
const MOST: usize = 2000;

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

/// What is told of one test or file, as it is read.
#[derive(Debug, Default)]
struct Report<'a> {
    title: &'a str,
    place: Place<'a>,
    /// The place of a syntax error, which is no frame.
    source: Option<(&'a str, u64)>,
    exception: Option<&'a str>,
    message: Option<&'a str>,
    /// Whether the line before was one of the error's.
    quoting: bool,
    tracing: Tracing<'a>,
}

/// What a report came to.
struct Told<'a> {
    title: &'a str,
    category: Category,
    file: Option<&'a str>,
    line: Option<u64>,
    message: &'a str,
}

/// An entry of the list of what failed.
struct Listed<'a> {
    /// All of it.
    whole: &'a str,
    name: &'a str,
    /// What is said of it.
    message: Option<&'a str>,
}

struct Reader<'a> {
    part: Part,
    /// The report that is read, and those before it.
    open: Option<Report<'a>>,
    told: Vec<Told<'a>>,
    listed: Vec<Listed<'a>>,
    /// The last summary, and the last that tells of a failure.
    summaries: (Option<Counts>, Option<Counts>),
    collected: Option<u64>,
    /// The first line in which pytest itself complains.
    complaint: Option<&'a str>,
}

pub(super) fn read(stdout: &str, stderr: &str, succeeded: bool) -> Reading {
    let mut reader = Reader {
        part: Part::Elsewhere,
        open: None,
        told: Vec::new(),
        listed: Vec::new(),
        summaries: (None, None),
        collected: None,
        complaint: None,
    };
    lines(stdout).for_each(|line| reader.see(line));
    // Tests may write to standard error what they like: only what comes before there are tests is looked for there.
    if reader.open.is_none() && reader.listed.is_empty() {
        reader.part = Part::Elsewhere;
        let summaries = reader.summaries;
        lines(stderr).for_each(|line| reader.see(line));
        if summaries != (None, None) {
            reader.summaries = summaries;
        }
    }
    reader.end(succeeded)
}

impl<'a> Reader<'a> {
    fn see(&mut self, line: &'a str) {
        if line.is_empty() {
            if let Some(report) = &mut self.open {
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
                self.begin("");
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
                    self.begin(title);
                } else if self.part == Part::Captured {
                } else if ruled(line, '-').is_some_and(|title| title.starts_with("Captured ")) {
                    self.part = Part::Captured;
                } else if let Some(report) = &mut self.open {
                    if report.title.is_empty()
                        && let Some((file, at, message)) = place(line)
                    {
                        // `--tb=line`: all of it is in one line.
                        report.place.see(file, at);
                        report.quote(message.trim());
                        self.begin("");
                    } else {
                        report.see(line);
                    }
                }
            }
        }
    }

    fn begin(&mut self, title: &'a str) {
        let before = self.open.replace(Report { title, ..Report::default() });
        if self.told.len() < MOST {
            self.told.extend(before.and_then(Report::end));
        }
    }

    /// A line that belongs to no section.
    fn outside(&mut self, line: &'a str) {
        if line.len() < "FAIL a".len() {
            // Too short for all that follows.
        } else if line.starts_with("ImportError while loading conftest ") {
            self.part = Part::Reports;
            self.begin(line);
        } else if let Some(rest) = line.strip_prefix("collected ").and_then(number) {
            self.collected = Some(rest.0);
        } else if ["ERROR: ", "FAIL ", "INTERNALERROR> ", "pytest: error: "].iter().any(|start| line.starts_with(start))
        {
            if self.complaint.is_none() && !line.starts_with("ERROR: usage: ") {
                self.complaint = Some(line);
            }
        } else {
            self.count(line.trim());
        }
    }

    /// Takes a line of the list of what failed, if it is one.
    fn list(&mut self, line: &'a str) -> bool {
        let Some(whole) = ["FAILED ", "ERROR ", "SUBFAIL "].iter().find_map(|start| line.strip_prefix(start)) else {
            return false;
        };
        if self.listed.len() < MOST {
            let (name, message) = named(whole);
            self.listed.push(Listed { whole, name, message });
        }
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

    fn end(mut self, succeeded: bool) -> Reading {
        self.told.extend(self.open.take().and_then(Report::end));
        let (last, failing) = self.summaries;
        // What says that all is well does not count in a run that failed, where there is one that does not.
        let counts = if succeeded { last } else { failing.or(last) };
        let counts = counts.map(|counts| Counts { collected: counts.collected.or(self.collected), ..counts });
        let mut reading = Reading { counts, ..Reading::default() };
        let mut keys: Vec<Cow<'_, str>> = match self.told.is_empty() {
            true => Vec::new(),
            false => self.listed.iter().map(|listed| key(listed.whole)).collect(),
        };
        keys.sort_unstable();
        let mut told: Vec<Cow<'_, str>> = Vec::new();
        for report in &self.told {
            let name = report_key(report.title);
            let at = keys.partition_point(|key| *key < name);
            // What the list does not name, a test printed.
            if !keys.is_empty() && keys.len() < MOST && !keys.get(at).is_some_and(|key| key.starts_with(&*name)) {
                continue;
            }
            reading.add_as(report.category, report.file, report.line, report.message);
            told.push(name);
        }
        told.sort_unstable();
        let each_told = told.first().is_some_and(|name| name.is_empty());
        for listed in &self.listed {
            reading.name(listed.name);
            let is_told = || {
                let key = key(listed.whole);
                let upto = told.partition_point(|name| *name <= key);
                upto.checked_sub(1).and_then(|at| told.get(at)).is_some_and(|name| key.starts_with(&**name))
            };
            if told.is_empty() || !each_told && !is_told() {
                let file = listed.name.split("::").next();
                let message = listed.message.unwrap_or("failed");
                reading.add_as(raised(message), file, None, message);
            }
        }
        if reading.failures.is_empty() {
            reading.message = self.complaint.map(str::to_owned);
        }
        reading
    }
}

impl<'a> Report<'a> {
    fn see(&mut self, line: &'a str) {
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
            let rest = rest.trim();
            if !rest.starts_with("in ") {
                self.exception = exception(rest).or(self.exception);
            }
            return;
        }
        self.tracing.see(line);
    }

    fn quote(&mut self, text: &'a str) {
        if let Some(source) = frame(text) {
            self.source = Some(source);
        } else if self.exception.is_some() || text.is_empty() {
        } else if let Some(name) = exception(text) {
            self.exception = Some(name);
            self.message = Some(text);
        } else {
            self.message = self.message.or(Some(text));
        }
    }

    fn end(self) -> Option<Told<'a>> {
        let traced = self.tracing.end();
        let message = self.message.or(traced.as_ref().map(|trace| trace.message)).or(self.exception)?;
        let (file, line) = match (self.source, &traced) {
            (Some((file, line)), _) => (Some(file), Some(line)),
            (None, Some(trace)) if trace.file.is_some() => (trace.file, trace.line),
            (None, _) => self.place.take(),
        };
        let name = self.exception.or(traced.map(|trace| trace.exception));
        let category = name.map_or_else(|| raised(message), Category::of_exception_in_test);
        Some(Told { title: self.title, category, file, line, message })
    }
}

/// What an error's first line makes it.
fn raised(message: &str) -> Category {
    exception(message).map_or(Category::Test, Category::of_exception_in_test)
}

/// Name and message of an entry of the list.
fn named(whole: &str) -> (&str, Option<&str>) {
    let mut first = None;
    for (at, _) in whole.match_indices('-') {
        let Some((before, behind)) = whole.split_at_checked(at) else { break };
        let (Some(name), Some(message)) = (before.strip_suffix(' '), behind.strip_prefix("- ")) else { continue };
        // The parameters of a test (`test_x[a - b]`) may hold what parts name and message.
        let parameters = first.is_none() && !name.contains('[');
        if parameters || name.ends_with(']') {
            return (name.trim(), Some(message));
        }
        first = first.or(Some((name.trim(), Some(message))));
    }
    first.unwrap_or((whole.trim(), None))
}

/// `title` of `==== title ====`.
fn ruled(line: &str, rule: char) -> Option<&str> {
    if !line.starts_with(rule) {
        return None;
    }
    let line = line.trim_end();
    let inner = line.trim_matches(rule);
    let title = inner.strip_prefix(' ')?.strip_suffix(' ')?;
    (line.ends_with(rule) && !title.chars().all(|letter| letter == ' ' || letter == rule)).then_some(title)
}

/// A listed test as its report's title has it.
fn key(listed: &str) -> Cow<'_, str> {
    match listed.split_once("::") {
        Some((file, rest)) if !file.contains(" - ") => dotted(rest),
        Some(_) | None => dotted(listed),
    }
}

fn report_key(title: &str) -> Cow<'_, str> {
    let starts = ["ERROR at setup of ", "ERROR at teardown of ", "ERROR collecting "];
    let name = starts.iter().find_map(|start| title.strip_prefix(start)).unwrap_or(title);
    dotted(name.strip_prefix("[doctest] ").unwrap_or(name))
}

fn dotted(name: &str) -> Cow<'_, str> {
    if name.contains("::") { Cow::Owned(name.replace("::", ".")) } else { Cow::Borrowed(name) }
}

/// The counts of `1 failed, 2 passed in 0.05s`, with ` (0:01:01)` behind it where it took long.
fn summary(text: &str) -> Option<Counts> {
    if !text.starts_with(|first: char| first.is_ascii_digit() || first == 'n') {
        return None;
    }
    let text = if text.ends_with(')') { text.rsplit_once(" (")?.0 } else { text };
    let (told, seconds) = text.strip_suffix('s')?.rsplit_once(' ')?;
    let told = told.strip_suffix(" in")?;
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
