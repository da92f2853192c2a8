//! What changes replaced, kept aside so that it can be put back: a folder for each set, with its list and the former content
//! of its files under their hashes. Oldest first, they go when there are too many.
//! Knows no records.

use super::folder;
use super::journal::Journal;
use super::place::Root;
use super::stage::{ChangeError, access, attributes, hash, pour, system};
use crate::action::{Change, ChangeSet, Node};
use crate::event::line::hex;
use rustix::fs::{AtFlags, CWD, linkat, statat};
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Where they lie in a project's state folder; each is called `TRANSACTION.BYTES`.
const FOLDER: &str = "changes";
/// The list in each of them.
const LIST: &str = "list.json";
/// Sets that are kept.
const MOST: usize = 500;

/// A set of changes that was brought in, as it is kept.
#[derive(Debug)]
pub struct Aside {
    folder: PathBuf,
}

impl Aside {
    /// Keeps the list of `set` and what it replaces, unless that is more than `most` bytes, or a pipe, a socket or a device,
    /// which nothing can make again: then nothing is kept. Earlier sets go where all of them together take more than `most`.
    ///
    /// # Errors
    /// Those of the file system; then nothing is left behind.
    pub fn keep(
        state: &Path,
        project: &Path,
        name: &str,
        set: &ChangeSet,
        most: u64,
    ) -> Result<Option<Self>, ChangeError> {
        let root = Root::open(project).map_err(|error| system("open", project, error))?;
        let content: u64 = set.changes.iter().filter_map(replaced).map(|(len, _)| len).sum();
        if content > most || set.changes.iter().any(|change| matches!(change.before, Some(Node::Special { .. }))) {
            return Ok(None);
        }
        let list = Journal::of(name, set);
        // Of very many small changes the list is what takes the room.
        let bytes = content.saturating_add(list.written().0.len() as u64);
        let all = state.join(FOLDER);
        let folder = all.join(format!("{name}.{bytes}"));
        prune(&all, most.saturating_sub(bytes));
        let aside = Self { folder };
        match aside.fill(&root, set, &list) {
            Ok(()) => Ok(Some(aside)),
            Err(error) => {
                let (path, cause) = (aside.folder.clone(), error.to_string());
                aside.forget();
                Err(ChangeError::System { what: "keep what was there in", path, cause })
            }
        }
    }

    fn fill(&self, root: &Root, set: &ChangeSet, list: &Journal) -> io::Result<()> {
        DirBuilder::new().mode(0o700).recursive(true).create(&self.folder)?;
        for (change, (_, sha256)) in set.changes.iter().filter_map(|change| Some((change, replaced(change)?))) {
            one(root, change, &self.folder.join(hex(&sha256)))?;
        }
        list.write(&self.folder.join(LIST)).map(drop)
    }

    /// The set of a transaction; `None`: it is not kept any more.
    pub fn find(state: &Path, name: &str) -> Option<Self> {
        let entries = fs::read_dir(state.join(FOLDER)).ok()?;
        let of = |file: &Path| file.file_stem().is_some_and(|stem| stem == name);
        entries.flatten().map(|entry| entry.path()).find(|path| of(path)).map(|folder| Self { folder })
    }

    /// Lets go of what still stands in the project, since it was not replaced: a file of two names nobody may change.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn release(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.metadata()?.nlink() > 1 {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Its list, and the hash of that in hex.
    ///
    /// # Errors
    /// Those of reading it.
    pub fn list(&self) -> io::Result<(Journal, String)> {
        Journal::read(&self.folder.join(LIST))
    }

    /// Where the former content of a file with this hash lies.
    pub fn content(&self, sha256: &[u8; 32]) -> PathBuf {
        self.folder.join(hex(sha256))
    }

    /// Forgets it.
    pub fn forget(self) {
        let _ = folder::remove(&self.folder);
    }
}

/// Length and hash of the file content that a change replaces.
fn replaced(change: &Change) -> Option<(u64, [u8; 32])> {
    match (&change.before, &change.after) {
        (Some(Node::File { sha256, .. }), Some(Node::File { sha256: after, .. })) if sha256 == after => None,
        (Some(Node::File { len, sha256, .. }), _) => Some((*len, *sha256)),
        (Some(Node::Link { .. } | Node::Folder { .. } | Node::Special { .. }) | None, _) => None,
    }
}

/// Keeps one file: by another name for it where it has only one and is about to lose it, else by a copy.
fn one(root: &Root, change: &Change, to: &Path) -> io::Result<()> {
    let (parent, name) = root.parent(&change.path)?;
    let found = statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
    if found.st_nlink == 1 && linkat(&parent, name, CWD, to, AtFlags::empty()).is_ok() {
        return Ok(());
    }
    if to.symlink_metadata().is_ok() {
        // Another file with the same content.
        return Ok(());
    }
    let source = File::from(root.file(&change.path)?);
    let mut target = File::options().write(true).create_new(true).open(to)?;
    pour(&source, &mut target)?;
    attributes(&source, &target)?;
    access(source.as_fd(), &target)?;
    Ok(())
}

/// Removes the oldest sets until no more than [`MOST`] and `bytes` are left.
fn prune(all: &Path, bytes: u64) {
    let Ok(entries) = fs::read_dir(all) else { return };
    let aged = |path: PathBuf| {
        let made = path.symlink_metadata().and_then(|found| found.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
        let size = path.extension().and_then(|size| size.to_str()?.parse().ok()).unwrap_or(0_u64);
        (made, size, path)
    };
    let mut sets: Vec<_> = entries.flatten().map(|entry| aged(entry.path())).collect();
    sets.sort_by_key(|(made, ..)| std::cmp::Reverse(*made));
    let mut left = bytes;
    for (n, (_, size, path)) in sets.into_iter().enumerate() {
        match left.checked_sub(size) {
            Some(rest) if n < MOST => left = rest,
            Some(_) | None => {
                left = 0;
                let _ = folder::remove(&path);
            }
        }
    }
}

/// The set that takes another back: everything as it was before.
pub fn reverse(set: &ChangeSet) -> ChangeSet {
    let back = |change: &Change| Change {
        path: change.path.clone(),
        before: change.after.clone(),
        after: change.before.clone(),
    };
    ChangeSet { changes: set.changes.iter().map(back).collect(), ..ChangeSet::default() }
}

/// Whether a kept file still is what its name says.
///
/// # Errors
/// Those of reading it.
pub fn is_whole(path: &Path, sha256: &[u8; 32]) -> io::Result<bool> {
    Ok(hash(File::open(path)?)? == *sha256)
}
