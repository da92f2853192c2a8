//! What the log keeps of whatever a person is asked: requests, answers, halts.
//! Knows nothing of how a person is known.

use super::checks::Spent;
use serde::{Deserialize, Serialize};

/// A request for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requested {
    /// Its name: kind and number.
    pub name: String,
    /// `command`, …
    pub kind: String,
    /// 32 hex digits that were never used before.
    pub nonce: String,
    /// SHA-256 of the stored copy: exactly what would be done.
    pub content: String,
    /// SHA-256 of what was asked, by which the same request is known again.
    pub same: String,
    /// Fingerprints of the commands that a person must allow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
    /// Hash of the policy that asks.
    pub policy: String,
    /// The user who asked.
    pub uid: u32,
    /// Until when it waits, in seconds since 1970.
    pub expires: i64,
}

/// Who answered, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct By {
    /// The approver's name, or at a terminal the user's number.
    pub who: String,
    /// `terminal`, `signature` or `security-key`.
    pub strength: String,
    /// Fingerprint of the key that signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The signature, in base64 without its armour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// Why a request can no longer be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closing {
    /// Nobody answered in time, or the approval was not used in time.
    Expired,
    /// What it rests on has changed: the policy, a program, or a file it names.
    Changed,
    /// The policy allows it by itself by now, so that it needs no answer.
    Allowed,
}

/// A halt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Escalated {
    /// Its name: `resume-` and a number.
    pub name: String,
    /// What led to it.
    pub cause: Cause,
    /// Category of the errors, where failures led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// What is spent, where a budget is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<Spent>,
    /// 32 hex digits that were never used before.
    pub nonce: String,
    /// SHA-256 of the report as it was written.
    pub content: String,
    /// The user whose call led to it.
    pub uid: u32,
    /// What the agent or the person says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
}

/// What leads to a halt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A budget of failures is spent.
    Failures,
    /// The budget of refusals is spent.
    Denials,
    /// A command held more memory than it may, for longer than it may.
    Memory,
    /// A budget of a plan is spent: time, runs of the agent, money.
    Budget,
    /// The agent stopped and asks.
    Agent,
    /// A person stopped it.
    Person,
}

impl Cause {
    /// The word of logs and `--json`.
    pub fn word(self) -> &'static str {
        match self {
            Cause::Failures => "failures",
            Cause::Denials => "denials",
            Cause::Memory => "memory",
            Cause::Budget => "budget",
            Cause::Agent => "agent",
            Cause::Person => "person",
        }
    }
}
