//! What a command printed, as the log keeps it: redacted, short on the line, whole in a blob.

use super::blob::Writer;
use super::redact::Stream;
use super::{Files, Log, LogError, Redactor};
use crate::event::line::{carry, hex};
use crate::execute::Capture;

/// Outputs up to this many bytes stand on the line whole.
const WHOLE: u64 = 2048;
/// Of longer ones the last line is shown, up to this many bytes of it.
const SHOWN: usize = 400;
const CHUNK: usize = 64 * 1024;

/// An output as its record names it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stored {
    /// What the line shows: all of a short output without its last newline, the last line of a long one.
    pub shown: String,
    /// Bytes written in all.
    pub len: u64,
    /// SHA-256 of all of them; none where there are none, and none where something was redacted, since a hash of a
    /// short secret gives it away.
    pub sha256: Option<String>,
    /// SHA-256 of the redacted text kept as a blob.
    pub blob: Option<String>,
}

/// Passes redacted bytes on to a blob and remembers the last of them.
struct Tee<'a, F: Files> {
    blob: Writer<'a, F>,
    out: Vec<u8>,
    end: Vec<u8>,
}

impl<F: Files> Tee<'_, F> {
    fn feed(&mut self, stream: &mut Stream<'_>, bytes: &[u8]) -> Result<(), LogError> {
        bytes.chunks(CHUNK).try_for_each(|chunk| {
            stream.feed(chunk, &mut self.out);
            self.pass()
        })
    }

    fn pass(&mut self) -> Result<(), LogError> {
        self.blob.write(&self.out)?;
        let from = self.out.len().saturating_sub(4 * SHOWN);
        self.end.extend_from_slice(self.out.get(from..).unwrap_or_default());
        self.end.drain(..self.end.len().saturating_sub(4 * SHOWN));
        self.out.clear();
        Ok(())
    }
}

impl<F: Files> Log<F> {
    /// Keeps an output: in a blob, durable when this returns, where it is longer than the line shows.
    pub fn store_output(&self, redactor: &Redactor, capture: &Capture) -> Result<Stored, LogError> {
        let mut stored = Stored { len: capture.len, ..Stored::default() };
        if capture.len == 0 {
            return Ok(stored);
        }
        let kept = (capture.head.len() + capture.tail.len()) as u64;
        let mut stream = redactor.stream();
        let last = if capture.len <= WHOLE && kept == capture.len {
            let mut out = Vec::new();
            stream.feed(&capture.head, &mut out);
            stream.feed(&capture.tail, &mut out);
            stream.finish(&mut out);
            out.strip_suffix(b"\n").unwrap_or(&out).to_vec()
        } else {
            let blob = Writer::new(&self.files, &self.paths.state)?;
            let mut tee = Tee { blob, out: Vec::new(), end: Vec::new() };
            tee.feed(&mut stream, &capture.head)?;
            let tail = if kept < capture.len {
                stream.gap(capture.len - kept, &capture.tail, &mut tee.out)
            } else {
                capture.tail.as_slice()
            };
            tee.feed(&mut stream, tail)?;
            stream.finish(&mut tee.out);
            tee.pass()?;
            stored.blob = Some(tee.blob.finish()?);
            last_line(&tee.end)
        };
        if !stream.masked() {
            stored.sha256 = Some(hex(&capture.sha256));
        }
        stored.shown = carry(&last).into_owned();
        Ok(stored)
    }
}

/// The last line that is not empty, its end if it is long.
fn last_line(end: &[u8]) -> Vec<u8> {
    let lines = end.rsplit(|b| *b == b'\n');
    let line = lines.map(|l| l.trim_ascii_end()).find(|l| !l.is_empty()).unwrap_or_default();
    let from = line.len().saturating_sub(SHOWN);
    let shown = line.get(from..).unwrap_or_default();
    // Not in the middle of a character.
    let skip = if from > 0 { shown.iter().take_while(|b| **b & 0xc0 == 0x80).count() } else { 0 };
    shown.get(skip..).unwrap_or_default().to_vec()
}
