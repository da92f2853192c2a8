//! How a query ended: recorded, and counted. The failure that spends the budget halts (SKILL 3, error handling).
//! Knows no servers.

use super::entries;
use super::place::Asked;
use super::{QueryAnswer, QueryRequest, Stop};
use crate::decide::QueryJudgement;
use crate::event::{Attempts, Cause as HaltedBy, Checked, Proves, Spent};
use crate::execute::query::{Cause, Done, Failed};
use crate::failfast::{Category, spent};
use crate::gate::desk::{Desk, now};
use crate::gate::halt::Calling;
use crate::record::Started;
use std::collections::BTreeSet;
use std::time::Duration;

/// What came of sending it.
#[derive(Default)]
pub(super) struct Ran {
    pub(super) done: Done,
    pub(super) tries: u32,
    pub(super) refused: Option<QueryJudgement>,
    pub(super) failed: Option<Failed>,
    /// The groups of the policy's `[alpha]` that its rows are of.
    pub(super) groups: BTreeSet<String>,
}

impl Desk<'_> {
    /// Records how it ended.
    pub(super) fn finish(
        &mut self,
        asked: &Asked,
        shown: &str,
        (started, ran): (&Started, &Ran),
        (took, request): (Duration, &QueryRequest),
        answer: &mut QueryAnswer,
    ) -> Result<(), Stop> {
        let budgets = self.budgets();
        let mut attempts = None;
        let recorded = self.record(|state| {
            let check = checked(&asked.database.name, ran, &state.attempts, |attempts| {
                spent(attempts, Category::Database, &budgets)
            });
            attempts = check.as_ref().and_then(|check| check.attempts);
            let entries = entries::end(asked.database.engine, shown, (started.seq(), ran), took, check);
            let calling = attempts.filter(Spent::is_all).map(|spent| Calling {
                cause: HaltedBy::Failures,
                category: Some(Category::Database.word().to_owned()),
                attempts: Some(spent),
                task: request.task.clone(),
                command: Some(format!("guard db query --db {}: {shown}", asked.database.name)),
                last_error: ran.failed.as_ref().map(|failed| failed.message.clone()).unwrap_or_default(),
                said: None,
            });
            (entries, calling)
        })?;
        answer.attempts = attempts;
        answer.untold = recorded.untold;
        answer.halted = recorded.halted;
        answer.receipt = Some(recorded.receipt);
        Ok(())
    }
}

/// What a query means for the budget: a failure of the database's, or of the way to it, is an attempt.
fn checked(database: &str, ran: &Ran, attempts: &Attempts, spent: impl Fn(&Attempts) -> Spent) -> Option<Checked> {
    let rule = format!("db:{database}");
    let mut checked = Checked {
        rule: rule.clone(),
        proves: Proves::Green,
        at_ms: now().timestamp_millis(),
        targets: vec![database.to_owned()],
        options: Vec::new(),
        ran: None,
        left_out: None,
        clears: Vec::new(),
        category: None,
        attempts: None,
        tests: Vec::new(),
        message: None,
    };
    match &ran.failed {
        Some(failed) if failed.cause == Cause::Sink => None,
        Some(failed) => {
            checked.proves = Proves::Failure;
            checked.category = Some(Category::Database.word().to_owned());
            checked.attempts = Some(spent(attempts));
            checked.message = Some(failed.message.clone());
            Some(checked)
        }
        None if ran.refused.is_some() => None,
        None => {
            let series = attempts.series.get(Category::Database.word())?;
            let made_good = series.tries.iter().filter(|tried| tried.rule == rule && !tried.good);
            checked.clears = made_good.map(|tried| tried.seq).collect();
            Some(checked)
        }
    }
}
