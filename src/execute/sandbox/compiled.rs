//! Compiled forms of Python's libraries, where Python looks for compiled forms inside: links from the folder that
//! `PYTHONPYCACHEPREFIX` names into the libraries' `__pycache__`. Those of the project are not among them: a forged one
//! would run in place of its source. The links are kept from run to run, since making them takes longer than starting Python.
//! Starts nothing, mounts nothing.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Links and folders for all libraries, at most: each costs some ten microseconds in each run.
const MOST: usize = 4096;
/// The same where they are kept.
const MOST_KEPT: usize = 50_000;
/// Folders below each other that are looked into.
const DEEP: usize = 6;
/// The same where they are kept.
const DEEP_KEPT: usize = 16;
/// Parts of libraries that programs do not take modules from as they run; and what installs packages, which is big.
const RARE: [&str; 9] =
    ["test", "tests", "idlelib", "lib2to3", "turtledemo", "tkinter", "ensurepip", "pip", "setuptools"];
/// Trees that are kept: one for each Python that is used, and those of before a package was installed.
const TREES: usize = 4;

/// What is made below the folder of compiled forms.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Compiled {
    /// Folders, each after the one it lies in.
    pub(super) folders: Vec<PathBuf>,
    /// Links, and where each leads.
    pub(super) links: Vec<(PathBuf, PathBuf)>,
    keeps: bool,
}

/// Compiled forms of `libraries`, by where they are found below the folder of compiled forms; of none that lies in one of
/// `without`, or holds one.
pub(super) fn compiled(libraries: &[PathBuf], without: &[&Path]) -> Compiled {
    Compiled::of(&apart(libraries, without), false)
}

/// Those of `libraries` that neither lie in one of `without` nor hold one.
fn apart<'a>(libraries: &'a [PathBuf], without: &[&Path]) -> Vec<&'a Path> {
    let apart = |library: &Path| !without.iter().any(|other| library.starts_with(other) || other.starts_with(library));
    libraries.iter().map(PathBuf::as_path).filter(|library| apart(library)).collect()
}

/// As [`compiled`], and all of it: a folder in `store` that holds it, which is made if it is not there. It stays what it was
/// until something is installed: a link that leads nowhere costs no more than none. `None` where it cannot be kept.
pub(super) fn kept(libraries: &[PathBuf], without: &[&Path], store: &Path) -> Option<PathBuf> {
    let libraries = apart(libraries, without);
    let mut hasher = DefaultHasher::new();
    env!("CARGO_PKG_VERSION").hash(&mut hasher);
    for library in &libraries {
        library.hash(&mut hasher);
        for folder in [library.to_path_buf(), library.join("site-packages"), library.join("dist-packages")] {
            let found = fs::symlink_metadata(folder).ok();
            found.map(|found| (found.dev(), found.ino(), found.mtime(), found.mtime_nsec())).hash(&mut hasher);
        }
    }
    let tree = store.join(format!("{:016x}", hasher.finish()));
    if libraries.is_empty() || tree.is_dir() {
        return tree.is_dir().then_some(tree);
    }
    let new = store.join(format!("new-{}", std::process::id()));
    let made = Compiled::of(&libraries, true).make(&new).and_then(|()| fs::rename(&new, &tree));
    if made.is_err() {
        // Another run may have been faster.
        let _gone = fs::remove_dir_all(&new);
    }
    clear(store, &tree);
    tree.is_dir().then_some(tree)
}

/// Removes the oldest trees but `tree` of those that are more than are kept.
fn clear(store: &Path, tree: &Path) {
    let others = fs::read_dir(store).into_iter().flatten().flatten().filter(|entry| entry.path() != tree);
    let made =
        |entry: &fs::DirEntry| entry.metadata().and_then(|found| found.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let mut others: Vec<_> = others.map(|entry| (made(&entry), entry.path())).collect();
    others.sort();
    for (_, path) in others.iter().rev().skip(TREES) {
        let _gone = fs::remove_dir_all(path);
    }
}

/// What a folder of a library holds.
#[derive(Default)]
struct Holds {
    compiled: bool,
    folders: Vec<OsString>,
}

fn holds(folder: &Path, all: bool) -> Holds {
    let mut holds = Holds::default();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        // A link to a folder would lead to who knows where.
        if name.as_bytes().contains(&b'.') || !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        if name == "__pycache__" {
            holds.compiled = true;
        } else if all || !RARE.iter().any(|rare| name == OsStr::new(rare)) {
            holds.folders.push(name);
        }
    }
    holds
}

impl Compiled {
    fn of(libraries: &[&Path], keeps: bool) -> Self {
        let mut made = Self { keeps, ..Self::default() };
        for library in libraries {
            let Ok(path) = library.strip_prefix("/") else { continue };
            let folders: Vec<&Path> = path.ancestors().filter(|folder| !folder.as_os_str().is_empty()).collect();
            for folder in folders.into_iter().skip(1).rev() {
                if !made.folders.iter().any(|known| known == folder) {
                    made.folders.push(folder.to_owned());
                }
            }
            made.folder(library, path, if keeps { DEEP_KEPT } else { DEEP });
        }
        made
    }

    /// Makes it in `folder`, which is not there yet.
    fn make(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        self.folders.iter().try_for_each(|at| fs::create_dir_all(folder.join(at)))?;
        self.links.iter().try_for_each(|(at, to)| symlink(to, folder.join(at)))
    }

    fn is_full(&self) -> bool {
        self.folders.len() + self.links.len() >= if self.keeps { MOST_KEPT } else { MOST }
    }

    fn folder(&mut self, from: &Path, at: &Path, deep: usize) {
        if self.is_full() {
            return;
        }
        let holds = holds(from, self.keeps);
        let cache = from.join("__pycache__");
        if holds.folders.is_empty() || deep == 0 {
            if holds.compiled {
                self.link(at.to_owned(), cache);
            }
            return;
        }
        self.folders.push(at.to_owned());
        let files = fs::read_dir(&cache).into_iter().flatten().flatten().filter(|_| holds.compiled);
        for entry in files.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file())) {
            let name = entry.file_name();
            if name.as_bytes().ends_with(b".pyc") && !name.as_bytes().windows(5).any(|part| part == b".opt-") {
                self.link(at.join(&name), cache.join(&name));
            }
        }
        for name in holds.folders {
            self.folder(&from.join(&name), &at.join(&name), deep.saturating_sub(1));
        }
    }

    fn link(&mut self, at: PathBuf, to: PathBuf) {
        if !self.is_full() {
            self.links.push((at, to));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn what_lies_in_libraries_is_linked_and_nothing_of_the_project() {
        let root = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(root.path()).unwrap();
        let (lib, project) = (root.join("lib/python3.11"), root.join("project"));
        for folder in
            ["json/__pycache__", "__pycache__", "pkg/sub/__pycache__", "test/__pycache__", "data/x", "pkg/__pycache__"]
        {
            fs::create_dir_all(lib.join(folder)).unwrap();
        }
        for name in ["os.cpython-311.pyc", "os.cpython-311.opt-1.pyc", "note.txt"] {
            fs::write(lib.join("__pycache__").join(name), "").unwrap();
        }
        fs::write(lib.join("pkg/__pycache__/__init__.cpython-311.pyc"), "").unwrap();
        fs::create_dir_all(project.join("lib/python3.11/__pycache__")).unwrap();
        fs::create_dir_all(project.join("mod/__pycache__")).unwrap();
        symlink(project.join("mod"), lib.join("mod")).unwrap();
        symlink(project.join("mod/__pycache__"), lib.join("data/__pycache__")).unwrap();
        symlink(project.join("x.pyc"), lib.join("__pycache__/x.cpython-311.pyc")).unwrap();
        let libraries = [lib.clone(), project.join("lib/python3.11"), root.clone()];
        let made = compiled(&libraries, &[&project]);
        let at = |path: &str| lib.strip_prefix("/").unwrap().join(path);
        let mut links: Vec<_> = made.links.iter().map(|(at, to)| (at.clone(), to.clone())).collect();
        links.sort();
        let mut expected = vec![
            (at("os.cpython-311.pyc"), lib.join("__pycache__/os.cpython-311.pyc")),
            (at("json"), lib.join("json/__pycache__")),
            (at("pkg/__init__.cpython-311.pyc"), lib.join("pkg/__pycache__/__init__.cpython-311.pyc")),
            (at("pkg/sub"), lib.join("pkg/sub/__pycache__")),
        ];
        expected.sort();
        assert_eq!(links, expected);
        let known = |path: &Path| path == Path::new("") || made.folders.iter().any(|folder| folder == path);
        assert!(
            made.folders.iter().chain(made.links.iter().map(|(at, _)| at)).all(|path| known(path.parent().unwrap()))
        );
    }
}
