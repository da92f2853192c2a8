//! Evasions and everyday questions, judged by the preset of a trading system: each evasion with the rule that refuses it.

mod table;

use crate::action::query::catalog::{
    Catalog, Child, Column, Function, FunctionKind, Named, Relation, RelationKind, Volatility,
};
use crate::action::query::{Engine, read};
use crate::decide::policy::Policy;
use crate::decide::query::{QueryGround, QueryJudgement, judge_query, judge_unreadable};
use crate::decide::{Layer, Source};
use table::{ALLOWED, PG, QUEST, REFUSED};

fn policy(text: &str) -> Policy {
    let text = format!("version = 1\nextends = [\"python-trading\"]\n{text}");
    let source = Source { layer: Layer::Project, name: "guard.toml".into(), text };
    Policy::load(&[source]).unwrap_or_else(|faults| panic!("{faults}"))
}

fn judged(policy: &Policy, engine: Engine, sql: &str) -> QueryJudgement {
    match read(engine, sql) {
        Ok(query) => judge_query(&query, None, policy),
        Err(unreadable) => judge_unreadable(&unreadable),
    }
}

fn ids(judgement: &QueryJudgement) -> Vec<String> {
    let mut ids: Vec<String> = judgement.matches.iter().map(|found| found.id.replace("guard:query-", "")).collect();
    ids.dedup();
    ids
}

#[test]
fn everyday_questions_are_allowed() {
    let policy = policy("");
    let mut wrong = Vec::new();
    for (engine, sql) in ALLOWED {
        let judgement = judged(&policy, *engine, sql);
        if !judgement.matches.is_empty() {
            let reasons: Vec<&str> = judgement.matches.iter().map(|found| found.reason.as_str()).collect();
            wrong.push(format!("{sql}\n    {reasons:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} refused:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn evasions_are_refused_by_the_rule_that_is_meant() {
    let policy = policy("");
    let mut wrong = Vec::new();
    for (engine, sql, rule) in REFUSED {
        let judgement = judged(&policy, *engine, sql);
        if !ids(&judgement).iter().any(|id| id == rule) {
            let reasons: Vec<&str> = judgement.matches.iter().map(|found| found.reason.as_str()).collect();
            wrong.push(format!("{rule}: {sql}\n    {reasons:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn table(name: &str, kind: RelationKind, columns: &[&str]) -> (Named, Relation) {
    let column =
        |name: &&str| Column { name: (*name).to_owned(), type_name: "numeric".into(), nullable: true, key: false };
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

fn view(name: &str, definition: &str, columns: &[&str]) -> (Named, Relation) {
    table(name, RelationKind::View { definition: definition.into() }, columns)
}

fn function(name: &str, kind: FunctionKind, built_in: bool) -> (Named, Vec<Function>) {
    let function = Function {
        schema: if built_in { "pg_catalog".into() } else { "public".into() },
        name: name.into(),
        kind,
        arguments: vec!["numeric".into()],
        variadic: false,
        volatility: Volatility::Immutable,
        language: "sql".into(),
        definer: false,
        built_in,
        on_path: true,
        executable: true,
    };
    (Named::bare(name), vec![function])
}

/// A trading system with views in it.
fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    let candles = ["symbol", "timestamp", "close"];
    let mut part = table("part_7", RelationKind::Table, &["id", "price"]);
    part.1.parents = vec![Named::within("public", "fills")];
    let mut whole = table("everything", RelationKind::Partitioned, &["id", "price"]);
    whole.1.children = vec![Child { named: Named::within("public", "fills"), foreign: false }];
    let stored = "SELECT s.id, f.price FROM signals s JOIN fills f ON f.signal_id = s.id;";
    catalog.relations.extend([
        table("candles", RelationKind::Table, &candles),
        table("signals", RelationKind::Table, &["id", "strength", "processed"]),
        table("fills", RelationKind::Table, &["id", "order_id", "signal_id", "price", "timestamp"]),
        table("users", RelationKind::Table, &["id", "age"]),
        part,
        whole,
        view("joined", "SELECT s.id, f.price FROM signals s JOIN fills f ON f.signal_id = s.id;", &["id", "price"]),
        view("outer_view", "SELECT id, price FROM joined;", &["id", "price"]),
        view("risk", "SELECT symbol, stddev(close) AS s FROM candles GROUP BY symbol;", &["symbol", "s"]),
        view("plain", "SELECT timestamp AS at, close AS symbol FROM candles;", &["at", "symbol"]),
        view("renamed", "SELECT close FROM candles;", &["order_id"]),
        view("signals_plain", "SELECT price AS id FROM fills;", &["id"]),
        view("bad", "SELECT close FROM candles WHERE (;", &["close"]),
        table("stored", RelationKind::Materialized { definition: stored.into() }, &["id", "price"]),
    ]);
    for name in ["count", "max", "stddev", "avg", "sum", "lower", "now"] {
        catalog.functions.extend([function(name, FunctionKind::Aggregate, true)]);
    }
    catalog.functions.extend([
        function("sharpe", FunctionKind::Aggregate, false),
        function("report", FunctionKind::Plain, false),
        function("newest", FunctionKind::Aggregate, true),
    ]);
    catalog
}

fn by_catalog(policy: &Policy, sql: &str) -> QueryJudgement {
    let query = read(PG, sql).unwrap();
    let mut ground = QueryGround::default();
    for _ in 0..9 {
        let wanted = ground.missing(&query);
        if wanted.is_empty() {
            return judge_query(&query, Some(&ground), policy);
        }
        ground.learn(PG, wanted, catalog());
    }
    panic!("the catalog is asked for ever: {sql}");
}

#[test]
fn views_partitions_and_somebody_s_functions_are_looked_through_once_the_catalog_tells_them() {
    let listed = "[[sql]]\nkind = \"postgres\"\nfunctions = [\"public.sharpe\", \"public.report\"]";
    let policy = policy(listed);
    let table: &[(&str, &[&str])] = &[
        ("SELECT * FROM joined", &["groups"]),
        ("SELECT count(*) FROM outer_view", &["groups"]),
        ("SELECT id FROM stored", &["groups"]),
        ("SELECT s.id FROM signals s, part_7 p", &["groups"]),
        ("SELECT s.id FROM signals s, everything e", &["groups"]),
        ("SELECT id FROM part_7", &[]),
        ("SELECT symbol FROM risk", &["statistics"]),
        ("SELECT * FROM plain LIMIT 5", &[]),
        ("SELECT max(at) FROM plain", &[]),
        ("SELECT max(symbol) FROM plain", &["aggregate"]),
        ("SELECT stddev(order_id) FROM renamed", &["statistics"]),
        ("SELECT stddev(id) FROM signals_plain", &["groups", "statistics"]),
        ("SELECT * FROM bad", &["view"]),
        ("SELECT stddev(age) FROM users", &[]),
        ("SELECT sharpe(close) FROM candles", &["statistics"]),
        ("SELECT newest(close) FROM candles", &["statistics"]),
        ("SELECT sharpe(age) FROM users", &[]),
        ("SELECT r.x FROM candles, report(1) AS r(x)", &["unseen"]),
        ("SELECT r.x FROM users, report(1) AS r(x)", &[]),
        ("SELECT count(*) FROM candles", &[]),
        ("SELECT max(ts) FROM candles AS c(sym, ts, x)", &[]),
        ("SELECT max(timestamp) FROM candles AS c(sym, ts, timestamp)", &["aggregate"]),
        ("SELECT candles FROM candles", &[]),
        ("SELECT max(candles::text) FROM candles", &["aggregate"]),
    ];
    let mut wrong = Vec::new();
    for (sql, expected) in table {
        let judgement = by_catalog(&policy, sql);
        if ids(&judgement) != *expected {
            let reasons: Vec<&str> = judgement.matches.iter().map(|found| found.reason.as_str()).collect();
            wrong.push(format!("{expected:?}: {sql}\n    {reasons:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_refusal_says_where_in_the_query_by_which_line_of_the_policy_and_what_instead() {
    let text =
        "[alpha]\nwindow_rows = 4\n[[alpha.group]]\nname = \"mine\"\nrelations = [\"bets\"]\nnot_with = [\"fills\"]";
    let policy = policy(text);
    let told = |judgement: &QueryJudgement| -> Vec<String> {
        judgement.matches.iter().map(|found| format!("{}|{}|{}", found.id, found.reason, found.at)).collect()
    };
    let one = judged(&policy, PG, "SELECT 1\nFROM bets, fills");
    assert_eq!(
        told(&one),
        [
            "guard:query-groups|brings together what the policy keeps apart: `bets` (of the group `mine`) at 2:6 and `fills` at 2:12|guard.toml:5"
        ]
    );
    assert!(one.matches[0].instead.is_some());
    let other = judged(&policy, PG, "SELECT lag(odds, 5) OVER (ORDER BY id) FROM bets");
    assert_eq!(
        told(&other),
        [
            "guard:query-window|brings values of too many rows together: `lag` takes values from more than 4 rows away at 1:8|guard.toml:3"
        ]
    );
    let inner = by_catalog(&policy, "SELECT *\nFROM risk");
    assert_eq!(
        inner.matches[0].reason,
        "does statistics on the market or on trades: `stddev` of values at 1:16 of the view `public.risk`, which is read at 2:6"
    );
    assert!(inner.matches[0].at.starts_with("policy/python-trading.toml:"), "{}", inner.matches[0].at);
}

#[test]
fn without_groups_nothing_is_judged_and_what_is_read_of_groups_is_told() {
    let source = Source { layer: Layer::Project, name: "guard.toml".into(), text: "version = 1".into() };
    let none = Policy::load(&[source]).unwrap();
    for (engine, sql, _) in REFUSED {
        let alpha = ["groups", "statistics", "aggregate", "window", "export", "unseen"];
        let found = ids(&judged(&none, *engine, sql));
        assert!(!found.iter().any(|id| alpha.contains(&id.as_str())), "{sql}: {found:?}");
    }
    let groups = judged(&policy(""), PG, "SELECT f.id FROM fills f, candles").groups;
    assert_eq!(groups.into_iter().collect::<Vec<_>>(), ["fills", "market"]);
    assert!(judged(&policy(""), PG, "SELECT 1").groups.is_empty());
}

#[test]
fn lengths_of_time_and_moments_bound_only_what_they_surely_mean() {
    let policy = policy("");
    let refused = |condition: &str, engine: Engine| {
        let sql = format!("SELECT max(price) FROM fills WHERE {condition}");
        !judged(&policy, engine, &sql).matches.is_empty()
    };
    for (condition, expected) in [
        ("timestamp > now() - interval '24 hours'", false),
        ("timestamp > now() - interval '1 day 1 second'", true),
        ("timestamp > now() - '90 minutes'::interval", false),
        ("timestamp > now() - interval '1'", true),
        ("timestamp > now() - interval 'P1Y'", true),
        ("timestamp > now() - interval '-1 hour'", false),
        ("timestamp > now() - interval '2 months' + interval '2 months'", true),
        ("timestamp >= current_date", false),
        ("timestamp >= current_date - interval '1 day'", true),
        ("timestamp >= date_trunc('hour', now())", false),
        ("timestamp >= date_trunc('month', now())", true),
        ("now() - interval '1 hour' < timestamp", false),
        ("timestamp < now() - interval '30 days' AND timestamp > now() - interval '31 days'", false),
        ("timestamp BETWEEN '2024-01-01' AND '2024-01-01 12:00:00'", false),
        ("timestamp BETWEEN '2024-01-01T00:00:00Z' AND '2024-01-03T00:00:00Z'", true),
        ("timestamp BETWEEN '-infinity' AND now()", true),
        ("timestamp NOT BETWEEN now() - interval '1 hour' AND now()", true),
        ("timestamp = '2024-01-01'", false),
        ("id = 7", false),
        ("id IN (7, 8, 9)", false),
        ("id > 7", true),
        ("id = price", true),
        ("strategy_id = 7", true),
        ("price > 7", true),
        ("created_at > now() - interval '1 hour' AND price > 7", false),
    ] {
        assert_eq!(refused(condition, PG), expected, "{condition}");
    }
    for (condition, expected) in [
        ("timestamp > dateadd('h', -24, now())", false),
        ("timestamp > dateadd('y', -1, now())", true),
        ("timestamp IN '2024-01-01T10'", false),
        ("timestamp IN '2024-01'", true),
        ("timestamp IN '2024-01-01;1y'", true),
        ("timestamp > now() - 1h", false),
        ("timestamp > now() - 1y", true),
    ] {
        assert_eq!(refused(condition, QUEST), expected, "{condition}");
    }
}
