//! Arithmetic: what it comes to, what it sets, and what bash would evaluate inside it.
//! Knows that the value of a variable is an expression of its own there (`x='a[$(cmd)]'; echo $((x))`).

use super::parameter::is_name;
use super::parse::Piece;
use super::walk::Walk;
use std::ops::Range;

impl Walk<'_> {
    /// Walks an arithmetic expression; its value, where it is plain numbers.
    pub(super) fn arithmetic(&mut self, pieces: &[Piece], span: &Range<usize>) -> Option<String> {
        let mut text = String::new();
        let mut known = true;
        for piece in pieces {
            match piece {
                Piece::Bare(part) | Piece::Quoted(part) => text.push_str(part),
                Piece::Parameter(parameter) => {
                    let (value, _) = self.joined(std::slice::from_ref(piece), span);
                    let plain = parameter.index.is_none() && parameter.rest.is_empty();
                    match value {
                        Some(value) => text.push_str(&value),
                        None => {
                            known = false;
                            // Its text is evaluated like a variable's.
                            if plain && is_name(&parameter.name) {
                                self.evaluates(&parameter.name, span);
                            } else if !matches!(parameter.name.as_str(), "#" | "?" | "$" | "!")
                                && parameter.operation != super::parse::Operation::Length
                            {
                                self.unproven("arithmetic on text that is not known", span);
                            }
                            text.push_str(" 1 ");
                        }
                    }
                }
                Piece::Arithmetic(inner, _) => match self.arithmetic(inner, span) {
                    Some(value) => text.push_str(&value),
                    None => {
                        known = false;
                        text.push_str(" 1 ");
                    }
                },
                Piece::Command(..) | Piece::Backquoted(..) | Piece::Process(_) => {
                    let (value, _) = self.joined(std::slice::from_ref(piece), span);
                    match value {
                        Some(value) => text.push_str(&value),
                        None => {
                            known = false;
                            self.unproven("arithmetic on the output of a command", span);
                            text.push_str(" 1 ");
                        }
                    }
                }
            }
        }
        let value = self.arithmetic_text(&text, span);
        value.filter(|_| known)
    }

    /// An index of an array, or a name with one: evaluated unless it is a plain key.
    pub(super) fn subscript(&mut self, pieces: &[Piece], span: &Range<usize>) {
        self.arithmetic(pieces, span);
    }

    /// The same for text that is known as a whole (`let x=1`, `[[ -v 'a[$(cmd)]' ]]`).
    pub(super) fn arithmetic_text(&mut self, text: &str, span: &Range<usize>) -> Option<String> {
        if text.contains(['$', '`']) {
            self.evaluated_text(text, span);
            self.unproven("arithmetic that expands its text again", span);
            return None;
        }
        let bytes = text.as_bytes();
        let mut names = Vec::new();
        let mut at = 0;
        while let Some(byte) = bytes.get(at).copied() {
            let start = at;
            while bytes.get(at).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_' || *b == b'#') {
                at += 1;
            }
            if at == start {
                at += 1;
                continue;
            }
            if byte.is_ascii_digit() || byte == b'#' {
                continue;
            }
            names.push((text.get(start..at).unwrap_or(""), start, at));
        }
        if names.is_empty() {
            return evaluate(text);
        }
        for (name, start, end) in names {
            let name = name.trim_end_matches('#');
            if sets(text, start, end) {
                self.assign_number(name);
                self.dangerous(name, &super::Word::default());
            }
            self.evaluates(name, span);
        }
        None
    }

    /// Notes that the value of `name` is evaluated as an expression.
    fn evaluates(&mut self, name: &str, span: &Range<usize>) {
        if let Some(value) = self.value(name)
            && !value.bytes().all(|b| b.is_ascii_digit() || b == b'-')
        {
            if is_name(&value) {
                if value != name && self.evaluated.len() < 256 {
                    let place = self.place(span);
                    self.evaluated.push((value, place));
                }
            } else {
                self.evaluated_text(&value, span);
                self.unproven(format!("arithmetic on `{name}`, whose text it would evaluate"), span);
            }
        }
        if self.suspecting {
            return;
        }
        if self.evaluated.len() < 256 {
            let place = self.place(span);
            if !self.evaluated.iter().any(|(known, _)| known == name) {
                self.evaluated.push((name.to_owned(), place));
            }
        } else {
            self.unproven("more arithmetic than guard follows", span);
        }
    }
}

/// Whether the name at `start..end` is assigned to.
fn sets(text: &str, start: usize, end: usize) -> bool {
    let before = text.get(..start).unwrap_or("").trim_end();
    let mut after = text.get(end..).unwrap_or("").trim_start();
    if before.ends_with("++") || before.ends_with("--") || after.starts_with("++") || after.starts_with("--") {
        return true;
    }
    if after.starts_with('[') {
        after = after.find(']').and_then(|at| after.get(at + 1..)).unwrap_or("").trim_start();
        if after.starts_with("++") || after.starts_with("--") {
            return true;
        }
    }
    let behind = after.trim_start_matches(['+', '-', '*', '/', '%', '&', '|', '^', '<', '>']);
    behind.starts_with('=') && !behind.starts_with("==") && !matches!(after.get(..2), Some("<=" | ">="))
}

/// The value of an expression of plain decimal numbers with `+ - * / %` and parentheses.
fn evaluate(text: &str) -> Option<String> {
    let tokens: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    if tokens.len() > 64 || tokens.is_empty() {
        return None;
    }
    let mut at = 0;
    let value = sum(&tokens, &mut at, 0)?;
    (at == tokens.len()).then(|| value.to_string())
}

fn sum(tokens: &[char], at: &mut usize, depth: usize) -> Option<i64> {
    let mut value = product(tokens, at, depth)?;
    while let Some(sign @ ('+' | '-')) = tokens.get(*at).copied() {
        *at += 1;
        let next = product(tokens, at, depth)?;
        value = if sign == '+' { value.checked_add(next)? } else { value.checked_sub(next)? };
    }
    Some(value)
}

fn product(tokens: &[char], at: &mut usize, depth: usize) -> Option<i64> {
    let mut value = unit(tokens, at, depth)?;
    while let Some(sign @ ('*' | '/' | '%')) = tokens.get(*at).copied() {
        *at += 1;
        let next = unit(tokens, at, depth)?;
        value = match sign {
            '*' => value.checked_mul(next)?,
            '/' => value.checked_div(next)?,
            _ => value.checked_rem(next)?,
        };
    }
    Some(value)
}

fn unit(tokens: &[char], at: &mut usize, depth: usize) -> Option<i64> {
    if depth > 16 {
        return None;
    }
    match tokens.get(*at)? {
        '(' => {
            *at += 1;
            let value = sum(tokens, at, depth + 1)?;
            (tokens.get(*at) == Some(&')')).then(|| *at += 1)?;
            Some(value)
        }
        '-' => {
            *at += 1;
            unit(tokens, at, depth + 1)?.checked_neg()
        }
        _ => {
            let start = *at;
            while tokens.get(*at).is_some_and(char::is_ascii_digit) {
                *at += 1;
            }
            let digits: String = tokens.get(start..*at)?.iter().collect();
            // A leading zero means octal.
            if digits.len() > 1 && digits.starts_with('0') { None } else { digits.parse().ok() }
        }
    }
}
