//! `guard audit`: looking at the log, proving it, mending it.
//! Takes opened paths and a place to write to; parses no arguments and finds no project.

use crate::event::line::{self, Line, Machine, Malformed, unhex};
use crate::event::{Detail, Human};
use crate::record::read::{Item, Reader, find_record};
use crate::record::verify::{Proof, Report, Verdict, verify};
use crate::record::{Key, LogError, Mended, Paths, blob_path, recover};
use serde_json::{Map, Value, json};
use std::io::{self, Write};
use std::path::Path;

/// Why a subcommand ended early.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The reader of the output; a closed pipe is not worth a message.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
    /// What was asked.
    #[error("{0}")]
    Usage(String),
}

/// How lines are written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// As they stand in the log.
    Text,
    /// One JSON object a line.
    Jsonl,
}

/// Writes the last `count` lines; then, while `more` says so after each look, what is appended.
pub fn tail(
    log: &Path,
    count: usize,
    format: Format,
    mut more: Option<&mut dyn FnMut() -> bool>,
    out: &mut dyn Write,
) -> Result<u8, AuditError> {
    let mut reader = Reader::last(log, count)?;
    loop {
        while let Some(item) = reader.next_line()? {
            write_item(&item, format, out)?;
        }
        out.flush()?;
        match &mut more {
            Some(more) => {
                if !more() {
                    return Ok(0);
                }
            }
            None => return Ok(0),
        }
    }
}

/// Writes the whole log.
pub fn export(log: &Path, format: Format, out: &mut dyn Write) -> Result<u8, AuditError> {
    tail(log, usize::MAX, format, None, out)
}

/// Writes the lines that match a regular expression; exit code 1 where none does.
pub fn search(log: &Path, pattern: &str, format: Format, out: &mut dyn Write) -> Result<u8, AuditError> {
    let pattern = regex::bytes::RegexBuilder::new(pattern).unicode(false).build();
    let pattern = pattern.map_err(|e| AuditError::Usage(format!("bad pattern: {e}")))?;
    let mut reader = Reader::open(log)?;
    let mut found = false;
    while let Some(item) = reader.next_line()? {
        // The seal is no content.
        let content =
            item.record.as_ref().and_then(|_| line::split(&item.text)).map_or(item.text.as_slice(), |(b, _)| b);
        if pattern.is_match(content) {
            found = true;
            write_item(&item, format, out)?;
        }
    }
    out.flush()?;
    Ok(u8::from(!found))
}

fn write_item(item: &Item, format: Format, out: &mut dyn Write) -> io::Result<()> {
    match format {
        // A line guard wrote is escaped already; a foreign one is not.
        Format::Text => writeln!(out, "{}", line::visible(&line::carry(&item.text))),
        Format::Jsonl => writeln!(out, "{}", line::safe_json(&object(item).to_string())),
    }
}

/// One record as a JSON object.
fn object(item: &Item) -> Value {
    let Some((record, seal)) = &item.record else {
        return json!({ "torn": line::visible(&line::carry(&item.text)) });
    };
    let mut map = Map::new();
    map.insert("seq".into(), seal.seq.into());
    match record {
        Ok(read) => {
            map.insert("time".into(), read.time.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string().into());
            match &read.human {
                Human::Fields { skill, action, target, result } => {
                    for (name, text) in [("skill", skill), ("action", action), ("target", target), ("result", result)] {
                        map.insert(name.into(), text.as_str().into());
                    }
                }
                Human::Labelled { label, text } => {
                    map.insert("label".into(), label.as_str().into());
                    map.insert("text".into(), text.as_str().into());
                }
            }
            map.insert("detail".into(), detail(&read.machine));
            if let Some(mode) = read.mode {
                map.insert("mode".into(), mode.word().into());
            }
            if let Some(ms) = read.behind_ms {
                map.insert("behind_ms".into(), ms.into());
            }
            if !read.long.is_empty() {
                map.insert("long".into(), serde_json::to_value(&read.long).unwrap_or_default());
            }
        }
        Err(e) => {
            map.insert("unreadable".into(), e.to_string().into());
            map.insert("line".into(), line::visible(&line::carry(&item.text)).into());
        }
    }
    map.insert("hash".into(), line::hex(&seal.hash).into());
    map.insert("mac".into(), line::hex(&seal.mac).into());
    Value::Object(map)
}

fn detail(machine: &Machine) -> Value {
    match machine {
        Machine::Known(detail) => serde_json::to_value(detail).unwrap_or_default(),
        Machine::Unknown(json) => serde_json::from_str(json).unwrap_or_else(|_| Value::String(json.clone())),
    }
}

/// Shows one record: its line for people, its fields, what it began with, and with `whole` the texts in its blobs.
pub fn show(paths: &Paths, seq: u64, whole: bool, json: bool, out: &mut dyn Write) -> Result<u8, AuditError> {
    let Some(item) = find_record(&paths.log, seq)? else {
        return Err(AuditError::Usage(format!(
            "no record #{seq} in `{}`",
            line::visible(&paths.log.to_string_lossy())
        )));
    };
    if json {
        write_item(&item, Format::Jsonl, out)?;
        return Ok(0);
    }
    let read = match &item.record {
        Some((Ok(read), _)) => read,
        Some((Err(Malformed(what)), _)) => {
            writeln!(out, "#{seq}  cannot be read: {what}\n{}", line::visible(&line::carry(&item.text)))?;
            return Ok(0);
        }
        None => return Ok(0),
    };
    writeln!(out, "#{seq}  {}  {}", read.time.format("%Y-%m-%d %H:%M:%S%.6f UTC"), line::human(&read.human))?;
    if let Value::Object(fields) = detail(&read.machine) {
        for (name, value) in fields {
            writeln!(out, "  {}: {}", line::visible(&name), line::safe_json(&plain(&value)))?;
        }
    }
    if let Some(mode) = read.mode {
        writeln!(out, "  in mode {}", mode.word())?;
    }
    if let Some(ms) = read.behind_ms {
        writeln!(out, "  the clock was {ms} ms behind the record before")?;
    }
    if let Some(of) = start_of(&read.machine)
        && let Some((Ok(begun), _)) = find_record(&paths.log, of)?.and_then(|item| item.record)
    {
        writeln!(out, "  begun by #{of}  {}", line::human(&begun.human))?;
    }
    for (at, sha256) in blobs(read) {
        let path = blob_path(&paths.state, &sha256);
        writeln!(out, "  whole {at}: {}", line::visible(&path.to_string_lossy()))?;
        if whole {
            let bytes = std::fs::read(&path).map_err(|e| AuditError::Usage(format!("cannot read a blob: {e}")))?;
            writeln!(out, "---\n{}\n---", line::printable(&line::carry(&bytes)))?;
        }
    }
    out.flush()?;
    Ok(0)
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => line::visible(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// The record that this one's action began with.
fn start_of(machine: &Machine) -> Option<u64> {
    match machine {
        Machine::Known(
            Detail::ReturnCode { of }
            | Detail::Output { of, .. }
            | Detail::ConnectionRefused { of, .. }
            | Detail::HostReached { of, .. }
            | Detail::CallRefused { of, .. }
            | Detail::ShellEnd { of, .. }
            | Detail::QueryResult { of }
            | Detail::QueryError { of, .. }
            | Detail::Lost { of },
        ) => Some(*of),
        Machine::Known(Detail::MigrationEnd(ended)) => Some(ended.of),
        Machine::Known(Detail::PhaseStep(step)) => Some(step.of),
        Machine::Known(Detail::PhaseEnded(ended)) => Some(ended.of),
        Machine::Known(Detail::QueryEnd(ended)) => Some(ended.of),
        Machine::Known(Detail::AgentEnded(ended)) => Some(ended.of),
        Machine::Known(Detail::ShellError { of, .. }) => *of,
        Machine::Known(
            Detail::Created { .. }
            | Detail::PolicyTrusted { .. }
            | Detail::ShellStart { .. }
            | Detail::AgentStarted(_)
            | Detail::ShellRefused { .. }
            | Detail::Unfenced { .. }
            | Detail::ChangeCommitted(_)
            | Detail::ChangeWithheld(_)
            | Detail::ChangeFinished(_)
            | Detail::IterationStarted(_)
            | Detail::IterationClosed(_)
            | Detail::FileChanged { .. }
            | Detail::FileRefused { .. }
            | Detail::FileRead(_)
            | Detail::QueryStart(_)
            | Detail::QueryRefused(_)
            | Detail::ModeSet(_)
            | Detail::PhaseStarted(_)
            | Detail::MigrationProposed(_)
            | Detail::MigrationStart(_)
            | Detail::MigrationDone(_)
            | Detail::MigrationRefused(_)
            | Detail::Requested(_)
            | Detail::Approved { .. }
            | Detail::Denied { .. }
            | Detail::Consumed { .. }
            | Detail::Closed { .. }
            | Detail::Escalated(_)
            | Detail::Analysed { .. }
            | Detail::RuleAdded { .. }
            | Detail::ApproverChanged { .. }
            | Detail::Resumed { .. }
            | Detail::Recovered { .. }
            | Detail::LogFull {}
            | Detail::PoisonCleared { .. }
            | Detail::NotifyFailed { .. }
            | Detail::Checkpoint { .. },
        )
        | Machine::Unknown(_) => None,
    }
}

fn blobs(read: &Line) -> Vec<(String, String)> {
    let mut blobs: Vec<_> = read.long.iter().map(|long| (long.at.clone(), long.sha256.clone())).collect();
    if let Machine::Known(Detail::Output { blob: Some(blob), .. }) = &read.machine {
        blobs.push(("output".into(), blob.clone()));
    }
    blobs
}

/// What `guard audit verify` is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// The content of the seed file.
    pub seed: Option<String>,
    /// `SEQ:HASH`.
    pub head: Option<String>,
    /// Whether one JSON object is wanted.
    pub json: bool,
}

/// Proves the log; the exit code is the verdict's.
pub fn prove(log: &Path, state: Option<&Path>, given: &Given, out: &mut dyn Write) -> Result<u8, AuditError> {
    let proof = Proof {
        log: log.to_owned(),
        state: state.map(Path::to_owned),
        seed: given.seed.as_deref().map(parse_seed).transpose()?,
        head: given.head.as_deref().map(parse_head).transpose()?,
        workers: std::thread::available_parallelism().map_or(1, usize::from).min(8),
    };
    let report = verify(&proof)?;
    if given.json {
        let flaw = report.flaw.as_ref().map(|f| json!({ "line": f.line, "seq": f.seq, "what": f.what }));
        let object = json!({
            "verdict": word(report.verdict), "records": report.records, "hash": line::hex(&report.hash), "flaw": flaw,
            "tears": report.tears, "macs_checked": report.macs, "running": report.running, "notes": report.notes,
        });
        writeln!(out, "{}", line::safe_json(&object.to_string()))?;
    } else {
        describe(&report, log, out)?;
    }
    out.flush()?;
    Ok(report.verdict.code())
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Whole => "whole",
        Verdict::Tampered => "tampered",
        Verdict::Torn => "torn",
        Verdict::Undecided => "undecided",
        Verdict::Unended => "unended",
    }
}

fn describe(report: &Report, log: &Path, out: &mut dyn Write) -> io::Result<()> {
    let name = line::visible(&log.to_string_lossy());
    match report.verdict {
        Verdict::Whole => writeln!(out, "whole: {} records", report.records)?,
        Verdict::Torn => writeln!(out, "whole but for {} torn lines: {} records", report.tears.max(1), report.records)?,
        Verdict::Undecided => {
            writeln!(
                out,
                "cannot tell: {} records hold together, but there is no key state, seed or head",
                report.records
            )?;
        }
        Verdict::Unended => {
            writeln!(
                out,
                "whole as far as it goes: {} records, each proved by the seed; nothing here vouches for the end: more may \
                 have followed (no key state, no head noted elsewhere)",
                report.records
            )?;
            if report.tears > 0 {
                writeln!(out, "tears: {}", report.tears)?;
            }
        }
        Verdict::Tampered => writeln!(out, "tampered: {} records hold", report.records)?,
    }
    if let Some(flaw) = &report.flaw {
        writeln!(out, "{name}:{}: record #{}: {}", flaw.line, flaw.seq, line::visible(&flaw.what))?;
    }
    writeln!(out, "head: {}:{}", report.records, line::hex(&report.hash))?;
    writeln!(out, "macs: {}", if report.macs { "checked with the seed" } else { "not checked (no seed given)" })?;
    for seq in &report.running {
        writeln!(out, "running: record #{seq} has no end yet")?;
    }
    for note in &report.notes {
        writeln!(out, "note: {}", line::visible(note))?;
    }
    Ok(())
}

fn parse_seed(text: &str) -> Result<Key, AuditError> {
    let bad = || AuditError::Usage("the seed is not 64 hex digits".into());
    unhex(text.trim().to_ascii_lowercase().as_bytes()).map(Key::new).ok_or_else(bad)
}

fn parse_head(text: &str) -> Result<(u64, [u8; 32]), AuditError> {
    let parsed = text.split_once(':').and_then(|(seq, hash)| Some((seq.parse().ok()?, unhex(hash.as_bytes())?)));
    parsed.ok_or_else(|| AuditError::Usage("the head is not `SEQ:HASH`".into()))
}

/// Mends what can be mended, after proving the log; `seed` is the content of the seed file.
pub fn mend(paths: &Paths, seed: Option<&str>, out: &mut dyn Write) -> Result<u8, AuditError> {
    let given = Given { seed: seed.map(str::to_owned), ..Given::default() };
    let mut report = Vec::new();
    let verdict = prove(&paths.log, Some(&paths.state), &given, &mut report)?;
    if verdict == Verdict::Tampered.code() {
        out.write_all(&report)?;
        writeln!(out, "nothing was mended")?;
        return Ok(verdict);
    }
    let seed = seed.map(parse_seed).transpose()?;
    let mended = recover(paths, seed.as_ref())?;
    if mended.is_empty() {
        writeln!(out, "nothing to mend")?;
    }
    for mended in mended {
        match mended {
            Mended::Bar(cause) => {
                writeln!(out, "the bar is lifted, and that is recorded; it said: {}", line::visible(&cause))?
            }
            Mended::Keys(seq) => writeln!(
                out,
                "the key state is made anew from the seed, up to record #{seq}: whether more had followed nothing here tells"
            )?,
            Mended::Moved(from) => {
                writeln!(out, "the log is found again; it was in {}", line::visible(&from.to_string_lossy()))?
            }
        }
    }
    out.flush()?;
    Ok(0)
}
