//! Checks of what changed files hold: which of them the policy wants, on what is new and on what was there before.
//! Judges nothing: whatever is found and was not there before is a fact.

mod check;
mod imports;
mod sites;
mod tree;
pub(super) mod types;
mod version;

use crate::action::source::{self, Fault, Language, Module, PythonVersion};
use crate::action::{Change, ChangeSet, Node};
use crate::decide::policy::{ContentCheck, Settings};
use crate::decide::{Finding, Policy};
use crate::execute::change::{ReadError, open_before};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::changes::{Look, content};
pub use check::{CheckedFiles, check_files};
use imports::{Missing, Resolver};
use sites::Sites;
use tree::Tree;

/// A changed file that is looked at.
pub(super) struct Looked {
    path: PathBuf,
    /// Where it was moved from; else where it lies.
    from: PathBuf,
    checks: BTreeSet<ContentCheck>,
    /// What stood there, or at the place it was moved from.
    before: Option<Vec<u8>>,
    /// What would stand there; `None`: nothing.
    after: Option<Vec<u8>>,
}

/// Bytes of a file of constraints, at most.
const MOST_LISTED: u64 = 1 << 20;

/// Checks of what a Python module holds.
const MODULES: [ContentCheck; 4] =
    [ContentCheck::Imports, ContentCheck::Names, ContentCheck::Explained, ContentCheck::Fields];

/// The changed files that are looked at, gathered one by one.
pub(super) struct Gathered<'a> {
    settings: &'a Settings,
    look: Look<'a>,
    set: &'a ChangeSet,
    /// Where moved files come from.
    moved: HashMap<&'a Path, &'a Path>,
    files: Vec<Looked>,
}

impl<'a> Gathered<'a> {
    pub(super) fn new(set: &'a ChangeSet, look: Look<'a>, policy: &'a Policy) -> Self {
        let moved = set.renames().into_iter().map(|(from, to)| (to, from)).collect();
        Self { settings: policy.settings(), look, set, moved, files: Vec::new() }
    }

    /// The checks that the policy wants of a path.
    fn checks(&self, path: &Path) -> BTreeSet<ContentCheck> {
        let (project, home) = (self.look.project, self.look.home);
        self.settings.content.checks(&project.join(path), project, home)
    }

    fn is_output(&self, path: &Path) -> bool {
        let (project, home) = (self.look.project, self.look.home);
        self.settings.iteration.is_output(&project.join(path), project, home)
    }

    /// Adds a changed file with its new content; `before`: its old one, where that has been read.
    pub(super) fn add(
        &mut self,
        change: &Change,
        after: Option<Vec<u8>>,
        before: Option<Vec<u8>>,
    ) -> Result<(), ReadError> {
        let mut checks = self.checks(&change.path);
        if after.is_none() {
            checks.retain(|check| *check == ContentCheck::Fields);
        }
        if checks.is_empty() {
            return Ok(());
        }
        let from =
            self.moved.get(change.path.as_path()).filter(|from| Language::of(from) == Language::of(&change.path));
        if let Some(from) = from {
            // What nobody looked at where it came from is looked at here as if it were new.
            let known = if self.is_output(from) { BTreeSet::new() } else { self.checks(from) };
            let new: BTreeSet<ContentCheck> = checks.difference(&known).copied().collect();
            checks.retain(|check| known.contains(check));
            if !new.is_empty() {
                self.files.push(Looked::standing(&change.path, new, after.clone()));
            }
        }
        let before = match (&change.before, before, from) {
            (Some(Node::File { len, .. }), None, _) if *len <= self.settings.limits.file_size => {
                Some(content(open_before(self.look.project, &change.path)?, *len, &change.path)?)
            }
            // It is what it was, elsewhere.
            (None, None, Some(_)) => after.clone(),
            (_, before, _) => before,
        };
        let from = from.map_or_else(|| change.path.clone(), |from| from.to_path_buf());
        self.files.push(Looked { path: change.path.clone(), from, checks, before, after });
        Ok(())
    }

    /// Adds a link that is new: whoever reads it reads the file it leads to, from the project's root, by the link's name.
    pub(super) fn link(&mut self, path: &Path, leads: &Path) {
        let limit = self.settings.limits.file_size;
        let known = Language::of(path).is_some() && Language::of(leads) != Language::of(path) && !self.is_output(path);
        let Some(after) =
            Some(Tree::new(self.set, self.look)).filter(|_| known).and_then(|tree| tree.read(leads, limit))
        else {
            return;
        };
        // What the target is looked at for, it is looked at for by its own name.
        let mut checks = self.checks(path);
        checks.retain(|check| *check == ContentCheck::Syntax);
        if !checks.is_empty() {
            self.files.push(Looked::standing(path, checks, Some(after)));
        }
    }

    /// Adds a file that stands in the project.
    fn push(&mut self, file: Looked) {
        self.files.push(file);
    }

    /// The changed files that mypy is to look at.
    pub(super) fn typed(&self) -> Vec<PathBuf> {
        let typed = |file: &&Looked| file.after.is_some() && file.checks.contains(&ContentCheck::Types);
        let python = self.files.iter().filter(typed).filter(|file| Language::of(&file.path) == Some(Language::Python));
        python.map(|file| file.path.clone()).collect()
    }

    /// What is found in all of them.
    pub(super) fn findings(self) -> Vec<Finding> {
        if self.files.is_empty() {
            return Vec::new();
        }
        let (files, set, look) = (&self.files, self.set, self.look);
        let found = apart(|| {
            let tree = Tree::new(set, look);
            let version = version::version(&tree, look.path);
            let wants = |check: ContentCheck| files.iter().any(|file| file.checks.contains(&check));
            let resolving = wants(ContentCheck::Imports) || wants(ContentCheck::Names);
            let folders: BTreeSet<&Path> = files.iter().flat_map(|file| file.path.ancestors().skip(1)).collect();
            let of = |tree: &Tree<'_>| {
                if resolving { Sites::of(tree, look.path, look.home, &folders) } else { Sites::default() }
            };
            let (now, then) = (of(&tree), of(&tree.before()));
            let now = Resolver::new(tree, &now, version);
            let then = Resolver::new(tree.before(), &then, version);
            files.iter().flat_map(|file| file.findings(version, &now, &then)).collect()
        });
        found.unwrap_or_else(|why| unread(&why))
    }
}

/// Runs what reads texts of others on a stack that is large enough for any of them.
fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, String> {
    /// What the deepest text that is parsed at all needs, several times; only what is used is ever there.
    const STACK: usize = 256 << 20;
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        let done = thread.map(|thread| thread.join());
        match done {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(_)) => Err("the check broke off".to_owned()),
            Err(error) => Err(format!("no thread for the check: {error}")),
        }
    })
}

/// What is said where nothing could be looked at.
fn unread(why: &str) -> Vec<Finding> {
    let what = format!("cannot be looked at: {why}");
    vec![Finding { path: PathBuf::from("."), check: ContentCheck::Syntax, line: 1, column: 1, what }]
}

impl Looked {
    /// A file as it stands.
    fn standing(path: &Path, checks: BTreeSet<ContentCheck>, after: Option<Vec<u8>>) -> Self {
        Self { path: path.to_owned(), from: path.to_owned(), checks, before: None, after }
    }

    fn findings(&self, version: PythonVersion, now: &Resolver<'_>, then: &Resolver<'_>) -> Vec<Finding> {
        let mut all: Vec<(ContentCheck, Vec<Fault>)> = Vec::new();
        let language = Language::of(&self.path);
        let (before, after) = (self.before.as_deref(), self.after.as_deref());
        let wants = |check: ContentCheck| self.checks.contains(&check);
        if let (true, Some(after)) = (wants(ContentCheck::Text), after) {
            let kept = || source::kept_encoding(before.unwrap_or_default(), after);
            let fault = source::nul(&self.path, before.unwrap_or_default(), after).or_else(kept);
            all.push((ContentCheck::Text, fault.into_iter().collect()));
        }
        if let (true, Some(after)) = (wants(ContentCheck::Endings), after) {
            let fault = source::kept_endings(before, after).filter(|_| language.is_some() || is_plainly_text(after));
            all.push((ContentCheck::Endings, fault.into_iter().collect()));
        }
        let (was, is) = (before.map(Text::of), after.map(Text::of));
        let sound = language.zip(is.as_ref()).is_some_and(|(language, is)| is.faults(language, version).is_empty());
        let mut marked = false;
        if let (true, Some(is)) = (wants(ContentCheck::Markers), &is) {
            // What can be read with them has them in its texts.
            let told = !(sound && language.is_some_and(Language::is_strict));
            let marks = |text: &Text<'_>| if told { source::markers(&self.path, &text.0) } else { Vec::new() };
            let fresh = fresh(marks(is), was.as_ref().map(marks).unwrap_or_default());
            marked = !fresh.is_empty();
            all.push((ContentCheck::Markers, fresh));
        }
        if let (true, Some(language), Some(is)) = (wants(ContentCheck::Syntax) && !sound && !marked, language, &is) {
            // What could not be read before is nobody's program yet: it may be mended step by step.
            let broken =
                was.as_ref().is_some_and(|was| !was.0.trim().is_empty() && !was.faults(language, version).is_empty());
            all.push((ContentCheck::Syntax, if broken { Vec::new() } else { is.faults(language, version) }));
        }
        if let (true, Some(is)) = (wants(ContentCheck::Pinned), &is) {
            let unpinned = |text: &Text<'_>, at: &Path, tree: &Tree<'_>| {
                let file = |named: &str| String::from_utf8(tree.read(&sites::beside(at, named)?, MOST_LISTED)?).ok();
                source::unpinned(&text.0, &file)
            };
            let loose = was.as_ref().map(|was| unpinned(was, &self.from, then.tree())).unwrap_or_default();
            all.push((ContentCheck::Pinned, fresh(unpinned(is, &self.path, now.tree()), loose)));
        }
        if language == Some(Language::Python) && MODULES.iter().any(|check| wants(*check)) {
            let [old, new] = [&was, &is].map(|text| text.as_ref().and_then(|text| text.python(version).ok()));
            self.modules(old, new, &mut all);
            let (modules, names) = self.imports(now, &self.path, new);
            let (known, known_names) = self.imports(then, &self.from, old);
            all.push((ContentCheck::Imports, fresh(modules, known)));
            all.push((ContentCheck::Names, fresh(names, known_names)));
        }
        let finding = |check: ContentCheck, fault: Fault| {
            let Fault { line, column, what } = fault;
            Finding { path: self.path.clone(), check, line, column, what }
        };
        all.into_iter().flat_map(|(check, faults)| faults.into_iter().map(move |fault| finding(check, fault))).collect()
    }

    /// What of a module's imports is not there: modules, and names.
    fn imports(&self, resolver: &Resolver<'_>, at: &Path, module: Option<&Module>) -> (Vec<Fault>, Vec<Fault>) {
        let (mut modules, mut names) = (Vec::new(), Vec::new());
        let [of_modules, of_names] =
            [ContentCheck::Imports, ContentCheck::Names].map(|check| self.checks.contains(&check));
        if !of_modules && !of_names {
            return (modules, names);
        }
        for import in module.into_iter().flat_map(|module| &module.imports) {
            let fault = |what: String| Fault { line: import.line, column: import.column, what };
            match resolver.missing(at, import) {
                Some(Missing::Module(what)) if of_modules => modules.push(fault(what)),
                Some(Missing::Name(what)) if of_names => names.push(fault(what)),
                Some(Missing::Module(_) | Missing::Name(_)) | None => {}
            }
        }
        (modules, names)
    }

    /// What two versions of a Python module tell.
    fn modules(&self, before: Option<&Module>, after: Option<&Module>, all: &mut Vec<(ContentCheck, Vec<Fault>)>) {
        if let (true, Some(after)) = (self.checks.contains(&ContentCheck::Explained), after) {
            all.push((ContentCheck::Explained, source::unexplained(before, after)));
        }
        let gone = self.after.is_none();
        if let (true, Some(before)) = (self.checks.contains(&ContentCheck::Fields) && (gone || after.is_some()), before)
        {
            let lost = source::lost(before, after).into_iter();
            let fault = |lost: source::Lost| Fault { line: lost.line, column: lost.column, what: lost.what };
            all.push((ContentCheck::Fields, lost.map(fault).collect()));
        } else if before.is_some()
            && !self.checks.contains(&ContentCheck::Syntax)
            && self.checks.contains(&ContentCheck::Fields)
        {
            let what = "it cannot be read any more, nor what became of its fields".to_owned();
            all.push((ContentCheck::Fields, vec![Fault { line: 1, column: 1, what }]));
        }
    }
}

/// The text of a file, as far as it is one; why it is not; and what it is as Python, once that was asked.
struct Text<'a>(Cow<'a, str>, Option<Fault>, OnceCell<Result<Module, Vec<Fault>>>);

impl<'a> Text<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self(text.into(), None, OnceCell::new()),
            Err(error) => {
                let fault = source::not_utf8(bytes, error.valid_up_to());
                Self(String::from_utf8_lossy(bytes), Some(fault), OnceCell::new())
            }
        }
    }

    /// What keeps it from being what it should be.
    fn faults(&self, language: Language, version: PythonVersion) -> Vec<Fault> {
        match &self.1 {
            // Python may say another encoding in its first lines.
            Some(fault) if language != Language::Python || !source::says_encoding(&self.0) => vec![fault.clone()],
            Some(_) | None if language == Language::Python => self.python(version).err().cloned().unwrap_or_default(),
            Some(_) | None => source::faults(language, &self.0, version),
        }
    }

    /// It as a module, parsed once.
    fn python(&self, version: PythonVersion) -> Result<&Module, &Vec<Fault>> {
        self.2.get_or_init(|| source::python(&self.0, version)).as_ref()
    }
}

/// What a version found that the one before it did not, by what is said: places move.
fn fresh(after: Vec<Fault>, before: Vec<Fault>) -> Vec<Fault> {
    let mut known: HashMap<String, usize> = HashMap::new();
    for fault in before {
        *known.entry(fault.what).or_default() += 1;
    }
    let mut left = after;
    left.retain(|fault| match known.get_mut(&fault.what) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        Some(_) | None => true,
    });
    left
}

/// Whether bytes are a text that people write: UTF-8, and no control characters to speak of.
fn is_plainly_text(bytes: &[u8]) -> bool {
    let control = |byte: &u8| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b);
    std::str::from_utf8(bytes).is_ok() && !bytes.iter().any(control)
}

/// The folders of programs, for whoever looks for an interpreter.
pub(super) fn folders(path: Option<&OsStr>) -> Vec<PathBuf> {
    path.map(|path| std::env::split_paths(path).filter(|folder| folder.is_absolute()).collect()).unwrap_or_default()
}
