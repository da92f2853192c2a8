//! The one session that the rest of guard knows, whatever database is behind it.

use super::endpoint::Target;
use super::postgres::Postgres;
use super::questdb::Quest;
use super::sqlite::Sqlite;
use super::{Access, Caps, Column, Done, Endpoint, Failed, Identity, Limits, Listed, Posture, Sink};
use crate::action::query::Engine;
use crate::action::query::catalog::{Catalog, Wanted};
use std::collections::BTreeSet;

/// A connection that reads, in a transaction that cannot write where the database has such. Dropped, it is undone and closed.
pub struct Session {
    behind: Behind,
}

enum Behind {
    Postgres(Box<Postgres>),
    Quest(Box<Quest>),
    Sqlite(Box<Sqlite>),
}

impl Session {
    /// Connects, and begins to read.
    ///
    /// # Errors
    /// Why there is no session.
    pub fn open(endpoint: &Endpoint, limits: &Limits) -> Result<Self, Failed> {
        let behind = match &endpoint.target {
            Target::Server(server) if server.engine == Engine::QuestDb => {
                Behind::Quest(Box::new(Quest::open(server, limits)?))
            }
            Target::Server(server) => Behind::Postgres(Box::new(Postgres::open(server, limits, Access::Read)?)),
            Target::File(path) => Behind::Sqlite(Box::new(Sqlite::open(path, limits, Access::Read)?)),
        };
        Ok(Self { behind })
    }

    /// Which database this is.
    ///
    /// # Errors
    /// Why that cannot be told.
    pub fn identity(&mut self) -> Result<Identity, Failed> {
        match &mut self.behind {
            Behind::Postgres(postgres) => postgres.identity(),
            Behind::Quest(quest) => quest.identity(),
            Behind::Sqlite(sqlite) => Ok(sqlite.identity()),
        }
    }

    /// What the user could do beside reading.
    ///
    /// # Errors
    /// Why that cannot be told.
    pub fn posture(&mut self) -> Result<Posture, Failed> {
        match &mut self.behind {
            Behind::Postgres(postgres) => postgres.posture(),
            Behind::Quest(quest) => quest.posture(),
            Behind::Sqlite(sqlite) => Ok(sqlite.posture()),
        }
    }

    /// Every relation that the user may read, those that the database was born with not among them.
    ///
    /// # Errors
    /// Why that cannot be told.
    pub fn list(&mut self) -> Result<Vec<Listed>, Failed> {
        match &mut self.behind {
            Behind::Postgres(postgres) => postgres.list(),
            Behind::Quest(quest) => quest.list(),
            Behind::Sqlite(sqlite) => sqlite.list(),
        }
    }

    /// Has the one statement of this session read by the database, which from now on keeps what it names as it is. Nothing of
    /// it is run.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn prepare(&mut self, sql: &str) -> Result<&[Column], Failed> {
        match &mut self.behind {
            Behind::Postgres(postgres) => postgres.prepare(sql),
            Behind::Quest(quest) => quest.prepare(sql),
            Behind::Sqlite(sqlite) => sqlite.prepare(sql),
        }
    }

    /// Has a statement read that this session will not run, whether it reads or writes: what it names stays as it is.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(&mut self, sql: &str) -> Result<(), Failed> {
        match &mut self.behind {
            Behind::Postgres(postgres) => postgres.parse(sql).map(drop),
            Behind::Quest(quest) => quest.prepare(sql).map(drop),
            Behind::Sqlite(sqlite) => sqlite.parse(sql),
        }
    }

    /// What the database's catalog says of names.
    ///
    /// # Errors
    /// Why that cannot be told.
    pub fn catalog(&mut self, wanted: &Wanted) -> Result<Catalog, Failed> {
        match &mut self.behind {
            Behind::Postgres(postgres) => postgres.catalog(wanted),
            Behind::Quest(quest) => quest.catalog(wanted),
            Behind::Sqlite(sqlite) => sqlite.catalog(wanted),
        }
    }

    /// The functions that the prepared statement calls, in views as well, in lower case, where the database itself tells of
    /// them: SQLite alone does.
    pub fn calls(&self) -> Option<BTreeSet<String>> {
        match &self.behind {
            Behind::Postgres(_) | Behind::Quest(_) => None,
            Behind::Sqlite(sqlite) => Some(sqlite.calls()),
        }
    }

    /// Runs the statement that was prepared.
    ///
    /// # Errors
    /// Why it came to nothing; rows may have been passed on before.
    pub fn run(&mut self, caps: &Caps, sink: &mut dyn Sink) -> Result<Done, Failed> {
        match &mut self.behind {
            Behind::Postgres(postgres) => postgres.run(caps, sink),
            Behind::Quest(quest) => quest.run(caps, sink),
            Behind::Sqlite(sqlite) => sqlite.run(caps, sink),
        }
    }

    /// Undoes whatever there is to undo, and hangs up.
    pub fn close(self) {
        match self.behind {
            Behind::Postgres(postgres) => postgres.close(),
            Behind::Quest(quest) => quest.close(),
            // Dropped, it is closed.
            Behind::Sqlite(_) => {}
        }
    }
}
