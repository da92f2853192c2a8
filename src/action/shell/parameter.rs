//! `$name` and `${name…}`: what they yield, where that is certain.
//! Knows bash's operators on values.

use super::expand::Yield;
use super::parse::{Operation, Parameter, Piece, parse_text};
use super::walk::Walk;
use std::ops::Range;

impl Walk<'_> {
    /// Walks a parameter expansion and tells what it yields.
    pub(super) fn parameter(&mut self, parameter: &Parameter, span: &Range<usize>) -> Yield {
        let mut elements = None;
        if let Some(index) = &parameter.index {
            let (index_text, _) = self.joined(index, span);
            if matches!(index_text.as_deref(), Some("@" | "*")) {
                elements = Some(Yield::Many);
            } else {
                self.subscript(index, span);
                elements = Some(Yield::Unknown);
            }
        }
        let value = match elements {
            Some(elements) => elements,
            None => self.plain(&parameter.name, parameter.quoted),
        };
        match parameter.operation {
            Operation::Value => match (value, self.scope.pattern(&parameter.name)) {
                (Yield::Unknown, Some(pattern)) if parameter.quoted => Yield::Pattern(pattern),
                (value, _) => value,
            },
            Operation::Length => match value {
                Yield::Known(value) => Yield::Known(value.chars().count().to_string()),
                Yield::Words(words) => Yield::Known(words.len().to_string()),
                Yield::Unknown | Yield::Pattern(_) | Yield::Many => Yield::Unknown,
            },
            Operation::Indirect => self.indirect(&value, span),
            Operation::Test(mark, colon) => self.tested(parameter, value, mark, colon, span),
            Operation::Slice => {
                self.arithmetic(&parameter.rest, span);
                let (rest, _) = self.joined(&parameter.rest, span);
                match (value, rest) {
                    (Yield::Known(value), Some(rest)) => sliced(&value, &rest).map_or(Yield::Unknown, Yield::Known),
                    (Yield::Words(_) | Yield::Many, _) => Yield::Many,
                    _ => Yield::Unknown,
                }
            }
            Operation::Transform(letter) => self.transformed(value, letter, span),
            Operation::Trim(..) | Operation::Replace | Operation::Case(..) => {
                let (rest, _) = self.joined(&parameter.rest, span);
                // Quoted pattern characters stand for themselves.
                let plain =
                    |piece: &Piece| !matches!(piece, Piece::Quoted(text) if text.contains(['*', '?', '[', '/', '\\']));
                let rest = rest.filter(|_| parameter.rest.iter().all(plain));
                match (value, rest) {
                    (Yield::Known(value), Some(rest)) if self.spend(value.len() * value.len().min(64) / 8) => {
                        changed(&value, parameter.operation, &rest).map_or(Yield::Unknown, Yield::Known)
                    }
                    (Yield::Words(_) | Yield::Many, _) => Yield::Many,
                    _ => Yield::Unknown,
                }
            }
            Operation::Other => {
                self.joined(&parameter.rest, span);
                self.unproven("an expansion that guard does not follow", span);
                Yield::Many
            }
        }
    }

    fn plain(&mut self, name: &str, quoted: bool) -> Yield {
        let positional = self.scope.positional.clone();
        match name {
            "@" => positional.map_or(Yield::Many, Yield::Words),
            "*" if quoted => positional.map_or(Yield::Unknown, |words| Yield::Known(words.join(" "))),
            "*" => positional.map_or(Yield::Many, Yield::Words),
            "#" => positional.map_or(Yield::Unknown, |words| Yield::Known(words.len().to_string())),
            "?" | "-" | "$" | "!" | "0" | "" => Yield::Unknown,
            name if name.starts_with(|c: char| c.is_ascii_digit()) => {
                let Some(words) = positional else { return Yield::Unknown };
                let number = name.parse::<usize>().unwrap_or(usize::MAX);
                Yield::Known(words.get(number.saturating_sub(1)).cloned().unwrap_or_default())
            }
            name => self.value(name).map_or(Yield::Unknown, Yield::Known),
        }
    }

    /// `${!x}`: the variable that `x` names, which may hold an index with a substitution.
    fn indirect(&mut self, value: &Yield, span: &Range<usize>) -> Yield {
        match value {
            Yield::Known(name) if is_name(name) => self.value(name).map_or(Yield::Unknown, Yield::Known),
            Yield::Known(_) | Yield::Unknown | Yield::Pattern(_) | Yield::Words(_) | Yield::Many => {
                if let Yield::Known(text) = value {
                    self.evaluated_text(text, span);
                }
                self.unproven("an indirect expansion", span);
                Yield::Many
            }
        }
    }

    fn tested(&mut self, parameter: &Parameter, value: Yield, mark: u8, colon: bool, span: &Range<usize>) -> Yield {
        let (rest, _) = self.joined(&parameter.rest, span);
        // Quotes in it keep it from being split, which a plain value does not tell.
        let splits = parameter.quoted || !parameter.rest.iter().any(|piece| matches!(piece, Piece::Quoted(_)));
        let other = match rest {
            Some(rest) if splits => Yield::Known(rest),
            _ if parameter.quoted => Yield::Unknown,
            _ => Yield::Many,
        };
        let is_variable = is_name(&parameter.name);
        if mark == b'=' && is_variable {
            self.assign(&parameter.name, None);
            self.dangerous(&parameter.name, &super::Word::default());
        }
        match (mark, value) {
            // Known variables are set; an empty one counts as unset behind a colon only.
            (b'+', Yield::Known(value)) if !value.is_empty() => other,
            (b'+', _) => Yield::Many,
            (_, Yield::Known(value)) if !value.is_empty() => Yield::Known(value),
            (b'-', Yield::Known(_)) if colon => other,
            (_, Yield::Known(_)) if is_variable && !colon => Yield::Known(String::new()),
            (_, Yield::Words(words)) if !words.is_empty() => Yield::Words(words),
            (_, Yield::Words(_) | Yield::Many) => Yield::Many,
            _ => Yield::Unknown,
        }
    }

    /// `${x@P}` and its like; `P` runs the substitutions in the value.
    fn transformed(&mut self, value: Yield, letter: u8, span: &Range<usize>) -> Yield {
        match (letter, value) {
            (b'P', value) => {
                if let Yield::Known(text) = value {
                    self.evaluated_text(&text, span);
                }
                self.unproven("a value that is expanded again (`@P`)", span);
                Yield::Unknown
            }
            (b'U', Yield::Known(value)) => Yield::Known(value.to_uppercase()),
            (b'L', Yield::Known(value)) => Yield::Known(value.to_lowercase()),
            (_, Yield::Words(_) | Yield::Many) => Yield::Many,
            _ => Yield::Unknown,
        }
    }

    /// Walks the substitutions in text that bash expands a second time.
    pub(super) fn evaluated_text(&mut self, text: &str, span: &Range<usize>) {
        if !text.contains(['$', '`']) || self.layers >= super::walk::LAYERS {
            return;
        }
        let fixed = self.place(span);
        let before = self.fixed.replace(fixed);
        self.layers += 1;
        match parse_text(text) {
            Ok(pieces) => {
                self.joined(&pieces, span);
            }
            Err(_) => self.suspect_text(text, span.clone()),
        }
        self.layers -= 1;
        self.fixed = before;
    }
}

pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// `${value:offset:length}` for plain numbers.
fn sliced(value: &str, rest: &str) -> Option<String> {
    let (offset, length) = match rest.split_once(':') {
        Some((offset, length)) => (offset.trim(), Some(length.trim())),
        None => (rest.trim(), None),
    };
    let count = value.chars().count();
    let at = |text: &str| -> Option<usize> {
        let number = text.parse::<i64>().ok()?;
        match usize::try_from(number) {
            Ok(number) => Some(number.min(count)),
            Err(_) => count.checked_sub(usize::try_from(number.unsigned_abs()).ok()?),
        }
    };
    let start = at(offset)?;
    let end = match length {
        None => count,
        Some(length) if length.starts_with('-') => at(length)?,
        Some(length) => start.checked_add(at(length)?)?.min(count),
    };
    let taken = end.checked_sub(start)?;
    Some(value.chars().skip(start).take(taken).collect())
}

/// Trimming, replacing and changes of case, for patterns that are simple enough.
fn changed(value: &str, operation: Operation, rest: &str) -> Option<String> {
    match operation {
        Operation::Trim(mark, longest) => trimmed(value, rest, mark == b'#', longest),
        Operation::Case(mark, all) if rest.is_empty() => {
            let change = |text: &str| if mark == b'^' { text.to_uppercase() } else { text.to_lowercase() };
            if all {
                return Some(change(value));
            }
            let first = value.chars().next().map_or(0, char::len_utf8);
            Some(change(value.get(..first)?) + value.get(first..)?)
        }
        Operation::Replace => {
            let (all, rest) = match rest.strip_prefix('/') {
                Some(rest) => (true, rest),
                None => (false, rest),
            };
            let (pattern, with) = rest.split_once('/').unwrap_or((rest, ""));
            if pattern.is_empty() || pattern.contains(['*', '?', '[', '\\', '#', '%']) || with.contains(['&', '\\']) {
                return None;
            }
            Some(if all { value.replace(pattern, with) } else { value.replacen(pattern, with, 1) })
        }
        Operation::Value
        | Operation::Length
        | Operation::Indirect
        | Operation::Test(..)
        | Operation::Slice
        | Operation::Case(..)
        | Operation::Transform(_)
        | Operation::Other => None,
    }
}

/// Takes a prefix (`front`) or suffix that matches `pattern` away, the longest or the shortest.
fn trimmed(value: &str, pattern: &str, front: bool, longest: bool) -> Option<String> {
    if pattern.contains(['[', '\\', '(']) || value.len() > 64 || pattern.len() > 16 {
        return None;
    }
    let mut ends: Vec<usize> = value.char_indices().map(|(at, _)| at).chain([value.len()]).collect();
    if front == longest {
        ends.reverse();
    }
    for at in ends {
        let (head, tail) = (value.get(..at)?, value.get(at..)?);
        let (part, kept) = if front { (head, tail) } else { (tail, head) };
        if fits(part, pattern) {
            return Some(kept.to_owned());
        }
    }
    Some(value.to_owned())
}

/// Whether `text` as a whole matches a pattern of `*`, `?` and plain characters.
fn fits(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    let (mut t, mut p, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || text.get(t) == Some(c) => {
                t += 1;
                p += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, t) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|c| *c == '*'))
}
