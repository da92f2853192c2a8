//! Counting: what a check that ended means for the budgets, and the halt when one is spent.
//! Knows no tool: what its output proves is `failfast`'s.

use super::desk::{Desk, now};
use super::halt::Calling;
use super::{Answer, Request, Step, Stop, entries};
use crate::action::shell::Command;
use crate::action::{Action, Facts};
use crate::approve::Permit;
use crate::decide::{Checking, Verdict, policy};
use crate::event::{Attempts, Cause, Checked, Proves};
use crate::execute::Outcome;
use crate::failfast::{Category, Counts, Failed, Failure, Finding, Ran, Scope, Tool, classify, classify_among, spent};
use crate::record::Receipt;

/// Bytes of each stream that are read for what a check found: this much of the head and of the tail together.
const READ: usize = 2 << 20;
/// Bytes of its output that a report shows.
const SHOWN: usize = 64 << 10;
/// Names of failing tests that a record keeps.
const TESTS: usize = 20;

/// A check that has ended.
pub(super) struct Counting {
    pub(super) finding: Finding,
    scope: Scope,
}

impl Counting {
    /// What a command that ran proves, where its rule calls it a check.
    /// `step`: the step of a phase that it is.
    pub(super) fn of(permit: &Permit, facts: &Facts, outcome: &Outcome, step: Option<&Step>) -> Option<Counting> {
        let mut counting = Self::of_check(permit, facts, outcome, step).or_else(|| Self::of_memory(permit, outcome))?;
        if let (Finding::Failed(failed), Some(limit)) = (&mut counting.finding, &outcome.limit) {
            failed.message = format!("stopped at a limit: {limit}");
        }
        Some(counting)
    }

    /// What held too much memory has failed, whether its rule calls it a check or not.
    fn of_memory(permit: &Permit, outcome: &Outcome) -> Option<Counting> {
        if !is_memory(outcome) {
            return None;
        }
        let allowing = permit.judgement().matches().iter().find(|found| found.verdict == Verdict::Allow);
        let rule = allowing.map(|found| found.id.clone()).unwrap_or_default();
        let message = "held more memory than it may".to_owned();
        let failures = vec![Failure { message: message.clone(), ..Failure::default() }];
        let failed = Failed { category: Category::Runtime, counts: None, tests: Vec::new(), failures, message };
        Some(Counting { finding: Finding::Failed(failed), scope: Scope { rule, alone: true, ..Scope::default() } })
    }

    fn of_check(permit: &Permit, facts: &Facts, outcome: &Outcome, step: Option<&Step>) -> Option<Counting> {
        let Action::Shell(shell) = permit.action();
        let by_rule = &permit.grant().checks;
        let lone = permit.grant().check.is_some();
        // A plan means the whole line, whatever else is in it.
        let by_plan = step.filter(|_| !lone).and_then(|step| planned(step, by_rule, shell.commands()));
        if by_rule.is_empty() && by_plan.is_none() {
            return None;
        }
        let (stdout, _) = outcome.stdout.excerpt(READ);
        let (stderr, _) = outcome.stderr.excerpt(READ);
        let counting = |checking: &Checking, alone: bool, planned: bool| {
            let ran = Ran {
                tool: Tool::of(shell.commands().get(checking.command)?),
                check: checking.check,
                ended: outcome.ended,
                exit_code: outcome.exit_code,
                signal: outcome.signal,
                stdout: &stdout,
                stderr: &stderr,
            };
            let ends = checking.command + 1 == shell.commands().len();
            let scope = Scope::of(permit.judgement(), facts, checking)?;
            let finding = match if alone { classify(&ran)? } else { classify_among(&ran, ends)? } {
                Finding::Green(counts) if scope.is_idle(ran.tool) => Finding::Unproved(counts),
                finding @ (Finding::Green(_) | Finding::Unproved(_) | Finding::Failed(_)) => finding,
            };
            Some(Counting { finding, scope: Scope { alone: scope.alone || planned, ..scope } })
        };
        let ruled = by_rule.iter().filter_map(|checking| counting(checking, lone, false));
        let found = ruled.chain(by_plan.iter().filter_map(|checking| counting(checking, true, true)));
        // Of several in a line, one that failed.
        found.max_by_key(|counting| match counting.finding {
            Finding::Failed(_) => 2,
            Finding::Green(_) => 1,
            Finding::Unproved(_) => 0,
        })
    }

    /// The record of it, with what is spent once it counts.
    fn checked(&self, attempts: &Attempts, budgets: &policy::Attempts) -> Checked {
        let counts = match &self.finding {
            Finding::Green(counts) | Finding::Unproved(counts) => *counts,
            Finding::Failed(failed) => failed.counts,
        };
        let ran = counts.as_ref().map(Counts::ran);
        let left_out = counts.as_ref().map(Counts::left_out).filter(|_| self.scope.goes_on());
        let (targets, options) = (self.scope.targets.clone(), self.scope.options.clone());
        let mut checked = Checked {
            rule: self.scope.rule.clone(),
            proves: Proves::Nothing,
            at_ms: now().timestamp_millis(),
            targets,
            options,
            ran,
            left_out,
            clears: Vec::new(),
            category: None,
            attempts: None,
            tests: Vec::new(),
            message: None,
        };
        match &self.finding {
            Finding::Unproved(_) => {}
            Finding::Green(_) => {
                checked.proves = Proves::Green;
                checked.clears = self.scope.clears(attempts, counts.as_ref());
            }
            Finding::Failed(failed) => {
                checked.proves = Proves::Failure;
                checked.category = Some(failed.category.word().into());
                checked.attempts = Some(spent(attempts, failed.category, budgets));
                checked.tests = failed.tests.iter().take(TESTS).cloned().collect();
                checked.message = Some(failed.message.clone());
            }
        }
        checked
    }
}

impl Desk<'_> {
    /// Records the end of a command. The failing check that spends a budget halts.
    pub(super) fn end(
        &mut self,
        permit: &Permit,
        of: u64,
        outcome: &Outcome,
        counting: Option<Counting>,
        request: &Request,
        answer: &mut Answer,
    ) -> Result<Receipt, Stop> {
        let ended = entries::end(&self.log, &self.redactor, permit, of, outcome)?;
        let Some(counting) = counting else { return self.log.append(&self.redactor, ended).map_err(Stop::Log) };
        let budgets = self.budgets();
        let (mut attempts, mut told) = (None, true);
        let recorded = self.record(|state| {
            let mut entries = ended.clone();
            // What proves nothing is told only to whom it matters.
            told = counting.scope.alone || matches!(counting.finding, Finding::Failed(_)) || state.attempts.total() > 0;
            if !told {
                return (entries, None);
            }
            let checked = counting.checked(&state.attempts, &budgets);
            let (category, message) = (checked.category.clone(), checked.message.clone());
            attempts = checked.attempts;
            entries::proves(&mut entries, checked);
            let cause = if is_memory(outcome) { Cause::Memory } else { Cause::Failures };
            let calls = cause == Cause::Memory || attempts.is_some_and(|spent| spent.is_all());
            let calling = calls.then(|| Calling {
                cause,
                category,
                attempts,
                task: request.task.clone(),
                command: Some(entries::text(permit.action()).to_owned()),
                last_error: printed(outcome, message.as_deref().unwrap_or_default()),
                said: None,
            });
            (entries, calling)
        })?;
        answer.attempts = attempts;
        answer.untold = recorded.untold;
        answer.halted = recorded.halted;
        answer.finding = answer.finding.take().filter(|_| told);
        Ok(recorded.receipt)
    }
}

/// What a plan calls a check, and no rule does for the whole line: what the last check in it proves, else its last tool, else its
/// last command.
fn planned(step: &Step, by_rule: &[Checking], commands: &[Command]) -> Option<Checking> {
    let ruled = by_rule.last().map(|checking| checking.command);
    let known = || commands.iter().rposition(|command| Tool::of(command) != Tool::Other);
    let command = ruled.or_else(known).or_else(|| commands.len().checked_sub(1))?;
    Some(Checking { command, rule: format!("plan:{}", step.name), check: step.check? })
}

/// Whether it was stopped for its memory, which calls a person at once: it may be a leak that waits for production.
fn is_memory(outcome: &Outcome) -> bool {
    outcome.limit.as_deref() == Some("memory")
}

/// What a command printed: its message first, then both streams, so far as a report shows them.
fn printed(outcome: &Outcome, message: &str) -> String {
    let mut text = format!("{message}\n");
    for (name, stream) in [("standard output", &outcome.stdout), ("standard error", &outcome.stderr)] {
        if stream.len > 0 {
            let (bytes, _) = stream.excerpt(SHOWN);
            text += &format!("\n({name})\n{}", String::from_utf8_lossy(&bytes));
        }
    }
    text
}
