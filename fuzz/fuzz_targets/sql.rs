//! Any text as SQL of each engine: read without a panic, in time; what is called a read begins like one, and neither writes
//! to anything nor locks rows.

#![no_main]

mod common;

use guard::action::query::{Engine, read};
use libfuzzer_sys::fuzz_target;

/// How a statement begins that only reads; QuestDB alone knows the last.
const READS: [&str; 7] = ["select", "values", "table", "with", "show", "explain", "declare"];

/// How statements of QuestDB begin that do more (questdb.com/docs, SQL overview); any other name is that of a table, which
/// QuestDB takes for a query of all of it.
const DOES: [&str; 24] = [
    "add",
    "alter",
    "assume",
    "backup",
    "cancel",
    "checkpoint",
    "compile",
    "copy",
    "create",
    "delete",
    "drop",
    "exit",
    "grant",
    "insert",
    "refresh",
    "reindex",
    "remove",
    "rename",
    "revoke",
    "set",
    "snapshot",
    "truncate",
    "update",
    "vacuum",
];

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for engine in [Engine::Postgres, Engine::QuestDb, Engine::Sqlite] {
        let Ok(query) = common::timed(|| read(engine, text)) else { continue };
        assert_eq!(query.text(), text);
        let _as_the_log_may_show_it = query.without_literals();
        if query.kind().reads_only() {
            assert!(query.writes().is_empty(), "{engine}: {:?} writes {:?}", query.kind(), query.writes());
            assert!(query.locks().is_empty(), "{engine}: {:?} locks", query.kind());
            // Where no comment stands before it.
            let bare = text.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '(');
            let first: String = bare.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            let first = first.to_ascii_lowercase();
            let commented = bare.starts_with("--") || bare.starts_with("/*");
            let named = engine == Engine::QuestDb && !DOES.contains(&first.as_str());
            assert!(
                commented || named || READS.contains(&first.as_str()),
                "{engine}: {:?} begins with {first}",
                query.kind()
            );
        }
    }
});
