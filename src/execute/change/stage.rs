//! Everything about a change that can fail, done before it is on record: nothing changed below meanwhile, every new file
//! copied beside its place, the journal written. What is left are renames.
//! Knows no rules.

use super::apply::{FEW, apply, is_staged, lasting, take_back, waiting};
use super::error::ReadError;
use super::journal::Journal;
use super::place::Root;
use super::shut;
use super::stand::{nothing_swapped, replaceable, unchanged};
use super::transaction::Transaction;
use crate::action::{Change, ChangeSet, Node};
use rustix::fs::{Mode, OFlags, Timespec, Timestamps, openat, symlinkat};
use rustix::io::Errno;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::ffi::CString;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

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
    /// A folder on the way is another one.
    #[error("was moved or replaced by somebody else since the command began")]
    Swapped,
    /// What is to be taken in is not what was judged.
    #[error("is not what was judged")]
    Forged,
}

impl From<ReadError> for ChangeError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::System { what, path, cause } => Self::System { what, path, cause: cause.to_string() },
            ReadError::Moved { path } | ReadError::Foreign { path, .. } | ReadError::Mounted { path } => {
                Self::Conflict { path, conflict: Conflict::Forged }
            }
        }
    }
}

fn shown(path: &Path) -> String {
    crate::event::line::visible(&path.to_string_lossy())
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

    /// What comes in: the changes, and folders that are only opened for them and shut again.
    pub fn set(&self) -> &ChangeSet {
        &self.set
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
        match apply(&self.root, transaction.name(), &self.set, &BTreeSet::new()) {
            Ok(_stayed) => Ok(()),
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

/// Makes everything ready to bring `set` into `project`. New contents are read from what `find` opens.
///
/// # Errors
/// Whatever stands in the way; then nothing is left behind.
pub fn stage(
    transaction: Transaction,
    project: &Path,
    set: ChangeSet,
    basis: Basis,
    find: impl Fn(&Change) -> Result<File, ChangeError>,
) -> Result<Staged, ChangeError> {
    let root = Root::open(project).map_err(|error| system("open", project, error))?;
    let begun = SystemTime::now();
    unchanged(&root, &set, basis)?;
    if let Basis::Since(began) = basis {
        nothing_swapped(&root, &set, &transaction.layer().upper, began)?;
    }
    replaceable(&root, &set)?;
    let set = shut::with_shut(&root, set)?;
    let journal = Journal::of(transaction.name(), &set);
    let place = Journal::place(transaction.folder());
    journal.write_durably(&place).map_err(|error| ChangeError::System {
        what: "write",
        path: place,
        cause: error.to_string(),
    })?;
    let (_, manifest) = journal.written();
    let staged = Staged { root, transaction: Some(transaction), set, manifest };
    shut::open(&staged.root, &staged.set, &BTreeSet::new())
        .map_err(|error| system("write to the folders of", project, error))?;
    let (mut made, mut folders) = (Vec::new(), BTreeSet::new());
    for (n, change) in staged.set.changes.iter().enumerate().filter(|(_, change)| is_staged(change)) {
        let (folder, name) = (lasting(&change.path, &staged.set), waiting(staged.name(), n));
        folders.insert(folder);
        if let Some(Node::Link { to }) = &change.after {
            let made = staged.root.folder(folder).and_then(|folder| symlinkat(to, &folder, &name));
            made.map_err(|error| system("copy", &change.path, error))?;
            continue;
        }
        let copied = copy(&staged.root, change, find(change)?, (folder, &name))?;
        // One more than few tells that there are many.
        if made.len() <= FEW {
            made.push(copied);
        }
    }
    // The names are to be as durable as what they name: after a crash the next guard goes on from them.
    for folder in folders.into_iter().take((FEW + 1).saturating_sub(made.len())) {
        made.push(staged.root.folder(folder).map_err(|error| system("sync", folder, error))?);
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

/// Copies the new content of a file beside its place.
fn copy(root: &Root, change: &Change, source: File, (folder, name): (&Path, &str)) -> Result<OwnedFd, ChangeError> {
    let Some(Node::File { mode, sha256, .. }) = &change.after else {
        return Err(ChangeError::Conflict { path: change.path.clone(), conflict: Conflict::Forged });
    };
    let trouble = |error: Errno| system("copy", &change.path, error);
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let target = root.folder(folder).map_err(trouble)?;
    let target = openat(&target, name, flags, Mode::RUSR | Mode::WUSR).map_err(trouble)?;
    let mut target = File::from(target);
    // Shares the blocks where the file system can; it is read all the same, so that what is taken in is what was judged.
    let shared = rustix::fs::ioctl_ficlone(&target, &source).is_ok();
    let copied =
        if shared { hash(target.try_clone().map_err(|e| trouble(errno(&e)))?) } else { pour(&source, &mut target) };
    if copied.map_err(trouble)? != *sha256 {
        return Err(ChangeError::Conflict { path: change.path.clone(), conflict: Conflict::Forged });
    }
    attributes(&source, &target).map_err(trouble)?;
    let replaced = root.entry(&change.path).ok().filter(|_| matches!(change.before, Some(Node::File { .. })));
    access(replaced.as_ref().map_or(source.as_fd(), AsFd::as_fd), &target).map_err(trouble)?;
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
    let mut given = rustix::fs::fchown(target, Some(uid), Some(gid));
    // Who may not give files away may still give them to a group of theirs.
    if given == Err(Errno::PERM) {
        given = rustix::fs::fchown(target, None, Some(gid));
    }
    match given {
        Ok(()) | Err(Errno::PERM) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Copies attributes of users' making, but for what an overlay notes.
pub(in crate::execute) fn attributes(source: &File, target: &File) -> Result<(), Errno> {
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

/// Gives `target` the access control list of `source`, which may be held without being opened. Where there is one, the bits of
/// a mode that are the group's bound it, and the group's own rights stand in it alone (acl(5)).
///
/// # Errors
/// Where the one list cannot be read or the other not be set: without it the mode would give the group more.
pub(in crate::execute) fn access(source: BorrowedFd<'_>, target: &File) -> Result<(), Errno> {
    const LIST: &str = "system.posix_acl_access";
    let mut list = vec![0; 65_536];
    let held = format!("/proc/self/fd/{}", source.as_raw_fd());
    match rustix::fs::getxattr(held, LIST, &mut list) {
        Ok(len) => {
            let list = list.get(..len).unwrap_or_default();
            rustix::fs::fsetxattr(target, LIST, list, rustix::fs::XattrFlags::empty())
        }
        Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(()),
        Err(error) => Err(error),
    }
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
pub(in crate::execute) fn hash(mut file: File) -> Result<[u8; 32], Errno> {
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
