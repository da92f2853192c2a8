//! The seal: each record's hash over the one before it, and a MAC whose key is forgotten once used.
//! Knows nothing of files.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// What each key is ratcheted with.
const RATCHET: &[u8] = b"guard-audit ratchet v1\n";

/// The key of one record. The first is the seed.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; 32]);

impl Key {
    /// A key from its bytes.
    pub fn new(bytes: [u8; 32]) -> Key {
        Key(bytes)
    }

    /// Its bytes: only for the key file and for showing the seed once.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Becomes the next record's key; this one is gone.
    pub fn ratchet(&mut self) {
        self.0 = Sha256::new().chain_update(RATCHET).chain_update(self.0).finalize().into();
    }

    /// First half of HMAC-SHA-256 over a record's hash.
    pub fn mac(&self, hash: &[u8; 32]) -> [u8; 16] {
        let mut out = [0; 16];
        // HMAC takes keys of any length, so this does not fail.
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) {
            mac.update(hash);
            for (to, from) in out.iter_mut().zip(mac.finalize().into_bytes()) {
                *to = from;
            }
        }
        out
    }

    /// First 16 hex digits of SHA-256 over the key: names a seed without telling it.
    pub fn fingerprint(&self) -> String {
        let hash: [u8; 32] = Sha256::digest(self.0).into();
        crate::event::line::hex(&hash).chars().take(16).collect()
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.0 = std::hint::black_box([0; 32]);
        std::hint::black_box(&self.0);
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

/// The hash of a record: over the previous record's hash and the bytes of its line before the seal.
pub fn chain(previous: &[u8; 32], body: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(previous).chain_update(body).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::line::hex;

    #[test]
    fn the_seal_is_what_the_format_says_computed_by_other_programs() {
        // printf 'guard-audit ratchet v1\n' | cat - <(head -c 32 /dev/zero) | sha256sum
        let mut key = Key::new([0; 32]);
        key.ratchet();
        assert_eq!(hex(key.bytes()), "172d083353c89a42657de1c54c2b05b3b5d6f086854f34f91f98857d684caff9");
        // (head -c 32 /dev/zero; printf body) | sha256sum
        let hash = chain(&[0; 32], b"body");
        assert_eq!(hex(&hash), "818aaa5975b4a596522fed86d4fdf5da2edcb24507f3c07bee5849765a8a21d7");
        // openssl dgst -sha256 -mac HMAC -macopt hexkey:00…00 over that hash
        assert_eq!(hex(&Key::new([0; 32]).mac(&hash)), "3e2fc2435d58ce76da94bd2a55618cb2");
    }
}
