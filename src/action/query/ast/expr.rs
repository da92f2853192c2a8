//! Expressions out of sqlparser's tree.

use super::Ast;
use super::operator::operation;
use crate::action::query::name::{Field, Of, Operator, Path};
use crate::action::query::shape::{Expr, Literal, Node, Quantifier, QueryAs};
use crate::action::query::{Engine, Place, Unreadable};
use sqlparser::ast::{
    AccessExpr, BinaryOperator, CaseWhen, CastKind, DataType, Expr as Raw, Ident, Interval, Query, Subscript,
    TypedString, Value, ValueWithSpan,
};

impl Ast<'_> {
    /// An expression; `at` is where it stands as far as the parser told. The work is in other functions, each of which has its own
    /// part of the stack.
    pub(super) fn expr(&self, raw: &Raw, at: Place) -> Result<Expr, Unreadable> {
        let _level = self.level.enter(at)?;
        match raw {
            Raw::Nested(inner) => self.expr(inner, at),
            Raw::Identifier(ident) => Ok(self.identifier(ident)),
            Raw::CompoundIdentifier(idents) => self.identifiers(idents, at),
            Raw::CompoundFieldAccess { root, access_chain } => self.access(root, access_chain, at),
            Raw::BinaryOp { left, op, right } => self.binary(left, op, right, at),
            Raw::UnaryOp { op, expr } => self.one(&op.to_string().to_lowercase(), expr, at),
            Raw::Value(value) => self.value(value),
            Raw::Subquery(query) => self.query_expr(query, QueryAs::Value, at),
            Raw::Exists { subquery, negated } => self.exists(subquery, *negated, at),
            Raw::InList { .. } | Raw::InSubquery { .. } | Raw::Between { .. } => self.ranged(raw, at),
            Raw::Like { .. } | Raw::ILike { .. } | Raw::SimilarTo { .. } | Raw::RLike { .. } => self.matched(raw, at),
            Raw::AnyOp { .. } | Raw::AllOp { .. } => self.quantified(raw, at),
            Raw::Cast { .. } | Raw::TypedString(_) | Raw::Interval(_) => self.cast(raw, at),
            Raw::Case { .. } => self.case(raw, at),
            Raw::Tuple(parts) => self.several(parts, Node::Row, at),
            Raw::Array(array) => self.several(&array.elem, Node::Array, at),
            Raw::GroupingSets(sets) | Raw::Cube(sets) | Raw::Rollup(sets) => self.grouping(sets, at),
            Raw::Wildcard(_) => Ok(Expr { place: at, node: Node::Star(Vec::new()) }),
            Raw::QualifiedWildcard(name, _) => {
                let (path, place) = self.path(name)?;
                Ok(Expr { place, node: star(path) })
            }
            Raw::AtTimeZone { timestamp, time_zone } => self.two("at time zone", timestamp, time_zone, at),
            Raw::IsDistinctFrom(left, right) => self.two("is distinct from", left, right, at),
            Raw::IsNotDistinctFrom(left, right) => self.two("is not distinct from", left, right, at),
            Raw::Collate { expr, collation } => {
                self.path(collation)?;
                self.one("collate", expr, at)
            }
            Raw::Function(_) => self.called(raw, at),
            _ => match tested(raw) {
                Some((symbol, of)) => self.one(&symbol, of, at),
                None => self.called(raw, at),
            },
        }
    }

    /// An operator on one operand.
    fn one(&self, symbol: &str, of: &Raw, at: Place) -> Result<Expr, Unreadable> {
        let of = self.expr(of, at)?;
        let place = of.place;
        Ok(Expr { place, node: operation(symbol, place, vec![of]) })
    }

    /// An operator between two.
    fn two(&self, symbol: &str, left: &Raw, right: &Raw, at: Place) -> Result<Expr, Unreadable> {
        let left = self.expr(left, at)?;
        let place = left.place;
        Ok(Expr { place, node: operation(symbol, place, vec![left, self.expr(right, place)?]) })
    }

    fn value(&self, value: &ValueWithSpan) -> Result<Expr, Unreadable> {
        Ok(Expr { place: self.place(value.span), node: Node::Literal(self.literal(value)?) })
    }

    fn several(&self, parts: &[Raw], into: impl Fn(Vec<Expr>) -> Node, at: Place) -> Result<Expr, Unreadable> {
        let parts = self.exprs(parts, at)?;
        Ok(Expr { place: parts.first().map_or(at, |first| first.place), node: into(parts) })
    }

    fn grouping(&self, sets: &[Vec<Raw>], at: Place) -> Result<Expr, Unreadable> {
        let parts: Vec<Expr> = sets.iter().flatten().map(|of| self.expr(of, at)).collect::<Result<_, _>>()?;
        Ok(Expr { place: parts.first().map_or(at, |first| first.place), node: Node::Grouping(parts) })
    }

    fn exists(&self, query: &Query, negated: bool, at: Place) -> Result<Expr, Unreadable> {
        let query = self.query_expr(query, QueryAs::Exists, at)?;
        if !negated {
            return Ok(query);
        }
        Ok(Expr { place: query.place, node: operation("not", query.place, vec![query]) })
    }

    /// IN and BETWEEN.
    fn ranged(&self, raw: &Raw, at: Place) -> Result<Expr, Unreadable> {
        let (symbol, negated, operands) = match raw {
            Raw::InList { expr, list, negated } => {
                let of = self.expr(expr, at)?;
                let list = Expr { place: of.place, node: Node::Row(self.exprs(list, of.place)?) };
                ("in", negated, vec![of, list])
            }
            Raw::InSubquery { expr, subquery, negated } => {
                let of = self.expr(expr, at)?;
                let query = self.query_expr(subquery, QueryAs::Value, of.place)?;
                ("in", negated, vec![of, query])
            }
            Raw::Between { expr, negated, low, high } => {
                let of = self.expr(expr, at)?;
                let place = of.place;
                ("between", negated, vec![of, self.expr(low, place)?, self.expr(high, place)?])
            }
            _ => return self.unknown(at, "this condition"),
        };
        let place = operands.first().map_or(at, |first| first.place);
        let symbol = if *negated { format!("not {symbol}") } else { symbol.to_owned() };
        Ok(Expr { place, node: operation(&symbol, place, operands) })
    }

    /// LIKE and its kin.
    fn matched(&self, raw: &Raw, at: Place) -> Result<Expr, Unreadable> {
        let (symbol, negated, any, of, pattern, escape) = match raw {
            Raw::Like { negated, any, expr, pattern, escape_char } => {
                ("like", negated, *any, expr, pattern, escape_char)
            }
            Raw::ILike { negated, any, expr, pattern, escape_char } => {
                ("ilike", negated, *any, expr, pattern, escape_char)
            }
            Raw::SimilarTo { negated, expr, pattern, escape_char } => {
                ("similar to", negated, false, expr, pattern, escape_char)
            }
            Raw::RLike { negated, expr, pattern, regexp: true } => ("regexp", negated, false, expr, pattern, &None),
            _ => return self.unknown(at, "this condition"),
        };
        let of = self.expr(of, at)?;
        let place = of.place;
        let mut operands = vec![of, self.expr(pattern, place)?];
        operands.extend(self.some(escape.as_deref(), place)?);
        let symbol = if *negated { format!("not {symbol}") } else { symbol.to_owned() };
        let operator = Operator { schema: None, symbol, place };
        Ok(Expr { place, node: Node::Operation { operator, quantifier: any.then_some(Quantifier::Any), operands } })
    }

    fn quantified(&self, raw: &Raw, at: Place) -> Result<Expr, Unreadable> {
        let (left, op, quantifier, right) = match raw {
            Raw::AnyOp { left, compare_op, right, is_some: _ } => (left, compare_op, Quantifier::Any, right),
            Raw::AllOp { left, compare_op, right } => (left, compare_op, Quantifier::All, right),
            _ => return self.unknown(at, "this condition"),
        };
        let left = self.expr(left, at)?;
        let place = left.place;
        let operands = vec![left, self.expr(right, place)?];
        let operator = self.operator(op, place);
        Ok(Expr { place, node: Node::Operation { operator, quantifier: Some(quantifier), operands } })
    }

    fn cast(&self, raw: &Raw, at: Place) -> Result<Expr, Unreadable> {
        let interval = DataType::Interval { fields: None, precision: None };
        let (of, to) = match raw {
            Raw::Cast { kind: CastKind::Cast | CastKind::DoubleColon, expr, data_type, format: None } => {
                (self.expr(expr, at)?, data_type)
            }
            Raw::TypedString(TypedString { data_type, value, uses_odbc_syntax: false }) => {
                (self.value(value)?, data_type)
            }
            Raw::Interval(Interval { value, .. }) => (self.expr(value, at)?, &interval),
            _ => return self.unknown(at, "this cast"),
        };
        let place = of.place;
        Ok(Expr { place, node: Node::Cast { to: self.type_name(to, place)?, of: Box::new(of) } })
    }

    fn case(&self, raw: &Raw, at: Place) -> Result<Expr, Unreadable> {
        let Raw::Case { case_token, end_token: _, operand, conditions, else_result } = raw else {
            return self.unknown(at, "this expression");
        };
        let place = self.place(case_token.0.span);
        let of = self.some(operand.as_deref(), place)?.map(Box::new);
        let mut arms = Vec::with_capacity(conditions.len());
        for CaseWhen { condition, result } in conditions {
            arms.push((self.expr(condition, place)?, self.expr(result, place)?));
        }
        let otherwise = self.some(else_result.as_deref(), place)?.map(Box::new);
        Ok(Expr { place, node: Node::Case { of, arms, otherwise } })
    }

    /// Expressions in a row.
    pub(super) fn exprs(&self, raws: &[Raw], at: Place) -> Result<Vec<Expr>, Unreadable> {
        raws.iter().map(|raw| self.expr(raw, at)).collect()
    }

    /// An expression that may be missing.
    pub(super) fn some(&self, raw: Option<&Raw>, at: Place) -> Result<Option<Expr>, Unreadable> {
        raw.map(|raw| self.expr(raw, at)).transpose()
    }

    /// A query as an expression.
    pub(super) fn query_expr(&self, query: &Query, as_what: QueryAs, at: Place) -> Result<Expr, Unreadable> {
        let body = Box::new(self.body(query, at)?);
        Ok(Expr { place: body.place, node: Node::Query { as_what, body } })
    }

    fn identifier(&self, ident: &Ident) -> Expr {
        let place = self.place(ident.span);
        if ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case("default") {
            return Expr { place, node: Node::Literal(Literal::Default) };
        }
        Expr { place, node: Node::Column(Path { qualifier: Vec::new(), name: self.name(ident) }) }
    }

    fn identifiers(&self, idents: &[Ident], at: Place) -> Result<Expr, Unreadable> {
        let place = idents.first().map_or(at, |ident| self.place(ident.span));
        let mut names: Vec<_> = idents.iter().map(|ident| self.name(ident)).collect();
        match names.pop() {
            Some(name) => Ok(Expr { place, node: Node::Column(Path { qualifier: names, name }) }),
            None => self.unknown(at, "a name of no parts"),
        }
    }

    fn access(&self, root: &Raw, chain: &[AccessExpr], at: Place) -> Result<Expr, Unreadable> {
        let mut of = self.expr(root, at)?;
        let mut is_path = matches!(root, Raw::Identifier(_) | Raw::CompoundIdentifier(_));
        for access in chain {
            let _level = self.level.enter(of.place)?;
            let place = of.place;
            let node = match (access, of.node) {
                (AccessExpr::Dot(Raw::Identifier(ident)), Node::Column(path)) if is_path => {
                    let mut qualifier = path.qualifier;
                    qualifier.push(path.name);
                    Node::Column(Path { qualifier, name: self.name(ident) })
                }
                (AccessExpr::Dot(Raw::Identifier(ident)), node) => {
                    is_path = false;
                    let field = Field { of: Of::Expression, name: self.name(ident), place: self.place(ident.span) };
                    Node::Field { of: Box::new(Expr { place, node }), field }
                }
                (AccessExpr::Subscript(subscript), node) => {
                    is_path = false;
                    let at = match subscript {
                        Subscript::Index { index } => vec![self.expr(index, place)?],
                        Subscript::Slice { lower_bound, upper_bound, stride: None } => {
                            let bounds = [lower_bound.as_ref(), upper_bound.as_ref()].into_iter().flatten();
                            bounds.map(|bound| self.expr(bound, place)).collect::<Result<_, _>>()?
                        }
                        Subscript::Slice { .. } => return self.unknown(place, "a slice with a step"),
                    };
                    Node::Subscript { of: Box::new(Expr { place, node }), at }
                }
                (AccessExpr::Dot(_), _) => return self.unknown(place, "what stands behind the dot"),
            };
            of = Expr { place, node };
        }
        Ok(of)
    }

    /// A constant.
    pub(super) fn literal(&self, value: &ValueWithSpan) -> Result<Literal, Unreadable> {
        Ok(match &value.value {
            Value::Number(number, false) => Literal::Number(number.clone()),
            Value::Number(number, true) if self.engine == Engine::QuestDb => Literal::Number(format!("{number}L")),
            Value::SingleQuotedString(text)
            | Value::EscapedStringLiteral(text)
            | Value::NationalStringLiteral(text) => Literal::Text(text.clone()),
            Value::DollarQuotedString(text) if self.engine == Engine::Postgres => Literal::Text(text.value.clone()),
            Value::SingleQuotedByteStringLiteral(bits) | Value::HexStringLiteral(bits) => Literal::Bits(bits.clone()),
            Value::Boolean(truth) => Literal::Truth(*truth),
            Value::Null => Literal::Null,
            _ => return self.unknown(self.place(value.span), "this constant"),
        })
    }

    fn binary(&self, left: &Raw, op: &BinaryOperator, right: &Raw, at: Place) -> Result<Expr, Unreadable> {
        let mut rights = vec![right];
        let mut first = left;
        if matches!(op, BinaryOperator::And | BinaryOperator::Or) {
            // The left side of a chain is walked, not called: ten thousand of them need no deeper stack.
            while let Raw::BinaryOp { left, op: inner, right } = first {
                if inner != op {
                    break;
                }
                rights.push(right);
                first = left;
            }
        }
        let mut operands = vec![self.expr(first, at)?];
        let place = operands.first().map_or(at, |operand| operand.place);
        for right in rights.into_iter().rev() {
            operands.push(self.expr(right, place)?);
        }
        Ok(Expr { place, node: Node::Operation { operator: self.operator(op, place), quantifier: None, operands } })
    }
}

/// A test of one thing: `is null`.
fn tested(raw: &Raw) -> Option<(String, &Raw)> {
    let (symbol, of) = match raw {
        Raw::IsFalse(of) => ("is false", of),
        Raw::IsNotFalse(of) => ("is not false", of),
        Raw::IsTrue(of) => ("is true", of),
        Raw::IsNotTrue(of) => ("is not true", of),
        Raw::IsNull(of) => ("is null", of),
        Raw::IsNotNull(of) => ("is not null", of),
        Raw::IsUnknown(of) => ("is unknown", of),
        Raw::IsNotUnknown(of) => ("is not unknown", of),
        Raw::IsNormalized { expr, form: _, negated: false } => ("is normalized", expr),
        Raw::IsNormalized { expr, form: _, negated: true } => ("is not normalized", expr),
        Raw::IsJson { expr, kind, unique_keys: _, negated } => {
            let kind = kind.as_ref().map_or(String::new(), |kind| format!(" {kind}").to_lowercase());
            return Some((format!("is{} json{kind}", if *negated { " not" } else { "" }), expr));
        }
        _ => return None,
    };
    Some((symbol.to_owned(), of))
}

/// `t.*` of a path that names `t`.
pub(super) fn star(path: Path) -> Node {
    let mut qualifier = path.qualifier;
    qualifier.push(path.name);
    Node::Star(qualifier)
}
