//! What a command changed: read, judged, and brought into the project, kept for a person, or dropped. Recorded each time.
//! Knows no doors.

use super::allowed::reasons;
use super::bringing::{Bringing, Claim};
use super::desk::Desk;
use super::diff::{Diff, Extent};
use super::origin::{OnFile, Origin};
use super::{Answer, Project, Stop, after, entries};
use crate::action::{Change, ChangeSet};
use crate::decide::{ChangeJudgement, Match, Verdict, is_about_content};
use crate::event::{Cause, Changed, Detail, Ended, Entry, Finished, Why, Withheld};
use crate::execute::change::{self, Aside, Basis, ChangeError, ReadError, Transaction, open_written, stage};
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
            let conflicts = match change::finish(left, (&self.project.paths.state, &self.project.root), on_record) {
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
    pub(super) fn take_in(
        &mut self,
        transaction: Transaction,
        (ended, origin): (Ended, &Origin<'_>),
        answer: &mut Answer,
    ) -> Result<(), Stop> {
        let upper = transaction.layer().upper;
        let began = transaction.began();
        let set = match change::read(&upper, &self.project.root) {
            Ok(set) if set.is_empty() => {
                if matches!(ended, Ended::Exited | Ended::Signalled) && !origin.caller.dry_run {
                    self.take_times(&set.touched, began, origin);
                }
                return Ok(());
            }
            Ok(set) => set,
            Err(error) => {
                return self.withhold(
                    origin,
                    Changed::of(origin.of, &ChangeSet::default()),
                    Withholding::unread(&error),
                    answer,
                );
            }
        };
        if !matches!(ended, Ended::Exited | Ended::Signalled) {
            let cause = match ended {
                Ended::TimedOut => "the command ran into its time limit",
                Ended::Cancelled => "guard was told to stop",
                Ended::Limit => "the command ran into a limit",
                Ended::Exited | Ended::Signalled => "",
            };
            return self.withhold(
                origin,
                Changed::of(origin.of, &set),
                Withholding::of(Why::Ended, cause.to_owned()),
                answer,
            );
        }
        self.settle(transaction, set, (Basis::Since(began), origin), answer)
    }

    /// Judges changes, and does what the judgement says.
    pub(super) fn settle(
        &mut self,
        transaction: Transaction,
        set: ChangeSet,
        (basis, origin): (Basis, &Origin<'_>),
        answer: &mut Answer,
    ) -> Result<(), Stop> {
        let upper = transaction.layer().upper;
        let ChangeJudgement { verdict, matches: rules, notes, touched, .. } =
            match self.judged_changes(&upper, &set, origin) {
                Ok(judged) => judged,
                Err(error) => {
                    return self.withhold(origin, Changed::of(origin.of, &set), Withholding::unread(&error), answer);
                }
            };
        if origin.caller.dry_run {
            let mut withholding = Withholding { why: Why::DryRun, rules, cause: None, request: None };
            withholding.cause = Some(format!("verdict: {}", verdict.word()));
            self.withhold(origin, Changed::of(origin.of, &set), withholding, answer)?;
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
            Verdict::Deny => self.withhold(
                origin,
                Changed::of(origin.of, &set),
                Withholding { why: Why::Deny, rules, cause: None, request: None },
                answer,
            ),
            Verdict::Ask if !self.policy.settings().observe => self.hold(transaction, &set, rules, origin, answer),
            Verdict::Ask | Verdict::Allow => {
                let claim = Claim::judged(touched, origin.area, &rules);
                self.commit(transaction, (set, claim), (basis, origin), answer)
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
        (set, claim): (ChangeSet, Claim),
        (basis, origin): (Basis, &Origin<'_>),
        answer: &mut Answer,
    ) -> Result<(), Stop> {
        let began = transaction.began();
        let upper = transaction.layer().upper;
        let changed = Changed::of(origin.of, &set);
        let bringing = Bringing { file: origin.file.clone(), ..Bringing::of(changed.clone(), claim) };
        let find = |change: &Change| open_written(&upper, &change.path).map_err(ChangeError::from);
        match self.bring_in(transaction, set.clone(), basis, find, bringing) {
            Ok(receipt) => {
                self.take_times(&set.touched, began, origin);
                let seq = Some(receipt.last);
                answer.receipt = Some(receipt);
                answer.changes = Some(Changes::of(changed, seq));
                Ok(())
            }
            Err(Stop::Change(error)) => {
                let why = if let ChangeError::Conflict { .. } = error { Why::Conflict } else { Why::Error };
                self.withhold(origin, Changed::of(origin.of, &set), Withholding::of(why, error.to_string()), answer)
            }
            // Another change was quicker.
            Err(Stop::Refused { rules }) => {
                let withholding = Withholding { why: Why::Deny, rules, cause: None, request: None };
                self.withhold(origin, Changed::of(origin.of, &set), withholding, answer)
            }
            Err(stop @ Stop::Halted { .. }) => {
                self.withhold(
                    origin,
                    Changed::of(origin.of, &set),
                    Withholding::of(Why::Halted, stop.to_string()),
                    answer,
                )?;
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
        origin: &Origin<'_>,
        set: &ChangeSet,
        rules: Vec<Match>,
        stop: Stop,
        answer: &mut Answer,
    ) -> Stop {
        let withholding = Withholding { why: Why::Error, rules, cause: Some(stop.to_string()), request: None };
        // Where that cannot be recorded either, the answer still says it.
        if let Err(error) = self.withhold(origin, Changed::of(origin.of, set), withholding, answer) {
            tracing::error!(%error, "dropped changes are not recorded");
        }
        stop
    }

    /// The same where the command did not end as it should, or that could not be recorded: what it changed has not been
    /// looked at yet.
    pub(super) fn lose_unread(
        &mut self,
        transaction: &Transaction,
        origin: &Origin<'_>,
        stop: Stop,
        answer: &mut Answer,
    ) -> Stop {
        match change::read(&transaction.layer().upper, &self.project.root) {
            Ok(set) if set.is_empty() => stop,
            Ok(set) => self.lose(origin, &set, Vec::new(), stop, answer),
            Err(_) => self.lose(origin, &ChangeSet::default(), Vec::new(), stop, answer),
        }
    }

    /// Stages changes, records them and brings them in: all of them or none.
    pub(super) fn bring_in(
        &mut self,
        transaction: Transaction,
        set: ChangeSet,
        basis: Basis,
        find: impl Fn(&Change) -> Result<File, ChangeError>,
        bringing: Bringing<'_>,
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
    pub(super) fn withhold(
        &mut self,
        origin: &Origin<'_>,
        changed: Changed,
        withholding: Withholding,
        answer: &mut Answer,
    ) -> Result<(), Stop> {
        let Withholding { why, rules, cause, request } = withholding;
        // What is wrong with a content is told at once and mended; the checks that run later count it.
        let denied = why == Why::Deny && rules.iter().any(|rule| !is_about_content(&rule.id));
        let fails = |file: &&OnFile<'_>| denied || why == Why::Error && file.last;
        let again = why == Why::Error && origin.file.as_ref().is_some_and(|file| !file.last);
        let withheld = Withheld {
            changed: changed.clone(),
            why,
            rules: after::hits(&rules),
            request: request.clone(),
            cause: cause.clone(),
            reason: origin.file.as_ref().map(|file| file.reason.to_owned()),
            targets: origin.file.iter().filter(fails).map(OnFile::target).collect(),
        };
        let result = match why {
            Why::Error if again => "RETRY 1/1",
            Why::Deny => "DENIED",
            Why::Ask => "PENDING",
            Why::DryRun => "DRY RUN",
            Why::Ended | Why::Conflict | Why::Error | Why::Halted => "DROPPED",
        };
        let action = origin.file.as_ref().map_or("COMMIT", |file| file.verb.action());
        let targets = withheld.targets.clone();
        let entry = entry(action, &changed.paths(), result, Detail::ChangeWithheld(Box::new(withheld)));
        let seq = None;
        let changes =
            Changes { changed, withheld: Some(why), rules, cause, request, seq, diff: None, notes: Vec::new() };
        // Said even where it cannot be recorded.
        let changes = answer.changes.insert(changes);
        let last_error = changes.cause.clone().unwrap_or_else(|| reasons(&changes.rules));
        let denied =
            self.count_denial(vec![entry], (&targets, false), (origin.text, origin.caller.task), last_error)?;
        changes.seq = Some(denied.receipt.last);
        denied.tell(answer);
        Ok(())
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

/// Why changes are not brought in.
pub(super) struct Withholding {
    pub(super) why: Why,
    pub(super) rules: Vec<Match>,
    pub(super) cause: Option<String>,
    pub(super) request: Option<String>,
}

impl Withholding {
    pub(super) fn of(why: Why, cause: String) -> Self {
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
