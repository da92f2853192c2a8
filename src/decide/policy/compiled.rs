//! The compiled form: a loaded policy as bytes, so that a call need not read TOML.
//! Guards against age and accident, not against malice: it lies where fenced commands cannot write.

use super::loaded::{Body, Policy};
use super::preset;
use serde::{Deserialize, Serialize};

const MAGIC: &[u8; 8] = b"guardpol";

/// Raised whenever the layout changes; guard's version and presets are checked as well.
const FORMAT: u32 = 2;

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

#[derive(Serialize)]
struct Written<'p> {
    hash: &'p str,
    body: &'p Body,
    rows: &'p [u8],
}

#[derive(Deserialize)]
struct Kept<'b> {
    hash: &'b str,
    body: Body,
    rows: &'b [u8],
}

impl Policy {
    /// The policy as bytes, to be kept under [`Policy::hash`].
    pub fn compile(&self) -> Vec<u8> {
        let written = Written { hash: &self.hash, body: &self.body, rows: &self.rows };
        // Plain data into memory: cannot fail, and an empty body is refused as damaged when read.
        let body = postcard::to_stdvec(&written).unwrap_or_default();
        let mut bytes = Vec::with_capacity(body.len() + 28);
        bytes.extend(MAGIC);
        bytes.extend(FORMAT.to_le_bytes());
        bytes.extend(preset::STAMP.to_le_bytes());
        bytes.extend(checksum(&body).to_le_bytes());
        bytes.extend(body);
        bytes
    }

    /// The policy that [`Policy::compile`] wrote. The caller compares [`Policy::hash`] with the texts of today.
    ///
    /// # Errors
    /// Where the bytes are not exactly what this build of guard wrote; the policy is then loaded from its texts.
    pub fn from_compiled(bytes: &[u8]) -> Result<Policy, CompiledError> {
        let (magic, rest) = bytes.split_first_chunk::<8>().ok_or(CompiledError::Foreign)?;
        let (format, rest) = rest.split_first_chunk::<4>().ok_or(CompiledError::Foreign)?;
        let (stamp, rest) = rest.split_first_chunk::<8>().ok_or(CompiledError::Foreign)?;
        let (sum, body) = rest.split_first_chunk::<8>().ok_or(CompiledError::Foreign)?;
        if magic != MAGIC {
            return Err(CompiledError::Foreign);
        }
        if u32::from_le_bytes(*format) != FORMAT || u64::from_le_bytes(*stamp) != preset::STAMP {
            return Err(CompiledError::Version);
        }
        if u64::from_le_bytes(*sum) != checksum(body) {
            return Err(CompiledError::Damaged);
        }
        let (kept, rest) = postcard::take_from_bytes::<Kept<'_>>(body).map_err(|_| CompiledError::Damaged)?;
        if !rest.is_empty() {
            return Err(CompiledError::Damaged);
        }
        Ok(Policy::new(kept.hash.to_owned(), kept.body, kept.rows.to_owned()))
    }
}

/// A quick 64-bit sum over words of eight bytes; every flipped bit changes it.
fn checksum(bytes: &[u8]) -> u64 {
    let mut sum = 0xcbf2_9ce4_8422_2325 ^ bytes.len() as u64;
    let mut words = bytes.chunks_exact(8);
    for word in words.by_ref() {
        let word = word.try_into().map_or(0, u64::from_le_bytes);
        sum = (sum ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }
    for byte in words.remainder() {
        sum = (sum ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    sum
}
