//! What ALTER does: each of its actions by itself.

use super::acts::{Walk, is_shared, sort};
use super::{Act, Does};
use crate::action::query::{Word, WordSort};

/// What an `ALTER …` does; `walk` stands behind the verb.
pub(super) fn acts(mut walk: Walk<'_>) -> Vec<Act> {
    let sort = sort(&mut walk);
    let _if = walk.pass(&["if", "exists"]);
    let _only = walk.pass(&["only"]);
    if sort == "default privileges" {
        return vec![Act::new(Does::Rights("ALTER DEFAULT PRIVILEGES".into()), "")];
    }
    let to = walk.name();
    if is_shared(&sort) {
        return vec![Act::new(Does::Beyond(format!("ALTER {}", sort.to_uppercase())), to)];
    }
    let rest = match walk.rest() {
        [star, rest @ ..] if star.text == "*" => rest,
        rest => rest,
    };
    let is_table = matches!(sort.as_str(), "table" | "view" | "materialized view");
    let parts = rest.split(|word| word.text == "," && word.depth == 0);
    let mut acts = Vec::new();
    for part in parts {
        let (does, column) = match sort.as_str() {
            "type" if Walk::new(part).pass(&["add", "value"]) => (Does::AddValue, String::new()),
            _ if is_table => of_table(part),
            _ => other(&sort, part),
        };
        let whole = if column.is_empty() { to.clone() } else { format!("{to}.{column}") };
        acts.push(Act { does, on: to.clone(), to: whole });
    }
    acts
}

/// One action of ALTER TABLE, and the column it is about.
fn of_table(part: &[Word]) -> (Does, String) {
    let mut walk = Walk::new(part);
    if walk.pass(&["add"]) {
        return add(walk);
    }
    if walk.pass(&["drop", "constraint"]) {
        let _if = walk.pass(&["if", "exists"]);
        return (Does::DropConstraint, walk.name());
    }
    if walk.pass(&["drop"]) {
        let _column = walk.pass(&["column"]);
        let _if = walk.pass(&["if", "exists"]);
        return (Does::DropColumn, walk.name());
    }
    if walk.pass(&["rename"]) || walk.pass(&["set", "schema"]) {
        return (Does::Rename, String::new());
    }
    if walk.pass(&["validate", "constraint"]) || walk.pass(&["attach", "partition"]) {
        return (Does::Constrain, walk.name());
    }
    if walk.pass(&["disable"]) || walk.pass(&["no", "force", "row", "level", "security"]) {
        return (Does::Disable, String::new());
    }
    if walk.pass(&["owner", "to"]) {
        return (Does::Rights("OWNER TO".into()), String::new());
    }
    if walk.pass(&["alter", "constraint"]) {
        return (Does::Alter("ALTER CONSTRAINT".into()), walk.name());
    }
    if walk.pass(&["alter"]) {
        let _column = walk.pass(&["column"]);
        let column = walk.name();
        return (of_column(walk), column);
    }
    other("table", part)
}

fn of_column(mut walk: Walk<'_>) -> Does {
    if walk.pass(&["type"]) || walk.pass(&["set", "data", "type"]) {
        return Does::ColumnType;
    }
    if walk.pass(&["set", "not", "null"]) {
        return Does::SetNotNull;
    }
    let loosens = [&["drop", "not", "null"][..], &["set", "default"], &["drop", "default"], &["set", "statistics"]];
    if loosens.into_iter().any(|words| walk.pass(words)) {
        return Does::Loosen;
    }
    other("column", walk.rest()).0
}

fn other(of: &str, part: &[Word]) -> (Does, String) {
    let words = part.iter().take_while(|word| word.sort == WordSort::Plain).take(3);
    let words: Vec<String> = words.map(|word| word.text.to_uppercase()).collect();
    let first = words.first().map(String::as_str).unwrap_or_default();
    match first {
        "RENAME" => (Does::Rename, String::new()),
        "OWNER" => (Does::Rights("OWNER TO".into()), String::new()),
        _ => (Does::Alter(format!("ALTER {} … {}", of.to_uppercase(), words.join(" "))), String::new()),
    }
}

/// What begins a constraint where a column's name could stand.
const CONSTRAINTS: [&str; 7] = ["constraint", "check", "foreign", "unique", "primary", "exclude", "not"];

fn add(mut walk: Walk<'_>) -> (Does, String) {
    let said = walk.pass(&["column"]);
    let first = walk.rest().first().map(|word| word.text.clone()).unwrap_or_default();
    let plain = walk.rest().first().is_some_and(|word| word.sort == WordSort::Plain);
    if !said && plain && CONSTRAINTS.contains(&first.as_str()) {
        let later = walk.rest().windows(2).any(|pair| matches!(pair, [a, b] if a.text == "not" && b.text == "valid"));
        let name = if walk.pass(&["constraint"]) { walk.name() } else { String::new() };
        return (if later { Does::ConstrainLater } else { Does::Constrain }, name);
    }
    let _if = walk.pass(&["if", "not", "exists"]);
    let column = walk.name();
    let rest: Vec<&Word> = walk.rest().iter().filter(|word| word.depth == 0).collect();
    let has = |wanted: &str| rest.iter().any(|word| word.sort == WordSort::Plain && word.text == wanted);
    let pair =
        |one: &str, two: &str| rest.windows(2).any(|pair| matches!(pair, [a, b] if a.text == one && b.text == two));
    let default = walk.rest().iter().position(|word| word.depth == 0 && word.text == "default");
    let value = default.and_then(|at| walk.rest().get(at + 1..)).unwrap_or_default();
    let serial = walk.rest().first().is_some_and(|word| word.text.contains("serial"));
    let computes = serial || has("generated") || (default.is_some() && !is_constant(value));
    let constrained = ["check", "references", "unique", "primary", "constraint", "exclude"].into_iter().any(has);
    let demands = pair("not", "null") && default.is_none() && !serial && !has("generated");
    (Does::AddColumn { demands, computes, constrained }, column)
}

/// Whether a value is the same for every row, so that the server writes it once: a literal, a cast of one, the time.
fn is_constant(value: &[Word]) -> bool {
    let value = match value {
        [sign, rest @ ..] if sign.text == "-" || sign.text == "+" => rest,
        value => value,
    };
    let (Some(first), rest) = (value.first(), value.get(1..).unwrap_or_default()) else { return false };
    let named = ["true", "false", "null", "current_timestamp", "current_date", "current_time", "localtimestamp"];
    let rest = match rest {
        [open, close, rest @ ..] if first.text == "now" && open.text == "(" && close.text == ")" => rest,
        _ if first.sort == WordSort::Value || named.contains(&first.text.as_str()) => rest,
        _ => return false,
    };
    // A cast, and then whatever else there is to say of the column; no operator goes on with it.
    let mut signs = rest.iter().filter(|word| word.depth == 0 && word.sort == WordSort::Sign);
    signs.all(|word| matches!(word.text.as_str(), ":" | "(" | ")" | "[" | "]" | "." | ","))
}
