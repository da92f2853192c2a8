//! Folders of guard's own in which something is kept from run to run, and how long.
//! Knows nothing of what it is.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Whether a folder, which is made if it is not there, is this user's alone: others could lead a Python wherever they wish.
pub(super) fn is_own(store: &Path) -> bool {
    let _there = fs::DirBuilder::new().mode(0o700).create(store);
    let own = rustix::process::geteuid().as_raw();
    fs::symlink_metadata(store).is_ok_and(|found| found.is_dir() && found.uid() == own && found.mode() & 0o077 == 0)
}

/// A name for what is made of these libraries, by this version of guard, besides `also`: another one once something is
/// installed in them.
pub(super) fn name<L: AsRef<Path>>(libraries: &[L], also: impl Hash) -> String {
    let mut hasher = DefaultHasher::new();
    (env!("CARGO_PKG_VERSION"), also).hash(&mut hasher);
    for library in libraries.iter().map(AsRef::as_ref) {
        library.hash(&mut hasher);
        let found = fs::symlink_metadata(library).ok();
        found.map(|found| (found.dev(), found.ino(), found.mtime(), found.mtime_nsec())).hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}

/// Those of `libraries` that neither lie in one of `without` nor hold one.
pub(super) fn apart<'a>(libraries: &'a [PathBuf], without: &[&Path]) -> Vec<&'a Path> {
    let apart = |library: &Path| !without.iter().any(|other| library.starts_with(other) || other.starts_with(library));
    libraries.iter().map(PathBuf::as_path).filter(|library| apart(library)).collect()
}

/// Says that `folder` is used now, so that others go before it.
pub(super) fn used(folder: &Path) -> bool {
    fs::File::open(folder).and_then(|folder| folder.set_modified(SystemTime::now())).is_ok()
}

/// Removes what of `store` was not used for longest: all but `folder` and `most` others.
pub(super) fn clear(store: &Path, folder: &Path, most: usize) {
    let others = fs::read_dir(store).into_iter().flatten().flatten().filter(|entry| entry.path() != folder);
    let used =
        |entry: &fs::DirEntry| entry.metadata().and_then(|found| found.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let mut others: Vec<_> = others.map(|entry| (used(&entry), entry.path())).collect();
    others.sort();
    for (_, path) in others.iter().rev().skip(most) {
        let _gone = fs::remove_dir_all(path);
    }
}
