//! What no query finds out about a market and its trades: asked of real servers by the preset's own tables, refused, recorded.
//! Source of the rules: the owner's specification, SKILL 3, anti-alpha-mining enforcement.

use super::{asked, rules};
use crate::cli::{Done, Home};
use crate::servers::{postgres, quest};
use serde_json::Value;
use std::io::Read;
use std::process::{Command, Stdio};

/// A trading system's tables, and views that a person made.
const TRADES: &str = "
    CREATE TABLE orders (id int PRIMARY KEY, symbol text, status text, quantity numeric, placed_at timestamptz);
    INSERT INTO orders SELECT n, 'BTC-USD', 'pending', n, now() - n * interval '1 minute' FROM generate_series(1, 60) AS n;
    CREATE TABLE signals (id int, symbol text, strength numeric, processed boolean);
    INSERT INTO signals VALUES (1, 'BTC-USD', 0.5, false), (2, 'BTC-USD', 0.7, true);
    CREATE TABLE fills (id int, order_id int, signal_id int, price numeric, quantity numeric, timestamp timestamptz);
    INSERT INTO fills SELECT n, n, 1 + n % 2, 100 + n, 1, now() - n * interval '1 minute' FROM generate_series(1, 60) AS n;
    CREATE TABLE positions (id int, closed_at timestamptz);
    INSERT INTO positions VALUES (1, NULL);
    CREATE TABLE users (id int, age numeric);
    CREATE VIEW outcome AS SELECT s.id, s.strength, f.price FROM signals s JOIN fills f ON f.signal_id = s.id;
    CREATE VIEW outcome_of_all AS SELECT o.id, o.price AS at FROM outcome o;
    CREATE VIEW late AS SELECT o.id, f.timestamp - o.placed_at AS waited, f.price FROM orders o JOIN fills f ON f.order_id = o.id;
    CREATE MATERIALIZED VIEW kept AS SELECT s.id, f.price FROM signals s JOIN fills f ON f.signal_id = s.id;
    CREATE AGGREGATE spread(numeric) (SFUNC = numeric_accum, STYPE = internal, FINALFUNC = numeric_stddev_samp);
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO bare;";

/// A project of the preset for trading systems, its database `trades` here.
fn trading(variable: &str, url: &str, more: &str) -> Home {
    let home = Home::bare();
    home.write("guard.toml", &format!("version = 1\nextends = [\"python-trading\"]\n{more}\n"));
    home.write(".env", &format!("{variable}={url}\n"));
    let made = home.guard(&["init"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    home
}

fn of(home: &Home, database: &str, task: Option<&str>, sql: &str) -> (Done, Value) {
    let mut words = vec!["db", "query", "--json", "--db", database];
    words.extend(task.into_iter().flat_map(|task| ["--task", task]));
    words.push(sql);
    let done = home.guard(&words);
    let value = serde_json::from_str(&done.stdout);
    assert!(value.is_ok(), "{sql}: {}{}", done.stdout, done.stderr);
    (done, value.unwrap())
}

#[test]
fn a_trading_system_s_own_questions_are_answered() {
    let Some(server) = postgres() else { return };
    let database = server.database(TRADES);
    let home = trading("DATABASE_URL", &database.url("bare"), "");
    let mut wrong = Vec::new();
    for (sql, rows) in [
        ("SELECT * FROM orders WHERE status = 'pending' LIMIT 50", 50),
        ("SELECT * FROM fills WHERE timestamp > NOW() - INTERVAL '1 hour'", 59),
        ("SELECT COUNT(*) FROM signals WHERE processed = false", 1),
        ("SELECT * FROM positions WHERE closed_at IS NULL", 1),
        ("SELECT avg(waited), max(waited) FROM late", 1),
        ("SELECT order_id, count(*) FROM fills GROUP BY order_id HAVING count(*) > 1", 0),
        (
            "SELECT o.id, o.quantity, sum(f.quantity) FROM orders o LEFT JOIN fills f ON f.order_id = o.id GROUP BY o.id LIMIT 9",
            9,
        ),
        ("SELECT timestamp - lag(timestamp) OVER (ORDER BY timestamp) FROM fills LIMIT 5", 5),
        ("SELECT max(price) FROM fills WHERE timestamp > now() - interval '1 hour'", 1),
        ("SELECT max(t) FROM fills AS f(a, b, c, d, e, t)", 1),
        ("SELECT stddev(age) FROM users", 1),
    ] {
        let (done, value) = of(&home, "trades", None, sql);
        if (done.code, value["row_count"].as_u64()) != (Some(0), Some(rows)) {
            wrong.push(format!("{sql}: {value}"));
        }
    }
    assert_eq!(wrong, [] as [String; 0]);
}

#[test]
fn what_looks_for_a_strategy_is_refused_and_recorded_with_the_policy_s_line() {
    let Some(server) = postgres() else { return };
    let database = server.database(TRADES);
    let home = trading("DATABASE_URL", &database.url("bare"), "");
    let mut wrong = Vec::new();
    for (sql, rule) in [
        (
            "SELECT s.id, sum(f.price) FROM signals s JOIN fills f ON f.signal_id = s.id GROUP BY s.id",
            "guard:query-groups",
        ),
        ("SELECT * FROM outcome", "guard:query-groups"),
        ("SELECT count(*) FROM outcome_of_all", "guard:query-groups"),
        ("TABLE outcome_of_all", "guard:query-groups"),
        ("SELECT id FROM kept", "guard:query-groups"),
        ("SELECT * FROM signals, ONLY fills", "guard:query-groups"),
        ("SELECT strength FROM signals UNION ALL SELECT price FROM (TABLE fills) AS t", "guard:query-groups"),
        ("SELECT stddev(price) FROM fills", "guard:query-statistics"),
        ("SELECT pg_catalog.stddev(price) FROM fills AS users", "guard:query-statistics"),
        (
            "SELECT sqrt(avg(price * price) - avg(price) ^ 2) FROM fills WHERE timestamp > now() - interval '1 hour'",
            "guard:query-statistics",
        ),
        ("SELECT stddev(price) FROM late", "guard:query-statistics"),
        ("SELECT stddev(f.users) FROM (SELECT price AS users FROM fills) AS f", "guard:query-statistics"),
        ("SELECT stddev(id) FROM fills AS f(a, b, c, id)", "guard:query-statistics"),
        ("SELECT avg(price) FROM late", "guard:query-aggregate"),
        ("SELECT avg(price) OVER (ORDER BY timestamp ROWS 50 PRECEDING) FROM fills", "guard:query-window"),
        (
            "SELECT a.price - b.price FROM fills a JOIN fills b ON b.timestamp = a.timestamp - interval '20 minutes'",
            "guard:query-window",
        ),
        ("SELECT json_agg(f) FROM fills f", "guard:query-export"),
        // A column of the query around, though the one within could have it.
        ("SELECT (SELECT stddev(price) FROM users) FROM fills", "guard:query-statistics"),
        ("SELECT (SELECT stddev(price) FROM generate_series(1, 1) AS g) FROM fills", "guard:query-statistics"),
        (
            "SELECT sum((SELECT count(*) FROM generate_series(1, 9) AS g WHERE g < price)) FROM fills",
            "guard:query-statistics",
        ),
        // Sums by the number of rows, extremes by their order, and what the server knows by itself.
        ("SELECT count(*) FROM fills, generate_series(1, price::int)", "guard:query-statistics"),
        (
            "SELECT count(*) FROM (SELECT 1 FROM generate_series(1, 99) LIMIT (SELECT stddev(price)::int FROM fills)) AS x",
            "guard:query-statistics",
        ),
        ("SELECT price FROM fills ORDER BY price DESC LIMIT 1", "guard:query-aggregate"),
        ("SELECT histogram_bounds FROM pg_stats WHERE tablename = 'fills'", "guard:query-statistics"),
    ] {
        // Each is an answer of the bare server's.
        assert!(server.psql_as("bare", &database.name, sql).is_ok(), "{sql}");
        let (done, value) = of(&home, "trades", None, sql);
        if done.code != Some(126) || !rules(&value).contains(&rule) || value["row_count"].as_u64() > Some(0) {
            wrong.push(format!("{rule}: {sql}: {value}"));
        }
    }
    assert_eq!(wrong, [] as [String; 0]);
    let (done, value) = of(&home, "trades", None, "SELECT spread(price) FROM fills");
    assert_eq!(done.code, Some(126), "{value}");
    let told = home.guard(&["db", "query", "--db", "trades", "SELECT id\nFROM outcome"]);
    for part in
        ["guard:query-groups", "`outcome` (of the group `fills`) at 2:6", "python-trading.toml:", "ask each by itself"]
    {
        assert!(told.stderr.contains(part), "{part}: {}", told.stderr);
    }
    let log = home.log();
    assert!(log.contains("[DB] [QUERY] [PostgreSQL: SELECT stddev(price) FROM fills] [DENIED] {"), "{log}");
    assert!(log.contains("\"guard:query-groups\""), "{log}");
    let verified = home.guard(&["audit", "verify"]);
    assert_eq!(verified.code, Some(0), "{}{}", verified.stdout, verified.stderr);
}

#[test]
fn rows_taken_out_piece_by_piece_spend_a_budget_that_no_new_name_of_a_task_renews() {
    let Some(server) = postgres() else { return };
    let database = server.database(TRADES);
    let home = trading("DATABASE_URL", &database.url("bare"), "[alpha]\ntask_rows = 10\nall_rows = 25");
    let ask = |task: Option<&str>, sql: &str| {
        let (done, value) = of(&home, "trades", task, sql);
        (done.code, value["row_count"].as_u64(), value["truncated"].as_str().map(str::to_owned), value)
    };
    let some = |offset: u32| format!("SELECT price FROM fills ORDER BY id LIMIT 4 OFFSET {offset}");
    assert_eq!(ask(None, &some(0)).1, Some(4));
    assert_eq!(ask(None, &some(4)).1, Some(4));
    // What is left, and not one more; through a view all the same.
    let (code, rows, truncated, _) = ask(None, "SELECT price FROM late");
    assert_eq!((code, rows, truncated.as_deref()), (Some(0), Some(2), Some("rows")));
    let (code, _, _, value) = ask(None, &some(8));
    assert_eq!((code, rules(&value)), (Some(126), vec!["guard:query-export"]), "{value}");
    assert!(
        value["rules"][0]["reason"].as_str().is_some_and(|reason| reason.contains("10 rows of `fills`")),
        "{value}"
    );
    assert_eq!(ask(None, "SELECT price FROM late").0, Some(126), "the view is known once the catalog was asked");
    assert_eq!(ask(None, "SELECT age FROM users").0, Some(0), "what is in no group costs nothing");
    // Another name has a budget of its own, and all names together one.
    assert_eq!(ask(Some("two"), "SELECT price FROM fills").1, Some(10));
    assert_eq!(ask(Some("three"), "SELECT price FROM fills").1, Some(5));
    let (code, _, _, value) = ask(Some("four"), &some(0));
    assert_eq!((code, rules(&value)), (Some(126), vec!["guard:query-export"]), "{value}");
    assert!(
        value["rules"][0]["reason"].as_str().is_some_and(|reason| reason.contains("all tasks were given 25")),
        "{value}"
    );
    let log = home.log();
    assert!(log.contains("\"groups\":[\"fills\"]") && log.contains("\"groups\":[\"fills\",\"orders\"]"), "{log}");
    let verified = home.guard(&["audit", "verify"]);
    assert_eq!(verified.code, Some(0), "{}{}", verified.stdout, verified.stderr);
}

#[test]
fn rows_that_nobody_read_to_the_end_count_as_well() {
    let Some(server) = postgres() else { return };
    let database = server.database("CREATE TABLE candles (id int, close text); INSERT INTO candles SELECT n, repeat('x', 1000) FROM generate_series(1, 5000) AS n; GRANT SELECT ON candles TO bare");
    let home = trading("DATABASE_URL", &database.url("bare"), "[attempts]\ndatabase = 9\n[alpha]\ntask_rows = 5000");
    let mut guard = Command::new(env!("CARGO_BIN_EXE_guard"))
        .args(["db", "query", "--csv", "--db", "trades", "SELECT close FROM candles"])
        .current_dir(&home.project)
        .env_clear()
        .env("HOME", home.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut some = [0; 5000];
    guard.stdout.take().unwrap().read_exact(&mut some).unwrap();
    guard.wait().unwrap();
    let log = home.log();
    let ended = log.lines().rfind(|line| line.contains("\"query_end\"")).unwrap_or_default().to_owned();
    assert!(ended.contains("\"ended\":\"cancelled\"") && !ended.contains("\"rows\":0"), "{ended}");
    assert!(ended.contains("\"groups\":[\"market\"]"), "{ended}");
}

#[test]
fn questdb_is_asked_for_gaps_and_not_for_patterns() {
    let Some(server) = quest() else { return };
    let candles = crate::servers::unique("candles");
    let psql = |sql: &str| {
        let port = server.port.to_string();
        let words = ["-X", "-q", "-A", "-t", "-h", "127.0.0.1", "-p", &port, "-U", "admin", "-d", "qdb", "-c", sql];
        let done = Command::new("psql").args(words).env("PGPASSWORD", "quest").output().unwrap();
        String::from_utf8_lossy(&done.stdout).trim_end().to_owned()
    };
    psql(&format!(
        "CREATE TABLE {candles} (symbol SYMBOL, open DOUBLE, close DOUBLE, timestamp TIMESTAMP) TIMESTAMP(timestamp) PARTITION BY DAY WAL"
    ));
    psql(&format!(
        "INSERT INTO {candles} SELECT 'BTC-USD', x, x + 1, dateadd('m', -x::int, now()) FROM long_sequence(50)"
    ));
    let began = std::time::Instant::now();
    while psql(&format!("SELECT count() FROM {candles}")) != "50" {
        assert!(began.elapsed() < std::time::Duration::from_secs(30), "its rows do not come");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let url = format!("questdb://user:quest@127.0.0.1:{}/qdb", server.port);
    let home = trading("QUESTDB_URL", &url, "[attempts]\ndatabase = 99\ntotal = 99");
    let mut wrong = Vec::new();
    for (sql, rule) in [
        ("SELECT COUNT(*) FROM candles WHERE symbol = 'BTC-USD'", None),
        ("SELECT * FROM candles WHERE timestamp > dateadd('h', -1, now()) LIMIT 100", None),
        ("SELECT symbol, COUNT(*) FROM candles GROUP BY symbol", None),
        ("SHOW COLUMNS FROM candles", None),
        ("SELECT timestamp, count() FROM candles SAMPLE BY 1m", None),
        ("SELECT timestamp, max(close) FROM candles WHERE timestamp > dateadd('h', -1, now()) SAMPLE BY 10m", None),
        ("SELECT min(timestamp), max(timestamp) FROM candles", None),
        ("SELECT timestamp, stddev(close) FROM candles SAMPLE BY 10m", Some("guard:query-statistics")),
        ("SELECT timestamp, avg(close) FROM candles SAMPLE BY 1d", Some("guard:query-aggregate")),
        ("SELECT floor(close / 10), count() FROM candles", Some("guard:query-statistics")),
        (
            "SELECT sum(close * close) FROM candles WHERE timestamp > dateadd('h', -1, now())",
            Some("guard:query-statistics"),
        ),
        ("SELECT vwap(close, open) FROM candles", Some("guard:query-statistics")),
        (
            "SELECT avg(close) OVER (ORDER BY timestamp ROWS BETWEEN 20 PRECEDING AND CURRENT ROW) FROM candles",
            Some("guard:query-window"),
        ),
    ] {
        let sql = sql.replace("candles", &candles);
        let (done, value) = of(&home, "market", None, &sql);
        let expected = if rule.is_some() { Some(126) } else { Some(0) };
        if done.code != expected || rule.is_some_and(|rule| !rules(&value).contains(&rule)) {
            wrong.push(format!("{sql}: {value}"));
        }
    }
    assert_eq!(wrong, [] as [String; 0]);
}

#[test]
fn without_groups_in_the_policy_nothing_of_this_applies() {
    let Some(server) = postgres() else { return };
    let database = server.database(TRADES);
    let home = super::scene("postgres", &database.url("bare"), "");
    for sql in ["SELECT stddev(price) FROM fills", "SELECT * FROM outcome", "SELECT json_agg(f) FROM fills f"] {
        let (done, value) = asked(&home, sql);
        assert_eq!(done.code, Some(0), "{sql}: {value}");
    }
    assert!(!home.log().contains("\"most\"") && !home.log().contains("\"groups\""));
}

#[test]
fn what_a_table_of_paper_keeps_of_the_market_a_person_is_asked_about() {
    let Some(server) = postgres() else { return };
    let database = server.database(&format!(
        "{TRADES} CREATE TABLE paper_notes (id int, price numeric); CREATE VIEW paper_own AS SELECT id FROM paper_notes;
         GRANT ALL ON paper_notes, paper_own TO bare;"
    ));
    let home = trading("DATABASE_URL", &database.url("bare"), "");
    let set = crate::cli::agreed(&home, "guard mode paper");
    assert_eq!(set.code, Some(0), "{}{}", set.stdout, set.stderr);
    let (done, value) = of(&home, "trades", None, "INSERT INTO paper_notes VALUES (1, 2), (2, 3)");
    assert_eq!((done.code, &value["rows_changed"]), (Some(0), &serde_json::json!(2)), "{value}");
    // From there anything could be computed of them, again and again, and nobody would count the rows.
    for sql in [
        "INSERT INTO paper_notes SELECT id, price FROM fills",
        "INSERT INTO paper_notes SELECT id, price FROM late RETURNING *",
        "INSERT INTO paper_notes SELECT a, d FROM (TABLE fills) AS f(a, b, c, d)",
        "UPDATE paper_notes SET price = (SELECT price FROM fills WHERE id = 7)",
        "UPDATE paper_notes AS n SET price = f.price FROM ONLY fills AS f WHERE f.id = n.id",
        "MERGE INTO paper_notes n USING fills f ON f.id = n.id WHEN MATCHED THEN UPDATE SET price = f.price",
    ] {
        let (done, value) = of(&home, "trades", None, sql);
        assert_eq!((done.code, &value["verdict"]), (Some(75), &serde_json::json!("ask")), "{sql}: {value}");
        assert!(
            value.to_string().contains("of the group `fills`") || value.to_string().contains("reads of `fills`"),
            "{sql}: {value}"
        );
    }
    let (done, value) = of(&home, "trades", None, "INSERT INTO paper_notes SELECT 1, stddev(price) FROM fills");
    assert_eq!((done.code, rules(&value).contains(&"guard:query-statistics")), (Some(126), true), "{value}");
    let (_, value) = of(&home, "trades", None, "SELECT count(*) FROM paper_notes");
    assert_eq!(value["rows"], serde_json::json!([[2]]));
}
