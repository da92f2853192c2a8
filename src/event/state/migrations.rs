//! Migrations, from the proposal to what came of them.
//! Knows no clock and no files.

use crate::event::{MigrationEnd, MigrationEnded, MigrationProposed};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Migrations that are known by name.
const KEPT: usize = 256;

/// Every migration that was proposed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migrations {
    /// Names given so far.
    pub named: u64,
    /// The last ones, the oldest first.
    pub known: VecDeque<Known>,
}

/// A migration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Its name.
    pub name: String,
    /// SHA-256 of its stored copy.
    pub content: String,
    /// Whether a person must allow it.
    pub asks: bool,
    /// Record of its proposal.
    pub seq: u64,
    /// What came of it.
    pub came: Came,
}

/// What came of a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Came {
    /// Nothing yet.
    Proposed,
    /// It runs, since the record of this number.
    Runs(u64),
    /// It is done.
    Done,
    /// A person did it.
    ByPerson,
    /// It failed, and nothing of it is left.
    Undone,
    /// It failed, and some of it is left.
    Partly,
    /// The guard that ran it is gone.
    Lost,
}

impl Came {
    /// The word of `--json` and of people.
    pub fn word(self) -> &'static str {
        match self {
            Came::Proposed => "proposed",
            Came::Runs(_) => "runs",
            Came::Done => "done",
            Came::ByPerson => "done by a person",
            Came::Undone => "failed, undone",
            Came::Partly => "failed, partly done",
            Came::Lost => "interrupted",
        }
    }
}

impl Migrations {
    /// The migration of a name.
    pub fn known(&self, name: &str) -> Option<&Known> {
        self.known.iter().rev().find(|known| known.name == name)
    }

    pub(super) fn propose(&mut self, seq: u64, proposed: &MigrationProposed) {
        self.named = self.named.saturating_add(1);
        let (name, content) = (proposed.name.clone(), proposed.content.clone());
        self.known.push_back(Known { name, content, asks: proposed.asks, seq, came: Came::Proposed });
        while self.known.len() > KEPT {
            self.known.pop_front();
        }
    }

    pub(super) fn start(&mut self, seq: u64, name: &str) {
        self.come(name, Came::Runs(seq));
    }

    pub(super) fn end(&mut self, ended: &MigrationEnd) {
        let came = match ended.ended {
            MigrationEnded::Done => Came::Done,
            MigrationEnded::Undone => Came::Undone,
            MigrationEnded::Partly => Came::Partly,
        };
        self.come(&ended.name, came);
    }

    pub(super) fn done(&mut self, name: &str) {
        self.come(name, Came::ByPerson);
    }

    /// The run that began with a record is gone.
    pub(super) fn lose(&mut self, of: u64) {
        if let Some(known) = self.known.iter_mut().find(|known| known.came == Came::Runs(of)) {
            known.came = Came::Lost;
        }
    }

    fn come(&mut self, name: &str, came: Came) {
        if let Some(known) = self.known.iter_mut().rev().find(|known| known.name == name) {
            known.came = came;
        }
    }
}
