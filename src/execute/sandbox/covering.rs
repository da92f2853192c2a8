//! The mounts that put what is open of a closed folder, and nothing else, in its place.
//! Knows neither what is closed nor why.

use super::closed::Cover;
use super::layout::c_path;
use super::mounts::Step;
use crate::execute::ExecuteError;
use std::ffi::CString;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the replacements are put together; the folder is there already, in memory.
const WORKSHOP: &str = "/run/guard";

/// The steps that make a replacement for each of `covers`, with a way to each of `ways` that lies in it, and those that then
/// put them in place. In between, what is made can be made read-only by its folder.
pub(super) fn steps(covers: &[Cover], ways: &[&Path]) -> Result<(Vec<Step>, Vec<Step>), ExecuteError> {
    let (mut make, mut put) = (Vec::new(), Vec::new());
    for (number, cover) in covers.iter().enumerate() {
        let made = PathBuf::from(format!("{WORKSHOP}/cover-{number}"));
        let at = c_path(&made)?;
        make.push(Step::Folder { at: at.clone(), mode: 0o755 });
        // A mount, to be moved; to make a file system for each takes three times as long.
        make.push(Step::Bind { from: at.clone(), at });
        for path in &cover.open {
            open(path, cover, &made, &mut make)?;
        }
        for path in ways.iter().filter(|path| path.starts_with(&cover.at)) {
            way(path, cover, &made, &mut make)?;
        }
        put.push(Step::Move { from: c_path(&made)?, to: c_path(&cover.at)? });
    }
    Ok((make, put))
}

/// Makes what is at `path` be there in the replacement too; a link as a link.
fn open(path: &Path, cover: &Cover, made: &Path, steps: &mut Vec<Step>) -> Result<(), ExecuteError> {
    let Ok(kind) = path.symlink_metadata().map(|found| found.file_type()) else { return Ok(()) };
    if let Some(parent) = path.parent() {
        way(parent, cover, made, steps)?;
    }
    let at = c_path(&made.join(path.strip_prefix(&cover.at).unwrap_or(path)))?;
    if kind.is_symlink() {
        let Ok(to) = fs::read_link(path) else { return Ok(()) };
        steps.push(Step::Link { to: c_path(&to)?, at });
        return Ok(());
    }
    match (kind.is_dir(), kind.is_file()) {
        (true, _) => steps.push(Step::Folder { at: at.clone(), mode: 0o755 }),
        (_, true) => steps.push(Step::File { at: at.clone() }),
        (false, false) => return Ok(()),
    }
    steps.push(Step::Bind { from: c_path(path)?, at });
    Ok(())
}

/// Makes the folders down to `path`.
fn way(path: &Path, cover: &Cover, made: &Path, steps: &mut Vec<Step>) -> Result<(), ExecuteError> {
    let mut at = made.to_owned();
    for part in path.strip_prefix(&cover.at).unwrap_or(Path::new("")).components() {
        at.push(part);
        let at: CString = c_path(&at)?;
        // Each but once: they come by the dozen.
        let step = Step::Folder { at, mode: 0o755 };
        if !steps.contains(&step) {
            steps.push(step);
        }
    }
    Ok(())
}
