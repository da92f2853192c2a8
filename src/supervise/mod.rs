//! The build loop: from a plan to a finished phase or a person's desk.
//! Knows plans, agents and the gate; neither doors nor how anything is judged, run or recorded.

pub mod agent;
mod agent_run;
mod brief;
mod build;
mod checks;
mod data;
mod ended;
mod fault;
mod files;
mod migrate;
mod next;
mod past;
pub mod plan;
mod show;
mod steps;

pub use build::{End, Options, Waits, run};
pub use fault::LoopFault;
pub use past::{PastPhase, PastStep, Report, phase_changes, report};
pub use show::{Show, Told};

use std::time::Duration;

/// A time as people write it: `90s`, `5min`, `2h`.
pub(crate) fn said(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 if !time.is_zero() => format!("{}ms", time.as_millis()),
        _ if seconds >= 3600 && seconds.is_multiple_of(3600) => format!("{}h", seconds / 3600),
        _ if seconds >= 60 && seconds.is_multiple_of(60) => format!("{}min", seconds / 60),
        _ => format!("{seconds}s"),
    }
}
