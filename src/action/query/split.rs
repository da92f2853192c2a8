//! A text of several statements, cut where one ends and the next begins, by guard's own tokens.
//! Judges nothing: each part is read by itself.

use super::token::{Sort, Token, Tokens, tokens};
use super::{Engine, Place, Unreadable};

/// One statement of a text, without the `;` that ends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::action) struct Piece {
    /// As it was written, from its first token to its last.
    pub(in crate::action) text: String,
    /// Where it begins.
    pub(in crate::action) at: Place,
    /// Its tokens.
    pub(in crate::action) words: Vec<Word>,
}

/// A token of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::action) struct Word {
    /// As it was written; a keyword or a name without quotes in small letters.
    pub(in crate::action) text: String,
    /// What it is.
    pub(in crate::action) sort: WordSort,
    /// Brackets it stands within.
    pub(in crate::action) depth: usize,
}

/// What a token of a statement is, as far as that matters outside of queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::action) enum WordSort {
    /// A keyword, or a name without quotes.
    Plain,
    /// A name in quotes.
    Quoted,
    /// A string or a number.
    Value,
    /// Anything else: brackets, commas, operators.
    Sign,
}

/// Cuts a text into its statements.
///
/// # Errors
/// Where a quote, a comment or a token does not end, so that nobody can tell where a statement does.
pub(in crate::action) fn pieces(engine: Engine, text: &str) -> Result<Vec<Piece>, Unreadable> {
    let tokens = tokens(engine, text)?;
    let (mut pieces, mut begun, mut inside) = (Vec::new(), Vec::<Word>::new(), Inside::default());
    let (mut first, mut last): (Option<&Token>, Option<&Token>) = (None, None);
    for token in &tokens.list {
        if token.sort == Sort::Semicolon && inside.is_over() {
            pieces.extend(piece(&tokens, first, last, std::mem::take(&mut begun)));
            (first, last, inside) = (None, None, Inside::default());
            continue;
        }
        let written = tokens.of(token);
        let sort = match token.sort {
            Sort::Word => WordSort::Plain,
            Sort::Quoted => WordSort::Quoted,
            Sort::Text | Sort::Number => WordSort::Value,
            Sort::Open | Sort::Close | Sort::Comma | Sort::Semicolon | Sort::Dot | Sort::Symbol => WordSort::Sign,
        };
        let text = if sort == WordSort::Plain { written.to_ascii_lowercase() } else { written.to_owned() };
        let depth = inside.depth;
        inside.take(token.sort, &text, begun.len());
        begun.push(Word { text, sort, depth: depth.min(inside.depth) });
        first = first.or(Some(token));
        last = Some(token);
    }
    pieces.extend(piece(&tokens, first, last, begun));
    Ok(pieces)
}

fn piece(tokens: &Tokens<'_>, first: Option<&Token>, last: Option<&Token>, words: Vec<Word>) -> Option<Piece> {
    let (first, last) = (first?, last?);
    Some(Piece { text: tokens.between(first.at.offset, last.end).to_owned(), at: first.at, words })
}

/// What a `;` may stand within without ending the statement.
#[derive(Debug, Default)]
struct Inside {
    depth: usize,
    /// Blocks of a body that is written as statements: a trigger of SQLite, `BEGIN ATOMIC`.
    blocks: usize,
    creates: bool,
    has_body: bool,
}

impl Inside {
    fn is_over(&self) -> bool {
        self.depth == 0 && self.blocks == 0
    }

    fn take(&mut self, sort: Sort, word: &str, index: usize) {
        match sort {
            Sort::Open => self.depth += 1,
            Sort::Close => self.depth = self.depth.saturating_sub(1),
            Sort::Word if index == 0 => self.creates = word == "create",
            Sort::Word if self.creates => match word {
                "trigger" | "function" | "procedure" => self.has_body = true,
                "begin" if self.has_body => self.blocks += 1,
                "case" if self.blocks > 0 => self.blocks += 1,
                "end" => self.blocks = self.blocks.saturating_sub(1),
                _ => {}
            },
            Sort::Word | Sort::Quoted | Sort::Text | Sort::Number => {}
            Sort::Comma | Sort::Semicolon | Sort::Dot | Sort::Symbol => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(engine: Engine, text: &str) -> Vec<String> {
        pieces(engine, text).unwrap().into_iter().map(|piece| piece.text).collect()
    }

    #[test]
    fn a_text_is_cut_at_semicolons_that_end_a_statement() {
        let body =
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 2 END; END";
        let table = [
            ("", vec![]),
            (" ; ;-- nothing\n", vec![]),
            ("SELECT 1; SELECT 2;", vec!["SELECT 1", "SELECT 2"]),
            ("SELECT ';'; /* ; */ SELECT $x$ ; $x$", vec!["SELECT ';'", "SELECT $x$ ; $x$"]),
            ("SELECT \";\" -- ;\n, 1; SELECT 2", vec!["SELECT \";\" -- ;\n, 1", "SELECT 2"]),
            (body, vec![body]),
            ("BEGIN; SELECT 1; END;", vec!["BEGIN", "SELECT 1", "END"]),
        ];
        for (text, expected) in table {
            assert_eq!(texts(Engine::Postgres, text), expected, "{text}");
        }
        let trigger =
            "CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; UPDATE c SET d = CASE 1 WHEN 1 THEN 2 END; END";
        assert_eq!(texts(Engine::Sqlite, &format!("{trigger}; DROP TABLE a;")), [trigger, "DROP TABLE a"]);
    }

    #[test]
    fn a_text_whose_quotes_do_not_end_is_not_cut() {
        assert!(pieces(Engine::Postgres, "SELECT 1; SELECT '").is_err());
        assert!(pieces(Engine::Postgres, "DO $$ BEGIN").is_err());
    }
}
