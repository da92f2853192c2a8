//! What is told while a plan is worked on, in order.
//! Knows no screen.

use crate::event::{Spent, StepResult};
use serde::Serialize;
use std::time::Duration;

/// Something that a person, or a program, is told.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Told {
    /// The plan is read.
    Plan {
        /// Its file, from the project's root.
        plan: String,
        /// Ids and descriptions of its phases in the order they are worked on.
        phases: Vec<(String, String)>,
        /// Ids of those that are complete.
        complete: Vec<String>,
    },
    /// A phase begins, or goes on.
    Phase {
        /// Its id.
        phase: String,
        /// What it is.
        description: String,
        /// Whether it goes on where an earlier call left it.
        resumed: bool,
    },
    /// A step begins.
    Step {
        /// The phase.
        phase: String,
        /// The step.
        step: String,
        /// The attempt it belongs to, from 1.
        attempt: u32,
        /// The attempt that is the last, if nothing that failed is made good any more.
        budget: u32,
        /// What is run.
        what: String,
        /// Milliseconds it may take at most; none: not known.
        limit_ms: Option<u64>,
    },
    /// A step has ended.
    Stepped {
        /// The phase.
        phase: String,
        /// The step.
        step: String,
        /// What came of it.
        result: StepResult,
        /// Milliseconds it took.
        duration_ms: u64,
        /// What is wrong, in a line.
        message: Option<String>,
        /// What is spent, where it counted.
        attempts: Option<Spent>,
    },
    /// A person is waited for.
    Waiting {
        /// The phase.
        phase: String,
        /// The requests.
        requests: Vec<String>,
    },
    /// Something worth knowing.
    Note {
        /// In words.
        text: String,
    },
    /// A phase is complete.
    Complete {
        /// Its id.
        phase: String,
        /// What it is.
        description: String,
        /// Files that were changed, the first of them.
        files: Vec<String>,
        /// How many more there are.
        more: u64,
        /// Tests that passed; none: no tool said.
        tests: Option<u64>,
    },
    /// A phase failed: a person is needed.
    Failed {
        /// Its id.
        phase: String,
        /// What it is.
        description: String,
        /// The category of its last error.
        category: Option<String>,
        /// What is spent.
        attempts: Option<Spent>,
        /// The last error, in a line.
        last: Option<String>,
        /// What a person resumes.
        halt: String,
    },
}

/// Who is told.
pub trait Show {
    /// Something happened.
    fn tell(&mut self, told: &Told);
    /// What runs has begun, and may take so long at most.
    fn limit(&mut self, _: Duration) {}
    /// What the step that runs prints.
    fn output(&mut self, _: &[u8]) {}
    /// Called about once a second while a step runs.
    fn pulse(&mut self) {}
}
