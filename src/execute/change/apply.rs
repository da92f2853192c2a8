//! Bringing staged changes into the project: removals, folders, then everything else by renames. Every step can be taken
//! again, so that what was interrupted is done once more.
//! Decides nothing, checks nothing: that was done before, by `stand` or, after an interruption, by `redo`.

use super::place::Root;
use super::shut;
use crate::action::{Change, ChangeSet, Node};
use rustix::fs::{AtFlags, CWD, Mode, chmodat, fsync, mkdirat, renameat, unlinkat};
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

/// Whether a change waits beside its place to be renamed: new content, or a link.
pub(super) fn is_staged(change: &Change) -> bool {
    brings_content(change) || matches!(change.after, Some(Node::Link { .. }))
}

/// Brings in what was staged, but for changes whose numbers stand in `left`. Folders that were to go and stay, because
/// somebody has put something of theirs there since.
pub(super) fn apply(
    root: &Root,
    transaction: &str,
    set: &ChangeSet,
    left: &BTreeSet<usize>,
) -> Result<Vec<PathBuf>, Errno> {
    let mut touched = BTreeSet::new();
    let mut touch = |path: &Path| touched.insert(path.parent().unwrap_or(Path::new("")).to_owned());
    let mut stayed = Vec::new();
    let ours = |n: &usize| !left.contains(n);
    let changes = || set.changes.iter().enumerate().filter(|(n, _)| ours(n)).map(|(_, change)| change);
    shut::open(root, set, left)?;
    // What goes may lie in folders that go as well and cannot be written to.
    for change in changes().filter(|change| makes_way(change)) {
        if let Some(Node::Folder { mode }) = &change.before
            && mode & 0o700 != 0o700
        {
            chmod(root, &change.path, mode | 0o700)?;
        }
    }
    for (_, change) in set.changes.iter().enumerate().rev().filter(|(n, change)| ours(n) && makes_way(change)) {
        touch(&change.path);
        let folder = change.before.as_ref().is_some_and(Node::is_folder);
        let flags = if folder { AtFlags::REMOVEDIR } else { AtFlags::empty() };
        match root.parent(&change.path).and_then(|(parent, name)| unlinkat(&parent, name, flags)) {
            // Gone already, or replaced by what comes after.
            Ok(()) | Err(Errno::NOENT | Errno::NOTDIR | Errno::ISDIR) => {}
            Err(Errno::NOTEMPTY | Errno::EXIST) => stayed.push(change.path.clone()),
            Err(error) => return Err(error),
        }
    }
    for change in changes() {
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
    let mut modes = Vec::new();
    for (n, change) in set.changes.iter().enumerate().filter(|(n, _)| ours(n)) {
        if is_staged(change) {
            let from = lasting(&change.path, set);
            touch(&change.path);
            touch(&from.join("name"));
            rename(root, (from, &waiting(transaction, n)), &change.path)?;
        } else if let Some(Node::File { mode, .. }) = &change.after {
            chmod(root, &change.path, *mode)?;
            modes.push(change.path.as_path());
        }
    }
    for (_, change) in set.changes.iter().enumerate().rev().filter(|(n, _)| ours(n)) {
        if let Some(Node::Folder { mode }) = &change.after {
            chmod(root, &change.path, *mode)?;
            modes.push(&change.path);
        }
    }
    durable(root, &touched, &modes)?;
    Ok(stayed)
}

/// As many things are synced one by one; for more the whole file system is, once.
pub(super) const FEW: usize = 16;

/// Makes names in `folders`, and modes of what is at `paths`, durable.
fn durable(root: &Root, folders: &BTreeSet<PathBuf>, paths: &[&Path]) -> Result<(), Errno> {
    if paths.len() > FEW {
        return rustix::fs::syncfs(root.folder(Path::new(""))?);
    }
    let folders = folders.iter().map(|folder| root.folder(folder));
    for opened in paths.iter().map(|path| root.file(path)).chain(folders) {
        match opened {
            Ok(opened) => fsync(opened)?,
            // It was removed as well.
            Err(Errno::NOENT | Errno::NOTDIR) => {}
            // Shut against reading, or replaced by a link or a socket meanwhile.
            Err(Errno::ACCESS | Errno::LOOP | Errno::NXIO) => rustix::fs::syncfs(root.folder(Path::new(""))?)?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Removes what was staged, and shuts what was opened for it.
pub(super) fn take_back(root: &Root, transaction: &str, set: &ChangeSet) -> Result<(), Errno> {
    (0..set.changes.len()).try_for_each(|n| unstage(root, transaction, set, n))?;
    shut::shut(root, set)
}

/// Removes what was staged of change number `n`.
pub(super) fn unstage(root: &Root, transaction: &str, set: &ChangeSet, n: usize) -> Result<(), Errno> {
    let Some(change) = set.changes.get(n).filter(|change| is_staged(change)) else { return Ok(()) };
    let gone = root
        .folder(lasting(&change.path, set))
        .and_then(|folder| unlinkat(&folder, waiting(transaction, n), AtFlags::empty()));
    match gone {
        Ok(()) | Err(Errno::NOENT | Errno::NOTDIR) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether what is there must be gone before something else can come: a file is renamed over, a folder is not.
pub(super) fn makes_way(change: &Change) -> bool {
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

pub(super) fn chmod(root: &Root, path: &Path, mode: u32) -> Result<(), Errno> {
    // By its descriptor: a link in its place would be followed.
    let held = match root.entry(path) {
        // Gone already.
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(()),
        held => held?,
    };
    let path = format!("/proc/self/fd/{}", held.as_raw_fd());
    chmodat(CWD, path, Mode::from_raw_mode(mode & 0o7777), AtFlags::empty())
}
