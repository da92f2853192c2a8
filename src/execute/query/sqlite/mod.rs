//! A conversation with a file of SQLite, in one transaction, under an authorizer: opened to read, which is then all it knows,
//! or to write.
//!
//! Its files of a write-ahead log are made where they are missing, as SQLite does for every reader. A database is never taken
//! for one that nobody changes (`immutable`).

mod authorize;
mod catalog;
mod failed;
mod open;

use super::{Access, Caps, Cause, Cell, Column, Done, Failed, Form, Identity, Limits, Posture, Sink, Truncated};
use crate::action::query::Engine;
use authorize::Authorizer;
pub(crate) use failed::failed;
use rusqlite::{Connection, types::ValueRef};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Instructions between two looks at the clock.
const STEPS: i32 = 1000;
/// Time to wait for a writer.
const BUSY: Duration = Duration::from_secs(5);

pub(super) struct Sqlite {
    connection: Connection,
    access: Access,
    path: PathBuf,
    /// Of the file: of its device, and on it.
    number: (u64, u64),
    time: Duration,
    /// When what runs has to be done.
    until: Arc<Mutex<Option<Instant>>>,
    authorizer: Authorizer,
    sql: Option<String>,
    columns: Vec<Column>,
}

impl Sqlite {
    pub(super) fn open(path: &Path, limits: &Limits, access: Access) -> Result<Self, Failed> {
        let (mut connection, path, number) = open::open(path, limits.time.min(BUSY), access)?;
        let until = Arc::new(Mutex::new(Some(Instant::now() + limits.time)));
        let clock = Arc::clone(&until);
        let late = move || {
            let until = *clock.lock().unwrap_or_else(PoisonError::into_inner);
            until.is_some_and(|until| Instant::now() >= until)
        };
        connection.progress_handler(STEPS, Some(late)).map_err(|error| failed(&error))?;
        // A snapshot: what was looked at is what is run.
        let begin = match access {
            Access::Read => "BEGIN; SELECT count(*) FROM sqlite_schema",
            Access::Write => "BEGIN IMMEDIATE",
        };
        connection.execute_batch(begin).map_err(|error| open::explained(&error, &path))?;
        Ok(Self {
            connection,
            access,
            path,
            number,
            time: limits.time,
            until,
            authorizer: Authorizer::default(),
            sql: None,
            columns: Vec::new(),
        })
    }

    pub(super) fn identity(&self) -> Identity {
        let (device, inode) = self.number;
        Identity {
            engine: Engine::Sqlite,
            stable: format!("sqlite {device}:{inode}"),
            running: None,
            shown: self.path.display().to_string(),
        }
    }

    /// There are no users: whoever may write to the file may write.
    pub(super) fn posture(&self) -> Posture {
        Posture::default()
    }

    pub(super) fn prepare(&mut self, sql: &str) -> Result<&[Column], Failed> {
        if self.sql.is_some() {
            return Err(Failed::new(
                Engine::Sqlite,
                Cause::Other,
                "a statement was prepared before: a session has one",
            ));
        }
        self.columns = self.parsed(sql, self.access)?;
        self.sql = Some(sql.to_owned());
        Ok(&self.columns)
    }

    /// Has a statement read, which is not run by that, whether it reads or writes.
    pub(super) fn parse(&mut self, sql: &str) -> Result<(), Failed> {
        // A view can be written to by its triggers alone, which nothing here runs.
        let triggers = rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER;
        self.connection.set_db_config(triggers, true).map_err(|error| failed(&error))?;
        self.parsed(sql, Access::Write).map(drop)
    }

    fn parsed(&mut self, sql: &str, access: Access) -> Result<Vec<Column>, Failed> {
        // SQLite would end the statement there.
        if sql.contains('\0') {
            return Err(Failed::new(Engine::Sqlite, Cause::Syntax, "it holds a NUL"));
        }
        self.start();
        self.authorizer.watch(&mut self.connection, access).map_err(|error| failed(&error))?;
        let statement = self.connection.prepare(sql).map_err(|error| self.authorizer.explained(failed(&error)))?;
        if access == Access::Read && !statement.readonly() {
            return Err(Failed::new(Engine::Sqlite, Cause::Denied, "it is not a read"));
        }
        if access == Access::Read && statement.column_count() == 0 {
            return Err(Failed::new(Engine::Sqlite, Cause::Denied, "it gives no rows: it is not a read"));
        }
        if statement.parameter_count() > 0 {
            let what = "it has parameters (`?1`), and there is nothing to give for them";
            return Err(Failed::new(Engine::Sqlite, Cause::Syntax, what));
        }
        let column = |column: rusqlite::Column<'_>| Column {
            name: column.name().to_owned(),
            type_name: column.decl_type().unwrap_or_default().to_owned(),
            oid: None,
            form: Form::Text,
        };
        Ok(statement.columns().map(column).collect())
    }

    /// The tables whose rows the prepared statement writes, by triggers and foreign keys as well.
    pub(super) fn writes(&self) -> BTreeSet<String> {
        self.authorizer.writes()
    }

    /// The functions that the prepared statement calls, in views as well, as SQLite itself found them.
    pub(super) fn calls(&self) -> BTreeSet<String> {
        self.authorizer.calls()
    }

    pub(super) fn run(&mut self, caps: &Caps, sink: &mut dyn Sink) -> Result<Done, Failed> {
        let Some(sql) = self.sql.take() else {
            return Err(Failed::new(Engine::Sqlite, Cause::Other, "no statement was prepared"));
        };
        let known = (self.authorizer.calls(), self.authorizer.writes());
        let writes = self.access == Access::Write;
        self.start();
        self.authorizer.watch(&mut self.connection, self.access).map_err(|error| failed(&error))?;
        let broken = |error: std::io::Error| Failed::new(Engine::Sqlite, Cause::Sink, error.to_string());
        let mut statement = self.connection.prepare(&sql).map_err(|error| self.authorizer.explained(failed(&error)))?;
        if !writes && !statement.readonly() || (self.authorizer.calls(), self.authorizer.writes()) != known {
            return Err(Failed::new(Engine::Sqlite, Cause::Strange, "the statement is no longer what it was"));
        }
        if !writes || !self.columns.is_empty() {
            sink.columns(&self.columns).map_err(broken)?;
        }
        let mut done = Done::default();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(|error| failed(&error))? {
            // What is no longer told is written all the same.
            if done.truncated.is_some() {
                continue;
            }
            let mut cells = Vec::with_capacity(self.columns.len());
            for at in 0..self.columns.len() {
                cells.push(match row.get_ref(at).map_err(|error| failed(&error))? {
                    ValueRef::Null => Cell::Null,
                    ValueRef::Integer(value) => Cell::Integer(value),
                    ValueRef::Real(value) => Cell::Real(value),
                    ValueRef::Text(text) => Cell::Text(text),
                    ValueRef::Blob(bytes) => Cell::Blob(bytes),
                });
            }
            let bytes = cells.iter().map(Cell::len).sum::<usize>() as u64;
            if done.rows == caps.rows {
                done.truncated = Some(Truncated::Rows);
            } else if bytes > caps.bytes.saturating_sub(done.bytes) {
                done.truncated = Some(Truncated::Bytes);
            }
            if done.truncated.is_some() {
                match writes {
                    true => continue,
                    false => break,
                }
            }
            sink.row(&cells).map_err(broken)?;
            done.rows += 1;
            done.bytes += bytes;
        }
        drop(rows);
        drop(statement);
        done.changed = (writes && !known.1.is_empty()).then(|| self.connection.changes());
        Ok(done)
    }

    /// Makes what was written last. Where that fails nothing was.
    pub(super) fn commit(&mut self) -> Result<(), Failed> {
        self.start();
        Authorizer::rest(&mut self.connection)
            .and_then(|()| self.connection.execute_batch("COMMIT"))
            .map_err(|error| failed(&error))
    }

    /// What runs now may take its time.
    fn start(&self) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + self.time);
    }
}
