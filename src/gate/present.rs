//! The policy as its files stand now, trusted or not: for whoever writes, tests and explains it.
//! Nothing ever runs by it.

use super::{POLICY_FILE, Project, Stop, World, build, outer_layers, project_text, root_of, trust};
use crate::decide::{Layer, Policy, Source};
use std::path::{Path, PathBuf};

/// A policy as it stands, with its texts.
#[derive(Debug)]
pub struct Present {
    /// The project's root, without symbolic links.
    pub root: PathBuf,
    /// Every text, the project's last; presets and packs not among them.
    pub sources: Vec<Source>,
    /// The policy they make.
    pub policy: Policy,
    /// The project with its state, if guard has one for it.
    pub project: Option<Project>,
    /// Whether the project's text is the one a person trusted.
    pub trusted: bool,
}

/// Which layers count beside the project's own text and what it extends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layers {
    /// The machine's and the person's as well.
    All,
    /// None: the same on every machine.
    Project,
}

/// Reads the policy of the project that `from` lies in.
///
/// # Errors
/// No project, a file that cannot be read, or a policy with faults.
pub fn present(world: &World, from: &Path, layers: Layers) -> Result<Present, Stop> {
    let from = std::fs::canonicalize(from)
        .map_err(|error| Stop::Folder { path: from.to_owned(), cause: error.to_string() })?;
    let root = root_of(&from).ok_or_else(|| Stop::NoProject { from: from.clone() })?;
    let project = Project::find(world, &from).ok();
    let text = project_text(&root)?;
    let known = project.as_ref().and_then(|project| trust::trusted(&project.paths.state).ok().flatten());
    let trusted = known.is_some_and(|known| known == text.as_bytes());
    let mut sources = match layers {
        Layers::All => {
            let config_root =
                project.as_ref().map_or_else(|| world.config_root(), |project| project.config_root.clone());
            outer_layers(config_root.as_deref())?
        }
        Layers::Project => Vec::new(),
    };
    sources.push(Source { layer: Layer::Project, name: POLICY_FILE.into(), text });
    let policy = build(&sources)?;
    Ok(Present { root, sources, policy, project, trusted })
}
