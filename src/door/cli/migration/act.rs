//! `guard migration propose`, `run` and `done`.
//! Decides nothing.

use super::view;
use crate::door::cli::text::{self, Paint, Tone};
use crate::door::cli::{code, diagnostics, project};
use crate::event::line::{printable, safe_json, visible};
use crate::gate::{self, MigrationAnswer, MigrationRequest, Project, Stop, World};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Propose a migration, and have it tried on a copy of the schema
///
/// Nothing is changed: the copy is thrown away. A person is asked, unless it only adds to a database for tests. Exit codes:
/// 0 it may be run, 75 a person is asked, 1 it fails on the copy, 125 the database cannot be asked, 126 refused.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard migration propose migrations/007_note.sql --db trades --description 'orders get a note'
  guard migration propose alembic/versions/1a2b_note.py --db trades --description 'orders get a note'
  guard migration propose alembic/versions/1a2b_note.py --db trades --down --description 'no note after all'
  guard migration propose seed.sql --db trades --test --description 'tables for the tests'")]
pub(crate) struct Propose {
    /// Its files, in the order they are run: `.sql`, or revisions of Alembic
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// The database, by its name in the policy; may be left out where there is only one
    #[arg(long, value_name = "NAME")]
    db: Option<String>,
    /// What it is for, in a line: the log says `Migration proposed: TEXT`
    #[arg(long, value_name = "TEXT")]
    description: String,
    /// For its database for tests
    #[arg(long)]
    test: bool,
    /// Go back: `alembic downgrade` to what the revisions follow
    #[arg(long)]
    down: bool,
    /// A name for what this belongs to, for the log
    #[arg(long, value_name = "NAME")]
    task: Option<String>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// Run a migration that a person has approved, exactly as it was shown
///
/// It is refused where a file, the policy, the schema, the current revision or the database is another one than it was. SQL runs
/// in one transaction, which is undone where a statement fails, or where the schema becomes another one than on the copy.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  guard migration run migration-1\n  guard wait migration-1 && guard migration run migration-1"
)]
pub(crate) struct Run {
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// Record that a person ran a migration by themselves
///
/// The schema and the current revision must be what the migration came to on the copy; else it says what differs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  alembic upgrade head && guard migration done migration-1")]
pub(crate) struct Done {
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn propose(world: World, from: &Path, args: Propose) -> ExitCode {
    let Propose { paths, db, description, test, down, task, json } = args;
    let request = MigrationRequest { paths, database: db, test, down, description, task };
    act(world, from, json, |world, project| gate::propose_migration(world, project, &request))
}

pub(crate) fn run(world: World, from: &Path, args: Run) -> ExitCode {
    act(world, from, args.json, |world, project| gate::run_migration(world, project, &args.name))
}

pub(crate) fn done(world: World, from: &Path, args: Done) -> ExitCode {
    act(world, from, args.json, |world, project| gate::migration_done(world, project, &args.name))
}

fn act(world: World, from: &Path, json: bool, act: impl FnOnce(&World, &Project) -> MigrationAnswer) -> ExitCode {
    let (world, project) = match project(world, from) {
        Ok(found) => found,
        Err(stop) if json => return text::stop_json(stop),
        Err(stop) => return text::stop(&stop),
    };
    diagnostics::to(&project.paths.state);
    let answer = act(&world, &project);
    let exit = code(answer.exit_code());
    let mut out = std::io::stdout().lock();
    if json {
        let text = format!("{}\n", safe_json(&object(&answer).to_string()));
        return text::written(out.write_all(text.as_bytes()), exit);
    }
    let written = out.write_all(said(&answer, Paint::on(&out)).as_bytes());
    let told = troubles(&answer, Paint::on(&std::io::stderr()));
    let _gone = std::io::stderr().write_all(told.as_bytes());
    text::untold(answer.untold.as_ref());
    text::written(written, exit)
}

fn object(answer: &MigrationAnswer) -> Value {
    let mut object =
        answer.migration.as_ref().map_or_else(|| json!({}), |migration| view::object(migration, &|_| None));
    let log = answer.receipt.as_ref().map(|receipt| json!({ "seq": receipt.last, "hash": receipt.hash }));
    let stopped = answer.stop.as_ref().map(|stop| json!({ "message": stop.to_string(), "help": stop.help() }));
    let failed = answer.failed.as_ref().map(|failed| {
        json!({
            "message": failed.message, "help": failed.hint, "class": failed.cause.word(), "code": failed.code,
            "statement": answer.at,
        })
    });
    let attempts = answer.attempts.map(|spent| {
        json!({
            "used": spent.used, "budget": spent.budget,
            "total_used": spent.total_used, "total_budget": spent.total_budget,
        })
    });
    let more = json!({
        "verdict": answer.verdict(),
        "exit_code": answer.exit_code(),
        "name": answer.name,
        "request": answer.request,
        "done": answer.done,
        "partly": answer.partly,
        "notes": answer.notes,
        "error": stopped.or(failed),
        "attempts": attempts,
        "halted": answer.halted,
        "log": log,
    });
    if let (Value::Object(members), Value::Object(more)) = (&mut object, more) {
        members.extend(more);
    }
    object
}

/// What came of it.
fn said(answer: &MigrationAnswer, paint: Paint) -> String {
    let (Some(name), Some(migration), None, None) = (&answer.name, &answer.migration, &answer.stop, &answer.failed)
    else {
        return String::new();
    };
    let name = visible(name);
    let mut text = String::new();
    if answer.done {
        let _ = writeln!(text, "{}: {name}: {}", paint.with(Tone::Good, "done"), visible(&migration.description));
        return text;
    }
    let _ = writeln!(text, "{name}");
    text += &view::text(migration, &|_| None, paint);
    if answer.request.is_some() {
        let head = paint.with(Tone::Question, "asked");
        let _ = writeln!(
            text,
            "{head}: a person decides about {name}; wait with `guard wait {name}`, then `guard migration run {name}`"
        );
    } else {
        let head = paint.with(Tone::Good, "ready");
        let _ = writeln!(text, "{head}: it needs no approval; run it with `guard migration run {name}`");
    }
    text
}

fn troubles(answer: &MigrationAnswer, paint: Paint) -> String {
    let mut text = String::new();
    if let Some(stop) = &answer.stop {
        text += &text::stop_text(stop, paint);
    }
    if let Some(failed) = &answer.failed {
        let at = answer.at.filter(|at| *at > 0).map(|at| format!("statement {at}: ")).unwrap_or_default();
        let code = failed.code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
        let word = paint.with(Tone::Bad, failed.cause.word());
        let _ = writeln!(text, "guard: {word}: {}: {at}{}{code}", failed.engine, printable(failed.message.trim()));
        if let Some(hint) = &failed.hint {
            let _ = writeln!(text, "  {} {}", paint.with(Tone::Good, "help:"), printable(hint));
        }
        let left = match (answer.request.is_some() || answer.name.is_none(), answer.partly) {
            (_, true) => "some of it is left: look at the database before anything else",
            (true, false) => "nothing was changed, and nothing is proposed",
            (false, false) => "nothing of it is left",
        };
        let _ = writeln!(text, "  {left}");
        if let Some(spent) = answer.attempts {
            let _ = writeln!(text, "  attempt {} of {} (database)", spent.used, spent.budget);
        }
    }
    if let Some(name) = &answer.halted {
        let head = paint.with(Tone::Bad, "halted");
        let _ =
            writeln!(text, "guard: {head} (`{name}`): stop here; a person looks at it with `guard escalations {name}`");
    }
    text
}

/// What stands in the way, as text and exit code or as an object.
pub(super) fn stopped(json: bool, stop: Stop) -> ExitCode {
    if json { text::stop_json(stop) } else { text::stop(&stop) }
}
