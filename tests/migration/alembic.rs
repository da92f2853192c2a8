//! Revisions of Alembic, run by Alembic itself: what they send is seen before a server gets it.

use super::{Scene, operations, stopped};
use crate::cli::tools;
use crate::servers::{Postgres, postgres};
use serde_json::{Value, json};

const ENV: &str = "\
import os
from alembic import context
from sqlalchemy import create_engine, pool

engine = create_engine(os.environ[\"DATABASE_URL\"], poolclass=pool.NullPool)
if context.is_offline_mode():
    context.configure(url=os.environ[\"DATABASE_URL\"], literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    with engine.connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
";
const ORDERS: &str = "CREATE TABLE orders (id int PRIMARY KEY, note text); INSERT INTO orders VALUES (1, 'a')";

/// A project of Alembic's, and a database with orders.
pub(super) fn alembic(server: &Postgres) -> Scene {
    assert!(tools().join("alembic").exists(), "no alembic in {}: run scripts/test", tools().display());
    let scene = Scene::new(server, ORDERS, "");
    scene.home.write("alembic.ini", "[alembic]\nscript_location = %(here)s/alembic\n");
    scene.home.write("alembic/env.py", ENV);
    scene.home.write("alembic/versions/.keep", "");
    scene
}

/// The text of a revision that follows another.
pub(super) fn text(id: &str, follows: Option<&str>, rest: &str) -> String {
    let follows = follows.map_or("None".to_owned(), |id| format!("\"{id}\""));
    format!(
        "\"\"\"A change.\"\"\"\nfrom alembic import op\nimport sqlalchemy as sa\n\nrevision = \"{id}\"\ndown_revision = {follows}\n\
        branch_labels = None\ndepends_on = None\n\n\n{rest}"
    )
}

/// It, in its file.
pub(super) fn revision(scene: &Scene, id: &str, follows: Option<&str>, rest: &str) -> String {
    let path = format!("alembic/versions/{id}.py");
    scene.home.write(&path, &text(id, follows, rest));
    path
}

pub(super) const ADDS: &str = "def upgrade() -> None:\n    op.add_column(\"orders\", sa.Column(\"size\", sa.Integer(), nullable=True))\n\n\n\
    def downgrade() -> None:\n    op.drop_column(\"orders\", \"size\")\n";

fn propose(scene: &Scene, paths: &[&str], more: &[&str]) -> (Option<i32>, Value) {
    let words = [&["propose"], paths, &["--db", "trades", "--description", "orders get a size"], more].concat();
    let (done, value) = scene.told(&words);
    (done.code, value)
}

#[test]
fn a_revision_goes_up_as_it_was_shown_and_down_again() {
    let Some(server) = postgres() else { return };
    let scene = alembic(&server);
    let path = revision(&scene, "one", None, ADDS);
    let (code, value) = propose(&scene, &[&path], &[]);
    assert_eq!((code, &value["name"]), (Some(75), &json!("migration-1")), "{value}");
    assert_eq!(
        operations(&value),
        [
            "additive: creates table alembic_version",
            "additive: adds column orders.size",
            "additive: inserts into alembic_version"
        ],
        "{value}"
    );
    assert_eq!((&value["class"], &value["target"]), (&json!("additive"), &json!("one")));
    assert_eq!(value["trial"]["revisions"], json!(["one"]));
    scene.clean();
    assert_eq!(scene.tables(), "orders");
    scene.approve("migration-1");
    let (run, value) = scene.told(&["run", "migration-1"]);
    assert_eq!((run.code, &value["done"]), (Some(0), &json!(true)), "{value}");
    assert_eq!(scene.database.psql("SELECT size FROM orders; SELECT version_num FROM alembic_version"), "\none");

    let (code, value) = propose(&scene, &[&path], &["--down"]);
    assert_eq!((code, &value["target"], &value["class"]), (Some(75), &json!("base"), &json!("destructive")), "{value}");
    assert_eq!(operations(&value), ["destructive: drops column orders.size", "additive: notes the revision"]);
    scene.approve("migration-2");
    let (run, value) = scene.told(&["run", "migration-2"]);
    assert_eq!((run.code, &value["done"]), (Some(0), &json!(true)), "{value}");
    assert_eq!(scene.database.psql("SELECT count(*) FROM alembic_version"), "0");
    let verified = scene.home.guard(&["audit", "verify"]);
    assert_eq!(verified.code, Some(0), "{}{}", verified.stdout, verified.stderr);
}

// Source: DATABASE.md, Migrations: `upgrade --sql` executes the modules and hides what runs online only.
#[test]
fn what_is_hidden_offline_and_what_runs_as_the_file_is_read_is_shown() {
    let Some(server) = postgres() else { return };
    let scene = alembic(&server);
    let hidden = "from alembic import context\n\n\ndef upgrade() -> None:\n    if not context.is_offline_mode():\n        \
        op.execute(\"DROP TABLE orders\")\n";
    let path = revision(&scene, "hide", None, hidden);
    let (_, value) = propose(&scene, &[&path], &[]);
    assert!(operations(&value).contains(&"destructive: drops table orders".to_owned()), "{value}");
    let whys: Vec<&str> =
        value["passages"].as_array().unwrap().iter().map(|one| one["why"].as_str().unwrap()).collect();
    assert!(whys.iter().any(|why| why.contains("where SQL is only printed")), "{whys:?}");
    assert_eq!(scene.tables(), "orders");

    let module = "import os\nfrom sqlalchemy import create_engine, text\nwith create_engine(os.environ[\"DATABASE_URL\"]).begin() as c:\n    \
        c.execute(text(\"DROP TABLE orders\"))\n\n\ndef upgrade() -> None:\n    pass\n";
    std::fs::remove_file(scene.home.project.join(&path)).unwrap();
    let path = revision(&scene, "read", None, module);
    let (_, value) = propose(&scene, &[&path], &[]);
    assert!(operations(&value).contains(&"destructive: drops table orders".to_owned()), "{value}");
    assert!(value["passages"].to_string().contains("outside of `upgrade` and `downgrade`"), "{value}");
    assert_eq!(scene.tables(), "orders", "the file was read in the fence, and reached nothing but the copy");
}

#[test]
fn what_was_not_shown_does_not_reach_the_database() {
    let Some(server) = postgres() else { return };
    let scene = alembic(&server);
    // On the copy there are no rows.
    let path = revision(
        &scene,
        "rows",
        None,
        "def upgrade() -> None:\n    op.add_column(\"orders\", sa.Column(\"size\", sa.Integer()))\n    \
        if op.get_bind().execute(sa.text(\"SELECT count(*) FROM orders\")).scalar():\n        op.execute(\"DROP TABLE orders\")\n",
    );
    let (code, value) = propose(&scene, &[&path], &[]);
    assert_eq!(code, Some(75), "{value}");
    assert!(!operations(&value).iter().any(|one| one.contains("drops")), "{value}");
    scene.approve("migration-1");
    let (run, value) = scene.told(&["run", "migration-1"]);
    assert_eq!((run.code, &value["partly"]), (Some(1), &json!(false)), "{value}");
    assert!(stopped(&value).contains("it sends what was not shown: `DROP TABLE orders`"), "{value}");
    assert_eq!((scene.tables().as_str(), scene.database.psql("SELECT * FROM orders").as_str()), ("orders", "1|a"));
    assert_eq!(value["halted"], "resume-1", "a failure of the database spends its budget");
}

#[test]
fn a_statement_that_was_approved_is_not_left_out() {
    let Some(server) = postgres() else { return };
    let scene = alembic(&server);
    let path = revision(
        &scene,
        "less",
        None,
        "def upgrade() -> None:\n    op.add_column(\"orders\", sa.Column(\"size\", sa.Integer()))\n    \
        if not op.get_bind().execute(sa.text(\"SELECT count(*) FROM orders\")).scalar():\n        op.execute(\"UPDATE orders SET note = 'b' WHERE id = 1\")\n",
    );
    let (code, value) = propose(&scene, &[&path], &[]);
    assert_eq!(code, Some(75), "{value}");
    scene.approve("migration-1");
    let (run, value) = scene.told(&["run", "migration-1"]);
    assert_eq!((run.code, &value["partly"]), (Some(1), &json!(false)), "{value}");
    // What comes next is not what was to come: Alembic's own note of the revision is the last of all.
    assert!(stopped(&value).contains("it sends what was not shown: `INSERT INTO alembic_version"), "{value}");
    assert_eq!(scene.database.psql("SELECT * FROM orders"), "1|a");
}

#[test]
fn another_revision_on_the_way_has_to_be_named() {
    let Some(server) = postgres() else { return };
    let scene = alembic(&server);
    let one = revision(&scene, "one", None, ADDS);
    let two = revision(&scene, "two", Some("one"), "def upgrade() -> None:\n    pass\n");
    let (code, value) = propose(&scene, &[&two], &[]);
    assert_eq!(code, Some(125));
    assert_eq!(stopped(&value), "the current revision is none, so that `one` (`one.py`) would be run as well");
    let (code, value) = propose(&scene, &[&one, &two], &[]);
    assert_eq!((code, &value["target"]), (Some(75), &json!("two")), "{value}");
    // A file that nobody proposed is bound as well: Alembic reads it.
    revision(&scene, "three", None, "def upgrade() -> None:\n    pass\n");
    scene.home.write("alembic/env.py", &format!("{ENV}\n# other\n"));
    scene.approve("migration-1");
    let (run, value) = scene.told(&["run", "migration-1"]);
    assert_eq!(
        (run.code, stopped(&value)),
        (Some(126), "`migration-1` is not run: `alembic/env.py` has changed since it was proposed")
    );
}
