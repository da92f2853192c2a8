//! The checks of contents alone, on files as they stand: `guard file check`.
//! Changes and records nothing.

use super::{Gathered, Looked, types};
use crate::action::ChangeSet;
use crate::decide::Finding;
use crate::decide::policy::ContentCheck;
use crate::execute::change::open_before;
use crate::execute::file::{Ends, FindError, find};
use crate::gate::changes::{Look, content};
use crate::gate::desk::Desk;
use crate::gate::{Project, Stop, World, shown};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What looking at files came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedFiles {
    /// Files that were looked at, from the project's root.
    pub files: Vec<PathBuf>,
    /// What was found, in their order.
    pub findings: Vec<Finding>,
    /// Files that hold secrets, and of which kinds.
    pub secrets: Vec<(PathBuf, Vec<String>)>,
}

/// Files that are looked at in one call, at most.
const MOST: usize = 20_000;

/// Checks files and all below folders, as the policy wants each checked; `paths` are from the working folder. What builds
/// make, and what git keeps, is not looked at.
///
/// # Errors
/// A path that is not there, no plain file, or not the project's; a file that cannot be read.
pub fn check_files(world: &World, project: &Project, paths: &[PathBuf]) -> Result<CheckedFiles, Stop> {
    let desk = Desk::open_to_look(world, project)?;
    let home = world.home();
    let set = ChangeSet::default();
    let path = world.variable("PATH");
    let look = Look { upper: Path::new(""), project: &project.root, home: home.as_deref(), nested: &[], path };
    let mut gathered = Gathered::new(&set, look, &desk.policy);
    let mut found = Vec::new();
    for path in paths {
        listed(world, project, path, &mut found)?;
    }
    found.retain(|path| {
        let iteration = &desk.policy.settings().iteration;
        !iteration.is_output(&project.root.join(path), &project.root, home.as_deref())
    });
    found.sort();
    found.dedup();
    let hidden = project.hidden();
    found.retain(|path| !hidden.iter().any(|hidden| project.root.join(path).starts_with(hidden)));
    let (mut big, mut secrets) = (Vec::new(), Vec::new());
    let limit = desk.policy.settings().limits.file_size;
    for path in &found {
        let unread = |cause: String| Stop::System { what: format!("cannot read `{}`", shown(path)), cause };
        let (checks, whole) = (gathered.checks(path), project.root.join(path));
        let len = whole.symlink_metadata().map_err(|error| unread(error.to_string()))?.len();
        if len > limit {
            // A change that leaves it behind asks in any case.
            big.extend(checks.contains(&ContentCheck::Syntax).then(|| too_big(path)));
            continue;
        }
        let file = open_before(&project.root, path).map_err(|error| unread(error.to_string()))?;
        let after = content(file, limit, path).map_err(|error| unread(error.to_string()))?;
        let kinds: BTreeSet<String> = desk.redactor.certain(&after).into_iter().map(|(kind, _)| kind).collect();
        if !kinds.is_empty() {
            secrets.push((path.clone(), kinds.into_iter().collect()));
        }
        if !checks.is_empty() {
            gathered.push(Looked::standing(path, checks, Some(after)));
        }
    }
    let wanted = gathered.typed();
    let mut findings = gathered.findings();
    findings.extend(types::standing(&desk, &wanted, &findings));
    findings.extend(big);
    findings.sort();
    Ok(CheckedFiles { files: found, findings, secrets })
}

fn too_big(path: &Path) -> Finding {
    let what = "it is bigger than `[limits] file_size`, and was not looked at".to_owned();
    Finding { path: path.to_owned(), check: ContentCheck::Syntax, line: 1, column: 1, what }
}

/// A file, or the files below a folder, from the project's root. Links and what git keeps are passed over within folders.
fn listed(world: &World, project: &Project, said: &Path, into: &mut Vec<PathBuf>) -> Result<(), Stop> {
    let usage =
        |what: &str, help: &str| Stop::Usage { what: format!("`{}` {what}", shown(said)), help: help.to_owned() };
    let named = "name a file or folder of the project";
    let found = find(&project.root, &world.cwd, said, Ends::Followed);
    let outside = matches!(found, Err(FindError::Outside | FindError::Mounted));
    let why =
        |error| if outside { "is not in the project".to_owned() } else { format!("cannot be looked at: {error}") };
    let inside = found.map_err(|error| usage(&why(error), named))?;
    let real = project.root.join(&inside);
    let looked = real.symlink_metadata();
    let kind = looked.map_err(|error| usage(&format!("cannot be looked at: {error}"), named))?;
    if kind.is_file() {
        into.push(inside);
        return Ok(());
    }
    if !kind.is_dir() {
        return Err(usage("is neither a file nor a folder", named));
    }
    let mut folders = vec![real];
    while let Some(folder) = folders.pop() {
        let unread = |error: std::io::Error| Stop::System {
            what: format!("cannot read `{}`", shown(&folder)),
            cause: error.to_string(),
        };
        for entry in std::fs::read_dir(&folder).map_err(unread)? {
            let entry = entry.map_err(unread)?;
            let kind = entry.file_type().map_err(unread)?;
            if kind.is_dir() && entry.file_name() != ".git" {
                folders.push(entry.path());
            } else if kind.is_file()
                && let Ok(inside) = entry.path().strip_prefix(&project.root)
            {
                into.push(inside.to_owned());
            }
            if into.len() > MOST {
                return Err(usage(&format!("holds more than {MOST} files"), "name folders in it, one at a time"));
            }
        }
    }
    Ok(())
}
