//! QuestDB's clauses, turned into others one after the other.

use super::declare::declared;
use crate::action::query::token::Tokens;
use crate::action::query::{Fault, Place, Unreadable};
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Span, Token, TokenWithSpan, Word};

/// The most tokens that variables may grow a statement to.
pub(super) const MOST: usize = 16 << 10;

/// Words that end a clause at the same level of brackets.
const CLAUSES: [&str; 13] = [
    "where",
    "latest",
    "sample",
    "group",
    "order",
    "limit",
    "union",
    "except",
    "intersect",
    "window",
    "having",
    "fill",
    "align",
];
/// QuestDB's own joins, and what stands for them.
const JOINS: [(&str, &[&str]); 5] = [
    ("asof", &["LEFT", "SEMI"]),
    ("lt", &["RIGHT", "SEMI"]),
    ("splice", &["LEFT", "ANTI"]),
    ("window", &["RIGHT", "ANTI"]),
    ("horizon", &["SEMI"]),
];
/// Words that QuestDB's statements begin with and that are not queries. A bare word is a table's name otherwise.
const COMMANDS: &str = "abort add alter analyze assume attach backup begin call cancel checkpoint close cluster comment \
    commit compile convert copy create deallocate dedup delete detach discard do drop end execute exit \
    export fetch fill grant import insert listen load lock merge notify prepare reassign rebuild refresh \
    reindex release reload remove rename repair replace reset resume revoke rollback savepoint security \
    set snapshot squash start suspend table truncate unlisten update vacuum";
/// Words that queries begin with.
const QUERIES: [&str; 6] = ["declare", "explain", "select", "show", "with", "values"];

fn is_command_word(word: &str) -> bool {
    COMMANDS.split(' ').any(|command| command == word)
}

/// Whether a statement begins like one that is no query.
pub(in crate::action::query) fn is_command(tokens: &Tokens<'_>) -> bool {
    tokens.word(0).is_some_and(|word| is_command_word(&word))
}

/// Tokens that are being rewritten.
pub(in crate::action::query) struct Edit<'a> {
    pub(super) tokens: &'a Tokens<'a>,
    pub(super) list: Vec<TokenWithSpan>,
}

/// Rewrites a statement's tokens.
pub(in crate::action::query) fn rewritten(
    tokens: &Tokens<'_>,
    list: Vec<TokenWithSpan>,
) -> Result<Vec<TokenWithSpan>, Unreadable> {
    let mut edit = Edit { tokens, list };
    edit.reserved()?;
    edit.numbers();
    declared(&mut edit)?;
    let mut index = 0;
    while index < edit.list.len() {
        edit.bare(index);
        if !edit.at(index)? {
            index += 1;
        }
    }
    Ok(edit.list)
}

impl Edit<'_> {
    pub(super) fn token(&self, index: usize) -> Option<&Token> {
        self.list.get(index).map(|token| &token.token)
    }

    pub(super) fn span(&self, index: usize) -> Span {
        self.list.get(index).map_or_else(Span::empty, |token| token.span)
    }

    pub(super) fn place(&self, index: usize) -> Place {
        let span = self.span(index);
        self.tokens.at(span.start.line, span.start.column)
    }

    /// Whether the token is this word, unquoted.
    pub(super) fn is(&self, index: usize, word: &str) -> bool {
        matches!(self.token(index), Some(Token::Word(Word { value, quote_style: None, .. })) if value.eq_ignore_ascii_case(word))
    }

    pub(super) fn is_any(&self, index: usize, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(index, word))
    }

    pub(super) fn unknown<T>(&self, index: usize, what: &str) -> Result<T, Unreadable> {
        let why = format!("guard does not follow {what} here");
        Err(Unreadable::new(Fault::Unknown, self.place(index), why).instead("say it in plainer SQL"))
    }

    /// Puts tokens in place of others, where the first of those stood.
    pub(super) fn splice(&mut self, from: usize, to: usize, with: Vec<Token>) {
        let span = self.span(from);
        let to = to.min(self.list.len());
        let with = with.into_iter().map(|token| TokenWithSpan { token, span });
        self.list.splice(from.min(to)..to, with);
    }

    /// The index behind the bracket that opens at `open`.
    pub(super) fn behind(&self, open: usize) -> usize {
        let mut depth = 0_usize;
        for index in open..self.list.len() {
            match self.token(index) {
                Some(Token::LParen | Token::LBracket) => depth += 1,
                Some(Token::RParen | Token::RBracket) => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return index + 1;
                    }
                }
                _ => {}
            }
        }
        self.list.len()
    }

    /// The first index from `start` on, at the same level of brackets, that `ends` a part; or where the level or the statement does.
    pub(super) fn until(&self, start: usize, ends: impl Fn(&Self, usize) -> bool) -> usize {
        let mut index = start;
        while index < self.list.len() {
            match self.token(index) {
                Some(Token::LParen | Token::LBracket) => {
                    index = self.behind(index);
                    continue;
                }
                Some(Token::RParen | Token::RBracket | Token::SemiColon | Token::EOF) | None => return index,
                _ if ends(self, index) => return index,
                _ => {}
            }
            index += 1;
        }
        index
    }

    /// Whether a clause begins here, or a join.
    fn is_clause(&self, index: usize) -> bool {
        self.is_any(index, &CLAUSES) || self.is_join(index)
    }

    fn is_join(&self, index: usize) -> bool {
        let kinds = [
            "asof", "lt", "splice", "window", "horizon", "inner", "left", "right", "full", "cross", "semi", "anti",
            "outer",
        ];
        self.is(index, "join")
            || (self.is_any(index, &kinds) && (index + 1..index + 4).any(|next| self.is(next, "join")))
    }

    /// Refuses words that stand for others here.
    fn reserved(&self) -> Result<(), Unreadable> {
        for index in 0..self.list.len() {
            let pair = [("cluster", "by"), ("distribute", "by"), ("semi", "join"), ("anti", "join"), ("sort", "by")];
            if pair.iter().any(|(first, second)| self.is(index, first) && self.is(index + 1, second)) {
                return self.unknown(index, "this clause");
            }
            if let Some(Token::Word(word)) = self.token(index)
                && word.quote_style.is_some()
                && ["latest on", "sample by"].iter().any(|marker| word.value.eq_ignore_ascii_case(marker))
            {
                return self.unknown(index, "a name that is a clause");
            }
        }
        Ok(())
    }

    /// Makes `1h` and `#u33d` one number each.
    fn numbers(&mut self) {
        let mut index = 0;
        while index < self.list.len() {
            let joined = self.span(index).end == self.span(index + 1).start;
            let whole = match (self.token(index), self.token(index + 1)) {
                (Some(Token::Number(number, _)), Some(Token::Word(word))) if joined && word.quote_style.is_none() => {
                    Some(format!("{number}{}", word.value))
                }
                (Some(Token::Sharp), Some(Token::Word(word))) if joined && word.quote_style.is_none() => {
                    Some(format!("#{}", word.value))
                }
                (Some(Token::Sharp), Some(Token::Number(number, _))) if joined => Some(format!("#{number}")),
                (Some(Token::Sharp), Some(Token::Sharp)) if joined => Some("#".to_owned()),
                // `1 minute` in a window's frame.
                (Some(Token::Number(text, _) | Token::SingleQuotedString(text)), Some(Token::Word(word)))
                    if self.is_any(index + 2, &["preceding", "following"]) && word.quote_style.is_none() =>
                {
                    Some(format!("{text} {}", word.value.to_lowercase()))
                }
                _ => None,
            };
            match whole {
                Some(whole) => {
                    let end = self.span(index + 1).end;
                    // `##0101`: the first two are one, and come by again with what follows.
                    let token = if whole == "#" { Token::Sharp } else { Token::Number(whole, false) };
                    self.splice(index, index + 2, vec![token]);
                    if let Some(token) = self.list.get_mut(index) {
                        token.span.end = end;
                    }
                }
                None => index += 1,
            }
        }
    }

    /// A table's name alone is a query of all of it: at the start, and between the brackets of WITH and FROM.
    fn bare(&mut self, start: usize) {
        let is_start = start == usize::from(self.is(0, "explain"));
        let opens = |index: Option<usize>| index.is_some_and(|index| matches!(self.token(index), Some(Token::LParen)));
        let before = start.checked_sub(2);
        let is_inner =
            opens(start.checked_sub(1)) && before.is_some_and(|before| self.is_any(before, &["as", "from", "join"]));
        if !is_start && !is_inner {
            return;
        }
        let is_name = match self.token(start) {
            Some(Token::Word(Word { quote_style: Some(_), .. }) | Token::SingleQuotedString(_)) => true,
            Some(Token::Word(word)) => {
                let word = word.value.to_ascii_lowercase();
                !is_command_word(&word) && !QUERIES.contains(&word.as_str())
            }
            _ => false,
        };
        let is_end = match self.token(start + 1) {
            None | Some(Token::EOF | Token::SemiColon) => is_start,
            Some(Token::RParen) => before.is_some_and(|before| self.is(before, "as")),
            _ => self.is_any(start + 1, &["where", "latest", "order", "limit", "sample", "timestamp"]),
        };
        if is_name && is_end {
            let words = [Token::make_keyword("SELECT"), Token::Mul, Token::make_keyword("FROM")];
            let span = self.span(start);
            self.list.splice(start..start, words.map(|token| TokenWithSpan { token, span }));
        }
    }

    /// Rewrites the clause that begins here, if one does. `true`: something else begins here now.
    fn at(&mut self, index: usize) -> Result<bool, Unreadable> {
        if self.is(index, "in") && matches!(self.token(index + 1), Some(Token::SingleQuotedString(_))) {
            let Some(text) = self.token(index + 1).cloned() else { return Ok(false) };
            self.splice(index + 1, index + 2, vec![Token::LParen, text, Token::RParen]);
        } else if self.is(index, "in")
            && matches!(self.token(index + 1), Some(Token::Word(_)))
            && matches!(self.token(index + 2), Some(Token::LParen))
        {
            // `IN today()`.
            let end = self.behind(index + 2);
            let span = self.span(index);
            self.list.insert(end, TokenWithSpan { token: Token::RParen, span });
            self.list.insert(index + 1, TokenWithSpan { token: Token::LParen, span });
        } else if matches!(self.token(index), Some(Token::LBracket)) && self.is_subscript(index) {
            self.dimensions(index);
        } else if self.is(index + 1, "join")
            && let Some((_, kind)) = JOINS.iter().find(|(word, _)| self.is(index, word))
        {
            self.splice(index, index + 1, kind.iter().map(|word| Token::make_keyword(word)).collect());
        } else if self.is(index, "tolerance") && matches!(self.token(index + 1), Some(Token::Number(..))) {
            self.splice(index, index + 2, Vec::new());
            return Ok(true);
        } else if self.is_any(index, &["range", "list"]) && self.is_of_join(index) {
            self.frame_of_join(index)?;
            return Ok(true);
        } else if self.is(index, "timestamp") && self.is_designation(index) {
            self.splice(index, index + 4, Vec::new());
            return Ok(true);
        } else if self.is(index, "latest") && self.is(index + 1, "on") {
            self.latest(index)?;
            return Ok(true);
        } else if self.is(index, "sample") && self.is(index + 1, "by") {
            self.sample(index)?;
        }
        Ok(false)
    }

    /// Whether a bracket takes an element rather than makes an array.
    fn is_subscript(&self, index: usize) -> bool {
        match index.checked_sub(1).and_then(|before| self.token(before)) {
            Some(Token::Word(word)) => word.keyword != Keyword::ARRAY,
            before => matches!(before, Some(Token::RParen | Token::RBracket)),
        }
    }

    /// `x[1, 2]` is `x[1][2]`.
    fn dimensions(&mut self, open: usize) {
        let mut index = self.until(open + 1, |edit, index| matches!(edit.token(index), Some(Token::Comma)));
        while matches!(self.token(index), Some(Token::Comma)) {
            self.splice(index, index + 1, vec![Token::RBracket, Token::LBracket]);
            index = self.until(index + 2, |edit, index| matches!(edit.token(index), Some(Token::Comma)));
        }
    }

    /// `TIMESTAMP(t)` behind a table or query.
    fn is_designation(&self, index: usize) -> bool {
        let is_name = |token: Option<&Token>| matches!(token, Some(Token::Word(word)) if word.quote_style.is_some() || word.keyword == Keyword::NoKeyword);
        let before = index.checked_sub(1).and_then(|before| self.token(before));
        (is_name(before) || matches!(before, Some(Token::RParen)))
            && matches!(self.token(index + 1), Some(Token::LParen))
            && matches!(self.token(index + 2), Some(Token::Word(_)))
            && matches!(self.token(index + 3), Some(Token::RParen))
    }

    /// Whether RANGE or LIST belongs to a WINDOW or HORIZON JOIN: one stands before it at the same level.
    fn is_of_join(&self, index: usize) -> bool {
        let mut depth = 0_usize;
        for before in (0..index).rev() {
            match self.token(before) {
                Some(Token::RParen) => depth += 1,
                Some(Token::LParen) if depth == 0 => return false,
                Some(Token::LParen) => depth -= 1,
                _ if depth > 0 => {}
                _ if self.is(before, "join") => {
                    let last = before.checked_sub(1);
                    return last.is_some_and(|last| self.is(last, "anti") || self.is(last, "semi"));
                }
                _ if self.is_any(before, &["where", "select"]) => return false,
                _ => {}
            }
        }
        false
    }

    /// Drops `RANGE …` or `LIST (…)` of a join. It may hold numbers, units and an alias, nothing that is computed.
    fn frame_of_join(&mut self, start: usize) -> Result<(), Unreadable> {
        let end = self.until(start + 1, |edit, index| edit.is_clause(index));
        for index in start + 1..end {
            let is_plain = match self.token(index) {
                Some(Token::Word(_)) => !matches!(self.token(index + 1), Some(Token::LParen)),
                Some(Token::Number(..) | Token::Minus | Token::Plus | Token::Comma) => true,
                Some(Token::LParen | Token::RParen) => true,
                _ => false,
            };
            if !is_plain {
                return self.unknown(index, "this part of the join");
            }
        }
        self.splice(start, end, Vec::new());
        Ok(())
    }

    fn latest(&mut self, start: usize) -> Result<(), Unreadable> {
        let middle = self.until(start + 2, |edit, index| edit.is(index, "partition"));
        if !self.is(middle, "partition") || !self.is(middle + 1, "by") {
            return self.unknown(start, "LATEST ON without PARTITION BY");
        }
        let end = self.until(middle + 2, |edit, index| edit.is_clause(index));
        let mut clause = vec![
            TokenWithSpan { token: Token::make_keyword("CLUSTER"), span: self.span(start) },
            TokenWithSpan { token: Token::make_keyword("BY"), span: self.span(start) },
            TokenWithSpan { token: Token::make_word("latest on", Some('"')), span: self.span(start) },
            TokenWithSpan { token: Token::LParen, span: self.span(start) },
        ];
        clause.extend(self.list.get(start + 2..middle).unwrap_or_default().iter().cloned());
        clause.push(TokenWithSpan { token: Token::Comma, span: self.span(middle) });
        clause.extend(self.list.get(middle + 2..end).unwrap_or_default().iter().cloned());
        clause.push(TokenWithSpan { token: Token::RParen, span: self.span(middle) });
        // The parser wants it behind WHERE.
        let at = if self.is(end, "where") { self.until(end + 1, |edit, index| edit.is_clause(index)) } else { end };
        self.list.splice(at..at, clause);
        self.list.drain(start..end);
        Ok(())
    }

    fn sample(&mut self, start: usize) -> Result<(), Unreadable> {
        let ends = |edit: &Self, index| edit.is_clause(index) || edit.is_any(index, &["from", "to"]);
        let mut parts = Vec::new();
        let mut fill = Vec::new();
        let mut index = self.until(start + 2, ends);
        parts.push(self.list.get(start + 2..index).unwrap_or_default().to_vec());
        loop {
            if self.is_any(index, &["from", "to"]) {
                let end = self.until(index + 1, ends);
                parts.push(self.list.get(index + 1..end).unwrap_or_default().to_vec());
                index = end;
            } else if self.is(index, "fill") && matches!(self.token(index + 1), Some(Token::LParen)) {
                let end = self.behind(index + 1);
                fill = self.list.get(index + 2..end.saturating_sub(1)).unwrap_or_default().to_vec();
                index = end;
            } else if self.is(index, "align") {
                let end = self.aligned(index)?;
                index = end;
            } else {
                break;
            }
        }
        if parts.first().is_none_or(Vec::is_empty) {
            return self.unknown(start, "SAMPLE BY without a length");
        }
        if !fill.is_empty() {
            parts.insert(1, fill);
        }
        let span = self.span(start);
        let own = |token| TokenWithSpan { token, span };
        let mut clause = vec![
            own(Token::make_keyword("DISTRIBUTE")),
            own(Token::make_keyword("BY")),
            own(Token::make_word("sample by", Some('"'))),
            own(Token::LParen),
        ];
        for (number, part) in parts.into_iter().enumerate() {
            if number > 0 {
                clause.push(own(Token::Comma));
            }
            clause.extend(part);
        }
        clause.push(own(Token::RParen));
        self.list.splice(start..index, clause);
        Ok(())
    }

    /// The index behind `ALIGN TO …`, which says its place with words and strings only.
    fn aligned(&self, start: usize) -> Result<usize, Unreadable> {
        let words = ["to", "calendar", "first", "observation", "time", "zone", "with", "offset"];
        let mut index = start + 1;
        while self.is_any(index, &words) || matches!(self.token(index), Some(Token::SingleQuotedString(_))) {
            index += 1;
        }
        let is_end = self.is_clause(index)
            || matches!(self.token(index), None | Some(Token::RParen | Token::SemiColon | Token::EOF));
        if is_end { Ok(index) } else { self.unknown(index, "this part of ALIGN TO") }
    }
}
