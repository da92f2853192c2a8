//! What the tests of this topic share: texts as layers, and judgements in the made-up world of examples.

use guard::action::shell::Shell;
use guard::action::{Action, Facts};
use guard::decide::{Judgement, Layer, Policy, Source, Verdict, example_environment, example_facts, judge};
use guard::event::State;

pub(crate) fn source(layer: Layer, text: &str) -> Source {
    let name = match layer {
        Layer::BuiltIn => "preset",
        Layer::Machine => "/etc/guard/policy.toml",
        Layer::Person => "policy.toml",
        Layer::Project => "guard.toml",
    };
    Source { layer, name: name.into(), text: format!("version = 1\n{text}") }
}

pub(crate) fn policy(layers: &[(Layer, &str)]) -> Policy {
    let sources: Vec<Source> = layers.iter().map(|(layer, text)| source(*layer, text)).collect();
    Policy::load(&sources).unwrap_or_else(|faults| panic!("{faults}"))
}

pub(crate) fn preset(name: &str) -> Policy {
    policy(&[(Layer::Project, &format!("extends = [\"{name}\"]"))])
}

pub(crate) fn line(policy: &Policy, line: &str) -> Judgement {
    let shell = Shell::from_line_in(line.into(), &example_environment());
    let facts = example_facts(&shell);
    judge(Action::Shell(shell), &facts, &State::default(), policy)
}

pub(crate) fn argv(policy: &Policy, words: &[&str]) -> Judgement {
    argv_in(policy, words, |_| {})
}

/// As [`argv`], in a world that `change` changes first.
pub(crate) fn argv_in(policy: &Policy, words: &[&str], change: impl FnOnce(&mut Facts)) -> Judgement {
    let shell = Shell::from_argv(words.iter().map(Into::into).collect());
    let mut facts = example_facts(&shell);
    change(&mut facts);
    judge(Action::Shell(shell), &facts, &State::default(), policy)
}

/// The verdict and the ids of what matched, strictest first.
pub(crate) fn answer(judgement: &Judgement) -> (Verdict, Vec<&str>) {
    (judgement.verdict(), judgement.matches().iter().map(|found| found.id.as_str()).collect())
}
