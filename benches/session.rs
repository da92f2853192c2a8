//! What a session with PostgreSQL costs beside `psql` on the same server: a million rows of four columns, and one row from
//! connecting to hanging up. Rounds are paired, because machines are noisy; what counts is the median ratio.
//!
//! `eval "$(scripts/servers start)"; cargo bench --bench session`

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a measurement that fails has nothing to say"
)]

use guard::action::query::Engine;
use guard::action::query::catalog::{Named, Wanted};
use guard::execute::query::{Caps, Cell, Column, Endpoint, Limits, Session, Sink};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROWS: u64 = 1_000_000;
const MANY: &str = "SELECT i, i * 1.5, 'a text of some length', timestamp '2026-01-01' + i * interval '1 second' \
    FROM generate_series(1, 1000000) AS i";
const ONE: &str = "SELECT relname FROM pg_class WHERE oid = 1259";

/// Rows as JSON into nothing.
struct Lines {
    out: BufWriter<File>,
    line: Vec<u8>,
    columns: Vec<Column>,
}

impl Sink for Lines {
    fn columns(&mut self, columns: &[Column]) -> std::io::Result<()> {
        self.columns = columns.to_vec();
        Ok(())
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> std::io::Result<()> {
        self.line.clear();
        for (cell, column) in cells.iter().zip(&self.columns) {
            self.line.push(b',');
            cell.json(&column.form, &mut self.line);
        }
        self.line.push(b'\n');
        self.out.write_all(&self.line)
    }
}

fn main() {
    let folder = std::env::var("GUARD_TEST_POSTGRES_SOCKETS").expect("scripts/servers start");
    let url = std::env::var("GUARD_TEST_POSTGRES").expect("scripts/servers start");
    let (_, port) = url.rsplit_once(':').expect("a port");
    let port = port.split('/').next().expect("a port").to_owned();
    let local = format!("postgres://bare@/postgres?host={folder}&port={port}");
    let load = || std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load before: {}", load().trim());
    let psql = |sql: &str| {
        let begun = Instant::now();
        let done = Command::new("psql")
            .args(["-X", "-q", "-A", "-t", "-h", &folder, "-p", &port, "-U", "bare", "-d", "postgres", "-c", sql])
            .stdout(Stdio::null())
            .status()
            .expect("psql");
        assert!(done.success(), "psql");
        begun.elapsed()
    };
    let own = |sql: &str| {
        let begun = Instant::now();
        let endpoint = Endpoint::of_url(Engine::Postgres, &local, Path::new("/")).expect("an endpoint");
        let limits = Limits { time: Duration::from_secs(300), ..Limits::default() };
        let mut session = Session::open(&endpoint, &limits).expect("a session");
        session.prepare(sql).expect("a statement");
        let wanted = Wanted {
            relations: [Named::bare("pg_class")].into(),
            functions: [Named::bare("generate_series")].into(),
            operators: [Named::bare("="), Named::bare("*"), Named::bare("+")].into(),
            ..Wanted::default()
        };
        session.catalog(&wanted).expect("a catalog");
        let out = BufWriter::new(File::create("/dev/null").expect("nowhere"));
        let mut lines = Lines { out, line: Vec::new(), columns: Vec::new() };
        let done = session.run(&Caps { rows: ROWS, bytes: u64::MAX }, &mut lines).expect("rows");
        session.close();
        assert!(done.truncated.is_none() && done.rows > 0, "all rows");
        begun.elapsed()
    };
    for (what, sql, rounds) in [("a million rows", MANY, 7), ("one row", ONE, 101)] {
        let mut pairs: Vec<(Duration, Duration)> = (0..rounds).map(|_| (psql(sql), own(sql))).collect();
        let middle = |pairs: &mut Vec<(Duration, Duration)>, key: fn(&(Duration, Duration)) -> f64| {
            pairs.sort_by(|a, b| key(a).total_cmp(&key(b)));
            key(&pairs[pairs.len() / 2])
        };
        let theirs = middle(&mut pairs, |pair| pair.0.as_secs_f64());
        let ours = middle(&mut pairs, |pair| pair.1.as_secs_f64());
        let ratio = middle(&mut pairs, |pair| pair.1.as_secs_f64() / pair.0.as_secs_f64());
        println!("{what}: psql {:.1} ms, a session {:.1} ms, {ratio:.2} times", theirs * 1e3, ours * 1e3);
    }
    let status = std::fs::read_to_string("/proc/self/status").expect("status");
    println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default());
    println!("load after: {}", load().trim());
}
