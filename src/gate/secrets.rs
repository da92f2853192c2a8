//! The secrets guard knows of, so that none of them is ever written down: read here, masked by the redactor.
//! Knows where secrets lie, not how they are masked.

use super::{Project, Stop, World};
use crate::record::{Redactor, Secrets, TagKey};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Bytes of a file of secrets, at most.
const MOST: u64 = 1 << 20;

/// A redactor for the values of secret-named variables, the project's `.env`, and the person's `.pgpass` and `.netrc`.
pub(super) fn redactor(world: &World, project: &Project, tags: TagKey) -> Result<Redactor, Stop> {
    let mut secrets = Secrets::default();
    secrets.environment(&world.environment);
    secrets.dotenv(&read(&project.root.join(".env"))?);
    if let Some(home) = world.home() {
        secrets.pgpass(&read(&home.join(".pgpass"))?);
        secrets.netrc(&read(&home.join(".netrc"))?);
    }
    Ok(Redactor::new(tags, secrets))
}

/// A small file's content; nothing where there is no file. A command may have put anything there: a pipe is not waited
/// for, a device not read, and what is too large to be looked through stops guard rather than go unmasked.
fn read(path: &Path) -> Result<Vec<u8>, Stop> {
    let fault =
        |cause: String| Stop::System { what: format!("cannot read the secrets in `{}`", super::shown(path)), cause };
    let mut options = std::fs::OpenOptions::new();
    let opened = options.read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(fault(error.to_string())),
    };
    let kind = file.metadata().map_err(|error| fault(error.to_string()))?;
    if kind.is_dir() {
        return Ok(Vec::new());
    }
    if !kind.is_file() {
        return Err(fault("it is not a plain file: remove it".into()));
    }
    let mut bytes = Vec::new();
    file.take(MOST + 1).read_to_end(&mut bytes).map_err(|error| fault(error.to_string()))?;
    if bytes.len() as u64 > MOST {
        return Err(fault(format!("it is larger than {MOST} bytes")));
    }
    Ok(bytes)
}
