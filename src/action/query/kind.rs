//! What sort of statement a query is, and whether that sort only reads.

use std::fmt;

/// What sort of statement it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// `SELECT` without INTO and without writes in its definitions.
    Select,
    /// `VALUES`.
    Values,
    /// `TABLE t`.
    Table,
    /// `SHOW …`: what, in small letters with single spaces (`tables`, `columns`, `server_version`, `all`).
    Show(String),
    /// `EXPLAIN` without ANALYZE in any spelling, of what.
    Explain(Box<Kind>),
    /// `EXPLAIN ANALYZE`, which runs the statement.
    ExplainAnalyze(Box<Kind>),
    /// `SELECT … INTO t`, which makes a table.
    SelectInto,
    /// A query one of whose definitions writes.
    WithWrites,
    /// A query that locks rows: `FOR UPDATE`.
    Locking,
    /// `INSERT`, SQLite's `REPLACE`.
    Insert,
    /// `UPDATE`.
    Update,
    /// `DELETE`.
    Delete,
    /// `MERGE`.
    Merge,
    /// `TRUNCATE`.
    Truncate,
    /// `CREATE`, `ALTER`, `DROP`, `RENAME`, `COMMENT`, `REINDEX`…: the verb and the sort of object, in small letters.
    Ddl {
        /// `create`, `drop`, …
        verb: String,
        /// `table`, `index`, `materialized view`, …; empty if the verb says it all.
        object: String,
    },
    /// Anything else: its first word in small letters (`copy`, `call`, `do`, `set`, `begin`, `lock`, `listen`, `prepare`, `pragma`,
    /// `attach`, `vacuum`, …).
    Other(String),
}

impl Kind {
    /// Whether statements of this sort write nothing, whatever functions they call; EXPLAIN ANALYZE only of such.
    pub fn reads_only(&self) -> bool {
        match self {
            Kind::Select | Kind::Values | Kind::Table | Kind::Show(_) => true,
            Kind::Explain(of) | Kind::ExplainAnalyze(of) => of.reads_only(),
            Kind::SelectInto
            | Kind::WithWrites
            | Kind::Locking
            | Kind::Insert
            | Kind::Update
            | Kind::Delete
            | Kind::Merge
            | Kind::Truncate
            | Kind::Ddl { .. }
            | Kind::Other(_) => false,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Select => to.write_str("SELECT"),
            Kind::Values => to.write_str("VALUES"),
            Kind::Table => to.write_str("TABLE"),
            Kind::Show(what) => write!(to, "SHOW {}", what.to_uppercase()),
            Kind::Explain(of) => write!(to, "EXPLAIN {of}"),
            Kind::ExplainAnalyze(of) => write!(to, "EXPLAIN ANALYZE {of}"),
            Kind::SelectInto => to.write_str("SELECT INTO"),
            Kind::WithWrites => to.write_str("WITH … that writes"),
            Kind::Locking => to.write_str("SELECT … FOR UPDATE"),
            Kind::Insert => to.write_str("INSERT"),
            Kind::Update => to.write_str("UPDATE"),
            Kind::Delete => to.write_str("DELETE"),
            Kind::Merge => to.write_str("MERGE"),
            Kind::Truncate => to.write_str("TRUNCATE"),
            Kind::Ddl { verb, object } if object.is_empty() => to.write_str(&verb.to_uppercase()),
            Kind::Ddl { verb, object } => write!(to, "{} {}", verb.to_uppercase(), object.to_uppercase()),
            Kind::Other(word) => to.write_str(&word.to_uppercase()),
        }
    }
}
