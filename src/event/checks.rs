//! What the log keeps of a check: what it proves, and what is spent of the budgets.
//! Knows no tool.

use serde::{Deserialize, Serialize};

/// What a check that ended came to, and what that means for the budgets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checked {
    /// The rule that calls it a check.
    pub rule: String,
    /// What it proves.
    pub proves: Proves,
    /// Milliseconds since 1970 when it ended.
    pub at_ms: i64,
    /// What it checked: paths from the project's root, and names within them; empty: whatever there is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
    /// Everything else it was told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// How many tests ran, where the tool says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ran: Option<u64>,
    /// Of a green run: the records of the failed attempts it makes good.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clears: Vec<u64>,
    /// Of a failure: its category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Of a failure: what is spent, this one included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<Spent>,
    /// Of a failure: the names of failing tests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<String>,
    /// Of a failure: the first line that tells what is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What a check proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proves {
    /// It succeeded; of tests: some ran and none failed.
    Green,
    /// It ended with 0, and shows no test that ran.
    Nothing,
    /// It failed.
    Failure,
}

/// How much of the budgets is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spent {
    /// Attempts in this category.
    pub used: u32,
    /// How many it may have.
    pub budget: u32,
    /// Attempts in all categories together.
    pub total_used: u32,
    /// How many they may have.
    pub total_budget: u32,
}

impl Spent {
    /// Whether a budget is spent.
    pub fn is_all(&self) -> bool {
        self.used >= self.budget || self.total_used >= self.total_budget
    }
}
