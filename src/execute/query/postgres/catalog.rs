//! The catalog's answers about names: one question of each sort, all in one go. Names are parameters, never text of SQL.

use super::{Postgres, list};
use crate::action::query::catalog::{
    Cast, CastUse, Catalog, Child, Column, Function, FunctionKind, Named, Operator, Relation, RelationKind, Type,
    TypeKind, Volatility, Wanted,
};
use crate::execute::query::Failed;
use crate::execute::query::value::elements;
use crate::execute::query::wire::{Ask, Rows};
use std::collections::BTreeSet;

/// Numbers below are of what a server is born with (`FirstNormalObjectId`).
/// The relation that each name means: in its schema, or in the first of the path.
const RELATIONS: &str = "WITH wanted AS ( \
    SELECT w.schema, w.name, (SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.relname = w.name AND CASE WHEN w.schema IS NULL THEN n.nspname = ANY ($3::text[]) ELSE n.nspname = w.schema END \
    ORDER BY array_position($3::text[], n.nspname::text) LIMIT 1) AS oid \
    FROM unnest($1::text[], $2::text[]) AS w(schema, name)), \
    below AS (WITH RECURSIVE tree AS (SELECT w.oid AS top, i.inhrelid AS oid FROM (SELECT DISTINCT oid FROM wanted) w \
    JOIN pg_inherits i ON i.inhparent = w.oid UNION SELECT t.top, i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent = t.oid) \
    SELECT t.top, n.nspname, c.relname, c.relkind = 'f' AS away FROM tree t JOIN pg_class c ON c.oid = t.oid \
    JOIN pg_namespace n ON n.oid = c.relnamespace), \
    above AS (WITH RECURSIVE tree AS (SELECT w.oid AS top, i.inhparent AS oid FROM (SELECT DISTINCT oid FROM wanted) w \
    JOIN pg_inherits i ON i.inhrelid = w.oid UNION SELECT t.top, i.inhparent FROM tree t JOIN pg_inherits i ON i.inhrelid = t.oid) \
    SELECT t.top, n.nspname, c.relname FROM tree t JOIN pg_class c ON c.oid = t.oid JOIN pg_namespace n ON n.oid = c.relnamespace) \
    SELECT w.schema, w.name, n.nspname, c.relname, c.relkind, c.oid < 16384, \
    CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END, \
    (SELECT s.srvname FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver WHERE f.ftrelid = c.oid), \
    columns.names, columns.types, columns.nullable, columns.keys, \
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
    FROM wanted w JOIN pg_class c ON c.oid = w.oid JOIN pg_namespace n ON n.oid = c.relnamespace \
    CROSS JOIN LATERAL (SELECT array_agg(a.attname::text ORDER BY a.attnum) AS names, \
    array_agg(format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum) AS types, \
    array_agg((NOT a.attnotnull)::text ORDER BY a.attnum) AS nullable, \
    array_agg(EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND a.attnum = ANY (i.indkey))::text \
    ORDER BY a.attnum) AS keys FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) columns \
    CROSS JOIN LATERAL (SELECT array_agg(kn.nspname::text ORDER BY k.oid) AS schemas, array_agg(kc.relname::text ORDER BY k.oid) \
    AS names FROM pg_constraint k JOIN pg_class kc ON kc.oid = k.conrelid JOIN pg_namespace kn ON kn.oid = kc.relnamespace \
    WHERE k.confrelid = c.oid AND k.contype = 'f' AND (k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd'))) cascades \
    CROSS JOIN LATERAL (SELECT array_agg(b.nspname::text ORDER BY b.nspname, b.relname) AS schemas, \
    array_agg(b.relname::text ORDER BY b.nspname, b.relname) AS names, array_agg(b.away::text ORDER BY b.nspname, b.relname) AS away \
    FROM below b WHERE b.top = c.oid) children \
    CROSS JOIN LATERAL (SELECT array_agg(a.nspname::text ORDER BY a.nspname, a.relname) AS schemas, \
    array_agg(a.relname::text ORDER BY a.nspname, a.relname) AS names FROM above a WHERE a.top = c.oid) parents";

const FUNCTIONS: &str = "SELECT w.schema, w.name, n.nspname, p.proname, p.prokind, \
    ARRAY(SELECT format_type(t.oid, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY AS t(oid, at) ORDER BY at), \
    p.provariadic <> 0, p.provolatile, l.lanname, p.prosecdef, p.oid < 16384, n.nspname = ANY ($3::text[]), \
    has_function_privilege(p.oid, 'EXECUTE') \
    FROM unnest($1::text[], $2::text[]) AS w(schema, name) JOIN pg_proc p ON p.proname = w.name \
    JOIN pg_namespace n ON n.oid = p.pronamespace AND n.nspname = coalesce(w.schema, n.nspname) \
    JOIN pg_language l ON l.oid = p.prolang ORDER BY p.oid";

const OPERATORS: &str = "SELECT w.schema, w.name, n.nspname, o.oprname, \
    CASE WHEN o.oprleft <> 0 THEN format_type(o.oprleft, NULL) END, \
    CASE WHEN o.oprright <> 0 THEN format_type(o.oprright, NULL) END, pn.nspname, p.proname, \
    o.oid < 16384 AND coalesce(p.oid, 0) < 16384, n.nspname = ANY ($3::text[]) \
    FROM unnest($1::text[], $2::text[]) AS w(schema, name) JOIN pg_operator o ON o.oprname = w.name \
    JOIN pg_namespace n ON n.oid = o.oprnamespace AND n.nspname = coalesce(w.schema, n.nspname) \
    LEFT JOIN pg_proc p ON p.oid = o.oprcode LEFT JOIN pg_namespace pn ON pn.oid = p.pronamespace ORDER BY o.oid";

/// A domain over a domain is held to the conditions of both.
const TYPES: &str = "SELECT w.schema, w.name, n.nspname, t.typname, t.typtype, \
    t.oid < 16384 AND t.typinput::oid < 16384 AND t.typoutput::oid < 16384, n.nspname = ANY ($3::text[]), \
    ARRAY(WITH RECURSIVE over AS (SELECT t.oid AS oid, t.typbasetype AS base UNION SELECT d.oid, d.typbasetype \
    FROM over o JOIN pg_type d ON d.oid = o.base) SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k \
    JOIN over o ON k.contypid = o.oid) \
    FROM unnest($1::text[], $2::text[]) AS w(schema, name) JOIN pg_type t ON t.typname = w.name \
    JOIN pg_namespace n ON n.oid = t.typnamespace AND n.nspname = coalesce(w.schema, n.nspname) ORDER BY t.oid";

const CASTS: &str = "SELECT format_type(k.castsource, NULL), format_type(k.casttarget, NULL), n.nspname, p.proname, \
    k.castcontext FROM pg_cast k LEFT JOIN pg_proc p ON p.oid = k.castfunc LEFT JOIN pg_namespace n ON n.oid = p.pronamespace \
    WHERE k.oid >= 16384 OR p.oid >= 16384 ORDER BY k.oid";

impl Postgres {
    pub(in super::super) fn catalog(&mut self, wanted: &Wanted) -> Result<Catalog, Failed> {
        let path = list(self.schemas.iter().map(|schema| Some(schema.as_str())));
        let given = |names: &BTreeSet<Named>| {
            // No name that a server has holds a NUL.
            let names = || names.iter().filter(|named| !named.to_string().contains('\0'));
            let schemas = list(names().map(|named| named.schema.as_deref()));
            [schemas, list(names().map(|named| Some(named.name.as_str()))), path.clone()]
        };
        let sorts = [
            (RELATIONS, &wanted.relations),
            (FUNCTIONS, &wanted.functions),
            (OPERATORS, &wanted.operators),
            (TYPES, &wanted.types),
        ];
        let parameters = sorts.map(|(_, names)| given(names));
        let mut asks = vec![Ask { sql: CASTS, given: &[] }];
        let some = sorts.iter().zip(&parameters).filter(|((_, names), _)| !names.is_empty());
        asks.extend(some.map(|((sql, _), given)| Ask { sql, given }));
        let mut answers = self.ask(&asks)?.into_iter();
        let casts = answers.next().unwrap_or_default();
        let mut rows =
            |names: &BTreeSet<Named>| if names.is_empty() { None } else { answers.next() }.unwrap_or_default();
        let mut catalog = Catalog { path: self.schemas.clone(), ..Catalog::default() };
        let read = || {
            for row in rows(&wanted.relations) {
                let (named, relation) = relation(&mut Row::of(row))?;
                catalog.relations.insert(named, relation);
            }
            gather(rows(&wanted.functions), &mut catalog.functions, function)?;
            gather(rows(&wanted.operators), &mut catalog.operators, operator)?;
            gather(rows(&wanted.types), &mut catalog.types, a_type)?;
            for row in casts {
                catalog.casts.push(cast(&mut Row::of(row))?);
            }
            Some(())
        };
        read().map(|()| catalog).ok_or_else(|| self.strange())
    }
}

/// What is found of each name.
fn gather<T>(
    rows: Rows,
    into: &mut std::collections::BTreeMap<Named, Vec<T>>,
    of: fn(&mut Row) -> Option<T>,
) -> Option<()> {
    for row in rows {
        let mut row = Row::of(row);
        let named = row.named()?;
        into.entry(named).or_default().push(of(&mut row)?);
    }
    Some(())
}

/// The fields of a row, one after the other; whatever is not as it must be is `None`.
struct Row(std::vec::IntoIter<Option<String>>);

impl Row {
    fn of(fields: Vec<Option<String>>) -> Self {
        Self(fields.into_iter())
    }

    fn maybe(&mut self) -> Option<Option<String>> {
        self.0.next()
    }

    fn text(&mut self) -> Option<String> {
        self.0.next()?
    }

    fn is(&mut self) -> Option<bool> {
        truth(&self.text()?)
    }

    /// The name that was asked for.
    fn named(&mut self) -> Option<Named> {
        let schema = self.maybe()?;
        Some(Named { schema, name: self.text()? })
    }

    /// A list; none is an empty one.
    fn list(&mut self) -> Option<Vec<String>> {
        self.maybe()?.map_or(Some(Vec::new()), |text| elements(&text)?.into_iter().collect())
    }

    /// Names from two lists, of their schemas and of themselves.
    fn names(&mut self) -> Option<Vec<Named>> {
        let (schemas, names) = (self.list()?, self.list()?);
        Some(schemas.into_iter().zip(names).map(|(schema, name)| Named::within(schema, name)).collect())
    }
}

fn truth(text: &str) -> Option<bool> {
    match text {
        "t" | "true" => Some(true),
        "f" | "false" => Some(false),
        _ => None,
    }
}

fn relation(row: &mut Row) -> Option<(Named, Relation)> {
    let named = row.named()?;
    let (schema, name, letter, built_in) = (row.text()?, row.text()?, row.text()?, row.is()?);
    let (definition, server) = (row.maybe()?, row.maybe()?);
    let kind = match letter.as_str() {
        "r" => RelationKind::Table,
        "p" => RelationKind::Partitioned,
        "v" => RelationKind::View { definition: definition? },
        "m" => RelationKind::Materialized { definition: definition? },
        "f" => RelationKind::Foreign { server: server.unwrap_or_default() },
        "S" => RelationKind::Sequence,
        "i" | "I" => RelationKind::Index,
        "c" => RelationKind::Composite,
        _ => RelationKind::Other(letter),
    };
    let mut columns = Vec::new();
    let (names, types, nullable, keys) = (row.list()?, row.list()?, row.list()?, row.list()?);
    for (((name, type_name), nullable), key) in names.into_iter().zip(types).zip(nullable).zip(keys) {
        columns.push(Column { name, type_name, nullable: truth(&nullable)?, key: truth(&key)? });
    }
    let (triggers, rules, cascades) = (row.list()?, row.list()?, row.names()?);
    let (policies, expressions) = (row.list()?, row.list()?);
    let (children, away) = (row.names()?, row.list()?);
    let children = children.into_iter().zip(away).map(|(named, away)| Some(Child { named, foreign: truth(&away)? }));
    let children = children.collect::<Option<_>>()?;
    let parents = row.names()?;
    let relation = Relation {
        schema,
        name,
        kind,
        built_in,
        columns,
        triggers,
        rules,
        cascades,
        policies,
        expressions,
        children,
        parents,
    };
    Some((named, relation))
}

fn function(row: &mut Row) -> Option<Function> {
    let (schema, name) = (row.text()?, row.text()?);
    let kind = match row.text()?.as_str() {
        "f" => FunctionKind::Plain,
        "a" => FunctionKind::Aggregate,
        "w" => FunctionKind::Window,
        "p" => FunctionKind::Procedure,
        _ => return None,
    };
    let (arguments, variadic) = (row.list()?, row.is()?);
    let volatility = match row.text()?.as_str() {
        "i" => Volatility::Immutable,
        "s" => Volatility::Stable,
        "v" => Volatility::Volatile,
        _ => return None,
    };
    let (language, definer, built_in) = (row.text()?, row.is()?, row.is()?);
    let (on_path, executable) = (row.is()?, row.is()?);
    Some(Function {
        schema,
        name,
        kind,
        arguments,
        variadic,
        volatility,
        language,
        definer,
        built_in,
        on_path,
        executable,
    })
}

fn operator(row: &mut Row) -> Option<Operator> {
    let (schema, name, left, right) = (row.text()?, row.text()?, row.maybe()?, row.maybe()?);
    let function = Named { schema: row.maybe()?, name: row.maybe()?.unwrap_or_default() };
    Some(Operator { schema, name, left, right, function, built_in: row.is()?, on_path: row.is()? })
}

fn a_type(row: &mut Row) -> Option<Type> {
    let (schema, name, letter) = (row.text()?, row.text()?, row.text()?);
    let (built_in, on_path, checks) = (row.is()?, row.is()?, row.list()?);
    let kind = match letter.as_str() {
        "b" => TypeKind::Base,
        "c" => TypeKind::Composite,
        "d" => TypeKind::Domain { checks },
        "e" => TypeKind::Enum,
        "r" | "m" => TypeKind::Range,
        "p" => TypeKind::Pseudo,
        _ => return None,
    };
    Some(Type { schema, name, kind, built_in, on_path })
}

fn cast(row: &mut Row) -> Option<Cast> {
    let (from, to, schema, name) = (row.text()?, row.text()?, row.maybe()?, row.maybe()?);
    let when = match row.text()?.as_str() {
        "e" => CastUse::Explicit,
        "a" => CastUse::Assignment,
        "i" => CastUse::Implicit,
        _ => return None,
    };
    Some(Cast { from, to, function: name.map(|name| Named { schema, name }), when })
}
