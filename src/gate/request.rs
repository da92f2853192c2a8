//! What a door hands to the gate: one thing asked, as it came, and what the caller says about it.
//! Knows no doors.

use super::{Stop, facts};
use crate::action::shell::Asked;
use crate::action::{Action, Shell};
use crate::decide::policy::Check;
use crate::execute::Environment;
use std::time::Duration;

/// One thing asked through a door.
#[derive(Debug)]
pub struct Request {
    /// What is asked, as it came.
    pub asked: Asked,
    /// A shorter time limit than the policy's.
    pub timeout: Option<Duration>,
    /// What the caller calls the task.
    pub task: Option<String>,
    /// Why the caller wants it.
    pub reason: Option<String>,
    /// Whether the caller waits where a person is asked.
    pub waiting: Option<Waiting>,
    /// Whether its changes to the project are only looked at.
    pub dry_run: bool,
    /// The step of the open phase that it is, where the build loop asks it.
    pub step: Option<Step>,
}

impl Request {
    /// Nothing more than this.
    pub fn of(asked: Asked) -> Self {
        Self { asked, timeout: None, task: None, reason: None, waiting: None, dry_run: false, step: None }
    }
}

/// What a plan says that a command is.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its name: `tests`, `lint 2`.
    pub name: String,
    /// What it proves where no rule says so.
    pub check: Option<Check>,
}

/// A caller who waits for a person's answer.
#[derive(Debug, Clone, Copy)]
pub struct Waiting {
    /// For how long; `None`: as long as the request waits.
    pub limit: Option<Duration>,
    /// Told the request's name once the waiting begins, and why the person was not told of it, if so.
    pub told: fn(&str, Option<Stop>),
}

/// Takes apart what was asked, as the command will find its environment.
pub(super) fn parse(asked: Asked, environment: &Environment) -> Action {
    let known = facts::known(&environment.variables);
    Action::Shell(match asked {
        Asked::Argv(argv) => Shell::from_argv_in(argv, &known),
        Asked::Line(line) => Shell::from_line_in(line, &known),
    })
}
