//! docker-compose: its configuration printed inside a fence, and what was judged of it run outside of every fence.
//! Knows no rules: a [`Permit`] holds the call and the configuration.

use super::run::{Prepared, prepare_order};
use super::sandbox::{Bounds, Order, Work};
use super::{Environment, ExecuteError, Level, Place};
use crate::approve::Permit;
use crate::decide::compose::Call;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use std::fs::File;
use std::io::{Seek, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Starts a fence in which docker-compose prints the configuration that it reads in `folder`: with nothing to write to,
/// no network, and nothing to read but the project and the folders in `programs` (where docker-compose itself lies).
pub fn prepare_config(
    call: &Call,
    files: &[PathBuf],
    folder: &Path,
    programs: Vec<PathBuf>,
    timeout: Duration,
    (place, environment, require): (&Place, &Environment, Level),
) -> Result<Prepared, ExecuteError> {
    let mut readable = programs;
    readable.push(place.project.clone());
    let work = Work::Argv { program: call.program().to_owned(), argv: call.config_argv(files) };
    let order = Order { dotenv: true, bounds: Bounds::Reading(readable), ..Order::new(work, timeout) };
    prepare_order(order, &Place { cwd: folder.to_owned(), ..place.clone() }, environment, require)
}

/// What is run for a permit whose rule gives the runner: the call as guard writes it, with the configuration that was
/// judged on its standard input, so that no file can be changed in between. `None`: the fence is for it.
pub(super) fn order(permit: &Permit, timeout: Duration) -> Result<Option<Order>, ExecuteError> {
    let judgement = permit.judgement();
    let (call, composed) = match (judgement.grant().runner, judgement.call(), judgement.composed()) {
        (None, None, _) => return Ok(None),
        (Some(_), Some(call), Some(composed)) => (call, composed),
        (Some(_) | None, _, _) => {
            return Err(ExecuteError::System {
                what: "cannot run docker-compose".to_owned(),
                cause: "its configuration was not judged".to_owned(),
            });
        }
    };
    let input = sealed(composed.text.as_bytes()).map_err(|error| ExecuteError::System {
        what: "cannot hand docker-compose its configuration".to_owned(),
        cause: error.to_string(),
    })?;
    let work = Work::Argv { program: call.program().to_owned(), argv: call.argv(composed) };
    Ok(Some(Order { bounds: Bounds::Outside(Arc::new(input)), ..Order::new(work, timeout) }))
}

/// A file in memory that nobody can change any more, to be read from its beginning.
fn sealed(bytes: &[u8]) -> std::io::Result<OwnedFd> {
    let mut file = File::from(memfd_create("configuration", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?);
    file.write_all(bytes)?;
    file.rewind()?;
    fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
    Ok(file.into())
}
