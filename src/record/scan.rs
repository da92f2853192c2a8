//! Reading the log forward from a known point, checking each record's place, hash and, where the key is known, MAC.
//! Knows nothing of what records mean, except that one may vouch for a torn line.

use super::seal::chain;
use super::{Key, LogError};
use crate::event::line::{self, LONGEST, Machine};
use rustix::io::pread;
use sha2::{Digest, Sha256};
use std::ops::Range;
use std::os::fd::BorrowedFd;
use std::path::Path;

/// The end of one record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Point {
    /// Sequence number of the record; 0: before the first.
    pub(super) seq: u64,
    /// Its hash.
    pub(super) hash: [u8; 32],
    /// Bytes of the log up to and with its newline.
    pub(super) end: u64,
    /// Its time, microseconds since 1970.
    pub(super) micros: i64,
}

/// The key of a record further on, with which MACs from there on are checked.
#[derive(Debug, Clone)]
pub(super) struct Keyed {
    /// The record the key is for.
    pub(super) next: u64,
    pub(super) key: Key,
    /// The hash of the record before that.
    pub(super) hash: [u8; 32],
}

const CHUNK: u64 = 256 * 1024;

/// Reads records from `from` up to byte `size`, calls `each` with the end and the body of every one, and returns the
/// last one's end. Bytes after it are a torn line.
pub(super) fn scan(
    (fd, log): (BorrowedFd<'_>, &Path),
    from: Point,
    size: u64,
    keyed: &mut Option<Keyed>,
    each: &mut dyn FnMut(Point, &[u8]),
) -> Result<Point, LogError> {
    let mut at = from;
    lines((fd, log), from.end..size, CHUNK, false, &mut |begin, text| {
        let Some((body, seal)) = line::split(text) else { return Ok(true) };
        let edited = |what| LogError::Edited { log: log.to_owned(), seq: at.seq + 1, what };
        if seal.seq != at.seq + 1 {
            return Err(edited("its number is out of order"));
        }
        if chain(&at.hash, body) != seal.hash {
            return Err(edited("its hash does not hold"));
        }
        if let Some(k) = keyed {
            if seal.seq + 1 == k.next && seal.hash != k.hash {
                return Err(edited("it is not the record that was acknowledged"));
            }
            if seal.seq == k.next {
                if k.key.mac(&seal.hash) != seal.mac {
                    return Err(edited("its MAC does not hold"));
                }
                k.key.ratchet();
                k.next += 1;
                k.hash = seal.hash;
            }
        }
        if begin != at.end && !vouches(fd, log, body, at.end, begin)? {
            return Err(edited("bytes before it that no record vouches for"));
        }
        let micros = std::str::from_utf8(body).ok().and_then(line::parse_time);
        let micros = micros.map_or(at.micros, |(t, _)| t.timestamp_micros());
        at = Point { seq: seal.seq, hash: seal.hash, end: begin + text.len() as u64 + 1, micros };
        each(at, body);
        Ok(true)
    })?;
    Ok(at)
}

/// Takes a line and where it begins; `false`: no more of them.
type EachLine<'a> = dyn FnMut(u64, &[u8]) -> Result<bool, LogError> + 'a;

/// Calls `each` with every line in a range of bytes that a newline ends, and where it begins, until it says `false`.
/// Reads `chunk` bytes at a time; leaves out what is too long to be a record, and the first line where `midway` says that
/// it may have begun earlier.
fn lines(
    (fd, log): (BorrowedFd<'_>, &Path),
    range: Range<u64>,
    chunk: u64,
    midway: bool,
    each: &mut EachLine<'_>,
) -> Result<(), LogError> {
    let (mut buffer, mut start) = (Vec::new(), range.start);
    // Whether the line that is being read began before `start`.
    let mut begun = midway;
    while start + (buffer.len() as u64) < range.end {
        let offset = start + buffer.len() as u64;
        read_more(fd, log, &mut buffer, offset, chunk.min(range.end - offset))?;
        let mut done = 0;
        while let Some(rest) = buffer.get(done..)
            && let Some(length) = rest.iter().position(|b| *b == b'\n')
        {
            let text = rest.get(..length).unwrap_or_default();
            if !begun && !each(start + done as u64, text)? {
                return Ok(());
            }
            begun = false;
            done += length + 1;
        }
        buffer.drain(..done);
        start += done as u64;
        if buffer.len() > LONGEST {
            start += buffer.len() as u64;
            buffer.clear();
            begun = true;
        }
    }
    Ok(())
}

fn read_more(fd: BorrowedFd<'_>, log: &Path, buffer: &mut Vec<u8>, offset: u64, want: u64) -> Result<(), LogError> {
    let old = buffer.len();
    buffer.resize(old + usize::try_from(want).unwrap_or(usize::MAX), 0);
    let room = buffer.get_mut(old..).unwrap_or_default();
    let got = pread(fd, room, offset).map_err(|e| LogError::system("read", log, e))?;
    buffer.truncate(old + got);
    if got == 0 { Err(LogError::system("read", log, "it ended early")) } else { Ok(()) }
}

/// Whether the record with this body vouches for the torn bytes between two offsets; the last of them is a newline.
fn vouches(fd: BorrowedFd<'_>, log: &Path, body: &[u8], from: u64, to: u64) -> Result<bool, LogError> {
    let Ok(line::Line { machine: Machine::Known(crate::event::Detail::Recovered { bytes, sha256 }), .. }) =
        line::parse(body)
    else {
        return Ok(false);
    };
    let torn = to.saturating_sub(from + 1);
    Ok(torn == bytes && line::hex(&hash_region(fd, log, from, torn)?) == sha256)
}

/// SHA-256 of a region of the log.
pub(super) fn hash_region(fd: BorrowedFd<'_>, log: &Path, from: u64, length: u64) -> Result<[u8; 32], LogError> {
    let mut hash = Sha256::new();
    let mut done = 0;
    while done < length {
        let mut buffer = Vec::new();
        read_more(fd, log, &mut buffer, from + done, CHUNK.min(length - done))?;
        hash.update(&buffer);
        done += buffer.len() as u64;
    }
    Ok(hash.finalize().into())
}

/// The body and seal of the record that ends at byte `end`; `None` where there is no record.
pub(super) fn record_before(
    fd: BorrowedFd<'_>,
    log: &Path,
    end: u64,
) -> Result<Option<(Vec<u8>, line::Seal)>, LogError> {
    let from = end.saturating_sub(LONGEST as u64);
    let mut bytes = Vec::new();
    while from + (bytes.len() as u64) < end {
        let offset = from + bytes.len() as u64;
        read_more(fd, log, &mut bytes, offset, end - offset)?;
    }
    let Some(text) = bytes.strip_suffix(b"\n") else { return Ok(None) };
    let last = text.rsplit(|b| *b == b'\n').next().unwrap_or_default();
    Ok(line::split(last).map(|(body, seal)| (body.to_vec(), seal)))
}

/// The line of record `seq`, without its newline, in the first `size` bytes: found by halving, since records stand in order.
pub(super) fn record_at(fd: BorrowedFd<'_>, log: &Path, seq: u64, size: u64) -> Result<Option<Vec<u8>>, LogError> {
    let (mut low, mut high) = (0, size);
    while low < high {
        let middle = low + (high - low) / 2;
        match first_record(fd, log, middle, size)? {
            Some((_, found, _)) if found < seq => low = middle + 1,
            Some((_, found, body)) if found == seq => return Ok(Some(body)),
            Some(_) | None => high = middle,
        }
    }
    Ok(first_record(fd, log, low, size)?.filter(|(_, found, _)| *found == seq).map(|(_, _, body)| body))
}

/// The first record whose line begins at or after an offset: where it begins, its number, and itself.
fn first_record(fd: BorrowedFd<'_>, log: &Path, from: u64, size: u64) -> Result<Option<(u64, u64, Vec<u8>)>, LogError> {
    // A line begins after a newline, or at the beginning.
    let range = from.saturating_sub(1)..size;
    let mut found = None;
    lines((fd, log), range, 2 * LONGEST as u64, from > 0, &mut |begin, text| {
        found = line::split(text).map(|(_, seal)| (begin, seal.seq, text.to_vec()));
        Ok(found.is_none())
    })?;
    Ok(found)
}
