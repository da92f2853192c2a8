//! What the agent is told at the beginning of an attempt, gathered from the plan and the log.
//! Says nothing by itself: the words of an adapter are its own.

use super::agent::{Brief, Budget, CheckRun, EXCERPT, Iteration, Last, PhaseBrief, Refused, VERSION, excerpt};
use super::build::Build;
use super::next::Bounds;
use super::past;
use super::plan::Phase;
use super::steps;
use crate::decide::own_rules;
use crate::event::{AGENT, DRY_RUN, Red, State, Working};
use crate::gate;
use std::collections::BTreeMap;

/// Refusals that an agent is told of.
const REFUSALS: usize = 20;
/// Files that a note names.
const NAMED: usize = 5;

/// What a person should know of changes that were not shown to work before a phase began: they take room in the iteration,
/// of at most `most` files.
pub(super) fn still_open(state: &State, most: u32) -> Option<String> {
    let round = state.iteration.open.as_deref().filter(|round| !round.is_empty())?;
    let names: Vec<&str> = round.files.keys().take(NAMED).map(String::as_str).collect();
    let others = round.number().saturating_sub(names.len() as u64);
    let and = if others == 0 { String::new() } else { format!(" and {others} more") };
    let room = u64::from(most).saturating_sub(round.number());
    Some(format!(
        "the open iteration holds {}{and} already, and has room for {room} more: `guard iteration close` after a green check ends it",
        names.join(", ")
    ))
}

impl Build<'_> {
    /// The brief of the attempt that `working` is at.
    pub(super) fn brief(&self, phase: &Phase, working: &Working, state: &State, bounds: &Bounds) -> Brief {
        let steps = steps::of(phase);
        let round = state.iteration.open.as_deref();
        let open: Vec<String> = round.map(|round| round.files.keys().cloned().collect()).unwrap_or_default();
        let most = u64::from(self.settings.iteration.files);
        let dollars = |millionths: u64| std::time::Duration::from_micros(millionths).as_secs_f64();
        Brief {
            version: VERSION,
            phase: PhaseBrief {
                id: phase.id.clone(),
                description: phase.description.clone(),
                goal: phase.goal.clone(),
                accept: phase.accept.clone(),
                files: phase.files.clone(),
                mode: phase.mode,
            },
            attempt: u64::from(working.attempt),
            budget: Budget {
                left: self.left(working, state),
                agent_runs_left: u64::from(bounds.agent_runs.saturating_sub(working.agent_runs)),
                wall_left_s: bounds.left(working).as_secs(),
                cost_left: bounds.cost.map(|most| dollars(most.saturating_sub(working.cost))),
            },
            last: working.red.as_ref().map(|red| self.last(red, &steps, state)),
            stuck: working.stuck.clone().or_else(|| same_again(working)),
            cleaned: cleaned(working),
            iteration: Iteration { more: most.saturating_sub(open.len() as u64), open },
            allowed: Brief::calls(),
            refused: self.refusals(working, state),
            checks: steps.iter().map(|step| CheckRun { step: step.name.clone(), command: step.shown() }).collect(),
            cut: Vec::new(),
        }
    }

    /// Attempts that are left, by category and in all.
    fn left(&self, working: &Working, state: &State) -> BTreeMap<String, u64> {
        let policy = &self.settings.attempts;
        let all = [
            ("all", "total", policy.total, state.attempts.total()),
            ("syntax", "syntax", policy.syntax, state.attempts.used("syntax")),
            ("import", "import", policy.import, state.attempts.used("import")),
            ("type", "type", policy.r#type, state.attempts.used("type")),
            ("test", "test", policy.test, state.attempts.used("test")),
            ("runtime", "runtime", policy.runtime, state.attempts.used("runtime")),
            ("database", "database", policy.database, state.attempts.used("database")),
            ("denials", "denials", policy.denials, state.attempts.denials),
        ];
        let left = all.into_iter().map(|(said, name, policy, used)| {
            let most = working.attempts.get(name).map_or(policy, |own| policy.min(*own));
            (said.to_owned(), u64::from(most.saturating_sub(used)))
        });
        left.collect()
    }

    fn last(&self, red: &Red, steps: &[steps::Step], state: &State) -> Last {
        let step = steps.iter().find(|step| step.name == red.step);
        let output = red.run.filter(|_| red.step != AGENT).map(|run| past::printed(self.project, run, state.records));
        Last {
            step: red.step.clone(),
            command: step.map(steps::Step::shown).unwrap_or_default(),
            category: red.category.clone().unwrap_or_default(),
            message: red.message.clone(),
            output: excerpt(&output.unwrap_or_default(), EXCERPT),
            tests: red.run.map(|run| past::failing(self.project, run, state.records)).unwrap_or_default(),
        }
    }

    /// What was refused in this phase, with why and what to do instead.
    fn refusals(&self, working: &Working, state: &State) -> Vec<Refused> {
        let refusals = past::refusals(self.project, working.seq, state.records);
        let Ok(policy) = gate::load(self.project) else { return Vec::new() };
        let said = |id: &String| {
            let own = own_rules().find(|rule| rule.id == id);
            let own = own.map(|rule| (rule.reason.replace("{}", "…"), rule.instead.map(str::to_owned)));
            own.or_else(|| {
                let rule = policy.rules().find(|(_, _, rule)| rule.id == *id);
                rule.map(|(_, _, rule)| (rule.reason, rule.instead))
            })
        };
        let skip = refusals.len().saturating_sub(REFUSALS);
        let told = refusals.into_iter().skip(skip).filter_map(|(what, rules)| {
            let rule = rules.into_iter().next()?;
            let (reason, instead) = said(&rule).unwrap_or_default();
            Some(Refused { what, rule, reason, instead })
        });
        told.collect()
    }
}

/// What shows that attempts go round in circles: the last error was there before.
fn same_again(working: &Working) -> Option<String> {
    let last = working.red.as_ref()?;
    let error = last.error.as_ref()?;
    let mut before = working.tried.iter().rev().skip(1).map(|(_, error)| error);
    match before.position(|known| known == error)? {
        0 => Some(format!("the same error as in the attempt before: {}", last.message)),
        _ => Some(format!("an error that was there in an earlier attempt is back: {}", last.message)),
    }
}

/// What was cleaned up after what ran out of time.
fn cleaned(working: &Working) -> Vec<String> {
    match &working.red {
        Some(red) if red.step == AGENT => vec![
            format!("attempt {}: {}", red.attempt, red.message),
            "commands that ran then were ended, and what they had changed was not taken over".to_owned(),
        ],
        Some(red) if red.step == DRY_RUN || red.message == "timed out" => vec![format!(
            "`{}` was ended with all that it had started, and what it had changed was not taken over if it ran out of time",
            red.step
        )],
        Some(_) | None => Vec::new(),
    }
}
