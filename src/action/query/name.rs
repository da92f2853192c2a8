//! Names in a query, as the engine will look them up, and the things they name.
//! Does not know whether such a thing exists.

use super::{Engine, Place};
use std::fmt;

/// One part of a name, as the engine compares it: PostgreSQL folds what is not quoted to small letters, QuestDB and SQLite
/// compare without regard to case, so there every name is folded.
#[derive(Debug, Clone, Eq)]
pub struct Name {
    text: String,
    is_quoted: bool,
}

impl Name {
    /// A name written as `raw` without its quotes.
    pub fn new(engine: Engine, raw: &str, is_quoted: bool) -> Name {
        let text = match engine {
            Engine::Postgres if is_quoted => raw.to_owned(),
            Engine::Postgres | Engine::Sqlite => raw.to_ascii_lowercase(),
            Engine::QuestDb => raw.to_lowercase(),
        };
        Name { text, is_quoted }
    }

    /// The name as the engine compares it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it stood in quotes.
    pub fn is_quoted(&self) -> bool {
        self.is_quoted
    }
}

/// Two names are equal if the engine takes them for the same; quotes do not matter once a name is folded.
impl PartialEq for Name {
    fn eq(&self, other: &Name) -> bool {
        self.text == other.text
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Name) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Name) -> std::cmp::Ordering {
        self.text.cmp(&other.text)
    }
}

impl std::hash::Hash for Name {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl fmt::Display for Name {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.text)
    }
}

/// A name of one or more parts, the last of which is the thing's own: `orders`, `public.orders`, `db.public.orders`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path {
    /// What stands before the last dot: schema, or catalog and schema. Empty if the name is not qualified.
    pub qualifier: Vec<Name>,
    /// The last part.
    pub name: Name,
}

impl Path {
    /// The part just before the name: the schema of a relation or function, the relation of a column.
    pub fn schema(&self) -> Option<&Name> {
        self.qualifier.last()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.qualifier {
            write!(to, "{part}.")?;
        }
        write!(to, "{}", self.name)
    }
}

/// A table, view, or whatever else stands where a table may stand; never a common table expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// Its name, with schema if one was written.
    pub path: Path,
    /// Where the name begins.
    pub place: Place,
}

/// How a function came to be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Spelling {
    /// `name(…)`: looked up by the search path or in the schema written.
    Call,
    /// Syntax of its own, which names no schema and cannot be shadowed by one: `extract(x from y)`, `trim(both …)`,
    /// `coalesce(…)`, `current_user`, `xmltable(…)`.
    Syntax,
}

/// A function that is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// Its name, with schema if one was written.
    pub path: Path,
    /// How it was called.
    pub spelling: Spelling,
    /// Where the name begins.
    pub place: Place,
}

/// An operator that is used: `+`, `||`, `->>`, `like`, `not ilike`, `between`, `in`, `at time zone`, `is null`, `and`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// The schema of `OPERATOR(schema.+)`.
    pub schema: Option<Name>,
    /// The symbol, or the keywords in small letters with single spaces.
    pub symbol: String,
    /// Where it stands.
    pub place: Place,
}

/// A type that something is cast to: `x::numeric`, `cast(x as date)`, `timestamp '2024-01-01'`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeName {
    /// Its name in the spelling of the text, words in small letters with single spaces (`double precision`), without
    /// lengths and brackets.
    pub path: Path,
    /// Whether it is an array of it.
    pub is_array: bool,
    /// Where it stands.
    pub place: Place,
}

/// A field taken from something: `o.f`, `schema.table.f`, `(x).f`. In PostgreSQL each of these **calls a function** `f` if
/// there is no such column, so each must be proved a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// What it is taken from.
    pub of: Of,
    /// Its name.
    pub name: Name,
    /// Where the name of the field stands.
    pub place: Place,
}

/// What a field is taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Of {
    /// A source in scope, whose columns are these names and all columns of these relations (`select *, 1 as x from t`).
    Source {
        /// The name or alias it was addressed by.
        name: Name,
        /// Columns that the text itself names.
        columns: Vec<Name>,
        /// Relations all of whose columns are columns of it.
        relations: Vec<Relation>,
        /// Functions in FROM whose results' columns are columns of it.
        functions: Vec<Path>,
        /// It may have columns that nothing here names.
        is_open: bool,
    },
    /// An expression: `(x).f`.
    Expression,
    /// No source of that name is in scope.
    Unknown(Path),
}

/// A request to lock rows: `for update`, `for no key update`, `for share`, `for key share`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// The strength, in small letters.
    pub strength: String,
    /// Where it stands.
    pub place: Place,
}
