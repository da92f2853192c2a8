//! Whether two readings of one text say the same. What they differ in is a refusal: one of them is wrong, and guard does not
//! know which.

use super::gather::Facts;
use super::name::{Called, Field, Of, Operator, Path, Relation, TypeName};
use super::reading::{Reading, Statement};
use super::token::{Sort, Tokens};
use super::{Engine, Fault, Place, Unreadable};

/// Sees that a parser found the same tokens: its words, strings, numbers and brackets begin and end where guard's do. Characters of
/// operators are compared as runs, for the parsers put them together differently.
pub(super) fn tokens(
    tokens: &Tokens<'_>,
    parser: &str,
    spans: impl Iterator<Item = (u32, u32)>,
) -> Result<(), Unreadable> {
    let mut own = tokens.list.iter().peekable();
    // QuestDB's `1h` is a number and a word to the parser; they are put together again before it reads them.
    let mut within = 0;
    for (start, end) in spans {
        let mut at = start;
        if start < within && end <= within {
            continue;
        }
        while at < end {
            let whole = own.next_if(|token| {
                tokens.engine == Engine::QuestDb
                    && token.sort == Sort::Number
                    && token.at.offset == at
                    && token.end > end
            });
            if let Some(whole) = whole {
                within = whole.end;
                break;
            }
            let fits = own.next_if(|token| token.at.offset == at && token.end <= end);
            let Some(token) = fits else { return Err(token_fault(tokens, parser, at)) };
            if token.end != end && !matches!(token.sort, Sort::Symbol) {
                return Err(token_fault(tokens, parser, at));
            }
            at = token.end;
        }
    }
    match own.next() {
        Some(token) => Err(token_fault(tokens, parser, token.at.offset)),
        None => Ok(()),
    }
}

fn token_fault(tokens: &Tokens<'_>, parser: &str, at: u32) -> Unreadable {
    let why = format!("guard and its parser {parser} take the text apart differently here");
    Unreadable::new(Fault::Disagreement, tokens.place(at), why).instead("write it more plainly")
}

fn fault(at: Place, what: &str, one: &str, other: &str) -> Unreadable {
    let why = format!("the two parsers read {what} differently: {one}, or {other}");
    Unreadable::new(Fault::Disagreement, at, why).instead("write it more plainly")
}

/// Sees that two readings are the same sort of statement.
pub(super) fn kinds(one: &Reading, other: &Reading) -> Result<(), Unreadable> {
    let told = |reading: &Reading| {
        let explained = match reading.explain {
            None => "",
            Some(explained) if explained.analyzes => "EXPLAIN ANALYZE of ",
            Some(_) => "EXPLAIN of ",
        };
        let statement = match reading.statement {
            Statement::Body(_) => "a query or change",
            Statement::Show => "SHOW",
            Statement::Other => "another statement",
        };
        format!("{explained}{statement}")
    };
    let (one, other) = (told(one), told(other));
    if one == other { Ok(()) } else { Err(fault(Place::START, "the statement", &one, &other)) }
}

/// Sees that two readings use the same things.
pub(super) fn facts(one: &Facts, other: &Facts) -> Result<(), Unreadable> {
    same("the relations read", &one.reads, &other.reads, |relation: &Relation| (path(&relation.path), relation.place))?;
    same("the relations written", &one.writes, &other.writes, |relation| (path(&relation.path), relation.place))?;
    same("the functions called", &one.calls, &other.calls, |called: &Called| (path(&called.path), called.place))?;
    same("the operators", &one.operators, &other.operators, |operator: &Operator| {
        let schema = operator.schema.as_ref().map(|schema| format!("{}.", schema.as_str().to_lowercase()));
        (format!("{}{}", schema.unwrap_or_default(), operator.symbol), operator.place)
    })?;
    same("the casts", &one.types, &other.types, |of: &TypeName| {
        (format!("{}{}", path(&of.path), if of.is_array { "[]" } else { "" }), of.place)
    })?;
    same("the fields", &one.fields, &other.fields, |field: &Field| {
        let of = match &field.of {
            Of::Source { name, .. } => name.as_str().to_owned(),
            Of::Expression => "(…)".to_owned(),
            Of::Unknown(of) => path(of),
        };
        (format!("{of}.{}", field.name), field.place)
    })?;
    same("the locks", &one.locks, &other.locks, |lock| (String::new(), lock.place))?;
    if (one.has_into, one.has_inner_change) != (other.has_into, other.has_inner_change) {
        return Err(fault(Place::START, "what is written", "a write", "none"));
    }
    Ok(())
}

fn path(path: &Path) -> String {
    path.to_string()
}

/// Compares two lists by name, without regard to order: a parser may not tell where something stands.
fn same<T>(what: &str, one: &[T], other: &[T], key: impl Fn(&T) -> (String, Place)) -> Result<(), Unreadable> {
    let mut ones: Vec<(String, Place)> = one.iter().map(&key).collect();
    let mut others: Vec<(String, Place)> = other.iter().map(&key).collect();
    if ones.iter().map(|(name, _)| name).eq(others.iter().map(|(name, _)| name)) {
        return Ok(());
    }
    ones.sort();
    others.sort();
    let differs = ones.iter().zip(&others).find(|((one, _), (other, _))| one != other);
    match (differs, ones.get(others.len()), others.get(ones.len())) {
        (Some(((one, at), (other, _))), _, _) => Err(fault(*at, what, &tick(one), &tick(other))),
        (None, Some((one, at)), _) => Err(fault(*at, what, &tick(one), "not at all")),
        (None, None, Some((other, at))) => Err(fault(*at, what, "not at all", &tick(other))),
        (None, None, None) => Ok(()),
    }
}

fn tick(name: &str) -> String {
    format!("`{name}`")
}
