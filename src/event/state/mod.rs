//! State: what all entries of the log add up to.
//! A pure fold; knows nothing of files or snapshots.

mod attempts;
mod exports;
mod iteration;
mod migrations;
mod phases;
mod requests;

pub use attempts::{Attempts, Series, Tried};
pub use exports::Exports;
pub use iteration::{Iteration, Round};
pub use migrations::{Came, Known, Migrations};
pub use phases::{AGENT, DRY_RUN, Ending, INSTALL, KnownPlan, Passed, Phases, Red, StepEnd, StepRun, Working};
pub use requests::{Done, Halt, Open, Permission, Refused, Requests};

use super::changes::Transactions;
use super::mode::Standing;
use super::{Closing, Detail, Ended, Proves};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What all records of a log add up to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Sequence number of the last record folded in; 0 before the first.
    pub records: u64,
    /// Sequence numbers of starts that have no end yet.
    pub running: BTreeSet<u64>,
    /// Commands that ran to an end, whatever it was.
    pub runs: u64,
    /// Commands that were denied.
    pub denied: u64,
    /// Commands that a person would have had to allow.
    pub asked: u64,
    /// Commands that guard ended at their time limit.
    pub timed_out: u64,
    /// Commands whose end was never seen.
    pub lost: u64,
    /// Rule id to the number of records it matched in.
    pub hits: BTreeMap<String, u64>,
    /// Failures in a row.
    pub attempts: Attempts,
    /// What a person is asked, and what is halted.
    pub requests: Requests,
    /// Changes that were brought into the project.
    pub transactions: Transactions,
    /// The open iteration.
    pub iteration: Iteration,
    /// Rows of markets and trades that were given.
    pub exports: Exports,
    /// The mode the project is in.
    pub mode: Standing,
    /// Migrations.
    pub migrations: Migrations,
    /// Phases of a plan.
    pub phases: Phases,
}

impl State {
    /// Adds the record with sequence number `seq`.
    pub fn apply(&mut self, seq: u64, detail: &Detail) {
        self.records = seq;
        match detail {
            Detail::ShellStart { rules, step, .. } => {
                self.running.insert(seq);
                if let Some(step) = step {
                    self.phases.run(seq, step);
                }
                self.count(rules.iter().map(|hit| hit.id.as_str()));
            }
            Detail::ShellEnd { of, ended, check, exit_code, duration_ms, limit, .. } => {
                self.running.remove(of);
                let (exit_code, duration_ms) = (*exit_code, *duration_ms);
                let end = StepEnd { exit_code, duration_ms, check: check.clone(), limit: limit.clone() };
                self.phases.ran(*of, *ended, end);
                if let Some(check) = check {
                    self.attempts.check(seq, check);
                    if check.proves == Proves::Green {
                        self.iteration.green(seq, *of);
                    }
                }
                self.runs += 1;
                match ended {
                    Ended::TimedOut => self.timed_out += 1,
                    Ended::Exited | Ended::Signalled | Ended::Cancelled | Ended::Limit => {}
                }
            }
            Detail::ShellRefused { verdict, rules, targets, .. } => {
                match verdict.as_str() {
                    "deny" => {
                        self.denied += 1;
                        let by_person = targets.iter().any(|target| self.requests.denied(target).is_some());
                        self.attempts.refuse(targets, by_person);
                    }
                    "ask" => self.asked += 1,
                    _ => {}
                }
                self.count(rules.iter().map(|hit| hit.id.as_str()));
            }
            Detail::AgentStarted(started) => {
                self.running.insert(seq);
                if started.attempt.is_some() {
                    self.phases.run(seq, AGENT);
                }
            }
            Detail::QueryStart(start) => {
                self.running.insert(seq);
                self.exports.start(seq, start);
            }
            Detail::QueryEnd(ended) => {
                self.running.remove(&ended.of);
                self.exports.end(ended);
                if let Some(check) = &ended.check {
                    self.attempts.check(seq, check);
                }
                self.count(ended.rules.iter().map(|hit| hit.id.as_str()));
            }
            Detail::QueryRefused(refused) => {
                if refused.verdict == "deny" {
                    let by_person = refused.targets.iter().any(|target| self.requests.denied(target).is_some());
                    self.attempts.refuse(&refused.targets, by_person);
                }
                self.count(refused.rules.iter().map(|hit| hit.id.as_str()));
            }
            Detail::ModeSet(set) => self.mode = Standing { now: Some(set.to), seq },
            Detail::MigrationProposed(proposed) => self.migrations.propose(seq, proposed),
            Detail::MigrationStart(start) => {
                self.running.insert(seq);
                self.migrations.start(seq, &start.name);
            }
            Detail::MigrationEnd(ended) => {
                self.running.remove(&ended.of);
                if let Some(check) = &ended.check {
                    self.attempts.check(seq, check);
                }
                self.migrations.end(ended);
            }
            Detail::MigrationDone(done) => {
                self.migrations.done(&done.name);
                self.requests.finish(&done.name, Done::Used);
            }
            Detail::AgentEnded(ended) => {
                self.running.remove(&ended.of);
                let (exit_code, duration_ms, limit) = (ended.exit_code, ended.duration_ms, ended.limit.clone());
                self.phases.ran(ended.of, ended.ended, StepEnd { exit_code, duration_ms, check: None, limit });
            }
            Detail::PhaseStarted(started) => self.phases.start(seq, started, &mut self.attempts),
            Detail::PhaseStep(step) => {
                if let Some(check) = &step.check {
                    self.attempts.check(seq, check);
                }
                self.phases.step(step);
            }
            Detail::PhaseEnded(ended) => self.phases.end(seq, ended, &mut self.attempts),
            Detail::FileRefused { rules, .. } => self.count(rules.iter().map(|hit| hit.id.as_str())),
            Detail::ChangeCommitted(committed) => {
                self.transactions.commit(&committed.transaction);
                self.iteration.commit(seq, committed);
                if let Some(of) = committed.undoes {
                    self.phases.undone(of);
                }
            }
            Detail::IterationStarted(begun) => self.iteration.begin(seq, begun.what.as_deref()),
            Detail::IterationClosed(ended) => self.iteration.close(ended.of),
            Detail::ChangeWithheld(withheld) => {
                self.attempts.refuse(&withheld.targets, false);
                self.count(withheld.rules.iter().map(|hit| hit.id.as_str()));
            }
            Detail::PolicyTrusted { .. } => {
                self.requests.forgive();
                self.exports.forgive();
            }
            Detail::Requested(asked) => self.requests.ask(seq, asked),
            Detail::Approved { name, by, until } => self.requests.approve(name, by, *until),
            Detail::Denied { name, reason, .. } => self.requests.deny(name, reason.as_deref()),
            Detail::Consumed { name } => self.requests.finish(name, Done::Used),
            Detail::RuleAdded { name, .. } => self.requests.close(name, Closing::Allowed),
            Detail::Closed { name, how } => self.requests.close(name, *how),
            Detail::Escalated(escalated) => self.requests.halt(seq, escalated),
            Detail::Resumed { name, .. } => {
                self.requests.resume(name);
                self.attempts.resume();
                self.exports.forgive();
            }
            Detail::ShellError { of, .. } => {
                if let Some(of) = of {
                    self.running.remove(of);
                    self.phases.lost(*of);
                }
            }
            Detail::Lost { of } => {
                self.running.remove(of);
                self.exports.lost(*of);
                self.migrations.lose(*of);
                self.phases.lost(*of);
                self.lost += 1;
            }
            Detail::Created { .. }
            | Detail::Analysed { .. }
            | Detail::Unfenced { .. }
            | Detail::ConnectionRefused { .. }
            | Detail::HostReached { .. }
            | Detail::CallRefused { .. }
            | Detail::ChangeFinished(_)
            | Detail::QueryResult { .. }
            | Detail::QueryError { .. }
            | Detail::MigrationRefused(_)
            | Detail::FileChanged { .. }
            | Detail::FileRead(_)
            | Detail::ApproverChanged { .. }
            | Detail::ReturnCode { .. }
            | Detail::Output { .. }
            | Detail::Recovered { .. }
            | Detail::LogFull {}
            | Detail::PoisonCleared { .. }
            | Detail::NotifyFailed { .. }
            | Detail::Checkpoint { .. } => {}
        }
    }

    fn count<'a>(&mut self, ids: impl Iterator<Item = &'a str>) {
        for id in ids {
            *self.hits.entry(id.to_owned()).or_default() += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{By, Requested, RuleHit};

    fn start() -> Detail {
        Detail::ShellStart {
            rules: vec![RuleHit { id: "pytest".into(), verdict: "allow".into() }],
            policy: String::new(),
            cwd: ".".into(),
            asked: None,
            task: None,
            reason: None,
            timeout_ms: 60_000,
            observed: false,
            composition: None,
            approval: None,
            step: None,
        }
    }

    #[test]
    fn a_start_is_running_until_its_end_is_folded_in() {
        let mut state = State::default();
        state.apply(2, &start());
        assert_eq!(state.running, BTreeSet::from([2]));
        state.apply(
            6,
            &Detail::ShellEnd {
                of: 2,
                ended: Ended::TimedOut,
                exit_code: 124,
                limit: None,
                duration_ms: 60_000,
                fence: "full".into(),
                missing: vec![],
                check: None,
            },
        );
        let expected = State {
            records: 6,
            runs: 1,
            timed_out: 1,
            hits: BTreeMap::from([("pytest".to_owned(), 1)]),
            ..State::default()
        };
        assert_eq!(state, expected);
    }

    #[test]
    fn what_a_person_denied_stays_denied_until_they_trust_another_policy() {
        let by = By { who: "uid 1".into(), strength: "terminal".into(), key: None, signature: None };
        let requested = Requested {
            name: "command-1".into(),
            kind: "command".into(),
            nonce: String::new(),
            content: String::new(),
            same: String::new(),
            targets: vec!["t".into()],
            policy: String::new(),
            uid: 1,
            expires: 9,
        };
        let refused = Detail::ShellRefused {
            verdict: "deny".into(),
            rules: vec![],
            policy: String::new(),
            cwd: None,
            asked: None,
            task: None,
            reason: None,
            targets: vec!["t".into()],
            request: None,
        };
        let mut state = State::default();
        state.apply(2, &Detail::Requested(Box::new(requested)));
        state.apply(3, &Detail::Denied { name: "command-1".into(), by, reason: None });
        assert_eq!(state.requests.denied("t").map(|refused| refused.name.as_str()), Some("command-1"));
        state.apply(4, &refused);
        assert_eq!(state.attempts.denials, 1, "what a person denied counts at once");
        state.apply(5, &Detail::PolicyTrusted { policy: "new".into() });
        assert_eq!((state.requests.denied("t"), state.requests.done("command-1")), (None, Some(Done::Denied)));
    }

    #[test]
    fn a_lost_run_is_counted_and_no_longer_running() {
        let mut state = State::default();
        state.apply(2, &start());
        state.apply(3, &Detail::Lost { of: 2 });
        assert_eq!((state.running.len(), state.lost, state.runs), (0, 1, 0));
    }
}
