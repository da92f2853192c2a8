//! What an interrupted guard had begun to bring in, seen again later: what of it may still come in. People work on meanwhile,
//! and what they did is not overwritten.
//! Changes nothing.

use super::apply::{brings_content, is_staged, lasting, makes_way, waiting};
use super::place::Root;
use super::stage::Basis;
use super::stand::stands;
use crate::action::{Change, ChangeSet, Node};
use rustix::fs::{AtFlags, FileType, Stat, statat};
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::path::Path;

/// Numbers of the changes that can come in no more: what stands there is neither what stood there before, nor what comes, nor
/// what guard itself has made of it on the way.
///
/// # Errors
/// Those of the file system.
pub(super) fn conflicts(root: &Root, transaction: &str, set: &ChangeSet) -> Result<BTreeSet<usize>, Errno> {
    let (mut left, mut without) = (BTreeSet::new(), BTreeSet::<&Path>::new());
    for (n, change) in set.changes.iter().enumerate() {
        // Below what could not be made nothing can be.
        let orphan = change.path.ancestors().skip(1).any(|above| without.contains(above));
        let reached = || is_reached(root, lasting(&change.path, set));
        let staged = || is_there(root, transaction, set, n);
        if orphan && change.after.is_some() || !may(root, change, reached, staged)? {
            left.insert(n);
            if change.after.as_ref().is_some_and(Node::is_folder) {
                without.insert(&change.path);
            }
        }
    }
    Ok(left)
}

fn may(
    root: &Root,
    change: &Change,
    reached: impl Fn() -> Result<bool, Errno>,
    staged: impl Fn() -> Result<bool, Errno>,
) -> Result<bool, Errno> {
    let staged = || if is_staged(change) { staged() } else { Ok(true) };
    let Some(found) = root.stat(&change.path)? else {
        // It is gone as it should be, guard has removed what was in the way, or nothing ever stood there.
        return match (&change.before, &change.after) {
            (_, None) => Ok(true),
            (None, Some(_)) => Ok(reached()? && staged()?),
            (Some(_), Some(_)) => Ok(makes_way(change) && reached()? && staged()?),
        };
    };
    if let (Some(Node::Folder { mode: before }), Some(Node::Folder { mode: after })) = (&change.before, &change.after) {
        let known = [before, after].into_iter().flat_map(|mode| [*mode, mode | 0o700]);
        return Ok(FileType::from_raw_mode(found.st_mode).is_dir()
            && known.into_iter().any(|mode| mode == found.st_mode & 0o7777));
    }
    if let Some(after) = &change.after
        && is(root, change, after, &found)?
    {
        return Ok(true);
    }
    match &change.before {
        Some(before) if is(root, change, before, &found)? => staged(),
        Some(_) | None => Ok(false),
    }
}

/// Whether what stands there is `node`, whatever mode guard gave a folder on the way.
fn is(root: &Root, change: &Change, node: &Node, found: &Stat) -> Result<bool, Errno> {
    if let Node::Folder { .. } = node {
        return Ok(FileType::from_raw_mode(found.st_mode).is_dir());
    }
    // Only the mode changes: it may be the one or the other.
    let node = match (node, &change.before, &change.after) {
        (
            Node::File { len, sha256, .. },
            Some(Node::File { mode: before, .. }),
            Some(Node::File { mode: after, .. }),
        ) if !brings_content(change) && [before, after].contains(&&(found.st_mode & 0o7777)) => {
            &Node::File { len: *len, sha256: *sha256, mode: found.st_mode & 0o7777 }
        }
        _ => node,
    };
    match stands(root, &change.path, node, (found, false), Basis::Content) {
        // Somebody shut it against reading, or it became another thing just now.
        Err(Errno::ACCESS | Errno::NOENT | Errno::INVAL | Errno::LOOP) => Ok(false),
        stands => stands,
    }
}

/// Whether a folder that was to last is there.
fn is_reached(root: &Root, folder: &Path) -> Result<bool, Errno> {
    match root.folder(folder) {
        Ok(_) => Ok(true),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether change number `n` still waits beside its place.
fn is_there(root: &Root, transaction: &str, set: &ChangeSet, n: usize) -> Result<bool, Errno> {
    let Some(change) = set.changes.get(n) else { return Ok(false) };
    let name = waiting(transaction, n);
    let found = root.folder(lasting(&change.path, set)).and_then(|at| statat(&at, name, AtFlags::SYMLINK_NOFOLLOW));
    match found {
        Ok(_) => Ok(true),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(false),
        Err(error) => Err(error),
    }
}
