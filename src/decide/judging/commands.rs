//! One command against every rule that could mean it, its redirections and wrappers included.
//! Knows no order of verdicts.

use super::built_in;
use super::hit::{By, Hit};
use super::paths::Places;
use super::subject::{Standing, Subject};
use super::{Ground, condition, paths, shown, word};
use crate::action::shell::{Command, Kind, Tri};
use crate::decide::policy::{Has, Layer};
use crate::decide::{Checking, Verdict};

impl Ground<'_> {
    /// Everything that matches one command of the action.
    pub(super) fn command(self, number: usize, command: &Command, hits: &mut Vec<Hit>) {
        let first = hits.len();
        let at = Some(number);
        let subject = Subject { number: at, ..Subject::new(self, command) };
        for guise in subject.clone().guises() {
            self.rules(&guise, at, guise.allowable, hits);
        }
        let allowed = |hits: &[Hit]| hits.iter().skip(first).any(|hit| hit.verdict == Verdict::Allow);
        let spoken = |hits: &[Hit]| hits.len() > first;
        match &subject.standing {
            Standing::NoProgram => hits.push(Hit::own(&built_in::ASSIGNMENT, String::new(), at)),
            Standing::Function => hits.push(Hit::own(&built_in::FUNCTION, String::new(), at)),
            Standing::Builtin => {
                if built_in::is_harmless(command) {
                    hits.push(Hit::own(&built_in::BUILTIN, format!("`{}`", command.name()), at));
                } else if !spoken(hits) {
                    hits.push(Hit::own(&built_in::BUILTIN_ASKS, format!("`{}`", command.name()), at));
                }
            }
            Standing::Unknown => {
                let unproven = self.shell.unproven().iter();
                if !unproven.into_iter().any(|u| u.span.start < command.span.end && command.span.start < u.span.end) {
                    let what = format!("which program `{}` is", shown(command.text(self.shell)));
                    hits.push(Hit::own(&built_in::UNPROVEN, what, at));
                }
            }
            Standing::Missing => {
                hits.push(Hit::own(built_in::missing(self.shell), format!("`{}`", word(command)), at));
            }
            Standing::Unusable(cause) => {
                let what = format!("`{}`: {cause}", word(command));
                hits.push(Hit::own(built_in::unusable(self.shell), what, at));
            }
            Standing::Writable => {
                if !allowed(hits) {
                    hits.push(Hit::own(&built_in::PROGRAM_IN_PROJECT, format!("`{}`", word(command)), at));
                }
            }
            Standing::Program | Standing::Absent => {
                self.whitelist(&subject, at, hits);
                let installed = subject.standing == Standing::Program;
                if !spoken(hits) && installed && built_in::only_tells(command) {
                    hits.push(Hit::own(&built_in::TELLS, format!("`{}`", word(command)), at));
                } else if !spoken(hits) {
                    hits.push(Hit::own(&built_in::NOT_LISTED, format!("`{}`", subject.shown()), at));
                }
            }
        }
        self.redirects(command, at, hits);
        self.wrappers(command, at, hits);
    }

    /// The check that a rule calls the command, by any of its names: those that prove nothing and so allow nothing
    /// (`python -m pytest`, a program in the project) are names of what fails all the same.
    pub(super) fn checking(self, number: usize, command: &Command) -> Option<Checking> {
        let command = self.placed(command);
        let mut found: Option<(Layer, Checking)> = None;
        for guise in Subject::new(self, &command).guises() {
            let writable = guise.standing == Standing::Writable;
            let proven = if writable { Standing::Program } else { guise.standing.clone() };
            let guise = Subject { standing: proven, ..guise };
            let places = Places::new(self, &guise.command, &guise.names);
            let has = Has { assigns: !command.assigns.is_empty(), wrappers: !command.wrappers.is_empty(), paths: true };
            for candidate in self.policy.candidates(guise.names.iter().map(String::as_str), has) {
                let Some(rule) = self.policy.rule(candidate) else { continue };
                let Some(check) = rule.gives.check.filter(|_| found.as_ref().is_none_or(|(l, _)| *l < rule.layer))
                else {
                    continue;
                };
                if condition::holds(self, &guise, &places, rule) == Tri::Yes
                    && let Some(text) = self.policy.text(candidate)
                {
                    found = Some((rule.layer, Checking { command: number, rule: text.id, check }));
                }
            }
        }
        found.map(|(_, checking)| checking)
    }

    /// A command that may be started although that is not proved: only what denies or asks counts.
    pub(super) fn suspect(self, command: &Command, hits: &mut Vec<Hit>) {
        let first = hits.len();
        for guise in Subject::new(self, command).guises() {
            self.rules(&guise, None, false, hits);
        }
        for (number, wrapper) in command.wrappers.iter().enumerate() {
            self.rules(&Subject::wrapper(self, command, number, wrapper), None, false, hits);
        }
        paths::redirects(self, command, None, hits);
        let mut number = 0;
        hits.retain(|hit| {
            number += 1;
            number <= first || hit.verdict != Verdict::Allow
        });
    }

    /// Every rule that matches the subject. Of allowing ones only those that match for certain.
    fn rules(self, subject: &Subject<'_>, command: Option<usize>, certain: bool, hits: &mut Vec<Hit>) {
        let places = Places::new(self, &subject.command, &subject.names);
        let has = Has {
            assigns: !subject.command.assigns.is_empty(),
            wrappers: !subject.command.wrappers.is_empty(),
            paths: !places.is_empty(),
        };
        for number in self.policy.candidates(subject.names.iter().map(String::as_str), has) {
            let Some(rule) = self.policy.rule(number) else {
                hits.push(Hit::own(&built_in::DAMAGED, format!("rule {number}"), command));
                continue;
            };
            if rule.verdict == Verdict::Allow && !certain {
                continue;
            }
            let answer = condition::holds(self, subject, &places, rule);
            let verdict = match (rule.verdict, answer) {
                (_, Tri::No) | (Verdict::Allow, Tri::Unknown) => continue,
                (Verdict::Allow, Tri::Yes) => Verdict::Allow,
                // What is perhaps forbidden is asked: a person can see what guard cannot.
                (Verdict::Ask, _) | (Verdict::Deny, Tri::Unknown) => Verdict::Ask,
                (Verdict::Deny, Tri::Yes) => Verdict::Deny,
            };
            hits.push(Hit { verdict, by: By::Rule(number, answer), command, part: subject.part, overruled: None });
        }
    }

    /// An allow by the whitelist, if the program is on every one of them.
    fn whitelist(self, subject: &Subject<'_>, command: Option<usize>, hits: &mut Vec<Hit>) {
        let whitelists = &self.policy.settings().whitelists;
        if whitelists.is_empty() || !whitelists.iter().all(|list| subject.names.iter().any(|name| list.matches(name))) {
            return;
        }
        let by = By::Whitelist(0);
        hits.push(Hit { verdict: Verdict::Allow, by, command, part: subject.part, overruled: None });
    }

    fn redirects(self, command: &Command, at: Option<usize>, hits: &mut Vec<Hit>) {
        paths::redirects(self, command, at, hits);
    }

    /// What stands around a command must be allowed as well.
    fn wrappers(self, command: &Command, at: Option<usize>, hits: &mut Vec<Hit>) {
        for (number, wrapper) in command.wrappers.iter().enumerate() {
            match wrapper.kind {
                Kind::Builtin | Kind::Function | Kind::None => continue,
                Kind::External => {}
            }
            let first = hits.len();
            let subject = Subject::wrapper(self, command, number, wrapper);
            self.rules(&subject, at, true, hits);
            let name = format!("`{}`", wrapper.word.text);
            match &subject.standing {
                Standing::Missing => hits.push(Hit::own(built_in::missing(self.shell), name, at)),
                Standing::Unusable(cause) => {
                    hits.push(Hit::own(built_in::unusable(self.shell), format!("{name}: {cause}"), at));
                }
                Standing::Writable => hits.push(Hit::own(&built_in::PROGRAM_IN_PROJECT, name, at)),
                Standing::Unknown => hits.push(Hit::own(&built_in::UNPROVEN, format!("the wrapper {name}"), at)),
                Standing::Program | Standing::Absent | Standing::Builtin | Standing::Function | Standing::NoProgram => {
                    if !subject.names.iter().any(|name| built_in::is_plain_wrapper(name)) {
                        self.whitelist(&subject, at, hits);
                        if hits.len() == first {
                            hits.push(Hit::own(&built_in::WRAPPER, name, at));
                        }
                    }
                }
            }
        }
    }
}
