//! Ways around read-only guards that were tried on PostgreSQL 15.18, and parsers' known misreadings: each is either no read, or its
//! facts name what must be refused. Where a test here says a function, relation or field is told, the judge of facts refuses it.
//! Sources: the holes found in crystaldba/postgres-mcp and postgres-mcp-hardened, PostgreSQL's regression suite, sqlparser 0.63.

use super::{postgres, questdb, refused, sqlite, uses};
use guard::action::query::{Engine, Fault, read};

/// Texts that write, lock, leave the transaction or run something: none may be called a read.
const WRITES: &[&str] = &[
    "BEGIN READ ONLY",
    "SET LOCAL x = 1",
    "SET TRANSACTION READ WRITE",
    "SELECT 1 INTO evil",
    "SELECT * INTO TEMP evil FROM orders",
    "SELECT * INTO TABLE evil FROM orders",
    "SELECT 1 UNION SELECT 2 INTO evil",
    "(SELECT 1 INTO evil)",
    "WITH a AS (SELECT 1) SELECT * INTO evil FROM a",
    "WITH x AS (INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM x",
    "WITH x AS (UPDATE t SET a = 1 RETURNING *) SELECT * FROM x",
    "WITH x AS (DELETE FROM t) SELECT 1",
    "WITH x AS (MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE RETURNING t.*) SELECT 1",
    "WITH a AS (WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x) SELECT * FROM a",
    "EXPLAIN ANALYZE WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x",
    "SELECT * FROM t FOR UPDATE",
    "SELECT * FROM t FOR NO KEY UPDATE SKIP LOCKED",
    "SELECT * FROM t FOR SHARE NOWAIT",
    "SELECT * FROM t FOR KEY SHARE OF t",
    "SELECT * FROM (SELECT * FROM t FOR UPDATE) x",
    "SELECT (SELECT a FROM t FOR UPDATE)",
    "WITH x AS (SELECT * FROM t FOR UPDATE) SELECT * FROM x",
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM t FOR UPDATE)",
    "TABLE t FOR UPDATE",
    "(SELECT * FROM t) FOR UPDATE",
    "EXPLAIN (\"analyze\") DELETE FROM t",
    "EXPLAIN ANALYSE DELETE FROM t",
    "EXPLAIN (ANALYZE 1) DELETE FROM t",
    "EXPLAIN (ANALYZE on) DELETE FROM t",
    "EXPLAIN (ANALYZE false, ANALYZE) DELETE FROM t",
    "EXPLAIN (ANALYZE 'true') UPDATE t SET a = 1",
    "EXPLAIN ANALYZE VERBOSE INSERT INTO t VALUES (1)",
    "EXPLAIN ANALYZE CREATE TABLE x AS SELECT 1",
    "EXPLAIN ANALYZE EXECUTE p",
    "EXPLAIN ANALYZE DECLARE c CURSOR FOR SELECT 1",
    "EXPLAIN ANALYZE SELECT 1 INTO t",
    "EXPLAIN ANALYZE SELECT * FROM t FOR UPDATE",
    "EXPLAIN EXPLAIN ANALYZE DELETE FROM t",
    "CREATE TABLE t AS SELECT 1",
    "CREATE EXTENSION plpython3u",
    "CREATE RULE r AS ON SELECT TO t DO INSTEAD DELETE FROM u",
    "COPY t TO PROGRAM 'id'",
    "COPY (SELECT 1) TO '/tmp/x'",
    "LOAD 'x'",
    "REINDEX TABLE t",
    "CHECKPOINT",
    "LOCK t",
    "ANALYZE t",
    "PREPARE TRANSACTION 'x'",
    "PREPARE p AS SELECT 1",
    "LISTEN x",
    "NOTIFY x",
    "DO $$ BEGIN DELETE FROM t; END $$",
    "SET ROLE postgres",
    "SET SESSION AUTHORIZATION postgres",
    "RESET ALL",
    "DISCARD ALL",
    "SHOW x DROP TABLE y",
    "SHOW DROP TABLE y",
    "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
    "CALL p()",
    "VALUES (1) INTO t",
    "REFRESH MATERIALIZED VIEW v",
    "IMPORT FOREIGN SCHEMA a FROM SERVER b INTO c",
    "SECURITY LABEL ON TABLE t IS 'x'",
    "REASSIGN OWNED BY a TO b",
    "COMMENT ON TABLE t IS 'x'",
    "GRANT ALL ON t TO public",
    "COMMIT",
    "ROLLBACK",
    "END",
    "ABORT",
    "SAVEPOINT a",
    "CLUSTER",
    "VACUUM",
    "SELECT 1 FROM t; DELETE FROM t",
    "DELETE FROM t",
    "select 1 into t from (select 1) x",
];

#[test]
fn nothing_that_writes_is_called_a_read() {
    for engine in [Engine::Postgres, Engine::QuestDb, Engine::Sqlite] {
        for sql in WRITES {
            for sql in [sql.to_string(), sql.to_lowercase(), format!("/* a */ {sql} ;"), sql.replace(' ', "\n")] {
                if let Ok(query) = read(engine, &sql) {
                    assert!(!query.kind().reads_only(), "{engine}: {sql}: {}", query.kind());
                }
            }
        }
    }
}

/// sqlparser takes it for a plain read; squawk does not.
#[test]
fn select_into_makes_a_table_wherever_it_stands() {
    assert_eq!(uses(&postgres("SELECT * INTO evil FROM orders")), ["SELECT INTO", "reads orders", "writes evil"]);
    let query = postgres("SELECT a.b INTO s.evil FROM a WHERE a.b > 1 GROUP BY a.b");
    assert_eq!(query.writes()[0].path.to_string(), "s.evil");
}

/// sqlparser takes `ONLY` for the table and `fills` for its alias.
#[test]
fn only_hides_no_relation() {
    for sql in
        ["SELECT * FROM ONLY fills", "SELECT * FROM ONLY (fills)", "SELECT * FROM a, ONLY fills", "TABLE ONLY fills"]
    {
        let read = postgres(sql).reads().last().unwrap().path.to_string();
        assert_eq!(read, "fills", "{sql}");
    }
    let told = uses(&postgres("SELECT l.x FROM ONLY pg_largeobject AS l JOIN ONLY b ON true"));
    assert_eq!(told, ["SELECT", "reads pg_largeobject, b", "fields l{pg_largeobject.*}.x"]);
    assert_eq!(uses(&postgres("SELECT * FROM \"only\" fills")), ["SELECT", "reads only"]);
}

/// sqlparser names no relation for it.
#[test]
fn table_is_a_read_of_a_relation() {
    for (sql, told) in [
        ("TABLE fills", "fills"),
        ("TABLE \"Fills\"", "Fills"),
        ("TABLE public.fills", "public.fills"),
        ("SELECT 1 UNION TABLE fills", "fills"),
        ("SELECT * FROM (TABLE fills) x", "fills"),
        ("WITH a AS (TABLE fills) SELECT 1", "fills"),
        ("SELECT 1 WHERE 1 IN (TABLE fills)", "fills"),
    ] {
        assert_eq!(postgres(sql).reads()[0].path.to_string(), told, "{sql}");
    }
}

/// Both guards let these through: a field that is no column is a function.
#[test]
fn attribute_notation_is_told_as_a_field() {
    for (sql, told) in [
        ("SELECT ('/etc/hostname'::text).pg_read_file", "fields (…).pg_read_file"),
        ("SELECT (5.0::float8).pg_sleep", "fields (…).pg_sleep"),
        ("SELECT ((5.0::float8)).pg_sleep", "fields (…).pg_sleep"),
        ("SELECT (x).y.pg_sleep FROM t", "fields (…).y, (…).pg_sleep"),
        ("SELECT (x[1]).pg_sleep FROM t", "fields (…).pg_sleep"),
        ("SELECT (SELECT 5.0).pg_sleep", "fields (…).pg_sleep"),
        ("SELECT (row(1)).f", "fields (…).f"),
        ("SELECT o.pg_sleep FROM generate_series(1, 2) o", "fields o{generate_series()}.pg_sleep"),
        ("SELECT \"o\".\"pg_sleep\" FROM orders o", "fields o{orders.*}.pg_sleep"),
        ("SELECT s.o.f FROM s.o", "fields o{s.o.*}.f"),
        ("SELECT 1 FROM orders o ORDER BY o.rowfn", "fields o{orders.*}.rowfn"),
        ("SELECT 1 FROM orders o GROUP BY o.rowfn HAVING o.other > 1", "fields o{orders.*}.rowfn, o{orders.*}.other"),
    ] {
        let lines = uses(&postgres(sql));
        assert_eq!(lines.last().unwrap(), told, "{sql}");
    }
    assert!(!refused(Engine::Postgres, "SELECT (x).f(1)").is_empty(), "a call of a field is not PostgreSQL");
}

/// Both let this through: the operator's function is anybody's.
#[test]
fn a_qualified_operator_names_its_schema() {
    for (sql, told) in [
        ("SELECT 1 OPERATOR(evil.+) 2", "operators evil.+"),
        ("SELECT 1 operator ( evil . + ) 2", "operators evil.+"),
        ("SELECT 1 OPERATOR(\"evil\".+) 2", "operators evil.+"),
        ("SELECT a FROM t ORDER BY a USING OPERATOR(evil.<)", "operators evil.<"),
        ("SELECT 1 OPERATOR(evil.=) ANY (ARRAY[1])", "operators evil.="),
    ] {
        match read(Engine::Postgres, sql) {
            Ok(query) => assert_eq!(uses(&query).last().unwrap(), told, "{sql}"),
            // What sqlparser cannot read is refused.
            Err(unreadable) => {
                assert!(matches!(unreadable.fault, Fault::Syntax | Fault::Unknown), "{sql}: {unreadable}")
            }
        }
    }
}

#[test]
fn functions_in_from_and_in_syntax_are_calls() {
    for (sql, told) in [
        ("SELECT * FROM pg_read_file('/etc/passwd')", "calls pg_read_file"),
        ("SELECT * FROM pg_catalog.pg_read_file('/etc/passwd') AS x", "calls pg_catalog.pg_read_file"),
        ("SELECT * FROM crosstab('DELETE FROM t') AS c(a int)", "calls crosstab"),
        ("SELECT * FROM LATERAL pg_ls_dir('/') x", "calls pg_ls_dir"),
        ("SELECT * FROM ROWS FROM (pg_ls_dir('/'), f()) x", "calls pg_ls_dir, f"),
        ("SELECT pg_sleep(1) FROM t LIMIT pg_sleep(2)", "calls pg_sleep, pg_sleep"),
        ("SELECT ts_stat('SELECT 1'), ts_rewrite(q, 'SELECT 1') FROM t", "calls ts_stat, ts_rewrite"),
        ("SELECT query_to_xml('x', true, true, '')", "calls query_to_xml"),
        ("SELECT \"pg_read_file\"('x')", "calls pg_read_file"),
        ("SELECT pg_read_file ( 'x' )", "calls pg_read_file"),
        ("SELECT pg_read_file/**/('x')", "calls pg_read_file"),
        ("SELECT set_config('statement_timeout', '0', false)", "calls set_config"),
        ("VALUES (pg_sleep(1))", "calls pg_sleep"),
        ("EXPLAIN SELECT f()", "calls f"),
        ("SELECT f(VARIADIC array[g()])", "calls f, g"),
        ("SELECT count(*) FILTER (WHERE f()) FROM t", "calls count, f"),
        ("SELECT rank() OVER (ORDER BY f()) FROM t", "calls rank, f"),
        ("SELECT 1 OFFSET f() FETCH FIRST (g()) ROWS ONLY", "calls f, g"),
    ] {
        let lines = match read(Engine::Postgres, sql) {
            Ok(query) => uses(&query),
            Err(unreadable) => {
                assert!(matches!(unreadable.fault, Fault::Syntax | Fault::Unknown), "{sql}: {unreadable}");
                continue;
            }
        };
        assert!(lines.iter().any(|line| line == told), "{sql}: {lines:?}");
    }
}

#[test]
fn questdbs_writes_and_its_tight_corners_are_no_reads() {
    for sql in [
        "COPY t TO 'out' WITH FORMAT PARQUET",
        "COPY t FROM 'x'",
        "INSERT INTO t SELECT * FROM u",
        "INSERT ATOMIC INTO t SELECT * FROM u",
        "UPDATE t SET a = 1",
        "DROP ALL TABLES",
        "DROP TABLE t",
        "TRUNCATE TABLE t",
        "ALTER TABLE t DROP PARTITION LIST '2024'",
        "ALTER SYSTEM LOCK WRITER t",
        "VACUUM TABLE t",
        "REINDEX TABLE t LOCK EXCLUSIVE",
        "RENAME TABLE a TO b",
        "BACKUP TABLE t",
        "SNAPSHOT PREPARE",
        "CHECKPOINT CREATE",
        "CANCEL QUERY 1",
        "REFRESH MATERIALIZED VIEW v FULL",
        "CREATE TABLE t AS (SELECT 1)",
        "REPAIR TABLE t",
        "GRANT SELECT ON ALL TABLES TO x",
        "SET x = 1",
        "EXPLAIN INSERT INTO t SELECT 1",
        "EXPLAIN UPDATE t SET a = 1",
        "COMPILE VIEW v",
        "DECLARE @x := 1 INSERT INTO t SELECT @x",
        "WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x",
        "WITH x AS (SELECT 1) UPDATE t SET a = 1 FROM x",
        "checkpoint",
        "vacuum",
        "\"t\" drop",
        "SHOW TABLES DROP",
        "SHOW COLUMNS FROM t DROP",
    ] {
        if let Ok(query) = read(Engine::QuestDb, sql) {
            assert!(!query.kind().reads_only(), "{sql}: {}", query.kind());
        }
    }
    for (sql, told) in [
        ("SELECT flush_query_cache()", "calls flush_query_cache"),
        ("SELECT * FROM read_parquet('../../x')", "calls read_parquet"),
        ("SELECT * FROM query_activity()", "calls query_activity"),
        ("DECLARE @x := simulate_crash('a') SELECT @x", "calls simulate_crash"),
        ("SELECT avg(a) FROM t SAMPLE BY 1h FROM f() TO g() FILL(h())", "calls avg, f, g, h"),
        ("t LATEST ON f(ts) PARTITION BY g(a)", "calls f, g"),
        ("SELECT * FROM t LIMIT f(), g()", "calls f, g"),
        ("SELECT * FROM a ASOF JOIN b ON (f(a) = g(b))", "calls f, g"),
        ("SELECT * FROM t WHERE ts IN f()", "calls f"),
    ] {
        let mut calls = questdb(sql).calls().iter().map(|called| called.path.to_string()).collect::<Vec<_>>();
        calls.sort();
        let mut expected: Vec<&str> = told.trim_start_matches("calls ").split(", ").collect();
        expected.sort_unstable();
        assert_eq!(calls, expected, "{sql}");
    }
}

#[test]
fn sqlites_writes_and_pragmas_are_no_reads() {
    for sql in [
        "PRAGMA query_only = 0",
        "PRAGMA table_info(t)",
        "ATTACH '/tmp/x' AS y",
        "ATTACH DATABASE 'x' AS y",
        "DETACH y",
        "VACUUM INTO '/tmp/x'",
        "REPLACE INTO t VALUES (1)",
        "INSERT OR REPLACE INTO t VALUES (1)",
        "UPDATE OR IGNORE t SET a = 1",
        "DELETE FROM t",
        "CREATE VIRTUAL TABLE t USING fts5(a)",
        "CREATE TEMP TRIGGER x AFTER INSERT ON t BEGIN DELETE FROM t; END",
        "DROP TABLE t",
        "ALTER TABLE t RENAME TO u",
        "REINDEX",
        "ANALYZE",
        "BEGIN IMMEDIATE",
        "SAVEPOINT a",
        "RELEASE a",
        "EXPLAIN PRAGMA x",
        "EXPLAIN DELETE FROM t",
        "WITH x AS (SELECT 1) DELETE FROM t",
        "WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x",
        "WITH x AS (SELECT 1) UPDATE t SET a = 1",
        "WITH x AS (SELECT 1) REPLACE INTO t SELECT * FROM x",
    ] {
        if let Ok(query) = read(Engine::Sqlite, sql) {
            assert!(!query.kind().reads_only(), "{sql}: {}", query.kind());
        }
    }
    let query = sqlite("SELECT load_extension('x'), \"LOAD_EXTENSION\"('y') FROM pragma_table_info('t')");
    assert_eq!(uses(&query), ["SELECT", "calls load_extension, load_extension, pragma_table_info"]);
}
