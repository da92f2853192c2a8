//! Whether what covers a hidden path was still there at the end of a run: whoever removes or replaces a mount point from
//! outside takes the mount away in every namespace, and with it the cover.
//! Knows which files stood there, not how they are mounted.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Files and folders that are mounted on, as they stood before a fence was built.
#[derive(Debug, Default)]
pub(super) struct Watch {
    before: Vec<(PathBuf, Identity)>,
}

impl Watch {
    pub(super) fn over(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let before = paths.into_iter().filter_map(|path| {
            let found = path.symlink_metadata().ok()?;
            Some((path, Identity::of(&found)))
        });
        Self { before: before.collect() }
    }

    /// Those that are gone or others now.
    pub(super) fn gone(&self) -> impl Iterator<Item = &PathBuf> {
        self.before.iter().filter(|(path, before)| !is_at(path, *before)).map(|(path, _)| path)
    }
}

/// Which file it is: a number that was freed is given out again, so the time it was made counts too, where it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity(u64, u64, Option<SystemTime>);

impl Identity {
    fn of(found: &Metadata) -> Self {
        Self(found.dev(), found.ino(), found.created().ok())
    }
}

/// Whether that very file stands at `path`.
fn is_at(path: &Path, identity: Identity) -> bool {
    path.symlink_metadata().is_ok_and(|found| Identity::of(&found) == identity)
}
