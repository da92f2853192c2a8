//! The trial on a copy of the schema: what it shows, what it does not try, and what is left of it.

use super::{Scene, mover, operations, stopped};
use crate::servers::postgres;
use serde_json::json;
use std::time::{SystemTime, UNIX_EPOCH};

const ORDERS: &str = "CREATE TABLE orders (id int PRIMARY KEY, note text); INSERT INTO orders VALUES (1, 'a')";

#[test]
fn what_fails_on_the_copy_is_not_proposed() {
    let Some(server) = postgres() else { return };
    let scene = Scene::new(&server, ORDERS, "");
    let (done, value) = scene.propose("CREATE TABLE fills (id int); ALTER TABLE nowhere ADD COLUMN a int");
    assert_eq!(
        (done.code, &value["error"]["code"], &value["error"]["statement"]),
        (Some(1), &json!("42P01"), &json!(2)),
        "{value}"
    );
    assert_eq!(value["name"], json!(null));
    assert!(scene.home.log().contains("[DB] [MIGRATE] [proposal: a change] [FAIL] {"));
    scene.clean();
}

#[test]
fn what_could_reach_further_than_the_copy_is_not_tried_and_needs_a_person() {
    let Some(server) = postgres() else { return };
    let scene = Scene::new(&server, ORDERS, "");
    let table = [
        (format!("ALTER ROLE {} PASSWORD 'x'", scene.user), "reaches out of its database: ALTER ROLE"),
        ("COPY orders TO PROGRAM 'id'".to_owned(), "reaches out of its database: COPY"),
        ("SELECT pg_terminate_backend(1)".to_owned(), "reaches out of its database: calls `pg_terminate_backend`"),
        ("DROP OWNED BY CURRENT_USER".to_owned(), "reaches out of its database: DROP OWNED"),
        ("DO $$ BEGIN EXECUTE 'DROP TABLE orders'; END $$".to_owned(), "guard cannot read what statement 1 would do"),
        (
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; SELECT f()".to_owned(),
            "guard cannot read what statement 1",
        ),
        // A call is one wherever it stands.
        (
            "INSERT INTO orders SELECT 2, query_to_xml_and_xmlschema('SELECT pg_terminate_backend(1)', true, true, '')"
                .to_owned(),
            "guard cannot read what statement 1 would do",
        ),
        (
            "CREATE MATERIALIZED VIEW m AS SELECT pg_advisory_lock(1)".to_owned(),
            "guard cannot read what statement 1 would do",
        ),
        (
            "CREATE TABLE t (a int DEFAULT pg_cancel(1)); INSERT INTO t DEFAULT VALUES".to_owned(),
            "guard cannot read what statement 1 would do",
        ),
    ];
    for (sql, why) in table {
        let (done, value) = scene.propose(&sql);
        assert_eq!((done.code, &value["trial"]["tried"]), (Some(75), &json!(false)), "{value}");
        assert!(value["trial"]["why"].as_str().unwrap().contains(why), "{why}: {value}");
        assert!(["destructive", "unread"].contains(&value["class"].as_str().unwrap()), "{value}");
    }
    assert_eq!(scene.tables(), "orders");
    assert!(server.psql_as(&scene.user, "postgres", "SELECT 1").is_ok());
    scene.clean();
}

#[test]
fn what_is_missing_for_a_trial_is_said() {
    let Some(server) = postgres() else { return };
    let scene = Scene::new(&server, ORDERS, "");
    server.psql("postgres", &format!("ALTER ROLE {} NOCREATEDB", scene.user));
    let (done, value) = scene.propose("CREATE TABLE fills (id int)");
    assert_eq!((done.code, &value["asks"]), (Some(75), &json!(true)), "{value}");
    assert_eq!(value["trial"]["why"], "a database for the copy cannot be made: permission denied to create database");
    assert!(
        value["trial"]["help"].as_str().unwrap().contains(&format!("ALTER ROLE {} CREATEDB", scene.user)),
        "{value}"
    );
    // Nobody can compare what it came to: that is said of what somebody says.
    let (_, other) = scene.propose("CREATE TABLE quotes (id int)");
    assert_eq!(other["name"], "migration-2", "{other}");
    let (done, _) = scene.told(&["done", "migration-2"]);
    assert_eq!(done.code, Some(0));
    assert!(scene.home.log().contains("[PostgreSQL: migration-2: a change] [SAID TO BE DONE] {"));
    scene.home.write("m.sql", "CREATE TABLE fills (id int)");
    // It can be run all the same, once a person has allowed it.
    scene.approve("migration-1");
    let (run, value) = scene.told(&["run", "migration-1"]);
    assert_eq!(run.code, Some(0), "{value}");
    assert_eq!(scene.tables(), "fills orders");
}

#[test]
fn what_a_killed_guard_left_is_dropped_by_the_next() {
    let Some(server) = postgres() else { return };
    let scene = Scene::new(&server, ORDERS, "");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let old = format!("guard_copy_{}_1_{:08x}", now - 300, std::process::id());
    let others = format!("guard_copy_{now}_1_{:08x}", std::process::id());
    for name in [&old, &others] {
        server.psql_as(&scene.user, "postgres", &format!("CREATE DATABASE {name}")).unwrap();
    }
    let (_, value) = scene.propose("CREATE TABLE fills (id int)");
    assert_eq!(value["trial"]["tried"], true, "{value}");
    let left = server.psql("postgres", "SELECT datname FROM pg_database WHERE datname LIKE 'guard_copy%' ORDER BY 1");
    assert!(!left.contains(&old) && left.contains(&others), "{left}");
    server.psql("postgres", &format!("DROP DATABASE {others}"));
}

#[test]
fn what_only_adds_to_a_database_for_tests_needs_nobody() {
    let Some(server) = postgres() else { return };
    let scene = Scene::new(&server, ORDERS, "test_url_env = \"DATABASE_URL_TEST\"");
    let other = server.database("");
    let user = mover(&server);
    other.psql(&format!("ALTER DATABASE {} OWNER TO {user}; ALTER SCHEMA public OWNER TO {user}", other.name));
    let env = |test: &str| format!("DATABASE_URL={}\nDATABASE_URL_TEST={test}\n", scene.database.url(&scene.user));
    scene.home.write(".env", &env(&other.url(&user)));
    scene.home.write("m.sql", "CREATE TABLE fills (id int)");
    let words = ["propose", "m.sql", "--test", "--description", "for tests"];
    let (done, value) = scene.told(&words);
    assert_eq!((done.code, &value["asks"], &value["verdict"]), (Some(0), &json!(false), &json!("allow")), "{value}");
    let (run, value) = scene.told(&["run", "migration-1"]);
    assert_eq!(run.code, Some(0), "{value}");
    assert_eq!((other.psql("SELECT count(*) FROM fills").as_str(), scene.tables().as_str()), ("0", "orders"));

    // What takes away asks there as well.
    scene.home.write("m.sql", "DROP TABLE fills");
    assert_eq!(scene.told(&words).0.code, Some(75));
    // A database for tests that is the other one by another name is none.
    scene.home.write(".env", &env(&scene.database.local(&scene.user).replace("postgres://", "postgresql+psycopg2://")));
    scene.home.write("m.sql", "CREATE TABLE fills (id int)");
    let (done, value) = scene.told(&words);
    assert_eq!((done.code, &value["asks"]), (Some(75), &json!(true)), "{value}");
    assert_eq!(scene.tables(), "orders");
}

#[test]
fn a_statement_that_fails_on_the_rows_leaves_nothing() {
    let Some(server) = postgres() else { return };
    let scene = Scene::new(&server, ORDERS, "");
    let (done, value) =
        scene.propose("CREATE TABLE fills (id int); ALTER TABLE orders ADD CONSTRAINT none CHECK (id > 1)");
    assert_eq!(done.code, Some(75), "{value}");
    scene.approve("migration-1");
    let (run, value) = scene.told(&["run", "migration-1"]);
    assert_eq!(
        (run.code, &value["error"]["statement"], &value["partly"]),
        (Some(1), &json!(2), &json!(false)),
        "{value}"
    );
    assert_eq!(scene.tables(), "orders");
    assert!(
        scene.home.log().contains("[DB] [MIGRATE] [PostgreSQL: migration-1: a change] [FAIL 1/1] {"),
        "{}",
        scene.home.log()
    );
    assert_eq!(value["halted"], "resume-1");
}

#[test]
fn what_a_server_takes_only_outside_of_a_transaction_runs_by_itself() {
    let Some(server) = postgres() else { return };
    let scene = Scene::new(&server, ORDERS, "");
    let (done, value) =
        scene.propose("CREATE INDEX CONCURRENTLY note_of ON orders (note); COMMENT ON TABLE orders IS 'x'");
    assert_eq!((done.code, &value["class"]), (Some(75), &json!("additive")), "{value}");
    assert_eq!(value["statements"][0]["outside_transaction"], true);
    assert_eq!(operations(&value), ["additive: creates an index on orders", "additive: comments"]);
    scene.approve("migration-1");
    let (run, value) = scene.told(&["run", "migration-1"]);
    assert_eq!(run.code, Some(0), "{value}");
    assert_eq!(scene.database.psql("SELECT count(*) FROM pg_class WHERE relname = 'note_of'"), "1");
}

#[test]
fn a_person_may_run_it_and_say_so() {
    let Some(server) = postgres() else { return };
    let scene = Scene::new(&server, ORDERS, "");
    let sql = "ALTER TABLE orders ADD COLUMN size int, DROP COLUMN note";
    let (_, value) = scene.propose(sql);
    assert_eq!(value["name"], "migration-1", "{value}");
    scene.database.psql("ALTER TABLE orders ADD COLUMN size int");
    let (early, value) = scene.told(&["done", "migration-1"]);
    assert_eq!(
        (early.code, stopped(&value)),
        (Some(126), "the schema is not what `migration-1` came to: missing `- column public.orders.note text`"),
        "{value}"
    );
    scene.database.psql("ALTER TABLE orders DROP COLUMN note");
    let (done, value) = scene.told(&["done", "migration-1"]);
    assert_eq!((done.code, &value["done"]), (Some(0), &json!(true)), "{value}");
    assert!(scene.home.log().contains("[DB] [MIGRATE] [PostgreSQL: migration-1: a change] [DONE BY A PERSON] {"));
    assert!(scene.home.guard(&["pending"]).stdout.contains("nothing waits"));
    let verified = scene.home.guard(&["audit", "verify"]);
    assert_eq!(verified.code, Some(0), "{}{}", verified.stdout, verified.stderr);
}
