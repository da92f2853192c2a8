//! Sends statements through `guard db query`'s own way, in the project it is started in: JSON lines (`database`, `text`) on
//! standard input, one line for each of what became of it on standard output. Run by `scripts/eval-sql`. Knows nothing of
//! what is right.

use guard::action::query::{Fault, read};
use guard::decide::Verdict;
use guard::execute::query::{Cell, Column, Sink};
use guard::gate::{Project, QueryAnswer, QueryRequest, World, databases, query};
use serde_json::{Value, json};
use std::error::Error;
use std::io::{BufRead, Write};
use std::process::ExitCode;
use std::time::Instant;

#[derive(serde::Deserialize)]
struct Asked {
    database: String,
    text: String,
}

/// Rows, as JSON, into nothing: they are made, as for a person.
#[derive(Default)]
struct Nowhere {
    columns: Vec<Column>,
    line: Vec<u8>,
}

impl Sink for Nowhere {
    fn columns(&mut self, columns: &[Column]) -> std::io::Result<()> {
        self.columns = columns.to_vec();
        Ok(())
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> std::io::Result<()> {
        self.line.clear();
        for (cell, column) in cells.iter().zip(&self.columns) {
            cell.json(&column.form, &mut self.line);
        }
        Ok(())
    }
}

#[expect(clippy::print_stderr, reason = "what is wrong belongs there")]
fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let cwd = std::env::current_dir()?;
    let world = World::new(std::env::vars_os().collect(), cwd.clone());
    let project = Project::find(&world, &cwd).map_err(|stop| stop.to_string())?;
    let engines = databases(&world, &project).map_err(|stop| stop.to_string())?;
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let asked: Asked = serde_json::from_str(&line?)?;
        let engine = engines.iter().find(|of| of.name == asked.database).ok_or("no such database")?.engine;
        let told = read(engine, &asked.text);
        let database = Some(asked.database);
        let request = QueryRequest { database, test: false, sql: asked.text, limit: None, task: None };
        let began = Instant::now();
        let answer = query(&world, &project, &request, &mut Nowhere::default());
        let took = began.elapsed();
        let mut came = became(answer)?;
        came.insert("ms".into(), json!(took.as_secs_f64() * 1e3));
        came.insert("kind".into(), json!(told.as_ref().ok().map(|query| query.kind().to_string())));
        came.insert("is_read".into(), json!(told.as_ref().is_ok_and(|query| query.kind().reads_only())));
        came.insert("fault".into(), json!(told.err().map(|unreadable| fault(unreadable.fault))));
        serde_json::to_writer(&mut out, &came)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// What became of a statement: refused by rules, failed at the server, or answered.
fn became(answer: QueryAnswer) -> Result<serde_json::Map<String, Value>, Box<dyn Error>> {
    if let Some(stop) = answer.stop {
        return Err(format!("guard stopped: {stop}").into());
    }
    let judged = answer.judgement.ok_or("nothing was judged")?;
    let end = match (judged.verdict, &answer.failed) {
        (Verdict::Allow, None) => "answered",
        (Verdict::Allow, Some(_)) => "failed",
        (Verdict::Ask | Verdict::Deny, _) => "refused",
    };
    let mut came = serde_json::Map::new();
    came.insert("end".into(), json!(end));
    came.insert("rules".into(), json!(judged.matches.iter().map(|found| &found.id).collect::<Vec<_>>()));
    came.insert("reasons".into(), json!(judged.matches.iter().map(|found| &found.reason).collect::<Vec<_>>()));
    came.insert("rows".into(), json!(answer.done.map(|done| done.rows)));
    let failed = answer.failed.as_ref();
    came.insert("class".into(), json!(failed.map(|failed| failed.cause.word())));
    came.insert("code".into(), json!(failed.and_then(|failed| failed.code.clone())));
    came.insert("error".into(), json!(failed.map(|failed| &failed.message)));
    Ok(came)
}

fn fault(fault: Fault) -> String {
    fault.to_string()
}
