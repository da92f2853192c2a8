//! What a tool printed, as a person would see it: no colours, no control characters, no carriage returns; and its lines.
//! Knows no tool.

use std::borrow::Cow;

/// Bytes of a line that are looked at; what a tool says about an error stands before that.
const LONGEST: usize = 8 << 10;

/// The text in `bytes`, with nothing in it that a terminal would act upon but tabs and line ends. What is not UTF-8 is
/// U+FFFD, once for all of it that stands together.
pub(super) fn clean(bytes: &[u8]) -> Cow<'_, str> {
    match valid(bytes) {
        Cow::Borrowed(text) => plain(text),
        Cow::Owned(text) => match plain(&text) {
            Cow::Borrowed(_) => Cow::Owned(text),
            Cow::Owned(plain) => Cow::Owned(plain),
        },
    }
}

fn valid(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len() + 2);
    let mut broken = false;
    for chunk in bytes.utf8_chunks() {
        broken &= chunk.valid().is_empty();
        text.push_str(chunk.valid());
        if !broken && !chunk.invalid().is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
            broken = true;
        }
    }
    Cow::Owned(text)
}

/// Whether what begins with this byte may have to go. 0xc2 begins the control characters U+0080 to U+009F, and others.
fn suspect(byte: u8) -> bool {
    byte < b' ' && byte != b'\n' && byte != b'\t' || byte == 0x7f || byte == 0xc2
}

fn plain(text: &str) -> Cow<'_, str> {
    if !text.bytes().fold(false, |found, byte| found | suspect(byte)) {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, from)) = rest.bytes().position(suspect).and_then(|at| rest.split_at_checked(at)) {
        kept.push_str(before);
        let mut letters = from.chars();
        match letters.next() {
            Some('\u{1b}') => rest = behind_escape(letters.as_str()),
            letter => {
                kept.extend(letter.filter(|letter| !letter.is_control()));
                rest = letters.as_str().trim_start_matches(|next: char| matches!(next, '\0'..'\t' | '\r'..'\u{1b}'));
            }
        }
    }
    kept.push_str(rest);
    Cow::Owned(kept)
}

/// What follows a sequence of control that began with ESC, which ends with its line at the latest.
fn behind_escape(text: &str) -> &str {
    let Some(kind) = text.chars().next().filter(|kind| *kind != '\n') else { return text };
    let rest = text.get(kind.len_utf8()..).unwrap_or_default();
    let mut bytes = rest.bytes().enumerate();
    let end = match kind {
        // ECMA-48: a control sequence ends with its first byte of `@` to `~`.
        '[' => bytes.find_map(|(at, byte)| match byte {
            b'@'..=b'~' => Some(at + 1),
            b'\n' => Some(at),
            _ => None,
        }),
        // A string, as a title or a link, ends with BEL or `ESC \`.
        ']' | 'P' | 'X' | '^' | '_' => {
            let mut escaped = false;
            bytes.find_map(|(at, byte)| match byte {
                b'\n' => Some(at),
                b'\x07' => Some(at + 1),
                b'\\' if escaped => Some(at + 1),
                _ => {
                    escaped = byte == 0x1b;
                    None
                }
            })
        }
        _ => Some(0),
    };
    end.and_then(|end| rest.get(end..)).unwrap_or_default()
}

/// The lines of a text, cut; of several empty ones together, one.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some((line, behind)) = text.split_once('\n') else {
            rest = None;
            return Some(text);
        };
        rest = Some(if line.is_empty() { behind.trim_start_matches('\n') } else { behind });
        Some(line)
    })
    .map(|line| match line.len() {
        0..=LONGEST => line,
        _ => (0..=LONGEST).rev().find_map(|end| line.get(..end)).unwrap_or(line),
    })
}

/// The lines with something in them.
pub(super) fn said(text: &str) -> impl Iterator<Item = &str> {
    lines(text).filter(|line| !line.trim().is_empty())
}

/// `12` and the rest of `12 tests`.
pub(super) fn number(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit);
    let (mut value, mut length) = (0_u64, 0);
    for digit in digits {
        value = value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
        length += 1;
    }
    (length > 0).then_some((value, text.get(length..)?))
}

/// `path`, `12` and the rest of `path:12:rest`; the first colon with a number and a colon, or nothing, behind it counts.
pub(super) fn place(line: &str) -> Option<(&str, u64, &str)> {
    if line.len() < "a:1".len() {
        return None;
    }
    for (at, _) in line.match_indices(':') {
        let (path, rest) = line.split_at_checked(at)?;
        if let Some((number, rest)) = number(rest.get(1..)?)
            && let Some(rest) = rest.strip_prefix(':').or(rest.is_empty().then_some(rest))
        {
            return (!path.trim().is_empty()).then_some((path, number, rest));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_titles_control_characters_and_carriage_returns_go_and_the_words_stay() {
        let text = b"\x1b[1m\x1b[31mE   assert\x1b[0m 1\r\n\x1b]0;title\x07a\0b\x08c\td\n\x1b]8;;http://x\x1b\\link\n\xff\xc2\x9bx\n\x1b[";
        let found = clean(text);
        assert_eq!(found, "E   assert 1\nabc\td\nlink\n\u{fffd}x\n");
        assert_eq!(clean("a\u{9b}31m°é\x7f".as_bytes()), "a31m°é");
        let cut = "\x1b\nb\x1b[3\nc\x1b]0;x\nd\x1b]\x1b\x1b\\e\x1b(f\x1béé";
        assert_eq!(clean(cut.as_bytes()), "\nb\nc\nde f é".replace(' ', ""));
        assert_eq!([clean(b"\xff\xff\xfe\x1b[0ma"), clean(b"\xc2\x01\x9b")], ["\u{fffd}a", "\u{fffd}\u{fffd}"]);
    }

    #[test]
    fn a_line_is_cut_where_it_is_too_long() {
        let long = "a".repeat(10 << 20);
        assert_eq!(lines(&long).map(str::len).collect::<Vec<_>>(), [LONGEST]);
        let long = "é".repeat(LONGEST);
        assert_eq!(lines(&long).map(str::len).collect::<Vec<_>>(), [LONGEST]);
        assert_eq!(lines(&format!("a{long}")).map(str::len).collect::<Vec<_>>(), [LONGEST - 1]);
    }

    #[test]
    fn of_empty_lines_together_one_is_told() {
        assert_eq!(lines("\n\n\na\n\n\nb\n").collect::<Vec<_>>(), ["", "a", "", "b", ""]);
        assert_eq!(said("\n\na\n \n\nb\n").collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn a_place_is_a_path_and_a_line() {
        assert_eq!(place("a/b.py:12:3: C1: x"), Some(("a/b.py", 12, "3: C1: x")));
        assert_eq!(place("C:\\a.py:1: error"), Some(("C:\\a.py", 1, " error")));
        assert_eq!(place("a.py:41"), Some(("a.py", 41, "")));
        assert_eq!((place(":12: x"), place("note: 12: x"), place("a:99999999999999999999:")), (None, None, None));
    }
}
