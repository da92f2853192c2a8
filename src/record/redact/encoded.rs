//! Text that decodes to a known secret: escaped byte by byte, or as hex pairs with something between them.
//! Knows how texts are encoded, and asks the table whether what comes out is a secret.
//!
//! A first look at blocks of 64 bytes, without branches, leaves out those that hold no escape and no run of pairs; the rest
//! is decoded only around what was found.

use super::Hit;
use super::known::Table;

/// Bytes that the longest way of writing a single byte takes: `\\u{000063}`.
pub(super) const LONGEST: usize = 12;
/// Escapes within escapes: JSON in JSON in a shell's quotes.
const ROUNDS: usize = 3;
/// Bytes looked at together.
const BLOCK: usize = 64;
/// Bytes of the longest group of digits in a run, as `xxd` prints them.
const GROUP: usize = 8;
/// Fewest pairs that are decoded: no secret is shorter.
const PAIRS: usize = 6;

/// A decoded text, and where each of its bytes begins and ends in the one it came from.
#[derive(Default)]
struct Decoded {
    bytes: Vec<u8>,
    spans: Vec<(usize, usize)>,
}

/// Adds everything that decodes to a secret.
pub(super) fn find(table: &Table, text: &[u8], hits: &mut Vec<Hit>) {
    let reach = table.widest();
    // The stretch of text that is to be decoded, and where the last run of pairs ended.
    let (mut open, mut run) = (None::<(usize, usize)>, 0);
    for (number, block) in text.chunks(BLOCK).enumerate() {
        let start = number * BLOCK;
        let (escapes, pairs) = look(text.get(start..).unwrap_or_default());
        if escapes {
            for at in block.iter().zip(start..).filter(|(b, _)| matches!(b, b'%' | b'\\' | b'&')).map(|(_, at)| at) {
                let Some(length) = unit(text.get(at..).unwrap_or_default()).map(|(_, length)| length) else { continue };
                let end = at + length;
                open = match open {
                    Some((from, to)) if at <= to.saturating_add(reach) => Some((from, to.max(end))),
                    before => {
                        if let Some(stretch) = before {
                            unescaped(table, text, stretch, reach, hits);
                        }
                        Some((at, end))
                    }
                };
            }
        }
        if pairs {
            // The group before what stands between may lie in the block before.
            let mut at = start.saturating_sub(GROUP).max(run);
            while at < start + block.len() {
                if text.get(at).is_some_and(u8::is_ascii_hexdigit) {
                    run = paired(table, text, at, run, hits);
                }
                at = run.max(at + 1);
            }
        }
    }
    if let Some(stretch) = open {
        unescaped(table, text, stretch, reach, hits);
    }
}

/// Whether the first block of a text may hold an escape, and whether it may hold pairs of hex digits with something between:
/// the same three times at the same distance, a comma and a space, or `0x`. The last bytes of a text always may.
fn look(text: &[u8]) -> (bool, bool) {
    let at = |n: usize| text.get(n..).and_then(|rest| rest.first_chunk::<BLOCK>());
    let (Some(a), Some(b), Some(d), Some(e)) = (at(0), at(1), at(3), at(4)) else { return (true, true) };
    let (Some(f), Some(g), Some(k)) = (at(5), at(6), at(10)) else { return (true, true) };
    let is = |byte: &u8, what: u8| u8::from(*byte == what);
    let mut escapes = 0;
    for (a, b) in a.iter().zip(b) {
        let hex = u8::from(b.wrapping_sub(b'0') < 10) | u8::from((b | 0x20).wrapping_sub(b'a') < 6);
        escapes |= (is(a, b'%') & hex) | is(a, b'\\') | is(a, b'&');
    }
    let mut pairs = 0;
    for ((a, d), g) in a.iter().zip(d).zip(g) {
        let between = is(a, b':') | is(a, b' ') | is(a, b',') | is(a, b'-');
        pairs |= between & is(d, *a) & is(g, *a);
    }
    for ((a, f), k) in a.iter().zip(f).zip(k) {
        pairs |= is(a, b' ') & is(f, b' ') & is(k, b' ');
    }
    for ((a, b), e) in a.iter().zip(b).zip(e) {
        pairs |= (is(a, b',') & is(b, b' ') & is(e, b',')) | (is(a, b'0') & u8::from(b | 0x20 == b'x'));
    }
    (escapes != 0, pairs != 0)
}

/// What stands between two pairs: `6b:61`, `6b 61`, `6b, 61`, `6b-61`, also over lines.
fn is_between(b: u8) -> bool {
    (b == b':') | (b == b' ') | (b == b',') | (b == b'-') | (b == b'\n') | (b == b'\r') | (b == b'\t') | (b == b';')
}

/// Decodes a stretch, with as much around it as a secret may be long, as often as that changes it.
fn unescaped(table: &Table, text: &[u8], (from, to): (usize, usize), reach: usize, hits: &mut Vec<Hit>) {
    let begin = from.saturating_sub(reach);
    let Some(around) = text.get(begin..to.saturating_add(reach).min(text.len())) else { return };
    let mut before =
        Decoded { bytes: around.to_vec(), spans: (begin..begin + around.len()).map(|at| (at, at + 1)).collect() };
    for _ in 0..ROUNDS {
        let after = decode(&before);
        if after.bytes.len() == before.bytes.len() {
            return;
        }
        table_finds(table, &after, hits);
        before = after;
    }
}

/// Takes one layer of escapes away.
fn decode(text: &Decoded) -> Decoded {
    let size = text.bytes.len();
    let mut out = Decoded { bytes: Vec::with_capacity(size), spans: Vec::with_capacity(size) };
    let mut at = 0;
    while let Some(rest) = text.bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let (character, length) = match unit(rest) {
            Some((code, length)) => (Some(code), length),
            None => (None, 1),
        };
        match character {
            Some(Code::Byte(byte)) => out.bytes.push(byte),
            Some(Code::Character(c)) => out.bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            None => out.bytes.extend(rest.first()),
        }
        let (begin, _) = text.spans.get(at).copied().unwrap_or_default();
        at += length;
        let (_, end) = text.spans.get(at - 1).copied().unwrap_or_default();
        out.spans.resize(out.bytes.len(), (begin, end));
    }
    out
}

/// Adds what the table finds in a decoded text, as it stands in the text it came from.
fn table_finds(table: &Table, decoded: &Decoded, hits: &mut Vec<Hit>) {
    let mut found = Vec::new();
    table.find_forms(&decoded.bytes, &mut found);
    hits.extend(found.into_iter().filter_map(|hit| {
        let ((start, _), (_, end)) = (decoded.spans.get(hit.range.start)?, decoded.spans.get(hit.range.end - 1)?);
        Some(Hit { range: *start..*end, kind: hit.kind })
    }));
}

/// What an escape stands for.
enum Code {
    Byte(u8),
    Character(char),
}

/// The escape a text begins with, and its length.
fn unit(text: &[u8]) -> Option<(Code, usize)> {
    let (first, rest) = text.split_first()?;
    match first {
        b'%' => number(rest, 2, 16).map(|n| (byte(n), 3)),
        b'\\' => backslash(rest),
        b'&' => entity(rest),
        _ => None,
    }
}

fn backslash(rest: &[u8]) -> Option<(Code, usize)> {
    let (letter, after) = rest.split_first()?;
    match letter {
        b'x' | b'X' | b'u' | b'U' if after.first() == Some(&b'{') => {
            let digits = after.get(1..)?;
            let count = digits.iter().take(9).position(|b| *b == b'}')?;
            Some((character(number(digits, count, 16)?)?, count + 4))
        }
        b'x' | b'X' => Some((byte(number(after, 2, 16)?), 4)),
        b'U' => Some((character(number(after, 8, 16)?)?, 10)),
        b'u' => {
            let high = number(after, 4, 16)?;
            let low = after.get(4..6).filter(|next| *next == b"\\u").and_then(|_| number(after.get(6..)?, 4, 16));
            match (high, low) {
                // A pair of surrogates is one character.
                (0xd800..=0xdbff, Some(low @ 0xdc00..=0xdfff)) => {
                    Some((character(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))?, 12))
                }
                _ => Some((character(high)?, 6)),
            }
        }
        b'0'..=b'3' => Some((byte(number(rest, 3, 8)?), 4)),
        b'n' => Some((Code::Byte(b'\n'), 2)),
        b'r' => Some((Code::Byte(b'\r'), 2)),
        b't' => Some((Code::Byte(b'\t'), 2)),
        b if b.is_ascii_punctuation() => Some((Code::Byte(*b), 2)),
        _ => None,
    }
}

fn entity(rest: &[u8]) -> Option<(Code, usize)> {
    let end = rest.iter().take(10).position(|b| *b == b';')?;
    let name = rest.get(..end)?;
    let code = match name {
        b"amp" => Code::Byte(b'&'),
        b"lt" => Code::Byte(b'<'),
        b"gt" => Code::Byte(b'>'),
        b"quot" => Code::Byte(b'"'),
        b"apos" => Code::Byte(b'\''),
        [b'#', b'x' | b'X', digits @ ..] => character(number(digits, digits.len(), 16)?)?,
        [b'#', digits @ ..] => character(number(digits, digits.len(), 10)?)?,
        _ => return None,
    };
    Some((code, end + 2))
}

fn byte(number: u32) -> Code {
    Code::Byte(u8::try_from(number & 0xff).unwrap_or_default())
}

fn character(number: u32) -> Option<Code> {
    char::from_u32(number).map(Code::Character)
}

/// The number that the first `count` digits are.
fn number(text: &[u8], count: usize, base: u32) -> Option<u32> {
    let digits = text.get(..count).filter(|digits| !digits.is_empty())?;
    digits.iter().try_fold(0_u32, |n, b| n.checked_mul(base)?.checked_add(char::from(*b).to_digit(base)?))
}

/// Decodes the run of hex pairs around the byte `at`, but not before `least`; where it ends.
fn paired(table: &Table, text: &[u8], at: usize, least: usize, hits: &mut Vec<Hit>) -> usize {
    let is_hex = |at: usize| text.get(at).is_some_and(u8::is_ascii_hexdigit);
    // The group of digits it stands in; a long one is no group of a run.
    let mut start = at;
    while start > least && at - start < BLOCK && is_hex(start - 1) {
        start -= 1;
    }
    let mut decoded = Decoded::default();
    let (mut here, mut end) = (start, start);
    loop {
        let prefixed = text.get(here) == Some(&b'0') && text.get(here + 1).is_some_and(|b| b | 0x20 == b'x');
        let digits = here + if prefixed { 2 } else { 0 };
        let mut group = digits;
        while is_hex(group) {
            group += 1;
        }
        let word = text.get(group).is_some_and(u8::is_ascii_alphanumeric);
        if group == digits || (group - digits) % 2 == 1 || word {
            break;
        }
        for pair in (digits..group).step_by(2) {
            let value = text.get(pair..).and_then(|rest| number(rest, 2, 16)).unwrap_or_default();
            decoded.bytes.push(u8::try_from(value).unwrap_or_default());
            decoded.spans.push((if pair == digits { here } else { pair }, pair + 2));
        }
        end = group;
        let between = text.get(group..).unwrap_or_default().iter().take(4).take_while(|b| is_between(**b)).count();
        if between == 0 {
            break;
        }
        here = group + between;
    }
    if decoded.bytes.len() >= PAIRS {
        table_finds(table, &decoded, hits);
    }
    // Past the group at least, so that nothing is looked at twice.
    let mut past = end.max(at);
    while is_hex(past) {
        past += 1;
    }
    past.max(at + 1)
}
