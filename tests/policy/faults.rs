//! Every fault of a policy text is shown with its place, its line, a caret and advice, and all are shown at once.

use guard::decide::{Layer, Policy, Source, check_examples, locate_examples};
use guard::door::cli::policy::{Checked, check};

fn source(text: &str) -> Source {
    Source { layer: Layer::Project, name: "guard.toml".into(), text: text.into() }
}

fn faults(text: &str) -> String {
    match Policy::load(&[source(text)]) {
        Ok(_) => String::new(),
        Err(faults) => faults.to_string(),
    }
}

#[test]
fn all_faults_of_a_text_are_shown_at_once_in_the_order_of_its_lines() {
    let text = r#"version = 2
extend = ["python"]
supervision = "atended"
[shell]
whitelist = '^(python'
[limits]
timeout = 60
memory = "lots"
parallel = 0
[[rule]]
id = "Bad Id"
program = "rm"
verdict = "forbid"
reason = "x"
[[rule]]
id = "a"
program = "rm"
flags_any = ["v"]
args = ["a["]
verdict = "deny"
reason = "x"
timeout = "5s"
"#;
    insta::assert_snapshot!(faults(text), @r#"
    guard.toml:1:11: version 2 is not known
      |
    1 | version = 2
      |           ^
    help: this guard reads version 1

    guard.toml:2:1: unknown key `extend` in a policy
      |
    2 | extend = ["python"]
      | ^^^^^^
    help: did you mean `extends`?

    guard.toml:3:15: `supervision` cannot be "atended"
      |
    3 | supervision = "atended"
      |               ^^^^^^^^^
    help: did you mean "attended"?

    guard.toml:5:13: `whitelist` is not a regular expression: unclosed group
      |
    5 | whitelist = '^(python'
      |             ^^^^^^^^^^
    help: write program names as '^(python|pytest)'; the end of the name is implied

    guard.toml:7:11: `timeout` must be a duration, found a whole number
      |
    7 | timeout = 60
      |           ^^
    help: write it as "60s", "5min" or "1m30s"

    guard.toml:8:10: `memory` must be a size
      |
    8 | memory = "lots"
      |          ^^^^^^
    help: write it as "10MB" (decimal) or "1GiB" (binary)

    guard.toml:9:12: `parallel` must be a whole number from 1 up
      |
    9 | parallel = 0
      |            ^
    help: without quotes or unit

    guard.toml:11:6: `Bad Id` cannot be an id
       |
    11 | id = "Bad Id"
       |      ^^^^^^^^
    help: lower-case letters, digits and dashes; `guard:` in front is kept for built-in rules

    guard.toml:13:11: `verdict` cannot be "forbid"
       |
    13 | verdict = "forbid"
       |           ^^^^^^^^
    help: one of "allow", "ask", "deny"

    guard.toml:18:14: `v` in `flags_any` cannot be used: it is not one flag
       |
    18 | flags_any = ["v"]
       |              ^^^
    help: one flag as it is written, with its value if that matters: "--mode=live"

    guard.toml:19:9: `a[` in `args` cannot be used: unclosed character class; missing ']'
       |
    19 | args = ["a["]
       |         ^^^^
    help: `*` is any text, `?` a character, `[ab]` a choice; a backslash takes a character as it is

    guard.toml:22:1: `timeout` is for allowed commands only
       |
    22 | timeout = "5s"
       | ^^^^^^^
    help: leave `timeout` out, or set `verdict = "allow"`
    "#);
}

#[test]
fn a_text_that_is_not_toml_says_where() {
    insta::assert_snapshot!(faults("version = 1\n[limits\ntimeout = \"1s\"\n"), @r##"
    guard.toml:2:8: unclosed table, expected `]`
      |
    2 | [limits
      |        ^
    help: this is not TOML 1.1: see https://toml.io
    "##);
}

#[test]
fn unknown_presets_and_services_and_second_ids_are_faults() {
    let text = r#"version = 1
extends = ["pyton", "django"]
[[rule]]
id = "reads"
program = "x"
verdict = "allow"
reason = "a second one"
services = ["pg"]
network = "hosts"
"#;
    insta::assert_snapshot!(faults(text), @r##"
    guard.toml:2:12: no preset or pack is called `pyton`
      |
    2 | extends = ["pyton", "django"]
      |            ^^^^^^^
    help: did you mean "python"?

    guard.toml:2:21: no preset or pack is called `django`
      |
    2 | extends = ["pyton", "django"]
      |                     ^^^^^^^^
    help: one of "default", "python", "python-trading", or a pack (docs/policy.md)

    guard.toml:4:6: a second rule `reads`
      |
    4 | id = "reads"
      |      ^^^^^^^
    help: the first stands at policy/pack/reading.toml:6: give this one another id

    guard.toml:8:13: no service is called `pg`
      |
    8 | services = ["pg"]
      |             ^^^^
    help: add a [[service]] with that `name`, an `address` and a `kind`

    guard.toml:9:1: `network = "hosts"` without `hosts`
      |
    9 | network = "hosts"
      | ^^^^^^^
    help: name them: `hosts = ["pypi.org"]`
    "##);
}

#[test]
fn what_a_rule_or_service_lacks_is_named() {
    let text = r#"version = 1
[[rule]]
verdict = "deny"
[[rule]]
id = "b"
verdict = "deny"
reason = "everything"
[[service]]
name = "pg"
address = "localhost:5432"
[[service]]
name = "pg"
address = "127.0.0.1:5432"
kind = "postgres"
[[service]]
name = "pg"
address = "127.0.0.1:5433"
kind = "postgres"
"#;
    insta::assert_snapshot!(faults(text), @r##"
    guard.toml:2:1: a rule without `id`
      |
    2 | [[rule]]
      | ^^^^^^^^
    help: add `id = "…"`

    guard.toml:2:1: a rule without `reason`
      |
    2 | [[rule]]
      | ^^^^^^^^
    help: add `reason = "…"`

    guard.toml:4:1: a rule without a condition would match every command
      |
    4 | [[rule]]
      | ^^^^^^^^
    help: say what it looks for: `program`, `args`, `writes_to`, …

    guard.toml:8:1: a service without `kind`
      |
    8 | [[service]]
      | ^^^^^^^^^^^
    help: add `kind = "…"`

    guard.toml:10:11: `localhost:5432` is not an address and port
       |
    10 | address = "localhost:5432"
       |           ^^^^^^^^^^^^^^^^
    help: write it as "127.0.0.1:5432" or "[::1]:5432": names are not looked up

    guard.toml:16:8: a second service `pg`
       |
    16 | name = "pg"
       |        ^^^^
    help: the first stands in guard.toml: give this one another name
    "##);
}

#[test]
fn a_text_without_a_version_is_refused() {
    insta::assert_snapshot!(faults("observe = \"yes\"\nrule = 1\nshell = []\n"), @r##"
    guard.toml:1:1: no `version`
      |
    1 | observe = "yes"
      | ^
    help: begin with `version = 1`

    guard.toml:1:11: `observe` must be `true` or `false`, found a string
      |
    1 | observe = "yes"
      |           ^^^^^
    help: without quotes

    guard.toml:2:8: `rule` must be a list of tables, found a whole number
      |
    2 | rule = 1
      |        ^
    help: write each as [[rule]] on a line of its own

    guard.toml:3:9: `shell` must be a table, found a list
      |
    3 | shell = []
      |         ^^
    help: write it as [shell] on a line of its own
    "##);
}

#[test]
fn failing_examples_are_faults_with_the_example_s_place() {
    let text = r#"version = 1
[[rule]]
id = "no-downs"
program = "docker-compose"
subcommand = "down"
verdict = "deny"
reason = "x"
hits = ["docker-compose up"]
misses = ["docker-compose down"]
"#;
    let sources = [source(text)];
    let policy = Policy::load(&sources).unwrap();
    let failing = check_examples(&policy).unwrap_err();
    insta::assert_snapshot!(locate_examples(&failing, &sources).to_string(), @r##"
    guard.toml:8:9: `no-downs` does not match this example
      |
    8 | hits = ["docker-compose up"]
      |         ^^^^^^^^^^^^^^^^^^^
    help: change the example, or the rule's conditions; what matches: guard:not-listed

    guard.toml:9:11: `no-downs` matches this example
      |
    9 | misses = ["docker-compose down"]
      |           ^^^^^^^^^^^^^^^^^^^^^
    help: narrow the rule, or take the example out; what matches: no-downs
    "##);
}

#[test]
fn policy_check_writes_what_is_in_force() {
    let mut out = Vec::new();
    let text = "version = 1\nextends = [\"python\"]\n[[rule]]\nid = \"x\"\ntask = \"t\"\nprogram = \"x\"\n\
                verdict = \"allow\"\nreason = \"r\"\n";
    assert_eq!(check(&[source(text)], &mut out).unwrap(), Checked::Sound);
    let out = String::from_utf8(out).unwrap();
    let tail: Vec<&str> = out.lines().skip(3).collect();
    assert_eq!(
        tail,
        [
            "whitelist: ^(python|pytest|pylint|mypy|black|isort|pip) (policy/python.toml:9)",
            "supervision: attended",
            "fence: full",
            "timeout: 60 s",
            "note: guard.toml:4: `x` rests on `task`, which the caller chooses",
        ]
    );
    let mut out = Vec::new();
    assert_eq!(check(&[source("versin = 1\n")], &mut out).unwrap(), Checked::Faulty);
    let out = String::from_utf8(out).unwrap();
    assert!(out.ends_with("\n2 faults: nothing is allowed until mended\n"), "{out}");
}

#[test]
fn hostile_texts_are_refused_and_never_a_crash() {
    let deep = format!("version = 1\na = {}", "[".repeat(20_000));
    let long = format!("version = 1\nx = \"{}\"", "y".repeat(200_000));
    let texts = [
        "",
        "\0",
        "version",
        "version = 1\nversion = 1",
        "[[rule]]\n[rule]",
        "version = 1\u{feff}",
        "a.b.c = 1",
        &deep,
        &long,
    ];
    for text in texts {
        assert!(!faults(text).is_empty(), "{:.40}", text);
        assert!(faults(text).len() < 20_000, "{:.40}", text);
    }
    let dated = "version = 1\n[limits]\ntimeout = 2020-01-01\nmemory = 1.5\nparallel = -1\n";
    assert_eq!(faults(dated).matches("help:").count(), 3);
}
