//! Everything about a change that can fail, done before it is on record: nothing changed below meanwhile, every new file
//! copied beside its place, the journal written. What is left are renames.
//! Knows no rules.

use super::apply::{apply, brings_content, lasting, take_back, waiting};
use super::journal::Journal;
use super::place::Root;
use super::transaction::Transaction;
use crate::action::{Change, ChangeSet, Node};
use rustix::fs::{Dir, FileType, Mode, OFlags, Stat, Timespec, Timestamps, openat};
use rustix::io::Errno;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::ffi::CString;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// As many files are synced one by one; for more the whole file system is, once.
const FEW: usize = 16;
/// What an overlay notes for itself; it means nothing in the project.
const OF_OVERLAY: &[u8] = b"user.overlay.";

/// How it is known that nothing changed below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// Nothing that changes was touched since.
    Since(SystemTime),
    /// Everything stands as the set says it stood.
    Content,
}

/// Why changes cannot be brought in. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// Somebody else changed the same meanwhile.
    #[error("`{}` {conflict}", shown(path))]
    Conflict {
        /// From the project's root.
        path: PathBuf,
        /// How.
        conflict: Conflict,
    },
    /// The system refused.
    #[error("cannot {what} `{}`: {cause}", shown(path))]
    System {
        /// What was tried.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// The system's message.
        cause: String,
    },
}

/// How somebody else's work stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// Something is gone.
    #[error("is gone since the command began")]
    Gone,
    /// Something new.
    #[error("was made by somebody else since the command began")]
    Made,
    /// Something else.
    #[error("was changed by somebody else since the command began")]
    Changed,
    /// What is to be taken in is not what was judged.
    #[error("is not what was judged")]
    Forged,
}

fn shown(path: &Path) -> String {
    crate::event::line::printable(&path.to_string_lossy())
}

/// Changes that wait to be renamed into place. Dropped, they are taken back.
#[derive(Debug)]
pub struct Staged {
    root: Root,
    transaction: Option<Transaction>,
    set: ChangeSet,
    manifest: String,
}

impl Staged {
    /// SHA-256, in hex, of what is written down of them.
    pub fn manifest(&self) -> &str {
        &self.manifest
    }

    /// The transaction's name.
    pub fn name(&self) -> &str {
        self.transaction.as_ref().map_or("", Transaction::name)
    }

    /// Leaves everything as it is for the next guard, which knows whether they are on record.
    pub fn leave(mut self) {
        if let Some(transaction) = self.transaction.take() {
            transaction.keep();
        }
    }

    /// Brings them in, once they are on record.
    ///
    /// # Errors
    /// Those of the file system: then the journal stands, and the next guard goes on.
    pub fn bring_in(mut self) -> Result<(), ChangeError> {
        let Some(transaction) = self.transaction.take() else { return Ok(()) };
        match apply(&self.root, transaction.name(), &self.set) {
            Ok(()) => Ok(()),
            Err(error) => {
                let path = transaction.folder().to_owned();
                transaction.keep();
                Err(ChangeError::System { what: "bring in all of", path, cause: error.to_string() })
            }
        }
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let Some(transaction) = self.transaction.take()
            && take_back(&self.root, transaction.name(), &self.set).is_err()
        {
            transaction.keep();
        }
    }
}

/// Makes everything ready to bring `set` into `project`. Contents are read below `contents`, by the paths of the set, or
/// where `find` says.
///
/// # Errors
/// Whatever stands in the way; then nothing is left behind.
pub fn stage(
    transaction: Transaction,
    project: &Path,
    set: ChangeSet,
    basis: Basis,
    find: impl Fn(&Change) -> PathBuf,
) -> Result<Staged, ChangeError> {
    let root = Root::open(project).map_err(|error| system("open", project, error))?;
    let begun = SystemTime::now();
    unchanged(&root, &set, basis)?;
    for folder in set.changes.iter().map(|change| lasting(&change.path, &set)).collect::<BTreeSet<_>>() {
        root.writable(folder).map_err(|error| system("write to the folder", folder, error))?;
    }
    let journal = Journal::of(transaction.name(), &set);
    let place = Journal::place(transaction.folder());
    journal.write_durably(&place).map_err(|error| ChangeError::System {
        what: "write",
        path: place,
        cause: error.to_string(),
    })?;
    let (_, manifest) = journal.written();
    let staged = Staged { root, transaction: Some(transaction), set, manifest };
    let mut made = Vec::new();
    for (n, change) in staged.set.changes.iter().enumerate().filter(|(_, change)| brings_content(change)) {
        let folder = lasting(&change.path, &staged.set);
        let copied = copy(&staged.root, change, &find(change), (folder, &waiting(staged.name(), n)))?;
        // One more than few tells that there are many.
        if made.len() <= FEW {
            made.push(copied);
        }
    }
    sync(&made).map_err(|error| system("sync", project, error))?;
    // Copying takes its time.
    let since = match basis {
        Basis::Since(began) => began,
        Basis::Content => begun,
    };
    unchanged(&staged.root, &staged.set, Basis::Since(since))?;
    Ok(staged)
}

/// Nothing may stand there that is not what the set says, or was touched meanwhile.
fn unchanged(root: &Root, set: &ChangeSet, basis: Basis) -> Result<(), ChangeError> {
    for change in &set.changes {
        let found = root.stat(&change.path).map_err(|error| system("look at", &change.path, error))?;
        let conflict = match (&change.before, found) {
            (None, None) => continue,
            (None, Some(_)) => Conflict::Made,
            (Some(_), None) => Conflict::Gone,
            (Some(node), Some(found)) => {
                let stays = change.after.as_ref().is_some_and(Node::is_folder);
                let same = stands(root, &change.path, node, (&found, stays), basis)
                    .map_err(|error| system("look at", &change.path, error))?;
                if same && (change.after.is_some() || !node.is_folder() || holds_no_more(root, &change.path, set)?) {
                    continue;
                }
                Conflict::Changed
            }
        };
        return Err(ChangeError::Conflict { path: change.path.clone(), conflict });
    }
    Ok(())
}

/// Whether what stands there is `node`, untouched since the transaction began.
fn stands(root: &Root, path: &Path, node: &Node, (found, stays): (&Stat, bool), basis: Basis) -> Result<bool, Errno> {
    let kind = FileType::from_raw_mode(found.st_mode);
    let mode = found.st_mode & 0o7777;
    let untouched = match basis {
        Basis::Since(began) => changed_at(found) < began,
        Basis::Content => true,
    };
    Ok(match node {
        Node::File { len, mode: wanted, sha256 } => {
            kind == FileType::RegularFile
                && (mode, u64::try_from(found.st_size).unwrap_or(0)) == (*wanted, *len)
                && untouched
                && (basis != Basis::Content || hash(File::from(root.file(path)?))? == *sha256)
        }
        Node::Link { to } => {
            let (parent, name) = root.parent(path)?;
            kind == FileType::Symlink
                && untouched
                && rustix::fs::readlinkat(&parent, name, Vec::new())?.to_bytes() == to.as_os_str().as_bytes()
        }
        // Whoever makes something in a folder touches it.
        Node::Folder { mode: wanted } => kind == FileType::Directory && mode == *wanted && (untouched || stays),
        Node::Special { .. } => false,
    })
}

/// Whether a folder that goes holds nothing but what goes with it.
fn holds_no_more(root: &Root, path: &Path, set: &ChangeSet) -> Result<bool, ChangeError> {
    let trouble = |error| system("read the folder", path, error);
    let folder = root.folder(path).map_err(trouble)?;
    for entry in Dir::read_from(&folder).map_err(trouble)? {
        let entry = entry.map_err(trouble)?;
        let name = std::ffi::OsStr::from_bytes(entry.file_name().to_bytes());
        let known =
            |path: &Path| set.changes.binary_search_by(|change| super::apply::order(&change.path, path)).is_ok();
        if !matches!(name.as_bytes(), b"." | b"..") && !known(&path.join(name)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The time a file was last changed in any way, which no program can set.
pub(super) fn changed_at(found: &Stat) -> SystemTime {
    let seconds = u64::try_from(found.st_ctime).unwrap_or(0);
    let nanos = u32::try_from(found.st_ctime_nsec).unwrap_or(0);
    UNIX_EPOCH + std::time::Duration::new(seconds, nanos)
}

/// Copies the new content of a file beside its place.
fn copy(root: &Root, change: &Change, from: &Path, (folder, name): (&Path, &str)) -> Result<OwnedFd, ChangeError> {
    let Some(Node::File { mode, sha256, .. }) = &change.after else {
        return Err(ChangeError::Conflict { path: change.path.clone(), conflict: Conflict::Forged });
    };
    let trouble = |error: Errno| system("copy", &change.path, error);
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let source = match openat(rustix::fs::CWD, from, flags, Mode::empty()) {
        // The command may have shut its own file; which mode it gets stands in the set.
        Err(Errno::ACCESS) => rustix::fs::chmod(from, Mode::RUSR | Mode::WUSR)
            .and_then(|()| openat(rustix::fs::CWD, from, flags, Mode::empty())),
        opened => opened,
    };
    let source = source.map_err(trouble)?;
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let target = root.folder(folder).map_err(trouble)?;
    let target = openat(&target, name, flags, Mode::RUSR | Mode::WUSR).map_err(trouble)?;
    let (source, mut target) = (File::from(source), File::from(target));
    // Shares the blocks where the file system can; it is read all the same, so that what is taken in is what was judged.
    let shared = rustix::fs::ioctl_ficlone(&target, &source).is_ok();
    let copied =
        if shared { hash(target.try_clone().map_err(|e| trouble(errno(&e)))?) } else { pour(&source, &mut target) };
    if copied.map_err(trouble)? != *sha256 {
        return Err(ChangeError::Conflict { path: change.path.clone(), conflict: Conflict::Forged });
    }
    attributes(&source, &target).map_err(trouble)?;
    let found = rustix::fs::fstat(&source).map_err(trouble)?;
    own(&target, root, change).map_err(trouble)?;
    rustix::fs::fchmod(&target, Mode::from_raw_mode(mode & 0o7777)).map_err(trouble)?;
    let nanos = |n| i64::try_from(n).unwrap_or(0);
    let times = Timestamps {
        last_access: Timespec { tv_sec: found.st_atime, tv_nsec: nanos(found.st_atime_nsec) },
        last_modification: Timespec { tv_sec: found.st_mtime, tv_nsec: nanos(found.st_mtime_nsec) },
    };
    rustix::fs::futimens(&target, &times).map_err(trouble)?;
    Ok(target.into())
}

/// Gives a file the owner of what it replaces, else that of the folder it comes into, where guard may.
fn own(target: &File, root: &Root, change: &Change) -> Result<(), Errno> {
    let mine = rustix::fs::fstat(target)?;
    let model = match root.stat(&change.path)? {
        Some(found) => Some(found),
        None => root.parent(&change.path).ok().and_then(|(parent, _)| rustix::fs::fstat(&parent).ok()),
    };
    let Some(model) = model else { return Ok(()) };
    if (model.st_uid, model.st_gid) == (mine.st_uid, mine.st_gid) {
        return Ok(());
    }
    let (uid, gid) = (rustix::fs::Uid::from_raw(model.st_uid), rustix::fs::Gid::from_raw(model.st_gid));
    match rustix::fs::fchown(target, Some(uid), Some(gid)) {
        Ok(()) | Err(Errno::PERM) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Copies attributes of users' making, but for what an overlay notes.
fn attributes(source: &File, target: &File) -> Result<(), Errno> {
    let mut names = [0; 65_536];
    let len = match rustix::fs::flistxattr(source, &mut names) {
        Ok(len) => len,
        Err(Errno::OPNOTSUPP) => return Ok(()),
        Err(error) => return Err(error),
    };
    let names = names.get(..len).unwrap_or_default().split(|byte| *byte == 0);
    for name in names.filter(|name| name.starts_with(b"user.") && !name.starts_with(OF_OVERLAY)) {
        let name = CString::new(name).map_err(|_| Errno::INVAL)?;
        let mut value = vec![0; 65_536];
        let len = rustix::fs::fgetxattr(source, &name, &mut value)?;
        let value = value.get(..len).unwrap_or_default();
        match rustix::fs::fsetxattr(target, &name, value, rustix::fs::XattrFlags::empty()) {
            Ok(()) | Err(Errno::OPNOTSUPP) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

pub(super) fn pour(mut source: &File, target: &mut File) -> Result<[u8; 32], Errno> {
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 128 * 1024]);
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return Ok(hash.finalize().into()),
            Ok(len) => {
                let bytes = buffer.get(..len).unwrap_or_default();
                hash.update(bytes);
                target.write_all(bytes).map_err(|error| errno(&error))?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(errno(&error)),
        }
    }
}

/// SHA-256 of what is left of a file.
pub(super) fn hash(mut file: File) -> Result<[u8; 32], Errno> {
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 128 * 1024]);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hash.finalize().into()),
            Ok(len) => hash.update(buffer.get(..len).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(errno(&error)),
        }
    }
}

fn errno(error: &std::io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error)
}

fn sync(made: &[OwnedFd]) -> Result<(), Errno> {
    match made.first() {
        Some(first) if made.len() > FEW => rustix::fs::syncfs(first.as_fd()),
        Some(_) | None => made.iter().try_for_each(rustix::fs::fsync),
    }
}

pub(super) fn system(what: &'static str, path: &Path, error: Errno) -> ChangeError {
    ChangeError::System { what, path: path.to_owned(), cause: error.to_string() }
}
