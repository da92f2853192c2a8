//! `guard db` with real servers: what is answered, what is refused and by which rule, what is recorded and counted.
//! Source of the rules: the owner's specification, SKILL 3.

mod alpha;
mod answers;
mod bad_input;
mod bypasses;
mod engines;
mod modes;
mod records;
mod writes;

use crate::cli::{Done, Home, done};
use crate::servers::Database;
use serde_json::Value;

/// A project whose policy names one database, `shop`, with more said about it.
fn scene(kind: &str, url: &str, more: &str) -> Home {
    let home = Home::bare();
    let table = format!("[[database]]\nname = \"shop\"\nkind = \"{kind}\"\nurl_env = \"SHOP_URL\"\n{more}\n");
    home.write("guard.toml", &format!("version = 1\nextends = [\"python\"]\n{table}"));
    home.write(".env", &format!("SHOP_URL={url}\n"));
    let made = home.guard(&["init"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    home
}

/// The same with a fresh database of the real server, asked as the superuser.
fn as_superuser(database: &Database) -> Home {
    scene("postgres", &database.url("owner"), "posture = \"any\"")
}

/// What a query gives as JSON.
fn asked(home: &Home, sql: &str) -> (Done, Value) {
    let done = home.guard(&["db", "query", "--json", sql]);
    let value = serde_json::from_str(&done.stdout);
    assert!(value.is_ok(), "{sql}: {}{}", done.stdout, done.stderr);
    (done, value.unwrap())
}

/// The rules that refused it.
fn rules(value: &Value) -> Vec<&str> {
    value["rules"].as_array().into_iter().flatten().filter_map(|rule| rule["id"].as_str()).collect()
}

/// A call with this on standard input.
fn given(home: &Home, words: &[&str], input: &str) -> Done {
    done(home.command(words).write_stdin(input))
}

/// A call with these variables set.
fn set(home: &Home, variables: &[(&str, &str)], words: &[&str]) -> Done {
    done(home.command(words).envs(variables.iter().copied()))
}

/// A file of SQLite in the project, with these statements run in it.
fn sqlite(home: &Home, name: &str, setup: &str) -> std::path::PathBuf {
    let path = home.project.join(name);
    rusqlite::Connection::open(&path).unwrap().execute_batch(setup).unwrap();
    path
}
