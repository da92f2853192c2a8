//! A file of SQLite, written to in one transaction; other files are out of reach.

use super::{Shape, WriteLimits};
use crate::action::query::Engine;
use crate::execute::query::{Cause, Failed, sqlite_failed};
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::{Connection, OpenFlags};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

pub(super) struct Sqlite {
    connection: Connection,
    stable: String,
    within: bool,
}

impl Sqlite {
    pub(super) fn open(path: &Path, limits: &WriteLimits) -> Result<Self, Failed> {
        let unfit = |cause, why: String| Failed::new(Engine::Sqlite, cause, format!("`{}`: {why}", path.display()));
        let found = std::fs::symlink_metadata(path).map_err(|error| unfit(Cause::Down, error.to_string()))?;
        if !found.is_file() {
            return Err(unfit(Cause::Other, "it is no plain file".to_owned()));
        }
        let real = path.canonicalize().map_err(|error| unfit(Cause::Down, error.to_string()))?;
        let flags =
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let connection = Connection::open_with_flags(&real, flags).map_err(|error| sqlite_failed(&error))?;
        let stable = format!("sqlite {}:{}", found.dev(), found.ino());
        Self::of(connection, stable, limits)
    }

    /// An empty one that lies nowhere.
    pub(super) fn nowhere(limits: &WriteLimits) -> Result<Self, Failed> {
        let connection = Connection::open_in_memory().map_err(|error| sqlite_failed(&error))?;
        Self::of(connection, "sqlite in memory".to_owned(), limits)
    }

    fn of(mut connection: Connection, stable: String, limits: &WriteLimits) -> Result<Self, Failed> {
        connection.busy_timeout(limits.lock).map_err(|error| sqlite_failed(&error))?;
        connection
            .authorizer(Some(|context: AuthContext<'_>| {
                let reaches = matches!(
                    context.action,
                    AuthAction::Attach { .. }
                        | AuthAction::Detach { .. }
                        | AuthAction::Function { function_name: "load_extension" }
                );
                if reaches { Authorization::Deny } else { Authorization::Allow }
            }))
            .map_err(|error| sqlite_failed(&error))?;
        Ok(Self { connection, stable, within: false })
    }

    pub(super) fn stable(&self) -> String {
        self.stable.clone()
    }

    pub(super) fn begin(&mut self) -> Result<(), Failed> {
        self.execute("BEGIN IMMEDIATE")?;
        self.within = true;
        Ok(())
    }

    fn is_within(&self) -> bool {
        !self.connection.is_autocommit()
    }

    pub(super) fn shape(&mut self) -> Result<Shape, Failed> {
        let sql =
            "SELECT type || ' ' || name || coalesce(': ' || sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'";
        Ok(Shape::new(self.texts(sql)?))
    }

    /// What makes its schema anew, tables first.
    pub(super) fn definitions(&mut self) -> Result<Vec<String>, Failed> {
        self.texts(
            "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' \
            ORDER BY CASE type WHEN 'table' THEN 0 WHEN 'index' THEN 1 WHEN 'view' THEN 2 ELSE 3 END, rowid",
        )
    }

    pub(super) fn revisions(&mut self) -> Result<Vec<String>, Failed> {
        let there = self.texts("SELECT name FROM sqlite_schema WHERE type = 'table' AND name = 'alembic_version'")?;
        if there.is_empty() { Ok(Vec::new()) } else { self.texts("SELECT version_num FROM alembic_version ORDER BY 1") }
    }

    fn texts(&mut self, sql: &str) -> Result<Vec<String>, Failed> {
        let mut statement = self.connection.prepare(sql).map_err(|error| sqlite_failed(&error))?;
        let rows = statement.query_map([], |row| row.get(0)).map_err(|error| sqlite_failed(&error))?;
        rows.collect::<Result<_, _>>().map_err(|error| sqlite_failed(&error))
    }

    pub(super) fn run(&mut self, sql: &str) -> Result<(), Failed> {
        self.execute(sql)?;
        if self.within == self.is_within() {
            return Ok(());
        }
        self.within = self.is_within();
        Err(Failed::new(Engine::Sqlite, Cause::Denied, "the statement ended, or began, a transaction"))
    }

    pub(super) fn commit(&mut self) -> Result<(), Failed> {
        self.within = false;
        self.execute("COMMIT")
    }

    pub(super) fn undo(&mut self) -> Result<(), Failed> {
        self.within = false;
        if self.is_within() { self.execute("ROLLBACK") } else { Ok(()) }
    }

    fn execute(&mut self, sql: &str) -> Result<(), Failed> {
        let mut statement = self.connection.prepare(sql).map_err(|error| sqlite_failed(&error))?;
        let mut rows = statement.raw_query();
        while rows.next().map_err(|error| sqlite_failed(&error))?.is_some() {}
        Ok(())
    }
}
