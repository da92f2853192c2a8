//! `guard policy explain`: why a command is judged as it is, and what a rule means.

use super::{Home, lasting};
use serde_json::{Value, json};

/// A project with rules of its own that answer, nearly match and refuse.
fn home() -> Home {
    let home = Home::with("python");
    home.trust(
        r#"
[[rule]]
id = "empties-own"
program = "truncate"
args = ["data/*"]
flags_none = ["--io-blocks"]
verdict = "allow"
timeout = "5min"
writes = false
reason = "empties its own data"
hits = ["truncate --size=0 data/a.csv"]
misses = ["truncate --size=0 /etc/passwd"]
[[rule]]
id = "no-growth"
program = "truncate"
flags_any = ["--no-create", "-c"]
verdict = "deny"
reason = "trusts that the file is there"
instead = "truncate --size=0 data/x"
[[rule]]
id = "own-plugin"
program = "pytest"
flags_any = ["-p=own_plugin"]
verdict = "allow"
reason = "the project's own plugin"
hits = ["pytest -p own_plugin"]
"#,
    );
    home
}

fn explained(home: &Home, words: &[&str]) -> String {
    let done = home.guard(&[&["policy", "explain"], words].concat());
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{}", done.stdout);
    done.stdout
}

#[test]
fn a_rule_is_explained_in_words_with_its_place_and_as_it_is_written() {
    insta::assert_snapshot!("rule", explained(&home(), &["empties-own"]));
}

#[test]
fn guard_s_own_rules_and_the_whitelist_are_explained_too() {
    let home = home();
    insta::assert_snapshot!("own", explained(&home, &["guard:no-program"]));
    let whitelist = explained(&home, &["guard:whitelist"]);
    assert!(whitelist.contains("^(python|pytest|") && whitelist.contains("(policy/python.toml:"), "{whitelist}");
}

#[test]
fn a_rule_that_no_layer_brings_in_says_what_would() {
    let text = explained(&home(), &["compose-removes-volumes"]);
    assert!(text.contains("not in force: the policy does not extend `docker-compose`"), "{text}");
}

#[test]
fn a_word_that_is_nearly_an_id_is_taken_as_a_command_with_a_hint() {
    let text = explained(&home(), &["own-plugins"]);
    assert!(text.starts_with("no rule is called `own-plugins`; did you mean `own-plugin`"), "{text}");
    assert!(text.contains("guard:no-program"), "{text}");
    assert!(!explained(&home(), &["truncate"]).contains("did you mean"));
}

#[test]
fn a_command_shows_what_matched_what_answered_and_what_nearly_matched() {
    let home = home();
    let shown = |words: &[&str]| lasting(&home, &explained(&home, words));
    insta::assert_snapshot!("near", shown(&["truncate", "--size=0", "/etc/passwd"]));
    insta::assert_snapshot!("doubt", shown(&["-c", "truncate --size=0 $X; truncate -c sums"]));
    let answered = explained(&home, &["pytest -p own_plugin"]);
    assert!(answered.starts_with("allow: `pytest -p own_plugin`"), "{answered}");
    assert!(answered.contains("ask pytest-loads: ") && answered.contains(", answered by `own-plugin` "), "{answered}");
}

#[test]
fn a_module_that_python_runs_says_why_an_allowing_rule_does_not_count() {
    let text = explained(&home(), &["python3", "-m", "pytest", "-p", "own_plugin"]);
    assert!(text.contains("allow own-plugin: ") && text.contains("only rules that ask or deny count"), "{text}");
}

#[test]
fn json_has_all_of_it() {
    let home = home();
    let rule: Value = serde_json::from_str(&explained(&home, &["--json", "empties-own"])).unwrap();
    assert_eq!(
        (&rule["verdict"], &rule["layer"], &rule["in_force"], &rule["gives"]),
        (&json!("allow"), &json!("project"), &json!(true), &json!({"timeout": ["5min"], "writes": ["false"]}))
    );
    let command: Value = serde_json::from_str(&explained(&home, &["--json", "truncate", "x"])).unwrap();
    assert_eq!((&command["verdict"], &command["trusted"]), (&json!("ask"), &json!(true)));
    let near = command["near"].as_array().unwrap().iter().find(|near| near["id"] == "empties-own").unwrap();
    assert_eq!(near["failed"], json!([{"key": "args", "doubt": false}]));
    assert_eq!(command["commands"][0]["runs"][0]["words"], json!(["truncate", "x"]));
}

#[test]
fn the_policy_counts_as_it_stands_and_says_when_that_is_not_trusted() {
    let home = home();
    let text = home.read("guard.toml")
        + "\n[[rule]]\nid = \"no-sums\"\nprogram = \"sum\"\nverdict = \"deny\"\nreason = \"r\"\n";
    home.write("guard.toml", &text);
    let shown = explained(&home, &["sum", "a"]);
    assert!(shown.starts_with("deny: ") && shown.contains("not trusted as it stands"), "{shown}");
    home.write("guard.toml", &(text + "verdit = 1\n"));
    let broken = home.guard(&["policy", "explain", "sum"]);
    assert_eq!(broken.code, Some(78));
    assert!(broken.stderr.contains("unknown key `verdit`"), "{}", broken.stderr);
}
