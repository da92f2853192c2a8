//! Where a value ends, and whether it is one.

use super::{contains, slice};
use std::ops::Range;

pub(super) fn is_quote(b: u8) -> bool {
    matches!(b, b'"' | b'\'' | b'`')
}

/// The value that begins at `at`: what stands between quotes (also escaped ones, as in JSON within JSON), else up to a
/// byte that `ends` it.
pub(super) fn value(text: &[u8], at: usize, ends: impl Fn(u8) -> bool) -> Range<usize> {
    let rest = slice(text, at..text.len());
    let escape = rest.iter().take_while(|b| **b == b'\\').count();
    match rest.get(escape) {
        Some(quote) if is_quote(*quote) => {
            let start = at + escape + 1;
            let inner = slice(text, start..text.len());
            let mut backslashes = 0;
            let end = inner.iter().position(|b| {
                // It closes after exactly as many backslashes as it opened with; more are a quote inside.
                let closes = (b == quote && backslashes <= escape) || *b == b'\n';
                backslashes = if *b == b'\\' { backslashes + 1 } else { 0 };
                closes
            });
            let mut end = start + end.unwrap_or(inner.len());
            while end > start && escape > 0 && text.get(end - 1) == Some(&b'\\') {
                end -= 1;
            }
            start..end
        }
        _ => at..at + rest.iter().position(|b| ends(*b) || *b == b'\n').unwrap_or(rest.len()),
    }
}

/// Values that stand where a secret would and are none.
pub(super) fn is_placeholder(value: &[u8]) -> bool {
    const WORDS: &[&str] = &[
        "none",
        "null",
        "nil",
        "true",
        "false",
        "undefined",
        "str",
        "string",
        "int",
        "bytes",
        "bool",
        "yes",
        "no",
        "off",
        "on",
        "empty",
        "required",
        "optional",
        "any",
        "object",
        "...",
        "-",
        "{}",
        "[]",
    ];
    let value = value.trim_ascii();
    let lower = value.to_ascii_lowercase();
    let stars = value.iter().all(|b| b"*xX.-_".contains(b));
    let reference = match value {
        [b'$', b'{' | b'(', ..] | [b'{', b'{', ..] | [b'<', .., b'>'] | [b'%', .., b'%'] => true,
        [b'$', rest @ ..] => rest.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_'),
        _ => false,
    };
    let looked_up = ["os.environ", "os.getenv", "getenv(", "process.env", "env(", "env[", "environ["];
    let redacted = contains(value, "‹redacted:".as_bytes());
    value.is_empty()
        || stars
        || reference
        || redacted
        || WORDS.iter().any(|w| w.as_bytes() == lower)
        || looked_up.iter().any(|w| lower.starts_with(w.as_bytes()))
}
