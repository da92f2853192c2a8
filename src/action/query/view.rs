//! A view's own query in the statement that made it, where an engine keeps that.

use super::Engine;
use super::token::{Sort, tokens};

/// What stands behind the AS of `CREATE VIEW name (columns) AS …`; `None`: there is none.
pub fn own_query(engine: Engine, made: &str) -> Option<&str> {
    let tokens = tokens(engine, made).ok()?;
    let mut depth = 0_usize;
    for (index, token) in tokens.list.iter().enumerate() {
        match token.sort {
            Sort::Open => depth += 1,
            Sort::Close => depth = depth.saturating_sub(1),
            Sort::Word if depth == 0 && tokens.is_word(index, "as") => return made.get(token.end as usize..),
            Sort::Word
            | Sort::Quoted
            | Sort::Text
            | Sort::Number
            | Sort::Comma
            | Sort::Semicolon
            | Sort::Dot
            | Sort::Symbol => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_as_outside_of_brackets_and_quotes_begins_it() {
        for (made, own) in [
            ("CREATE VIEW v AS SELECT 1 AS a", Some(" SELECT 1 AS a")),
            ("CREATE VIEW IF NOT EXISTS \"as\" (a, [as]) -- as\n as SELECT 1", Some(" SELECT 1")),
            ("CREATE VIEW v", None),
        ] {
            assert_eq!(own_query(Engine::Sqlite, made), own);
        }
    }
}
