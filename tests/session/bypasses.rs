//! Ways around a session that only reads. Each is shown on the bare server first, and then not to work, with no gate before
//! the session that would look at the statement. Sources: the ways around two read-only guards of the field (pglast's and
//! sqlparser's users), tried on PostgreSQL 15.18.

use super::{ALL, Kept, open, rows};
use crate::servers::{Database, postgres};
use guard::action::query::Engine;
use guard::execute::query::{Cause, Failed};

const TABLE: &str = "CREATE TABLE orders (id int); GRANT ALL ON orders TO bare; GRANT CREATE ON SCHEMA public TO bare";

fn tried(database: &Database, user: &str, sql: &str) -> Result<Vec<String>, Failed> {
    rows(Engine::Postgres, &database.local(user), sql)
}

fn bare(database: &Database, sql: &str) -> Result<String, String> {
    database.server.psql_as("bare", &database.name, &format!("BEGIN READ ONLY; {sql}"))
}

fn count(database: &Database) -> String {
    database.psql("SELECT count(*) FROM orders")
}

#[test]
fn a_transaction_cannot_be_ended_and_what_follows_is_not_run() {
    let Some(server) = postgres() else { return };
    let database = server.database(TABLE);
    for sql in [
        "COMMIT; INSERT INTO orders VALUES (1)",
        "ROLLBACK; INSERT INTO orders VALUES (1)",
        "END; BEGIN; INSERT INTO orders VALUES (1); COMMIT",
        "SELECT 1; COMMIT; INSERT INTO orders VALUES (1)",
    ] {
        let before = count(&database);
        bare(&database, sql).unwrap();
        assert_ne!(count(&database), before, "on the bare server: {sql}");
        let before = count(&database);
        let failed = tried(&database, "bare", sql).unwrap_err();
        assert_eq!((failed.cause, failed.code.as_deref()), (Cause::Syntax, Some("42601")), "{sql}");
        assert_eq!(count(&database), before, "{sql}");
    }
    // One alone gives no rows, and is not run.
    for sql in
        ["COMMIT", "ROLLBACK", "COMMIT AND CHAIN", "BEGIN", "SET TRANSACTION READ WRITE", "SET ROLE owner", "RESET ALL"]
    {
        let failed = tried(&database, "owner", sql).unwrap_err();
        assert_eq!(
            (failed.cause, failed.message.as_str()),
            (Cause::Denied, "it gives no rows: it is not a read"),
            "{sql}"
        );
    }
}

#[test]
fn a_transaction_that_reads_does_not_become_one_that_writes() {
    let Some(server) = postgres() else { return };
    let database = server.database(TABLE);
    for flip in ["SET TRANSACTION READ WRITE", "SELECT set_config('transaction_read_only', 'off', true)"] {
        // Where nothing was asked yet that takes a snapshot. A SELECT takes one, and comes too late.
        let sql = format!("{flip}; INSERT INTO orders VALUES (1); COMMIT");
        let before = count(&database);
        let done = database.server.psql_as(
            "bare",
            &database.name,
            &format!("BEGIN READ ONLY; SET LOCAL statement_timeout = 0; {sql}"),
        );
        assert_eq!(
            done.is_ok() && count(&database) != before,
            flip.starts_with("SET"),
            "on the bare server: {flip} {done:?}"
        );
    }
    let failed = tried(&database, "bare", "SELECT set_config('transaction_read_only', 'off', true)").unwrap_err();
    assert_eq!(failed.message, "transaction read-write mode must be set before any query");
    // For the sessions that follow it is of no weight.
    let sql = "SELECT set_config('default_transaction_read_only', 'off', false)";
    tried(&database, "bare", sql).unwrap();
}

#[test]
fn nothing_is_written_by_what_gives_rows() {
    let Some(server) = postgres() else { return };
    let database = server.database(&format!(
        "{TABLE}; CREATE SEQUENCE s; GRANT ALL ON s TO bare; CREATE FUNCTION writes() RETURNS int LANGUAGE sql AS \
         'INSERT INTO orders VALUES (2) RETURNING id'; CREATE VIEW v AS SELECT writes(); GRANT SELECT ON v TO bare"
    ));
    let before = count(&database);
    for sql in [
        "INSERT INTO orders VALUES (1) RETURNING id",
        "WITH w AS (INSERT INTO orders VALUES (1) RETURNING id) SELECT * FROM w",
        "SELECT writes()",
        "SELECT * FROM v",
        "EXPLAIN ANALYZE INSERT INTO orders VALUES (1)",
        "EXPLAIN (\"analyze\") INSERT INTO orders VALUES (1)",
        "EXPLAIN (ANALYSE 1) INSERT INTO orders VALUES (1)",
        "SELECT nextval('s')",
        "SELECT setval('s', 7)",
        "SELECT * FROM orders FOR UPDATE",
    ] {
        let undone = server.psql_as("bare", &database.name, &format!("BEGIN; {sql}; ROLLBACK"));
        assert!(undone.is_ok(), "on the bare server: {sql}: {undone:?}");
        let failed = tried(&database, "bare", sql).unwrap_err();
        assert_eq!((failed.cause, failed.code.as_deref()), (Cause::Denied, Some("25006")), "{sql}");
    }
    assert_eq!(count(&database), before);
    // A large object passes, up to PostgreSQL 15; it goes with the transaction. So does a lock with the connection.
    for sql in ["SELECT lo_from_bytea(0, 'x')", "SELECT pg_advisory_lock(7)"] {
        server.psql_as("bare", &database.name, &format!("BEGIN READ ONLY; {sql}")).unwrap();
        let _maybe = tried(&database, "bare", sql);
    }
    assert_eq!(database.psql("SELECT count(*) FROM pg_largeobject_metadata"), "0");
    assert_eq!(database.psql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7"), "0");
    // What gives none is not even run.
    for sql in [
        "SELECT 1 INTO made",
        "CREATE TABLE made (a int)",
        "COPY orders TO '/tmp/x'",
        "COPY orders FROM STDIN",
        "DO 'BEGIN END'",
        "LISTEN x",
        "NOTIFY x",
        "LOCK orders",
        "VACUUM orders",
        "CHECKPOINT",
        "LOAD 'plpgsql'",
        "PREPARE p AS SELECT 1",
        "DISCARD ALL",
        "CALL x()",
    ] {
        let failed = tried(&database, "owner", sql).unwrap_err();
        assert!(failed.cause == Cause::Denied || failed.code.as_deref() == Some("42883"), "{sql}: {failed:?}");
    }
}

#[test]
fn the_server_s_time_out_can_be_taken_away_and_guard_s_own_cannot() {
    let Some(server) = postgres() else { return };
    let database = server.database("");
    let long =
        "WITH RECURSIVE endless(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM endless) SELECT count(*) FROM endless";
    let limits = guard::execute::query::Limits { time: std::time::Duration::from_millis(400), ..Default::default() };
    let endpoint =
        |url: &str| guard::execute::query::Endpoint::of_url(Engine::Postgres, url, std::path::Path::new("/")).unwrap();
    let run = |url: &str, sql: &str| {
        let begun = std::time::Instant::now();
        let mut session = guard::execute::query::Session::open(&endpoint(url), &limits).unwrap();
        session.prepare(sql).unwrap();
        let failed = session.run(&ALL, &mut Kept::default()).unwrap_err();
        session.close();
        (failed.cause, failed.code.unwrap_or_default(), failed.message, begun.elapsed())
    };
    for url in [database.url("bare"), database.local("bare")] {
        let (cause, code, message, time) = run(&url, long);
        assert_eq!(
            (cause, code.as_str(), message.as_str()),
            (Cause::TimedOut, "57014", "canceling statement due to statement timeout")
        );
        assert!(time.as_millis() < 1300, "{time:?}");
    }
    // A function that claims to give the same for the same is run when the statement is planned; the clock starts after that.
    database.psql(
        "CREATE FUNCTION defeat() RETURNS int LANGUAGE plpgsql IMMUTABLE AS \
         'BEGIN PERFORM set_config(''statement_timeout'', ''0'', true); RETURN 1; END'",
    );
    let slow = "SELECT pg_sleep(60) WHERE defeat() = 1";
    let encrypted = database.url("encrypted").replace("sslmode=disable", "sslmode=require");
    for url in [database.url("bare"), database.local("bare"), encrypted] {
        let (cause, code, message, time) = run(&url, slow);
        assert_eq!(
            (cause, code.as_str(), message.as_str()),
            (Cause::TimedOut, "57014", "canceling statement due to user request")
        );
        assert!((1300..3000).contains(&time.as_millis()), "{time:?}");
    }
    // A server that stands still is left.
    let mut session = guard::execute::query::Session::open(&endpoint(&database.url("bare")), &limits).unwrap();
    session.prepare("SELECT pg_sleep(60)").unwrap();
    let idle = format!(
        "SELECT pid FROM pg_stat_activity WHERE datname = '{}' AND state = 'idle in transaction'",
        database.name
    );
    let pid = server.psql("postgres", &idle);
    signal(&pid, "STOP");
    let begun = std::time::Instant::now();
    let failed = session.run(&ALL, &mut Kept::default()).unwrap_err();
    signal(&pid, "CONT");
    assert_eq!(
        (failed.cause, failed.message.as_str(), failed.is_transient()),
        (Cause::TimedOut, "it does not answer", true)
    );
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    session.close();
}

fn signal(pid: &str, name: &str) {
    assert!(!pid.is_empty() && !pid.contains('\n'), "{pid}");
    std::process::Command::new("kill").args([&format!("-{name}"), pid]).status().unwrap();
}

#[test]
fn a_session_has_one_statement_without_parameters() {
    let Some(server) = postgres() else { return };
    let database = server.database("");
    let mut session = open(Engine::Postgres, &database.local("bare")).unwrap();
    assert_eq!(session.run(&ALL, &mut Kept::default()).unwrap_err().message, "no statement was prepared");
    session.prepare("SELECT 1").unwrap();
    assert!(session.prepare("SELECT 2").is_err());
    session.run(&ALL, &mut Kept::default()).unwrap();
    assert!(session.run(&ALL, &mut Kept::default()).is_err());
    session.close();
    let failed = tried(&database, "bare", "SELECT $1::int").unwrap_err();
    assert_eq!(failed.message, "it has parameters (`$1`), and there is nothing to give for them");
    for sql in ["", " ;", "-- nothing"] {
        assert_eq!(tried(&database, "bare", sql).unwrap_err().cause, Cause::Denied, "{sql}");
    }
    let failed = tried(&database, "bare", "SELECT 1\0; SELECT 2").unwrap_err();
    assert_eq!(failed.message, "it holds a NUL, or is longer than the protocol allows");
    let failed = tried(&database, "bare", "SELECT é, nothing FROM orders").unwrap_err();
    assert_eq!((failed.cause, failed.position), (Cause::Syntax, Some(24)));
}

#[test]
fn what_was_looked_at_is_what_is_run() {
    let Some(server) = postgres() else { return };
    let database =
        server.database("CREATE TABLE orders (id int); INSERT INTO orders VALUES (1); GRANT SELECT ON orders TO bare");
    let mut session = open(Engine::Postgres, &database.local("bare")).unwrap();
    session.prepare("SELECT * FROM orders").unwrap();
    // The table cannot be made another one between the look and the run.
    let swap = "SET lock_timeout = 300; DROP TABLE orders; CREATE VIEW orders AS SELECT 2 AS id";
    let swapped = server.psql_as("owner", &database.name, swap);
    assert!(swapped.as_ref().is_err_and(|error| error.contains("lock timeout")), "{swapped:?}");
    let mut kept = Kept::default();
    session.run(&ALL, &mut kept).unwrap();
    assert_eq!(kept.rows, ["1"]);
    session.close();
    database.psql(swap);
}
