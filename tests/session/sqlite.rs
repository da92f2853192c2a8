//! SQLite: what is read, what is refused, and files that are none.

use super::{ALL, Kept, open, ran, rows};
use guard::action::query::Engine;
use guard::action::query::catalog::{Named, RelationKind, Volatility, Wanted};
use guard::execute::query::{Caps, Cause, Done, Endpoint, Failed, Limits, Session, Truncated};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

struct File {
    folder: tempfile::TempDir,
    path: PathBuf,
}

fn file(sql: &str) -> File {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    File { folder, path }
}

impl File {
    fn read(&self, sql: &str) -> Result<Vec<String>, Failed> {
        rows(Engine::Sqlite, &self.path.display().to_string(), sql)
    }

    fn bytes(&self) -> Vec<u8> {
        std::fs::read(&self.path).unwrap()
    }
}

const ORDERS: &str = "CREATE TABLE orders (id INTEGER PRIMARY KEY, total NUMERIC, note TEXT); \
    INSERT INTO orders VALUES (9007199254740993, 1.5, 'a\"b'), (2, 'text', x'00ff'), (3, NULL, '2026')";

#[test]
fn values_keep_their_storage_class() {
    let file = file(ORDERS);
    assert_eq!(
        file.read("SELECT * FROM orders ORDER BY id"),
        Ok([r#"2 "text" {"blob":"00ff"}"#, r#"3 null "2026""#, r#"9007199254740993 1.5 "a\"b""#]
            .map(str::to_owned)
            .into())
    );
    assert_eq!(
        file.read("SELECT 1.0, 9e999, -0.0, 'x' || char(0), NULL"),
        Ok(vec![r#"1.0 "Infinity" -0.0 "x\u0000" null"#.to_owned()])
    );
    let (kept, _) =
        ran(Engine::Sqlite, &file.path.display().to_string(), "SELECT id, total AS t, id + 1 FROM orders", &ALL)
            .unwrap();
    let columns: Vec<_> = kept.columns.iter().map(|c| (c.name.as_str(), c.type_name.as_str())).collect();
    assert_eq!(columns, [("id", "INTEGER"), ("t", "NUMERIC"), ("id + 1", "")]);
    assert!(kept.columns.iter().all(|column| column.oid.is_none()));
}

#[test]
fn a_result_ends_at_its_caps_and_says_so() {
    let file = file(ORDERS);
    let path = file.path.display().to_string();
    for (caps, rows, truncated) in [
        (ALL, 3, None),
        (Caps { rows: 3, ..ALL }, 3, None),
        (Caps { rows: 2, ..ALL }, 2, Some(Truncated::Rows)),
        (Caps { bytes: 17, ..ALL }, 2, Some(Truncated::Bytes)),
    ] {
        let (_, done) = ran(Engine::Sqlite, &path, "SELECT id FROM orders", &caps).unwrap();
        assert_eq!((done.rows, done.truncated), (rows, truncated), "{caps:?}");
        assert_eq!(done, Done { bytes: rows * 8, ..done });
    }
}

#[test]
fn nothing_is_written_attached_set_or_loaded() {
    let file =
        file(&format!("{ORDERS}; CREATE VIEW v AS SELECT load_extension('x'); CREATE VIRTUAL TABLE f USING fts5(a)"));
    let before = file.bytes();
    let beside = file.folder.path().join("beside.db");
    for sql in [
        "INSERT INTO orders VALUES (1, 1, 1)",
        "INSERT INTO orders VALUES (1, 1, 1) RETURNING id",
        "WITH w AS (SELECT 1) DELETE FROM orders RETURNING *",
        "UPDATE orders SET total = 0 RETURNING id",
        "REPLACE INTO orders VALUES (1, 1, 1) RETURNING id",
        "CREATE TABLE t (a)",
        "CREATE TEMP TABLE t (a)",
        "DROP TABLE orders",
        "VACUUM",
        "VACUUM INTO 'BESIDE'",
        "REINDEX",
        "ANALYZE",
        "ATTACH 'BESIDE' AS other",
        "DETACH main",
        "PRAGMA query_only = OFF",
        "PRAGMA query_only",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA user_version = 7",
        "PRAGMA writable_schema = ON",
        "PRAGMA wal_checkpoint",
        "PRAGMA optimize",
        "PRAGMA temp_store_directory = '/tmp'",
        "PRAGMA hard_heap_limit = 0",
        "SELECT * FROM pragma_optimize",
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT s",
        "SELECT load_extension('x')",
        "SELECT * FROM v",
        "SELECT fts3_tokenizer('simple')",
        "SELECT 1; DROP TABLE orders",
        "SELECT 1; SELECT 2",
        "INSERT INTO f(f) VALUES ('rebuild')",
        "INSERT INTO f(f) VALUES ('rebuild') RETURNING 1",
    ] {
        let sql = sql.replace("BESIDE", &beside.display().to_string());
        let failed = file.read(&sql).unwrap_err();
        assert!(matches!(failed.cause, Cause::Denied | Cause::Syntax), "{sql}: {failed:?}");
    }
    assert!(file.bytes() == before && !beside.exists());
    for (sql, why) in [
        ("PRAGMA query_only", "PRAGMA `query_only` is not one that only tells something"),
        ("PRAGMA user_version = 7", "PRAGMA `user_version` is not one that only tells something"),
        ("SELECT load_extension('x')", "`load_extension` reaches out of the database"),
        ("DELETE FROM orders", "it is not a read"),
        ("ATTACH 'x' AS y", "it attaches or detaches a database"),
        ("", "it gives no rows: it is not a read"),
        ("SELECT 1; SELECT 2", "several statements at once"),
        ("SELECT ?1", "it has parameters (`?1`), and there is nothing to give for them"),
        ("SELECT 1\0; SELECT 2", "it holds a NUL"),
        ("SELECT \"text\" FROM orders", "no such column: \"text\" - should this be a string literal in single-quotes?"),
    ] {
        assert_eq!(file.read(sql).unwrap_err().message.lines().next(), Some(why), "{sql}");
    }
    // What only tells something is told.
    assert_eq!(file.read("PRAGMA user_version"), Ok(vec!["0".to_owned()]));
    assert_eq!(file.read("SELECT name FROM pragma_table_info('orders')").map(|rows| rows.len()), Ok(3));
    assert_eq!(file.read("EXPLAIN QUERY PLAN SELECT * FROM orders").map(|rows| rows.len()), Ok(1));
    let failed = file.read("SELECT é, other FROM orders").unwrap_err();
    assert_eq!((failed.cause, failed.position, failed.message.as_str()), (Cause::Syntax, Some(8), "no such column: é"));
}

#[test]
fn the_functions_that_are_called_are_told_in_views_as_well() {
    let file = file(&format!("{ORDERS}; CREATE VIEW v AS SELECT upper(note) AS u FROM orders"));
    let mut session = open(Engine::Sqlite, &file.path.display().to_string()).unwrap();
    session.prepare("SELECT Max(u), random() FROM v WHERE u LIKE 'a%'").unwrap();
    let calls: Vec<_> = session.calls().unwrap().into_iter().collect();
    assert_eq!(calls, ["like", "max", "random", "upper"]);
    // Guard's own questions are not among them, and change nothing.
    session.catalog(&Wanted { relations: [Named::bare("v")].into(), ..Wanted::default() }).unwrap();
    assert_eq!(session.calls().unwrap().len(), 4);
    session.run(&ALL, &mut Kept::default()).unwrap();
}

#[test]
fn the_catalog_tells_what_a_name_is() {
    let file = file(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, total NUMERIC(10,2) NOT NULL DEFAULT (abs(-1))); \
         CREATE TABLE items (id REFERENCES orders ON DELETE CASCADE); CREATE TABLE notes (id REFERENCES orders); \
         CREATE VIEW spy AS SELECT random() FROM orders; CREATE VIRTUAL TABLE words USING  FTS5(text); \
         CREATE TRIGGER touched AFTER INSERT ON orders BEGIN SELECT 1; END",
    );
    let mut session = open(Engine::Sqlite, &format!("sqlite:///{}", file.path.display())).unwrap();
    let bare = |names: &[&str]| names.iter().map(|name| Named::bare(*name)).collect();
    let mut wanted = Wanted {
        relations: bare(&["ORDERS", "spy", "words", "sqlite_schema", "nothing", "'"]),
        functions: bare(&["ABS", "random", "sum", "row_number", "nothing"]),
        ..Wanted::default()
    };
    wanted.relations.insert(Named::within("main", "notes"));
    wanted.relations.insert(Named::within("temp", "notes"));
    let catalog = session.catalog(&wanted).unwrap();
    let listed: Vec<_> = session.list().unwrap().into_iter().map(|one| format!("{} {}", one.name, one.kind)).collect();
    session.close();
    assert_eq!(listed, ["items table", "notes table", "orders table", "spy view", "words virtual table"]);
    let orders = &catalog.relations[&Named::bare("ORDERS")];
    assert_eq!(
        (orders.name.as_str(), &orders.kind, &orders.triggers[..]),
        ("orders", &RelationKind::Table, &["touched".to_owned()][..])
    );
    let columns: Vec<_> =
        orders.columns.iter().map(|c| (c.name.as_str(), c.type_name.as_str(), c.nullable, c.key)).collect();
    assert_eq!(columns, [("id", "INTEGER", true, true), ("total", "NUMERIC(10,2)", false, false)]);
    assert_eq!(orders.cascades, [Named::within("main", "items")]);
    assert!(orders.expressions[0].contains("abs(-1)"));
    let kind = |name: &str| &catalog.relations[&Named::bare(name)].kind;
    assert_eq!(
        *kind("spy"),
        RelationKind::View { definition: "CREATE VIEW spy AS SELECT random() FROM orders".to_owned() }
    );
    assert_eq!(*kind("words"), RelationKind::Virtual { module: "fts5".to_owned() });
    assert!(catalog.relations[&Named::bare("sqlite_schema")].built_in);
    assert_eq!(catalog.relations.len(), 5);
    let volatility = |name: &str| catalog.functions[&Named::bare(name)][0].volatility;
    assert_eq!((volatility("ABS"), volatility("random")), (Volatility::Immutable, Volatility::Volatile));
    assert_eq!(catalog.functions.len(), 4);
}

fn opened(path: &Path) -> (Cause, String, Option<String>) {
    let endpoint = Endpoint::of_url(Engine::Sqlite, &path.display().to_string(), Path::new("/")).unwrap();
    let limits = Limits { time: Duration::from_millis(300), ..Limits::default() };
    let failed = Session::open(&endpoint, &limits).err().unwrap();
    let name = format!("`{}`", path.display());
    (failed.cause, failed.message.replace(&name, "IT"), failed.hint)
}

#[test]
fn what_is_no_database_is_said_to_be_none() {
    let file = file(ORDERS);
    let at = |name: &str| file.folder.path().join(name);
    std::os::unix::fs::symlink(&file.path, at("link")).unwrap();
    std::fs::create_dir(at("folder")).unwrap();
    std::fs::write(at("text"), "a text that is no database, and long enough to be told to be none ".repeat(50))
        .unwrap();
    std::fs::write(at("cut"), &file.bytes()[..2000]).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe"), rustix::fs::Mode::RUSR).unwrap();
    for (name, cause, why) in [
        ("nothing", Cause::Down, "IT: No such file or directory (os error 2)"),
        ("link", Cause::Other, "IT: it is a link: name the file it leads to"),
        ("folder", Cause::Other, "IT: it is a folder, and no database"),
        ("pipe", Cause::Other, "IT: it is a pipe, and no database"),
        ("text", Cause::Other, "IT: it is no database of SQLite"),
        ("cut", Cause::Other, "IT: database disk image is malformed"),
    ] {
        let (found, message, _) = opened(&at(name));
        assert_eq!((found, message.as_str()), (cause, why), "{name}");
    }
    // A link in the middle of the way is followed, as everywhere.
    std::os::unix::fs::symlink(file.folder.path(), at("way")).unwrap();
    let through = Endpoint::of_url(Engine::Sqlite, &at("way/shop.db").display().to_string(), Path::new("/")).unwrap();
    let by_link = Session::open(&through, &Limits::default()).unwrap().identity().unwrap();
    let straight = open(Engine::Sqlite, &file.path.display().to_string()).unwrap().identity().unwrap();
    assert_eq!(by_link, straight);
    assert_eq!(straight.shown, file.path.canonicalize().unwrap().display().to_string());
    // An empty file is an empty database to SQLite.
    std::fs::write(at("empty"), "").unwrap();
    assert_eq!(
        rows(Engine::Sqlite, &at("empty").display().to_string(), "SELECT name FROM sqlite_schema"),
        Ok(Vec::new())
    );
    assert_eq!(std::fs::read(at("empty")).unwrap(), b"");
}

#[test]
fn a_database_with_a_log_is_read_as_it_is_now() {
    let file = file(&format!("PRAGMA journal_mode = WAL; {ORDERS}"));
    let writer = Connection::open(&file.path).unwrap();
    writer.execute_batch("INSERT INTO orders VALUES (4, 4, 4)").unwrap();
    assert_eq!(file.read("SELECT count(*) FROM orders"), Ok(vec!["4".to_owned()]));
    // A session sees what was there when it began.
    let mut session = open(Engine::Sqlite, &file.path.display().to_string()).unwrap();
    session.prepare("SELECT count(*) FROM orders").unwrap();
    writer.execute_batch("INSERT INTO orders VALUES (5, 5, 5); DROP TABLE orders").unwrap();
    let mut kept = Kept::default();
    session.run(&ALL, &mut kept).unwrap();
    assert_eq!(kept.rows, ["4"]);
    session.close();
    // One that somebody writes to is waited for, not for long.
    let other = self::file(ORDERS);
    let writer = Connection::open(&other.path).unwrap();
    writer.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let begun = Instant::now();
    let (cause, message, _) = opened(&other.path);
    assert_eq!((cause, message.as_str()), (Cause::TimedOut, "IT: database is locked"));
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn an_endless_query_ends_at_its_time() {
    let file = file(ORDERS);
    let endpoint = Endpoint::of_url(Engine::Sqlite, &file.path.display().to_string(), Path::new("/")).unwrap();
    let limits = Limits { time: Duration::from_millis(300), ..Limits::default() };
    for sql in [
        "WITH RECURSIVE endless(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM endless) SELECT count(*) FROM endless",
        "SELECT count(*) FROM orders a, json_each('[' || substr(hex(zeroblob(500000)), 2, 0) || '1]') b, \
         (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000000) SELECT i FROM n) c",
    ] {
        let begun = Instant::now();
        let mut session = Session::open(&endpoint, &limits).unwrap();
        session.prepare(sql).unwrap();
        let failed = session.run(&ALL, &mut Kept::default()).unwrap_err();
        assert_eq!((failed.cause, failed.message.as_str()), (Cause::TimedOut, "it was stopped: its time was over"));
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    }
    for sql in [
        "SELECT zeroblob(100000000)",
        "SELECT printf('%.*c', 100000000, 'x')",
        "SELECT replace(hex(zeroblob(8000000)), '0', 'xxxxxxxx')",
    ] {
        let failed = file.read(sql).unwrap_err();
        assert_eq!(failed.cause, Cause::Limit, "{sql}: {failed:?}");
    }
    let deep = format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000));
    assert!(file.read(&deep).is_err());
    let nested = format!("SELECT {}1", "1 + ".repeat(5000));
    assert!(file.read(&nested).is_err());
}
