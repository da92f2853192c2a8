//! What a check looked at: its rule, its targets and how it was told to look; and whether a green run makes a failed one
//! good.
//! Knows no output.

use super::{Counts, Tool, idle};
use crate::action::shell::{Command, Word};
use crate::action::{Action, Facts};
use crate::decide::{Checking, Judgement};
use crate::event::{Attempts, Tried};
use std::path::Path;

/// Flags that change what is said or how it is carried out, not what is checked.
const SAID: &[&str] = &[
    "--quiet",
    "--verbose",
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
    "-n",
    "--numprocesses",
    "--capture",
    "--cov",
    "--cov-report",
    "--no-cov",
    "--durations",
    "--maxfail",
    "--tb",
    "--pretty",
    "--show-error-codes",
];
/// Letters of flags that do the same, alone or bundled.
const LETTERS: &str = "qvslx";
/// Flags that leave something out, so that a run without them looks at more.
const NARROWS: &[&str] = &[
    "-k",
    "-m",
    "--lf",
    "--last-failed",
    "--sw",
    "--stepwise",
    "--deselect",
    "--ignore",
    "--ignore-glob",
    "--exclude",
];
/// Flags with which a run ends at a failure, so that its counts are not those of the whole.
const STOPS: &[&str] = &["--exitfirst", "--maxfail", "--sw", "--stepwise"];
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
    /// Everything else it was told: flags with their values, variables set for it.
    pub options: Vec<String>,
    /// Whether nothing stands beside it, so that its success is its own.
    pub alone: bool,
}

impl Scope {
    /// The scope of a check among the commands of an action; `None`: there is no such command.
    pub fn of(judgement: &Judgement, facts: &Facts, checking: &Checking) -> Option<Scope> {
        let Action::Shell(shell) = judgement.action();
        let command = shell.commands().get(checking.command)?;
        let as_module = command.module().map(|(_, from)| Command {
            words: command.words.iter().take(1).chain(command.words.iter().skip(from)).cloned().collect(),
            ..command.clone()
        });
        let seen = as_module.as_ref().unwrap_or(command);
        let arguments = seen.arguments();
        let (operands, flags): (Vec<&Word>, Vec<&Word>) = (arguments.operands().collect(), arguments.flags().collect());
        let is = |words: &[&Word], word: &Word| words.iter().any(|known| std::ptr::eq(*known, word));
        let mut options: Vec<String> = Vec::new();
        for word in seen.args().iter().filter(|word| !is(&operands, word) && word.literal() != Some("--")) {
            match options.last_mut() {
                // The value of the flag before it.
                Some(flag) if !is(&flags, word) => *flag = format!("{flag} {}", text(word)),
                Some(_) | None => options.push(text(word)),
            }
        }
        options.extend(command.assigns.iter().map(|assign| format!("{}={}", assign.name, text(&assign.value))));
        let mut targets: Vec<String> = operands.iter().map(|word| target(seen, word, facts)).collect();
        if targets.is_empty() {
            targets.push(inside(&crate::decide::normal(&facts.cwd.join(command.cwd.as_deref().unwrap_or("?"))), facts));
        }
        targets.truncate(MOST);
        options.truncate(MOST);
        let alone = judgement.grant().check.is_some() && shell.unproven().is_empty();
        Some(Scope { rule: checking.rule.clone(), targets, options, alone })
    }

    /// Whether a run of `tool` that ends with 0 says nothing, by how it was told to look.
    pub fn is_idle(&self, tool: Tool) -> bool {
        idle::told_so(tool, &self.options)
    }

    /// Whether a failing run looks at everything it was told to, so that its counts can be compared.
    pub fn goes_on(&self) -> bool {
        let stops = |option: &String| {
            let flag = flag(option);
            STOPS.contains(&flag) || flag.contains('x') && is_letters(flag)
        };
        !self.options.iter().any(stops)
    }

    /// The records of failed attempts that a green run of this scope makes good: of the same rule, told the same, over all
    /// that they looked at, with no fewer tests and no more of them left out.
    pub fn clears(&self, attempts: &Attempts, counts: Option<&Counts>) -> Vec<u64> {
        let tries = attempts.series.values().flat_map(|series| &series.tries);
        tries.filter(|tried| !tried.good && self.clears_one(tried, counts)).map(|tried| tried.seq).collect()
    }

    fn clears_one(&self, tried: &Tried, counts: Option<&Counts>) -> bool {
        let same = |option: &String| is_said(option) || tried.options.contains(option);
        let kept = |option: &String| is_said(option) || narrows(option) || self.options.contains(option);
        let (ran, left_out) = (counts.map(Counts::ran), counts.map(Counts::left_out));
        self.alone
            && self.rule == tried.rule
            && self.options.iter().all(same)
            && tried.options.iter().all(kept)
            && tried.targets.iter().all(|failed| self.targets.iter().any(|target| covers(target, failed)))
            && tried.ran.is_none_or(|failed| ran.is_some_and(|ran| ran >= failed))
            && tried.left_out.is_none_or(|failed| left_out.is_some_and(|left_out| left_out <= failed))
    }
}

/// `--tb` of `--tb=short` and of `--tb short`.
fn flag(option: &str) -> &str {
    option.split(['=', ' ']).next().unwrap_or(option)
}

fn is_letters(flag: &str) -> bool {
    flag.strip_prefix('-').is_some_and(|letters| !letters.is_empty() && letters.chars().all(|l| LETTERS.contains(l)))
}

fn is_said(option: &str) -> bool {
    SAID.contains(&flag(option)) || is_letters(option)
}

fn narrows(option: &str) -> bool {
    NARROWS.contains(&flag(option))
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
