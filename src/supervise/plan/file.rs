//! A plan's file.
//! Knows how it is opened, not what stands in it.

use super::{LARGEST, Plan, read};
use crate::decide::policy::{Fault, Faults};
use std::fs;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Why a file is no plan.
#[derive(Debug, thiserror::Error)]
pub enum NotAPlan {
    /// It cannot be read.
    #[error("cannot read the plan `{}`: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's message.
        cause: String,
    },
    /// It has faults.
    #[error("{}", Faults(faults.clone()))]
    Faulty {
        /// Every one.
        faults: Vec<Fault>,
    },
}

/// Reads the plan in the file `path`, which messages call `name`.
///
/// # Errors
/// It cannot be read, or it is no plan.
pub fn load(path: &Path, name: &str) -> Result<Plan, NotAPlan> {
    let unreadable = |cause: String| NotAPlan::Unreadable { path: path.to_owned(), cause };
    // A pipe in its place is not waited for.
    let mut options = fs::OpenOptions::new();
    let file = options.read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path);
    let file = file.map_err(|error| unreadable(error.to_string()))?;
    if !file.metadata().is_ok_and(|found| found.is_file()) {
        return Err(unreadable("it is not a plain file".to_owned()));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST as u64 + 1).read_to_end(&mut bytes).map_err(|error| unreadable(error.to_string()))?;
    read(name, &bytes).map_err(|faults| NotAPlan::Faulty { faults })
}
