//! Files of SQL on PostgreSQL.

use super::{Scene, operations, stopped};
use crate::cli::{Home, path, terminal};
use crate::servers::postgres;
use serde_json::{Value, json};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ORDERS: &str = "CREATE TABLE orders (id int PRIMARY KEY, note text); INSERT INTO orders VALUES (1, 'a')";

#[test]
fn a_migration_goes_from_the_proposal_over_the_approval_to_the_changed_schema() {
    let Some(server) = postgres() else { return };
    let scene = Scene::new(&server, ORDERS, "");
    let (done, value) = scene.propose(
        "-- squawk-ignore-file\nALTER TABLE orders DROP COLUMN note, ADD COLUMN size int;\nCREATE TABLE fills (id int);\n",
    );
    assert_eq!(
        (done.code, &value["verdict"], &value["name"]),
        (Some(75), &json!("ask"), &json!("migration-1")),
        "{value}"
    );
    assert_eq!(
        operations(&value),
        ["destructive: drops column orders.note", "additive: adds column orders.size", "additive: creates table fills"]
    );
    assert_eq!(value["class"], "destructive");
    assert_eq!(
        value["trial"],
        json!({ "tried": true, "revisions": [], "difference": [
            "+ column public.fills.id integer",
            "- column public.orders.note text",
            "+ column public.orders.size integer",
            "+ table public.fills",
        ]})
    );
    assert_eq!(scene.tables(), "orders", "nothing is changed by a proposal");
    scene.clean();
    let log = scene.home.log();
    assert!(log.contains(" Migration proposed: a change {"), "{log}");
    let (early, value) = scene.told(&["run", "migration-1"]);
    assert_eq!((early.code, &value["verdict"]), (Some(75), &json!("ask")), "{value}");
    scene.approve("migration-1");
    let (run, value) = scene.told(&["run", "migration-1"]);
    assert_eq!((run.code, &value["done"]), (Some(0), &json!(true)), "{value}");
    assert_eq!(scene.tables(), "fills orders");
    assert_eq!(scene.database.psql("SELECT * FROM orders"), "1|");
    let log = scene.home.log();
    for line in [
        "[APPROVAL] [REQUEST] [migration-1: a change] [PENDING] {",
        "[APPROVAL] [APPROVE] [migration-1] [SUCCESS] {",
        "[APPROVAL] [CONSUME] [migration-1] [SUCCESS] {",
        "[DB] [MIGRATE] [PostgreSQL: migration-1: a change] [STARTED] {",
        "[DB] [MIGRATE] [PostgreSQL: migration-1: a change] [SUCCESS] {",
    ] {
        assert!(log.contains(line), "{line}: {log}");
    }
    assert!(!log.contains("p@ss") && !log.contains("p%40ss"), "{log}");
    let (again, value) = scene.told(&["run", "migration-1"]);
    assert_eq!((again.code, stopped(&value)), (Some(126), "`migration-1`: it was run before"), "{value}");
    let verified = scene.home.guard(&["audit", "verify"]);
    assert_eq!(verified.code, Some(0), "{}{}", verified.stdout, verified.stderr);
    let listed = scene.home.guard(&["migration", "list"]).stdout;
    assert_eq!(listed, "migration-1    done             destructive  trades: a change\n");
}

#[test]
fn a_guard_that_is_killed_in_the_middle_leaves_nothing_half() {
    let Some(server) = postgres() else { return };
    let scene = Scene::new(&server, ORDERS, "");
    let (done, value) = scene.propose("CREATE TABLE fills (id int); ALTER TABLE orders ADD COLUMN size int");
    assert_eq!(done.code, Some(75), "{value}");
    scene.approve("migration-1");
    // Somebody who reads the table keeps the second statement waiting.
    let mut reader = Command::new("psql")
        .args([
            "-X",
            "-q",
            "-h",
            &server.sockets,
            "-p",
            &server.port.to_string(),
            "-U",
            "owner",
            "-d",
            &scene.database.name,
        ])
        .args(["-c", "BEGIN; SELECT * FROM orders; SELECT pg_sleep(60)"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    waits(|| {
        scene
            .database
            .psql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)' AND pid <> pg_backend_pid()")
            == "1"
    });
    let mut run = Command::new(env!("CARGO_BIN_EXE_guard"))
        .args(["migration", "run", "migration-1"])
        .current_dir(&scene.home.project)
        .env_clear()
        .env("PATH", path())
        .env("HOME", scene.home.path())
        .spawn()
        .unwrap();
    waits(|| {
        scene.database.psql(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'ALTER TABLE orders%'",
        ) == "1"
    });
    run.kill().unwrap();
    run.wait().unwrap();
    reader.kill().unwrap();
    reader.wait().unwrap();
    let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)' AND pid <> pg_backend_pid()";
    scene.database.psql(others);
    let busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    waits(|| scene.database.psql(busy) == "0");
    assert_eq!(scene.tables(), "orders", "the server undid what was not committed");
    let (again, value) = scene.told(&["run", "migration-1"]);
    assert_eq!(
        (again.code, stopped(&value)),
        (Some(126), "`migration-1`: it was interrupted, and its approval was used up by that"),
        "{value}"
    );
    let verified = scene.home.guard(&["audit", "verify"]);
    assert_eq!(verified.code, Some(0), "{}{}{}", verified.stdout, verified.stderr, scene.home.log());
}

/// Waits until something is so.
fn waits(mut is: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < Duration::from_secs(30), "it does not come about");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_file_of_sqlite_is_migrated_in_the_same_way() {
    let home = Home::bare();
    let path = home.project.join("shop.db");
    let file = rusqlite::Connection::open(&path).unwrap();
    file.execute_batch("CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT); INSERT INTO orders VALUES (1, 'a')")
        .unwrap();
    drop(file);
    let table = "[[database]]\nname = \"shop\"\nkind = \"sqlite\"\nurl_env = \"SHOP_URL\"\n";
    home.write("guard.toml", &format!("version = 1\nextends = [\"python\"]\n{table}"));
    home.write(".env", "SHOP_URL=sqlite:///shop.db\n");
    assert_eq!(home.guard(&["init"]).code, Some(0));
    home.write("m.sql", "ALTER TABLE orders ADD COLUMN size INTEGER; DROP TABLE IF EXISTS absent; UPDATE orders SET size = 1 WHERE id = 1;");
    let words = ["migration", "propose", "m.sql", "--description", "a size", "--json"];
    let done = home.guard(&words);
    let value: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(
        (done.code, &value["class"], &value["trial"]["tried"]),
        (Some(75), &json!("destructive"), &json!(true)),
        "{value}"
    );
    let shown: Value = serde_json::from_str(&home.guard(&["show", "migration-1", "--json"]).stdout).unwrap();
    let done = terminal(&home, &["approve", "migration-1"], &format!("{}\n", shown["digest"].as_str().unwrap()));
    assert_eq!(done.code, Some(0), "{}", done.stdout);
    let run = home.guard(&["migration", "run", "migration-1"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "done: migration-1: a size\n"), "{}", run.stderr);
    let file = rusqlite::Connection::open(&path).unwrap();
    let size: i64 = file.query_row("SELECT size FROM orders", [], |row| row.get(0)).unwrap();
    assert_eq!(size, 1);
    drop(file);
    home.write("m.sql", "ATTACH 'other.db' AS other");
    let done = home.guard(&words);
    assert_eq!(done.code, Some(75), "{}", done.stdout);
    assert!(done.stdout.contains("reaches out of its database: ATTACH"), "{}", done.stdout);
    assert!(!home.project.join("other.db").exists());
}

#[test]
fn alembic_upgrade_by_itself_is_denied_and_the_way_is_named() {
    let home = Home::with("python");
    for line in
        ["alembic upgrade head", "python -m alembic upgrade head", "alembic upgrade head --sql", "alembic stamp head"]
    {
        let done = home.guard(&["check", "--json", "-c", line]);
        assert_eq!(done.code, Some(126), "{line}: {}", done.stdout);
        assert!(done.stdout.contains("guard migration propose FILE --db NAME"), "{line}: {}", done.stdout);
    }
}
