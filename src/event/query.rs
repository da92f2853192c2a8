//! What the log keeps of a query: what was asked of which database, and what came of it.
//! Knows no SQL and no server.

use super::checks::Checked;
use super::detail::RuleHit;
use super::mode::Environment;
use serde::{Deserialize, Serialize};

/// A query that is about to be sent to a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryStart {
    /// The database's name in the policy.
    pub database: String,
    /// What tells its server and database from any other, however its URL is written; none where nobody answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// Whether it is the one for tests.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub test: bool,
    /// Which of its databases was asked, and what could be written there. Older records do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
    /// The request that a person approved, where it writes by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
    /// SHA-256 of the text as it was sent, in hex; none where the log shows it without its literals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Hash of the policy it was judged by.
    pub policy: String,
    /// Time limit in milliseconds.
    pub timeout_ms: u64,
    /// Rows it could be given, where the policy has a budget of them: they count if its end is never seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<u64>,
    /// What the caller called the task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// What of the server's posture the policy lets pass with a warning.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// A query that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryEnd {
    /// Sequence number of its start.
    pub of: u64,
    /// How.
    pub ended: QueryEnded,
    /// Rows that were handed on.
    pub rows: u64,
    /// Bytes of their values.
    pub bytes: u64,
    /// Rows that it inserted, changed or deleted, where it was to do that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<u64>,
    /// `rows` or `bytes`: the cap at which it was cut short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncated: Option<String>,
    /// The groups of the policy's `[alpha]` that these are rows of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Rules that refused it once the server's catalog was known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleHit>,
    /// How often it was sent.
    pub tries: u32,
    /// Wall time in milliseconds.
    pub duration_ms: u64,
    /// What it means for the budgets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Box<Checked>>,
}

/// How a query ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueryEnded {
    /// With its rows, or with as many as the policy lets through.
    Answered,
    /// Rules refused it by what the server's catalog says; it was not run.
    Refused,
    /// With an error of the server's, or of the way to it.
    Failed,
    /// At its time limit.
    TimedOut,
    /// Guard was told to stop, or nobody read the rows any more.
    Cancelled,
}

/// A query that was refused before anything of it reached a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryRefused {
    /// The database's name in the policy, or as it was asked for.
    pub database: String,
    /// `deny`, `ask` or `halted`.
    pub verdict: String,
    /// Rules that decided.
    pub rules: Vec<RuleHit>,
    /// Hash of the policy it was judged by.
    pub policy: String,
    /// Which of its databases was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
    /// What the caller called the task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// What was refused, as a fingerprint, where it counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
    /// The request that was made of it, or that waits already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}
