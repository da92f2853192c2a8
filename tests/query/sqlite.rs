//! SQLite's own names, strings and definitions.

use super::{sqlite, uses};
use guard::action::query::{Engine, read};

#[test]
fn names_are_the_same_in_any_case_and_quotes() {
    let query = sqlite("SELECT [A b].X, `c`, \"D\", count(*) FROM [A b], main.T2");
    assert_eq!(uses(&query), ["SELECT", "reads a b, main.t2", "calls count", "fields a b{a b.*}.x"]);
}

#[test]
fn a_definition_sees_itself_and_those_behind_it_without_a_word() {
    let query = sqlite("WITH a(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM a WHERE n < 9) SELECT * FROM a");
    assert_eq!(uses(&query), ["SELECT", "operators +, <"]);
    let query = sqlite("WITH a AS (SELECT * FROM b), b AS (SELECT * FROM t) SELECT * FROM a");
    assert_eq!(uses(&query), ["SELECT", "reads t"]);
}

#[test]
fn its_operators_and_functions_are_told() {
    let query = sqlite(
        "SELECT a GLOB 'x*', a == 1, a || b, json_extract(j, '$.a'), j ->> 'a', iif(a, 1, 2) FROM t WHERE a NOTNULL",
    );
    let operators = query.operators().iter().map(|operator| operator.symbol.as_str()).collect::<Vec<_>>();
    assert_eq!(operators, ["glob", "=", "||", "->>", "is not null"]);
    let calls = query.calls().iter().map(|called| called.path.to_string()).collect::<Vec<_>>();
    assert_eq!(calls, ["json_extract", "iif"]);
}

#[test]
fn queries_of_its_schema_and_plans_are_reads() {
    for sql in [
        "SELECT name FROM sqlite_schema WHERE type = 'table'",
        "SELECT * FROM pragma_table_info('t')",
        "EXPLAIN QUERY PLAN SELECT * FROM t",
        "VALUES (1, 2), (3, 4)",
        "SELECT max(x) FROM t LIMIT 3, 4",
        "SELECT x'00ff', 'it''s', 1e3, 0x1f",
    ] {
        assert!(read(Engine::Sqlite, sql).unwrap().kind().reads_only(), "{sql}");
    }
}
