//! guard's own tokens of SQL: where words, strings, numbers and brackets begin and end by each engine's rules. They bound what the
//! parsers are given, and every parser must find the same ones.
//!
//! Sources: PostgreSQL's `scan.l` (15 to 18, `standard_conforming_strings` on), SQLite's `tokenize.c`, QuestDB's `GenericLexer`
//! and `SqlUtil`. What an engine reads in a way that another program could miss is refused, not followed.

use super::{Engine, Fault, Place, Unreadable};

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::action) enum Sort {
    /// A name or keyword without quotes.
    Word,
    /// A name in quotes: `"…"`; SQLite's `` `…` `` and `[…]`.
    Quoted,
    /// A string with its prefix: `'…'`, `E'…'`, `$$…$$`.
    Text,
    /// A number; QuestDB's durations too.
    Number,
    /// `(`, `[`, `{`.
    Open,
    /// `)`, `]`, `}`.
    Close,
    /// `,`.
    Comma,
    /// `;`.
    Semicolon,
    /// `.`.
    Dot,
    /// One character of an operator; QuestDB's variables begin with `@`.
    Symbol,
}

/// A token and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::action) struct Token {
    pub(in crate::action) sort: Sort,
    pub(in crate::action) at: Place,
    /// Where it ends, in bytes.
    pub(in crate::action) end: u32,
}

/// A text and its tokens.
#[derive(Debug)]
pub(in crate::action) struct Tokens<'a> {
    pub(in crate::action) engine: Engine,
    pub(in crate::action) text: &'a str,
    pub(in crate::action) list: Vec<Token>,
}

impl<'a> Tokens<'a> {
    /// The text between two offsets; empty if they are not of this text.
    pub(in crate::action) fn between(&self, start: u32, end: u32) -> &'a str {
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }

    /// The text of a token.
    pub(in crate::action) fn of(&self, token: &Token) -> &'a str {
        self.between(token.at.offset, token.end)
    }

    /// The place of the token that begins at or before an offset.
    pub(in crate::action) fn place(&self, offset: u32) -> Place {
        let after = self.list.partition_point(|token| token.at.offset <= offset);
        after.checked_sub(1).and_then(|index| self.list.get(index)).map_or(Place::START, |token| token.at)
    }

    /// The place of the token that begins at or before a line and column.
    pub(in crate::action) fn at(&self, line: u64, column: u64) -> Place {
        let wanted = (line, column);
        let after = self.list.partition_point(|token| (u64::from(token.at.line), u64::from(token.at.column)) <= wanted);
        after.checked_sub(1).and_then(|index| self.list.get(index)).map_or(Place::START, |token| token.at)
    }

    /// The nearest place before another where that word stands.
    pub(in crate::action) fn word_before(&self, before: Place, word: &str) -> Option<Place> {
        let end = self.list.partition_point(|token| token.at < before);
        let earlier = self.list.get(..end)?.iter().rev();
        let fits = |token: &&Token| token.sort == Sort::Word && self.of(token).eq_ignore_ascii_case(word);
        earlier.into_iter().find(fits).map(|token| token.at)
    }

    /// Whether the token right before a place is this word.
    pub(in crate::action) fn follows_word(&self, place: Place, word: &str) -> bool {
        let before = self.list.partition_point(|token| token.at < place).checked_sub(1);
        before.is_some_and(|before| self.is_word(before, word))
    }

    /// The text of the token at an index, if it is a word, in small letters.
    pub(in crate::action) fn word(&self, index: usize) -> Option<String> {
        let token = self.list.get(index)?;
        (token.sort == Sort::Word).then(|| self.of(token).to_ascii_lowercase())
    }

    /// Whether the token at an index is this word.
    pub(in crate::action) fn is_word(&self, index: usize, word: &str) -> bool {
        let is = |token: &Token| token.sort == Sort::Word && self.of(token).eq_ignore_ascii_case(word);
        self.list.get(index).is_some_and(is)
    }
}

/// Walks over the characters and knows where it is.
struct Walk<'a> {
    engine: Engine,
    text: &'a str,
    rest: std::str::Chars<'a>,
    place: Place,
}

impl Walk<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn second(&self) -> Option<char> {
        self.rest.clone().nth(1)
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        self.place.offset += u32::try_from(c.len_utf8()).unwrap_or_default();
        if c == '\n' {
            self.place.line += 1;
            self.place.column = 1;
        } else {
            self.place.column += 1;
        }
        Some(c)
    }

    /// Eats while `of` holds.
    fn while_(&mut self, of: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&of) {
            self.next();
        }
    }

    fn broken(&self, at: Place, why: &str, instead: &str) -> Unreadable {
        Unreadable::new(Fault::Broken, at, why).instead(instead)
    }

    /// Eats to the closing quote, which doubled stands for itself, and which behind a backslash does not close if `escapes`.
    fn quoted(&mut self, start: Place, close: char, escapes: bool) -> Result<(), Unreadable> {
        while let Some(c) = self.next() {
            if escapes && c == '\\' {
                self.next();
            } else if c == close {
                if self.peek() != Some(close) || close == ']' {
                    return Ok(());
                }
                if self.engine == Engine::QuestDb && close == '"' {
                    return Err(self.broken(
                        start,
                        "a quote inside a quoted name",
                        "name the column or table without it",
                    ));
                }
                self.next();
            }
        }
        Err(self.broken(start, &format!("`{close}` is missing: the quote never ends"), "close the quote"))
    }

    /// Eats a comment, if one begins here.
    fn comment(&mut self) -> Result<bool, Unreadable> {
        let start = self.place;
        match (self.peek(), self.second()) {
            (Some('-'), Some('-')) => self.while_(|c| c != '\n'),
            (Some('/'), Some('*')) => {
                self.next();
                self.next();
                let mut depth = 1;
                while depth > 0 {
                    match (self.next(), self.peek()) {
                        (Some('/'), Some('*')) if self.engine == Engine::Postgres => {
                            self.next();
                            depth += 1;
                        }
                        (Some('/'), Some('*')) => {
                            return Err(self.broken(start, "a comment within a comment", "leave the comment out"));
                        }
                        (Some('*'), Some('/')) => {
                            self.next();
                            depth -= 1;
                        }
                        (Some(_), _) => {}
                        (None, _) => return Err(self.broken(start, "the comment never ends", "close it with `*/`")),
                    }
                }
            }
            _ => return Ok(false),
        }
        // QuestDB's lexer sees quotes even inside comments, so a comment with one may end elsewhere than people think.
        let text = self.text.get(start.offset as usize..self.place.offset as usize).unwrap_or_default();
        let inner = text.get(2..).unwrap_or_default();
        let odd = |c: char| matches!(c, '\'' | '"' | '`' | ';');
        if self.engine == Engine::QuestDb && (inner.contains(odd) || inner.contains("--") || inner.contains("/*")) {
            return Err(self.broken(start, "a quote or `;` inside a comment", "leave the comment out"));
        }
        Ok(true)
    }

    /// Eats a dollar-quoted string, if one begins here: `$tag$ … $tag$`.
    fn dollar(&mut self) -> Result<bool, Unreadable> {
        let start = self.place;
        let rest = self.rest.as_str();
        let Some((tag, body)) = rest.get(1..).and_then(|rest| rest.split_once('$')) else { return Ok(false) };
        if tag.starts_with(|c: char| c.is_ascii_digit()) || tag.contains(|c| !is_part(Engine::Sqlite, c)) {
            return Ok(false);
        }
        let close = format!("${tag}$");
        let Some((inside, _)) = body.split_once(&close) else {
            return Err(self.broken(
                start,
                &format!("`{close}` is missing: the string never ends"),
                "close the string",
            ));
        };
        let end = start.offset as usize + 2 * close.len() + inside.len();
        while (self.place.offset as usize) < end && self.next().is_some() {}
        Ok(true)
    }

    /// Eats a number that begins here.
    fn number(&mut self, start: Place) -> Result<(), Unreadable> {
        let radix = matches!(self.second(), Some('x' | 'X' | 'o' | 'O' | 'b' | 'B')) && self.peek() == Some('0');
        if radix && self.engine != Engine::QuestDb {
            self.next();
            self.next();
            self.while_(|c| c.is_ascii_hexdigit() || c == '_');
        } else {
            let digit = |c: char| c.is_ascii_digit() || c == '_';
            self.while_(digit);
            if self.peek() == Some('.') && self.second() != Some('.') {
                self.next();
                self.while_(digit);
            }
            let signed = matches!(self.rest.clone().nth(1), Some('+' | '-'));
            let exponent = self.rest.clone().nth(usize::from(signed) + 1).is_some_and(|c| c.is_ascii_digit());
            if matches!(self.peek(), Some('e' | 'E')) && exponent {
                self.next();
                if signed {
                    self.next();
                }
                self.while_(digit);
            }
        }
        // `1h` is a duration of QuestDB; elsewhere `1h` is read as `1 AS h` by old servers and refused by new ones.
        if self.engine == Engine::QuestDb {
            self.while_(|c| c.is_ascii_alphanumeric() || c == '_');
        } else if self.peek().is_some_and(|c| is_part(self.engine, c)) {
            let why = "letters stand right behind a number";
            return Err(self.broken(start, why, "put a space between them, or quotes around a string"));
        }
        Ok(())
    }
}

/// Whether a name may begin with `c`.
fn is_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || (!c.is_ascii() && c.is_alphabetic())
}

/// Whether a name may go on with `c`.
fn is_part(engine: Engine, c: char) -> bool {
    is_start(c)
        || c.is_ascii_digit()
        || (c == '$' && engine == Engine::Postgres)
        || (!c.is_ascii() && c.is_alphanumeric())
}

/// Takes a text apart.
pub(in crate::action) fn tokens(engine: Engine, text: &str) -> Result<Tokens<'_>, Unreadable> {
    let mut walk = Walk { engine, text, rest: text.chars(), place: Place::START };
    let mut list = Vec::with_capacity(text.len() / 4);
    loop {
        let start = walk.place;
        let Some(c) = walk.peek() else { break };
        if matches!(c, ' ' | '\t' | '\n' | '\r') {
            walk.next();
            continue;
        }
        if walk.comment()? {
            continue;
        }
        let sort = match c {
            '\'' => {
                walk.next();
                walk.quoted(start, '\'', false)?;
                Sort::Text
            }
            '"' => {
                walk.next();
                walk.quoted(start, '"', false)?;
                Sort::Quoted
            }
            '`' | '[' if engine == Engine::Sqlite => {
                walk.next();
                walk.quoted(start, if c == '[' { ']' } else { c }, false)?;
                Sort::Quoted
            }
            '$' if engine == Engine::Postgres && walk.dollar()? => Sort::Text,
            '.' if walk.second().is_some_and(|c| c.is_ascii_digit())
                && !list.last().is_some_and(|before: &Token| {
                    before.end == start.offset && matches!(before.sort, Sort::Word | Sort::Quoted | Sort::Close)
                }) =>
            {
                walk.number(start)?;
                Sort::Number
            }
            '0'..='9' => {
                walk.number(start)?;
                Sort::Number
            }
            c if is_start(c) => {
                walk.while_(|c| is_part(engine, c));
                let word = text.get(start.offset as usize..walk.place.offset as usize).unwrap_or_default();
                prefixed(&mut walk, start, word)?
            }
            '(' | '[' | '{' => one(&mut walk, Sort::Open),
            ')' | ']' | '}' => one(&mut walk, Sort::Close),
            ',' => one(&mut walk, Sort::Comma),
            ';' => one(&mut walk, Sort::Semicolon),
            '.' => one(&mut walk, Sort::Dot),
            _ => one(&mut walk, Sort::Symbol),
        };
        list.push(Token { sort, at: start, end: walk.place.offset });
    }
    Ok(Tokens { engine, text, list })
}

fn one(walk: &mut Walk<'_>, sort: Sort) -> Sort {
    walk.next();
    sort
}

/// A word, or the string whose prefix it is: `E'…'`, `B'…'`, `X'…'`, `N'…'`. `U&'…'` is refused.
fn prefixed(walk: &mut Walk<'_>, start: Place, word: &str) -> Result<Sort, Unreadable> {
    let prefix = match word {
        "e" | "E" | "b" | "B" | "n" | "N" if walk.engine == Engine::Postgres => word,
        "x" | "X" if walk.engine != Engine::QuestDb => word,
        "u" | "U" if walk.engine == Engine::Postgres && walk.peek() == Some('&') => {
            if matches!(walk.second(), Some('\'' | '"')) {
                let why = "`U&` writes characters as numbers, which hides what is meant";
                let instead = "write the characters themselves; `E'\\u00e9'` may stand for one in a string";
                return Err(Unreadable::new(Fault::Spelling, start, why).instead(instead));
            }
            return Ok(Sort::Word);
        }
        _ => return Ok(Sort::Word),
    };
    if walk.peek() != Some('\'') {
        return Ok(Sort::Word);
    }
    walk.next();
    walk.quoted(start, '\'', prefix.eq_ignore_ascii_case("e"))?;
    Ok(Sort::Text)
}
