//! Compiled forms of Python's libraries, where Python looks for compiled forms inside: links from the run's own folder, which
//! `PYTHONPYCACHEPREFIX` names, into the libraries' `__pycache__`. Those of the project are not among them: a forged one
//! would run in place of its source.
//! Starts nothing, mounts nothing.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Links and folders for all libraries, at most: each costs some two microseconds in each run.
const MOST: usize = 4096;
/// Folders below each other that are looked into.
const DEEP: usize = 6;
/// Parts of libraries that programs do not take modules from as they run; and what installs packages, which is big.
const RARE: [&str; 9] =
    ["test", "tests", "idlelib", "lib2to3", "turtledemo", "tkinter", "ensurepip", "pip", "setuptools"];

/// What is made below the folder of compiled forms.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Compiled {
    /// Folders, each after the one it lies in.
    pub(super) folders: Vec<PathBuf>,
    /// Links, and where each leads.
    pub(super) links: Vec<(PathBuf, PathBuf)>,
}

/// Compiled forms of `libraries`, to be found below `within`; of none that lies in one of `without`, or holds one.
pub(super) fn compiled(libraries: &[PathBuf], within: &Path, without: &[&Path]) -> Compiled {
    let mut made = Compiled::default();
    let apart = |library: &Path| !without.iter().any(|other| library.starts_with(other) || other.starts_with(library));
    for library in libraries.iter().filter(|library| apart(library)) {
        let Ok(path) = library.strip_prefix("/") else { continue };
        let folders: Vec<&Path> = path.ancestors().filter(|folder| !folder.as_os_str().is_empty()).collect();
        for folder in folders.into_iter().skip(1).rev().map(|folder| within.join(folder)) {
            if !made.folders.contains(&folder) {
                made.folders.push(folder);
            }
        }
        made.folder(library, &within.join(path), DEEP);
    }
    made
}

/// What a folder of a library holds.
#[derive(Default)]
struct Holds {
    compiled: bool,
    folders: Vec<OsString>,
}

fn holds(folder: &Path) -> Holds {
    let mut holds = Holds::default();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        // A link to a folder would lead to who knows where.
        if name.as_bytes().contains(&b'.') || !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        if name == "__pycache__" {
            holds.compiled = true;
        } else if !RARE.iter().any(|rare| name == OsStr::new(rare)) {
            holds.folders.push(name);
        }
    }
    holds
}

impl Compiled {
    fn folder(&mut self, from: &Path, at: &Path, deep: usize) {
        if self.folders.len() + self.links.len() >= MOST {
            return;
        }
        let holds = holds(from);
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
        if self.folders.len() + self.links.len() < MOST {
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
        let made = compiled(&libraries, Path::new("/c"), &[&project]);
        let at = |path: &str| Path::new("/c").join(lib.strip_prefix("/").unwrap()).join(path);
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
        let known = |path: &Path| path == Path::new("/c") || made.folders.iter().any(|folder| folder == path);
        assert!(
            made.folders.iter().chain(made.links.iter().map(|(at, _)| at)).all(|path| known(path.parent().unwrap()))
        );
    }
}
