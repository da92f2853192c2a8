//! What is known of the names in a query: asked of the server's catalog round by round, since a view's own query names
//! more, and an operator has a function behind it. Knows no server.

use crate::action::query::catalog::{Catalog, Named, RelationKind, Wanted};
use crate::action::query::{Engine, Of, Path, Query, Relation, Spelling, Unreadable, own_query, read};
use std::collections::BTreeMap;

/// What the catalog said.
#[derive(Debug, Clone, Default)]
pub struct QueryGround {
    asked: Wanted,
    catalog: Catalog,
    /// The queries of views that are read, and the conditions of row security on tables, by the relation's full name.
    within: BTreeMap<(Named, usize), Result<Query, Unreadable>>,
    /// The queries whose answers materialized views hold. They do not run again: only what they read counts.
    stored: BTreeMap<Named, Result<Query, Unreadable>>,
    /// Whether the query writes.
    writes: bool,
    /// What is computed where a row of a relation is written, each as its text and as a query of it; of a query that writes.
    computed: BTreeMap<(Named, usize), (String, Result<Query, Unreadable>)>,
}

/// How a query of a view is wrapped that is only a condition.
const CONDITION: &str = "SELECT 1 WHERE ";

impl QueryGround {
    /// Nothing is known yet of what a query names.
    pub fn of(query: &Query) -> QueryGround {
        QueryGround { writes: !query.writes().is_empty(), ..QueryGround::default() }
    }

    /// What must still be asked before the query can be judged.
    pub fn missing(&self, query: &Query) -> Wanted {
        let mut wanted = Wanted::default();
        want(query, &mut wanted);
        for within in self.within.values().flatten() {
            want(within, &mut wanted);
        }
        for stored in self.stored.values().flatten() {
            wanted.relations.extend(stored.reads().iter().map(|relation| named(&relation.path)));
        }
        for (_, computed) in self.computed.values() {
            if let Ok(computed) = computed {
                want(computed, &mut wanted);
            }
        }
        let catalog = &self.catalog;
        for written in query.writes().iter().filter_map(|written| catalog.relations.get(&named(&written.path))) {
            let own = written.columns.iter().filter(|column| column.type_name.contains('.'));
            wanted.types.extend(own.map(|column| of_type(&column.type_name)));
        }
        for operator in catalog.operators.values().flatten().filter(|operator| !operator.built_in) {
            wanted.functions.insert(operator.function.clone());
            for operand in [&operator.left, &operator.right].into_iter().flatten() {
                wanted.types.insert(of_type(operand));
            }
        }
        wanted.functions.extend(catalog.casts.iter().filter_map(|cast| cast.function.clone()));
        let Wanted { relations, functions, operators, types } = &self.asked;
        wanted.relations.retain(|name| !relations.contains(name));
        wanted.functions.retain(|name| !functions.contains(name));
        wanted.operators.retain(|name| !operators.contains(name));
        wanted.types.retain(|name| !types.contains(name));
        wanted
    }

    /// Takes in what the catalog said to `wanted`.
    pub fn learn(&mut self, engine: Engine, wanted: Wanted, said: Catalog) {
        self.asked.relations.extend(wanted.relations);
        self.asked.functions.extend(wanted.functions);
        self.asked.operators.extend(wanted.operators);
        self.asked.types.extend(wanted.types);
        for relation in said.relations.values().filter(|relation| !relation.built_in) {
            let named = Named::within(&relation.schema, &relation.name);
            if let RelationKind::Materialized { definition } = &relation.kind {
                self.stored.entry(named.clone()).or_insert_with(|| read(engine, &own(engine, definition)));
            }
            let of_view = match &relation.kind {
                RelationKind::View { definition } => Some(own(engine, definition)),
                RelationKind::Table
                | RelationKind::Partitioned
                | RelationKind::Materialized { .. }
                | RelationKind::Foreign { .. }
                | RelationKind::Virtual { .. }
                | RelationKind::Sequence
                | RelationKind::Index
                | RelationKind::Composite
                | RelationKind::Other(_) => None,
            };
            let policies = relation.policies.iter().map(|policy| format!("{CONDITION}{policy}"));
            for (number, text) in of_view.into_iter().chain(policies).enumerate() {
                self.within.entry((named.clone(), number)).or_insert_with(|| read(engine, &text));
            }
            if self.writes && engine == Engine::Postgres {
                for (number, text) in relation.expressions.iter().enumerate() {
                    let entry = self.computed.entry((named.clone(), number));
                    entry.or_insert_with(|| (text.clone(), read(engine, &condition(text))));
                }
            }
        }
        let Catalog { path, relations, functions, operators, types, casts } = said;
        let known = &mut self.catalog;
        if !path.is_empty() {
            known.path = path;
        }
        known.relations.extend(relations);
        known.functions.extend(functions);
        known.operators.extend(operators);
        known.types.extend(types);
        let new = casts.into_iter().filter(|cast| !known.casts.contains(cast));
        let new: Vec<_> = new.collect();
        known.casts.extend(new);
    }

    /// What it said, all of it.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The query whose answer a materialized view holds.
    pub(super) fn stored(&self, relation: &Named) -> Option<&Result<Query, Unreadable>> {
        self.stored.get(relation)
    }

    /// What is computed where a row of a relation is written: the text, and a query of it.
    pub(super) fn computed(&self, relation: &Named) -> impl Iterator<Item = &(String, Result<Query, Unreadable>)> {
        self.computed.iter().filter(move |((named, _), _)| named == relation).map(|(_, computed)| computed)
    }

    /// The queries of a relation's own.
    pub(super) fn within(&self, relation: &Named) -> impl Iterator<Item = &Result<Query, Unreadable>> {
        self.within.iter().filter(move |((named, _), _)| named == relation).map(|(_, query)| query)
    }
}

/// A default, or the condition of a check, as a query of it; what is neither makes none.
fn condition(text: &str) -> String {
    let check =
        text.strip_prefix("CHECK ").map(|rest| rest.trim_end_matches(" NOT VALID").trim_end_matches(" NO INHERIT"));
    format!("SELECT {}", check.unwrap_or(text))
}

/// A view's own query as the engine tells it. What cannot be told apart is no query, and refused as that.
fn own(engine: Engine, definition: &str) -> String {
    let query = match engine {
        Engine::Postgres | Engine::QuestDb => definition,
        // SQLite keeps the statement that made it.
        Engine::Sqlite => own_query(engine, definition).unwrap_or_default(),
    };
    query.trim_end().trim_end_matches(';').to_owned()
}

/// Everything a query names.
fn want(query: &Query, wanted: &mut Wanted) {
    wanted.relations.extend(query.reads().iter().chain(query.writes()).map(|relation| named(&relation.path)));
    let called = query.calls().iter().filter(|called| called.spelling == Spelling::Call);
    wanted.functions.extend(called.map(|called| named(&called.path)));
    for operator in query.operators() {
        let schema = operator.schema.as_ref().map(|schema| schema.as_str().to_owned());
        let symbols = super::names::symbols(&operator.symbol);
        wanted.operators.extend(symbols.map(|name| Named { schema: schema.clone(), name: name.to_owned() }));
    }
    wanted.types.extend(query.types().iter().map(|of| named(&of.path)));
    for field in query.fields() {
        wanted.functions.insert(Named::bare(field.name.as_str()));
        match &field.of {
            Of::Source { relations, .. } => {
                wanted.relations.extend(relations.iter().map(|Relation { path, .. }| named(path)));
            }
            Of::Expression | Of::Unknown(_) => {}
        }
    }
}

/// A name as the catalog is asked for it.
pub(super) fn named(path: &Path) -> Named {
    Named { schema: path.schema().map(|schema| schema.as_str().to_owned()), name: path.name.as_str().to_owned() }
}

/// A type as the catalog spells it, `schema.name` or `name`.
pub(super) fn of_type(written: &str) -> Named {
    let bare = written.trim_end_matches("[]").trim_matches('"');
    match bare.split_once('.') {
        Some((schema, name)) => Named::within(schema.trim_matches('"'), name.trim_matches('"')),
        None => Named::bare(bare),
    }
}
