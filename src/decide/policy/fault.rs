//! What is wrong with a policy text: where, what, and what to write instead.
//! Knows no format; whoever reads one says what it expected.

use super::Source;
use std::fmt;
use std::ops::Range;

/// One fault, with the line it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The source's name: `guard.toml`.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Characters that are meant, at least 1; of very many, those that are shown.
    pub width: usize,
    /// The line, tabs as single spaces; of an endless one the part around the column.
    pub text: String,
    /// What is wrong, as a fragment.
    pub message: String,
    /// What to write instead, where that is known.
    pub help: Option<String>,
}

impl Fault {
    /// A fault at the bytes `span` of `source`.
    pub(crate) fn at(source: &Source, span: Range<usize>, message: impl Into<String>) -> Fault {
        let text = source.text.as_str();
        let start = boundary(text, span.start);
        let end = boundary(text, span.end.max(start));
        let before = text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let rest = text.get(line_start..).unwrap_or_default();
        let line = rest.lines().next().unwrap_or_default();
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        let skipped = skipped(column);
        let marked = text.get(start..end).unwrap_or_default().lines().next().unwrap_or_default();
        Fault {
            file: source.name.clone(),
            line: before.matches('\n').count() + 1,
            column,
            width: marked.chars().take(SHOWN).count().max(1),
            text: line.chars().skip(skipped).take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect(),
            message: message.into(),
            help: None,
        }
    }

    /// The same fault with a line of advice.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Fault {
        self.help = Some(help.into());
        self
    }
}

/// The nearest character boundary at or before `at`.
fn boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The most of one line that is shown; a policy on a single endless line must not flood a terminal.
const SHOWN: usize = 160;

/// Characters of a line that are not shown before what is meant.
fn skipped(column: usize) -> usize {
    if column > SHOWN { column - 1 } else { 0 }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { file, line, column, message, .. } = self;
        writeln!(out, "{file}:{line}:{column}: {message}")?;
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        let shown = &self.text;
        let indent = " ".repeat(column - 1 - skipped(*column));
        let room = SHOWN.saturating_sub(indent.len()).max(1);
        let carets = "^".repeat(self.width.min(room));
        writeln!(out, "{margin} |")?;
        writeln!(out, "{number} | {}", shown.trim_end())?;
        write!(out, "{margin} | {indent}{carets}")?;
        match &self.help {
            Some(help) => write!(out, "\nhelp: {help}"),
            None => Ok(()),
        }
    }
}

/// All faults of a policy; it refuses everything until they are mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, fault) in self.0.iter().enumerate() {
            if number > 0 {
                writeln!(out, "\n")?;
            }
            fault.fmt(out)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// The known word nearest to `word`, if one is near enough to be meant.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let limit = 1 + word.chars().count() / 4;
    known
        .iter()
        .map(|candidate| (distance(word, candidate), *candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance in characters.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.chars().enumerate() {
        let mut diagonal = i;
        let mut previous = i + 1;
        let mut next = vec![previous];
        for (cell, r) in row.iter().skip(1).zip(&right) {
            let value = (diagonal + usize::from(l != *r)).min(cell + 1).min(previous + 1);
            diagonal = *cell;
            previous = value;
            next.push(value);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::Layer;

    fn source(text: &str) -> Source {
        Source { layer: Layer::Project, name: "guard.toml".into(), text: text.into() }
    }

    #[test]
    fn a_fault_shows_its_place_its_line_a_caret_and_advice() {
        let fault = Fault::at(&source("version = 1\nverdit = \"deny\"\n"), 12..18, "unknown key `verdit`")
            .help("did you mean `verdict`?");
        assert_eq!(
            fault.to_string(),
            "guard.toml:2:1: unknown key `verdit`\n  |\n2 | verdit = \"deny\"\n  | ^^^^^^\nhelp: did you mean `verdict`?"
        );
    }

    #[test]
    fn columns_count_characters_and_spans_beyond_the_text_are_harmless() {
        let fault = Fault::at(&source("ü = ß"), 5..900, "x");
        assert_eq!((fault.line, fault.column, fault.width), (1, 5, 1));
        let end = Fault::at(&source("a"), 900..901, "x");
        assert_eq!((end.line, end.column, end.width), (1, 2, 1));
    }

    #[test]
    fn the_nearest_word_is_offered_only_when_it_is_near() {
        assert_eq!(nearest("verdit", &["verdict", "reason"]), Some("verdict"));
        assert_eq!(nearest("colour", &["verdict", "reason"]), None);
    }
}
