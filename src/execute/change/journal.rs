//! What is about to be brought into the project, written down before anything is: what a guard left half done, the next one
//! finishes or takes back.
//! Knows nothing of logs: whoever calls says which transactions are on record.

use super::apply::{apply, take_back, unstage};
use super::aside::Aside;
use super::place::Root;
use super::redo::conflicts;
use super::stand::special_called;
use super::transaction::Transaction;
use crate::action::{Change, ChangeSet, Node};
use crate::event::line::{carry, hex, uncarry};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Its name in a transaction's folder.
const NAME: &str = "journal.json";

/// A set of changes as it is written down. Paths carry any bytes, as the log's texts do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Journal {
    v: u32,
    /// The transaction's name.
    transaction: String,
    changes: Vec<Item>,
    /// Pipes and sockets that do not come in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<String>,
    /// Files that come in as files of their own, and went by more than one name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    linked: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<Stand>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<Stand>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Stand {
    File { len: u64, mode: u32, sha256: String },
    Link { to: String },
    Folder { mode: u32 },
    Special { kind: String },
}

impl Journal {
    /// What is written down of `set`.
    pub fn of(transaction: &str, set: &ChangeSet) -> Self {
        let item = |change: &Change| Item {
            path: carried(&change.path),
            before: change.before.as_ref().map(Stand::of),
            after: change.after.as_ref().map(Stand::of),
        };
        let paths = |paths: &[PathBuf]| paths.iter().map(|path| carried(path)).collect();
        Self {
            v: 1,
            transaction: transaction.to_owned(),
            changes: set.changes.iter().map(item).collect(),
            left_out: paths(&set.left_out),
            linked: paths(&set.linked),
        }
    }

    /// The set it was made of; `None`: it makes no sense.
    pub fn set(&self) -> Option<ChangeSet> {
        let node = |stand: &Option<Stand>| match stand {
            Some(stand) => stand.node().map(Some),
            None => Some(None),
        };
        let uncarried = |path: &String| PathBuf::from(OsString::from_vec(uncarry(path)));
        let change = |item: &Item| {
            let path = uncarried(&item.path);
            let plain = path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
            Some(Change { path, before: node(&item.before)?, after: node(&item.after)? }).filter(|_| plain)
        };
        let changes = self.changes.iter().map(change).collect::<Option<Vec<_>>>()?;
        let [left_out, linked] =
            [&self.left_out, &self.linked].map(|paths| paths.iter().map(uncarried).collect::<Vec<_>>());
        Some(ChangeSet { changes, left_out, linked, ..ChangeSet::default() }).filter(|_| self.v == 1)
    }

    /// What changes, whatever the transaction is called, as bytes to be compared.
    pub fn changes(&self) -> Vec<u8> {
        serde_json::to_vec(&self.changes).unwrap_or_default()
    }

    /// Its bytes, and their SHA-256 in hex.
    pub fn written(&self) -> (Vec<u8>, String) {
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        let hash = hex(&Sha256::digest(&bytes));
        (bytes, hash)
    }

    /// Reads one, and the SHA-256 of its bytes in hex.
    ///
    /// # Errors
    /// Those of reading, and of what makes no sense.
    pub fn read(path: &Path) -> io::Result<(Self, String)> {
        let bytes = fs::read(path)?;
        let journal = serde_json::from_slice(&bytes).map_err(io::Error::other)?;
        Ok((journal, hex(&Sha256::digest(&bytes))))
    }

    /// Writes it to `path`, which is new.
    pub(super) fn write(&self, path: &Path) -> io::Result<File> {
        let mut file = File::options().write(true).create_new(true).open(path)?;
        file.write_all(&self.written().0)?;
        Ok(file)
    }

    /// Writes it durably to `path`, which is new.
    pub(super) fn write_durably(&self, path: &Path) -> io::Result<()> {
        self.write(path)?.sync_data()?;
        File::open(path.parent().unwrap_or(Path::new("/")))?.sync_data()
    }

    /// Where the journal of a transaction lies.
    pub(super) fn place(folder: &Path) -> PathBuf {
        folder.join(NAME)
    }
}

impl Stand {
    fn of(node: &Node) -> Self {
        match node {
            Node::File { len, mode, sha256 } => Self::File { len: *len, mode: *mode, sha256: hex(sha256) },
            Node::Link { to } => Self::Link { to: carried(to) },
            Node::Folder { mode } => Self::Folder { mode: *mode },
            Node::Special { kind } => Self::Special { kind: (*kind).to_owned() },
        }
    }

    fn node(&self) -> Option<Node> {
        Some(match self {
            Self::File { len, mode, sha256 } => {
                Node::File { len: *len, mode: *mode, sha256: crate::event::line::unhex(sha256.as_bytes())? }
            }
            Self::Link { to } => Node::Link { to: PathBuf::from(OsString::from_vec(uncarry(to))) },
            Self::Folder { mode } => Node::Folder { mode: *mode },
            Self::Special { kind } => Node::Special { kind: special_called(kind)? },
        })
    }
}

fn carried(path: &Path) -> String {
    carry(path.as_os_str().as_bytes()).into_owned()
}

/// Changes that a guard which is gone was bringing into the project. They stay until they are finished.
#[derive(Debug)]
pub struct Unfinished {
    transaction: Transaction,
    set: Option<ChangeSet>,
}

impl Unfinished {
    /// The transaction's name.
    pub fn name(&self) -> &str {
        self.transaction.name()
    }
}

/// What guards that are gone left behind in a `state` folder. What never came near the project is removed at once.
pub fn unfinished(state: &Path) -> Vec<Unfinished> {
    let left = Transaction::left(state).into_iter();
    let begun = left.filter_map(|transaction| {
        let path = Journal::place(transaction.folder());
        match Journal::read(&path) {
            Ok((journal, _)) => Some(Unfinished { set: journal.set(), transaction: transaction.hold_on() }),
            // None, or torn: it was never durable, so nothing was begun.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::Other) => None,
            Err(_) => Some(Unfinished { set: None, transaction: transaction.hold_on() }),
        }
    });
    begun.collect()
}

/// Brings in what is on record and nobody has worked on since, and takes back what is not. The paths that are left as they
/// are, since somebody has. Of what was kept aside stays what was replaced.
///
/// # Errors
/// Those of the file system; then it is still to be done.
pub fn finish(
    unfinished: Unfinished,
    (state, project): (&Path, &Path),
    on_record: bool,
) -> Result<Vec<PathBuf>, Errno> {
    let Unfinished { transaction, set } = unfinished;
    let kept = Aside::find(state, transaction.name());
    let done = Root::open(project).and_then(|root| {
        let Some(set) = &set else { return Err(Errno::IO) };
        let release = |kept: &Aside| kept.release().map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO));
        if !on_record {
            take_back(&root, transaction.name(), set)?;
            kept.iter().try_for_each(release)?;
            kept.into_iter().for_each(Aside::forget);
            return Ok(Vec::new());
        }
        let left = conflicts(&root, transaction.name(), set)?;
        let mut paths = apply(&root, transaction.name(), set, &left)?;
        left.iter().try_for_each(|n| unstage(&root, transaction.name(), set, *n))?;
        kept.iter().try_for_each(release)?;
        paths.extend(left.iter().filter_map(|n| set.changes.get(*n)).map(|change| change.path.clone()));
        paths.sort();
        Ok(paths)
    });
    if done.is_ok() {
        transaction.remove();
    }
    done
}
