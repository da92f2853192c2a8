//! Folders of the user's own that are shut against writing: a command may open one, write and shut it again. They are opened
//! while its changes come in, and shut afterwards.
//! Knows nothing of what comes in.

use super::apply::{chmod, lasting, order};
use super::place::Root;
use super::stage::{ChangeError, system};
use crate::action::{Change, ChangeSet, Node};
use rustix::fs::FileType;
use rustix::io::Errno;
use std::collections::BTreeSet;

/// What it takes to work in a folder.
const OPEN: u32 = 0o700;

/// The set, and with it each shut folder that something comes into: it stays as it is, which is to be seen to in the end.
///
/// # Errors
/// A folder that cannot be written to and is not the user's own.
pub(super) fn with_shut(root: &Root, mut set: ChangeSet) -> Result<ChangeSet, ChangeError> {
    let mut shut = Vec::new();
    for folder in set.changes.iter().map(|change| lasting(&change.path, &set)).collect::<BTreeSet<_>>() {
        let Err(error) = root.writable(folder) else { continue };
        let found = root.stat(folder).ok().flatten();
        let own = found.filter(|found| found.st_uid == rustix::process::geteuid().as_raw());
        match own.map(|found| found.st_mode & 0o7777) {
            Some(mode) if error == Errno::ACCESS && mode & OPEN != OPEN => {
                let known = set.changes.binary_search_by(|change| order(&change.path, folder)).is_ok();
                let node = Some(Node::Folder { mode });
                shut.extend((!known).then(|| Change { path: folder.to_owned(), before: node.clone(), after: node }));
            }
            Some(_) | None => return Err(system("write to the folder", folder, error)),
        }
    }
    set.changes.extend(shut);
    set.changes.sort_by(|a, b| order(&a.path, &b.path));
    Ok(set)
}

/// Opens them, but for changes whose numbers stand in `left`.
pub(super) fn open(root: &Root, set: &ChangeSet, left: &BTreeSet<usize>) -> Result<(), Errno> {
    let mut ours = staying(set).filter(|(n, ..)| !left.contains(n));
    ours.try_for_each(|(_, change, mode)| chmod(root, &change.path, mode | OPEN))
}

/// Shuts them again as they were, unless somebody has changed them meanwhile.
pub(super) fn shut(root: &Root, set: &ChangeSet) -> Result<(), Errno> {
    for (_, change, mode) in staying(set) {
        let found =
            root.stat(&change.path)?.map(|found| (found.st_mode & 0o7777, FileType::from_raw_mode(found.st_mode)));
        if found == Some((mode | OPEN, FileType::Directory)) {
            chmod(root, &change.path, mode)?;
        }
    }
    Ok(())
}

/// Folders that are there before and after and were shut before: the change's number, the change, and the folder's mode.
fn staying(set: &ChangeSet) -> impl Iterator<Item = (usize, &Change, u32)> {
    set.changes.iter().enumerate().filter_map(|(n, change)| match (&change.before, &change.after) {
        (Some(Node::Folder { mode }), Some(Node::Folder { .. })) if mode & OPEN != OPEN => Some((n, change, *mode)),
        _ => None,
    })
}
