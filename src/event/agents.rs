//! What the log keeps of an agent's harness that ran in guard's fence.
//! Knows nothing of what it did: that has records of its own, or was only fenced.

use super::Ended;
use serde::{Deserialize, Serialize};

/// A harness is about to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentStarted {
    /// Hash of the policy that says what it gets.
    pub policy: String,
    /// The folder it starts in, relative to the project.
    pub cwd: String,
    /// Hosts it may reach.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// Files and folders it may write to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub folders: Vec<String>,
    /// Variables it was given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// Time limit, in milliseconds.
    pub timeout_ms: u64,
    /// The attempt of the open phase that it works on, where the build loop started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
}

/// A harness has ended, and every call of guard that it made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentEnded {
    /// Sequence number of its start.
    pub of: u64,
    /// How it ended.
    pub ended: Ended,
    /// Exit code guard passed on.
    pub exit_code: i32,
    /// The limit that it was ended at, besides that of time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// Wall time, in milliseconds.
    pub duration_ms: u64,
    /// Level of the fence it ran in.
    pub fence: String,
    /// What of the fence was missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// How many calls of guard it made that were let through to be judged.
    pub calls: u64,
}
