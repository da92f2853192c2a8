//! `guard plan check` in a project: limits, commands, queries and names, by the policy as it stands.

use super::example;
use crate::cli::{Done, Home, done};
use serde_json::Value;
use std::os::unix::fs::symlink;

/// Puts programs of these names where only programs are: nothing of a plan is run by its check.
pub(super) fn tools(home: &Home, names: &[&str]) {
    let bin = home.path().join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    for name in names {
        symlink("/bin/true", bin.join(name)).unwrap();
    }
}

/// Calls guard with those programs in its PATH.
pub(super) fn guard(home: &Home, arguments: &[&str]) -> Done {
    let path = format!("{}:/usr/bin:/bin", home.path().join("bin").display());
    done(home.command(arguments).env("PATH", path))
}

fn project() -> Home {
    let home = Home::with("python-trading");
    tools(&home, &["python", "pylint", "mypy", "black", "pytest"]);
    home
}

/// Line, column and message of the faults or warnings of the example with some parts that read otherwise.
fn told(home: &Home, list: &str, changes: &[(&str, &str)]) -> Vec<String> {
    let mut text = example().to_owned();
    for (old, new) in changes {
        assert!(text.contains(old), "{old}");
        text = text.replacen(old, new, 1);
    }
    home.write("plan.toml", &text);
    let found = guard(home, &["plan", "check", "--json"]);
    let object: Value = serde_json::from_str(&found.stdout).expect(&found.stderr);
    let faulty = object["faults"].as_array().is_some_and(|faults| !faults.is_empty());
    assert_eq!((found.code, object["sound"].as_bool()), (Some(if faulty { 78 } else { 0 }), Some(!faulty)));
    let one = |fault: &Value| {
        let message = fault["message"].as_str().unwrap().split(" (rule").next().unwrap().to_owned();
        format!("{}:{}: {message}", fault["line"], fault["column"])
    };
    object[list].as_array().unwrap().iter().map(one).collect()
}

#[test]
fn what_could_never_work_in_this_project_is_a_fault() {
    let home = project();
    let table: &[(&str, &str, &str)] = &[
        ("pylint services/", "sudo ls", "31:9: it is refused by policy: takes rights that the command does not have"),
        ("mypy services/ --strict", "nosuchtool x", "32:9: the program `nosuchtool` is not there"),
        ("\"black --check .\"", "\"timeout 5 nosuchtool\"", "33:10: the program `nosuchtool` is not there"),
        ("run = [\"python\"", "run = [\"nosuchagent\"", "6:8: the agent's program `nosuchagent` is not there"),
        (
            "kind = \"command\"                # or \"claude\", \"codex\", \"script\"\nrun = [\"python\", \"agent.py\"]",
            "kind = \"codex\"",
            "5:1: the agent's program `codex` is not there",
        ),
        (
            "kind = \"command\"                # or \"claude\", \"codex\", \"script\"\nrun = [\"python\", \"agent.py\"]",
            "kind = \"script\"\nfile = \"actions.toml\"",
            "6:8: no file `actions.toml` is there",
        ),
        (
            "database = \"trades\"\ndescription",
            "database = \"trade\"\ndescription",
            "38:12: no database is called `trade`",
        ),
        (
            "database = \"trades\"\ndescription",
            "description",
            "36:1: a migration without `database`, and the policy has 2",
        ),
        (
            "database = \"trades\"\nquery = \"SELECT id",
            "database = \"ledger\"\nquery = \"SELECT id",
            "42:12: no database is called `ledger`",
        ),
        (
            "SELECT id FROM orders WHERE quantity < 0 LIMIT 1",
            "DELETE FROM orders",
            "43:9: a data validation only reads",
        ),
        ("SELECT id FROM", "SELEC id FROM", "43:9: it is not read as a query"),
        ("count(*)", "stddev(price)", "48:9: it is refused by policy: does statistics on the market or on trades"),
        ("duration = \"5min\"", "duration = \"50min\"", "52:11: it runs longer than the policy lets it, 360 s"),
        ("agent_runs = 20", "agent_runs = 40", "11:14: `agent_runs` is more than the policy's, 30"),
        ("agent_runs = 20", "agent_runs = 1", "11:14: 2 phases, and `agent_runs` is 1"),
        ("wall = \"4h\"", "wall = \"30h\"", "10:8: `wall` is more than the policy's, 8h"),
        ("wall = \"1h\"", "wall = \"5h\"", "60:8: `wall` is more than the plan's, 4h"),
        ("agent_runs = 4", "agent_runs = 31", "61:14: `agent_runs` is more than the plan's, 20"),
        ("silence = \"5min\"", "silence = \"1h 1s\"", "62:11: `silence` is more than the policy's, 10min"),
        ("attempts = { test = 2,", "attempts = { test = 4,", "63:21: `test` is more than the policy's, 3"),
        (
            "[limits]                        # of the whole loop\n",
            "[limits]\nattempts = { total = 1 }\n",
            "64:32: `total` is more than the plan's, 1",
        ),
        ("timeout = \"20min\"", "timeout = \"25h\"", "7:11: `timeout` is more than the policy's, 24h"),
    ];
    for (old, new, expected) in table {
        let found = told(&home, "faults", &[(old, new)]);
        assert!(found.iter().any(|fault| fault.starts_with(expected)), "{new}: {found:?}, not {expected}");
    }
    assert_eq!(told(&home, "faults", &[]), [] as [&str; 0]);
}

#[test]
fn what_a_person_will_be_asked_is_a_warning_that_names_the_rule() {
    let home = project();
    let found = told(
        &home,
        "warnings",
        &[("mypy services/ --strict", "bash tests/run.sh"), ("files = [\"services/signals.py\"", "files = [\"**\"")],
    );
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[0], "17:10: phase 2.2 may touch the plan, `plan.toml`");
    assert!(found[1].starts_with("32:9: a person will be asked: "), "{found:?}");
    let page = guard(&home, &["plan", "check"]);
    assert_eq!((page.code, page.stderr.as_str()), (Some(0), ""));
    assert!(
        page.stdout.contains("warning: plan.toml:32:9: a person will be asked") && page.stdout.contains("(rule `"),
        "{}",
        page.stdout
    );
}

#[test]
fn a_plan_is_judged_in_the_mode_of_its_phase() {
    let home = project();
    let text = home.read("guard.toml");
    home.write("guard.toml", &(text + "\n[[rule]]\nid = \"no-paper-lint\"\nprogram = \"pylint\"\nmode = \"paper\"\nverdict = \"deny\"\nreason = \"not now\"\n[[database]]\nname = \"solo\"\nkind = \"sqlite\"\nurl_env = \"SOLO_URL\"\n"));
    assert_eq!(told(&home, "faults", &[]), ["31:9: it is refused by policy: not now"]);
    assert_eq!(told(&home, "faults", &[("mode = \"paper\"", "mode = \"test\"")]), [] as [&str; 0]);
    let solo = "database = \"solo\"\nquery = \"SELECT id";
    let both = [("mode = \"paper\"", "mode = \"backtest\""), ("database = \"trades\"\nquery = \"SELECT id", solo)];
    assert_eq!(told(&home, "faults", &both), ["42:12: `solo` has no database for tests, which mode `backtest` asks"]);
    let page = guard(&home, &["plan", "check"]);
    assert_eq!(page.code, Some(78));
    home.write("plan.toml", &example().replace("pylint services/", "pytest"));
    let page = guard(&home, &["plan", "check"]);
    assert!(page.stdout.ends_with("policy: judged by guard.toml, which nobody has trusted as it stands\n"), "{page:?}");
}

#[test]
fn a_plan_is_found_by_its_name_and_checked_alone_without_a_project() {
    let home = Home::bare();
    let none = guard(&home, &["plan", "check"]);
    assert_eq!(none.code, Some(125));
    assert!(none.stderr.contains("no plan in") && none.stderr.contains("guard plan check FILE"), "{}", none.stderr);
    home.write(
        "plan.yaml",
        "version: 1\nagent: {kind: claude}\nphase: [{id: '1.1', description: d, files: a, checks: {tests: none}}]\n",
    );
    let alone = guard(&home, &["plan", "check"]);
    assert_eq!((alone.code, alone.stderr.as_str()), (Some(0), ""));
    assert!(
        alone.stdout.ends_with("policy: no project here, so only the plan itself was looked at\n"),
        "{}",
        alone.stdout
    );
    home.write("plan.toml", example());
    let several = guard(&home, &["plan", "check"]);
    assert!(several.code == Some(125) && several.stderr.contains("several plans"), "{}", several.stderr);
    let missing = guard(&home, &["plan", "check", "--json", "nowhere.toml"]);
    assert_eq!(missing.code, Some(125));
    assert_eq!(serde_json::from_str::<Value>(&missing.stdout).unwrap()["verdict"], "error");
    // Neither a pipe nor a folder is waited for.
    assert!(std::process::Command::new("mkfifo").arg(home.project.join("pipe.toml")).status().unwrap().success());
    for name in ["pipe.toml", "."] {
        assert_eq!(guard(&home, &["plan", "check", name]).code, Some(125), "{name}");
    }
}

#[test]
fn nothing_in_a_plan_reaches_the_terminal_as_it_is() {
    let home = Home::bare();
    home.write("plan.toml", "version = 1\nagent = { kind = \"claude\" }\n\"\\u001b[2Jkey\" = 1\n[[phase]]\nid = \"1.1\"\ndescription = \"\\u001b[31md\"\nfiles = \"/\\u001b[2J\"\nchecks = { tests = \"t\" }\n");
    for arguments in [&["plan", "check"][..], &["plan", "check", "--json"]] {
        let found = guard(&home, arguments);
        assert_eq!(found.code, Some(78));
        assert!(!(found.stdout + &found.stderr).contains('\u{1b}'));
    }
}
