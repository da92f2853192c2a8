//! Rules that nearly match: for whoever asks why a command is judged as it is.
//! Takes no part in any judgement.

use super::condition;
use super::paths::Places;
use super::subject::Subject;
use super::{Ground, Verdict};
use crate::action::shell::Tri;
use crate::action::{Action, Facts};
use crate::decide::policy::{Has, Layer, Policy};

/// A rule for the program of a command that does not match it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Near {
    /// Which of the action's commands.
    pub command: usize,
    /// The rule.
    pub id: String,
    /// What it says.
    pub verdict: Verdict,
    /// Its layer.
    pub layer: Layer,
    /// Why it is there.
    pub reason: String,
    /// Where it stands.
    pub at: String,
    /// What does not hold: the keys of its conditions. None: all of them hold, but an allowing rule does not count
    /// for a module that python runs.
    pub failed: Vec<Failed>,
}

/// A condition that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed {
    /// Its key in the rule.
    pub key: &'static str,
    /// Whether only the run will tell, which is not enough to allow.
    pub doubt: bool,
}

/// The rules that name the program of a command and do not match it: of presets those that one condition keeps from
/// it, other than the subcommand; of other layers all. Nearest first within each layer, the person's own layers first.
pub fn nearly(action: &Action, facts: &Facts, policy: &Policy) -> Vec<Near> {
    let Action::Shell(shell) = action;
    let ground = Ground { facts, policy, shell };
    let mut found: Vec<Near> = Vec::new();
    for (number, command) in shell.commands().iter().enumerate() {
        let mut matched: Vec<usize> = Vec::new();
        let mut near: Vec<(usize, Near)> = Vec::new();
        for guise in Subject::new(ground, command).guises() {
            let places = Places::new(ground, &guise.command, &guise.names);
            for rule in policy.candidates(guise.names.iter().map(String::as_str), Has::default()) {
                match ground.near(&guise, &places, number, rule) {
                    Some(one) => near.push((rule, one)),
                    None => matched.push(rule),
                }
            }
        }
        for (rule, one) in near {
            let known = found.iter().any(|other| other.command == one.command && other.id == one.id);
            if !matched.contains(&rule) && !known {
                found.push(one);
            }
        }
    }
    found.sort_by_key(|near| (near.command, std::cmp::Reverse(near.layer), near.failed.len(), near.verdict));
    found
}

impl Ground<'_> {
    /// The rule, if it nearly means the subject. `None`: it means it, or something else altogether.
    fn near(self, subject: &Subject<'_>, places: &Places<'_>, command: usize, number: usize) -> Option<Near> {
        let rule = self.policy.rule(number)?;
        let mut failed = Vec::new();
        condition::each(self, subject, places, rule, &mut |key, answer| {
            match answer {
                Tri::Yes => {}
                Tri::No => failed.push(Failed { key, doubt: false }),
                Tri::Unknown if rule.verdict == Verdict::Allow => failed.push(Failed { key, doubt: true }),
                Tri::Unknown => {}
            }
            true
        });
        let other = rule.when.programs.is_empty() || failed.iter().any(|failed| failed.key == "program");
        let module = failed.is_empty() && rule.verdict == Verdict::Allow && !subject.allowable;
        if other || failed.is_empty() && !module {
            return None;
        }
        let one = failed.len() <= 1 && failed.iter().all(|failed| failed.key != "subcommand");
        if rule.layer == Layer::BuiltIn && !one {
            return None;
        }
        let text = self.policy.text(number)?;
        let (verdict, layer) = (rule.verdict, rule.layer);
        Some(Near { command, id: text.id, verdict, layer, reason: text.reason, at: text.at, failed })
    }
}
