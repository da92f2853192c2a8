//! How far a command is let: into the fence, into a fence that hides what it need not read, or out of every fence.
//! Knows no policy; whoever orders has a reason.

use super::closed::open_of_system;
use super::layout::c_path;
use super::rules::{Access, Judged, Rules};
use crate::execute::ExecuteError;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What holds a command.
#[derive(Debug, Clone, Default)]
pub enum Bounds {
    /// The fence.
    #[default]
    Fence,
    /// The fence, and nothing can be read but these folders and files, and what programs need to start.
    Reading(Vec<PathBuf>),
    /// No fence: its time and its end are kept, and its input is this file.
    Outside(Arc<OwnedFd>),
}

/// What is missing of the fence outside of it.
pub(super) const OUTSIDE: &str = "the Docker socket is not to be had inside; its time and its end were kept";

/// Where programs and what they need to start lie: nothing that belongs to anybody. Besides, what is open of the system.
const SYSTEM: [&str; 8] = ["/bin", "/lib", "/lib32", "/lib64", "/nix", "/proc", "/sbin", "/usr"];

impl Bounds {
    /// Landlock's rules with nothing allowed yet.
    pub(super) fn no_rules(&self, version: u32, judged: Judged) -> Rules {
        Rules::new(version, self.reading().map_or(judged, |_| Judged::All))
    }

    /// The same, but for what may be read where that is limited.
    pub(super) fn rules(&self, version: u32, judged: Judged) -> Result<Rules, ExecuteError> {
        let mut rules = self.no_rules(version, judged);
        let Self::Reading(own) = self else { return Ok(rules) };
        let mut allow = |path: &Path| {
            rules.allow(c_path(path)?, Access::Read, path.is_dir());
            Ok::<(), ExecuteError>(())
        };
        own.iter().try_for_each(|path| allow(path))?;
        SYSTEM.iter().map(Path::new).chain(open_of_system()).try_for_each(&mut allow)?;
        Ok(rules)
    }

    /// The folders and files that alone can be read, where reading is limited to some.
    pub(super) fn reading(&self) -> Option<&[PathBuf]> {
        match self {
            Self::Reading(own) => Some(own),
            Self::Fence | Self::Outside(_) => None,
        }
    }
}
