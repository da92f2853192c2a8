//! Weighing: every command of an action against every rule that could mean it.
//! Knows the order of verdicts and who may overrule whom; nothing of files or wording of policies.

mod built_in;
mod commands;
mod condition;
mod exact;
mod grant;
mod hit;
mod narrow;
mod near;
mod paths;
mod subject;
mod urls;
mod verdict;

use super::compose::Call;
use super::policy::{Policy, Supervision};
use super::target::{fingerprint, whole};
use super::{Grant, Match, Verdict};
use crate::action::shell::{Asked, Assumed, Command, FaultKind, Kind, Shell};
use crate::action::{Action, Facts, Found};
use crate::event::State;
pub(super) use built_in::{BuiltIn, DAMAGED, UNATTENDED, rule as own_rule};
pub use built_in::{OwnRule, own_rules};
use hit::Hit;
pub use narrow::{Narrow, TooWide, narrowest};
pub use near::{Failed, Near, nearly};
pub(super) use paths::GUARDS;
pub(crate) use paths::normal;
use std::borrow::Cow;
use std::path::PathBuf;

/// The answer to one action, before it becomes a judgement.
pub(super) struct Judged {
    pub(super) verdict: Verdict,
    pub(super) matches: Vec<Match>,
    pub(super) grant: Grant,
    pub(super) program: Option<PathBuf>,
    /// The call that its runner writes itself, where it has one.
    pub(super) call: Option<Call>,
}

/// Everything a judgement rests on.
#[derive(Clone, Copy)]
struct Ground<'a> {
    facts: &'a Facts,
    policy: &'a Policy,
    shell: &'a Shell,
}

/// Folders that a fenced command has of its own, whatever the machine's hold.
const PRIVATE: [&str; 6] = ["/tmp", "/var/tmp", "/run", "/dev", "/proc", "/sys"];

impl Ground<'_> {
    /// What a person denied stays denied, whatever stands around it.
    fn denied(self, state: &State, hits: &mut Vec<Hit>) {
        let known = |target: &str| {
            let refused = state.requests.denied(target)?;
            let reason = refused.reason.as_ref().map(|reason| format!(", saying: {reason}")).unwrap_or_default();
            Some(format!("`{}`{reason}", refused.name))
        };
        for (number, command) in self.shell.commands().iter().enumerate() {
            if let Some(name) = known(&fingerprint(command, self.facts)) {
                hits.push(Hit::own(&built_in::DENIED_BY_PERSON, name, Some(number)));
            }
        }
        if let Some(name) = known(&whole(self.shell, self.facts)) {
            hits.push(Hit::own(&built_in::DENIED_BY_PERSON, name, None));
        }
    }

    /// The command where it runs: in no folder that is known, if that rests on one that may not be there.
    fn placed(self, command: &Command) -> Cow<'_, Command> {
        if command.assumes.iter().all(|assumed| self.is_there(assumed)) {
            return Cow::Borrowed(command);
        }
        Cow::Owned(Command { cwd: None, ..command.clone() })
    }

    /// Whether a folder is there when the shell goes to it: it is now, in the fence as well, and nothing before that
    /// could remove it.
    fn is_there(self, assumed: &Assumed) -> bool {
        let path = normal(&self.facts.cwd.join(&assumed.folder));
        let before = self.shell.commands().iter().take(assumed.before);
        let private = PRIVATE.iter().any(|folder| path.starts_with(folder));
        (!private || path.starts_with(&self.facts.project))
            && self.facts.folders.contains(&path)
            && before.into_iter().all(|command| self.leaves_all(command))
    }

    /// Whether a command certainly removes nothing.
    fn leaves_all(self, command: &Command) -> bool {
        match command.kind {
            Kind::Builtin | Kind::None => true,
            // What it does stands beside it.
            Kind::Function => true,
            Kind::External => {
                let program = command.program_word().and_then(|word| self.facts.program(command, word));
                let named = program.is_some_and(|program| {
                    !program.writable && program.real.file_name().is_some_and(|name| name == command.name())
                });
                let touches = command.touches().filter(|_| named && command.wrappers.is_empty());
                touches.is_some_and(|touches| touches.iter().all(|t| !t.effect.written && !t.effect.removed))
            }
        }
    }
}

/// Weighs an action. Total: every action gets an answer, and one that nothing speaks for is asked.
pub(super) fn weigh(action: &Action, facts: &Facts, state: &State, policy: &Policy) -> Judged {
    let Action::Shell(shell) = action;
    let ground = Ground { facts, policy, shell };
    let mut hits = Vec::new();
    for fault in shell.faults() {
        let own = match fault.kind {
            FaultKind::Empty => &built_in::EMPTY,
            FaultKind::NotText => &built_in::NOT_TEXT,
            FaultKind::TooBig => &built_in::TOO_BIG,
            FaultKind::Syntax => &built_in::SYNTAX,
            FaultKind::Bomb => &built_in::BOMB,
        };
        hits.push(Hit::own(own, fault.message.clone(), None));
    }
    for unproven in shell.unproven() {
        hits.push(Hit::own(&built_in::UNPROVEN, unproven.message.clone(), None));
    }
    // What is too big is denied, and what was taken of it is not the whole: to judge that would only take long.
    if !shell.faults().iter().any(|fault| fault.kind == FaultKind::TooBig) {
        for (number, command) in shell.commands().iter().enumerate() {
            ground.command(number, &ground.placed(command), &mut hits);
        }
        for command in shell.suspects() {
            ground.suspect(&ground.placed(command), &mut hits);
        }
    }
    if !state.requests.denied.is_empty() {
        ground.denied(state, &mut hits);
    }
    if hits.is_empty() {
        hits.push(Hit::own(&built_in::NOT_LISTED, "nothing of it is known to the policy".to_owned(), None));
    }
    let call = ground.runner(&mut hits);
    let verdict = ground.verdict(&mut hits);
    let grant = grant::grant(ground, &hits);
    let program = program(ground);
    Judged { verdict, matches: ground.matches(hits), grant, program, call }
}

/// What is found in the configuration of a runner's command: a person must say so, or nobody can.
pub(super) fn configuration(reasons: Vec<String>, policy: &Policy) -> (Verdict, Vec<Match>) {
    let said = |own: &'static built_in::BuiltIn, what: &str| {
        let (id, reason, instead, at) = own.said(what);
        Match { id, verdict: own.verdict, reason, instead, at, command: Some(0), overruled: None }
    };
    let mut matches: Vec<Match> = reasons.iter().map(|reason| said(&built_in::CONFIGURATION, reason)).collect();
    match (policy.settings().supervision, matches.first()) {
        (Supervision::Unattended, Some(first)) => {
            let what = format!("`{}` asks: {}", first.id, first.reason);
            matches.insert(0, said(&built_in::UNATTENDED, &what));
            (Verdict::Deny, matches)
        }
        (Supervision::Attended, _) | (_, None) => (Verdict::Ask, matches),
    }
}

/// The file that is started for an argument vector.
fn program(ground: Ground<'_>) -> Option<PathBuf> {
    match ground.shell.asked() {
        // Not the first command's program: that may stand behind a wrapper, which is what is started.
        Asked::Argv(words) => match ground.facts.programs.get(words.first()?.to_str()?)? {
            Found::Program(program) => Some(program.path.clone()),
            Found::Missing | Found::Unusable(_) => None,
        },
        Asked::Line(_) => None,
    }
}

/// The program word as a person wrote it.
fn word(command: &Command) -> String {
    command.program_word().map(|word| shown(&word.text)).unwrap_or_default()
}

/// A text short enough for a message.
fn shown(text: &str) -> String {
    const MOST: usize = 80;
    if text.chars().count() <= MOST { text.to_owned() } else { text.chars().take(MOST).chain(['…']).collect() }
}
