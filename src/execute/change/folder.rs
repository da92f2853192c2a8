//! Removing a folder that a hostile command filled: any depth, any names, any modes.
//! Knows nothing of what is in it.

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, RenameFlags, chmodat, fchmod, openat, renameat_with, unlinkat,
};
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// Removes the folder at `path` with everything in it; nothing if it is not there. Folders within are taken out of one
/// another first, so that no depth costs descriptors or stack.
pub fn remove(path: &Path) -> Result<(), Errno> {
    match unlinkat(CWD, path, AtFlags::REMOVEDIR) {
        Err(Errno::NOTEMPTY | Errno::EXIST) => {}
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        Err(error) => return Err(error),
    }
    let top = open(CWD, path)?;
    let mut number = 0_u64;
    loop {
        // Those that lie directly in the top one, each emptied into it.
        let folders = sweep(top.as_fd(), top.as_fd(), &mut number)?;
        if folders.is_empty() {
            break;
        }
        for folder in &folders {
            let inner = open(top.as_fd(), folder.as_slice())?;
            sweep(inner.as_fd(), top.as_fd(), &mut number)?;
            match unlinkat(&top, folder.as_slice(), AtFlags::REMOVEDIR) {
                // Reading a folder may miss what is there while it is emptied.
                Ok(()) | Err(Errno::NOTEMPTY | Errno::EXIST) => {}
                Err(error) => return Err(error),
            }
        }
    }
    unlinkat(CWD, path, AtFlags::REMOVEDIR)
}

/// Folders that one listing of the top one takes.
const TAKEN: usize = 4096;

/// Removes everything in `folder` but folders; those that are not in the top one already are moved there. The names of
/// folders in the top one, so many at once.
fn sweep(folder: BorrowedFd<'_>, top: BorrowedFd<'_>, number: &mut u64) -> Result<Vec<Vec<u8>>, Errno> {
    let at_top = rustix::fs::fstat(folder)?.st_ino == rustix::fs::fstat(top)?.st_ino;
    let mut left = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let mut kind = entry.file_type();
        if kind == FileType::Unknown {
            kind = FileType::from_raw_mode(rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode);
        }
        if kind != FileType::Directory {
            unlinkat(folder, name, AtFlags::empty())?;
        } else if at_top {
            left.push(name.to_bytes().to_vec());
            if left.len() == TAKEN {
                break;
            }
        } else {
            match unlinkat(folder, name, AtFlags::REMOVEDIR) {
                Ok(()) => continue,
                Err(Errno::NOTEMPTY | Errno::EXIST) => {}
                Err(error) => return Err(error),
            }
            // To move a folder elsewhere takes the right to write to it.
            let _ = chmodat(folder, name, Mode::RWXU, AtFlags::empty());
            loop {
                *number += 1;
                let flags = RenameFlags::NOREPLACE;
                match renameat_with(folder, name, top, format!(".{number}"), flags) {
                    Ok(()) => break,
                    Err(Errno::EXIST) => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }
    Ok(left)
}

/// Opens a folder to be emptied, whatever its mode.
fn open(at: BorrowedFd<'_>, path: impl rustix::path::Arg + Copy) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = match openat(at, path, flags, Mode::empty()) {
        Err(Errno::ACCESS) => {
            chmodat(at, path, Mode::RWXU, AtFlags::empty())?;
            openat(at, path, flags, Mode::empty())
        }
        opened => opened,
    }?;
    let _ = fchmod(&opened, Mode::RWXU);
    Ok(opened)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_folder_of_any_depth_and_mode_is_removed() {
        let base = tempfile::tempdir().unwrap();
        let top = base.path().join("top");
        fs::create_dir(&top).unwrap();
        fs::write(top.join(".1"), "in the way").unwrap();
        let mut at = open(CWD, top.as_path()).unwrap();
        for _ in 0..5000 {
            rustix::fs::mkdirat(&at, "deeper", Mode::RWXU).unwrap();
            let next = open(at.as_fd(), "deeper").unwrap();
            for name in ["a", ".2"] {
                drop(openat(&next, name, OFlags::CREATE | OFlags::WRONLY, Mode::RUSR).unwrap());
            }
            at = next;
        }
        fs::create_dir(top.join("shut")).unwrap();
        fs::write(top.join("shut/file"), "").unwrap();
        fs::set_permissions(top.join("shut"), fs::Permissions::from_mode(0o000)).unwrap();
        remove(&top).unwrap();
        assert_eq!(fs::read_dir(base.path()).unwrap().count(), 0);
        remove(&top).unwrap();
    }
}
