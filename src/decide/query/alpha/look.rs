//! Looking through expressions and queries: what is in them, what they are called.
//! Judges nothing.

use crate::action::query::{Body, Engine, Expr, From, Name, Node, Set, Source};

/// Every expression in an expression, not those of queries within it.
pub(super) fn visit(expr: &Expr, with: &mut impl FnMut(&Expr)) {
    with(expr);
    match &expr.node {
        Node::Column(_) | Node::Star(_) | Node::Literal(_) | Node::Query { .. } => {}
        Node::Call(call) => {
            call.arguments.iter().chain(&call.filter).for_each(|part| visit(part, with));
            call.order.iter().for_each(|sort| visit(&sort.expr, with));
        }
        Node::Operation { operands, .. } => operands.iter().for_each(|part| visit(part, with)),
        Node::Case { of, arms, otherwise } => {
            of.iter().chain(otherwise).for_each(|part| visit(part, with));
            for (when, then) in arms {
                visit(when, with);
                visit(then, with);
            }
        }
        Node::Cast { of, .. } | Node::Field { of, .. } => visit(of, with),
        Node::Subscript { of, at } => {
            visit(of, with);
            at.iter().for_each(|part| visit(part, with));
        }
        Node::Row(parts) | Node::Array(parts) | Node::Grouping(parts) => {
            parts.iter().for_each(|part| visit(part, with))
        }
    }
}

/// The name that the engine gives an expression without an alias.
pub(super) fn called(engine: Engine, expr: &Expr) -> Option<Name> {
    match &expr.node {
        Node::Column(path) => Some(path.name.clone()),
        Node::Field { field, .. } => Some(field.name.clone()),
        Node::Call(call) => Some(call.function.path.name.clone()),
        Node::Cast { of, to } => called(engine, of).or_else(|| Some(to.path.name.clone())),
        Node::Subscript { of, .. } => called(engine, of),
        Node::Case { .. } => Some(Name::new(engine, "case", true)),
        Node::Query { body, .. } => match &body.set {
            Set::Block(block) => {
                block.columns.first().and_then(|first| first.alias.clone().or_else(|| called(engine, &first.expr)))
            }
            Set::Values(_) | Set::All(_) | Set::Compound { .. } | Set::Change(_) => None,
        },
        Node::Star(_)
        | Node::Literal(_)
        | Node::Operation { .. }
        | Node::Row(_)
        | Node::Array(_)
        | Node::Grouping(_) => None,
    }
}

/// Whether a query reads the definition of a name.
pub(super) fn reads(body: &Body, name: &Name) -> bool {
    let sources = |sources: &[Source]| sources.iter().any(|source| source_reads(source, name));
    body.definitions.iter().any(|definition| reads(&definition.body, name))
        || match &body.set {
            Set::Block(block) => sources(&block.sources),
            Set::All(source) => source_reads(source, name),
            Set::Compound { parts, .. } => parts.iter().any(|part| reads(part, name)),
            Set::Values(_) | Set::Change(_) => false,
        }
}

fn source_reads(source: &Source, name: &Name) -> bool {
    match &source.from {
        From::Definition(known) => known == name,
        From::Query(body) => reads(body, name),
        From::Nested(inner) => inner.iter().any(|source| source_reads(source, name)),
        From::Relation(_) | From::Calls(_) => false,
    }
}
