//! Whether conditions hold the rows of a source to one thing, or to a span of time.
//! Knows conjunctions of comparisons with constants; whatever else stands there bounds nothing.
#![expect(clippy::wildcard_enum_match_arm, reason = "what is not understood bounds nothing")]

use super::flow::Sort;
use super::scope::{At, Scope, is_plain};
use super::time::{Moment, Seconds, moment, part};
use crate::action::query::{Expr, Literal, Node};
use crate::decide::policy::Alpha;

/// The parts of a condition that must all hold.
pub(super) fn conjuncts<'e>(condition: &'e Expr, into: &mut Vec<&'e Expr>) {
    match &condition.node {
        Node::Operation { operator, operands, quantifier: None } if operator.symbol == "and" => {
            operands.iter().for_each(|operand| conjuncts(operand, into));
        }
        _ => into.push(condition),
    }
}

/// What is known of the rows of one source.
#[derive(Debug, Default)]
pub(super) struct Span {
    lower: Vec<Moment>,
    upper: Vec<Moment>,
    /// They are of one thing.
    one: bool,
}

impl Span {
    /// Whether they are of one thing, or of no more than `most` seconds.
    pub(super) fn is_within(&self, most: Seconds) -> bool {
        let upper = || self.upper.iter().copied().chain([Moment::NOW]);
        self.one
            || self.lower.iter().any(|lower| upper().any(|upper| upper.since(*lower).is_some_and(|span| span <= most)))
    }

    /// Takes in a part of a condition, if it is about the source at `at`.
    pub(super) fn hold(&mut self, condition: &Expr, at: At, (scope, alpha): (&Scope, &Alpha)) {
        let Node::Operation { operator, operands, quantifier: None } = &condition.node else { return };
        let sort = |expr: &Expr| match &expr.node {
            Node::Column(path) => {
                let (found, flow) = scope.column(path, alpha);
                let plain = [Sort::Time, Sort::Id].into_iter().find(|sort| is_plain(flow, *sort));
                plain.filter(|_| found == Some(at))
            }
            _ => None,
        };
        // A column of the row that a query around this one is at.
        let outer = |expr: &Expr| match &expr.node {
            Node::Column(path) => scope.column(path, alpha).0.is_some_and(|found| found.0 < at.0),
            _ => false,
        };
        match (operator.symbol.as_str(), operands.as_slice()) {
            ("between", [of, low, high]) if sort(of) == Some(Sort::Time) => {
                self.lower.extend(moment(low));
                self.upper.extend(moment(high));
            }
            ("in", [of, list]) => self.is_in(sort(of), list),
            (symbol, [left, right]) => match (sort(left), sort(right)) {
                (Some(Sort::Id), None) if symbol == "=" => self.one |= is_constant(right) || outer(right),
                (None, Some(Sort::Id)) if symbol == "=" => self.one |= is_constant(left) || outer(left),
                (Some(sort), None) => self.compare(sort, symbol, right),
                (None, Some(sort)) => self.compare(sort, turned(symbol), left),
                (Some(_), Some(_)) | (None, None) => {}
            },
            _ => {}
        }
    }

    fn compare(&mut self, sort: Sort, symbol: &str, with: &Expr) {
        match (sort, symbol) {
            (Sort::Time, ">" | ">=") => self.lower.extend(moment(with)),
            (Sort::Time, "<" | "<=") => self.upper.extend(moment(with)),
            (Sort::Time, "=") => {
                self.lower.extend(moment(with));
                self.upper.extend(moment(with));
            }
            (Sort::Time | Sort::Id | Sort::Parameter | Sort::Other, _) => {}
        }
    }

    fn is_in(&mut self, sort: Option<Sort>, list: &Expr) {
        let Node::Row(parts) = &list.node else { return };
        if sort == Some(Sort::Id) {
            self.one |= parts.iter().all(is_constant);
        }
        // QuestDB: a part of a date means all of it.
        if let (Some(Sort::Time), [Expr { node: Node::Literal(Literal::Text(text)), .. }]) = (sort, parts.as_slice())
            && let Some((first, last)) = part(text)
        {
            self.lower.push(first);
            self.upper.push(last);
        }
    }
}

/// A comparison read from right to left.
pub(super) fn turned(symbol: &str) -> &str {
    match symbol {
        "<" => ">",
        "<=" => ">=",
        ">" => "<",
        ">=" => "<=",
        same => same,
    }
}

/// Whether it is written down in the query.
pub(super) fn is_constant(expr: &Expr) -> bool {
    match &expr.node {
        Node::Literal(_) => true,
        Node::Cast { of, .. } => is_constant(of),
        _ => false,
    }
}
