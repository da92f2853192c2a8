//! `key=value` and `key: value` with a telling key, in whatever notation: shell, `.env`, INI, YAML, JSON, headers,
//! query strings, connection strings.

use super::super::words::ends_word;
use super::super::{Hit, Kind, is_secret_name};
use super::{Text, is_placeholder, is_quote, slice, value};

/// Longest key that is looked at.
const KEY: usize = 80;
/// Schemes of the header `Authorization`; none is a secret.
const SCHEMES: &[&str] = &["Basic ", "Bearer ", "Token ", "Digest ", "Negotiate ", "ApiKey "];
/// How far before a header quotes are looked for.
const QUOTES: usize = 4096;

/// `at` is an equals sign or a colon on the line that begins at `line`.
pub(super) fn find(text: &[u8], kind: Text, line: usize, at: usize, hits: &mut Vec<Hit>) {
    let separator = text.get(at).copied().unwrap_or(b'=');
    let before = slice(text, line.max(at.saturating_sub(KEY))..at);
    let spaced = before.trim_ascii_end();
    // `"key": …`, `\"key\": …`, `[key] = …`
    let unquoted = spaced.strip_suffix(b"]").unwrap_or(spaced);
    let quotes = unquoted.iter().rev().take_while(|b| is_quote(**b) || **b == b'\\').count();
    let name_end = unquoted.len() - quotes;
    let length = slice(unquoted, 0..name_end).iter().rev().take_while(|b| is_name(**b)).count();
    let name = slice(unquoted, name_end - length..name_end);
    if length == 0 {
        return;
    }
    let Ok(name) = std::str::from_utf8(name) else { return };
    let name = name.trim_start_matches('-');
    let header = name.eq_ignore_ascii_case("authorization") || name.eq_ignore_ascii_case("proxy-authorization");
    if !header && !is_secret_name(name) {
        return;
    }
    // A test runner's `PASS: name`.
    if separator == b':'
        && (name == "PASS" || name == "pass")
        && quotes == 0
        && !slice(text, line..at).starts_with(b" ")
    {
        return;
    }
    let mut start = at + 1;
    while matches!(text.get(start), Some(b'=' | b'>' | b':' | b' ' | b'\t')) {
        start += 1;
    }
    let first_on_line = slice(text, line..at - before.len() + name_end - length)
        .iter()
        .all(|b| b.is_ascii_whitespace() || is_quote(*b) || *b == b'-')
        || slice(text, line..at).trim_ascii_start().starts_with(b"export ");
    let command = kind == Text::Command;
    let range = if header || name.to_ascii_lowercase().ends_with("cookie") {
        let words = command && (separator == b'=' || !is_quoted(slice(text, line.max(at.saturating_sub(QUOTES))..at)));
        let ends = |b: u8| matches!(b, b'"' | b'\'' | b'\n' | b'\r') || words && ends_word(b);
        let mut range = value(text, start, ends);
        // The scheme is no secret.
        let scheme = SCHEMES.iter().find(|scheme| {
            slice(text, range.start..range.start + scheme.len()).eq_ignore_ascii_case(scheme.as_bytes())
        });
        if let Some(scheme) = scheme {
            range = match words {
                true => value(text, range.start + scheme.len(), ends),
                false => range.start + scheme.len()..range.end,
            };
        }
        range
    } else if first_on_line && quotes == 0 && !command {
        // A file of settings: the value is the rest of the line, less a comment.
        let mut range = value(text, start, |b| b == b'\r');
        let whole = slice(text, range.clone());
        if let Some(comment) = whole.windows(2).position(|w| w == b" #") {
            range.end = range.start + comment;
        }
        range
    } else {
        value(text, start, |b| b.is_ascii_whitespace() || b"\"'`,;&)}]<>|".contains(&b))
    };
    if !is_placeholder(slice(text, range.clone())) {
        hits.push(Hit { range, kind: Kind::Rule(if header { "authorization" } else { "secret" }) });
    }
}

/// Whether what comes after a text stands between quotes that it opens.
fn is_quoted(before: &[u8]) -> bool {
    [b'"', b'\''].iter().any(|quote| before.iter().filter(|b| *b == quote).count() % 2 == 1)
}

fn is_name(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"_-.".contains(&b)
}
