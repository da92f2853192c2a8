//! Migrations: proposed, tried on a copy of the schema, allowed by a person, run exactly as they were shown, recorded.
//! Knows no doors.

mod alembic;
mod entries;
mod kept;
mod list;
mod propose;
mod run;
mod tried;

pub use kept::{Kept as Migration, Statement, Tool, Trial};
pub use list::{Listing, list_migrations, show_migration};
pub use propose::propose_migration;
pub use run::{migration_done, run_migration};

use super::Stop;
use crate::action::query::Engine;
use crate::event::Spent;
use crate::execute::query::{Cause, Failed};
use crate::record::Receipt;
use std::path::PathBuf;

/// The kind of their requests.
pub(super) const KIND: &str = "migration";

/// Whether a request's name is that of a migration.
pub(super) fn is_named(name: &str) -> bool {
    name.strip_prefix(KIND).is_some_and(|rest| rest.starts_with('-'))
}

/// A migration as it is proposed.
#[derive(Debug, Clone)]
pub struct MigrationRequest {
    /// Its files, in the order they are run.
    pub paths: Vec<PathBuf>,
    /// The database's name; `None`: the policy's only one.
    pub database: Option<String>,
    /// Whether it is for the database for tests.
    pub test: bool,
    /// Whether it goes back: Alembic's `downgrade`.
    pub down: bool,
    /// What it is for.
    pub description: String,
    /// What the caller calls the task.
    pub task: Option<String>,
}

/// Everything there is to say about one migration. Parts that were not reached are `None`.
#[derive(Debug, Default)]
pub struct MigrationAnswer {
    /// Its name.
    pub name: Option<String>,
    /// What it is.
    pub migration: Option<Migration>,
    /// Whose SQL it is.
    pub engine: Option<Engine>,
    /// The request that a person is asked.
    pub request: Option<String>,
    /// Whether it is done, by guard or by a person.
    pub done: bool,
    /// Whether some of what failed is left.
    pub partly: bool,
    /// Why a database refused it, or cannot be asked.
    pub failed: Option<Failed>,
    /// The statement that failed, by its number from 1.
    pub at: Option<usize>,
    /// What is worth knowing besides.
    pub notes: Vec<String>,
    /// What is spent of the budget, where this counted.
    pub attempts: Option<Spent>,
    /// The halt that it led to.
    pub halted: Option<String>,
    /// The last record written about it.
    pub receipt: Option<Receipt>,
    /// Why guard stopped.
    pub stop: Option<Stop>,
    /// Why a person was not told, who should have been.
    pub untold: Option<Stop>,
}

impl MigrationAnswer {
    /// The exit code: 0 done, or ready to be run; 75 a person is asked; 1 the database refuses it; 125 it cannot be asked.
    pub fn exit_code(&self) -> i32 {
        if let Some(stop) = &self.stop {
            return stop.exit_code();
        }
        if let Some(failed) = &self.failed {
            return match failed.cause {
                Cause::TimedOut => 124,
                Cause::Down | Cause::Auth | Cause::Lost | Cause::Strange => 125,
                Cause::Denied
                | Cause::Syntax
                | Cause::Serialization
                | Cause::Limit
                | Cause::Sink
                | Cause::Uncertain
                | Cause::Other => 1,
            };
        }
        if self.request.is_some() && !self.done { 75 } else { 0 }
    }

    /// The `verdict` of `--json`.
    pub fn verdict(&self) -> &'static str {
        match (&self.stop, &self.failed) {
            (Some(stop), _) => stop.verdict(),
            (None, Some(_)) => "error",
            (None, None) if self.request.is_some() && !self.done => "ask",
            (None, None) => "allow",
        }
    }
}
