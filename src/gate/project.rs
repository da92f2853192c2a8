//! Finding a project and the folders that belong to it.
//! Knows where things lie, not what stands in them.

use super::{Stop, World};
use crate::record::{LOG_NAME, LogError, Mended, Paths};
use std::path::{Path, PathBuf};

/// The file that makes a folder a project.
pub const POLICY_FILE: &str = "guard.toml";

/// What no command may change in a project.
const PROTECTED: [&str; 3] = [POLICY_FILE, ".git/config", ".git/hooks"];

/// What Claude Code obeys in a project's `.claude`: hooks, guard's own among them, and permissions.
const SETTINGS: [&str; 2] = ["settings.json", "settings.local.json"];

/// A project guard watches over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Its root, without symbolic links.
    pub root: PathBuf,
    /// The log and the state folder.
    pub paths: Paths,
    /// `$XDG_STATE_HOME/guard`, hidden inside fences.
    pub state_root: PathBuf,
    /// The person's `guard` configuration folder, hidden inside fences.
    pub config_root: Option<PathBuf>,
    /// The person's SSH keys, `~/.ssh`, where there are any: hidden inside fences, since a key of theirs approves.
    pub keys: Option<PathBuf>,
    /// Roots of projects within this one.
    pub nested: Vec<PathBuf>,
}

impl Project {
    /// The project that `from` lies in: the nearest ancestor with a `guard.toml`.
    pub fn find(world: &World, from: &Path) -> Result<Self, Stop> {
        let from = std::fs::canonicalize(from)
            .map_err(|error| Stop::Folder { path: from.to_owned(), cause: error.to_string() })?;
        Self::around(world, from)
    }

    /// The project that `from`, a path without links, lies in.
    pub fn around(world: &World, from: PathBuf) -> Result<Self, Stop> {
        if !from.is_dir() {
            return Err(Stop::Folder { path: from, cause: "it is not a folder".into() });
        }
        let root = root_of(&from).ok_or_else(|| Stop::NoProject { from: from.clone() })?;
        if world.only.as_ref().is_some_and(|only| *only != root) {
            return Err(Stop::Usage {
                what: format!("`{}` is another project than the one this agent works in", shown(&root)),
                help: "call guard in the project that `guard run` was started in".into(),
            });
        }
        let state_root = world.state_root().ok_or(Stop::NoHome)?;
        if crate::execute::sandbox::inside(&state_root) {
            return Err(Stop::Fenced);
        }
        let paths = match crate::record::find_real(&state_root, &root) {
            Err(LogError::NotCreated { project }) => return Err(Stop::NotInitialised { root: project }),
            found => found.map_err(Stop::Log)?,
        };
        let config_root = super::trust::config_root(&paths.state).or_else(|| world.config_root());
        let nested = crate::record::below(&state_root, &root);
        let keys = world.home().map(|home| home.join(".ssh")).filter(|keys| keys.symlink_metadata().is_ok());
        Ok(Self { root, paths, state_root, config_root, keys, nested })
    }

    /// Finds the state of a project that was moved, and where the project was before.
    pub fn relink(world: &World, from: &Path) -> Result<(Self, PathBuf), Stop> {
        let root = root_of(from).ok_or_else(|| Stop::NoProject { from: from.to_owned() })?;
        let state_root = world.state_root().ok_or(Stop::NoHome)?;
        let (_, mended) = crate::record::relink(&state_root, &root).map_err(Stop::Log)?;
        let before = match mended {
            Mended::Moved(before) => before,
            Mended::Bar(_) | Mended::Keys(_) => root,
        };
        Ok((Self::find(world, from)?, before))
    }

    /// The policy file of the project.
    pub fn policy_file(&self) -> PathBuf {
        self.root.join(POLICY_FILE)
    }

    /// What stays read-only for every command: the policy, that of each project within this one, and what git or a
    /// harness would run or obey outside the fence.
    pub fn protected(&self) -> Vec<PathBuf> {
        let own = PROTECTED.iter().map(|name| self.root.join(name));
        let harness = self.root.join(".claude");
        let settings = harness.symlink_metadata().is_ok_and(|found| found.is_dir()).then_some(SETTINGS);
        let settings = settings.into_iter().flatten().map(|name| harness.join(name));
        own.chain(settings).chain(PROTECTED.iter().flat_map(|name| self.of_nested(name))).collect()
    }

    /// What no command may see: the log, those of projects within this one, guard's state, the machine's and the person's
    /// configuration of guard, the person's SSH keys.
    pub fn hidden(&self) -> Vec<PathBuf> {
        let own = [self.paths.log.clone(), self.state_root.clone()].into_iter();
        let machine = PathBuf::from(super::world::MACHINE);
        let machine = machine.symlink_metadata().is_ok().then_some(machine);
        own.chain(machine)
            .chain(self.config_root.clone())
            .chain(self.keys.clone())
            .chain(self.of_nested(LOG_NAME))
            .collect()
    }

    /// A file of each project within this one, where it is there.
    fn of_nested(&self, name: &str) -> impl Iterator<Item = PathBuf> {
        let files = self.nested.iter().map(move |root| root.join(name));
        files.filter(|path| path.symlink_metadata().is_ok())
    }
}

/// The nearest ancestor of `from`, itself included, that holds a `guard.toml` of any kind.
pub fn root_of(from: &Path) -> Option<PathBuf> {
    from.ancestors().find(|folder| folder.join(POLICY_FILE).symlink_metadata().is_ok()).map(Path::to_owned)
}

/// A path as it is shown to a person: control characters and bytes that are not UTF-8 made visible.
pub fn shown(path: &Path) -> String {
    crate::event::line::visible(&path.to_string_lossy())
}
