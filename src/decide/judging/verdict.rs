//! The verdict: the strictest of what matched, after allowing rules answered what packs only ask; and its wording.
//! Knows nothing of commands.

use super::hit::{By, Hit, Part};
use super::{Ground, built_in, grant};
use crate::action::shell::Tri;
use crate::decide::compose::Call;
use crate::decide::policy::{Layer, Rule, Runner, Supervision};
use crate::decide::{Match, Verdict};
use std::collections::HashSet;

/// An allow that may answer an ask.
struct Answer {
    command: usize,
    part: Part,
    rule: usize,
}

impl Ground<'_> {
    /// A runner works outside the fence, so that it takes one command, nothing beside it, and only what it can write
    /// itself: that call.
    pub(super) fn runner(self, hits: &mut Vec<Hit>) -> Option<Call> {
        let mut given = hits.iter().filter_map(|hit| match hit.by {
            By::Rule(number, _) if hit.verdict == Verdict::Allow => self.policy.rule(number)?.gives.runner,
            By::Rule(..) | By::Whitelist(_) | By::Own(..) => None,
        });
        match given.next()? {
            Runner::Compose => {}
        }
        let command = match self.shell.commands() {
            [command] if grant::stands_alone(self.shell) => command,
            _ => {
                hits.push(Hit::own(&built_in::NOT_ALONE, String::new(), None));
                return None;
            }
        };
        match Call::read(command, self.facts) {
            Ok(call) => {
                hits.push(Hit::own(&built_in::RUNNER, String::new(), Some(0)));
                Some(call)
            }
            Err(what) => {
                hits.push(Hit::own(&built_in::NOT_PASSED_ON, what, Some(0)));
                None
            }
        }
    }

    /// Lets allowing rules answer asks of the packs, and finds the strictest of what is left.
    pub(super) fn verdict(self, hits: &mut Vec<Hit>) -> Verdict {
        let answers = self.answers(hits);
        if !answers.is_empty() {
            for hit in hits.iter_mut() {
                hit.overruled = self.answer(hit, &answers);
            }
        }
        let strictest = |hits: &[Hit]| {
            let standing = hits.iter().filter(|hit| hit.overruled.is_none());
            standing.max_by_key(|hit| hit.verdict).map(|hit| (hit.verdict, self.reason(hit)))
        };
        let verdict = strictest(hits);
        match (verdict, self.policy.settings().supervision) {
            (Some((Verdict::Ask, reason)), Supervision::Unattended) => {
                hits.push(Hit::own(&built_in::UNATTENDED, reason, None));
                Verdict::Deny
            }
            (Some((verdict, _)), _) => verdict,
            (None, _) => Verdict::Ask,
        }
    }

    /// Everything an allowing rule above the packs said, in order of the commands.
    fn answers(self, hits: &[Hit]) -> Vec<Answer> {
        let answers = hits.iter().filter_map(|hit| match hit.by {
            By::Rule(rule, _) if hit.verdict == Verdict::Allow => {
                let above = self.policy.rule(rule)?.layer != Layer::BuiltIn;
                above.then_some(Answer { command: hit.command?, part: hit.part, rule })
            }
            By::Rule(..) | By::Whitelist(_) | By::Own(..) => None,
        });
        let mut answers: Vec<Answer> = answers.collect();
        answers.sort_by_key(|answer| answer.command);
        answers
    }

    /// The rule that answers this ask of a pack: one for the same part of the same command, that looks at what the
    /// asking rule looks at.
    fn answer(self, ask: &Hit, answers: &[Answer]) -> Option<usize> {
        let By::Rule(asking, Tri::Yes) = ask.by else { return None };
        let asking = self.policy.rule(asking)?;
        let command = ask.command?;
        if ask.verdict != Verdict::Ask || asking.layer != Layer::BuiltIn {
            return None;
        }
        let from = answers.partition_point(|answer| answer.command < command);
        let same = answers.iter().skip(from).take_while(|answer| answer.command == command);
        let mut rules = same.filter(|answer| answer.part == ask.part).map(|answer| answer.rule);
        rules.find(|rule| self.policy.rule(*rule).is_some_and(|allowing| looks_at_least_at(allowing, asking)))
    }

    /// What a person reads: strictest first, then in order of the commands; answered asks last.
    pub(super) fn matches(self, mut hits: Vec<Hit>) -> Vec<Match> {
        hits.sort_by_key(|hit| {
            let command = hit.command.map_or(0, |number| number + 1);
            (hit.overruled.is_some(), std::cmp::Reverse(hit.verdict), command)
        });
        let mut seen: HashSet<(Option<usize>, String, String)> = HashSet::new();
        let found = hits.iter().filter_map(|hit| self.found(hit));
        found.filter(|found| seen.insert((found.command, found.id.clone(), found.reason.clone()))).collect()
    }

    fn found(self, hit: &Hit) -> Option<Match> {
        let overruled = hit.overruled.and_then(|number| Some(self.policy.text(number)?.id));
        let (id, reason, instead, at) = match &hit.by {
            By::Rule(number, answer) => {
                let text = self.policy.text(*number)?;
                let doubt = *answer == Tri::Unknown;
                let reason =
                    if doubt { format!("only the run will tell whether it {}", text.reason) } else { text.reason };
                (text.id, reason, text.instead, text.at)
            }
            By::Whitelist(number) => {
                let list = self.policy.settings().whitelists.get(*number)?;
                ("guard:whitelist".to_owned(), "is on the whitelist".to_owned(), None, list.at().to_owned())
            }
            By::Own(own, what) => own.said(what),
        };
        Some(Match { id, verdict: hit.verdict, reason, instead, at, command: hit.command, overruled })
    }

    fn reason(self, hit: &Hit) -> String {
        self.found(hit).map(|found| format!("`{}` asks: {}", found.id, found.reason)).unwrap_or_default()
    }
}

/// Whether `allowing` looks at the same aspects around a command's arguments as `asking`: a rule that says nothing
/// of variables does not answer one that asks because of a variable.
fn looks_at_least_at(allowing: &Rule, asking: &Rule) -> bool {
    let (allow, ask) = (&allowing.when, &asking.when);
    let aspect = |asked: bool, allowed: bool| !asked || allowed;
    aspect(!ask.assigns.is_empty(), !allow.assigns.is_empty())
        && aspect(!ask.wrapped.is_empty(), !allow.wrapped.is_empty())
        && aspect(!ask.reads.is_empty(), !allow.reads.is_empty())
        && aspect(!ask.writes_to.is_empty(), !allow.writes_to.is_empty())
        && aspect(!ask.removes.is_empty(), !allow.removes.is_empty() || !allow.writes_to.is_empty())
        && aspect(!ask.code.is_empty(), !allow.code.is_empty())
        && aspect(!ask.beside.is_empty(), !allow.beside.is_empty())
        && aspect(!ask.url.is_empty(), !allow.url.is_empty())
        && aspect(ask.stdin.is_some(), allow.stdin.is_some())
        && aspect(ask.unprovable.is_some(), allow.unprovable.is_some())
}
