//! Blobs: texts too long for a line, kept under the name of their hash, durable before any record names them.
//! Takes only what is redacted already.

use super::{Files, LogError, Step, index};
use crate::event::line::hex;
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use sha2::{Digest, Sha256};
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Longest blob in bytes; what is beyond is cut and marked.
pub const LONGEST_BLOB: u64 = 16 * 1024 * 1024;
const MARK: &[u8] = "\n‹cut: a blob ends here›\n".as_bytes();

/// Where the blob with this SHA-256 (64 hex digits) lies.
pub fn blob_path(state: &Path, sha256: &str) -> PathBuf {
    let (folder, name) = sha256.split_at_checked(2).unwrap_or((sha256, ""));
    state.join("blobs/sha256").join(folder).join(name)
}

/// A blob being written.
pub(super) struct Writer<'a, F: Files> {
    files: &'a F,
    state: &'a Path,
    temporary: PathBuf,
    fd: OwnedFd,
    hash: Sha256,
    length: u64,
    named: bool,
}

impl<'a, F: Files> Writer<'a, F> {
    pub(super) fn new(files: &'a F, state: &'a Path) -> Result<Self, LogError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let temporary = state.join("blobs/sha256").join(format!(".new-{}-{count}", std::process::id()));
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let fd = open(&temporary, flags, Mode::RUSR | Mode::WUSR).map_err(|e| failed(&temporary, e))?;
        Ok(Writer { files, state, temporary, fd, hash: Sha256::new(), length: 0, named: false })
    }

    /// Adds bytes, as far as a blob may be long.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), LogError> {
        let room = LONGEST_BLOB - MARK.len() as u64 - self.length.min(LONGEST_BLOB - MARK.len() as u64);
        if room == 0 {
            return Ok(());
        }
        match bytes.split_at_checked(usize::try_from(room).unwrap_or(usize::MAX)) {
            Some((fitting, more)) if !more.is_empty() => self.put(fitting).and_then(|()| self.put(MARK)),
            _ => self.put(bytes),
        }
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), LogError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let done = self.files.at(Step::BlobWrite).and_then(|()| self.files.write(self.fd.as_fd(), rest));
            match done {
                Ok(0) => return Err(failed(&self.temporary, Errno::NOSPC)),
                Ok(n) => rest = rest.get(n..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(e) => return Err(failed(&self.temporary, e)),
            }
        }
        self.hash.update(bytes);
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Makes the blob durable under its name, and returns that: its SHA-256.
    pub(super) fn finish(mut self) -> Result<String, LogError> {
        let name = hex(&<[u8; 32]>::from(std::mem::take(&mut self.hash).finalize()));
        let path = blob_path(self.state, &name);
        let folder = path.parent().unwrap_or(self.state);
        let synced = self.files.at(Step::BlobSync).and_then(|()| self.files.sync(self.fd.as_fd()));
        synced.map_err(|e| failed(&self.temporary, e))?;
        match fs::DirBuilder::new().mode(0o700).create(folder) {
            Ok(()) => index::sync_folder(folder.parent().unwrap_or(folder))?,
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(LogError::system("create", folder, e)),
        }
        self.files.at(Step::BlobName).map_err(|e| failed(&path, e))?;
        fs::rename(&self.temporary, &path).map_err(|e| LogError::system("name", &path, e))?;
        self.named = true;
        index::sync_folder(folder)?;
        Ok(name)
    }
}

impl<F: Files> Drop for Writer<'_, F> {
    fn drop(&mut self) {
        if !self.named {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

fn failed(path: &Path, e: Errno) -> LogError {
    match e {
        Errno::NOSPC | Errno::DQUOT => LogError::Full { log: path.to_owned(), cause: e.to_string() },
        e => LogError::system("write", path, e),
    }
}
