//! Migrations on real databases: a session that writes, a throw-away copy of a schema, and what a schema looks like.
//! Runs what it is given: what may be run is for others to say.

mod copy;
mod postgres;
mod programs;
mod relay;
mod shape;
mod sqlite;

pub use copy::{Copied, Untried, copy};
pub use relay::{Heard, Relay, Rule, Stopped};
pub use shape::Shape;

use super::query::{Cause, Endpoint, Failed, Target};
use crate::action::query::Engine;
use postgres::Postgres;
use sqlite::Sqlite;
use std::time::Duration;

/// What a session that writes may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteLimits {
    /// Time to be connected and let in.
    pub connect: Duration,
    /// Time for one statement.
    pub statement: Duration,
    /// Time that a statement waits for what others hold.
    pub lock: Duration,
}

/// A session that writes. Dropped, whatever was not committed is undone.
pub struct Writer {
    behind: Behind,
}

enum Behind {
    Postgres(Box<Postgres>),
    Sqlite(Box<Sqlite>),
}

impl Writer {
    /// Connects; nothing is begun.
    ///
    /// # Errors
    /// Why there is no session.
    pub fn open(endpoint: &Endpoint, limits: &WriteLimits) -> Result<Self, Failed> {
        let behind = match &endpoint.target {
            Target::Server(server) if server.engine == Engine::QuestDb => {
                let what = "migrations of QuestDB are not run by guard: it has no transactions to run them in";
                return Err(Failed::new(Engine::QuestDb, Cause::Denied, what));
            }
            Target::Server(server) => Behind::Postgres(Box::new(Postgres::open(server, limits)?)),
            Target::File(path) => Behind::Sqlite(Box::new(Sqlite::open(path, limits)?)),
        };
        Ok(Self { behind })
    }

    /// What tells this database from any other, as a session that reads has it.
    ///
    /// # Errors
    /// Why that cannot be told.
    pub fn stable(&mut self) -> Result<String, Failed> {
        match &mut self.behind {
            Behind::Postgres(postgres) => postgres.stable(),
            Behind::Sqlite(sqlite) => Ok(sqlite.stable()),
        }
    }

    /// Begins a transaction, in which no other guard migrates the same database.
    ///
    /// # Errors
    /// Those of the database.
    pub fn begin(&mut self) -> Result<(), Failed> {
        match &mut self.behind {
            Behind::Postgres(postgres) => postgres.begin(),
            Behind::Sqlite(sqlite) => sqlite.begin(),
        }
    }

    /// What the schema looks like, and Alembic's current revisions, as they are now. Nothing is written.
    ///
    /// # Errors
    /// Those of the database.
    pub fn look(&mut self) -> Result<(Shape, Vec<String>), Failed> {
        match &mut self.behind {
            Behind::Postgres(postgres) => {
                postgres.begin_to_read()?;
                let looked = postgres.shape().and_then(|shape| Ok((shape, postgres.revisions()?)));
                postgres.undo()?;
                looked
            }
            Behind::Sqlite(sqlite) => Ok((sqlite.shape()?, sqlite.revisions()?)),
        }
    }

    /// What the schema looks like. Within a transaction.
    ///
    /// # Errors
    /// Those of the database.
    pub fn shape(&mut self) -> Result<Shape, Failed> {
        match &mut self.behind {
            Behind::Postgres(postgres) => postgres.shape(),
            Behind::Sqlite(sqlite) => sqlite.shape(),
        }
    }

    /// Alembic's current revisions; none where it has none here. Within a transaction.
    ///
    /// # Errors
    /// Those of the database.
    pub fn revisions(&mut self) -> Result<Vec<String>, Failed> {
        match &mut self.behind {
            Behind::Postgres(postgres) => postgres.revisions(),
            Behind::Sqlite(sqlite) => sqlite.revisions(),
        }
    }

    /// Runs one statement.
    ///
    /// # Errors
    /// Those of the database; that it ended the transaction it was to run in.
    pub fn run(&mut self, sql: &str) -> Result<(), Failed> {
        match &mut self.behind {
            Behind::Postgres(postgres) => postgres.run(sql),
            Behind::Sqlite(sqlite) => sqlite.run(sql),
        }
    }

    /// Ends the transaction: from here on it is done.
    ///
    /// # Errors
    /// Those of the database; it is undone then.
    pub fn commit(&mut self) -> Result<(), Failed> {
        match &mut self.behind {
            Behind::Postgres(postgres) => postgres.commit(),
            Behind::Sqlite(sqlite) => sqlite.commit(),
        }
    }

    /// Undoes the transaction.
    ///
    /// # Errors
    /// Those of the database.
    pub fn undo(&mut self) -> Result<(), Failed> {
        match &mut self.behind {
            Behind::Postgres(postgres) => postgres.undo(),
            Behind::Sqlite(sqlite) => sqlite.undo(),
        }
    }
}
