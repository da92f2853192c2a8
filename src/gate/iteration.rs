//! Iterations: begun by whoever works, closed by a green check, or by a person who takes it upon themselves.
//! Knows no bounds and no doors.

use super::desk::Desk;
use super::person::{Proof, proved, required};
use super::{Project, Stop, World, entries};
use crate::approve::{Decision, Statement};
use crate::decide::policy::{Iteration, Strength};
use crate::event::line::visible;
use crate::event::{Begun, Detail, Entry, IterationEnded, Round, State};
use crate::record::Receipt;

/// Characters that say what an iteration is for, at most.
const LONGEST: usize = 500;

/// Where the iteration stands.
#[derive(Debug)]
pub struct Progress {
    /// The open one.
    pub open: Option<Box<Round>>,
    /// What one may touch.
    pub bounds: Iteration,
    /// Why it cannot be closed without a person; `None`: it can, or none is open.
    pub unproved: Option<String>,
}

/// An iteration that a person may close without a green check.
#[derive(Debug)]
pub struct Unproved {
    /// What they agree to.
    pub statement: Statement,
    /// The least their answer must be.
    pub required: Strength,
    /// The iteration.
    pub round: Round,
    /// What no check has shown.
    pub why: String,
}

/// Where the iteration stands.
///
/// # Errors
/// Where the log cannot be used.
pub fn progress(world: &World, project: &Project) -> Result<Progress, Stop> {
    let desk = Desk::open_to_look(world, project)?;
    let state = desk.state();
    let open = state.iteration.open.clone();
    let unproved = open.as_ref().and_then(|round| proof(state, round).err());
    Ok(Progress { open, bounds: desk.policy.settings().iteration.clone(), unproved })
}

/// Begins an iteration for what it is for. One in which nothing has changed gives way to it.
///
/// # Errors
/// Where one with changes is open: it is to be closed first.
pub fn start_iteration(world: &World, project: &Project, what: &str) -> Result<Receipt, Stop> {
    let what = what.trim();
    if what.is_empty() || what.chars().count() > LONGEST {
        return Err(Stop::Usage {
            what: format!("what the iteration is for takes 1 to {LONGEST} characters"),
            help: "say in a line what is to be changed: `guard iteration start \"round fees to cents\"`".into(),
        });
    }
    let mut desk = Desk::open(world, project)?;
    not_halted(&desk)?;
    let written = desk.log.append_when(&desk.redactor, |state| {
        let mut entries = Vec::new();
        if let Some(round) = &state.iteration.open {
            if !round.is_empty() {
                return Err(Stop::Iteration {
                    what: format!(
                        "an iteration is open (record #{}), with {} changed",
                        round.seq,
                        files(round, quoted)
                    ),
                    help: "run the check that shows it works, and `guard iteration close`".into(),
                });
            }
            entries.push(closed(round, None, None));
        }
        let begun = Begun { what: Some(what.to_owned()) };
        entries.push(entries::of("GUARD", "ITERATION", what, "STARTED", Detail::IterationStarted(Box::new(begun))));
        Ok::<_, Stop>(entries)
    });
    written.map_err(Stop::Log)?
}

/// Closes the open iteration, if a check that began after its last change was green, or nothing changed in it.
///
/// # Errors
/// What no check has shown.
pub fn close_iteration(world: &World, project: &Project) -> Result<Receipt, Stop> {
    let mut desk = Desk::open(world, project)?;
    not_halted(&desk)?;
    let written = desk.log.append_when(&desk.redactor, |state| {
        let round = state.iteration.open.as_ref().ok_or_else(none_open)?;
        let check = proof(state, round).map_err(|why| Stop::Iteration {
            what: format!("the iteration of record #{} stays open: {why}", round.seq),
            help: "run the check that shows it works (tests), and close it then; a person closes it without one, by \
                   `guard iteration close --person`"
                .into(),
        })?;
        Ok::<_, Stop>(vec![closed(round, check, None)])
    });
    written.map_err(Stop::Log)?
}

/// The open iteration, for a person who is to close it without a check.
///
/// # Errors
/// Where none is open, or whoever asks is inside an agent's fence.
pub fn unproved(world: &World, project: &Project) -> Result<Unproved, Stop> {
    for_a_person(world)?;
    let desk = Desk::open_to_look(world, project)?;
    let round = desk.state().iteration.open.as_deref().ok_or_else(none_open)?.clone();
    let why = proof(desk.state(), &round).err().unwrap_or_else(|| "a check was green; nothing is left to show".into());
    let statement = Statement::of_iteration(&desk.log_id(), &round, uid());
    Ok(Unproved { required: required(&desk, statement.kind())?, statement, round, why })
}

/// Closes the iteration that a person has seen, as it was then.
///
/// # Errors
/// Where the proof does not hold, or something has changed in it since.
pub fn close_by_person(world: &World, project: &Project, seen: &Unproved, proof: Proof) -> Result<Receipt, Stop> {
    for_a_person(world)?;
    let mut desk = Desk::open_to_look(world, project)?;
    let by = proved(&desk, &seen.statement, Decision::Approve, proof)?;
    let log = desk.log_id();
    let written = desk.log.append_when(&desk.redactor, |state| {
        let round = state.iteration.open.as_ref().ok_or_else(none_open)?;
        if Statement::of_iteration(&log, round, uid()) != seen.statement {
            return Err(Stop::Iteration {
                what: "the iteration has changed since it was shown".into(),
                help: "look at it again with `guard iteration status`, and close it then".into(),
            });
        }
        Ok(vec![closed(round, None, Some(by.clone()))])
    });
    written.map_err(Stop::Log)?
}

/// The end of the check that lets an iteration be closed, where it needs one; the error is what no check has shown.
fn proof(state: &State, round: &Round) -> Result<Option<u64>, String> {
    if round.is_empty() {
        return Ok(None);
    }
    let last = round.last.unwrap_or(round.seq);
    let failed = state.attempts.series.values().flat_map(|series| &series.tries);
    if let Some(failed) = failed.filter(|tried| !tried.good && tried.seq > last).max_by_key(|tried| tried.seq) {
        return Err(format!(
            "the check of record #{} has failed since its last change, and was not green since",
            failed.seq
        ));
    }
    match round.green {
        Some(green) => Ok(Some(green)),
        None => Err(format!("no check was green that began after its last change (record #{last})")),
    }
}

fn closed(round: &Round, check: Option<u64>, by: Option<crate::event::By>) -> Entry {
    let how = match (check, &by) {
        (Some(_), _) => "PASS",
        (None, Some(_)) => "CLOSED",
        (None, None) => "EMPTY",
    };
    let ended = IterationEnded { of: round.seq, check, by };
    let target = round.what.clone().unwrap_or_else(|| files(round, str::to_owned));
    entries::of("GUARD", "ITERATION", &target, how, Detail::IterationClosed(Box::new(ended)))
}

/// Its files: the first few, each as `named` writes it, and how many more.
fn files(round: &Round, named: fn(&str) -> String) -> String {
    const MOST: usize = 5;
    let shown: Vec<String> = round.files.keys().take(MOST).map(|file| named(file)).collect();
    match round.number().saturating_sub(shown.len() as u64) {
        0 => shown.join(" "),
        more => format!("{} and {more} more", shown.join(" ")),
    }
}

/// Safe for a terminal: whoever makes a file chooses its name.
fn quoted(file: &str) -> String {
    format!("`{}`", visible(file))
}

fn uid() -> u32 {
    rustix::process::getuid().as_raw()
}

fn none_open() -> Stop {
    Stop::Usage {
        what: "no iteration is open".into(),
        help: "the first change begins one, and so does `guard iteration start \"what it is for\"`".into(),
    }
}

fn not_halted(desk: &Desk<'_>) -> Result<(), Stop> {
    match &desk.state().requests.halt {
        Some(halt) => Err(Stop::Halted { name: halt.name.clone() }),
        None => Ok(()),
    }
}

/// Whoever is inside a harness's fence is no person, whatever they type or sign.
fn for_a_person(world: &World) -> Result<(), Stop> {
    if world.only.is_none() {
        return Ok(());
    }
    Err(Stop::Iteration {
        what: "a person closes an iteration without a check, and nobody inside a fence is one".into(),
        help: "run the check that shows it works, and `guard iteration close`".into(),
    })
}
