//! Changes to the project as a person and a machine read them.
//! Decides nothing.

use super::text::{Paint, Tone, rules};
use super::words::listed;
use crate::event::line::{printable, visible};
use crate::event::{ChangedFile, Why};
use crate::gate::Changes;
use serde::Serialize;
use std::fmt::Write as _;
use std::path::PathBuf;

/// What `--json` says of changes.
#[derive(Debug, Serialize)]
pub(super) struct Object {
    /// Whether they are in the project.
    committed: bool,
    /// Why not: `deny`, `ask`, `ended`, `dry_run`, `conflict`, `error` or `halted`.
    withheld: Option<&'static str>,
    files: Vec<File>,
    more: u64,
    rules: Vec<super::json::Rule>,
    cause: Option<String>,
    request: Option<String>,
    /// The record that tells of them.
    seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    diff: Option<String>,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct File {
    path: String,
    change: String,
    kind: String,
    sha256: Option<String>,
}

pub(super) fn object(changes: &Changes) -> Object {
    let file = |file: &ChangedFile| File {
        path: file.path.clone(),
        change: file.change.clone(),
        kind: file.kind.clone(),
        sha256: file.sha256.clone(),
    };
    Object {
        committed: changes.withheld.is_none(),
        withheld: changes.withheld.map(Why::word),
        files: changes.changed.files.iter().map(file).collect(),
        more: changes.changed.more,
        rules: changes.rules.iter().map(super::json::rule).collect(),
        cause: changes.cause.clone(),
        request: changes.request.clone(),
        seq: changes.seq,
        diff: changes.diff.clone(),
        notes: changes.notes.clone(),
    }
}

/// One line for each path.
pub(super) fn list(changes: &Changes, paint: Paint) -> String {
    let mut text = String::new();
    for file in &changes.changed.files {
        let tone = match file.change.as_str() {
            "create" => Tone::Good,
            "delete" => Tone::Bad,
            _ => Tone::Question,
        };
        let kind = if file.kind == "file" { String::new() } else { format!(" ({})", file.kind) };
        let _ = writeln!(text, "  {} {}{kind}", paint.with(tone, &format!("{:<6}", file.change)), visible(&file.path));
    }
    if changes.changed.more > 0 {
        let _ = writeln!(text, "  and {} more", changes.changed.more);
    }
    text
}

/// What `exec` says of changes that are not in the project, or are there otherwise than the command left them.
pub(super) fn withheld(changes: &Changes, paint: Paint) -> String {
    let noted = |note: &String| format!("guard: {}: {}\n", paint.with(Tone::Question, "note"), printable(note));
    let notes: String = changes.notes.iter().map(noted).collect();
    let Some(why) = changes.withheld else { return notes };
    let head = match why {
        Why::Deny => paint.with(Tone::Bad, "its changes were refused and dropped"),
        Why::Ask if changes.request.is_none() => {
            paint.with(Tone::Bad, "its changes were dropped: too many requests wait for a person already")
        }
        Why::Ask => paint.with(Tone::Question, "its changes wait: a person has to allow them"),
        Why::Ended => paint.with(Tone::Bad, "its changes were dropped"),
        Why::DryRun => paint.with(Tone::Question, "dry run: nothing was changed"),
        Why::Conflict => paint.with(Tone::Bad, "its changes were dropped: somebody else was at work there"),
        Why::Error if changes.seq.is_none() => {
            paint.with(Tone::Bad, "its changes are not in the project, and no record says so")
        }
        Why::Error => paint.with(Tone::Bad, "its changes were dropped: they could not be taken in"),
        Why::Halted => paint.with(Tone::Bad, "its changes were dropped: everything was halted meanwhile"),
    };
    let name = changes.request.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
    let cause = changes.cause.as_ref().map(|cause| format!(": {}", printable(cause))).unwrap_or_default();
    let mut text = format!("guard: {head}{name}{cause}\n");
    text += &rules(changes.rules.iter(), paint);
    match &changes.diff {
        // It names every path.
        Some(diff) => text += diff,
        None => text += &list(changes, paint),
    }
    text + &notes
}

/// What is said where changes of an interrupted run were finished, and not all of them could be.
pub(super) fn left_alone(paths: &[PathBuf], paint: Paint) -> String {
    const MOST: usize = 5;
    if paths.is_empty() {
        return String::new();
    }
    let named = paths.iter().take(MOST).map(|path| format!("`{}`", visible(&path.to_string_lossy())));
    let mut named: Vec<String> = named.collect();
    if paths.len() > MOST {
        named.push(format!("{} more", paths.len() - MOST));
    }
    let word = paint.with(Tone::Question, "changes of an interrupted run are in the project now, but not all");
    format!("guard: {word}: somebody has worked on {} since, which stays as it is\n", listed(&named, "and"))
}

/// What is said beside what stopped guard: that changes are lost, where they are.
pub(super) fn lost(changes: &Changes, paint: Paint) -> String {
    match changes.withheld {
        Some(Why::Deny | Why::Ended | Why::Conflict | Why::Error | Why::Halted) => {
            withheld(&Changes { cause: None, ..changes.clone() }, paint)
        }
        Some(Why::Ask | Why::DryRun) | None => String::new(),
    }
}
