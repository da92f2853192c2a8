//! Running what was permitted: inside the fence, within limits, with its output passed on and kept.
//! Knows no policy: a [`Permit`] is all it takes.

pub(crate) mod authorities;
mod beside;
pub mod calls;
mod capture;
pub(crate) mod child;
pub mod change;
mod compose;
mod environment;
pub mod file;
mod error;
pub mod forms;
mod kept;
mod level;
mod libraries;
mod limits;
pub mod migration;
pub(crate) mod names;
pub mod posture;
pub mod query;
mod reads;
mod real;
mod run;
pub mod sandbox;
mod terminal;
mod traffic;
mod unlinked;
mod written;

pub use beside::{Beside, beside};
pub use capture::Capture;
pub use compose::prepare_config;
pub use environment::Environment;
pub use error::ExecuteError;
pub use level::Level;
pub use libraries::{interpreter, libraries};
pub use limits::Limits;
pub use reads::{Reads, unseen};
pub use real::{Followed, follow, real_in};
pub use run::{Means, Prepared, Sink, prepare, prepare_order};
pub use traffic::{Refused, Traffic};
pub use written::allocated;

use crate::event::Ended;
use std::path::PathBuf;
use std::time::Duration;

/// Where a command runs, and what it must not see or change there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The project's root: the one folder a command may write to.
    pub project: PathBuf,
    /// The folder the command starts in, inside the project.
    pub cwd: PathBuf,
    /// Files and folders inside the project that stay read-only, existing or not (`guard.toml`, `.git/hooks`, `.git/config`).
    pub protected: Vec<PathBuf>,
    /// Files and folders that are hidden altogether (the log, the state folders, the person's configuration of guard).
    pub hidden: Vec<PathBuf>,
    /// A folder that caches are pointed to and that may be written. One below `/tmp` that does not exist is made in
    /// the fence's private `/tmp`, or for the run where there is none.
    pub caches: PathBuf,
    /// What it may read of homes and of the system.
    pub reads: Reads,
}

/// What of the fence stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// The level reached.
    pub level: Level,
    /// What is missing, each with the mend.
    pub missing: Vec<String>,
}

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    /// How it ended.
    pub ended: Ended,
    /// The exit code to pass on: the command's own, 128+n for a signal, 124 timed out, 137 at a limit.
    pub exit_code: i32,
    /// The signal that ended the command, whoever sent it.
    pub signal: Option<i32>,
    /// Which limit stopped it, if one did: `memory`, `total-write`, `output`, `cpu` or `processes`.
    pub limit: Option<String>,
    /// Standard output.
    pub stdout: Capture,
    /// Standard error.
    pub stderr: Capture,
    /// Wall time from release to the end.
    pub duration: Duration,
    /// The fence it ran in.
    pub fence: Fence,
    /// What its network was let through to, and what not.
    pub traffic: Traffic,
    /// Files that it left where Python puts what it compiles, below that folder, in the project's part of it.
    pub compiled: Vec<PathBuf>,
    /// What is left of the fence, no process of the command's among it. Dropped, it is gone.
    remains: Option<sandbox::Fenced>,
}
