//! Private keys in PEM, and in PuTTY's form, from their first line to their last.

use super::super::{Hit, Kind};
use super::{contains, position};

const BEGIN: &[u8] = b"-----BEGIN ";
const PRIVATE: &[u8] = b"PRIVATE KEY";

/// A PEM private key; to the end of the text if its last line is missing.
pub(super) fn find(text: &[u8], at: usize) -> Option<Hit> {
    let rest = text.get(at..)?;
    let label = rest.strip_prefix(BEGIN)?;
    let title = label.get(..label.windows(5).take(64).position(|w| w == b"-----")?)?;
    contains(title, PRIVATE).then_some(())?;
    Some(match end_of_key(rest) {
        Some(end) => Hit { range: at..at + end, kind: Kind::Rule("private-key") },
        None => Hit { range: at..text.len(), kind: Kind::Open },
    })
}

/// Where the private key ends that `text` begins with or within.
pub(crate) fn end_of_key(text: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(end) = position(text.get(from..)?, b"-----END ") {
        let title = from + end + 9;
        let rest = text.get(title..)?;
        let close = position(rest.get(..rest.len().min(64))?, b"-----");
        if let Some(close) = close
            && contains(rest.get(..close)?, PRIVATE)
        {
            return Some(title + close + 5);
        }
        from = title;
    }
    None
}

/// Whether a text with a missing beginning begins inside a private key: an end without a begin.
pub(crate) fn begins_inside_key(text: &[u8]) -> bool {
    end_of_key(text).is_some_and(|end| position(text.get(..end).unwrap_or_default(), BEGIN).is_none())
}
