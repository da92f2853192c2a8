//! What an agent is told: one JSON object, and nothing that is not in it.
//! Knows neither how it is cut to size nor how it is said in words.

use super::bounds;
use crate::event::Mode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The form of [`Brief`] that is written here.
pub const VERSION: u32 = 1;

/// What an agent is to do, what came of it so far, and within which bounds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Brief {
    /// The form of this object: [`VERSION`].
    pub version: u32,
    /// The phase of the plan.
    pub phase: PhaseBrief,
    /// Which attempt at the phase this is, from 1.
    pub attempt: u64,
    /// What may still be spent.
    pub budget: Budget,
    /// The last step that was red; none: there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Last>,
    /// In words, what shows that the attempts so far lead nowhere; none: nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stuck: Option<String>,
    /// What was ended or taken back after the last attempt ran out of time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cleaned: Vec<String>,
    /// The files of the iteration at hand.
    pub iteration: Iteration,
    /// What may be called.
    pub allowed: Vec<Allowed>,
    /// What was refused in this phase, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refused>,
    /// What will be run when the agent has ended, in this order.
    pub checks: Vec<CheckRun>,
    /// What was left out of this object for its size, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cut: Vec<String>,
}

/// The phase of a plan, as far as its agent needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhaseBrief {
    /// Its id, as `2.3`.
    pub id: String,
    /// Its description.
    pub description: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal: Option<String>,
    /// What must hold at its end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accept: Vec<String>,
    /// Globs of the files that it may change.
    pub files: Vec<String>,
    /// The mode it is built in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
}

/// What may still be spent, this attempt included.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Attempts left, by category of error as in the policy's `[attempts]`, and in `all`.
    pub left: BTreeMap<String, u64>,
    /// Runs of the agent left in this phase.
    pub agent_runs_left: u64,
    /// Seconds of wall time left in this phase.
    pub wall_left_s: u64,
    /// US dollars left; none: no limit, or the agent does not report what it costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_left: Option<f64>,
}

/// A step that was red.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Last {
    /// The step: `lint`, `types`, `format`, `tests`, `data`, `dry_run`, `agent`.
    pub step: String,
    /// The command that was run, or the query.
    pub command: String,
    /// The category of the error, as in the policy's `[attempts]`.
    pub category: String,
    /// The error in one line.
    pub message: String,
    /// What was printed, as far as it tells something: [`super::EXCERPT`] bytes at most, what is cut is marked.
    pub output: String,
    /// The tests that failed, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<String>,
}

/// The iteration at hand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Iteration {
    /// Files changed in it so far.
    pub open: Vec<String>,
    /// How many others may be changed before a green check closes it.
    pub more: u64,
}

/// A call that an agent may make.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allowed {
    /// The call, as `guard exec`.
    pub call: String,
    /// What it is for.
    pub what: String,
    /// A line that works.
    pub example: String,
}

/// Something that was refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    /// What was asked for.
    pub what: String,
    /// The rule that refused it.
    pub rule: String,
    /// Why.
    pub reason: String,
    /// What to do instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
}

/// A command that guard will run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckRun {
    /// The step it belongs to.
    pub step: String,
    /// The command, or the query.
    pub command: String,
}

impl Brief {
    /// As compact JSON, of [`super::WHOLE`] bytes at most: what had to be left out is marked where it stood, and named in `cut`.
    pub fn json(&self) -> String {
        bounds::fitted(self).1
    }

    /// The calls every agent may make, with lines that work for any project.
    pub fn calls() -> Vec<Allowed> {
        CALLS
            .iter()
            .map(|(call, what, example)| Allowed {
                call: (*call).to_owned(),
                what: (*what).to_owned(),
                example: (*example).to_owned(),
            })
            .collect()
    }
}

/// What an agent may call, what for, and a line that shows how.
const CALLS: [(&str, &str, &str); 8] = [
    ("guard exec", "run a command; its exit code and output are passed on", "guard exec -- pytest tests/ -q"),
    ("guard check", "only judge a command", "guard check -c 'rm -rf build'"),
    ("guard file read", "read a file", "guard file read services/risk.py --lines 1:80"),
    (
        "guard file write",
        "make a file, or give it another content, from standard input",
        "guard file write tests/test_risk.py --reason 'a test of the limit' < /tmp/new",
    ),
    (
        "guard file edit",
        "replace a text that stands in a file once",
        "guard file edit services/risk.py --old 'LIMIT = 2' --new 'LIMIT = 3' --reason 'the limit of phase 2'",
    ),
    ("guard file delete", "remove a file", "guard file delete scripts/old.py --reason 'nobody calls it'"),
    ("guard db query", "ask a database of the policy", "guard db query --db trades 'SELECT count(*) FROM orders'"),
    ("guard escalate", "stop and call a person", "guard escalate --analysis 'the schema lacks a column'"),
];
