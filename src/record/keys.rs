//! The key state: one file of four sectors beside the log, outside the project.
//! Sector 0 names the log and holds the key of redaction tags; 1 and 2 hold the next record's key and the head, twice;
//! 3 bars the log after a failed sync, in place, since a full disk cannot refuse that.

use super::{Disk, Files, Key, LogError, Point, Step};
use rustix::fs::{FlockOperation, Mode, OFlags, fstat, open};
use rustix::io::{Errno, pread};
use sha2::{Digest, Sha256};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

const SECTOR: usize = 512;
const HEADER: &[u8; 16] = b"guard key file1\n";
const SLOT: &[u8; 8] = b"guardky1";
const SLOT_LEN: usize = 8 + 8 + 32 + 32 + 8 + 8 + 16;

/// Where the log stood when its key state was last advanced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    /// The last record.
    pub(super) point: Point,
    /// The key of the record after it.
    pub(super) key: Key,
}

/// What the key file says.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) log_id: [u8; 16],
    pub(super) tag_key: [u8; 32],
    /// The newest readable slot; `None`: both are garbage.
    pub(super) head: Option<Head>,
    /// Sequence numbers in the two slots, 0 where unreadable.
    slots: [u64; 2],
    /// Why the log is barred.
    pub(super) poison: Option<String>,
}

#[derive(Debug)]
pub(super) struct KeyFile {
    fd: OwnedFd,
    pub(super) path: PathBuf,
}

impl KeyFile {
    /// Makes a key file for a log without records.
    pub(super) fn create(path: &Path, log_id: [u8; 16], tag_key: [u8; 32], seed: &Key) -> Result<KeyFile, LogError> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let failed = |e: Errno| LogError::system("create", path, e);
        let fd = open(path, flags, Mode::RUSR | Mode::WUSR).map_err(failed)?;
        let file = KeyFile { fd, path: path.to_owned() };
        let mut bytes = vec![0; 4 * SECTOR];
        let head = Head { point: Point::default(), key: seed.clone() };
        for (sector, part) in bytes.chunks_mut(SECTOR).zip([header(log_id, tag_key), slot(&head), slot(&head)]) {
            for (to, from) in sector.iter_mut().zip(part) {
                *to = from;
            }
        }
        Disk.put(file.fd.as_fd(), &bytes, 0).map_err(failed)?;
        rustix::fs::fsync(&file.fd).map_err(failed)?;
        Ok(file)
    }

    pub(super) fn open(path: &Path) -> Result<KeyFile, LogError> {
        let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        match open(path, flags, Mode::empty()) {
            Ok(fd) => Ok(KeyFile { fd, path: path.to_owned() }),
            Err(e) => Err(LogError::Keys { path: path.to_owned(), what: e.to_string() }),
        }
    }

    /// Reads the whole file. Garbage in the header is an error; in the slots it is `head: None`.
    pub(super) fn read(&self) -> Result<Content, LogError> {
        let bad = |what: &str| LogError::Keys { path: self.path.clone(), what: what.to_owned() };
        let mut bytes = [0; 4 * SECTOR];
        let got = pread(&self.fd, &mut bytes, 0).map_err(|e| bad(&e.to_string()))?;
        if got != bytes.len() {
            return Err(bad("it is too short"));
        }
        let mut sectors = bytes.chunks_exact(SECTOR);
        let mut next = || sectors.next().unwrap_or_default();
        let (log_id, tag_key) = read_header(next()).ok_or_else(|| bad("its header is garbage"))?;
        let (a, b) = (read_slot(next()), read_slot(next()));
        let slots = [&a, &b].map(|s| s.as_ref().map_or(0, |h| h.point.seq));
        let head = match (a, b) {
            (Some(a), Some(b)) => Some(if a.point.seq >= b.point.seq { a } else { b }),
            (a, b) => a.or(b),
        };
        let mark: Vec<u8> = next().iter().copied().take_while(|b| *b != 0).collect();
        let poison = (!mark.is_empty()).then(|| String::from_utf8_lossy(&mark).into_owned());
        Ok(Content { log_id, tag_key, head, slots, poison })
    }

    /// Advances both slots, the older or broken one first, so that one of them is whole at any moment. Does nothing
    /// when another guard is at it or was further: being behind is allowed. Returns whether `then` may follow under
    /// the same lock.
    pub(super) fn advance<F: Files>(&self, files: &F, head: &Head, then: impl FnOnce()) -> Result<(), Errno> {
        let fd = self.fd.as_fd();
        let mut tries = 0;
        while let Err(e) = files.lock(fd, FlockOperation::NonBlockingLockExclusive) {
            tries += 1;
            if e != Errno::WOULDBLOCK || tries > 64 {
                return Ok(());
            }
            std::thread::yield_now();
        }
        let result = self.advance_locked(files, head);
        if result.is_ok() {
            then();
        }
        let _ = files.lock(fd, FlockOperation::Unlock);
        result
    }

    fn advance_locked<F: Files>(&self, files: &F, head: &Head) -> Result<(), Errno> {
        let Ok(content) = self.read() else { return Ok(()) };
        let [a, b] = content.slots;
        if content.head.is_some_and(|h| h.point.seq >= head.point.seq) {
            return Ok(());
        }
        let bytes = slot(head);
        let order = if a <= b { [1, 2] } else { [2, 1] };
        for sector in order {
            files.at(Step::Keys)?;
            files.put(self.fd.as_fd(), &bytes, sector * SECTOR as u64)?;
        }
        Ok(())
    }

    /// Writes both slots whatever they say: for creation and recovery, under the log's lock.
    pub(super) fn set(&self, head: &Head) -> Result<(), LogError> {
        let bytes = slot(head);
        let failed = |e: Errno| LogError::system("write", &self.path, e);
        for sector in [1, 2] {
            Disk.put(self.fd.as_fd(), &bytes, sector * SECTOR as u64).map_err(failed)?;
        }
        rustix::fs::fsync(&self.fd).map_err(failed)
    }

    /// Bars the log, or lifts the bar when `cause` is empty.
    pub(super) fn poison(&self, cause: &str) -> Result<(), LogError> {
        let mut sector = vec![0; SECTOR];
        for (to, from) in sector.iter_mut().take(SECTOR - 1).zip(cause.bytes()) {
            *to = from;
        }
        let failed = |e: Errno| LogError::system("write", &self.path, e);
        Disk.put(self.fd.as_fd(), &sector, 3 * SECTOR as u64).map_err(failed)?;
        rustix::fs::fdatasync(&self.fd).map_err(failed)
    }

    /// Whether the file lies where nobody else reads it.
    pub(super) fn is_private(&self) -> bool {
        fstat(&self.fd).is_ok_and(|s| s.st_mode & 0o077 == 0)
    }
}

fn checksum(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).into_iter().take(16).collect()
}

fn header(log_id: [u8; 16], tag_key: [u8; 32]) -> Vec<u8> {
    let mut out = HEADER.to_vec();
    out.extend(log_id);
    out.extend(tag_key);
    let sum = checksum(&out);
    out.extend(sum);
    out
}

fn read_header(sector: &[u8]) -> Option<([u8; 16], [u8; 32])> {
    let mut rest = sector.strip_prefix(HEADER)?;
    let (log_id, tag_key): ([u8; 16], [u8; 32]) = (take(&mut rest)?, take(&mut rest)?);
    (sector.get(..80)? == header(log_id, tag_key)).then_some((log_id, tag_key))
}

fn slot(head: &Head) -> Vec<u8> {
    let mut out = Vec::with_capacity(SLOT_LEN);
    out.extend(SLOT);
    out.extend(head.point.seq.to_le_bytes());
    out.extend(head.key.bytes());
    out.extend(head.point.hash);
    out.extend(head.point.end.to_le_bytes());
    out.extend(head.point.micros.to_le_bytes());
    let sum = checksum(&out);
    out.extend(sum);
    out
}

fn read_slot(sector: &[u8]) -> Option<Head> {
    let mut rest = sector.strip_prefix(SLOT)?;
    let seq = u64::from_le_bytes(take(&mut rest)?);
    let key = Key::new(take(&mut rest)?);
    let hash = take(&mut rest)?;
    let end = u64::from_le_bytes(take(&mut rest)?);
    let micros = i64::from_le_bytes(take(&mut rest)?);
    let head = Head { point: Point { seq, hash, end, micros }, key };
    (sector.get(..SLOT_LEN)? == slot(&head)).then_some(head)
}

pub(super) fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_at_checked(N)?;
    *rest = tail;
    head.try_into().ok()
}
