//! Modes: set by a person, recorded, shown in every entry; what they let through of databases.
//! Source of the rules: the owner's specification, SKILL 3, sandbox principle.

use super::{asked, rules, scene, set, sqlite};
use crate::approve::scene::Scene;
use crate::cli::{Home, agreed};
use serde_json::{Value, json};

/// A project with a real database and one for tests, each a file with a table.
fn two() -> Home {
    let home = scene(
        "sqlite",
        "sqlite:///shop.db\nSHOP_TEST=sqlite:///test.db",
        "test_url_env = \"SHOP_TEST\"\nwrite_prefix = \"paper_\"",
    );
    sqlite(
        &home,
        "shop.db",
        "CREATE TABLE orders (id INTEGER); INSERT INTO orders VALUES (1); CREATE TABLE paper_orders (id INTEGER)",
    );
    sqlite(&home, "test.db", "CREATE TABLE orders (id INTEGER); INSERT INTO orders VALUES (2), (3)");
    home
}

fn test(home: &Home, sql: &str) -> Value {
    serde_json::from_str(&home.guard(&["db", "query", "--test", "--json", sql]).stdout).unwrap()
}

#[test]
fn a_person_sets_the_mode_and_nobody_else() {
    let home = two();
    let status: Value = serde_json::from_str(&home.guard(&["status", "--json"]).stdout).unwrap();
    assert_eq!(status["mode"], Value::Null);
    let alone = home.guard(&["mode", "paper"]);
    assert_eq!(alone.code, Some(125), "{}{}", alone.stdout, alone.stderr);
    assert!(alone.stderr.contains("this needs a person at a terminal"), "{}", alone.stderr);
    let fenced = home.guard(&["exec", "--", "guard", "mode", "paper"]);
    assert_ne!(fenced.code, Some(0), "{}{}", fenced.stdout, fenced.stderr);
    let wrong = crate::cli::terminal(&home, &["mode", "paper"], "0000-0000\n");
    assert!(wrong.code == Some(125) && !home.log().contains("mode_set"), "{}{}", wrong.stdout, wrong.stderr);
    let unknown = home.guard(&["mode", "dry"]);
    assert!(unknown.stderr.contains("backtest, test, paper, live"), "{}", unknown.stderr);

    let done = agreed(&home, "guard mode paper");
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    assert!(
        home.log()
            .contains("[GUARD] [MODE] [paper] [SUCCESS] {\"v\":1,\"event\":\"mode_set\",\"to\":\"paper\",\"by\":{"),
        "{}",
        home.log()
    );
    let status: Value = serde_json::from_str(&home.guard(&["status", "--json"]).stdout).unwrap();
    assert_eq!(status["mode"], "paper");
    let said = home.guard(&["status"]).stdout;
    assert!(said.contains("mode: paper since record "), "{said}");
    let told: Value = serde_json::from_str(&home.guard(&["mode", "--json"]).stdout).unwrap();
    assert_eq!(told["mode"], "paper");
    assert_eq!(agreed(&home, "guard mode live").code, Some(0));
    assert!(
        home.log().contains("\"v\":1,\"mode\":\"paper\",\"event\":\"mode_set\",\"to\":\"live\",\"before\":\"paper\""),
        "{}",
        home.log()
    );
    let verified = home.guard(&["audit", "verify"]);
    assert_eq!(verified.code, Some(0), "{}{}", verified.stdout, verified.stderr);
}

#[test]
fn with_an_approver_a_mode_takes_a_signature_and_an_old_one_sets_nothing() {
    let scene = Scene::signed();
    let refused = agreed(&scene.home, "guard mode live");
    assert_eq!(refused.code, Some(125), "{}{}", refused.stdout, refused.stderr);
    let line = format!("guard mode live --key {}", scene.key("anna"));
    let done = agreed(&scene.home, &line);
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    assert!(scene.home.log().contains("\"strength\":\"signature\""), "{}", scene.home.log());
}

#[test]
fn the_mode_stands_in_the_entries_of_commands_and_queries() {
    let home = two();
    assert_eq!(agreed(&home, "guard mode live").code, Some(0));
    assert_eq!(home.guard(&["exec", "--", "true"]).code, Some(0));
    let (done, value) = asked(&home, "SELECT id FROM orders");
    assert_eq!(
        (done.code, &value["mode"], &value["environment"]),
        (Some(0), &json!("live"), &json!("live")),
        "{value}"
    );
    let refused = home.guard(&["db", "query", "SELECT load_extension('x')"]);
    assert_eq!(refused.code, Some(126));
    let log = home.log();
    for event in ["shell_start", "query_start", "query_refused"] {
        let line = log.lines().rev().find(|line| line.contains(&format!("\"event\":\"{event}\""))).unwrap();
        assert!(line.contains(" {\"v\":1,\"mode\":\"live\",\"event\":"), "{line}");
    }
}

#[test]
fn in_backtest_and_test_nothing_but_databases_for_tests_is_reached() {
    for mode in ["backtest", "test"] {
        let home = two();
        assert_eq!(asked(&home, "SELECT id FROM orders").1["rows"], json!([[1]]), "before a mode is set it is read");
        assert_eq!(agreed(&home, &format!("guard mode {mode}")).code, Some(0));
        let (done, value) = asked(&home, "SELECT id FROM orders");
        assert_eq!((done.code, rules(&value)), (Some(126), vec!["guard:query-mode"]), "{value}");
        assert!(value["rules"][0]["instead"].as_str().is_some_and(|help| help.contains("`--test`")), "{value}");
        for words in [&["db", "tables", "shop"][..], &["db", "columns", "shop", "orders"], &["db", "check", "SELECT 1"]]
        {
            assert_eq!(home.guard(words).code, Some(126), "{words:?}");
        }
        let value = test(&home, "SELECT id FROM orders");
        assert_eq!((&value["rows"], &value["environment"]), (&json!([[2], [3]]), &json!("test")), "{value}");
        // The one for tests that is the real one is not reached either.
        let real = set(
            &home,
            &[("SHOP_TEST", "sqlite:///shop.db")],
            &["db", "query", "--test", "--json", "SELECT id FROM orders"],
        );
        let value: Value = serde_json::from_str(&real.stdout).unwrap();
        assert_eq!((real.code, rules(&value)), (Some(126), vec!["guard:query-not-apart"]), "{value}");
    }
}

#[test]
fn a_rule_s_condition_on_the_mode_sees_it() {
    let home = Home::with("python");
    home.trust("[[rule]]\nid = \"no-listing\"\nverdict = \"deny\"\nreason = \"not while it is live\"\nprogram = \"ls\"\nmode = [\"live\"]\n");
    assert_eq!(home.guard(&["exec", "--", "ls"]).code, Some(0));
    assert_eq!(agreed(&home, "guard mode live").code, Some(0));
    let done = home.guard(&["exec", "--", "ls"]);
    assert!(done.code == Some(126) && done.stderr.contains("no-listing"), "{}", done.stderr);
}
