//! What PostgreSQL statements are read as, and what they use.

use super::{postgres, refused, uses};
use guard::action::query::{Engine, Kind, Place};

#[test]
fn the_owners_queries_are_read_as_reads() {
    let cases: [(&str, &[&str]); 4] = [
        ("SELECT * FROM orders WHERE status = 'pending' LIMIT 50", &["SELECT", "reads orders", "operators ="]),
        (
            "SELECT * FROM fills WHERE timestamp > NOW() - INTERVAL '1 hour'",
            &["SELECT", "reads fills", "calls now", "operators >, -", "types interval"],
        ),
        (
            "SELECT COUNT(*) FROM signals WHERE processed = false",
            &["SELECT", "reads signals", "calls count", "operators ="],
        ),
        ("SELECT * FROM positions WHERE closed_at IS NULL", &["SELECT", "reads positions", "operators is null"]),
    ];
    for (sql, told) in cases {
        let query = postgres(sql);
        assert_eq!(uses(&query), told, "{sql}");
        assert!(query.kind().reads_only());
    }
}

#[test]
fn statements_are_of_the_kind_they_are() {
    let reads = [
        ("select 1", "SELECT"),
        ("(select 1) union all select 2", "SELECT"),
        ("with a as (select 1) select * from a", "SELECT"),
        ("values (1), (2)", "VALUES"),
        ("table orders", "TABLE"),
        ("show server_version", "SHOW SERVER_VERSION"),
        ("show time zone", "SHOW TIME ZONE"),
        ("show all", "SHOW ALL"),
        ("explain select 1", "EXPLAIN SELECT"),
        ("explain verbose select 1", "EXPLAIN SELECT"),
        ("explain (analyze off, format json) select 1", "EXPLAIN SELECT"),
        ("explain analyze select 1", "EXPLAIN ANALYZE SELECT"),
        ("explain analyse select 1", "EXPLAIN ANALYZE SELECT"),
        ("explain (analyze 1) select 1", "EXPLAIN ANALYZE SELECT"),
        ("explain (\"analyze\") select 1", "EXPLAIN ANALYZE SELECT"),
        ("explain (verbose, analyze true) select 1", "EXPLAIN ANALYZE SELECT"),
    ];
    for (sql, told) in reads {
        let query = postgres(sql);
        assert_eq!(query.kind().to_string(), told, "{sql}");
        assert!(query.kind().reads_only(), "{sql}");
    }
    let others = [
        ("insert into t values (1)", "INSERT"),
        ("update t set a = 1", "UPDATE"),
        ("delete from t", "DELETE"),
        ("merge into t using s on t.a = s.a when matched then delete", "MERGE"),
        ("truncate t", "TRUNCATE"),
        ("select 1 into t", "SELECT INTO"),
        ("with x as (delete from t returning *) select * from x", "WITH … that writes"),
        ("select * from t for update", "SELECT … FOR UPDATE"),
        ("select * from (select * from t for share) s", "SELECT … FOR UPDATE"),
        ("create table t (a int)", "CREATE TABLE"),
        ("create unlogged table t as select 1", "CREATE TABLE"),
        ("create or replace view v as select 1", "CREATE VIEW"),
        ("create unique index on t (a)", "CREATE INDEX"),
        ("create materialized view v as select 1", "CREATE MATERIALIZED VIEW"),
        ("create extension plpython3u", "CREATE EXTENSION"),
        ("alter table t add column a int", "ALTER TABLE"),
        ("drop table if exists t cascade", "DROP TABLE"),
        ("explain analyze delete from t", "EXPLAIN ANALYZE DELETE"),
        ("explain insert into t values (1)", "EXPLAIN INSERT"),
        ("copy t to program 'id'", "COPY"),
        ("copy (select 1) to stdout", "COPY"),
        ("do $$ begin end $$", "DO"),
        ("call p()", "CALL"),
        ("set role postgres", "SET"),
        ("begin", "BEGIN"),
        ("prepare transaction 'a'", "PREPARE"),
        ("lock table t", "LOCK"),
        ("listen a", "LISTEN"),
        ("load 'a'", "LOAD"),
        ("vacuum", "VACUUM"),
        ("analyze", "ANALYZE"),
        ("checkpoint", "CHECKPOINT"),
        ("reindex table t", "REINDEX TABLE"),
        ("discard all", "DISCARD"),
        ("declare c cursor for select 1", "DECLARE"),
        ("fetch 1 from c", "FETCH"),
        ("execute p", "EXECUTE"),
    ];
    for (sql, told) in others {
        let query = postgres(sql);
        assert_eq!(query.kind().to_string(), told, "{sql}");
        assert!(!query.kind().reads_only(), "{sql}");
    }
    assert_eq!(*postgres("drop owned by a").kind(), Kind::Ddl { verb: "drop".into(), object: "owned".into() });
}

#[test]
fn definitions_are_relations_only_where_they_are_not_in_scope() {
    let cases: [(&str, &[&str]); 8] = [
        ("with a as (select * from fills) select * from a", &["SELECT", "reads fills"]),
        // Its own body does not see it, nor does a name with a schema.
        (
            "with orders as (select * from orders) select * from orders, public.orders",
            &["SELECT", "reads orders, public.orders"],
        ),
        ("with recursive a as (select 1 union all select * from a) select * from a", &["SELECT"]),
        // It ends with the query it belongs to.
        ("select * from (with a as (select 1) select * from a) x, a", &["SELECT", "reads a"]),
        ("with b as (select * from a), a as (select 1) select * from a, b", &["SELECT", "reads a"]),
        ("with recursive b as (select * from a), a as (select 1) select * from a, b", &["SELECT"]),
        // WITH before the first part of a union is WITH of the whole.
        ("with a as (select 1) select 1 union select * from a", &["SELECT"]),
        ("(with a as (select 1) select 1) union select * from a", &["SELECT", "reads a"]),
    ];
    for (sql, told) in cases {
        assert_eq!(uses(&postgres(sql)), told, "{sql}");
    }
    let write = postgres("with paper_x as (select 1) insert into paper_x select * from paper_x");
    assert_eq!(uses(&write), ["INSERT", "writes paper_x"]);
}

#[test]
fn names_are_folded_as_the_server_folds_them() {
    let query = postgres("SELECT Count(*), \"Lower\"(x) FROM Public.\"Orders\", ORDERS");
    assert_eq!(uses(&query), ["SELECT", "reads public.Orders, orders", "calls count, Lower"]);
    let query = postgres("select \"a\"\"b\".c from \"a\"\"b\"");
    assert_eq!(uses(&query), ["SELECT", "reads a\"b", "fields a\"b{a\"b.*}.c"]);
    let read = &query.reads()[0];
    assert_eq!(read.place, Place { line: 1, column: 22, offset: 21 });
}

#[test]
fn functions_with_a_syntax_of_their_own_are_told_from_calls_that_can_be_shadowed() {
    let query = postgres(
        "select extract(year from t), trim(both 'x' from y), substring(a from 1 for 2), substring(a, 1), coalesce(a, b),
         position('a' in b), overlay(a placing b from 1), current_user, now(), pg_catalog.now(), \"coalesce\"(1),
         current_timestamp(3), greatest(1, 2), ceil(x), left('a', 1) from t",
    );
    let calls = "calls extract*, trim*, substring*, substring, coalesce*, position*, overlay*, current_user*, now, \
                 pg_catalog.now, coalesce, current_timestamp*, greatest*, ceil, left";
    assert_eq!(uses(&query), ["SELECT", "reads t", calls]);
}

#[test]
fn functions_are_found_wherever_they_stand() {
    let query = postgres(
        "with a as (select f1()) select distinct on (f2()) f3(f4()) filter (where f5()) over (partition by f6() order by f7()),
         case f8() when f9() then f10() else f11() end, array[f12()], (f13(), f14()), x[f15()], (f16()).y, f17()::int,
         exists (select f18()), array(select f19()), f20(a => f21()), string_agg(x, ',' order by f22())
         from f23() g, lateral f24() h, f25(f26()) i, (values (f27())) j, t tablesample system (f28())
         join (select f29()) k on f30() where f31() group by rollup (f32()), f33() having f34()
         window w as (order by f35()) order by f36() limit f37() offset f38()",
    );
    let mut found: Vec<String> = query.calls().iter().map(|called| called.path.to_string()).collect();
    found.retain(|name| name.starts_with('f'));
    let mut expected: Vec<String> = (1..=38).map(|number| format!("f{number}")).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn operators_and_casts_are_all_told() {
    let query = postgres(
        "select a + b, -a, a || b, a ->> 'x', a operator(evil.+) b, a operator(pg_catalog.=) b, a is null, not a,
         a between 1 and 2, a not in (1, 2), a not like 'x' escape 'y', a ilike any (array['x']), a similar to 'x',
         a at time zone 'UTC', (1, 2) overlaps (3, 4), a is not distinct from b, a = any (array[1]), a != b, a collate \"C\"
         from t order by a using >",
    );
    let operators = "operators +, -, ||, ->>, evil.+, pg_catalog.=, is null, not, between, not in, not like, ilike, \
                     similar to, at time zone, overlaps, is not distinct from, =, <>, collate, >";
    assert_eq!(uses(&query), ["SELECT", "reads t", operators]);
    let query = postgres(
        "select a::int[], cast(a as double precision), date '2020-01-01', a::evil.kind, a::\"Odd\", a::numeric(10, 2),
         a::timestamp with time zone, interval '1 day', a::regclass, a::character varying(3) from t",
    );
    let types = "types int[], double precision, date, evil.kind, Odd, numeric, timestamp with time zone, interval, regclass, \
                 character varying";
    assert_eq!(uses(&query), ["SELECT", "reads t", types]);
}

/// PostgreSQL looks `=` up by the search path for these as well, so that one of another schema can stand in for it.
#[test]
fn equality_that_nobody_wrote_is_told() {
    for sql in [
        "select case a when 1 then 2 end from t",
        "select nullif(a, b) from t",
        "select 1 from t join u using (a)",
        "select 1 from t natural join u",
    ] {
        let operators: Vec<_> = postgres(sql).operators().iter().map(|operator| operator.symbol.clone()).collect();
        assert_eq!(operators, ["="], "{sql}");
    }
    assert_eq!(postgres("select case when a then 2 end from t cross join u").operators(), []);
}

#[test]
fn a_field_says_what_it_is_taken_from() {
    let cases: [(&str, &str); 12] = [
        ("select o.rowfn from orders o", "o{orders.*}.rowfn"),
        ("select orders.rowfn from orders", "orders{orders.*}.rowfn"),
        ("select public.orders.x from public.orders", "orders{public.orders.*}.x"),
        ("select o.x from (select a as x, b, count(*) from t) o", "o{x b count}.x"),
        ("select o.x from (select *, 1 as x from t) o", "o{x t.*}.x"),
        ("with o as (select a from t) select o.x from o", "o{a}.x"),
        ("select g.n from generate_series(1, 3) g(n)", "g{n …}.n"),
        ("select j.key from jsonb_each('{}') j", "j{jsonb_each()}.key"),
        ("select v.a from (values (1, 2)) v(a, b)", "v{a b}.a"),
        ("select v.column1 from (values (1, 2)) v", "v{column1 column2}.column1"),
        ("select o.x from orders o(y)", "o{y …}.x"),
        ("select nobody.x from orders", "?nobody.x.x"),
    ];
    for (sql, told) in cases {
        let lines = uses(&postgres(sql));
        assert_eq!(lines.last().unwrap(), &format!("fields {told}"), "{sql}");
    }
    // A subquery beside it does not see a source, one below it does, and the nearest of a name is meant.
    let query = postgres("select (select o.x from b o), o.y from a o");
    assert_eq!(uses(&query), ["SELECT", "reads b, a", "fields o{b.*}.x, o{a.*}.y"]);
    let query = postgres("select 1 from a o, (select o.x) p");
    assert_eq!(uses(&query), ["SELECT", "reads a", "fields ?o.x.x"]);
    let query = postgres("select 1 from a o, lateral (select o.x) p");
    assert_eq!(uses(&query), ["SELECT", "reads a", "fields o{a.*}.x"]);
    let query = postgres("select k.x, a.y from (a join b on a.i = b.i) k");
    let fields = "fields k{a.* b.*}.x, ?a.y.y, a{a.*}.i, b{b.*}.i";
    assert_eq!(uses(&query), ["SELECT", "reads a, b", "operators =", fields]);
}

#[test]
fn writes_are_told_with_all_they_read() {
    let cases: [(&str, &[&str]); 5] = [
        (
            "insert into paper_orders (a, b) select x, f(y) from orders returning a",
            &["INSERT", "reads orders", "writes paper_orders", "calls f"],
        ),
        (
            "update paper_x p set a = g(1), b = default from y where p.c in (select d from e)",
            &["UPDATE", "reads y, e", "writes paper_x", "calls g", "operators in", "fields p{paper_x.*}.c"],
        ),
        ("delete from only real.t using y", &["DELETE", "reads y", "writes real.t"]),
        (
            "with x as (delete from orders returning *) insert into paper_o select * from x",
            &["INSERT", "writes orders, paper_o"],
        ),
        ("truncate a, only b.c", &["TRUNCATE", "writes a, b.c"]),
    ];
    for (sql, told) in cases {
        assert_eq!(uses(&postgres(sql)), told, "{sql}");
    }
}

/// Each of these is read otherwise by one of the parsers; squawk's reading is PostgreSQL's.
#[test]
fn what_the_parsers_read_differently_is_refused() {
    let differ = "the two parsers read";
    let cases = [
        (
            "select a isnull, b from t",
            format!("disagreement 1:10: {differ} the operators differently: `is null`, or not at all"),
        ),
        (
            "select -/* ; drop table x */ 1",
            "disagreement 1:8: guard and its parser sqlparser take the text apart differently here".to_owned(),
        ),
    ];
    for (sql, told) in cases {
        assert_eq!(refused(Engine::Postgres, sql), told, "{sql}");
    }
}

#[test]
fn what_only_one_parser_would_accept_is_refused_at_its_place() {
    let parser = "not PostgreSQL's syntax";
    for (sql, at) in [("select from where", "1:"), ("select 1 from", "1:"), ("selec 1", "1:1")] {
        let told = refused(Engine::Postgres, sql);
        assert!(told.starts_with(&format!("syntax {at}")) && told.contains(parser), "{sql}: {told}");
    }
}
