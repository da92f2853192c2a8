//! Judging what a command changed: the facts, the policy's word, and the changes as a person sees them.
//! Brings nothing in.

use super::changes::{Look, change_facts};
use super::desk::Desk;
use super::diff::{Diff, Extent, diff};
use super::transaction::Ran;
use super::{Stop, held};
use crate::action::ChangeSet;
use crate::approve::Permit;
use crate::decide::{ChangeFacts, ChangeJudgement, Verdict, judge_changes};
use crate::execute::change::ReadError;
use std::path::Path;

impl Desk<'_> {
    pub(super) fn judged_changes(
        &self,
        upper: &Path,
        set: &ChangeSet,
        ran: &Ran<'_>,
    ) -> Result<ChangeJudgement, ReadError> {
        let mut facts = self.change_facts(upper, set)?;
        facts.task.clone_from(&ran.request.task);
        facts.answered = answered(ran.permit);
        Ok(judge_changes(set, &facts, &self.policy, ran.permit.grant().area))
    }

    /// What the policy says by now of changes that wait.
    pub(super) fn judged_held(&self, held: &held::Held) -> Result<ChangeJudgement, Stop> {
        let facts = self
            .change_facts(&held.upper, &held.set)
            .map_err(|error| Stop::System { what: "cannot look at the changes".into(), cause: error.to_string() })?;
        let facts = ChangeFacts { task: held.about.task.clone(), answered: held.about.answered.clone(), ..facts };
        Ok(judge_changes(&held.set, &facts, &self.policy, held.about.area))
    }

    fn change_facts(&self, upper: &Path, set: &ChangeSet) -> Result<ChangeFacts, ReadError> {
        let home = self.world.home();
        let (project, nested) = (self.project.root.as_path(), self.project.nested.as_slice());
        let look = Look { upper, project, home: home.as_deref(), nested };
        change_facts(set, look, &self.redactor, &self.policy)
    }

    /// Changes line by line, without secrets.
    pub(super) fn diff(&self, upper: &Path, set: &ChangeSet, extent: Extent) -> Diff {
        diff(set, upper, &self.project.root, &self.redactor, extent)
    }
}

/// Rules that asked of the command itself and were answered: by the person who approved it, or by a rule above them.
pub(super) fn answered(permit: &Permit) -> Vec<String> {
    let approved = permit.approval().is_some();
    let answered = permit.judgement().matches().iter();
    let answered = answered.filter(|rule| rule.verdict == Verdict::Ask && (approved || rule.overruled.is_some()));
    answered.map(|rule| rule.id.clone()).collect()
}
