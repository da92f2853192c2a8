//! Judging what a command changed, before any of it reaches the project: by rules of guard's own and the policy's.
//! Pure: a set of changes and facts about them in, a verdict with every rule that matched out.

mod content;
mod git;
mod links;
mod names;
mod phase;
mod round;
mod rules;
mod table;
#[cfg(test)]
mod tests;

use super::judging::BuiltIn;
use super::policy::{Policy, Supervision, Writes};
use super::{Match, Verdict};
use crate::action::{Change, ChangeKind, ChangeSet, Node};
use crate::event::Round;
use crate::event::line::carry;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

pub use content::{Finding, is_about_content};
pub use names::holds_secrets;
pub use round::{Bounds, Touched, bounds};

/// Rules of guard's own about changes.
pub(super) fn own() -> impl Iterator<Item = &'static BuiltIn> {
    table::ALL.into_iter().chain(content::ALL)
}

/// What a set of changes says nothing about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeFacts {
    /// The project's root, without symbolic links.
    pub project: PathBuf,
    /// The person's home.
    pub home: Option<PathBuf>,
    /// Their home by the user database, where that is another: toolchains may lie in either.
    pub own_home: Option<PathBuf>,
    /// Roots of projects within this one, from the project's root.
    pub nested: Vec<PathBuf>,
    /// Changed files, and kinds of secrets that their new content holds and their old did not.
    pub secrets: BTreeMap<PathBuf, Vec<String>>,
    /// Changed files of settings (`.npmrc`, …) that hold or held a token.
    pub tokens: BTreeSet<PathBuf>,
    /// Changed configuration files that held credentials before.
    pub credentials: BTreeSet<PathBuf>,
    /// Files with another content that carry rights of the kernel's (`security.capability`), which go with the old content.
    pub capable: BTreeSet<PathBuf>,
    /// Where new or changed links lead once links on the way are followed, and the last one too.
    pub leads: BTreeMap<PathBuf, PathBuf>,
    /// Folders of virtual environments (with a `pyvenv.cfg`) that hold changes, from the project's root.
    pub environments: BTreeSet<PathBuf>,
    /// Changed paths in folders that git would take for a repository without a work tree (`HEAD`, `objects`, `refs`).
    pub bare: BTreeSet<PathBuf>,
    /// What checks of the policy's found in new contents.
    pub content: Vec<Finding>,
    /// Changed files whose types are to be looked at as well.
    pub typed: Vec<PathBuf>,
    /// The caller's label.
    pub task: Option<String>,
    /// The project's mode.
    pub mode: Option<String>,
    /// The plan's phase.
    pub phase: Option<String>,
    /// Globs of what that phase may touch, from the project's root; `None`: no phase is open.
    pub phase_files: Option<Vec<String>>,
    /// The open iteration.
    pub round: Option<Box<Round>>,
    /// Rules of the policy that were answered already for this command, by a person or by an allowing rule: not asked again.
    pub answered: Vec<String>,
}

/// What the policy and guard's own rules say of a set of changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeJudgement {
    /// The strictest verdict.
    pub verdict: Verdict,
    /// Every rule that matched, once, strictest first; its reason names the first paths and how many there are.
    pub matches: Vec<Match>,
    /// What is committed otherwise than the command left it.
    pub notes: Vec<String>,
    /// The files that count in the open iteration, from the project's root.
    pub counted: Vec<String>,
    /// What they are taken from, for whoever looks again at what is open by then.
    pub touched: Touched,
}

/// What is looked at.
#[derive(Clone, Copy)]
struct Ground<'a> {
    set: &'a ChangeSet,
    facts: &'a ChangeFacts,
    policy: &'a Policy,
    area: Writes,
}

/// Judges what a command changed; `area`: what it was allowed to write. The strictest match wins, and nothing matched allows:
/// the command itself was allowed before.
pub fn judge_changes(set: &ChangeSet, facts: &ChangeFacts, policy: &Policy, area: Writes) -> ChangeJudgement {
    let ground = Ground { set, facts, policy, area };
    let mut found = Findings::default();
    if set.cut {
        found.add(&table::TOO_MANY, "what was looked at holds", set.changes.len());
    }
    let mut counted = BTreeSet::new();
    let phase = facts.phase_files.as_deref().map(phase::Within::of);
    for change in &set.changes {
        let output = ground.is_output(&change.path);
        ground.guarded(change, output, &mut found);
        ground.content(change, output, &mut found);
        if ground.counts(change, output) {
            counted.insert(change.path.as_path());
            if phase.as_ref().is_some_and(|phase| !phase.holds(&change.path)) {
                found.path(&table::PHASE, &change.path);
            }
        }
    }
    content::judge(ground, &mut found);
    let named = |path: &Path| carry(path.as_os_str().as_bytes()).into_owned();
    let touched = Touched {
        files: counted.into_iter().map(named).collect(),
        moved: set.renames().into_iter().map(|(from, to)| (named(from), named(to))).collect(),
    };
    let counted = touched.counted(facts.round.as_deref());
    let mut matches = found.matches();
    let iteration = &policy.settings().iteration;
    matches.extend(bounds(&counted, facts.round.as_deref(), Bounds { iteration, area }));
    matches.extend(rules::matches(ground));
    matches.sort_by_key(|found| std::cmp::Reverse(found.verdict));
    let mut verdict = matches.first().map_or(Verdict::Allow, |found| found.verdict);
    if let (Verdict::Ask, Supervision::Unattended, Some(first)) =
        (verdict, policy.settings().supervision, matches.first())
    {
        let what = format!("`{}` asks: {}", first.id, first.reason);
        matches.insert(0, said(&super::judging::UNATTENDED, &what));
        verdict = Verdict::Deny;
    }
    ChangeJudgement { verdict, matches, notes: notes(set), counted, touched }
}

impl Ground<'_> {
    /// Whether a path is made by builds and installations, and can be made again.
    fn is_output(self, path: &Path) -> bool {
        let (project, home) = (&self.facts.project, self.facts.home.as_deref());
        let environment = matches!(self.area, Writes::Venv)
            && path.ancestors().any(|at| !at.as_os_str().is_empty() && self.facts.environments.contains(at));
        environment || self.policy.settings().iteration.is_output(&project.join(path), project, home)
    }

    /// What no command changes: guard's files, git's, a harness's settings, files that hold secrets.
    fn guarded(self, change: &Change, output: bool, found: &mut Findings) {
        let path = &change.path;
        if names::is_guards(path, &self.facts.nested, output) {
            found.path(&table::PROTECTED, path);
        }
        if git::is_kept(change, matches!(self.area, Writes::Git)) || self.facts.bare.contains(path) {
            found.path(&table::GIT, path);
        }
        if !output && (names::holds_secrets(path) || self.facts.tokens.contains(path)) {
            found.path(&table::SECRET_FILE, path);
        }
        if !output && self.facts.credentials.contains(path) {
            found.path(&table::CREDENTIALS, path);
        }
    }

    /// What the changed thing is.
    fn content(self, change: &Change, output: bool, found: &mut Findings) {
        let path = &change.path;
        match &change.after {
            Some(Node::File { len, mode, .. }) => {
                // A file that had such a bit keeps it only with the content that it was given it for.
                let before = match &change.before {
                    Some(Node::File { mode, .. }) if change.kind() == ChangeKind::Mode => *mode,
                    Some(Node::File { .. }) => 0,
                    Some(Node::Link { .. } | Node::Folder { .. } | Node::Special { .. }) | None => 0,
                };
                if mode & SPECIAL & !before != 0 || self.facts.capable.contains(path) {
                    found.path(&table::SPECIAL, path);
                }
                if *len > self.policy.settings().limits.file_size && change.kind() != ChangeKind::Mode {
                    found.path(&table::BIG, path);
                }
            }
            Some(Node::Link { to }) => {
                if let Some(own) = links::leads_out(path, to, self.facts, output) {
                    found.add(own, &format!("{} -> {}", shown(path), shown(to)), 1);
                }
            }
            Some(Node::Special { .. }) => found.path(&table::SPECIAL, path),
            Some(Node::Folder { .. }) | None => {}
        }
        for kind in self.facts.secrets.get(path).into_iter().flatten() {
            found.add(&table::SECRET, &format!("{} ({kind})", shown(path)), 1);
        }
    }

    /// Whether a change counts for `[iteration] files`.
    fn counts(self, change: &Change, output: bool) -> bool {
        if change.before == change.after {
            return false;
        }
        let is_file = |node: &Option<Node>| matches!(node, Some(Node::File { .. } | Node::Link { .. }));
        !output && !git::is_in(&change.path) && (is_file(&change.before) || is_file(&change.after))
    }
}

/// Set-user-id, set-group-id, sticky.
const SPECIAL: u32 = 0o7000;

/// What is committed otherwise than it was left.
fn notes(set: &ChangeSet) -> Vec<String> {
    let named = |paths: &[PathBuf], what: &str| {
        let mut list = Listed::default();
        paths.iter().for_each(|path| list.add(&shown(path), 1));
        (!paths.is_empty()).then(|| format!("{what}: {list}"))
    };
    let left = named(&set.left_out, "pipes and sockets are not committed");
    let linked = named(&set.linked, "hard links are committed as files of their own");
    left.into_iter().chain(linked).collect()
}

/// What guard's own rules found, a rule once.
#[derive(Default)]
struct Findings(BTreeMap<&'static str, (Option<&'static BuiltIn>, Listed)>);

/// The first few of many, and how many.
#[derive(Default)]
struct Listed {
    first: Vec<String>,
    all: usize,
}

impl Listed {
    fn add(&mut self, what: &str, count: usize) {
        const MOST: usize = 5;
        if self.first.len() < MOST {
            self.first.push(format!("`{what}`"));
        }
        self.all += count;
    }
}

impl std::fmt::Display for Listed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.first.join(", "))?;
        match self.all.saturating_sub(self.first.len()) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

impl Findings {
    fn path(&mut self, own: &'static BuiltIn, path: &Path) {
        self.add(own, &shown(path), 1);
    }

    fn add(&mut self, own: &'static BuiltIn, what: &str, count: usize) {
        // Of one id there may be a milder and a stricter rule: their reasons differ.
        let (rule, listed) = self.0.entry(own.wording()).or_default();
        *rule = Some(own);
        listed.add(what, count);
    }

    fn matches(self) -> Vec<Match> {
        let all = self.0.into_values().filter_map(|(own, listed)| Some((own?, listed)));
        all.map(|(own, listed)| said(own, &listed.to_string())).collect()
    }
}

fn said(own: &'static BuiltIn, what: &str) -> Match {
    let (id, reason, instead, at) = own.said(what);
    Match { id, verdict: own.verdict, reason, instead, at, command: None, overruled: None }
}

/// As much of a path as a message can hold, safe for a terminal.
fn shown(path: &Path) -> String {
    const MOST: usize = 200;
    let text = crate::event::line::visible(&path.to_string_lossy());
    if text.chars().count() <= MOST { text } else { text.chars().take(MOST).chain(['…']).collect() }
}
