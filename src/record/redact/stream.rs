//! Masking a text that comes in parts, with bounded memory and no secret cut in two.

use super::rules::Text;
use super::{Kind, Redactor, rules};

/// Bytes gathered before they are looked at.
const BLOCK: usize = 128 * 1024;
/// Bytes at the end that wait for what follows.
const HOLD: usize = 8 * 1024;
/// Bytes before, already passed on, that rules may look back at.
const CONTEXT: usize = 1024;

/// What the bytes at the start of the buffer belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Nothing,
    /// A private key that is already masked.
    Key,
    /// A very long value that is already masked.
    Value,
}

/// A text on its way through a [`Redactor`].
#[derive(Debug)]
pub struct Stream<'a> {
    redactor: &'a Redactor,
    buffer: Vec<u8>,
    /// Bytes of the buffer that are already passed on.
    done: usize,
    inside: Inside,
    masked: bool,
}

impl<'a> Stream<'a> {
    pub(super) fn new(redactor: &'a Redactor) -> Stream<'a> {
        Stream { redactor, buffer: Vec::new(), done: 0, inside: Inside::Nothing, masked: false }
    }

    /// Whether anything was masked so far.
    pub fn masked(&self) -> bool {
        self.masked
    }

    /// Takes bytes; what is certain is appended to `out`.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for part in bytes.chunks(BLOCK) {
            self.buffer.extend_from_slice(part);
            if self.buffer.len() - self.done >= BLOCK {
                self.flush(false, out);
            }
        }
    }

    /// Passes on the rest.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.flush(true, out);
        self.buffer.clear();
        self.done = 0;
    }

    /// Notes that `lost` bytes are missing before `tail`, and returns what of `tail` may be fed. What could be a part of
    /// a secret on either side of the gap is left out.
    pub fn gap<'t>(&mut self, lost: u64, tail: &'t [u8], out: &mut Vec<u8>) -> &'t [u8] {
        let hold = self.redactor.table.longest().saturating_sub(1);
        self.leave_swallowed();
        let pending = self.buffer.get(self.done..).unwrap_or_default();
        let keep = pending.len().saturating_sub(hold);
        let line = pending.iter().take(keep).rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let keep = if keep - line < HOLD { line } else { keep };
        let cut_before = pending.len() - keep;
        self.buffer.truncate(self.done + keep);
        self.finish(out);
        // What is left out of the tail still tells what follows it.
        let mut from = hold.max(CONTEXT).min(tail.len());
        let (_, after) = tail.split_at(from);
        if let Some(line) = after.iter().take(HOLD).position(|b| *b == b'\n') {
            from += line + 1;
        }
        let (before, rest) = tail.split_at(from);
        self.buffer.extend_from_slice(before.get(before.len().saturating_sub(CONTEXT)..).unwrap_or_default());
        self.done = self.buffer.len();
        let cut = lost + (cut_before + (tail.len() - rest.len())) as u64;
        out.extend_from_slice(format!("\n‹cut: {cut} bytes›\n").as_bytes());
        self.inside = if rules::begins_inside_key(rest) { Inside::Key } else { Inside::Nothing };
        if self.inside == Inside::Key {
            self.masked = true;
            out.extend_from_slice("‹redacted:private-key:cut›".as_bytes());
        }
        rest
    }

    /// Drops what belongs to a secret that is already masked.
    fn leave_swallowed(&mut self) {
        let rest = self.buffer.get(self.done..).unwrap_or_default();
        let end = match self.inside {
            Inside::Nothing => return,
            Inside::Key => rules::end_of_key(rest),
            Inside::Value => rest.iter().position(|b| b.is_ascii_whitespace() || b"\"'`".contains(b)),
        };
        match end {
            Some(end) => {
                self.done += end;
                self.inside = Inside::Nothing;
            }
            // The end may stand across two parts.
            None => {
                self.done =
                    self.buffer.len().saturating_sub(if self.inside == Inside::Key { 128 } else { 0 }).max(self.done)
            }
        }
    }

    fn flush(&mut self, last: bool, out: &mut Vec<u8>) {
        self.leave_swallowed();
        if self.inside != Inside::Nothing {
            if last {
                self.done = self.buffer.len();
            }
            self.buffer.drain(..self.done);
            self.done = 0;
            return;
        }
        let hits = self.redactor.hits(&self.buffer, Text::Any);
        let limit = self.limit(last, &hits);
        let mut at = self.done;
        for hit in &hits {
            if hit.range.end <= at || hit.range.start >= limit {
                continue;
            }
            // A hit that began before `done` is masked already.
            if hit.range.start >= at {
                out.extend_from_slice(self.buffer.get(at..hit.range.start).unwrap_or_default());
                self.redactor.mask(&self.buffer, hit, out);
                self.masked = true;
            }
            at = hit.range.end;
            if hit.range.end == self.buffer.len() && !last {
                self.inside = if hit.kind == Kind::Open { Inside::Key } else { Inside::Value };
            }
        }
        if at < limit {
            out.extend_from_slice(self.buffer.get(at..limit).unwrap_or_default());
            at = limit;
        }
        if self.inside == Inside::Key {
            at = self.buffer.len().saturating_sub(128);
            self.buffer.drain(..at);
            self.done = 0;
            return;
        }
        let drop = at.saturating_sub(CONTEXT.max(self.redactor.table.longest()));
        self.buffer.drain(..drop);
        self.done = at - drop;
    }

    /// How far the buffer may be passed on.
    fn limit(&self, last: bool, hits: &[super::Hit]) -> usize {
        let length = self.buffer.len();
        if last {
            return length;
        }
        let hold = HOLD.max(self.redactor.table.longest());
        let safe = length.saturating_sub(hold).max(self.done);
        let line = self.buffer.get(self.done..safe).unwrap_or_default().iter().rposition(|b| *b == b'\n');
        let mut limit = line.map_or(safe, |at| self.done + at + 1);
        for hit in hits {
            if hit.range.start < limit && hit.range.end > limit {
                // It waits whole, unless it fills the buffer: then it is masked at once, and swallowed to its end.
                limit = if hit.range.start > self.done { hit.range.start } else { hit.range.end };
            }
        }
        limit
    }
}
