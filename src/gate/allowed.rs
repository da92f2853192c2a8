//! Changes that a person must allow: kept, asked, waited for, and brought in by their word, once.
//! Knows no doors.

use super::ask::{Answered, seconds, waiting};
use super::bringing::{Bringing, Claim};
use super::desk::{Desk, now};
use super::notice::tell;
use super::origin::Origin;
use super::transaction::{Changes, begun, entry};
use super::{Answer, Project, Stop, World, after, entries, held, person};
use crate::action::{Change, ChangeSet};
use crate::approve::{Unusable, usable};
use crate::decide::{Match, Verdict};
use crate::event::{Changed, Detail, Done, Entry, Requested, Why, Withheld};
use crate::execute::change::{Basis, ChangeError, Journal, Transaction, open_written};
use crate::notify::Notice;
use crate::record::{Receipt, nonce};

impl Desk<'_> {
    /// Keeps changes for a person, who is asked. Where nobody can be, or they cannot be kept, they are dropped, which is recorded.
    pub(super) fn hold(
        &mut self,
        transaction: Transaction,
        set: &ChangeSet,
        rules: Vec<Match>,
        origin: &Origin<'_>,
        answer: &mut Answer,
    ) -> Result<(), Stop> {
        let asked = match self.ask_about(transaction, set, &rules, origin) {
            Ok(asked) => asked,
            Err(stop) => return Err(self.lose(origin, set, rules, stop, answer)),
        };
        let AskedAbout { name, fresh, receipt } = asked;
        let changed = Changed::of(origin.of, set);
        answer.unasked = name.is_none();
        if let Some(name) = name.as_ref().filter(|_| fresh) {
            let notice = Notice::of_changes(name, &changed.paths(), &reasons(&rules), origin.caller.reason);
            answer.untold = tell(self.project, &self.redactor, notice).err();
        }
        let seq = Some(receipt.last);
        answer.receipt = Some(receipt);
        let withheld = Some(Why::Ask);
        answer.changes = Some(Changes { withheld, rules, request: name.clone(), ..Changes::of(changed, seq) });
        let (Some(name), Some(waiting)) = (name, origin.caller.waiting) else { return Ok(()) };
        (waiting.told)(&name, answer.untold.take());
        // Others may run meanwhile.
        self.turn = None;
        match self.wait(&name, waiting.limit)? {
            Answered::Approved => self.approved_changes(&name, answer),
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

    /// Keeps changes and records that a person is asked; those of the same content join the request that waits.
    fn ask_about(
        &mut self,
        transaction: Transaction,
        set: &ChangeSet,
        rules: &[Match],
        origin: &Origin<'_>,
    ) -> Result<AskedAbout, Stop> {
        person::somebody(self)?;
        let approvals = self.policy.settings().approvals.clone();
        let journal = Journal::of(transaction.name(), set);
        let same = self.log.tag_key().seal(&journal.changes());
        let about = held::About::new(origin);
        let (project, policy) = (self.project, self.policy.hash().to_owned());
        let nonce = nonce().map_err(Stop::Log)?;
        let changed = Changed::of(origin.of, set);
        let (mut asked, mut transaction) = (None, Some(transaction));
        let written = self.log.append_when(&self.redactor, |state| {
            let known = state.requests.open.iter().find(|(_, open)| open.asked.same == same);
            let name = match known {
                Some((name, _)) => Some(name.clone()),
                None if waiting(state) >= approvals.waiting => None,
                None => Some(format!("change-{}", state.requests.named + 1)),
            };
            let mut entries = Vec::new();
            if let (None, Some(name), Some(transaction)) = (known, &name, transaction.take()) {
                held::sweep(project, &state.requests);
                let content = held::keep(project, name, transaction, &journal, &about)?;
                let requested = Requested {
                    name: name.clone(),
                    kind: held::KIND.into(),
                    nonce: nonce.clone(),
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
                rules: after::hits(rules),
                request: name,
                cause: None,
                reason: origin.file.as_ref().map(|file| file.reason.to_owned()),
                targets: Vec::new(),
            };
            let action = origin.file.as_ref().map_or("COMMIT", |file| file.verb.action());
            entries.push(entry(action, &changed.paths(), "PENDING", Detail::ChangeWithheld(Box::new(withheld))));
            Ok::<Vec<Entry>, Stop>(entries)
        });
        let receipt = written.map_err(Stop::Log)??;
        let (name, fresh) = asked.unwrap_or_default();
        Ok(AskedAbout { name, fresh, receipt })
    }

    /// Brings in changes that a person approved, as they were shown, once. Whoever waits for the answer and whoever gave it
    /// may both be at it: the second finds that it is done.
    pub(super) fn approved_changes(&mut self, name: &str, answer: &mut Answer) -> Result<(), Stop> {
        let shown = held::load(self.project, name)?.map(|held| Changed::of(None, &held.set));
        let brought = self.bring_in_once(name, answer);
        if brought.is_err() {
            self.log.refresh().map_err(Stop::Log)?;
            if self.state().requests.done(name) == Some(Done::Used) {
                answer.request = Some(name.to_owned());
                let known = answer.changes.take().map(|changes| Changes { withheld: None, ..changes });
                let request = Some(name.to_owned());
                let shown = shown.map(|changed| Changes { request, ..Changes::of(changed, None) });
                answer.changes = known.or(shown);
                // Used and gone before this guard saw it: then it was not this one's to begin with.
                return if answer.changes.is_some() { Ok(()) } else { brought };
            }
        }
        brought
    }

    fn bring_in_once(&mut self, name: &str, answer: &mut Answer) -> Result<(), Stop> {
        let unusable = |cause| Stop::Approval { name: name.to_owned(), cause };
        let held = held::load(self.project, name)?;
        let content = held.as_ref().map(|held| held.content.as_str()).unwrap_or_default();
        usable(&self.state().requests, name, content, now().timestamp()).map_err(unusable)?;
        let held = held.ok_or_else(|| unusable(Unusable::Changed))?;
        let judged = match self.judged_held(&held) {
            Err(Stop::Change(ChangeError::Conflict { path, conflict })) => {
                self.changed(name)?;
                return Err(Stop::Change(ChangeError::Conflict { path, conflict }));
            }
            judged => judged?,
        };
        if judged.verdict == Verdict::Deny {
            self.changed(name)?;
            return Err(unusable(Unusable::Changed));
        }
        let transaction = Transaction::begin(&self.project.paths.state, &self.project.root)
            .map_err(|error| Stop::Change(begun(self.project, &error)))?;
        let changed = Changed::of(None, &held.set);
        let approval = Some((name.to_owned(), held.content.clone()));
        let claim = Claim::by_person(judged.touched);
        let bringing = Bringing { approval, ..Bringing::of(changed.clone(), claim) };
        let upper = held.upper.clone();
        let find = |change: &Change| open_written(&upper, &change.path).map_err(ChangeError::from);
        let brought = self.bring_in(transaction, held.set, Basis::Content, find, bringing);
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
        answer.changes =
            Some(Changes { request: Some(name.to_owned()), notes: judged.notes, ..Changes::of(changed, seq) });
        Ok(())
    }
}

/// What came of asking.
struct AskedAbout {
    /// The request; `None`: too many wait already.
    name: Option<String>,
    /// Whether it is a new one.
    fresh: bool,
    receipt: Receipt,
}

/// Brings in changes that a person approved.
///
/// # Errors
/// Why they cannot be; a conflict ends the request.
pub fn bring_in_approved(world: &World, project: &Project, name: &str) -> Result<Changes, Stop> {
    let mut desk = Desk::open(world, project)?;
    let mut answer = Answer::default();
    desk.not_halted(&mut answer, None)?;
    desk.approved_changes(name, &mut answer)?;
    answer.changes.ok_or_else(|| Stop::Approval { name: name.to_owned(), cause: Unusable::Unknown })
}

pub(super) fn reasons(rules: &[Match]) -> String {
    let asks = rules.iter().filter(|rule| rule.verdict == Verdict::Ask);
    asks.map(|rule| format!("{}: {} ({})\n", rule.id, rule.reason, rule.at)).collect()
}
