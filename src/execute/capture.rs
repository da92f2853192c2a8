//! What a command printed: passed on whole, kept up to a bound.
//! Knows nothing of logs or redaction.

use sha2::{Digest, Sha256};

/// Bytes kept of each end.
const KEPT: usize = 4 << 20;

/// One stream's output: its length and hash over everything, its head and tail in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capture {
    /// The first bytes, at most 4 MiB.
    pub head: Vec<u8>,
    /// The last bytes that are not in `head`, at most 4 MiB.
    pub tail: Vec<u8>,
    /// Bytes in all.
    pub len: u64,
    /// SHA-256 of all bytes.
    pub sha256: [u8; 32],
}

/// A stream while it comes.
#[derive(Default)]
pub(super) struct Capturing {
    head: Vec<u8>,
    /// A ring once it is full.
    tail: Vec<u8>,
    /// Where the next byte goes in a full ring.
    next: usize,
    len: u64,
    hash: Sha256,
}

impl Capturing {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.len += bytes.len() as u64;
        let (first, rest) = bytes.split_at(bytes.len().min(KEPT - self.head.len()));
        self.head.extend_from_slice(first);
        let (_, mut rest) = rest.split_at(rest.len().saturating_sub(KEPT));
        if self.tail.len() < KEPT && !rest.is_empty() {
            let (fill, over) = rest.split_at(rest.len().min(KEPT - self.tail.len()));
            self.tail.extend_from_slice(fill);
            rest = over;
        }
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(KEPT - self.next));
            if let Some(place) = self.tail.get_mut(self.next..self.next + now.len()) {
                place.copy_from_slice(now);
            }
            self.next = (self.next + now.len()) % KEPT;
            rest = later;
        }
    }

    pub(super) fn end(mut self) -> Capture {
        self.tail.rotate_left(self.next);
        Capture { head: self.head, tail: self.tail, len: self.len, sha256: self.hash.finalize().into() }
    }
}

impl Capture {
    /// At most about `most` bytes: all of it, or head and tail around a note of how much is left out; and whether it is cut.
    /// Cuts fall between characters where the text is UTF-8.
    pub fn excerpt(&self, most: usize) -> (Vec<u8>, bool) {
        let kept = self.head.len() + self.tail.len();
        if kept <= most && kept as u64 == self.len {
            return ([self.head.as_slice(), self.tail.as_slice()].concat(), false);
        }
        let half = most / 2;
        let mut end = half.min(self.head.len());
        while end > 0 && self.head.get(end).is_some_and(|byte| byte & 0xc0 == 0x80) {
            end -= 1;
        }
        let rest = if self.tail.is_empty() { self.head.get(end..).unwrap_or_default() } else { &self.tail };
        let mut start = rest.len().saturating_sub(half);
        while start < rest.len() && rest.get(start).is_some_and(|byte| byte & 0xc0 == 0x80) {
            start += 1;
        }
        let (head, tail) = (self.head.get(..end).unwrap_or_default(), rest.get(start..).unwrap_or_default());
        let left_out = self.len - (head.len() + tail.len()) as u64;
        let note = format!("\n… {left_out} bytes left out …\n");
        ([head, note.as_bytes(), tail].concat(), true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_tail_length_and_hash_are_those_of_the_whole_however_it_is_cut() {
        let whole: Vec<u8> = (0..11_000_003_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for (len, cut) in
            [(0, 1), (5, 2), (KEPT, 65_536), (KEPT + 1, 65_536), (2 * KEPT, 4096), (2 * KEPT + 7, 100_003)]
                .into_iter()
                .chain([(whole.len(), 65_536), (whole.len(), 6_000_001), (whole.len(), whole.len())])
        {
            let bytes = &whole[..len];
            let mut capturing = Capturing::default();
            bytes.chunks(cut).for_each(|chunk| capturing.add(chunk));
            let rest = &bytes[len.min(KEPT)..];
            let expected = Capture {
                head: bytes[..len.min(KEPT)].to_vec(),
                tail: rest[rest.len().saturating_sub(KEPT)..].to_vec(),
                len: len as u64,
                sha256: Sha256::digest(bytes).into(),
            };
            assert!(capturing.end() == expected, "{len} bytes in pieces of {cut}");
        }
    }
}
