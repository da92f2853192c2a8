//! What a file of SQLite says of names. They are parameters, never text of SQL.

use super::authorize::Authorizer;
use super::{Sqlite, failed};
use crate::action::query::catalog::{
    Catalog, Column, Function, FunctionKind, Named, Relation, RelationKind, Volatility, Wanted,
};
use crate::execute::query::{Failed, Listed};
use rusqlite::{Connection, Row, params};

/// Of the flags of `pragma_function_list`: it gives the same for the same (`SQLITE_DETERMINISTIC`).
const DETERMINISTIC: i64 = 0x800;

const TABLES: &str = "SELECT name, type FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
    AND type <> 'shadow' ORDER BY name";

/// Names are compared as SQLite does.
const RELATION: &str = "SELECT l.schema, l.name, l.type, s.sql FROM pragma_table_list l LEFT JOIN sqlite_schema s \
    ON s.name = l.name AND s.type IN ('table', 'view') WHERE l.name = ?1 COLLATE NOCASE AND l.schema = 'main' \
    AND (?2 IS NULL OR ?2 = 'main' COLLATE NOCASE)";

const COLUMNS: &str = "SELECT name, type, \"notnull\", pk FROM pragma_table_xinfo(?1) WHERE hidden <> 1 ORDER BY cid";

const TRIGGERS: &str =
    "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE ORDER BY name";

const CASCADES: &str = "SELECT DISTINCT s.name FROM sqlite_schema s JOIN pragma_foreign_key_list(s.name) f WHERE s.type = 'table' \
    AND f.\"table\" = ?1 COLLATE NOCASE AND (f.on_delete IN ('CASCADE', 'SET NULL', 'SET DEFAULT') \
    OR f.on_update IN ('CASCADE', 'SET NULL', 'SET DEFAULT')) ORDER BY s.name";

const FUNCTIONS: &str =
    "SELECT name, builtin, type, narg, flags FROM pragma_function_list WHERE name = ?1 COLLATE NOCASE ORDER BY narg";

impl Sqlite {
    pub(in super::super) fn list(&mut self) -> Result<Vec<Listed>, Failed> {
        self.own(|connection| {
            all(connection, TABLES, [], |row| {
                let (name, kind): (String, String) = (row.get(0)?, row.get(1)?);
                let kind = match kind.as_str() {
                    "view" => "view",
                    "virtual" => "virtual table",
                    _ => "table",
                };
                Ok(Listed { schema: "main".to_owned(), name, kind })
            })
        })
    }

    pub(in super::super) fn catalog(&mut self, wanted: &Wanted) -> Result<Catalog, Failed> {
        self.own(|connection| {
            let mut catalog = Catalog { path: vec!["main".to_owned()], ..Catalog::default() };
            for named in &wanted.relations {
                if let Some(relation) = relation(connection, named)? {
                    catalog.relations.insert(named.clone(), relation);
                }
            }
            for named in &wanted.functions {
                let found = all(connection, FUNCTIONS, params![named.name], function)?;
                if !found.is_empty() {
                    catalog.functions.insert(named.clone(), found);
                }
            }
            Ok(catalog)
        })
    }

    /// Asks a question of guard's own.
    fn own<T>(&mut self, ask: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Failed> {
        self.start();
        Authorizer::rest(&mut self.connection).and_then(|()| ask(&self.connection)).map_err(|error| failed(&error))
    }
}

fn all<T>(
    connection: &Connection,
    sql: &str,
    given: impl rusqlite::Params,
    of: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare(sql)?.query_map(given, of)?.collect()
}

fn relation(connection: &Connection, named: &Named) -> rusqlite::Result<Option<Relation>> {
    let found = all(connection, RELATION, params![named.name, named.schema], |row| {
        Ok((
            row.get::<_, String>(0)?,
            row.get::<_, String>(1)?,
            row.get::<_, String>(2)?,
            row.get::<_, Option<String>>(3)?,
        ))
    })?;
    let Some((schema, name, kind, sql)) = found.into_iter().next() else { return Ok(None) };
    let text = sql.clone().unwrap_or_default();
    let kind = match kind.as_str() {
        "table" => RelationKind::Table,
        "view" => RelationKind::View { definition: text },
        "virtual" => RelationKind::Virtual { module: module(&text) },
        _ => RelationKind::Other(kind),
    };
    let columns = all(connection, COLUMNS, params![name], |row| {
        let (required, key): (bool, i64) = (row.get(2)?, row.get(3)?);
        Ok(Column { name: row.get(0)?, type_name: row.get(1)?, nullable: !required, key: key > 0 })
    })?;
    let triggers = all(connection, TRIGGERS, params![name], |row| row.get(0))?;
    let cascades = all(connection, CASCADES, params![name], |row| Ok(Named::within("main", row.get::<_, String>(0)?)))?;
    Ok(Some(Relation {
        built_in: name.to_ascii_lowercase().starts_with("sqlite_"),
        // Defaults, generated columns and checks stand in the text alone.
        expressions: if kind == RelationKind::Table { sql.into_iter().collect() } else { Vec::new() },
        schema,
        name,
        kind,
        columns,
        triggers,
        rules: Vec::new(),
        cascades,
        policies: Vec::new(),
        children: Vec::new(),
        parents: Vec::new(),
    }))
}

/// The module of `CREATE VIRTUAL TABLE x USING module(…)`; empty where it cannot be told.
fn module(sql: &str) -> String {
    let lower = sql.to_ascii_lowercase();
    let word = lower.split_once(" using ").map_or("", |(_, rest)| rest.trim_start());
    word.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

fn function(row: &Row<'_>) -> rusqlite::Result<Function> {
    let (name, built_in, sort): (String, bool, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let (arguments, flags): (i64, i64) = (row.get(3)?, row.get(4)?);
    Ok(Function {
        schema: String::new(),
        name,
        kind: match sort.as_str() {
            "a" => FunctionKind::Aggregate,
            "w" => FunctionKind::Window,
            _ => FunctionKind::Plain,
        },
        arguments: vec!["any".to_owned(); usize::try_from(arguments).unwrap_or(0)],
        variadic: arguments < 0,
        volatility: if flags & DETERMINISTIC != 0 { Volatility::Immutable } else { Volatility::Volatile },
        language: "c".to_owned(),
        definer: false,
        built_in,
        on_path: true,
        executable: true,
    })
}
