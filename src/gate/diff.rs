//! What a command changed, for people: a unified diff, redacted, safe for a terminal, and bounded.
//! Judges nothing.

use super::changes::content;
use crate::action::{Change, ChangeKind, ChangeSet, Node};
use crate::decide::holds_secrets;
use crate::event::line::{carry, hex, printable, visible};
use crate::execute::change::{ReadError, open_before, open_written};
use crate::record::Redactor;
use similar::{Algorithm, TextDiff};
use std::collections::{HashMap, HashSet};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

/// A change set to be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diff {
    /// The text, whole lines.
    pub text: String,
    /// Whether there is more than `text` shows.
    pub cut: bool,
}

/// Bytes of a file that is shown line by line, at most.
const LONGEST: u64 = 256 << 10;

/// How long lines are compared before a worse diff will do.
const PATIENCE: Duration = Duration::from_millis(500);

/// Shows what `set` changes in `project`, its new content read from `upper`, in at most about `most` bytes.
pub fn diff(set: &ChangeSet, upper: &Path, project: &Path, redactor: &Redactor, most: usize) -> Diff {
    let renames: HashMap<&Path, &Path> = set.renames().into_iter().map(|(from, to)| (to, from)).collect();
    let moved: HashSet<&Path> = renames.values().copied().collect();
    let mut out = Diff { text: String::new(), cut: set.cut };
    let page = Page { upper, project, redactor };
    for change in &set.changes {
        if moved.contains(change.path.as_path()) {
            continue;
        }
        let text = match renames.get(change.path.as_path()) {
            Some(from) => {
                format!("rename {} -> {}{}\n", page.shown(from), page.shown(&change.path), page.modes(change))
            }
            None => page.change(change),
        };
        if out.text.len() + text.len() > most {
            out.cut = true;
            break;
        }
        out.text.push_str(&text);
    }
    for path in &set.left_out {
        let line = format!("left out {} (pipe or socket)\n", page.shown(path));
        if out.text.len() + line.len() > most {
            out.cut = true;
            break;
        }
        out.text.push_str(&line);
    }
    out
}

struct Page<'a> {
    upper: &'a Path,
    project: &'a Path,
    redactor: &'a Redactor,
}

/// One side of a changed file.
enum Content {
    Nothing,
    Text(String),
    /// Why it is not shown line by line.
    Not(String),
}

impl Page<'_> {
    /// What one change comes to: a line, and the lines of a file.
    fn change(&self, change: &Change) -> String {
        let path = self.shown(&change.path);
        let head = format!("{} {path}{}\n", change.kind().word(), self.modes(change));
        if change.kind() == ChangeKind::Mode {
            return head;
        }
        let (before, after) = match (self.content(change, true), self.content(change, false)) {
            (Ok(before), Ok(after)) => (before, after),
            (Err(error), _) | (_, Err(error)) => return format!("{head}  {error}\n"),
        };
        match (before, after) {
            (Content::Nothing, Content::Nothing) => head,
            (Content::Not(what), Content::Nothing) => format!("{head}  {what}\n"),
            (Content::Nothing, Content::Not(what)) => format!("{head}  {what}\n"),
            (Content::Not(before), Content::Not(after)) => format!("{head}  {before} -> {after}\n"),
            (Content::Not(before), Content::Text(_)) => format!("{head}  {before} -> text\n"),
            (Content::Text(_), Content::Not(after)) => format!("{head}  text -> {after}\n"),
            (Content::Text(before), Content::Text(after)) => head + &lines(&before, &after, &path),
            (Content::Text(before), Content::Nothing) => head + &lines(&before, "", &path),
            (Content::Nothing, Content::Text(after)) => head + &lines("", &after, &path),
        }
    }

    /// A file's content before or after, with every secret masked.
    fn content(&self, change: &Change, before: bool) -> Result<Content, ReadError> {
        let path = &change.path;
        let (len, sha256) = match if before { &change.before } else { &change.after } {
            Some(Node::File { len, sha256, .. }) => (*len, sha256),
            Some(Node::Link { .. } | Node::Folder { .. } | Node::Special { .. }) | None => return Ok(Content::Nothing),
        };
        if holds_secrets(path) {
            // Neither a hash: a short secret could be guessed by it.
            return Ok(Content::Not(format!("{len} bytes, not shown")));
        }
        let hash: String = hex(sha256).chars().take(16).collect();
        if len > LONGEST {
            return Ok(Content::Not(format!("{len} bytes, sha256 {hash}…, too long to be shown")));
        }
        let file = if before { open_before(self.project, path)? } else { open_written(self.upper, path)? };
        let bytes = content(file, len, path)?;
        if bytes.contains(&0) {
            return Ok(Content::Not(format!("binary, {len} bytes, sha256 {hash}…")));
        }
        let text = carry(&bytes);
        Ok(Content::Text(self.redactor.redact(&text).unwrap_or_else(|| text.into_owned())))
    }

    /// Kinds, modes and targets, where they tell something.
    fn modes(&self, change: &Change) -> String {
        match (&change.before, &change.after) {
            (Some(Node::File { mode: before, .. }), Some(Node::File { mode: after, .. })) if before == after => {
                String::new()
            }
            (None, Some(node)) | (Some(node), None) => format!(" ({})", self.node(node)),
            (Some(before), Some(after)) => format!(" ({} -> {})", self.node(before), self.node(after)),
            (None, None) => String::new(),
        }
    }

    fn node(&self, node: &Node) -> String {
        match node {
            Node::File { mode, .. } => format!("file {mode:o}"),
            Node::Link { to } => format!("link to {}", self.shown(to)),
            Node::Folder { mode } => format!("folder {mode:o}"),
            Node::Special { kind } => (*kind).to_owned(),
        }
    }

    /// A path on one line, with every secret masked.
    fn shown(&self, path: &Path) -> String {
        let text = carry(path.as_os_str().as_bytes());
        visible(&self.redactor.redact(&text).unwrap_or_else(|| text.into_owned()))
    }
}

/// The lines that differ, with three around them.
fn lines(before: &str, after: &str, path: &str) -> String {
    let (before, after) = (printable(before), printable(after));
    let diff = TextDiff::configure().algorithm(Algorithm::Myers).timeout(PATIENCE).diff_lines(&before, &after);
    diff.unified_diff().context_radius(3).header(&format!("a/{path}"), &format!("b/{path}")).to_string()
}
