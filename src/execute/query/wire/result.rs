//! Results: what columns there are, and rows one at a time.

use super::talk::{Ask, Talk};
use crate::execute::query::{Access, Caps, Cause, Cell, Column, Done, Failed, Sink, Truncated};
use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::{DataRowBody, Message};
use postgres_protocol::message::frontend;
use std::time::{Duration, Instant};

/// Columns of the widest result: PostgreSQL's own bound.
const WIDEST: usize = 1664;
/// Bytes of rows that are read and dropped before a server is asked to stop.
const REST: usize = 64 << 10;
/// Time for it to end by itself.
const PAUSE: Duration = Duration::from_millis(100);

/// A column as the server tells of it.
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) oid: u32,
}

/// The fields of a row as text; `None`: they are none.
pub(super) fn texts(row: &DataRowBody) -> Option<Vec<Option<String>>> {
    let mut ranges = row.ranges();
    let mut texts = Vec::new();
    while let Some(range) = ranges.next().ok()? {
        texts.push(match range {
            Some(range) => Some(String::from_utf8(row.buffer().get(range)?.to_vec()).ok()?),
            None => None,
        });
    }
    Some(texts)
}

impl Talk {
    /// Has a statement read under a name, and its columns told; `None`: it gives no rows. Nothing of it is run. What is asked before and after goes
    /// with it; its answers are of no weight.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn prepare(
        &mut self,
        name: &str,
        sql: &str,
        before: &[Ask<'_>],
        after: &[Ask<'_>],
    ) -> Result<Option<Vec<Field>>, Failed> {
        for ask in before {
            self.put_ask(ask)?;
        }
        self.parse(name, sql)?;
        let put = frontend::describe(b'S', name, &mut self.out);
        self.put(put)?;
        for ask in after {
            self.put_ask(ask)?;
        }
        frontend::sync(&mut self.out);
        self.send()?;
        let mut told: Option<Result<Option<Vec<Field>>, Failed>> = None;
        loop {
            match self.next() {
                Ok(
                    Message::ParseComplete
                    | Message::CloseComplete
                    | Message::BindComplete
                    | Message::DataRow(_)
                    | Message::CommandComplete(_),
                ) => {}
                Ok(Message::ParameterDescription(body)) => {
                    if !matches!(body.parameters().next(), Ok(None)) {
                        told = Some(Err(self
                            .failed(Cause::Syntax, "it has parameters (`$1`), and there is nothing to give for them")));
                    }
                }
                Ok(Message::RowDescription(body)) if told.is_none() => {
                    let mut fields = body.fields();
                    let mut columns = Vec::new();
                    loop {
                        match fields.next() {
                            Ok(Some(field)) if columns.len() < WIDEST => {
                                columns.push(Field { name: field.name().to_owned(), oid: field.type_oid() });
                            }
                            Ok(None) => break,
                            Ok(Some(_)) | Err(_) => return Err(self.strange()),
                        }
                    }
                    told = Some(Ok(Some(columns)));
                }
                Ok(Message::RowDescription(_)) => {}
                Ok(Message::NoData) => {
                    told.get_or_insert(Ok(None));
                }
                Ok(Message::ReadyForQuery(_)) => return told.ok_or_else(|| self.strange())?,
                Ok(_) => return Err(self.strange()),
                Err(failed) => return Err(self.after(failed)),
            }
        }
    }
}

/// Runs the statement of that name after what is asked before, and passes its rows on as they come.
///
/// All rows are asked for at once: PostgreSQL runs nothing in parallel where a number is named. A server whose rows are
/// no longer wanted is asked to stop, unless they end by themselves; one that writes (`access`) goes on to its end.
///
/// # Errors
/// What keeps it from being run, or the rows from being passed on.
#[expect(clippy::wildcard_enum_match_arm, reason = "any other message is out of place here")]
pub(crate) fn stream(
    talk: &mut Talk,
    before: &[Ask<'_>],
    name: &str,
    (columns, access): (&[Column], Access),
    caps: &Caps,
    sink: &mut dyn Sink,
) -> Result<Done, Failed> {
    for ask in before {
        talk.put_ask(ask)?;
    }
    talk.bind(name, &[])?;
    let put = frontend::execute("", 0, &mut talk.out);
    talk.put(put)?;
    frontend::sync(&mut talk.out);
    talk.send()?;
    let taken =
        |talk: &Talk, taken: std::io::Result<()>| taken.map_err(|error| talk.failed(Cause::Sink, error.to_string()));
    let mut done = Done::default();
    let mut begun = false;
    let mut before = before.len();
    // On the heap once, for rows of all lengths.
    let mut spans = Vec::with_capacity(columns.len());
    loop {
        let message = match talk.next() {
            Ok(message) => message,
            Err(failed) => return Err(talk.after(failed)),
        };
        if before > 0 {
            match message {
                Message::ParseComplete | Message::BindComplete | Message::DataRow(_) => {}
                Message::CommandComplete(_) => before -= 1,
                _ => return Err(talk.strange()),
            }
            continue;
        }
        if !begun && matches!(message, Message::DataRow(_) | Message::CommandComplete(_)) {
            begun = true;
            let silent = access == Access::Write && columns.is_empty();
            if !silent && let Err(failed) = taken(talk, sink.columns(columns)) {
                stop(talk);
                return Err(failed);
            }
        }
        match message {
            Message::BindComplete => {}
            Message::DataRow(row) => {
                spans.clear();
                let mut ranges = row.ranges();
                let mut bytes = 0;
                loop {
                    match ranges.next() {
                        Ok(Some(range)) => {
                            bytes += range.as_ref().map_or(0, ExactSizeIterator::len) as u64;
                            spans.push(range);
                        }
                        Ok(None) => break,
                        Err(_) => return Err(talk.strange()),
                    }
                }
                if spans.len() != columns.len() {
                    return Err(talk.strange());
                }
                if done.truncated.is_some() {
                    continue;
                }
                if done.rows == caps.rows {
                    done.truncated = Some(Truncated::Rows);
                } else if bytes > caps.bytes.saturating_sub(done.bytes) {
                    done.truncated = Some(Truncated::Bytes);
                }
                if done.truncated.is_some() && access == Access::Write {
                    continue;
                }
                if done.truncated.is_some() {
                    stop(talk);
                    return Ok(done);
                }
                let cells: Vec<Cell<'_>> = spans
                    .iter()
                    .map(|span| match span {
                        Some(span) => Cell::Text(row.buffer().get(span.clone()).unwrap_or_default()),
                        None => Cell::Null,
                    })
                    .collect();
                if let Err(failed) = taken(talk, sink.row(&cells)) {
                    stop(talk);
                    return Err(failed);
                }
                done.rows += 1;
                done.bytes += bytes;
            }
            Message::CommandComplete(body) => {
                done.changed = (access == Access::Write).then(|| body.tag().ok().and_then(changed)).flatten();
            }
            Message::ReadyForQuery(_) if begun => return Ok(done),
            _ => return Err(talk.strange()),
        }
    }
}

/// The rows that a command's tag tells of: `INSERT 0 3`, `UPDATE 3`.
fn changed(tag: &str) -> Option<u64> {
    let mut words = tag.split(' ');
    let first = words.next()?;
    matches!(first, "INSERT" | "UPDATE" | "DELETE" | "MERGE").then(|| words.next_back()?.parse().ok()).flatten()
}

/// Ends a statement whose rows are no longer wanted: many of them end in a moment by themselves.
fn stop(talk: &mut Talk) {
    let mut rest = 0;
    talk.watch.until(Instant::now() + PAUSE, talk.key);
    loop {
        match talk.next() {
            Ok(Message::ReadyForQuery(_)) => return,
            Ok(Message::DataRow(row)) => rest += row.buffer().len(),
            Ok(_) => {}
            Err(failed) if failed.code.is_some() => {}
            Err(_) => return,
        }
        if rest > REST {
            rest = 0;
            talk.watch.until(Instant::now(), talk.key);
        }
    }
}
