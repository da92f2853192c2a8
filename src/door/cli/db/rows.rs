//! Rows as they are printed: a table for people, CSV, or JSON; one after the other, never all at once in memory.
//! Knows no server.

use crate::event::line::{printable, safe_json};
use crate::execute::query::{Cell, Column, Form, Sink};
use serde_json::json;
use std::io::{self, BufWriter, Stdout, Write};

/// Rows of a table that are looked at for the widths of its columns.
const MEASURED: usize = 200;
/// Characters of a cell in a table.
const WIDEST: usize = 60;
/// Bytes that wait to be written.
const WAITING: usize = 64 << 10;

/// How rows are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// Columns under their names.
    Table,
    /// RFC 4180; no value is empty, an empty text is `""`.
    Csv,
    /// One object.
    Json,
}

/// Prints rows on standard output.
pub(super) struct Printer {
    out: BufWriter<Stdout>,
    layout: Layout,
    forms: Vec<Form>,
    names: Vec<String>,
    /// Of a table: rows whose widths are still measured.
    measured: Vec<Vec<String>>,
    widths: Option<Vec<usize>>,
    rows: u64,
    begun: bool,
    line: Vec<u8>,
}

impl Printer {
    pub(super) fn new(layout: Layout) -> Self {
        Self {
            out: BufWriter::with_capacity(WAITING, io::stdout()),
            layout,
            forms: Vec::new(),
            names: Vec::new(),
            measured: Vec::new(),
            widths: None,
            rows: 0,
            begun: false,
            line: Vec::new(),
        }
    }

    /// Ends the rows. Of JSON: `rest` are the members that follow them.
    pub(super) fn end(&mut self, rest: &serde_json::Map<String, serde_json::Value>) -> io::Result<()> {
        match self.layout {
            Layout::Table => {
                if self.begun {
                    self.measure()?;
                }
            }
            Layout::Csv => {}
            Layout::Json => {
                if self.begun {
                    self.out.write_all(if self.rows == 0 { b"]" } else { b"\n]" })?;
                } else {
                    self.out.write_all(b"{\"columns\":null,\"rows\":null")?;
                }
                for (name, value) in rest {
                    write!(self.out, ",\n{}:{}", json!(name), safe_json(&value.to_string()))?;
                }
                self.out.write_all(b"}\n")?;
            }
        }
        self.out.flush()
    }

    /// Prints the rows that were kept back, under their names.
    fn measure(&mut self) -> io::Result<()> {
        if self.widths.is_some() {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.measured);
        let mut widths: Vec<usize> = self.names.iter().map(|name| name.chars().count()).collect();
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
        let names = std::mem::take(&mut self.names);
        write_row(&mut self.out, &names, &widths, &[])?;
        write_row(&mut self.out, &rules, &widths, &[])?;
        for row in &rows {
            write_row(&mut self.out, row, &widths, &self.forms)?;
        }
        self.widths = Some(widths);
        Ok(())
    }

    fn table_row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        let row: Vec<String> = cells.iter().map(shown).collect();
        match &self.widths {
            Some(widths) => write_row(&mut self.out, &row, widths, &self.forms),
            None => {
                self.measured.push(row);
                if self.measured.len() >= MEASURED { self.measure() } else { Ok(()) }
            }
        }
    }
}

impl Sink for Printer {
    fn columns(&mut self, columns: &[Column]) -> io::Result<()> {
        self.begun = true;
        self.forms = columns.iter().map(|column| column.form.clone()).collect();
        match self.layout {
            Layout::Table => {
                self.names = columns.iter().map(|column| printable(&column.name)).collect();
                Ok(())
            }
            Layout::Csv => {
                let names: Vec<String> = columns.iter().map(|column| quoted(&column.name)).collect();
                write!(self.out, "{}\r\n", names.join(","))
            }
            Layout::Json => {
                let each: Vec<_> =
                    columns.iter().map(|column| json!({ "name": column.name, "type": column.type_name })).collect();
                write!(self.out, "{{\"columns\":{},\n\"rows\":[", safe_json(&json!(each).to_string()))
            }
        }
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        self.rows += 1;
        match self.layout {
            Layout::Table => self.table_row(cells),
            Layout::Csv => {
                self.line.clear();
                for (number, cell) in cells.iter().enumerate() {
                    if number > 0 {
                        self.line.push(b',');
                    }
                    if let Some(text) = cell.text() {
                        self.line.extend_from_slice(quoted(&text).as_bytes());
                    }
                }
                self.line.extend_from_slice(b"\r\n");
                self.out.write_all(&self.line)
            }
            Layout::Json => {
                self.line.clear();
                self.line.extend_from_slice(if self.rows == 1 { b"\n[" } else { b",\n[" });
                for (number, (cell, form)) in cells.iter().zip(&self.forms).enumerate() {
                    if number > 0 {
                        self.line.push(b',');
                    }
                    cell.json(form, &mut self.line);
                }
                self.line.push(b']');
                self.out.write_all(&self.line)
            }
        }
    }
}

/// A cell of a table: on one line, and not too wide. What is not there is told from an empty text.
fn shown(cell: &Cell<'_>) -> String {
    let Some(text) = cell.text() else { return "NULL".to_owned() };
    let text = printable(&text);
    match text.char_indices().nth(WIDEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// One line of a table; numbers to the right.
fn write_row(out: &mut impl Write, row: &[String], widths: &[usize], forms: &[Form]) -> io::Result<()> {
    for (number, (cell, width)) in row.iter().zip(widths).enumerate() {
        if number > 0 {
            out.write_all(b"  ")?;
        }
        let last = number + 1 == row.len();
        match forms.get(number) {
            Some(Form::Number) => write!(out, "{cell:>width$}")?,
            _ if last => out.write_all(cell.as_bytes())?,
            _ => write!(out, "{cell:<width$}")?,
        }
    }
    out.write_all(b"\n")
}

/// A field of CSV, in quotes where it must be.
fn quoted(text: &str) -> String {
    let plain = !text.is_empty() && !text.contains(['"', ',', '\r', '\n']);
    if plain { text.to_owned() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}
