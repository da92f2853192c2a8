//! All that lies below a folder of a project, folder by folder: no link is followed and no mount entered, whoever swaps a
//! folder for one meanwhile.
//! Reads no content.

use crate::execute::change::Root;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, openat2, statat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What was come upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Met {
    /// A folder.
    Folder,
    /// A file, or a link, of that many bytes.
    File(u64),
    /// A pipe, a socket or a device.
    Other,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Go on, and into it where it is a folder.
    On,
    /// Go on, and not into it.
    Past,
    /// Stop.
    Stop,
}

/// Tells `met` of everything in `project`, by its path from there. What cannot be read is passed over.
///
/// # Errors
/// Where the project itself cannot be opened.
pub fn walk(project: &Path, mut met: impl FnMut(&Path, Met) -> Next) -> Result<(), Errno> {
    let root = Root::open(project)?;
    let mut left = vec![PathBuf::new()];
    while let Some(path) = left.pop() {
        let Ok(folder) = folder(&root, &path) else { continue };
        let Ok(entries) = Dir::read_from(&folder) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let Ok(found) = statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            let kind = FileType::from_raw_mode(found.st_mode);
            let what = if kind.is_dir() {
                Met::Folder
            } else if kind.is_file() || kind.is_symlink() {
                Met::File(u64::try_from(found.st_size).unwrap_or(0))
            } else {
                Met::Other
            };
            let path = path.join(OsStr::from_bytes(name.to_bytes()));
            match met(&path, what) {
                Next::On if what == Met::Folder => left.push(path),
                Next::On | Next::Past => {}
                Next::Stop => return Ok(()),
            }
        }
    }
    Ok(())
}

fn folder(root: &Root, path: &Path) -> Result<OwnedFd, Errno> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let resolve =
        ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    loop {
        match openat2(root.as_fd(), path, flags, Mode::empty(), resolve) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            opened => return opened,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn everything_is_met_and_no_link_followed() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("project");
        fs::create_dir_all(project.join("a/b")).unwrap();
        fs::create_dir_all(project.join("past/c")).unwrap();
        fs::create_dir(folder.path().join("outside")).unwrap();
        fs::write(folder.path().join("outside/secret"), "s").unwrap();
        fs::write(project.join("a/b/file"), "four").unwrap();
        symlink("../outside", project.join("link")).unwrap();
        let mut all = Vec::new();
        walk(&project, |path, met| {
            all.push((path.to_string_lossy().into_owned(), met));
            if path == Path::new("past") { Next::Past } else { Next::On }
        })
        .unwrap();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        let expected = [
            ("a", Met::Folder),
            ("a/b", Met::Folder),
            ("a/b/file", Met::File(4)),
            ("link", Met::File(10)),
            ("past", Met::Folder),
        ];
        assert_eq!(all, expected.map(|(path, met)| (path.to_owned(), met)));
        let mut seen = 0;
        walk(&project, |_, _| {
            seen += 1;
            Next::Stop
        })
        .unwrap();
        assert_eq!(seen, 1);
    }
}
