//! A folder that is there for one run alone.
//! Knows nothing of what it is for.

use crate::execute::ExecuteError;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// A folder made for one run, removed with it.
pub(super) struct Fresh(PathBuf);

impl Fresh {
    /// Makes it.
    pub(super) fn make(path: &Path) -> Result<Self, ExecuteError> {
        let made = fs::DirBuilder::new().mode(0o700).create(path);
        made.map_err(|error| ExecuteError::System {
            what: format!("make `{}`", path.display()),
            cause: error.to_string(),
        })?;
        Ok(Self(path.to_owned()))
    }

    /// Where it lies.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
