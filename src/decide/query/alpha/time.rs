//! Times in a query: lengths of time, and moments that are written down or reckoned from now.
//! Whatever is not understood is `None`, which bounds nothing.
#![expect(clippy::wildcard_enum_match_arm, reason = "what is not understood is no time")]

use crate::action::query::{Call, Expr, Literal, Node};
use chrono::{DateTime, NaiveDate, NaiveDateTime};

/// Seconds.
pub(super) type Seconds = i64;

const DAY: Seconds = 86_400;

/// A moment, as exactly as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// Whether it is counted from now; else from 1970.
    from_now: bool,
    length: Length,
}

/// A length of time, as exactly as it is known: a month has many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Length {
    least: Seconds,
    most: Seconds,
}

impl Length {
    const ZERO: Length = Length { least: 0, most: 0 };

    fn exactly(seconds: Seconds) -> Length {
        Length { least: seconds, most: seconds }
    }

    fn plus(self, other: Length) -> Option<Length> {
        Some(Length { least: self.least.checked_add(other.least)?, most: self.most.checked_add(other.most)? })
    }

    /// So many times as long.
    pub(super) fn times(self, number: i64) -> Option<Length> {
        let (one, other) = (self.least.checked_mul(number)?, self.most.checked_mul(number)?);
        Some(Length { least: one.min(other), most: one.max(other) })
    }

    /// The most that it can be, whichever way it goes.
    pub(super) fn size(self) -> Seconds {
        self.least.saturating_abs().max(self.most.saturating_abs())
    }

    /// Its bounds.
    pub(super) fn bounds(self) -> (Seconds, Seconds) {
        (self.least, self.most)
    }
}

impl Moment {
    /// The time it is.
    pub(super) const NOW: Moment = Moment { from_now: true, length: Length::ZERO };

    fn fixed(seconds: Seconds) -> Moment {
        Moment { from_now: false, length: Length::exactly(seconds) }
    }

    fn plus(self, length: Length) -> Option<Moment> {
        Some(Moment { length: self.length.plus(length)?, ..self })
    }

    /// How long it is at most from `earlier` to this; `None`: nobody here knows what time it is.
    pub(super) fn since(self, earlier: Moment) -> Option<Seconds> {
        if self.from_now != earlier.from_now {
            return None;
        }
        self.length.most.checked_sub(earlier.length.least)
    }
}

/// Names of functions that give the time it is.
const NOW: [&str; 9] = [
    "now",
    "current_timestamp",
    "localtimestamp",
    "clock_timestamp",
    "statement_timestamp",
    "transaction_timestamp",
    "systimestamp",
    "sysdate",
    "now_ns",
];

/// The length of a unit of time, whatever its spelling in PostgreSQL, QuestDB, SQLite.
fn unit(word: &str) -> Option<Length> {
    Some(match word {
        "n" | "ns" | "u" | "us" | "T" | "ms" | "millisecond" | "milliseconds" | "microsecond" | "microseconds" => {
            Length { least: 0, most: 1 }
        }
        "s" | "sec" | "secs" | "second" | "seconds" => Length::exactly(1),
        "m" | "min" | "mins" | "minute" | "minutes" => Length::exactly(60),
        "h" | "hour" | "hours" | "hr" | "hrs" => Length::exactly(3_600),
        "d" | "day" | "days" => Length::exactly(DAY),
        "w" | "week" | "weeks" => Length::exactly(7 * DAY),
        "M" | "mon" | "mons" | "month" | "months" => Length { least: 28 * DAY, most: 31 * DAY },
        "y" | "year" | "years" => Length { least: 365 * DAY, most: 366 * DAY },
        _ => return None,
    })
}

/// `1 hour 30 minutes`, `90m`, `-1 day`.
fn length(text: &str) -> Option<Length> {
    let mut rest = text.trim();
    let mut total = Length::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (sign, tail) = match rest.strip_prefix('-') {
            Some(tail) => (-1, tail),
            None => (1, rest.strip_prefix('+').unwrap_or(rest)),
        };
        let end = tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len());
        let (number, tail) = tail.split_at_checked(end)?;
        let tail = tail.trim_start();
        let end = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (word, tail) = tail.split_at_checked(end)?;
        let number: i64 = number.parse().ok()?;
        total = total.plus(unit(word)?.times(number.checked_mul(sign)?)?)?;
        rest = tail.trim_start();
    }
    Some(total)
}

/// A length of time: `interval '1 hour'`, `'1 hour'::interval`, `1h`.
pub(super) fn duration(expr: &Expr) -> Option<Length> {
    match &expr.node {
        Node::Literal(Literal::Number(text)) => length(text),
        Node::Cast { of, to } if to.path.name.as_str() == "interval" => match &of.node {
            Node::Literal(Literal::Text(text)) => length(text),
            _ => None,
        },
        Node::Operation { operator, operands, quantifier: None } if operator.symbol == "-" => match operands.as_slice()
        {
            [one] => duration(one)?.times(-1),
            _ => None,
        },
        _ => None,
    }
}

/// A whole number.
pub(super) fn whole(expr: &Expr) -> Option<i64> {
    match &expr.node {
        Node::Literal(Literal::Number(text)) => text.parse().ok(),
        Node::Operation { operator, operands, quantifier: None } if operator.symbol == "-" => match operands.as_slice()
        {
            [one] => whole(one)?.checked_neg(),
            _ => None,
        },
        _ => None,
    }
}

/// A unit by its letter, so many times: the first two arguments of QuestDB's `dateadd`.
pub(super) fn step(of: &Expr, number: &Expr) -> Option<Length> {
    match &of.node {
        Node::Literal(Literal::Text(text)) => unit(text)?.times(whole(number)?),
        _ => None,
    }
}

/// The moment that an expression means.
pub(super) fn moment(expr: &Expr) -> Option<Moment> {
    match &expr.node {
        Node::Literal(Literal::Text(text)) => written(text),
        Node::Cast { of, to } => match to.path.name.as_str() {
            "date" => moment(of)?.plus(DOWN_TO_A_DAY),
            name if name.starts_with("timestamp") => moment(of),
            _ => None,
        },
        Node::Call(call) => called(call),
        Node::Operation { operator, operands, quantifier: None } => {
            let [left, right] = operands.as_slice() else { return None };
            match operator.symbol.as_str() {
                "+" => moment(left)?.plus(duration(right)?),
                "-" => moment(left)?.plus(duration(right)?.times(-1)?),
                _ => None,
            }
        }
        _ => None,
    }
}

/// What is lost when a moment is cut down to its day.
const DOWN_TO_A_DAY: Length = Length { least: -DAY, most: 0 };

fn called(call: &Call) -> Option<Moment> {
    let name = call.function.path.name.as_str();
    let text = |number: usize| match &call.arguments.get(number)?.node {
        Node::Literal(Literal::Text(text)) => Some(text.as_str()),
        _ => None,
    };
    match name {
        _ if NOW.contains(&name) => Some(Moment::NOW),
        "current_date" | "today" => Moment::NOW.plus(DOWN_TO_A_DAY),
        "date_trunc" => {
            let cut = unit(text(0)?)?.times(-1)?;
            moment(call.arguments.get(1)?)?.plus(Length { most: 0, ..cut })
        }
        "dateadd" => moment(call.arguments.get(2)?)?.plus(step(call.arguments.first()?, call.arguments.get(1)?)?),
        "datetime" => match (text(0)?, call.arguments.len()) {
            ("now", 1) => Some(Moment::NOW),
            ("now", 2) => Moment::NOW.plus(length(text(1)?)?),
            _ => None,
        },
        _ => None,
    }
}

/// `2024-01-01`, `2024-01-01 10:00:00`, `2024-01-01T10:00:00Z`.
fn written(text: &str) -> Option<Moment> {
    let text = text.trim();
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(Moment::fixed(day.and_hms_opt(0, 0, 0)?.and_utc().timestamp()));
    }
    let with_zone = ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z"];
    if let Some(at) = with_zone.iter().find_map(|form| DateTime::parse_from_str(text, form).ok()) {
        return Some(Moment::fixed(at.timestamp()));
    }
    let bare = text.strip_suffix('Z').unwrap_or(text);
    let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"];
    let at = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(bare, form).ok())?;
    Some(Moment::fixed(at.and_utc().timestamp()))
}

/// The beginning and the end of what QuestDB's `timestamp IN '2024-01-01'` means.
pub(super) fn part(text: &str) -> Option<(Moment, Moment)> {
    let (form, rest, length) = match text.len() {
        4 => ("%Y-%m-%d", "-01-01", 366 * DAY),
        7 => ("%Y-%m-%d", "-01", 31 * DAY),
        10 => ("%Y-%m-%d", "", DAY),
        13 => ("%Y-%m-%dT%H:%M", ":00", 3_600),
        16 => ("%Y-%m-%dT%H:%M", "", 60),
        _ => return None,
    };
    let whole = format!("{text}{rest}");
    let at = match length {
        60 | 3_600 => NaiveDateTime::parse_from_str(&whole, form).ok()?,
        _ => NaiveDate::parse_from_str(&whole, form).ok()?.and_hms_opt(0, 0, 0)?,
    };
    let first = Moment::fixed(at.and_utc().timestamp());
    Some((first, first.plus(Length::exactly(length))?))
}
