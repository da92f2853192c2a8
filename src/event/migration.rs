//! What the log keeps of a migration: that it was proposed, that it was run, and what came of it.
//! Knows no SQL and no server.

use super::checks::Checked;
use super::detail::SourceFile;
use serde::{Deserialize, Serialize};

/// A migration that was proposed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MigrationProposed {
    /// Its name: `migration-` and a number.
    pub name: String,
    /// The database's name in the policy.
    pub database: String,
    /// What tells its server and database from any other.
    pub server: String,
    /// Whether it is the one for tests.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub test: bool,
    /// `sql` or `alembic`.
    pub tool: String,
    /// Whether it goes back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub down: bool,
    /// Its files.
    pub files: Vec<SourceFile>,
    /// The gravest class of what it does.
    pub class: String,
    /// Why it was not tried on a copy of the schema, where it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub untried: Option<String>,
    /// Whether a person must allow it.
    pub asks: bool,
    /// SHA-256 of the stored copy: exactly what would be run.
    pub content: String,
    /// Hash of the policy it was judged by.
    pub policy: String,
    /// What the caller called the task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
}

/// A migration that is about to be run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MigrationStart {
    /// Its name.
    pub name: String,
    /// The database's name in the policy.
    pub database: String,
    /// What tells its server and database from any other.
    pub server: String,
    /// Whether it is the one for tests.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub test: bool,
    /// The request that a person approved, where it takes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
    /// Hash of the policy it is run by.
    pub policy: String,
}

/// A migration that was run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MigrationEnd {
    /// Sequence number of its start.
    pub of: u64,
    /// Its name.
    pub name: String,
    /// How it ended.
    pub ended: MigrationEnded,
    /// What went wrong, if something did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The server's code for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Statements that were run.
    pub statements: u64,
    /// Wall time in milliseconds.
    pub duration_ms: u64,
    /// What it means for the budgets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Box<Checked>>,
}

/// How a migration ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MigrationEnded {
    /// The schema is what it was to become.
    Done,
    /// It failed, and nothing of it is left.
    Undone,
    /// It failed, and some of it is left.
    Partly,
}

/// A migration that a person ran by themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MigrationDone {
    /// Its name.
    pub name: String,
    /// The user who says so.
    pub uid: u32,
    /// Whether the schema was compared with what the migration came to on a copy; it was the same then.
    pub compared: bool,
}

/// A migration that was not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MigrationRefused {
    /// Its name; none where it was not proposed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Why.
    pub cause: String,
}
