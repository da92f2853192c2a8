//! The files of a project, by patterns. Follows no link, leaves out what guard hides and what git keeps for itself.
//! Reads no content.

use crate::gate::desk::Desk;
use crate::gate::{Project, Stop, World};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use std::fs;
use std::path::{Path, PathBuf};

/// Files found, in the order of their paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// From the project's root, and its length in bytes; a link's is that of where it leads, as written.
    pub files: Vec<(PathBuf, u64)>,
    /// Whether there are more than were asked for.
    pub more: bool,
}

/// Entries looked at, at most.
const ENTRIES: usize = 1_000_000;

/// At most `most` files that one of `patterns` means (all, where there are none), those that builds make only with `outputs`.
/// A pattern without a slash means names at any depth.
///
/// # Errors
/// A pattern that is none.
pub fn list_files(
    world: &World,
    project: &Project,
    patterns: &[String],
    (most, outputs): (usize, bool),
) -> Result<Listed, Stop> {
    let desk = Desk::open_to_look(world, project)?;
    let wanted = set(patterns)?;
    let (hidden, home) = (project.hidden(), world.home());
    let iteration = &desk.policy.settings().iteration;
    let made = |path: &Path| !outputs && iteration.is_output(path, &project.root, home.as_deref());
    let mut listed = Listed::default();
    let (mut left, mut seen) = (vec![project.root.clone()], 0);
    while let Some(folder) = left.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            seen += 1;
            let path = entry.path();
            let (Ok(below), Ok(found)) = (path.strip_prefix(&project.root), entry.metadata()) else { continue };
            let own = entry.file_name() == ".git" || hidden.iter().any(|hidden| path.starts_with(hidden));
            if own || made(&path) {
                continue;
            }
            if found.is_dir() {
                left.push(path);
            } else if (found.is_file() || found.is_symlink()) && (patterns.is_empty() || wanted.is_match(below)) {
                listed.files.push((below.to_owned(), found.len()));
            }
        }
        if seen > ENTRIES {
            listed.more = true;
            break;
        }
    }
    listed.files.sort();
    listed.more |= listed.files.len() > most;
    listed.files.truncate(most);
    Ok(listed)
}

fn set(patterns: &[String]) -> Result<GlobSet, Stop> {
    let fault = |error: globset::Error| Stop::Usage {
        what: format!("not a pattern: {error}"),
        help: "write patterns as `services/*.py`, `**/test_*.py`, `*.{toml,yaml}`".into(),
    };
    let mut all = GlobSetBuilder::new();
    for pattern in patterns {
        let whole =
            if pattern.contains('/') { pattern.trim_start_matches("./").to_owned() } else { format!("**/{pattern}") };
        all.add(GlobBuilder::new(&whole).literal_separator(true).build().map_err(fault)?);
    }
    all.build().map_err(fault)
}
