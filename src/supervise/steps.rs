//! The steps of a phase, as its plan says: what is run, in which order, under which name.
//! Knows no results.

use super::plan::{CheckKind, Data, DryRun, Migration, Phase};
use crate::decide::policy::Check;
use crate::event::{DRY_RUN, Working};

/// A step besides the agent's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// Its name in the log: `tests`, `lint 2`.
    pub(super) name: String,
    /// What is done.
    pub(super) work: Work,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Work {
    /// A command that must be green.
    Check(CheckKind, String),
    /// A migration that is proposed, and run once a person says so.
    Migration(Migration),
    /// What a database must hold.
    Data(Data),
    /// The project itself runs for a while.
    DryRun(DryRun),
}

/// All steps of a phase, in their order.
pub(super) fn of(phase: &Phase) -> Vec<Step> {
    let checks = CheckKind::ALL.into_iter().flat_map(|kind| {
        let lines = phase.checks.of(kind).iter();
        lines.enumerate().map(move |(at, line)| (kind.word(), at, Work::Check(kind, line.clone())))
    });
    let migrations = phase.migrations.iter().enumerate();
    let migrations = migrations.map(|(at, migration)| ("migration", at, Work::Migration(migration.clone())));
    let data = phase.data.iter().enumerate().map(|(at, data)| ("data", at, Work::Data(data.clone())));
    let dry_run = phase.dry_run.iter().map(|run| (DRY_RUN, 0, Work::DryRun(run.clone())));
    let all = checks.chain(migrations).chain(data).chain(dry_run);
    all.map(|(word, at, work)| Step { name: named(word, at), work }).collect()
}

fn named(word: &str, at: usize) -> String {
    if at == 0 { word.to_owned() } else { format!("{word} {}", at + 1) }
}

impl Step {
    /// Whether it has nothing left to do over files of this fingerprint.
    pub(super) fn is_done(&self, working: &Working, files: &str) -> bool {
        match &self.work {
            // What was run is not run again, whatever changes later: its files are looked at by themselves.
            Work::Migration(_) => working.migrated.iter().any(|(step, _)| *step == self.name),
            Work::Check(..) | Work::Data(_) | Work::DryRun(_) => working.has_passed(&self.name, files),
        }
    }

    /// The command or query, for people.
    pub(super) fn shown(&self) -> String {
        match &self.work {
            Work::Check(_, line) => line.clone(),
            Work::Migration(migration) => format!("migration: {}", migration.description),
            Work::Data(data) => format!("{}: {}", data.database, data.query),
            Work::DryRun(run) => run.command.clone(),
        }
    }
}

/// What a kind of check proves, where no rule of the policy says so.
pub(super) fn proves(kind: CheckKind) -> Check {
    match kind {
        CheckKind::Lint => Check::Syntax,
        CheckKind::Types => Check::Type,
        CheckKind::Format => Check::Format,
        CheckKind::Tests => Check::Test,
    }
}
