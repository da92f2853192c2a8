//! `guard db list`, `tables` and `columns`: what there is.
//! Decides nothing.

use super::query::tell;
use crate::door::cli::text::{self, Paint, Tone};
use crate::door::cli::{code, json, project};
use crate::event::line::{printable, safe_json};
use crate::gate::{self, Available, QueryAnswer, QueryRequest, Stands, World};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// List the databases of the policy
///
/// Their URLs are never shown: only the variables they stand in.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard db list
  guard db list --json")]
pub(crate) struct List {
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// List what is in a database
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard db tables
  guard db tables trades --json")]
pub(crate) struct Tables {
    /// The database, by its name in the policy; may be left out where there is only one
    #[arg(value_name = "DB")]
    db: Option<String>,
    /// Its database for tests
    #[arg(long)]
    test: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// List the columns of a table or view
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard db columns trades orders
  guard db columns trades audit.entries --json")]
pub(crate) struct Columns {
    /// The database, by its name in the policy
    #[arg(value_name = "DB")]
    db: String,
    /// The table, with its schema where that is needed
    #[arg(value_name = "TABLE")]
    table: String,
    /// Its database for tests
    #[arg(long)]
    test: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn list(world: World, from: &Path, args: List) -> ExitCode {
    let all = project(world, from).and_then(|(world, project)| gate::databases(&world, &project));
    let all = match all {
        Ok(all) => all,
        Err(stop) if args.json => return text::stop_json(stop),
        Err(stop) => return text::stop(&stop),
    };
    if args.json {
        let each = |database: &Available| {
            let test =
                database.test.as_ref().map(|(variable, stands)| json!({ "url_env": variable, "url": word(*stands) }));
            json!({
                "name": database.name, "engine": database.engine.to_string(), "url_env": database.url_env,
                "url": word(database.stands), "test": test,
            })
        };
        let all: Vec<Value> = all.iter().map(each).collect();
        return print(&format!("{}\n", safe_json(&json!({ "databases": all }).to_string())), 0);
    }
    if all.is_empty() {
        let help = "a person adds a `[[database]]` to `guard.toml` (docs/database.md)";
        return print(&format!("the policy names no database: {help}\n"), 0);
    }
    let width = all.iter().map(|database| database.name.len()).max().unwrap_or_default();
    let mut out = String::new();
    for database in &all {
        let test =
            database.test.as_ref().map(|(variable, stands)| format!("; for tests {variable}, {}", said(*stands)));
        let (name, engine) = (&database.name, database.engine.to_string());
        let (variable, stands) = (&database.url_env, said(database.stands));
        out += &format!("{name:<width$}  {engine:<10}  {variable}, {stands}{}\n", test.unwrap_or_default());
    }
    print(&out, 0)
}

fn word(stands: Option<Stands>) -> Option<&'static str> {
    stands.map(|stands| match stands {
        Stands::Environment => "environment",
        Stands::Dotenv => ".env",
    })
}

fn said(stands: Option<Stands>) -> &'static str {
    match stands {
        Some(Stands::Environment) => "set in the environment",
        Some(Stands::Dotenv) => "set in .env",
        None => "not set",
    }
}

fn request(db: Option<String>, test: bool) -> QueryRequest {
    QueryRequest { database: db, test, sql: String::new(), limit: None, task: None }
}

pub(crate) fn tables(world: World, from: &Path, args: Tables) -> ExitCode {
    let (world, project) = match project(world, from) {
        Ok(found) => found,
        Err(stop) if args.json => return text::stop_json(stop),
        Err(stop) => return text::stop(&stop),
    };
    let (listed, answer) = gate::tables(&world, &project, &request(args.db, args.test));
    let exit = answer.exit_code();
    if args.json {
        let each = listed.relations.iter().map(|of| json!({ "schema": of.schema, "name": of.name, "kind": of.kind }));
        let found = answer.done.map(|_| each.collect::<Vec<_>>());
        return print(&object(&answer, "relations", json!(found)), exit);
    }
    tell(&answer, false);
    let name = |schema: &str, name: &str| match schema {
        "" | "public" | "main" => printable(name),
        schema => format!("{}.{}", printable(schema), printable(name)),
    };
    let names: Vec<String> = listed.relations.iter().map(|of| name(&of.schema, &of.name)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or_default();
    let lines = names.iter().zip(&listed.relations).map(|(name, of)| format!("{name:<width$}  {}\n", of.kind));
    print(&lines.collect::<String>(), exit)
}

pub(crate) fn columns(world: World, from: &Path, args: Columns) -> ExitCode {
    let (world, project) = match project(world, from) {
        Ok(found) => found,
        Err(stop) if args.json => return text::stop_json(stop),
        Err(stop) => return text::stop(&stop),
    };
    let (listed, answer) = gate::columns(&world, &project, &request(Some(args.db), args.test), &args.table);
    let missing = answer.done.is_some() && listed.relation.is_none();
    let exit = if missing { 1 } else { answer.exit_code() };
    let found = listed.relation.as_ref().map(|of| of.columns.as_slice()).unwrap_or_default();
    if args.json {
        let each = found.iter().map(|column| {
            json!({ "name": column.name, "type": column.type_name, "nullable": column.nullable, "key": column.key })
        });
        let found = listed.relation.as_ref().map(|_| each.collect::<Vec<_>>());
        return print(&object(&answer, "columns", json!(found)), exit);
    }
    tell(&answer, false);
    if missing {
        let paint = Paint::on(&std::io::stderr());
        let (table, database) = (printable(&args.table), &answer.database);
        let head = paint.with(Tone::Bad, "not there");
        let text =
            format!("guard: {head}: no table or view `{table}`: `guard db tables {database}` lists what there is\n");
        return text::written(std::io::stderr().write_all(text.as_bytes()), code(exit));
    }
    let width = found.iter().map(|column| column.name.chars().count()).max().unwrap_or_default();
    let line = |column: &crate::action::query::catalog::Column| {
        let key = if column.key { "  key" } else { "" };
        let null = if column.nullable { "" } else { "  not null" };
        format!("{:<width$}  {}{null}{key}\n", printable(&column.name), printable(&column.type_name))
    };
    print(&found.iter().map(line).collect::<String>(), exit)
}

fn object(answer: &QueryAnswer, name: &str, found: Value) -> String {
    let stopped = answer.stop.as_ref().map(|stop| json!({ "message": stop.to_string(), "help": stop.help() }));
    let failed = answer.failed.as_ref().map(|failed| {
        json!({ "message": failed.message, "help": failed.hint, "class": failed.cause.word(), "code": failed.code })
    });
    let rules: Vec<_> = answer.judgement.iter().flat_map(|judged| judged.matches.iter().map(json::rule)).collect();
    let object = json!({
        "verdict": answer.verdict(), "exit_code": answer.exit_code(), "database": answer.database, name: found,
        "rules": rules, "error": stopped.or(failed), "halted": answer.halted,
    });
    format!("{}\n", safe_json(&object.to_string()))
}

fn print(text: &str, exit: i32) -> ExitCode {
    let mut out = std::io::stdout().lock();
    text::written(out.write_all(text.as_bytes()).and_then(|()| out.flush()), code(exit))
}
