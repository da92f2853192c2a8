//! PostgreSQL, written to: each statement by the extended protocol, which takes one at a time, in a transaction of guard's.

use super::{Shape, WriteLimits};
use crate::action::query::Engine;
use crate::execute::query::wire::{Allowed, Ask, Login, Route, Rows, Talk};
use crate::execute::query::{Cause, Failed, PG_IDENTITY, Server};
use std::time::{Duration, Instant};

/// How much later than the server guard's own timer is.
const GRACE: Duration = Duration::from_secs(5);
/// What keeps two guards from migrating one database at once: a number that nothing else takes.
const LOCK: &str = "SELECT pg_catalog.pg_advisory_xact_lock(7311407062418092)";
const PATH: &str = "SELECT pg_catalog.set_config('search_path', $1, true)";

/// Everything in a schema but what the server and extensions brought, one line each, all names with their schemas.
const SHAPE: &str = include_str!("shape.sql");

pub(super) struct Postgres {
    talk: Talk,
    within: bool,
}

impl Postgres {
    pub(super) fn open(server: &Server, limits: &WriteLimits) -> Result<Self, Failed> {
        let until = Instant::now() + limits.connect;
        let route = Route::find(server, until)?;
        let mut talk = Talk::begin(&route, until)?;
        let login =
            Login { user: &server.user, password: server.password.as_deref(), database: &server.database, more: &[] };
        talk.enter(&login, &route, Allowed { unasked: true, md5: true, overheard: false })?;
        talk.patience(limits.statement + GRACE);
        let mut session = Self { talk, within: false };
        let millis = |time: Duration| Some(time.as_millis().clamp(1, i32::MAX as u128).to_string());
        let given = [millis(limits.statement), millis(limits.lock), millis(limits.statement + limits.statement)];
        let set = "SELECT pg_catalog.set_config('statement_timeout', $1, false), \
            pg_catalog.set_config('lock_timeout', $2, false), \
            pg_catalog.set_config('idle_in_transaction_session_timeout', $3, false), \
            pg_catalog.set_config('standard_conforming_strings', 'on', false), \
            pg_catalog.set_config('client_min_messages', 'error', false)";
        session.talk.ask(&[Ask { sql: set, given: &given }])?;
        session.talk.settle();
        Ok(session)
    }

    pub(super) fn stable(&mut self) -> Result<String, Failed> {
        let row = self.ask(PG_IDENTITY, &[])?.into_iter().next().unwrap_or_default();
        match row.as_slice() {
            [Some(oid), _, Some(started), system] => Ok(match system {
                Some(system) => format!("postgresql {system} {oid}"),
                None => format!("postgresql started {started} {oid}"),
            }),
            _ => Err(self.strange()),
        }
    }

    pub(super) fn begin(&mut self) -> Result<(), Failed> {
        self.ask("BEGIN", &[])?;
        self.ask(LOCK, &[])?;
        self.within = true;
        Ok(())
    }

    /// As [`begin`](Self::begin), where nothing is written.
    pub(super) fn begin_to_read(&mut self) -> Result<(), Failed> {
        self.ask("BEGIN TRANSACTION READ ONLY", &[]).map(|_| self.within = true)
    }

    /// Writes Alembic's current revisions into a copy, whose table for them is empty.
    pub(super) fn stamp(&mut self, revisions: &[String]) -> Result<(), Failed> {
        if revisions.is_empty() {
            return Ok(());
        }
        self.begin()?;
        let found = "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
            WHERE c.relname = 'alembic_version' AND c.relkind = 'r' AND n.nspname !~ '^pg_' ORDER BY 1 LIMIT 1";
        let table = self.unshadowed(found)?.into_iter().flatten().next().flatten().unwrap_or_default();
        for revision in revisions {
            let insert = format!("INSERT INTO {table} (version_num) VALUES ($1)");
            self.ask(&insert, &[Some(revision.clone())])?;
        }
        self.commit()
    }

    pub(super) fn shape(&mut self) -> Result<Shape, Failed> {
        let rows = self.unshadowed(SHAPE)?;
        Ok(Shape::new(rows.into_iter().flatten().flatten()))
    }

    pub(super) fn revisions(&mut self) -> Result<Vec<String>, Failed> {
        let found = "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
            WHERE c.relname = 'alembic_version' AND c.relkind = 'r' AND n.nspname !~ '^pg_' ORDER BY 1";
        let tables = self.unshadowed(found)?;
        let mut all = Vec::new();
        for table in tables.into_iter().flatten().flatten() {
            let rows = self.unshadowed(&format!("SELECT version_num::pg_catalog.text FROM {table} ORDER BY 1"))?;
            all.extend(rows.into_iter().flatten().flatten());
        }
        Ok(all)
    }

    pub(super) fn run(&mut self, sql: &str) -> Result<(), Failed> {
        self.ask(sql, &[])?;
        if self.within != self.talk.is_open() {
            self.within = false;
            return Err(self.failed(Cause::Denied, "the statement ended, or began, a transaction"));
        }
        Ok(())
    }

    pub(super) fn commit(&mut self) -> Result<(), Failed> {
        self.within = false;
        self.ask("COMMIT", &[])?;
        if self.talk.is_open() { Err(self.strange()) } else { Ok(()) }
    }

    pub(super) fn undo(&mut self) -> Result<(), Failed> {
        self.within = false;
        if self.talk.is_open() { self.ask("ROLLBACK", &[]).map(|_| ()) } else { Ok(()) }
    }

    /// Asks where nothing but the server's own names is seen, and leaves the path as it was.
    fn unshadowed(&mut self, sql: &str) -> Result<Rows, Failed> {
        let path = self.ask("SELECT pg_catalog.current_setting('search_path')", &[])?;
        let path = path.into_iter().flatten().next().flatten();
        self.ask(PATH, &[Some("pg_catalog, pg_temp".to_owned())])?;
        let rows = self.ask(sql, &[])?;
        self.ask(PATH, &[path])?;
        Ok(rows)
    }

    pub(super) fn ask(&mut self, sql: &str, given: &[Option<String>]) -> Result<Rows, Failed> {
        Ok(self.talk.ask(&[Ask { sql, given }])?.into_iter().next().unwrap_or_default())
    }

    fn failed(&self, cause: Cause, message: &str) -> Failed {
        Failed::new(Engine::Postgres, cause, message)
    }

    fn strange(&self) -> Failed {
        self.failed(Cause::Strange, "its answer is not PostgreSQL's")
    }
}
