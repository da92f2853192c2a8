//! Changes on their way in: what is recorded of them, and whether by then an iteration has room for them.
//! Touches no files.

use super::desk::now;
use super::origin::OnFile;
use super::{Stop, entries};
use crate::approve::usable;
use crate::decide::policy::{Iteration, Writes};
use crate::decide::{Bounds, Match, Touched, bounds};
use crate::event::{Begun, Changed, Committed, Counted, Detail, Entry, State};
use crate::execute::change::Staged;

/// Changes on their way in.
pub(super) struct Bringing<'a> {
    pub(super) changed: Changed,
    pub(super) claim: Claim,
    /// The action on a file that they are.
    pub(super) file: Option<OnFile<'a>>,
    /// The record that they take back.
    pub(super) undoes: Option<u64>,
    /// The request that a person approved, and the hash of what it holds.
    pub(super) approval: Option<(String, String)>,
}

/// What of changes counts in an iteration.
pub(super) struct Claim {
    files: Touched,
    /// What the command might write, and which rules were answered when it was judged; none: a person wants it in.
    judged: Option<(Writes, Vec<String>)>,
}

impl Claim {
    /// Of changes that come in by their judgement; `rules`: all that it said.
    pub(super) fn judged(files: Touched, area: Writes, rules: &[Match]) -> Self {
        Self { files, judged: Some((area, rules.iter().map(|rule| rule.id.clone()).collect())) }
    }

    /// Of changes that a person wants in, whatever is open.
    pub(super) fn by_person(files: Touched) -> Self {
        Self { files, judged: None }
    }

    /// What the iteration as it is by now has against them, that was not said when they were judged.
    fn against(&self, state: &State, iteration: &Iteration) -> Vec<Match> {
        let Some((area, said)) = &self.judged else { return Vec::new() };
        let round = state.iteration.open.as_deref();
        let found = bounds(&self.files.counted(round), round, Bounds { iteration, area: *area });
        found.into_iter().filter(|rule| !said.contains(&rule.id)).collect()
    }
}

impl Bringing<'_> {
    /// Changes that nobody had to allow.
    pub(super) fn of(changed: Changed, claim: Claim) -> Self {
        Self { changed, claim, file: None, undoes: None, approval: None }
    }

    /// What is recorded of them, the use of an approval with it.
    pub(super) fn entries(
        &self,
        (state, iteration): (&State, &Iteration),
        staged: &Staged,
        kept: bool,
    ) -> Result<Vec<Entry>, Stop> {
        let mut entries = Vec::new();
        let rules = self.claim.against(state, iteration);
        if !rules.is_empty() {
            return Err(Stop::Refused { rules });
        }
        let counted = Counted::of(self.claim.files.counted(state.iteration.open.as_deref()));
        // The first change begins an iteration; taking one back does not.
        if state.iteration.open.is_none() && !counted.is_empty() && self.undoes.is_none() {
            let begun = Detail::IterationStarted(Box::new(Begun { what: None }));
            entries.push(entries::of("GUARD", "ITERATION", &self.changed.paths(), "STARTED", begun));
        }
        if let Some((name, content)) = &self.approval {
            usable(&state.requests, name, content, now().timestamp())
                .map_err(|cause| Stop::Approval { name: name.clone(), cause })?;
            let used = Detail::Consumed { name: name.clone() };
            entries.push(entries::approval("CONSUME", name, "SUCCESS", used));
        }
        let committed = Committed {
            changed: self.changed.clone(),
            transaction: staged.name().to_owned(),
            manifest: staged.manifest().to_owned(),
            kept,
            undoes: self.undoes,
            approval: self.approval.as_ref().map(|(name, _)| name.clone()),
            counted,
            reason: self.file.as_ref().map(|file| file.reason.to_owned()),
        };
        let detail = Detail::ChangeCommitted(Box::new(committed));
        entries.push(match &self.file {
            Some(OnFile { verb, path, to, reason, .. }) => {
                let to = to.as_ref().map(|to| format!(" to {to}")).unwrap_or_default();
                entries::said(&format!("{} {path}{to}", verb.done()), (*reason).to_owned(), detail)
            }
            None => {
                let action = if self.undoes.is_some() { "UNDO" } else { "COMMIT" };
                entries::of("FILE", action, &self.changed.paths(), "SUCCESS", detail)
            }
        });
        Ok(entries)
    }
}
