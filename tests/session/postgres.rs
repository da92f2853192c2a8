//! PostgreSQL: values, catalog, posture, identity.

use super::{ALL, Kept, open, ran, rows};
use crate::servers::{postgres, unique};
use guard::action::query::Engine;
use guard::action::query::catalog::{Named, RelationKind, Volatility, Wanted};
use guard::execute::query::{Caps, Cause, Done, Truncated};

fn read(url: &str, sql: &str) -> Vec<String> {
    rows(Engine::Postgres, url, sql).unwrap()
}

#[test]
fn values_are_what_they_are_in_json() {
    let Some(server) = postgres() else { return };
    let database = server.database("CREATE TYPE mood AS ENUM ('fine', 'so so'); CREATE DOMAIN price AS numeric(40,20)");
    for (sql, json) in [
        ("9007199254740993, (-32768)::int2, 4294967295::oid", "9007199254740993 -32768 4294967295"),
        ("12345678901234567890.12345678901234567890::price", "12345678901234567890.12345678901234567890"),
        ("'NaN'::numeric, '-Infinity'::float8, 0.1::float4, 1e300::float8", "\"NaN\" \"-Infinity\" 0.1 1e+300"),
        ("true, NULL::bool, 'a\"\n'::text", r#"true null "a\"\n""#),
        ("'2026-11-22 07:11:46.5'::timestamp, '2026-11-22'::date", "\"2026-11-22T07:11:46.5\" \"2026-11-22\""),
        ("timestamptz '2026-11-22 07:11:46+00' AT TIME ZONE 'UTC'", "\"2026-11-22T07:11:46\""),
        ("to_timestamp(0) = '1970-01-01T00:00:00+00:00'", "true"),
        (r"'\x00ff'::bytea, '1 day 2 hours'::interval", r#""\\x00ff" "1 day 02:00:00""#),
        (
            "ARRAY[1,NULL,3], '{{1,2},{3,4}}'::int[], ARRAY['a,\"b', 'NULL', NULL]",
            r#"[1,null,3] [[1,2],[3,4]] ["a,\"b","NULL",null]"#,
        ),
        ("ARRAY[box '(1,1),(0,0)', box '(2,2),(1,1)']", r#"["(1,1),(0,0)","(2,2),(1,1)"]"#),
        (
            "'{\"a\": [1.10]}'::json, '{\"a\":[1.10]}'::jsonb, ARRAY['{\"b\":1}'::jsonb]",
            r#"{"a": [1.10]} {"a": [1.10]} [{"b": 1}]"#,
        ),
        (
            "'so so'::mood, ARRAY['so so','fine']::mood[], ARRAY[1.5]::price[]",
            r#""so so" ["so so","fine"] [1.50000000000000000000]"#,
        ),
        ("ROW(1,'a b'), int4range(1,5), '10.0.0.1/8'::inet", r#""(1,\"a b\")" "[1,5)" "10.0.0.1/8""#),
    ] {
        let sql = format!("SELECT {sql}");
        assert_eq!(rows(Engine::Postgres, &database.local("owner"), &sql), Ok(vec![json.to_owned()]), "{sql}");
    }
    let (kept, _) =
        ran(Engine::Postgres, &database.url("bare"), "SELECT 1 AS a, 'fine'::mood AS a, ARRAY[1] AS \"B c\"", &ALL)
            .unwrap();
    let columns: Vec<_> = kept.columns.iter().map(|column| (column.name.as_str(), column.type_name.as_str())).collect();
    assert_eq!(columns, [("a", "integer"), ("a", "public.mood"), ("B c", "integer[]")]);
    // A zone is the session's.
    let moment = &read(&database.url("bare"), "SELECT timestamptz '2026-11-22 07:11:46.123456+02'")[0];
    assert!(moment == "\"2026-11-22T05:11:46.123456+00:00\"" || moment.contains("2026-11-2"), "{moment}");
}

#[test]
fn a_result_ends_at_its_caps_and_says_so() {
    let Some(server) = postgres() else { return };
    let database = server.database("");
    for (caps, sql, expected) in [
        (ALL, "SELECT 1 WHERE false", Done { rows: 0, bytes: 0, truncated: None, changed: None }),
        (
            Caps { rows: 3, ..ALL },
            "SELECT 'ab' FROM generate_series(1, 3)",
            Done { rows: 3, bytes: 6, truncated: None, changed: None },
        ),
        (
            Caps { rows: 3, ..ALL },
            "SELECT 'ab' FROM generate_series(1, 4)",
            Done { rows: 3, bytes: 6, truncated: Some(Truncated::Rows), changed: None },
        ),
        (
            Caps { bytes: 6, ..ALL },
            "SELECT 'ab' FROM generate_series(1, 3)",
            Done { rows: 3, bytes: 6, truncated: None, changed: None },
        ),
        (
            Caps { bytes: 5, ..ALL },
            "SELECT 'ab' FROM generate_series(1, 3)",
            Done { rows: 2, bytes: 4, truncated: Some(Truncated::Bytes), changed: None },
        ),
        (
            Caps { rows: 0, ..ALL },
            "SELECT 'ab' FROM generate_series(1, 3000000)",
            Done { rows: 0, bytes: 0, truncated: Some(Truncated::Rows), changed: None },
        ),
        (
            Caps { rows: 2, ..ALL },
            // The server sends nothing before it has eight kilobytes.
            "SELECT repeat('ab', 5000), pg_sleep(0.01) FROM generate_series(1, 3000000) AS i",
            Done { rows: 2, bytes: 20000, truncated: Some(Truncated::Rows), changed: None },
        ),
    ] {
        let begun = std::time::Instant::now();
        let (kept, done) = ran(Engine::Postgres, &database.url("bare"), sql, &caps).unwrap();
        assert_eq!((kept.rows.len() as u64, kept.columns.is_empty(), done), (expected.rows, false, expected), "{sql}");
        assert!(begun.elapsed().as_secs() < 5, "{sql}: {:?}", begun.elapsed());
    }
    // What is no longer wanted does not go on in the server.
    let busy = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%generate_series(1, 3000000)%' \
        AND application_name = 'guard'";
    for _ in 0..50 {
        if server.psql("postgres", busy) == "0" {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("a statement goes on: {}", server.psql("postgres", "SELECT query, state FROM pg_stat_activity"));
}

#[test]
fn aggregates_over_much_still_run_in_parallel() {
    let Some(server) = postgres() else { return };
    let database = server.database(
        "CREATE TABLE t AS SELECT i FROM generate_series(1, 200000) i; ANALYZE t; GRANT SELECT ON t TO bare; \
         CREATE FUNCTION here() RETURNS int LANGUAGE plpgsql PARALLEL SAFE AS 'BEGIN RETURN pg_backend_pid(); END'",
    );
    for setting in ["parallel_setup_cost = 0", "parallel_tuple_cost = 0", "min_parallel_table_scan_size = 0"] {
        server.psql("postgres", &format!("ALTER DATABASE {} SET {setting}", database.name));
    }
    assert_eq!(read(&database.local("bare"), "SELECT max(here()) <> min(here()) FROM t"), ["true"]);
}

#[test]
fn the_catalog_tells_what_a_name_is() {
    let Some(server) = postgres() else { return };
    let database = server.database(
        "CREATE SCHEMA app; CREATE TABLE orders (id bigint PRIMARY KEY, \"Total\" numeric(10,2) NOT NULL DEFAULT 1.5, \
         gone int, CHECK (lower('a') = 'a')); ALTER TABLE orders DROP gone; \
         CREATE TABLE items (order_id bigint REFERENCES orders ON DELETE CASCADE); \
         CREATE TABLE app.notes (order_id bigint REFERENCES orders ON UPDATE SET NULL, other bigint REFERENCES orders); \
         CREATE VIEW spy AS SELECT id, random() FROM orders; CREATE MATERIALIZED VIEW stale AS SELECT 1 AS one; \
         CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; \
         CREATE TRIGGER touched BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION touch(); \
         CREATE RULE ruled AS ON DELETE TO orders DO INSTEAD NOTHING; \
         ALTER TABLE orders ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON orders USING (random() < 2); \
         CREATE TABLE days (day date) PARTITION BY RANGE (day); CREATE TABLE day_one PARTITION OF days FOR VALUES FROM \
         ('2026-01-01') TO ('2026-01-02'); CREATE SEQUENCE counter; CREATE FUNCTION lower(varchar) RETURNS text LANGUAGE sql \
         SECURITY DEFINER VOLATILE AS 'SELECT ''evil'''; CREATE FUNCTION app.lower(int, VARIADIC text[]) RETURNS text LANGUAGE sql \
         STABLE AS 'SELECT ''x'''; CREATE FUNCTION eq(int, text) RETURNS bool LANGUAGE sql AS 'SELECT true'; \
         CREATE OPERATOR = (LEFTARG = int, RIGHTARG = text, FUNCTION = eq); CREATE TYPE pair AS (a int, b text); \
         CREATE FUNCTION pair(text) RETURNS pair LANGUAGE sql AS 'SELECT ROW(1, $1)::pair'; \
         CREATE CAST (text AS pair) WITH FUNCTION pair(text) AS IMPLICIT; \
         CREATE DOMAIN small AS int CHECK (VALUE < 10); CREATE DOMAIN smaller AS small CHECK (lower('b') = 'evil'); \
         REVOKE EXECUTE ON FUNCTION app.lower FROM PUBLIC",
    );
    let mut session = open(Engine::Postgres, &database.local("bare")).unwrap();
    let bare = |names: &[&str]| names.iter().map(|name| Named::bare(*name)).collect();
    let mut wanted = Wanted {
        relations: bare(&[
            "orders", "spy", "stale", "days", "day_one", "counter", "nothing", "pg_class", "notes", "x\0", "ORDERS",
        ]),
        functions: bare(&["lower", "nextval", "sum", "'; DROP TABLE orders; --"]),
        operators: bare(&["=", "+"]),
        types: bare(&["pair", "smaller", "int4"]),
    };
    wanted.relations.insert(Named::within("app", "notes"));
    wanted.functions.insert(Named::within("app", "lower"));
    let catalog = session.catalog(&wanted).unwrap();
    session.close();
    assert_eq!(catalog.path, ["pg_catalog", "public"]);
    let mut found: Vec<_> = catalog
        .relations
        .iter()
        .map(|(named, found)| format!("{named} {}.{} {}", found.schema, found.name, found.built_in))
        .collect();
    found.sort();
    assert_eq!(
        found,
        [
            "app.notes app.notes false",
            "counter public.counter false",
            "day_one public.day_one false",
            "days public.days false",
            "orders public.orders false",
            "pg_class pg_catalog.pg_class true",
            "spy public.spy false",
            "stale public.stale false",
        ]
    );
    let relation = |name: &str| &catalog.relations[&Named::bare(name)];
    let orders = relation("orders");
    let columns: Vec<_> =
        orders.columns.iter().map(|c| (c.name.as_str(), c.type_name.as_str(), c.nullable, c.key)).collect();
    assert_eq!(columns, [("id", "bigint", false, true), ("Total", "numeric(10,2)", false, false)]);
    assert_eq!(orders.kind, RelationKind::Table);
    assert_eq!((&orders.triggers[..], &orders.rules[..]), (&["touched".to_owned()][..], &["ruled".to_owned()][..]));
    assert_eq!(orders.cascades, [Named::within("public", "items"), Named::within("app", "notes")]);
    assert_eq!(orders.policies, ["(random() < (2)::double precision)"]);
    assert_eq!(orders.expressions, ["1.5", "CHECK ((lower('a'::text) = 'a'::text))"]);
    let view = " SELECT orders.id,\n    random() AS random\n   FROM public.orders;";
    assert_eq!(relation("spy").kind, RelationKind::View { definition: view.to_owned() });
    assert!(matches!(&relation("stale").kind, RelationKind::Materialized { definition } if definition.contains("one")));
    assert_eq!(
        (&relation("days").kind, &relation("counter").kind),
        (&RelationKind::Partitioned, &RelationKind::Sequence)
    );
    let below: Vec<_> =
        relation("days").children.iter().map(|child| (child.named.to_string(), child.foreign)).collect();
    assert_eq!(below, [("public.day_one".to_owned(), false)]);
    assert_eq!(relation("day_one").parents, [Named::within("public", "days")]);

    let function = |named: Named| {
        let shown = |f: &guard::action::query::catalog::Function| {
            let (arguments, flags) =
                (f.arguments.join(","), [f.variadic, f.definer, f.built_in, f.on_path, f.executable]);
            format!("{}.{}({arguments}) {:?} {flags:?}", f.schema, f.name, f.volatility)
        };
        catalog.functions[&named].iter().map(shown).collect::<Vec<_>>()
    };
    let mut lower = function(Named::bare("lower"));
    lower.sort();
    assert_eq!(
        lower,
        [
            "app.lower(integer,text[]) Stable [true, false, false, false, false]",
            "pg_catalog.lower(anymultirange) Immutable [false, false, true, true, true]",
            "pg_catalog.lower(anyrange) Immutable [false, false, true, true, true]",
            "pg_catalog.lower(text) Immutable [false, false, true, true, true]",
            "public.lower(character varying) Volatile [false, true, false, true, true]",
        ]
    );
    assert_eq!(function(Named::within("app", "lower")).len(), 1);
    assert_eq!(catalog.functions[&Named::bare("nextval")][0].volatility, Volatility::Volatile);
    assert_eq!(catalog.functions.len(), 4);
    let own: Vec<_> = catalog.operators[&Named::bare("=")].iter().filter(|operator| !operator.built_in).collect();
    let [own] = own.as_slice() else { panic!("{own:?}") };
    assert_eq!((own.left.as_deref(), own.right.as_deref()), (Some("integer"), Some("text")));
    assert_eq!(own.function.to_string(), "public.eq");
    assert!(catalog.operators[&Named::bare("+")].iter().all(|operator| operator.built_in && operator.on_path));
    let casts: Vec<_> = catalog
        .casts
        .iter()
        .map(|c| (c.from.as_str(), c.to.as_str(), c.function.as_ref().map(ToString::to_string)))
        .collect();
    assert_eq!(casts, [("text", "public.pair", Some("public.pair".to_owned()))]);
    let kind = |name: &str| {
        let found = &catalog.types[&Named::bare(name)][0];
        format!("{:?} {}", found.kind, found.built_in)
    };
    assert_eq!(kind("pair"), "Composite false");
    assert_eq!(kind("int4"), "Base true");
    assert!(kind("smaller").contains("VALUE < 10") && kind("smaller").contains("lower"), "{}", kind("smaller"));
}

#[test]
fn somebody_s_operators_are_not_asked_when_guard_asks() {
    let Some(server) = postgres() else { return };
    let role = unique("misled");
    let database = server.database(&format!(
        "CREATE TABLE orders (id int); CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO PUBLIC; \
         CREATE FUNCTION evil.eq(name, text) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''asked''; END'; \
         CREATE OPERATOR evil.= (LEFTARG = name, RIGHTARG = text, FUNCTION = evil.eq); \
         CREATE FUNCTION evil.concat(VARIADIC \"any\") RETURNS text LANGUAGE internal AS 'text_concat'; \
         CREATE FUNCTION evil.set_config(text, text, bool) RETURNS text LANGUAGE plpgsql AS \
         'BEGIN RAISE EXCEPTION ''set''; END'; \
         CREATE USER {role}; ALTER ROLE {role} SET search_path = evil, pg_catalog, public; \
         ALTER ROLE {role} SET standard_conforming_strings = off; ALTER ROLE {role} SET \"DateStyle\" = 'SQL, DMY'"
    ));
    // Bare: the operator of the first schema is taken.
    let bare = server.psql_as(&role, &database.name, "SELECT count(*) FROM pg_class WHERE relname = 'orders'::text");
    assert!(bare.as_ref().is_err_and(|error| error.contains("asked")), "{bare:?}");
    let mut session = open(Engine::Postgres, &database.local(&role)).unwrap();
    let wanted = Wanted { relations: [Named::bare("orders")].into(), ..Wanted::default() };
    let catalog = session.catalog(&wanted).unwrap();
    assert_eq!(
        (catalog.path, catalog.relations.len()),
        (["pg_catalog", "evil", "public"].map(str::to_owned).into(), 1)
    );
    session.posture().unwrap();
    session.identity().unwrap();
    // The agent's statement sees the catalog's own names first, and strings and dates as ever.
    let sql =
        r"SELECT relname = 'orders'::text, 'a\\'::text, date '2026-02-03' FROM pg_class WHERE relname = 'orders'::text";
    session.prepare(sql).unwrap();
    let mut kept = Kept::default();
    session.run(&ALL, &mut kept).unwrap();
    session.close();
    assert_eq!(kept.rows, [r#"true "a\\\\" "2026-02-03""#]);
    server.psql(&database.name, &format!("DROP ROLE {role}"));
}

#[test]
fn posture_says_what_the_user_could_do() {
    let Some(server) = postgres() else { return };
    let [may, group, role] = ["may", "team", "made"].map(unique);
    let database = server.database(&format!(
        "CREATE TABLE seen (a int); CREATE TABLE own (a int); CREATE TABLE by_column (a int); CREATE SEQUENCE s; \
         CREATE SCHEMA app; CREATE USER {may}; CREATE ROLE {group} NOLOGIN CREATEDB; GRANT {group} TO {may}; \
         ALTER ROLE {may} NOINHERIT; GRANT SELECT ON seen TO {may}; GRANT UPDATE (a) ON by_column TO PUBLIC; \
         ALTER TABLE own OWNER TO {group}; GRANT CREATE ON SCHEMA app TO {group}; \
         CREATE ROLE {role} CREATEROLE REPLICATION BYPASSRLS LOGIN; \
         GRANT pg_read_server_files, pg_write_all_data TO {role}"
    ));
    let posture = |user: &str| open(Engine::Postgres, &database.local(user)).unwrap().posture().unwrap();
    let one = posture(&may);
    assert_eq!(
        (one.user.as_str(), one.superuser, one.creates_databases, one.creates_roles),
        (may.as_str(), false, true, false)
    );
    let writes: Vec<_> = one.writes.iter().map(ToString::to_string).collect();
    assert_eq!((writes, one.writes_in_all), (["public.by_column", "public.own"].map(str::to_owned).into(), 2));
    assert_eq!((one.creates_in, one.reaching_roles.is_empty()), (vec!["app".to_owned()], true));
    let other = posture(&role);
    assert_eq!(
        (other.superuser, other.creates_roles, other.replication, other.bypasses_row_security),
        (false, true, true, true)
    );
    assert_eq!((other.reaching_roles, other.writes_in_all), (vec!["pg_read_server_files".to_owned()], 4));
    let owner = posture("owner");
    assert_eq!((owner.superuser, owner.writes_in_all), (true, 4));
    server.psql(&database.name, &format!("DROP OWNED BY {may}, {group}, {role}; DROP ROLE {may}, {group}, {role}"));
}

#[test]
fn a_database_is_the_same_however_it_is_called() {
    let Some(server) = postgres() else { return };
    let (one, two) = (server.database(""), server.database(""));
    let identity = |url: &str| open(Engine::Postgres, url).unwrap().identity().unwrap();
    let first = identity(&one.url("bare"));
    let named = |host: &str| one.url("bare").replace("127.0.0.1", host);
    for url in [one.local("bare"), one.url("owner"), named("localhost")] {
        let other = identity(&url);
        assert_eq!((&other.stable, &other.running), (&first.stable, &first.running), "{url}");
    }
    let second = identity(&two.url("bare"));
    assert!(second.stable != first.stable && second.running != first.running, "{first:?} {second:?}");
    assert_eq!(first.shown, format!("{} at 127.0.0.1:{}", one.name, server.port));
}

#[test]
fn what_may_be_read_is_listed() {
    let Some(server) = postgres() else { return };
    let database = server.database(
        "CREATE TABLE b (a int, c int); CREATE VIEW a AS SELECT 1; CREATE TABLE hidden (x int); GRANT SELECT (a) ON b TO bare; \
         GRANT SELECT ON a TO bare; CREATE SCHEMA shut; CREATE TABLE shut.t (x int); GRANT SELECT ON shut.t TO bare",
    );
    let listed = open(Engine::Postgres, &database.local("bare")).unwrap().list().unwrap();
    let listed: Vec<_> = listed.iter().map(|one| format!("{}.{} {}", one.schema, one.name, one.kind)).collect();
    assert_eq!(listed, ["public.a view", "public.b table"]);
}

#[test]
fn a_login_is_proved_on_both_sides_or_encrypted() {
    let Some(server) = postgres() else { return };
    let url =
        |user: &str, host: &str, more: &str| format!("postgres://{user}:p%40ss@{host}:{}/postgres?{more}", server.port);
    let opened = |url: &str| open(Engine::Postgres, url).map(|_| ()).map_err(|failed| (failed.cause, failed.message));
    let authority = format!("sslrootcert={}", server.authority);
    for good in [
        url("bare", "localhost", ""),
        url("bare", "127.0.0.1", "sslmode=disable"),
        url("bare", "localhost", "sslmode=require"),
        url("encrypted", "localhost", ""),
        url("encrypted", "localhost", &format!("sslmode=verify-full&{authority}")),
        url("encrypted", "127.0.0.1", &format!("sslmode=verify-ca&{authority}")),
        url("encrypted", "127.0.0.1", &format!("sslmode=require&{authority}")),
        url("summed", "localhost", ""),
        url("unasked", "localhost", ""),
        // The password is said to nobody but a server that is proved to be the one.
        url("overheard", "localhost", &format!("sslmode=verify-full&{authority}")),
    ] {
        assert_eq!(opened(&good), Ok(()), "{good}");
    }
    let bare = url("bare", "localhost", "");
    for (bad, cause, words) in [
        (bare.replace("p%40ss", "no"), Cause::Auth, "password authentication failed for user \"bare\""),
        (url("nobody", "localhost", ""), Cause::Auth, "password authentication failed for user \"nobody\""),
        (url("encrypted", "localhost", "sslmode=disable"), Cause::Auth, "pg_hba.conf rejects connection"),
        (
            url("encrypted", "127.0.0.1", &format!("sslmode=verify-full&{authority}")),
            Cause::Auth,
            "certificate not valid for name",
        ),
        (url("encrypted", "localhost", "sslmode=verify-full"), Cause::Auth, "UnknownIssuer"),
        (
            url("encrypted", "localhost", "sslmode=verify-ca&sslrootcert=/dev/null"),
            Cause::Other,
            "no certificate of a trusted authority",
        ),
        (url("overheard", "localhost", ""), Cause::Auth, "it asks for the password in clear text"),
        (bare.replace("/postgres?", "/nothing?"), Cause::Other, "database \"nothing\" does not exist"),
        (bare.replace(":p%40ss", ""), Cause::Auth, "it asks for a password, and its URL has none"),
    ] {
        let (found, message) = opened(&bad).unwrap_err();
        assert!(found == cause && message.contains(words) && !message.contains("p@ss"), "{bad}: {found:?} {message}");
    }
}
