//! What a command changed: read, judged, and brought into the project, kept for a person, or dropped. Recorded each time.
//! Knows no doors.

use super::desk::{Desk, now};
use super::diff::{Diff, Extent};
use super::{Answer, Project, Request, Stop, after, entries};
use crate::action::{Change, ChangeSet};
use crate::approve::{Permit, usable};
use crate::decide::policy::{Iteration, Writes};
use crate::decide::{Bounds, ChangeJudgement, Match, Verdict, bounds};
use crate::event::{Begun, Cause, Changed, Committed, Counted, Detail, Ended, Entry, Finished, State, Why, Withheld};
use crate::execute::Outcome;
use crate::execute::change::{self, Aside, Basis, ChangeError, ReadError, Staged, Transaction, open_written, stage};
use crate::record::Receipt;
use std::fs::File;

/// What came of a command's changes to the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// What changed, or would have.
    pub changed: Changed,
    /// Why they are not in the project; `None`: they are.
    pub withheld: Option<Why>,
    /// Rules that decided, where rules did.
    pub rules: Vec<Match>,
    /// What stood in the way, where no rule did.
    pub cause: Option<String>,
    /// The request that a person is asked.
    pub request: Option<String>,
    /// Sequence number of the record.
    pub seq: Option<u64>,
    /// The changes line by line, where they were only to be looked at.
    pub diff: Option<String>,
    /// What comes in otherwise than the command left it.
    pub notes: Vec<String>,
}

impl Changes {
    /// Guard's exit code for a command that ended well, if its changes are not where it left them.
    pub fn exit_code(&self) -> Option<i32> {
        match self.withheld? {
            Why::Deny => Some(126),
            Why::Ask => Some(75),
            Why::Conflict | Why::Error => Some(125),
            Why::Halted => Some(77),
            Why::Ended | Why::DryRun => None,
        }
    }
}

/// A command that ran in a transaction.
pub(super) struct Ran<'a> {
    pub(super) permit: &'a Permit,
    pub(super) outcome: &'a Outcome,
    /// Sequence number of its start.
    pub(super) of: u64,
    pub(super) request: &'a Request,
}

impl Desk<'_> {
    /// Finishes what guards that are gone were bringing into the project. What cannot be finished yet stands in `unfinished`.
    pub(super) fn finish_changes(&mut self) -> Result<(), Stop> {
        let left = change::unfinished(&self.project.paths.state);
        if left.is_empty() {
            return Ok(());
        }
        let _alone = change::exclusively(&self.project.paths.state)
            .map_err(|error| Stop::Change(begun(self.project, &error)))?;
        for left in left {
            self.log.refresh().map_err(Stop::Log)?;
            let name = left.name().to_owned();
            let on_record = self.state().transactions.holds(&name);
            let conflicts = match change::finish(left, &self.project.root, on_record) {
                Ok(conflicts) => conflicts,
                Err(error) => {
                    self.unfinished.get_or_insert(half(&name, error));
                    continue;
                }
            };
            if on_record {
                let finished = Finished::of(&name, &conflicts);
                let result = if conflicts.is_empty() { "SUCCESS" } else { "CONFLICT" };
                let entry = entry("FINISH", &name, result, Detail::ChangeFinished(Box::new(finished)));
                self.log.append(&self.redactor, vec![entry]).map_err(Stop::Log)?;
                self.left_alone.extend(conflicts);
            }
        }
        Ok(())
    }

    /// Reads what a command changed, judges it, and does what the judgement says.
    pub(super) fn take_in(&mut self, transaction: Transaction, ran: &Ran<'_>, answer: &mut Answer) -> Result<(), Stop> {
        let upper = transaction.layer().upper;
        let set = match change::read(&upper, &self.project.root) {
            Ok(set) if set.is_empty() => {
                if matches!(ran.outcome.ended, Ended::Exited | Ended::Signalled) && !ran.request.dry_run {
                    self.take_times(&set.touched, transaction.began(), ran);
                }
                return Ok(());
            }
            Ok(set) => set,
            Err(error) => return self.withhold(ran.of, &ChangeSet::default(), Withholding::unread(&error), answer),
        };
        if !matches!(ran.outcome.ended, Ended::Exited | Ended::Signalled) {
            let cause = match ran.outcome.ended {
                Ended::TimedOut => "the command ran into its time limit",
                Ended::Cancelled => "guard was told to stop",
                Ended::Limit => "the command ran into a limit",
                Ended::Exited | Ended::Signalled => "",
            };
            return self.withhold(ran.of, &set, Withholding::of(Why::Ended, cause.to_owned()), answer);
        }
        let ChangeJudgement { verdict, matches: rules, notes, counted } = match self.judged_changes(&upper, &set, ran) {
            Ok(judged) => judged,
            Err(error) => return self.withhold(ran.of, &set, Withholding::unread(&error), answer),
        };
        if ran.request.dry_run {
            let mut withholding = Withholding { why: Why::DryRun, rules, cause: None, request: None };
            withholding.cause = Some(format!("verdict: {}", verdict.word()));
            self.withhold(ran.of, &set, withholding, answer)?;
            if let Some(changes) = &mut answer.changes {
                let Diff { mut text, cut, .. } = self.diff(&upper, &set, Extent::SCREEN);
                if cut {
                    text += "… (cut: there is more than is shown)\n";
                }
                changes.diff = Some(text);
                changes.notes = notes;
            }
            return Ok(());
        }
        let taken = match verdict {
            Verdict::Deny => {
                self.withhold(ran.of, &set, Withholding { why: Why::Deny, rules, cause: None, request: None }, answer)
            }
            Verdict::Ask if !self.policy.settings().observe => self.hold(transaction, &set, rules, ran, answer),
            Verdict::Ask | Verdict::Allow => {
                let claim = Claim::judged(counted, ran.permit.grant().area, &rules);
                self.commit(transaction, set, claim, ran, answer)
            }
        };
        if let Some(changes) = &mut answer.changes {
            changes.notes = notes;
        }
        taken
    }

    /// Brings changes in.
    fn commit(
        &mut self,
        transaction: Transaction,
        set: ChangeSet,
        claim: Claim,
        ran: &Ran<'_>,
        answer: &mut Answer,
    ) -> Result<(), Stop> {
        let began = transaction.began();
        let (upper, basis) = (transaction.layer().upper, Basis::Since(began));
        let changed = Changed::of(Some(ran.of), &set);
        let bringing = Bringing { changed: changed.clone(), claim, undoes: None, approval: None };
        let find = |change: &Change| open_written(&upper, &change.path).map_err(ChangeError::from);
        match self.bring_in(transaction, set.clone(), basis, find, bringing) {
            Ok(receipt) => {
                self.take_times(&set.touched, began, ran);
                let seq = Some(receipt.last);
                answer.receipt = Some(receipt);
                answer.changes = Some(Changes::of(changed, seq));
                Ok(())
            }
            Err(Stop::Change(error)) => {
                let why = if let ChangeError::Conflict { .. } = error { Why::Conflict } else { Why::Error };
                self.withhold(ran.of, &set, Withholding::of(why, error.to_string()), answer)
            }
            // Another change was quicker.
            Err(Stop::Refused { rules }) => {
                self.withhold(ran.of, &set, Withholding { why: Why::Deny, rules, cause: None, request: None }, answer)
            }
            Err(stop @ Stop::Halted { .. }) => {
                self.withhold(ran.of, &set, Withholding::of(Why::Halted, stop.to_string()), answer)?;
                Err(stop)
            }
            Err(stop @ Stop::Log(_)) => {
                let unsure = "whether they are on record is not known: the next call of guard brings them in if they are, and \
                              drops them if not";
                let notes = vec![unsure.to_owned()];
                answer.changes = Some(Changes { withheld: Some(Why::Error), notes, ..Changes::of(changed, None) });
                Err(stop)
            }
            // What is half done is on record.
            Err(stop) => Err(stop),
        }
    }

    /// Records that changes are dropped because of something else that went wrong, and gives that back.
    pub(super) fn lose(
        &mut self,
        of: u64,
        set: &ChangeSet,
        rules: Vec<Match>,
        stop: Stop,
        answer: &mut Answer,
    ) -> Stop {
        let withholding = Withholding { why: Why::Error, rules, cause: Some(stop.to_string()), request: None };
        // Where that cannot be recorded either, the answer still says it.
        if let Err(error) = self.withhold(of, set, withholding, answer) {
            tracing::error!(%error, "dropped changes are not recorded");
        }
        stop
    }

    /// The same where the command did not end as it should, or that could not be recorded: what it changed has not been
    /// looked at yet.
    pub(super) fn lose_unread(&mut self, transaction: &Transaction, of: u64, stop: Stop, answer: &mut Answer) -> Stop {
        match change::read(&transaction.layer().upper, &self.project.root) {
            Ok(set) if set.is_empty() => stop,
            Ok(set) => self.lose(of, &set, Vec::new(), stop, answer),
            Err(_) => self.lose(of, &ChangeSet::default(), Vec::new(), stop, answer),
        }
    }

    /// Stages changes, records them and brings them in: all of them or none.
    pub(super) fn bring_in(
        &mut self,
        transaction: Transaction,
        set: ChangeSet,
        basis: Basis,
        find: impl Fn(&Change) -> Result<File, ChangeError>,
        bringing: Bringing,
    ) -> Result<Receipt, Stop> {
        let state = self.project.paths.state.clone();
        // Two at once would each find the project as it was.
        let _alone = change::exclusively(&state).map_err(|error| Stop::Change(begun(self.project, &error)))?;
        let staged = stage(transaction, &self.project.root, set, basis, find).map_err(Stop::Change)?;
        let most = self.policy.settings().limits.undo;
        let aside = Aside::keep(&state, &self.project.root, staged.name(), staged.set(), most).map_err(Stop::Change)?;
        let iteration = &self.policy.settings().iteration;
        let written = self.log.append_when(&self.redactor, |state| {
            // What a person stops while it runs changes nothing any more.
            if let Some(halt) = state.requests.halt.as_ref().filter(|halt| halt.cause == Cause::Person) {
                return Err(Stop::Halted { name: halt.name.clone() });
            }
            bringing.entries((state, iteration), &staged, aside.is_some())
        });
        match written.map_err(Stop::Log) {
            Ok(Ok(receipt)) => {
                let name = staged.name().to_owned();
                staged.bring_in().map_err(|error| half(&name, error))?;
                Ok(receipt)
            }
            Ok(Err(stop)) => {
                aside.into_iter().for_each(Aside::forget);
                Err(stop)
            }
            // Whether it is on record is not known: the next guard looks.
            Err(stop) => {
                staged.leave();
                Err(stop)
            }
        }
    }

    /// Records changes that are not brought in.
    fn withhold(
        &mut self,
        of: u64,
        set: &ChangeSet,
        withholding: Withholding,
        answer: &mut Answer,
    ) -> Result<(), Stop> {
        let Withholding { why, rules, cause, request } = withholding;
        let changed = Changed::of(Some(of), set);
        let withheld = Withheld {
            changed: changed.clone(),
            why,
            rules: after::hits(&rules),
            request: request.clone(),
            cause: cause.clone(),
        };
        let result = match why {
            Why::Deny => "DENIED",
            Why::Ask => "PENDING",
            Why::DryRun => "DRY RUN",
            Why::Ended | Why::Conflict | Why::Error | Why::Halted => "DROPPED",
        };
        let entry = entry("COMMIT", &changed.paths(), result, Detail::ChangeWithheld(Box::new(withheld)));
        let seq = None;
        let changes =
            Changes { changed, withheld: Some(why), rules, cause, request, seq, diff: None, notes: Vec::new() };
        // Said even where it cannot be recorded.
        let changes = answer.changes.insert(changes);
        let receipt = self.log.append(&self.redactor, vec![entry]).map_err(Stop::Log)?;
        changes.seq = Some(receipt.last);
        answer.receipt = Some(receipt);
        Ok(())
    }
}

/// Changes on their way in.
pub(super) struct Bringing {
    pub(super) changed: Changed,
    pub(super) claim: Claim,
    /// The record that they take back.
    pub(super) undoes: Option<u64>,
    /// The request that a person approved, and the hash of what it holds.
    pub(super) approval: Option<(String, String)>,
}

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

    /// What the iteration as it is by now has against them, that was not said when they were judged.
    fn against(&self, state: &State, iteration: &Iteration) -> Vec<Match> {
        let Some((area, said)) = &self.judged else { return Vec::new() };
        let round = state.iteration.open.as_deref();
        let found = bounds(&self.files, round, Bounds { iteration, area: *area });
        found.into_iter().filter(|rule| !said.contains(&rule.id)).collect()
    }
}

impl Bringing {
    /// What is recorded of them, the use of an approval with it.
    fn entries(
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
        let counted = Counted::of(self.claim.files.iter().cloned());
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
        };
        let action = if self.undoes.is_some() { "UNDO" } else { "COMMIT" };
        let detail = Detail::ChangeCommitted(Box::new(committed));
        entries.push(entry(action, &self.changed.paths(), "SUCCESS", detail));
        Ok(entries)
    }
}

impl Changes {
    /// Of changes that are in the project.
    pub(super) fn of(changed: Changed, seq: Option<u64>) -> Self {
        Self {
            changed,
            withheld: None,
            rules: Vec::new(),
            cause: None,
            request: None,
            seq,
            diff: None,
            notes: Vec::new(),
        }
    }
}

struct Withholding {
    why: Why,
    rules: Vec<Match>,
    cause: Option<String>,
    request: Option<String>,
}

impl Withholding {
    fn of(why: Why, cause: String) -> Self {
        Self { why, rules: Vec::new(), cause: Some(cause), request: None }
    }

    /// Of changes that cannot be looked at.
    fn unread(error: &ReadError) -> Self {
        let mend = error.mend().map(|mend| format!(": {mend}")).unwrap_or_default();
        Self::of(Why::Error, format!("{error}{mend}"))
    }
}

/// `[FILE] [ACTION] [PATHS] [RESULT]`
pub(super) fn entry(action: &str, target: &str, result: &str, detail: Detail) -> Entry {
    entries::of("FILE", action, target, result, detail)
}

/// Why no transaction could begin.
pub(super) fn begun(project: &Project, error: &std::io::Error) -> ChangeError {
    ChangeError::System { what: "keep changes apart in", path: project.paths.state.clone(), cause: error.to_string() }
}

/// Changes that are on record and not all in the project.
fn half(name: &str, error: impl std::fmt::Display) -> Stop {
    Stop::HalfDone { transaction: name.to_owned(), cause: error.to_string() }
}
