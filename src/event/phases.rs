//! What the log keeps of a plan's phases: what each may do, every step of it, and how it ended.
//! Knows no plans.

use super::{Checked, Mode, Spent};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A phase begins, or goes on after a person resumed it. Until its end it holds for every action in the project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhaseStarted {
    /// The plan's file, from the project's root.
    pub plan: String,
    /// SHA-256 of the plan's text.
    pub plan_sha256: String,
    /// Its id: `2.3`.
    pub phase: String,
    /// SHA-256 of all that the plan says of it.
    pub sha256: String,
    /// What it is.
    pub description: String,
    /// Globs of the files that it may touch, from the project's root.
    pub files: Vec<String>,
    /// The mode that it is worked on in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Failed attempts it may have, by category, `total` and `denials`: where they are fewer than the policy's they hold instead.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attempts: BTreeMap<String, u32>,
}

/// A step of a phase has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhaseStep {
    /// Sequence number of the phase's start.
    pub of: u64,
    /// `agent`, `install`, `lint`, `types`, `format`, `tests`, `migration`, `data` or `dry-run`, with a number where a phase
    /// has several of the sort: `tests 2`.
    pub step: String,
    /// Which attempt of the phase it belongs to, from 1.
    pub attempt: u32,
    /// What came of it.
    pub result: StepResult,
    /// The record that what it ran began with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<u64>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// Fingerprint of the project's files as it left them.
    pub files: String,
    /// Of one that is red: its category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Of one that is red: what is wrong, in a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Of one that is red: fingerprint of what it says, so that the same is known again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Of tests: how many ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tests: Option<u64>,
    /// Requests that a person is asked and that it waits for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asks: Vec<String>,
    /// What it cost, in millionths of a US dollar, where an agent says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<u64>,
    /// What is counted of it, where what it ran does not count by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Box<Checked>>,
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepResult {
    /// It is done, or green.
    Pass,
    /// It is red: the agent is to try again.
    Fail,
    /// The agent goes round in circles, or does nothing: that is an attempt as well.
    Stuck,
    /// It waits for a person.
    Waits,
}

impl StepResult {
    /// The word of logs and `--json`.
    pub fn word(self) -> &'static str {
        match self {
            StepResult::Pass => "pass",
            StepResult::Fail => "fail",
            StepResult::Stuck => "stuck",
            StepResult::Waits => "waits",
        }
    }
}

/// A phase has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhaseEnded {
    /// Sequence number of its start.
    pub of: u64,
    /// Its id.
    pub phase: String,
    /// Whether it is complete; else it failed.
    pub complete: bool,
    /// Files that were changed in it and not taken back, the first of them.
    pub files: Vec<String>,
    /// How many more there are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: u64,
    /// Tests that ran in its last green runs; none: no tool said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tests: Option<u64>,
    /// Runs of its agent.
    pub agent_runs: u32,
    /// Time of all its steps, in milliseconds.
    pub duration_ms: u64,
    /// What its agent's runs cost, in millionths of a US dollar.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cost: u64,
    /// Of one that failed: the category of its last error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Of one that failed: what was spent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<Spent>,
    /// Of one that failed: its last error, in a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// Of one that failed: the halt that a person resumes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halt: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
