//! What looks like a secret by the structure around it.
//! One pass over the text picks the places where a rule may begin; each rule is a small parser, no pattern is compiled.

mod assign;
mod crypt;
mod flag;
mod key;
mod line;
pub(super) mod token;
mod url;
mod value;

pub(super) use key::{begins_inside_key, end_of_key};

use super::Hit;
use std::ops::Range;
use value::{is_placeholder, is_quote, value};

/// How far before a place a rule looks for what it belongs to, in bytes.
const NEAR: usize = 256;

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Text {
    /// Output, a file, a message: a setting's value may be the rest of its line.
    Any,
    /// A command line: `TOKEN=x rm -rf src` is a setting and a command, which the mask of the one must not hide.
    Command,
}

/// Adds everything the rules find.
pub(super) fn find(text: &[u8], kind: Text, hits: &mut Vec<Hit>) {
    // Those of others, which are not in order.
    let mut found = Vec::new();
    std::mem::swap(hits, &mut found);
    let mut key_end = 0;
    let mut line = 0;
    // Whether the line holds a word that `.netrc` puts before a secret.
    let mut netrc = false;
    for (at, byte) in text.iter().enumerate() {
        if at < key_end {
            continue;
        }
        // What is masked already needs no second look, and a hostile text gets none.
        let masked = hits.last().is_some_and(|hit| hit.range.contains(&at)) && *byte != b'\n';
        match byte {
            b'=' | b':' | b'$' | b'{' if masked => {}
            b'\n' => {
                line::find(text, line..at, netrc, hits);
                (line, netrc) = (at + 1, false);
            }
            b'=' => assign::find(text, kind, line, at, hits),
            b':' => {
                url::find(text, at, hits);
                assign::find(text, kind, line, at, hits);
            }
            b'-' => {
                if let Some(hit) = key::find(text, at) {
                    key_end = hit.range.end;
                    hits.push(hit);
                } else if !masked {
                    flag::find(text, line.max(at.saturating_sub(NEAR)), at, hits);
                }
            }
            b'$' | b'{' => crypt::find(text, at, hits),
            b'p' | b'a' if !netrc => netrc = line::announces(slice(text, at..text.len())),
            _ => {}
        }
    }
    line::find(text, line.min(text.len())..text.len(), netrc, hits);
    hits.append(&mut found);
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    position(text, part).is_some()
}

fn position(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|w| w == part)
}

fn slice(text: &[u8], range: Range<usize>) -> &[u8] {
    text.get(range).unwrap_or_default()
}
