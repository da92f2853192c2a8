//! Escaping: how any text stands on one line without acting on a terminal, hiding, or forging structure.
//! Knows single texts only, not the layout of a line.

use super::Malformed;
use crate::action::is_hidden;
use std::borrow::Cow;
use std::fmt::Write as _;

/// Where on a line a text stands, and so what else must be escaped in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Between square brackets.
    Bracketed,
    /// Before the colon of a labelled line.
    Label,
    /// The rest of a labelled line.
    Text,
}

/// The last 128 code points of plane 16 stand for bytes that are not UTF-8, so that a `String` can carry any bytes.
const CARRIED: std::ops::RangeInclusive<char> = '\u{10ff80}'..='\u{10ffff}';
const CARRIER: u32 = 0x10_ff00;

/// Turns any bytes into text without loss: what is not UTF-8 is carried by private code points, which
/// [`super::write`] writes as `\xHH`.
pub fn carry(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes)
        && !text.contains(|c| CARRIED.contains(&c))
    {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(bytes.len() + 16);
    let byte = |b: u8| char::from_u32(CARRIER + u32::from(b)).unwrap_or(char::REPLACEMENT_CHARACTER);
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if CARRIED.contains(&c) {
                out.extend(c.encode_utf8(&mut [0; 4]).bytes().map(byte));
            } else {
                out.push(c);
            }
        }
        out.extend(chunk.invalid().iter().copied().map(byte));
    }
    Cow::Owned(out)
}

/// The bytes that [`carry`] was given.
pub fn uncarry(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for c in text.chars() {
        match carried(c) {
            Some(b) => out.push(b),
            None => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out
}

fn carried(c: char) -> Option<u8> {
    if CARRIED.contains(&c) { u8::try_from(u32::from(c) - CARRIER).ok() } else { None }
}

/// Appends `text`, escaped for its place.
pub(super) fn escape(out: &mut String, text: &str, place: Place) {
    let mut chars = text.chars().peekable();
    let mut first = true;
    while let Some(c) = chars.next() {
        let structural = match c {
            '\\' => true,
            // ` {"` is where the machine's part begins, so no text may contain it.
            '{' => chars.peek() == Some(&'"'),
            '[' => place == Place::Bracketed || (place == Place::Label && first),
            ']' => place == Place::Bracketed,
            ':' => place == Place::Label,
            _ => false,
        };
        first = false;
        if structural {
            out.push('\\');
            out.push(c);
        } else {
            push(out, c);
        }
    }
}

/// `text` on one line, safe for a terminal: everything hidden spelled out.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|c| push(&mut out, c));
    out
}

/// Characters of the longest text that [`brief`] leaves whole.
const BRIEF: usize = 200;

/// `text` of somebody who may mean ill, as a part of a message: as [`visible`], and cut where it is long.
pub fn brief(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    chars.by_ref().take(BRIEF).for_each(|c| push(&mut out, c));
    match out.char_indices().nth(BRIEF).map(|(end, _)| end) {
        Some(end) => out.truncate(end),
        None if chars.next().is_none() => return out,
        None => {}
    }
    out.push('…');
    out
}

/// `text` made safe for a terminal, newlines and tabs kept: for showing longer texts.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' || c == '\t' { out.push(c) } else { push(&mut out, c) }
    }
    out
}

fn push(out: &mut String, c: char) {
    // Writing to a `String` cannot fail.
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        ' '..='~' => out.push(c),
        _ => {
            if let Some(b) = carried(c) {
                let _ = write!(out, "\\x{b:02x}");
            } else if is_hidden(c) {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            } else {
                out.push(c);
            }
        }
    }
}

/// The text that [`escape`] was given.
pub(super) fn unescape(written: &str) -> Result<String, Malformed> {
    let mut out = String::with_capacity(written.len());
    let mut chars = written.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some(c @ ('\\' | '[' | ']' | '{' | ':')) => out.push(c),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('x') => {
                let digits: String = chars.by_ref().take(2).collect();
                let byte = u8::from_str_radix(&digits, 16).ok().filter(|b| *b >= 0x80);
                let carried = byte.and_then(|b| char::from_u32(CARRIER + u32::from(b)));
                out.push(carried.ok_or(Malformed("bad `\\x` escape"))?);
            }
            Some('u') => {
                let rest = chars.as_str().strip_prefix('{').and_then(|r| r.split_once('}'));
                let (digits, after) = rest.ok_or(Malformed("bad `\\u` escape"))?;
                let code = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
                out.push(code.ok_or(Malformed("bad `\\u` escape"))?);
                chars = after.chars();
            }
            _ => return Err(Malformed("unknown escape")),
        }
    }
    Ok(out)
}

/// Appends JSON text with every hidden character inside its strings as `\uXXXX`.
pub(super) fn escape_json(out: &mut String, json: &str) {
    if json.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        out.push_str(json);
        return;
    }
    for c in json.chars() {
        // Outside strings JSON is ASCII, so whatever is hidden stands inside one.
        if is_hidden(c) || carried(c).is_some() {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_acts_on_a_terminal_is_spelled_out() {
        let mut out = String::new();
        escape(&mut out, "a\u{1b}[31m\u{202e}b\u{200b}\u{9b}\n\u{7f}", Place::Text);
        assert_eq!(out, "a\\u{1b}[31m\\u{202e}b\\u{200b}\\u{9b}\\n\\u{7f}");
    }

    #[test]
    fn a_brief_text_stays_on_its_line_and_is_cut() {
        assert_eq!(brief("/a\nguard: allowed\r\u{1b}[2K"), "/a\\nguard: allowed\\r\\u{1b}[2K");
        assert_eq!(brief(&"é".repeat(BRIEF)), "é".repeat(BRIEF));
        assert_eq!(brief(&"é".repeat(BRIEF + 1)), format!("{}…", "é".repeat(BRIEF)));
        assert_eq!(brief(&"\n".repeat(BRIEF)), format!("{}…", "\\n".repeat(BRIEF / 2)));
    }

    #[test]
    fn bytes_that_are_not_text_are_written_as_bytes() {
        let mut out = String::new();
        escape(&mut out, &carry(b"ok \xff\xfe \xf4\x8f\xbf\xbf"), Place::Text);
        assert_eq!(out, "ok \\xff\\xfe \\xf4\\x8f\\xbf\\xbf");
    }

    proptest! {
        #[test]
        fn any_text_comes_back_from_any_place(text in any::<String>(), which in 0..3usize) {
            let place = [Place::Bracketed, Place::Label, Place::Text][which];
            let mut out = String::new();
            escape(&mut out, &text, place);
            prop_assert!(!out.contains(is_hidden));
            let forged = out.contains(" {\"");
            prop_assert!(!forged);
            prop_assert_eq!(unescape(&out).unwrap(), text);
        }

        #[test]
        fn any_bytes_come_back(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert_eq!(uncarry(&carry(&bytes)), bytes);
        }
    }
}
