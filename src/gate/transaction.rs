//! What a command changed: read, judged, and brought into the project, kept for a person, or dropped. Recorded each time.
//! Knows no doors.

use super::ask::{Answered, seconds, waiting};
use super::desk::{Desk, now};
use super::judged::answered;
use super::notice::tell;
use super::{Answer, Project, Request, Stop, after, entries, held, person};
use crate::action::{Change, ChangeSet};
use crate::approve::{Permit, Unusable, usable};
use crate::decide::{ChangeJudgement, Match, Verdict};
use crate::event::{Cause, Changed, Committed, Detail, Done, Ended, Entry, Requested, Why, Withheld};
use crate::execute::Outcome;
use crate::execute::change::{self, Aside, Basis, ChangeError, ReadError, Staged, Transaction, stage};
use crate::notify::Notice;
use crate::record::{Receipt, nonce};
use std::path::PathBuf;

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
    /// Finishes what a guard that is gone was bringing into the project.
    pub(super) fn finish_changes(&mut self) -> Result<(), Stop> {
        for left in change::unfinished(&self.project.paths.state) {
            self.log.refresh().map_err(Stop::Log)?;
            let name = left.name().to_owned();
            let on_record = self.state().transactions.holds(&name);
            change::finish(left, &self.project.root, on_record).map_err(|error| half(&name, error))?;
            if on_record {
                let detail = Detail::ChangeFinished { transaction: name.clone() };
                let entry = entry("FINISH", &name, "SUCCESS", detail);
                self.log.append(&self.redactor, vec![entry]).map_err(Stop::Log)?;
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
            Err(error) => return self.withhold(ran, &ChangeSet::default(), Withholding::unread(&error), answer),
        };
        if !matches!(ran.outcome.ended, Ended::Exited | Ended::Signalled) {
            let cause = match ran.outcome.ended {
                Ended::TimedOut => "the command ran into its time limit",
                Ended::Cancelled => "guard was told to stop",
                Ended::Limit => "the command ran into a limit",
                Ended::Exited | Ended::Signalled => "",
            };
            return self.withhold(ran, &set, Withholding::of(Why::Ended, cause.to_owned()), answer);
        }
        let ChangeJudgement { verdict, matches: rules, notes, .. } = match self.judged_changes(&upper, &set, ran) {
            Ok(judged) => judged,
            Err(error) => return self.withhold(ran, &set, Withholding::unread(&error), answer),
        };
        if ran.request.dry_run {
            let mut withholding = Withholding { why: Why::DryRun, rules, cause: None, request: None };
            withholding.cause = Some(format!("verdict: {}", verdict.word()));
            self.withhold(ran, &set, withholding, answer)?;
            if let Some(changes) = &mut answer.changes {
                changes.diff = Some(self.diff(&upper, &set).text);
                changes.notes = notes;
            }
            return Ok(());
        }
        let taken = match verdict {
            Verdict::Deny => {
                self.withhold(ran, &set, Withholding { why: Why::Deny, rules, cause: None, request: None }, answer)
            }
            Verdict::Ask if !self.policy.settings().observe => self.hold(transaction, set, rules, ran, answer),
            Verdict::Ask | Verdict::Allow => self.commit(transaction, set, ran, answer),
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
        ran: &Ran<'_>,
        answer: &mut Answer,
    ) -> Result<(), Stop> {
        let began = transaction.began();
        let (upper, basis) = (transaction.layer().upper, Basis::Since(began));
        let changed = Changed::of(Some(ran.of), &set);
        let bringing = Bringing { changed: changed.clone(), undoes: None, approval: None };
        match self.bring_in(transaction, set.clone(), basis, |change| upper.join(&change.path), bringing) {
            Ok(receipt) => {
                self.take_times(&set.touched, began, ran);
                let seq = Some(receipt.last);
                answer.receipt = Some(receipt);
                answer.changes = Some(Changes::of(changed, seq));
                Ok(())
            }
            Err(Stop::Change(error)) => {
                let why = if let ChangeError::Conflict { .. } = error { Why::Conflict } else { Why::Error };
                self.withhold(ran, &set, Withholding::of(why, error.to_string()), answer)
            }
            Err(stop) => Err(stop),
        }
    }

    /// Stages changes, records them and brings them in: all of them or none.
    pub(super) fn bring_in(
        &mut self,
        transaction: Transaction,
        set: ChangeSet,
        basis: Basis,
        find: impl Fn(&Change) -> PathBuf,
        bringing: Bringing,
    ) -> Result<Receipt, Stop> {
        let state = self.project.paths.state.clone();
        // Two at once would each find the project as it was.
        let _alone = change::exclusively(&state).map_err(|error| Stop::Change(begun(self.project, &error)))?;
        let staged = stage(transaction, &self.project.root, set.clone(), basis, find).map_err(Stop::Change)?;
        let most = self.policy.settings().limits.undo;
        let (aside, kept) = Aside::keep(&state, &self.project.root, staged.name(), &set, most).map_err(Stop::Change)?;
        let written = self.log.append_when(&self.redactor, |state| {
            // What a person stops while it runs changes nothing any more.
            if let Some(halt) = state.requests.halt.as_ref().filter(|halt| halt.cause == Cause::Person) {
                return Err(Stop::Halted { name: halt.name.clone() });
            }
            bringing.entries(state, &staged, kept)
        });
        match written.map_err(Stop::Log) {
            Ok(Ok(receipt)) => {
                let name = staged.name().to_owned();
                staged.bring_in().map_err(|error| half(&name, error))?;
                Ok(receipt)
            }
            Ok(Err(stop)) => {
                aside.forget();
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
        ran: &Ran<'_>,
        set: &ChangeSet,
        withholding: Withholding,
        answer: &mut Answer,
    ) -> Result<(), Stop> {
        let Withholding { why, rules, cause, request } = withholding;
        let changed = Changed::of(Some(ran.of), set);
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
            Why::Ended | Why::Conflict | Why::Error => "DROPPED",
        };
        let entry = entry("COMMIT", &changed.paths(), result, Detail::ChangeWithheld(Box::new(withheld)));
        let receipt = self.log.append(&self.redactor, vec![entry]).map_err(Stop::Log)?;
        let seq = Some(receipt.last);
        answer.receipt = Some(receipt);
        answer.changes =
            Some(Changes { changed, withheld: Some(why), rules, cause, request, seq, diff: None, notes: Vec::new() });
        Ok(())
    }

    /// Keeps changes for a person, who is asked.
    fn hold(
        &mut self,
        transaction: Transaction,
        set: ChangeSet,
        rules: Vec<Match>,
        ran: &Ran<'_>,
        answer: &mut Answer,
    ) -> Result<(), Stop> {
        person::somebody(self)?;
        let approvals = self.policy.settings().approvals.clone();
        let journal = change::Journal::of(transaction.name(), &set);
        let same = self.log.tag_key().seal(&journal.changes());
        let command = entries::text(ran.permit.action());
        let about = held::About::new((ran.permit.grant().area, ran.of), command, ran.request, answered(ran.permit));
        let (project, policy) = (self.project, self.policy.hash().to_owned());
        let fresh = nonce().map_err(Stop::Log)?;
        let (mut asked, mut transaction) = (None, Some(transaction));
        let changed = Changed::of(Some(ran.of), &set);
        let written = self.log.append_when(&self.redactor, |state| {
            let known = state.requests.open.iter().find(|(_, open)| open.asked.same == same);
            let name = match known {
                Some((name, _)) => Some(name.clone()),
                None if waiting(state) >= approvals.waiting => None,
                None => Some(format!("change-{}", state.requests.named + 1)),
            };
            let mut entries = Vec::new();
            if let (None, Some(name), Some(transaction)) = (known, &name, transaction.take()) {
                let content = held::keep(project, name, transaction, &journal, &about)?;
                let requested = Requested {
                    name: name.clone(),
                    kind: held::KIND.into(),
                    nonce: fresh.clone(),
                    content,
                    same: same.clone(),
                    targets: Vec::new(),
                    policy: policy.clone(),
                    uid: rustix::process::getuid().as_raw(),
                    expires: now().timestamp().saturating_add(seconds(approvals.request)),
                };
                let target = format!("{name}: {}", changed.paths());
                let detail = Detail::Requested(Box::new(requested));
                entries.push(entries::approval("REQUEST", &target, "PENDING", detail));
            }
            asked = Some((name.clone(), known.is_none()));
            let withheld = Withheld {
                changed: changed.clone(),
                why: Why::Ask,
                rules: after::hits(&rules),
                request: name,
                cause: None,
            };
            entries.push(entry("COMMIT", &changed.paths(), "PENDING", Detail::ChangeWithheld(Box::new(withheld))));
            Ok::<Vec<Entry>, Stop>(entries)
        });
        let receipt = written.map_err(Stop::Log)??;
        let (name, fresh) = asked.unwrap_or_default();
        answer.unasked = name.is_none();
        if let Some(name) = name.as_ref().filter(|_| fresh) {
            let notice = Notice::of_changes(name, &changed.paths(), &reasons(&rules), ran.request.reason.as_deref());
            answer.untold = tell(project, &self.redactor, notice).err();
        }
        let seq = Some(receipt.last);
        answer.receipt = Some(receipt);
        let withheld = Some(Why::Ask);
        answer.changes = Some(Changes {
            changed,
            withheld,
            rules,
            cause: None,
            request: name.clone(),
            seq,
            diff: None,
            notes: Vec::new(),
        });
        let (Some(name), Some(waiting)) = (name, ran.request.waiting) else { return Ok(()) };
        (waiting.told)(&name, answer.untold.take());
        // Others may run meanwhile.
        self.turn = None;
        match self.wait(&name, waiting.limit)? {
            Answered::Approved => {
                let brought = self.approved_changes(&name, answer);
                self.log.refresh().map_err(Stop::Log)?;
                // Whoever approved may have been quicker.
                if brought.is_err() && self.state().requests.done(&name) == Some(Done::Used) {
                    if let Some(changes) = &mut answer.changes {
                        changes.withheld = None;
                    }
                    return Ok(());
                }
                brought
            }
            // Whoever approved brought them in.
            Answered::Not(Unusable::Used) => {
                if let Some(changes) = &mut answer.changes {
                    changes.withheld = None;
                }
                Ok(())
            }
            Answered::Waits => Ok(()),
            Answered::Not(cause) => Err(Stop::Approval { name, cause }),
            Answered::Halted(name) => Err(Stop::Halted { name }),
        }
    }

    /// Brings in changes that a person approved, as they were shown, once.
    pub(super) fn approved_changes(&mut self, name: &str, answer: &mut Answer) -> Result<(), Stop> {
        let unusable = |cause| Stop::Approval { name: name.to_owned(), cause };
        let held = held::load(self.project, name)?;
        let content = held.as_ref().map(|held| held.content.as_str()).unwrap_or_default();
        usable(&self.state().requests, name, content, now().timestamp()).map_err(unusable)?;
        let held = held.ok_or_else(|| unusable(Unusable::Changed))?;
        let judged = self.judged_held(&held)?;
        if judged.verdict == Verdict::Deny {
            self.changed(name)?;
            return Err(unusable(Unusable::Changed));
        }
        let transaction = Transaction::begin(&self.project.paths.state, &self.project.root)
            .map_err(|error| Stop::Change(begun(self.project, &error)))?;
        let changed = Changed::of(None, &held.set);
        let bringing = Bringing {
            changed: changed.clone(),
            undoes: None,
            approval: Some((name.to_owned(), held.content.clone())),
        };
        let upper = held.upper.clone();
        let brought = self.bring_in(transaction, held.set, Basis::Content, |change| upper.join(&change.path), bringing);
        let receipt = match brought {
            Err(Stop::Change(ChangeError::Conflict { path, conflict })) => {
                self.changed(name)?;
                return Err(Stop::Change(ChangeError::Conflict { path, conflict }));
            }
            other => other?,
        };
        held::erase(self.project, name);
        let seq = Some(receipt.last);
        answer.request = Some(name.to_owned());
        answer.receipt = Some(receipt);
        answer.changes = Some(Changes { request: Some(name.to_owned()), ..Changes::of(changed, seq) });
        Ok(())
    }
}

/// Brings in changes that a person approved.
///
/// # Errors
/// Why they cannot be; a conflict ends the request.
pub fn bring_in_approved(world: &super::World, project: &Project, name: &str) -> Result<Changes, Stop> {
    let mut desk = Desk::open(world, project)?;
    let mut answer = Answer::default();
    desk.not_halted(&mut answer, None)?;
    desk.approved_changes(name, &mut answer)?;
    answer.changes.ok_or_else(|| Stop::Approval { name: name.to_owned(), cause: Unusable::Unknown })
}

/// Changes on their way in.
pub(super) struct Bringing {
    pub(super) changed: Changed,
    /// The record that they take back.
    pub(super) undoes: Option<u64>,
    /// The request that a person approved, and the hash of what it holds.
    pub(super) approval: Option<(String, String)>,
}

impl Bringing {
    /// What is recorded of them, the use of an approval with it.
    fn entries(&self, state: &crate::event::State, staged: &Staged, kept: bool) -> Result<Vec<Entry>, Stop> {
        let mut entries = Vec::new();
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

fn reasons(rules: &[Match]) -> String {
    let asks = rules.iter().filter(|rule| rule.verdict == Verdict::Ask);
    asks.map(|rule| format!("{}: {} ({})\n", rule.id, rule.reason, rule.at)).collect()
}

/// Why no transaction could begin.
pub(super) fn begun(project: &Project, error: &std::io::Error) -> ChangeError {
    ChangeError::System { what: "keep changes apart in", path: project.paths.state.clone(), cause: error.to_string() }
}

/// Changes that are on record and not all in the project.
fn half(name: &str, error: impl std::fmt::Display) -> Stop {
    Stop::HalfDone { transaction: name.to_owned(), cause: error.to_string() }
}
