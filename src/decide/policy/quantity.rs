//! Durations and sizes as people write them: `60s`, `2m30s`, `10MB`, `1GiB`.
//! Knows no keys.

use std::time::Duration;

/// Units of time and their seconds; milliseconds are written `ms`.
const SECONDS: [(&str, u64); 6] = [("s", 1), ("sec", 1), ("m", 60), ("min", 60), ("h", 3600), ("d", 86400)];

/// Units of size and their bytes: decimal as SI has it, binary with an `i`.
const BYTES: [(&str, u64); 8] = [
    ("B", 1),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// Reads `90s`, `5min`, `1m30s`, `250ms`; a bare number has no unit and is refused. `None`: not a duration.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, tail) = number(rest)?;
        let (unit, tail) = unit(tail);
        let part = if unit == "ms" {
            Duration::from_millis(number)
        } else {
            let (_, seconds) = SECONDS.iter().find(|(name, _)| *name == unit)?;
            Duration::from_secs(number.checked_mul(*seconds)?)
        };
        total = total.checked_add(part)?;
        rest = tail.trim_start();
    }
    Some(total)
}

/// Reads `10MB`, `1GiB`, `512KiB`. `None`: not a size.
pub(crate) fn size(text: &str) -> Option<u64> {
    let (number, tail) = number(text.trim())?;
    let (unit, tail) = unit(tail);
    if !tail.is_empty() {
        return None;
    }
    let (_, bytes) = BYTES.iter().find(|(name, _)| *name == unit)?;
    number.checked_mul(*bytes)
}

fn number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, tail) = text.split_at_checked(end)?;
    Some((digits.parse().ok()?, tail.trim_start()))
}

fn unit(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_their_units() {
        let seconds = Duration::from_secs;
        let table = [
            ("60s", Some(seconds(60))),
            ("1m30s", Some(seconds(90))),
            ("1m 30s", Some(seconds(90))),
            ("5min", Some(seconds(300))),
            ("2h", Some(seconds(7200))),
            ("250ms", Some(Duration::from_millis(250))),
            ("60", None),
            ("", None),
            ("s", None),
            ("-1s", None),
            ("1.5s", None),
            ("1fortnight", None),
            ("99999999999999999999s", None),
            ("18446744073709551615h", None),
        ];
        for (text, expected) in table {
            assert_eq!(duration(text), expected, "{text:?}");
        }
    }

    #[test]
    fn sizes_are_decimal_or_binary_as_written() {
        let table = [
            ("10MB", Some(10_000_000)),
            ("1GB", Some(1_000_000_000)),
            ("1GiB", Some(1 << 30)),
            ("4 KiB", Some(4096)),
            ("7B", Some(7)),
            ("10", None),
            ("10MB5", None),
            ("99999999999GB", None),
        ];
        for (text, expected) in table {
            assert_eq!(size(text), expected, "{text:?}");
        }
    }
}
