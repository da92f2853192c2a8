//! Where changes come from: a command that ran, or an action on a file; and what its caller said.
//! Judges nothing.

use super::file::Verb;
use super::judged::answered;
use super::request::Waiting;
use super::{Request, entries};
use crate::approve::Permit;
use crate::decide::policy::Writes;

/// Where changes come from, and what its caller said about it.
#[derive(Debug, Clone)]
pub(super) struct Origin<'a> {
    /// The command, or the call of guard.
    pub(super) text: &'a str,
    /// Sequence number of the command's start; `None`: no command made them.
    pub(super) of: Option<u64>,
    /// Where it may write.
    pub(super) area: Writes,
    /// Rules that asked of the command itself and were answered.
    pub(super) answered: Vec<String>,
    pub(super) caller: Caller<'a>,
    /// The action on a file, where it is one.
    pub(super) file: Option<OnFile<'a>>,
}

/// What the log says of an action on a file.
#[derive(Debug, Clone)]
pub(super) struct OnFile<'a> {
    pub(super) verb: Verb,
    /// The file, as the log names it.
    pub(super) path: String,
    /// Where it is moved to.
    pub(super) to: Option<String>,
    pub(super) reason: &'a str,
    /// Whether it is not tried once more where the system stands in the way.
    pub(super) last: bool,
}

impl OnFile<'_> {
    /// What counts where it is refused, or fails, again.
    pub(super) fn target(&self) -> String {
        format!("file {} {}", self.verb.action(), self.path)
    }
}

/// What the caller said.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller<'a> {
    pub(super) task: Option<&'a str>,
    pub(super) reason: Option<&'a str>,
    pub(super) waiting: Option<Waiting>,
    pub(super) dry_run: bool,
}

impl<'a> Origin<'a> {
    /// A command that began with record `of`.
    pub(super) fn command(permit: &'a Permit, of: u64, request: &'a Request) -> Self {
        Self {
            text: entries::text(permit.action()),
            of: Some(of),
            area: permit.grant().area,
            answered: answered(permit),
            caller: Caller {
                task: request.task.as_deref(),
                reason: request.reason.as_deref(),
                waiting: request.waiting,
                dry_run: request.dry_run,
            },
            file: None,
        }
    }
}
