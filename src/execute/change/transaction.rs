//! The folder of one transaction: where a command's changes are kept apart, and what tells that its guard still lives.
//! Knows nothing of what the changes are.

use super::folder;
use crate::execute::sandbox::Layer;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Where transactions lie in a project's state folder.
const FOLDER: &str = "transactions";

/// Changes that are kept apart. Dropped, they are gone, unless they were kept or stand in a journal.
#[derive(Debug)]
pub struct Transaction {
    folder: PathBuf,
    name: String,
    began: SystemTime,
    /// Locked as long as its guard lives.
    lock: Option<File>,
    kept: bool,
}

/// A transaction that outlives its guard: changes that wait for a person, or that were being brought in.
#[derive(Debug)]
pub struct Kept {
    /// Its folder.
    pub folder: PathBuf,
    /// As long as this is held, no other guard takes it for one that was left behind.
    pub lock: Option<File>,
}

impl Transaction {
    /// Begins one for `project`, in its `state` folder.
    ///
    /// # Errors
    /// Those of making folders there.
    pub fn begin(state: &Path, project: &Path) -> io::Result<Self> {
        // Between the making and the locking another guard may take it for one that was left behind, and remove it.
        const TRIES: usize = 8;
        let mut begun = Self::try_begin(state, project)?;
        for _ in 1..TRIES {
            if begun.is_some() {
                break;
            }
            begun = Self::try_begin(state, project)?;
        }
        begun.ok_or_else(|| io::Error::from(io::ErrorKind::ResourceBusy))
    }

    /// `None`: another guard has taken it away meanwhile.
    fn try_begin(state: &Path, project: &Path) -> io::Result<Option<Self>> {
        let all = state.join(FOLDER);
        let mut random = [0; 8];
        rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())?;
        let name = format!("{:016x}", u64::from_ne_bytes(random));
        let folder = all.join(&name);
        let make = |path: &Path| DirBuilder::new().mode(0o700).create(path);
        match make(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make(&all).or_else(|error| if all.is_dir() { Ok(()) } else { Err(error) })?;
                make(&folder)?;
            }
            made => made?,
        }
        let lock = match File::open(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::AGAIN) => return Ok(None),
            locked => locked?,
        }
        if lock.metadata()?.nlink() == 0 {
            return Ok(None);
        }
        let transaction = Self { folder, name, began: SystemTime::now(), lock: Some(lock), kept: false };
        let Layer { upper, work } = transaction.layer();
        make(&upper)?;
        make(&work)?;
        // The project's root is seen through the folder that lies over it.
        let root = fs::metadata(project)?;
        let mine = fs::metadata(&upper)?;
        if (root.uid(), root.gid()) != (mine.uid(), mine.gid()) {
            match std::os::unix::fs::chown(&upper, Some(root.uid()), Some(root.gid())) {
                // What an ordinary user may not do there is said when it is to be brought in.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
                changed => changed?,
            }
        }
        fs::set_permissions(&upper, Permissions::from_mode(root.mode() & 0o7777))?;
        Ok(Some(transaction))
    }

    /// Where the command's changes go.
    pub fn layer(&self) -> Layer {
        Layer { upper: self.folder.join("upper"), work: self.folder.join("work") }
    }

    /// 16 hex digits that no other has.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// When it began: what changed in the project since is somebody else's work.
    pub fn began(&self) -> SystemTime {
        self.began
    }

    /// Lets it outlive its guard.
    pub fn keep(mut self) -> Kept {
        self.kept = true;
        let _ = folder::remove(&self.folder.join("work"));
        Kept { folder: self.folder.clone(), lock: self.lock.take() }
    }

    /// Keeps its folder, whatever becomes of this guard.
    pub(super) fn hold_on(mut self) -> Self {
        self.kept = true;
        self
    }

    /// Removes it.
    pub(super) fn remove(mut self) {
        self.kept = false;
    }

    /// Those of a state folder whose guard is gone, each held from now on.
    pub(super) fn left(state: &Path) -> Vec<Self> {
        let Ok(entries) = fs::read_dir(state.join(FOLDER)) else { return Vec::new() };
        let claim = |name: &OsStr| {
            let folder = state.join(FOLDER).join(name);
            let lock = File::open(&folder).ok()?;
            flock(&lock, FlockOperation::NonBlockingLockExclusive).ok()?;
            // Between the two its guard may have removed it.
            lock.metadata().ok().filter(|found| found.nlink() > 0)?;
            let name = name.to_str()?.to_owned();
            Some(Self { folder, name, began: SystemTime::now(), lock: Some(lock), kept: false })
        };
        entries.flatten().filter_map(|entry| claim(&entry.file_name())).collect()
    }
}

/// Waits until no other guard brings anything into the project of this `state` folder, and keeps others from it while it is
/// held.
///
/// # Errors
/// Those of the file system.
pub fn exclusively(state: &Path) -> io::Result<File> {
    let all = File::open(state.join(FOLDER))?;
    flock(&all, FlockOperation::LockExclusive)?;
    Ok(all)
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if !self.kept {
            // What stays behind is removed by the next guard.
            let _ = folder::remove(&self.folder);
        }
    }
}
