//! Values as a database sends them, and as JSON and text without loss.
//! Pure: a type and bytes in, text out. Knows no protocol.

mod array;
mod types;

pub(crate) use array::{elements, literal};
pub(crate) use types::{Known, known};

use std::borrow::Cow;

/// A column of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name, which other columns may have as well.
    pub name: String,
    /// Its type as the database calls it; of SQLite what was declared, which binds no value, and empty for expressions.
    pub type_name: String,
    /// PostgreSQL's number of the type.
    pub oid: Option<u32>,
    /// How its values become JSON.
    pub form: Form,
}

/// How the text of a value becomes JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// A string.
    Text,
    /// `t` and `f`, or the words: `true` and `false`.
    Bool,
    /// A number as it stands, every digit kept; a string where it is none (`NaN`, `Infinity`).
    Number,
    /// JSON in JSON.
    Json,
    /// A time of no zone: ISO 8601 without one.
    Timestamp,
    /// A moment: ISO 8601 with its offset.
    Moment,
    /// An array of any depth.
    Array {
        /// How its elements become JSON.
        of: Box<Form>,
        /// What stands between them.
        delimiter: u8,
    },
}

/// A value of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// None.
    Null,
    /// Text, to be read as its column's [`Form`] says.
    Text(&'a [u8]),
    /// SQLite's INTEGER.
    Integer(i64),
    /// SQLite's REAL.
    Real(f64),
    /// SQLite's BLOB.
    Blob(&'a [u8]),
}

impl<'a> Cell<'a> {
    /// Bytes of its text.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Null => 0,
            Self::Text(bytes) => bytes.len(),
            Self::Integer(_) | Self::Real(_) => 8,
            Self::Blob(bytes) => bytes.len().saturating_mul(2),
        }
    }

    /// As text for a person or CSV; `None`: there is no value.
    pub fn text(&self) -> Option<Cow<'a, str>> {
        match self {
            Self::Null => None,
            Self::Text(bytes) => Some(String::from_utf8_lossy(bytes)),
            Self::Integer(value) => Some(value.to_string().into()),
            Self::Real(value) => Some(format!("{value:?}").into()),
            Self::Blob(bytes) => Some(format!("\\x{}", hex(bytes)).into()),
        }
    }

    /// Appends it as JSON.
    pub fn json(&self, form: &Form, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend(b"null"),
            Self::Text(bytes) => json(form, bytes, out),
            Self::Integer(value) => out.extend(value.to_string().bytes()),
            Self::Real(value) if value.is_finite() => out.extend(format!("{value:?}").bytes()),
            Self::Real(value) => string(if *value > 0.0 { b"Infinity" } else { b"-Infinity" }, out),
            Self::Blob(bytes) => {
                out.extend(b"{\"blob\":\"");
                out.extend(hex(bytes).bytes());
                out.extend(b"\"}");
            }
        }
    }
}

use crate::event::line::hex;

/// Appends `text` as JSON; whatever is not what its form says becomes a string.
fn json(form: &Form, text: &[u8], out: &mut Vec<u8>) {
    match form {
        Form::Text => string(text, out),
        Form::Bool => match text {
            b"t" | b"true" => out.extend(b"true"),
            b"f" | b"false" => out.extend(b"false"),
            _ => string(text, out),
        },
        Form::Number if is_number(text) => out.extend(text),
        Form::Number => string(text, out),
        Form::Json => match serde_json::from_slice::<serde::de::IgnoredAny>(text) {
            // No string of JSON holds a raw line break.
            Ok(_) if is_shallow(text) => {
                out.extend(text.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }))
            }
            Ok(_) | Err(_) => string(text, out),
        },
        Form::Timestamp => string(&iso(text, false).unwrap_or_else(|| text.to_vec()), out),
        Form::Moment => string(&iso(text, true).unwrap_or_else(|| text.to_vec()), out),
        Form::Array { of, delimiter } => {
            let begun = out.len();
            if array::write(text, of, *delimiter, out).is_none() {
                out.truncate(begun);
                string(text, out);
            }
        }
    }
}

/// Levels of JSON within JSON: readers of the whole take no more than about a hundred.
const DEEPEST: usize = 100;

/// Whether valid JSON is not nested deeper than readers follow.
fn is_shallow(text: &[u8]) -> bool {
    let (mut depth, mut within, mut escaped) = (0_usize, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if within => escaped = true,
            b'"' => within = !within,
            b'[' | b'{' if !within => depth += 1,
            b']' | b'}' if !within => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return false;
        }
    }
    true
}

/// Appends a string of JSON.
pub(super) fn string(text: &[u8], out: &mut Vec<u8>) {
    // Writing to memory does not fail.
    let _written = serde_json::to_writer(out, &String::from_utf8_lossy(text));
}

/// Whether it is a number by JSON's grammar.
fn is_number(text: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = text.strip_prefix(b"-").unwrap_or(text);
    let whole = digits(rest);
    let Some(mut rest) = rest.get(whole..).filter(|_| whole == 1 || whole > 1 && !rest.starts_with(b"0")) else {
        return false;
    };
    if let Some(after) = rest.strip_prefix(b".") {
        let part = digits(after);
        rest = after.get(part..).unwrap_or_default();
        if part == 0 {
            return false;
        }
    }
    if let [b'e' | b'E', after @ ..] = rest {
        let after = if let [b'+' | b'-', after @ ..] = after { after } else { after };
        return !after.is_empty() && digits(after) == after.len();
    }
    rest.is_empty()
}

/// ISO 8601 of `2026-11-22 07:11:46.5+00`; `None`: it is not such a time (`infinity`, years before Christ or of five digits).
fn iso(text: &[u8], zoned: bool) -> Option<Vec<u8>> {
    let (date, time) = (text.get(..10)?, text.get(11..)?);
    let is_date = date.iter().enumerate().all(|(at, byte)| match at {
        4 | 7 => *byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    if !is_date || text.get(10) != Some(&b' ') {
        return None;
    }
    let offset = time.iter().position(|byte| matches!(byte, b'+' | b'-'));
    let (clock, offset) = time.split_at_checked(offset.unwrap_or(time.len()))?;
    let fits = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b':' | b'.');
    if clock.len() < 8 || !clock.iter().all(fits) || !offset.iter().skip(1).all(fits) || offset.is_empty() == zoned {
        return None;
    }
    let minutes: &[u8] = if offset.len() == 3 { b":00" } else { b"" };
    Some([date, b"T", clock, offset, minutes].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(form: &Form, text: &str) -> String {
        let mut out = Vec::new();
        Cell::Text(text.as_bytes()).json(form, &mut out);
        let text = String::from_utf8(out).unwrap();
        serde_json::from_str::<serde::de::IgnoredAny>(&text).expect(&text);
        text
    }

    #[test]
    fn numbers_keep_every_digit_and_what_is_none_is_a_string() {
        for exact in
            ["0", "-1", "9223372036854775807", "0.10", "-12345678901234567890.123456789012345678901234567890", "1e+30"]
        {
            assert_eq!(of(&Form::Number, exact), exact);
        }
        for other in ["NaN", "Infinity", "-Infinity", "", "-", "01", "1.", ".5", "1e", "0x10", "1 ", "1\n"] {
            assert_eq!(of(&Form::Number, other), serde_json::to_string(other).unwrap());
        }
    }

    #[test]
    fn times_are_iso_with_an_offset_or_without_one_as_their_type_says() {
        for (form, text, json) in [
            (Form::Timestamp, "2026-11-22 07:11:46.123456", "2026-11-22T07:11:46.123456"),
            (Form::Timestamp, "infinity", "infinity"),
            (Form::Timestamp, "0044-03-15 00:00:00 BC", "0044-03-15 00:00:00 BC"),
            (Form::Timestamp, "10000-01-01 00:00:00", "10000-01-01 00:00:00"),
            (Form::Timestamp, "2026-11-22 07:11:46+00", "2026-11-22 07:11:46+00"),
            (Form::Moment, "2026-11-22 07:11:46+00", "2026-11-22T07:11:46+00:00"),
            (Form::Moment, "2026-11-22 07:11:46.5-05:30", "2026-11-22T07:11:46.5-05:30"),
            (Form::Moment, "1890-01-01 00:00:00+00:53:28", "1890-01-01T00:00:00+00:53:28"),
            (Form::Moment, "2026-11-22 07:11:46", "2026-11-22 07:11:46"),
            (Form::Moment, "-infinity", "-infinity"),
        ] {
            assert_eq!(of(&form, text), format!("\"{json}\""), "{form:?}");
        }
    }

    #[test]
    fn json_stands_in_json_on_one_line_and_what_only_claims_to_be_json_is_a_string() {
        assert_eq!(of(&Form::Json, "{\"a\": [1,\n null]}"), "{\"a\": [1,  null]}");
        assert_eq!(of(&Form::Json, "{\"a\": 1} , 2"), r#""{\"a\": 1} , 2""#);
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(of(&Form::Json, &nested(64)), nested(64));
        assert!(of(&Form::Json, &nested(10_000)) == format!("\"{}\"", nested(10_000)));
        assert_eq!(of(&Form::Json, r#"["\"[[", "\\"]"#), r#"["\"[[", "\\"]"#);
    }

    #[test]
    fn other_values_are_what_they_are() {
        assert_eq!(of(&Form::Bool, "t") + &of(&Form::Bool, "f") + &of(&Form::Bool, "x"), "truefalse\"x\"");
        assert_eq!(of(&Form::Text, "a\"\n\u{1}é"), r#""a\"\n\u0001é""#);
        let cells = [
            (Cell::Null, "null"),
            (Cell::Integer(i64::MIN), "-9223372036854775808"),
            (Cell::Real(1.0), "1.0"),
            (Cell::Real(0.1), "0.1"),
            (Cell::Real(1e300), "1e300"),
            (Cell::Real(f64::NEG_INFINITY), "\"-Infinity\""),
            (Cell::Blob(b"\x00\xff"), "{\"blob\":\"00ff\"}"),
            (Cell::Text(b"\xff"), "\"\u{fffd}\""),
        ];
        for (cell, json) in cells {
            let mut out = Vec::new();
            cell.json(&Form::Text, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), json);
        }
        assert_eq!(Cell::Blob(b"\x00\xff").text().unwrap(), "\\x00ff");
        assert_eq!(Cell::Null.text(), None);
    }
}
