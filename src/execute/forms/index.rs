//! Which source each kept form was made of, and as what it stood then.
//! Knows files, not what is in them.

use rustix::fs::{FsWord, statfs};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long ago a source must have been changed: a change soon after another may bear the same time.
pub(super) const SETTLED: Duration = Duration::from_secs(1);
/// Bytes of a source, at most.
const LONGEST: u64 = 1 << 20;

/// File systems on which this machine's kernel itself notes the time of each change (magic numbers as in statfs(2)). Others take it from
/// a server or a program, remember it for a while, or have none.
const NOTING: [FsWord; 8] = [
    // ext2 to ext4, xfs, btrfs, f2fs
    0xef53,
    0x5846_5342,
    0x9123_683e,
    0xf2f5_2010,
    // bcachefs, zfs, tmpfs, overlayfs
    0xca45_1a4e,
    0x2fc1_2fc1,
    0x0102_1994,
    0x794c_7630,
];

/// Whether the kernel notes when something changes in `folder`.
pub(super) fn is_noted(folder: &Path) -> bool {
    statfs(folder).is_ok_and(|found| NOTING.contains(&found.f_type))
}

/// What cannot stay the same where a file's content changes: only the kernel sets the time of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Identity {
    /// That of a plain file that is not too long.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let found = fs::symlink_metadata(path).ok().filter(|found| found.is_file() && found.len() <= LONGEST)?;
        Some(Self {
            device: found.dev(),
            inode: found.ino(),
            size: found.len(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        })
    }

    /// Whether it lies on the file system of `folder`, and not on one that is mounted below.
    pub(super) fn is_on_that_of(&self, folder: &Path) -> bool {
        fs::symlink_metadata(folder).is_ok_and(|found| found.dev() == self.device)
    }

    /// How long it must be waited until nothing that changes the file could go unseen; `None` where the clock was set back
    /// since.
    pub(super) fn settles(&self, now: SystemTime) -> Option<Duration> {
        let nanos = |(seconds, nanos): (i64, i64)| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
        let now = i128::try_from(now.duration_since(UNIX_EPOCH).ok()?.as_nanos()).ok()?;
        let left = nanos(self.changed) + i128::try_from(SETTLED.as_nanos()).ok()? - now;
        let left = Duration::from_nanos(u64::try_from(left.max(0)).ok()?);
        (left <= SETTLED).then_some(left)
    }

    /// The head of a compiled form: whose it is, that it holds for this time and size of its source, in 32 bits each, as
    /// Python and pytest compare them.
    pub(super) fn head(&self, magic: [u8; 4]) -> [u8; 16] {
        let low = |number: u64| u32::try_from(number & 0xffff_ffff).unwrap_or_default().to_le_bytes();
        let parts = [magic, [0; 4], low(self.modified.0.cast_unsigned()), low(self.size)];
        let mut head = [0; 16];
        head.iter_mut().zip(parts.as_flattened()).for_each(|(to, from)| *to = *from);
        head
    }
}

/// One form that was made, or could not be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// The source, beneath the project.
    pub(super) source: String,
    /// The file name of the form.
    pub(super) form: String,
    /// As what the source stood.
    pub(super) identity: Identity,
    /// Whether there is a form.
    pub(super) made: bool,
}

/// All of them; none where nothing was kept yet.
///
/// # Errors
/// What is there cannot be read.
pub(super) fn read(path: &Path) -> io::Result<Vec<Entry>> {
    match fs::read(path) {
        Ok(bytes) => postcard::from_bytes(&bytes).map_err(io::Error::other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Writes all of them, at once or not at all.
///
/// # Errors
/// The system's.
pub(super) fn write(path: &Path, entries: &[Entry]) -> io::Result<()> {
    replace(path, &[&postcard::to_stdvec(entries).map_err(io::Error::other)?])
}

/// Puts a file of these parts in place of another, at once or not at all.
///
/// # Errors
/// The system's.
pub(super) fn replace(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let new = path.with_extension(format!("new-{}", std::process::id()));
    let written = fs::write(&new, parts.concat()).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        let _gone = fs::remove_file(&new);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn a_change_is_seen_that_keeps_size_and_time() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a.py");
        fs::write(&path, "a = 1\n").unwrap();
        let (before, time) = (Identity::of(&path).unwrap(), fs::metadata(&path).unwrap().modified().unwrap());
        assert_eq!(Identity::of(&path), Some(before));
        // The kernel's clock for this goes by ticks.
        std::thread::sleep(Duration::from_millis(20));
        fs::write(&path, "a = 2\n").unwrap();
        File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        let after = Identity::of(&path).unwrap();
        assert_eq!((before.size, before.modified), (after.size, after.modified));
        assert_ne!(before, after);
        assert_eq!(Identity::of(root.path()), None);
        std::os::unix::fs::symlink(&path, root.path().join("b.py")).unwrap();
        assert_eq!(Identity::of(&root.path().join("b.py")), None);
    }

    /// `/proc` stands for every file system whose times are made up: vfat, FUSE and those of a network cannot be mounted here.
    #[test]
    fn only_what_the_kernel_notes_changes_of_is_kept() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a.py");
        fs::write(&path, "").unwrap();
        assert!(is_noted(root.path()) && !is_noted(Path::new("/proc")) && !is_noted(Path::new("/nonexistent")));
        let identity = Identity::of(&path).unwrap();
        assert!(identity.is_on_that_of(root.path()) && !identity.is_on_that_of(Path::new("/proc")));
    }

    #[test]
    fn what_was_changed_a_moment_ago_has_to_be_waited_for() {
        let at =
            |seconds, nanos| Identity { device: 0, inode: 0, size: 0, modified: (0, 0), changed: (seconds, nanos) };
        let now = UNIX_EPOCH + Duration::from_secs(100);
        assert_eq!(at(98, 0).settles(now), Some(Duration::ZERO));
        assert_eq!(at(99, 0).settles(now), Some(Duration::ZERO));
        assert_eq!(at(99, 400_000_000).settles(now), Some(Duration::from_millis(400)));
        assert_eq!(at(100, 0).settles(now), Some(SETTLED));
        assert_eq!(at(100, 1).settles(now), None);
    }

    #[test]
    fn the_head_is_pythons() {
        let identity =
            Identity { device: 1, inode: 2, size: 0x1_0000_0203, modified: (0x1_6543_21ff, 5), changed: (0, 0) };
        assert_eq!(identity.head(*b"\xa7\r\r\n"), *b"\xa7\r\r\n\0\0\0\0\xff\x21\x43\x65\x03\x02\0\0");
    }
}
