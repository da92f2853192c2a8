//! A session with a file of SQLite: opened to read, in one transaction, under an authorizer that knows nothing but reading.
//!
//! Its files of a write-ahead log are made where they are missing, as SQLite does for every reader. A database is never taken
//! for one that nobody changes (`immutable`).

mod authorize;
mod catalog;
mod failed;
mod open;

use super::{Caps, Cause, Cell, Column, Done, Failed, Form, Identity, Limits, Posture, Sink, Truncated};
use crate::action::query::Engine;
use authorize::Authorizer;
use failed::failed;
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
    pub(super) fn open(path: &Path, limits: &Limits) -> Result<Self, Failed> {
        let (mut connection, path, number) = open::open(path, limits.time.min(BUSY))?;
        let until = Arc::new(Mutex::new(Some(Instant::now() + limits.time)));
        let clock = Arc::clone(&until);
        let late = move || {
            let until = *clock.lock().unwrap_or_else(PoisonError::into_inner);
            until.is_some_and(|until| Instant::now() >= until)
        };
        connection.progress_handler(STEPS, Some(late)).map_err(|error| failed(&error))?;
        // A snapshot: what was looked at is what is run.
        connection
            .execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema")
            .map_err(|error| open::explained(&error, &path))?;
        Ok(Self {
            connection,
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
        // SQLite would end the statement there.
        if sql.contains('\0') {
            return Err(Failed::new(Engine::Sqlite, Cause::Syntax, "it holds a NUL"));
        }
        self.start();
        self.authorizer.watch(&mut self.connection).map_err(|error| failed(&error))?;
        let statement = self.connection.prepare(sql).map_err(|error| self.authorizer.explained(failed(&error)))?;
        if !statement.readonly() {
            return Err(Failed::new(Engine::Sqlite, Cause::Denied, "it is not a read"));
        }
        if statement.column_count() == 0 {
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
        self.columns = statement.columns().map(column).collect();
        drop(statement);
        self.sql = Some(sql.to_owned());
        Ok(&self.columns)
    }

    /// The functions that the prepared statement calls, in views as well, as SQLite itself found them.
    pub(super) fn calls(&self) -> BTreeSet<String> {
        self.authorizer.calls()
    }

    pub(super) fn run(&mut self, caps: &Caps, sink: &mut dyn Sink) -> Result<Done, Failed> {
        let Some(sql) = self.sql.take() else {
            return Err(Failed::new(Engine::Sqlite, Cause::Other, "no statement was prepared"));
        };
        let known = self.authorizer.calls();
        self.start();
        self.authorizer.watch(&mut self.connection).map_err(|error| failed(&error))?;
        let broken = |error: std::io::Error| Failed::new(Engine::Sqlite, Cause::Sink, error.to_string());
        let mut statement = self.connection.prepare(&sql).map_err(|error| self.authorizer.explained(failed(&error)))?;
        if !statement.readonly() || self.authorizer.calls() != known {
            return Err(Failed::new(Engine::Sqlite, Cause::Strange, "the statement is no longer what it was"));
        }
        sink.columns(&self.columns).map_err(broken)?;
        let mut done = Done { rows: 0, bytes: 0, truncated: None };
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(|error| failed(&error))? {
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
                break;
            }
            sink.row(&cells).map_err(broken)?;
            done.rows += 1;
            done.bytes += bytes;
        }
        Ok(done)
    }

    /// What runs now may take its time.
    fn start(&self) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + self.time);
    }
}
