//! Tokens that say what they are by how they begin.
//! Sources: the issuers' own descriptions of their formats, as secret scanners use them.

use super::super::{Hit, Kind};

/// What a token begins with, and how many bytes of its alphabet follow at least.
const PREFIXES: [(&str, usize); 26] = [
    ("AIza", 35),
    ("AKIA", 16),
    ("ASIA", 16),
    ("SG.", 60),
    ("dop_v1_", 64),
    ("ghp_", 36),
    ("gho_", 36),
    ("ghu_", 36),
    ("ghs_", 36),
    ("ghr_", 36),
    ("github_pat_", 22),
    ("glpat-", 20),
    ("hf_", 34),
    ("npm_", 36),
    ("pypi-AgEIcHlwaS", 50),
    ("rk_live_", 24),
    ("sk_live_", 24),
    ("sk-ant-", 40),
    ("sk-proj-", 40),
    ("shpat_", 32),
    ("whsec_", 32),
    ("xoxa-", 20),
    ("xoxb-", 20),
    ("xoxp-", 20),
    ("xoxr-", 20),
    ("xoxs-", 20),
];

/// Adds every token of a text.
pub(crate) fn find(text: &[u8], hits: &mut Vec<Hit>) {
    let word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let mut from = 0;
    for part in text.split_inclusive(|b| !word(b)) {
        let end = part.iter().take_while(|b| word(b)).count();
        let token = part.get(..end).unwrap_or_default();
        let begins = PREFIXES.iter().find(|(prefix, _)| token.starts_with(prefix.as_bytes()));
        // Manuals show keys that end so.
        if begins.is_some_and(|(prefix, least)| token.len() >= prefix.len() + least) && !token.ends_with(b"EXAMPLE") {
            hits.push(Hit { range: from..from + end, kind: Kind::Rule("token") });
        }
        from += part.len();
    }
}
