//! `guard migration list` and `show`.
//! Decides nothing.

use super::act::stopped;
use super::view;
use crate::door::cli::project;
use crate::door::cli::text::{self, Paint};
use crate::event::line::{safe_json, visible};
use crate::gate::{self, Listing, Stop, World};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

/// List migrations, and where they stand
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  guard migration list\n  guard migration list --json")]
pub(crate) struct List {
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// Show everything about a migration
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  guard migration show migration-1")]
pub(crate) struct Show {
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn list(world: World, from: &Path, args: List) -> ExitCode {
    let listed = project(world, from).and_then(|(world, project)| gate::list_migrations(&world, &project));
    let text = listed.map(|all| {
        if args.json {
            let all: Vec<Value> = all.iter().map(brief).collect();
            return format!("{}\n", safe_json(&json!({ "migrations": all }).to_string()));
        }
        if all.is_empty() {
            return "no migration was proposed\n".to_owned();
        }
        all.iter().fold(String::new(), |mut text, one| {
            let (what, class) = one.migration.as_ref().map_or_else(
                || ("its copy is gone or changed".to_owned(), ""),
                |migration| {
                    (visible(&format!("{}: {}", migration.database, migration.description)), migration.class().word())
                },
            );
            let _ = writeln!(text, "{:<14} {:<16} {class:<12} {what}", visible(&one.known.name), one.standing);
            text
        })
    });
    print(args.json, text)
}

pub(crate) fn show(world: World, from: &Path, args: Show) -> ExitCode {
    let shown = project(world, from).and_then(|(world, project)| gate::show_migration(&world, &project, &args.name));
    let text = shown.map(|one| {
        if args.json {
            let mut object = brief(&one);
            if let (Some(members), Some(migration)) = (object.as_object_mut(), &one.migration)
                && let Value::Object(more) = view::object(migration, &|_| None)
            {
                members.extend(more);
            }
            return format!("{}\n", safe_json(&object.to_string()));
        }
        let mut text = format!("{}: {}\n", visible(&one.known.name), one.standing);
        match &one.migration {
            Some(migration) => text += &view::text(migration, &|_| None, Paint::on(&std::io::stdout())),
            None => text += "  its copy is gone or changed: it cannot be run\n",
        }
        text
    });
    print(args.json, text)
}

fn brief(one: &Listing) -> Value {
    let of = one.migration.as_ref();
    json!({
        "name": one.known.name,
        "standing": one.standing,
        "database": of.map(|migration| &migration.database),
        "description": of.map(|migration| &migration.description),
        "class": of.map(|migration| migration.class().word()),
        "seq": one.known.seq,
    })
}

fn print(json: bool, text: Result<String, Stop>) -> ExitCode {
    match text {
        Ok(text) => text::written(std::io::stdout().lock().write_all(text.as_bytes()), ExitCode::SUCCESS),
        Err(stop) => stopped(json, stop),
    }
}
