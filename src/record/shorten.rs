//! From an entry to the text of its line: redacted, and short enough, with the whole of each cut text in a blob.

use super::blob::Writer;
use super::{Files, Log, LogError, Redactor};
use crate::event::line::{Draft, Long, Malformed, is_hidden};
use crate::event::{Detail, Entry, Human};
use serde_json::Value;

/// Bytes that a single text may take on a line that would otherwise be too long; the first limit that helps is used.
const LIMITS: [usize; 4] = [6000, 1500, 400, 100];

/// An entry ready to be written.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) detail: Detail,
    pub(super) draft: Draft,
}

impl Prepared {
    /// An entry of guard's own, which holds nothing from outside.
    pub(super) fn of(human: Human, detail: Detail) -> Result<Prepared, LogError> {
        Prepared::new(&human, detail, &[])
    }

    fn new(human: &Human, detail: Detail, long: &[Long]) -> Result<Prepared, LogError> {
        let draft = Draft::new(human, &detail, long).map_err(unwritable)?;
        if draft.fits() { Ok(Prepared { detail, draft }) } else { Err(LogError::TooLong { bytes: draft.bytes() }) }
    }
}

fn unwritable(e: Malformed) -> LogError {
    LogError::system("write", "record", e)
}

/// Whether a record's text is a command line.
fn is_command(detail: &Detail) -> bool {
    match detail {
        Detail::ShellStart { .. }
        | Detail::AgentStarted(_)
        | Detail::AgentEnded(_)
        | Detail::ShellEnd { .. }
        | Detail::ShellRefused { .. }
        | Detail::ShellError { .. }
        | Detail::Unfenced { .. }
        | Detail::Requested(_) => true,
        Detail::Created { .. }
        | Detail::PolicyTrusted { .. }
        | Detail::ReturnCode { .. }
        | Detail::Output { .. }
        | Detail::Approved { .. }
        | Detail::Denied { .. }
        | Detail::Consumed { .. }
        | Detail::Closed { .. }
        | Detail::Escalated(_)
        | Detail::Analysed { .. }
        | Detail::Resumed { .. }
        | Detail::ApproverChanged { .. }
        | Detail::ConnectionRefused { .. }
        | Detail::HostReached { .. }
        | Detail::CallRefused { .. }
        | Detail::ChangeCommitted(_)
        | Detail::ChangeWithheld(_)
        | Detail::ChangeFinished(_)
        | Detail::IterationStarted(_)
        | Detail::IterationClosed(_)
        | Detail::FileChanged { .. }
        | Detail::FileRefused { .. }
        | Detail::FileRead(_)
        | Detail::QueryStart(_)
        | Detail::QueryResult { .. }
        | Detail::QueryError { .. }
        | Detail::QueryEnd(_)
        | Detail::QueryRefused(_)
        | Detail::ModeSet(_)
        | Detail::PhaseStarted(_)
        | Detail::PhaseStep(_)
        | Detail::PhaseEnded(_)
        | Detail::MigrationProposed(_)
        | Detail::MigrationStart(_)
        | Detail::MigrationEnd(_)
        | Detail::MigrationDone(_)
        | Detail::MigrationRefused(_)
        | Detail::RuleAdded { .. }
        | Detail::NotifyFailed { .. }
        | Detail::Lost { .. }
        | Detail::Recovered { .. }
        | Detail::LogFull {}
        | Detail::PoisonCleared { .. }
        | Detail::Checkpoint { .. } => false,
    }
}

impl<F: Files> Log<F> {
    /// Redacts every text of an entry, and shortens what does not fit.
    pub(super) fn prepare(&self, redactor: &Redactor, entry: &Entry) -> Result<Prepared, LogError> {
        let mut human = entry.human.clone();
        let command = is_command(&entry.detail);
        for (_, text) in texts(&mut human) {
            if command {
                *text = redactor.command(text).text;
            } else if let Some(clean) = redactor.redact(text) {
                *text = clean;
            }
        }
        let mut value = serde_json::to_value(&entry.detail).map_err(|_| unwritable(Malformed("not JSON")))?;
        let mut changed = false;
        strings(&mut value, &mut String::new(), &mut |_, text| {
            if let Some(clean) = redactor.redact(text) {
                *text = clean;
                changed = true;
            }
            Ok(())
        })?;
        let detail = if changed { reread(value.clone())? } else { entry.detail.clone() };
        match Prepared::new(&human, detail, &[]) {
            Err(LogError::TooLong { .. }) => self.shorten(&human, &value),
            done => done,
        }
    }

    fn shorten(&self, human: &Human, value: &Value) -> Result<Prepared, LogError> {
        let mut last = LogError::TooLong { bytes: 0 };
        for limit in LIMITS {
            let (mut human, mut value, mut long) = (human.clone(), value.clone(), Vec::new());
            for (at, text) in texts(&mut human) {
                self.cut(at, text, limit, &mut long)?;
            }
            strings(&mut value, &mut String::new(), &mut |at, text| self.cut(at, text, limit, &mut long))?;
            match Prepared::new(&human, reread(value)?, &long) {
                Err(e @ LogError::TooLong { .. }) => last = e,
                done => return done,
            }
        }
        Err(last)
    }

    /// Keeps head and tail of a text that is longer than `limit` when written, and the whole of it in a blob.
    fn cut(&self, at: &str, text: &mut String, limit: usize, long: &mut Vec<Long>) -> Result<(), LogError> {
        if text.chars().map(cost).sum::<usize>() <= limit {
            return Ok(());
        }
        let mut blob = Writer::new(&self.files, &self.paths.state)?;
        blob.write(text.as_bytes())?;
        let sha256 = blob.finish()?;
        let head = fitting(text.chars(), limit * 2 / 3);
        let tail: String = fitting(text.chars().rev(), limit / 3).chars().rev().collect();
        let short = format!("{head} …[{} bytes, whole in blob {sha256}]… {tail}", text.len());
        long.push(Long { at: at.to_owned(), len: text.len() as u64, sha256 });
        *text = short;
        Ok(())
    }
}

fn reread(value: Value) -> Result<Detail, LogError> {
    serde_json::from_value(value).map_err(|_| unwritable(Malformed("redaction broke the machine part")))
}

/// The texts of the human part, by name.
fn texts(human: &mut Human) -> Vec<(&'static str, &mut String)> {
    match human {
        Human::Fields { skill, action, target, result } => {
            vec![("skill", skill), ("action", action), ("target", target), ("result", result)]
        }
        Human::Labelled { label, text } => vec![("label", label), ("text", text)],
    }
}

type Each<'a> = dyn FnMut(&str, &mut String) -> Result<(), LogError> + 'a;

/// Calls `each` with every string value and its JSON pointer.
fn strings(value: &mut Value, at: &mut String, each: &mut Each<'_>) -> Result<(), LogError> {
    let length = at.len();
    match value {
        Value::String(text) => each(at, text)?,
        Value::Array(items) => {
            for (i, item) in items.iter_mut().enumerate() {
                at.push_str(&format!("/{i}"));
                strings(item, at, each)?;
                at.truncate(length);
            }
        }
        Value::Object(map) => {
            for (key, item) in map.iter_mut().filter(|(key, _)| *key != "event") {
                at.push('/');
                at.push_str(key);
                strings(item, at, each)?;
                at.truncate(length);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    Ok(())
}

/// Bytes a character takes at most when written, in either part of a line.
fn cost(c: char) -> usize {
    match c {
        '\\' | '"' | '[' | ']' | '{' | ':' => 2,
        ' '..='~' => 1,
        '\n' | '\r' | '\t' => 2,
        c if is_hidden(c) || u32::from(c) > 0xffff => 12,
        c => c.len_utf8(),
    }
}

fn fitting(chars: impl Iterator<Item = char>, limit: usize) -> String {
    let mut used = 0;
    chars
        .take_while(|c| {
            used += cost(*c);
            used <= limit
        })
        .collect()
}
