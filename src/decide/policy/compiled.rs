//! The compiled form: a loaded policy as bytes, so that a call need not read TOML.
//! Guards against age and accident, not against malice: it lies where fenced commands cannot write.

use super::loaded::{Body, Policy};
use super::preset;
use serde::{Deserialize, Serialize};

const MAGIC: &[u8; 8] = b"guardpol";

/// Raised whenever the layout changes; guard's version and presets are checked as well.
const FORMAT: u32 = 3;

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

/// What stands before the rules.
#[derive(Serialize)]
struct Written<'p> {
    hash: &'p str,
    body: &'p Body,
}

#[derive(Deserialize)]
struct Kept {
    hash: String,
    body: Body,
}

impl Policy {
    /// The policy as bytes, to be kept under [`Policy::hash`].
    pub fn compile(&self) -> Vec<u8> {
        let written = Written { hash: &self.hash, body: &self.body };
        // Plain data into memory: cannot fail, and an empty body is refused as damaged when read.
        let mut body = postcard::to_stdvec(&written).unwrap_or_default();
        body.extend(self.rows());
        let mut bytes = Vec::with_capacity(body.len() + 28);
        bytes.extend(MAGIC);
        bytes.extend(FORMAT.to_le_bytes());
        bytes.extend(preset::STAMP.to_le_bytes());
        bytes.extend(checksum(&body).to_le_bytes());
        bytes.extend(body);
        bytes
    }

    /// The policy that [`Policy::compile`] wrote, without its examples. The caller compares [`Policy::hash`] with the texts of today.
    ///
    /// # Errors
    /// Where the bytes are not exactly what this build of guard wrote; the policy is then loaded from its texts.
    pub fn from_compiled(bytes: Vec<u8>) -> Result<Policy, CompiledError> {
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
        let (kept, rows) = postcard::take_from_bytes::<Kept>(body).map_err(|_| CompiledError::Damaged)?;
        if !kept.body.ends_at(rows.len()) {
            return Err(CompiledError::Damaged);
        }
        let start = bytes.len() - rows.len();
        Ok(Policy::new(kept.hash, kept.body, bytes, start))
    }
}

/// A quick 64-bit sum over words of eight bytes, in four lanes that do not wait for each other; every flipped bit
/// changes it.
fn checksum(bytes: &[u8]) -> u64 {
    const SEED: u64 = 0xcbf2_9ce4_8422_2325;
    let mix = |sum: u64, word: u64| (sum ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    let word = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_le_bytes);
    let mut lanes = [SEED, SEED ^ 1, SEED ^ 2, SEED ^ 3];
    let mut blocks = bytes.chunks_exact(32);
    for block in blocks.by_ref() {
        for (lane, bytes) in lanes.iter_mut().zip(block.chunks_exact(8)) {
            *lane = mix(*lane, word(bytes));
        }
    }
    let sum = lanes.into_iter().fold(bytes.len() as u64, mix);
    blocks.remainder().iter().fold(sum, |sum, byte| mix(sum, u64::from(*byte)))
}
