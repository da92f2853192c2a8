//! Which mounts and rules make the fence around a place: computed before anything is started.
//! Knows the file system as it lies; starts nothing.

use super::bounds::Bounds;
use super::mounts::Step;
use super::rules::{Access, Rules};
use super::stub::{Stubs, is_stub};
use crate::execute::{ExecuteError, Place};
use std::collections::BTreeSet;
use std::ffi::CString;
use std::fs::{self, FileType};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// Device nodes a command gets; everything else in `/dev` is out of reach.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
/// A folder and a file of nothing, to cover what is hidden.
const NOTHING_FOLDER: &str = "/run/guard/empty";
const NOTHING_FILE: &str = "/run/guard/nothing";
/// Folders that are private to the fence.
const PRIVATE: [&str; 4] = ["/tmp", "/var/tmp", "/run", "/dev"];

const PROJECT: usize = 0;
const CACHES: usize = 1;
const FIRST_DEVICE: usize = 2;

/// A path as the kernel takes it.
pub(super) fn c_path(path: &Path) -> Result<CString, ExecuteError> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(|_| trouble(&format!("use `{}`", path.display()), "a NUL byte in the path"))
}

fn c(text: &str) -> CString {
    CString::new(text).unwrap_or_default()
}

fn trouble(what: &str, cause: &str) -> ExecuteError {
    ExecuteError::System { what: what.to_owned(), cause: cause.to_owned() }
}

/// The fence's place with all links resolved.
pub(super) fn resolved(place: &Place) -> Result<Place, ExecuteError> {
    let real = |path: &Path| {
        fs::canonicalize(path).map_err(|error| trouble(&format!("cannot use `{}`", path.display()), &error.to_string()))
    };
    let place = Place {
        project: real(&place.project)?,
        cwd: real(&place.cwd)?,
        caches: if is_private(&place.caches) { place.caches.clone() } else { real(&place.caches)? },
        protected: place.protected.clone(),
        hidden: place.hidden.clone(),
    };
    if place.project.parent().is_none() {
        return Err(refusal(
            &place.project,
            "the root folder cannot be a project",
            "give the project a folder of its own",
        ));
    }
    if !place.cwd.starts_with(&place.project) {
        return Err(refusal(
            &place.cwd,
            "the working folder lies outside the project",
            "start the command inside the project",
        ));
    }
    Ok(place)
}

/// Whether the caches' folder is one that is made in the fence's own `/tmp`.
fn is_private(caches: &Path) -> bool {
    caches.starts_with("/tmp") && caches.symlink_metadata().is_err()
}

fn refusal(path: &Path, cause: &str, mend: &str) -> ExecuteError {
    ExecuteError::Fence { what: format!("`{}`", path.display()), cause: cause.to_owned(), mend: mend.to_owned() }
}

/// The mount steps for a resolved place. Makes stubs where something must stay absent.
pub(super) fn steps(
    place: &Place,
    writes: bool,
    processes: bool,
    stubs: &mut Stubs,
) -> Result<Vec<Step>, ExecuteError> {
    let mut layout = Layout { place, steps: Vec::with_capacity(96), held: BTreeSet::new() };
    layout.keep()?;
    layout.steps.push(Step::Seal);
    layout.private()?;
    if processes {
        layout.steps.push(Step::Processes { highest: None });
    }
    layout.steps.push(Step::Put { slot: PROJECT, at: c_path(&place.project)? });
    let mut hidden = place.hidden.clone();
    hidden.sort();
    for path in &hidden {
        layout.hide(path, stubs)?;
    }
    if writes {
        let mut protected = place.protected.clone();
        protected.extend(git_aliases(&place.protected));
        protected.sort();
        for path in &protected {
            layout.protect(path, stubs)?;
        }
    } else {
        layout.steps.push(Step::ReadOnly { at: c_path(&place.project)? });
    }
    if !is_private(&place.caches) {
        layout.steps.push(Step::Put { slot: CACHES, at: c_path(&place.caches)? });
    }
    Ok(layout.steps)
}

/// Files beside `.git/config` and `.git/hooks` that would give other ones effect: with a `commondir` git reads
/// configuration and hooks from the folder it names (tried: `core.fsmonitor` of that folder fired on `git status`).
fn git_aliases(protected: &[PathBuf]) -> BTreeSet<PathBuf> {
    let folders = protected.iter().filter_map(|p| p.parent()).filter(|p| p.file_name().is_some_and(|n| n == ".git"));
    let names = ["commondir", "config.worktree", "modules", "worktrees"];
    let aliases = folders.flat_map(|git| names.map(|name| git.join(name)));
    // The first takes effect by itself, the second once `.git/config` asks for it; the others where they are in use.
    let held =
        |path: &PathBuf| path.ends_with("commondir") || (path.ends_with("config.worktree") && per_worktree(path));
    aliases.filter(|path| held(path) || path.symlink_metadata().is_ok()).collect()
}

/// Whether the repository of `path` may read configuration of a work tree's own.
fn per_worktree(path: &Path) -> bool {
    let config = fs::read(path.with_file_name("config")).unwrap_or_default();
    config.to_ascii_lowercase().windows(14).any(|part| part == b"worktreeconfig")
}

/// What of a resolved place lies in the project and is mounted on, whether it is there or not.
pub(super) fn mounted_on(place: &Place, writes: bool) -> Vec<PathBuf> {
    let protected = if writes { place.protected.clone() } else { Vec::new() };
    let aliases = git_aliases(&protected);
    let all = place.hidden.iter().cloned().chain(protected).chain(aliases);
    all.filter(|path| path.starts_with(&place.project)).collect()
}

struct Layout<'a> {
    place: &'a Place,
    steps: Vec<Step>,
    held: BTreeSet<PathBuf>,
}

impl Layout<'_> {
    /// Takes aside what stays writable, before everything becomes read-only.
    fn keep(&mut self) -> Result<(), ExecuteError> {
        let mut take = |from: CString, slot, devices| self.steps.push(Step::Take { from, slot, devices });
        take(c_path(&self.place.project)?, PROJECT, false);
        if !is_private(&self.place.caches) {
            take(c_path(&self.place.caches)?, CACHES, false);
        }
        for (name, slot) in DEVICES.iter().zip(FIRST_DEVICE..) {
            take(c(&format!("/dev/{name}")), slot, true);
        }
        Ok(())
    }

    /// Private `/run`, `/tmp` and `/dev`, with a way to the project and the caches where they lie there.
    fn private(&mut self) -> Result<(), ExecuteError> {
        let folder = |at: &str, mode| Step::Folder { at: c(at), mode };
        if Path::new("/run").is_dir() {
            self.steps.push(Step::Memory { at: c("/run"), options: c"mode=0755,size=64k" });
        }
        self.steps.push(Step::Memory { at: c("/tmp"), options: c"mode=1777,size=1g,nr_inodes=400k" });
        self.steps.push(Step::Memory { at: c("/dev"), options: c"mode=0755,size=256m" });
        let elsewhere = Path::new("/var/tmp").is_dir() && !Path::new("/var/tmp").is_symlink();
        if elsewhere {
            self.steps.push(Step::Bind { from: c("/tmp"), at: c("/var/tmp") });
        }
        self.steps.extend([folder("/dev/shm", 0o1777), folder("/dev/pts", 0o755)]);
        for (name, slot) in DEVICES.iter().zip(FIRST_DEVICE..) {
            let at = c(&format!("/dev/{name}"));
            self.steps.extend([Step::File { at: at.clone() }, Step::Put { slot, at }]);
        }
        let links = [
            ("pts/ptmx", "/dev/ptmx"),
            ("/proc/self/fd", "/dev/fd"),
            ("/proc/self/fd/0", "/dev/stdin"),
            ("/proc/self/fd/1", "/dev/stdout"),
            ("/proc/self/fd/2", "/dev/stderr"),
        ];
        self.steps.push(Step::Terminals);
        self.steps.extend(links.map(|(to, at)| Step::Link { to: c(to), at: c(at) }));
        if let Ok(system) = fs::read_link("/run/current-system") {
            self.steps.push(Step::Link { to: c_path(&system)?, at: c("/run/current-system") });
        }
        for path in [&self.place.project, &self.place.caches] {
            if let Some(base) = PRIVATE.iter().map(Path::new).find(|base| path.starts_with(base)) {
                self.way(base, path)?;
            }
        }
        self.steps.extend([folder("/run/guard", 0o755), folder(NOTHING_FOLDER, 0o555)]);
        self.steps.push(Step::File { at: c(NOTHING_FILE) });
        self.steps.push(Step::ReadOnly { at: c("/run") });
        Ok(())
    }

    /// Folders from below `base` down to `path`.
    fn way(&mut self, base: &Path, path: &Path) -> Result<(), ExecuteError> {
        let mut at = base.to_owned();
        for part in path.strip_prefix(base).unwrap_or(path).components() {
            at.push(part);
            self.steps.push(Step::Folder { at: c_path(&at)?, mode: 0o755 });
        }
        Ok(())
    }

    /// Makes every folder between the project and `path` a mount point, so that none can be renamed or removed.
    fn hold(&mut self, path: &Path) -> Result<(), ExecuteError> {
        let above: Vec<_> = path.ancestors().skip(1).take_while(|a| *a != self.place.project).collect();
        for ancestor in above.into_iter().rev() {
            if self.held.insert(ancestor.to_owned()) {
                let at = c_path(ancestor)?;
                self.steps.push(Step::Bind { from: at.clone(), at });
            }
        }
        Ok(())
    }

    /// Makes `path` read-only, whether it exists or not.
    fn protect(&mut self, path: &Path, stubs: &mut Stubs) -> Result<(), ExecuteError> {
        let Some((path, _)) = self.existing(path, stubs)? else { return Ok(()) };
        self.hold(&path)?;
        if self.held.insert(path.clone()) {
            let at = c_path(&path)?;
            self.steps.push(Step::Bind { from: at.clone(), at });
        }
        self.steps.push(Step::ReadOnly { at: c_path(&path)? });
        Ok(())
    }

    /// Covers `path` with nothing.
    fn hide(&mut self, path: &Path, stubs: &mut Stubs) -> Result<(), ExecuteError> {
        let (path, kind) = if path.starts_with(&self.place.project) {
            let Some(found) = self.existing(path, stubs)? else { return Ok(()) };
            self.hold(&found.0)?;
            found
        } else {
            // What is not there cannot be made either; what lies in a private folder is out of sight already.
            let Ok(real) = fs::canonicalize(path) else { return Ok(()) };
            if PRIVATE.iter().any(|base| real.starts_with(base)) && !real.starts_with(&self.place.project) {
                return Ok(());
            }
            let kind =
                real.symlink_metadata().map_err(|e| trouble("look at what is hidden", &e.to_string()))?.file_type();
            (real, kind)
        };
        if self.place.project.starts_with(&path) {
            return Err(refusal(&self.place.project, "the project lies in a hidden folder", "move it elsewhere"));
        }
        let at = c_path(&path)?;
        if !kind.is_dir() {
            self.steps.push(Step::Bind { from: c(NOTHING_FILE), at });
        } else if self.place.caches.starts_with(&path) {
            self.steps.push(Step::Memory { at: at.clone(), options: c"mode=0755,size=64k" });
            let caches = self.place.caches.clone();
            self.way(&path, &caches)?;
            self.steps.push(Step::ReadOnly { at });
        } else {
            self.steps.push(Step::Bind { from: c(NOTHING_FOLDER), at });
        }
        self.held.insert(path);
        Ok(())
    }

    /// The part of `path` that can be mounted on: itself, or a stub where it is missing. `None`: outside the project.
    fn existing(&self, path: &Path, stubs: &mut Stubs) -> Result<Option<(PathBuf, FileType)>, ExecuteError> {
        let Ok(inside) = path.strip_prefix(&self.place.project) else { return Ok(None) };
        let mut at = self.place.project.clone();
        let mut found = None;
        for part in inside.components() {
            let Component::Normal(name) = part else {
                return Err(refusal(path, "`..` in a protected path", "name the path itself"));
            };
            let parent = at.clone();
            at.push(name);
            let there = at.symlink_metadata();
            if there.as_ref().is_ok_and(is_stub) {
                return stubs.hold(&at);
            }
            match there.map(|m| m.file_type()) {
                Ok(kind) if kind.is_symlink() && parent == self.place.project => {
                    let mend = "put the file or folder itself there: a link could be replaced by the command";
                    return Err(refusal(&at, "it is protected and a symbolic link", mend));
                }
                // A link below the project's root is held by making the folder it lies in read-only.
                Ok(kind) if kind.is_symlink() => {
                    return Ok(parent.symlink_metadata().ok().map(|m| (parent.clone(), m.file_type())));
                }
                Ok(kind) if kind.is_dir() => found = Some((at.clone(), kind)),
                Ok(kind) => return Ok(Some((at, kind))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return stubs.hold(&at),
                Err(error) => return Err(trouble(&format!("look at `{}`", at.display()), &error.to_string())),
            }
        }
        Ok(found)
    }
}

/// Landlock's rules where mounts already decide what can be read and seen.
pub(super) fn rules(place: &Place, bounds: &Bounds, writes: bool, version: u32) -> Result<Rules, ExecuteError> {
    let mut rules = bounds.rules(version, false)?;
    if writes {
        rules.allow(c_path(&place.project)?, Access::Write, true);
    }
    if !is_private(&place.caches) {
        rules.allow(c_path(&place.caches)?, Access::Write, true);
    }
    for folder in ["/tmp", "/dev"] {
        rules.allow(c(folder), Access::Write, true);
    }
    Ok(rules)
}

/// Landlock's rules where there are no namespaces: it cannot deny below what it allows, so everything is allowed but
/// what is hidden or protected, entry by entry. Nothing can be made directly in a folder that holds something protected.
pub(super) fn rules_alone(place: &Place, bounds: &Bounds, writes: bool, version: u32) -> Result<Rules, ExecuteError> {
    let mut rules = bounds.rules(version, true)?;
    let mut unread = place.hidden.clone();
    unread.push(PathBuf::from("/dev"));
    let readable = if bounds.limits_reading() { Vec::new() } else { carve(Path::new("/"), &unread) };
    for (path, folder) in readable {
        rules.allow(c_path(&path)?, Access::Read, folder);
    }
    for name in DEVICES {
        rules.allow(c(&format!("/dev/{name}")), Access::Write, false);
    }
    if writes {
        let mut kept = place.hidden.clone();
        kept.extend(place.protected.iter().cloned());
        kept.extend(git_aliases(&place.protected));
        for (path, folder) in carve(&place.project, &kept) {
            rules.allow(c_path(&path)?, Access::Write, folder);
        }
    }
    rules.allow(c_path(&place.caches)?, Access::Write, true);
    Ok(rules)
}

/// The largest parts of `root` that hold none of `without`; true for folders. Links are left to what they point to.
fn carve(root: &Path, without: &[PathBuf]) -> Vec<(PathBuf, bool)> {
    if without.iter().any(|w| root.starts_with(w)) {
        return Vec::new();
    }
    let Ok(kind) = root.symlink_metadata().map(|m| m.file_type()) else { return Vec::new() };
    if kind.is_symlink() {
        return Vec::new();
    }
    if !kind.is_dir() || !without.iter().any(|w| w.starts_with(root)) {
        return vec![(root.to_owned(), kind.is_dir())];
    }
    let Ok(entries) = fs::read_dir(root) else { return Vec::new() };
    entries.flatten().flat_map(|entry| carve(&entry.path(), without)).collect()
}
