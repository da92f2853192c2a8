//! What is said to queries, without a catalog and with one.

use super::{QueryGround, QueryJudgement, judge_posture, judge_query, judge_unreadable};
use crate::action::query::catalog::{
    Catalog, Column, Function, FunctionKind, Named, Relation, RelationKind, Volatility,
};
use crate::action::query::{Engine, read};
use crate::decide::policy::{Policy, Posture};
use crate::decide::{Layer, Source, Verdict};

fn policy(text: &str) -> Policy {
    let source = Source { layer: Layer::Project, name: "guard.toml".into(), text: format!("version = 1\n{text}") };
    Policy::load(&[source]).unwrap_or_else(|faults| panic!("{faults}"))
}

fn judged(engine: Engine, sql: &str) -> QueryJudgement {
    match read(engine, sql) {
        Ok(query) => judge_query(&query, None, &policy("")),
        Err(unreadable) => judge_unreadable(&unreadable),
    }
}

fn ids(judgement: &QueryJudgement) -> Vec<&str> {
    judgement.matches.iter().map(|found| found.id.as_str()).collect()
}

#[test]
fn without_a_catalog_what_is_sure_is_said_and_the_rest_stays_open() {
    let table: [(Engine, &str, &[&str], &[&str]); 11] = [
        (Engine::Postgres, "SELECT 1", &[], &[]),
        (Engine::Postgres, "SELECT count(*) FROM orders", &[], &["orders", "count"]),
        (Engine::Postgres, "SELECT pg_catalog.count(*)", &[], &[]),
        (Engine::Postgres, "SELECT pg_sleep(1)", &["guard:query-function"], &[]),
        (Engine::Postgres, "SELECT public.pg_sleep(1)", &["guard:query-function"], &[]),
        (Engine::Postgres, "DELETE FROM orders", &["guard:query-writes"], &["orders"]),
        (Engine::Postgres, "SET work_mem = '1GB'", &["guard:query-statement"], &[]),
        (Engine::Postgres, "SELECT * FROM pg_authid", &["guard:query-relation"], &[]),
        (Engine::QuestDb, "SELECT count() FROM candles", &[], &[]),
        (Engine::QuestDb, "SELECT * FROM read_parquet('x')", &["guard:query-function"], &[]),
        (Engine::Sqlite, "SELECT load_extension('x')", &["guard:query-function"], &[]),
    ];
    for (engine, sql, expected, open) in table {
        let judgement = judged(engine, sql);
        assert_eq!(ids(&judgement), expected, "{sql}");
        let writes = expected == ["guard:query-writes"];
        assert!(writes || judgement.open == open, "{sql}: {:?}", judgement.open);
        let verdict = if expected.is_empty() { Verdict::Allow } else { Verdict::Deny };
        assert_eq!(judgement.verdict, verdict, "{sql}");
    }
}

#[test]
fn every_refusal_says_where_and_what_to_do_instead() {
    for sql in ["DELETE FROM orders", "SELECT 1,\n  pg_sleep(1)", "SELECT * FROM t FOR UPDATE", "SELECT '", "COMMIT"] {
        let judgement = judged(Engine::Postgres, sql);
        let first = judgement.matches.first().unwrap();
        assert!(first.instead.as_ref().is_some_and(|instead| !instead.is_empty()), "{sql}");
    }
    let judgement = judged(Engine::Postgres, "SELECT 1,\n  pg_sleep(1)");
    assert_eq!(judgement.matches[0].reason, "calls what does more than compute: `pg_sleep` at 2:3");
}

fn function(schema: &str, name: &str, volatility: Volatility) -> Function {
    Function {
        schema: schema.into(),
        name: name.into(),
        kind: FunctionKind::Plain,
        arguments: vec!["integer".into()],
        variadic: false,
        volatility,
        language: if schema == "pg_catalog" { "internal".into() } else { "sql".into() },
        definer: false,
        built_in: schema == "pg_catalog",
        on_path: true,
        executable: true,
    }
}

fn relation(name: &str, kind: RelationKind, columns: &[&str]) -> (Named, Relation) {
    let column =
        |name: &&str| Column { name: (*name).to_owned(), type_name: "integer".into(), nullable: true, key: false };
    let relation = Relation {
        schema: "public".into(),
        name: name.into(),
        kind,
        built_in: false,
        columns: columns.iter().map(column).collect(),
        triggers: Vec::new(),
        rules: Vec::new(),
        cascades: Vec::new(),
        policies: Vec::new(),
        expressions: Vec::new(),
        children: Vec::new(),
        parents: Vec::new(),
    };
    (Named::bare(name), relation)
}

/// The judgement of a query where the catalog holds this.
fn by_catalog(sql: &str, catalog: &Catalog, policy: &Policy) -> QueryJudgement {
    let query = read(Engine::Postgres, sql).unwrap();
    let mut ground = QueryGround::default();
    for _ in 0..8 {
        let wanted = ground.missing(&query);
        if wanted.is_empty() {
            return judge_query(&query, Some(&ground), policy);
        }
        ground.learn(Engine::Postgres, wanted, catalog.clone());
    }
    panic!("the catalog is asked for ever: {sql}");
}

#[test]
fn a_function_is_listed_or_proved_and_nobody_s_stands_in_for_it() {
    let mut catalog = Catalog::default();
    let mut add = |functions: &[Function]| {
        let first = &functions[0];
        catalog.functions.insert(Named::bare(&first.name), functions.to_vec());
        catalog
            .functions
            .insert(Named::within("public", &first.name), vec![function("public", &first.name, Volatility::Volatile)]);
    };
    add(&[function("pg_catalog", "lower", Volatility::Immutable)]);
    add(&[function("pg_catalog", "mystery", Volatility::Immutable)]);
    add(&[function("pg_catalog", "clock", Volatility::Volatile)]);
    add(&[function("pg_catalog", "upper", Volatility::Immutable), function("public", "upper", Volatility::Immutable)]);
    add(&[function("public", "fee", Volatility::Immutable)]);
    let plain = policy("");
    for (sql, expected) in [
        ("SELECT lower(1)", &[][..]),
        ("SELECT mystery(1)", &[]),
        ("SELECT clock(1)", &["guard:query-unproved"]),
        ("SELECT upper(1)", &["guard:query-unproved"]),
        ("SELECT fee(1)", &["guard:query-unproved"]),
        ("SELECT public.fee(1)", &["guard:query-unproved"]),
        ("SELECT unknown_to_all(1)", &["guard:query-unproved"]),
    ] {
        assert_eq!(ids(&by_catalog(sql, &catalog, &plain)), expected, "{sql}");
    }
    let listed = policy("[[sql]]\nkind = \"postgres\"\nfunctions = [\"public.fee\", \"public.upper\"]");
    for sql in ["SELECT fee(1)", "SELECT public.fee(1)", "SELECT upper(1)"] {
        assert_eq!(ids(&by_catalog(sql, &catalog, &listed)), [] as [&str; 0], "{sql}");
    }
}

#[test]
fn views_are_judged_by_their_own_queries_however_deep_and_one_that_names_itself_ends() {
    let view = |name: &str, definition: &str| {
        relation(name, RelationKind::View { definition: definition.to_owned() }, &["id"])
    };
    let mut catalog = Catalog::default();
    catalog.relations.extend([
        relation("orders", RelationKind::Table, &["id"]),
        view("good", " SELECT orders.id FROM orders;"),
        view("bad", " SELECT pg_sleep(1) AS id;"),
        view("outer_bad", " SELECT bad.id FROM bad;"),
        view("itself", " SELECT itself.id FROM itself;"),
        relation("far", RelationKind::Foreign { server: "files".into() }, &["id"]),
    ]);
    for (sql, expected) in [
        ("SELECT * FROM good", &[][..]),
        ("SELECT * FROM bad", &["guard:query-view"]),
        ("SELECT * FROM outer_bad", &["guard:query-view"]),
        ("SELECT * FROM itself", &[]),
        ("SELECT * FROM far", &["guard:query-relation"]),
        ("SELECT o.id FROM orders o", &[]),
    ] {
        assert_eq!(ids(&by_catalog(sql, &catalog, &policy(""))), expected, "{sql}");
    }
    let mut named = catalog.clone();
    named.functions.insert(Named::bare("total"), vec![function("public", "total", Volatility::Volatile)]);
    assert_eq!(ids(&by_catalog("SELECT o.total FROM orders o", &named, &policy(""))), ["guard:query-field"]);
}

#[test]
fn a_posture_refuses_what_it_says() {
    let (reaching, writing) = (["a superuser".to_owned()], ["writes".to_owned()]);
    let verdict = |posture, reaching: &[String], writing: &[String]| judge_posture(posture, reaching, writing).verdict;
    for (posture, expected) in [
        (Posture::Any, [Verdict::Allow, Verdict::Allow]),
        (Posture::Contained, [Verdict::Deny, Verdict::Allow]),
        (Posture::ReadOnly, [Verdict::Deny, Verdict::Deny]),
    ] {
        assert_eq!([verdict(posture, &reaching, &[]), verdict(posture, &[], &writing)], expected, "{posture:?}");
        assert_eq!(verdict(posture, &[], &[]), Verdict::Allow);
    }
}
