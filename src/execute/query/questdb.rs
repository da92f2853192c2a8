//! A session with QuestDB, over PostgreSQL's protocol with results as text.
//!
//! It has no transaction that only reads: what keeps a session from writing is the user it comes as, and what is asked.
//! The protocol hides true types (SYMBOL, IPv4, LONG256 and GEOHASH come as text, TIMESTAMP_NS is cut to microseconds): those
//! of a result are the protocol's, those of a table its own. Measured on 9.2.3.

use super::endpoint::{Mode, Server};
use super::value::{Known, known};
use super::wire::{Allowed, Ask, Field, Login, Route, Rows, Talk, stream};
use super::{Access, Caps, Cause, Column, Done, Failed, Form, Identity, Limits, Listed, Posture, Sink};
use crate::action::query::Engine;
use crate::action::query::catalog::{
    Catalog, Column as TableColumn, Function, FunctionKind, Named, Relation, RelationKind, Volatility, Wanted,
};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// How much later than the server guard's own timer is.
const GRACE: Duration = Duration::from_secs(1);
/// The one statement of a session.
const NAME: &str = "guard";

pub(super) struct Quest {
    talk: Talk,
    server: Server,
    columns: Option<Vec<Column>>,
}

impl Quest {
    pub(super) fn open(server: &Server, limits: &Limits) -> Result<Self, Failed> {
        let until = Instant::now() + limits.connect;
        let route = Route::find(server, until)?;
        let mut talk = Talk::begin(&route, until)?;
        // The one place where it takes a time-out for a connection.
        let options = format!("-c statement_timeout={}", limits.time.as_millis().clamp(1, i32::MAX as u128));
        let login = Login {
            user: &server.user,
            password: server.password.as_deref(),
            database: &server.database,
            more: &[("options", &options)],
        };
        // It knows no other login than the password itself. Who writes `sslmode=disable` knows who listens.
        let overheard = server.tls.said && server.tls.mode == Mode::Disable;
        talk.enter(&login, &route, Allowed { unasked: true, md5: false, overheard })?;
        talk.patience(limits.time + GRACE);
        Ok(Self { talk, server: server.clone(), columns: None })
    }

    pub(super) fn prepare(&mut self, sql: &str) -> Result<&[Column], Failed> {
        if self.columns.is_some() {
            return Err(self.failed(Cause::Other, "a statement was prepared before: a session has one"));
        }
        if !reads(sql) {
            return Err(
                self.failed(Cause::Denied, "it is not a read: one begins with SELECT, WITH, DECLARE, SHOW or EXPLAIN")
            );
        }
        let column = |Field { name, oid }| {
            let (type_name, form) = match known(oid) {
                Some((Known { name, form }, false)) => (name.to_owned(), form),
                Some((Known { name, form }, true)) => {
                    (format!("{name}[]"), Form::Array { of: Box::new(form), delimiter: b',' })
                }
                None => (format!("type {oid}"), Form::Text),
            };
            Column { name, type_name, oid: None, form }
        };
        let Some(fields) = self.talk.prepare(NAME, sql, &[], &[])? else {
            return Err(Failed::new(Engine::QuestDb, Cause::Denied, "it gives no rows: it is not a read"));
        };
        let columns = fields.into_iter().map(column).collect();
        Ok(self.columns.insert(columns))
    }

    pub(super) fn run(&mut self, caps: &Caps, sink: &mut dyn Sink) -> Result<Done, Failed> {
        let Some(columns) = self.columns.take() else {
            return Err(self.failed(Cause::Other, "no statement was prepared"));
        };
        stream(&mut self.talk, &[], NAME, (&columns, Access::Read), caps, sink)
    }

    pub(super) fn close(self) {
        self.talk.end();
    }

    /// Its installation numbers itself when it is made (`telemetry_config`, whether or not it sends any).
    pub(super) fn identity(&mut self) -> Result<Identity, Failed> {
        let started = self.one("SELECT pg_postmaster_start_time()")?;
        let stable = match self.one("SELECT id FROM telemetry_config LIMIT 1") {
            Ok(id) => format!("questdb {id}"),
            Err(failed) if failed.cause == Cause::Syntax || failed.cause == Cause::Denied => {
                format!("questdb started {started}")
            }
            Err(failed) => return Err(failed),
        };
        let shown = format!("{} at {}", self.server.database, self.server.host);
        Ok(Identity { engine: Engine::QuestDb, stable, running: Some(started), shown })
    }

    /// Whether the user may write stands in the server's settings; `current_user()` says `admin` to everybody.
    pub(super) fn posture(&mut self) -> Result<Posture, Failed> {
        const SETTINGS: &str = "SELECT property_path, value FROM (SHOW PARAMETERS) WHERE property_path IN \
            ('readonly', 'pg.security.readonly', 'pg.readonly.user.enabled', 'pg.readonly.user')";
        let mut posture = Posture { user: self.server.user.clone(), ..Posture::default() };
        let rows = match self.ask(SETTINGS) {
            Ok(rows) => rows,
            Err(failed) if failed.code.is_some() => {
                posture.unknown.push(format!("whether its user may write: {}", failed.message));
                return Ok(posture);
            }
            Err(failed) => return Err(failed),
        };
        let value = |name: &str| {
            let row = rows.iter().find(|row| row.first().is_some_and(|field| field.as_deref() == Some(name)));
            row.and_then(|row| row.get(1)?.as_deref())
        };
        let reads_only = value("readonly") == Some("true")
            || value("pg.security.readonly") == Some("true")
            || value("pg.readonly.user.enabled") == Some("true")
                && value("pg.readonly.user") == Some(self.server.user.as_str());
        if !reads_only {
            posture.writes = vec![Named::bare("*")];
            posture.writes_in_all = u64::try_from(self.ask(TABLES)?.len()).unwrap_or(u64::MAX);
        }
        Ok(posture)
    }

    pub(super) fn list(&mut self) -> Result<Vec<Listed>, Failed> {
        let rows = self.ask(TABLES)?;
        let listed = |row: Vec<Option<String>>| {
            let [Some(name), Some(view)] = <[Option<String>; 2]>::try_from(row).ok()? else { return None };
            Some(Listed { schema: String::new(), name, kind: if view == "t" { "materialized view" } else { "table" } })
        };
        rows.into_iter().map(listed).collect::<Option<_>>().ok_or_else(|| self.strange())
    }

    /// It has no operators, types and casts but its own; its functions it lists. It does not tell which give the same for the
    /// same, so none is said to.
    pub(super) fn catalog(&mut self, wanted: &Wanted) -> Result<Catalog, Failed> {
        let mut catalog = Catalog::default();
        if !wanted.relations.is_empty() {
            let tables = self.list()?;
            for named in &wanted.relations {
                let found = tables.iter().find(|table| table.name.eq_ignore_ascii_case(&named.name));
                if let Some(table) = found {
                    let relation = self.relation(table)?;
                    catalog.relations.insert(named.clone(), relation);
                }
            }
        }
        if !wanted.functions.is_empty() {
            let functions = self.ask("SELECT name, signature_translated, runtime_constant, type FROM functions()")?;
            catalog.functions = gather(&wanted.functions, &functions).ok_or_else(|| self.strange())?;
        }
        Ok(catalog)
    }

    fn relation(&mut self, table: &Listed) -> Result<Relation, Failed> {
        let quoted = table.name.replace('\'', "''");
        let rows = self.ask(&format!("SELECT \"column\", type, designated FROM table_columns('{quoted}')"))?;
        let column = |row: Vec<Option<String>>| {
            let [Some(name), Some(type_name), Some(key)] = <[Option<String>; 3]>::try_from(row).ok()? else {
                return None;
            };
            let key = key == "t";
            Some(TableColumn { name, type_name, nullable: !key, key })
        };
        let columns = rows.into_iter().map(column).collect::<Option<_>>().ok_or_else(|| self.strange())?;
        let kind = if table.kind == "table" {
            RelationKind::Table
        } else {
            let sql = format!("SELECT view_sql FROM materialized_views() WHERE view_name = '{quoted}'");
            RelationKind::Materialized { definition: self.one(&sql)? }
        };
        Ok(Relation {
            schema: String::new(),
            name: table.name.clone(),
            kind,
            built_in: false,
            columns,
            triggers: Vec::new(),
            rules: Vec::new(),
            cascades: Vec::new(),
            policies: Vec::new(),
            expressions: Vec::new(),
            children: Vec::new(),
            parents: Vec::new(),
        })
    }

    fn ask(&mut self, sql: &str) -> Result<Rows, Failed> {
        let mut answers = self.talk.ask(&[Ask { sql, given: &[] }])?;
        Ok(answers.pop().unwrap_or_default())
    }

    /// The one value of the one row.
    fn one(&mut self, sql: &str) -> Result<String, Failed> {
        let value = self.ask(sql)?.into_iter().next().and_then(|row| row.into_iter().next().flatten());
        value.ok_or_else(|| self.strange())
    }

    fn failed(&self, cause: Cause, message: &str) -> Failed {
        Failed::new(Engine::QuestDb, cause, message)
    }

    fn strange(&self) -> Failed {
        self.failed(Cause::Strange, "its catalog is not QuestDB's")
    }
}

/// Whether a statement begins as reads do. It has to be known before it is told to the server, which runs `TRUNCATE` and others
/// when it reads them (measured on 9.2.3). Comments before it are skipped, but for those that may be nested.
fn reads(sql: &str) -> bool {
    let mut rest = sql;
    let first = loop {
        rest = rest.trim_start();
        if let Some(comment) = rest.strip_prefix("--") {
            // To it a comment ends with either.
            rest = comment.split_once(['\n', '\r']).map_or("", |(_, rest)| rest);
        } else if let Some(comment) = rest.strip_prefix("/*") {
            match comment.split_once("*/") {
                Some((comment, after)) if !comment.contains("/*") => rest = after,
                _ => return false,
            }
        } else if let Some(inner) = rest.strip_prefix('(') {
            rest = inner;
        } else {
            break rest;
        }
    };
    let word = |text: &str| text.chars().take_while(char::is_ascii_alphabetic).collect::<String>().to_ascii_uppercase();
    match word(first).as_str() {
        "SELECT" | "WITH" | "DECLARE" | "SHOW" => true,
        "EXPLAIN" => first.get("EXPLAIN".len()..).is_some_and(|of| word(of.trim_start()) != "EXPLAIN" && reads(of)),
        _ => false,
    }
}

const TABLES: &str = "SELECT table_name, matView FROM tables() ORDER BY table_name";

/// The functions of each name.
fn gather(wanted: &BTreeSet<Named>, rows: &Rows) -> Option<std::collections::BTreeMap<Named, Vec<Function>>> {
    let mut found = std::collections::BTreeMap::new();
    for named in wanted {
        let mut all = Vec::new();
        for row in rows {
            let [Some(name), Some(signature), Some(_), Some(sort)] = row.as_slice() else { return None };
            if !name.eq_ignore_ascii_case(&named.name) {
                continue;
            }
            let arguments = signature.split_once('(').map_or("", |(_, rest)| rest.trim_end_matches(')'));
            all.push(Function {
                schema: String::new(),
                name: name.clone(),
                kind: match sort.as_str() {
                    "GROUP_BY" => FunctionKind::Aggregate,
                    "WINDOW" => FunctionKind::Window,
                    _ => FunctionKind::Plain,
                },
                arguments: arguments.split(", ").filter(|word| !word.is_empty()).map(str::to_owned).collect(),
                variadic: arguments.ends_with("var_arg"),
                volatility: Volatility::Volatile,
                language: "internal".to_owned(),
                definer: false,
                built_in: true,
                on_path: true,
                executable: true,
            });
        }
        if !all.is_empty() {
            found.insert(named.clone(), all);
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_that_is_told_to_the_server_begins_as_a_read() {
        for sql in [
            "SELECT 1",
            " select 1",
            "-- a\n\n/* b */ With x AS (SELECT 1) SELECT * FROM x",
            "(SHOW PARAMETERS)",
            "DECLARE @a := 1 SELECT @a",
            "EXPLAIN SELECT 1",
            "/* a */ EXPLAIN /* b */ (SELECT 1)",
        ] {
            assert!(reads(sql), "{sql}");
        }
        for sql in [
            "",
            "TRUNCATE TABLE t",
            "/* a */ TRUNCATE TABLE t",
            "/* /* */ SELECT 1 */ TRUNCATE TABLE t",
            "-- a\rTRUNCATE TABLE t\nSELECT 1",
            "/* SELECT",
            "EXPLAIN TRUNCATE TABLE t",
            "EXPLAIN EXPLAIN SELECT 1",
            ";SELECT 1",
            "t",
        ] {
            assert!(!reads(sql), "{sql}");
        }
    }
}
