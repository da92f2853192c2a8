//! SQL read into structure: what is read as what, what is refused, and that no text gets past both.
#![expect(clippy::panic, clippy::wildcard_enum_match_arm, reason = "a test stops at the first surprise, and says it")]

mod attacks;
mod facts;
mod gate;
mod properties;
mod questdb;
mod sqlite;
mod structure;

use guard::action::query::{Engine, Of, Query, Spelling, Unreadable, read};

fn postgres(sql: &str) -> Query {
    read(Engine::Postgres, sql).unwrap_or_else(|unreadable| panic!("{sql}: {unreadable}"))
}

fn questdb(sql: &str) -> Query {
    read(Engine::QuestDb, sql).unwrap_or_else(|unreadable| panic!("{sql}: {unreadable}"))
}

fn sqlite(sql: &str) -> Query {
    read(Engine::Sqlite, sql).unwrap_or_else(|unreadable| panic!("{sql}: {unreadable}"))
}

/// A refusal as it is told: `sort line:column: why`.
fn refused(engine: Engine, sql: &str) -> String {
    match read(engine, sql) {
        Ok(query) => panic!("{sql}: read as {}", query.kind()),
        Err(Unreadable { fault, at, why, .. }) => format!("{fault} {at}: {why}"),
    }
}

/// What a query uses, a line for each sort that it uses any of.
fn uses(query: &Query) -> Vec<String> {
    let relations = |relations: &[guard::action::query::Relation]| {
        relations.iter().map(|relation| relation.path.to_string()).collect::<Vec<_>>().join(", ")
    };
    let calls = query.calls().iter().map(|called| match called.spelling {
        Spelling::Call => called.path.to_string(),
        Spelling::Syntax => format!("{}*", called.path),
    });
    let operators = query.operators().iter().map(|operator| match &operator.schema {
        Some(schema) => format!("{schema}.{}", operator.symbol),
        None => operator.symbol.clone(),
    });
    let types = query.types().iter().map(|of| format!("{}{}", of.path, if of.is_array { "[]" } else { "" }));
    let fields = query.fields().iter().map(|field| {
        let of = match &field.of {
            Of::Expression => "(…)".to_owned(),
            Of::Unknown(path) => format!("?{path}"),
            Of::Source { name, columns, relations: of, functions, is_open } => {
                let columns = columns.iter().map(|column| column.as_str().to_owned());
                let of = of.iter().map(|relation| format!("{}.*", relation.path));
                let functions = functions.iter().map(|function| format!("{function}()"));
                let open = is_open.then(|| "…".to_owned());
                let parts: Vec<_> = columns.chain(of).chain(functions).chain(open).collect();
                format!("{name}{{{}}}", parts.join(" "))
            }
        };
        format!("{of}.{}", field.name)
    });
    let lines = [
        ("reads", relations(query.reads())),
        ("writes", relations(query.writes())),
        ("calls", calls.collect::<Vec<_>>().join(", ")),
        ("operators", operators.collect::<Vec<_>>().join(", ")),
        ("types", types.collect::<Vec<_>>().join(", ")),
        ("fields", fields.collect::<Vec<_>>().join(", ")),
        ("locks", query.locks().iter().map(|lock| lock.strength.clone()).collect::<Vec<_>>().join(", ")),
    ];
    let mut told = vec![query.kind().to_string()];
    told.extend(
        lines.into_iter().filter(|(_, found)| !found.is_empty()).map(|(sort, found)| format!("{sort} {found}")),
    );
    told
}
