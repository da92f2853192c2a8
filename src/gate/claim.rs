//! What changes claim of the open iteration: the files that count, and whether there is still room as they come in.
//! Knows neither how they were judged nor how they come in.

use super::Stop;
use crate::decide::policy::{Iteration, Writes};
use crate::decide::{Bounds, Match, bounds};
use crate::event::{Begun, Counted, Detail, Entry, State};

/// What of changes counts in an iteration.
pub(super) struct Claim {
    /// The files, from the project's root.
    files: Vec<String>,
    /// What the command might write, and which rules were answered when it was judged; none: a person wants it in.
    judged: Option<(Writes, Vec<String>)>,
}

impl Claim {
    /// Of changes that come in by their judgement; `rules`: all that it said.
    pub(super) fn judged(files: Vec<String>, area: Writes, rules: &[Match]) -> Self {
        Self { files, judged: Some((area, rules.iter().map(|rule| rule.id.clone()).collect())) }
    }

    /// Of changes that a person wants in, whatever is open.
    pub(super) fn by_person(files: Vec<String>) -> Self {
        Self { files, judged: None }
    }

    /// What a record keeps of it, if there is room for it in the iteration as it is by now.
    ///
    /// # Errors
    /// The rules against it that said nothing when it was judged: another was quicker.
    pub(super) fn counted(&self, state: &State, iteration: &Iteration) -> Result<Counted, Stop> {
        if let Some((area, said)) = &self.judged {
            let round = state.iteration.open.as_deref();
            let mut rules = bounds(&self.files, round, Bounds { iteration, area: *area });
            rules.retain(|rule| !said.contains(&rule.id));
            if !rules.is_empty() {
                return Err(Stop::Refused { rules });
            }
        }
        Ok(Counted::of(self.files.iter().cloned()))
    }

    /// The record of an iteration that begins with it, where none is open.
    pub(super) fn begins(counted: &Counted, paths: &str, state: &State) -> Option<Entry> {
        let begun = Detail::IterationStarted(Box::new(Begun { what: None }));
        let begins = state.iteration.open.is_none() && !counted.is_empty();
        begins.then(|| super::entries::of("GUARD", "ITERATION", paths, "STARTED", begun))
    }
}
