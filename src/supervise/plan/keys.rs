//! Every key of a plan: where it stands, what it takes, what it is for.
//! The one list of them: the reader, the JSON Schema and the docs' test are made from it.

use super::parts::AgentKind;
use crate::decide::policy::{ATTEMPTS, Form, Key, key, required, words};
use crate::event::Mode;

/// Modes a phase may want: the loop never acts.
pub(super) const MODES: &[(&str, Mode)] = &[("backtest", Mode::Backtest), ("test", Mode::Test), ("paper", Mode::Paper)];

/// A plan.
pub(super) static PLAN: &[Key] = &[
    required(key("version", Form::Version, "The version of the format: 1.")),
    key("title", Form::Text, "What the plan is called, for a person."),
    required(key("agent", Form::Table(AGENT), "Who does the work.")),
    key("limits", Form::Table(LIMITS), "Budgets of the whole loop, which can only be tighter than the policy's."),
    required(key("phase", Form::Tables(PHASE), "What is done, a phase at a time.")),
];

/// `[agent]`.
pub(super) static AGENT: &[Key] = &[
    required(key(
        "kind",
        Form::Word(|| words(&AgentKind::WORDS)),
        "How it is spoken to: `command` is any program that takes the brief on its standard input, `script` a file of \
         actions that is replayed.",
    )),
    key(
        "run",
        Form::Texts,
        "Of `command`, the program and its arguments; of `claude` and `codex`, arguments that are added.",
    ),
    key("file", Form::Text, "Of `script`, the file of actions, from the project's root."),
    key("timeout", Form::Duration, "Time for one run; 20 min by default."),
];

/// `[limits]` and `[phase.limits]`.
pub(super) static LIMITS: &[Key] = &[
    key("wall", Form::Duration, "Time in all, waiting for a person not counted."),
    key("agent_runs", Form::Number, "Runs of the agent."),
    key("cost", Form::Amount, "US dollars, as far as the agent's adapter tells them."),
    key("silence", Form::Duration, "Time for which an agent may neither print nor ask for anything."),
    key(
        "attempts",
        Form::Table(ATTEMPTS),
        "Failures in a row before guard halts; keys as in the policy's `[attempts]`.",
    ),
];

/// `[[phase]]`.
pub(super) static PHASE: &[Key] = &[
    required(key("id", Form::Text, "Its id, X.Y in digits: \"2.3\".")),
    required(key("description", Form::Text, "What it is, in a line.")),
    key("goal", Form::Text, "What it is for."),
    key("accept", Form::Texts, "When it is done: sentences for the agent and for whoever looks at its work."),
    key("after", Form::Texts, "Ids of the phases that must be complete before it begins."),
    required(key(
        "files",
        Form::Texts,
        "Globs over the files it may touch, from the project's root; `!` in front takes some out.",
    )),
    key(
        "mode",
        Form::Word(|| words(MODES)),
        "The mode that the project is in meanwhile; left out, whichever it is in.",
    ),
    key("checks", Form::Table(CHECKS), "Commands that must be green."),
    key("migration", Form::Tables(MIGRATION), "A migration that the loop proposes, and a person decides."),
    key("data", Form::Tables(DATA), "What a database must hold."),
    key("dry_run", Form::Table(DRY_RUN), "A run of the program itself, and what it must and must not say."),
    key(
        "limits",
        Form::Table(LIMITS),
        "Budgets of this phase, which can only be tighter than the plan's and the policy's.",
    ),
];

/// `[phase.checks]`, in the order they are run.
pub(super) static CHECKS: &[Key] = &[
    key("lint", Form::Texts, "Linters: lines for bash."),
    key("types", Form::Texts, "Type checkers."),
    key("format", Form::Texts, "Formatters that only look."),
    key("tests", Form::Texts, "Tests."),
];

/// `[[phase.migration]]`.
pub(super) static MIGRATION: &[Key] = &[
    required(key("paths", Form::Texts, "Its files, in the order they are run, from the project's root.")),
    key("database", Form::Text, "The database's name in the policy; left out, the policy's only one."),
    required(key("description", Form::Text, "What it is for.")),
];

/// `[[phase.data]]`.
pub(super) static DATA: &[Key] = &[
    required(key("database", Form::Text, "The database's name in the policy.")),
    required(key("query", Form::Text, "The query, a read.")),
    key("rows", Form::CountOrTable(ROWS), "How many rows it must give: a number, or `least` and `most`."),
    key(
        "values",
        Form::Rows,
        "The rows it must give, in order, each value compared as text; NULL stands for what is null.",
    ),
];

/// `rows` as a table.
pub(super) static ROWS: &[Key] = &[
    key("least", Form::Count, "At least so many; 0 by default."),
    key("most", Form::Count, "At most so many; left out, any number."),
];

/// `[phase.dry_run]`.
pub(super) static DRY_RUN: &[Key] = &[
    required(key(
        "command",
        Form::Text,
        "A line for bash, in which {duration} stands for the time as `300s` and {seconds} for the same as `300`.",
    )),
    key("duration", Form::Duration, "How long the first run takes; left out, as long as it takes."),
    key(
        "shortest",
        Form::Duration,
        "A run after a failed one is half as long, but no shorter than this: 30 s by default, or `duration` if that is less.",
    ),
    key("log", Form::Text, "The file that is looked at, from the project's root; left out, what the command prints."),
    key("holds", Form::Texts, "Regular expressions, each of which must be found; `^` and `$` mean the ends of a line."),
    key("lacks", Form::Texts, "Regular expressions, none of which may be found."),
];
