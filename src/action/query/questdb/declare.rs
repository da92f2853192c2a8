//! QuestDB's variables: `DECLARE @x := 1, @y := @x + 1 SELECT @x`. QuestDB puts the expression in place of the variable; so does this.

use super::clauses::{Edit, MOST};
use crate::action::query::{Fault, Unreadable};
use sqlparser::tokenizer::{Token, TokenWithSpan, Word};

/// A variable, what stands for it, and the level of brackets it lives in.
struct Variable {
    name: String,
    value: Vec<TokenWithSpan>,
    depth: usize,
}

/// Puts values in place of variables, and takes the declarations away.
pub(super) fn declared(edit: &mut Edit<'_>) -> Result<(), Unreadable> {
    let mut variables: Vec<Variable> = Vec::new();
    let mut depth = 0_usize;
    let mut index = 0;
    while index < edit.list.len() {
        match edit.token(index) {
            Some(Token::LParen) => depth += 1,
            Some(Token::RParen) => {
                variables.retain(|variable| variable.depth < depth);
                depth = depth.saturating_sub(1);
            }
            Some(Token::AtSign) => {
                index = substituted(edit, index, &variables)?;
                continue;
            }
            _ if edit.is(index, "declare") && begins(edit, index) => {
                take(edit, index, depth, &mut variables)?;
                continue;
            }
            _ => {}
        }
        index += 1;
    }
    Ok(())
}

/// Whether DECLARE stands where a query begins.
fn begins(edit: &Edit<'_>, index: usize) -> bool {
    match index.checked_sub(1) {
        None => true,
        Some(before) => matches!(edit.token(before), Some(Token::LParen)) || edit.is(before, "explain"),
    }
}

/// The variable named at `@`.
fn name(edit: &Edit<'_>, at: usize) -> Option<String> {
    match edit.token(at + 1) {
        Some(Token::Word(Word { value, quote_style: None, .. })) if edit.span(at).end == edit.span(at + 1).start => {
            Some(value.to_lowercase())
        }
        _ => None,
    }
}

/// Puts the value of the variable at `index` there, in brackets; gives the index behind it.
fn substituted(edit: &mut Edit<'_>, index: usize, variables: &[Variable]) -> Result<usize, Unreadable> {
    let name = name(edit, index);
    let found = variables.iter().rev().find(|variable| Some(&variable.name) == name.as_ref());
    let Some(variable) = found else {
        let what = name.map_or("`@`".to_owned(), |name| format!("`@{name}`, which no DECLARE before it names"));
        return edit.unknown(index, &what);
    };
    if edit.list.len() + variable.value.len() > MOST {
        let fault = Unreadable::new(Fault::Long, edit.place(index), "its variables make the query too long");
        return Err(fault.instead("write the values where they are used"));
    }
    let span = edit.span(index);
    let mut value = vec![TokenWithSpan { token: Token::LParen, span }];
    value.extend(variable.value.iter().cloned());
    value.push(TokenWithSpan { token: Token::RParen, span });
    let behind = index + value.len();
    edit.list.splice(index..index + 2, value);
    Ok(behind)
}

/// Takes a DECLARE away and keeps its variables.
fn take(edit: &mut Edit<'_>, start: usize, depth: usize, variables: &mut Vec<Variable>) -> Result<(), Unreadable> {
    let mut index = start + 1;
    loop {
        if edit.is(index, "overridable") {
            index += 1;
        }
        let name = match edit.token(index) {
            Some(Token::AtSign) => name(edit, index),
            _ => None,
        };
        let (Some(name), Some(Token::Assignment)) = (name, edit.token(index + 2)) else {
            return edit.unknown(index, "this part of DECLARE");
        };
        let first = index + 3;
        // Variables that a value uses are known already.
        let mut inner = first;
        let ends = |edit: &Edit<'_>, index: usize| {
            edit.is_any(index, &["select", "with"]) || matches!(edit.token(index), Some(Token::Comma))
        };
        while inner < edit.until(first, ends) {
            inner = match edit.token(inner) {
                Some(Token::AtSign) => substituted(edit, inner, variables)?,
                _ => inner + 1,
            };
        }
        let end = edit.until(first, ends);
        let value = edit.list.get(first..end).unwrap_or_default().to_vec();
        if value.is_empty() {
            return edit.unknown(index, "a variable without a value");
        }
        variables.push(Variable { name, value, depth });
        match edit.token(end) {
            Some(Token::Comma) => index = end + 1,
            _ if edit.is_any(end, &["select", "with"]) => {
                edit.list.drain(start..end);
                return Ok(());
            }
            _ => return edit.unknown(end, "what stands behind DECLARE"),
        }
    }
}
