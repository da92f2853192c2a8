//! What a check came to: green, nothing proved, or failed, with what its output says.
//! Knows no tool.

use super::Category;
use crate::decide::policy::Check;
use crate::event::Ended;

/// Failures and names of tests that are kept of one run; the counts tell of the rest.
pub const KEPT: usize = 100;

/// Characters that are kept of a message or a name.
const LONGEST: usize = 500;

/// A check that has ended.
#[derive(Debug, Clone, Copy)]
pub struct Ran<'a> {
    /// The tool whose output it is.
    pub tool: super::Tool,
    /// What its rule says that it checks.
    pub check: Check,
    /// How it ended.
    pub ended: Ended,
    /// The exit code guard passes on.
    pub exit_code: i32,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// What it wrote on standard output, as far as it is kept.
    pub stdout: &'a [u8],
    /// What it wrote on standard error, as far as it is kept.
    pub stderr: &'a [u8],
}

/// What a check proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It succeeded; of tests: some ran, and none failed.
    Green(Option<Counts>),
    /// It ended with 0, but its output does not show that any test ran, or shows one that failed; or it looked at no source.
    Unproved(Option<Counts>),
    /// It failed.
    Failed(Failed),
}

/// How many tests came to what, by the tool's own summary.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tests that were found, where the tool says so.
    pub collected: Option<u64>,
    /// Tests that passed, expected to or not.
    pub passed: u64,
    /// Tests whose assertions failed, and those that pytest calls failed.
    pub failed: u64,
    /// Tests and files that could not be run to an end.
    pub errors: u64,
    /// Tests that were left out.
    pub skipped: u64,
    /// Tests that failed as they are expected to.
    pub xfailed: u64,
}

impl Counts {
    /// How many tests ran, whatever came of them.
    pub fn ran(&self) -> u64 {
        [self.passed, self.failed, self.errors, self.xfailed].into_iter().fold(0, u64::saturating_add)
    }

    /// How many tests were left out, or expected to fail.
    pub fn left_out(&self) -> u64 {
        self.skipped.saturating_add(self.xfailed)
    }

    /// Whether some ran and none failed.
    pub fn is_green(&self) -> bool {
        self.ran() > 0 && !self.has_failures()
    }

    pub(super) fn has_failures(&self) -> bool {
        self.failed > 0 || self.errors > 0
    }
}

/// What a failed check's output says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// What kind of error it is.
    pub category: Category,
    /// The counts of its summary, of tests.
    pub counts: Option<Counts>,
    /// The names of the tests that failed, as the tool writes them; at most [`KEPT`].
    pub tests: Vec<String>,
    /// What failed, in the tool's order; at least one, at most [`KEPT`].
    pub failures: Vec<Failure>,
    /// The first line that tells what is wrong.
    pub message: String,
}

/// One thing that is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failure {
    /// The file, as the tool names it.
    pub file: Option<String>,
    /// The line in it, from 1.
    pub line: Option<u64>,
    /// What is wrong; one line.
    pub message: String,
}

impl Failure {
    pub(super) fn new(file: Option<&str>, line: Option<u64>, message: &str) -> Self {
        Failure { file: file.map(short), line, message: short(message) }
    }
}

/// What a tool's reader makes of its output, before the exit code has its say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reading {
    /// What the output shows the error to be, if it does.
    pub(super) category: Option<Category>,
    pub(super) counts: Option<Counts>,
    pub(super) tests: Vec<String>,
    pub(super) failures: Vec<Failure>,
    /// The first line that tells what is wrong, where that is not the first failure's.
    pub(super) message: Option<String>,
}

impl Reading {
    /// Adds a failure; what kind of error it is may become the whole run's.
    pub(super) fn add_as(&mut self, category: Category, file: Option<&str>, line: Option<u64>, message: &str) {
        if self.category.is_none_or(|known| category < known) {
            self.category = Some(category);
            self.message = Some(message.to_owned());
        }
        if !self.is_full() {
            self.add(Failure::new(file, line, message));
        }
    }

    /// Whether the output showed nothing that the tool writes.
    pub(super) fn is_mute(&self) -> bool {
        *self == Reading::default()
    }

    /// Whether no more failures are kept.
    pub(super) fn is_full(&self) -> bool {
        self.failures.len() >= KEPT
    }

    pub(super) fn add(&mut self, failure: Failure) {
        if !self.is_full() {
            self.failures.push(failure);
        }
    }

    pub(super) fn name(&mut self, test: &str) {
        if self.tests.len() < KEPT {
            self.tests.push(short(test));
        }
    }
}

/// At most [`LONGEST`] characters of a text, without space around it.
pub(super) fn short(text: &str) -> String {
    let text = text.trim();
    // No text has more characters than bytes.
    if text.len() <= LONGEST { text.to_owned() } else { text.chars().take(LONGEST).collect() }
}
