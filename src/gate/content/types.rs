//! Types, as the project's own mypy has them: run in a fence, on an overlay of its own that holds the new contents, on what
//! changed and what imports it. Only what it did not say of the old contents counts.
//! Parses what it prints; knows no types itself.

use super::version::{ENVIRONMENTS, program};
use crate::action::{ChangeSet, Node, source};
use crate::decide::Finding;
use crate::decide::policy::ContentCheck;
use crate::event::Ended;
use crate::execute::change::{Transaction, open_written};
use crate::execute::sandbox::{Layer, Order, Reach, Work};
use crate::execute::{self, Sink};
use crate::gate::desk::Desk;
use crate::gate::grants::{environment, limits, place, required};
use std::collections::{BTreeSet, HashMap};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Time for one run.
const PATIENCE: Duration = Duration::from_secs(60);
/// The folder of mypy's cache, in the overlay while it runs and in the state between.
const CACHE: &str = ".guard-types";
/// Files that import what changed and are looked at as well, at most.
const IMPORTERS: usize = 200;
/// Files of the project that are looked through for those, at most, and bytes of each.
const SEARCHED: usize = 5_000;
const LONGEST: u64 = 1 << 20;

/// What mypy says of changed files that it did not say before; `files`: those that the policy wants it for.
pub(in crate::gate) fn changed(desk: &Desk<'_>, upper: &Path, set: &ChangeSet, files: &[PathBuf]) -> Vec<Finding> {
    let Some((run, first)) = Run::of(desk, files) else { return Vec::new() };
    let with = match run.said(|to| lay(set, upper, to)) {
        Ok(said) => said,
        Err(cause) => return vec![broken(first, &cause)],
    };
    if with.is_empty() {
        return Vec::new();
    }
    // What it says of files that only the changed ones lead to, it must be asked of there as well.
    let all: BTreeSet<&PathBuf> = run.files.iter().chain(with.iter().map(|finding| &finding.path)).collect();
    let old: Vec<PathBuf> = all.into_iter().filter(|path| desk.project.root.join(path).is_file()).cloned().collect();
    let run = Run { files: old, ..run };
    let mut known: HashMap<(PathBuf, String), usize> = HashMap::new();
    // What broke off on the old contents says nothing of them: then everything counts.
    let before = if run.files.is_empty() { Ok(Vec::new()) } else { run.said(|_| Ok(())) };
    for finding in before.unwrap_or_default() {
        *known.entry((finding.path, finding.what)).or_default() += 1;
    }
    let mut fresh = with;
    fresh.retain(|finding| match known.get_mut(&(finding.path.clone(), finding.what.clone())) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        Some(_) | None => true,
    });
    fresh
}

/// What mypy says of files as they stand; none where `found` holds some that cannot even be read.
pub(super) fn standing(desk: &Desk<'_>, files: &[PathBuf], found: &[Finding]) -> Vec<Finding> {
    if found.iter().any(|finding| finding.check == ContentCheck::Syntax) {
        return Vec::new();
    }
    let Some((run, first)) = Run::of(desk, files) else { return Vec::new() };
    let wanted: BTreeSet<&PathBuf> = files.iter().collect();
    match run.said(|_| Ok(())) {
        Ok(said) => said.into_iter().filter(|finding| wanted.contains(&finding.path)).collect(),
        Err(cause) => vec![broken(first, &cause)],
    }
}

/// What is said where mypy could not do its work: the policy wants it done.
fn broken(path: PathBuf, cause: &str) -> Finding {
    let what = format!("mypy could not tell, which the policy wants: {cause}");
    Finding { path, check: ContentCheck::Types, line: 1, column: 1, what }
}

/// One run of mypy.
struct Run<'a> {
    desk: &'a Desk<'a>,
    mypy: PathBuf,
    files: Vec<PathBuf>,
}

impl<'a> Run<'a> {
    /// On files and what imports them, with the first of the files. `None`: there is nothing to do, or no mypy.
    fn of(desk: &'a Desk<'a>, files: &[PathBuf]) -> Option<(Self, PathBuf)> {
        let first = files.first()?.clone();
        let mypy = mypy(desk)?;
        let mut all: BTreeSet<PathBuf> = files.iter().cloned().collect();
        all.extend(importers(desk, files));
        Some((Self { desk, mypy, files: all.into_iter().collect() }, first))
    }

    /// What it says, with what `lay` puts over the project.
    fn said(&self, lay: impl Fn(&Path) -> io::Result<()>) -> Result<Vec<Finding>, String> {
        let first = self.once(&lay, &[])?;
        // Folders without an `__init__.py` are packages all the same.
        let again = |text: &str| {
            text.contains("found twice under different module names") || text.contains("Duplicate module named")
        };
        let (code, text) = if again(&first.1) { self.once(&lay, &["--explicit-package-bases"])? } else { first };
        match code {
            0 => Ok(Vec::new()),
            1 => Ok(read(&text)),
            _ => {
                let last = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it says nothing");
                Err(format!("it ended with {code}: {last}"))
            }
        }
    }

    /// Exit code, and what it printed.
    fn once(&self, lay: &impl Fn(&Path) -> io::Result<()>, flags: &[&str]) -> Result<(i32, String), String> {
        let (desk, root) = (self.desk, &self.desk.project.root);
        let state = &desk.project.paths.state;
        let scratch = Transaction::begin(state, root).map_err(|error| error.to_string())?;
        let Layer { upper, .. } = scratch.layer();
        let (cache, kept) = (upper.join(CACHE), state.join("types"));
        lay(&upper).map_err(|error| format!("the new contents cannot be laid out: {error}"))?;
        // Whose cache it is does not matter to mypy: it compares contents.
        let _none = fs::rename(&kept, &cache);
        let outcome = self.fenced(scratch.layer(), flags);
        // Another guard may have kept one meanwhile: either will do.
        let _lost = fs::rename(&cache, &kept);
        outcome
    }

    fn fenced(&self, layer: Layer, flags: &[&str]) -> Result<(i32, String), String> {
        let desk = self.desk;
        let fixed = [
            "mypy",
            "--cache-dir",
            CACHE,
            "--no-color-output",
            "--no-error-summary",
            "--no-pretty",
            "--hide-error-context",
            "--show-column-numbers",
            "--show-error-codes",
        ];
        let mut argv: Vec<OsString> = fixed.into_iter().chain(flags.iter().copied()).map(OsString::from).collect();
        argv.push("--".into());
        argv.extend(self.files.iter().map(|path| path.clone().into_os_string()));
        let mut place = place(desk.world, desk.project, &desk.policy);
        place.cwd.clone_from(&desk.project.root);
        place.reads.libraries = execute::libraries(&self.mypy);
        let work = Work::Argv { program: self.mypy.clone(), argv };
        let timeout = PATIENCE.min(desk.policy.settings().limits.timeout);
        let limits = limits(&desk.policy);
        let order = Order { layer: Some(layer), limits, reach: Reach::default(), ..Order::new(work, timeout) };
        let environment = environment(desk.world, &[]);
        let outcome = execute::prepare_order(order, &place, &environment, required(&desk.policy))
            .and_then(|prepared| prepared.run(&mut Unseen))
            .map_err(|error| error.to_string())?;
        let (mut text, _) = outcome.stdout.excerpt(4 << 20);
        match outcome.ended {
            Ended::Exited => {}
            Ended::TimedOut => return Err(format!("it took longer than {} s", timeout.as_secs())),
            Ended::Signalled | Ended::Limit | Ended::Cancelled => return Err("it was stopped".to_owned()),
        }
        if !matches!(outcome.exit_code, 0 | 1) {
            text.extend(outcome.stderr.excerpt(8192).0);
        }
        Ok((outcome.exit_code, String::from_utf8_lossy(&text).into_owned()))
    }
}

struct Unseen;

impl Sink for Unseen {
    fn stdout(&mut self, _: &[u8]) {}
    fn stderr(&mut self, _: &[u8]) {}
}

/// The project's own mypy, else the first on the caller's `PATH`.
fn mypy(desk: &Desk<'_>) -> Option<PathBuf> {
    let own = ENVIRONMENTS.iter().map(|name| desk.project.root.join(name).join("bin"));
    let mut folders = own.chain(super::folders(desk.world.variable("PATH")));
    folders.find_map(|folder| program(&desk.project.root, &folder, "mypy"))
}

/// Puts the new contents of a change set into an upper layer. What is deleted stays visible: whatever imports it is told by
/// another check.
fn lay(set: &ChangeSet, from: &Path, to: &Path) -> io::Result<()> {
    const ENDINGS: [&str; 5] = ["py", "pyi", "ini", "toml", "cfg"];
    for change in &set.changes {
        let matters = change.path.extension().is_some_and(|end| ENDINGS.iter().any(|known| end == *known));
        let Some(Node::File { .. }) = change.after.as_ref().filter(|_| matters) else { continue };
        let target = to.join(&change.path);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = open_written(from, &change.path).map_err(|error| io::Error::other(error.to_string()))?;
        io::copy(&mut file, &mut fs::File::create(target)?)?;
    }
    Ok(())
}

/// Files of the project in which a changed module's name stands beside `import`.
fn importers(desk: &Desk<'_>, files: &[PathBuf]) -> Vec<PathBuf> {
    let names: BTreeSet<String> = files.iter().filter_map(|path| module(path)).collect();
    let root = &desk.project.root;
    let iteration = &desk.policy.settings().iteration;
    let (mut found, mut left, mut folders) = (Vec::new(), SEARCHED, vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        let mut there: Vec<_> = fs::read_dir(&folder).into_iter().flatten().flatten().collect();
        there.sort_by_key(fs::DirEntry::file_name);
        for entry in there {
            let (path, name) = (entry.path(), entry.file_name());
            let Ok(kind) = entry.file_type() else { continue };
            let hidden = name.to_string_lossy().starts_with('.');
            if kind.is_dir() && !hidden && !iteration.is_output(&path, root, None) {
                folders.push(path);
            } else if kind.is_file() && path.extension().is_some_and(|end| end == "py") {
                if left == 0 || found.len() >= IMPORTERS {
                    return found;
                }
                left -= 1;
                if let Ok(inside) = path.strip_prefix(root)
                    && is_module(inside)
                    && imports(&path, &names)
                {
                    found.push(inside.to_owned());
                }
            }
        }
    }
    found
}

/// The last name of a module: `a/b.py` is `b`, `a/__init__.py` is `a`.
fn module(path: &Path) -> Option<String> {
    let stem = path.file_stem()?.to_str()?;
    let name = if stem == "__init__" { path.parent()?.file_name()?.to_str()? } else { stem };
    Some(name.to_owned())
}

/// Whether mypy takes a file for a module: of other names (`my-scripts/run.py`) it would take none of all.
fn is_module(path: &Path) -> bool {
    let is_name = |part: &str| part.chars().all(|c| c.is_alphanumeric() || c == '_');
    path.with_extension("").iter().all(|part| part.to_str().is_some_and(is_name))
}

fn imports(path: &Path, names: &BTreeSet<String>) -> bool {
    let Ok(Some(bytes)) = crate::gate::files::small(path, LONGEST) else { return false };
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.lines().filter(|line| line.contains("import"));
    let mut words = lines.flat_map(|line| line.split(|c: char| !(c.is_alphanumeric() || c == '_')));
    // One that cannot be read at all would keep mypy from reading any.
    words.any(|word| names.contains(word))
        && super::apart(|| source::python(&text, source::newest()).is_ok()).unwrap_or(false)
}

/// What mypy prints: `a/b.py:3:5: error: what is wrong  [code]`.
fn read(text: &str) -> Vec<Finding> {
    let one = |line: &str| {
        let (place, what) = line.split_once(": error: ")?;
        let mut parts = place.rsplitn(3, ':');
        let (column, line, path) = (parts.next()?, parts.next()?, parts.next());
        let (path, line, column) = match path {
            Some(path) => (path, line.parse().ok()?, column.parse().ok()?),
            None => (line, column.parse().ok()?, 1),
        };
        let what = what.split_whitespace().collect::<Vec<_>>().join(" ");
        Some(Finding { path: PathBuf::from(path), check: ContentCheck::Types, line, column, what })
    };
    text.lines().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_mypy_prints_is_read() {
        let text = "a/b.py:3:5: error: Incompatible types  [assignment]\na/b.py:3:5: note: see\nc.py:7: error: x: y\nSuccess: no issues\n";
        let told: Vec<String> = read(text).iter().map(Finding::told).collect();
        assert_eq!(told, ["a/b.py:3:5: Incompatible types [assignment]", "c.py:7:1: x: y"]);
    }

    #[test]
    fn a_module_goes_by_its_last_name() {
        let table = [("a/b.py", Some("b")), ("a/__init__.py", Some("a")), ("__init__.py", None)];
        for (path, expected) in table {
            assert_eq!(module(Path::new(path)).as_deref(), expected, "{path}");
        }
    }
}
