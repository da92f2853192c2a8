//! Cases: commands with the verdict they must get, which a project keeps beside its policy and tries against it.
//! Knows their file's form and what counts as passed; the world they are judged in is made up, or handed in.

use super::examples::{example_environment, example_facts};
use super::judgement::{Judgement, Match, Verdict, judge};
use super::policy::{CASE, CASES, Fault, Faults, Policy, Reader, Source, Table, VERDICTS, nearest, root};
use crate::action::shell::{Asked, Shell};
use crate::action::{Action, Facts};
use crate::event::State;
use std::ops::Range;

/// A command and what must be said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// What a person calls it.
    pub name: Option<String>,
    /// What is asked.
    pub asked: Asked,
    /// What must be said of it.
    pub expect: Verdict,
    /// The rule that must be among those that decide.
    pub rule: Option<String>,
    /// What the caller calls the task.
    pub task: Option<String>,
    command: Range<usize>,
    rule_span: Range<usize>,
}

/// Reads a file of cases.
///
/// # Errors
/// Every fault, with its place.
pub fn read_cases(source: &Source) -> Result<Vec<Case>, Faults> {
    let mut reader = Reader::new(source);
    let mut cases = Vec::new();
    if let Some(document) = reader.document() {
        let whole = root(&document, "a file of cases");
        reader.only(whole, CASES);
        let tables = reader.tables(whole, "case", "[[case]]");
        if tables.is_empty() {
            reader.fault(0..0, "no `[[case]]`", "write `[[case]]`, `command = \"…\"` and `expect = \"allow\"`");
        }
        for (table, head) in tables {
            cases.extend(case(&mut reader, table, &head));
        }
    }
    let mut faults = reader.into_faults();
    if faults.is_empty() {
        return Ok(cases);
    }
    faults.sort_by_key(|fault| (fault.line, fault.column));
    Err(Faults(faults))
}

fn case(reader: &mut Reader<'_>, table: Table<'_, '_>, head: &Range<usize>) -> Option<Case> {
    reader.only(table, CASE);
    reader.required(table, CASE, head, "a case");
    let expect = reader.choice(table, "expect", VERDICTS);
    let line = reader.string(table, "command");
    let argv = reader.strings(table, "argv");
    match (table.has("command"), table.has("argv")) {
        (true, true) => {
            let span = reader.key(table, "argv").unwrap_or_default();
            reader.fault(span, "`argv` beside `command`", "keep one: a line for bash, or a program and its arguments");
        }
        (false, false) => {
            let help = "add `command = \"…\"`, or `argv = [\"program\", \"argument\"]`";
            reader.fault(head.clone(), "a case without `command`", help);
        }
        (_, _) => {}
    }
    let (asked, command) = match (line, argv) {
        (Some(line), None) => (Asked::Line(line.value.into()), line.span),
        (None, Some(words)) => {
            let first = words.first().map_or(0, |word| word.span.start);
            let span = first..words.last().map_or(first, |word| word.span.end);
            (Asked::Argv(words.into_iter().map(|word| word.value.into()).collect()), span)
        }
        (Some(_), Some(_)) | (None, None) => return None,
    };
    let rule = reader.string(table, "rule");
    let rule_span = rule.as_ref().map_or(0..0, |rule| rule.span.clone());
    Some(Case {
        name: reader.string(table, "name").map(|at| at.value),
        expect: expect?.value,
        rule: rule.map(|at| at.value),
        task: reader.string(table, "task").map(|at| at.value),
        asked,
        command,
        rule_span,
    })
}

impl Case {
    /// Judges it in the made-up world of examples, the same on every machine.
    pub fn judged(&self, policy: &Policy) -> Judgement {
        let shell = match &self.asked {
            Asked::Argv(words) => Shell::from_argv_in(words.clone(), &example_environment()),
            Asked::Line(line) => Shell::from_line_in(line.clone(), &example_environment()),
        };
        let facts = Facts { task: self.task.clone(), ..example_facts(&shell) };
        judge(Action::Shell(shell), &facts, &State::default(), policy)
    }

    /// The file and line it stands in.
    pub fn at(&self, source: &Source) -> String {
        let fault = Fault::at(source, self.command.clone(), "");
        format!("{}:{}", fault.file, fault.line)
    }

    /// What is wrong with a judgement of it, with the case's place; `None`: it passes.
    pub fn failure(&self, judgement: &Judgement, policy: &Policy, source: &Source) -> Option<Fault> {
        let verdict = judgement.verdict();
        if verdict != self.expect {
            let message = format!("should be {}, and is {}", said(self.expect), said(verdict));
            return Some(Fault::at(source, self.command.clone(), message));
        }
        let wanted = self.rule.as_deref()?;
        let decides = |found: &&Match| found.verdict == verdict && found.overruled.is_none();
        let deciding: Vec<String> =
            judgement.matches().iter().filter(decides).map(|found| format!("`{}`", found.id)).collect();
        if deciding.contains(&format!("`{wanted}`")) {
            return None;
        }
        let message = format!("{} as expected, but not by `{wanted}`", said(verdict));
        let fault = Fault::at(source, self.rule_span.clone(), message);
        let ids: Vec<String> = policy.rules().map(|(_, _, text)| text.id).collect();
        let own = super::own_rules().map(|own| own.id).chain(["guard:whitelist"]);
        let known: Vec<&str> = ids.iter().map(String::as_str).chain(own).collect();
        Some(match nearest(wanted, &known) {
            _ if known.contains(&wanted) => fault,
            Some(near) => fault.help(format!("no rule is called `{wanted}`: did you mean `{near}`?")),
            None => fault.help(format!("no rule is called `{wanted}`")),
        })
    }
}

fn said(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allow => "allowed",
        Verdict::Ask => "asked",
        Verdict::Deny => "denied",
    }
}
