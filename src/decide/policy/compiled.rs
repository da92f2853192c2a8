//! The compiled form: a loaded policy as bytes, so that a call need not read TOML.
//! Guards against age and accident, not against malice: it lies where fenced commands cannot write.

use super::index::Index;
use super::later::Later;
use super::loaded::{Body, Policy};
use super::numbers::Numbers;
use super::{Settings, SqlNames, preset};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

const MAGIC: &[u8; 8] = b"guardpol";

/// Raised whenever the layout changes; guard's version and presets are checked as well.
const FORMAT: u32 = 17;

/// Why a compiled policy cannot be used; it is made anew from the texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CompiledError {
    /// Not a compiled policy, or cut off.
    #[error("not a compiled policy")]
    Foreign,
    /// Made by another version of guard.
    #[error("compiled by another version of guard")]
    Version,
    /// The bytes are not those that were written.
    #[error("the compiled policy is damaged")]
    Damaged,
}

/// What stands before the rules and is looked at by every call.
#[derive(Serialize)]
struct Written<'p> {
    hash: &'p str,
    settings: &'p Settings,
    ends: &'p Numbers<2>,
    notes: &'p [String],
    /// Bytes of the index, and behind that of the names of SQL.
    sections: [u32; 2],
}

#[derive(Deserialize)]
struct Kept {
    hash: String,
    settings: Settings,
    ends: Numbers<2>,
    notes: Vec<String>,
    sections: [u32; 2],
}

/// Bytes before the head: magic, format, stamp, and the head's checksum and length.
const START: usize = 8 + 4 + 8 + 8 + 4;

/// No policy has a longer head, or a longer section.
const LONGEST: usize = 16 << 20;

/// A part of a compiled policy that is read apart from the rest: bytes, and their checksum.
#[derive(Debug, Clone)]
pub(super) struct Section {
    rows: Arc<dyn Rows>,
    from: u64,
    length: u32,
}

impl Section {
    /// Its bytes, where they are those that were written.
    pub(super) fn read(&self) -> Option<Vec<u8>> {
        let bytes = between(&*self.rows, self.from, self.end())?;
        let (content, sum) = bytes.split_last_chunk::<8>()?;
        let length = (checksum(content) == u64::from_le_bytes(*sum)).then_some(content.len())?;
        let mut bytes = bytes;
        bytes.truncate(length);
        Some(bytes)
    }

    fn end(&self) -> u64 {
        self.from.saturating_add(self.length.into())
    }

    /// As bytes to be kept.
    fn written(mut content: Vec<u8>) -> Vec<u8> {
        content.extend(checksum(&content).to_le_bytes());
        content
    }
}

/// Where a compiled policy lies. A call reads what stands before the rules, and the few rules that could mean its command.
pub trait Rows: fmt::Debug + Send + Sync {
    /// How many bytes there are.
    fn length(&self) -> u64;

    /// Fills `buffer` with the bytes from `from` on; whether there were enough.
    fn read(&self, from: u64, buffer: &mut [u8]) -> bool;
}

impl Rows for Vec<u8> {
    fn length(&self) -> u64 {
        self.len() as u64
    }

    fn read(&self, from: u64, buffer: &mut [u8]) -> bool {
        let bytes = usize::try_from(from).ok().and_then(|from| self.get(from..)?.get(..buffer.len()));
        bytes.map(|bytes| buffer.copy_from_slice(bytes)).is_some()
    }
}

/// The bytes from `from` to `to`.
pub(super) fn between(rows: &dyn Rows, from: u64, to: u64) -> Option<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(to.checked_sub(from)?).ok()?];
    rows.read(from, &mut bytes).then_some(bytes)
}

impl Policy {
    /// The policy as bytes, to be kept under [`Policy::hash`].
    pub fn compile(&self) -> Vec<u8> {
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let (body, hash) = (&self.body, &self.hash);
        // Plain data into memory: cannot fail, and what is empty is refused as damaged when read.
        let sql = Section::written(postcard::to_stdvec(&*body.settings.sql).unwrap_or_default());
        let index = Section::written(body.index.bytes().to_vec());
        let sections = [length(&index), length(&sql)];
        let settings = &Settings { sql: SqlNames::default().into(), ..body.settings.clone() };
        let written = Written { hash, settings, ends: &body.ends, notes: &body.notes, sections };
        let head = postcard::to_stdvec(&written).unwrap_or_default();
        let mut bytes = Vec::new();
        bytes.extend(MAGIC);
        bytes.extend(FORMAT.to_le_bytes());
        bytes.extend(preset::STAMP.to_le_bytes());
        bytes.extend(checksum(&head).to_le_bytes());
        bytes.extend(length(&head).to_le_bytes());
        bytes.extend([head, index, sql].concat());
        bytes.extend(between(&*self.rows, self.start, self.rows.length()).unwrap_or_default());
        bytes
    }

    /// The policy that [`Policy::compile`] wrote, without its examples. The caller compares [`Policy::hash`] with the
    /// texts of today. Rules are read, and checked, when a command could be meant: one that is damaged denies it.
    ///
    /// # Errors
    /// Where the bytes are not what this build of guard wrote; the policy is then loaded from its texts.
    pub fn from_compiled(rows: Arc<dyn Rows>) -> Result<Policy, CompiledError> {
        let mut start = [0; START];
        if !rows.read(0, &mut start) {
            return Err(CompiledError::Foreign);
        }
        let (magic, rest) = start.split_first_chunk::<8>().ok_or(CompiledError::Foreign)?;
        let (format, rest) = rest.split_first_chunk::<4>().ok_or(CompiledError::Foreign)?;
        let (stamp, rest) = rest.split_first_chunk::<8>().ok_or(CompiledError::Foreign)?;
        let (sum, rest) = rest.split_first_chunk::<8>().ok_or(CompiledError::Foreign)?;
        let (length, _) = rest.split_first_chunk::<4>().ok_or(CompiledError::Foreign)?;
        if magic != MAGIC {
            return Err(CompiledError::Foreign);
        }
        if u32::from_le_bytes(*format) != FORMAT || u64::from_le_bytes(*stamp) != preset::STAMP {
            return Err(CompiledError::Version);
        }
        let length = u32::from_le_bytes(*length) as usize;
        let end = (START + length) as u64;
        let head = if length <= LONGEST { between(&*rows, START as u64, end) } else { None };
        let head = head.filter(|head| u64::from_le_bytes(*sum) == checksum(head)).ok_or(CompiledError::Damaged)?;
        let kept: Kept = postcard::from_bytes(&head).map_err(|_| CompiledError::Damaged)?;
        let Kept { hash, mut settings, ends, notes, sections: [index, sql] } = kept;
        if [index, sql].iter().any(|length| *length as usize > LONGEST) {
            return Err(CompiledError::Damaged);
        }
        let index = Section { rows: Arc::clone(&rows), from: end, length: index };
        let sql = Section { rows: Arc::clone(&rows), from: index.end(), length: sql };
        let end = sql.end();
        let index = index.read().and_then(Index::from_bytes).ok_or(CompiledError::Damaged)?;
        settings.sql = Later::of(sql);
        let body = Body { settings, index, ends, notes };
        if end.checked_add(body.length()) != Some(rows.length()) {
            return Err(CompiledError::Damaged);
        }
        Ok(Policy::new(hash, body, rows, end))
    }
}

/// A quick 64-bit sum over words of eight bytes, in four lanes that do not wait for each other; every flipped bit
/// changes it.
pub(super) fn checksum(bytes: &[u8]) -> u64 {
    const SEED: u64 = 0xcbf2_9ce4_8422_2325;
    let mix = |sum: u64, word: u64| (sum ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    let mut lanes = [SEED, SEED ^ 1, SEED ^ 2, SEED ^ 3];
    let (blocks, rest) = bytes.as_chunks::<32>();
    for block in blocks {
        for (lane, word) in lanes.iter_mut().zip(block.as_chunks().0) {
            *lane = mix(*lane, u64::from_le_bytes(*word));
        }
    }
    let sum = lanes.into_iter().fold(bytes.len() as u64, mix);
    rest.iter().fold(sum, |sum, byte| mix(sum, u64::from(*byte)))
}
