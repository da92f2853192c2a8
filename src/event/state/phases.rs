//! The phase that is worked on, how far it is, and how others ended.
//! Knows no plans and no budgets: a record says what counted when it was written.

use super::Attempts;
use crate::event::{Checked, Ended, Mode, PhaseEnded, PhaseStarted, PhaseStep, Proves, StepResult};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Trees that are remembered with what was wrong with each.
const KEPT: usize = 64;

/// Phases of the plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phases {
    /// The plan that was worked on last.
    pub plan: Option<KnownPlan>,
    /// The phase that is worked on.
    pub open: Option<Box<Working>>,
    /// How others ended, by their ids.
    pub ended: BTreeMap<String, Ending>,
    /// Failures that were counted outside of the open phase.
    outside: Attempts,
}

/// A plan as it was when a phase of it began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownPlan {
    /// Its file, from the project's root.
    pub path: String,
    /// SHA-256 of its text.
    pub sha256: String,
}

/// How a phase ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// SHA-256 of what the plan said of it.
    pub sha256: String,
    /// Whether it is complete.
    pub complete: bool,
    /// The record of its start.
    pub from: u64,
    /// The record of its end.
    pub seq: u64,
    /// Time of its steps, in milliseconds.
    pub spent_ms: u64,
    /// Runs of its agent.
    pub agent_runs: u32,
    /// What those cost, in millionths of a US dollar.
    pub cost: u64,
}

/// A phase that is worked on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Working {
    /// The record of its start.
    pub seq: u64,
    /// Its id.
    pub phase: String,
    /// What it is.
    pub description: String,
    /// SHA-256 of all that the plan says of it.
    pub sha256: String,
    /// Globs of the files that it may touch, from the project's root.
    pub files: Vec<String>,
    /// The mode that it is worked on in.
    pub mode: Option<Mode>,
    /// Failed attempts it may have, by category, where they are fewer than the policy's.
    pub attempts: BTreeMap<String, u32>,
    /// The attempt it is at, from 1.
    pub attempt: u32,
    /// Runs of the agent that began, ended or not.
    pub agent_runs: u32,
    /// Time of its steps, in milliseconds.
    pub spent_ms: u64,
    /// What its agent's runs cost, in millionths of a US dollar.
    pub cost: u64,
    /// Whether the agent has done its part of this attempt, so that checks come next.
    pub checking: bool,
    /// Steps that passed in this attempt, and the files they passed over.
    pub passed: Vec<Passed>,
    /// What was red last.
    pub red: Option<Red>,
    /// What the agent was last seen to be stuck at, in words.
    pub stuck: Option<String>,
    /// What files looked like when something was red, and what it was; the oldest first.
    pub tried: Vec<(String, String)>,
    /// Requests that it waits for.
    pub asks: Vec<String>,
    /// What runs for it, or has ended and was not taken note of yet.
    pub run: Option<StepRun>,
    /// Times that its dry run was red.
    pub dry_runs: u32,
    /// Migrations that are done, by their steps, and SHA-256 of each one's files.
    pub migrated: Vec<(String, String)>,
    /// Migrations that were proposed, by their steps.
    pub proposed: BTreeMap<String, String>,
    /// Whether what the project requires was installed for it.
    pub installed: bool,
}

/// A step that passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    /// Its name.
    pub step: String,
    /// Fingerprint of the project's files then.
    pub files: String,
    /// How many tests ran.
    pub tests: Option<u64>,
}

/// What was red.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Red {
    /// The step.
    pub step: String,
    /// The attempt.
    pub attempt: u32,
    /// Its category.
    pub category: Option<String>,
    /// What is wrong, in a line.
    pub message: String,
    /// Fingerprint of what it says.
    pub error: Option<String>,
    /// The record that what it ran began with.
    pub run: Option<u64>,
    /// Fingerprint of the project's files then.
    pub files: String,
}

/// A command, or a run of the agent, that is a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRun {
    /// The record it began with.
    pub seq: u64,
    /// The step.
    pub step: String,
    /// How it ended; `None`: not yet.
    pub ended: Option<Box<StepEnd>>,
}

/// How what a step ran ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepEnd {
    /// Exit code.
    pub exit_code: i32,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// What it proves, where it counts.
    pub check: Option<Box<Checked>>,
    /// The limit it was ended at; of time: `timeout`.
    pub limit: Option<String>,
}

impl Phases {
    pub(super) fn start(&mut self, seq: u64, started: &PhaseStarted, attempts: &mut Attempts) {
        self.plan = Some(KnownPlan { path: started.plan.clone(), sha256: started.plan_sha256.clone() });
        self.ended.remove(&started.phase);
        let before = attempts.for_a_phase();
        if self.open.is_none() {
            self.outside = before;
        }
        self.open = Some(Box::new(Working {
            seq,
            phase: started.phase.clone(),
            description: started.description.clone(),
            sha256: started.sha256.clone(),
            files: started.files.clone(),
            mode: started.mode,
            attempts: started.attempts.clone(),
            attempt: 1,
            ..Working::default()
        }));
    }

    pub(super) fn run(&mut self, seq: u64, step: &str) {
        if let Some(open) = &mut self.open {
            if step == AGENT {
                open.agent_runs = open.agent_runs.saturating_add(1);
            }
            open.run = Some(StepRun { seq, step: step.to_owned(), ended: None });
        }
    }

    /// What began with record `of` has ended. What was told to stop tells nothing, and is run again.
    pub(super) fn ran(&mut self, of: u64, ended: Ended, end: StepEnd) {
        if ended == Ended::Cancelled {
            return self.lost(of);
        }
        let run = self.open.as_mut().and_then(|open| open.run.as_mut()).filter(|run| run.seq == of);
        if let Some(run) = run {
            let limit = end.limit.or_else(|| (ended == Ended::TimedOut).then(|| "timeout".to_owned()));
            run.ended = Some(Box::new(StepEnd { limit, ..end }));
        }
    }

    pub(super) fn lost(&mut self, of: u64) {
        if let Some(open) = &mut self.open {
            let _gone = open.run.take_if(|run| run.seq == of);
        }
    }

    pub(super) fn step(&mut self, step: &PhaseStep) {
        let Some(open) = self.open.as_mut().filter(|open| open.seq == step.of) else { return };
        open.run = None;
        open.asks.clone_from(&step.asks);
        open.spent_ms = open.spent_ms.saturating_add(step.duration_ms);
        open.cost = open.cost.saturating_add(step.cost.unwrap_or_default());
        match step.result {
            StepResult::Waits => {
                if let Some(name) = step.asks.first().filter(|_| step.step.starts_with(MIGRATION)) {
                    open.proposed.insert(step.step.clone(), name.clone());
                }
            }
            StepResult::Pass if step.step == AGENT => {
                open.checking = true;
                open.stuck = None;
                open.passed.clear();
            }
            StepResult::Pass if step.step == INSTALL => open.installed = true,
            StepResult::Pass if step.step.starts_with(MIGRATION) => {
                open.migrated.push((step.step.clone(), step.files.clone()));
            }
            StepResult::Pass => {
                open.passed.retain(|passed| passed.step != step.step);
                let (name, files, tests) = (step.step.clone(), step.files.clone(), step.tests);
                open.passed.push(Passed { step: name, files, tests });
            }
            StepResult::Stuck => {
                open.stuck.clone_from(&step.message);
                open.again();
            }
            StepResult::Fail => {
                open.installed |= step.step == INSTALL;
                open.proposed.remove(&step.step);
                open.dry_runs = open.dry_runs.saturating_add(u32::from(step.step == DRY_RUN));
                if let Some(error) = &step.error {
                    open.tried.push((step.files.clone(), error.clone()));
                    open.tried.drain(..open.tried.len().saturating_sub(KEPT));
                }
                open.red = Some(Red {
                    step: step.step.clone(),
                    attempt: step.attempt,
                    category: step.category.clone(),
                    message: step.message.clone().unwrap_or_default(),
                    error: step.error.clone(),
                    run: step.run,
                    files: step.files.clone(),
                });
                open.stuck = None;
                open.again();
            }
        }
    }

    pub(super) fn end(&mut self, seq: u64, ended: &PhaseEnded, attempts: &mut Attempts) {
        let Some(open) = self.open.take_if(|open| open.seq == ended.of) else { return };
        let ending = Ending {
            sha256: open.sha256,
            complete: ended.complete,
            from: ended.of,
            seq,
            spent_ms: ended.duration_ms,
            agent_runs: ended.agent_runs,
            cost: ended.cost,
        };
        self.ended.insert(open.phase, ending);
        *attempts = std::mem::take(&mut self.outside).after(attempts);
    }

    /// The changes of record `of` were taken back: the phase that made them is not complete any more.
    pub(super) fn undone(&mut self, of: u64) {
        let made = self.ended.values_mut().filter(|ending| (ending.from..=ending.seq).contains(&of));
        made.for_each(|ending| ending.complete = false);
    }
}

/// The step in which an agent works.
pub const AGENT: &str = "agent";
/// The step that installs what the project requires.
pub const INSTALL: &str = "install";
/// The step in which a migration is proposed and run.
const MIGRATION: &str = "migration";
/// The step that runs the project for a while.
pub const DRY_RUN: &str = "dry-run";

impl Working {
    /// The agent's turn, in the next attempt.
    fn again(&mut self) {
        self.attempt = self.attempt.saturating_add(1);
        self.checking = false;
        self.passed.clear();
    }

    /// Whether a step passed over files that look as they do now.
    pub fn has_passed(&self, step: &str, files: &str) -> bool {
        self.passed.iter().any(|passed| passed.step == step && passed.files == files)
    }

    /// How many tests ran in its green runs; none: no tool said.
    pub fn tests(&self) -> Option<u64> {
        let mut said = self.passed.iter().filter_map(|passed| passed.tests).peekable();
        said.peek()?;
        Some(said.fold(0, u64::saturating_add))
    }
}

impl StepEnd {
    /// Whether it is known to be green.
    pub fn is_green(&self) -> bool {
        self.exit_code == 0 && self.check.as_ref().is_none_or(|check| check.proves == Proves::Green)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(phase: &str) -> PhaseStarted {
        PhaseStarted {
            plan: "plan.toml".into(),
            plan_sha256: "p".into(),
            phase: phase.into(),
            sha256: "s".into(),
            description: "what".into(),
            files: vec!["*.py".into()],
            mode: None,
            attempts: BTreeMap::new(),
        }
    }

    fn step(name: &str, result: StepResult, files: &str) -> PhaseStep {
        PhaseStep {
            of: 2,
            step: name.into(),
            attempt: 1,
            result,
            run: Some(3),
            duration_ms: 100,
            files: files.into(),
            category: None,
            message: Some("wrong".into()),
            error: Some("e".into()),
            tests: Some(4),
            asks: Vec::new(),
            cost: Some(7),
            check: None,
        }
    }

    fn open(phases: &Phases) -> &Working {
        phases.open.as_deref().unwrap()
    }

    #[test]
    fn a_red_step_is_the_agents_in_the_next_attempt() {
        let (mut phases, mut attempts) = (Phases::default(), Attempts::default());
        phases.start(2, &started("1.1"), &mut attempts);
        phases.run(3, AGENT);
        assert_eq!((open(&phases).attempt, open(&phases).agent_runs, open(&phases).checking), (1, 1, false));
        phases.step(&step(AGENT, StepResult::Pass, "f"));
        phases.step(&step("lint", StepResult::Pass, "f"));
        assert_eq!(
            (open(&phases).checking, open(&phases).has_passed("lint", "f"), open(&phases).tests()),
            (true, true, Some(4))
        );
        phases.step(&step("tests", StepResult::Fail, "f"));
        let working = open(&phases);
        assert_eq!((working.attempt, working.checking, working.passed.len(), working.spent_ms), (2, false, 0, 300));
        assert_eq!(working.red.as_ref().map(|red| red.step.as_str()), Some("tests"));
        assert_eq!((working.tried.as_slice(), working.cost), ([("f".to_owned(), "e".to_owned())].as_slice(), 21));
    }

    #[test]
    fn what_was_told_to_stop_or_is_lost_is_run_again() {
        let (mut phases, mut attempts) = (Phases::default(), Attempts::default());
        phases.start(2, &started("1.1"), &mut attempts);
        let end = |limit: Option<&str>| StepEnd {
            exit_code: 1,
            duration_ms: 5,
            check: None,
            limit: limit.map(str::to_owned),
        };
        phases.run(3, "tests");
        phases.ran(3, Ended::Cancelled, end(None));
        assert_eq!(open(&phases).run, None);
        phases.run(4, "tests");
        phases.lost(4);
        assert_eq!(open(&phases).run, None);
        phases.run(5, "tests");
        phases.ran(9, Ended::Exited, end(None));
        assert_eq!(open(&phases).run.as_ref().unwrap().ended, None, "the end of something else");
        phases.ran(5, Ended::TimedOut, end(None));
        let ended = open(&phases).run.as_ref().unwrap().ended.as_deref().unwrap();
        assert_eq!((ended.limit.as_deref(), ended.is_green()), (Some("timeout"), false));
    }

    #[test]
    fn failures_outside_of_a_phase_are_counted_apart() {
        let (mut phases, mut attempts) = (Phases::default(), Attempts::default());
        attempts.denials = 2;
        attempts.refused.push_back("t".into());
        phases.start(2, &started("1.1"), &mut attempts);
        assert_eq!((attempts.denials, attempts.was_refused("t")), (0, true), "what was refused stays known");
        attempts.denials = 1;
        attempts.refused.push_back("u".into());
        let ended = PhaseEnded {
            of: 2,
            phase: "1.1".into(),
            complete: true,
            files: Vec::new(),
            more: 0,
            tests: None,
            agent_runs: 1,
            duration_ms: 5,
            cost: 6,
            category: None,
            attempts: None,
            last: None,
            halt: None,
        };
        phases.end(8, &ended, &mut attempts);
        assert_eq!((attempts.denials, attempts.was_refused("u")), (2, true));
        assert_eq!(phases.open, None);
        let ending = phases.ended.get("1.1").unwrap();
        assert_eq!((ending.complete, ending.from, ending.seq, ending.cost), (true, 2, 8, 6));
    }
}
