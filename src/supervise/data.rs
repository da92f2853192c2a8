//! Data validations: what a database holds beside what the plan expects of it.
//! Knows no other steps.

use super::build::{Build, End};
use super::checks::{error, stepped};
use super::fault::LoopFault;
use super::plan::{Data, Phase};
use super::show::Told;
use super::steps::Step;
use crate::event::{PhaseStep, StepResult, Working};
use crate::execute::query::{Cell, Column, Sink};
use crate::failfast::Category;
use crate::gate::{self, QueryRequest, Stop};
use std::io;
use std::time::Instant;

/// Rows that are kept to be compared; of more the number alone counts.
const KEPT: usize = 1000;

impl Build<'_> {
    /// Asks a database, and compares.
    pub(super) fn data(
        &mut self,
        phase: &Phase,
        step: &Step,
        data: &Data,
        working: &Working,
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
        let request = QueryRequest {
            database: Some(data.database.clone()),
            test: working.mode.is_some_and(crate::event::Mode::is_for_tests),
            sql: data.query.clone(),
            limit: None,
            task: Some(format!("phase {}", phase.id)),
        };
        let mut rows = Rows::default();
        let answer = gate::query(self.world, self.project, &request, &mut rows);
        let files = self.fingerprint(phase);
        let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let base = PhaseStep { duration_ms, ..stepped(working, &step.name, files) };
        match answer.stop {
            Some(Stop::Halted { .. }) => return Ok(None),
            Some(stop) => return Err(stop.into()),
            None => {}
        }
        if let (Some(name), None) = (answer.request, answer.done) {
            self.noted(phase, PhaseStep { result: StepResult::Waits, asks: vec![name], ..base }, None)?;
            return Ok(None);
        }
        if let Some(failed) = answer.failed {
            // The failure of the database itself was counted when it was asked, as a rule.
            let (message, category) = (failed.message, Some(Category::Database.word().to_owned()));
            let error = Some(error(&step.name, &message, &[]));
            let red = PhaseStep { message: Some(message.clone()), error, category, ..base };
            let failing = (Category::Database, step.shown(), message);
            self.red(phase, red, Some(failing).filter(|_| answer.attempts.is_none()))?;
            return Ok(None);
        }
        let Some(done) = answer.done else {
            let judgement = answer.judgement.as_ref();
            let rule = judgement.and_then(|judgement| judgement.matches.first());
            return Err(LoopFault::Refused {
                phase: phase.id.clone(),
                step: step.name.clone(),
                what: step.shown(),
                reason: rule.map_or_else(String::new, |rule| format!("`{}`: {}", rule.id, rule.reason)),
            });
        };
        let Some(message) = unexpected(data, done.rows, &rows.kept) else {
            self.noted(phase, base, None)?;
            return Ok(None);
        };
        let error = Some(error(&step.name, &message, &[]));
        let red = PhaseStep { message: Some(message.clone()), error, ..base };
        self.red(phase, red, Some((Category::Test, step.shown(), message)))?;
        Ok(None)
    }
}

/// What is other than expected.
fn unexpected(data: &Data, rows: u64, kept: &[Vec<Option<String>>]) -> Option<String> {
    if let Some(expected) = data.rows
        && !expected.fit(rows)
    {
        let most = expected.most.map_or_else(
            || " or more".to_owned(),
            |most| {
                if most == expected.least { String::new() } else { format!(" to {most}") }
            },
        );
        return Some(format!("gives {rows} rows where {}{most} are expected", expected.least));
    }
    let values = data.values.as_ref()?;
    if rows != values.len() as u64 && data.rows.is_none() {
        return Some(format!("gives {rows} rows where {} are expected", values.len()));
    }
    let said = |row: &Vec<Option<String>>| {
        row.iter().map(|value| value.as_deref().unwrap_or("NULL")).collect::<Vec<_>>().join(", ")
    };
    let (number, (is, expected)) = kept.iter().zip(values).enumerate().find(|(_, (is, expected))| is != expected)?;
    Some(format!("row {} is ({}) where ({}) is expected", number + 1, said(is), said(expected)))
}

#[derive(Default)]
struct Rows {
    kept: Vec<Vec<Option<String>>>,
}

impl Sink for Rows {
    fn columns(&mut self, _: &[Column]) -> io::Result<()> {
        self.kept.clear();
        Ok(())
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        if self.kept.len() < KEPT {
            self.kept.push(cells.iter().map(|cell| cell.text().map(|text| text.into_owned())).collect());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan;
    use super::*;

    #[test]
    fn what_differs_is_said_by_number_and_by_value() {
        let data = |rows: Option<(u64, Option<u64>)>, values: Option<Vec<Vec<Option<String>>>>| Data {
            database: "d".into(),
            query: "SELECT 1".into(),
            rows: rows.map(|(least, most)| plan::Rows { least, most }),
            values,
        };
        let row = |values: &[&str]| values.iter().map(|value| (*value != "-").then(|| (*value).to_owned())).collect();
        let (one, two): (Vec<_>, Vec<_>) = (row(&["1", "-"]), row(&["2", "b"]));
        let kept = [one.clone(), two.clone()];
        assert_eq!(unexpected(&data(None, None), 2, &kept), None);
        assert_eq!(unexpected(&data(Some((1, None)), None), 2, &kept), None);
        let few = unexpected(&data(Some((3, None)), None), 2, &kept);
        assert_eq!(few.as_deref(), Some("gives 2 rows where 3 or more are expected"));
        let many = unexpected(&data(Some((0, Some(1))), None), 2, &kept);
        assert_eq!(many.as_deref(), Some("gives 2 rows where 0 to 1 are expected"));
        assert_eq!(unexpected(&data(None, Some(vec![one.clone(), two.clone()])), 2, &kept), None);
        let other = unexpected(&data(None, Some(vec![one.clone(), row(&["3", "b"])])), 2, &kept);
        assert_eq!(other.as_deref(), Some("row 2 is (2, b) where (3, b) is expected"));
        let less = unexpected(&data(None, Some(vec![one])), 2, &kept);
        assert_eq!(less.as_deref(), Some("gives 2 rows where 1 are expected"));
    }
}
