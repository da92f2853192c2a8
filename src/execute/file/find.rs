//! What a written path means in a project: the kernel follows it, and may not leave the project on the way.
//! Looks at nothing but the way.

use crate::execute::change::Root;
use crate::execute::{Followed, follow};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, openat2, statat};
use rustix::io::Errno;
use std::ffi::OsString;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

/// Bytes of a path, the zero at its end with them (limits.h).
const PATH_MAX: usize = 4096;

/// What becomes of a link at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// What it leads to is meant.
    Followed,
    /// The link itself is meant.
    AsIs,
}

/// Why a path means nothing in a project.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    /// Nothing is written.
    #[error("the path is empty")]
    Empty,
    /// It leaves the project: by itself, by `..` or by a link.
    #[error("it leads out of the project")]
    Outside,
    /// Something else is mounted on the way.
    #[error("another file system is mounted on the way")]
    Mounted,
    /// A link leads to nothing.
    #[error("`{0}` is a link that leads to nothing")]
    Dangling(String),
    /// There is no folder to look in.
    #[error("there is no such folder")]
    NoFolder,
    /// Something on the way is no folder.
    #[error("something on the way is not a folder")]
    NotFolder,
    /// It ends with a slash and is no folder.
    #[error("it ends with `/`, as folders do")]
    Slash,
    /// Longer than a path can be.
    #[error("it is longer than a path can be")]
    TooLong,
    /// The way changed while it was gone.
    #[error("it was moved meanwhile")]
    Moved,
    /// The system refused.
    #[error("{0}")]
    System(Errno),
}

/// The path from the root of `project`, without links on the way, of what `written` means in the folder `cwd`. It need not be
/// there, and neither need the last folders above it.
///
/// # Errors
/// Where it means nothing in the project.
pub fn find(project: &Path, cwd: &Path, written: &Path, ends: Ends) -> Result<PathBuf, FindError> {
    if written.as_os_str().is_empty() {
        return Err(FindError::Empty);
    }
    if written.as_os_str().len() >= PATH_MAX {
        return Err(FindError::TooLong);
    }
    let slash = written.as_os_str().as_bytes().ends_with(b"/") || written.as_os_str().as_bytes().ends_with(b"/.");
    let root = Root::open(project).map_err(FindError::System)?;
    let below = below(project, &cwd.join(written))?;
    let Some(name) = below.file_name().map(ToOwned::to_owned) else {
        return real(&root, project, &beneath(&root, &below)?);
    };
    let parent = below.parent().unwrap_or(Path::new(""));
    let (folder, rest) = nearest(&root, parent)?;
    let above = real(&root, project, &folder)?;
    if let Some(first) = rest.components().next() {
        if rest.components().any(|part| !matches!(part, Component::Normal(_))) {
            return Err(FindError::NoFolder);
        }
        // A link to nothing is nothing to whoever follows it.
        if statat(&folder, first.as_os_str(), AtFlags::SYMLINK_NOFOLLOW).is_ok() {
            return Err(FindError::Dangling(above.join(first).to_string_lossy().into_owned()));
        }
        return if slash { Err(FindError::Slash) } else { Ok(above.join(rest).join(name)) };
    }
    let path = above.join(&name);
    let kind = match statat(&folder, &name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) => FileType::from_raw_mode(found.st_mode),
        Err(Errno::NOENT) if slash => return Err(FindError::Slash),
        Err(Errno::NOENT) => return Ok(path),
        Err(error) => return Err(of(error)),
    };
    if kind.is_symlink() && ends == Ends::Followed {
        return match beneath(&root, &path) {
            Ok(end) if slash && !is_folder(&end)? => Err(FindError::Slash),
            Ok(end) => real(&root, project, &end),
            Err(FindError::NoFolder) => Err(FindError::Dangling(path.to_string_lossy().into_owned())),
            Err(error) => Err(error),
        };
    }
    if slash && !kind.is_dir() {
        return Err(FindError::Slash);
    }
    // A mount hides what stands there.
    if !kind.is_symlink() {
        beneath(&root, &path)?;
    }
    Ok(path)
}

/// `whole` from the project's root, as it is written; where its folder is written in another way than the project's own, by
/// what that leads to. What it means is for the kernel to say.
fn below(project: &Path, whole: &Path) -> Result<PathBuf, FindError> {
    if let Ok(below) = whole.strip_prefix(project) {
        return Ok(below.to_owned());
    }
    // Its links are what they are for each process anew.
    if whole.starts_with("/proc") {
        return Err(FindError::Outside);
    }
    let (Some(parent), Some(name)) = (whole.parent(), whole.file_name()) else { return Err(FindError::Outside) };
    let Followed { real, .. } = follow(parent);
    real.join(name).strip_prefix(project).map(Path::to_owned).map_err(|_| FindError::Outside)
}

/// The innermost folder of `path` that is there, and what is left of the path.
fn nearest(root: &Root, path: &Path) -> Result<(OwnedFd, PathBuf), FindError> {
    for above in path.ancestors() {
        match beneath(root, above) {
            Ok(folder) => {
                if !is_folder(&folder)? {
                    return Err(FindError::NotFolder);
                }
                return Ok((folder, path.strip_prefix(above).unwrap_or(Path::new("")).to_owned()));
            }
            Err(FindError::NoFolder) => {}
            Err(error) => return Err(error),
        }
    }
    Err(FindError::NoFolder)
}

fn is_folder(fd: &OwnedFd) -> Result<bool, FindError> {
    Ok(FileType::from_raw_mode(rustix::fs::fstat(fd).map_err(of)?.st_mode).is_dir())
}

/// Opens what `path` leads to, links followed and the project not left.
fn beneath(root: &Root, path: &Path) -> Result<OwnedFd, FindError> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let open = |resolve| loop {
        match openat2(root.as_fd(), path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            opened => return opened,
        }
    };
    let within = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    match open(within | ResolveFlags::NO_XDEV) {
        // The same answer for either.
        Err(Errno::XDEV) if open(within).is_ok() => Err(FindError::Mounted),
        opened => opened.map_err(of),
    }
}

fn of(error: Errno) -> FindError {
    match error {
        Errno::XDEV | Errno::LOOP => FindError::Outside,
        Errno::NOENT => FindError::NoFolder,
        Errno::NOTDIR => FindError::NotFolder,
        Errno::NAMETOOLONG => FindError::TooLong,
        error => FindError::System(error),
    }
}

/// Where what is open lies, from the project's root.
fn real(root: &Root, project: &Path, fd: &OwnedFd) -> Result<PathBuf, FindError> {
    let link = format!("/proc/self/fd/{}", fd.as_raw_fd());
    let whole = rustix::fs::readlinkat(CWD, &link, Vec::new()).map_err(FindError::System)?;
    let whole = PathBuf::from(OsString::from_vec(whole.into_bytes()));
    let path = whole.strip_prefix(project).map_err(|_| FindError::Moved)?.to_owned();
    let found = if path.as_os_str().is_empty() { root.folder(&path) } else { root.entry(&path) };
    let found = found.and_then(rustix::fs::fstat).map_err(|_| FindError::Moved)?;
    let opened = rustix::fs::fstat(fd.as_fd()).map_err(FindError::System)?;
    if (found.st_dev, found.st_ino) == (opened.st_dev, opened.st_ino) { Ok(path) } else { Err(FindError::Moved) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_path_is_what_the_kernel_makes_of_it_beneath_the_project() {
        let folder = tempfile::tempdir().unwrap();
        let outside = fs::canonicalize(folder.path()).unwrap();
        let project = outside.join("project");
        fs::create_dir_all(project.join("a/b")).unwrap();
        fs::create_dir(outside.join("other")).unwrap();
        fs::write(project.join("a/file"), "").unwrap();
        fs::write(outside.join("secret"), "").unwrap();
        symlink("a/b", project.join("inner")).unwrap();
        symlink("file", project.join("a/link")).unwrap();
        symlink("../../secret", project.join("a/out")).unwrap();
        symlink("/etc", project.join("etc")).unwrap();
        symlink("none", project.join("a/dangling")).unwrap();
        symlink("loop", project.join("loop")).unwrap();
        symlink("/proc/self/root", project.join("magic")).unwrap();
        symlink(&project, outside.join("alias")).unwrap();
        let dangling = |path: &str| FindError::Dangling(path.to_owned());
        let at = |cwd: &str, written: &str, ends| {
            let written = written.replace("$P", project.to_str().unwrap()).replace("$O", outside.to_str().unwrap());
            find(&project, &project.join(cwd), Path::new(&written), ends)
        };
        for (cwd, written, expected) in [
            ("", "a/file", Ok("a/file")),
            ("a", "file", Ok("a/file")),
            ("a", "../a/./file", Ok("a/file")),
            ("a", "new", Ok("a/new")),
            ("", "new/er/x", Ok("new/er/x")),
            ("", "inner/x", Ok("a/b/x")),
            ("", "inner/new/x", Ok("a/b/new/x")),
            ("", "inner/../file", Ok("a/file")),
            ("", "a/link", Ok("a/file")),
            ("", "$P/a/file", Ok("a/file")),
            ("", "$O/alias/a/file", Ok("a/file")),
            ("", ".", Ok("")),
            ("a", "..", Ok("")),
            ("", "", Err(FindError::Empty)),
            ("", "../secret", Err(FindError::Outside)),
            ("", "a/../../secret", Err(FindError::Outside)),
            ("", "a/out", Err(FindError::Outside)),
            ("", "etc/passwd", Err(FindError::Outside)),
            ("", "etc", Err(FindError::Outside)),
            ("", "magic/etc/passwd", Err(FindError::Outside)),
            ("", "loop", Err(FindError::Outside)),
            ("", "loop/x", Err(FindError::Outside)),
            ("", "/etc/passwd", Err(FindError::Outside)),
            ("", "/proc/self/root$P/a/file", Err(FindError::Outside)),
            ("", "/proc/self/cwd/x", Err(FindError::Outside)),
            ("", "$O/other/x", Err(FindError::Outside)),
            ("", "$P/../secret", Err(FindError::Outside)),
            ("", "/", Err(FindError::Outside)),
            ("", "a/file/x", Err(FindError::NotFolder)),
            ("", "a/", Ok("a")),
            ("", "a/file/", Err(FindError::Slash)),
            ("", "a/new/", Err(FindError::Slash)),
            ("", "a/new/.", Err(FindError::Slash)),
            ("", "new/er/", Err(FindError::Slash)),
            ("", "a/link/", Err(FindError::Slash)),
            ("", "inner/", Ok("a/b")),
            ("", "new/../a/file", Err(FindError::NoFolder)),
            ("", "a/dangling", Err(dangling("a/dangling"))),
            ("", "a/dangling/x", Err(dangling("a/dangling"))),
        ] {
            assert_eq!(at(cwd, written, Ends::Followed), expected.map(PathBuf::from), "{cwd} {written}");
        }
        assert_eq!(at("", &format!("{}x", "x/".repeat(3000)), Ends::Followed), Err(FindError::TooLong));
        assert_eq!(at("", &"x".repeat(300), Ends::Followed), Err(FindError::TooLong));
        assert_eq!(at("", "a/out", Ends::AsIs), Ok("a/out".into()));
        assert_eq!(at("", "a/dangling", Ends::AsIs), Ok("a/dangling".into()));
        assert_eq!(at("", "etc/passwd", Ends::AsIs), Err(FindError::Outside));
    }
}
