//! A fingerprint of the project's files: the same where nothing changed, so that a check's result can be told to hold still.
//! What a phase may touch is read; of everything else size and time are enough, since nobody should have touched it.

use crate::decide::policy::Iteration;
use crate::event::line::hex;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Entries that are looked at; of more the number alone counts.
const ENTRIES: usize = 200_000;
/// Bytes of the largest file that is read.
const READ: u64 = 10 << 20;

/// What is known of a file's content: its stamp then, and SHA-256.
type Known = HashMap<PathBuf, ([i64; 6], [u8; 32])>;

/// Looks at the project's files, and remembers what it read.
pub(super) struct Files {
    root: PathBuf,
    home: Option<PathBuf>,
    iteration: Iteration,
    known: Known,
}

impl Files {
    /// Of the project at `root`; what `iteration` calls outputs does not count.
    pub(super) fn new(root: PathBuf, home: Option<PathBuf>, iteration: Iteration) -> Self {
        Self { root, home, iteration, known: HashMap::new() }
    }

    /// The fingerprint. `read`: what is compared by its content, from the project's root; `aside`: what does not count.
    pub(super) fn fingerprint(&mut self, read: &dyn Fn(&Path) -> bool, aside: &dyn Fn(&Path) -> bool) -> String {
        let mut found: Vec<(PathBuf, Metadata)> = Vec::new();
        let (mut folders, mut looked) = (vec![self.root.clone()], 0_usize);
        while let Some(folder) = folders.pop() {
            let Ok(entries) = fs::read_dir(&folder) else { continue };
            for entry in entries.flatten() {
                looked += 1;
                let path = entry.path();
                let Ok(metadata) = path.symlink_metadata() else { continue };
                if looked > ENTRIES || self.is_aside(&path, aside) {
                    continue;
                }
                if metadata.is_dir() {
                    folders.push(path);
                } else {
                    found.push((path, metadata));
                }
            }
        }
        found.sort_by(|one, other| one.0.cmp(&other.0));
        let mut whole = Sha256::new();
        whole.update(looked.saturating_sub(ENTRIES).to_le_bytes());
        for (path, metadata) in &found {
            let within = path.strip_prefix(&self.root).unwrap_or(path);
            let part = if read(within) { self.content(path, metadata) } else { stamped(metadata) };
            whole.update(within.as_os_str().as_encoded_bytes());
            whole.update([0]);
            whole.update(part);
        }
        hex(&whole.finalize())
    }

    fn is_aside(&self, path: &Path, aside: &dyn Fn(&Path) -> bool) -> bool {
        let within = path.strip_prefix(&self.root).unwrap_or(path);
        let kept = within.starts_with(".git") || within == Path::new(crate::record::LOG_NAME);
        kept || aside(within) || self.iteration.is_output(path, &self.root, self.home.as_deref())
    }

    /// Mode and content; of a link where it leads; of what is too big, or no file, its stamp.
    fn content(&mut self, path: &Path, metadata: &Metadata) -> [u8; 32] {
        if metadata.is_symlink() {
            let to = fs::read_link(path).unwrap_or_default();
            return Sha256::digest(to.as_os_str().as_encoded_bytes()).into();
        }
        if !metadata.is_file() || metadata.len() > READ {
            return stamped(metadata);
        }
        let stamp = stamp(metadata);
        if let Some((known, hash)) = self.known.get(path)
            && *known == stamp
        {
            return *hash;
        }
        let Ok(bytes) = fs::read(path) else { return stamped(metadata) };
        let hash: [u8; 32] =
            Sha256::new().chain_update(metadata.mode().to_le_bytes()).chain_update(bytes).finalize().into();
        self.known.insert(path.to_owned(), (stamp, hash));
        hash
    }
}

fn stamp(metadata: &Metadata) -> [i64; 6] {
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    [
        number(metadata.len()),
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.ctime(),
        metadata.ctime_nsec(),
        number(metadata.ino()),
    ]
}

fn stamped(metadata: &Metadata) -> [u8; 32] {
    let mut all = Sha256::new();
    // Not the time of the last change of its names and rights: a look at it through another mount may set that.
    all.update(metadata.len().to_le_bytes());
    all.update(metadata.mtime().to_le_bytes());
    all.update(metadata.mtime_nsec().to_le_bytes());
    all.update(metadata.mode().to_le_bytes());
    all.finalize().into()
}
