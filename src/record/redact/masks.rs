//! Masks that stand in a text already: what was redacted is not redacted again, so that equal secrets keep equal tags.
//! Knows the form of a mask and nothing of secrets.

use std::ops::Range;

const OPEN: &[u8] = "‹redacted:".as_bytes();
const CLOSE: &[u8] = "›".as_bytes();
/// Hex digits of a tag.
const TAG: usize = 8;
/// Bytes of the longest name of a kind.
const KIND: usize = 64;

/// Where `bytes` holds masks: exactly `‹redacted:KIND:tag›`.
pub(super) fn find(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = position(bytes, at) {
        at = start + OPEN.len();
        let rest = bytes.get(at..).unwrap_or_default();
        let word =
            rest.iter().take(KIND + 1 + TAG).take_while(|b| b.is_ascii_alphanumeric() || b"_-.:".contains(b)).count();
        let (inside, after) = rest.split_at(word);
        let tag = inside.rsplit(|b| *b == b':').next().unwrap_or_default();
        if tag.len() == TAG
            && tag.len() < inside.len()
            && tag.iter().all(u8::is_ascii_hexdigit)
            && after.starts_with(CLOSE)
        {
            at += word + CLOSE.len();
            found.push(start..at);
        }
    }
    found
}

fn position(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    rest.windows(OPEN.len()).position(|part| part == OPEN).map(|at| from + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_masks_are_found() {
        let text = "a=‹redacted:API_KEY:0123abcd› ‹redacted:x› ‹redacted: k=secret:0123abcd› b";
        assert_eq!(find(text.as_bytes()), vec![2..2 + "‹redacted:API_KEY:0123abcd›".len()]);
    }
}
