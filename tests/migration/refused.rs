//! What keeps an approved migration from being run: a file, the schema, the revision, the database or the policy is another one,
//! it was run before, everything is halted.

use super::{Scene, stopped};
use crate::servers::postgres;
use serde_json::json;

const ORDERS: &str = "CREATE TABLE orders (id int PRIMARY KEY, note text)";
const ADDS: &str = "ALTER TABLE orders ADD COLUMN size int;\n";

/// A migration that is approved.
fn approved(scene: &Scene) {
    let (done, value) = scene.propose(ADDS);
    assert_eq!(done.code, Some(75), "{value}");
    scene.approve("migration-1");
}

fn refused(scene: &Scene, why: &str) {
    let (run, value) = scene.told(&["run", "migration-1"]);
    assert_eq!((run.code, &value["verdict"], stopped(&value)), (Some(126), &json!("deny"), why), "{value}");
    let columns = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname = 'size'";
    assert_eq!(scene.database.psql(columns), "0", "nothing was run");
    assert!(scene.home.log().contains("[DB] [MIGRATE] [PostgreSQL: migration-1: a change] [DENIED] {"));
    assert!(!scene.home.log().contains("[STARTED]"));
}

#[test]
fn a_file_that_was_altered_is_not_run() {
    let Some(server) = postgres() else { return };
    let scene = Scene::new(&server, ORDERS, "");
    approved(&scene);
    scene.home.write("m.sql", "ALTER TABLE orders ADD COLUMN size int; DROP TABLE orders;");
    refused(&scene, "`migration-1` is not run: `m.sql` has changed since it was proposed");
    // Changed back, it has to be proposed again.
    scene.home.write("m.sql", ADDS);
    let (run, _) = scene.told(&["run", "migration-1"]);
    assert_eq!(run.code, Some(75));
    assert_eq!(scene.home.guard(&["migration", "list"]).stdout.split_whitespace().nth(1), Some("expired"));
}

#[test]
fn another_schema_is_not_migrated() {
    let Some(server) = postgres() else { return };
    let scene = Scene::new(&server, ORDERS, "");
    approved(&scene);
    scene.database.psql("CREATE TABLE other (id int)");
    refused(&scene, "`migration-1` is not run: the schema has changed since it was proposed");
}

#[test]
fn another_revision_is_not_migrated() {
    let Some(server) = postgres() else { return };
    let version = "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY); INSERT INTO alembic_version VALUES ('one')";
    let scene = Scene::new(&server, &format!("{ORDERS}; {version}"), "");
    approved(&scene);
    scene.database.psql("UPDATE alembic_version SET version_num = 'two'");
    refused(&scene, "`migration-1` is not run: the current revision is two and was one when it was proposed");
}

#[test]
fn another_database_is_not_migrated_though_its_schema_is_the_same() {
    let Some(server) = postgres() else { return };
    let scene = Scene::new(&server, ORDERS, "");
    let other = server.database("");
    other.psql(&format!(
        "ALTER DATABASE {} OWNER TO {user}; ALTER SCHEMA public OWNER TO {user}; SET ROLE {user}; {ORDERS}",
        other.name,
        user = scene.user
    ));
    approved(&scene);
    scene.home.write(".env", &format!("DATABASE_URL={}\n", other.url(&scene.user)));
    let shown = format!("{} at 127.0.0.1:{}", scene.database.name, server.port);
    refused(
        &scene,
        &format!(
            "`migration-1` is not run: another database answers there now than {shown}, for which it was proposed"
        ),
    );
}

#[test]
fn nothing_is_run_while_everything_is_halted() {
    let Some(server) = postgres() else { return };
    let scene = Scene::new(&server, ORDERS, "");
    approved(&scene);
    assert_eq!(scene.home.guard(&["halt", "--reason", "to see"]).code, Some(0));
    let (run, value) = scene.told(&["run", "migration-1"]);
    assert_eq!((run.code, &value["verdict"]), (Some(77), &json!("halted")), "{value}");
    let (more, _) = scene.propose("CREATE TABLE fills (id int)");
    assert_eq!(more.code, Some(77));
    assert!(scene.home.log().contains("[DB] [MIGRATE] [PostgreSQL: migration-1: a change] [HALTED] {"));
    assert_eq!(scene.tables(), "orders");
}

#[test]
fn a_migration_is_run_by_its_own_word_alone() {
    let Some(server) = postgres() else { return };
    let scene = Scene::new(&server, ORDERS, "");
    approved(&scene);
    let run = scene.home.guard(&["run-approved", "migration-1"]);
    assert_eq!(run.code, Some(126), "{}", run.stderr);
    assert!(run.stderr.contains("run it with `guard migration run migration-1`"), "{}", run.stderr);
    let unknown = scene.home.guard(&["migration", "run", "migration-7"]);
    assert_eq!(unknown.code, Some(126));
    assert!(unknown.stderr.contains("no migration is called `migration-7`"), "{}", unknown.stderr);
}
