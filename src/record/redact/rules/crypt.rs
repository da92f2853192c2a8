//! Password hashes: what crypt(5), LDAP and web frameworks store.

use super::super::{Hit, Kind};
use super::slice;

/// Prefixes, and bytes that must follow at least.
const PREFIXES: &[(&str, usize)] = &[
    ("$1$", 20),
    ("$2a$", 40),
    ("$2b$", 40),
    ("$2x$", 40),
    ("$2y$", 40),
    ("$5$", 40),
    ("$6$", 60),
    ("$7$", 40),
    ("$y$", 40),
    ("$gy$", 40),
    ("$apr1$", 20),
    ("$argon2i$", 30),
    ("$argon2d$", 30),
    ("$argon2id$", 30),
    ("$scrypt$", 30),
    ("$pbkdf2", 30),
    ("{SSHA}", 20),
    ("{SHA}", 20),
    ("{SSHA256}", 30),
    ("{SSHA512}", 30),
    ("{CRYPT}", 10),
];

/// `at` is a dollar sign or an opening brace.
pub(super) fn find(text: &[u8], at: usize, hits: &mut Vec<Hit>) {
    let rest = slice(text, at..text.len());
    let Some((prefix, least)) = PREFIXES.iter().find(|(p, _)| rest.starts_with(p.as_bytes())) else { return };
    let body = slice(rest, prefix.len()..rest.len());
    let is_hash = |b: &u8| b.is_ascii_alphanumeric() || b"./+$=,-_".contains(b);
    let length = body.iter().take_while(|b| is_hash(b)).count();
    if length >= *least {
        hits.push(Hit { range: at..at + prefix.len() + length, kind: Kind::Rule("password-hash") });
    }
}
