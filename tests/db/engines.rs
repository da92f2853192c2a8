//! QuestDB and SQLite: the owner's own queries, and what writes.

use super::{asked, rules, scene};
use crate::cli::Home;
use crate::servers::{quest, unique};
use serde_json::{Value, json};
use std::process::Command;
use std::time::{Duration, Instant};

/// What the bare server says to its administrator.
fn psql(port: u16, sql: &str) -> String {
    psql_as("admin", port, sql)
}

fn psql_as(user: &str, port: u16, sql: &str) -> String {
    let done = Command::new("psql")
        .args(["-X", "-q", "-A", "-t", "-h", "127.0.0.1", "-p", &port.to_string(), "-U", user, "-d", "qdb", "-c", sql])
        .env("PGPASSWORD", "quest")
        .output()
        .unwrap();
    String::from_utf8_lossy(&done.stdout).trim_end().to_owned()
}

#[test]
fn the_owner_s_questions_to_questdb_are_answered_in_its_own_dialect() {
    let Some(server) = quest() else { return };
    // The owner's words name the table `candles`; other tests share the server.
    let candles = unique("candles");
    psql(
        server.port,
        &format!(
            "CREATE TABLE {candles} (symbol SYMBOL, close DOUBLE, timestamp TIMESTAMP) TIMESTAMP(timestamp) PARTITION BY DAY"
        ),
    );
    psql(
        server.port,
        &format!("INSERT INTO {candles} SELECT 'BTC-USD', x, dateadd('m', -x::int, now()) FROM long_sequence(50)"),
    );
    let began = Instant::now();
    while psql(server.port, &format!("SELECT count() FROM {candles}")) != "50" {
        assert!(began.elapsed() < Duration::from_secs(30), "its rows do not come");
        std::thread::sleep(Duration::from_millis(50));
    }
    let home = scene(
        "questdb",
        &format!("questdb://user:quest@127.0.0.1:{}/qdb", server.port),
        "[attempts]\ndatabase = 99\ntotal = 99",
    );
    let mut wrong = Vec::new();
    for (sql, rows) in [
        ("SELECT COUNT(*) FROM candles WHERE symbol = 'BTC-USD'", 1),
        ("SELECT * FROM candles WHERE timestamp > dateadd('h', -1, now()) LIMIT 100", 50),
        ("SELECT symbol, COUNT(*) FROM candles GROUP BY symbol", 1),
        ("SHOW COLUMNS FROM candles", 3),
        ("SELECT timestamp, avg(close) FROM candles SAMPLE BY 1d", 1),
        ("SELECT * FROM candles LATEST ON timestamp PARTITION BY symbol", 1),
    ] {
        let sql = sql.replace("candles", &candles);
        let (done, value) = asked(&home, &sql);
        let found = value["row_count"].as_u64().unwrap_or_default();
        let days = sql.contains("SAMPLE BY") && (1..=2).contains(&found);
        if done.code != Some(0) || found != rows && !days {
            wrong.push(format!("{sql}: {value}"));
        }
    }
    let (done, value) = asked(&home, "SHOW TABLES");
    let listed = value["rows"].as_array().is_some_and(|rows| rows.iter().any(|row| row[0] == json!(candles)));
    assert_eq!(wrong, [] as [String; 0]);
    assert!(done.code == Some(0) && listed, "{value}");
    // The owner's `now() - 1h` is let through; QuestDB itself (9.2.3) does not know it.
    let (done, value) = asked(&home, &format!("SELECT * FROM {candles} WHERE timestamp > now() - 1h LIMIT 100"));
    assert_eq!(
        (done.code, &value["verdict"], &value["error"]["message"]),
        (Some(1), &json!("allow"), &json!("invalid constant: 1h"))
    );
    let (done, value) = asked(&home, &candles);
    assert_eq!((done.code, rules(&value)), (Some(126), vec!["guard:query-statement"]), "{value}");
}

/// What there is of tables that begin so, and in the one of that name.
fn stands(port: u16, name: &str) -> String {
    let tables = psql(port, "SHOW TABLES");
    let mut names: Vec<&str> = tables.lines().filter_map(|line| line.split('|').next()).collect();
    names.retain(|found| found.starts_with(name));
    names.sort_unstable();
    format!("{names:?} {}", psql(port, &format!("SELECT count(), max(a) FROM {name}")))
}

/// A table with a row.
fn table(port: u16) -> String {
    let name = unique("kept");
    psql(port, &format!("CREATE TABLE {name} (a INT)"));
    psql(port, &format!("INSERT INTO {name} VALUES (1)"));
    until("the row is there", || psql(port, &format!("SELECT count() FROM {name}")) == "1");
    name
}

fn until(what: &str, is: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether guard refuses it by this rule; or, where none of its parsers understands it, as that.
fn refuses(home: &Home, sql: &str, rule: &str) {
    let (done, value) = asked(home, sql);
    let found = rules(&value);
    let known = found.first().is_some_and(|found| *found == rule || *found == "guard:query-unread");
    assert!(done.code == Some(126) && known, "{sql}: {value}");
}

#[test]
fn what_writes_to_questdb_leaves_no_trace_even_as_its_administrator() {
    let Some(server) = quest() else { return };
    let port = server.port;
    let home = scene("questdb", &format!("questdb://admin:quest@127.0.0.1:{port}/qdb"), "posture = \"any\"");
    for (sql, rule) in [
        ("INSERT INTO {t} VALUES (2)", "guard:query-writes"),
        ("UPDATE {t} SET a = 3", "guard:query-writes"),
        ("TRUNCATE TABLE {t}", "guard:query-writes"),
        ("DROP TABLE {t}", "guard:query-writes"),
        ("RENAME TABLE {t} TO {t}_3", "guard:query-writes"),
        ("CREATE TABLE {t}_2 AS (SELECT * FROM {t})", "guard:query-writes"),
        ("SELECT 1; DROP TABLE {t}", "guard:query-unread"),
    ] {
        let (bare, guarded) = (table(port), table(port));
        let before = stands(port, &bare);
        psql(port, &sql.replace("{t}", &bare));
        until(&format!("no effect on the bare server: {sql}"), || stands(port, &bare) != before);
        let before = stands(port, &guarded);
        refuses(&home, &sql.replace("{t}", &guarded), rule);
        assert_eq!(stands(port, &guarded), before, "{sql}");
    }
}

/// What the read-only user of QuestDB can do all the same, and what tells of others.
#[test]
fn what_questdb_s_own_reader_may_do_beside_reading_is_refused() {
    let Some(server) = quest() else { return };
    let port = server.port;
    let name = table(port);
    let home = scene("questdb", &format!("questdb://user:quest@127.0.0.1:{port}/qdb"), "posture = \"any\"");
    for (sql, rule) in [
        (format!("COPY {name} TO '{name}' WITH FORMAT PARQUET"), "guard:query-statement"),
        ("SELECT flush_query_cache()".to_owned(), "guard:query-function"),
        (format!("SELECT hydrate_table_metadata('{name}')"), "guard:query-function"),
        ("SELECT * FROM query_activity()".to_owned(), "guard:query-function"),
        ("query_activity()".to_owned(), "guard:query-function"),
    ] {
        let said = psql_as("user", port, &sql);
        assert!(!said.is_empty(), "no answer of the bare server: {sql}");
        refuses(&home, &sql, rule);
    }
    for sql in ["SELECT * FROM read_parquet('../../x')", "SELECT reload_config()", "SELECT simulate_crash('oom')"] {
        refuses(&home, sql, "guard:query-function");
    }
}

#[test]
fn sqlite_is_read_and_nothing_of_it_changes() {
    let home = scene("sqlite", "sqlite:///shop.db", "");
    let path = home.project.join("shop.db");
    let setup = "CREATE TABLE orders (id INTEGER PRIMARY KEY, total REAL, note TEXT); INSERT INTO orders VALUES (1, 1.5, 'a'), (2, 2.5, NULL);
        CREATE VIEW dear AS SELECT * FROM orders WHERE total > 2;";
    rusqlite::Connection::open(&path).unwrap().execute_batch(setup).unwrap();
    let before = std::fs::read(&path).unwrap();
    let (done, value) = asked(&home, "SELECT id, total, note FROM orders ORDER BY id");
    assert_eq!((done.code, &value["rows"]), (Some(0), &json!([[1, 1.5, "a"], [2, 2.5, null]])), "{value}");
    for sql in [
        "SELECT count(*), max(total) FROM dear",
        "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT sum(i) FROM n",
        "SELECT date('now') > '2020-01-01', json_extract('{\"a\": 1}', '$.a'), group_concat(note) OVER (ORDER BY id) FROM orders",
        "SELECT name FROM sqlite_master WHERE type = 'table'",
    ] {
        let (done, value) = asked(&home, sql);
        assert_eq!((done.code, rules(&value)), (Some(0), Vec::new()), "{sql}: {value}");
    }
    for sql in [
        "DROP TABLE orders",
        "PRAGMA journal_mode = WAL",
        "PRAGMA writable_schema = 1",
        "ATTACH '/tmp/other.db' AS other",
        "VACUUM INTO '/tmp/copy.db'",
        "SELECT load_extension('x')",
        "SELECT writefile('/tmp/x', 'y')",
        "CREATE TEMP TABLE t (a)",
        "BEGIN IMMEDIATE",
        "SELECT 1; DELETE FROM orders",
    ] {
        let (done, value) = asked(&home, sql);
        assert_eq!(done.code, Some(126), "{sql}: {value}");
    }
    for sql in ["DELETE FROM orders", "INSERT INTO orders VALUES (3, 1, 'x')", "REPLACE INTO orders VALUES (1, 1, 'x')"]
    {
        let (done, value) = asked(&home, sql);
        assert_eq!((done.code, rules(&value)), (Some(75), vec!["guard:query-changes"]), "{sql}: {value}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let tables = home.guard(&["db", "tables", "--json"]);
    let listed: Value = serde_json::from_str(&tables.stdout).unwrap();
    let names: Vec<&str> =
        listed["relations"].as_array().unwrap().iter().filter_map(|of| of["name"].as_str()).collect();
    assert_eq!(names, ["dear", "orders"], "{}", tables.stdout);
}

#[test]
fn a_file_that_is_no_database_or_not_there_is_told_as_that() {
    let home = scene("sqlite", "sqlite:///shop.db", "[attempts]\ndatabase = 9");
    let (done, value) = asked(&home, "SELECT 1");
    assert_ne!(done.code, Some(0), "{value}");
    let message = value["error"]["message"].as_str().unwrap_or_default().to_owned();
    assert!(!message.is_empty() && !home.project.join("shop.db").exists(), "{value}");
    home.write(
        "shop.db",
        "this is no database, but a text that is long enough to be looked at as one, and then some more of it\n",
    );
    let (done, value) = asked(&home, "SELECT * FROM sqlite_master");
    assert_ne!(done.code, Some(0), "{value}");
    assert!(value["error"]["message"].as_str().is_some_and(|message| message.contains("database")), "{value}");
}
