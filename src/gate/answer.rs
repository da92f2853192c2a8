//! What the gate gives back to a door: the judgement, what came of it, and where it is recorded.
//! Knows no layout.

use super::{Changes, Stop};
use crate::decide::{Judgement, Verdict};
use crate::event::{Spent, Why};
use crate::execute::Outcome;
use crate::failfast::Finding;
use crate::record::Receipt;
use std::path::PathBuf;

/// Everything there is to say about one request. Parts that were not reached are `None`.
#[derive(Debug, Default)]
pub struct Answer {
    /// The judgement, once there was one.
    pub judgement: Option<Judgement>,
    /// How the command ended, if it ran.
    pub outcome: Option<Outcome>,
    /// What came of its changes to the project, if there were any.
    pub changes: Option<Changes>,
    /// What it proves, where its rule calls it a check.
    pub finding: Option<Finding>,
    /// What it was not let read and seems to have failed for, and what a person may do about it.
    pub lacked: Option<String>,
    /// The request that a person is asked, or by which it ran.
    pub request: Option<String>,
    /// Whether a person would have been asked, had they not too much to answer.
    pub unasked: bool,
    /// What is spent of the budgets, where this counted.
    pub attempts: Option<Spent>,
    /// The halt that it led to.
    pub halted: Option<String>,
    /// The last record written about it.
    pub receipt: Option<Receipt>,
    /// Why guard stopped, where that was not a judgement.
    pub stop: Option<Stop>,
    /// Why a person was not told, who should have been.
    pub untold: Option<Stop>,
    /// Paths of changes that an interrupted guard had begun to bring in, and that were left as somebody has made them since.
    pub left_alone: Vec<PathBuf>,
}

impl Answer {
    /// The exit code guard gives: its own where it stopped or refused, or where a command that ended with 0 does not have its
    /// changes in the project; else the command's.
    pub fn exit_code(&self) -> i32 {
        if let Some(stop) = &self.stop {
            return stop.exit_code();
        }
        if let Some(outcome) = &self.outcome {
            let withheld = self.changes.as_ref().and_then(Changes::exit_code);
            return withheld.filter(|_| outcome.exit_code == 0).unwrap_or(outcome.exit_code);
        }
        // Changes of a command that ran before, which a person approved.
        if let (None, Some(changes)) = (&self.judgement, &self.changes) {
            return changes.exit_code().unwrap_or(0);
        }
        match self.judgement.as_ref().map(Judgement::verdict) {
            Some(Verdict::Allow) => 0,
            Some(Verdict::Ask) => 75,
            Some(Verdict::Deny) => 126,
            None => 125,
        }
    }

    /// The word of `--json`: `allow` (by the policy, or by the person who approved it), `ask`, `deny`, `halted`, `invalid`
    /// or `error`.
    pub fn verdict(&self) -> &'static str {
        if let Some(stop) = &self.stop {
            return stop.verdict();
        }
        match self.judgement.as_ref().map(Judgement::verdict) {
            // It ran by a person's word, and its exit code is its own.
            Some(Verdict::Ask) if self.outcome.is_some() && self.request.is_some() => Verdict::Allow.word(),
            Some(verdict) => verdict.word(),
            None => match self.changes.as_ref().map(|changes| changes.withheld) {
                Some(None | Some(Why::DryRun)) => Verdict::Allow.word(),
                Some(Some(Why::Deny)) => Verdict::Deny.word(),
                Some(Some(Why::Ask)) => Verdict::Ask.word(),
                Some(Some(Why::Halted)) => "halted",
                Some(Some(Why::Conflict | Why::Error | Why::Ended)) | None => "error",
            },
        }
    }
}
