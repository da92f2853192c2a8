//! Agents: how each is started, told what to do, and understood.
//! Knows no processes.

mod actions;
mod adapters;
mod bounds;
mod brief;
mod heard;
mod prompt;

pub use actions::{Act, Actions, Call, Step, Unread};
pub use adapters::{ADAPTERS, Adapter, Given, adapter};
pub use bounds::{EXCERPT, WHOLE, excerpt};
pub use brief::{Allowed, Brief, Budget, CheckRun, Iteration, Last, PhaseBrief, Refused, VERSION};
pub use heard::{Heard, LINE, Listening, SAID};
pub use prompt::prompt;

use std::ffi::OsString;

/// The variable that holds the brief, as it stands on standard input.
pub const TASK: &str = "GUARD_TASK";
/// The variable that holds the phase's id.
pub const PHASE: &str = "GUARD_PHASE";
/// The variable that holds the number of the attempt, from 1.
pub const ATTEMPT: &str = "GUARD_ATTEMPT";

/// The variables that every agent is started with.
pub fn environment(brief: &Brief) -> Vec<(OsString, OsString)> {
    // A NUL cannot stand in the environment: an id that holds one is no plan's.
    let phase = brief.phase.id.replace('\0', "");
    [(TASK, brief.json()), (PHASE, phase), (ATTEMPT, brief.attempt.to_string())]
        .map(|(name, value)| (name.into(), value.into()))
        .to_vec()
}
