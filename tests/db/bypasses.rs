//! Ways past a guard that only reads: each first shows its effect on the bare server, and then its absence through guard, asked
//! as the superuser. Sources: the leaks of two read-only guards and what PostgreSQL's documentation promises of each layer.

use super::{as_superuser, asked, rules};
use crate::servers::{postgres, unique};

/// What every database holds: rows, and functions that leave a trace.
const SETUP: &str = "
    CREATE TABLE orders (id int PRIMARY KEY, name varchar, price numeric);
    INSERT INTO orders VALUES (1, 'A', 1.5), (2, 'B', 2.5);
    CREATE TABLE traces (what text);
    CREATE SEQUENCE numbers;
    CREATE FUNCTION leave() RETURNS int LANGUAGE sql AS $$ INSERT INTO traces VALUES ('x') RETURNING 1 $$;
    CREATE FUNCTION rowfn(orders) RETURNS int LANGUAGE sql AS $$ INSERT INTO traces VALUES ('x') RETURNING 1 $$;
    CREATE VIEW innocent AS SELECT leave() AS id;
    CREATE VIEW outer_view AS SELECT * FROM innocent;
    CREATE SCHEMA evil;
    CREATE FUNCTION evil.plus(int, int) RETURNS int LANGUAGE sql AS $$ INSERT INTO traces VALUES ('x') RETURNING 1 $$;
    CREATE OPERATOR evil.+ (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.plus);
    CREATE FUNCTION evil.check(text) RETURNS boolean LANGUAGE sql AS $$ INSERT INTO traces VALUES ('x') RETURNING true $$;
    CREATE DOMAIN evil.word AS text CHECK (evil.check(VALUE));
    CREATE TYPE mood AS ENUM ('sad', 'glad');
    CREATE TABLE moods (now mood);
    INSERT INTO moods VALUES ('sad');";

/// What is asked for after each attempt: whether anything is otherwise than [`SETUP`] left it.
const EFFECTS: &str = "SELECT (SELECT count(*) FROM traces) || ' ' || (SELECT coalesce(string_agg(id || name || price, ',' ORDER BY id), '') FROM orders)
    || ' ' || (SELECT is_called::text FROM numbers) || ' ' || (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace)
    || ' ' || (SELECT count(*) FROM pg_largeobject_metadata) || ' ' || (SELECT count(*) FROM orders WHERE xmax <> 0)
    || ' ' || (SELECT count(*) FROM pg_extension)";

/// More that is set up, the attempt, and the rule that refuses it.
type Attempt = (&'static str, &'static str, &'static str);

/// Attempts that change something.
const WRITES: &[Attempt] = &[
    ("", "SELECT 1; DROP TABLE orders CASCADE", "guard:query-unread"),
    ("", "COMMIT; DROP TABLE orders CASCADE", "guard:query-unread"),
    ("", "BEGIN READ ONLY; SET LOCAL work_mem = '1MB'; SET TRANSACTION READ WRITE; DELETE FROM orders; COMMIT", "guard:query-unread"),
    ("", "WITH gone AS (DELETE FROM orders RETURNING *) SELECT * FROM gone", "guard:query-writes"),
    ("", "SELECT * INTO evil_copy FROM orders", "guard:query-writes"),
    ("", "SELECT * FROM orders FOR UPDATE", "guard:query-locks"),
    ("", "SELECT * FROM orders FOR KEY SHARE", "guard:query-unread"),
    ("", "SELECT nextval('numbers')", "guard:query-function"),
    ("", "SELECT setval('numbers', 7)", "guard:query-function"),
    ("", "SELECT ('numbers'::regclass).nextval", "guard:query-function"),
    ("", "MERGE INTO orders USING (VALUES (1)) AS v(id) ON orders.id = v.id WHEN MATCHED THEN DELETE", "guard:query-changes"),
    ("", "EXPLAIN ANALYZE DELETE FROM orders", "guard:query-writes"),
    ("", "EXPLAIN ANALYSE DELETE FROM orders", "guard:query-writes"),
    ("", "EXPLAIN (\"analyze\") DELETE FROM orders", "guard:query-writes"),
    ("", "EXPLAIN (ANALYZE 1) DELETE FROM orders", "guard:query-writes"),
    ("", "EXPLAIN (COSTS off, ANALYZE) INSERT INTO orders VALUES (3, 'C', 1)", "guard:query-writes"),
    ("", "INSERT INTO orders VALUES (3, 'C', 1)", "guard:query-changes"),
    ("", "TRUNCATE orders", "guard:query-writes"),
    ("", "CREATE TABLE another (a int)", "guard:query-writes"),
    ("", "CREATE EXTENSION hstore", "guard:query-writes"),
    ("", "DO $$ BEGIN DELETE FROM orders; END $$", "guard:query-statement"),
    ("CREATE PROCEDURE p() LANGUAGE sql AS 'DELETE FROM orders'", "CALL p()", "guard:query-statement"),
    ("", "SELECT lo_from_bytea(0, '\\x00')", "guard:query-function"),
    ("", "SELECT leave()", "guard:query-unproved"),
    ("", "SELECT public.leave()", "guard:query-unproved"),
    ("", "SELECT * FROM leave()", "guard:query-unproved"),
    ("", "SELECT o.rowfn FROM orders o", "guard:query-field"),
    ("", "SELECT (o).rowfn FROM orders o", "guard:query-field"),
    ("", "SELECT orders.rowfn FROM orders", "guard:query-field"),
    ("", "SELECT 1 OPERATOR(evil.+) 2", "guard:query-operator"),
    ("", "SELECT 'x'::evil.word", "guard:query-cast"),
    ("", "SELECT CAST('x' AS evil.word)", "guard:query-cast"),
    ("", "SELECT * FROM innocent", "guard:query-view"),
    ("", "SELECT * FROM outer_view", "guard:query-view"),
    ("", "TABLE outer_view", "guard:query-view"),
    // Planning runs what is STABLE.
    (
        "CREATE FUNCTION steady() RETURNS int LANGUAGE sql STABLE AS 'SELECT leave()'",
        "EXPLAIN SELECT * FROM orders WHERE id < steady()",
        "guard:query-unproved",
    ),
    (
        "CREATE EXTENSION dblink",
        "SELECT * FROM dblink('dbname=' || current_database() || ' port=' || current_setting('port') || ' host=' ||
         current_setting('unix_socket_directories') || ' user=owner', 'DELETE FROM orders RETURNING 1') AS gone(a int)",
        "guard:query-function",
    ),
    ("", "SELECT lo_import('/etc/passwd')", "guard:query-function"),
    (
        "CREATE FUNCTION lower(varchar) RETURNS text LANGUAGE sql AS $$ INSERT INTO traces VALUES ('x') RETURNING 'y' $$",
        "SELECT lower(name) FROM orders",
        "guard:query-unproved",
    ),
    (
        "CREATE FUNCTION same(int, text) RETURNS boolean LANGUAGE sql AS $$ INSERT INTO traces VALUES ('x') RETURNING true $$;
         CREATE OPERATOR = (LEFTARG = int, RIGHTARG = text, FUNCTION = same)",
        "SELECT * FROM orders WHERE id = name::text",
        "guard:query-operator",
    ),
    (
        "CREATE FUNCTION number(mood) RETURNS int LANGUAGE sql AS $$ INSERT INTO traces VALUES ('x') RETURNING 1 $$;
         CREATE CAST (mood AS int) WITH FUNCTION number(mood) AS IMPLICIT",
        "SELECT now + 1 FROM moods",
        "guard:query-cast",
    ),
    (
        "CREATE FUNCTION number(mood) RETURNS int LANGUAGE sql AS $$ INSERT INTO traces VALUES ('x') RETURNING 1 $$;
         CREATE CAST (mood AS int) WITH FUNCTION number(mood)",
        "SELECT now::int4 FROM moods",
        "guard:query-cast",
    ),
];

/// Attempts that read what nobody may.
const READS: &[Attempt] = &[
    ("", "SELECT pg_read_file('/etc/passwd')", "guard:query-function"),
    ("", "SELECT pg_catalog.pg_read_file('/etc/passwd')", "guard:query-function"),
    ("", "SELECT \"pg_read_file\"('/etc/passwd')", "guard:query-function"),
    ("", "SELECT * FROM pg_read_file('/etc/passwd')", "guard:query-function"),
    ("", "SELECT ('/etc/passwd'::text).pg_read_file", "guard:query-function"),
    ("", "SELECT U&\"pg\\005fread_file\"('/etc/passwd')", "guard:query-unread"),
    ("", "SELECT pg_ls_dir('/')", "guard:query-function"),
    ("", "SELECT (0.01::float8).pg_sleep IS NOT NULL", "guard:query-function"),
    ("", "SELECT pg_advisory_lock(4711)::text || 'locked'", "guard:query-function"),
    ("", "SELECT pg_notify('a', 'b')::text || 'told'", "guard:query-function"),
    ("", "SELECT pg_export_snapshot()", "guard:query-function"),
    ("", "SELECT txid_current()", "guard:query-function"),
    ("", "SELECT set_config('statement_timeout', '0', true)", "guard:query-function"),
    ("", "SELECT query_to_xml('SELECT name FROM orders', true, false, '')", "guard:query-function"),
    ("", "SELECT table_to_xml('orders', true, false, '')", "guard:query-function"),
    (
        "CREATE SCHEMA fine; CREATE TABLE fine.t AS SELECT 'x' AS a",
        "SELECT schema_to_xml('fine', true, false, '')",
        "guard:query-function",
    ),
    ("DROP VIEW innocent CASCADE", "SELECT database_to_xml(true, false, '')", "guard:query-function"),
    (
        "CREATE EXTENSION tablefunc; CREATE TABLE links (id text, up text); INSERT INTO links VALUES ('1', NULL), ('2', '1')",
        "SELECT * FROM connectby('links', 'id', 'up', '1', 0) AS t(a text, b text, c int)",
        "guard:query-function",
    ),
    ("", "SELECT pg_switch_wal()", "guard:query-function"),
    ("", "SELECT pg_backup_start('x')", "guard:query-function"),
    ("", "SELECT pg_terminate_backend(0)", "guard:query-function"),
    ("", "SELECT pg_logical_emit_message(false, 'a', 'b')", "guard:query-function"),
    // A name that looks like another's.
    (
        "CREATE TABLE \"ord\u{200b}ers\" (a text); INSERT INTO \"ord\u{200b}ers\" VALUES ('x')",
        "SELECT * FROM \"ord\u{200b}ers\"",
        "guard:query-unread",
    ),
    ("SELECT lo_from_bytea(7, 'x')", "SELECT data FROM ONLY pg_largeobject", "guard:query-relation"),
    ("", "SELECT * FROM ts_stat('SELECT to_tsvector(name) FROM orders')", "guard:query-function"),
    ("", "SELECT ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, ''b''::tsquery')", "guard:query-function"),
    (
        "CREATE EXTENSION tablefunc",
        "SELECT * FROM crosstab('SELECT name, name, name FROM orders') AS c(a varchar, b varchar)",
        "guard:query-function",
    ),
    ("", "SELECT rolname FROM pg_authid", "guard:query-relation"),
    ("", "SELECT usename FROM ONLY pg_catalog.pg_shadow", "guard:query-relation"),
    ("", "COPY orders TO STDOUT", "guard:query-statement"),
    ("", "SHOW server_version; SELECT 1", "guard:query-unread"),
    (
        "CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
         CREATE FOREIGN TABLE passwords (line text) SERVER files OPTIONS (filename '/etc/passwd', delimiter E'\\x01')",
        "SELECT * FROM passwords",
        "guard:query-relation",
    ),
];

#[test]
fn what_writes_on_the_bare_server_leaves_no_trace_through_guard() {
    let Some(server) = postgres() else { return };
    let mut wrong = Vec::new();
    for (more, attempt, rule) in WRITES {
        let bare = server.database(SETUP);
        let fresh = if more.is_empty() { None } else { Some(bare.psql(more)) };
        let before = bare.psql(EFFECTS);
        // psql sends everything in one message, as drivers do that have no way to send one statement.
        let _said = bare.server.psql_as("owner", &bare.name, attempt);
        let after = bare.server.psql_as("owner", &bare.name, EFFECTS);
        assert_ne!(Ok(&before), after.as_ref(), "no effect on the bare server: {attempt}");
        let guarded = server.database(SETUP);
        if fresh.is_some() {
            guarded.psql(more);
        }
        let home = as_superuser(&guarded);
        let (done, value) = asked(&home, attempt);
        // Of a plain write a person is asked.
        let code = if *rule == "guard:query-changes" { 75 } else { 126 };
        if (done.code, rules(&value).first().copied()) != (Some(code), Some(*rule)) {
            wrong.push(format!("{attempt}: {rule}: {value}"));
        }
        assert_eq!(guarded.psql(EFFECTS), before, "{attempt}");
    }
    assert_eq!(wrong, [] as [String; 0]);
}

#[test]
fn what_nobody_may_read_is_answered_by_the_bare_server_and_not_through_guard() {
    let Some(server) = postgres() else { return };
    let mut wrong = Vec::new();
    for (more, attempt, rule) in READS {
        let database = server.database(SETUP);
        if !more.is_empty() {
            database.psql(more);
        }
        let said = database.server.psql_as("owner", &database.name, attempt);
        assert!(said.as_ref().is_ok_and(|said| !said.is_empty()), "{attempt}: {said:?}");
        let home = as_superuser(&database);
        let (done, value) = asked(&home, attempt);
        if (done.code, rules(&value).first().copied()) != (Some(126), Some(*rule)) {
            wrong.push(format!("{attempt}: {rule}: {value}"));
        }
        assert_eq!(value["rows"], serde_json::Value::Null, "{attempt}");
    }
    assert_eq!(wrong, [] as [String; 0]);
}

/// Statements that pass in a superuser's transaction that only reads, what stands before it, and what shows their effect there or
/// behind it.
const PASS: &[Attempt] = &[
    ("", "LOAD 'auto_explain'", "SELECT count(*) FROM pg_settings WHERE name LIKE 'auto_explain.%'"),
    ("", "CHECKPOINT", "SELECT checkpoint_lsn FROM pg_control_checkpoint()"),
    (
        "",
        "LOCK TABLE orders",
        "SELECT count(*) FROM pg_locks WHERE relation = 'orders'::regclass AND mode = 'AccessExclusiveLock'",
    ),
    ("", "ANALYZE orders", "SELECT reltuples FROM pg_class WHERE relname = 'orders'"),
    ("", "REINDEX TABLE orders", "SELECT pg_relation_filenode('orders_pkey')"),
    ("", "LISTEN a", "SELECT count(*) FROM pg_listening_channels()"),
    ("LISTEN a;", "NOTIFY a, 'told'", "SELECT 1"),
    ("", "SET ROLE bare", "SELECT current_user"),
    ("", "DO $$ BEGIN PERFORM set_config('a.b', 'x', false); END $$", "SELECT current_setting('a.b', true)"),
];

/// What of these lasts.
const LASTS: &str =
    "SELECT reltuples || ' ' || pg_relation_filenode('orders_pkey') FROM pg_class WHERE relname = 'orders'";

#[test]
fn what_passes_in_a_read_only_transaction_of_a_superuser_does_not_pass_guard() {
    let Some(server) = postgres() else { return };
    let bare = server.database(SETUP);
    let guarded = server.database(SETUP);
    let home = as_superuser(&guarded);
    let lasts = guarded.psql(LASTS);
    for (before, statement, shows) in PASS {
        let read_only =
            |statement: &str| bare.psql(&format!("{before} BEGIN READ ONLY; {statement}; {shows}; COMMIT; {shows}"));
        assert_ne!(read_only("SELECT"), read_only(statement), "no effect on the bare server: {statement}");
        let (done, value) = asked(&home, statement);
        assert_eq!(done.code, Some(126), "{statement}: {value}");
        assert_eq!(guarded.psql(LASTS), lasts, "{statement}");
    }
    // The server would do this one too, were it set up for it.
    let prepared = server.psql_as("owner", &bare.name, "BEGIN READ ONLY; PREPARE TRANSACTION 'x'").unwrap_err();
    assert!(prepared.contains("prepared transactions are disabled"), "{prepared}");
    assert_eq!(asked(&home, "PREPARE TRANSACTION 'x'").0.code, Some(126));
}

#[test]
fn no_file_and_no_slot_is_made_through_guard() {
    let Some(server) = postgres() else { return };
    let (bare, guarded) = (server.database(SETUP), server.database(SETUP));
    let home = as_superuser(&guarded);
    for database in [&bare, &guarded] {
        database.psql("SELECT lo_from_bytea(7, 'x')");
    }
    // Where the server's user may write.
    let path = std::env::temp_dir().join(unique("bypass"));
    let shown = path.display();
    for statement in [
        format!("COPY (SELECT 'x') TO '{shown}'"),
        format!("COPY (SELECT 'x') TO PROGRAM 'cat > {shown}'"),
        format!("SELECT lo_export(7, '{shown}')"),
    ] {
        bare.psql(&format!("BEGIN READ ONLY; {statement}; COMMIT"));
        assert!(path.exists(), "no effect on the bare server: {statement}");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(asked(&home, &statement).0.code, Some(126), "{statement}");
        assert!(!path.exists(), "{statement}");
    }
    let slot = unique("bypass");
    let make = format!("SELECT pg_create_physical_replication_slot('{slot}')");
    let slots = format!("SELECT count(*) FROM pg_replication_slots WHERE slot_name = '{slot}'");
    bare.psql(&format!("BEGIN READ ONLY; {make}; COMMIT"));
    assert_eq!(bare.psql(&slots), "1");
    bare.psql(&format!("SELECT pg_drop_replication_slot('{slot}')"));
    assert_eq!(asked(&home, &make).0.code, Some(126));
    assert_eq!(bare.psql(&slots), "0");
}

#[test]
fn a_server_that_reads_strings_in_another_way_is_made_to_read_them_as_guard_does() {
    let Some(server) = postgres() else { return };
    let off = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET standard_conforming_strings = off', current_database()); END $$";
    // Two texts; or, where a backslash hides the quote behind it, one and a call.
    let attempt = "SELECT '\\' AS one, ' || leave() --' AS two";
    let bare = server.database(&format!("{SETUP}{off}"));
    let before = bare.psql(EFFECTS);
    bare.psql(attempt);
    assert_ne!(bare.psql(EFFECTS), before, "no effect on the bare server");
    let guarded = server.database(&format!("{SETUP}{off}"));
    let home = as_superuser(&guarded);
    let before = guarded.psql(EFFECTS);
    let (done, value) = asked(&home, attempt);
    assert_eq!(done.code, Some(0), "{value}");
    assert!(value["rows"].to_string().contains(" || leave() --"), "{value}");
    assert_eq!(guarded.psql(EFFECTS), before);
}

#[test]
fn statements_that_are_not_on_the_list_are_none_that_read() {
    let Some(server) = postgres() else { return };
    let database = server.database(SETUP);
    let home = as_superuser(&database);
    for statement in [
        "LOAD 'auto_explain'",
        "CHECKPOINT",
        "COPY (SELECT 1) TO PROGRAM 'cat'",
        "COPY orders FROM PROGRAM 'true'",
        "LOCK TABLE orders",
        "ANALYZE orders",
        "VACUUM orders",
        "REINDEX TABLE orders",
        "PREPARE TRANSACTION 'x'",
        "LISTEN a",
        "NOTIFY a",
        "SET ROLE bare",
        "SET TRANSACTION READ WRITE",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
        "RESET ALL",
        "DISCARD ALL",
        "PREPARE q AS SELECT 1",
        "EXECUTE q",
        "DEALLOCATE ALL",
        "DECLARE c CURSOR FOR SELECT 1",
        "FETCH c",
        "ROLLBACK",
        "SAVEPOINT s",
        "GRANT ALL ON orders TO bare",
        "COMMENT ON TABLE orders IS 'x'",
        "SECURITY LABEL ON TABLE orders IS 'x'",
        "ALTER SYSTEM SET work_mem = '1MB'",
        "IMPORT FOREIGN SCHEMA public FROM SERVER s INTO public",
        "REFRESH MATERIALIZED VIEW innocent",
    ] {
        let (done, value) = asked(&home, statement);
        assert_eq!(done.code, Some(126), "{statement}: {value}");
    }
}
