//! The statement out of sqlparser: its tokens, and what sort it is.

use super::Ast;
use crate::action::query::agree;
use crate::action::query::level::{Depth, Level};
use crate::action::query::reading::{Explained, Reading, Statement};
use crate::action::query::token::Tokens;
use crate::action::query::{Engine, Fault, Place, Unreadable};
use sqlparser::ast::{Expr, Statement as Raw, UtilityOption, Value};
use sqlparser::dialect::Dialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

/// sqlparser's tokens without blanks and comments. They must be guard's own.
pub(in crate::action::query) fn lexed(
    tokens: &Tokens<'_>,
    dialect: &dyn Dialect,
) -> Result<Vec<TokenWithSpan>, Unreadable> {
    let mut lexed = Vec::with_capacity(tokens.list.len() * 2);
    Tokenizer::new(dialect, tokens.text).tokenize_with_location_into_buf(&mut lexed).map_err(|error| {
        let at = tokens.at(error.location.line, error.location.column);
        Unreadable::new(Fault::Syntax, at, format!("not {}'s syntax: {}", tokens.engine, error.message.to_lowercase()))
    })?;
    lexed.retain(|token| !matches!(token.token, Token::Whitespace(_)));
    let mut walk = Walk { rest: tokens.text.char_indices(), at: (1, 1), offset: 0 };
    let spans = lexed.iter().map(|token| {
        let start = walk.offset(token.span.start.line, token.span.start.column);
        (start, walk.offset(token.span.end.line, token.span.end.column))
    });
    agree::tokens(tokens, "sqlparser", spans)?;
    Ok(lexed)
}

/// Finds the offsets of lines and columns, in order.
struct Walk<'a> {
    rest: std::str::CharIndices<'a>,
    at: (u64, u64),
    offset: usize,
}

impl Walk<'_> {
    fn offset(&mut self, line: u64, column: u64) -> u32 {
        while self.at < (line, column) {
            let Some((offset, c)) = self.rest.next() else { break };
            self.offset = offset + c.len_utf8();
            self.at = if c == '\n' { (self.at.0 + 1, 1) } else { (self.at.0, self.at.1 + 1) };
        }
        u32::try_from(self.offset).unwrap_or(u32::MAX)
    }
}

/// What ONLY stands behind where it belongs to a table.
const ONLY_BEHIND: [Keyword; 5] = [Keyword::FROM, Keyword::JOIN, Keyword::UPDATE, Keyword::INTO, Keyword::USING];

/// PostgreSQL's tokens with what sqlparser misreads said otherwise: `TABLE t` is `SELECT * FROM t`, `ONLY` (a reserved word, which
/// it takes for a table's name) says nothing about what is read, `ANALYSE` is `ANALYZE`.
pub(in crate::action::query) fn reworded(list: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut reworded: Vec<TokenWithSpan> = Vec::with_capacity(list.len() + 2);
    let mut rest = list.into_iter().peekable();
    let mut is_only_open = false;
    while let Some(token) = rest.next() {
        if is_only_open && token.token == Token::RParen {
            is_only_open = false;
            continue;
        }
        let before = match reworded.last().map(|before| &before.token) {
            None => Some(Keyword::NoKeyword),
            Some(Token::Word(word)) => Some(word.keyword),
            Some(_) => None,
        };
        let is_comma = matches!(reworded.last().map(|before| &before.token), Some(Token::Comma));
        let keyword = match &token.token {
            Token::Word(word) => word.keyword,
            _ => Keyword::NoKeyword,
        };
        let span = token.span;
        match (keyword, before) {
            (Keyword::TABLE, before) if before != Some(Keyword::INTO) => {
                let words = [Token::make_keyword("SELECT"), Token::Mul, Token::make_keyword("FROM")];
                reworded.extend(words.map(|token| TokenWithSpan { token, span }));
            }
            (Keyword::ONLY, before) if is_comma || before.is_some_and(|before| ONLY_BEHIND.contains(&before)) => {
                // `ONLY (t)` is `ONLY t`.
                is_only_open = rest.next_if(|next| next.token == Token::LParen).is_some();
            }
            (Keyword::NoKeyword, Some(Keyword::EXPLAIN)) if is_analyse(&token.token) => {
                reworded.push(TokenWithSpan { token: Token::make_keyword("ANALYZE"), span });
            }
            _ => reworded.push(token),
        }
    }
    reworded
}

fn is_analyse(token: &Token) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("analyse"))
}

/// What sqlparser makes of its tokens.
pub(in crate::action::query) fn parsed(
    tokens: &Tokens<'_>,
    dialect: &dyn Dialect,
    lexed: Vec<TokenWithSpan>,
    depth: Depth,
) -> Result<Reading, Unreadable> {
    let parser = Parser::new(dialect).with_recursion_limit(depth.calls);
    let parsed = parser.with_tokens_with_locations(lexed).parse_statements();
    let mut statements = parsed.map_err(|error| syntax(tokens, &error))?;
    let ast = Ast { engine: tokens.engine, tokens, level: Level::new(depth) };
    match (statements.pop(), statements.is_empty()) {
        (Some(statement), true) => ast.statement(&statement),
        _ => Err(Unreadable::new(Fault::Several, Place::START, "more than one statement")),
    }
}

/// An error of the parser, at its place.
fn syntax(tokens: &Tokens<'_>, error: &ParserError) -> Unreadable {
    let text = match error {
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text.as_str(),
        ParserError::RecursionLimitExceeded => {
            let fault = Unreadable::new(Fault::Deep, Place::START, "nested too deeply for a parser");
            return fault.instead("name the inner parts with WITH");
        }
    };
    let (why, place) = text.rsplit_once(" at Line: ").unwrap_or((text, ""));
    let mut numbers = place.split(", Column: ").map(|number| number.trim().parse::<u64>());
    let at = match (numbers.next(), numbers.next()) {
        (Some(Ok(line)), Some(Ok(column))) => tokens.at(line, column),
        _ => tokens.list.last().map_or(Place::START, |token| token.at),
    };
    let why = format!("not {}'s syntax as guard reads it: {}", tokens.engine, lowered(why));
    Unreadable::new(Fault::Syntax, at, why)
}

/// A message as a fragment: its first letter small.
fn lowered(message: &str) -> String {
    let mut chars = message.chars();
    chars.next().map_or(String::new(), |first| first.to_lowercase().chain(chars).collect())
}

impl Ast<'_> {
    fn statement(&self, statement: &Raw) -> Result<Reading, Unreadable> {
        let at = self.tokens.list.first().map_or(Place::START, |token| token.at);
        let of = |statement| Reading { explain: None, statement };
        match statement {
            Raw::Query(query) => Ok(of(Statement::Body(Box::new(self.body(query, at)?)))),
            Raw::Insert(_) | Raw::Update(_) | Raw::Delete(_) | Raw::Merge(_) => {
                Ok(of(Statement::Body(Box::new(self.change(statement, at)?))))
            }
            Raw::ShowVariable { .. } => Ok(of(Statement::Show)),
            Raw::Explain {
                describe_alias: sqlparser::ast::DescribeAlias::Explain,
                analyze,
                verbose: _,
                query_plan: _,
                estimate: false,
                statement,
                format: _,
                options,
            } => {
                let inner = self.statement(statement)?;
                if inner.explain.is_some() {
                    return self.unknown(at, "EXPLAIN of EXPLAIN");
                }
                let mut analyzes = *analyze;
                for option in options.iter().flatten() {
                    analyzes |= self.analyzes(option);
                }
                Ok(Reading { explain: Some(Explained { analyzes }), ..inner })
            }
            _ => Ok(of(Statement::Other)),
        }
    }

    /// Whether an option asks for ANALYZE: anything that is not said to be off.
    fn analyzes(&self, option: &UtilityOption) -> bool {
        let is_off = match &option.arg {
            None => false,
            Some(Expr::Identifier(ident)) => matches!(ident.value.to_ascii_lowercase().as_str(), "off" | "false"),
            Some(Expr::Value(value)) => match &value.value {
                Value::Boolean(truth) => !truth,
                Value::Number(number, _) => number == "0",
                Value::SingleQuotedString(text) => matches!(text.to_ascii_lowercase().as_str(), "off" | "false"),
                _ => false,
            },
            Some(_) => false,
        };
        let name = option.name.value.to_ascii_lowercase();
        let known = matches!(self.engine, Engine::Postgres | Engine::QuestDb | Engine::Sqlite);
        known && matches!(name.as_str(), "analyze" | "analyse") && !is_off
    }
}
