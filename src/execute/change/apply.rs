//! Bringing staged changes into the project: removals, folders, then everything else by renames. Every step can be taken
//! again, so that what was interrupted is simply done once more.
//! Decides nothing, checks nothing: that was done before.

use super::place::Root;
use crate::action::{Change, ChangeSet, Node};
use rustix::fs::{AtFlags, CWD, Mode, chmodat, fsync, mkdirat, renameat, symlinkat, unlinkat};
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

/// The name under which change number `n` waits to be renamed.
pub(super) fn waiting(transaction: &str, n: usize) -> String {
    format!(".guard-{transaction}-{n}")
}

/// The nearest folder above `path` that is there before and after.
pub(super) fn lasting<'p>(path: &'p Path, set: &ChangeSet) -> &'p Path {
    let lasts = |folder: &Path| match set.changes.binary_search_by(|change| order(&change.path, folder)) {
        Err(_) => true,
        Ok(at) => set.changes.get(at).is_some_and(|change| {
            [&change.before, &change.after].into_iter().all(|node| node.as_ref().is_some_and(Node::is_folder))
        }),
    };
    path.ancestors().skip(1).find(|folder| folder.as_os_str().is_empty() || lasts(folder)).unwrap_or(Path::new(""))
}

/// The order of a set.
pub(super) fn order(a: &Path, b: &Path) -> std::cmp::Ordering {
    a.as_os_str().cmp(b.as_os_str())
}

/// Whether the content of a file is another than before.
pub(super) fn brings_content(change: &Change) -> bool {
    match (&change.before, &change.after) {
        (Some(Node::File { sha256: before, .. }), Some(Node::File { sha256: after, .. })) => before != after,
        (_, Some(Node::File { .. })) => true,
        (_, Some(Node::Link { .. } | Node::Folder { .. } | Node::Special { .. }) | None) => false,
    }
}

/// Brings in what was staged.
pub(super) fn apply(root: &Root, transaction: &str, set: &ChangeSet) -> Result<(), Errno> {
    let mut touched = BTreeSet::new();
    let mut touch = |path: &Path| touched.insert(path.parent().unwrap_or(Path::new("")).to_owned());
    // What goes may lie in folders that go as well and cannot be written to.
    for change in set.changes.iter().filter(|change| makes_way(change)) {
        if let Some(Node::Folder { mode }) = &change.before
            && mode & 0o700 != 0o700
        {
            chmod(root, &change.path, mode | 0o700)?;
        }
    }
    for change in set.changes.iter().rev().filter(|change| makes_way(change)) {
        touch(&change.path);
        let flags =
            if change.before.as_ref().is_some_and(Node::is_folder) { AtFlags::REMOVEDIR } else { AtFlags::empty() };
        match root.parent(&change.path).and_then(|(parent, name)| unlinkat(&parent, name, flags)) {
            // Gone already, or replaced by what comes after; or somebody has put something of theirs there since.
            Ok(()) | Err(Errno::NOENT | Errno::NOTDIR | Errno::ISDIR | Errno::NOTEMPTY | Errno::EXIST) => {}
            Err(error) => return Err(error),
        }
    }
    for change in &set.changes {
        if let (false, Some(Node::Folder { mode })) =
            (change.before.as_ref().is_some_and(Node::is_folder), &change.after)
        {
            touch(&change.path);
            let (parent, name) = root.parent(&change.path)?;
            match mkdirat(&parent, name, Mode::from_raw_mode(mode | 0o700)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error),
            }
        }
    }
    for (n, change) in set.changes.iter().enumerate() {
        let (from, name) = (lasting(&change.path, set), waiting(transaction, n));
        match &change.after {
            Some(Node::File { .. }) if brings_content(change) => {
                touch(&change.path);
                rename(root, (from, &name), &change.path)?;
            }
            Some(Node::File { mode, .. }) => chmod(root, &change.path, *mode)?,
            Some(Node::Link { to }) => {
                touch(&change.path);
                let folder = root.folder(from)?;
                match symlinkat(to, &folder, &name) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(error),
                }
                rename(root, (from, &name), &change.path)?;
            }
            Some(Node::Folder { .. } | Node::Special { .. }) | None => {}
        }
    }
    for change in set.changes.iter().rev() {
        if let Some(Node::Folder { mode }) = &change.after {
            chmod(root, &change.path, *mode)?;
        }
    }
    touched.iter().try_for_each(|folder: &PathBuf| match root.folder(folder) {
        Ok(folder) => fsync(folder),
        // It was removed as well.
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(()),
        Err(error) => Err(error),
    })
}

/// Removes what was staged.
pub(super) fn take_back(root: &Root, transaction: &str, set: &ChangeSet) -> Result<(), Errno> {
    for (n, change) in set.changes.iter().enumerate().filter(|(_, change)| change.after.is_some()) {
        let gone = root
            .folder(lasting(&change.path, set))
            .and_then(|folder| unlinkat(&folder, waiting(transaction, n), AtFlags::empty()));
        match gone {
            Ok(()) | Err(Errno::NOENT | Errno::NOTDIR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether what is there must be gone before something else can come: a file is renamed over, a folder is not.
fn makes_way(change: &Change) -> bool {
    match (&change.before, &change.after) {
        (Some(_), None) => true,
        (Some(before), Some(after)) => before.is_folder() != after.is_folder(),
        (None, _) => false,
    }
}

fn rename(root: &Root, (from, name): (&Path, &str), to: &Path) -> Result<(), Errno> {
    let folder = root.folder(from)?;
    let (parent, last) = root.parent(to)?;
    match renameat(&folder, name, &parent, last) {
        // It was renamed before the interruption.
        Err(Errno::NOENT) if root.stat(to)?.is_some() => Ok(()),
        renamed => renamed,
    }
}

fn chmod(root: &Root, path: &Path, mode: u32) -> Result<(), Errno> {
    // By its descriptor: a link in its place would be followed.
    let held = match root.entry(path) {
        // Gone already.
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(()),
        held => held?,
    };
    let path = format!("/proc/self/fd/{}", held.as_raw_fd());
    chmodat(CWD, path, Mode::from_raw_mode(mode & 0o7777), AtFlags::empty())
}
