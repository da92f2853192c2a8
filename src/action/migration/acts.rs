//! What a statement does, by its kind and its words.
//! Whatever is not known as something milder is told as what it begins with.

use super::alter;
use super::calls::unproved;
use super::{Act, Does, is_read};
use crate::action::query::{Expr, Kind, Node, Query, Set, Verb, Word, WordSort};

/// Functions by which a statement reaches out of its database.
const REACHING: [&str; 22] = [
    "pg_read_file",
    "pg_read_binary_file",
    "pg_ls_dir",
    "pg_stat_file",
    "lo_import",
    "lo_export",
    "pg_terminate_backend",
    "pg_cancel_backend",
    "pg_reload_conf",
    "pg_rotate_logfile",
    "pg_switch_wal",
    "pg_promote",
    "pg_create_restore_point",
    "pg_backup_start",
    "pg_backup_stop",
    "pg_create_logical_replication_slot",
    "pg_create_physical_replication_slot",
    "pg_drop_replication_slot",
    "pg_file_write",
    "pg_notify",
    "query_to_xml",
    "load_extension",
];
fn act(does: Does, to: impl Into<String>) -> Vec<Act> {
    vec![Act::new(does, to)]
}

/// What a statement that was read does.
pub(super) fn of(query: &Query, words: &[Word]) -> Vec<Act> {
    let written = || query.writes().first().map(|relation| relation.path.to_string()).unwrap_or_default();
    if let Some(name) = reaching(words) {
        return act(Does::Beyond(format!("calls `{name}`")), "");
    }
    let called = unproved(query, words).map(|name| Act::new(Does::Opaque(format!("a call of `{name}`")), ""));
    match query.kind() {
        kind if is_read(query) => {
            let analyzes = matches!(kind, Kind::ExplainAnalyze(_));
            match called {
                Some(called) => vec![called],
                None if analyzes => act(Does::Other("explain".into()), ""),
                None => act(Does::Read, ""),
            }
        }
        kind => {
            let mut all = match kind {
                Kind::SelectInto => act(Does::CreateTableAs, written()),
                Kind::WithWrites | Kind::Merge => act(Does::Merge, written()),
                Kind::Locking => act(Does::Other("select for update".into()), ""),
                Kind::Insert | Kind::Update | Kind::Delete => change(query, words),
                Kind::Truncate | Kind::Ddl { .. } | Kind::Other(_) => named(words),
                Kind::Select | Kind::Values | Kind::Table | Kind::Show(_) | Kind::Explain(_) => act(Does::Read, ""),
                Kind::ExplainAnalyze(_) => act(Does::Other("explain".into()), ""),
            };
            all.extend(called);
            all
        }
    }
}

fn change(query: &Query, words: &[Word]) -> Vec<Act> {
    let Some(Set::Change(change)) = query.shape().map(|body| &body.set) else { return named(words) };
    let to = change.target.path.to_string();
    let filtered = change.filter.as_ref().is_some_and(|filter| !is_constant(filter));
    let replaces = words.first().is_some_and(|word| word.text == "replace")
        || words.windows(2).any(|pair| matches!(pair, [a, b] if a.text == "or" && b.text == "replace"))
        || words.windows(2).any(|pair| matches!(pair, [a, b] if a.text == "do" && b.text == "update"));
    let does = match change.verb {
        Verb::Insert if replaces => Does::Merge,
        Verb::Insert => Does::Insert,
        Verb::Update => Does::Update { filtered },
        Verb::Delete => Does::Delete { filtered },
        Verb::Merge => Does::Merge,
    };
    act(does, to)
}

/// Whether a condition is the same for every row, as `1 = 1` is.
fn is_constant(condition: &Expr) -> bool {
    match &condition.node {
        Node::Literal(_) => true,
        Node::Operation { operands, .. } => operands.iter().all(is_constant),
        Node::Row(parts) | Node::Array(parts) | Node::Grouping(parts) => parts.iter().all(is_constant),
        Node::Cast { of, .. } => is_constant(of),
        Node::Column(_)
        | Node::Star(_)
        | Node::Call(_)
        | Node::Case { .. }
        | Node::Field { .. }
        | Node::Subscript { .. }
        | Node::Query { .. } => false,
    }
}

/// A function that is called, or whose name at least stands there, and that reaches out of the database.
fn reaching(words: &[Word]) -> Option<&str> {
    let named = |word: &&Word| {
        let name = word.text.trim_matches('"');
        REACHING.contains(&name) || name.starts_with("dblink")
    };
    words
        .iter()
        .filter(|word| matches!(word.sort, WordSort::Plain | WordSort::Quoted))
        .find(named)
        .map(|w| w.text.as_str())
}

/// Whether the first words alone say what sort of statement it is.
pub(super) fn is_named(words: &[Word]) -> bool {
    let first = words.first().filter(|word| word.sort == WordSort::Plain);
    let known = [
        "create", "alter", "drop", "truncate", "grant", "revoke", "do", "call", "comment", "copy", "vacuum", "reindex",
    ];
    first.is_some_and(|word| known.contains(&word.text.as_str()))
}

/// Walks over the words of a statement.
pub(super) struct Walk<'w> {
    rest: &'w [Word],
}

impl<'w> Walk<'w> {
    pub(super) fn new(rest: &'w [Word]) -> Self {
        Self { rest }
    }

    /// The next words, if they are these keywords; they are passed then.
    pub(super) fn pass(&mut self, words: &[&str]) -> bool {
        let fits = self.rest.len() >= words.len()
            && self.rest.iter().zip(words).all(|(word, wanted)| word.sort == WordSort::Plain && word.text == *wanted);
        if fits {
            self.rest = self.rest.get(words.len()..).unwrap_or_default();
        }
        fits
    }

    /// The next word.
    pub(super) fn next(&mut self) -> Option<&'w Word> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    /// A name with its dots.
    pub(super) fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(word) = self.rest.first() {
            let dot = word.text == ".";
            let is_part = matches!(word.sort, WordSort::Plain | WordSort::Quoted);
            if !(dot || is_part && (name.is_empty() || name.ends_with('.'))) {
                break;
            }
            name += &word.text;
            self.next();
        }
        name
    }

    pub(super) fn rest(&self) -> &'w [Word] {
        self.rest
    }
}

/// What a statement does, by its words alone.
pub(super) fn named(words: &[Word]) -> Vec<Act> {
    let mut walk = Walk::new(words);
    let Some(verb) = walk.next() else { return Vec::new() };
    if let Some(name) = reaching(words) {
        return act(Does::Beyond(format!("calls `{name}`")), "");
    }
    match verb.text.as_str() {
        "create" => create(walk),
        "alter" => alter::acts(walk),
        "drop" => drop(walk),
        "truncate" => {
            let _table = walk.pass(&["table"]);
            let _only = walk.pass(&["only"]);
            act(Does::Truncate, walk.name())
        }
        "comment" => act(Does::Comment, ""),
        "commit" | "rollback" if walk.pass(&["prepared"]) => act(Does::Beyond("a transaction of another".into()), ""),
        "prepare" if walk.pass(&["transaction"]) => act(Does::Beyond("PREPARE TRANSACTION".into()), ""),
        "begin" | "start" | "commit" | "rollback" | "end" | "abort" | "savepoint" | "release" => {
            act(Does::Transaction(verb.text.to_uppercase()), "")
        }
        "set" if walk.pass(&["role"]) || walk.pass(&["session", "authorization"]) || walk.pass(&["local", "role"]) => {
            act(Does::Beyond("becomes another role".into()), "")
        }
        "set" if walk.pass(&["transaction"]) || walk.pass(&["constraints"]) => {
            act(Does::Transaction("SET TRANSACTION".into()), "")
        }
        "set" | "reset" | "discard" => act(Does::Setting, walk.name()),
        "grant" | "revoke" => act(Does::Rights(verb.text.to_uppercase()), ""),
        "reassign" => act(Does::Beyond("REASSIGN OWNED".into()), ""),
        "do" | "call" | "execute" | "prepare" => act(Does::Opaque(verb.text.to_uppercase()), ""),
        "copy" | "load" | "listen" | "notify" | "unlisten" | "checkpoint" | "attach" | "detach" | "import"
        | "security" => act(Does::Beyond(verb.text.to_uppercase()), ""),
        "pragma" => act(Does::Beyond("PRAGMA".into()), walk.name()),
        _ => act(Does::Other(verb.text.to_uppercase()), ""),
    }
}

/// Sorts of objects that are not of one database.
const SHARED: [&str; 8] = ["role", "user", "group", "database", "tablespace", "subscription", "server", "system"];

/// Whether an object's sort reaches out of the database.
pub(super) fn is_shared(sort: &str) -> bool {
    SHARED.contains(&sort) || matches!(sort, "publication" | "event" | "foreign" | "access" | "extension" | "language")
}

/// The sort of object that comes next.
pub(super) fn sort(walk: &mut Walk<'_>) -> String {
    let Some(first) = walk.next() else { return String::new() };
    let pairs = ["materialized", "foreign", "event", "access", "text", "default", "operator"];
    if pairs.contains(&first.text.as_str())
        && let Some(second) = walk.rest().first().filter(|word| word.sort == WordSort::Plain)
    {
        if first.text == "materialized" || first.text == "text" || first.text == "default" {
            walk.next();
        }
        return match first.text.as_str() {
            "materialized" | "text" | "default" => format!("{} {}", first.text, second.text),
            alone => alone.to_owned(),
        };
    }
    first.text.clone()
}

fn create(mut walk: Walk<'_>) -> Vec<Act> {
    let replaces = walk.pass(&["or", "replace"]);
    let is_temporary = walk.rest().iter().take(2).any(|word| matches!(word.text.as_str(), "temp" | "temporary"));
    while [
        "global",
        "local",
        "temp",
        "temporary",
        "unlogged",
        "unique",
        "recursive",
        "constraint",
        "trusted",
        "procedural",
    ]
    .iter()
    .any(|word| walk.pass(&[word]))
    {}
    let sort = sort(&mut walk);
    let concurrently = walk.pass(&["concurrently"]);
    let may_be_there = walk.pass(&["if", "not", "exists"]);
    let mut to = walk.name();
    if is_shared(&sort) {
        return act(Does::Beyond(format!("CREATE {}", sort.to_uppercase())), to);
    }
    let is_as = walk.rest().iter().any(|word| word.depth == 0 && word.sort == WordSort::Plain && word.text == "as");
    let does = match sort.as_str() {
        "function" | "procedure" | "trigger" | "rule" | "aggregate" | "operator" | "cast" => {
            Does::CreateCode(sort.to_uppercase())
        }
        _ if replaces => Does::Replace(sort.to_uppercase()),
        "table" if is_as => Does::CreateTableAs,
        "table"
            if walk.rest().iter().any(|word| matches!(word.text.as_str(), "partition") && word.depth == 0)
                && walk.rest().first().is_some_and(|word| word.text == "partition") =>
        {
            Does::Constrain
        }
        "table" => Does::CreateTable { fresh: !may_be_there && !is_temporary },
        "index" => {
            let on = walk.rest().iter().position(|word| word.text == "on" && word.depth == 0);
            let index = on.or((to == "on").then_some(0));
            let mut table =
                Walk::new(index.and_then(|at| walk.rest().get(at + usize::from(to != "on")..)).unwrap_or_default());
            let _only = table.pass(&["only"]);
            to = table.name();
            Does::CreateIndex { concurrently }
        }
        // It may bring along what is in it, rights, and whose it is.
        "schema" if !walk.rest().is_empty() => Does::Other("CREATE SCHEMA with more".into()),
        "type" if walk.rest().iter().any(is_code) => Does::CreateCode("TYPE".into()),
        "schema" | "view" | "materialized view" | "sequence" | "type" | "domain" | "statistics" | "collation" => {
            Does::Create(sort.to_uppercase())
        }
        _ => Does::Other(format!("CREATE {}", sort.to_uppercase())),
    };
    act(does, to)
}

/// What a type names functions of its own by.
fn is_code(word: &Word) -> bool {
    let names = ["input", "output", "canonical", "subtype_diff", "receive", "send", "analyze", "subscript"];
    word.sort == WordSort::Plain && names.contains(&word.text.as_str())
}

fn drop(mut walk: Walk<'_>) -> Vec<Act> {
    if walk.pass(&["owned"]) {
        return act(Does::Beyond("DROP OWNED".into()), "");
    }
    let sort = sort(&mut walk);
    let _concurrently = walk.pass(&["concurrently"]);
    let _if = walk.pass(&["if", "exists"]);
    let to = walk.name();
    if is_shared(&sort) && sort != "extension" {
        return act(Does::Beyond(format!("DROP {}", sort.to_uppercase())), to);
    }
    act(Does::Drop(sort.to_uppercase()), to)
}
