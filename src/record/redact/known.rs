//! Known secrets in every form they may be printed in.
//! One pass over a text: a bitmap of the forms' first three bytes, then a comparison of the few that remain. All forms
//! at all places are found, so overlapping secrets leave nothing in clear.

use super::{Hit, Kind, encoded};
use crate::event::line::{carry, hex};
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// Shorter values are not masked by value: they would tear up ordinary text.
const SHORTEST: usize = 6;
/// Values that are set in secret-named variables, yet tell nothing.
const STOP_WORDS: &[&str] = &[
    "admin",
    "changeme",
    "change-me",
    "default",
    "development",
    "disabled",
    "enabled",
    "example",
    "false",
    "guest",
    "localhost",
    "nobody",
    "password",
    "placeholder",
    "postgres",
    "production",
    "redacted",
    "secret",
    "staging",
    "string",
    "testing",
    "undefined",
    "unused",
    "username",
    "xxxxxx",
    "xxxxxxxx",
    "******",
    "********",
];

/// A value that must never be recorded.
#[derive(Clone, PartialEq, Eq)]
pub struct Known {
    /// What it is, for the mask: a variable's name, `url-password`, `netrc`, …
    pub kind: String,
    /// The value.
    pub value: Vec<u8>,
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Known({})", self.kind)
    }
}

/// How a form is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Notation {
    /// As it stands.
    Plain,
    /// Hex digits in any case, which programs break over lines.
    Hex,
    /// Base64, also broken over lines; its neighbours carry some bits of the secret too.
    Base64,
}

/// One form of one secret.
#[derive(Debug, Clone)]
struct Form {
    bytes: Vec<u8>,
    secret: usize,
    notation: Notation,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    secrets: Vec<Known>,
    forms: Vec<Form>,
    /// Three bytes to the forms that hold them, and where: at their beginning, and for forms that may be broken over lines
    /// also a little later, since a line may break between those three.
    starts: HashMap<[u8; 3], Vec<(usize, usize)>>,
    bitmap: Vec<u64>,
    longest: usize,
    widest: usize,
}

impl Table {
    pub(super) fn new(known: impl IntoIterator<Item = Known>) -> Table {
        let mut table = Table::default();
        let mut seen = HashSet::new();
        for Known { kind, value } in known {
            let kind: String =
                kind.chars().filter(|c| c.is_ascii_alphanumeric() || "_.-".contains(*c)).take(40).collect();
            let value = value.trim_ascii().to_vec();
            let mut parts = vec![value.clone()];
            if value.contains(&b'\n') {
                parts.extend(value.split(|b| *b == b'\n').map(|l| l.trim_ascii().to_vec()));
            }
            for value in parts {
                if is_secret(&value) && seen.insert(value.clone()) {
                    table.add(Known { kind: kind.clone(), value });
                }
            }
        }
        table
    }

    fn add(&mut self, known: Known) {
        let secret = self.secrets.len();
        let mut seen = HashSet::new();
        for (bytes, notation) in forms(&known.value) {
            if bytes.len() < SHORTEST || !seen.insert(bytes.clone()) {
                continue;
            }
            let offsets: &[usize] = if notation == Notation::Plain { &[0] } else { &[0, 3] };
            for offset in offsets {
                let Some(start) = bytes.get(*offset..).and_then(|b| b.first_chunk::<3>()).copied() else { continue };
                for start in if notation == Notation::Hex { in_any_case(start) } else { vec![start] } {
                    self.mark(start);
                    self.starts.entry(start).or_default().push((self.forms.len(), *offset));
                }
            }
            self.longest = self.longest.max(bytes.len() + bytes.len() / 16 + 4);
            self.widest = self.widest.max(bytes.len());
            self.forms.push(Form { bytes, secret, notation });
        }
        self.longest = self.longest.max(known.value.len() * encoded::LONGEST);
        self.secrets.push(known);
    }

    /// Bytes of the longest form, before any of it is escaped.
    pub(super) fn widest(&self) -> usize {
        self.widest
    }

    /// Bytes of the longest form, escaped or not.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    pub(super) fn secret(&self, at: usize) -> (&str, &[u8]) {
        self.secrets.get(at).map_or(("secret", &[]), |k| (&k.kind, &k.value))
    }

    /// Every form of every secret, and what decodes to one.
    pub(super) fn find(&self, text: &[u8], hits: &mut Vec<Hit>) {
        if self.forms.is_empty() {
            return;
        }
        self.find_forms(text, hits);
        encoded::find(self, text, hits);
    }

    /// Every form of every secret, as the text stands.
    pub(super) fn find_forms(&self, text: &[u8], hits: &mut Vec<Hit>) {
        for (at, window) in text.windows(3).enumerate() {
            let &[a, b, c] = window else { continue };
            let bit = slot([a, b, c]);
            if self.bitmap.get(bit / 64).is_none_or(|word| word >> (bit % 64) & 1 == 0) {
                continue;
            }
            let candidates = self.starts.get(&[a, b, c]).into_iter().flatten();
            for (form, offset) in candidates.filter_map(|(form, offset)| Some((self.forms.get(*form)?, *offset))) {
                if let Some(range) = form.around(text, at, offset) {
                    hits.push(Hit { range, kind: Kind::Known(form.secret) });
                }
            }
        }
    }

    fn mark(&mut self, start: [u8; 3]) {
        if self.bitmap.is_empty() {
            self.bitmap = vec![0; 1024];
        }
        let bit = slot(start);
        if let Some(word) = self.bitmap.get_mut(bit / 64) {
            *word |= 1 << (bit % 64);
        }
    }
}

impl Form {
    /// Where the form stands, if its byte `offset` is the text's byte `at`.
    fn around(&self, text: &[u8], at: usize, offset: usize) -> Option<Range<usize>> {
        let (before, after) = self.bytes.split_at_checked(offset)?;
        let rest = text.get(at..)?;
        if self.notation == Notation::Plain {
            return rest.starts_with(after).then(|| at..at + after.len());
        }
        let is_break = |b: &&u8| matches!(**b, b'\n' | b'\r');
        let same = |a: &u8, b: &u8| a == b || (self.notation == Notation::Hex && a.eq_ignore_ascii_case(b));
        let forward = broken(rest.iter(), after.iter(), same, is_break)?;
        let backward = broken(text.get(..at)?.iter().rev(), before.iter().rev(), same, is_break)?;
        let (mut start, mut end) = (at - backward, at + forward);
        if self.notation == Notation::Base64 {
            let around = |at: Option<usize>| at.and_then(|i| text.get(i)).is_some_and(|b| is_base64(*b));
            start -= usize::from(around(start.checked_sub(1)));
            end += usize::from(around(Some(end)));
        }
        Some(start..end)
    }
}

/// How many bytes of a text spell `wanted`, line breaks between them left out; `None`: they do not.
fn broken<'a>(
    text: impl Iterator<Item = &'a u8>,
    wanted: impl Iterator<Item = &'a u8>,
    same: impl Fn(&u8, &u8) -> bool,
    is_break: impl Fn(&&u8) -> bool,
) -> Option<usize> {
    let mut used = 0;
    let mut text = text;
    for byte in wanted {
        loop {
            let next = text.next()?;
            used += 1;
            if same(next, byte) {
                break;
            }
            if !is_break(&next) {
                return None;
            }
        }
    }
    Some(used)
}

/// Three hex digits in every mixture of upper and lower case.
fn in_any_case(digits: [u8; 3]) -> Vec<[u8; 3]> {
    let mut all: Vec<[u8; 3]> = (0..8_u8)
        .map(|upper| {
            let mut turn = 0..3_u8;
            digits.map(|digit| match turn.next() {
                Some(n) if upper >> n & 1 == 1 => digit.to_ascii_uppercase(),
                _ => digit,
            })
        })
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn slot([a, b, c]: [u8; 3]) -> usize {
    (usize::from(a) | usize::from(b) << 8) ^ (usize::from(c) << 4)
}

fn is_base64(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_')
}

fn is_secret(value: &[u8]) -> bool {
    let lower = value.to_ascii_lowercase();
    value.len() >= SHORTEST
        && !STOP_WORDS.iter().any(|w| w.as_bytes() == lower)
        && !value.starts_with(b"-----")
        && value.iter().any(|b| Some(b) != value.first())
}

/// The forms a value may be printed in.
fn forms(value: &[u8]) -> Vec<(Vec<u8>, Notation)> {
    let mut forms = vec![(value.to_vec(), Notation::Plain)];
    let text = String::from_utf8_lossy(value);
    let mut add = |bytes: Vec<u8>| forms.push((bytes, Notation::Plain));
    if let Ok(json) = serde_json::to_vec(&*text) {
        let inner = json.get(1..json.len().saturating_sub(1)).unwrap_or_default().to_vec();
        add(String::from_utf8_lossy(&inner).replace('/', "\\/").into_bytes());
        add(inner);
    }
    if std::str::from_utf8(value).is_err() {
        add(carry(value).into_owned().into_bytes());
        add(text.clone().into_owned().into_bytes());
    }
    // 'it'\''s', it\'s, "it\$"
    add(text.replace('\'', "'\\''").into_bytes());
    add(text.replace('\'', "'\"'\"'").into_bytes());
    add(escaped(value, |b| !(b.is_ascii_alphanumeric() || b >= 0x80 || b"_-./,:=@%+^~".contains(&b))));
    add(escaped(value, |b| !(b.is_ascii_alphanumeric() || b >= 0x80 || b"_-./,:@%+=".contains(&b))));
    add(escaped(value, |b| b"\"$`\\!".contains(&b)));
    add(escaped(value, |b| b"\"$`\\".contains(&b)));
    add(escaped(value, |b| b"'\\".contains(&b)));
    for upper in [true, false] {
        add(percent(value, b"-._~", upper));
        add(percent(value, b"-._~/", upper));
        add(percent(value, b"-._*", upper).into_iter().collect());
        add(String::from_utf8_lossy(&percent(value, b"-._~* ", upper)).replace(' ', "+").into_bytes());
        add(percent(value, b"-._~!*'()", upper));
    }
    forms.push((hex(value).into_bytes(), Notation::Hex));
    for shift in 0..3 {
        for url in [false, true] {
            forms.push((base64_inner(value, shift, url), Notation::Base64));
        }
    }
    forms
}

fn escaped(value: &[u8], special: impl Fn(u8) -> bool) -> Vec<u8> {
    value.iter().flat_map(|b| special(*b).then_some(b'\\').into_iter().chain([*b])).collect()
}

fn percent(value: &[u8], kept: &[u8], upper: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len() * 2);
    for b in value {
        if b.is_ascii_alphanumeric() || kept.contains(b) {
            out.push(*b);
        } else {
            let code = if upper { format!("%{b:02X}") } else { format!("%{b:02x}") };
            out.extend_from_slice(code.as_bytes());
        }
    }
    out
}

/// The base64 digits that depend on `value` alone when `shift` bytes stand before it in its group of three.
fn base64_inner(value: &[u8], shift: usize, url: bool) -> Vec<u8> {
    let alphabet: &[u8; 64] = if url {
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    } else {
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    };
    let mut digits = Vec::with_capacity(value.len() * 4 / 3 + 4);
    let (mut bits, mut count) = (0u32, 0);
    for b in std::iter::repeat_n(&0, shift).chain(value) {
        bits = bits << 8 | u32::from(*b);
        count += 8;
        while count >= 6 {
            count -= 6;
            let digit = usize::try_from(bits >> count & 63).unwrap_or(0);
            digits.extend(alphabet.get(digit));
        }
        bits &= (1 << count) - 1;
    }
    let skip = [0, 2, 3].get(shift).copied().unwrap_or(0);
    digits.into_iter().skip(skip).collect()
}
