//! `guard policy replay` and `guard policy unused`: the log's past beside the present policy.

use super::Home;
use guard::event::{Detail, Entry, Human, RuleHit};
use guard::record::{Log, Paths, Redactor, Secrets};
use serde_json::{Value, json};
use std::fs;

const RULES: &str = r#"
[[rule]]
id = "no-lists"
program = "ls"
verdict = "deny"
reason = "lists nothing"
[[rule]]
id = "empties"
program = "truncate"
args = ["data/*"]
verdict = "allow"
reason = "empties its data"
[[rule]]
id = "never"
program = "frob"
verdict = "ask"
reason = "is never called"
"#;

fn replayed(home: &Home, more: &[&str]) -> Value {
    let done = home.guard(&[&["policy", "replay", "--json"], more].concat());
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{}", done.stdout);
    serde_json::from_str(&done.stdout).unwrap()
}

fn unused(home: &Home, more: &[&str]) -> Value {
    let done = home.guard(&[&["policy", "unused", "--json"], more].concat());
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{}", done.stdout);
    serde_json::from_str(&done.stdout).unwrap()
}

/// A project with a few actions in its log, and a policy that now says something else of them.
fn home() -> Home {
    let home = Home::with("python");
    fs::create_dir(home.project.join("data")).unwrap();
    let call = |words: &[&str], code: i32| {
        assert_eq!(home.guard(&[&["exec"], words].concat()).code, Some(code), "{words:?}");
    };
    call(&["--", "ls", "data"], 0);
    call(&["-c", "ls | wc -l"], 0);
    call(&["--", "ls", "data"], 0);
    // Allowed from the folder it was asked in, and only there.
    let below = home.project.join("data");
    let asked = home.guard(&["-C", below.to_str().unwrap(), "exec", "-c", "truncate --size=0 '../data/a b'"]);
    assert_eq!(asked.code, Some(75));
    call(&["--", "truncate", "--size=0", "data/a b"], 75);
    call(&["--", "sudo", "true"], 126);
    call(&["--", "echo", "pwd"], 0);
    home.write("guard.toml", &(home.read("guard.toml") + RULES));
    home
}

#[test]
fn replay_lists_what_would_be_judged_otherwise() {
    let home = home();
    let done = home.guard(&["policy", "replay"]);
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    let ends: Vec<&str> = done.stdout.lines().collect();
    assert_eq!(
        ends.last(),
        Some(&"7 actions judged again: 3 allow becomes deny and 1 ask becomes allow"),
        "{}",
        done.stdout
    );
    assert!(done.stdout.contains("allow becomes deny: `ls data` (#2 and 1 more, the last #"), "{}", done.stdout);
    assert!(done.stdout.contains("\n  now: no-lists: lists nothing (guard.toml:"), "{}", done.stdout);

    let found = replayed(&home, &[]);
    assert_eq!((&found["actions"], &found["assumed"], &found["not_judged"]), (&json!(7), &json!(0), &json!([])));
    let changes = found["changes"].as_array().unwrap();
    let plain: Vec<Value> = changes
        .iter()
        .map(|c| json!([c["command"], c["argv"], c["cwd"], c["then"], c["now"], c["rules_now"][0]["id"]]))
        .collect();
    assert_eq!(
        plain,
        [
            json!(["ls data", true, ".", "allow", "deny", "no-lists"]),
            json!(["ls | wc -l", false, ".", "allow", "deny", "no-lists"]),
            json!(["truncate --size=0 'data/a b'", true, ".", "ask", "allow", "empties"]),
        ]
    );
    assert_eq!(changes[0]["seqs"].as_array().unwrap().len(), 2);
}

#[test]
fn replay_writes_nothing_and_runs_nothing() {
    let home = home();
    let before = home.log();
    let listed: Vec<_> = fs::read_dir(home.project.join("data")).unwrap().collect();
    replayed(&home, &[]);
    assert_eq!((home.log(), listed.len()), (before, 0));
    assert_eq!(fs::read_dir(home.project.join("data")).unwrap().count(), 0);
}

#[test]
fn since_leaves_out_what_was_asked_before() {
    let home = home();
    assert_eq!(replayed(&home, &["--since", "1h"])["actions"], json!(7));
    assert_eq!(replayed(&home, &["--since", "2999-01-01"])["actions"], json!(0));
    let third = home.log().lines().filter(|line| line.contains("SHELL_EXEC")).nth(2).unwrap()[1..27].to_owned();
    assert_eq!(replayed(&home, &["--since", &third])["actions"], json!(5));
    let wrong = home.guard(&["policy", "replay", "--since", "yesterday"]);
    assert_eq!(wrong.code, Some(125));
    assert!(wrong.stderr.contains("write `2h`, `3d`"), "{}", wrong.stderr);
}

#[test]
fn what_a_record_no_longer_holds_is_said_with_the_reason() {
    let home = Home::with("python");
    assert_eq!(home.guard(&["exec", "--", "echo", "--password=hunter2hunter2"]).code, Some(0));
    let long = "a".repeat(40_000);
    assert_eq!(home.guard(&["exec", "--", "echo", &long]).code, Some(0));
    let many: Vec<String> = (0..20_000).map(|number| number.to_string()).collect();
    let mut vector = home.command(&["exec", "--", "echo"]);
    vector.args(&many);
    assert_eq!(super::done(&mut vector).code, Some(126));
    home.write("guard.toml", &(home.read("guard.toml") + &RULES.replace("\"ls\"", "\"echo\"")));

    let found = replayed(&home, &[]);
    assert_eq!(found["changes"][0]["command"].as_str().unwrap().len(), 40_005, "the blob has all of it");
    let whys: Vec<&str> = found["not_judged"].as_array().unwrap().iter().map(|l| l["why"].as_str().unwrap()).collect();
    assert_eq!(whys, ["a part of it is redacted", "it was too long to be recorded"]);
    let text = home.guard(&["policy", "replay"]).stdout;
    assert!(text.contains("cannot be judged again: #2 `echo ") && !text.contains("hunter2"), "{text}");
    assert!(text.ends_with("2 actions cannot be judged again\n"), "{text}");

    fs::remove_dir_all(home.state().join("blobs")).unwrap();
    let found = replayed(&home, &[]);
    assert_eq!((&found["changes"], &found["actions"]), (&json!([]), &json!(0)));
    assert_eq!(found["not_judged"][1]["why"], "it is long, and its blob is gone");
}

#[test]
fn records_of_a_time_before_form_and_folder_were_kept_are_taken_as_lines() {
    let home = Home::with("python");
    let paths = Paths { log: home.project.join("build_audit.log"), state: home.state() };
    let mut log = Log::open(&paths).unwrap();
    let redactor = Redactor::new(log.tag_key(), Secrets::default());
    let human =
        Human::Fields { skill: "SHELL".into(), action: "EXEC".into(), target: "ls x".into(), result: "DENIED".into() };
    let rules = vec![RuleHit { id: "gone".into(), verdict: "deny".into() }];
    let (verdict, policy) = ("deny".to_owned(), String::new());
    let detail = Detail::ShellRefused {
        verdict,
        rules,
        policy,
        cwd: None,
        asked: None,
        task: None,
        reason: None,
        targets: Vec::new(),
        request: None,
    };
    log.append(&redactor, vec![Entry { human, detail }]).unwrap();
    drop(log);
    let found = replayed(&home, &[]);
    assert_eq!((&found["actions"], &found["assumed"]), (&json!(1), &json!(1)));
    let change = &found["changes"][0];
    assert_eq!(
        (&change["then"], &change["now"], &change["rules_then"]),
        (&json!("deny"), &json!("allow"), &json!(["gone"]))
    );
    let text = home.guard(&["policy", "replay"]).stdout;
    assert!(text.contains("1 action was recorded without form or folder"), "{text}");
}

#[test]
fn unused_names_rules_that_matched_nothing_in_the_last_records() {
    let home = home();
    super::terminal(&home, &["policy", "trust"], "yes\n");
    assert_eq!(home.guard(&["exec", "--", "ls", "data"]).code, Some(126));
    assert_eq!(home.guard(&["exec", "--", "truncate", "--size=0", "data/x"]).code, Some(0));
    let done = home.guard(&["policy", "unused"]);
    let lines: Vec<&str> = done.stdout.lines().collect();
    assert_eq!((done.code, lines.len()), (Some(0), 3), "{}", done.stdout);
    assert!(lines[0].starts_with("ask never: is never called (guard.toml:"), "{}", done.stdout);
    assert!(lines[1].starts_with("1 of 3 rules of the project and the person matched nothing in the last "));
    assert!(lines[1].contains(" records (9 actions since 20"), "{}", done.stdout);
    assert_eq!(lines[2], "the policy was trusted 2 actions ago: newer rules have seen no more");

    let found = unused(&home, &["--last", "1"]);
    assert_eq!((&found["records"], &found["actions"], &found["rules"]), (&json!(1), &json!(0), &json!(3)));
    assert_eq!(found["unused"].as_array().unwrap().len(), 3);
    let all = unused(&home, &["--all"]);
    assert!(all["rules"].as_u64().unwrap() > 50);
    let names: Vec<&str> = all["unused"].as_array().unwrap().iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    assert!(names.contains(&"never") && !names.contains(&"no-lists") && !names.contains(&"more-rights"), "{names:?}");
    assert_eq!(home.guard(&["policy", "unused", "--last", "0"]).code, Some(125));
}

#[test]
fn both_say_when_there_is_no_log_to_look_at() {
    let home = Home::bare();
    home.write("guard.toml", "version = 1\n");
    for command in ["replay", "unused"] {
        let done = home.guard(&["policy", command]);
        assert_eq!(done.code, Some(78), "{}", done.stdout);
        assert!(done.stderr.contains("guard init"), "{}", done.stderr);
        let object: Value = serde_json::from_str(&home.guard(&["policy", command, "--json"]).stdout).unwrap();
        assert_eq!(object["verdict"], "invalid");
    }
}
