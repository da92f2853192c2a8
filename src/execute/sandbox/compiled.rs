//! Compiled forms of Python's libraries, where Python looks for compiled forms inside: links from the folder that
//! `PYTHONPYCACHEPREFIX` names into the libraries' `__pycache__`. Those of the project are not among them: a forged one
//! would run in place of its source. The links are kept from run to run, since making them takes longer than starting Python.
//! Starts nothing, mounts nothing.

use super::fresh::Fresh;
use super::layout::c_path;
use super::mounts::Step;
use crate::execute::environment::PYTHON;
use crate::execute::kept::{apart, clear, is_own, name, used};
use crate::execute::libraries::PACKAGES;
use crate::execute::{ExecuteError, Place};
use rustix::fs::{Dir, FileType, Mode, OFlags, ResolveFlags, open, openat2};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Links and folders for all libraries, at most: each costs some ten microseconds, and a kilobyte of memory where it is kept.
const MOST: usize = 4096;
/// Folders below each other that are looked into.
const DEEP: usize = 8;
/// Parts of libraries that programs do not take modules from as they run.
const RARE: [&str; 7] = ["test", "tests", "idlelib", "lib2to3", "turtledemo", "tkinter", "ensurepip"];
/// Trees that are kept besides the one that is used: of other Pythons, and of before a package was installed.
const TREES: usize = 7;

/// What of the caches' folder takes what a run compiles.
const UPPER: &str = "upper";
/// Files that a run compiled and that are told, and names that are looked at for them, at most.
const TOLD: usize = 4096;
const LOOKED_AT: usize = 4 * TOLD;

/// What is made below the folder of compiled forms.
#[derive(Debug, Default, PartialEq, Eq)]
struct Compiled {
    /// Folders, each after the one it lies in.
    folders: Vec<PathBuf>,
    /// Links, and where each leads.
    links: Vec<(PathBuf, PathBuf)>,
}

/// Steps that make what is in `place` the compiled forms of its libraries, where Python looks for them: what is kept of them
/// and of the project, opened as `kept`, with a layer of the run's own, or else links that are made inside. Of no library where
/// a command may write, which is `without`.
pub(super) fn steps(
    place: &Place,
    without: &[&Path],
    kept: Option<(usize, Option<usize>)>,
) -> Result<Vec<Step>, ExecuteError> {
    let within = place.caches.join(PYTHON);
    let folder = |at: &Path| Ok::<_, ExecuteError>(Step::Folder { at: c_path(at)?, mode: 0o755 });
    let mut steps = vec![folder(&within)?];
    if let Some((slot, above)) = kept {
        let [upper, work] = [UPPER, "work"].map(|name| within.with_extension(name));
        steps.extend([folder(&upper)?, folder(&work)?]);
        let (upper, work, at) = (c_path(&upper)?, c_path(&work)?, c_path(&within)?);
        steps.push(Step::Over { slot, above, upper, work, at });
        return Ok(steps);
    }
    let made = Compiled::of(&apart(&place.reads.libraries, without));
    for at in &made.folders {
        steps.push(folder(&within.join(at))?);
    }
    for (at, to) in &made.links {
        steps.push(Step::Link { to: c_path(to)?, at: c_path(&within.join(at))? });
    }
    Ok(steps)
}

/// A folder in `store` that holds the links to compiled forms of `libraries`, which is made if it is not there. It stays what it
/// was until something is installed: a link that leads nowhere costs no more than none. `None` where it cannot be kept.
pub(super) fn kept(libraries: &[PathBuf], without: &[&Path], store: &Path) -> Option<PathBuf> {
    let libraries = apart(libraries, without);
    if libraries.is_empty() || !is_own(store) {
        return None;
    }
    let store = store.join("links");
    let tree = store.join(name(&libraries, ()));
    if !tree.is_dir() {
        let _there = fs::create_dir(&store);
        let new = Fresh::make(&store.join(format!("new-{}", std::process::id()))).ok()?;
        // Another run may have been faster.
        let _made = Compiled::of(&libraries).make(new.path()).and_then(|()| fs::rename(new.path(), &tree));
        clear(&store, &tree, TREES);
    }
    // By this the one goes that was not used for longest.
    used(&tree).then_some(tree)
}

/// What takes what a run compiles, opened before it begins: at its end nothing leads there any more.
#[derive(Debug)]
pub(in crate::execute) struct Upper {
    folder: OwnedFd,
    project: PathBuf,
}

impl Upper {
    /// That of the fence with this first process. `None` where there is none, or it cannot be reached.
    pub(super) fn of(first: i32, place: &Place) -> Option<Self> {
        let upper = place.caches.join(PYTHON).with_extension(UPPER);
        let path = Path::new("/proc").join(first.to_string()).join("root").join(upper.strip_prefix("/").ok()?);
        let folder = open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).ok()?;
        Some(Self { folder, project: place.project.strip_prefix("/").ok()?.to_owned() })
    }

    /// The files in it that lie in the project's part, once nothing writes there any more. What is a link leads nowhere.
    pub(in crate::execute) fn files(&self) -> Vec<PathBuf> {
        let (mut found, mut folders, mut left) = (Vec::new(), vec![(self.project.clone(), DEEP * 4)], LOOKED_AT);
        while let Some((folder, deep)) = folders.pop() {
            let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
            let within = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
            let opened = openat2(&self.folder, &folder, flags, Mode::empty(), within);
            for entry in opened.and_then(Dir::new).into_iter().flatten().flatten().take(left) {
                left -= 1;
                let path = folder.join(OsStr::from_bytes(entry.file_name().to_bytes()));
                let own = !matches!(entry.file_name().to_bytes(), b"." | b"..");
                let kind = entry.file_type();
                if kind == FileType::Directory && own && deep > 0 {
                    folders.push((path, deep - 1));
                } else if kind == FileType::RegularFile && found.len() < TOLD {
                    found.push(path);
                }
            }
        }
        found
    }
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
        } else if !RARE.iter().chain(&PACKAGES).any(|rare| name == OsStr::new(rare)) {
            holds.folders.push(name);
        }
    }
    holds
}

impl Compiled {
    fn of(libraries: &[&Path]) -> Self {
        let mut made = Self::default();
        for library in libraries {
            let Ok(path) = library.strip_prefix("/") else { continue };
            let folders: Vec<&Path> = path.ancestors().filter(|folder| !folder.as_os_str().is_empty()).collect();
            for folder in folders.into_iter().rev() {
                if !made.folders.iter().any(|known| known == folder) {
                    made.folders.push(folder.to_owned());
                }
            }
            // A folder in any case: another library may lie in it.
            made.inside(library, path, holds(library), DEEP);
        }
        made
    }

    /// Makes it in `folder`.
    fn make(&self, folder: &Path) -> io::Result<()> {
        self.folders.iter().try_for_each(|at| fs::create_dir_all(folder.join(at)))?;
        self.links.iter().try_for_each(|(at, to)| symlink(to, folder.join(at)))
    }

    fn is_full(&self) -> bool {
        self.folders.len() + self.links.len() >= MOST
    }

    fn folder(&mut self, from: &Path, at: &Path, deep: usize) {
        let holds = holds(from);
        if self.is_full() {
        } else if !holds.folders.is_empty() && deep > 0 {
            self.folders.push(at.to_owned());
            self.inside(from, at, holds, deep - 1);
        } else if holds.compiled {
            self.link(at.to_owned(), from.join("__pycache__"));
        }
    }

    fn inside(&mut self, from: &Path, at: &Path, holds: Holds, deep: usize) {
        let cache = from.join("__pycache__");
        let files = fs::read_dir(&cache).into_iter().flatten().flatten().filter(|_| holds.compiled);
        for entry in files.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file())) {
            let name = entry.file_name();
            if name.as_bytes().ends_with(b".pyc") && !name.as_bytes().windows(5).any(|part| part == b".opt-") {
                self.link(at.join(&name), cache.join(&name));
            }
        }
        for name in holds.folders {
            self.folder(&from.join(&name), &at.join(&name), deep);
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
    use std::os::unix::fs::{DirBuilderExt, symlink};

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
        let made = Compiled::of(&apart(&libraries, &[&project]));
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

    #[test]
    fn what_is_kept_is_found_again_until_something_is_installed_and_does_not_grow() {
        let root = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(root.path()).unwrap();
        let (site, store) = (root.join("lib/python3.11/site-packages"), root.join("store"));
        let libraries = [root.join("lib/python3.11"), site.clone()];
        let links = |tree: &Path| {
            let at = tree.join(site.strip_prefix("/").unwrap());
            let mut all: Vec<_> = fs::read_dir(at).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            all.sort();
            all
        };
        fs::create_dir_all(site.join("a/__pycache__")).unwrap();
        let first = kept(&libraries, &[], &store).unwrap();
        assert_eq!((kept(&libraries, &[], &store), links(&first)), (Some(first.clone()), vec!["a".into()]));
        for n in 0..20 {
            fs::create_dir_all(site.join(format!("b{n}/__pycache__"))).unwrap();
            let tree = kept(&libraries, &[], &store).unwrap();
            assert!(links(&tree).len() == n + 2, "{:?}", links(&tree));
            assert!(fs::read_dir(store.join("links")).unwrap().count() <= TREES + 1);
        }
        assert!(!first.exists());
        assert_eq!(kept(&libraries, &[&root], &store), None, "nothing is apart from where a command may write");
    }

    #[test]
    fn nothing_is_kept_where_others_could_have_put_it() {
        let root = tempfile::tempdir().unwrap();
        let library = root.path().join("lib/python3.11");
        fs::create_dir_all(library.join("a/__pycache__")).unwrap();
        let [open, link, file] = ["open", "link", "file"].map(|name| root.path().join(name));
        let own = root.path().join("own");
        assert!(kept(std::slice::from_ref(&library), &[], &own).is_some());
        fs::DirBuilder::new().mode(0o777).create(&open).unwrap();
        fs::set_permissions(&open, std::os::unix::fs::PermissionsExt::from_mode(0o770)).unwrap();
        symlink(&own, &link).unwrap();
        fs::write(&file, "").unwrap();
        for store in [open, link, file, root.path().join("none/below")] {
            assert_eq!(kept(std::slice::from_ref(&library), &[], &store), None, "{}", store.display());
        }
    }

    #[test]
    fn what_a_run_compiled_of_the_project_is_told_and_no_link_is_followed() {
        let root = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(root.path()).unwrap();
        let (upper, project) = (root.join("upper"), PathBuf::from("home/p"));
        for folder in ["home/p/pkg/sub", "home/other", "home/p/many"] {
            fs::create_dir_all(upper.join(folder)).unwrap();
        }
        for file in ["home/p/a.pyc", "home/p/pkg/b.pyc", "home/p/pkg/sub/c.pyc", "home/other/d.pyc", "e.pyc"] {
            fs::write(upper.join(file), "").unwrap();
        }
        symlink(root.join("upper/home/other"), upper.join("home/p/pkg/led")).unwrap();
        symlink("../other/d.pyc", upper.join("home/p/led.pyc")).unwrap();
        let of = |project: PathBuf| {
            let folder = open(&upper, OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).unwrap();
            let mut files = Upper { folder, project }.files();
            files.sort();
            files
        };
        assert_eq!(
            of(project.clone()),
            ["home/p/a.pyc", "home/p/pkg/b.pyc", "home/p/pkg/sub/c.pyc"].map(PathBuf::from)
        );
        assert_eq!(of("home/none".into()), [] as [PathBuf; 0]);
        // As the project's part itself.
        fs::rename(upper.join("home"), upper.join("elsewhere")).unwrap();
        symlink("elsewhere", upper.join("home")).unwrap();
        assert_eq!(of(project.clone()), [] as [PathBuf; 0]);
        fs::remove_file(upper.join("home")).unwrap();
        fs::rename(upper.join("elsewhere"), upper.join("home")).unwrap();
        for n in 0..TOLD + 5 {
            fs::write(upper.join(format!("home/p/many/{n}")), "").unwrap();
        }
        assert_eq!(of(project).len(), TOLD);
    }
}
