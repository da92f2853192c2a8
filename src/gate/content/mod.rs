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
        apart(|| {
            let tree = Tree::new(set, look);
            let version = version::version(&tree, look.path);
            let wants = |check: ContentCheck| files.iter().any(|file| file.checks.contains(&check));
            let resolving = wants(ContentCheck::Imports) || wants(ContentCheck::Names);
            let of = |tree: &Tree<'_>| if resolving { Sites::of(tree, look.path, look.home) } else { Sites::default() };
            let (now, then) = (of(&tree), of(&tree.before()));
            let now = Resolver::new(tree, &now, version);
            let then = Resolver::new(tree.before(), &then, version);
            files.iter().flat_map(|file| file.findings(version, &now, &then)).collect()
        })
    }
}

/// Runs what reads texts of others on a stack that is large enough for any of them.
fn apart(work: impl FnOnce() -> Vec<Finding> + Send) -> Vec<Finding> {
    /// What the deepest text that is parsed at all needs, several times; only what is used is ever there.
    const STACK: usize = 256 << 20;
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        let done = thread.map(|thread| thread.join());
        match done {
            Ok(Ok(findings)) => findings,
            Ok(Err(_)) => unread("the check broke off"),
            Err(error) => unread(&format!("no thread for the check: {error}")),
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
        if let (true, Some(after), Some(before)) = (wants(ContentCheck::Text), after, before) {
            let fault = source::nul(before, after).or_else(|| source::kept_encoding(before, after));
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
            let loose = was.as_ref().map(|was| source::unpinned(&was.0)).unwrap_or_default();
            all.push((ContentCheck::Pinned, fresh(source::unpinned(&is.0), loose)));
        }
        if language == Some(Language::Python) {
            let read = |text: &Text<'_>| source::python(&text.0, version).ok();
            let (old, new) = (was.as_ref().and_then(read), is.as_ref().and_then(read));
            self.modules(old.as_ref(), new.as_ref(), &mut all);
            let (modules, names) = self.imports(now, &self.path, new.as_ref());
            let (known, known_names) = self.imports(then, &self.from, old.as_ref());
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
        }
    }
}

/// The text of a file, as far as it is one.
struct Text<'a>(std::borrow::Cow<'a, str>, Option<Fault>);

impl<'a> Text<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self(text.into(), None),
            Err(error) => Self(String::from_utf8_lossy(bytes), Some(source::not_utf8(bytes, error.valid_up_to()))),
        }
    }

    /// What keeps it from being what it should be.
    fn faults(&self, language: Language, version: PythonVersion) -> Vec<Fault> {
        match &self.1 {
            // Python may say another encoding in its first lines.
            Some(fault) if language != Language::Python || !source::says_encoding(&self.0) => vec![fault.clone()],
            Some(_) | None => source::faults(language, &self.0, version),
        }
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
    std::str::from_utf8(bytes).is_ok() && !bytes.iter().any(|byte| control(byte))
}

/// The folders of programs, for whoever looks for an interpreter.
pub(super) fn folders(path: Option<&OsStr>) -> Vec<PathBuf> {
    path.map(|path| std::env::split_paths(path).filter(|folder| folder.is_absolute()).collect()).unwrap_or_default()
}
