//! Functions, operators, types and fields of a query: each is the server's own, or is proved harmless by the catalog, or is
//! refused. Knows no relations but by their columns.

use super::ground::{named, of_type};
use super::{Found, Sight, table};
use crate::action::query::catalog::{CastUse, Catalog, Function, FunctionKind, Named, TypeKind, Volatility};
use crate::action::query::{Called, Engine, Field, Of, Operator, Spelling, TypeName};

/// The schema of what PostgreSQL brings along.
const OWN: &str = "pg_catalog";
/// Languages whose functions only a superuser makes.
const TRUSTED: [&str; 2] = ["internal", "c"];
/// Types of the server's insides, that no SQL value has.
const INSIDE: [&str; 2] = ["internal", "cstring"];
/// Columns that every table of PostgreSQL has without their being listed.
const SYSTEM_COLUMNS: [&str; 7] = ["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid", "oid"];

/// The operators that a symbol or keyword is looked up as; none: it is no operator of the catalog's.
pub(super) fn symbols(written: &str) -> impl Iterator<Item = &str> {
    let (one, more): (&str, &[&str]) = match written {
        "like" => ("~~", &[]),
        "not like" => ("!~~", &[]),
        "ilike" => ("~~*", &[]),
        "not ilike" => ("!~~*", &[]),
        "similar to" => ("~", &[]),
        "not similar to" => ("!~", &[]),
        "between" | "not between" | "between symmetric" | "not between symmetric" => ("<=", &[">=", "<", ">"]),
        "in" | "not in" | "is distinct from" | "is not distinct from" | "=" => ("=", &["<>"]),
        "!=" => ("<>", &[]),
        _ if written.starts_with(|c: char| c.is_ascii_alphabetic()) => ("", &[]),
        _ => (written, &[]),
    };
    std::iter::once(one).filter(|symbol| !symbol.is_empty()).chain(more.iter().copied())
}

impl Sight<'_> {
    /// Every name that something could stand behind.
    pub(super) fn names(self, found: &mut Found) {
        for called in self.query.calls() {
            self.function(called, found);
        }
        for operator in self.query.operators() {
            self.operator(operator, found);
        }
        for of in self.query.types() {
            self.type_name(of, found);
        }
        for field in self.query.fields() {
            self.field(field, found);
        }
        if let Some(ground) = self.ground {
            self.casts(ground.catalog(), found);
        }
    }

    fn function(self, called: &Called, found: &mut Found) {
        let Called { path, spelling, place } = called;
        let Named { schema, name } = named(path);
        let (engine, schema) = (self.engine(), schema.as_deref());
        let what = path.to_string();
        if self.sql.denies_function(engine, schema, &name) {
            return found.add(&table::FUNCTION, &what, *place);
        }
        let listed = self.sql.allows_function(engine, schema, &name);
        match (engine, spelling, self.ground) {
            // Nothing can be put in its place, and what the parsers know of is in the list.
            (_, Spelling::Syntax, _) if listed => {}
            (Engine::QuestDb | Engine::Sqlite, ..) if listed => {}
            (Engine::QuestDb | Engine::Sqlite, ..) => found.add(&table::UNPROVED, &what, *place),
            (Engine::Postgres, _, None) if listed && schema.is_some_and(|schema| schema == OWN) => {}
            (Engine::Postgres, _, None) => found.leave_open(what),
            (Engine::Postgres, spelling, Some(ground)) => {
                let all = ground.catalog().functions.get(&named(path)).map_or(&[][..], Vec::as_slice);
                let syntax = *spelling == Spelling::Syntax;
                if let Some(why) = self.unproved(all, listed, syntax) {
                    found.say(&table::UNPROVED, &format!("`{what}` at {place}{why}"));
                }
            }
        }
    }

    /// Why what is called by a name is not proved harmless; `all`: every function of the name.
    fn unproved(self, all: &[Function], listed: bool, syntax: bool) -> Option<String> {
        let allowed =
            |function: &&Function| self.sql.allows_function(Engine::Postgres, Some(&function.schema), &function.name);
        let foreign = all.iter().filter(|function| !function.built_in && !syntax);
        if let Some(function) = foreign.filter(|function| function.on_path || !listed).find(|found| !allowed(found)) {
            let arguments = function.arguments.join(", ");
            let Function { schema, name, .. } = function;
            return Some(match listed {
                true => format!(", which `{schema}.{name}({arguments})` could stand in for"),
                false => format!(", which is `{schema}.{name}({arguments})`"),
            });
        }
        let mut own = all.iter().filter(|function| function.built_in || syntax).peekable();
        if listed || own.peek().is_none() && !all.is_empty() {
            return None;
        }
        if own.peek().is_none() {
            return Some(", which the catalog does not know".to_owned());
        }
        (!own.all(is_plain)).then(|| ", which does not always give the same for the same".to_owned())
    }

    fn operator(self, operator: &Operator, found: &mut Found) {
        let schema = operator.schema.as_ref().map(|schema| schema.as_str());
        let Some(ground) = self.ground else {
            if schema.is_some_and(|schema| schema != OWN) {
                found.add(&table::OPERATOR, &shown(operator), operator.place);
            }
            return;
        };
        let catalog = ground.catalog();
        for symbol in symbols(&operator.symbol) {
            let asked = Named { schema: schema.map(str::to_owned), name: symbol.to_owned() };
            let all = catalog.operators.get(&asked).into_iter().flatten();
            for row in all.filter(|row| !row.built_in && (row.on_path || schema.is_some())) {
                let own_type = [&row.left, &row.right].into_iter().flatten().any(|operand| {
                    let types = catalog.types.get(&of_type(operand)).into_iter().flatten();
                    types.into_iter().any(|of| !of.built_in)
                });
                if !own_type || !is_superusers(catalog, &row.function) {
                    let operands = [&row.left, &row.right].map(|of| of.as_deref().unwrap_or("none"));
                    let (place, written) = (operator.place, shown(operator));
                    let what = format!("`{written}` at {place}, of `{}` for {}", row.schema, operands.join(" and "));
                    found.say(&table::OPERATOR, &what);
                }
            }
        }
    }

    fn type_name(self, of: &TypeName, found: &mut Found) {
        let Some(ground) = self.ground else {
            let schema = of.path.schema().map(|schema| schema.as_str());
            if self.engine() == Engine::Postgres && schema.is_some_and(|schema| schema != OWN) {
                found.leave_open(of.path.to_string());
            }
            return;
        };
        let qualified = of.path.schema().is_some();
        let all = ground.catalog().types.get(&named(&of.path)).into_iter().flatten();
        for row in all.filter(|row| !row.built_in && (row.on_path || qualified)) {
            match &row.kind {
                TypeKind::Domain { checks } if !checks.is_empty() => {
                    let what =
                        format!("`{}` at {}, a domain with the condition {}", of.path, of.place, checks.join(", "));
                    found.say(&table::CAST, &what);
                }
                TypeKind::Pseudo => found.add(&table::CAST, &of.path.to_string(), of.place),
                // Only a superuser makes a type with functions of its own.
                TypeKind::Base | TypeKind::Composite | TypeKind::Domain { .. } | TypeKind::Enum | TypeKind::Range => {}
            }
        }
    }

    /// A field must be a column: anything else of that name is called as a function (PostgreSQL, attribute notation).
    fn field(self, field: &Field, found: &mut Found) {
        if self.engine() != Engine::Postgres {
            return;
        }
        let name = field.name.as_str();
        let is_column = match &field.of {
            Of::Source { columns, relations, .. } => {
                columns.contains(&field.name)
                    || relations.iter().any(|relation| {
                        let known =
                            self.ground.and_then(|ground| ground.catalog().relations.get(&named(&relation.path)));
                        known.is_some_and(|known| known.columns.iter().any(|column| column.name == name))
                            || SYSTEM_COLUMNS.contains(&name)
                    })
            }
            Of::Expression | Of::Unknown(_) => false,
        };
        if is_column {
            return;
        }
        if self.sql.denies_function(Engine::Postgres, None, name) {
            return found.add(&table::FUNCTION, name, field.place);
        }
        let Some(ground) = self.ground else { return found.leave_open(name.to_owned()) };
        // Where no function has the name, it is a column or an error.
        let all = ground.catalog().functions.get(&Named::bare(name)).map_or(&[][..], Vec::as_slice);
        let one = |function: &&Function| function.arguments.len() == 1 || function.variadic;
        if all.iter().any(|function| one(&function)) {
            found.add(&table::FIELD, name, field.place);
        }
    }

    /// Casts that somebody added, and that a query makes without saying so or by a type it names.
    fn casts(self, catalog: &Catalog, found: &mut Found) {
        for cast in &catalog.casts {
            let Some(function) = cast.function.as_ref().filter(|function| !is_superusers(catalog, function)) else {
                continue;
            };
            // A type has many spellings (`int`, `int4`, `integer`): any cast of the query may be this one.
            let unsaid = match cast.when {
                CastUse::Implicit => true,
                // A write makes those of what it reads to what it writes to.
                CastUse::Assignment => !self.query.writes().is_empty(),
                CastUse::Explicit => false,
            };
            if !self.query.types().is_empty() || unsaid {
                let what = format!("from `{}` to `{}` by `{function}`", cast.from, cast.to);
                found.say(&table::CAST, &what);
            }
        }
    }
}

/// Whether a function of the server's own only computes: the same for the same, of values.
fn is_plain(function: &Function) -> bool {
    let kind = match function.kind {
        FunctionKind::Plain => function.volatility == Volatility::Immutable,
        FunctionKind::Aggregate | FunctionKind::Window => true,
        FunctionKind::Procedure => false,
    };
    kind && function.built_in && !function.arguments.iter().any(|of| INSIDE.contains(&of.as_str()))
}

/// Whether only a superuser can have made what is called.
fn is_superusers(catalog: &Catalog, function: &Named) -> bool {
    let all = catalog.functions.get(function).map_or(&[][..], Vec::as_slice);
    !all.is_empty() && all.iter().all(|function| TRUSTED.contains(&function.language.as_str()))
}

fn shown(operator: &Operator) -> String {
    match &operator.schema {
        Some(schema) => format!("operator({schema}.{})", operator.symbol),
        None => operator.symbol.clone(),
    }
}
