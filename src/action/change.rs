//! What a command would change in its project: files, links and folders, before and after.
//! Knows neither how the changes were found nor who judges them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Everything that a command would change, in the order of the paths' bytes; of a removed or replaced folder, what lay in
/// it too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeSet {
    /// One for each path.
    pub changes: Vec<Change>,
    /// Whether there is more than was looked at: such a set can neither be judged nor shown whole.
    pub cut: bool,
    /// Pipes and sockets that the command left behind: they are not committed, and whatever stood there before is deleted.
    pub left_out: Vec<PathBuf>,
    /// Changed files that go by more than one name: each name is committed as a file of its own.
    pub linked: Vec<PathBuf>,
    /// Files that were written and hold what they held, with the time of that: no change to judge or to record, and what
    /// tools go by that compare times (make, cargo).
    pub touched: Vec<(PathBuf, SystemTime)>,
}

/// A path that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// From the project's root.
    pub path: PathBuf,
    /// What is there; `None`: nothing.
    pub before: Option<Node>,
    /// What would be there; `None`: nothing.
    pub after: Option<Node>,
}

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A file.
    File {
        /// Its length in bytes.
        len: u64,
        /// Permission bits, set-user-id and the like included.
        mode: u32,
        /// SHA-256 of its content.
        sha256: [u8; 32],
    },
    /// A symbolic link.
    Link {
        /// What it says, as it stands.
        to: PathBuf,
    },
    /// A folder.
    Folder {
        /// Permission bits.
        mode: u32,
    },
    /// A device; of what is there already also a pipe or a socket.
    Special {
        /// `pipe`, `socket`, `character device`, `block device`.
        kind: &'static str,
    },
}

/// What a change comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// Something new.
    Create,
    /// Another content, or something of another kind.
    Modify,
    /// Other permission bits, and nothing else.
    Mode,
    /// Nothing is left.
    Delete,
}

impl Change {
    /// What it comes to.
    pub fn kind(&self) -> ChangeKind {
        match (&self.before, &self.after) {
            (None, _) => ChangeKind::Create,
            (Some(_), None) => ChangeKind::Delete,
            (Some(Node::File { sha256: before, .. }), Some(Node::File { sha256: after, .. })) if before == after => {
                ChangeKind::Mode
            }
            (Some(Node::Folder { .. }), Some(Node::Folder { .. })) => ChangeKind::Mode,
            (Some(_), Some(_)) => ChangeKind::Modify,
        }
    }
}

impl ChangeKind {
    /// The word logs use: `create`, `modify`, `mode`, `delete`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Modify => "modify",
            Self::Mode => "mode",
            Self::Delete => "delete",
        }
    }
}

impl Node {
    /// Whether it is a folder.
    pub fn is_folder(&self) -> bool {
        matches!(self, Self::Folder { .. })
    }
}

impl ChangeSet {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && !self.cut
    }

    /// Files that were moved and not changed otherwise: from where, and to where. Of several that are alike, any.
    pub fn renames(&self) -> Vec<(&Path, &Path)> {
        let content = |node: &Option<Node>| match node {
            Some(Node::File { sha256, len, .. }) if *len > 0 => Some(*sha256),
            Some(Node::File { .. } | Node::Link { .. } | Node::Folder { .. } | Node::Special { .. }) | None => None,
        };
        let mut gone: HashMap<[u8; 32], Vec<&Path>> = HashMap::new();
        for change in self.changes.iter().rev().filter(|change| change.kind() == ChangeKind::Delete) {
            if let Some(content) = content(&change.before) {
                gone.entry(content).or_default().push(&change.path);
            }
        }
        let made = self.changes.iter().filter(|change| change.kind() == ChangeKind::Create);
        made.filter_map(|made| Some((gone.get_mut(&content(&made.after)?)?.pop()?, made.path.as_path()))).collect()
    }
}
