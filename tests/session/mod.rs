//! Sessions with real databases: what they read, that they cannot write, and how they end.

mod bypasses;
mod postgres;
mod questdb;
mod sqlite;
mod trouble;

use guard::action::query::Engine;
use guard::execute::query::{Caps, Cell, Column, Done, Endpoint, Failed, Limits, Session, Sink};
use std::path::Path;
use std::time::Duration;

const ALL: Caps = Caps { rows: u64::MAX, bytes: u64::MAX };

/// Rows as JSON.
#[derive(Default)]
struct Kept {
    columns: Vec<Column>,
    rows: Vec<String>,
}

impl Sink for Kept {
    fn columns(&mut self, columns: &[Column]) -> std::io::Result<()> {
        self.columns = columns.to_vec();
        Ok(())
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> std::io::Result<()> {
        let mut row = Vec::new();
        for (cell, column) in cells.iter().zip(&self.columns) {
            if !row.is_empty() {
                row.push(b' ');
            }
            cell.json(&column.form, &mut row);
        }
        self.rows.push(String::from_utf8(row).unwrap());
        Ok(())
    }
}

fn limits() -> Limits {
    Limits { time: Duration::from_secs(20), ..Limits::default() }
}

fn open(engine: Engine, url: &str) -> Result<Session, Failed> {
    Session::open(&Endpoint::of_url(engine, url, Path::new("/")).unwrap(), &limits())
}

/// What a statement gives in a session of its own.
fn rows(engine: Engine, url: &str, sql: &str) -> Result<Vec<String>, Failed> {
    ran(engine, url, sql, &ALL).map(|(kept, _)| kept.rows)
}

fn ran(engine: Engine, url: &str, sql: &str, caps: &Caps) -> Result<(Kept, Done), Failed> {
    let mut session = open(engine, url)?;
    let mut kept = Kept::default();
    session.prepare(sql)?;
    let done = session.run(caps, &mut kept)?;
    session.close();
    Ok((kept, done))
}
