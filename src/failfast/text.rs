//! Lines of what a tool printed, as a person would see them: no colours, no control characters, no carriage returns.
//! Knows no tool.

use std::borrow::Cow;

/// Bytes of a line that are looked at; what a tool says about an error stands before that.
const LONGEST: usize = 8 << 10;

/// The lines of `bytes`, each cleaned and cut.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = Cow<'_, str>> {
    bytes.split(|byte| *byte == b'\n').map(|line| clean(line.get(..LONGEST).unwrap_or(line)))
}

/// The lines with something in them.
pub(super) fn said(bytes: &[u8]) -> impl Iterator<Item = Cow<'_, str>> {
    lines(bytes).filter(|line| !line.trim().is_empty())
}

fn clean(line: &[u8]) -> Cow<'_, str> {
    if line.is_empty() {
        return Cow::Borrowed("");
    }
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let plain = line.iter().all(|byte| *byte >= b' ' && *byte != 0x7f || *byte == b'\t');
    if plain && let Ok(text) = std::str::from_utf8(line) {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(line.len());
    let text = String::from_utf8_lossy(line);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\u{1b}' => match letters.next() {
                // ECMA-48: a control sequence ends with its first byte of `@` to `~`.
                Some('[') => while letters.next().is_some_and(|letter| !('@'..='~').contains(&letter)) {},
                // A string, as a title or a link, ends with BEL or `ESC \`.
                Some(']' | 'P' | 'X' | '^' | '_') => {
                    while let Some(letter) = letters.next() {
                        if letter == '\u{7}' || letter == '\u{1b}' && letters.next_if_eq(&'\\').is_some() {
                            break;
                        }
                    }
                }
                Some(_) | None => {}
            },
            '\t' => kept.push(letter),
            _ if letter.is_control() => {}
            _ => kept.push(letter),
        }
    }
    Cow::Owned(kept)
}

/// `12` and the rest of `12 tests`.
pub(super) fn number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    Some((digits.parse().ok()?, rest))
}

/// `path`, `12` and the rest of `path:12:rest`; the first colon with a number and a colon, or nothing, behind it counts.
pub(super) fn place(line: &str) -> Option<(&str, u64, &str)> {
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
        let found: Vec<_> = lines(text).collect();
        assert_eq!(found, ["E   assert 1", "abc\td", "link", "\u{fffd}x", ""]);
    }

    #[test]
    fn a_line_is_cut_where_it_is_too_long() {
        let long = vec![b'a'; 10 << 20];
        assert_eq!(lines(&long).map(|line| line.len()).collect::<Vec<_>>(), [LONGEST]);
    }

    #[test]
    fn a_place_is_a_path_and_a_line() {
        assert_eq!(place("a/b.py:12:3: C1: x"), Some(("a/b.py", 12, "3: C1: x")));
        assert_eq!(place("C:\\a.py:1: error"), Some(("C:\\a.py", 1, " error")));
        assert_eq!(place("a.py:41"), Some(("a.py", 41, "")));
        assert_eq!((place(":12: x"), place("note: 12: x"), place("a:99999999999999999999:")), (None, None, None));
    }
}
