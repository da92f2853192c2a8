//! The files of a project, by patterns. Follows no link, leaves out what guard hides and what git keeps for itself.
//! Reads no content.

use crate::execute::file::{Met, Next, walk};
use crate::gate::desk::Desk;
use crate::gate::{Project, Stop, World};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
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
    let (mut listed, mut seen) = (Listed::default(), 0);
    let walked = walk(&project.root, |below, met| {
        seen += 1;
        if seen > ENTRIES {
            listed.more = true;
            return Next::Stop;
        }
        let path = project.root.join(below);
        let own = below.file_name().is_some_and(|name| name == ".git");
        if own || hidden.iter().any(|hidden| path.starts_with(hidden)) || made(&path) {
            return Next::Past;
        }
        if let Met::File(len) = met
            && (patterns.is_empty() || wanted.is_match(below))
        {
            listed.files.push((below.to_owned(), len));
        }
        Next::On
    });
    walked.map_err(|error| Stop::System { what: "cannot list the project".into(), cause: error.to_string() })?;
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
