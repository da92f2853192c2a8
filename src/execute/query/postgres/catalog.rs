//! The catalog's answers about names: one question of each sort, all in one go. Names are parameters, never text of SQL.

use super::row::Row;
use super::{Postgres, list, relations};
use crate::action::query::catalog::{
    Cast, CastUse, Catalog, Function, FunctionKind, Named, Operator, Type, TypeKind, Volatility, Wanted,
};
use crate::execute::query::Failed;
use crate::execute::query::wire::{Ask, Rows};
use std::collections::BTreeSet;

/// Numbers below 16384 are of what a server is born with (`FirstNormalObjectId`).
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
            (relations::WHICH, &wanted.relations),
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
        let found = rows(&wanted.relations);
        let read = || {
            gather(rows(&wanted.functions), &mut catalog.functions, function)?;
            gather(rows(&wanted.operators), &mut catalog.operators, operator)?;
            gather(rows(&wanted.types), &mut catalog.types, a_type)?;
            for row in casts {
                catalog.casts.push(cast(&mut Row::of(row))?);
            }
            Some(())
        };
        read().ok_or_else(|| self.strange())?;
        catalog.relations = self.relations(found)?;
        Ok(catalog)
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
