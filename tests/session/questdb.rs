//! QuestDB: values, catalog, posture, identity, time-out.

use super::{ALL, Kept, open, rows};
use crate::servers::{Quest, quest, unique};
use guard::action::query::Engine;
use guard::action::query::catalog::{FunctionKind, Named, RelationKind, Wanted};
use guard::execute::query::{Cause, Endpoint, Limits, Session};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

fn url(server: Quest, user: &str) -> String {
    format!("questdb://{user}:quest@127.0.0.1:{}/qdb", server.port)
}

/// What `psql` says as a user: the server as it is.
fn psql(server: Quest, user: &str, sql: &str) -> Result<String, String> {
    let done = Command::new("psql")
        .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", &server.port.to_string()])
        .args(["-U", user, "-d", "qdb", "-c", sql])
        .env("PGPASSWORD", "quest")
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    if done.status.success() { Ok(text(&done.stdout)) } else { Err(text(&done.stderr)) }
}

/// A table of every type that it has rows of, once they are there.
fn table(server: Quest) -> String {
    let name = unique("trades");
    let make = format!(
        "CREATE TABLE {name} (ts TIMESTAMP, s SYMBOL, i IPV4, g GEOHASH(5c), l LONG256, u UUID, d DOUBLE[], n TIMESTAMP_NS, \
         b BOOLEAN, c CHAR, x LONG, v VARCHAR, f DOUBLE) TIMESTAMP(ts) PARTITION BY DAY WAL"
    );
    psql(server, "admin", &make).unwrap();
    let fill = format!(
        "INSERT INTO {name} VALUES ('2026-01-01T00:00:00.123456Z', 'abc', '1.2.3.4', #u33dx, CAST('0x01' AS LONG256), \
         '11111111-1111-1111-1111-111111111111', ARRAY[1.0,2.5], '2026-01-01T00:00:00.123456789Z', true, 'x', \
         9007199254740993, 'a\"b', 0.1)"
    );
    psql(server, "admin", &fill).unwrap();
    let begun = Instant::now();
    while psql(server, "admin", &format!("SELECT count() FROM {name}")).unwrap() != "1" {
        assert!(begun.elapsed() < Duration::from_secs(30), "its rows do not come");
        std::thread::sleep(Duration::from_millis(50));
    }
    name
}

#[test]
fn values_come_as_text_and_types_are_the_protocol_s() {
    let Some(server) = quest() else { return };
    let name = table(server);
    let mut session = open(Engine::QuestDb, &url(server, "user")).unwrap();
    session.prepare(&format!("SELECT * FROM {name}")).unwrap();
    let mut kept = Kept::default();
    session.run(&ALL, &mut kept).unwrap();
    session.close();
    let shown: Vec<_> = kept.columns.iter().map(|c| format!("{} {}", c.name, c.type_name)).collect();
    let text = "character varying";
    assert_eq!(
        shown,
        [
            "ts timestamp without time zone".to_owned(),
            format!("s {text}"),
            format!("i {text}"),
            format!("g {text}"),
            format!("l {text}"),
            "u uuid".to_owned(),
            "d double precision[]".to_owned(),
            "n timestamp without time zone".to_owned(),
            "b boolean".to_owned(),
            "c character".to_owned(),
            "x bigint".to_owned(),
            format!("v {text}"),
            "f double precision".to_owned(),
        ]
    );
    let row = r#""2026-01-01T00:00:00.123456" "abc" "1.2.3.4" "u33dx" "0x01" "11111111-1111-1111-1111-111111111111" [1.0,2.5] "2026-01-01T00:00:00.123456" true "x" 9007199254740993 "a\"b" 0.1"#;
    assert_eq!(kept.rows, [row]);
    for sql in [
        "SHOW TABLES",
        "SELECT ts, count() AS n FROM NAME SAMPLE BY 1h",
        "SELECT * FROM NAME LATEST ON ts PARTITION BY s",
    ] {
        let found = rows(Engine::QuestDb, &url(server, "user"), &sql.replace("NAME", &name));
        assert!(found.as_ref().is_ok_and(|rows| !rows.is_empty()), "{sql}: {found:?}");
    }
    psql(server, "admin", &format!("DROP TABLE {name}")).unwrap();
}

#[test]
fn the_catalog_tells_true_types() {
    let Some(server) = quest() else { return };
    let name = table(server);
    let view = unique("by_hour");
    let make = format!(
        "CREATE MATERIALIZED VIEW {view} AS (SELECT ts, count() AS n FROM {name} SAMPLE BY 1h) PARTITION BY DAY"
    );
    psql(server, "admin", &make).unwrap();
    let mut session = open(Engine::QuestDb, &url(server, "user")).unwrap();
    let bare = |names: &[&str]| names.iter().map(|name| Named::bare(*name)).collect();
    let wanted = Wanted {
        relations: bare(&[&name.to_ascii_uppercase(), &view, "nothing", "'; DROP"]),
        functions: bare(&["SUM", "rnd_double", "nothing", "sqrt"]),
        ..Wanted::default()
    };
    let catalog = session.catalog(&wanted).unwrap();
    let listed = session.list().unwrap();
    session.close();
    let relation = &catalog.relations[&Named::bare(name.to_ascii_uppercase())];
    let columns: Vec<_> =
        relation.columns.iter().map(|column| format!("{} {}", column.name, column.type_name)).collect();
    assert_eq!(
        columns.join(", "),
        "ts TIMESTAMP, s SYMBOL, i IPv4, g GEOHASH(5c), l LONG256, u UUID, d DOUBLE[], n TIMESTAMP_NS, b BOOLEAN, c CHAR, \
         x LONG, v VARCHAR, f DOUBLE"
    );
    assert_eq!((&relation.name, &relation.kind, relation.columns[0].key), (&name, &RelationKind::Table, true));
    let definition = format!("SELECT ts, count() AS n FROM {name} SAMPLE BY 1h");
    assert_eq!(catalog.relations[&Named::bare(&*view)].kind, RelationKind::Materialized { definition });
    assert_eq!(catalog.relations.len(), 2);
    let sums: Vec<_> =
        catalog.functions[&Named::bare("SUM")].iter().map(|f| (f.kind, f.arguments.join(", "))).collect();
    for kind in [FunctionKind::Aggregate, FunctionKind::Window] {
        assert!(sums.contains(&(kind, "double".to_owned())), "{sums:?}");
    }
    assert_eq!(catalog.functions.len(), 3);
    for (name, kind) in [(&name, "table"), (&view, "materialized view")] {
        assert!(listed.iter().any(|one| one.name == **name && one.kind == kind), "{name}: {listed:?}");
    }
    psql(server, "admin", &format!("DROP MATERIALIZED VIEW {view}")).unwrap();
    psql(server, "admin", &format!("DROP TABLE {name}")).unwrap();
}

#[test]
fn whether_a_user_may_write_is_told_from_the_settings() {
    let Some(server) = quest() else { return };
    let posture = |user: &str| open(Engine::QuestDb, &url(server, user)).unwrap().posture().unwrap();
    let (admin, user) = (posture("admin"), posture("user"));
    assert_eq!((admin.user.as_str(), admin.writes, admin.unknown), ("admin", vec![Named::bare("*")], Vec::new()));
    assert_eq!((user.user.as_str(), user.writes, user.writes_in_all), ("user", Vec::new(), 0));
    // As it is on the bare server.
    let name = unique("made");
    let refused = psql(server, "user", &format!("CREATE TABLE {name} (a INT)")).unwrap_err();
    assert!(refused.contains("permission denied"), "{refused}");
    let failed = rows(Engine::QuestDb, &url(server, "user"), &format!("CREATE TABLE {name} (a INT)")).unwrap_err();
    assert_eq!(failed.cause, Cause::Denied, "{failed}");
}

#[test]
fn what_writes_gives_no_rows_and_is_not_run_even_as_the_administrator() {
    let Some(server) = quest() else { return };
    let (name, made) = (unique("kept"), unique("made"));
    psql(server, "admin", &format!("CREATE TABLE {name} (a INT); INSERT INTO {name} VALUES (7)")).unwrap();
    let state = || {
        let rows = psql(server, "admin", &format!("SELECT a, count() FROM {name}")).unwrap();
        let columns = psql(server, "admin", &format!("SELECT count() FROM table_columns('{name}')")).unwrap();
        (rows, columns, psql(server, "admin", "SHOW TABLES").unwrap().contains(&made))
    };
    let before = ("7|1".to_owned(), "1".to_owned(), false);
    assert_eq!(state(), before);
    let tried = |sql: &str| {
        let sql = sql.replace("NAME", &name).replace("MADE", &made);
        (rows(Engine::QuestDb, &url(server, "admin"), &sql), sql)
    };
    for sql in [
        "INSERT INTO NAME VALUES (1)",
        "UPDATE NAME SET a = 2",
        "CREATE TABLE MADE (a INT)",
        "CREATE TABLE MADE AS (SELECT 1 AS a)",
        "ALTER TABLE NAME ADD COLUMN b INT",
        "TRUNCATE TABLE NAME",
        "RENAME TABLE NAME TO 'MADE'",
        "COPY NAME TO 'out' WITH FORMAT PARQUET",
        "VACUUM TABLE NAME",
        "DROP TABLE NAME",
        "WITH x AS (SELECT 1) TRUNCATE TABLE NAME",
        "WITH x AS (SELECT 1) INSERT INTO NAME SELECT 1",
        "WITH x AS (SELECT 1) UPDATE NAME SET a = 1",
        "DECLARE @a := 1 TRUNCATE TABLE NAME",
        "DECLARE @a := 1 DROP TABLE NAME",
        "(SELECT 1) TRUNCATE TABLE NAME",
        "SELECT 1 UNION TRUNCATE TABLE NAME",
        "SHOW TRUNCATE TABLE NAME",
        "EXPLAIN TRUNCATE TABLE NAME",
        "-- a\rTRUNCATE TABLE NAME; \nSELECT 1",
        "/* /* */ SELECT 1 */ TRUNCATE TABLE NAME",
    ] {
        let (found, sql) = tried(sql);
        assert!(found.is_err(), "{sql}: {found:?}");
        assert_eq!(state(), before, "{sql}");
    }
    // Of several it reads the first alone: the others are for a gate to refuse.
    for sql in
        ["SELECT 1; TRUNCATE TABLE NAME", "SHOW TABLES; DROP TABLE NAME", "EXPLAIN SELECT 1; TRUNCATE TABLE NAME"]
    {
        let (found, sql) = tried(sql);
        assert!(found.is_ok(), "{sql}: {found:?}");
        assert_eq!(state(), before, "{sql}");
    }
    // It would have been run where it was read.
    let server_itself = |sql: &str| psql(server, "admin", &sql.replace("NAME", &name)).map(|_| state().0);
    assert_eq!(server_itself("TRUNCATE TABLE NAME"), Ok(String::new()), "on the bare server");
    psql(server, "admin", &format!("DROP TABLE {name}")).unwrap();
}

#[test]
fn an_installation_is_the_same_however_it_is_called() {
    let Some(server) = quest() else { return };
    let identity = |url: &str| open(Engine::QuestDb, url).unwrap().identity().unwrap();
    let first = identity(&url(server, "admin"));
    let second = identity(&url(server, "user").replace("127.0.0.1", "localhost"));
    assert_eq!((&first.stable, &first.running), (&second.stable, &second.running));
    assert!(first.stable.starts_with("questdb 0x"), "{first:?}");
}

#[test]
fn an_endless_query_ends_at_its_time_and_a_wrong_password_is_said_to_be_one() {
    let Some(server) = quest() else { return };
    let limits = Limits { time: Duration::from_millis(400), ..Limits::default() };
    let endpoint = |url: &str| Endpoint::of_url(Engine::QuestDb, url, Path::new("/")).unwrap();
    let begun = Instant::now();
    let mut session = Session::open(&endpoint(&url(server, "user")), &limits).unwrap();
    session.prepare("SELECT sum(a.x * b.x) FROM long_sequence(1000000) a CROSS JOIN long_sequence(1000000) b").unwrap();
    let failed = session.run(&ALL, &mut Kept::default()).unwrap_err();
    session.close();
    assert_eq!((failed.cause, failed.is_transient()), (Cause::TimedOut, true), "{failed}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    let wrong = url(server, "user").replace(":quest@", ":hush@");
    let failed = Session::open(&endpoint(&wrong), &limits).err().unwrap();
    assert!(failed.cause == Cause::Auth && !failed.to_string().contains("hush"), "{failed:?}");
    let failed = rows(Engine::QuestDb, &url(server, "user"), "SELECT nothing FROM nowhere").unwrap_err();
    assert_eq!(failed.cause, Cause::Syntax, "{failed:?}");
}
