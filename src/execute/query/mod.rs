//! One read-only conversation with a database: PostgreSQL, QuestDB, SQLite.
//! It reads and cannot write, whatever it is asked: what may be read is for others to say. Knows no policy and no SQL.
//!
//! A session that writes will be another type, made from an [`Endpoint`] and a permit.

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

pub use endpoint::{Endpoint, Lies, Unusable};
pub use failed::{Cause, Failed};
pub use identity::Identity;
pub use posture::Posture;
pub use session::Session;
pub(crate) use url::Url;
pub use value::{Cell, Column, Form};

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
}

impl Default for Limits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), time: Duration::from_secs(30), path: None }
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// Rows that were passed on.
    pub rows: u64,
    /// Bytes of their values, as text.
    pub bytes: u64,
    /// Whether that is not all of them.
    pub truncated: Option<Truncated>,
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
