//! Lines of `.pgpass` and `.netrc`, wherever they are printed.

use super::super::{Hit, Kind};
use super::{is_placeholder, slice};
use std::ops::Range;

/// Words of `.netrc` that a secret follows.
const BEFORE: [&[u8]; 3] = [b"password", b"account", b"passwd"];

/// Whether a text begins with a word that a secret follows.
pub(super) fn announces(text: &[u8]) -> bool {
    BEFORE.iter().any(|word| text.starts_with(word))
}

/// Looks at one line, without its newline; `announced`: it holds a word that a secret follows.
pub(super) fn find(text: &[u8], line: Range<usize>, announced: bool, hits: &mut Vec<Hit>) {
    let whole = slice(text, line.clone());
    if whole.len() < 8 || whole.len() > 4096 {
        return;
    }
    pgpass(whole, line.start, hits);
    if announced {
        netrc(text, whole, line.start, hits);
    }
}

/// `host:port:database:user:password`, the port a number above 1023 or `*`.
fn pgpass(line: &[u8], start: usize, hits: &mut Vec<Hit>) {
    let line = line.trim_ascii_end();
    if line.iter().any(u8::is_ascii_whitespace) || line.starts_with(b"#") {
        return;
    }
    let (mut colons, mut escaped) = (Vec::new(), false);
    for (at, b) in line.iter().enumerate() {
        if *b == b':' && !escaped && colons.len() < 4 {
            colons.push(at);
        }
        escaped = *b == b'\\' && !escaped;
    }
    let &[first, second, third, fourth] = colons.as_slice() else { return };
    let port = slice(line, first + 1..second);
    let number = std::str::from_utf8(port).ok().and_then(|p| p.parse::<u16>().ok()).is_some_and(|p| p > 1023);
    let host = slice(line, 0..first);
    let is_host = !host.is_empty() && host.iter().all(|b| b.is_ascii_alphanumeric() || b".-_*/".contains(b));
    let is_host = is_host && (host.starts_with(b"/") || !host.contains(&b'/'));
    // `file:line:column:` of a compiler has a number there.
    let is_database = slice(line, second + 1..third).iter().any(|b| !b.is_ascii_digit());
    if (number || port == b"*") && is_host && is_database && fourth + 1 < line.len() {
        hits.push(Hit { range: start + fourth + 1..start + line.len(), kind: Kind::Rule("pgpass") });
    }
}

/// `… login NAME password SECRET`, on one line or over several.
fn netrc(text: &[u8], line: &[u8], start: usize, hits: &mut Vec<Hit>) {
    let around = slice(text, start.saturating_sub(512)..start + line.len());
    let words = |text: &[u8], word: &[u8]| text.split(u8::is_ascii_whitespace).any(|w| w == word);
    if !words(around, b"login") && !words(around, b"machine") && !words(around, b"default") {
        return;
    }
    let mut after = false;
    let mut at = 0;
    for word in line.split(u8::is_ascii_whitespace) {
        let range = start + at..start + at + word.len();
        at += word.len() + 1;
        if word.is_empty() {
            continue;
        }
        if after && !is_placeholder(word) {
            hits.push(Hit { range, kind: Kind::Rule("netrc") });
        }
        after = BEFORE.contains(&word);
    }
}
