//! What the words of a statement say that no parser is asked about: what SHOW shows, and what sort of DDL it is and which tables
//! it names. A statement that is neither a query nor a change of rows is judged by its kind, so this is enough to name it.

use super::name::{Name, Path, Relation};
use super::token::{Sort, Token, Tokens};
use super::{Engine, Fault, Kind, Unreadable};

/// Verbs whose object is named behind them.
const VERBS: [&str; 9] = ["create", "alter", "drop", "comment", "rename", "reindex", "refresh", "grant", "revoke"];
/// Words between a verb and the sort of its object.
const BETWEEN: [&str; 12] = [
    "or",
    "replace",
    "temp",
    "temporary",
    "unlogged",
    "global",
    "local",
    "unique",
    "concurrently",
    "on",
    "trusted",
    "if",
];
/// Words that begin an object's sort of two words.
const PAIRS: [&str; 7] = ["materialized", "foreign", "event", "access", "text", "default", "user"];

/// The kind of a statement that is neither a query nor a change of rows.
pub(super) fn kind(tokens: &Tokens<'_>) -> Kind {
    let verb = tokens.word(0).unwrap_or_default();
    if verb == "truncate" {
        return Kind::Truncate;
    }
    if !VERBS.contains(&verb.as_str()) {
        return Kind::Other(verb);
    }
    let mut words = (1..tokens.list.len()).map_while(|index| tokens.word(index));
    let mut object = words.find(|word| !BETWEEN.contains(&word.as_str())).unwrap_or_default();
    if PAIRS.contains(&object.as_str())
        && let Some(second) = words.next()
    {
        object = format!("{object} {second}");
    }
    Kind::Ddl { verb, object }
}

/// Tables that such a statement names: behind TABLE, VIEW, TRUNCATE, and behind ON of an index.
pub(super) fn written(tokens: &Tokens<'_>) -> Vec<Relation> {
    let kind = kind(tokens);
    let is_wanted = match &kind {
        Kind::Truncate => true,
        Kind::Ddl { verb, object } => {
            matches!(verb.as_str(), "create" | "alter" | "drop" | "rename") && !object.is_empty()
        }
        Kind::Select | Kind::Values | Kind::Table | Kind::Show(_) | Kind::Explain(_) | Kind::ExplainAnalyze(_) => false,
        Kind::SelectInto | Kind::WithWrites | Kind::Locking | Kind::Other(_) => false,
        Kind::Insert | Kind::Update | Kind::Delete | Kind::Merge => false,
    };
    let is_index = matches!(&kind, Kind::Ddl { object, .. } if object == "index");
    let starts = |word: &str| matches!((is_index, word), (true, "on") | (false, "table" | "view" | "truncate"));
    let found = (0..tokens.list.len()).find(|index| tokens.word(*index).is_some_and(|word| starts(&word)));
    let mut relations = Vec::new();
    let Some(found) = found.filter(|_| is_wanted) else { return relations };
    let mut index = found + 1;
    loop {
        while tokens.word(index).is_some_and(|word| matches!(word.as_str(), "table" | "if" | "not" | "exists" | "only"))
        {
            index += 1;
        }
        let Some((relation, next)) = dotted(tokens, index) else { return relations };
        relations.push(relation);
        if tokens.list.get(next).map(|token| token.sort) != Some(Sort::Comma) {
            return relations;
        }
        index = next + 1;
    }
}

/// A name without its quotes.
pub(super) fn name(tokens: &Tokens<'_>, token: &Token) -> Option<Name> {
    let text = tokens.of(token);
    match token.sort {
        Sort::Word => Some(Name::new(tokens.engine, text, false)),
        Sort::Quoted => {
            let quote = text.chars().next().unwrap_or('"');
            let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
            Some(Name::new(tokens.engine, &inner.replace(&format!("{quote}{quote}"), &quote.to_string()), true))
        }
        // QuestDB takes a table's name between single quotes too.
        Sort::Text if tokens.engine == Engine::QuestDb => Some(Name::new(tokens.engine, text.trim_matches('\''), true)),
        Sort::Text | Sort::Number | Sort::Open | Sort::Close | Sort::Comma | Sort::Semicolon => None,
        Sort::Dot | Sort::Symbol => None,
    }
}

/// The dotted name that begins at a token, and the index behind it.
fn dotted(tokens: &Tokens<'_>, start: usize) -> Option<(Relation, usize)> {
    let first = tokens.list.get(start)?;
    let mut names = vec![name(tokens, first)?];
    let mut index = start + 1;
    while tokens.list.get(index).is_some_and(|token| token.sort == Sort::Dot) {
        names.push(name(tokens, tokens.list.get(index + 1)?)?);
        index += 2;
    }
    let name = names.pop()?;
    Some((Relation { path: Path { qualifier: names, name }, place: first.at }, index))
}

/// What a SHOW shows, and the table it shows it of. Its whole text must be one of the forms the engine has, for a parser that takes
/// any words behind SHOW would take a second statement too.
pub(super) fn show(tokens: &Tokens<'_>) -> Result<(Kind, Option<Relation>), Unreadable> {
    let end = tokens.list.iter().position(|token| token.sort == Sort::Semicolon).unwrap_or(tokens.list.len());
    let words: Vec<String> = (1..end).filter_map(|index| tokens.word(index)).collect();
    let text = words.join(" ");
    let plain = words.len() + 1 == end;
    let refused = || {
        let at = tokens.list.get(1).map_or(super::Place::START, |token| token.at);
        let fault = Unreadable::new(Fault::Unknown, at, "guard does not follow what is shown here");
        fault.instead(match tokens.engine {
            Engine::Postgres => "write SHOW and one setting's name, or SHOW ALL",
            Engine::QuestDb => "write SHOW TABLES, SHOW COLUMNS FROM t, SHOW PARTITIONS FROM t or SHOW PARAMETERS",
            Engine::Sqlite => "ask `sqlite_schema`: SQLite has no SHOW",
        })
    };
    match tokens.engine {
        Engine::Sqlite => Err(refused()),
        Engine::Postgres => {
            let pairs = ["time zone", "session authorization", "transaction isolation level"];
            if (plain && words.len() == 1) || pairs.contains(&text.as_str()) {
                return Ok((Kind::Show(text), None));
            }
            // A setting of an extension: `a.b`.
            match dotted(tokens, 1) {
                Some((relation, next)) if next == end => Ok((Kind::Show(relation.path.to_string()), None)),
                _ => Err(refused()),
            }
        }
        Engine::QuestDb => {
            let alone = [
                "tables",
                "parameters",
                "user",
                "users",
                "groups",
                "server_version",
                "server_version_num",
                "transaction isolation level",
                "transaction_isolation",
                "max_identifier_length",
                "standard_conforming_strings",
                "search_path",
                "datestyle",
                "time zone",
                "default_transaction_read_only",
            ];
            if plain && alone.contains(&text.as_str()) {
                return Ok((Kind::Show(text), None));
            }
            let forms = [
                ("columns", "from"),
                ("partitions", "from"),
                ("create table", ""),
                ("create view", ""),
                ("create materialized view", ""),
            ];
            for (form, from) in forms {
                let start = 1 + form.split(' ').count() + usize::from(!from.is_empty());
                let expected = form.split(' ').chain(Some(from).filter(|from| !from.is_empty()));
                let is_form = expected.enumerate().all(|(index, word)| tokens.is_word(index + 1, word));
                if is_form
                    && let Some((relation, next)) = dotted(tokens, start)
                    && next == end
                {
                    return Ok((Kind::Show(form.to_owned()), Some(relation)));
                }
            }
            Err(refused())
        }
    }
}
