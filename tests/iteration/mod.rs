//! Iterations: how many files may change before a green check, what belongs together, and who closes one. Source of the rules:
//! the owner's specification, SKILL 1 ("Atomic Modification Rule", "Forbidden Operations").

mod agents;
mod alembic;
mod bounds;
mod closing;
mod model;
mod races;

use crate::cli::{Done, Home, PATIENT};
use serde_json::Value;

/// Commands that are checks without a tool: what ends with 0 is green.
const CHECKS: &str = "
[[rule]]
id = \"check-green\"
program = \"true\"
verdict = \"allow\"
check = \"format\"
reason = \"tests\"

[[rule]]
id = \"check-red\"
program = \"false\"
verdict = \"allow\"
check = \"format\"
reason = \"tests\"

[[rule]]
id = \"check-slow\"
program = \"sleep\"
verdict = \"allow\"
check = \"format\"
reason = \"tests\"
";

/// A project of the trading preset with these files in it, and more said in its policy.
fn scene(files: &[&str], policy: &str) -> Home {
    let home = Home::bare();
    let head = "version = 1\nextends = [\"python-trading\"]\nsupervision = \"attended\"\n";
    home.write("guard.toml", &format!("{head}{PATIENT}{policy}{CHECKS}"));
    files.iter().for_each(|file| home.write(file, "1\n"));
    let made = home.guard(&["init"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    home
}

/// One command that adds a line to each of these files.
fn change(home: &Home, files: &[&str]) -> Value {
    let line: Vec<String> = files.iter().map(|file| format!("echo 7 >> {file}")).collect();
    exec(home, &["-c", &line.join("; ")])
}

/// What `exec --json` says.
fn exec(home: &Home, words: &[&str]) -> Value {
    let done = home.guard(&[&["exec", "--json"], words].concat());
    serde_json::from_str(&done.stdout).expect("one object is printed")
}

/// The rules that kept changes out, and none where they came in.
fn kept_out(told: &Value) -> Vec<&str> {
    let changes = &told["changes"];
    assert!(changes.is_object(), "{told}");
    let ids = || changes["rules"].as_array().unwrap().iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    if changes["committed"] == true { Vec::new() } else { ids() }
}

#[track_caller]
fn comes_in(home: &Home, files: &[&str]) {
    let told = change(home, files);
    assert_eq!(kept_out(&told), [] as [&str; 0], "{told}");
}

#[track_caller]
fn stays_out(home: &Home, files: &[&str], rule: &str) -> Value {
    let told = change(home, files);
    assert_eq!(kept_out(&told), [rule], "{told}");
    told
}

fn green(home: &Home) {
    assert_eq!(home.guard(&["exec", "--", "true"]).code, Some(0));
}

fn close(home: &Home) -> Done {
    home.guard(&["iteration", "close"])
}

#[track_caller]
fn closes(home: &Home) {
    green(home);
    let done = close(home);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
}

fn status(home: &Home) -> Value {
    let done = home.guard(&["iteration", "status", "--json"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    serde_json::from_str(&done.stdout).unwrap()
}

/// The files that count, and how many more.
fn counted(home: &Home) -> (Vec<String>, u64) {
    let open = &status(home)["open"];
    if open.is_null() {
        return (Vec::new(), 0);
    }
    let names = open["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap().to_owned()).collect();
    (names, open["more"].as_u64().unwrap())
}

/// The number of the last record of an event.
fn last(home: &Home, event: &str) -> u64 {
    let log = home.log();
    let line = log.lines().rev().find(|line| line.contains(&format!("\"event\":\"{event}\""))).unwrap();
    line.rsplit(' ').nth(2).unwrap().trim_start_matches('#').parse().unwrap()
}
