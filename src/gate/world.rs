//! What guard was started with: environment and working folder, and the folders of its own that follow from them.
//! The one place that knows their names; reads nothing itself.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// The environment and working folder of a call, as the door found them.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// Environment variables.
    pub environment: Vec<(OsString, OsString)>,
    /// Working folder, absolute.
    pub cwd: PathBuf,
    /// The only project that may be acted in, where one is.
    pub only: Option<PathBuf>,
}

/// The machine's policy and configuration: root's, above every other layer.
pub(super) const MACHINE: &str = "/etc/guard";

impl World {
    /// A call that may be made for any project.
    pub fn new(environment: Vec<(OsString, OsString)>, cwd: PathBuf) -> Self {
        Self { environment, cwd, only: None }
    }

    /// The value of an environment variable that is set and not empty.
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        let (_, value) = self.environment.iter().rev().find(|(key, _)| key == name)?;
        (!value.is_empty()).then_some(value)
    }

    /// The person's home folder.
    pub fn home(&self) -> Option<PathBuf> {
        self.variable("HOME").map(PathBuf::from).filter(|path| path.is_absolute())
    }

    /// `$XDG_STATE_HOME/guard`, by default `~/.local/state/guard`.
    pub fn state_root(&self) -> Option<PathBuf> {
        self.xdg("XDG_STATE_HOME", ".local/state")
    }

    /// `$XDG_CONFIG_HOME/guard`, by default `~/.config/guard`.
    pub fn config_root(&self) -> Option<PathBuf> {
        self.xdg("XDG_CONFIG_HOME", ".config")
    }

    /// `$XDG_CACHE_HOME/guard`, by default `~/.cache/guard`.
    pub fn cache_root(&self) -> Option<PathBuf> {
        self.xdg("XDG_CACHE_HOME", ".cache")
    }

    /// Relative values are ignored, as the XDG base directory specification demands.
    fn xdg(&self, name: &str, default: &str) -> Option<PathBuf> {
        let set = self.variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let base = set.or_else(|| Some(self.home()?.join(default)))?;
        Some(base.join("guard"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world(variables: &[(&str, &str)]) -> World {
        let environment = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
        World::new(environment, "/work".into())
    }

    #[test]
    fn the_folders_follow_the_xdg_specification() {
        let plain = world(&[("HOME", "/home/a")]);
        assert_eq!(plain.state_root(), Some("/home/a/.local/state/guard".into()));
        assert_eq!(plain.config_root(), Some("/home/a/.config/guard".into()));
        let set = world(&[("HOME", "/home/a"), ("XDG_STATE_HOME", "/var/s"), ("XDG_CONFIG_HOME", "relative")]);
        assert_eq!(set.state_root(), Some("/var/s/guard".into()));
        assert_eq!(set.config_root(), Some("/home/a/.config/guard".into()));
        assert_eq!(world(&[]).state_root(), None);
    }
}
