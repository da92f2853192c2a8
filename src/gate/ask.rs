//! What is not allowed: refused, or put before a person; and waiting for their answer.
//! Knows no terminals: who answers stands in `person`.

use super::desk::{Desk, Judged, closed, now};
use super::halt::Calling;
use super::notice::tell;
use super::stored::Stored;
use super::{Answer, Request, Stop, entries, person};
use crate::approve::{Permit, Refusal, Unusable, usable};
use crate::decide::{Judgement, Verdict, targets};
use crate::event::{Cause, Closing, Detail, Done, Entry, Requested, Spent, State};
use crate::failfast::refused_again;
use crate::notify::Notice;
use crate::record::{Receipt, Started, nonce};
use std::time::{Duration, Instant};

/// How often a waiting guard looks whether somebody has answered.
const LOOK: Duration = Duration::from_millis(200);

/// What came of asking a person.
pub(super) enum Asking {
    /// They said yes before: the request of this name can be used.
    Approved(String),
    /// They are asked, or were before.
    Waits(String),
    /// They have too much to answer already.
    TooMany,
}

/// What came of waiting.
pub(super) enum Answered {
    /// Yes.
    Approved,
    /// Nothing yet.
    Waits,
    /// The request can no longer be used.
    Not(Unusable),
    /// Everything is halted.
    Halted(String),
}

impl Desk<'_> {
    /// Refuses everything while a person is needed.
    pub(super) fn not_halted(&mut self, answer: &mut Answer, request: Option<&Request>) -> Result<(), Stop> {
        let Some(halt) = &self.state().requests.halt else { return Ok(()) };
        let name = halt.name.clone();
        if let Some(request) = request {
            let entries = entries::halted(self.project, &self.world.cwd, request);
            answer.receipt = Some(self.log.append(&self.redactor, entries).map_err(Stop::Log)?);
        }
        Err(Stop::Halted { name })
    }

    /// Records that what was allowed did not run, and why.
    pub(super) fn stopped(&mut self, answer: &mut Answer, stop: Stop) -> Stop {
        let Some(judgement) = &answer.judgement else { return stop };
        match self.log.append(&self.redactor, entries::not_run(judgement.action(), None, &stop)) {
            Ok(receipt) => {
                answer.receipt = Some(receipt);
                stop
            }
            Err(error) => Stop::Log(error),
        }
    }

    /// Records a denial; the one that spends the budget halts.
    pub(super) fn deny(
        &mut self,
        refusal: &Refusal,
        judged: &Judged,
        request: &Request,
        answer: &mut Answer,
    ) -> Result<(), Stop> {
        let judgement = refusal.judgement();
        let found = |id: &str| judgement.matches().iter().any(|found| found.id == id);
        // Where nobody can be asked, that is no fault of the agent's; nor is a program that is not there.
        let counts = judged.absent.is_none() && !found("guard:unattended");
        let targets = if counts { targets(judgement, &judged.facts) } else { Vec::new() };
        let refused = entries::refused(refusal, (self.project, &self.world.cwd), request, targets.clone(), None);
        let counted = self.count_denial(
            refused,
            (&targets, found("guard:denied-by-person")),
            (entries::text(judgement.action()), request.task.as_deref()),
            reasons(judgement),
        )?;
        counted.tell(answer);
        Ok(())
    }

    /// Records a refusal; the one that spends the budget halts. `again`: whether it counts at once.
    pub(super) fn count_denial(
        &mut self,
        refused: Vec<Entry>,
        (targets, again): (&[String], bool),
        (command, task): (&str, Option<&str>),
        why: String,
    ) -> Result<Denied, Stop> {
        let most = self.budgets().denials;
        let mut spent = None;
        let recorded = self.record(|state| {
            spent = refused_again(&state.attempts, targets, again, most);
            let calling = spent.filter(|spent| spent.is_all()).map(|spent| Calling {
                cause: Cause::Denials,
                category: None,
                attempts: Some(spent),
                task: task.map(str::to_owned),
                command: Some(command.to_owned()),
                last_error: why.clone(),
                said: None,
            });
            (refused.clone(), calling)
        })?;
        Ok(Denied { receipt: recorded.receipt, spent, halted: recorded.halted, untold: recorded.untold })
    }

    /// Asks a person, unless they are asked already or have answered.
    pub(super) fn ask(
        &mut self,
        refusal: &Refusal,
        judged: &Judged,
        request: &Request,
        answer: &mut Answer,
    ) -> Result<Asking, Stop> {
        person::somebody(self)?;
        let judgement = refusal.judgement();
        let stored = Stored::of(
            self.world,
            request,
            &judgement.grant().env,
            self.policy.hash(),
            &judged.facts,
            nonce().map_err(Stop::Log)?,
        );
        let same = stored.same(&self.log.tag_key());
        let targets = targets(judgement, &judged.facts);
        let approvals = self.policy.settings().approvals.clone();
        for (name, _) in self.state().requests.done.iter().filter(|(_, done)| *done == Done::Allowed) {
            Stored::erase_old(self.project, name, approvals.request);
        }
        let nonce = nonce().map_err(Stop::Log)?;
        let (project, policy, cwd) = (self.project, self.policy.hash().to_owned(), &self.world.cwd);
        let (mut asking, mut fresh) = (Asking::TooMany, None);
        let written = self.log.append_when(&self.redactor, |state| {
            let known = state.requests.open.iter().find(|(_, open)| open.asked.same == same);
            asking = match known {
                Some((name, open)) if open.approved.is_some() => Asking::Approved(name.clone()),
                Some((name, _)) => Asking::Waits(name.clone()),
                None if waiting(state) >= approvals.waiting => Asking::TooMany,
                None => Asking::Waits(format!("command-{}", state.requests.named + 1)),
            };
            let name = match &asking {
                Asking::Approved(_) => return Err(None),
                Asking::Waits(name) => Some(name.clone()),
                Asking::TooMany => None,
            };
            let mut entries = Vec::new();
            if let (None, Some(name)) = (known, &name) {
                let requested = Requested {
                    name: name.clone(),
                    kind: "command".into(),
                    nonce: nonce.clone(),
                    content: stored.keep(project, name).map_err(Some)?,
                    same: same.clone(),
                    targets: targets.clone(),
                    policy: policy.clone(),
                    uid: rustix::process::getuid().as_raw(),
                    expires: now().timestamp().saturating_add(seconds(approvals.request)),
                };
                entries.push(entries::requested(judgement.action(), requested));
                fresh = Some(Notice::request(name, judgement, request.reason.as_deref()));
            }
            entries.extend(entries::refused(refusal, (project, cwd), request, Vec::new(), name));
            Ok::<Vec<Entry>, Option<Stop>>(entries)
        });
        match written.map_err(Stop::Log)? {
            Ok(receipt) => answer.receipt = Some(receipt),
            Err(Some(stop)) => return Err(stop),
            Err(None) => {}
        }
        match &asking {
            Asking::Approved(name) | Asking::Waits(name) => answer.request = Some(name.clone()),
            Asking::TooMany => answer.unasked = true,
        }
        answer.untold = fresh.and_then(|notice| tell(project, &self.redactor, notice).err());
        Ok(asking)
    }

    /// Waits until a person answers the request, or the limit is over.
    pub(super) fn wait(&mut self, name: &str, limit: Option<Duration>) -> Result<Answered, Stop> {
        let begin = Instant::now();
        loop {
            self.log.refresh().map_err(Stop::Log)?;
            let requests = &self.state().requests;
            if let Some(halt) = requests.halt.as_ref().filter(|halt| halt.name != name) {
                return Ok(Answered::Halted(halt.name.clone()));
            }
            let content = requests.open(name).map(|open| open.asked.content.clone()).unwrap_or_default();
            match usable(requests, name, &content, now().timestamp()) {
                Ok(_) => return Ok(Answered::Approved),
                Err(Unusable::Waiting | Unusable::Halt) => {}
                Err(other) => return Ok(Answered::Not(other)),
            }
            let left = limit.map(|limit| limit.saturating_sub(begin.elapsed()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(Answered::Waits);
            }
            std::thread::sleep(left.map_or(LOOK, |left| left.min(LOOK)));
        }
    }

    /// Records the start of what is permitted: durable, never while everything is halted, and an approval is used up by it. The log
    /// is to [remember](crate::record::Log::remember) it once what waits for it goes on.
    /// `request`: the one it comes from, which is done with, approved or not.
    pub(super) fn start(&mut self, permit: &Permit, request: Option<&str>, start: Vec<Entry>) -> Result<Started, Stop> {
        let started = self.log.start_when(&self.redactor, |state| {
            if let Some(halt) = &state.requests.halt {
                return Err(Stop::Halted { name: halt.name.clone() });
            }
            let mut entries = Vec::new();
            if let Some(name) = permit.approval() {
                let content = state.requests.open(name).map(|open| open.asked.content.as_str()).unwrap_or_default();
                usable(&state.requests, name, content, now().timestamp())
                    .map_err(|cause| Stop::Approval { name: name.to_owned(), cause })?;
                let used = Detail::Consumed { name: name.to_owned() };
                entries.push(entries::approval("CONSUME", name, "SUCCESS", used));
            } else if let Some(name) = request.filter(|name| state.requests.open(name).is_some()) {
                entries.push(closed(name, Closing::Allowed));
            }
            entries.extend(start.clone());
            Ok(entries)
        });
        let started = started.map_err(Stop::Log)??;
        if let Some(name) = request {
            Stored::erase(self.project, name);
        }
        Ok(started)
    }
}

/// Requests that nobody has answered.
pub(super) fn waiting(state: &State) -> u32 {
    let open = state.requests.open.values().filter(|open| open.approved.is_none());
    u32::try_from(open.count()).unwrap_or(u32::MAX)
}

/// Why something was refused, as the rules say it.
fn reasons(judgement: &Judgement) -> String {
    let decided = judgement.matches().iter().filter(|found| found.verdict == Verdict::Deny);
    decided.map(|found| format!("{}: {} ({})\n", found.id, found.reason, found.at)).collect()
}

pub(super) fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

/// A refusal on record, and what it came to.
pub(super) struct Denied {
    pub(super) receipt: Receipt,
    pub(super) spent: Option<Spent>,
    pub(super) halted: Option<String>,
    pub(super) untold: Option<Stop>,
}

impl Denied {
    /// Puts it into the answer.
    pub(super) fn tell(self, answer: &mut Answer) {
        answer.receipt = Some(self.receipt);
        answer.attempts = self.spent.or(answer.attempts);
        answer.untold = self.untold.or_else(|| answer.untold.take());
        answer.halted = self.halted.or_else(|| answer.halted.take());
    }
}
