//! How far a command is let: into the fence, into a fence that hides what it need not read, or out of every fence.
//! Knows no policy; whoever orders has a reason.

use super::layout::c_path;
use super::rules::{Access, Rules};
use crate::execute::ExecuteError;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
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

/// What programs need to start and to find their way: nothing that belongs to anybody.
const SYSTEM: [&str; 20] = [
    "/bin",
    "/etc/alternatives",
    "/etc/group",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/python3",
    "/etc/python3.11",
    "/etc/ssl/openssl.cnf",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix",
    "/proc",
    "/sbin",
    "/sys/fs/cgroup",
    "/sys/kernel/mm/transparent_hugepage",
    "/usr",
];

impl Bounds {
    /// Landlock's rules with nothing allowed yet, but for what may be read where that is limited.
    pub(super) fn rules(&self, version: u32, reads: bool) -> Result<Rules, ExecuteError> {
        let Self::Reading(own) = self else { return Ok(Rules::new(version, reads)) };
        let mut rules = Rules::new(version, true);
        let system = SYSTEM.iter().map(PathBuf::from);
        for path in own.iter().cloned().chain(system) {
            rules.allow(c_path(&path)?, Access::Read, path.is_dir());
        }
        Ok(rules)
    }

    /// Whether reading is limited.
    pub(super) fn limits_reading(&self) -> bool {
        match self {
            Self::Reading(_) => true,
            Self::Fence | Self::Outside(_) => false,
        }
    }
}
