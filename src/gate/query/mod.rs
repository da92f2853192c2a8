//! Asking databases: judged as text, judged once more by the server's catalog, run in a session that only reads, or in one
//! that writes where the policy or a person allows that; recorded.
//! Knows no doors.

mod act;
mod apart;
mod ended;
mod entries;
mod handed;
mod look;
mod opened;
mod person;
mod place;
mod stored;
mod write;

pub use act::query;
pub use look::{Available, ListedTables, QueryCheck, check_query, columns, databases, tables};
pub(in crate::gate) use opened::open;
pub(in crate::gate) use place::Asked;
pub use place::Stands;
pub use stored::Asks;
pub(in crate::gate) use stored::{KIND, StoredQuery};

use super::Stop;
use crate::action::query::Engine;
use crate::decide::{QueryJudgement, Verdict};
use crate::event::{Environment, Mode, Spent};
use crate::execute::query::{Cause, Done, Failed, Identity};
use crate::record::Receipt;

/// A query as it is asked for.
#[derive(Debug, Clone)]
pub struct QueryRequest {
    /// The database's name; `None`: the policy's only one.
    pub database: Option<String>,
    /// Whether it goes to the database for tests.
    pub test: bool,
    /// The statement.
    pub sql: String,
    /// Rows at most, where that is less than the policy lets through.
    pub limit: Option<u64>,
    /// What the caller calls the task.
    pub task: Option<String>,
}

/// Everything there is to say about one query. Parts that were not reached are `None`.
#[derive(Debug, Default)]
pub struct QueryAnswer {
    /// The database's name.
    pub database: String,
    /// What it is.
    pub engine: Option<Engine>,
    /// The mode the project is in.
    pub mode: Option<Mode>,
    /// Which of its databases was asked.
    pub environment: Option<Environment>,
    /// Which server and database answered, for a person.
    pub identity: Option<Identity>,
    /// The same in words.
    pub server: Option<String>,
    /// The last judgement: of the text, or of what the server's catalog says of its names.
    pub judgement: Option<QueryJudgement>,
    /// What the user could do beside reading, where the policy lets that pass.
    pub warnings: Vec<String>,
    /// What came of it, if it ran.
    pub done: Option<Done>,
    /// Why it gave no answer.
    pub failed: Option<Failed>,
    /// The request that a person is asked, or by which it was written.
    pub request: Option<String>,
    /// Whether a person would have been asked, had they not too much to answer.
    pub unasked: bool,
    /// How often it was sent.
    pub tries: u32,
    /// What is spent of the budget, where this counted.
    pub attempts: Option<Spent>,
    /// The halt that it led to.
    pub halted: Option<String>,
    /// The last record written about it.
    pub receipt: Option<Receipt>,
    /// Why guard stopped, where that was neither a judgement nor the database.
    pub stop: Option<Stop>,
    /// Why a person was not told, who should have been.
    pub untold: Option<Stop>,
}

impl QueryAnswer {
    /// The exit code: 1 where the database refuses the statement, 124 at its time limit, 125 where it cannot be asked.
    pub fn exit_code(&self) -> i32 {
        if let Some(stop) = &self.stop {
            return stop.exit_code();
        }
        if let Some(failed) = &self.failed {
            return match failed.cause {
                Cause::TimedOut => 124,
                Cause::Down | Cause::Auth | Cause::Lost | Cause::Strange | Cause::Uncertain => 125,
                Cause::Denied | Cause::Syntax | Cause::Serialization | Cause::Limit | Cause::Sink | Cause::Other => 1,
            };
        }
        match self.judgement.as_ref().map(|judgement| judgement.verdict) {
            Some(Verdict::Deny) => 126,
            Some(Verdict::Ask) => 75,
            Some(Verdict::Allow) | None => 0,
        }
    }

    /// The `verdict` of `--json`.
    pub fn verdict(&self) -> &'static str {
        match (&self.stop, &self.judgement) {
            (Some(stop), _) => stop.verdict(),
            (None, Some(judgement)) => judgement.verdict.word(),
            (None, None) => "error",
        }
    }
}
