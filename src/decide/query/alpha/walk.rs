//! The way through a query: definitions, sources, views, parts of a UNION; what each gives.
//! Knows no expressions.

use super::super::ground::named;
use super::super::{Found, Sight, table};
use super::calls::{Does, does_of};
use super::flow::Flow;
use super::reach;
use super::scope::{Bound, Others, Outputs, Scope};
use crate::action::query::catalog::{Named, RelationKind};
use crate::action::query::{Body, Change, Engine, From, Name, Node, On, Place, Relation, Set, Source, Window};
use crate::decide::judging::BuiltIn;
use crate::decide::policy::Alpha;
use std::collections::{BTreeMap, BTreeSet};

/// Views within views that are followed.
const DEEPEST: usize = 16;

/// What is known while a SELECT is walked.
#[derive(Debug, Default)]
pub(super) struct Context {
    /// The windows it names.
    pub(super) windows: Vec<(Name, Window)>,
    /// Values may be aggregated here.
    pub(super) bounded: bool,
    /// Rows of a group are among its sources.
    pub(super) has_group: bool,
    /// A value was used, and where first.
    pub(super) value: Option<Place>,
    /// It reads the definition that it is part of.
    pub(super) recurses: Option<Place>,
}

/// A query that is walked.
pub(super) struct Walk<'w> {
    pub(super) sight: Sight<'w>,
    pub(super) alpha: &'w Alpha,
    pub(super) found: &'w mut Found,
    pub(super) scope: Scope,
    pub(super) blocks: Vec<Context>,
    definitions: Vec<(Name, Outputs)>,
    /// Definitions that are being made, and may name themselves; each with how many queries were around it.
    making: Vec<(Name, usize)>,
    /// Views that are being followed, each with where it is read.
    within: Vec<(Named, String)>,
    followed: BTreeMap<Named, Outputs>,
}

impl<'w> Walk<'w> {
    pub(super) fn new(sight: Sight<'w>, alpha: &'w Alpha, found: &'w mut Found) -> Walk<'w> {
        Walk {
            sight,
            alpha,
            found,
            scope: Scope { known: sight.ground.is_some(), ..Scope::default() },
            blocks: Vec::new(),
            definitions: Vec::new(),
            making: Vec::new(),
            within: Vec::new(),
            followed: BTreeMap::new(),
        }
    }

    /// Walks a whole statement.
    pub(super) fn whole(&mut self, body: &Body) {
        self.body(body);
    }

    /// A rule matched at a place; `at`: where the policy says so.
    pub(super) fn refuse(&mut self, own: &'static BuiltIn, what: &str, place: Place, at: &str) {
        let what = match self.within.last() {
            Some((view, read)) => format!("{what} at {place} of the view `{view}`, which is read at {read}"),
            None => format!("{what} at {place}"),
        };
        self.found.refuse(own, &what, at);
    }

    /// A query, and what it gives.
    pub(super) fn body(&mut self, body: &Body) -> Outputs {
        let mark = self.definitions.len();
        self.define(body);
        let mut outputs = match &body.set {
            Set::Block(block) => self.block(block, &body.order),
            Set::Values(rows) => {
                let flows: Vec<Flow> = rows.iter().flatten().map(|expr| self.expr(expr)).collect();
                let any = Flow { computed: false, ..flows.into_iter().fold(Flow::PARAMETER, Flow::or) };
                Outputs::foreign(if any.has_value() { any } else { Flow::PARAMETER })
            }
            Set::All(source) => {
                self.scope.levels.push(Vec::new());
                let outputs = self.source(source);
                self.scope.levels.pop();
                outputs
            }
            Set::Compound { parts, .. } => {
                let all: Vec<Outputs> = parts.iter().map(|part| self.body(part)).collect();
                all.into_iter().reduce(Outputs::or).unwrap_or_else(Outputs::none)
            }
            Set::Change(change) => self.change(change),
        };
        if !matches!(body.set, Set::Block(_)) {
            for sort in &body.order {
                self.scope.levels.push(Vec::new());
                self.expr(&sort.expr);
                self.scope.levels.pop();
                if !outputs.bounded && !outputs.bases.is_empty() {
                    self.ordered(
                        sort.expr.place,
                        outputs.order_key(&sort.expr, self.alpha, self.sight.ground.is_some()),
                    );
                }
            }
        }
        for part in [&body.limit.count, &body.limit.offset].into_iter().flatten() {
            if self.expr(part).has_value() {
                let at = self.alpha.aggregate_time.at.clone();
                self.refuse(&table::STATISTICS, "takes as many rows as values say", part.place, &at);
            }
        }
        outputs.bounded |= outputs.bases.is_empty();
        self.definitions.truncate(mark);
        outputs
    }

    /// A write, which keeps what it computes for whoever reads it later.
    fn change(&mut self, change: &Change) -> Outputs {
        if let Some(rows) = &change.rows {
            self.body(rows);
        }
        self.scope.levels.push(Vec::new());
        for source in &change.sources {
            self.source(source);
        }
        for expr in change.filter.iter().chain(&change.values) {
            self.expr(expr);
        }
        self.scope.levels.pop();
        Outputs::foreign(Flow::VALUE)
    }

    fn define(&mut self, body: &Body) {
        let sees_all = body.is_recursive || self.sight.engine() == Engine::Sqlite;
        for definition in &body.definitions {
            if sees_all {
                // What a recursion begins with says what its columns are.
                let first = match &definition.body.set {
                    Set::Compound { parts, .. } => parts.first().unwrap_or(&definition.body),
                    Set::Block(_) | Set::Values(_) | Set::All(_) | Set::Change(_) => &definition.body,
                };
                let names = |set: &Body| super::look::reads(set, &definition.name);
                if names(&definition.body) {
                    let begun = if names(first) { Outputs::foreign(Flow::VALUE) } else { self.body(first) };
                    self.definitions.push((definition.name.clone(), begun.renamed(&definition.columns)));
                    self.making.push((definition.name.clone(), self.blocks.len()));
                    let outputs = self.body(&definition.body).renamed(&definition.columns);
                    self.making.pop();
                    self.definitions.pop();
                    self.definitions.push((definition.name.clone(), outputs));
                    continue;
                }
            }
            let outputs = self.body(&definition.body).renamed(&definition.columns);
            self.definitions.push((definition.name.clone(), outputs));
        }
    }

    /// A source, brought into scope.
    pub(super) fn source(&mut self, source: &Source) -> Outputs {
        let mut derived = false;
        let (own, outputs) = match &source.from {
            From::Relation(relation) => (Some(relation.path.name.clone()), self.relation(relation)),
            From::Definition(name) => {
                derived = true;
                if let Some((_, depth)) = self.making.iter().rev().find(|(making, _)| making == name) {
                    for block in self.blocks.iter_mut().skip(*depth) {
                        block.recurses.get_or_insert(source.place);
                    }
                }
                let known = self.definitions.iter().rev().find(|(known, _)| known == name);
                // What SQLite lets stand before it is defined is not known yet.
                (
                    Some(name.clone()),
                    known.map_or_else(|| Outputs::foreign(Flow::VALUE), |(_, outputs)| outputs.clone()),
                )
            }
            From::Query(body) => {
                derived = true;
                let hidden = match (source.is_lateral, self.scope.levels.last_mut()) {
                    (false, Some(level)) => Some(std::mem::take(level)),
                    (true, _) | (false, None) => None,
                };
                let outputs = self.body(body);
                if let (Some(hidden), Some(level)) = (hidden, self.scope.levels.last_mut()) {
                    *level = hidden;
                }
                (None, outputs)
            }
            From::Calls(calls) => (None, self.calls(calls, source)),
            From::Nested(inner) => {
                let before = self.scope.levels.last().map_or(0, Vec::len);
                let mut outputs = Outputs::none();
                for source in inner {
                    let one = self.source(source);
                    outputs.columns.extend(one.columns.iter().cloned());
                    outputs.others = outputs.others.and(one.others);
                    outputs.bases.extend(one.bases);
                    outputs.bounded &= one.bounded;
                }
                if source.alias.is_none() {
                    return outputs;
                }
                if let Some(level) = self.scope.levels.last_mut() {
                    level.truncate(before);
                }
                derived = true;
                (None, outputs)
            }
        };
        let unknown = self.sight.ground.is_none() && outputs.others == Others::Named && !source.columns.is_empty();
        let outputs = match unknown {
            // Which columns these are, the catalog tells before anything is sent.
            true => Outputs { columns: Vec::new(), others: Others::All(Flow::PLAIN), ..outputs },
            false => outputs.renamed(&source.columns),
        };
        let outputs = match &source.from {
            From::Relation(relation) => of_server(relation, outputs),
            From::Definition(_) | From::Query(_) | From::Calls(_) | From::Nested(_) => outputs.brought(),
        };
        let shares = match &source.on {
            On::Columns(_) | On::Natural => true,
            On::Nothing | On::Condition(_) => false,
        };
        let name = source.alias.clone().or(own).or_else(|| called(source));
        let bound = Bound { name, outputs: outputs.clone(), derived, shares };
        if let Some(level) = self.scope.levels.last_mut() {
            level.push(bound);
        }
        outputs
    }

    /// Functions in FROM.
    fn calls(&mut self, calls: &[crate::action::query::Expr], source: &Source) -> Outputs {
        let mut flows = vec![Flow::PARAMETER];
        for call in calls {
            let flow = self.expr(call);
            flows.push(flow);
            let unknown = matches!(&call.node, Node::Call(call) if does_of(call) == Does::Unknown);
            if unknown && flow.has_value() {
                let at = self.alpha.aggregate_time.at.clone();
                self.refuse(&table::STATISTICS, "makes rows of values", source.place, &at);
            }
            if let Node::Call(call) = &call.node
                && self.is_somebodys(&named(&call.function.path))
            {
                let what = format!("`{}`, a function of somebody's,", call.function.path);
                let at = self.alpha.aggregate_time.at.clone();
                self.refuse(&table::UNSEEN, &what, source.place, &at);
            }
        }
        let any = flows.into_iter().fold(Flow::PARAMETER, Flow::or);
        Outputs::foreign(if any.has_value() { any } else { Flow::PARAMETER })
    }

    /// Whether a function is none of the server's own.
    pub(super) fn is_somebodys(&self, function: &Named) -> bool {
        let all = self.sight.ground.and_then(|ground| ground.catalog().functions.get(function));
        all.is_some_and(|all| {
            all.iter().any(|function| !function.built_in && function.on_path)
                || !all.is_empty() && all.iter().all(|function| !function.built_in)
        })
    }

    /// A table or view: what the policy says of it, or what its own query gives.
    fn relation(&mut self, relation: &Relation) -> Outputs {
        let asked = named(&relation.path);
        let mut groups = BTreeSet::new();
        reach::reaches(self.sight, self.alpha, &asked, &mut groups, &mut BTreeSet::new());
        if reach::unseen(self.sight, &asked) {
            let what = format!("`{}`, whose own query guard cannot read,", relation.path);
            let at = self.alpha.aggregate_time.at.clone();
            self.refuse(&table::UNSEEN, &what, relation.place, &at);
        }
        let known = self.sight.ground.and_then(|ground| ground.catalog().relations.get(&asked));
        let whole = known.map_or_else(|| asked.clone(), |known| Named::within(&known.schema, &known.name));
        let is_base = self.alpha.groups_of(&asked.name).next().is_some()
            || known.is_some_and(|known| self.alpha.groups_of(&known.name).next().is_some());
        if groups.is_empty() {
            // Whether it is a view is told by the catalog, before anything is sent.
            let engine = self.sight.engine();
            let columns = known.into_iter().flat_map(|known| &known.columns);
            let columns = columns.map(|column| (Name::new(engine, &column.name, true), Flow::PLAIN)).collect();
            return Outputs { columns, ..Outputs::foreign(Flow::PLAIN) };
        }
        let by_name = |name: &str| Flow::column(self.alpha.column(name));
        let stored = known.is_some_and(|known| matches!(known.kind, RelationKind::Materialized { .. }));
        let engine = self.sight.engine();
        let columns: Vec<(Name, Flow)> = known.map_or_else(Vec::new, |known| {
            let columns = known.columns.iter();
            columns.map(|column| (Name::new(engine, &column.name, true), by_name(&column.name))).collect()
        });
        let others = if columns.is_empty() { Others::Named } else { Others::None };
        let bases = BTreeMap::from([(whole.to_string(), groups)]);
        let own = Outputs { columns, others, bases, bounded: false, is_one: false };
        if is_base && stored {
            // What a person has stored under the name of a group is that group's.
            return own;
        }
        match self.view(&whole, relation) {
            Some(view) if is_base => view.or(own),
            Some(view) => view,
            None => own,
        }
    }

    /// What a view gives, by its own query.
    fn view(&mut self, whole: &Named, read: &Relation) -> Option<Outputs> {
        if let Some(known) = self.followed.get(whole) {
            return Some(known.clone());
        }
        let ground = self.sight.ground?;
        let own = ground.within(whole).chain(ground.stored(whole)).flatten().next()?;
        if self.within.len() >= DEEPEST || self.within.iter().any(|(open, _)| open == whole) {
            return None;
        }
        let body = own.shape()?;
        let place = self.within.first().map_or_else(|| read.place.to_string(), |(_, place)| place.clone());
        self.within.push((whole.clone(), place));
        let own_scope = Scope { known: self.scope.known, ..Scope::default() };
        let scope = std::mem::replace(&mut self.scope, own_scope);
        let blocks = std::mem::take(&mut self.blocks);
        let definitions = std::mem::take(&mut self.definitions);
        let making = std::mem::take(&mut self.making);
        let outputs = self.body(body);
        (self.scope, self.blocks, self.definitions, self.making) = (scope, blocks, definitions, making);
        self.within.pop();
        // Its columns may have names of their own, in the order of its query's.
        let known = ground.catalog().relations.get(&named(&read.path)).map(|relation| &relation.columns);
        let engine = self.sight.engine();
        let names = known.map(|columns| columns.iter().map(|column| Name::new(engine, &column.name, true)).collect());
        let outputs = outputs.renamed(&names.unwrap_or_else(Vec::new));
        self.followed.insert(whole.clone(), outputs.clone());
        Some(outputs)
    }
}

/// What a server says of itself has as many rows as one likes, with numbers in a row.
fn of_server(relation: &Relation, mut outputs: Outputs) -> Outputs {
    let name = relation.path.name.as_str();
    let schema = relation.path.schema().map(|schema| schema.as_str());
    let own =
        name.starts_with("pg_") || schema.is_some_and(|schema| matches!(schema, "pg_catalog" | "information_schema"));
    if own && outputs.bases.is_empty() {
        outputs.bring(|_| true);
    }
    outputs
}

fn called(source: &Source) -> Option<Name> {
    match &source.from {
        From::Calls(calls) => match calls.first().map(|call| &call.node) {
            Some(Node::Call(call)) => Some(call.function.path.name.clone()),
            _ => None,
        },
        From::Relation(_) | From::Definition(_) | From::Query(_) | From::Nested(_) => None,
    }
}
