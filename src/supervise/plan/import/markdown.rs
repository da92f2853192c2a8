//! Reads the common Markdown form of a plan, a line at a time.
//! Knows headings, labels, lists and boxes; commands are told apart elsewhere.

use super::tools::{Step, step};
use super::{Draft, Found, Note};
use crate::event::Mode;
use crate::supervise::plan::CheckKind;
use crate::supervise::plan::meaning::glob;

/// What lines below a label are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Below a heading of a phase: nothing was said yet.
    Head,
    Goal,
    Accept,
    Files,
    Validation,
    After,
    Mode,
    /// Below a label or heading that a plan has no place for.
    Other,
}

/// Labels, as lines and headings have them.
const LABELS: &[(&str, Part)] = &[
    ("goal", Part::Goal),
    ("goals", Part::Goal),
    ("objective", Part::Goal),
    ("purpose", Part::Goal),
    ("acceptance", Part::Accept),
    ("acceptance criteria", Part::Accept),
    ("criteria", Part::Accept),
    ("tasks", Part::Accept),
    ("definition of done", Part::Accept),
    ("files", Part::Files),
    ("files to modify", Part::Files),
    ("files to change", Part::Files),
    ("files to create", Part::Files),
    ("files to touch", Part::Files),
    ("validation", Part::Validation),
    ("validation steps", Part::Validation),
    ("validation commands", Part::Validation),
    ("validate", Part::Validation),
    ("verification", Part::Validation),
    ("checks", Part::Validation),
    ("depends on", Part::After),
    ("dependencies", Part::After),
    ("depends", Part::After),
    ("after", Part::After),
    ("mode", Part::Mode),
];

/// Words around a command that say nothing beyond it.
const PLAIN: &[&str] = &[
    "run", "runs", "pass", "passes", "passing", "must", "should", "is", "are", "clean", "green", "and", "all", "the",
    "dry",
];

/// Reads a document.
pub(super) fn read(text: &str) -> Found {
    let mut reading =
        Reading { found: Found::default(), phase: None, level: 0, part: Part::Other, fence: None, number: 0 };
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        reading.number = number + 1;
        reading.line(line.trim_end());
    }
    if reading.fence.is_some() {
        reading.note("a block of code that does not end");
    }
    reading.close();
    reading.found
}

struct Reading {
    found: Found,
    /// The phase that is read, and the level of its heading.
    phase: Option<Draft>,
    level: usize,
    part: Part,
    /// What ends the block of code that is read.
    fence: Option<String>,
    number: usize,
}

impl Reading {
    fn note(&mut self, message: impl Into<String>) {
        self.found.notes.push(Note { line: self.number, message: message.into() });
    }

    fn unplaced(&mut self, text: &str) {
        self.note(format!("no place for: {}", text.trim()));
    }

    fn close(&mut self) {
        if let Some(mut phase) = self.phase.take() {
            phase.goal.truncate(phase.goal.trim_end().len());
            self.found.phases.push(phase);
        }
    }

    fn line(&mut self, line: &str) {
        let text = line.trim_start();
        if let Some(fence) = &self.fence {
            if text.starts_with(fence.as_str()) {
                self.fence = None;
            } else {
                self.code(text);
            }
            return;
        }
        if let Some(fence) = ["```", "~~~"].into_iter().find(|fence| text.starts_with(fence)) {
            self.fence = Some(fence.to_owned());
            return;
        }
        let rule = text.len() >= 3 && ['-', '*', '_', '='].iter().any(|c| text.chars().all(|found| found == *c));
        if text.is_empty() || rule {
            // A goal may have several paragraphs; a blank line ends what follows a mode or an id on its line.
            if let (Part::Goal, Some(phase)) = (self.part, &mut self.phase)
                && !phase.goal.is_empty()
                && !phase.goal.ends_with('\n')
            {
                phase.goal.push_str("\n\n");
            }
            return;
        }
        if let Some((level, title)) = heading(text) {
            return self.heading(level, title);
        }
        let (item, boxed, text) = item(text);
        if let Some((part, rest)) = label(text).filter(|_| boxed.is_none()) {
            if self.phase.is_none() {
                return self.unplaced(text);
            }
            self.part = part;
            if !rest.is_empty() {
                self.content(false, None, rest);
            }
            return;
        }
        self.content(item, boxed, text);
    }

    fn heading(&mut self, level: usize, title: &str) {
        if let Some((id, description)) = phase(title) {
            self.close();
            if self.found.phases.iter().any(|phase| phase.id == id) {
                self.note(format!("a second phase {id}: give one another id"));
            }
            self.phase = Some(Draft { id, description, ..Draft::default() });
            (self.level, self.part) = (level, Part::Head);
            return;
        }
        if self.phase.is_some() && level > self.level {
            match label(&format!("{}:", title.trim_end_matches(':'))) {
                Some((part, _)) => self.part = part,
                None => {
                    self.part = Part::Other;
                    self.unplaced(title);
                }
            }
            return;
        }
        self.close();
        self.part = Part::Other;
        if level == 1 && self.found.title.is_none() && self.found.phases.is_empty() {
            self.found.title = Some(plain(title));
        } else {
            self.unplaced(title);
        }
    }

    /// A line of a block of code.
    fn code(&mut self, text: &str) {
        let command = text.strip_prefix("$ ").unwrap_or(text);
        if command.is_empty() || command.starts_with('#') {
            return;
        }
        if self.part == Part::Validation && self.phase.is_some() {
            self.command(command);
        } else {
            self.unplaced(text);
        }
    }

    fn content(&mut self, item: bool, boxed: Option<bool>, text: &str) {
        let Some(phase) = &mut self.phase else { return self.unplaced(text) };
        match (self.part, boxed) {
            (Part::Validation, _) => self.validation(boxed, text),
            (Part::Files, _) => self.files(text),
            (Part::Head | Part::Goal | Part::Accept | Part::After | Part::Mode | Part::Other, Some(done)) => {
                self.criterion(text, done);
            }
            (Part::Accept, None) if item => self.criterion(text, false),
            (Part::Goal, None) => goal(phase, text),
            (Part::Head, None) if !item => {
                goal(phase, text);
                self.note(format!("taken as the goal: {text}"));
            }
            (Part::After, None) => self.after(text),
            (Part::Mode, None) => self.mode(text),
            (Part::Head | Part::Accept | Part::Other, None) => self.unplaced(text),
        }
    }

    fn criterion(&mut self, text: &str, done: bool) {
        let text = plain(text);
        if text.is_empty() {
            return self.note("a box without a criterion");
        }
        for command in quoted(&text).into_iter().filter(|command| step(command) != Step::Unknown) {
            self.note(format!("`{command}` stands in a criterion and is not run: a check has its own line"));
        }
        if done {
            self.note(format!("its box is checked, it is kept as a criterion: {text}"));
        }
        if let Some(phase) = &mut self.phase {
            phase.accept.push((text, done));
        }
    }

    fn files(&mut self, text: &str) {
        let named = quoted(text);
        let bare = named.is_empty().then(|| text.split_whitespace().next().unwrap_or_default().trim_end_matches(','));
        let paths: Vec<String> = match bare {
            Some(word) if word.contains(['/', '.', '*']) => vec![word.to_owned()],
            Some(_) => Vec::new(),
            None => named,
        };
        if paths.is_empty() {
            return self.unplaced(text);
        }
        let mut rest = text.replace('`', "");
        for path in paths {
            rest = rest.replacen(&path, "", 1);
            if let Err((message, _)) = glob(&path) {
                self.note(format!("not taken as a file: {message}"));
            } else if let Some(phase) = self.phase.as_mut().filter(|phase| !phase.files.contains(&path)) {
                phase.files.push(path);
            }
        }
        if rest.chars().any(char::is_alphanumeric) {
            self.unplaced(&rest);
        }
    }

    fn validation(&mut self, boxed: Option<bool>, text: &str) {
        let commands = quoted(text);
        if commands.is_empty() {
            match boxed {
                Some(done) => {
                    self.note("no command in backticks: kept as a criterion");
                    self.criterion(text, done);
                }
                None => self.unplaced(text),
            }
            return;
        }
        let mut rest = text.to_owned();
        for command in commands {
            rest = rest.replacen(&format!("`{command}`"), " ", 1);
            self.command(&command);
        }
        let says = |word: &str| !word.is_empty() && !PLAIN.contains(&word.to_lowercase().as_str());
        if rest.split(|c: char| !c.is_alphanumeric()).any(says) {
            self.unplaced(&rest);
        }
        if boxed == Some(true) {
            self.note("its box is checked, and it is a check all the same");
        }
    }

    fn command(&mut self, command: &str) {
        let Some(phase) = &mut self.phase else { return };
        let list = match step(command) {
            Step::Check(kind, doubt) => {
                let list = match kind {
                    CheckKind::Lint => &mut phase.lint,
                    CheckKind::Types => &mut phase.types,
                    CheckKind::Format => &mut phase.format,
                    CheckKind::Tests => &mut phase.tests,
                };
                if !list.iter().any(|known| known == command) {
                    list.push(command.to_owned());
                }
                doubt.map(|doubt| format!("`{command}`: {doubt}"))
            }
            Step::DryRun(run) if phase.dry_run.is_none() => {
                phase.dry_run = Some(run);
                None
            }
            Step::DryRun(_) => Some(format!("a phase has one dry run, and this is the second: `{command}`")),
            Step::Unknown => Some(format!("not taken as a check, its tool is not known: `{command}`")),
        };
        if let Some(message) = list {
            self.note(message);
        }
    }

    fn after(&mut self, text: &str) {
        let ids: Vec<String> = text
            .split(|c: char| !c.is_ascii_digit() && c != '.')
            .map(|word| word.trim_matches('.'))
            .filter(|word| is_id(word))
            .map(str::to_owned)
            .collect();
        let none = ["none", "nothing", "-", "—", "n/a"].contains(&plain(text).to_lowercase().trim_end_matches('.'));
        if ids.is_empty() && !none {
            return self.unplaced(text);
        }
        for id in ids {
            if let Some(phase) = self.phase.as_mut().filter(|phase| !phase.after.contains(&id)) {
                phase.after.push(id);
            }
        }
        let other = |word: &str| word.chars().any(char::is_alphabetic) && !["phase", "phases", "and"].contains(&word);
        let lower = text.to_lowercase();
        if !none && lower.split(|c: char| !c.is_alphanumeric() && c != '.').any(other) {
            self.note(format!("only the ids are taken of: {text}"));
        }
    }

    fn mode(&mut self, text: &str) {
        let word = plain(text).replace('`', "").trim_end_matches('.').to_lowercase();
        match (Mode::of(&word), &mut self.phase) {
            (Some(mode @ (Mode::Backtest | Mode::Test | Mode::Paper)), Some(phase)) => phase.mode = Some(mode),
            (Some(Mode::Live), _) => self.note("no phase is in mode `live`: the loop never acts"),
            (Some(Mode::Backtest | Mode::Test | Mode::Paper) | None, _) => self.unplaced(text),
        }
    }
}

/// A line of a goal.
fn goal(phase: &mut Draft, text: &str) {
    if !phase.goal.is_empty() && !phase.goal.ends_with('\n') {
        phase.goal.push(' ');
    }
    phase.goal.push_str(&plain(text));
}

/// A heading: its level and its text.
fn heading(text: &str) -> Option<(usize, &str)> {
    let level = text.chars().take_while(|c| *c == '#').count();
    let title = text.trim_start_matches('#');
    let is = (1..=6).contains(&level) && title.starts_with([' ', '\t']);
    is.then(|| (level, title.trim().trim_end_matches('#').trim_end()))
}

/// A heading of a phase: its id and description.
fn phase(title: &str) -> Option<(String, String)> {
    let title = plain(title);
    let title = title.trim_start_matches("[ ]").trim_start_matches("[x]").trim_start();
    let (word, rest) = title.split_at_checked(5)?;
    let rest = word.eq_ignore_ascii_case("phase").then_some(rest)?.trim_start();
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let (id, rest) = rest.split_at_checked(end)?;
    let id = id.trim_end_matches('.');
    let rest = rest.trim_start_matches([':', '.', '-', '–', '—', ' ', '\t']);
    is_id(id).then(|| (id.to_owned(), rest.trim().to_owned()))
}

fn is_id(text: &str) -> bool {
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once('.').is_some_and(|(major, minor)| number(major) && number(minor))
}

/// Whether a line is an item of a list, whether its box is checked if it has one, and its text.
fn item(text: &str) -> (bool, Option<bool>, &str) {
    let digits = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let numbered = (digits.len() < text.len()).then(|| digits.strip_prefix(". ").or_else(|| digits.strip_prefix(") ")));
    let Some(rest) = ["- ", "* ", "+ "].iter().find_map(|mark| text.strip_prefix(mark)).or(numbered.flatten()) else {
        return (false, None, text);
    };
    let rest = rest.trim_start();
    for (mark, done) in [("[ ]", false), ("[x]", true), ("[X]", true)] {
        if let Some(rest) = rest.strip_prefix(mark) {
            return (true, Some(done), rest.trim());
        }
    }
    (true, None, rest)
}

/// A label and what stands behind it: `**Goal:** …`, `Files:`.
fn label(text: &str) -> Option<(Part, &str)> {
    let (name, rest) = text.split_once(':')?;
    let name = name.trim().trim_matches(['*', '_']).trim().to_lowercase();
    let (_, part) = LABELS.iter().find(|(label, _)| *label == name)?;
    Some((*part, rest.trim_start_matches(['*', '_']).trim()))
}

/// What stands in backticks.
fn quoted(text: &str) -> Vec<String> {
    let parts: Vec<&str> = text.split('`').collect();
    // An odd number of backticks: the last opens nothing.
    let pairs = (parts.len().saturating_sub(1)) / 2;
    let inner = parts.iter().skip(1).step_by(2).take(pairs);
    inner.map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

/// A text without the marks of bold type around it or its words.
fn plain(text: &str) -> String {
    text.replace("**", "").trim().to_owned()
}
