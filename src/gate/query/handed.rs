//! What of an answer was handed on: rows are counted as they go, those of markets and trades against what the policy gives.
//! Knows no servers and no log.

use crate::decide::policy::Policy;
use crate::decide::{Export, QueryJudgement, Verdict, judge_export};
use crate::execute::query::{Caps, Cell as Value, Column, Sink};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::io;

/// What was handed on so far.
#[derive(Default)]
pub(super) struct Handed {
    /// Anything, be it the columns alone.
    pub(super) any: Cell<bool>,
    pub(super) rows: Cell<u64>,
    /// The groups of the policy's `[alpha]` that these are rows of.
    pub(super) groups: RefCell<BTreeSet<String>>,
}

impl Handed {
    /// The bounds of an answer, judged once more: views may lead to groups that the text does not name. The error: nothing of
    /// these is left to give.
    pub(super) fn within(
        &self,
        policy: &Policy,
        judged: &QueryJudgement,
        given: Export,
        caps: &Caps,
    ) -> Result<Caps, QueryJudgement> {
        if judged.groups.is_empty() {
            return Ok(*caps);
        }
        let spent = judge_export(policy, &judged.groups, given);
        if spent.verdict != Verdict::Allow {
            return Err(spent);
        }
        self.groups.replace(judged.groups.clone());
        Ok(Caps { rows: caps.rows.min(given.left(policy)), ..*caps })
    }
}

/// Hands rows on, and knows whether anything was.
pub(super) struct Watched<'s> {
    pub(super) sink: &'s mut dyn Sink,
    pub(super) handed: &'s Handed,
}

impl Sink for Watched<'_> {
    fn columns(&mut self, columns: &[Column]) -> io::Result<()> {
        self.handed.any.set(true);
        self.sink.columns(columns)
    }

    fn row(&mut self, cells: &[Value<'_>]) -> io::Result<()> {
        self.handed.rows.set(self.handed.rows.get().saturating_add(1));
        self.sink.row(cells)
    }
}
