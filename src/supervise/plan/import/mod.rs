//! A plan from Markdown: what has a clear place is put there, everything else is told, line by line.
//! Knows the common form of such documents; guesses nothing without saying so.

mod markdown;
mod tools;
mod write;

use super::LARGEST;
use crate::decide::policy::Fault;
use crate::decide::{Layer, Source};
use crate::event::Mode;
use std::time::Duration;

/// What a Markdown document comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The plan in TOML. It is none until the places marked with `FILL IN` are filled.
    pub toml: String,
    /// How many places are marked.
    pub gaps: usize,
    /// How many phases were found.
    pub phases: usize,
    /// What has no place in a plan, or was placed with a doubt, in the order of lines.
    pub notes: Vec<Note>,
}

/// Something a person should look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The line in the Markdown, from 1.
    pub line: usize,
    /// What about it.
    pub message: String,
}

/// Makes a plan of the Markdown document `name`.
///
/// # Errors
/// It is no text, or holds no phase.
pub fn import(name: &str, bytes: &[u8]) -> Result<Imported, Vec<Fault>> {
    let whole = |message: &str, help: &str| {
        let source = Source { layer: Layer::Project, name: name.to_owned(), text: String::new() };
        Err(vec![Fault::at(&source, 0..0, message).help(help)])
    };
    if bytes.len() > LARGEST {
        return whole("a document of more than 1 MiB", "split it");
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return whole("it is not UTF-8", "save it as UTF-8");
    };
    let read = markdown::read(text);
    if read.phases.is_empty() {
        return whole("no phase in it", "begin each with a heading: `### Phase 2.3: Description`");
    }
    let (toml, gaps) = write::toml(&read, name);
    Ok(Imported { toml, gaps, phases: read.phases.len(), notes: read.notes })
}

/// What was found in a document.
#[derive(Debug, Default)]
struct Found {
    title: Option<String>,
    phases: Vec<Draft>,
    notes: Vec<Note>,
}

/// A phase, as far as the document tells.
#[derive(Debug, Default)]
struct Draft {
    id: String,
    description: String,
    goal: String,
    /// Criteria, each with whether its box is checked.
    accept: Vec<(String, bool)>,
    after: Vec<String>,
    files: Vec<String>,
    mode: Option<Mode>,
    lint: Vec<String>,
    types: Vec<String>,
    format: Vec<String>,
    tests: Vec<String>,
    dry_run: Option<Run>,
}

/// A dry run.
#[derive(Debug, PartialEq, Eq)]
struct Run {
    command: String,
    duration: Option<Duration>,
}
