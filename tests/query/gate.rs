//! What is refused before any parser sees it.

use super::{postgres, refused, uses};
use guard::action::query::{Engine, Fault, Place, read};

const PG: Engine = Engine::Postgres;
const ALL: [Engine; 3] = [Engine::Postgres, Engine::QuestDb, Engine::Sqlite];

#[test]
fn a_query_has_at_most_16_kib() {
    let just = format!("select '{}'", "a".repeat((16 << 10) - 9));
    assert_eq!(just.len(), 16 << 10);
    for engine in ALL {
        assert!(read(engine, &just).is_ok());
        let why = "long 1:1: the query has 16385 bytes, more than 16384";
        assert_eq!(refused(engine, &format!("{just} ")), why);
    }
}

#[test]
fn a_query_is_one_statement_with_at_most_one_semicolon_at_its_end() {
    for engine in ALL {
        assert!(read(engine, "select 1;").is_ok());
        assert!(read(engine, "select ';'").is_ok());
        assert_eq!(refused(engine, "select 1; drop table x"), "several 1:9: more than one statement");
        assert_eq!(refused(engine, "select 1;\n;"), "several 1:9: more than one statement");
        assert_eq!(refused(engine, "COMMIT; DROP SCHEMA public"), "several 1:7: more than one statement");
        for empty in ["", " \n\t", ";", "-- nothing", "/* nothing */ ;"] {
            assert_eq!(refused(engine, empty), "empty 1:1: there is no statement", "{empty:?}");
        }
    }
    // A semicolon that one lexer takes for part of a string or comment and another for the end of a statement.
    assert_eq!(postgres("select $a$ ; drop table x; $a$").calls(), []);
    assert_eq!(refused(PG, "select $a$ ; $A$; drop table x"), "broken 1:8: `$a$` is missing: the string never ends");
    assert_eq!(uses(&postgres("select '\\'' ; --'")), ["SELECT"]);
    assert_eq!(uses(&postgres("select E'\\'; drop table x; --'")), ["SELECT"]);
    assert_eq!(refused(PG, "select E'\\\\'; drop table x; --'"), "several 1:13: more than one statement");
    assert_eq!(refused(PG, "select /* /* */ 1; drop table x"), "broken 1:8: the comment never ends");
    assert_eq!(uses(&postgres("select /* /* */ ; drop table x; */ 1")), ["SELECT"]);
    assert_eq!(refused(Engine::Sqlite, "select /* /* */ 1"), "broken 1:8: a comment within a comment");
}

#[test]
fn brackets_and_case_are_nested_at_most_64_deep() {
    let nested = |open: &str, close: &str, depth| format!("select {}1{}", open.repeat(depth), close.repeat(depth));
    for engine in ALL {
        assert!(read(engine, &nested("(", ")", 64)).is_ok(), "{engine}");
        assert_eq!(refused(engine, &nested("(", ")", 65)), "deep 1:72: nested deeper than 64 levels");
        assert_eq!(refused(engine, &nested("(", ")", 8000)), "deep 1:72: nested deeper than 64 levels");
        assert!(refused(engine, &nested("case when true then ", " end", 65)).starts_with("deep "), "{engine}");
    }
    assert!(refused(PG, &nested("array[", "]", 65)).starts_with("deep "));
    assert_eq!(refused(PG, "select (1"), "broken 1:8: `)` is missing: the bracket never closes");
    assert_eq!(refused(PG, "select 1)"), "broken 1:9: `)` closes nothing");
    assert_eq!(refused(PG, "select (1]"), "broken 1:10: `]` closes nothing");
}

#[test]
fn characters_that_people_do_not_see_are_refused_everywhere() {
    let told =
        |code: &str, at: &str| format!("invisible {at}: the character U+{code}, which is not seen as what it is");
    for engine in ALL {
        assert_eq!(refused(engine, "select\u{a0}1"), told("00A0", "1:7"));
        assert_eq!(refused(engine, "select 1\0"), told("0000", "1:9"));
        assert_eq!(refused(engine, "select 1\u{b}"), told("000B", "1:9"));
        assert_eq!(refused(engine, "-- a\r drop table x\nselect 1"), told("000D", "1:5"));
        assert_eq!(refused(engine, "\u{feff}select 1"), told("FEFF", "1:1"));
        // In strings, names and comments too: whoever approves it must see all of it.
        assert_eq!(refused(engine, "select 'a\u{200b}b'"), told("200B", "1:10"));
        assert_eq!(refused(engine, "select \"a\u{200d}b\""), told("200D", "1:10"));
        assert_eq!(refused(engine, "select 1 /* \u{202e} */"), told("202E", "1:13"));
        assert!(read(engine, "select 'a\tb\nc\r\nd é 漢 🙂'").is_ok());
    }
    let instead = read(PG, "select 'a\u{200b}b'").unwrap_err().instead;
    assert_eq!(instead.as_deref(), Some("leave it out, or write `E'\\u200B'` in a string"));
}

#[test]
fn spellings_that_hide_what_is_meant_are_refused_with_their_place() {
    let unicode = "`U&` writes characters as numbers, which hides what is meant";
    let cases = [
        ("SELECT U&\"pg\\005fread_file\"('/etc/passwd')", format!("spelling 1:8: {unicode}")),
        ("SELECT u&'a'", format!("spelling 1:8: {unicode}")),
        ("\\d orders", "spelling 1:1: `\\` commands belong to psql".to_owned()),
        ("select 1 \\g", "spelling 1:10: `\\` commands belong to psql".to_owned()),
        ("select $1", "spelling 1:8: a parameter without a value".to_owned()),
        ("select * from t\nwhere a = $2", "spelling 2:11: a parameter without a value".to_owned()),
        ("select :x", "spelling 1:8: a parameter without a value".to_owned()),
        ("select f(:x)", "spelling 1:10: a parameter without a value".to_owned()),
        ("select 'a' 'b'", "spelling 1:8: two strings side by side".to_owned()),
        ("select E'a'\n'b'", "spelling 1:8: two strings side by side".to_owned()),
        ("select `a`", "spelling 1:8: a name between backticks".to_owned()),
        ("select a from t where {fn now()}", "spelling 1:23: `{`".to_owned()),
        ("select 123abc", "broken 1:8: letters stand right behind a number".to_owned()),
        ("select 'a", "broken 1:8: `'` is missing: the quote never ends".to_owned()),
        ("select \"\"", "spelling 1:8: an empty name".to_owned()),
    ];
    for (sql, told) in cases {
        assert_eq!(refused(PG, sql), told, "{sql}");
    }
    let long = format!("select {}", "a".repeat(64));
    assert_eq!(refused(PG, &long), "spelling 1:8: a name of more than 63 bytes, which PostgreSQL cuts off");
    assert_eq!(uses(&postgres(&format!("select \"{}\" from t", "a".repeat(63)))), ["SELECT", "reads t"]);
    for sql in ["select ?", "select ?1", "select @a", "select :a", "select $a"] {
        assert!(refused(Engine::Sqlite, sql).ends_with("a parameter without a value"), "{sql}");
    }
    // None of these is a parameter.
    for sql in
        ["select a[1:2]", "select a[:n]", "select a::int", "select '$1'", "select f(a => 1)", "select a$1 from t"]
    {
        assert!(read(PG, sql).is_ok(), "{sql}: {:?}", read(PG, sql));
    }
}

#[test]
fn every_refusal_says_where_in_lines_columns_and_bytes() {
    let unreadable = read(PG, "select 'é',\n  'ü', $1").unwrap_err();
    assert_eq!(unreadable.at, Place { line: 2, column: 8, offset: 21 });
    assert_eq!(unreadable.fault, Fault::Spelling);
    assert_eq!(unreadable.instead.as_deref(), Some("write the value"));
    let unreadable = read(PG, "select a\nfrom t\nwhere and").unwrap_err();
    assert_eq!((unreadable.fault, unreadable.at.line), (Fault::Syntax, 3));
}
