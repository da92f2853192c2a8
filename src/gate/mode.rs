//! The mode a project is in: shown to everybody, set by a person.
//! Knows no databases and no doors.

use super::desk::Desk;
use super::person::{Proof, proved, required};
use super::{Project, Stop, World, entries};
use crate::approve::{Decision, Statement};
use crate::decide::policy::Strength;
use crate::event::{By, Detail, Mode, ModeSet, ModeStanding};
use crate::record::Receipt;

/// A mode that a person may set.
#[derive(Debug)]
pub struct NewMode {
    /// What they agree to.
    pub statement: Statement,
    /// The least their answer must be.
    pub required: Strength,
    /// The mode.
    pub mode: Mode,
    /// The one it is in now.
    pub before: ModeStanding,
}

/// The mode the project is in.
///
/// # Errors
/// Where the log cannot be used.
pub fn mode(world: &World, project: &Project) -> Result<ModeStanding, Stop> {
    Ok(Desk::open_to_look(world, project)?.state().mode)
}

/// A mode, for a person who is to set it.
///
/// # Errors
/// Where whoever asks is inside an agent's fence.
pub fn propose_mode(world: &World, project: &Project, mode: Mode) -> Result<NewMode, Stop> {
    for_a_person(world)?;
    let desk = Desk::open_to_look(world, project)?;
    let before = desk.state().mode;
    let statement = Statement::of_mode(&desk.log_id(), mode, before.seq, uid());
    Ok(NewMode { required: required(&desk, statement.kind())?, statement, mode, before })
}

/// Sets the mode that a person has agreed to.
///
/// # Errors
/// Where the proof does not hold, or another mode was set since.
pub fn set_mode(world: &World, project: &Project, new: &NewMode, proof: Proof) -> Result<Receipt, Stop> {
    for_a_person(world)?;
    let mut desk = Desk::open_to_look(world, project)?;
    let by = proved(&desk, &new.statement, Decision::Approve, proof)?;
    desk.enter(new.mode, new.before.seq, &by)
}

impl Desk<'_> {
    /// Records that the project is in `mode` from now on, by whoever's word; `seq`: the record that set the one before.
    ///
    /// # Errors
    /// Where another was set since.
    pub(super) fn enter(&mut self, mode: Mode, seq: u64, by: &By) -> Result<Receipt, Stop> {
        let written = self.log.append_when(&self.redactor, |state| {
            if state.mode.seq != seq {
                return Err(Stop::Usage {
                    what: "another mode was set since this one was shown".into(),
                    help: "look at it with `guard mode`, and set it again".into(),
                });
            }
            let set = ModeSet { to: mode, before: state.mode.now, by: by.clone() };
            Ok(vec![entries::of("GUARD", "MODE", mode.word(), "SUCCESS", Detail::ModeSet(Box::new(set)))])
        });
        written.map_err(Stop::Log)?
    }
}

fn uid() -> u32 {
    rustix::process::getuid().as_raw()
}

/// Whoever is inside a harness's fence is no person, whatever they type or sign.
fn for_a_person(world: &World) -> Result<(), Stop> {
    if world.only.is_none() {
        return Ok(());
    }
    Err(Stop::Usage {
        what: "a person sets the mode, and nobody inside a fence is one".into(),
        help: "`guard status` says which one it is; ask a person for another".into(),
    })
}
