//! Why a change set cannot be read.

use std::io;
use std::path::{Path, PathBuf};

/// Why it cannot be told what a command changed. Nothing of it is committed then.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system refused to read something.
    #[error("cannot {what} `{path}`: {cause}", path = shown(path))]
    System {
        /// What was tried: `open`, `list`, `read`, …
        what: &'static str,
        /// From the project's root, or the root itself.
        path: PathBuf,
        /// The system's answer.
        cause: io::Error,
    },
    /// The upper layer carries an attribute that no fence of guard's writes: it says something that would be misread.
    #[error("`{path}` carries `{attribute}`, which guard's own overlays do not write", path = shown(path))]
    Foreign {
        /// From the project's root.
        path: PathBuf,
        /// The attribute.
        attribute: &'static str,
    },
    /// Another file system is mounted within the project: the command saw what lies below it.
    #[error("another file system is mounted at `{path}`", path = shown(path))]
    Mounted {
        /// From the project's root.
        path: PathBuf,
    },
    /// Something became another thing while it was looked at.
    #[error("`{path}` changed while it was read", path = shown(path))]
    Moved {
        /// From the project's root.
        path: PathBuf,
    },
}

impl ReadError {
    /// What to do about it.
    pub fn mend(&self) -> Option<&'static str> {
        match self {
            Self::System { .. } => Some("give the person who runs guard the right to read it"),
            Self::Foreign { .. } => None,
            Self::Mounted { .. } => Some("have the command leave that folder alone, or unmount it"),
            Self::Moved { .. } => Some("run the command again while nothing else changes the project"),
        }
    }
}

/// As much of a path as a message can hold.
fn shown(path: &Path) -> String {
    const MOST: usize = 300;
    let text = crate::event::line::visible(&path.to_string_lossy());
    let text = if text.is_empty() { ".".to_owned() } else { text };
    if text.chars().count() <= MOST { text } else { text.chars().take(MOST).chain(['…']).collect() }
}
