//! Writes: into databases of their own for tests, into tables of paper, by a person's word; and every way into another one.
//! Each way is first shown with its effect on the bare server, and then its absence through guard.

use super::{asked, rules, scene, set, sqlite};
use crate::cli::{Done, Home, agreed};
use crate::servers::{Database, postgres, quest};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const TWO: &str =
    "test_url_env = \"SHOP_TEST\"\nwrite_prefix = \"paper_\"\n[attempts]\ndatabase = 99\ntotal = 99\ndenials = 99";

/// A statement as JSON tells of it, with further words.
fn told(home: &Home, words: &[&str], sql: &str) -> (Done, Value) {
    let done = home.guard(&[&["db", "query", "--json"], words, &[sql]].concat());
    let value = serde_json::from_str(&done.stdout);
    assert!(value.is_ok(), "{sql}: {}{}", done.stdout, done.stderr);
    (done, value.unwrap())
}

/// A real database and one for tests on the server, asked as a user who may write to both.
fn two(real: &Database, test: &Database) -> Home {
    for database in [real, test] {
        database.psql("GRANT ALL ON ALL TABLES IN SCHEMA public TO bare; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO bare; GRANT ALL ON SCHEMA public TO bare");
    }
    scene("postgres", &format!("{}\nSHOP_TEST={}", real.url("bare"), test.url("bare")), TWO)
}

fn in_paper(home: &Home) {
    let done = agreed(home, "guard mode paper");
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
}

#[test]
fn a_database_of_its_own_for_tests_is_written_to() {
    let Some(server) = postgres() else { return };
    let orders = "CREATE TABLE orders (id serial PRIMARY KEY, name text)";
    let (real, test) = (server.database(orders), server.database(orders));
    let home = two(&real, &test);
    let (done, value) = told(&home, &["--test"], "INSERT INTO orders (name) VALUES ('a'), ('b'), ('c')");
    assert_eq!(
        (done.code, &value["rows_changed"], &value["environment"]),
        (Some(0), &json!(3), &json!("test")),
        "{value}"
    );
    let (_, value) = told(&home, &["--test"], "UPDATE orders SET name = 'x' WHERE id > 1 RETURNING id");
    assert_eq!((&value["rows_changed"], &value["rows"]), (&json!(2), &json!([[2], [3]])), "{value}");
    for (sql, changed) in [
        ("DELETE FROM orders WHERE id = 3", json!(1)),
        (
            "MERGE INTO orders USING (VALUES (1)) AS v(id) ON orders.id = v.id WHEN MATCHED THEN UPDATE SET name = 'm'",
            json!(1),
        ),
        (
            "CREATE TABLE notes (id int PRIMARY KEY, of int REFERENCES orders (id), n numeric(10,2) DEFAULT 0 CHECK (n >= 0))",
            Value::Null,
        ),
        ("CREATE INDEX notes_of ON notes (of)", Value::Null),
        ("ALTER TABLE notes ADD COLUMN more text", Value::Null),
        ("TRUNCATE orders CASCADE", Value::Null),
        ("DROP TABLE notes", Value::Null),
    ] {
        let (done, value) = told(&home, &["--test"], sql);
        assert_eq!((done.code, &value["rows_changed"]), (Some(0), &changed), "{sql}: {value}");
    }
    assert_eq!(
        (test.psql("SELECT count(*) FROM orders"), real.psql("SELECT count(*) FROM orders")),
        ("0".into(), "0".into())
    );
    let log = home.log();
    for line in [
        "DB_RESULT: 3 rows changed {",
        "] [3 rows changed] {",
        "DB_RESULT: 2 rows changed, 2 rows returned {",
        "\"environment\":\"test\"",
    ] {
        assert!(log.contains(line), "{line}: {log}");
    }
    assert_eq!(home.guard(&["audit", "verify"]).code, Some(0));
}

#[test]
fn what_reaches_out_of_a_database_for_tests_is_refused_there_too() {
    let Some(server) = postgres() else { return };
    let setup = "CREATE TABLE orders (id int); CREATE VIEW seen AS SELECT * FROM orders; CREATE TABLE ruled (id int); \
        CREATE RULE r AS ON INSERT TO ruled DO INSTEAD INSERT INTO orders VALUES (7)";
    let (real, test) = (server.database(""), server.database(setup));
    let home = two(&real, &test);
    for (sql, rule) in [
        ("CREATE ROLE evil", "guard:query-writes"),
        ("CREATE EXTENSION hstore", "guard:query-writes"),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "guard:query-writes"),
        ("CREATE TABLE t AS SELECT * FROM orders", "guard:query-writes"),
        ("CREATE TABLE t (a text DEFAULT pg_read_file('/etc/hostname'))", "guard:query-writes"),
        ("DROP SCHEMA public CASCADE", "guard:query-writes"),
        ("ALTER TABLE orders OWNER TO owner", "guard:query-writes"),
        ("COPY orders TO '/tmp/x'", "guard:query-statement"),
        ("SET ROLE owner", "guard:query-statement"),
        ("RESET ROLE", "guard:query-statement"),
        ("BEGIN", "guard:query-statement"),
        ("INSERT INTO orders VALUES (1); DROP TABLE orders", "guard:query-unread"),
        ("INSERT INTO orders SELECT length(pg_read_file('/etc/hostname'))", "guard:query-function"),
        ("SELECT * INTO evil FROM orders", "guard:query-writes"),
        ("INSERT INTO seen VALUES (1)", "guard:query-target"),
        ("INSERT INTO ruled VALUES (1)", "guard:query-target"),
        ("DELETE FROM pg_class", "guard:query-target"),
    ] {
        let (done, value) = told(&home, &["--test"], sql);
        assert!(done.code == Some(126) && rules(&value).contains(&rule), "{sql}: {value}");
    }
    assert_eq!(test.psql("SELECT count(*) FROM orders"), "0");
}

#[test]
fn a_database_for_tests_that_is_the_real_one_is_not_written_to_however_its_url_is_spelled() {
    let Some(server) = postgres() else { return };
    let real = server.database("CREATE TABLE orders (id int); GRANT ALL ON orders TO bare");
    let home = scene("postgres", &real.url("bare"), &format!("posture = \"any\"\n{TWO}"));
    let spelled = [
        real.url("bare"),
        real.url("bare").replace("127.0.0.1", "localhost"),
        real.url("owner"),
        real.local("owner"),
        real.local("bare"),
        format!("{}&application_name=test", real.url("bare")),
    ];
    for url in spelled {
        let bare =
            Command::new("psql").args(["-X", "-q", &url, "-c", "INSERT INTO orders VALUES (1)"]).status().unwrap();
        assert!(bare.success() && real.psql("SELECT count(*) FROM orders") == "1", "{url}");
        real.psql("TRUNCATE orders");
        let done =
            set(&home, &[("SHOP_TEST", &url)], &["db", "query", "--test", "--json", "INSERT INTO orders VALUES (1)"]);
        let value: Value = serde_json::from_str(&done.stdout).unwrap();
        assert_eq!((done.code, rules(&value)), (Some(126), vec!["guard:query-not-apart"]), "{url}: {value}");
        assert_eq!(real.psql("SELECT count(*) FROM orders"), "0", "{url}");
    }
}

#[test]
fn a_real_database_that_cannot_be_compared_is_taken_for_the_same() {
    let Some(server) = postgres() else { return };
    let test = server.database("CREATE TABLE orders (id int); GRANT ALL ON orders TO bare");
    let url = test.url("bare");
    let (nowhere, wrong) =
        ("postgres://bare:x@127.0.0.1:1/shop", format!("postgres://bare:wrong@127.0.0.1:{}/postgres", server.port));
    let home = scene("postgres", &format!("\nSHOP_TEST={url}"), TWO);
    for (real, why) in [
        (nowhere, "cannot be held against"),
        (&wrong, "cannot be held against"),
        ("nonsense", "no URL"),
        ("postgres://u@db.example/shop", "opens no database"),
    ] {
        let done =
            set(&home, &[("SHOP_URL", real)], &["db", "query", "--test", "--json", "INSERT INTO orders VALUES (1)"]);
        let value: Value = serde_json::from_str(&done.stdout).unwrap();
        assert_eq!((done.code, rules(&value)), (Some(126), vec!["guard:query-not-apart"]), "{real}: {value}");
        assert!(value["rules"][0]["reason"].as_str().is_some_and(|reason| reason.contains(why)), "{real}: {value}");
    }
    let (done, value) = told(&home, &["--test"], "INSERT INTO orders VALUES (1)");
    assert_eq!((done.code, rules(&value)), (Some(126), vec!["guard:query-not-apart"]), "unset: {value}");
    // What the environment says of the real one does not hide what `.env` says.
    let other = server.database("");
    home.write(".env", &format!("SHOP_URL={url}\nSHOP_TEST={url}\n"));
    let done = set(
        &home,
        &[("SHOP_URL", &other.url("bare"))],
        &["db", "query", "--test", "--json", "INSERT INTO orders VALUES (1)"],
    );
    assert_eq!(done.code, Some(126), "{}", done.stdout);
    assert_eq!(test.psql("SELECT count(*) FROM orders"), "0");
    home.write(".env", &format!("SHOP_URL={}\nSHOP_TEST={url}\n", other.url("bare")));
    assert_eq!(
        told(&home, &["--test"], "INSERT INTO orders VALUES (1)").0.code,
        Some(0),
        "another database of the same server"
    );
}

#[test]
fn a_file_for_tests_that_is_the_real_one_by_a_link_is_not_written_to() {
    let home = scene("sqlite", "sqlite:///shop.db\nSHOP_TEST=sqlite:///test.db", TWO);
    let path = sqlite(&home, "shop.db", "CREATE TABLE orders (id INTEGER)");
    let (hard, soft) = (home.project.join("hard.db"), home.project.join("soft.db"));
    std::fs::hard_link(&path, &hard).unwrap();
    std::os::unix::fs::symlink(&path, &soft).unwrap();
    let real = || rusqlite::Connection::open(&path).unwrap();
    let count = || real().query_row("SELECT count(*) FROM orders", [], |row| row.get::<_, i64>(0)).unwrap();
    for name in ["shop.db", "hard.db", "soft.db", "./sub/../shop.db"] {
        std::fs::create_dir_all(home.project.join("sub")).unwrap();
        rusqlite::Connection::open(home.project.join(name))
            .unwrap()
            .execute_batch("INSERT INTO orders VALUES (1)")
            .unwrap();
        assert_eq!(count(), 1, "{name}");
        real().execute_batch("DELETE FROM orders").unwrap();
        let url = format!("sqlite:///{name}");
        let done =
            set(&home, &[("SHOP_TEST", &url)], &["db", "query", "--test", "--json", "INSERT INTO orders VALUES (1)"]);
        assert_ne!(done.code, Some(0), "{name}: {}", done.stdout);
        assert_eq!(count(), 0, "{name}");
    }
    let done = set(
        &home,
        &[("SHOP_TEST", "sqlite:///shop.db"), ("SHOP_URL", "sqlite:///soft.db")],
        &["db", "query", "--test", "DELETE FROM orders"],
    );
    assert_eq!(done.code, Some(126), "{}", done.stderr);
    sqlite(&home, "test.db", "CREATE TABLE orders (id INTEGER)");
    let (done, value) = told(&home, &["--test"], "INSERT INTO orders VALUES (1), (2)");
    assert_eq!((done.code, &value["rows_changed"]), (Some(0), &json!(2)), "{value}");
}

#[test]
fn in_mode_paper_plain_tables_of_paper_are_written_to() {
    let Some(server) = postgres() else { return };
    let real = server.database(
        "CREATE TYPE side AS ENUM ('buy', 'sell'); CREATE TABLE orders (id int); INSERT INTO orders VALUES (1), (2);
         CREATE TABLE paper_orders (id serial PRIMARY KEY, of int, way side, price numeric(10,2) DEFAULT 1 CHECK (price > 0), at timestamptz DEFAULT now())",
    );
    let home = two(&real, &real);
    let (done, _) = told(&home, &[], "INSERT INTO paper_orders (of) VALUES (1)");
    assert_eq!(done.code, Some(75), "before the mode is set a person is asked");
    in_paper(&home);
    let (done, value) = asked(&home, "INSERT INTO paper_orders (of, way) SELECT id, 'buy' FROM orders");
    assert_eq!(
        (done.code, &value["rows_changed"], &value["environment"], &value["mode"]),
        (Some(0), &json!(2), &json!("paper"), &json!("paper")),
        "{value}"
    );
    for (sql, changed) in [("UPDATE paper_orders SET price = 2 WHERE of = 1", 1), ("DELETE FROM paper_orders", 2)] {
        assert_eq!(asked(&home, sql).1["rows_changed"], json!(changed), "{sql}");
    }
    assert_eq!(asked(&home, "SELECT count(*) FROM orders").1["rows"], json!([[2]]));
    assert!(
        home.log().contains("{\"v\":1,\"mode\":\"paper\",\"event\":\"query_start\"")
            && home.log().contains("\"environment\":\"paper\""),
        "{}",
        home.log()
    );
}

#[test]
fn what_only_looks_like_a_table_of_paper_is_not_written_to() {
    let Some(server) = postgres() else { return };
    let home = scene("postgres", "postgres://owner@/unused", &format!("posture = \"any\"\n{TWO}"));
    in_paper(&home);
    let base = "CREATE TABLE orders (id int PRIMARY KEY, n int DEFAULT 0); INSERT INTO orders VALUES (1), (2); ";
    let leave = "CREATE FUNCTION leave() RETURNS int LANGUAGE sql VOLATILE AS $$ INSERT INTO orders VALUES (9) RETURNING 1 $$; \
        CREATE FUNCTION fixed(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN leave(); END $$; ";
    for (name, setup, sql) in [
        ("an updatable view", "CREATE VIEW paper_x AS SELECT * FROM orders", "DELETE FROM paper_x"),
        (
            "a rule",
            "CREATE TABLE paper_x (id int); CREATE RULE r AS ON INSERT TO paper_x DO ALSO DELETE FROM orders",
            "INSERT INTO paper_x VALUES (1)",
        ),
        (
            "a trigger",
            "CREATE TABLE paper_x (id int); CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM orders; RETURN NEW; END $$; \
             CREATE TRIGGER t AFTER INSERT ON paper_x FOR EACH ROW EXECUTE FUNCTION t()",
            "INSERT INTO paper_x VALUES (1)",
        ),
        (
            "a foreign key's cascade",
            "CREATE TABLE paper_x (id int PRIMARY KEY); INSERT INTO paper_x VALUES (1), (2); ALTER TABLE orders ADD FOREIGN KEY (id) REFERENCES paper_x ON DELETE CASCADE",
            "DELETE FROM paper_x",
        ),
        (
            "a schema of that name",
            "CREATE SCHEMA paper_orders; CREATE TABLE paper_orders.real (id int); INSERT INTO paper_orders.real VALUES (1), (2)",
            "DELETE FROM paper_orders.real",
        ),
        ("UPDATE ONLY", "", "UPDATE ONLY orders SET n = 1"),
        ("an alias", "", "UPDATE orders AS paper_x SET n = 1"),
        ("quotes", "CREATE TABLE paper_o (id int)", "DELETE FROM \"orders\""),
        (
            "a write in WITH",
            "CREATE TABLE paper_o (id int)",
            "WITH x AS (DELETE FROM orders RETURNING id) INSERT INTO paper_o SELECT id FROM x",
        ),
        (
            "a write in WITH the other way",
            "CREATE TABLE paper_o (id int); INSERT INTO paper_o VALUES (1)",
            "WITH x AS (DELETE FROM paper_o RETURNING id) INSERT INTO orders SELECT id + 5 FROM x",
        ),
        (
            "a default that calls",
            "CREATE TABLE paper_x (a int, id int DEFAULT leave())",
            "INSERT INTO paper_x (a) VALUES (1)",
        ),
        (
            "a generated column that calls",
            "CREATE TABLE paper_x (a int, id int GENERATED ALWAYS AS (fixed(a)) STORED)",
            "INSERT INTO paper_x (a) VALUES (1)",
        ),
        ("a check that calls", "CREATE TABLE paper_x (a int CHECK (leave() = a))", "INSERT INTO paper_x VALUES (1)"),
        (
            "an index that calls",
            "CREATE TABLE paper_x (a int); CREATE INDEX ON paper_x (fixed(a))",
            "INSERT INTO paper_x VALUES (1)",
        ),
        (
            "a domain that calls",
            "CREATE DOMAIN word AS int CHECK (leave() = VALUE); CREATE TABLE paper_x (a word)",
            "INSERT INTO paper_x VALUES (1)",
        ),
        (
            "a domain's own default",
            "CREATE DOMAIN word AS int DEFAULT leave(); CREATE TABLE paper_x (a word, b int)",
            "INSERT INTO paper_x (b) VALUES (1)",
        ),
        (
            "a field of a domain",
            "CREATE DOMAIN word AS int CHECK (leave() = VALUE); CREATE TYPE pair AS (a word); CREATE TABLE paper_x (a pair)",
            "INSERT INTO paper_x VALUES (ROW((SELECT count(*) - 1 FROM orders)))",
        ),
        (
            "elements of a domain",
            "CREATE DOMAIN word AS int CHECK (leave() = VALUE); CREATE TABLE paper_x (a word[])",
            "INSERT INTO paper_x SELECT ARRAY[count(*) - 1] FROM orders",
        ),
        (
            "a cast that is made unsaid",
            "CREATE TYPE mood AS ENUM ('sad'); CREATE FUNCTION left_by(mood) RETURNS int LANGUAGE sql AS 'SELECT leave()'; \
             CREATE CAST (mood AS int) WITH FUNCTION left_by(mood) AS ASSIGNMENT; CREATE TABLE moods (m mood); \
             INSERT INTO moods VALUES ('sad'); CREATE TABLE paper_x (a int)",
            "INSERT INTO paper_x SELECT m FROM moods",
        ),
        (
            "a child that inherits",
            "CREATE TABLE paper_x (id int, n int); ALTER TABLE orders INHERIT paper_x",
            "UPDATE paper_x SET n = 1",
        ),
        (
            "a partition",
            "CREATE TABLE parts (id int) PARTITION BY LIST (id); CREATE TABLE paper_x PARTITION OF parts FOR VALUES IN (1)",
            "INSERT INTO paper_x VALUES (1)",
        ),
        (
            "another's sequence",
            "CREATE SEQUENCE orders_id_seq; CREATE TABLE paper_x (a int, id int DEFAULT nextval('orders_id_seq'))",
            "INSERT INTO paper_x (a) VALUES (1)",
        ),
        ("a function that writes", "CREATE TABLE paper_x (id int)", "INSERT INTO paper_x VALUES (leave())"),
        (
            "conditions of row security",
            "CREATE TABLE paper_x (id int); ALTER TABLE paper_x ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON paper_x WITH CHECK (leave() = id)",
            "INSERT INTO paper_x VALUES (1)",
        ),
    ] {
        let effects =
            "SELECT md5(string_agg(tableoid::regclass || ':' || id || ',' || n, ';' ORDER BY id, n)) FROM orders";
        let all = format!("{base}{leave}{setup}");
        let bare = server.database(&all);
        let traces = "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_xact_user_tables";
        let touched = bare.psql(&format!("BEGIN; {sql}; {traces}; COMMIT"));
        assert_ne!(touched.lines().last(), Some("0"), "{name}: {sql} does nothing on the bare server");
        let database = server.database(&all);
        let before = database.psql(effects);
        let rows =
            "SELECT coalesce(string_agg(relname || n_live_tup, ','), '') FROM pg_stat_user_tables WHERE n_tup_del > 0";
        let done = set(&home, &[("SHOP_URL", &database.url("owner"))], &["db", "query", "--json", sql]);
        let value: Value = serde_json::from_str(&done.stdout).unwrap();
        assert!(matches!(done.code, Some(75 | 126)), "{name}: {value}");
        assert_eq!(
            (database.psql(effects), value["rows_changed"].clone()),
            (before, Value::Null),
            "{name}: {}",
            database.psql(rows)
        );
    }
}

#[test]
fn sqlite_s_tables_of_paper_are_plain_ones_too() {
    let home = scene("sqlite", "sqlite:///shop.db", TWO);
    sqlite(
        &home,
        "shop.db",
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, of INTEGER); INSERT INTO orders VALUES (1, 1);
         CREATE TABLE paper_plain (id INTEGER PRIMARY KEY, at TEXT DEFAULT (datetime('now')));
         CREATE TABLE paper_watched (id INTEGER); CREATE TRIGGER t AFTER INSERT ON paper_watched BEGIN DELETE FROM orders; END;
         CREATE VIEW paper_view AS SELECT id FROM orders; CREATE TRIGGER v INSTEAD OF DELETE ON paper_view BEGIN DELETE FROM orders; END;
         CREATE TABLE paper_parent (id INTEGER PRIMARY KEY); INSERT INTO paper_parent VALUES (1);
         CREATE TABLE fills (of INTEGER REFERENCES paper_parent ON DELETE CASCADE); INSERT INTO fills VALUES (1);",
    );
    in_paper(&home);
    let (done, value) = asked(&home, "INSERT INTO paper_plain (id) VALUES (1), (2)");
    assert_eq!((done.code, &value["rows_changed"]), (Some(0), &json!(2)), "{value}");
    for sql in [
        "INSERT INTO paper_watched VALUES (1)",
        "DELETE FROM paper_view",
        "DELETE FROM paper_parent",
        "DELETE FROM orders",
        "REPLACE INTO orders VALUES (1, 2)",
    ] {
        let (done, value) = asked(&home, sql);
        assert_eq!(done.code, Some(75), "{sql}: {value}");
    }
    assert_eq!(
        asked(&home, "SELECT (SELECT count(*) FROM orders) + (SELECT count(*) FROM fills)").1["rows"],
        json!([[2]])
    );
}

#[test]
fn a_write_that_a_person_approved_is_done_once_as_whoever_may_write() {
    let Some(server) = postgres() else { return };
    let real = server.database(
        "CREATE TABLE orders (id int); INSERT INTO orders VALUES (1), (2), (3); GRANT SELECT ON orders TO bare",
    );
    let more = format!("posture = \"any\"\nwrite_url_env = \"SHOP_WRITE\"\n{TWO}");
    let home = scene("postgres", &format!("{}\nSHOP_WRITE={}", real.url("bare"), real.url("owner")), &more);
    let sql = "DELETE FROM orders WHERE id > 1";
    let (done, value) = asked(&home, sql);
    assert_eq!(
        (done.code, &value["verdict"], &value["request"], rules(&value)),
        (Some(75), &json!("ask"), &json!("query-1"), vec!["guard:query-changes"]),
        "{value}"
    );
    let (_, again) = asked(&home, sql);
    assert_eq!(again["request"], "query-1", "it joins the one that waits");
    assert_eq!(real.psql("SELECT count(*) FROM orders"), "3");
    let shown = home.guard(&["show", "query-1"]).stdout;
    for part in ["statement: DELETE FROM orders WHERE id > 1", "database:  shop (", "ask guard:query-changes"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let pending = home.guard(&["pending"]).stdout;
    assert!(pending.contains("query-1") && pending.contains("shop: DELETE FROM orders"), "{pending}");
    let approved = agreed(&home, "guard approve query-1");
    assert_eq!(approved.code, Some(0), "{}{}", approved.stdout, approved.stderr);
    // Another text is another request.
    let (done, value) = asked(&home, "DELETE FROM orders WHERE id > 0");
    assert_eq!((done.code, &value["request"]), (Some(75), &json!("query-2")), "{value}");
    assert_eq!(home.guard(&["run-approved", "query-1"]).code, Some(125), "a write is asked again as it was");
    let (done, value) = asked(&home, sql);
    assert_eq!(
        (done.code, &value["verdict"], &value["rows_changed"], &value["request"]),
        (Some(0), &json!("allow"), &json!(2), &json!("query-1")),
        "{value}"
    );
    assert_eq!(real.psql("SELECT count(*) FROM orders"), "1");
    let (done, value) = asked(&home, sql);
    assert_eq!((done.code, &value["request"]), (Some(75), &json!("query-3")), "it is good for one use: {value}");
    let log = home.log();
    for part in [
        "[APPROVAL] [CONSUME] [query-1] [SUCCESS]",
        "\"approval\":\"query-1\"",
        "[PostgreSQL: DELETE FROM orders WHERE id > 1] [2 rows changed]",
        "[PostgreSQL: DELETE FROM orders WHERE id > 1] [PENDING]",
    ] {
        assert!(log.contains(part), "{part}: {log}");
    }
    let verified = home.guard(&["audit", "verify"]);
    assert_eq!(verified.code, Some(0), "{}{}", verified.stdout, verified.stderr);
}

#[test]
fn an_approval_is_bound_to_the_database_and_the_policy() {
    let Some(server) = postgres() else { return };
    let setup = "CREATE TABLE orders (id int); INSERT INTO orders VALUES (1); GRANT ALL ON orders TO bare";
    let (real, other) = (server.database(setup), server.database(setup));
    let home = scene("postgres", &real.url("bare"), TWO);
    let sql = "DELETE FROM orders";
    assert_eq!(asked(&home, sql).1["request"], "query-1");
    assert_eq!(agreed(&home, "guard approve query-1").code, Some(0));
    let moved = set(&home, &[("SHOP_URL", &other.url("bare"))], &["db", "query", "--json", sql]);
    let value: Value = serde_json::from_str(&moved.stdout).unwrap();
    assert!(
        moved.code != Some(0)
            && value["error"]["message"].as_str().is_some_and(|message| message.contains("has changed")),
        "{value}"
    );
    assert_eq!(
        (real.psql("SELECT count(*) FROM orders"), other.psql("SELECT count(*) FROM orders")),
        ("1".into(), "1".into())
    );
    let (_, value) = asked(&home, sql);
    assert_eq!(value["request"], "query-2", "it is asked anew: {value}");
    assert_eq!(agreed(&home, "guard approve query-2").code, Some(0));
    home.trust("[limits]\ntimeout = \"50s\"");
    let (done, value) = asked(&home, sql);
    assert_eq!((done.code, &value["request"]), (Some(75), &json!("query-3")), "{value}");
    assert_eq!(real.psql("SELECT count(*) FROM orders"), "1");
}

#[test]
fn an_approval_is_for_what_the_person_saw() {
    let Some(server) = postgres() else { return };
    let setup = "CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders VALUES (1), (2); \
        CREATE TABLE fills (of int); INSERT INTO fills VALUES (1); GRANT ALL ON orders, fills TO bare";
    let cascade = "ALTER TABLE fills ADD FOREIGN KEY (of) REFERENCES orders ON DELETE CASCADE";
    let sql = "DELETE FROM orders WHERE id = 1";
    let left = "SELECT (SELECT count(*) FROM orders) || ' ' || (SELECT count(*) FROM fills)";
    let bare = server.database(setup);
    bare.psql(&format!("{cascade}; {sql}"));
    assert_eq!(bare.psql(left), "1 0", "on the bare server more goes than the statement says");
    let real = server.database(setup);
    let home = scene("postgres", &real.url("bare"), TWO);
    assert_eq!(asked(&home, sql).1["request"], "query-1");
    assert_eq!(agreed(&home, "guard approve query-1").code, Some(0));
    real.psql(cascade);
    let (done, value) = asked(&home, sql);
    let message = value["error"]["message"].as_str().unwrap_or_default();
    assert!(done.code == Some(75) && message.contains("has changed"), "{value}");
    assert_eq!(real.psql(left), "2 1");
    let (_, value) = asked(&home, sql);
    assert_eq!(value["request"], "query-2", "{value}");
    assert!(home.guard(&["show", "query-2"]).stdout.contains("whose keys change rows of `public.fills` as well"));
    // A copy of a server has its number: what is approved for one place is not for another.
    assert_eq!(agreed(&home, "guard approve query-2").code, Some(0));
    let moved = set(&home, &[("SHOP_URL", &real.local("bare"))], &["db", "query", "--json", sql]);
    let value: Value = serde_json::from_str(&moved.stdout).unwrap();
    assert!(value["error"]["message"].as_str().is_some_and(|message| message.contains("has changed")), "{value}");
    assert_eq!(real.psql(left), "2 1");
}

#[test]
fn what_a_person_denied_is_refused_at_once_and_what_is_no_plain_write_is_not_asked() {
    let Some(server) = postgres() else { return };
    let real = server.database("CREATE TABLE orders (id int); GRANT ALL ON orders TO bare");
    let home = scene("postgres", &real.url("bare"), TWO);
    assert_eq!(asked(&home, "DELETE FROM orders").1["request"], "query-1");
    let denied = agreed(&home, "guard deny query-1 --reason never");
    assert_eq!(denied.code, Some(0), "{}{}", denied.stdout, denied.stderr);
    let (done, value) = asked(&home, "DELETE FROM orders");
    assert_eq!(
        (done.code, rules(&value), &value["attempts"]["used"]),
        (Some(126), vec!["guard:query-denied"], &json!(1)),
        "{value}"
    );
    for sql in [
        "TRUNCATE orders",
        "DROP TABLE orders",
        "CREATE TABLE t (a int)",
        "SELECT * INTO t FROM orders",
        "EXPLAIN ANALYZE DELETE FROM orders",
        "WITH gone AS (DELETE FROM orders RETURNING *) SELECT * FROM gone",
        "INSERT INTO orders SELECT pg_sleep(1)::text::int",
        "DELETE FROM pg_class",
    ] {
        let (done, value) = asked(&home, sql);
        assert_eq!((done.code, &value["request"]), (Some(126), &Value::Null), "{sql}: {value}");
    }
}

/// Found by `scripts/eval-sql` over the whole of PostgreSQL's suite: the verdict of such a statement was `allow`.
#[test]
fn what_the_server_cannot_take_was_not_allowed_and_nobody_is_asked_about_it() {
    let Some(server) = postgres() else { return };
    let real = server.database("CREATE TABLE orders (id int); GRANT ALL ON orders TO bare");
    let home = scene("postgres", &real.url("bare"), TWO);
    let (done, value) = asked(&home, "INSERT INTO orders VALUES ('x')");
    assert_eq!(
        (done.code, &value["verdict"], &value["error"]["code"], &value["request"]),
        (Some(1), &json!("ask"), &json!("22P02"), &Value::Null),
        "{value}"
    );
    let told = home.guard(&["db", "query", "UPDATE orders SET id = 'x'"]);
    assert_eq!(told.code, Some(1), "{}", told.stderr);
    assert!(told.stderr.contains("nobody was asked, because of this:\nguard: "), "{}", told.stderr);
    assert!(!home.log().contains("APPROVAL_REQUESTED"), "{}", home.log());
    assert_eq!(real.psql("SELECT count(*) FROM orders"), "0");
}

#[test]
fn a_killed_guard_leaves_nothing_half() {
    let Some(server) = postgres() else { return };
    let orders = "CREATE TABLE orders (id int, n int); INSERT INTO orders SELECT i, 0 FROM generate_series(1, 1000) i";
    let (real, test) = (server.database(""), server.database(orders));
    let home = two(&real, &test);
    // A lock on the last row holds the write when all others are done.
    let mut holder = Command::new("psql")
        .args([
            "-X",
            "-q",
            &test.local("owner"),
            "-c",
            "BEGIN; SELECT 1 FROM orders WHERE id = 1000 FOR UPDATE; SELECT pg_sleep(60)",
        ])
        .stdout(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    let waits =
        |what: &str| format!("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND {what}");
    let until = |what: &str, count: &str| {
        let began = Instant::now();
        while test.psql(&waits(what)) != count {
            assert!(began.elapsed() < Duration::from_secs(20), "{what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    until("query LIKE '%pg_sleep(60)%' AND state = 'active' AND pid <> pg_backend_pid()", "1");
    let mut guard = Command::new(env!("CARGO_BIN_EXE_guard"))
        .args(["db", "query", "--test", "UPDATE orders SET n = 1"])
        .current_dir(&home.project)
        .env_clear()
        .env("HOME", home.path())
        .env("PATH", "/usr/bin:/bin")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until("wait_event_type = 'Lock' AND application_name = 'guard'", "1");
    guard.kill().unwrap();
    guard.wait().unwrap();
    holder.kill().unwrap();
    holder.wait().unwrap();
    test.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()");
    until("application_name = 'guard'", "0");
    assert_eq!(test.psql("SELECT sum(n) FROM orders"), "0");
    assert_eq!(home.guard(&["status"]).code, Some(0));
    assert!(home.log().contains("\"event\":\"lost\""), "{}", home.log());
}

#[test]
fn a_write_that_takes_too_long_is_undone_and_not_tried_again() {
    let Some(server) = postgres() else { return };
    let (real, test) = (
        server.database(""),
        server.database("CREATE TABLE orders (id int); INSERT INTO orders SELECT generate_series(1, 3000)"),
    );
    test.psql("GRANT ALL ON orders TO bare");
    let more = format!("timeout = \"1s\"\n{TWO}");
    let home = scene("postgres", &format!("{}\nSHOP_TEST={}", real.url("bare"), test.url("bare")), &more);
    let (done, value) = told(&home, &["--test"], "INSERT INTO orders SELECT a.id FROM orders a, orders b, orders c");
    assert_eq!(
        (done.code, &value["error"]["class"], &value["tries"]),
        (Some(124), &json!("timeout"), &json!(1)),
        "{value}"
    );
    assert_eq!(test.psql("SELECT count(*) FROM orders"), "3000");
}

#[test]
fn questdb_is_not_written_to_since_nothing_tells_its_databases_apart() {
    let Some(server) = quest() else { return };
    let url = format!("questdb://admin:quest@127.0.0.1:{}/qdb", server.port);
    let home = scene(
        "questdb",
        &format!("{url}\nSHOP_TEST={url}"),
        &format!("posture = \"any\"\n{}", TWO.replace("write_prefix = \"paper_\"\n", "")),
    );
    let (done, value) = told(&home, &["--test"], "INSERT INTO nowhere VALUES (1)");
    assert_eq!((done.code, rules(&value)), (Some(126), vec!["guard:query-writes"]), "{value}");
}

#[test]
fn a_role_is_taken_on_and_what_could_be_returned_to_counts() {
    let Some(server) = postgres() else { return };
    let database = server
        .database("CREATE TABLE orders (id int); CREATE TABLE secrets (id int); GRANT ALL ON orders, secrets TO bare");
    let (reader, stranger) = (crate::servers::unique("reader"), crate::servers::unique("stranger"));
    database.psql(&format!(
        "CREATE ROLE {reader}; CREATE ROLE {stranger}; GRANT SELECT ON orders TO {reader}; GRANT {reader} TO bare"
    ));
    let home = |user: &str, role: &str, posture: &str| {
        scene(
            "postgres",
            &database.url(user),
            &format!("role = \"{role}\"\nposture = \"{posture}\"\n[attempts]\ndatabase = 99\ntotal = 99"),
        )
    };
    let plain = scene("postgres", &database.url("bare"), "");
    assert_eq!(asked(&plain, "SELECT * FROM secrets").0.code, Some(0));
    let as_role = home("bare", &reader, "contained");
    assert_eq!(asked(&as_role, "SELECT current_user").1["rows"], json!([[reader]]));
    let (done, value) = asked(&as_role, "SELECT * FROM secrets");
    assert_eq!((done.code, &value["error"]["code"]), (Some(1), &json!("42501")), "{value}");
    for sql in ["RESET ROLE", "SET ROLE NONE", "SELECT set_config('role', 'none', true)"] {
        assert_eq!(asked(&as_role, sql).0.code, Some(126), "{sql}");
    }
    // It could return to who it was: a superuser, and one who writes.
    let (done, value) = asked(&home("owner", &reader, "contained"), "SELECT * FROM orders");
    assert_eq!((done.code, rules(&value)), (Some(126), vec!["guard:query-posture"]), "{value}");
    let (done, value) = asked(&home("bare", &reader, "read-only"), "SELECT * FROM orders");
    assert_eq!((done.code, rules(&value)), (Some(126), vec!["guard:query-posture"]), "{value}");
    let (done, value) = asked(&home("bare", &stranger, "contained"), "SELECT * FROM orders");
    assert_ne!(done.code, Some(0), "{value}");
    database.psql(&format!("DROP OWNED BY {reader}; DROP ROLE {reader}; DROP ROLE {stranger}"));
}

/// Passes everything on to the server, and hangs up on both at the end of a transaction: before the server hears of it, or,
/// where it `delivers`, before the client hears of its answer.
fn hanging_up(to: u16, delivers: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut server = TcpStream::connect(("127.0.0.1", to)).unwrap();
            let (mut from, mut into) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = from.read(&mut buffer) {
                    let ends = buffer[..count].windows(7).any(|seven| seven == b"COMMIT\0");
                    if ends {
                        let _heard = from.shutdown(Shutdown::Both);
                    }
                    let goes_on = ends && !delivers || into.write_all(&buffer[..count]).is_ok();
                    if ends || !goes_on {
                        break;
                    }
                }
                let _ended = into.shutdown(Shutdown::Write);
            });
            std::thread::spawn(move || {
                let _gone = std::io::copy(&mut server, &mut client);
                let _gone = client.shutdown(Shutdown::Both);
            });
        }
    });
    port
}

#[test]
fn a_connection_that_is_lost_at_the_commit_leaves_it_unknown_and_nothing_is_done_twice() {
    let Some(server) = postgres() else { return };
    for (delivers, rows) in [(true, "1"), (false, "0")] {
        let orders = "CREATE TABLE orders (name text)";
        let (real, test) = (server.database(orders), server.database(orders));
        let home = two(&real, &test);
        let direct = std::fs::read_to_string(home.project.join(".env")).unwrap();
        let through = test
            .url("bare")
            .replace(&format!(":{}/", server.port), &format!(":{}/", hanging_up(server.port, delivers)));
        home.write(".env", &direct.replace(&test.url("bare"), &through));
        let (done, value) = told(&home, &["--test"], "INSERT INTO orders VALUES ('a')");
        assert_eq!(
            (done.code, &value["error"]["class"], &value["tries"]),
            (Some(125), &json!("uncertain"), &json!(1)),
            "{value}"
        );
        assert_eq!(value["error"]["help"], "look at the rows before anything is written again", "{value}");
        let since = Instant::now();
        while test.psql("SELECT count(*) FROM orders") != rows
            || test
                .psql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'bare' AND datname = current_database()")
                != "0"
        {
            assert!(
                since.elapsed() < Duration::from_secs(20),
                "{delivers}: {}",
                test.psql("SELECT count(*) FROM orders")
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        let log = home.log();
        assert_eq!((log.matches("DB_QUERY").count(), log.matches("\"class\":\"uncertain\"").count()), (1, 1), "{log}");
    }
}
