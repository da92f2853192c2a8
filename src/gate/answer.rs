//! What the gate gives back to a door: the judgement, what came of it, and where it is recorded.
//! Knows no layout.

use super::{Stop, entries};
use crate::action::Action;
use crate::decide::{Judgement, Verdict};
use crate::execute::Outcome;
use crate::failfast::{Finding, Ran, Tool, classify};
use crate::record::{Log, Receipt, Redactor};

/// Bytes of each stream that are read for what a check found: this much of the head and of the tail together.
const READ: usize = 2 << 20;

/// Everything there is to say about one request. Parts that were not reached are `None`.
#[derive(Debug, Default)]
pub struct Answer {
    /// The judgement, once there was one.
    pub judgement: Option<Judgement>,
    /// How the command ended, if it ran.
    pub outcome: Option<Outcome>,
    /// The last record written about it.
    pub receipt: Option<Receipt>,
    /// Why guard stopped, where that was not a judgement.
    pub stop: Option<Stop>,
    /// Why a person was not told, who should have been.
    pub untold: Option<Stop>,
}

impl Answer {
    /// Records that an action that was allowed did not run, and why.
    pub(super) fn stopped(
        &mut self,
        log: &mut Log,
        redactor: &Redactor,
        action: &Action,
        stop: Stop,
    ) -> Result<(), Stop> {
        self.receipt = Some(log.append(redactor, entries::not_run(action, None, &stop)).map_err(Stop::Log)?);
        Err(stop)
    }

    /// The exit code guard gives: its own where it stopped or refused, else the command's.
    pub fn exit_code(&self) -> i32 {
        if let Some(stop) = &self.stop {
            return stop.exit_code();
        }
        if let Some(outcome) = &self.outcome {
            return outcome.exit_code;
        }
        match self.judgement.as_ref().map(Judgement::verdict) {
            Some(Verdict::Allow) => 0,
            Some(Verdict::Ask) => 75,
            Some(Verdict::Deny) => 126,
            None => 125,
        }
    }

    /// What a command that ran proves, where its rule calls it a check.
    pub fn finding(&self) -> Option<Finding> {
        let (judgement, outcome) = (self.judgement.as_ref()?, self.outcome.as_ref()?);
        let check = judgement.grant().check?;
        let Action::Shell(shell) = judgement.action();
        let (stdout, _) = outcome.stdout.excerpt(READ);
        let (stderr, _) = outcome.stderr.excerpt(READ);
        classify(&Ran {
            tool: shell.commands().first().map_or(Tool::Other, Tool::of),
            check,
            ended: outcome.ended,
            exit_code: outcome.exit_code,
            signal: outcome.signal,
            stdout: &stdout,
            stderr: &stderr,
        })
    }

    /// The word of `--json`: `allow`, `ask`, `deny`, `invalid` or `error`.
    pub fn verdict(&self) -> &'static str {
        if let Some(stop) = &self.stop {
            return stop.verdict();
        }
        match self.judgement.as_ref().map(Judgement::verdict) {
            Some(verdict) => verdict.word(),
            None => "error",
        }
    }
}
