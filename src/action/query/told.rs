//! A query as it is told: without the values in it, for a log that must not show them, and the word it begins with.

use super::Query;
use super::token::{Sort, tokens};

impl Query {
    /// The word it begins with, in small letters; `None`: it begins with none.
    pub fn first_word(&self) -> Option<String> {
        tokens(self.engine, &self.text).ok()?.word(0)
    }

    /// The statement with a `?` in the place of each string and number, without comments, on one line.
    pub fn without_literals(&self) -> String {
        // A query that was read has tokens.
        let Ok(tokens) = tokens(self.engine, &self.text) else { return String::new() };
        let mut shown = String::with_capacity(self.text.len());
        let mut before = 0;
        for token in &tokens.list {
            if !shown.is_empty() && token.at.offset > before {
                shown.push(' ');
            }
            before = token.end;
            match token.sort {
                Sort::Text | Sort::Number => shown.push('?'),
                Sort::Word
                | Sort::Quoted
                | Sort::Open
                | Sort::Close
                | Sort::Comma
                | Sort::Semicolon
                | Sort::Dot
                | Sort::Symbol => shown.push_str(tokens.of(token)),
            }
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use crate::action::query::{Engine, read};

    #[test]
    fn no_value_is_left_and_no_comment() {
        for (sql, expected) in [
            (
                "SELECT name FROM people WHERE name = 'Jane' AND n > 42 -- of Jane",
                "SELECT name FROM people WHERE name = ? AND n > ?",
            ),
            ("SELECT $$Jane$$, E'Ja\\ne', B'01', 1.5e3, -7 /* Jane */ ;", "SELECT ?, ?, ?, ?, -? ;"),
            ("SELECT\n  \"a 1\"\nFROM t1", "SELECT \"a 1\" FROM t1"),
        ] {
            assert_eq!(read(Engine::Postgres, sql).unwrap().without_literals(), expected);
        }
    }
}
