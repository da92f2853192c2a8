//! The project as it would be with a set of changes, or as it is without them.
//! Knows no languages.

use crate::action::{Change, ChangeSet, Node};
use crate::execute::change::{open_before, open_written};
use crate::gate::changes::{Look, content};
use std::path::{Path, PathBuf};

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stands {
    /// Nothing.
    Nothing,
    /// A file, or what leads to one.
    File,
    /// A folder, or what leads to one.
    Folder,
    /// A link that is new: it may lead to either.
    Link,
}

/// A project's files. Paths are from its root.
#[derive(Clone, Copy)]
pub(super) struct Tree<'a> {
    set: &'a ChangeSet,
    look: Look<'a>,
    /// Whether the changes count.
    changed: bool,
}

impl<'a> Tree<'a> {
    /// As it would be.
    pub(super) fn new(set: &'a ChangeSet, look: Look<'a>) -> Self {
        Self { set, look, changed: true }
    }

    /// The same without the changes.
    pub(super) fn before(self) -> Self {
        Self { changed: false, ..self }
    }

    /// The project's root.
    pub(super) fn root(&self) -> &'a Path {
        self.look.project
    }

    fn change(&self, path: &Path) -> Option<&'a Change> {
        let at = self.set.changes.binary_search_by(|change| change.path.as_os_str().cmp(path.as_os_str()));
        self.set.changes.get(at.ok()?).filter(|_| self.changed)
    }

    /// What stands at a path.
    pub(super) fn stands(&self, path: &Path) -> Stands {
        match self.change(path).map(|change| &change.after) {
            Some(None | Some(Node::Special { .. })) => Stands::Nothing,
            Some(Some(Node::File { .. })) => Stands::File,
            Some(Some(Node::Folder { .. })) => Stands::Folder,
            Some(Some(Node::Link { .. })) => Stands::Link,
            None => match self.look.project.join(path).metadata() {
                Ok(found) if found.is_dir() => Stands::Folder,
                Ok(found) if found.is_file() => Stands::File,
                Ok(_) | Err(_) => Stands::Nothing,
            },
        }
    }

    /// A file's content, if it is one of at most `most` bytes.
    pub(super) fn read(&self, path: &Path, most: u64) -> Option<Vec<u8>> {
        match self.change(path) {
            Some(Change { after: Some(Node::File { len, .. }), .. }) if *len <= most => {
                content(open_written(self.look.upper, path).ok()?, *len, path).ok()
            }
            Some(_) => None,
            None => {
                let file = open_before(self.look.project, path).ok()?;
                let len = file.metadata().ok().map(|found| found.len()).filter(|len| *len <= most)?;
                content(file, len, path).ok()
            }
        }
    }

    /// The names in a folder.
    pub(super) fn names(&self, folder: &Path) -> Vec<PathBuf> {
        let there = std::fs::read_dir(self.look.project.join(folder)).into_iter().flatten().flatten();
        let mut all: Vec<PathBuf> = there.map(|entry| folder.join(entry.file_name())).collect();
        if self.changed {
            let new = self
                .set
                .changes
                .iter()
                .filter(|change| change.before.is_none() && change.path.parent() == Some(folder));
            all.extend(new.map(|change| change.path.clone()));
        }
        all.retain(|path| self.stands(path) != Stands::Nothing);
        all.sort();
        all
    }
}
