//! From text to a statement that was read: gate, parsers, agreement, facts.

use super::gather::{Facts, gather};
use super::level::Depth;
use super::name::Relation;
use super::questdb::{self, QuestDbDialect};
use super::reading::{Reading, Statement};
use super::shape::{Body, Set, Verb};
use super::token::Tokens;
use super::{Engine, Fault, Kind, Place, Query, Unreadable, agree, ast, gate, tree, words};
use sqlparser::dialect::{PostgreSqlDialect, SQLiteDialect};

/// Tokens up to which a statement is first tried on the caller's own stack. Longer and deeper ones are parsed on a stack of their
/// own, which costs as much as parsing a short one.
const SHORT: usize = 160;
/// That stack, in bytes: more than the deepest text that the gate lets through needs without optimization.
const STACK: usize = 32 << 20;

/// Reads a statement and proves what it does.
///
/// # Errors
/// Says what is wrong with the text, where, and what to write instead.
pub fn read(engine: Engine, sql: &str) -> Result<Query, Unreadable> {
    let tokens = gate::enter(engine, sql)?;
    if tokens.list.len() <= SHORT {
        // sqlparser may hide that it came to its limit behind another error, so every refusal is tried again.
        if let Ok(query) = parse(&tokens, Depth::SHALLOW) {
            return Ok(query);
        }
    }
    let deep = std::thread::scope(|scope| {
        let work = || parse(&tokens, Depth::DEEP);
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        thread.ok().and_then(|thread| thread.join().ok())
    });
    deep.unwrap_or_else(|| {
        let why = "the query could not be parsed: no thread with enough stack";
        Err(Unreadable::new(Fault::Deep, Place::START, why).instead("ask for less at once"))
    })
}

fn parse(tokens: &Tokens<'_>, depth: Depth) -> Result<Query, Unreadable> {
    match tokens.engine {
        Engine::Postgres => postgres(tokens, depth),
        Engine::QuestDb | Engine::Sqlite => single(tokens, depth),
    }
}

/// PostgreSQL: two parsers that must agree.
fn postgres(tokens: &Tokens<'_>, depth: Depth) -> Result<Query, Unreadable> {
    let mut one = tree::read(tokens, depth)?;
    if one.statement == Statement::Other && one.explain.is_none() {
        return finish(tokens, one, Facts::default());
    }
    let dialect = PostgreSqlDialect {};
    let mut list = ast::lexed(tokens, &dialect)?;
    if one.statement != Statement::Show {
        list = ast::reworded(list);
    }
    let mut other = ast::parsed(tokens, &dialect, list, depth)?;
    agree::kinds(&one, &other)?;
    let facts = match (&mut one.statement, &mut other.statement) {
        (Statement::Body(one), Statement::Body(other)) => {
            let facts = gather(tokens.engine, one);
            agree::facts(&facts, &gather(tokens.engine, other))?;
            facts
        }
        _ => Facts::default(),
    };
    finish(tokens, one, facts)
}

/// The other engines: one parser, and for SQLite the engine's own authorizer when it runs.
fn single(tokens: &Tokens<'_>, depth: Depth) -> Result<Query, Unreadable> {
    let other = Reading { explain: None, statement: Statement::Other };
    let mut reading = match tokens.engine {
        Engine::QuestDb if tokens.is_word(0, "show") => Reading { explain: None, statement: Statement::Show },
        Engine::QuestDb if questdb::is_command(tokens) && !is_change(tokens) => other,
        Engine::QuestDb => {
            let list = questdb::rewritten(tokens, ast::lexed(tokens, &QuestDbDialect)?)?;
            ast::parsed(tokens, &QuestDbDialect, list, depth)?
        }
        Engine::Postgres | Engine::Sqlite => {
            let words = ["select", "with", "values", "explain"];
            if !words.iter().any(|word| tokens.is_word(0, word)) && tokens.word(0).is_some() && !is_change(tokens) {
                return finish(tokens, other, Facts::default());
            }
            let dialect = SQLiteDialect {};
            ast::parsed(tokens, &dialect, ast::lexed(tokens, &dialect)?, depth)?
        }
    };
    let facts = match &mut reading.statement {
        Statement::Body(body) => gather(tokens.engine, body),
        Statement::Show | Statement::Other => Facts::default(),
    };
    finish(tokens, reading, facts)
}

/// Whether a statement begins like one that changes rows.
fn is_change(tokens: &Tokens<'_>) -> bool {
    ["insert", "update", "delete", "replace"].iter().any(|word| tokens.is_word(0, word))
}

fn finish(tokens: &Tokens<'_>, reading: Reading, facts: Facts) -> Result<Query, Unreadable> {
    let mut facts = facts;
    let (inner, shape) = match reading.statement {
        Statement::Body(body) => (of_body(&body, &facts), Some(*body)),
        Statement::Show => {
            let (kind, of) = words::show(tokens)?;
            facts.reads.extend(of);
            (kind, None)
        }
        Statement::Other => {
            facts.writes = words::written(tokens);
            (words::kind(tokens), None)
        }
    };
    let kind = match reading.explain {
        None => inner,
        Some(explained) if explained.analyzes => Kind::ExplainAnalyze(Box::new(inner)),
        Some(_) => Kind::Explain(Box::new(inner)),
    };
    let Facts { reads, writes, calls, operators, types, fields, locks, .. } = facts;
    Ok(Query {
        engine: tokens.engine,
        text: tokens.text.to_owned(),
        kind,
        shape,
        reads,
        writes: without_repeats(writes),
        calls,
        operators,
        types,
        fields,
        locks,
    })
}

fn without_repeats(mut relations: Vec<Relation>) -> Vec<Relation> {
    relations.dedup();
    relations
}

/// The kind of a statement that computes or changes rows.
fn of_body(body: &Body, facts: &Facts) -> Kind {
    match &body.set {
        Set::Change(change) => match change.verb {
            Verb::Insert => Kind::Insert,
            Verb::Update => Kind::Update,
            Verb::Delete => Kind::Delete,
            Verb::Merge => Kind::Merge,
        },
        _ if facts.has_into => Kind::SelectInto,
        _ if facts.has_inner_change => Kind::WithWrites,
        _ if !facts.locks.is_empty() => Kind::Locking,
        _ if !facts.writes.is_empty() => Kind::WithWrites,
        Set::Block(_) | Set::Compound { .. } => Kind::Select,
        Set::Values(_) => Kind::Values,
        Set::All(_) => Kind::Table,
    }
}
