//! What a check looked at: its rule, its targets and how it was told to look; and whether a green run makes a failed one
//! good.
//! Knows no output.

use crate::action::shell::{Command, Word};
use crate::action::{Action, Facts};
use crate::decide::{Judgement, Verdict};
use crate::event::{Attempts, Tried};
use std::path::Path;

/// Flags that change what is said, not what is checked.
const SAID: &[&str] = &[
    "-q",
    "-qq",
    "--quiet",
    "-v",
    "-vv",
    "-vvv",
    "--verbose",
    "-s",
    "-l",
    "-x",
    "--exitfirst",
    "--no-header",
    "--no-summary",
    "--showlocals",
    "--full-trace",
    "--diff",
    "--color",
    "-ra",
    "-rA",
    "-rf",
    "-rN",
    "--durations",
    "--maxfail",
    "--tb",
    "--pretty",
    "--show-error-codes",
];
/// Words that are kept of one check.
const MOST: usize = 64;

/// What a check looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// The rule that calls it a check.
    pub rule: String,
    /// Paths from the project's root, and names within them (`tests/test_a.py::test_b`). The folder it ran in, where it
    /// names none.
    pub targets: Vec<String>,
    /// Everything else it was told: flags, their values, variables set for it.
    pub options: Vec<String>,
    /// Whether nothing stands beside it, so that its success is its own.
    pub alone: bool,
}

impl Scope {
    /// The scope of a check; `None` where there is no command.
    pub fn of(judgement: &Judgement, facts: &Facts) -> Option<Scope> {
        let Action::Shell(shell) = judgement.action();
        let command = shell.commands().first()?;
        let allowed = judgement.matches().iter().filter(|found| found.command == Some(0));
        let mut rules = allowed.filter(|found| found.verdict == Verdict::Allow).map(|found| found.id.as_str());
        let own = |id: &&str| !id.starts_with("guard:");
        let rule = rules.clone().find(own).or_else(|| rules.next()).unwrap_or_default().to_owned();

        let as_module = command.module().map(|(_, from)| Command {
            words: command.words.iter().take(1).chain(command.words.iter().skip(from)).cloned().collect(),
            ..command.clone()
        });
        let seen = as_module.as_ref().unwrap_or(command);
        let arguments = seen.arguments();
        let operands: Vec<&Word> = arguments.operands().collect();
        let is_operand = |word: &Word| operands.iter().any(|operand| std::ptr::eq(*operand, word));
        let mut options: Vec<String> = seen.args().iter().filter(|word| !is_operand(word)).map(text).collect();
        options.extend(command.assigns.iter().map(|assign| format!("{}={}", assign.name, text(&assign.value))));
        let mut targets: Vec<String> = operands.iter().map(|word| target(seen, word, facts)).collect();
        if targets.is_empty() {
            targets.push(inside(&crate::decide::normal(&facts.cwd.join(command.cwd.as_deref().unwrap_or("?"))), facts));
        }
        targets.truncate(MOST);
        options.truncate(MOST);
        Some(Scope { rule, targets, options, alone: shell.commands().len() == 1 && shell.unproven().is_empty() })
    }

    /// The records of failed attempts that a green run of this scope makes good: of the same rule, told nothing that
    /// they were not, over all that they looked at, with no fewer tests.
    pub fn clears(&self, attempts: &Attempts, ran: Option<u64>) -> Vec<u64> {
        let tries = attempts.series.values().flat_map(|series| &series.tries);
        tries.filter(|tried| !tried.good && self.clears_one(tried, ran)).map(|tried| tried.seq).collect()
    }

    fn clears_one(&self, tried: &Tried, ran: Option<u64>) -> bool {
        let told = |option: &String| is_said(option) || tried.options.contains(option);
        self.alone
            && self.rule == tried.rule
            && self.options.iter().all(told)
            && tried.targets.iter().all(|failed| self.targets.iter().any(|target| covers(target, failed)))
            && tried.ran.is_none_or(|failed| ran.is_some_and(|ran| ran >= failed))
    }
}

fn is_said(option: &str) -> bool {
    SAID.contains(&option.split('=').next().unwrap_or(option))
}

/// Whether a look at `target` is a look at `failed` as well.
fn covers(target: &str, failed: &str) -> bool {
    let below = failed.strip_prefix(target).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':', '[']));
    target == "." && !failed.starts_with(['/', '?']) || below
}

fn text(word: &Word) -> String {
    word.literal().unwrap_or(&word.text).to_owned()
}

/// An operand as a path from the project's root, where it is one for certain.
fn target(command: &Command, word: &Word, facts: &Facts) -> String {
    let Some(value) = word.literal() else { return format!("?{}", word.text) };
    let (path, within) = value.split_once("::").map_or((value, None), |(path, within)| (path, Some(within)));
    let Some(located) = command.located(path) else { return format!("?{value}") };
    let real = facts.paths.get(&located).cloned();
    let path = inside(&real.unwrap_or_else(|| crate::decide::normal(&facts.cwd.join(located))), facts);
    within.map_or_else(|| path.clone(), |within| format!("{path}::{within}"))
}

fn inside(path: &Path, facts: &Facts) -> String {
    match path.strip_prefix(&facts.project) {
        Ok(inside) if inside.as_os_str().is_empty() => ".".into(),
        Ok(inside) => inside.to_string_lossy().into_owned(),
        Err(_) => path.to_string_lossy().into_owned(),
    }
}
