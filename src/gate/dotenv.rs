//! Where the `.env` files of a project were found before, so that each stays known whatever is put before it: kept in the
//! state folder.
//! Knows no look for them: that is the fence's.

use super::trust::keep;
use super::{Project, Stop};
use crate::execute::Reads;
use crate::execute::sandbox::look_through;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Each path, from the project's root on, ends with a NUL. The first is empty where the project was looked through.
const KNOWN: &str = "dotenv";

/// Has the fence know what was found before.
pub(super) fn recall(project: &Project, reads: &mut Reads) {
    let bytes = fs::read(project.paths.state.join(KNOWN)).unwrap_or_default();
    reads.looked_through = bytes.first() == Some(&0);
    let paths = bytes.split(|byte| *byte == 0).filter(|path| !path.is_empty());
    reads.dotenv = paths.map(|path| project.root.join(OsStr::from_bytes(path))).collect();
}

/// Remembers what was found, where there is anything new.
pub(super) fn remember(project: &Project, known: &Reads, found: &[PathBuf]) -> Result<(), Stop> {
    if found.iter().all(|path| known.dotenv.contains(path)) {
        return Ok(());
    }
    let all: BTreeSet<&PathBuf> = known.dotenv.iter().chain(found).collect();
    store(project, all, known.looked_through)
}

/// Looks through the project, where a person waits for it.
pub(super) fn find_all(project: &Project) -> Result<(), Stop> {
    let mut known = Reads::default();
    recall(project, &mut known);
    let found = look_through(&project.root);
    // What is gone may come again under its name; not without end.
    let known = known.dotenv.iter().filter(|path| path.parent().is_some_and(Path::is_dir));
    store(project, known.chain(&found.files).collect(), found.whole)
}

fn store(project: &Project, paths: BTreeSet<&PathBuf>, whole: bool) -> Result<(), Stop> {
    let mut bytes = if whole { vec![0] } else { Vec::new() };
    for path in paths {
        bytes.extend_from_slice(path.strip_prefix(&project.root).unwrap_or(path).as_os_str().as_bytes());
        bytes.push(0);
    }
    keep(&project.paths.state.join(KNOWN), &bytes)
}
