//! SQL, read into structure and proved to be what it says: what sort of statement it is, which relations it reads and writes,
//! which functions, operators, types and fields it uses. Knows no server, no catalog and no policy.

mod agree;
mod ast;
pub mod catalog;
mod definition;
mod gate;
mod gather;
mod kind;
mod level;
mod name;
mod place;
mod questdb;
mod read;
mod reading;
mod scope;
mod shape;
mod split;
mod text;
mod token;
mod told;
mod tree;
mod unreadable;
mod view;
mod words;

pub use kind::Kind;
pub use name::{Called, Field, Lock, Name, Of, Operator, Path, Relation, Spelling, TypeName};
pub use place::Place;
pub use read::read;
pub use shape::{
    Block, Body, Bound, Call, Change, Column, Compound, Definition, Distinct, Expr, Frame, From, Join, Limit, Literal,
    Node, On, Quantifier, QueryAs, Sample, Set, Sort, Source, Unit, Verb, Window,
};
pub(super) use split::{Piece, Word, WordSort, pieces};
pub(super) use token::tokens;
pub use unreadable::{Fault, Unreadable};
pub use view::own_query;

use serde::{Deserialize, Serialize};
use shape::flat;

use std::fmt;

/// Whose SQL it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Engine {
    /// PostgreSQL, 15 to 18.
    Postgres,
    /// QuestDB.
    QuestDb,
    /// SQLite.
    Sqlite,
}

impl fmt::Display for Engine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Engine::Postgres => "PostgreSQL",
            Engine::QuestDb => "QuestDB",
            Engine::Sqlite => "SQLite",
        })
    }
}

/// A statement that was read, and what it does.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    engine: Engine,
    text: String,
    kind: Kind,
    shape: Option<Body>,
    reads: Vec<Relation>,
    writes: Vec<Relation>,
    calls: Vec<Called>,
    operators: Vec<Operator>,
    types: Vec<TypeName>,
    fields: Vec<Field>,
    locks: Vec<Lock>,
}

impl Query {
    /// Whose SQL it is.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// The statement as it was given; this runs.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What sort of statement it is.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Its structure; for EXPLAIN that of what is explained. `None` for statements that compute no rows (SHOW, DDL, SET, …).
    pub fn shape(&self) -> Option<&Body> {
        self.shape.as_ref()
    }

    /// Relations whose rows it reads, in the order of the text; a name twice if it stands there twice. Common table expressions
    /// are not among them.
    pub fn reads(&self) -> &[Relation] {
        &self.reads
    }

    /// Relations it writes to, makes, alters or drops. Of DDL only what guard follows: judge that by its kind.
    pub fn writes(&self) -> &[Relation] {
        &self.writes
    }

    /// Functions it calls.
    pub fn calls(&self) -> &[Called] {
        &self.calls
    }

    /// Operators it uses.
    pub fn operators(&self) -> &[Operator] {
        &self.operators
    }

    /// Types it casts to.
    pub fn types(&self) -> &[TypeName] {
        &self.types
    }

    /// Fields it takes from sources and expressions, each of which may be a function call in disguise.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Rows it locks.
    pub fn locks(&self) -> &[Lock] {
        &self.locks
    }
}
