//! What stands at a path of a project, read through and hashed; what is no file is told, not opened.
//! Changes nothing.

use crate::action::Node;
use crate::execute::change::{Root, hash, special};
use rustix::fs::{Access, AtFlags, FileType};
use rustix::io::Errno;
use std::ffi::OsString;
use std::fs::File;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// What stands at a path.
#[derive(Debug)]
pub struct Stood {
    /// What it is.
    pub node: Node,
    /// By how many names it goes.
    pub names: u64,
    /// A file, open for reading from its beginning.
    pub file: Option<File>,
}

/// Whether this process may write to the file or folder `path`, from the root of `project`.
///
/// # Errors
/// The system's, where it may not or nothing is there.
pub fn writable(project: &Path, path: &Path) -> Result<(), Errno> {
    let root = Root::open(project)?;
    match root.stat(path) {
        Ok(Some(found)) if !FileType::from_raw_mode(found.st_mode).is_dir() => {
            let (parent, name) = root.parent(path)?;
            let by = AtFlags::EACCESS | AtFlags::SYMLINK_NOFOLLOW;
            rustix::fs::accessat(&parent, name, Access::WRITE_OK, by)
        }
        _ => root.writable(path),
    }
}

/// Looks at `path`, from the root of `project` and without links on the way; `None`: nothing is there.
///
/// # Errors
/// The system's, also where it was changed while it was read.
pub fn stood(project: &Path, path: &Path) -> Result<Option<Stood>, Errno> {
    let root = Root::open(project)?;
    let Some(found) = root.stat(path)? else { return Ok(None) };
    let (kind, mode) = (FileType::from_raw_mode(found.st_mode), found.st_mode & 0o7777);
    let named = |node| Some(Stood { node, names: found.st_nlink, file: None });
    if let Some(kind) = special(kind) {
        return Ok(named(Node::Special { kind }));
    }
    if kind.is_dir() {
        return Ok(named(Node::Folder { mode }));
    }
    if kind.is_symlink() {
        let (parent, name) = root.parent(path)?;
        let to = rustix::fs::readlinkat(&parent, name, Vec::new())?;
        return Ok(named(Node::Link { to: PathBuf::from(OsString::from_vec(to.into_bytes())) }));
    }
    let fd = root.file(path)?;
    let opened = rustix::fs::fstat(&fd)?;
    if (opened.st_dev, opened.st_ino) != (found.st_dev, found.st_ino) {
        return Err(Errno::STALE);
    }
    let file = File::from(fd);
    let again = file.try_clone().map_err(|error| error.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error))?;
    let sha256 = hash(again)?;
    rustix::fs::seek(&file, rustix::fs::SeekFrom::Start(0))?;
    let len = u64::try_from(rustix::fs::fstat(&file)?.st_size).unwrap_or(0);
    Ok(Some(Stood { node: Node::File { len, mode, sha256 }, names: found.st_nlink, file: Some(file) }))
}
