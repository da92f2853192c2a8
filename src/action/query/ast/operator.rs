//! Operators out of sqlparser's tree, in guard's spelling.

use super::Ast;
use crate::action::query::Place;
use crate::action::query::name::{Name, Operator};
use crate::action::query::shape::{Expr, Node};
use sqlparser::ast::BinaryOperator;

/// An operator on its operands.
pub(super) fn operation(symbol: &str, place: Place, operands: Vec<Expr>) -> Node {
    let operator = Operator { schema: None, symbol: symbol.to_owned(), place };
    Node::Operation { operator, quantifier: None, operands }
}

impl Ast<'_> {
    /// A binary operator; sqlparser does not say where it stands, so the place is its left operand's.
    pub(super) fn operator(&self, of: &BinaryOperator, place: Place) -> Operator {
        match of {
            BinaryOperator::PGCustomBinaryOperator(parts) => {
                let mut parts = parts.clone();
                let symbol = parts.pop().unwrap_or_default();
                let schema =
                    parts.pop().map(|schema| match schema.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
                        Some(inner) => Name::new(self.engine, &inner.replace("\"\"", "\""), true),
                        None => Name::new(self.engine, &schema, false),
                    });
                Operator { schema, symbol, place }
            }
            BinaryOperator::NotEq => Operator { schema: None, symbol: "<>".to_owned(), place },
            other => Operator { schema: None, symbol: other.to_string().to_lowercase(), place },
        }
    }
}
