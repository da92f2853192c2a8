//! What the log keeps of an iteration: what it is for, which files changes count in it, how it closed.
//! Knows no bounds and no coupling.

use super::requests::By;
use serde::{Deserialize, Serialize};

/// Names of files that a record or an iteration lists; of more it keeps the number.
pub const NAMES: usize = 64;

/// An iteration begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begun {
    /// What it is for; none where a change began it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
}

/// An iteration is closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ended {
    /// Sequence number of its beginning.
    pub of: u64,
    /// The end of the green check that allows it; none where nothing had changed, or a person closed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<u64>,
    /// The person who closed it without one, and how that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
}

/// Files that changes count in an iteration: paths from the project's root, a moved file under its new name alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    /// The first of them, in the order of their paths.
    pub files: Vec<String>,
    /// How many more there are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: u64,
}

impl Counted {
    /// What a record keeps of these files.
    pub fn of(files: impl IntoIterator<Item = String>) -> Self {
        let mut files = files.into_iter();
        let listed = files.by_ref().take(NAMES).collect();
        Self { files: listed, more: files.count() as u64 }
    }

    /// Whether nothing counts.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.more == 0
    }

    /// How many files there are.
    pub fn number(&self) -> u64 {
        self.more.saturating_add(self.files.len() as u64)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}
