//! What a plan says: phases, what each may touch, and how it is proved.
//! Knows no clock and runs nothing; whether what it names is there is looked at by [`against`] alone.

mod against;
mod file;
mod import;
mod keys;
mod meaning;
mod parts;
mod phase;
mod read;
mod schema;
mod tightens;
mod yaml;

pub use against::{Against, against};
pub use file::{NotAPlan, load};
pub use import::{Imported, Note, import};
pub use meaning::expression;
pub use parts::{Agent, AgentKind, Budgets, CheckKind, Checks, Data, DryRun, Limits, Migration, Rows};
pub use phase::Phase;
pub use read::{LARGEST, read};
pub use schema::schema;
pub use tightens::tightens;

use crate::decide::Source;
use crate::decide::policy::Fault;
use crate::event::line::hex;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ops::Range;

/// A plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What it is called, for a person.
    pub title: Option<String>,
    /// Who does the work.
    pub agent: Agent,
    /// Budgets of the whole loop.
    pub limits: Limits,
    /// Its phases, in the order of the file.
    pub phases: Vec<Phase>,
    /// SHA-256 of the file's bytes, in hex.
    pub hash: String,
    source: Source,
    places: Places,
}

/// Where what the plan says stands in its file: the phase's number, the key from the phase on, and the number among its like.
type Places = BTreeMap<(Option<usize>, &'static str, usize), Range<usize>>;

impl Plan {
    /// The phase of that id.
    pub fn phase(&self, id: &str) -> Option<&Phase> {
        self.phases.iter().find(|phase| phase.id == id)
    }

    /// The phases in the order in which they are run: each behind those it comes after, else as the file has them.
    pub fn order(&self) -> Vec<&Phase> {
        meaning::order(&self.phases).into_iter().filter_map(|number| self.phases.get(number)).collect()
    }

    /// The plan's name in messages: `plan.toml`.
    pub fn name(&self) -> &str {
        &self.source.name
    }

    /// A fault at what the plan says under `key` of the phase of that number, or of its own.
    fn fault(&self, phase: Option<usize>, key: &'static str, number: usize, message: impl Into<String>) -> Fault {
        let place = self.places.get(&(phase, key, number)).or_else(|| self.places.get(&(phase, "id", 0)));
        Fault::at(&self.source, place.cloned().unwrap_or_default(), message)
    }
}

/// SHA-256 in hex.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}
