//! What a command may read of what is closed to it, as plain data.
//! Knows neither policies nor how it is enforced.

use std::path::{Path, PathBuf};

/// Homes that are hidden, and what of them, and of the system's closed folders, can be read all the same. All absolute
/// and without links.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reads {
    /// Homes: nothing of them is there but what is `open`, and the project.
    pub homes: Vec<PathBuf>,
    /// Files and folders that are there, read-only. A link is there as a link.
    pub open: Vec<PathBuf>,
    /// Files and folders that cannot be read, wherever they lie.
    pub shut: Vec<PathBuf>,
    /// `.env` files of the project that are known: they are looked for besides, and unreadable but where the order says so.
    pub dotenv: Vec<PathBuf>,
    /// Whether the project was looked through for them.
    pub looked_through: bool,
    /// Libraries of the Python that runs: their compiled forms are used, where they lie neither in the project nor where a
    /// command may write.
    pub libraries: Vec<PathBuf>,
    /// A folder of guard's own where it is kept from run to run what these are.
    pub compiled: Option<PathBuf>,
    /// Compiled forms of the project's own sources, as Python looks for them, if there are any: what a run compiled besides is
    /// told at its end.
    pub forms: Option<PathBuf>,
}

/// Why a program at `path` is not there for a command in `place`, and what would open it; `None` where nothing hides it.
pub fn unseen(place: &super::Place, path: &Path) -> Option<String> {
    super::sandbox::out_of_sight(place, &[], path)
}
