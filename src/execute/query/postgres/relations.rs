//! What the catalog says of relations. Most tables are plain: whether there is more than columns to a relation stands in its own
//! row, and only then the rest is asked for. Planning that question takes a new connection more time than all the others.

use super::row::{Row, truth};
use super::{Postgres, list};
use crate::action::query::catalog::{Child, Column, Named, Relation, RelationKind};
use crate::execute::query::Failed;
use crate::execute::query::wire::{Ask, Rows};
use std::collections::BTreeMap;

/// The relation that each name means: in its schema, or in the first of the path; its columns; whether it has any of what
/// [`MORE`] tells. The marks in `pg_class` may stay when what they tell of is gone, never the other way round.
pub(super) const WHICH: &str = "SELECT w.schema, w.name, n.nspname, c.relname, c.relkind, c.oid < 16384, \
    columns.names, columns.types, columns.nullable, columns.keys, c.oid, \
    c.relkind IN ('v', 'm', 'f') OR c.relhastriggers OR c.relhasrules OR c.relrowsecurity OR c.relhassubclass \
    OR c.relispartition OR c.relchecks > 0 OR coalesce(columns.defaults, false) \
    OR EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid) OR EXISTS (SELECT FROM pg_index i \
    WHERE i.indrelid = c.oid AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL OR i.indisexclusion)) \
    FROM (SELECT w.schema, w.name, (SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.relname = w.name AND CASE WHEN w.schema IS NULL THEN n.nspname = ANY ($3::text[]) ELSE n.nspname = w.schema END \
    ORDER BY array_position($3::text[], n.nspname::text) LIMIT 1) AS oid \
    FROM unnest($1::text[], $2::text[]) AS w(schema, name)) w \
    JOIN pg_class c ON c.oid = w.oid JOIN pg_namespace n ON n.oid = c.relnamespace \
    CROSS JOIN LATERAL (SELECT array_agg(a.attname::text ORDER BY a.attnum) AS names, \
    array_agg(format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum) AS types, \
    array_agg((NOT a.attnotnull)::text ORDER BY a.attnum) AS nullable, \
    array_agg(EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND a.attnum = ANY (i.indkey))::text \
    ORDER BY a.attnum) AS keys, bool_or(a.atthasdef) AS defaults \
    FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) columns";

/// What else there is to the relations of these numbers.
const MORE: &str = "WITH wanted AS (SELECT DISTINCT w.oid::oid AS oid FROM unnest($1::text[]) AS w(oid)), \
    below AS (WITH RECURSIVE tree AS (SELECT w.oid AS top, i.inhrelid AS oid FROM wanted w \
    JOIN pg_inherits i ON i.inhparent = w.oid UNION SELECT t.top, i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent = t.oid) \
    SELECT t.top, n.nspname, c.relname, c.relkind = 'f' AS away FROM tree t JOIN pg_class c ON c.oid = t.oid \
    JOIN pg_namespace n ON n.oid = c.relnamespace), \
    above AS (WITH RECURSIVE tree AS (SELECT w.oid AS top, i.inhparent AS oid FROM wanted w \
    JOIN pg_inherits i ON i.inhrelid = w.oid UNION SELECT t.top, i.inhparent FROM tree t JOIN pg_inherits i ON i.inhrelid = t.oid) \
    SELECT t.top, n.nspname, c.relname FROM tree t JOIN pg_class c ON c.oid = t.oid JOIN pg_namespace n ON n.oid = c.relnamespace) \
    SELECT c.oid, CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END, \
    (SELECT s.srvname FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver WHERE f.ftrelid = c.oid), \
    ARRAY(SELECT t.tgname::text FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal ORDER BY 1), \
    ARRAY(SELECT r.rulename::text FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN' ORDER BY 1), \
    cascades.schemas, cascades.names, \
    ARRAY(SELECT e FROM pg_policy p CROSS JOIN LATERAL (VALUES (pg_get_expr(p.polqual, p.polrelid)), \
    (pg_get_expr(p.polwithcheck, p.polrelid))) AS x(e) WHERE p.polrelid = c.oid AND c.relrowsecurity AND e IS NOT NULL), \
    ARRAY(SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d WHERE d.adrelid = c.oid \
    UNION ALL SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype IN ('c', 'x') \
    UNION ALL SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i WHERE i.indrelid = c.oid \
    AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL)), \
    children.schemas, children.names, children.away, parents.schemas, parents.names \
    FROM wanted w JOIN pg_class c ON c.oid = w.oid \
    CROSS JOIN LATERAL (SELECT array_agg(kn.nspname::text ORDER BY k.oid) AS schemas, array_agg(kc.relname::text ORDER BY k.oid) \
    AS names FROM pg_constraint k JOIN pg_class kc ON kc.oid = k.conrelid JOIN pg_namespace kn ON kn.oid = kc.relnamespace \
    WHERE k.confrelid = c.oid AND k.contype = 'f' AND (k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd'))) cascades \
    CROSS JOIN LATERAL (SELECT array_agg(b.nspname::text ORDER BY b.nspname, b.relname) AS schemas, \
    array_agg(b.relname::text ORDER BY b.nspname, b.relname) AS names, array_agg(b.away::text ORDER BY b.nspname, b.relname) AS away \
    FROM below b WHERE b.top = c.oid) children \
    CROSS JOIN LATERAL (SELECT array_agg(a.nspname::text ORDER BY a.nspname, a.relname) AS schemas, \
    array_agg(a.relname::text ORDER BY a.nspname, a.relname) AS names FROM above a WHERE a.top = c.oid) parents";

/// A relation as [`WHICH`] tells it.
struct Found {
    named: Named,
    relation: Relation,
    letter: String,
    number: String,
    more: bool,
}

impl Postgres {
    /// The relations of these rows of [`WHICH`], with what else there is to them.
    ///
    /// # Errors
    ///
    /// The server could not be asked, or a relation that has more was gone when it was.
    pub(super) fn relations(&mut self, rows: Rows) -> Result<BTreeMap<Named, Relation>, Failed> {
        let found: Option<Vec<Found>> = rows.into_iter().map(|row| found(&mut Row::of(row))).collect();
        let found = found.ok_or_else(|| self.strange())?;
        let numbers: Vec<&str> = found.iter().filter(|one| one.more).map(|one| one.number.as_str()).collect();
        let mut more = BTreeMap::new();
        if !numbers.is_empty() {
            let given = [list(numbers.into_iter().map(Some))];
            for row in self.ask(&[Ask { sql: MORE, given: &given }])?.into_iter().flatten() {
                let mut row = Row::of(row);
                more.insert(row.text().ok_or_else(|| self.strange())?, row);
            }
        }
        let whole = |one: Found| {
            let Found { named, mut relation, letter, number, more: has_more } = one;
            let (mut definition, mut server) = (None, None);
            if has_more {
                // Cloned: two names may mean the same relation.
                let mut row = more.get(&number)?.clone();
                (definition, server) = (row.maybe()?, row.maybe()?);
                told(&mut relation, &mut row)?;
            }
            relation.kind = kind(letter, definition, server)?;
            Some((named, relation))
        };
        let whole: Option<BTreeMap<Named, Relation>> = found.into_iter().map(whole).collect();
        whole.ok_or_else(|| self.strange())
    }
}

fn found(row: &mut Row) -> Option<Found> {
    let named = row.named()?;
    let (schema, name, letter, built_in) = (row.text()?, row.text()?, row.text()?, row.is()?);
    let mut columns = Vec::new();
    let (names, types, nullable, keys) = (row.list()?, row.list()?, row.list()?, row.list()?);
    for (((name, type_name), nullable), key) in names.into_iter().zip(types).zip(nullable).zip(keys) {
        columns.push(Column { name, type_name, nullable: truth(&nullable)?, key: truth(&key)? });
    }
    let relation = Relation {
        schema,
        name,
        kind: RelationKind::Table,
        built_in,
        columns,
        triggers: Vec::new(),
        rules: Vec::new(),
        cascades: Vec::new(),
        policies: Vec::new(),
        expressions: Vec::new(),
        children: Vec::new(),
        parents: Vec::new(),
    };
    Some(Found { named, relation, letter, number: row.text()?, more: row.is()? })
}

/// Reads the rest of a row of [`MORE`] into the relation.
fn told(relation: &mut Relation, row: &mut Row) -> Option<()> {
    (relation.triggers, relation.rules, relation.cascades) = (row.list()?, row.list()?, row.names()?);
    (relation.policies, relation.expressions) = (row.list()?, row.list()?);
    let (children, away) = (row.names()?, row.list()?);
    let child = |(named, away): (Named, String)| Some(Child { named, foreign: truth(&away)? });
    relation.children = children.into_iter().zip(away).map(child).collect::<Option<_>>()?;
    relation.parents = row.names()?;
    Some(())
}

/// What a letter of the server's (`relkind`) stands for.
fn kind(letter: String, definition: Option<String>, server: Option<String>) -> Option<RelationKind> {
    Some(match letter.as_str() {
        "r" => RelationKind::Table,
        "p" => RelationKind::Partitioned,
        "v" => RelationKind::View { definition: definition? },
        "m" => RelationKind::Materialized { definition: definition? },
        "f" => RelationKind::Foreign { server: server.unwrap_or_default() },
        "S" => RelationKind::Sequence,
        "i" | "I" => RelationKind::Index,
        "c" => RelationKind::Composite,
        _ => RelationKind::Other(letter),
    })
}
