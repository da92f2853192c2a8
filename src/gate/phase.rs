//! The phase of a plan that is worked on: what holds while it is, and the records of it.
//! Knows no plans; who goes through one is the build loop's.

use super::desk::{Desk, now};
use super::halt::Calling;
use super::{Project, Stop, World, entries};
use crate::decide::policy::Attempts;
use crate::event::{By, Cause, Checked, Detail, PhaseEnded, PhaseStarted, PhaseStep, Proves, Spent};
use crate::failfast::{Category, spent};
use crate::notify::Notice;
use crate::record::Receipt;
use rustix::fs::{FlockOperation, flock};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;

/// A step that counts as a failed attempt by itself.
#[derive(Debug, Clone)]
pub struct Failing {
    /// The category it counts in.
    pub category: Category,
    /// What failed: `plan:` and the step.
    pub rule: String,
    /// The command or query, as a report shows it.
    pub command: String,
    /// Everything that is known of the failure.
    pub error: String,
}

/// What was recorded of a step.
#[derive(Debug)]
pub struct Stepped {
    /// Its record.
    pub receipt: Receipt,
    /// What is spent, where it counted.
    pub attempts: Option<Spent>,
    /// The halt that it led to.
    pub halted: Option<String>,
    /// Why a person was not told of that.
    pub untold: Option<Stop>,
}

/// The one build loop of a project; dropped, another may begin.
#[derive(Debug)]
pub struct Loop {
    _locked: File,
}

/// Begins to be the build loop of a project; `None`: another is.
///
/// # Errors
/// Where its lock cannot be made.
pub fn hold_loop(project: &Project) -> Result<Option<Loop>, Stop> {
    let path = project.paths.state.join("loop.lock");
    let fault = |cause: String| Stop::System { what: format!("cannot lock `{}`", super::shown(&path)), cause };
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600).custom_flags(libc::O_NOFOLLOW);
    let file = options.open(&path).map_err(|error| fault(error.to_string()))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(Loop { _locked: file })),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(fault(error.to_string())),
    }
}

/// Records that a phase begins. Its mode, if it has one, is the project's from then on.
///
/// # Errors
/// Where everything is halted, or the log cannot be written.
pub fn begin_phase(world: &World, project: &Project, started: PhaseStarted) -> Result<Receipt, Stop> {
    let mut desk = Desk::open(world, project)?;
    if let Some(mode) = started.mode
        && desk.state().mode.now != Some(mode)
    {
        let (who, strength) = (format!("phase {} of {}", started.phase, started.plan), "plan".to_owned());
        let seq = desk.state().mode.seq;
        desk.enter(mode, seq, &By { who, strength, key: None, signature: None })?;
    }
    let target = format!("{}: {}", started.phase, started.description);
    let entry = entries::of("PHASE", "START", &target, "STARTED", Detail::PhaseStarted(Box::new(started)));
    let written = desk.log.append_when(&desk.redactor, |state| match &state.requests.halt {
        Some(halt) => Err(Stop::Halted { name: halt.name.clone() }),
        None => Ok(vec![entry.clone()]),
    });
    written.map_err(Stop::Log)?
}

/// Records a step that has ended; `failing`: it counts, and the one that spends a budget halts.
///
/// # Errors
/// Where the log cannot be written.
pub fn record_step(
    world: &World,
    project: &Project,
    step: PhaseStep,
    failing: Option<&Failing>,
) -> Result<Stepped, Stop> {
    let mut desk = Desk::open(world, project)?;
    let budgets = desk.budgets();
    let phase = desk.state().phases.open.as_ref().map(|open| open.phase.clone()).unwrap_or_default();
    let mut attempts = None;
    let recorded = desk.record(|state| {
        let mut step = step.clone();
        let mut calling = None;
        if let Some(failing) = failing {
            let counted = spent(&state.attempts, failing.category, &budgets);
            attempts = Some(counted);
            step.check = Some(Box::new(failed(failing, counted, step.message.clone())));
            calling = counted.is_all().then(|| Calling {
                cause: Cause::Failures,
                category: Some(failing.category.word().to_owned()),
                attempts: Some(counted),
                task: None,
                command: Some(failing.command.clone()),
                last_error: failing.error.clone(),
                said: None,
            });
        }
        let target = match &step.message {
            Some(message) => format!("{phase} {}: {message}", step.step),
            None => format!("{phase} {}", step.step),
        };
        let result = step.result.word().to_uppercase();
        (vec![entries::of("PHASE", "STEP", &target, &result, Detail::PhaseStep(Box::new(step)))], calling)
    })?;
    Ok(Stepped { receipt: recorded.receipt, attempts, halted: recorded.halted, untold: recorded.untold })
}

fn failed(failing: &Failing, spent: Spent, message: Option<String>) -> Checked {
    Checked {
        rule: failing.rule.clone(),
        proves: Proves::Failure,
        at_ms: now().timestamp_millis(),
        targets: vec![failing.command.clone()],
        options: Vec::new(),
        ran: None,
        left_out: None,
        clears: Vec::new(),
        category: Some(failing.category.word().to_owned()),
        attempts: Some(spent),
        tests: Vec::new(),
        message,
    }
}

/// Records that a phase has ended.
///
/// # Errors
/// Where the log cannot be written.
pub fn end_phase(world: &World, project: &Project, ended: PhaseEnded, description: &str) -> Result<Receipt, Stop> {
    let mut desk = Desk::open_to_look(world, project)?;
    let (action, result) = if ended.complete { ("COMPLETE", "PASS") } else { ("FAILED", "FAIL") };
    let target = format!("{}: {description}", ended.phase);
    let entry = entries::of("PHASE", action, &target, result, Detail::PhaseEnded(Box::new(ended)));
    desk.log.append(&desk.redactor, vec![entry]).map_err(Stop::Log)
}

impl Desk<'_> {
    /// How many failures there may be: the policy's budgets, and in a phase the plan's where they are less.
    pub(super) fn budgets(&self) -> Attempts {
        let policy = &self.policy.settings().attempts;
        let plan = self.state().phases.open.as_ref().map(|open| &open.attempts);
        let least = |name: &str, most: u32| plan.and_then(|plan| plan.get(name)).map_or(most, |plan| most.min(*plan));
        Attempts {
            total: least("total", policy.total),
            syntax: least("syntax", policy.syntax),
            import: least("import", policy.import),
            r#type: least("type", policy.r#type),
            test: least("test", policy.test),
            runtime: least("runtime", policy.runtime),
            database: least("database", policy.database),
            denials: least("denials", policy.denials),
        }
    }
}

/// Has a person told that a plan is done; `phases`: what was done, a line a phase.
///
/// # Errors
/// Why they could not be told.
pub fn tell_end(world: &World, project: &Project, plan: &str, phases: &str) -> Result<(), Stop> {
    let desk = Desk::open_to_look(world, project)?;
    super::notice::tell(project, &desk.redactor, Notice::end(plan, phases))
}
