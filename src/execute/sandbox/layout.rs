//! Which mounts and rules make the fence around a place: computed before anything is started.
//! Knows the file system as it lies; starts nothing.

use super::bounds::Bounds;
use super::mounts::Step;
use super::order::Layer;
use super::rules::{Access, Rules};
use crate::execute::{ExecuteError, Place};
use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

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

/// The mount steps for a resolved place, whose changes `layer` takes.
pub(super) fn steps(place: &Place, layer: Option<&Layer>, processes: bool) -> Result<Vec<Step>, ExecuteError> {
    let mut layout = Layout { place, steps: Vec::with_capacity(64) };
    layout.keep(layer)?;
    layout.steps.push(Step::Seal);
    layout.private()?;
    if processes {
        layout.steps.push(Step::Processes);
    }
    layout.steps.push(Step::Put { slot: PROJECT, at: c_path(&place.project)? });
    let mut hidden = place.hidden.clone();
    hidden.sort();
    for path in &hidden {
        layout.hide(path)?;
    }
    if layer.is_none() {
        layout.steps.push(Step::ReadOnly { at: c_path(&place.project)? });
    }
    if !is_private(&place.caches) {
        layout.steps.push(Step::Put { slot: CACHES, at: c_path(&place.caches)? });
    }
    Ok(layout.steps)
}

/// What of a resolved place lies in the project and is mounted on.
pub(super) fn mounted_on(place: &Place) -> Vec<PathBuf> {
    place.hidden.iter().filter(|path| path.starts_with(&place.project)).cloned().collect()
}

struct Layout<'a> {
    place: &'a Place,
    steps: Vec<Step>,
}

impl Layout<'_> {
    /// Takes aside what stays writable, before everything becomes read-only.
    fn keep(&mut self, layer: Option<&Layer>) -> Result<(), ExecuteError> {
        let project = c_path(&self.place.project)?;
        if let Some(layer) = layer {
            let (upper, work) = (c_path(&layer.upper)?, c_path(&layer.work)?);
            self.steps.push(Step::Overlay { lower: project.clone(), upper, work, slot: PROJECT });
        }
        let mut take = |from: CString, slot, devices| self.steps.push(Step::Take { from, slot, devices });
        if layer.is_none() {
            take(project, PROJECT, false);
        }
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

    /// Covers `path` with nothing.
    fn hide(&mut self, path: &Path) -> Result<(), ExecuteError> {
        // What is not there cannot be made where guard would take it for its own: what is made is judged.
        let Ok(real) = fs::canonicalize(path) else { return Ok(()) };
        // What lies in a private folder is out of sight already.
        if PRIVATE.iter().any(|base| real.starts_with(base)) && !real.starts_with(&self.place.project) {
            return Ok(());
        }
        let kind = real.symlink_metadata().map_err(|e| trouble("look at what is hidden", &e.to_string()))?.file_type();
        let path = real;
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
        Ok(())
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
/// what is hidden, entry by entry; and the project is read-only, since nothing could judge what is written.
pub(super) fn rules_alone(place: &Place, bounds: &Bounds, version: u32) -> Result<Rules, ExecuteError> {
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
