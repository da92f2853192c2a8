//! What a schema looks like: one line for each thing in it, whoever owns it. Two schemas are the same where their lines are.
//! Plain data.

use crate::event::line::hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// A schema, as the lines that tell of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shape {
    lines: BTreeSet<String>,
}

impl Shape {
    pub(super) fn new(lines: impl IntoIterator<Item = String>) -> Self {
        Self { lines: lines.into_iter().collect() }
    }

    /// SHA-256 over its lines, in hex.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        for line in &self.lines {
            hash.update((line.len() as u64).to_le_bytes());
            hash.update(line);
        }
        hex(&hash.finalize())
    }

    /// What has gone (`- …`) and come (`+ …`) between this and a later one, in the order of the names.
    pub fn difference(&self, later: &Shape) -> Vec<String> {
        let gone = self.lines.difference(&later.lines).map(|line| (line, format!("- {line}")));
        let come = later.lines.difference(&self.lines).map(|line| (line, format!("+ {line}")));
        let mut all: Vec<_> = gone.chain(come).collect();
        all.sort();
        all.into_iter().map(|(_, line)| line).collect()
    }

    /// What it becomes by a difference; `None`: it is not what that was taken from.
    pub fn changed(&self, difference: &[String]) -> Option<Shape> {
        let mut lines = self.lines.clone();
        for line in difference {
            let fits = match line.split_at_checked(2) {
                Some(("- ", gone)) => lines.remove(gone),
                Some(("+ ", come)) => lines.insert(come.to_owned()),
                Some(_) | None => false,
            };
            if !fits {
                return None;
            }
        }
        Some(Shape { lines })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_leads_from_one_shape_to_the_other() {
        let shape = |lines: &[&str]| Shape::new(lines.iter().map(|line| (*line).to_owned()));
        let (before, after) =
            (shape(&["column a.x integer", "table a"]), shape(&["column a.x text", "table a", "table b"]));
        let difference = before.difference(&after);
        assert_eq!(difference, ["- column a.x integer", "+ column a.x text", "+ table b"]);
        assert_eq!(before.changed(&difference), Some(after.clone()));
        assert_eq!(after.changed(&difference), None);
        assert_ne!(before.fingerprint(), after.fingerprint());
        // Where one line ends and the next begins counts.
        assert_ne!(shape(&["ab", "c"]).fingerprint(), shape(&["a", "bc"]).fingerprint());
    }
}
