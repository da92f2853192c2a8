//! Which mounts and rules make the fence around a place: computed before anything is started.
//! Knows the file system as it lies; starts nothing.

use super::closed::{self, Cover, covers};
use super::compiled;
use super::covering;
use super::mounts::Step;
use super::order::{Order, PROGRAM, SUPERVISOR, Writable};
use super::rules::{Access, Judged, Rules};
use crate::execute::{ExecuteError, Place, real_in};
use std::collections::{BTreeSet, HashSet};
use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Device nodes a command gets; everything else in `/dev` is out of reach.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
/// A folder and a file of nothing, to cover what is hidden.
const NOTHING_FOLDER: &str = "/run/guard/empty";
const NOTHING_FILE: &str = "/run/guard/nothing";
/// The same, and not even that can be read: a program that must not read says so.
const SHUT_FILE: &str = "/run/guard/shut";
/// Folders that are private to the fence.
pub(super) const PRIVATE: [&str; 4] = ["/tmp", "/var/tmp", "/run", "/dev"];

/// Those of them that can be written to.
const WRITABLE: [&str; 2] = ["/tmp", "/dev"];

const PROJECT: usize = 0;
const CACHES: usize = 1;
const FIRST_DEVICE: usize = 2;
/// Guard's own program.
const GUARD: usize = FIRST_DEVICE + DEVICES.len();
/// The kept tree of compiled forms.
const COMPILED: usize = GUARD + 1;
/// That of the project's own.
const FORMS: usize = COMPILED + 1;
const FIRST_WRITABLE: usize = FORMS + 1;

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
    let project = real(&place.project)?;
    let place = Place {
        cwd: if place.cwd == place.project { project.clone() } else { real(&place.cwd)? },
        project,
        caches: if is_private(&place.caches) { place.caches.clone() } else { real(&place.caches)? },
        protected: place.protected.clone(),
        hidden: place.hidden.clone(),
        reads: place.reads.clone(),
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

/// The mount steps for a resolved place.
pub(super) fn steps(
    place: &Place,
    order: &Order,
    (processes, landlock): (bool, bool),
) -> Result<Vec<Step>, ExecuteError> {
    let covers = covered(place, order, landlock);
    let mut layout = Layout { place, kept: None, covers, steps: Vec::with_capacity(128) };
    layout.keep(order)?;
    layout.steps.push(Step::Seal);
    layout.private(order)?;
    if processes {
        layout.steps.push(Step::Processes { highest: None });
    }
    layout.steps.push(Step::Put { slot: PROJECT, at: c_path(&place.project)? });
    let mut hidden = place.hidden.clone();
    hidden.sort();
    for path in &hidden {
        layout.hide(path)?;
    }
    if order.layer.is_none() {
        layout.steps.push(Step::ReadOnly { at: c_path(&place.project)? });
    }
    layout.writable(order)?;
    for path in unread(place, order) {
        layout.shut(&path)?;
    }
    if !is_private(&place.caches) {
        layout.steps.push(Step::Put { slot: CACHES, at: c_path(&place.caches)? });
    }
    Ok(layout.steps)
}

/// What is mounted on itself in a writable folder: what stays read-only and what leads to it, from the top.
fn ways(writable: &Writable) -> Vec<&Path> {
    let mut all: Vec<&Path> = Vec::new();
    for kept in &writable.kept {
        let way: Vec<&Path> = kept.ancestors().take_while(|path| *path != writable.path).collect();
        for path in way.into_iter().rev() {
            if !all.contains(&path) {
                all.push(path);
            }
        }
    }
    all
}

/// What stays read-only where a command may write, only as long as nobody removes or replaces it from outside.
pub(super) fn kept(order: &Order) -> Vec<PathBuf> {
    order.writable.iter().flat_map(ways).map(Path::to_owned).collect()
}

/// What of a resolved place lies in the project and is mounted on. An overlay keeps what it has seen.
pub(super) fn mounted_on(place: &Place, order: &Order) -> Vec<PathBuf> {
    let mut all = place.hidden.clone();
    if order.layer.is_none() {
        all.extend(unread(place, order));
    }
    all.retain(|path| path.starts_with(&place.project));
    all
}

/// What is covered for `order`; the system's closed folders too where Landlock does not close them.
fn covered(place: &Place, order: &Order, landlock: bool) -> Vec<Cover> {
    let own = order.bounds.reading().unwrap_or_default();
    let mut also: Vec<PathBuf> = own.iter().filter(|path| !path.starts_with(&place.project)).cloned().collect();
    also.extend(order.writable.iter().map(|writable| writable.path.clone()));
    covers(place, &also, !landlock)
}

/// What cannot be read although it lies where one may look: `.env` files that were found, and what the policy shuts.
fn unread(place: &Place, order: &Order) -> BTreeSet<PathBuf> {
    let dotenv = place.reads.dotenv.iter().filter(|_| !order.dotenv);
    place.reads.shut.iter().chain(dotenv).cloned().collect()
}

/// Why a program at `path` cannot be seen inside, and what opens it.
pub(in crate::execute) fn out_of_sight(place: &Place, own: &[PathBuf], path: &Path) -> Option<String> {
    // What its name leads to may be hidden although its name is not.
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let covers = covers(place, own, false);
    let hides = |path: &Path| {
        let cover = covers.iter().find(|cover| path.starts_with(&cover.at))?;
        let open = cover.open.iter().any(|open| path.starts_with(open)) || path.starts_with(&place.project);
        (!open).then(|| cover.at.clone())
    };
    let (hidden, at) = [path, &real].into_iter().find_map(|path| Some((path, hides(path)?)))?;
    Some(format!(
        "commands do not see `{}`, which lies in the home `{}`: a person may add its folder to `toolchain` in `[fence]`",
        hidden.display(),
        at.display()
    ))
}

struct Layout<'a> {
    place: &'a Place,
    /// Where the kept compiled forms are opened: of libraries, and of the project.
    kept: Option<(usize, Option<usize>)>,
    covers: Vec<Cover>,
    steps: Vec<Step>,
}

impl Layout<'_> {
    /// Takes aside what stays writable, before everything becomes read-only.
    fn keep(&mut self, order: &Order) -> Result<(), ExecuteError> {
        let project = c_path(&self.place.project)?;
        let layer = order.layer.as_ref();
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
        if order.calls.is_some() {
            let own = std::env::current_exe().map_err(|e| trouble("find guard's own program", &e.to_string()))?;
            take(c_path(&own)?, GUARD, false);
        }
        for (writable, slot) in order.writable.iter().zip(FIRST_WRITABLE..) {
            take(c_path(&writable.path)?, slot, false);
        }
        let store = self.place.reads.compiled.as_deref().filter(|_| is_private(&self.place.caches));
        if let Some(kept) = store.and_then(|at| compiled::kept(&self.place.reads.libraries, &self.apart(), at)) {
            self.steps.push(Step::Open { from: c_path(&kept)?, slot: COMPILED });
            let forms = self.place.reads.forms.as_deref().filter(|forms| forms.is_dir());
            if let Some(forms) = forms {
                self.steps.push(Step::Open { from: c_path(forms)?, slot: FORMS });
            }
            self.kept = Some((COMPILED, forms.map(|_| FORMS)));
        }
        Ok(())
    }

    /// Private `/run`, `/tmp` and `/dev`, with a way to the project and the caches where they lie there.
    fn private(&mut self, order: &Order) -> Result<(), ExecuteError> {
        let folder = |at: &str, mode| Step::Folder { at: c(at), mode };
        if Path::new("/run").is_dir() {
            self.steps.push(Step::Memory { at: c("/run"), options: c"mode=0755,size=1m" });
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
        let folders = order.writable.iter().map(|writable| &writable.path);
        for path in [&self.place.project, &self.place.caches].into_iter().chain(folders) {
            if let Some(base) = PRIVATE.iter().map(Path::new).find(|base| path.starts_with(base)) {
                match path.parent().filter(|_| path.is_file()) {
                    Some(parent) => {
                        self.way(base, parent)?;
                        self.steps.push(Step::File { at: c_path(path)? });
                    }
                    None => self.way(base, path)?,
                }
            }
        }
        if !self.place.reads.libraries.is_empty() && is_private(&self.place.caches) {
            self.steps.extend(compiled::steps(self.place, &self.apart(), self.kept)?);
        }
        self.steps.extend([folder("/run/guard", 0o755), folder(NOTHING_FOLDER, 0o555)]);
        self.steps.push(Step::File { at: c(NOTHING_FILE) });
        self.steps.push(Step::Unreadable { at: c(SHUT_FILE) });
        if order.calls.is_some() {
            self.steps.extend([folder("/run/guard/bin", 0o755), Step::File { at: c(PROGRAM) }]);
            self.steps.extend([Step::Put { slot: GUARD, at: c(PROGRAM) }, Step::File { at: c(SUPERVISOR) }]);
        }
        let caches = (!is_private(&self.place.caches)).then_some(self.place.caches.as_path());
        let ways: Vec<&Path> = [self.place.project.as_path()].into_iter().chain(caches).collect();
        let (make, put) = covering::steps(&self.covers, &ways)?;
        self.steps.extend(make);
        self.steps.push(Step::ReadOnly { at: c("/run") });
        self.steps.extend(put);
        Ok(())
    }

    /// Where a command may write: what is compiled there is not used.
    fn apart(&self) -> Vec<&Path> {
        PRIVATE.iter().map(Path::new).chain([self.place.project.as_path()]).collect()
    }

    /// What may be written outside the project, and what of it may not. Whatever leads to that is mounted on itself, since
    /// what is a mount can be neither renamed nor removed.
    fn writable(&mut self, order: &Order) -> Result<(), ExecuteError> {
        for (writable, slot) in order.writable.iter().zip(FIRST_WRITABLE..) {
            self.steps.push(Step::Put { slot, at: c_path(&writable.path)? });
            for path in ways(writable) {
                self.steps.push(Step::Bind { from: c_path(path)?, at: c_path(path)? });
            }
            for kept in &writable.kept {
                self.steps.push(Step::ReadOnly { at: c_path(kept)? });
            }
        }
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

    /// Makes what is at `path` unreadable, where it is to be seen at all.
    fn shut(&mut self, path: &Path) -> Result<(), ExecuteError> {
        let within = |folders: &[PathBuf]| folders.iter().any(|folder| path.starts_with(folder));
        let Ok(found) = path.symlink_metadata() else { return Ok(()) };
        if within(&self.place.hidden) || self.is_out_of_sight(path) || found.is_symlink() {
            return Ok(());
        }
        let with = if found.is_dir() { NOTHING_FOLDER } else { SHUT_FILE };
        self.steps.push(Step::Bind { from: c(with), at: c_path(path)? });
        Ok(())
    }

    /// Whether nothing is at `path` inside: it lies in a private folder, or in a cover and not in what is open there.
    fn is_out_of_sight(&self, path: &Path) -> bool {
        let open = |cover: &Cover| cover.open.iter().any(|open| path.starts_with(open));
        !path.starts_with(&self.place.project)
            && (PRIVATE.iter().any(|base| path.starts_with(base))
                || self.covers.iter().any(|cover| path.starts_with(&cover.at) && !open(cover)))
    }

    /// Covers `path` with nothing.
    fn hide(&mut self, path: &Path) -> Result<(), ExecuteError> {
        // What is not there cannot be made where guard would take it for its own: what is made is judged.
        let real = match path.strip_prefix(&self.place.project) {
            Ok(rest) => real_in(&self.place.project, rest),
            Err(_) => fs::canonicalize(path),
        };
        let Ok(real) = real else { return Ok(()) };
        if self.is_out_of_sight(&real) && !self.place.project.starts_with(&real) {
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

/// Landlock's rules where mounts already decide what can be seen: what of the system can be read, and what written.
pub(super) fn rules(place: &Place, order: &Order, version: u32) -> Result<Rules, ExecuteError> {
    let mut rules = order.bounds.rules(version, Judged::Files)?;
    if order.bounds.reading().is_none() && version > 0 {
        let covers = covered(place, order, true);
        let mounted = mounted(place, order, &covers);
        for (path, folder) in open_to_all(place)? {
            // Allowed further down, more or once.
            if WRITABLE.map(Path::new).contains(&path.as_path()) || covers.iter().any(|cover| cover.at == path) {
                continue;
            }
            match mounted.iter().any(|at| lies_in(&path, at)) {
                true => rules.allow(c_path(&path)?, Access::Read, folder),
                false => rules.allow_shared(c_path(&path)?, folder),
            }
        }
        for cover in covers {
            rules.allow(c_path(&cover.at)?, Access::Read, true);
        }
        if order.layer.is_none() {
            rules.allow(c_path(&place.project)?, Access::Read, true);
        }
    }
    if order.layer.is_some() {
        rules.allow(c_path(&place.project)?, Access::Write, true);
    }
    if !is_private(&place.caches) {
        rules.allow(c_path(&place.caches)?, Access::Write, true);
    }
    for writable in &order.writable {
        rules.allow(c_path(&writable.path)?, Access::Write, writable.path.is_dir());
    }
    for folder in WRITABLE {
        rules.allow(c(folder), Access::Write, true);
    }
    Ok(rules)
}

/// Where the fence mounts something: what lies there is not what lies there outside.
fn mounted<'a>(place: &'a Place, order: &'a Order, covers: &'a [Cover]) -> Vec<&'a Path> {
    let private = PRIVATE.iter().map(Path::new).chain([Path::new("/proc")]);
    let own = [place.project.as_path(), &place.caches].into_iter().chain(covers.iter().map(|cover| cover.at.as_path()));
    let apart =
        place.hidden.iter().chain(&place.reads.shut).chain(order.writable.iter().map(|writable| &writable.path));
    private.chain(own).chain(apart.map(PathBuf::as_path)).collect()
}

/// Whether `path` is `at` or lies in it; by their bytes, since there are many to compare.
fn lies_in(path: &Path, at: &Path) -> bool {
    let rest = path.as_os_str().as_bytes().strip_prefix(at.as_os_str().as_bytes());
    rest.is_some_and(|rest| rest.first().is_none_or(|next| *next == b'/'))
}

/// The folders at the top that are not closed, and what is open of the closed ones.
fn open_to_all(place: &Place) -> Result<Vec<(PathBuf, bool)>, ExecuteError> {
    let top = fs::read_dir("/").map_err(|error| trouble("look at `/`", &error.to_string()))?;
    let mut all = Vec::with_capacity(128);
    for entry in top.flatten() {
        let path = entry.path();
        let kind = entry.file_type().ok().filter(|kind| !kind.is_symlink());
        if let Some(kind) = kind.filter(|_| !closed::closed().any(|closed| closed == path)) {
            all.push((path, kind.is_dir()));
        }
    }
    // Files and folders alike: what is not asked of a file is not given.
    all.extend(closed::open_of_system().map(|path| (path.to_owned(), false)));
    let closed = place.reads.open.iter().filter(|path| closed::closed().any(|closed| path.starts_with(closed)));
    all.extend(closed.map(|path| (path.clone(), false)));
    Ok(all)
}

/// Landlock's rules where there are no namespaces: it cannot deny below what it allows, so everything is allowed but
/// what is hidden or closed, entry by entry; and the project is read-only, since nothing could judge what is written.
pub(super) fn rules_alone(place: &Place, order: &Order, version: u32) -> Result<Rules, ExecuteError> {
    let mut rules = order.bounds.rules(version, Judged::All)?;
    let mut kept = place.hidden.clone();
    kept.extend(unread(place, order));
    if order.bounds.reading().is_none() {
        let mut closed: Vec<PathBuf> = closed::closed().map(Path::to_owned).collect();
        closed.push(PathBuf::from("/dev"));
        closed.extend(covered(place, order, true).into_iter().map(|cover| cover.at));
        closed.extend(kept.iter().cloned());
        let open = closed::open_of_system().map(Path::to_owned).chain(place.reads.open.iter().cloned());
        let (around, around_kept) = (around(&closed), around(&kept));
        let parts = open.chain([place.project.clone()]).flat_map(|path| carve(&path, &kept, &around_kept));
        for (path, folder) in carve(Path::new("/"), &closed, &around).into_iter().chain(parts) {
            rules.allow(c_path(&path)?, Access::Read, folder);
        }
    }
    for name in DEVICES {
        rules.allow(c(&format!("/dev/{name}")), Access::Write, false);
    }
    rules.allow(c_path(&place.caches)?, Access::Write, true);
    Ok(rules)
}

/// The folders around `paths`, whatever they are called: where a file system is mounted twice, a rule for one name of a
/// folder is a rule for the other, too.
fn around(paths: &[PathBuf]) -> HashSet<(u64, u64)> {
    let folders: BTreeSet<&Path> = paths.iter().flat_map(|path| path.ancestors().skip(1)).collect();
    folders.into_iter().filter_map(|folder| fs::metadata(folder).ok()).map(|found| (found.dev(), found.ino())).collect()
}

/// The largest parts of `root` that hold none of `without`, which lie in the folders `around` them; true for folders. Links
/// are left to what they point to.
fn carve(root: &Path, without: &[PathBuf], around: &HashSet<(u64, u64)>) -> Vec<(PathBuf, bool)> {
    if without.iter().any(|w| root.starts_with(w)) {
        return Vec::new();
    }
    let Ok(found) = root.symlink_metadata() else { return Vec::new() };
    if found.is_symlink() {
        return Vec::new();
    }
    if !found.is_dir() || !around.contains(&(found.dev(), found.ino())) {
        return vec![(root.to_owned(), found.is_dir())];
    }
    let Ok(entries) = fs::read_dir(root) else { return Vec::new() };
    entries.flatten().flat_map(|entry| carve(&entry.path(), without, around)).collect()
}
