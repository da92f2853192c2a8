//! The structure of a whole statement, for rules that look at what is computed from what: queries within queries, sources and how
//! they are joined, aggregates and what they are taken of, windows, keys, filters, limits. Owned, small, of no parser's types.

use super::Place;
use super::name::{Called, Field, Lock, Name, Operator, Path, Relation, TypeName};

/// A query expression: its definitions, what it computes, order and limits.
#[derive(Debug, Clone, PartialEq)]
pub struct Body {
    /// Where it begins.
    pub place: Place,
    /// `WITH RECURSIVE`.
    pub is_recursive: bool,
    /// `WITH` definitions, in order.
    pub definitions: Vec<Definition>,
    /// What is computed.
    pub set: Set,
    /// `ORDER BY` of the whole.
    pub order: Vec<Sort>,
    /// How many rows, and from which on.
    pub limit: Limit,
    /// `FOR UPDATE` and the like.
    pub locks: Vec<Lock>,
}

/// A common table expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// Where its name stands.
    pub place: Place,
    /// Its name.
    pub name: Name,
    /// Names it gives its columns; empty if it gives none.
    pub columns: Vec<Name>,
    /// What it stands for.
    pub body: Body,
}

/// What a query expression computes.
#[derive(Debug, Clone, PartialEq)]
pub enum Set {
    /// `SELECT …`.
    Block(Box<Block>),
    /// `VALUES (…), (…)`.
    Values(Vec<Vec<Expr>>),
    /// `TABLE t`: all of a relation or definition. (QuestDB's bare `t` is `SELECT * FROM t`.)
    All(Box<Source>),
    /// `… UNION …`, flat where the operators are the same: at least two parts.
    Compound {
        /// Which.
        with: Compound,
        /// Duplicates stay.
        is_all: bool,
        /// The parts.
        parts: Vec<Body>,
    },
    /// A statement that writes, in a definition or at the top.
    Change(Box<Change>),
}

/// How two results are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compound {
    /// `UNION`.
    Union,
    /// `INTERSECT`.
    Intersect,
    /// `EXCEPT`.
    Except,
}

/// One `SELECT`.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Where `SELECT` stands.
    pub place: Place,
    /// Duplicates are removed.
    pub distinct: Distinct,
    /// What is selected.
    pub columns: Vec<Column>,
    /// The table that `SELECT … INTO` makes.
    pub into: Option<Relation>,
    /// `FROM`, joins flat: each source says how it is joined to what stands before it.
    pub sources: Vec<Source>,
    /// `WHERE`.
    pub filter: Option<Expr>,
    /// `GROUP BY`.
    pub keys: Vec<Expr>,
    /// `HAVING`.
    pub having: Option<Expr>,
    /// `WINDOW name AS (…)`.
    pub windows: Vec<(Name, Window)>,
    /// QuestDB's `SAMPLE BY`.
    pub sample: Option<Sample>,
    /// QuestDB's `LATEST ON … PARTITION BY …`: the time, and the keys.
    pub latest: Option<(Expr, Vec<Expr>)>,
}

/// Whether duplicates are removed.
#[derive(Debug, Clone, PartialEq)]
pub enum Distinct {
    /// They stay.
    No,
    /// `DISTINCT`.
    Rows,
    /// `DISTINCT ON (…)`.
    On(Vec<Expr>),
}

/// One thing that is selected.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// What it is.
    pub expr: Expr,
    /// The name it is given.
    pub alias: Option<Name>,
}

/// Something in `FROM`.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Where it begins.
    pub place: Place,
    /// How it is joined to the sources before it in the same list.
    pub join: Join,
    /// What it is.
    pub from: From,
    /// The name it is given.
    pub alias: Option<Name>,
    /// Names its columns are given; empty if none.
    pub columns: Vec<Name>,
    /// What it is joined on: `ON`, `USING`, and QuestDB's `TOLERANCE`.
    pub on: On,
    /// It may refer to sources before it.
    pub is_lateral: bool,
    /// `ONLY`: without the tables that inherit from it.
    pub is_only: bool,
    /// `TABLESAMPLE`.
    pub sampled: Option<Expr>,
}

/// What a source is.
#[derive(Debug, Clone, PartialEq)]
pub enum From {
    /// A table or view.
    Relation(Relation),
    /// A common table expression that is in scope here.
    Definition(Name),
    /// `(SELECT …)`.
    Query(Box<Body>),
    /// A function, or syntax that stands where one may: `generate_series(…)`, `xmltable(…)`, `ROWS FROM (…, …)`.
    Calls(Vec<Expr>),
    /// `(a JOIN b ON …)`.
    Nested(Vec<Source>),
}

/// How a source is joined to those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    /// It is the first of its list, or stands behind a comma.
    Comma,
    /// `JOIN`, `INNER JOIN`.
    Inner,
    /// `LEFT JOIN`.
    Left,
    /// `RIGHT JOIN`.
    Right,
    /// `FULL JOIN`.
    Full,
    /// `CROSS JOIN`.
    Cross,
    /// QuestDB's `ASOF JOIN`.
    Asof,
    /// QuestDB's `LT JOIN`.
    Lt,
    /// QuestDB's `SPLICE JOIN`.
    Splice,
    /// QuestDB's `WINDOW JOIN`.
    Window,
    /// QuestDB's `HORIZON JOIN`.
    Horizon,
}

/// What a source is joined on.
#[derive(Debug, Clone, PartialEq)]
pub enum On {
    /// Nothing was said.
    Nothing,
    /// `ON …`.
    Condition(Box<Expr>),
    /// `USING (…)`, or QuestDB's `ON (…)` of columns.
    Columns(Vec<Name>),
    /// `NATURAL`: the columns that both have.
    Natural,
}

/// How many rows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Limit {
    /// `LIMIT n`, `FETCH FIRST n ROWS`; `LIMIT ALL` is `None`. QuestDB: the upper bound of `LIMIT a, b`; `-n` is the last n rows.
    pub count: Option<Expr>,
    /// `OFFSET n`; QuestDB: the lower bound of `LIMIT a, b`.
    pub offset: Option<Expr>,
    /// `WITH TIES`.
    pub with_ties: bool,
}

/// One key of an order.
#[derive(Debug, Clone, PartialEq)]
pub struct Sort {
    /// The key.
    pub expr: Expr,
    /// It descends.
    pub descends: bool,
    /// `USING operator`.
    pub using: Option<Operator>,
}

/// QuestDB's `SAMPLE BY`.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Where it stands.
    pub place: Place,
    /// The length of a bucket: a duration such as `1h`, or an expression.
    pub every: Expr,
    /// `FILL(…)`: empty if it was not said.
    pub fill: Vec<Expr>,
}

/// A statement that writes rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Where it begins.
    pub place: Place,
    /// Which.
    pub verb: Verb,
    /// The table that is written to. Never a common table expression.
    pub target: Relation,
    /// `ONLY`.
    pub is_only: bool,
    /// The alias of the target.
    pub alias: Option<Name>,
    /// What `INSERT` inserts; `None` for `DEFAULT VALUES` and the other verbs.
    pub rows: Option<Box<Body>>,
    /// `FROM` of UPDATE, `USING` of DELETE and MERGE.
    pub sources: Vec<Source>,
    /// `WHERE`, or the condition of `ON` in MERGE; `None`: every row.
    pub filter: Option<Expr>,
    /// Everything else that is computed: values that are set, conditions of `WHEN` and `ON CONFLICT`, `RETURNING`.
    pub values: Vec<Expr>,
}

/// Which rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// `INSERT`.
    Insert,
    /// `UPDATE`.
    Update,
    /// `DELETE`.
    Delete,
    /// `MERGE`.
    Merge,
}

/// An expression and where it begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// Where it begins.
    pub place: Place,
    /// What it is.
    pub node: Node,
}

/// What an expression is.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// A column: `price`, `t.price`, `s.t.price`. With a qualifier also a [`Field`].
    Column(Path),
    /// `*`, `t.*`; also `count(*)`'s argument.
    Star(Vec<Name>),
    /// A constant.
    Literal(Literal),
    /// A call.
    Call(Box<Call>),
    /// An operator on its operands, `AND` and `OR` flat; `x = ANY (…)` has its quantifier.
    Operation {
        /// Which.
        operator: Operator,
        /// `ANY`, `SOME`, `ALL` before the last operand.
        quantifier: Option<Quantifier>,
        /// The operands, from left to right.
        operands: Vec<Expr>,
    },
    /// `CASE`.
    Case {
        /// What is compared.
        of: Option<Box<Expr>>,
        /// `WHEN … THEN …`.
        arms: Vec<(Expr, Expr)>,
        /// `ELSE`.
        otherwise: Option<Box<Expr>>,
    },
    /// A cast, in any of its spellings.
    Cast {
        /// What is cast.
        of: Box<Expr>,
        /// To what.
        to: TypeName,
    },
    /// `(x).f`.
    Field {
        /// What it is taken from.
        of: Box<Expr>,
        /// The field.
        field: Field,
    },
    /// `x[1]`, `x[1:2]`.
    Subscript {
        /// What it is taken from.
        of: Box<Expr>,
        /// What stands in the brackets.
        at: Vec<Expr>,
    },
    /// `(SELECT …)`, `EXISTS (SELECT …)`, `ARRAY(SELECT …)`; the right side of `IN (SELECT …)` and `= ANY (SELECT …)`.
    Query {
        /// Which.
        as_what: QueryAs,
        /// The query.
        body: Box<Body>,
    },
    /// `ROW(…)`, `(a, b)`, the right side of `IN (a, b)`.
    Row(Vec<Expr>),
    /// `ARRAY[…]`.
    Array(Vec<Expr>),
    /// `ROLLUP (…)`, `CUBE (…)`, `GROUPING SETS (…)`: only among keys.
    Grouping(Vec<Expr>),
}

/// Where a query stands in an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryAs {
    /// A value, or the rows of `IN`, `ANY`, `ALL`.
    Value,
    /// `EXISTS`.
    Exists,
    /// `ARRAY`.
    Array,
}

/// `ANY` (and `SOME`, which means the same) or `ALL`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantifier {
    /// `ANY`.
    Any,
    /// `ALL`.
    All,
}

/// A constant.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// A number as it was written; QuestDB's durations (`1h`) too.
    Number(String),
    /// A string without its quotes and escapes.
    Text(String),
    /// `true`, `false`.
    Truth(bool),
    /// `NULL`.
    Null,
    /// `DEFAULT` among values.
    Default,
    /// Bits: `B'…'`, `X'…'`.
    Bits(String),
}

/// A call of a function.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The function.
    pub function: Called,
    /// Its arguments in the order of the text, names of named ones left out.
    pub arguments: Vec<Expr>,
    /// `DISTINCT` before the arguments.
    pub is_distinct: bool,
    /// `ORDER BY` among the arguments, or `WITHIN GROUP (ORDER BY …)`.
    pub order: Vec<Sort>,
    /// `FILTER (WHERE …)`.
    pub filter: Option<Expr>,
    /// `OVER …`.
    pub over: Option<Window>,
}

/// A window.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Where it stands.
    pub place: Place,
    /// The named window it is, or extends.
    pub base: Option<Name>,
    /// `PARTITION BY`.
    pub partition: Vec<Expr>,
    /// `ORDER BY`.
    pub order: Vec<Sort>,
    /// The frame, if one was written.
    pub frame: Option<Frame>,
}

/// A window's frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// What it is counted in.
    pub unit: Unit,
    /// Where it starts.
    pub start: Bound,
    /// Where it ends; `None`: at the current row.
    pub end: Option<Bound>,
}

/// What a frame is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// `ROWS`.
    Rows,
    /// `RANGE`.
    Range,
    /// `GROUPS`.
    Groups,
    /// QuestDB's `CUMULATIVE`.
    Cumulative,
}

/// Where a frame starts or ends.
#[derive(Debug, Clone, PartialEq)]
pub enum Bound {
    /// `UNBOUNDED PRECEDING`.
    Start,
    /// `n PRECEDING`.
    Preceding(Box<Expr>),
    /// `CURRENT ROW`.
    Current,
    /// `n FOLLOWING`.
    Following(Box<Expr>),
    /// `UNBOUNDED FOLLOWING`.
    End,
}

/// Puts parts together; a first part that is put together the same way becomes part of the whole.
pub(super) fn flat(with: Compound, is_all: bool, parts: Vec<Body>) -> Set {
    let mut all = Vec::new();
    for (index, part) in parts.into_iter().enumerate() {
        let is_bare = part.definitions.is_empty() && part.order.is_empty() && part.limit == Limit::default();
        let is_same = matches!(&part.set, Set::Compound { with: inner, is_all: inner_all, .. }
            if *inner == with && *inner_all == is_all);
        if index == 0
            && is_bare
            && is_same
            && let Set::Compound { parts, .. } = part.set
        {
            all.extend(parts);
        } else {
            all.push(part);
        }
    }
    Set::Compound { with, is_all, parts: all }
}
