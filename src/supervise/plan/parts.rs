//! Parts of a plan: its agent, and the checks, data, dry run, migrations and limits of a phase.
//! Values only; how they are written is the reader's.

use crate::decide::policy::Attempts;
use serde::Serialize;
use std::time::Duration;

/// Who does the work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Agent {
    /// How it is spoken to.
    pub kind: AgentKind,
    /// Of `command`, the program and its arguments, never empty; of `claude` and `codex`, arguments that are added.
    pub run: Vec<String>,
    /// Of `script`, the file of actions, from the project's root; else `None`.
    pub file: Option<String>,
    /// Time for one run.
    pub timeout: Duration,
}

/// How an agent is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum AgentKind {
    /// Any program that takes the brief on its standard input.
    Command,
    /// Claude Code.
    Claude,
    /// Codex.
    Codex,
    /// A file of actions that is replayed.
    Script,
}

impl AgentKind {
    /// All of them, with their words.
    pub const WORDS: [(&'static str, AgentKind); 4] = [
        ("command", AgentKind::Command),
        ("claude", AgentKind::Claude),
        ("codex", AgentKind::Codex),
        ("script", AgentKind::Script),
    ];

    /// The word of plans, logs and `--json`.
    pub fn word(self) -> &'static str {
        match self {
            AgentKind::Command => "command",
            AgentKind::Claude => "claude",
            AgentKind::Codex => "codex",
            AgentKind::Script => "script",
        }
    }
}

/// Commands that must be green, each a line for bash.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Checks {
    /// Linters.
    pub lint: Vec<String>,
    /// Type checkers.
    pub types: Vec<String>,
    /// Formatters that only look.
    pub format: Vec<String>,
    /// Tests.
    pub tests: Vec<String>,
}

/// Kinds of checks, in the order they are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum CheckKind {
    /// Linters.
    Lint,
    /// Type checkers.
    Types,
    /// Formatters.
    Format,
    /// Tests.
    Tests,
}

impl CheckKind {
    /// All of them, in the order they are run.
    pub const ALL: [CheckKind; 4] = [CheckKind::Lint, CheckKind::Types, CheckKind::Format, CheckKind::Tests];

    /// The word of plans, logs and `--json`.
    pub fn word(self) -> &'static str {
        match self {
            CheckKind::Lint => "lint",
            CheckKind::Types => "types",
            CheckKind::Format => "format",
            CheckKind::Tests => "tests",
        }
    }

    /// The kind of a word.
    pub fn of(word: &str) -> Option<CheckKind> {
        CheckKind::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

impl Checks {
    /// The commands of one kind.
    pub fn of(&self, kind: CheckKind) -> &[String] {
        match kind {
            CheckKind::Lint => &self.lint,
            CheckKind::Types => &self.types,
            CheckKind::Format => &self.format,
            CheckKind::Tests => &self.tests,
        }
    }

    /// Every command with its kind, in the order they are run.
    pub fn steps(&self) -> impl Iterator<Item = (CheckKind, &str)> {
        CheckKind::ALL.into_iter().flat_map(|kind| self.of(kind).iter().map(move |line| (kind, line.as_str())))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.steps().next().is_none()
    }
}

/// What a database must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Data {
    /// The database's name in the policy.
    pub database: String,
    /// The query, a read.
    pub query: String,
    /// How many rows it must give; `None`: as many as `values` has, or any.
    pub rows: Option<Rows>,
    /// The rows it must give, in order, each value compared as text; `None` in a row is SQL's null.
    pub values: Option<Vec<Vec<Option<String>>>>,
}

/// A number of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Rows {
    /// At least so many.
    pub least: u64,
    /// At most so many; `None`: any number.
    pub most: Option<u64>,
}

impl Rows {
    /// Whether so many rows are as expected.
    pub fn fit(self, rows: u64) -> bool {
        rows >= self.least && self.most.is_none_or(|most| rows <= most)
    }
}

/// A run of the program itself, and what it must and must not say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DryRun {
    /// A line for bash, in which `{duration}` stands for the time as `300s` and `{seconds}` for the same as `300`.
    pub command: String,
    /// How long the first run takes; `None`: as long as it takes.
    pub duration: Option<Duration>,
    /// A run after a failed one is half as long, but no shorter than this.
    pub shortest: Duration,
    /// The file that is looked at, from the project's root; `None`: what the command prints.
    pub log: Option<String>,
    /// Regular expressions, each of which must be found, in any line.
    pub holds: Vec<String>,
    /// Regular expressions, none of which may be found.
    pub lacks: Vec<String>,
}

impl DryRun {
    /// How long the run takes after so many failed ones.
    pub fn duration_after(&self, failed: u32) -> Option<Duration> {
        let first = self.duration?;
        let halved = 1_u32.checked_shl(failed).map_or(Duration::ZERO, |by| first / by);
        Some(halved.max(self.shortest).min(first))
    }

    /// The line for that duration, which is rounded up to whole seconds.
    pub fn line(&self, duration: Option<Duration>) -> String {
        let Some(duration) = duration else { return self.command.clone() };
        let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
        self.command.replace("{duration}", &format!("{seconds}s")).replace("{seconds}", &seconds.to_string())
    }
}

/// A migration that the loop proposes, and a person decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Migration {
    /// Its files, in the order they are run, from the project's root.
    pub paths: Vec<String>,
    /// The database's name in the policy; `None`: the policy's only one.
    pub database: Option<String>,
    /// What it is for.
    pub description: String,
}

/// Budgets. `None`: what stands around them holds, the plan's and then the policy's.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Limits {
    /// Time in all, waiting for a person not counted.
    pub wall: Option<Duration>,
    /// Runs of the agent.
    pub agent_runs: Option<u32>,
    /// US dollars, as far as the agent's adapter tells them.
    pub cost: Option<f64>,
    /// Time for which an agent may neither print nor ask for anything.
    pub silence: Option<Duration>,
    /// Attempts.
    pub attempts: Budgets,
}

/// Failures in a row before guard halts, as far as they are less than the policy's `[attempts]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Budgets {
    /// Over all categories.
    pub total: Option<u32>,
    /// Syntax errors.
    pub syntax: Option<u32>,
    /// Import errors.
    pub import: Option<u32>,
    /// Type errors.
    pub r#type: Option<u32>,
    /// Failing tests.
    pub test: Option<u32>,
    /// Errors of a dry run.
    pub runtime: Option<u32>,
    /// Errors of a database.
    pub database: Option<u32>,
    /// Refusals of the same target.
    pub denials: Option<u32>,
}

impl Budgets {
    /// Its values in the order of the policy's keys.
    pub(super) fn slots(&self) -> [Option<u32>; 8] {
        let Budgets { total, syntax, import, r#type, test, runtime, database, denials } = *self;
        [total, syntax, import, r#type, test, runtime, database, denials]
    }

    /// The same, to be filled.
    pub(super) fn slots_mut(&mut self) -> [&mut Option<u32>; 8] {
        let Budgets { total, syntax, import, r#type, test, runtime, database, denials } = self;
        [total, syntax, import, r#type, test, runtime, database, denials]
    }

    /// The policy's budgets, each tightened to this one.
    pub fn within(&self, policy: &Attempts) -> Attempts {
        let least = |own: Option<u32>, policy: u32| own.map_or(policy, |own| own.min(policy));
        Attempts {
            total: least(self.total, policy.total),
            syntax: least(self.syntax, policy.syntax),
            import: least(self.import, policy.import),
            r#type: least(self.r#type, policy.r#type),
            test: least(self.test, policy.test),
            runtime: least(self.runtime, policy.runtime),
            database: least(self.database, policy.database),
            denials: least(self.denials, policy.denials),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retried_dry_run_is_half_as_long_but_not_below_the_shortest() {
        let run = DryRun {
            command: "python main.py --duration {duration} --for {seconds}".into(),
            duration: Some(Duration::from_secs(300)),
            shortest: Duration::from_secs(60),
            log: None,
            holds: vec![],
            lacks: vec![],
        };
        let after = |failed| run.duration_after(failed).map(|time| time.as_secs());
        assert_eq!([after(0), after(1), after(2), after(3), after(99)], [300, 150, 75, 60, 60].map(Some));
        let half = Some(Duration::from_millis(1500));
        assert_eq!(run.line(half), "python main.py --duration 2s --for 2");
        let brief = DryRun { duration: Some(Duration::from_secs(20)), ..run.clone() };
        assert_eq!(brief.duration_after(0), brief.duration);
        let plain = DryRun { duration: None, command: "make demo".into(), ..run };
        assert_eq!((plain.duration_after(1), plain.line(None)), (None, "make demo".to_owned()));
    }

    #[test]
    fn budgets_tighten_and_never_loosen() {
        let policy =
            Attempts { total: 3, syntax: 3, import: 2, r#type: 3, test: 3, runtime: 2, database: 1, denials: 3 };
        let own = Budgets { test: Some(2), import: Some(9), ..Budgets::default() };
        assert_eq!(own.within(&policy), Attempts { test: 2, ..policy.clone() });
    }

    #[test]
    fn words_and_kinds_are_the_same() {
        for (word, kind) in AgentKind::WORDS {
            assert_eq!(kind.word(), word);
        }
        assert_eq!(CheckKind::ALL.map(|kind| CheckKind::of(kind.word())), CheckKind::ALL.map(Some));
    }
}
