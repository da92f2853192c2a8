//! `--json`: exactly one object, whatever happens.

use super::Home;
use serde_json::{Value, json};

/// The one object that was printed, with what differs between runs replaced by its kind.
fn object(done: &super::Done) -> Value {
    assert_eq!(done.stderr, "", "with --json nothing is said on stderr");
    assert_eq!(done.stdout.lines().count(), 1, "{}", done.stdout);
    let mut object: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(object["exit_code"].as_i64().map(|code| code as i32), done.code);
    for (pointer, kind) in [("/log/hash", "HASH"), ("/duration_ms", "MS"), ("/log/seq", "SEQ")] {
        if let Some(value) = object.pointer_mut(pointer).filter(|value| !value.is_null()) {
            *value = json!(kind);
        }
    }
    for rule in object["rules"].as_array_mut().unwrap() {
        for key in ["reason", "instead", "at"] {
            assert!(rule[key].is_string() || rule[key].is_null(), "{rule}");
            rule[key] = json!(key.to_uppercase());
        }
    }
    object
}

#[test]
fn a_run_is_one_object() {
    let home = Home::with("python");
    let done = home.guard(&[
        "exec",
        "--json",
        "--",
        "python3",
        "-c",
        "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)",
    ]);
    let mut found = object(&done);
    found["rules"] = json!([]);
    assert_eq!(
        found,
        json!({
            "verdict": "allow", "exit_code": 3, "signal": null, "timed_out": false, "limit": null, "rules": [],
            "request": null, "stdout": "out\n", "stderr": "err\n", "truncated": false, "duration_ms": "MS",
            "fence": {"level": "full", "missing": []}, "log": {"seq": "SEQ", "hash": "HASH"}, "error": null,
            "proves": null, "category": null, "failures": null, "attempts": null, "hint": null, "halted": null,
            "changes": null
        })
    );
}

#[test]
fn a_refusal_is_one_object_with_its_rules() {
    let home = Home::with("python");
    let found = object(&home.guard(&["exec", "--json", "--", "sudo", "true"]));
    assert_eq!(found["verdict"], "deny");
    assert_eq!(found["exit_code"], 126);
    assert_eq!(found["rules"][0]["verdict"], "deny");
    assert_eq!(found["stdout"], Value::Null);
    assert_eq!(found["log"]["hash"], "HASH");
    let asked = object(&home.guard(&["exec", "--json", "-c", "truncate -s 0 data.csv"]));
    assert_eq!((&asked["verdict"], &asked["exit_code"]), (&json!("ask"), &json!(75)));
}

#[test]
fn a_timeout_and_a_signal_say_so() {
    let home = Home::with("python");
    let timed_out = object(&home.guard(&["exec", "--json", "--timeout", "0.3", "--", "sleep", "60"]));
    assert_eq!((&timed_out["timed_out"], &timed_out["exit_code"]), (&json!(true), &json!(124)));
    let signalled = object(&home.guard(&["exec", "--json", "--", "python3", "-c", "import os; os.abort()"]));
    assert_eq!((&signalled["signal"], &signalled["exit_code"]), (&json!(6), &json!(134)));
}

#[test]
fn output_that_is_not_text_comes_as_base64_and_long_output_is_cut_in_the_middle() {
    let home = Home::with("python");
    let binary =
        object(&home.guard(&["exec", "--json", "--", "python3", "-c", "import os; os.write(1, b'\\xff\\xfe')"]));
    assert_eq!((&binary["stdout"], &binary["stdout_b64"]), (&Value::Null, &json!("//4=")));
    let long = object(&home.guard(&["exec", "--json", "--", "python3", "-c", "print('a' * 3_000_000 + 'z')"]));
    assert_eq!(long["truncated"], true);
    let text = long["stdout"].as_str().unwrap();
    assert!(text.len() <= (1 << 20) + 200 && text.starts_with("aaa") && text.ends_with("z\n"));
}

#[test]
fn errors_are_one_object_too() {
    let home = Home::bare();
    let nowhere = object(&home.guard(&["exec", "--json", "--", "ls"]));
    assert_eq!((&nowhere["verdict"], &nowhere["exit_code"]), (&json!("invalid"), &json!(78)));
    assert!(nowhere["error"]["message"].as_str().unwrap().contains("no `guard.toml`"));
    assert!(nowhere["error"]["help"].as_str().unwrap().contains("guard init"));

    let home = Home::with("python");
    let missing = object(&home.guard(&["exec", "--json", "--", "python3.99"]));
    assert_eq!((&missing["verdict"], &missing["exit_code"]), (&json!("error"), &json!(127)));
    let usage = object(&home.guard(&["exec", "--json", "--no-such-flag", "--", "ls"]));
    assert_eq!((&usage["verdict"], &usage["exit_code"]), (&json!("error"), &json!(125)));
}

#[test]
fn an_object_that_cannot_be_written_is_a_failure() {
    let home = Home::with("python");
    let script = format!("{} exec --json -- true > /dev/full; echo $?", env!("CARGO_BIN_EXE_guard"));
    let mut command = assert_cmd::Command::new("sh");
    command.args(["-c", &script]).env("HOME", home.path()).current_dir(&home.project);
    let found = super::done(&mut command);
    assert_eq!(found.stdout, "125\n", "{}", found.stderr);
}
