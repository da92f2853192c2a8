//! What the log gets of queries, what counts, and who may ask.

use super::{asked, rules, scene, set};
use crate::servers::postgres;
use serde_json::json;

#[test]
fn a_query_is_recorded_in_the_owner_s_words() {
    let Some(server) = postgres() else { return };
    let database = server.database("CREATE TABLE orders (id int); INSERT INTO orders SELECT generate_series(1, 50); GRANT SELECT ON orders TO bare");
    let home = scene("postgres", &database.url("bare"), "");
    let (_, value) = asked(&home, "SELECT * FROM orders");
    assert_eq!(value["verdict"], "allow", "{value}");
    let log = home.log();
    for line in [
        "DB_QUERY [PostgreSQL]: SELECT * FROM orders {",
        "DB_RESULT: 50 rows returned {",
        "[DB] [QUERY] [PostgreSQL: SELECT * FROM orders] [50 rows] {",
    ] {
        assert!(log.contains(line), "{line}: {log}");
    }
    assert!(!log.contains("p@ss") && !log.contains("p%40ss"), "{log}");
    let verified = home.guard(&["audit", "verify"]);
    assert_eq!(verified.code, Some(0), "{}{}", verified.stdout, verified.stderr);
}

#[test]
fn values_are_replaced_in_the_log_where_the_policy_says_so() {
    let Some(server) = postgres() else { return };
    let database = server.database("CREATE TABLE people (name text); GRANT SELECT ON people TO bare");
    let home = scene("postgres", &database.url("bare"), "literals = \"replaced\"");
    let (done, value) =
        asked(&home, "SELECT name FROM people WHERE name = 'Jane Roe' AND length(name) > 42 -- of Jane");
    assert_eq!(done.code, Some(0), "{value}");
    let log = home.log();
    assert!(
        log.contains("DB_QUERY [PostgreSQL]: SELECT name FROM people WHERE name = ? AND length(name) > ? {"),
        "{log}"
    );
    assert!(!log.contains("Jane") && !log.contains("> 42"), "{log}");
    let (done, value) = asked(&home, "SELECT 'Jane'::int FROM people WHERE name = 'Jane'");
    assert_eq!((done.code, value["halted"].as_str()), (Some(1), Some("resume-1")), "{value}");
    assert!(
        value["error"]["message"].as_str().is_some_and(|message| message.contains("Jane")),
        "the caller is told: {value}"
    );
    let (next, _) = asked(&home, "SELECT 'Jane'");
    assert_eq!(next.code, Some(77));
    let kept = home.log() + &home.guard(&["escalations", "resume-1"]).stdout;
    assert!(kept.contains("(its message is not kept") && !kept.contains("Jane"), "{kept}");
}

#[test]
fn a_refusal_is_recorded_with_its_rule() {
    let Some(server) = postgres() else { return };
    let database = server.database("CREATE TABLE orders (id int)");
    let home = scene("postgres", &database.url("bare"), "");
    let done = home.guard(&["db", "query", "TRUNCATE orders"]);
    assert_eq!(done.code, Some(126));
    for part in ["guard: refused", "deny guard:query-writes", "`TRUNCATE on orders` at 1:10", "instead:", "(built in)"]
    {
        assert!(done.stderr.contains(part), "{part}: {}", done.stderr);
    }
    let log = home.log();
    assert!(log.contains("[DB] [QUERY] [PostgreSQL: TRUNCATE orders] [DENIED] {"), "{log}");
}

#[test]
fn a_failure_of_the_database_is_an_attempt_and_the_one_that_spends_the_budget_halts() {
    let Some(server) = postgres() else { return };
    let database = server.database("");
    let home = scene("postgres", &database.url("bare"), "");
    let (done, value) = asked(&home, "SELECT * FROM nowhere");
    assert_eq!((done.code, &value["error"]["code"]), (Some(1), &json!("42P01")), "{value}");
    assert_eq!(value["attempts"], json!({ "used": 1, "budget": 1, "total_used": 1, "total_budget": 3 }));
    assert_eq!(value["halted"], "resume-1");
    let log = home.log();
    assert!(log.contains("DB_ERROR: relation \"nowhere\" does not exist {"), "{log}");
    let (next, value) = asked(&home, "SELECT 1");
    assert_eq!((next.code, &value["verdict"]), (Some(77), &json!("halted")));
}

#[test]
fn a_green_query_makes_good_what_failed_before_where_the_budget_allows_more() {
    let Some(server) = postgres() else { return };
    let database = server.database("");
    let home = scene("postgres", &database.url("bare"), "[attempts]\ndatabase = 3");
    let (_, value) = asked(&home, "SELECT * FROM nowhere");
    assert_eq!(value["attempts"]["used"], 1, "{value}");
    assert_eq!(asked(&home, "SELECT 1").0.code, Some(0));
    let (_, value) = asked(&home, "SELECT * FROM nowhere");
    assert_eq!(value["attempts"]["used"], 1, "it begins anew: {value}");
}

#[test]
fn nobody_asks_as_a_user_who_could_do_more_than_the_policy_allows() {
    let Some(server) = postgres() else { return };
    let database = server.database("CREATE TABLE orders (id int); GRANT SELECT, INSERT ON orders TO bare");
    let ask = |user: &str, posture: &str| {
        let home = scene("postgres", &database.url(user), posture);
        let (done, value) = asked(&home, "SELECT * FROM orders");
        (done.code, rules(&value).first().map(|rule| (*rule).to_owned()), value["warnings"].as_array().map(Vec::len))
    };
    let refused = || Some("guard:query-posture".to_owned());
    assert_eq!(ask("owner", ""), (Some(126), refused(), Some(0)));
    assert_eq!(ask("bare", "posture = \"read-only\""), (Some(126), refused(), Some(0)));
    assert_eq!(ask("bare", ""), (Some(0), None, Some(1)));
    let (code, rule, warnings) = ask("owner", "posture = \"any\"");
    assert_eq!((code, rule), (Some(0), None));
    assert!(warnings.is_some_and(|warnings| warnings > 0));
}

#[test]
fn no_fenced_command_gets_the_url() {
    let Some(server) = postgres() else { return };
    let database = server.database("");
    let home = scene("postgres", &database.url("bare"), "");
    let url = database.url("bare");
    let done = set(&home, &[("SHOP_URL", &url)], &["exec", "--", "env"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(!done.stdout.contains("SHOP_URL"), "{}", done.stdout);
    let read = home.guard(&["exec", "--", "cat", ".env"]);
    assert!(!read.stdout.contains("p%40ss"), "{}", read.stdout);
}
