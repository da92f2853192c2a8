//! The written form of a log line: layout, escaping, and reading it back.
//! Knows where the seal stands, but not how it is made; knows nothing of files or rooms.
//!
//! `[2026-11-21 14:32:15.123456] HUMAN {"v":1,…} #SEQ HASH MAC`. The machine's part begins at the first ` {"` of the
//! line: no text can contain that, because a `{` before a `"` is escaped.

mod escape;

pub use crate::action::is_hidden;
pub use escape::{brief, carry, printable, uncarry, visible};

use super::{Detail, Human, Mode};
use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};
use escape::{Place, escape, escape_json, unescape};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// Longest line in bytes, its newline included.
pub const LONGEST: usize = 16 * 1024;
/// Bytes of `[time] `.
const STAMP: usize = 29;
/// Bytes that [`seal`] adds at most, the newline included.
pub const SEAL: usize = 1 + 21 + 1 + 64 + 1 + 32 + 1;
/// Bytes that the time, the version and notes of the mode and the clock add at most.
const FRAME: usize = STAMP + 64;

/// How the note of a mode begins. It is the first of all notes, since it may stand in every record.
const MODE: &str = "\"mode\":\"";

/// Why bytes are not a line of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub &'static str);

/// A text that was too long for its line: the whole of it is kept as a blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Long {
    /// Which text: `target`, `text`, … of the human part, or a JSON pointer into the machine's part.
    pub at: String,
    /// Bytes of the whole text, redacted.
    pub len: u64,
    /// SHA-256 of the whole text, redacted: the blob's name.
    pub sha256: String,
}

/// What ends a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seal {
    /// Place of the record in the log, from 1.
    pub seq: u64,
    /// SHA-256 over the previous record's hash and the bytes before the seal.
    pub hash: [u8; 32],
    /// First half of the hash's keyed HMAC.
    pub mac: [u8; 16],
}

/// The machine's part as read.
#[derive(Debug, Clone, PartialEq)]
pub enum Machine {
    /// Of this version's vocabulary.
    Known(Detail),
    /// Of another version's; the JSON as it stands.
    Unknown(String),
}

/// A line without its seal, as read back.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// When it was written, to the microsecond.
    pub time: DateTime<Utc>,
    /// Milliseconds the clock was behind the previous record's time, which was then written instead.
    pub behind_ms: Option<u64>,
    /// The mode the project was in, where one was set.
    pub mode: Option<Mode>,
    /// The person's part.
    pub human: Human,
    /// The machine's part.
    pub machine: Machine,
    /// Texts that were shortened.
    pub long: Vec<Long>,
}

/// The parts of a line that depend neither on its place nor on the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    human: String,
    json: String,
}

impl Draft {
    /// Writes out an entry; `long` names the texts in it that were shortened.
    pub fn new(human: &Human, detail: &Detail, long: &[Long]) -> Result<Draft, Malformed> {
        let mut draft = Draft { human: String::with_capacity(128), json: String::with_capacity(256) };
        write_human(&mut draft.human, human);
        if !long.is_empty() {
            let list = serde_json::to_string(long).map_err(|_| Malformed("machine part cannot be written"))?;
            draft.json.push_str("\"long\":");
            escape_json(&mut draft.json, &list);
            draft.json.push(',');
        }
        let json = serde_json::to_string(detail).map_err(|_| Malformed("machine part cannot be written"))?;
        escape_json(&mut draft.json, json.strip_prefix('{').unwrap_or(&json));
        Ok(draft)
    }

    /// Whether its line will be no longer than [`LONGEST`].
    pub fn fits(&self) -> bool {
        self.bytes() <= LONGEST
    }

    /// Bytes its line will have at most.
    pub fn bytes(&self) -> usize {
        FRAME + self.human.len() + self.json.len() + SEAL
    }

    /// Appends the line up to its seal.
    pub fn write(&self, out: &mut Vec<u8>, time: DateTime<Utc>, (behind_ms, mode): (Option<u64>, Option<Mode>)) {
        let mut stamp = String::with_capacity(STAMP);
        write_time(&mut stamp, time);
        out.extend_from_slice(stamp.as_bytes());
        out.extend_from_slice(self.human.as_bytes());
        out.extend_from_slice(b" {\"v\":1,");
        if let Some(mode) = mode {
            out.extend_from_slice(format!("{MODE}{}\",", mode.word()).as_bytes());
        }
        if let Some(ms) = behind_ms {
            out.extend_from_slice(format!("\"behind_ms\":{ms},").as_bytes());
        }
        out.extend_from_slice(self.json.as_bytes());
    }
}

/// Appends the seal and the newline.
pub fn seal(out: &mut Vec<u8>, seal: &Seal) {
    out.extend_from_slice(b" #");
    out.extend_from_slice(seal.seq.to_string().as_bytes());
    out.push(b' ');
    push_hex(out, &seal.hash);
    out.push(b' ');
    push_hex(out, &seal.mac);
    out.push(b'\n');
}

fn push_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    let digit = |n: u8| if n < 10 { b'0' + n } else { b'a' + (n - 10) };
    for b in bytes {
        out.push(digit(b >> 4));
        out.push(digit(b & 15));
    }
}

/// Lower-case hex digits of `bytes`.
pub fn hex(bytes: &[u8]) -> String {
    let mut out = Vec::with_capacity(bytes.len() * 2);
    push_hex(&mut out, bytes);
    out.into_iter().map(char::from).collect()
}

/// Reads exactly `N` bytes of lower-case hex.
pub fn unhex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let value = |d: u8| match d {
        b'0'..=b'9' => Some(d - b'0'),
        b'a'..=b'f' => Some(d - b'a' + 10),
        _ => None,
    };
    let mut out = [0; N];
    if digits.len() != N * 2 {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        let &[high, low] = pair else { return None };
        *byte = value(high)? << 4 | value(low)?;
    }
    Some(out)
}

/// Splits a line, without its newline, into the bytes that are hashed and the seal.
pub fn split(line: &[u8]) -> Option<(&[u8], Seal)> {
    let (rest, mac) = line.split_at_checked(line.len().checked_sub(32)?)?;
    let rest = rest.strip_suffix(b" ")?;
    let (rest, hash) = rest.split_at_checked(rest.len().checked_sub(64)?)?;
    let rest = rest.strip_suffix(b" ")?;
    let digits = rest.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let (rest, seq) = rest.split_at_checked(rest.len().checked_sub(digits)?)?;
    if digits > 20 || seq.first() == Some(&b'0') {
        return None;
    }
    let body = rest.strip_suffix(b" #")?;
    let seq = std::str::from_utf8(seq).ok()?.parse().ok()?;
    Some((body, Seal { seq, hash: unhex(hash)?, mac: unhex(mac)? }))
}

/// Reads back the part of a line before its seal.
pub fn parse(body: &[u8]) -> Result<Line, Malformed> {
    let body = std::str::from_utf8(body).map_err(|_| Malformed("not UTF-8"))?;
    let (time, rest) = parse_time(body).ok_or(Malformed("no time"))?;
    let (human, json) = rest.split_once(" {\"").ok_or(Malformed("no machine part"))?;
    let human = parse_human(human)?;
    let machine = Machine::Unknown(String::new());
    let mut line = Line { time, behind_ms: None, mode: None, human, machine, long: Vec::new() };
    // The usual line carries no other note, and its detail can be read at once.
    if let Some(noted) = json.strip_prefix("v\":1,")
        && let (mode, Some(fields)) = after_mode(noted)
        && let Ok(detail) = serde_json::from_str(&format!("{{{fields}"))
    {
        line.machine = Machine::Known(detail);
        line.mode = mode;
        return Ok(line);
    }
    let json = format!("{{\"{json}");
    let mut map: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&json).map_err(|_| Malformed("machine part is not JSON"))?;
    let version = map.remove("v").and_then(|v| v.as_u64()).ok_or(Malformed("no version"))?;
    line.machine = Machine::Unknown(json);
    if version == 1 {
        line.behind_ms = map.remove("behind_ms").and_then(|v| v.as_u64());
        line.mode = map.remove("mode").and_then(|v| Mode::of(v.as_str()?));
        let long = map.remove("long").map(serde_json::from_value).transpose();
        line.long = long.map_err(|_| Malformed("bad note of a long text"))?.unwrap_or_default();
        if let Ok(detail) = serde_json::from_value(serde_json::Value::Object(map)) {
            line.machine = Machine::Known(detail);
        }
    }
    Ok(line)
}

/// The mode that is noted first, and what is left, if that begins with the event.
fn after_mode(noted: &str) -> (Option<Mode>, Option<&str>) {
    let said = noted.strip_prefix(MODE).and_then(|rest| rest.split_once("\","));
    let (mode, rest) = match said {
        Some((word, rest)) => (Mode::of(word), rest),
        None => (None, noted),
    };
    // A mode that this version does not know is left to whoever looks more closely.
    (mode, Some(rest).filter(|rest| rest.starts_with("\"event\":") && mode.is_some() == said.is_some()))
}

/// JSON text with everything hidden in its strings spelled out, so that it may go to a terminal.
pub fn safe_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    escape_json(&mut out, json);
    out
}

/// The `event` of a line's machine part, without reading the rest; `None` where notes stand before it.
pub fn event(body: &[u8]) -> Option<&[u8]> {
    let at = body.windows(3).position(|w| w == b" {\"")?;
    let mut rest = body.get(at..)?.strip_prefix(b" {\"v\":1,")?;
    if let Some(noted) = rest.strip_prefix(MODE.as_bytes()) {
        let end = noted.iter().position(|b| *b == b'"')?;
        rest = noted.get(end..)?.strip_prefix(b"\",")?;
    }
    rest.strip_prefix(b"\"event\":\"")?.split(|b| *b == b'"').next()
}

fn write_human(out: &mut String, human: &Human) {
    match human {
        Human::Fields { skill, action, target, result } => {
            for (field, before) in [(skill, "["), (action, " ["), (target, " ["), (result, " [")] {
                out.push_str(before);
                escape(out, field, Place::Bracketed);
                out.push(']');
            }
        }
        Human::Labelled { label, text } => {
            escape(out, label, Place::Label);
            out.push_str(": ");
            escape(out, text, Place::Text);
        }
    }
}

/// The human part as it stands on its line.
pub fn human(human: &Human) -> String {
    let mut out = String::new();
    write_human(&mut out, human);
    out
}

fn parse_human(written: &str) -> Result<Human, Malformed> {
    if !written.starts_with('[') {
        let colon = unescaped(written, ':').ok_or(Malformed("no label"))?;
        let (label, text) = written.split_at_checked(colon).ok_or(Malformed("no label"))?;
        let text = text.strip_prefix(": ").ok_or(Malformed("no label"))?;
        return Ok(Human::Labelled { label: unescape(label)?, text: unescape(text)? });
    }
    let mut rest = written;
    let mut fields = [const { String::new() }; 4];
    for (at, field) in fields.iter_mut().enumerate() {
        rest = rest.strip_prefix(if at == 0 { "[" } else { " [" }).ok_or(Malformed("no four fields"))?;
        let end = unescaped(rest, ']').ok_or(Malformed("a field without end"))?;
        let (text, after) = rest.split_at_checked(end).ok_or(Malformed("a field without end"))?;
        *field = unescape(text)?;
        rest = after.strip_prefix(']').unwrap_or(after);
    }
    if !rest.is_empty() {
        return Err(Malformed("more than four fields"));
    }
    let [skill, action, target, result] = fields;
    Ok(Human::Fields { skill, action, target, result })
}

/// Where the first `wanted` stands that no backslash escapes.
fn unescaped(text: &str, wanted: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == wanted {
            return Some(at);
        }
    }
    None
}

/// The latest time a line can carry; its year has four digits.
fn last_time() -> DateTime<Utc> {
    NaiveDate::from_ymd_opt(9999, 12, 31).and_then(|d| d.and_hms_opt(0, 0, 0)).unwrap_or_default().and_utc()
}

fn write_time(out: &mut String, time: DateTime<Utc>) {
    let t = time.clamp(DateTime::UNIX_EPOCH, last_time());
    let (micros, date) = (t.timestamp_subsec_micros(), t.date_naive());
    // Writing to a `String` cannot fail.
    let _ = write!(
        out,
        "[{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{micros:06}] ",
        date.year(),
        date.month(),
        date.day(),
        t.hour(),
        t.minute(),
        t.second()
    );
}

/// The time a line begins with, and the rest of the line.
pub fn parse_time(line: &str) -> Option<(DateTime<Utc>, &str)> {
    let (stamp, rest) = line.split_at_checked(STAMP)?;
    let number = |from: usize, to: usize| -> Option<u32> {
        let digits = stamp.get(from..to)?;
        if digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().ok() } else { None }
    };
    let marks =
        [(0, b'['), (5, b'-'), (8, b'-'), (11, b' '), (14, b':'), (17, b':'), (20, b'.'), (27, b']'), (28, b' ')];
    if marks.iter().any(|(at, mark)| stamp.as_bytes().get(*at) != Some(mark)) {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(i32::try_from(number(1, 5)?).ok()?, number(6, 8)?, number(9, 11)?)?;
    let time = date.and_hms_micro_opt(number(12, 14)?, number(15, 17)?, number(18, 20)?, number(21, 27)?)?;
    Some((time.and_utc(), rest))
}

#[cfg(test)]
mod tests;
