//! Redaction: what must not be known is masked before anything is hashed, stored or shown.
//! Knows texts and secrets only; not where either comes from.
//!
//! A mask reads `‹redacted:KIND:tag›`. The tag is a keyed HMAC: it tells equal secrets from different ones to whoever
//! reads the log, and nothing to whoever tries to guess them.

mod encoded;
mod hit;
mod known;
mod masks;
mod rules;
mod sources;
mod stream;
mod words;

pub use known::Known;
pub use sources::{Secrets, dotenv_value, is_secret_name};
pub use stream::Stream;
pub use words::Masked;

use crate::event::line::hex;
use hit::{Hit, Kind, merge};
use hmac::{Hmac, KeyInit, Mac};
use known::Table;
use rules::Text;
use sha2::Sha256;
use std::collections::BTreeSet;

/// The key that tags are made with; one per log, kept outside the project.
#[derive(Clone, PartialEq, Eq)]
pub struct TagKey(pub(super) [u8; 32]);

impl TagKey {
    /// A key from its bytes.
    pub fn new(bytes: [u8; 32]) -> TagKey {
        TagKey(bytes)
    }

    /// The keyed HMAC of a text that may hold secrets, in hex: it tells equal texts from different ones.
    pub fn seal(&self, text: &[u8]) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        mac.update(text);
        hex(&mac.finalize().into_bytes())
    }

    /// Eight hex digits for a secret of some kind.
    fn tag(&self, secret: &[u8]) -> String {
        self.seal(secret).chars().take(8).collect()
    }

    /// A key for fingerprints of what was asked, which tells nothing of this one.
    pub fn for_fingerprints(&self) -> Vec<u8> {
        self.seal(b"guard fingerprints v1").into_bytes()
    }
}

impl std::fmt::Debug for TagKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TagKey(…)")
    }
}

/// Masks known secrets and what looks like one.
#[derive(Debug, Clone)]
pub struct Redactor {
    tags: TagKey,
    table: Table,
}

impl Redactor {
    /// A redactor for these secrets; those that are too short or too common to be one are left out.
    pub fn new(tags: TagKey, known: impl IntoIterator<Item = Known>) -> Redactor {
        Redactor { tags, table: Table::new(known) }
    }

    /// The text with every secret masked; `None`: there is none in it.
    pub fn redact(&self, text: &str) -> Option<String> {
        let hits = self.hits(text.as_bytes(), Text::Any);
        (!hits.is_empty()).then(|| self.masked(text.as_bytes(), &hits))
    }

    /// A command line with every secret masked, and nothing behind it.
    pub fn command(&self, line: &str) -> Masked {
        let hits = self.hits(line.as_bytes(), Text::Command);
        let hides = words::hide(line.as_bytes(), &hits);
        let masked = !hits.is_empty();
        Masked { text: if masked { self.masked(line.as_bytes(), &hits) } else { line.to_owned() }, masked, hides }
    }

    fn masked(&self, bytes: &[u8], hits: &[Hit]) -> String {
        let mut out = Vec::with_capacity(bytes.len());
        let mut at = 0;
        for hit in hits {
            out.extend_from_slice(bytes.get(at..hit.range.start).unwrap_or_default());
            self.mask(bytes, hit, &mut out);
            at = hit.range.end;
        }
        out.extend_from_slice(bytes.get(at..).unwrap_or_default());
        String::from_utf8_lossy(&out).into_owned()
    }

    /// Secrets that a file's content certainly holds, as kinds and tags: known values in any form, private keys, tokens; not
    /// what only stands where a secret would, as code is full of such.
    pub fn certain(&self, content: &[u8]) -> BTreeSet<(String, String)> {
        let mut hits = Vec::new();
        rules::find(content, Text::Any, &mut hits);
        hits.retain(|hit| matches!(hit.kind, Kind::Open | Kind::Rule("private-key")));
        rules::token::find(content, &mut hits);
        self.table.find(content, &mut hits);
        let told = merge(hits).into_iter().map(|hit| {
            let found = content.get(hit.range.clone()).unwrap_or_default();
            match hit.kind {
                Kind::Known(at) => {
                    let (kind, value) = self.table.secret(at);
                    (kind.to_owned(), self.tags.tag(value))
                }
                Kind::Rule(name) => (name.to_owned(), self.tags.tag(found)),
                Kind::Open => ("private-key".to_owned(), self.tags.tag(found)),
            }
        });
        told.collect()
    }

    /// Masks a text that comes in parts.
    pub fn stream(&self) -> Stream<'_> {
        Stream::new(self)
    }

    /// Everything to be masked, in order, overlaps merged.
    fn hits(&self, bytes: &[u8], kind: Text) -> Vec<Hit> {
        let mut hits = Vec::new();
        rules::find(bytes, kind, &mut hits);
        if !hits.is_empty() {
            let masks = masks::find(bytes);
            hits.retain(|hit| !masks.iter().any(|mask| mask.start < hit.range.end && hit.range.start < mask.end));
        }
        self.table.find(bytes, &mut hits);
        merge(hits)
    }

    fn mask(&self, bytes: &[u8], hit: &Hit, out: &mut Vec<u8>) {
        let found = bytes.get(hit.range.clone()).unwrap_or_default();
        let (kind, tag) = match hit.kind {
            Kind::Known(at) => {
                let (kind, value) = self.table.secret(at);
                (kind, self.tags.tag(value))
            }
            Kind::Rule(name) => (name, self.tags.tag(found)),
            Kind::Open => ("private-key", "unended".to_owned()),
        };
        out.extend_from_slice(format!("‹redacted:{kind}:{tag}›").as_bytes());
    }
}

#[cfg(test)]
mod tests;
