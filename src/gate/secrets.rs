//! The secrets guard knows of, so that none of them is ever written down: read here, masked by the redactor.
//! Knows where secrets lie, not how they are masked.

use super::{Project, Stop, World, files};
use crate::record::{Redactor, Secrets, TagKey};
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

/// A small file's content; nothing where there is no file. What is too large to be looked through stops guard rather
/// than go unmasked.
fn read(path: &Path) -> Result<Vec<u8>, Stop> {
    let fault =
        |cause: String| Stop::System { what: format!("cannot read the secrets in `{}`", super::shown(path)), cause };
    files::small(path, MOST).map(Option::unwrap_or_default).map_err(fault)
}
