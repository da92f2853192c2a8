//! What the log keeps of changes to the project: brought in, refused, dropped.
//! Knows no file system.

use super::{Counted, RuleHit};
use crate::action::{Change, ChangeSet, Node};
use crate::event::line::{carry, hex};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// Changes that a record lists one by one; of more it keeps the number.
const LISTED: usize = 40;
/// Transactions that are remembered, so that an interrupted one is known as recorded.
const REMEMBERED: usize = 256;

/// What a command changed, or would have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changed {
    /// Sequence number of the command's start; none where no command made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u64>,
    /// The first of them, in the order of their paths.
    pub files: Vec<ChangedFile>,
    /// How many more there are.
    #[serde(default, skip_serializing_if = "is_none")]
    pub more: u64,
}

/// A path that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangedFile {
    /// From the project's root.
    pub path: String,
    /// `create`, `modify`, `mode`, `delete`.
    pub change: String,
    /// `file`, `link`, `folder`, or what else it is; of what is deleted, what it was.
    pub kind: String,
    /// SHA-256 of a file's new content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// Changes that were brought into the project; durable before they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Committed {
    /// What changed.
    pub changed: Changed,
    /// The transaction's name.
    pub transaction: String,
    /// SHA-256 of the whole list with lengths, modes and hashes, as it is kept in the state folder.
    pub manifest: String,
    /// Whether everything that was replaced is kept, so that it can be undone.
    pub kept: bool,
    /// The record of the changes that these take back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<u64>,
    /// The request that a person approved, where they come in by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
    /// The files of it that count in the open iteration.
    #[serde(default, skip_serializing_if = "Counted::is_empty")]
    pub counted: Counted,
    /// Of an action on a file: why the caller wanted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Changes that were not brought in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withheld {
    /// What would have changed.
    pub changed: Changed,
    /// Why not.
    pub why: Why,
    /// Rules that decided, where rules did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleHit>,
    /// The request that was made of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// What stood in the way, where it was the system or somebody else's work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Of an action on a file: why the caller wanted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Of an action on a file that was refused or failed: what counts if it happens again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
}

/// A file that was given out by `guard file read`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRead {
    /// Bytes of all of it.
    pub len: u64,
    /// The first line that was given out, counted from 1; none: all of it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// The last one; none: to the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<u64>,
}

/// Changes on record that a later guard brought in, since the one that began was interrupted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finished {
    /// The transaction's name.
    pub transaction: String,
    /// The first of the paths that were left as they are, since somebody had worked on them meanwhile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<String>,
    /// How many more of those there are.
    #[serde(default, skip_serializing_if = "is_none")]
    pub more: u64,
}

impl Finished {
    /// What a record keeps of it.
    pub fn of(transaction: &str, conflicts: &[PathBuf]) -> Self {
        let named = conflicts.iter().take(LISTED);
        Self {
            transaction: transaction.to_owned(),
            conflicts: named.map(|path| carry(path.as_os_str().as_bytes()).into_owned()).collect(),
            more: conflicts.len().saturating_sub(LISTED) as u64,
        }
    }
}

/// Why changes were not brought in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The policy denies them.
    Deny,
    /// A person must allow them; they are kept until then.
    Ask,
    /// The command did not end by itself.
    Ended,
    /// They were only to be looked at.
    DryRun,
    /// Somebody else changed the same meanwhile.
    Conflict,
    /// The system refused.
    Error,
    /// A person stopped everything while the command ran.
    Halted,
}

impl Why {
    /// The word of logs and `--json`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Ask => "ask",
            Self::Ended => "ended",
            Self::DryRun => "dry_run",
            Self::Conflict => "conflict",
            Self::Error => "error",
            Self::Halted => "halted",
        }
    }
}

impl Changed {
    /// What a record keeps of a set.
    pub fn of(of: Option<u64>, set: &ChangeSet) -> Self {
        // What is only opened and shut again does not change.
        let mut changes = set.changes.iter().filter(|change| change.before != change.after);
        let files = changes.by_ref().take(LISTED).map(ChangedFile::of).collect();
        Self { of, files, more: changes.count() as u64 }
    }

    /// The paths, for a person: the first few, and how many more.
    pub fn paths(&self) -> String {
        let shown: Vec<&str> = self.files.iter().take(5).map(|file| file.path.as_str()).collect();
        match self.files.len().saturating_sub(5) as u64 + self.more {
            0 => shown.join(" "),
            more => format!("{} and {more} more", shown.join(" ")),
        }
    }
}

impl ChangedFile {
    fn of(change: &Change) -> Self {
        let node = change.after.as_ref().or(change.before.as_ref());
        let kind = match node {
            Some(Node::File { .. }) => "file",
            Some(Node::Link { .. }) => "link",
            Some(Node::Folder { .. }) => "folder",
            Some(Node::Special { kind }) => kind,
            None => "nothing",
        };
        let sha256 = match &change.after {
            Some(Node::File { sha256, .. }) => Some(hex(sha256)),
            Some(Node::Link { .. } | Node::Folder { .. } | Node::Special { .. }) | None => None,
        };
        Self {
            path: carry(change.path.as_os_str().as_bytes()).into_owned(),
            change: change.kind().word().to_owned(),
            kind: kind.to_owned(),
            sha256,
        }
    }
}

/// Transactions that were brought in, the latest last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transactions {
    recent: VecDeque<String>,
}

impl Transactions {
    pub(super) fn commit(&mut self, name: &str) {
        self.recent.push_back(name.to_owned());
        while self.recent.len() > REMEMBERED {
            self.recent.pop_front();
        }
    }

    /// Whether a record says that this one is brought in.
    pub fn holds(&self, name: &str) -> bool {
        self.recent.iter().any(|known| known == name)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_none(count: &u64) -> bool {
    *count == 0
}
