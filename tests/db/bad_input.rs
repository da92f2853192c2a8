//! What cannot be asked: each with a message that says what to do, an exit code, and nothing lost.

use super::{asked, given, rules, scene, set};
use crate::cli::Home;
use crate::servers::postgres;
use serde_json::json;
use std::net::TcpListener;
use std::time::{Duration, Instant};

fn nowhere(url: &str, more: &str) -> Home {
    scene("postgres", url, more)
}

#[test]
fn a_database_that_is_not_named_or_not_set_is_told_with_what_to_do() {
    let home = nowhere("", "");
    let cases = [
        (vec!["db", "query", "--db", "other", "SELECT 1"], "no database is called `other`", "--db shop"),
        (vec!["db", "query", "SELECT 1"], "`SHOP_URL` is not set", "`SHOP_URL=…` into the project's `.env`"),
        (vec!["db", "query", "--test", "SELECT 1"], "has none for tests", "`test_url_env`"),
        (vec!["db", "tables"], "`SHOP_URL` is not set", "`.env`"),
    ];
    for (words, what, help) in cases {
        let done = home.guard(&words);
        assert_eq!(done.code, Some(125), "{words:?}");
        assert!(done.stderr.contains(what) && done.stderr.contains(help), "{words:?}: {}", done.stderr);
    }
    let bare = Home::with("python");
    let none = bare.guard(&["db", "query", "SELECT 1"]);
    assert!(
        none.stderr.contains("the policy names no database") && none.stderr.contains("[[database]]"),
        "{}",
        none.stderr
    );
}

#[test]
fn a_url_is_never_shown_whatever_is_wrong_with_it() {
    for url in
        ["postgres://u:hunter2@host:99999/d", "mysql://u:hunter2@h/d", "u:hunter2@h", "postgres://u:hunter2@[::1/d"]
    {
        let home = nowhere(url, "");
        let done = home.guard(&["db", "query", "SELECT 1"]);
        assert_ne!(done.code, Some(0), "{url}");
        assert!(!done.stderr.contains("hunter2") && !home.log().contains("hunter2"), "{url}: {}", done.stderr);
    }
}

#[test]
fn another_machine_is_only_asked_where_the_policy_names_it() {
    let home = nowhere("postgres://u:p@db.example.com/d", "");
    let (done, value) = asked(&home, "SELECT 1");
    assert_eq!((done.code, rules(&value)), (Some(126), vec!["guard:query-host"]), "{value}");
    let changed = set(&home, &[("SHOP_URL", "postgres://u:p@192.0.2.1/d")], &["db", "query", "SELECT 1"]);
    assert_eq!(changed.code, Some(126), "whoever sets the environment: {}", changed.stderr);
    let file = scene("sqlite", "sqlite:////etc/passwd", "");
    let (done, value) = asked(&file, "SELECT 1");
    assert_eq!((done.code, rules(&value)), (Some(126), vec!["guard:query-host"]), "{value}");
}

#[test]
fn a_server_that_is_down_or_lets_nobody_in_or_has_no_such_database_is_told_as_that() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let home = nowhere(&format!("postgres://u:p@127.0.0.1:{port}/d"), "[attempts]\ndatabase = 3");
    let (done, value) = asked(&home, "SELECT 1");
    assert_eq!(
        (done.code, &value["error"]["class"], &value["tries"]),
        (Some(125), &json!("down"), &json!(1)),
        "{value}"
    );
    let help = value["error"]["help"].as_str().unwrap_or_default();
    assert!(help.contains("start"), "{value}");
    let Some(server) = postgres() else { return };
    let wrong = nowhere(&format!("postgres://bare:wrong@127.0.0.1:{}/postgres", server.port), "");
    let (done, value) = asked(&wrong, "SELECT 1");
    assert_eq!((done.code, &value["error"]["class"]), (Some(125), &json!("auth")), "{value}");
    let absent = nowhere(&format!("postgres://bare:p%40ss@127.0.0.1:{}/absent", server.port), "");
    let (done, value) = asked(&absent, "SELECT 1");
    assert_eq!((done.code, &value["error"]["code"]), (Some(1), &json!("3D000")), "{value}");
}

#[test]
fn a_server_that_never_answers_is_not_waited_for() {
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = deaf.local_addr().unwrap().port();
    let home = nowhere(&format!("postgres://u:p@127.0.0.1:{port}/d"), "timeout = \"1s\"");
    let began = Instant::now();
    let (done, value) = asked(&home, "SELECT 1");
    assert!(matches!(done.code, Some(124 | 125)), "{value}");
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
}

#[test]
fn a_text_that_is_no_statement_is_refused_with_its_place() {
    let home = nowhere("postgres://u:p@127.0.0.1:1/d", "");
    let deep = format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000));
    let long = format!("SELECT '{}'", "x".repeat(20_000));
    for (sql, at) in [
        ("", "1:1"),
        ("SELECT FROM WHERE ,", "1:"),
        ("SELECT 'a", "1:8"),
        (&deep, "1:"),
        (&long, "1:"),
        ("SELECT 1\u{200b}", "1:9"),
    ] {
        let (done, value) = asked(&home, sql);
        let reason = value["rules"][0]["reason"].as_str().unwrap_or_default();
        assert_eq!((done.code, rules(&value)), (Some(126), vec!["guard:query-unread"]), "{sql:.40}: {value}");
        assert!(reason.contains(&format!("at {at}")), "{sql:.40}: {reason}");
    }
    let huge = "x".repeat(16 << 20);
    let done = given(&home, &["db", "query"], &huge);
    assert_eq!(done.code, Some(125));
    assert!(done.stderr.contains("longer than"), "{}", done.stderr);
    let bytes = given(&home, &["db", "query"], "SELECT 1\0");
    assert_eq!(bytes.code, Some(126), "{}", bytes.stderr);
}

#[test]
fn an_endless_query_is_stopped_at_its_time() {
    let Some(server) = postgres() else { return };
    let database = server.database("");
    for sql in [
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
        // A pattern that takes for ever, and what is worked out while it is planned.
        "SELECT repeat('ab', 300) ~ '^(.*)(.*)(.*)(.*)\\4\\3\\2\\1$z*c?$'",
        "EXPLAIN SELECT 1 WHERE length(repeat('a', 1000000000)) = 1",
    ] {
        let bare =
            database.server.psql_as("owner", &database.name, &format!("SET statement_timeout = '1500ms'; {sql}"));
        assert!(bare.as_ref().is_err_and(|error| error.contains("statement timeout")), "{sql}: {bare:?}");
        let home = scene("postgres", &database.url("bare"), "timeout = \"1s\"");
        let (done, value) = asked(&home, sql);
        assert_eq!((done.code, &value["error"]["class"]), (Some(124), &json!("timeout")), "{value}");
        assert_eq!(value["tries"], 2, "a read is tried once more");
        assert!(home.log().contains("[TIMEOUT]") || home.log().contains("[FAIL 1/1]"), "{}", home.log());
    }
}
