//! Secrets in a command line: whether what is masked of it hides something that would be run.
//! Knows words, not what they mean.

use super::hit::{Hit, Kind};

/// A command line without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Masked {
    /// The line.
    pub text: String,
    /// Whether something of it is masked.
    pub masked: bool,
    /// Whether a mask hides more than a part of one word, so that nobody who sees the line knows what would be run.
    pub hides: bool,
}

/// Whether something in `text` that a mask hides ends a word. What a rule found between quotes is one value.
pub(super) fn hide(text: &[u8], hits: &[Hit]) -> bool {
    hits.iter().any(|hit| {
        let before = hit.range.start.checked_sub(1).and_then(|before| text.get(before));
        let value = match hit.kind {
            Kind::Rule(name) => name != "private-key" && before.is_some_and(|byte| matches!(byte, b'"' | b'\'')),
            Kind::Known(_) | Kind::Open => false,
        };
        !value && text.get(hit.range.clone()).unwrap_or_default().iter().any(|byte| ends_word(*byte))
    })
}

/// Whether a byte outside quotes ends a word of the shell.
pub(super) fn ends_word(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b";|&<>()`".contains(&byte)
}
