//! How a phase ends: complete, with what was done, or at a person's desk.
//! Knows no steps.

use super::build::{Build, End};
use super::fault::LoopFault;
use super::past;
use super::plan::Phase;
use super::show::Told;
use crate::event::{Cause, Halt, PhaseEnded, Spent, State, Working};
use crate::gate::{self, Stop};

/// Files that a record names.
const NAMED: usize = 50;

impl Build<'_> {
    /// Everything is green.
    pub(super) fn complete(&mut self, phase: &Phase, working: &Working) -> Result<(), LoopFault> {
        let ended = self.ending(working, true)?;
        let told = Told::Complete {
            phase: phase.id.clone(),
            description: phase.description.clone(),
            files: ended.files.clone(),
            more: ended.more,
            tests: ended.tests,
        };
        // What is green belongs to no open iteration any more; one that nothing proves stays open.
        if let Err(stop) = gate::close_iteration(self.world, self.project)
            && !matches!(stop, Stop::Iteration { .. } | Stop::Usage { .. })
        {
            return Err(stop.into());
        }
        gate::end_phase(self.world, self.project, ended, &phase.description)?;
        self.show.tell(&told);
        Ok(())
    }

    /// Everything is halted: the phase that was worked on failed.
    pub(super) fn failed(&mut self, state: &State, halt: &Halt) -> Result<End, LoopFault> {
        if let Some(working) = &state.phases.open {
            let by_failures = matches!(halt.cause, Cause::Failures | Cause::Memory);
            let red = working.red.as_ref().filter(|_| by_failures);
            // What else halts has no red step: its report says what it was.
            let report = gate::escalated(self.project, &halt.name)?;
            let said = report.analysis.or_else(|| report.last_error.lines().next().map(str::to_owned));
            let ended = PhaseEnded {
                category: halt
                    .category
                    .clone()
                    .or_else(|| red?.category.clone())
                    .or_else(|| Some(halt.cause.word().to_owned())),
                attempts: halt.attempts,
                last: red.map(|red| red.message.clone()).or(said),
                halt: Some(halt.name.clone()),
                ..self.ending(working, false)?
            };
            let told = Told::Failed {
                phase: working.phase.clone(),
                description: working.description.clone(),
                category: ended.category.clone(),
                attempts: ended.attempts,
                last: ended.last.clone(),
                halt: halt.name.clone(),
            };
            if !self.said.is_empty() && halt.cause == Cause::Failures {
                // What the agent thinks of it: the report has a place for that.
                gate::stop(self.world, self.project, Cause::Agent, Some(std::mem::take(&mut self.said)))?;
            }
            gate::end_phase(self.world, self.project, ended, &working.description)?;
            self.show.tell(&told);
        }
        Ok(End::Person { halt: halt.name.clone() })
    }

    /// A phase that is not gone on with.
    pub(super) fn abandon(&mut self, working: &Working, why: &str) -> Result<(), LoopFault> {
        let ended = PhaseEnded { last: Some(why.to_owned()), ..self.ending(working, false)? };
        gate::end_phase(self.world, self.project, ended, &working.description)?;
        Ok(())
    }

    fn ending(&self, working: &Working, complete: bool) -> Result<PhaseEnded, LoopFault> {
        let state = self.state()?;
        let changes = past::changes(self.project, (working.seq, None), state.records).map_err(Stop::Log)?;
        let files: Vec<String> = changes.files().into_iter().collect();
        Ok(PhaseEnded {
            of: working.seq,
            phase: working.phase.clone(),
            complete,
            more: files.len().saturating_sub(NAMED) as u64,
            files: files.into_iter().take(NAMED).collect(),
            tests: working.tests(),
            agent_runs: working.agent_runs,
            duration_ms: working.spent_ms,
            cost: working.cost,
            category: None,
            attempts: None,
            last: None,
            halt: None,
        })
    }

    /// What the check that began with record `run` spent.
    pub(super) fn spent(&self, run: u64) -> Option<Spent> {
        let state = self.state().ok()?;
        if let Some(halt) = &state.requests.halt {
            return halt.attempts;
        }
        let records = past::since(self.project, run, state.records).ok()?;
        records.into_iter().find_map(|record| past::spent(&record, run))
    }

    /// The attempt that is the last, if nothing that failed is made good any more.
    pub(super) fn budget(&self, working: &Working) -> u32 {
        let policy = self.settings.attempts.total;
        let most = working.attempts.get("total").map_or(policy, |own| policy.min(*own));
        working.attempt.saturating_sub(1).saturating_add(most.saturating_sub(self.used))
    }
}
