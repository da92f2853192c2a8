//! Plans: reading, checking, importing, and what docs say of them.

mod check;
mod docs;
mod faults;
mod import;
mod read;
mod schema;

use guard::decide::policy::Fault;
use guard::supervise::plan::{Plan, read};

/// The example of docs/plan.md.
pub(crate) fn example() -> &'static str {
    let page = include_str!("../../docs/plan.md");
    page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap()
}

/// A plan that has no faults.
fn plan(name: &str, text: &str) -> Plan {
    read(name, text.as_bytes()).map_err(|faults| said(&faults)).unwrap()
}

fn said(faults: &[Fault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Line, column and message of every fault.
fn faults(name: &str, text: &str) -> Vec<String> {
    let faults = read(name, text.as_bytes()).err().unwrap_or_default();
    faults.iter().map(|fault| format!("{}:{}: {}", fault.line, fault.column, fault.message)).collect()
}
