//! The escalation report: what a person needs to know to decide how it goes on, in the owner's block.
//! Knows no files; every text in it is redacted already.

use crate::event::line::visible;
use crate::event::{Cause, Spent};
use serde::{Deserialize, Serialize};
use std::fmt::{self, Display, Formatter};

/// Why everything is halted, and what led to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The halt's name: `resume-` and a number.
    pub name: String,
    /// When, in UTC: `2026-11-21 14:32:15`.
    pub time: String,
    /// The project's folder, by its name.
    pub project: String,
    /// The phase of the plan that was worked on: its id, and what it is.
    #[serde(default)]
    pub phase: Option<(String, String)>,
    /// What led to it.
    pub cause: Cause,
    /// The category of the errors, where failures led to it.
    pub category: Option<String>,
    /// What is spent, where a budget is.
    pub attempts: Option<Spent>,
    /// What the caller said the task is.
    pub task: Option<String>,
    /// Files of the project that were changed since a check was last green, by their times of change.
    pub files: Vec<String>,
    /// Since when.
    pub since: Option<String>,
    /// What was run or refused last.
    pub command: Option<String>,
    /// What it said, or why it was refused.
    pub last_error: String,
    /// What was tried, and what came of it.
    pub tries: Vec<Try>,
    /// What nobody knows to be right.
    pub unverified: Vec<String>,
    /// What the agent, or the person who halted, says.
    pub analysis: Option<String>,
    /// How it was resumed, once it is.
    pub resumed: Option<Resumption>,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Try {
    /// Its record.
    pub seq: Option<u64>,
    /// What was run or asked.
    pub action: String,
    /// What came of it.
    pub result: String,
}

/// How it went on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumption {
    /// When, in UTC.
    pub time: String,
    /// Who said so.
    pub who: String,
    /// How that is known.
    pub strength: String,
    /// What they said.
    pub note: Option<String>,
}

impl Report {
    /// What happened, in one line.
    pub fn title(&self) -> String {
        let project = visible(&self.project);
        let spent = self.attempts.map_or(0, |spent| spent.used.max(spent.total_used));
        if let (Some((phase, _)), Cause::Failures) = (&self.phase, self.cause) {
            return format!("Phase {} failed after {spent} attempts", visible(phase));
        }
        match (self.cause, self.category.as_deref()) {
            (Cause::Failures, Some(category)) => format!("{project}: {category} errors after {spent} attempts"),
            (Cause::Failures, None) => format!("{project} failed after {spent} attempts"),
            (Cause::Denials, _) => format!("{project}: asked {spent} times again for what was refused"),
            (Cause::Memory, _) => format!("{project}: a command was stopped for the memory it held"),
            (Cause::Budget, _) => format!("{project}: a budget of the plan is spent"),
            (Cause::Agent, _) => format!("{project}: the agent stopped and asks"),
            (Cause::Person, _) => format!("{project}: halted by a person"),
        }
    }

    fn category(&self) -> String {
        let word = match self.cause {
            Cause::Failures | Cause::Memory => self.category.as_deref().unwrap_or("unknown"),
            Cause::Denials => "denials",
            Cause::Budget => "budget",
            Cause::Agent | Cause::Person => "none",
        };
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
    }
}

/// The owner's block, line for line, and below it what else helps to decide.
impl Display for Report {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        writeln!(out, "[ESCALATION] {}", self.title())?;
        writeln!(out, "---")?;
        match &self.phase {
            Some((phase, what)) => writeln!(out, "Phase: {} - {}", visible(phase), visible(what))?,
            None => writeln!(out, "Phase: none is open")?,
        }
        writeln!(out, "Error Category: {}", self.category())?;
        let since = self.since.as_ref().map(|since| format!(" (changed since {since})")).unwrap_or_default();
        match self.files.as_slice() {
            [] => writeln!(out, "Files Modified: none{since}")?,
            files => {
                let shown: Vec<String> = files.iter().map(|file| visible(file)).collect();
                writeln!(out, "Files Modified: {}{since}", shown.join(", "))?;
            }
        }
        writeln!(out, "Last Error:")?;
        indented(out, &self.last_error)?;
        writeln!(out, "Self-Correction Attempts:")?;
        if self.tries.is_empty() {
            writeln!(out, "  none")?;
        }
        for (number, tried) in self.tries.iter().enumerate() {
            let record = tried.seq.map(|seq| format!(" (record #{seq})")).unwrap_or_default();
            writeln!(out, "  {}. {} → {}{record}", number + 1, visible(&tried.action), visible(&tried.result))?;
        }
        match &self.analysis {
            Some(analysis) => {
                writeln!(out, "Recommendation:")?;
                indented(out, analysis)?;
            }
            None => writeln!(out, "Recommendation: none was given")?,
        }
        writeln!(out, "---")?;
        writeln!(out, "Name: {}", self.name)?;
        writeln!(out, "Time: {} UTC", self.time)?;
        if let Some(task) = &self.task {
            writeln!(out, "Task: {}", visible(task))?;
        }
        if let Some(command) = &self.command {
            writeln!(out, "Last Command: {}", visible(command))?;
        }
        writeln!(out, "Unverified:")?;
        for what in &self.unverified {
            writeln!(out, "  {}", visible(what))?;
        }
        if let Some(resumed) = &self.resumed {
            let note = resumed.note.as_ref().map(|note| format!(": {}", visible(note))).unwrap_or_default();
            let (time, who) = (&resumed.time, visible(&resumed.who));
            return writeln!(out, "Resumed: {time} UTC by {who} ({}){note}", resumed.strength);
        }
        if let Some(seq) = self.tries.last().and_then(|tried| tried.seq) {
            writeln!(out, "To look: guard audit show {seq}")?;
        }
        writeln!(out, "To go on: guard resume {} --note TEXT", self.name)?;
        if let Some((phase, _)) = &self.phase {
            return writeln!(out, "To undo: guard undo --phase {}", visible(phase));
        }
        writeln!(
            out,
            "To undo: guard undo SEQ, with the records of changes that `guard audit tail` shows; or git restore"
        )
    }
}

/// A text of several lines, each two columns in; what a terminal would obey is made visible.
fn indented(out: &mut Formatter<'_>, text: &str) -> fmt::Result {
    for line in text.trim_end().lines() {
        writeln!(out, "  {}", visible(line.trim_end()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_has_the_owners_lines_in_their_order() {
        let report = Report {
            name: "resume-4".into(),
            time: "2026-11-21 14:32:15".into(),
            project: "bot".into(),
            phase: None,
            cause: Cause::Failures,
            category: Some("test".into()),
            attempts: Some(Spent { used: 3, budget: 3, total_used: 3, total_budget: 3 }),
            task: None,
            files: vec!["a.py".into(), "b\u{1b}.py".into()],
            since: Some("2026-11-21 14:00:00".into()),
            command: Some("pytest".into()),
            last_error: "E   assert 2 == 3\nlast".into(),
            tries: vec![Try { seq: Some(7), action: "pytest".into(), result: "assert 2 == 3".into() }],
            unverified: vec!["tests".into()],
            analysis: Some("the fee\nis wrong".into()),
            resumed: None,
        };
        let text = report.to_string();
        assert_eq!(
            text.lines().collect::<Vec<_>>(),
            [
                "[ESCALATION] bot: test errors after 3 attempts",
                "---",
                "Phase: none is open",
                "Error Category: Test",
                "Files Modified: a.py, b\\u{1b}.py (changed since 2026-11-21 14:00:00)",
                "Last Error:",
                "  E   assert 2 == 3",
                "  last",
                "Self-Correction Attempts:",
                "  1. pytest → assert 2 == 3 (record #7)",
                "Recommendation:",
                "  the fee",
                "  is wrong",
                "---",
                "Name: resume-4",
                "Time: 2026-11-21 14:32:15 UTC",
                "Last Command: pytest",
                "Unverified:",
                "  tests",
                "To look: guard audit show 7",
                "To go on: guard resume resume-4 --note TEXT",
                "To undo: guard undo SEQ, with the records of changes that `guard audit tail` shows; or git restore",
            ]
        );
    }
}
