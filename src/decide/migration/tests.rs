//! Classes of statements, by the bypasses of DATABASE.md first.

use super::*;
use crate::action::migration::steps;
use crate::action::query::Engine;

fn classes(engine: Engine, text: &str) -> Vec<(Class, String)> {
    let steps = steps(engine, text);
    classify_steps(&steps).into_iter().flatten().map(|found| (found.class, found.what)).collect()
}

fn class(text: &str) -> Class {
    classes(Engine::Postgres, text).into_iter().map(|(class, _)| class).max().unwrap()
}

// Source: what squawk's linter misses by default (DATABASE.md, Migrations), and the owner's SKILL 3.
#[test]
fn what_takes_away_is_destructive_in_every_spelling() {
    for text in [
        "-- squawk-ignore-file\nDROP TABLE orders",
        "drop /* x */ table if exists orders cascade",
        "DROP SCHEMA a CASCADE",
        "DROP OWNED BY app",
        "DROP INDEX CONCURRENTLY i",
        "DROP MATERIALIZED VIEW m",
        "TRUNCATE orders",
        "TRUNCATE TABLE ONLY orders, fills RESTART IDENTITY CASCADE",
        "DELETE FROM orders",
        "DELETE FROM orders WHERE true",
        "UPDATE orders SET a = 1",
        "UPDATE orders SET a = 1 WHERE true",
        "WITH x AS (DELETE FROM orders RETURNING *) SELECT * FROM x",
        "ALTER TABLE orders DROP COLUMN note",
        "ALTER TABLE orders DROP note",
        "ALTER TABLE orders ADD COLUMN a int, DROP COLUMN note",
        "ALTER TABLE IF EXISTS ONLY public.\"Orders\" DROP COLUMN IF EXISTS note",
        "ALTER TABLE orders ALTER note TYPE int",
        "ALTER TABLE orders ALTER COLUMN note SET DATA TYPE int USING note::int",
        "ALTER TABLE orders RENAME TO o",
        "ALTER TABLE orders RENAME note TO n",
        "ALTER TABLE orders SET SCHEMA old",
        "ALTER TABLE orders ADD COLUMN a int NOT NULL",
        "ALTER TABLE orders ALTER a SET NOT NULL",
        "ALTER TABLE orders DROP CONSTRAINT c",
        "ALTER TABLE orders DISABLE TRIGGER ALL",
        "ALTER TABLE orders DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE orders OWNER TO eve",
        "ALTER TYPE t RENAME VALUE 'a' TO 'b'",
        "ALTER SEQUENCE s RESTART",
        "ALTER ROLE app PASSWORD 'x'",
        "ALTER SYSTEM SET fsync = off",
        "DO $$ BEGIN EXECUTE 'DROP TABLE orders'; END $$",
        "CALL clean()",
        "SELECT drop_all()",
        "SELECT evil.count(1)",
        "SELECT has_nothing_to_say()",
        "SELECT pg_get_rid_of(1)",
        "SELECT (ROW(1)::orders).drop_all",
        "SELECT pg_catalog.pg_terminate_backend(1)",
        "CREATE OR REPLACE VIEW v AS SELECT 1",
        "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE TRIGGER t BEFORE INSERT ON orders EXECUTE FUNCTION f()",
        "CREATE EXTENSION dblink",
        "GRANT ALL ON orders TO PUBLIC",
        "COPY orders FROM PROGRAM 'id'",
        "COMMIT",
        "BEGIN; DROP TABLE a; COMMIT",
        "SET ROLE eve",
        "LOCK TABLE orders",
        "VACUUM FULL orders",
        "no sql at all",
        "SELECT 'unended",
        "\\! id",
        "UPDATE orders SET a = 1 WHERE 1 = 1",
        "UPDATE orders SET a = 1 WHERE (2 > 1) AND 'a'::text = 'a'",
        // Whoever is called may do anything, wherever the call stands.
        "INSERT INTO notes VALUES (wipe())",
        "INSERT INTO notes SELECT query_to_xml_and_xmlschema('SELECT 1', true, true, '')",
        "INSERT INTO notes VALUES (1) ON CONFLICT DO NOTHING RETURNING evil.lower('a')",
        "UPDATE orders SET a = wipe() WHERE b = 1",
        "DELETE FROM alembic_version WHERE wipe()",
        "CREATE TABLE t (a int DEFAULT wipe())",
        "CREATE TABLE t (a int DEFAULT evil.now())",
        "CREATE TABLE t (a int CHECK (\"wipe\"(a)))",
        "CREATE TABLE t AS SELECT wipe()",
        "CREATE MATERIALIZED VIEW m AS SELECT wipe() WITH NO DATA",
        "CREATE VIEW v AS SELECT wipe() AS a",
        "CREATE VIEW v AS SELECT (o).wipe FROM orders o",
        "CREATE DOMAIN d AS int DEFAULT wipe()",
        "CREATE INDEX i ON orders (wipe(a))",
        "CREATE INDEX i ON orders (((a).wipe))",
        "ALTER TABLE orders ADD COLUMN a int DEFAULT 1 + wipe()",
        "ALTER TABLE orders ALTER a SET DEFAULT wipe()",
        "ALTER TABLE orders ADD CONSTRAINT c CHECK (wipe(a))",
        "SELECT 1 OPERATOR(evil.+) 2",
        "CREATE SCHEMA s GRANT ALL ON orders TO PUBLIC",
        "CREATE SCHEMA s AUTHORIZATION eve",
        "CREATE TYPE t (INPUT = a, OUTPUT = b)",
        "PREPARE TRANSACTION 'x'",
        "ROLLBACK PREPARED 'x'",
        // What was there already, or is another by then, is not new.
        "CREATE TABLE IF NOT EXISTS orders (id int); ALTER TABLE orders ALTER a SET NOT NULL",
        "CREATE TEMP TABLE orders (id int); ALTER TABLE orders ADD b int NOT NULL",
        "CREATE TABLE orders (id int); SET search_path = shop; ALTER TABLE orders ALTER a SET NOT NULL",
    ] {
        assert!(class(text) >= Class::Destructive, "{text}: {:?}", classes(Engine::Postgres, text));
    }
}

#[test]
fn what_only_adds_is_additive() {
    for text in [
        "CREATE TABLE a (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, b int NOT NULL CHECK (b > 0))",
        "CREATE TABLE IF NOT EXISTS a (id int REFERENCES b (id))",
        "CREATE TABLE a (id int); CREATE INDEX a_id ON a (id); ALTER TABLE a ADD CONSTRAINT k UNIQUE (id)",
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON orders (a)",
        "CREATE VIEW v AS SELECT id FROM orders",
        "CREATE TYPE mood AS ENUM ('a')",
        "CREATE SEQUENCE s",
        "CREATE SCHEMA s",
        "ALTER TABLE orders ADD COLUMN a int",
        "ALTER TABLE orders ADD a text DEFAULT 'x' NOT NULL",
        "ALTER TABLE orders ADD COLUMN a numeric(10, 2) DEFAULT -1",
        "ALTER TABLE orders ADD COLUMN a timestamptz DEFAULT now() NOT NULL",
        "ALTER TABLE orders ADD COLUMN a jsonb DEFAULT '{}'::jsonb",
        "ALTER TYPE mood ADD VALUE 'b'",
        "COMMENT ON TABLE orders IS 'x'",
        "INSERT INTO kinds (name) VALUES ('a')",
        "SELECT count(*) FROM orders",
        "CREATE TABLE a (at timestamptz DEFAULT now(), k bigint DEFAULT nextval('s'::regclass), u uuid DEFAULT gen_random_uuid(), \
         n numeric(10, 2), v vector(3), t character varying(20) CHECK (length(t) < 5), e int GENERATED ALWAYS AS (k * 2) STORED, \
         EXCLUDE USING gist (n WITH =), FOREIGN KEY (k) REFERENCES public.c (id), UNIQUE NULLS NOT DISTINCT (n))",
        "CREATE UNIQUE INDEX CONCURRENTLY i ON ONLY shop.orders USING btree (lower(a)) INCLUDE (b) WITH (fillfactor = 70) WHERE a IN ('x')",
        "CREATE VIEW v (a, b) AS SELECT id, count(*) FROM orders GROUP BY id",
        "CREATE MATERIALIZED VIEW m AS SELECT date_trunc('day', at) AS d FROM orders WITH NO DATA",
        "CREATE DOMAIN d AS text CHECK (length(VALUE) < 9)",
        "INSERT INTO kinds (id, name, at) VALUES (nextval('s'), upper('a'), now()) ON CONFLICT (name) DO NOTHING",
    ] {
        assert_eq!(class(text), Class::Additive, "{text}: {:?}", classes(Engine::Postgres, text));
    }
}

#[test]
fn what_keeps_others_waiting_or_writes_rows_anew_is_between() {
    let table = [
        ("CREATE INDEX i ON orders (a)", Class::Locking),
        ("ALTER TABLE orders ADD CONSTRAINT c CHECK (a > 0)", Class::Locking),
        ("ALTER TABLE orders ADD FOREIGN KEY (a) REFERENCES b NOT VALID", Class::Locking),
        ("ALTER TABLE orders VALIDATE CONSTRAINT c", Class::Locking),
        ("ALTER TABLE orders ALTER a SET DEFAULT 1", Class::Locking),
        ("ALTER TABLE orders ADD COLUMN a int REFERENCES b", Class::Locking),
        ("ALTER TABLE orders ADD COLUMN a uuid DEFAULT gen_random_uuid()", Class::Rewriting),
        ("ALTER TABLE orders ADD COLUMN a float8 DEFAULT 1 + random()", Class::Rewriting),
        ("CREATE TABLE public (id int); CREATE INDEX i ON public.orders (a)", Class::Locking),
        ("ALTER TABLE orders ADD COLUMN a bigserial", Class::Rewriting),
        ("UPDATE orders SET a = 1 WHERE b = 2", Class::Rewriting),
    ];
    for (text, expected) in table {
        assert_eq!(class(text), expected, "{text}: {:?}", classes(Engine::Postgres, text));
    }
}

#[test]
fn an_operation_names_what_it_is_done_to() {
    let told = |text: &str| classes(Engine::Postgres, text).into_iter().map(|(_, what)| what).collect::<Vec<_>>();
    assert_eq!(
        told("ALTER TABLE shop.orders DROP COLUMN note, ADD COLUMN b int; DROP TABLE IF EXISTS fills"),
        ["drops column shop.orders.note", "adds column shop.orders.b", "drops table fills"]
    );
    assert_eq!(told("CREATE INDEX ON orders (a)"), ["creates an index on orders"]);
}

#[test]
fn other_engines_are_read_by_their_own_rules() {
    let of = |engine, text: &str| classes(engine, text).into_iter().map(|(class, _)| class).max().unwrap();
    for (text, expected) in [
        ("CREATE TABLE a (b)", Class::Additive),
        ("ALTER TABLE a ADD COLUMN c TEXT", Class::Additive),
        ("DROP TABLE a", Class::Destructive),
        ("ATTACH 'x' AS y", Class::Destructive),
        ("PRAGMA writable_schema = 1", Class::Destructive),
        ("CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; END", Class::Unread),
        ("REPLACE INTO a VALUES (1)", Class::Destructive),
    ] {
        assert_eq!(of(Engine::Sqlite, text), expected, "{text}: {:?}", classes(Engine::Sqlite, text));
    }
}
