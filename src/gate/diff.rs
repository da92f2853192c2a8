//! What a command changed, for people: a unified diff, redacted, safe for a terminal, and bounded.
//! Judges nothing.

use super::changes::content;
use crate::action::{Change, ChangeKind, ChangeSet, Node};
use crate::decide::holds_secrets;
use crate::event::line::{carry, hex, printable, visible};
use crate::execute::change::{ReadError, open_before, open_written};
use crate::record::Redactor;
use sha2::{Digest, Sha256};
use similar::{Algorithm, TextDiff};
use std::collections::{HashMap, HashSet};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A change set to be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diff {
    /// The text, whole lines.
    pub text: String,
    /// Whether there is more than `text` shows.
    pub cut: bool,
    /// New content that it tells of and does not show, and why: a file each.
    pub unseen: Vec<String>,
    /// A file whose new content is not what the set says.
    pub forged: Option<PathBuf>,
}

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Bytes of all of it, about.
    pub most: usize,
    /// Bytes of a file that is shown line by line, at most.
    pub longest: u64,
}

impl Extent {
    /// What a person reads at once.
    pub const SCREEN: Extent = Extent { most: 56 << 10, longest: 256 << 10 };
    /// Everything that can be held in memory, for a pager or a file.
    pub const WHOLE: Extent = Extent { most: 256 << 20, longest: 16 << 20 };
}

/// How long lines are compared before a worse diff will do.
const PATIENCE: Duration = Duration::from_millis(500);

/// Shows what `set` changes in `project`, its new content read from `upper`.
pub fn diff(set: &ChangeSet, upper: &Path, project: &Path, redactor: &Redactor, extent: Extent) -> Diff {
    let renames: HashMap<&Path, &Path> = set.renames().into_iter().map(|(from, to)| (to, from)).collect();
    let moved: HashSet<&Path> = renames.values().copied().collect();
    let mut out = Diff { cut: set.cut, ..Diff::default() };
    let page = Page { upper, project, redactor, longest: extent.longest };
    let mut room = extent.most;
    for change in &set.changes {
        if moved.contains(change.path.as_path()) {
            continue;
        }
        let (text, unseen) = match renames.get(change.path.as_path()) {
            Some(from) => {
                let (from, to) = (page.shown(from), page.shown(&change.path));
                (format!("rename {from} -> {to}{}\n", page.modes(change)), Unseen::Nothing)
            }
            None => page.change(change),
        };
        if text.len() > room {
            out.cut = true;
            return out;
        }
        room -= text.len();
        out.text.push_str(&text);
        match unseen {
            Unseen::Nothing => {}
            Unseen::Content(why) => out.unseen.push(format!("{}: {why}", page.shown(&change.path))),
            Unseen::Forged => out.forged = Some(change.path.clone()),
        }
    }
    for path in &set.left_out {
        let line = format!("left out {} (pipe or socket)\n", page.shown(path));
        if line.len() > room {
            out.cut = true;
            return out;
        }
        room -= line.len();
        out.text.push_str(&line);
    }
    out
}

struct Page<'a> {
    upper: &'a Path,
    project: &'a Path,
    redactor: &'a Redactor,
    longest: u64,
}

/// One side of a changed file.
enum Content {
    Nothing,
    Text(String),
    /// Why it is not shown line by line.
    Not(String),
}

/// New content that is not shown.
enum Unseen {
    Nothing,
    /// Why not.
    Content(String),
    /// It is not what it should be.
    Forged,
}

impl Page<'_> {
    /// What one change comes to: a line, and the lines of a file; and what of its new content is not among them.
    fn change(&self, change: &Change) -> (String, Unseen) {
        let path = self.shown(&change.path);
        let head = format!("{} {path}{}\n", change.kind().word(), self.modes(change));
        if change.kind() == ChangeKind::Mode {
            return (head, Unseen::Nothing);
        }
        // What stood there may be gone or another by now: then nothing comes in, which is said when it is to.
        let before = self.content(change, true).unwrap_or_else(|error| Content::Not(error.to_string()));
        let after = match self.content(change, false) {
            Ok(after) => after,
            Err(error @ ReadError::Moved { .. }) => return (format!("{head}  {error}\n"), Unseen::Forged),
            Err(error) => return (format!("{head}  {error}\n"), Unseen::Content(error.to_string())),
        };
        let (text, unseen) = match (before, after) {
            (Content::Nothing, Content::Nothing) => (String::new(), None),
            (Content::Not(what), Content::Nothing) => (format!("  {what}\n"), None),
            (Content::Nothing, Content::Not(what)) => (format!("  {what}\n"), Some(what)),
            (Content::Not(before), Content::Not(after)) => (format!("  {before} -> {after}\n"), Some(after)),
            (Content::Not(before), Content::Text(after)) => {
                (format!("  {before} -> text\n{}", lines("", &after, &path)), None)
            }
            (Content::Text(_), Content::Not(after)) => (format!("  text -> {after}\n"), Some(after)),
            (Content::Text(before), Content::Text(after)) => (lines(&before, &after, &path), None),
            (Content::Text(before), Content::Nothing) => (lines(&before, "", &path), None),
            (Content::Nothing, Content::Text(after)) => (lines("", &after, &path), None),
        };
        (head + &text, unseen.map_or(Unseen::Nothing, Unseen::Content))
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
        let hash = hex(sha256);
        if len > self.longest {
            return Ok(Content::Not(format!("{len} bytes, sha256 {hash}, too long to be shown")));
        }
        let file = if before { open_before(self.project, path)? } else { open_written(self.upper, path)? };
        let bytes = content(file, len, path)?;
        // What is looked at is what is agreed to, or nothing.
        if Sha256::digest(&bytes).as_slice() != sha256 {
            return Err(ReadError::Moved { path: path.to_owned() });
        }
        if is_binary(&bytes) {
            return Ok(Content::Not(format!("binary, {len} bytes, sha256 {hash}")));
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

/// Whether nobody could read it, escaped or not. A zero byte alone makes no file one: it would hide the text around it.
fn is_binary(bytes: &[u8]) -> bool {
    const FEW: usize = 64;
    const ONE_IN: usize = 16;
    let control = |byte: &u8| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x08 | 0x0c | 0x1b);
    let controls = bytes.iter().filter(|byte| control(byte)).count();
    let foreign: usize = bytes.utf8_chunks().map(|chunk| chunk.invalid().len()).sum();
    let odd = controls + foreign;
    odd > FEW && odd.saturating_mul(ONE_IN) > bytes.len()
}

/// The lines that differ, with three around them.
fn lines(before: &str, after: &str, path: &str) -> String {
    let (before, after) = (printable(before), printable(after));
    let diff = TextDiff::configure().algorithm(Algorithm::Myers).timeout(PATIENCE).diff_lines(&before, &after);
    diff.unified_diff().context_radius(3).header(&format!("a/{path}"), &format!("b/{path}")).to_string()
}
