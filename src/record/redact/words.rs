//! Secrets in a command line: masked no further than the shell's word they stand in, so that what looks like a setting
//! (`TOKEN=x rm -rf src`) hides nothing that would be run. Knows words, not what they mean.

use super::hit::{Hit, Kind};

/// A command line without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Masked {
    /// The line.
    pub text: String,
    /// Whether something of it is masked.
    pub masked: bool,
    /// Whether a mask hides more than the part of one word, so that nobody who sees the line knows what would be run.
    pub hides: bool,
}

/// Where in a line a reader is.
#[derive(Debug, Clone, Copy, Default)]
struct Reader {
    at: usize,
    quote: Option<u8>,
}

impl Reader {
    /// Reads the next byte; whether a word ends before it.
    fn step(&mut self, text: &[u8]) -> bool {
        let byte = text.get(self.at).copied().unwrap_or(b'\n');
        self.at += 1;
        match self.quote {
            Some(quote) if byte == quote => self.quote = None,
            Some(b'"') | None if byte == b'\\' => self.at += 1,
            Some(_) => {}
            None if matches!(byte, b'"' | b'\'') => self.quote = Some(byte),
            None => return ends_word(byte),
        }
        false
    }
}

fn ends_word(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b";|&<>()`".contains(&byte)
}

/// Ends what rules found where its word ends; `true`: what is masked still hides more than a part of one word. The hits
/// are in order and apart.
pub(super) fn within(text: &[u8], hits: &mut [Hit]) -> bool {
    let mut reader = Reader::default();
    let mut hides = false;
    for hit in hits {
        while reader.at < hit.range.start {
            reader.step(text);
        }
        let before = hit.range.start.checked_sub(1).and_then(|before| text.get(before)).copied();
        let set_off = before.is_some_and(|byte| matches!(byte, b'"' | b'\''));
        let after_equals = before == Some(b'=');
        match hit.kind {
            Kind::Rule(name) if name != "private-key" && !set_off => {
                let mut inner = Reader { at: hit.range.start, ..reader };
                let in_quotes = inner.quote.is_some();
                while inner.at < hit.range.end {
                    let here = inner.at;
                    let ended = match in_quotes {
                        // A setting within a quoted script: its words end as those outside do.
                        true => after_equals && text.get(here).is_some_and(|byte| ends_word(*byte)),
                        false => false,
                    };
                    if inner.step(text) && !in_quotes || ended {
                        hit.range.end = here;
                    }
                }
            }
            Kind::Rule(_) | Kind::Known(_) | Kind::Open => {}
        }
        let found = text.get(hit.range.clone()).unwrap_or_default();
        let value = set_off && matches!(hit.kind, Kind::Rule(name) if name != "private-key");
        hides |= !value && found.iter().any(|byte| ends_word(*byte));
    }
    hides
}
