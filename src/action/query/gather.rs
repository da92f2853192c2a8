//! What a statement uses, out of its structure: relations, functions, operators, types, fields. Decides by scope whether a name is
//! a relation or a common table expression, and which source a field is taken from.

use super::name::{Called, Field, Lock, Name, Of, Operator, Path, Relation, TypeName};
use super::scope::{Outputs, Scope};
use super::shape::{Body, Bound, Change, Definition, Distinct, Expr, From, Node, On, Set, Sort, Source, Window};
use super::{Engine, Place};

/// Everything a statement uses, in the order of the text.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Facts {
    pub(super) reads: Vec<Relation>,
    pub(super) writes: Vec<Relation>,
    pub(super) calls: Vec<Called>,
    pub(super) operators: Vec<Operator>,
    pub(super) types: Vec<TypeName>,
    pub(super) fields: Vec<Field>,
    pub(super) locks: Vec<Lock>,
    /// `SELECT … INTO` stands somewhere.
    pub(super) has_into: bool,
    /// INSERT, UPDATE, DELETE or MERGE stands below the top.
    pub(super) has_inner_change: bool,
}

/// Walks a statement; names of common table expressions in it become definitions.
pub(super) fn gather(engine: Engine, body: &mut Body) -> Facts {
    let mut gather = Gather { scope: Scope::new(engine), facts: Facts::default() };
    gather.body(body, true);
    let mut facts = gather.facts;
    facts.reads.sort_by_key(|read| read.place);
    facts.writes.sort_by_key(|write| write.place);
    facts.calls.sort_by_key(|call| call.place);
    facts.operators.sort_by_key(|operator| operator.place);
    facts.types.sort_by_key(|kind| kind.place);
    facts.fields.sort_by_key(|field| field.place);
    facts.locks.sort_by_key(|lock| lock.place);
    facts
}

struct Gather {
    scope: Scope,
    facts: Facts,
}

impl Gather {
    fn body(&mut self, body: &mut Body, is_top: bool) {
        let mark = self.scope.enter();
        self.definitions(body);
        match &mut body.set {
            Set::Block(block) => {
                self.sources(&mut block.sources);
                if let Some(into) = &block.into {
                    self.facts.has_into = true;
                    self.facts.writes.push(into.clone());
                }
                if let Distinct::On(on) = &mut block.distinct {
                    self.exprs(on);
                }
                for column in &mut block.columns {
                    self.expr(&mut column.expr);
                }
                self.some(block.filter.as_mut());
                self.exprs(&mut block.keys);
                self.some(block.having.as_mut());
                for (_, window) in &mut block.windows {
                    self.window(window);
                }
                if let Some(sample) = &mut block.sample {
                    self.expr(&mut sample.every);
                    self.exprs(&mut sample.fill);
                }
                if let Some((on, keys)) = &mut block.latest {
                    self.expr(on);
                    self.exprs(keys);
                }
            }
            Set::Values(rows) => {
                for row in rows {
                    self.exprs(row);
                }
            }
            Set::All(source) => self.source(source),
            Set::Compound { parts, .. } => {
                for part in parts {
                    self.body(part, false);
                }
            }
            Set::Change(change) => {
                self.facts.has_inner_change |= !is_top;
                self.change(change);
            }
        }
        self.order(&mut body.order);
        self.some(body.limit.count.as_mut());
        self.some(body.limit.offset.as_mut());
        self.facts.locks.extend(body.locks.iter().cloned());
        self.scope.leave(mark);
    }

    /// WITH: each definition sees those before it, in a recursive list (and always in SQLite) all of them and itself.
    fn definitions(&mut self, body: &mut Body) {
        let sees_all = body.is_recursive || self.scope.engine == Engine::Sqlite;
        let first = self.scope.definitions();
        if sees_all {
            for definition in &body.definitions {
                let outputs = self.outputs(definition);
                self.scope.define(definition.name.clone(), outputs);
            }
        }
        for (index, definition) in body.definitions.iter_mut().enumerate() {
            self.body(&mut definition.body, false);
            let outputs = self.outputs(definition);
            if sees_all {
                self.scope.redefine(first + index, outputs);
            } else {
                self.scope.define(definition.name.clone(), outputs);
            }
        }
    }

    fn outputs(&self, definition: &Definition) -> Outputs {
        self.scope.outputs(&definition.body).renamed(&definition.columns)
    }

    fn change(&mut self, change: &mut Change) {
        self.facts.writes.push(change.target.clone());
        if let Some(rows) = &mut change.rows {
            self.body(rows, true);
        }
        self.scope.bind_target(change);
        self.sources(&mut change.sources);
        self.some(change.filter.as_mut());
        self.exprs(&mut change.values);
    }

    fn sources(&mut self, sources: &mut [Source]) {
        for source in sources {
            self.source(source);
        }
    }

    fn source(&mut self, source: &mut Source) {
        if let From::Relation(relation) = &source.from
            && let Some(name) = self.scope.definition(&relation.path)
        {
            source.from = From::Definition(name);
        }
        match &mut source.from {
            From::Relation(relation) => self.facts.reads.push(relation.clone()),
            From::Definition(_) => {}
            From::Query(body) => {
                let hidden = if source.is_lateral { None } else { Some(self.scope.hide()) };
                self.body(body, false);
                if let Some(hidden) = hidden {
                    self.scope.show(hidden);
                }
            }
            From::Calls(calls) => self.exprs(calls),
            From::Nested(inner) => {
                let outside = self.scope.sources();
                self.sources(inner);
                if source.alias.is_some() {
                    self.scope.keep_sources(outside);
                }
            }
        }
        self.some(source.sampled.as_mut());
        self.scope.bind(source);
        match &mut source.on {
            On::Condition(on) => self.expr(on),
            On::Columns(_) | On::Natural => self.equals(source.place),
            On::Nothing => {}
        }
    }

    /// `=` is looked up though nobody wrote it: by USING, NATURAL, `CASE x WHEN`, NULLIF.
    fn equals(&mut self, place: Place) {
        self.facts.operators.push(Operator { schema: None, symbol: "=".to_owned(), place });
    }

    fn order(&mut self, order: &mut [Sort]) {
        for sort in order {
            self.expr(&mut sort.expr);
            self.facts.operators.extend(sort.using.clone());
        }
    }

    fn window(&mut self, window: &mut Window) {
        self.exprs(&mut window.partition);
        self.order(&mut window.order);
        if let Some(frame) = &mut window.frame {
            for bound in [Some(&mut frame.start), frame.end.as_mut()].into_iter().flatten() {
                if let Bound::Preceding(expr) | Bound::Following(expr) = bound {
                    self.expr(expr);
                }
            }
        }
    }

    fn some(&mut self, expr: Option<&mut Expr>) {
        if let Some(expr) = expr {
            self.expr(expr);
        }
    }

    fn exprs(&mut self, exprs: &mut [Expr]) {
        for expr in exprs {
            self.expr(expr);
        }
    }

    fn expr(&mut self, expr: &mut Expr) {
        let place = expr.place;
        match &mut expr.node {
            Node::Column(path) => {
                if let Some(of) = self.of(path) {
                    self.facts.fields.push(Field { of, name: path.name.clone(), place });
                }
            }
            Node::Star(_) | Node::Literal(_) => {}
            Node::Call(call) => {
                self.facts.calls.push(call.function.clone());
                if call.function.path.qualifier.is_empty() && call.function.path.name.as_str() == "nullif" {
                    self.equals(place);
                }
                self.exprs(&mut call.arguments);
                self.order(&mut call.order);
                self.some(call.filter.as_mut());
                if let Some(over) = &mut call.over {
                    self.window(over);
                }
            }
            Node::Operation { operator, operands, .. } => {
                self.facts.operators.push(operator.clone());
                self.exprs(operands);
            }
            Node::Case { of, arms, otherwise } => {
                if of.is_some() {
                    self.equals(place);
                }
                self.some(of.as_deref_mut());
                for (when, then) in arms {
                    self.expr(when);
                    self.expr(then);
                }
                self.some(otherwise.as_deref_mut());
            }
            Node::Cast { of, to } => {
                self.facts.types.push(to.clone());
                self.expr(of);
            }
            Node::Field { of, field } => {
                self.facts.fields.push(field.clone());
                self.expr(of);
            }
            Node::Subscript { of, at } => {
                self.expr(of);
                self.exprs(at);
            }
            Node::Query { body, .. } => self.body(body, false),
            Node::Row(parts) | Node::Array(parts) | Node::Grouping(parts) => self.exprs(parts),
        }
    }

    /// What a qualified column is taken from; `None` if it is not qualified.
    fn of(&self, path: &Path) -> Option<Of> {
        let source: &Name = path.qualifier.last()?;
        let schema = path.qualifier.iter().rev().nth(1);
        Some(match self.scope.source(schema, source) {
            Some(outputs) => outputs.clone().of(source.clone()),
            None => Of::Unknown(path.clone()),
        })
    }
}
