//! What is to be masked in a text, and in what order.

use std::ops::Range;

/// A part of a text that must be masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) range: Range<usize>,
    pub(super) kind: Kind,
}

/// What a hit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A known secret: its place in the table.
    Known(usize),
    /// Found by a rule: the rule's name.
    Rule(&'static str),
    /// A private key whose end is not in the text.
    Open,
}

/// Sorts hits and joins those that overlap or touch within one secret; the earlier and longer gives its name, a known
/// secret before a rule.
pub(super) fn merge(mut hits: Vec<Hit>) -> Vec<Hit> {
    hits.sort_by_key(|h| (h.range.start, std::cmp::Reverse(h.range.end)));
    let mut merged: Vec<Hit> = Vec::with_capacity(hits.len());
    for hit in hits {
        match merged.last_mut() {
            Some(last) if hit.range.start < last.range.end => {
                if let (Kind::Rule(_), Kind::Known(_)) = (last.kind, hit.kind) {
                    last.kind = hit.kind;
                }
                if hit.kind == Kind::Open {
                    last.kind = Kind::Open;
                }
                last.range.end = last.range.end.max(hit.range.end);
            }
            _ => merged.push(hit),
        }
    }
    merged
}
