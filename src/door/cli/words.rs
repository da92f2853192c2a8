//! Sentences that more than one subcommand says: lists, counts, and what an allowed command gets.
//! Knows no layout.

use crate::decide::policy::{Network, Runner, Writes};
use crate::decide::{Grant, Layer};

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed(items: &[String], last: &str) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [before @ .., end] => format!("{} {last} {end}", before.join(", ")),
    }
}

/// Each in backticks.
pub(super) fn quoted<'a>(items: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    items.into_iter().map(|item| format!("`{item}`")).collect()
}

/// `1 rule`, `2 rules`.
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// A layer's name in JSON.
pub(super) fn layer(layer: Layer) -> &'static str {
    match layer {
        Layer::BuiltIn => "preset",
        Layer::Machine => "machine",
        Layer::Person => "person",
        Layer::Project => "project",
    }
}

/// What an allowed command gets, as one sentence without its full stop; `program`: what is run.
pub(super) fn granted(grant: &Grant, program: Option<&str>) -> String {
    let run = program.map_or_else(|| "runs".to_owned(), |program| format!("runs {program}"));
    let mut parts = vec![match grant.runner {
        Some(Runner::Compose) => format!("{run} by guard's own runner, outside the fence"),
        None => format!("{run} fenced"),
    }];
    parts.push(format!("for at most {} s", grant.timeout.as_secs_f64()));
    match grant.network {
        // What every fence gives is not said.
        Network::None | Network::Loopback => {}
        Network::Hosts => parts.push(format!("reaches {}", listed(&quoted(&grant.hosts), "and"))),
    }
    if !grant.services.is_empty() {
        parts.push(format!("is let through to {}", listed(&quoted(&grant.services), "and")));
    }
    if !grant.env.is_empty() {
        parts.push(format!("is given {}", listed(&quoted(&grant.env), "and")));
    }
    if grant.dotenv {
        parts.push("may read the project's `.env` files".into());
    }
    if let Some(check) = grant.check {
        parts.push(format!("counts as a {} check", check.word()));
    }
    parts.push(
        match (grant.writes, grant.area) {
            (false, _) => "sees the project read-only",
            (true, Writes::Git) => "may write to the project and what a commit changes in `.git`",
            (true, Writes::Venv) => "may write to the project and to a virtual environment",
            (true, Writes::Nothing | Writes::Project) => "may write to the project",
        }
        .into(),
    );
    match parts.pop() {
        Some(last) => format!("{}, and {last}", parts.join(", ")),
        None => run,
    }
}
