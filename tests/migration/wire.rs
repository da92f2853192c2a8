//! Revisions that do another thing with rows than without, by the protocol itself: a copy has no rows, and the database has.
//! Each is first run by Alembic alone, where it does what it is meant to, and then by guard, where it does not.

use super::alembic::{alembic, revision};
use super::{Scene, operations, stopped};
use crate::cli::{path, tools};
use crate::servers::{Postgres, postgres};
use serde_json::Value;
use std::process::Command;

const WIRE: &str = include_str!("wire.py");
/// What every revision here begins with: whether there are rows.
const ROWS: &str =
    "def rows():\n    return op.get_bind().execute(sa.text(\"SELECT count(*) FROM orders\")).scalar()\n\n\n";

/// What Alembic alone makes of a revision, on a database of its own; what `look` tells of that.
fn bare(server: &Postgres, body: &str, look: &str) -> String {
    let scene = alembic(server);
    scene.home.write("alembic/versions/wire.py", &super::alembic::text("wire", None, &written(body)));
    upgrade(&scene);
    scene.database.psql(look)
}

fn upgrade(scene: &Scene) {
    let local = scene.database.local(&scene.user).replace("postgres://", "postgresql+psycopg2://");
    let done = Command::new(tools().join("alembic"))
        .args(["upgrade", "wire"])
        .current_dir(&scene.home.project)
        .env_clear()
        .env("PATH", path())
        .env("DATABASE_URL", local)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn written(body: &str) -> String {
    let lines: String = body.lines().map(|line| format!("    {line}\n")).collect();
    format!("{WIRE}\n\n{ROWS}def upgrade() -> None:\n{lines}")
}

/// What guard makes of it: proposed, approved, run; what `look` tells of that.
fn guarded(server: &Postgres, body: &str, look: &str) -> (Scene, Value, Value, String) {
    let scene = alembic(server);
    let path = revision(&scene, "wire", None, &written(body));
    let (done, proposed) = scene.told(&["propose", &path, "--db", "trades", "--description", "a change"]);
    assert_eq!(done.code, Some(75), "{proposed}");
    scene.approve("migration-1");
    let (_, run) = scene.told(&["run", "migration-1"]);
    let found = scene.database.psql(look);
    (scene, proposed, run, found)
}

const NOTES: &str = "SELECT string_agg(id || note, ' ' ORDER BY id) FROM orders";

#[test]
fn a_name_of_a_statement_stands_for_no_other() {
    let Some(server) = postgres() else { return };
    // The server keeps the first of two statements of one name; the second fails.
    let named = "if rows():\n    wire = Wire()\n    wire.say(parse(\"a\", \"DELETE FROM orders\"), SYNC)\n    \
        wire.say(parse(\"a\", \"SELECT 1\"), SYNC)\n    wire.say(bind(\"\", \"a\"), execute(), SYNC)\n";
    // One without a name is kept as well where what comes in its place is passed over after an error.
    let unnamed = "if rows():\n    wire = Wire()\n    wire.say(parse(\"\", \"DELETE FROM orders\"), SYNC)\n    \
        wire.say(bind(\"\", \"none\"), parse(\"\", \"SELECT 1\"), SYNC)\n    wire.say(bind(\"\", \"\"), execute(), SYNC)\n";
    for body in [named, unnamed] {
        assert_eq!(bare(&server, body, NOTES), "");
        let (_scene, proposed, run, found) = guarded(&server, body, NOTES);
        assert!(!operations(&proposed).iter().any(|one| one.contains("deletes")), "{proposed}");
        assert_eq!((found.as_str(), &run["done"]), ("1a", &Value::Bool(false)), "{run}");
    }
}

// What is proposed is run on a copy before any person has seen it, and the copy may lie on the server itself.
#[test]
fn nothing_reaches_out_of_the_copy_by_another_s_name() {
    let Some(server) = postgres() else { return };
    let body = "wire = Wire()\nwire.say(parse(\"a\", \"ALTER ROLE CURRENT_USER PASSWORD 'mine'\"), SYNC)\n\
        wire.say(parse(\"a\", \"SELECT 1\"), SYNC)\nwire.say(bind(\"\", \"a\"), execute(), SYNC)\n";
    let password = |scene: &Scene| {
        scene.database.psql(&format!("SELECT rolpassword FROM pg_authid WHERE rolname = '{}'", scene.user))
    };
    let scene = alembic(&server);
    let before = password(&scene);
    scene.home.write("alembic/versions/wire.py", &super::alembic::text("wire", None, &written(body)));
    upgrade(&scene);
    assert_ne!(password(&scene), before);
    let scene = alembic(&server);
    let before = password(&scene);
    let path = revision(&scene, "wire", None, &written(body));
    let (_, proposed) = scene.told(&["propose", &path, "--db", "trades", "--description", "a change"]);
    assert_eq!((password(&scene), &proposed["done"]), (before, &Value::Bool(false)), "{proposed}");
}

#[test]
fn what_is_only_bound_has_not_been_run() {
    let Some(server) = postgres() else { return };
    let body = "wire = Wire()\nwire.say(query(\"BEGIN\"))\n\
        wire.say(parse(\"\", \"UPDATE orders SET note = 'b' WHERE id = 1\"), bind(\"\", \"\"), *([] if rows() else [execute()]), SYNC)\n\
        wire.say(query(\"COMMIT\"))\n";
    assert_eq!(bare(&server, body, NOTES), "1a");
    let (_scene, _, run, found) = guarded(&server, body, NOTES);
    assert_eq!((found.as_str(), &run["done"]), ("1a", &Value::Bool(false)), "{run}");
    assert!(stopped(&run).contains("was not shown"), "{run}");
}

#[test]
fn what_was_approved_is_not_taken_back() {
    let Some(server) = postgres() else { return };
    let insert = "INSERT INTO orders VALUES (2, 'b')";
    let delete = "wire.say(query(\"DELETE FROM orders WHERE id = 1\"))";
    let table = [
        (
            "back to before it",
            format!(
                "wire = Wire()\nwire.say(query(\"BEGIN\"))\nwire.say(query(\"SAVEPOINT s\"))\nwire.say(query(\"{insert}\"))\n\
                if rows():\n    wire.say(query(\"ROLLBACK TO s\"))\n{delete}\nwire.say(query(\"COMMIT\"))\n"
            ),
            "was not shown: `ROLLBACK TO s`",
        ),
        (
            "never committed",
            format!(
                "some = rows()\nwire = Wire()\nwire.say(query(\"BEGIN\"))\nwire.say(query(\"{insert}\"))\n{delete}\n\
                if not some:\n    wire.say(query(\"COMMIT\"))\nwire.socket.close()\n"
            ),
            // By its connection that ended, or by what was to come next, whichever is seen first.
            "",
        ),
        (
            "it fails, and nobody is told",
            format!("wire = Wire()\nwire.say(query(\"INSERT INTO orders VALUES (1, 'b')\"))\n{delete}\n"),
            "duplicate key value",
        ),
        (
            "the rest is left out",
            format!(
                "some = rows()\nwire = Wire()\n{delete}\nif some:\n    os._exit(0)\nwire.say(query(\"{insert}\"))\n"
            ),
            "ended before what was sent by it was committed",
        ),
    ];
    for (what, body, why) in table {
        let before = bare(&server, &body, NOTES);
        assert!(["", "1a"].contains(&before.as_str()), "{what}: {before}");
        let (_scene, proposed, run, _) = guarded(&server, &body, NOTES);
        assert_eq!(proposed["trial"]["tried"], Value::Bool(true), "{what}: {proposed}");
        assert_eq!(run["done"], Value::Bool(false), "{what}: {run}");
        assert!(stopped(&run).contains(why), "{what}: {run}");
    }
}

#[test]
fn what_is_read_as_a_string_is_one_to_the_server() {
    let Some(server) = postgres() else { return };
    let body = "wire = Wire()\nwire.say(query(\"SET standard_conforming_strings = off\"))\n\
        if rows():\n    wire.say(query(\"SELECT '\\\\' || ' ; DELETE FROM orders; --'\"))\n";
    assert_eq!(bare(&server, body, NOTES), "");
    let scene = alembic(&server);
    let path = revision(&scene, "wire", None, &written(body));
    let (_, proposed) = scene.told(&["propose", &path, "--db", "trades", "--description", "a change"]);
    assert_eq!(proposed["trial"]["tried"], Value::Bool(false), "{proposed}");
    if proposed["name"].is_string() {
        scene.approve("migration-1");
        let (_, run) = scene.told(&["run", "migration-1"]);
        assert_eq!(run["done"], Value::Bool(false), "{run}");
    }
    assert_eq!(scene.database.psql(NOTES), "1a");
}
