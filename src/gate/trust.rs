//! What a person trusted: a copy of the project's policy, and where the person's own configuration lies, in the state folder.
//! Knows nothing of what a policy means.

use super::{Project, Stop, World, dotenv};
use std::fs;
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const TRUSTED: &str = "trusted.toml";
const CONFIG: &str = "config-root";

/// The project's policy as it was last trusted; `None` before it ever was.
pub(super) fn trusted(state: &Path) -> Result<Option<Vec<u8>>, Stop> {
    let path = state.join(TRUSTED);
    match fs::read(&path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Stop::PolicyUnreadable { path, cause: error.to_string() }),
    }
}

/// The person's configuration folder as it was when the policy was trusted.
/// Taken from there, so that an agent's `XDG_CONFIG_HOME` cannot bring in another layer.
pub(super) fn config_root(state: &Path) -> Option<PathBuf> {
    let bytes = fs::read(state.join(CONFIG)).ok()?;
    let path = PathBuf::from(std::ffi::OsString::from_vec(bytes));
    path.is_absolute().then_some(path)
}

/// Remembers `text` as trusted, durably.
pub(super) fn trust(world: &World, project: &Project, text: &[u8]) -> Result<(), Stop> {
    if let Some(config) = world.config_root() {
        keep(&project.paths.state.join(CONFIG), config.as_os_str().as_bytes())?;
    }
    dotenv::find_all(project)?;
    keep(&project.paths.state.join(TRUSTED), text)
}

/// Replaces a file of the state folder in one step.
pub(super) fn keep(path: &Path, bytes: &[u8]) -> Result<(), Stop> {
    let fault = |error: std::io::Error| Stop::System {
        what: format!("cannot write `{}`", super::project::shown(path)),
        cause: error.to_string(),
    };
    let fresh = path.with_extension(format!("new-{}", std::process::id()));
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh).map_err(fault)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(fault)?;
    fs::rename(&fresh, path).map_err(fault)?;
    if let Some(folder) = path.parent() {
        fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(fault)?;
    }
    Ok(())
}
