//! Judging what a command changed: the facts, the policy's word, and the changes as a person sees them.
//! Brings nothing in.

use super::bringing::Claim;
use super::changes::{Look, change_facts, within};
use super::content::types;
use super::desk::Desk;
use super::diff::{Diff, Extent, diff};
use super::origin::Origin;
use super::{Stop, held, homes};
use crate::action::{Change, ChangeSet, Node};
use crate::approve::Permit;
use crate::decide::policy::{ContentCheck, Writes};
use crate::decide::{ChangeFacts, ChangeJudgement, Verdict, judge_changes};
use crate::execute::change::{ChangeError, Conflict, ReadError, take_times};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

impl Desk<'_> {
    pub(super) fn judged_changes(
        &self,
        upper: &Path,
        set: &ChangeSet,
        origin: &Origin<'_>,
    ) -> Result<ChangeJudgement, ReadError> {
        let mut facts = self.change_facts(upper, set, origin.area)?;
        facts.task = origin.caller.task.map(str::to_owned);
        facts.answered.clone_from(&origin.answered);
        facts.round.clone_from(&self.state().iteration.open);
        if let Some(open) = &self.state().phases.open {
            facts.phase = Some(open.phase.clone());
            facts.phase_files = Some(open.files.clone());
        }
        Ok(judge_changes(set, &facts, &self.policy, origin.area))
    }

    /// Takes the times of files along that a command wrote and left as they were, where it might have changed them.
    pub(super) fn take_times(&self, touched: &[(PathBuf, SystemTime)], began: SystemTime, origin: &Origin<'_>) {
        if touched.is_empty() {
            return;
        }
        let written = || Some(Node::File { len: 0, mode: 0, sha256: [0; 32] });
        let change = |path: &PathBuf| Change { path: path.clone(), before: written(), after: written() };
        let changes = touched.iter().map(|(path, _)| change(path)).collect();
        let set = ChangeSet { changes, ..ChangeSet::default() };
        let nested = within(&self.project.root, &self.project.nested);
        let (project, task) = (self.project.root.clone(), origin.caller.task.map(str::to_owned));
        let facts = ChangeFacts { project, nested, task, ..ChangeFacts::default() };
        let judged = judge_changes(&set, &facts, &self.policy, origin.area);
        if judged.verdict != Verdict::Deny {
            take_times(&self.project.root, touched, began);
        }
    }

    /// What counts of changes that take back others, outputs of builds aside.
    pub(super) fn taken_back(&self, set: &ChangeSet) -> Claim {
        let facts =
            ChangeFacts { project: self.project.root.clone(), home: self.world.home(), ..ChangeFacts::default() };
        Claim::by_person(judge_changes(set, &facts, &self.policy, Writes::Project).touched)
    }

    /// What the policy says by now of changes that wait.
    pub(super) fn judged_held(&self, held: &held::Held) -> Result<ChangeJudgement, Stop> {
        let facts = self.change_facts(&held.upper, &held.set, held.about.area).map_err(|error| match error {
            // They are judged by what stands below, which went on meanwhile.
            ReadError::Moved { path } => {
                let gone = self.project.root.join(&path).symlink_metadata().is_err();
                let conflict = if gone { Conflict::Gone } else { Conflict::Changed };
                Stop::Change(ChangeError::Conflict { path, conflict })
            }
            error @ (ReadError::System { .. } | ReadError::Foreign { .. } | ReadError::Mounted { .. }) => {
                Stop::System { what: "cannot look at the changes".into(), cause: error.to_string() }
            }
        })?;
        let facts = ChangeFacts { task: held.about.task.clone(), answered: held.about.answered.clone(), ..facts };
        Ok(judge_changes(&held.set, &facts, &self.policy, held.about.area))
    }

    fn change_facts(&self, upper: &Path, set: &ChangeSet, area: Writes) -> Result<ChangeFacts, ReadError> {
        let home = self.world.home();
        let (project, nested) = (self.project.root.as_path(), self.project.nested.as_slice());
        let path = self.world.variable("PATH");
        let look = Look { upper, project, home: home.as_deref(), nested, path };
        let mut facts = change_facts(set, look, &self.redactor, &self.policy)?;
        // What cannot be read has no types; what git brings back had them when it was written.
        if area != Writes::Git && !facts.content.iter().any(|found| found.check == ContentCheck::Syntax) {
            facts.content.extend(types::changed(self, upper, set, &facts.typed));
            facts.content.sort();
        }
        Ok(ChangeFacts { own_home: homes::of_database(), ..facts })
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
