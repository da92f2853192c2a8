//! Migrations of a phase: proposed, decided by a person, run.
//! Knows no SQL.

use super::build::{Build, End};
use super::checks::{error, stepped};
use super::fault::LoopFault;
use super::plan::{Migration, Phase};
use super::show::Told;
use super::steps::Step;
use crate::event::line::hex;
use crate::event::{Came, Done, PhaseStep, State, StepResult, Working};
use crate::failfast::Category;
use crate::gate::{self, MigrationAnswer, MigrationRequest, Stop};
use sha2::{Digest, Sha256};
use std::time::Instant;

impl Build<'_> {
    /// Proposes a migration, or runs it where a person has said so, or sees that they ran it.
    pub(super) fn migration(
        &mut self,
        phase: &Phase,
        step: &Step,
        migration: &Migration,
        working: &Working,
        state: &State,
    ) -> Result<Option<End>, LoopFault> {
        self.show.tell(&Told::Step {
            phase: phase.id.clone(),
            step: step.name.clone(),
            attempt: working.attempt,
            budget: self.budget(working),
            what: step.shown(),
            limit_ms: None,
        });
        let began = Instant::now();
        let base = |files: String| PhaseStep {
            duration_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            ..stepped(working, &step.name, files)
        };
        // What was run is told by its own files, not by all of the project's.
        let own = self.own(migration);
        if let Some(name) = working.proposed.get(&step.name) {
            let came = state.migrations.known(name).map(|known| known.came);
            if matches!(came, Some(Came::Done | Came::ByPerson)) {
                self.noted(phase, base(own), None)?;
                return Ok(None);
            }
            match state.requests.done(name) {
                Some(Done::Denied) => {
                    let message = format!("a person denied `{name}`");
                    let error = Some(error(&step.name, &message, &[]));
                    let red = PhaseStep { message: Some(message.clone()), error, ..base(own) };
                    self.red(phase, red, Some((Category::Test, step.shown(), message)))?;
                    return Ok(None);
                }
                // Nobody answered in time, or it is not what it was: it is proposed anew.
                Some(Done::Expired | Done::Changed) => {}
                Some(Done::Used | Done::Resumed | Done::Allowed) | None => {
                    let answer = gate::run_migration(self.world, self.project, name);
                    return self.ran(phase, step, base(own), answer);
                }
            }
        }
        let request = MigrationRequest {
            paths: migration.paths.iter().map(|path| self.project.root.join(path)).collect(),
            database: migration.database.clone(),
            test: working.mode.is_some_and(crate::event::Mode::is_for_tests),
            down: false,
            description: migration.description.clone(),
            task: Some(format!("phase {}", phase.id)),
        };
        let answer = gate::propose_migration(self.world, self.project, &request);
        match (answer.stop.is_none() && answer.failed.is_none(), answer.name.clone(), answer.request.clone()) {
            (true, Some(_), Some(asked)) => {
                self.noted(phase, PhaseStep { result: StepResult::Waits, asks: vec![asked], ..base(own) }, None)?;
                Ok(None)
            }
            (true, Some(name), None) => {
                let answer = gate::run_migration(self.world, self.project, &name);
                self.ran(phase, step, base(own), answer)
            }
            (_, _, _) => self.ran(phase, step, base(own), answer),
        }
    }

    /// Takes note of what came of proposing or running it.
    fn ran(
        &mut self,
        phase: &Phase,
        step: &Step,
        base: PhaseStep,
        answer: MigrationAnswer,
    ) -> Result<Option<End>, LoopFault> {
        if answer.done {
            self.noted(phase, base, None)?;
            return Ok(None);
        }
        let (message, counted) = match (answer.stop, answer.failed) {
            (Some(Stop::Halted { .. }), _) => return Ok(None),
            (Some(stop @ (Stop::Usage { .. } | Stop::Migration { .. })), _) => (stop.to_string(), false),
            (Some(stop), _) => return Err(stop.into()),
            (None, Some(failed)) => (failed.message, answer.attempts.is_some()),
            (None, None) => ("nothing came of it".to_owned(), false),
        };
        let error = Some(error(&step.name, &message, &[]));
        let category = Some(Category::Database.word().to_owned());
        let red = PhaseStep { message: Some(message.clone()), error, category, ..base };
        // What the agent wrote cannot be run: that is the code's fault as much as a failing test is.
        let failing = (!counted).then(|| (Category::Test, step.shown(), message));
        self.red(phase, red, failing)?;
        Ok(None)
    }

    /// SHA-256 of a migration's files.
    fn own(&self, migration: &Migration) -> String {
        let mut all = Sha256::new();
        for path in &migration.paths {
            let text = std::fs::read(self.project.root.join(path)).unwrap_or_default();
            all.update(text.len().to_le_bytes());
            all.update(text);
        }
        hex(&all.finalize())
    }
}
