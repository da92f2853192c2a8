//! Failures in a row, category by category, as checks report them.
//! Knows no budgets: a record says what was spent when it was written.

use crate::event::{Checked, Proves};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Failed attempts that are remembered of one category.
const KEPT: usize = 10;
/// Refused targets that are remembered.
const TARGETS: usize = 256;

/// Failures since the last green run, or since a person resumed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempts {
    /// Category to its failures; a category without any is not there.
    pub series: BTreeMap<String, Series>,
    /// Refusals of what had been refused before.
    pub denials: u32,
    /// Fingerprints of what was refused, the oldest first.
    pub refused: VecDeque<String>,
    /// When a check was last green, or a person resumed, in milliseconds since 1970.
    pub calm_ms: Option<i64>,
}

/// The failures of one category.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    /// How many there were.
    pub used: u32,
    /// The latest of them, the oldest first.
    pub tries: VecDeque<Tried>,
}

/// One failed attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// Its record.
    pub seq: u64,
    /// When it ended, in milliseconds since 1970.
    pub at_ms: i64,
    /// The rule that calls it a check.
    pub rule: String,
    /// What it checked.
    pub targets: Vec<String>,
    /// What else it was told.
    pub options: Vec<String>,
    /// How many tests ran, where the tool says so.
    pub ran: Option<u64>,
    /// How many tests were left out or expected to fail, where that is known of the whole run.
    #[serde(default)]
    pub left_out: Option<u64>,
    /// What its output says is wrong.
    pub message: String,
    /// Whether a green run has made it good since.
    pub good: bool,
}

impl Attempts {
    /// Failures in all categories together.
    pub fn total(&self) -> u32 {
        self.series.values().fold(0, |sum, series| sum.saturating_add(series.used))
    }

    /// Failures of a category.
    pub fn used(&self, category: &str) -> u32 {
        self.series.get(category).map_or(0, |series| series.used)
    }

    /// Whether a command of this fingerprint was refused before.
    pub fn was_refused(&self, target: &str) -> bool {
        self.refused.iter().any(|known| known == target)
    }

    pub(super) fn refuse(&mut self, targets: &[String], again: bool) {
        if targets.iter().any(|target| self.was_refused(target)) || again {
            self.denials = self.denials.saturating_add(1);
        }
        for target in targets {
            if !self.was_refused(target) {
                self.refused.push_back(target.clone());
            }
        }
        while self.refused.len() > TARGETS {
            self.refused.pop_front();
        }
    }

    pub(super) fn check(&mut self, seq: u64, checked: &Checked) {
        match (checked.proves, &checked.category) {
            (Proves::Failure, Some(category)) => {
                let series = self.series.entry(category.clone()).or_default();
                series.used = series.used.saturating_add(1);
                series.tries.push_back(Tried {
                    seq,
                    at_ms: checked.at_ms,
                    rule: checked.rule.clone(),
                    targets: checked.targets.clone(),
                    options: checked.options.clone(),
                    ran: checked.ran,
                    left_out: checked.left_out,
                    message: checked.message.clone().unwrap_or_default(),
                    good: false,
                });
                while series.tries.len() > KEPT {
                    series.tries.pop_front();
                }
            }
            (Proves::Green, _) => {
                self.clear(&checked.clears);
                if self.series.is_empty() {
                    self.calm_ms = Some(checked.at_ms);
                }
            }
            (Proves::Failure | Proves::Nothing, _) => {}
        }
    }

    /// Takes note of what is made good; a category all of which is, is done with.
    fn clear(&mut self, records: &[u64]) {
        for series in self.series.values_mut() {
            for tried in series.tries.iter_mut().filter(|tried| records.contains(&tried.seq)) {
                tried.good = true;
            }
        }
        self.series.retain(|_, series| series.tries.iter().any(|tried| !tried.good));
    }

    /// Counts anew for a phase, and gives what was counted outside of it. What was refused stays known.
    pub(super) fn for_a_phase(&mut self) -> Attempts {
        let fresh = Attempts { refused: self.refused.clone(), calm_ms: self.calm_ms, ..Attempts::default() };
        std::mem::replace(self, fresh)
    }

    /// These again, after a phase in which `within` was counted.
    pub(super) fn after(self, within: &Attempts) -> Attempts {
        Attempts { refused: within.refused.clone(), calm_ms: within.calm_ms, ..self }
    }

    /// Everything begins anew.
    pub(super) fn resume(&mut self) {
        *self = Attempts { calm_ms: self.calm_ms, ..Attempts::default() };
    }
}
