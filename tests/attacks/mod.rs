//! The attacks that pass a regex on raw text, one by one: what guard decides, and by which rule.
//!
//! Source: the project's own list of 78 attacks, of which 71 passed the naive regex (SANDBOX.md, "Attacks"); each test names
//! the line of that list it stands for. Here is the half that judging can do. What no judgement sees is the fence's, and
//! is tested there: delayed effects (`.git/config`, hooks, a renamed `.git`) and code that a test runs, in
//! tests/fence/escapes.rs; MPTCP, FASTOPEN, UDP, AF_UNIX, TIOCSTI, io_uring in tests/fence/escapes.rs; daemons and fork storms
//! in tests/fence/ending.rs.

mod guises;
mod names;
mod python;
mod shell;
mod tools;

use guard::action::shell::Shell;
use guard::action::{Action, Facts};
use guard::decide::{Judgement, Layer, Policy, Source, Verdict, example_environment, example_facts, judge};
use guard::event::State;
use std::sync::OnceLock;

/// A command, the verdict it must get, and the rule that must be among those that decided.
type Row<'r> = (&'r str, Verdict, &'r str);

fn policy(preset: &str) -> Policy {
    let text = format!("version = 1\nextends = [\"{preset}\"]\n");
    Policy::load(&[Source { layer: Layer::Project, name: "guard.toml".into(), text }]).unwrap()
}

fn python() -> &'static Policy {
    static POLICY: OnceLock<Policy> = OnceLock::new();
    POLICY.get_or_init(|| policy("python"))
}

fn trading() -> &'static Policy {
    static POLICY: OnceLock<Policy> = OnceLock::new();
    POLICY.get_or_init(|| policy("python-trading"))
}

/// The judgement of a line in the made-up world of examples, where `change` changes it.
fn judged_in(policy: &Policy, line: &str, change: impl FnOnce(&mut Facts)) -> Judgement {
    let shell = Shell::from_line_in(line.into(), &example_environment());
    let mut facts = example_facts(&shell);
    change(&mut facts);
    judge(Action::Shell(shell), &facts, &State::default(), policy)
}

fn judged(policy: &Policy, line: &str) -> Judgement {
    judged_in(policy, line, |_| {})
}

/// The verdict of a judgement and the rules that carry it.
fn decided(judgement: &Judgement) -> (Verdict, Vec<&str>) {
    let verdict = judgement.verdict();
    let deciding = judgement.matches().iter().filter(|found| found.verdict == verdict && found.overruled.is_none());
    (verdict, deciding.map(|found| found.id.as_str()).collect())
}

/// Every row comes out as written under both presets.
fn decide_so(rows: &[Row<'_>]) {
    for policy in [python(), trading()] {
        decide_so_under(policy, rows);
    }
}

fn decide_so_under(policy: &Policy, rows: &[Row<'_>]) {
    for (line, verdict, rule) in rows {
        let judgement = judged(policy, line);
        let (found, rules) = decided(&judgement);
        assert_eq!((*line, found), (*line, *verdict), "decided by {rules:?}");
        assert!(rules.contains(rule), "{line}: decided by {rules:?}, not `{rule}`");
    }
}
