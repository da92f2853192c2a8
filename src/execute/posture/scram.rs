//! SCRAM-SHA-256 as PostgreSQL asks for it (RFC 5802, RFC 7677): one side's arithmetic.
//! Pure: takes its nonce as data.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// As often as the password is hashed at most.
const ROUNDS: u32 = 1_000_000;

/// The client's side, from its first message on.
pub(super) struct Scram {
    nonce: String,
    password: String,
}

impl Scram {
    pub(super) fn new(password: &str, nonce: &str) -> Self {
        Self { nonce: nonce.to_owned(), password: password.to_owned() }
    }

    /// The first message. PostgreSQL takes the user from the start of the connection.
    pub(super) fn first(&self) -> String {
        format!("n,,{}", self.bare())
    }

    fn bare(&self) -> String {
        format!("n=,r={}", self.nonce)
    }

    /// The proof, for the server's first message, and the signature that the server must then give; `None`: it cannot be
    /// read, or is not an answer to ours.
    pub(super) fn last(&self, server: &str) -> Option<(String, Vec<u8>)> {
        let field = |name: &str| server.split(',').find_map(|part| part.strip_prefix(name));
        let (nonce, salt, rounds) = (field("r=")?, decode(field("s=")?)?, field("i=")?.parse::<u32>().ok()?);
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() || !(1..=ROUNDS).contains(&rounds) {
            return None;
        }
        let salted = salted(self.password.as_bytes(), &salt, rounds)?;
        let without = format!("c=biws,r={nonce}");
        let message = format!("{},{server},{without}", self.bare());
        let key = mac(&salted, b"Client Key")?;
        let signature = mac(&Sha256::digest(&key), message.as_bytes())?;
        let proof: Vec<u8> = key.iter().zip(&signature).map(|(a, b)| a ^ b).collect();
        let expected = mac(&mac(&salted, b"Server Key")?, message.as_bytes())?;
        Some((format!("{without},p={}", encode(&proof)), expected))
    }
}

/// Whether the server's last message holds the signature.
pub(super) fn signed(message: &str, expected: &[u8]) -> bool {
    message.strip_prefix("v=").and_then(|rest| decode(rest.split(',').next()?)).is_some_and(|given| given == expected)
}

fn mac(key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(message);
    Some(mac.finalize().into_bytes().to_vec())
}

/// PBKDF2 with one block.
fn salted(password: &[u8], salt: &[u8], rounds: u32) -> Option<Vec<u8>> {
    let mut last = mac(password, &[salt, &[0, 0, 0, 1]].concat())?;
    let mut sum = last.clone();
    for _ in 1..rounds {
        last = mac(password, &last)?;
        sum.iter_mut().zip(&last).for_each(|(to, from)| *to ^= from);
    }
    Some(sum)
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let word = three.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for at in 0..4 {
            let letter = LETTERS.get((word >> (18 - 6 * at) & 63) as usize).copied().unwrap_or(b'=');
            text.push(if at <= three.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut word, mut bits) = (Vec::new(), 0_u32, 0);
    for letter in text.trim_end_matches('=').bytes() {
        let value = LETTERS.iter().position(|known| *known == letter)?;
        word = word << 6 | u32::try_from(value).ok()?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(word >> bits & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proof_is_that_of_the_standard_s_example() {
        // RFC 7677, section 3, whose user is named in the first message; PostgreSQL leaves it empty.
        let salted = salted(b"pencil", &decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap(), 4096).unwrap();
        let message = "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
            s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let key = mac(&salted, b"Client Key").unwrap();
        let signature = mac(&Sha256::digest(&key), message.as_bytes()).unwrap();
        let proof: Vec<u8> = key.iter().zip(&signature).map(|(a, b)| a ^ b).collect();
        assert_eq!(encode(&proof), "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
        let server = mac(&mac(&salted, b"Server Key").unwrap(), message.as_bytes()).unwrap();
        assert!(signed("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", &server));
        assert!(!signed("v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", &server) && !signed("e=no", &server));
    }

    #[test]
    fn an_answer_to_somebody_else_or_without_measure_is_not_answered() {
        let scram = Scram::new("pencil", "abc");
        assert!(scram.last("r=abcdef,s=AAAA,i=4096").is_some());
        for server in
            ["r=abc,s=AAAA,i=4096", "r=xyz,s=AAAA,i=4096", "r=abcd,s=AAAA,i=4000000000", "r=abcd,s=?,i=1", "e=x"]
        {
            assert!(scram.last(server).is_none(), "{server}");
        }
    }
}
