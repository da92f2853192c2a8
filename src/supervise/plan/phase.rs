//! One phase of a plan.
//! Knows what it may touch and how it is told from another; not how it is run.

use super::parts::{Checks, Data, DryRun, Limits, Migration};
use super::sha256;
use crate::decide::policy::{Bases, PathPattern, path_meant};
use crate::event::Mode;
use serde::Serialize;
use std::path::Path;

/// One phase.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Phase {
    /// Its id: `2.3`.
    pub id: String,
    /// What it is, in a line.
    pub description: String,
    /// What it is for.
    pub goal: Option<String>,
    /// When it is done: sentences for the agent and for whoever looks at its work.
    pub accept: Vec<String>,
    /// Ids of the phases that must be complete before it begins.
    pub after: Vec<String>,
    /// Globs over the files it may touch, from the project's root; `!` in front takes some out. Never empty.
    pub files: Vec<String>,
    /// The mode that the project is in meanwhile; `None`: whichever it is in.
    pub mode: Option<Mode>,
    /// Commands that must be green.
    pub checks: Checks,
    /// Migrations that the loop proposes, in order.
    pub migrations: Vec<Migration>,
    /// What databases must hold.
    pub data: Vec<Data>,
    /// A run of the program itself.
    pub dry_run: Option<DryRun>,
    /// Budgets of this phase.
    pub limits: Limits,
}

impl Phase {
    /// SHA-256 in hex over everything in it: of a phase that says anything else, it is another. Where the phase stands in
    /// its file, how that is written, and what other phases say does not count.
    pub fn hash(&self) -> String {
        // Plain data into memory: this cannot fail, and nothing is as good as no hash.
        sha256(&serde_json::to_vec(self).unwrap_or_default())
    }

    /// Whether it may touch `path`, which is relative to the project's root and has no `..`.
    pub fn may_touch(&self, path: &Path) -> bool {
        let patterns: Vec<PathPattern> = self.files.iter().filter_map(|glob| PathPattern::read(glob).ok()).collect();
        let project = Path::new("/");
        patterns.len() == self.files.len() && path_meant(&patterns, &project.join(path), Bases { project, home: None })
    }
}
