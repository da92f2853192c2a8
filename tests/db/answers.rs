//! What is answered: the owner's own queries, plain SQL of everyday, layouts, bounds.

use super::{asked, given, rules, scene};
use crate::cli::Home;
use crate::servers::{Database, postgres};
use serde_json::{Value, json};

const SHOP: &str = "
    CREATE TABLE orders (id int PRIMARY KEY, status text, price numeric(20,8), placed_at timestamptz);
    INSERT INTO orders SELECT n, CASE WHEN n % 2 = 0 THEN 'pending' ELSE 'done' END, n / 3.0, '2026-11-22 07:00:00+00'::timestamptz + n * interval '1 minute'
        FROM generate_series(1, 100) AS n;
    CREATE TABLE fills (id int, order_id int REFERENCES orders, timestamp timestamptz, quantity numeric);
    INSERT INTO fills VALUES (1, 1, now(), 2);
    CREATE TABLE signals (id int, processed boolean);
    INSERT INTO signals VALUES (1, false), (2, true);
    CREATE TABLE positions (id int, closed_at timestamptz);
    INSERT INTO positions VALUES (1, NULL);
    CREATE VIEW pending AS SELECT id, lower(status) AS status FROM orders WHERE status = 'pending';
    CREATE MATERIALIZED VIEW totals AS SELECT status, sum(price) AS price FROM orders GROUP BY status;
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO bare;";

fn shop() -> Option<(Database, Home)> {
    let database = postgres()?.database(SHOP);
    let home = scene("postgres", &database.url("bare"), "posture = \"read-only\"");
    Some((database, home))
}

#[test]
fn the_owner_s_own_examples_are_answered_word_for_word() {
    let Some((_database, home)) = shop() else { return };
    for (sql, rows) in [
        ("SELECT * FROM orders WHERE status = 'pending' LIMIT 50", 50),
        ("SELECT * FROM fills WHERE timestamp > NOW() - INTERVAL '1 hour'", 1),
        ("SELECT COUNT(*) FROM signals WHERE processed = false", 1),
        ("SELECT * FROM positions WHERE closed_at IS NULL", 1),
    ] {
        let (done, value) = asked(&home, sql);
        assert_eq!((done.code, &value["row_count"]), (Some(0), &json!(rows)), "{sql}: {value}");
    }
}

#[test]
fn everyday_sql_is_answered() {
    let Some((_database, home)) = shop() else { return };
    let mut wrong = Vec::new();
    for sql in [
        "SELECT 1",
        "VALUES (1, 'a'), (2, 'b')",
        "TABLE orders",
        "SHOW server_version",
        "EXPLAIN SELECT * FROM orders",
        "EXPLAIN (ANALYZE, COSTS off) SELECT count(*) FROM orders",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT sum(i) FROM n",
        "SELECT o.id, f.quantity FROM orders o LEFT JOIN fills f ON f.order_id = o.id ORDER BY o.id DESC LIMIT 5 OFFSET 2",
        "SELECT status, count(*) FILTER (WHERE price > 3) FROM orders GROUP BY status HAVING count(*) > 1 ORDER BY 1",
        "SELECT id, row_number() OVER (PARTITION BY status ORDER BY price DESC) FROM orders",
        "SELECT placed_at AT TIME ZONE 'UTC', date_bin('15 minutes', placed_at, '2026-01-01'), extract(hour FROM placed_at) FROM orders",
        "SELECT * FROM orders WHERE status LIKE 'p%' AND price BETWEEN 1 AND 10 AND id IN (2, 4, 6) AND status ~ '^p'",
        "SELECT coalesce(max(closed_at)::text, 'none'), nullif(1, 2), greatest(1, 2) FROM positions",
        "SELECT CASE WHEN price > 10 THEN 'dear' ELSE 'cheap' END, count(DISTINCT status) FROM orders GROUP BY 1",
        "SELECT jsonb_build_object('a', 1) -> 'a', '{\"b\": [1]}'::jsonb #>> '{b,0}', array[1, 2] || 3, (array[5, 6])[1]",
        "SELECT * FROM pending WHERE pending.id > 90",
        "SELECT * FROM totals",
        "SELECT t.table_name FROM information_schema.tables t WHERE t.table_schema = 'public'",
        "SELECT relname, pg_size_pretty(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' LIMIT 3",
        "SELECT * FROM orders o WHERE EXISTS (SELECT 1 FROM fills f WHERE f.order_id = o.id)",
        "SELECT md5('a'), sha256('a'::bytea), gen_random_uuid() IS NOT NULL, random() < 2, clock_timestamp() > now()",
        "SELECT * FROM generate_series(1, 3) AS g(n), LATERAL (SELECT g.n * 2) AS doubled",
        "SELECT trim(both ' ' FROM ' a '), substring('abc' FROM 2 FOR 1), position('b' IN 'abc'), overlay('abc' PLACING 'x' FROM 2)",
        "SELECT id FROM orders UNION SELECT id FROM fills EXCEPT SELECT 3 ORDER BY 1",
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY price), string_agg(status, ',' ORDER BY id) FROM orders",
    ] {
        let (done, value) = asked(&home, sql);
        if (done.code, rules(&value).len()) != (Some(0), 0) {
            wrong.push(format!("{sql}: {value}"));
        }
    }
    assert_eq!(wrong, [] as [String; 0]);
}

#[test]
fn json_keeps_every_value_as_it_is() {
    let Some((_database, home)) = shop() else { return };
    let sql = "SELECT 12345678901234567890.123456789::numeric AS exact, 9223372036854775807::int8 AS big, 'NaN'::float8 AS nan, true AS yes,
        NULL AS none, '2026-11-22 07:11:46.5+01'::timestamptz AS moment, '2026-11-22 07:11:46'::timestamp AS local, '\\x00ff'::bytea AS bytes,
        ARRAY[[1,2],[3,NULL]] AS grid, '{\"a\": [1, null]}'::jsonb AS doc, 'a\"b'::text AS text";
    let (done, value) = asked(&home, sql);
    assert!(done.stdout.contains("[12345678901234567890.123456789,"), "{}", done.stdout);
    let row = value["rows"][0].clone();
    let expected = json!([
        row[0], 9_223_372_036_854_775_807_i64, "NaN", true, null, "2026-11-22T06:11:46.5+00:00", "2026-11-22T07:11:46",
        "\\x00ff", [[1, 2], [3, null]], { "a": [1, null] }, "a\"b",
    ]);
    assert_eq!(row, expected);
    let types: Vec<&Value> = value["columns"].as_array().unwrap().iter().map(|column| &column["type"]).collect();
    assert_eq!(types.first(), Some(&&json!("numeric")), "{types:?}");
}

#[test]
fn an_answer_ends_at_its_bounds_and_says_so() {
    let Some((database, home)) = shop() else { return };
    let limited = home.guard(&["db", "query", "--json", "--limit", "7", "SELECT id FROM orders ORDER BY id"]);
    let value: Value = serde_json::from_str(&limited.stdout).unwrap();
    assert_eq!((&value["row_count"], &value["truncated"]), (&json!(7), &json!("rows")));
    let (_, whole) = asked(&home, "SELECT id FROM orders ORDER BY id");
    assert_eq!((&whole["row_count"], &whole["truncated"]), (&json!(100), &Value::Null));
    let narrow = scene("postgres", &database.url("bare"), "bytes = \"100B\"\nrows = 50");
    let (_, value) = asked(&narrow, "SELECT repeat('x', 30) FROM orders");
    assert_eq!((&value["row_count"], &value["truncated"]), (&json!(3), &json!("bytes")));
    let more = narrow.guard(&["db", "query", "--json", "--limit", "99", "SELECT 1 FROM orders"]);
    let value: Value = serde_json::from_str(&more.stdout).unwrap();
    assert_eq!(
        (&value["row_count"], &value["truncated"]),
        (&json!(50), &json!("rows")),
        "no caller loosens the policy"
    );
    let told = home.guard(&["db", "query", "--limit", "1", "SELECT id FROM orders"]);
    assert!(told.stderr.contains("truncated"), "{}", told.stderr);
}

#[test]
fn a_table_and_csv_are_what_people_and_programs_expect() {
    let Some((_database, home)) = shop() else { return };
    let sql = "SELECT 1 AS n, 'a,\"b\"'::text AS word, NULL::text AS none, ''::text AS empty";
    let table = home.guard(&["db", "query", sql]);
    assert_eq!(table.stdout, "n  word   none  empty\n-  -----  ----  -----\n1  a,\"b\"  NULL  \n", "{}", table.stderr);
    let csv = home.guard(&["db", "query", "--csv", sql]);
    assert_eq!(csv.stdout, "n,word,none,empty\r\n1,\"a,\"\"b\"\"\",,\"\"\r\n");
    let input = given(&home, &["db", "query", "--csv", "-"], "SELECT 2 AS n\n");
    assert_eq!(input.stdout, "n\r\n2\r\n", "{}", input.stderr);
}

#[test]
fn what_is_there_is_listed_without_its_url() {
    let Some((_database, home)) = shop() else { return };
    let list = home.guard(&["db", "list"]);
    assert_eq!(list.stdout, "shop  PostgreSQL  SHOP_URL, set in .env\n");
    let tables = home.guard(&["db", "tables"]);
    let expected = "fills      table\norders     table\npending    view\npositions  table\nsignals    table\ntotals     materialized view\n";
    assert_eq!((tables.stdout.as_str(), tables.code), (expected, Some(0)), "{}", tables.stderr);
    let columns = home.guard(&["db", "columns", "shop", "orders"]);
    let expected = "id         integer  not null  key\nstatus     text\nprice      numeric(20,8)\nplaced_at  timestamp with time zone\n";
    assert_eq!((columns.stdout.as_str(), columns.code), (expected, Some(0)), "{}", columns.stderr);
    let missing = home.guard(&["db", "columns", "shop", "nothing"]);
    assert_eq!(missing.code, Some(1));
    assert!(missing.stderr.contains("guard db tables shop"), "{}", missing.stderr);
}
