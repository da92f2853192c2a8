//! What comes next in a phase, by what the log says of it and how the project's files look.
//! Pure: so the same follows after an interruption as without one.

use super::steps::Step;
use crate::event::Working;
use std::time::Duration;

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<'s> {
    /// The agent works.
    Agent,
    /// A step is run.
    Step(&'s Step),
    /// A person answers.
    Wait(Vec<String>),
    /// Everything is green over the files as they are.
    Complete,
}

/// What comes next; `files`: the fingerprint of the project's files, `waits`: whether a request is still to be answered.
pub(super) fn next<'s>(working: &Working, steps: &'s [Step], files: &str, waits: impl Fn(&str) -> bool) -> Next<'s> {
    let waiting: Vec<String> = working.asks.iter().filter(|name| waits(name)).cloned().collect();
    if !waiting.is_empty() {
        return Next::Wait(waiting);
    }
    if !working.checking {
        return Next::Agent;
    }
    steps.iter().find(|step| !step.is_done(working, files)).map_or(Next::Complete, Next::Step)
}

/// Budgets of a phase, each the least of what the plan and the policy say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounds {
    /// Time in all.
    pub(super) wall: Duration,
    /// Runs of the agent.
    pub(super) agent_runs: u32,
    /// Millionths of a US dollar; none: as many as it likes.
    pub(super) cost: Option<u64>,
}

impl Bounds {
    /// The budget that forbids another step, in words; `agent`: whether that is the agent's.
    pub(super) fn spent(&self, working: &Working, agent: bool) -> Option<String> {
        let wall = self.left(working);
        if wall.is_zero() {
            return Some(format!("time: the phase may take {}", super::said(self.wall)));
        }
        if agent && working.agent_runs >= self.agent_runs {
            return Some(format!("runs of the agent: {} of {}", working.agent_runs, self.agent_runs));
        }
        match self.cost {
            Some(most) if agent && working.cost >= most => {
                Some(format!("cost: {} of {} US dollars", dollars(working.cost), dollars(most)))
            }
            Some(_) | None => None,
        }
    }

    /// How long the phase may still take.
    pub(super) fn left(&self, working: &Working) -> Duration {
        self.wall.saturating_sub(Duration::from_millis(working.spent_ms))
    }
}

/// Millionths of a dollar as people write them: `2.50`.
pub(super) fn dollars(millionths: u64) -> String {
    format!("{}.{:02}", millionths / 1_000_000, millionths % 1_000_000 / 10_000)
}

#[cfg(test)]
mod tests {
    use super::super::plan::CheckKind;
    use super::super::steps::Work;
    use super::*;
    use crate::event::Passed;

    fn step(name: &str) -> Step {
        Step { name: name.into(), work: Work::Check(CheckKind::Tests, "pytest".into()) }
    }

    fn passed(step: &str, files: &str) -> Passed {
        Passed { step: step.into(), files: files.into(), tests: None }
    }

    #[test]
    fn the_agent_works_then_each_step_runs_until_all_are_green_over_the_same_files() {
        let steps = [step("lint"), step("tests")];
        let mut working = Working::default();
        assert_eq!(next(&working, &steps, "f", |_| false), Next::Agent);
        working.checking = true;
        assert_eq!(next(&working, &steps, "f", |_| false), Next::Step(&steps[0]));
        working.passed = vec![passed("lint", "f")];
        assert_eq!(next(&working, &steps, "f", |_| false), Next::Step(&steps[1]));
        working.passed.push(passed("tests", "g"));
        // Tests changed what lint had looked at.
        assert_eq!(next(&working, &steps, "g", |_| false), Next::Step(&steps[0]));
        working.passed[0] = passed("lint", "g");
        assert_eq!(next(&working, &steps, "g", |_| false), Next::Complete);
        assert_eq!(next(&working, &steps, "h", |_| false), Next::Step(&steps[0]), "somebody changed a file");
    }

    #[test]
    fn what_waits_for_a_person_comes_first() {
        let working = Working { asks: vec!["command-1".into(), "command-2".into()], ..Working::default() };
        assert_eq!(next(&working, &[], "f", |name| name == "command-2"), Next::Wait(vec!["command-2".into()]));
        assert_eq!(next(&working, &[], "f", |_| false), Next::Agent, "answered, the agent goes on");
    }

    #[test]
    fn a_budget_forbids_the_step_before_it_begins() {
        let bounds = Bounds { wall: Duration::from_secs(60), agent_runs: 2, cost: Some(1_500_000) };
        let mut working = Working::default();
        assert_eq!(bounds.spent(&working, true), None);
        working.agent_runs = 2;
        assert_eq!(bounds.spent(&working, true).unwrap(), "runs of the agent: 2 of 2");
        assert_eq!(bounds.spent(&working, false), None, "checks still run");
        working.agent_runs = 1;
        working.cost = 1_500_000;
        assert_eq!(bounds.spent(&working, true).unwrap(), "cost: 1.50 of 1.50 US dollars");
        working.spent_ms = 60_000;
        assert_eq!(bounds.spent(&working, false).unwrap(), "time: the phase may take 1min");
    }
}
