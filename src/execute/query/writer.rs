//! A conversation that writes: one transaction, which is undone unless it is committed.
//! Knows neither what may be written nor who allowed it: a permit says that somebody did.

use super::endpoint::Target;
use super::postgres::Postgres;
use super::sqlite::Sqlite;
use super::{Access, Caps, Cause, Column, Done, Endpoint, Failed, Identity, Limits, Posture, Sink};
use crate::action::query::Engine;
use crate::action::query::catalog::{Catalog, Wanted};
use crate::approve::WritePermit;
use std::collections::BTreeSet;

/// A transaction that writes, in a database of PostgreSQL or SQLite. Dropped, it is undone: nothing of it stays.
///
/// Nothing in it is ever tried again. A statement is first read by the database, which keeps what it names as it is, so that the
/// catalog can be looked at in the same transaction; then run; further ones may follow; then all is committed at once.
/// A statement that the transaction itself could be ended by is refused by whoever judges statements, and noticed here.
///
/// ```compile_fail
/// // Nobody writes without a permit, and nobody makes one up: its field is private.
/// use guard::execute::query::{Endpoint, Limits, Writer};
/// fn forge(endpoint: &Endpoint) {
///     Writer::open(endpoint, &Limits::default(), guard::approve::WritePermit { approval: None });
/// }
/// ```
pub struct Writer {
    behind: Behind,
    permit: WritePermit,
}

enum Behind {
    Postgres(Box<Postgres>),
    Sqlite(Box<Sqlite>),
}

impl Writer {
    /// Connects, and begins to write.
    ///
    /// # Errors
    /// Why there is no such transaction; of QuestDB, which has none, [`Cause::Denied`].
    pub fn open(endpoint: &Endpoint, limits: &Limits, permit: WritePermit) -> Result<Self, Failed> {
        let behind = match &endpoint.target {
            Target::Server(server) if server.engine == Engine::QuestDb => {
                let what =
                    "it has no transactions, and nothing that tells it apart from another: guard does not write to it";
                return Err(Failed::new(Engine::QuestDb, Cause::Denied, what));
            }
            Target::Server(server) => Behind::Postgres(Box::new(Postgres::open(server, limits, Access::Write)?)),
            Target::File(path) => Behind::Sqlite(Box::new(Sqlite::open(path, limits, Access::Write)?)),
        };
        Ok(Self { behind, permit })
    }

    /// What it writes by.
    pub fn permit(&self) -> &WritePermit {
        &self.permit
    }

    /// Which database this is.
    ///
    /// # Errors
    /// Why that cannot be told.
    pub fn identity(&mut self) -> Result<Identity, Failed> {
        match &mut self.behind {
            Behind::Postgres(postgres) => postgres.identity(),
            Behind::Sqlite(sqlite) => Ok(sqlite.identity()),
        }
    }

    /// What the user could do.
    ///
    /// # Errors
    /// Why that cannot be told.
    pub fn posture(&mut self) -> Result<Posture, Failed> {
        match &mut self.behind {
            Behind::Postgres(postgres) => postgres.posture(),
            Behind::Sqlite(sqlite) => Ok(sqlite.posture()),
        }
    }

    /// Has a statement read by the database. Nothing of it is run.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn prepare(&mut self, sql: &str) -> Result<&[Column], Failed> {
        match &mut self.behind {
            Behind::Postgres(postgres) => postgres.prepare(sql),
            Behind::Sqlite(sqlite) => sqlite.prepare(sql),
        }
    }

    /// What the database's catalog says of names.
    ///
    /// # Errors
    /// Why that cannot be told.
    pub fn catalog(&mut self, wanted: &Wanted) -> Result<Catalog, Failed> {
        match &mut self.behind {
            Behind::Postgres(postgres) => postgres.catalog(wanted),
            Behind::Sqlite(sqlite) => sqlite.catalog(wanted),
        }
    }

    /// The tables whose rows the prepared statement writes, by triggers and foreign keys as well, in lower case, where the
    /// database itself tells of them: SQLite alone does.
    pub fn writes(&self) -> Option<BTreeSet<String>> {
        match &self.behind {
            Behind::Postgres(_) => None,
            Behind::Sqlite(sqlite) => Some(sqlite.writes()),
        }
    }

    /// Runs the statement that was prepared, to its end; `caps` end only what is passed on of the rows it gives.
    ///
    /// # Errors
    /// Why it came to nothing; the transaction is of no use any more.
    pub fn run(&mut self, caps: &Caps, sink: &mut dyn Sink) -> Result<Done, Failed> {
        match &mut self.behind {
            Behind::Postgres(postgres) => postgres.run(caps, sink),
            Behind::Sqlite(sqlite) => sqlite.run(caps, sink),
        }
    }

    /// Makes all of it last, and hangs up.
    ///
    /// # Errors
    /// Why nothing of it happened; of [`Cause::Uncertain`] alone it is not known.
    pub fn commit(mut self) -> Result<(), Failed> {
        match &mut self.behind {
            Behind::Postgres(postgres) => postgres.commit()?,
            Behind::Sqlite(sqlite) => sqlite.commit()?,
        }
        self.close();
        Ok(())
    }

    /// Undoes what was not committed, and hangs up.
    pub fn close(self) {
        match self.behind {
            Behind::Postgres(postgres) => postgres.close(),
            // Dropped, it is undone and closed.
            Behind::Sqlite(_) => {}
        }
    }
}
