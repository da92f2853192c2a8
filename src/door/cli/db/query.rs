//! `guard db query` and `check`: a statement, and what comes of it.
//! Decides nothing.

use super::rows::{Layout, Printer};
use crate::decide::{QueryJudgement, Verdict};
use crate::door::cli::text::{self, Paint, Tone};
use crate::door::cli::{code, diagnostics, json, project, words};
use crate::event::line::{printable, safe_json};
use crate::event::{Environment, Mode};
use crate::execute::query::{Failed, Truncated};
use crate::gate::{self, QueryAnswer, QueryRequest, Stop, World};
use serde_json::{Map, Value, json};
use std::io::{IsTerminal, Read, Write};
use std::path::Path;
use std::process::ExitCode;

/// Bytes of a statement that are read; the judging takes fewer.
const MOST: u64 = 1 << 20;

/// Ask a database
///
/// One statement that only reads: SELECT, VALUES, TABLE, WITH of these, SHOW, EXPLAIN. It is sent in a session that cannot
/// write, with a time limit, and cut short at the rows and bytes that the policy lets through; that it was is told.
/// INSERT, UPDATE, DELETE and MERGE go to a database for tests, in mode paper to tables of paper, and else by a person's word.
/// Exit codes: 0 answered, 75 a person has to allow it, 1 the database refuses it, 124 out of time, 125 the database cannot be asked, 126 refused by policy.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard db query --db trades \"SELECT count(*) FROM orders\"
  guard db query --db trades --csv 'TABLE fills' > fills.csv
  guard db query --db trades --json --limit 20 < question.sql
  guard db query --db trades --test 'INSERT INTO orders (id) VALUES (1)'
  guard db query --db trades --explain-verdict 'SELECT my_function(1)'")]
pub(crate) struct Args {
    #[command(flatten)]
    asked: Asked,
    /// One JSON object
    #[arg(long, group = "layout")]
    json: bool,
    /// Comma-separated values
    #[arg(long, group = "layout")]
    csv: bool,
    /// Columns under their names; what a terminal gets by itself
    #[arg(long, group = "layout")]
    table: bool,
    /// Rows at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// A name for what this belongs to, for the log
    #[arg(long, value_name = "NAME")]
    task: Option<String>,
    /// Say what was judged, and what it rests on
    #[arg(long)]
    explain_verdict: bool,
}

/// Judge a statement without running it
///
/// The server's catalog is asked about the names in it, unless it is offline.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard db check --db trades 'SELECT * FROM orders FOR UPDATE'
  guard db check --db trades --offline 'SELECT (x).f FROM t x'")]
pub(crate) struct Check {
    #[command(flatten)]
    asked: Asked,
    /// Ask no server
    #[arg(long)]
    offline: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// What is asked of which database.
#[derive(Debug, clap::Args)]
struct Asked {
    /// The database, by its name in the policy; may be left out where there is only one
    #[arg(long, value_name = "NAME")]
    db: Option<String>,
    /// Its database for tests
    #[arg(long)]
    test: bool,
    /// The statement; from standard input where it is left out, or `-`
    #[arg(value_name = "SQL")]
    sql: Option<String>,
}

impl Asked {
    fn request(self, limit: Option<u64>, task: Option<String>) -> Result<QueryRequest, Stop> {
        let sql = match self.sql.filter(|sql| sql != "-") {
            Some(sql) => sql,
            None => from_input()?,
        };
        Ok(QueryRequest { database: self.db, test: self.test, sql, limit, task })
    }
}

fn from_input() -> Result<String, Stop> {
    let help = "write it behind the options, or on standard input";
    let wrong = |what: &str| Stop::Usage { what: what.into(), help: help.into() };
    let input = std::io::stdin();
    if input.is_terminal() {
        return Err(wrong("there is no statement"));
    }
    let mut bytes = Vec::new();
    let read = input.take(MOST + 1).read_to_end(&mut bytes);
    read.map_err(|error| Stop::System { what: "cannot read standard input".into(), cause: error.to_string() })?;
    if bytes.len() as u64 > MOST {
        return Err(Stop::Usage {
            what: format!("the statement is longer than {MOST} bytes"),
            help: "ask for less".into(),
        });
    }
    String::from_utf8(bytes).map_err(|_| wrong("the statement is not UTF-8"))
}

pub(crate) fn run(world: World, from: &Path, args: Args) -> ExitCode {
    let Args { asked, json, csv, table, limit, task, explain_verdict } = args;
    let layout = match (json, csv, table) {
        (true, ..) => Layout::Json,
        (_, true, _) => Layout::Csv,
        _ => Layout::Table,
    };
    let ready = asked.request(limit, task).and_then(|request| Ok((request, project(world, from)?)));
    let (request, (world, project)) = match ready {
        Ok(ready) => ready,
        Err(stop) if json => return text::stop_json(stop),
        Err(stop) => return text::stop(&stop),
    };
    diagnostics::to(&project.paths.state);
    let mut printer = Printer::new(layout);
    let answer = gate::query(&world, &project, &request, &mut printer);
    let exit = code(answer.exit_code());
    let ended = printer.end(&members(&answer));
    if !json {
        tell(&answer, explain_verdict);
    }
    text::written(ended, exit)
}

/// What follows the rows in JSON.
fn members(answer: &QueryAnswer) -> Map<String, Value> {
    let mut members = Map::new();
    let mut add = |name: &str, value: Value| {
        members.insert(name.to_owned(), value);
    };
    let done = answer.done;
    add("verdict", json!(answer.verdict()));
    add("exit_code", json!(answer.exit_code()));
    add("database", json!(answer.database));
    add("engine", json!(answer.engine.map(|engine| engine.to_string())));
    add(
        "rules",
        json!(answer.judgement.iter().flat_map(|judged| judged.matches.iter().map(json::rule)).collect::<Vec<_>>()),
    );
    add("row_count", json!(done.map(|done| done.rows)));
    add("rows_changed", json!(done.and_then(|done| done.changed)));
    add("mode", json!(answer.mode.map(Mode::word)));
    add("environment", json!(answer.environment.map(Environment::word)));
    add("request", json!(answer.request));
    add("unasked", json!(answer.unasked));
    add("truncated", json!(done.and_then(|done| done.truncated).map(cap)));
    add("warnings", json!(answer.warnings));
    add("tries", json!(answer.tries));
    let log = answer.receipt.as_ref().map(|receipt| json!({ "seq": receipt.last, "hash": receipt.hash }));
    add("log", json!(log));
    let stopped = answer.stop.as_ref().map(|stop| json!({ "message": stop.to_string(), "help": stop.help() }));
    let failed = answer.failed.as_ref().map(|failed| {
        json!({
            "message": failed.message, "help": failed.hint, "class": failed.cause.word(), "code": failed.code,
            "position": failed.position,
        })
    });
    add("error", json!(stopped.or(failed)));
    let attempts = answer.attempts.map(|spent| {
        json!({
            "used": spent.used, "budget": spent.budget,
            "total_used": spent.total_used, "total_budget": spent.total_budget,
        })
    });
    add("attempts", json!(attempts));
    add("halted", json!(answer.halted));
    members
}

fn cap(truncated: Truncated) -> &'static str {
    match truncated {
        Truncated::Rows => "rows",
        Truncated::Bytes => "bytes",
    }
}

/// What a person, or an agent, is told besides the rows.
pub(super) fn tell(answer: &QueryAnswer, explain: bool) {
    let paint = Paint::on(&std::io::stderr());
    let mut text = String::new();
    if let Some(stop) = &answer.stop {
        text += &text::stop_text(stop, paint);
    }
    if let Some(judged) = answer.judgement.as_ref().filter(|judged| judged.verdict != Verdict::Allow) {
        text += &refusal(judged, paint);
        text += &asked(answer, paint);
    }
    if let Some(changed) = answer.done.and_then(|done| done.changed) {
        let (number, by) =
            (words::count(usize::try_from(changed).unwrap_or(usize::MAX), "row", "rows"), &answer.request);
        let by = by.as_ref().map(|name| format!(", by `{name}`")).unwrap_or_default();
        text += &format!("guard: {number} changed{by}\n");
    }
    if let Some(failed) = &answer.failed {
        text += &failure(failed, answer, paint);
    }
    if let Some(truncated) = answer.done.and_then(|done| done.truncated) {
        let head = paint.with(Tone::Question, "truncated");
        let what = match truncated {
            Truncated::Rows => "there are more rows: `--limit`, or `rows` of the database in the policy, cut them off",
            Truncated::Bytes => "there are more rows, and their values too big: `bytes` of the database in the policy",
        };
        text += &format!("guard: {head}: {what}\n");
    }
    if let Some(name) = &answer.halted {
        let head = paint.with(Tone::Bad, "halted");
        text += &format!("guard: {head} (`{name}`): stop here; a person looks at it with `guard escalations {name}`\n");
    }
    if explain {
        text += &explanation(answer, paint);
    }
    let _gone = std::io::stderr().write_all(text.as_bytes());
    text::untold(answer.untold.as_ref());
}

fn refusal(judged: &QueryJudgement, paint: Paint) -> String {
    let head = match judged.verdict {
        Verdict::Ask => paint.with(Tone::Question, "a person has to allow it"),
        Verdict::Allow | Verdict::Deny => paint.with(Tone::Bad, "refused"),
    };
    format!("guard: {head}\n") + &text::rules(judged.matches.iter(), paint)
}

/// The request that a person is asked.
fn asked(answer: &QueryAnswer, paint: Paint) -> String {
    match &answer.request {
        Some(name) => {
            let hint = paint.with(Tone::Good, "hint:");
            format!(
                "  a person has been asked (`{name}`); wait with `guard wait {name}`, then ask the very same again\n  \
                 {hint} a person looks at it with `guard show {name}`, and allows it with `guard approve {name}`\n"
            )
        }
        // It could not be asked, or does not read it: which of them follows.
        None if answer.failed.is_some() => "  nobody was asked, because of this:\n".to_owned(),
        None if answer.unasked => "  nobody was asked: too much waits for a person already\n".to_owned(),
        None => String::new(),
    }
}

fn failure(failed: &Failed, answer: &QueryAnswer, paint: Paint) -> String {
    let engine = failed.engine;
    let code = failed.code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
    let at = failed.position.map(|at| format!(", at character {at}")).unwrap_or_default();
    let mut text = format!(
        "guard: {}: {engine}: {}{code}{at}\n",
        paint.with(Tone::Bad, failed.cause.word()),
        printable(failed.message.trim())
    );
    if let Some(hint) = &failed.hint {
        text += &format!("  {} {}\n", paint.with(Tone::Good, "help:"), printable(hint));
    }
    if let Some(spent) = answer.attempts {
        text += &format!("  attempt {} of {} (database)\n", spent.used, spent.budget);
    }
    text
}

fn explanation(answer: &QueryAnswer, paint: Paint) -> String {
    let mut text = String::new();
    let mut say = |head: &str, what: &str| text += &format!("guard: {} {what}\n", paint.with(Tone::Faint, head));
    if let Some(judged) = &answer.judgement {
        say("verdict:", &paint.verdict(judged.verdict));
    }
    if let Some(server) = &answer.server {
        say("database:", &printable(server));
    }
    for warning in &answer.warnings {
        say("warning:", &printable(warning));
    }
    if let Some(receipt) = &answer.receipt {
        say("recorded:", &format!("#{}", receipt.last));
    }
    text
}

pub(crate) fn check(world: World, from: &Path, args: Check) -> ExitCode {
    let Check { asked, offline, json } = args;
    let checked = asked.request(None, None).and_then(|request| {
        let (world, project) = project(world, from)?;
        gate::check_query(&world, &project, &request, offline)
    });
    let checked = match checked {
        Ok(checked) => checked,
        Err(stop) if json => return text::stop_json(stop),
        Err(stop) => return text::stop(&stop),
    };
    let judged = &checked.judgement;
    let exit = match (judged.verdict, &checked.unasked) {
        (Verdict::Deny, _) => 126,
        (Verdict::Ask, _) => 75,
        (Verdict::Allow, Some(_)) => 125,
        (Verdict::Allow, None) => 0,
    };
    let mut out = std::io::stdout().lock();
    if json {
        let object = json!({
            "verdict": judged.verdict.word(),
            "database": checked.database,
            "engine": checked.engine.to_string(),
            "statement": checked.kind,
            "rules": judged.matches.iter().map(json::rule).collect::<Vec<_>>(),
            "open": judged.open,
            "error": checked.unasked.as_ref().map(|failed| json!({
                "message": failed.message, "help": failed.hint, "class": failed.cause.word(), "code": failed.code,
            })),
        });
        let text = format!("{}\n", safe_json(&object.to_string()));
        return text::written(out.write_all(text.as_bytes()), code(exit));
    }
    let paint = Paint::on(&out);
    let kind = checked.kind.as_deref().unwrap_or("no statement");
    let mut text = format!("{} {kind} of {} `{}`\n", paint.verdict(judged.verdict), checked.engine, checked.database);
    text += &text::rules(judged.matches.iter(), paint);
    if !judged.open.is_empty() {
        let names: Vec<String> = judged.open.iter().map(|name| format!("`{}`", printable(name))).collect();
        text += &format!("  open: {}: only the server's catalog can tell\n", names.join(", "));
    }
    if let Some(failed) = &checked.unasked {
        text += &format!("  the server was not asked: {}\n", printable(failed.message.trim()));
    }
    text::written(out.write_all(text.as_bytes()), code(exit))
}
