//! What a server's catalog says of the names in a query: plain data, gathered by a session and judged by a policy.
//! Names are as the server keeps them: folded or not, without quotes. Knows no server and no SQL.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A name, with its schema where one was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Named {
    /// The schema that was written; `None`: the first one on the search path that has the name.
    pub schema: Option<String>,
    /// The name.
    pub name: String,
}

impl Named {
    /// A name without a schema.
    pub fn bare(name: impl Into<String>) -> Self {
        Self { schema: None, name: name.into() }
    }

    /// A name in a schema.
    pub fn within(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self { schema: Some(schema.into()), name: name.into() }
    }
}

impl fmt::Display for Named {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) => write!(to, "{schema}.{}", self.name),
            None => to.write_str(&self.name),
        }
    }
}

/// Names to ask the catalog for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Tables, views and whatever else stands in a FROM or is written to.
    pub relations: BTreeSet<Named>,
    /// Functions, aggregates, window functions, procedures; and fields of `(x).f` and `o.f`, which may be functions.
    pub functions: BTreeSet<Named>,
    /// Operators, as `+` or `~~*`.
    pub operators: BTreeSet<Named>,
    /// Types that are cast to or named otherwise.
    pub types: BTreeSet<Named>,
}

impl Wanted {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.relations.is_empty() && self.functions.is_empty() && self.operators.is_empty() && self.types.is_empty()
    }
}

/// What there is of the names asked for. A name that is not there does not exist, or may not be seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    /// The schemas that names without one are looked for in, in order, those the server adds by itself included.
    pub path: Vec<String>,
    /// The one relation that each name means.
    pub relations: BTreeMap<Named, Relation>,
    /// All functions of each name: in the schema that was written, or, where none was, in every schema of the database.
    pub functions: BTreeMap<Named, Vec<Function>>,
    /// All operators of each name, found likewise.
    pub operators: BTreeMap<Named, Vec<Operator>>,
    /// All types of each name, found likewise.
    pub types: BTreeMap<Named, Vec<Type>>,
    /// All casts that the server was not born with.
    pub casts: Vec<Cast>,
}

/// What a relation is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RelationKind {
    /// A plain table.
    Table,
    /// A partitioned table.
    Partitioned,
    /// A view: it runs this text.
    View {
        /// Its SELECT, as the server spells it out.
        definition: String,
    },
    /// A materialized view: what this text gave when it was last refreshed.
    Materialized {
        /// Its SELECT, as the server spells it out.
        definition: String,
    },
    /// A foreign table: reading it does what its wrapper does.
    Foreign {
        /// The foreign server's name.
        server: String,
    },
    /// A virtual table of SQLite: reading it does what its module does.
    Virtual {
        /// The module's name, in lower case.
        module: String,
    },
    /// A sequence.
    Sequence,
    /// An index.
    Index,
    /// A composite type.
    Composite,
    /// Anything else, with the server's own letter or word for it.
    Other(String),
}

/// A relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// Its schema; of SQLite `main`; of QuestDB empty.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: RelationKind,
    /// Whether the server was born with it.
    pub built_in: bool,
    /// Its columns in order, the system's own (`ctid`, `rowid`) not among them.
    pub columns: Vec<Column>,
    /// Its triggers, those that keep foreign keys not among them.
    pub triggers: Vec<String>,
    /// Its rules, a view's own not among them.
    pub rules: Vec<String>,
    /// Tables that a change of its rows changes or deletes rows of, by a foreign key (`CASCADE`, `SET NULL`, `SET DEFAULT`).
    pub cascades: Vec<Named>,
    /// Conditions of row security that are computed where it is read or written, as the server spells them out.
    pub policies: Vec<String>,
    /// Expressions that are computed where a row is written: defaults, generated columns, checks, indexes.
    pub expressions: Vec<String>,
    /// Partitions and tables that inherit from it, at every depth: reading it reads them.
    pub children: Vec<Child>,
    /// Tables it is a partition of or inherits from, at every depth.
    pub parents: Vec<Named>,
}

/// A table that is read with another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// Its schema and name.
    pub named: Named,
    /// Whether it is a foreign table.
    pub foreign: bool,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type as the server writes it, with its measures: `numeric(10,2)`.
    pub type_name: String,
    /// Whether it may hold NULL.
    pub nullable: bool,
    /// Whether it is of the primary key; of QuestDB: whether it is the designated timestamp.
    pub key: bool,
}

/// Whether a function gives the same for the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Volatility {
    /// Always.
    Immutable,
    /// Within one statement.
    Stable,
    /// Not even there; it may do anything.
    Volatile,
}

/// What sort of function it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FunctionKind {
    /// A function of one row.
    Plain,
    /// An aggregate.
    Aggregate,
    /// A window function.
    Window,
    /// A procedure.
    Procedure,
}

/// A function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// What sort it is.
    pub kind: FunctionKind,
    /// Types of its arguments, the optional ones included.
    pub arguments: Vec<String>,
    /// Whether the last argument's type is that of any number of further ones.
    pub variadic: bool,
    /// Its volatility.
    pub volatility: Volatility,
    /// The language it is written in: `internal`, `c`, `sql`, `plpgsql`, ….
    pub language: String,
    /// Whether it runs with its owner's rights.
    pub definer: bool,
    /// Whether the server was born with it: somebody may have put others into `pg_catalog`.
    pub built_in: bool,
    /// Whether its schema is on the search path.
    pub on_path: bool,
    /// Whether the session's user may call it.
    pub executable: bool,
}

/// An operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The type of its left operand; `None`: it has none.
    pub left: Option<String>,
    /// The type of its right operand.
    pub right: Option<String>,
    /// The function behind it.
    pub function: Named,
    /// Whether the server was born with it and with its function.
    pub built_in: bool,
    /// Whether its schema is on the search path.
    pub on_path: bool,
}

/// What a type is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TypeKind {
    /// With input and output functions of its own.
    Base,
    /// Of columns.
    Composite,
    /// A type with conditions on it.
    Domain {
        /// The conditions, as the server spells them out: they are computed at every cast to it.
        checks: Vec<String>,
    },
    /// Of listed words.
    Enum,
    /// A range or multirange.
    Range,
    /// Stands for other types.
    Pseudo,
}

/// A type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Type {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: TypeKind,
    /// Whether the server was born with it and with what reads and writes it.
    pub built_in: bool,
    /// Whether its schema is on the search path.
    pub on_path: bool,
}

/// When a cast is made without being asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CastUse {
    /// Never.
    Explicit,
    /// Where a column is assigned to.
    Assignment,
    /// In every expression.
    Implicit,
}

/// A cast that somebody added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cast {
    /// The type that is cast.
    pub from: String,
    /// The type it is cast to.
    pub to: String,
    /// The function that is run; `None`: the bytes stay, or go by text.
    pub function: Option<Named>,
    /// When it is made.
    pub when: CastUse,
}
