//! Placeholders for protected paths that do not exist: something must be there to mount on.
//! Knows no mounts. A stub has no effect for git or anybody else while it is there, and is removed at the end.

use super::watch::{Identity, is_at};
use crate::execute::ExecuteError;
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, DirBuilder, File, FileType, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A `commondir` that names the folder it lies in changes nothing.
const SELF: &str = ".\n";

/// The stubs of one run. Other runs in the same project may rely on the same ones: each holds a shared lock, and only
/// the last one removes them, because removing a mount point takes the mount away in every namespace.
#[derive(Debug, Default)]
pub(super) struct Stubs {
    made: Vec<(PathBuf, File)>,
}

impl Stubs {
    /// Makes a stub at `path`, whose parent exists. `None`: nobody with guard's rights can make anything there.
    pub(super) fn hold(&mut self, path: &Path) -> Result<Option<(PathBuf, FileType)>, ExecuteError> {
        let trouble = |error: io::Error| ExecuteError::Fence {
            what: format!("hold the place of `{}`", path.display()),
            cause: error.to_string(),
            mend: "make it yourself, or let guard write there".to_owned(),
        };
        // A few tries: another run may remove its stub in between.
        for _ in 0..16 {
            match make(path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) if closed(&error) => return Ok(None),
                Err(error) => return Err(trouble(error)),
            }
            let Ok(file) = File::open(path) else { continue };
            flock(&file, FlockOperation::LockShared).map_err(|e| trouble(e.into()))?;
            let Ok(locked) = file.metadata() else { continue };
            if is_at(path, Identity::of(&locked)) {
                self.made.push((path.to_owned(), file));
                return Ok(Some((path.to_owned(), locked.file_type())));
            }
        }
        Err(trouble(io::Error::from(io::ErrorKind::ResourceBusy)))
    }
}

impl Stubs {
    /// Stubs that somebody removed or replaced meanwhile.
    pub(super) fn gone(&self) -> impl Iterator<Item = &PathBuf> {
        let there = |path: &Path, file: &File| file.metadata().is_ok_and(|held| is_at(path, Identity::of(&held)));
        self.made.iter().filter(move |(path, file)| !there(path, file)).map(|(path, _)| path)
    }
}

/// Whether the system lets guard, and so the command, make nothing there.
fn closed(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

fn make(path: &Path) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default();
    let text = if name == "commondir" { SELF } else { "" };
    // `.git/hooks`, `.git`: folders; anything with an ending, and git's own files, are files.
    if text.is_empty() && name != "config" && (path.extension().is_none() || name == ".git") {
        return DirBuilder::new().mode(0o1555).create(path);
    }
    OpenOptions::new().write(true).create_new(true).mode(0o1444).open(path)?.write_all(text.as_bytes())
}

/// Whether something looks like a stub: the sticky bit, and nobody may write. Another run may remove it.
pub(super) fn is_stub(found: &Metadata) -> bool {
    found.permissions().mode() & 0o1222 == 0o1000
}

impl Drop for Stubs {
    fn drop(&mut self) {
        while let Some((path, file)) = self.made.pop() {
            if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
                continue;
            }
            // Only what is still empty: somebody outside may have put it to use.
            let Ok(kind) = path.symlink_metadata() else { continue };
            if !is_stub(&kind) {
                continue;
            }
            if kind.is_dir() {
                let _ = fs::remove_dir(&path);
            } else if matches!(fs::read(&path).as_deref(), Ok(b"" | b".\n")) {
                let _ = fs::remove_file(&path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_made_stays() {
        let folder = tempfile::tempdir().unwrap();
        let git = folder.path().join(".git");
        fs::create_dir(&git).unwrap();
        let mut stubs = Stubs::default();
        stubs.hold(&git).unwrap();
        drop(stubs);
        assert!(git.exists());
    }

    #[test]
    fn the_last_run_removes_a_stub_and_nobody_removes_what_was_put_to_use() {
        let folder = tempfile::tempdir().unwrap();
        let (git, common) = (folder.path().join(".git"), folder.path().join("commondir"));
        let (mut first, mut second) = (Stubs::default(), Stubs::default());
        for stubs in [&mut first, &mut second] {
            assert!(stubs.hold(&git).unwrap().unwrap().1.is_dir());
            assert!(stubs.hold(&common).unwrap().unwrap().1.is_file());
        }
        assert_eq!(fs::read(&common).unwrap(), b".\n");
        drop(first);
        assert!(git.exists() && common.exists());
        drop(second);
        assert!(!git.exists() && !common.exists());

        let mut third = Stubs::default();
        third.hold(&git).unwrap();
        fs::set_permissions(&git, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(git.join("HEAD"), "ref").unwrap();
        drop(third);
        assert!(git.join("HEAD").exists());
    }
}
