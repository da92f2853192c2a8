//! What a query must be before any parser sees it: short, shallow, one statement, of characters that people see.
//! Knows tokens only, no grammar.

use super::token::{Sort, Token, Tokens, tokens};
use super::{Engine, Fault, Place, Unreadable};
use crate::action::is_hidden;

/// The longest query, in bytes. The parsers recurse, and were seen to overflow a thread's usual stack at 17 kB.
const LONGEST: usize = 16 << 10;
/// The deepest nesting of brackets and CASE.
const DEEPEST: usize = 64;
/// The longest name PostgreSQL keeps, in bytes: what is longer it cuts off, so it would be another name than the one written.
const NAME: usize = 63;

/// Lets a query through, as tokens.
pub(super) fn enter(engine: Engine, text: &str) -> Result<Tokens<'_>, Unreadable> {
    if text.len() > LONGEST {
        let why = format!("the query has {} bytes, more than {LONGEST}", text.len());
        let instead = "ask for less at once, or put long lists of values into several queries";
        return Err(Unreadable::new(Fault::Long, Place::START, why).instead(instead));
    }
    characters(engine, text)?;
    let tokens = tokens(engine, text)?;
    if tokens.list.iter().all(|token| token.sort == Sort::Semicolon) {
        let fault = Unreadable::new(Fault::Empty, Place::START, "there is no statement");
        return Err(fault.instead("write one statement"));
    }
    statements(&tokens)?;
    nesting(&tokens)?;
    spelling(&tokens)?;
    Ok(tokens)
}

/// Refuses characters that people do not see, or that reorder the ones they see. In strings, names and comments too: whoever
/// approves a query, or reads it in the log, must see all of it; in a string an escape says the same openly.
fn characters(engine: Engine, text: &str) -> Result<(), Unreadable> {
    let mut place = Place::START;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let is_space = matches!(c, '\t' | '\n') || (c == '\r' && rest.peek() == Some(&'\n'));
        // A no-break or other wide space looks like a space and is a letter to some engines.
        if (is_hidden(c) && !is_space) || (c.is_whitespace() && !c.is_ascii()) {
            let code = u32::from(c);
            let instead = match engine {
                Engine::Postgres if code > 0xffff => format!("leave it out, or write `E'\\U{code:08X}'` in a string"),
                Engine::Postgres if code > 0 => format!("leave it out, or write `E'\\u{code:04X}'` in a string"),
                Engine::Postgres => "leave it out".to_owned(),
                Engine::Sqlite => format!("leave it out, or write `char({code})`"),
                Engine::QuestDb => "leave it out".to_owned(),
            };
            let why = format!("the character U+{code:04X}, which is not seen as what it is");
            return Err(Unreadable::new(Fault::Invisible, place, why).instead(instead));
        }
        place.offset += u32::try_from(c.len_utf8()).unwrap_or_default();
        (place.line, place.column) = if c == '\n' { (place.line + 1, 1) } else { (place.line, place.column + 1) };
    }
    Ok(())
}

/// Refuses more than one statement; one `;` at the end is none.
fn statements(tokens: &Tokens<'_>) -> Result<(), Unreadable> {
    let last = tokens.list.len().saturating_sub(1);
    let inner = |(index, token): &(usize, &Token)| token.sort == Sort::Semicolon && *index != last;
    match tokens.list.iter().enumerate().find(inner) {
        Some((_, found)) => {
            let fault = Unreadable::new(Fault::Several, found.at, "more than one statement");
            Err(fault.instead("send one statement at a time, without `;` inside"))
        }
        None => Ok(()),
    }
}

/// Refuses brackets that do not match, and what is nested too deeply.
fn nesting(tokens: &Tokens<'_>) -> Result<(), Unreadable> {
    let mut open: Vec<(char, Place)> = Vec::new();
    let mut cases = 0_usize;
    for token in &tokens.list {
        let first = tokens.of(token).chars().next().unwrap_or_default();
        match token.sort {
            Sort::Open => {
                let close = match first {
                    '(' => ')',
                    '[' => ']',
                    _ => '}',
                };
                open.push((close, token.at));
            }
            Sort::Close => {
                let expected = open.pop();
                if expected.map(|(close, _)| close) != Some(first) {
                    let fault = Unreadable::new(Fault::Broken, token.at, format!("`{first}` closes nothing"));
                    return Err(fault.instead("see that each bracket has its counterpart"));
                }
            }
            Sort::Word if tokens.of(token).eq_ignore_ascii_case("case") => cases += 1,
            Sort::Word if tokens.of(token).eq_ignore_ascii_case("begin") => cases += 1,
            Sort::Word if tokens.of(token).eq_ignore_ascii_case("end") => cases = cases.saturating_sub(1),
            Sort::Word | Sort::Quoted | Sort::Text | Sort::Number => {}
            Sort::Comma | Sort::Semicolon | Sort::Dot | Sort::Symbol => {}
        }
        if open.len() + cases > DEEPEST {
            let why = format!("nested deeper than {DEEPEST} levels");
            let fault = Unreadable::new(Fault::Deep, token.at, why);
            return Err(fault.instead("name the inner parts with WITH"));
        }
    }
    match open.pop() {
        Some((close, at)) => {
            let why = format!("`{close}` is missing: the bracket never closes");
            Err(Unreadable::new(Fault::Broken, at, why).instead("close the bracket"))
        }
        None => Ok(()),
    }
}

/// Refuses spellings that hide what is meant, or that another program than the server would have to fill in.
fn spelling(tokens: &Tokens<'_>) -> Result<(), Unreadable> {
    let is_value = |sort| matches!(sort, Sort::Word | Sort::Quoted | Sort::Text | Sort::Number);
    let mut in_brackets = false;
    for (index, token) in tokens.list.iter().enumerate() {
        let text = tokens.of(token);
        in_brackets = (in_brackets || text == "[") && text != "]";
        let next = tokens.list.get(index + 1);
        let behind = next.filter(|next| next.at.offset == token.end);
        let refuse = |why: &str, instead: &str| Err(Unreadable::new(Fault::Spelling, token.at, why).instead(instead));
        match (token.sort, text) {
            (Sort::Symbol, "\\") => {
                return refuse(
                    "`\\` commands belong to psql",
                    "ask the catalog: `SELECT … FROM information_schema.tables`",
                );
            }
            (Sort::Symbol, "$") => return refuse("a parameter without a value", "write the value"),
            (Sort::Symbol, ":") if behind.is_some_and(|next| is_value(next.sort)) && !in_brackets => {
                let before = index.checked_sub(1).and_then(|index| tokens.list.get(index));
                let joined = before.is_some_and(|before| {
                    before.end == token.at.offset
                        && (is_value(before.sort) || before.sort == Sort::Close || tokens.of(before) == ":")
                });
                if !joined {
                    return refuse("a parameter without a value", "write the value");
                }
            }
            (Sort::Symbol, "?" | "@") if tokens.engine == Engine::Sqlite => {
                return refuse("a parameter without a value", "write the value");
            }
            (Sort::Symbol, "`") => return refuse("a name between backticks", "put names between double quotes"),
            (Sort::Symbol, c) if !c.is_ascii() => {
                return refuse(
                    "a character that no operator has",
                    "put names between double quotes, strings between single ones",
                );
            }
            (Sort::Dot, _) if behind.is_some_and(|next| next.sort == Sort::Dot) => {
                return refuse("`..`", "write one dot");
            }
            // PostgreSQL joins strings across lines, and reads the second by the first one's rules.
            (Sort::Text, _) if next.is_some_and(|next| next.sort == Sort::Text) => {
                return refuse("two strings side by side", "write one string, or `||` between them");
            }
            (Sort::Word | Sort::Quoted, _)
                if tokens.engine == Engine::Postgres
                    && text.len() > NAME + 2 * usize::from(token.sort == Sort::Quoted) =>
            {
                let why = format!("a name of more than {NAME} bytes, which PostgreSQL cuts off");
                return refuse(&why, "write the name as the catalog has it");
            }
            (Sort::Quoted, "\"\"" | "``" | "[]") => return refuse("an empty name", "write the name"),
            (Sort::Open, "{") => return refuse("`{`", "write the function or value itself"),
            _ => {}
        }
    }
    Ok(())
}
