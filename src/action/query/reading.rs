//! What a parser made of a statement, in guard's own types: both parsers end here, so that they can be compared.

use super::shape::Body;

/// A statement as one parser reads it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reading {
    /// EXPLAIN stands before it.
    pub(super) explain: Option<Explained>,
    /// The statement.
    pub(super) statement: Statement,
}

/// How it is explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Explained {
    /// It is run for that: `EXPLAIN ANALYZE` in any spelling.
    pub(super) analyzes: bool,
}

/// A statement without what may stand before it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Statement {
    /// One that computes or changes rows.
    Body(Box<Body>),
    /// `SHOW …`.
    Show,
    /// Any other.
    Other,
}
