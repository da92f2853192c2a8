//! Conversations with databases: PostgreSQL, QuestDB, SQLite.
//! A [`Session`] reads and cannot write, whatever it is asked; a [`Writer`] is another type, and takes a permit. What may be
//! asked is for others to say. Knows no policy and no SQL.

mod endpoint;
mod failed;
mod identity;
mod postgres;
mod posture;
mod questdb;
mod session;
mod sqlite;
mod url;
mod value;
pub(crate) mod wire;
mod writer;

pub use endpoint::{Endpoint, Lies, Unusable};
pub(crate) use endpoint::{Host, Mode, Server, Target};
pub use failed::{Cause, Failed};
pub use identity::Identity;
pub(crate) use postgres::QUESTION as PG_IDENTITY;
pub use posture::Posture;
pub use session::Session;
pub(crate) use sqlite::failed as sqlite_failed;
pub(crate) use url::Url;
pub use value::{Cell, Column, Form};
pub use writer::Writer;

use std::io;
use std::time::Duration;

/// What a session may take, and where it looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Time to be connected and let in.
    pub connect: Duration,
    /// Time for a statement, kept by the server and, a little later, by guard.
    pub time: Duration,
    /// Schemas that names without one are looked for in, after `pg_catalog`; `None`: as the user's settings say. PostgreSQL alone.
    pub path: Option<Vec<String>>,
    /// The role that is taken on at connection. PostgreSQL alone.
    pub role: Option<String>,
}

/// What a conversation may do to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), time: Duration::from_secs(30), path: None, role: None }
    }
}

/// Where a result ends at the latest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// Rows that are passed on.
    pub rows: u64,
    /// Bytes of values, as text, that are passed on.
    pub bytes: u64,
}

/// Which cap ended a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truncated {
    /// There are more rows.
    Rows,
    /// The next row would have been too many bytes.
    Bytes,
}

/// What a statement came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Done {
    /// Rows that were passed on.
    pub rows: u64,
    /// Bytes of their values, as text.
    pub bytes: u64,
    /// Whether that is not all of them.
    pub truncated: Option<Truncated>,
    /// Rows that it inserted, changed or deleted, where it was to do that.
    pub changed: Option<u64>,
}

/// Who takes the rows, one at a time. An error ends the statement.
pub trait Sink {
    /// The columns, before the first row.
    ///
    /// # Errors
    /// Where they cannot be taken.
    fn columns(&mut self, columns: &[Column]) -> io::Result<()>;

    /// A row, with a cell for each column.
    ///
    /// # Errors
    /// Where it cannot be taken.
    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()>;
}

/// A relation that is there to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its schema; of QuestDB empty.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// What it is, in a word: `table`, `view`, `materialized view`, `foreign table`, ….
    pub kind: &'static str,
}
