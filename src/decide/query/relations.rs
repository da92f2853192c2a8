//! What a query reads: tables, views and what stands behind them.
//! Knows no functions.

use super::ground::named;
use super::{Found, Sight, table};
use crate::action::query::catalog::{Named, RelationKind};
use crate::action::query::{Engine, Relation};

/// Modules of SQLite's virtual tables that read nothing but the database's own file.
const MODULES: [&str; 8] = ["fts3", "fts4", "fts5", "rtree", "rtree_i32", "json_each", "json_tree", "generate_series"];

/// Views within views that are looked into.
const DEEPEST: usize = 16;

impl Sight<'_> {
    /// Relations that are read.
    pub(super) fn relations(self, found: &mut Found) {
        self.relations_within(found, &mut Vec::new());
    }

    fn relations_within(self, found: &mut Found, open: &mut Vec<Named>) {
        for relation in self.query.reads() {
            self.relation(relation, found, open);
        }
    }

    fn relation(self, read: &Relation, found: &mut Found, open: &mut Vec<Named>) {
        let asked = named(&read.path);
        let denied = |schema: Option<&str>, name: &str| self.sql.denies_relation(self.engine(), schema, name);
        if denied(asked.schema.as_deref(), &asked.name) {
            return found.add(&table::RELATION, &read.path.to_string(), read.place);
        }
        let Some(ground) = self.ground else {
            if matches!(self.engine(), Engine::Postgres) {
                found.leave_open(read.path.to_string());
            }
            return;
        };
        // What is not there is the server's to say.
        let Some(relation) = ground.catalog().relations.get(&asked) else { return };
        let whole = Named::within(&relation.schema, &relation.name);
        if denied(Some(&relation.schema), &relation.name) {
            return found.add(&table::RELATION, &whole.to_string(), read.place);
        }
        if relation.built_in {
            return;
        }
        let refused = |why: String| format!("`{whole}` at {}, {why}", read.place);
        match &relation.kind {
            RelationKind::Foreign { server } => {
                found.say(&table::RELATION, &refused(format!("which lies on another server (`{server}`)")));
            }
            RelationKind::Virtual { module } if !MODULES.contains(&module.as_str()) => {
                found.say(&table::RELATION, &refused(format!("which the module `{module}` makes up")));
            }
            RelationKind::Other(kind) => found.say(&table::RELATION, &refused(format!("which is a {kind}"))),
            RelationKind::Table
            | RelationKind::Partitioned
            | RelationKind::View { .. }
            | RelationKind::Materialized { .. }
            | RelationKind::Virtual { .. }
            | RelationKind::Sequence
            | RelationKind::Index
            | RelationKind::Composite => {}
        }
        for child in relation.children.iter().filter(|child| child.foreign) {
            let why = format!("a part of which, `{}`, lies on another server", child.named);
            found.say(&table::RELATION, &refused(why));
        }
        self.behind(&whole, read, found, open);
    }

    /// The queries of the relation's own: a view's, and the conditions of row security.
    fn behind(self, whole: &Named, read: &Relation, found: &mut Found, open: &mut Vec<Named>) {
        let Some(ground) = self.ground else { return };
        if open.contains(whole) {
            return;
        }
        if open.len() >= DEEPEST {
            let what = format!("`{whole}` at {}, more than {DEEPEST} views deep", read.place);
            return found.say(&table::VIEW, &what);
        }
        open.push(whole.clone());
        for own in ground.within(whole) {
            let mut inner = Found::default();
            match own {
                Ok(query) => {
                    let sight = Sight { query, ..self };
                    sight.statement(&mut inner);
                    sight.relations_within(&mut inner, open);
                    sight.names(&mut inner);
                }
                Err(unreadable) => inner.say(&table::UNREAD, &format!("{} at {}", unreadable.why, unreadable.at)),
            }
            for cause in inner.matches {
                let what = format!("`{whole}` at {}, whose own query {}", read.place, cause.reason);
                found.say(&table::VIEW, &what);
            }
        }
        open.pop();
    }
}
