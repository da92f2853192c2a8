//! `scheme://user:password@host`, and `https://token@host`.

use super::super::{Hit, Kind};
use super::slice;

/// Bytes of a URL that are looked at.
const LONGEST: usize = 4096;

/// `at` is a colon.
pub(super) fn find(text: &[u8], at: usize, hits: &mut Vec<Hit>) {
    let Some(rest) = text.get(at..).and_then(|rest| rest.strip_prefix(b"://")) else { return };
    let start = at + 3;
    let rest = slice(rest, 0..rest.len().min(LONGEST));
    // The next URL's userinfo is not this one's.
    let rest = super::position(rest, b"://").map_or(rest, |next| slice(rest, 0..next));
    let scheme =
        slice(text, 0..at).iter().rev().take_while(|b| b.is_ascii_alphanumeric() || b"+.-".contains(b)).count();
    if scheme == 0 {
        return;
    }
    let scheme = slice(text, at - scheme..at);
    let end = rest.iter().position(|b| b.is_ascii_whitespace() || b"\"'`<>\\|".contains(b)).unwrap_or(rest.len());
    let rest = slice(rest, 0..end);
    if !rest.contains(&b'@') {
        return;
    }
    let colon = rest.iter().position(|b| *b == b':');
    // A password may hold `/`, `?` or `#` unescaped, if what follows the colon is no port.
    let early = rest.iter().position(|b| b"/?#".contains(b)).unwrap_or(rest.len());
    let host = slice(rest, 0..early).iter().rposition(|b| *b == b'@').or_else(|| {
        let port = slice(rest, colon? + 1..early);
        let is_port = port.iter().all(u8::is_ascii_digit);
        if is_port || colon? > early { None } else { rest.iter().rposition(|b| *b == b'@') }
    });
    let Some(host) = host else { return };
    let secret = match colon.filter(|colon| *colon < host) {
        Some(colon) => start + colon + 1..start + host,
        // A name alone is a token where the scheme usually takes none.
        None if host >= 16 && scheme.starts_with(b"http") => start..start + host,
        None => return,
    };
    let value = slice(text, secret.clone());
    if !value.is_empty() && !super::is_placeholder(value) {
        hits.push(Hit { range: secret, kind: Kind::Rule("url-password") });
    }
}
