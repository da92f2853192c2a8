//! The environment that a command gets, as `execve` wants it.
//! Knows nothing of where variables come from.

use super::net::Entry;
use super::order::Order;
use crate::execute::{Environment, ExecuteError};
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Its variables, with those that tell of the way to hosts; `tmp`: the folder for what is temporary, where `/tmp` is not to be
/// had.
pub(super) fn of(
    environment: &Environment,
    order: &Order,
    entry: &Entry,
    tmp: Option<&Path>,
) -> Result<Vec<CString>, ExecuteError> {
    let mut all: Vec<(&OsStr, &OsStr)> =
        environment.variables.iter().map(|(n, v)| (n.as_os_str(), v.as_os_str())).collect();
    if order.terminal {
        // The terminal itself knows its size, which may change.
        all.retain(|(name, _)| *name != "COLUMNS" && *name != "LINES");
    }
    let way = &entry.variables;
    all.retain(|(name, _)| !way.iter().any(|(other, _)| other == name));
    all.extend(way.iter().map(|(n, v)| (OsStr::new(n), OsStr::new(v))));
    if let Some(tmp) = tmp {
        all.retain(|(name, _)| *name != "TMPDIR");
        all.push((OsStr::new("TMPDIR"), tmp.as_os_str()));
    }
    let join = |(name, value): (&OsStr, &OsStr)| {
        CString::new([name.as_bytes(), b"=", value.as_bytes()].concat()).map_err(|_| ExecuteError::System {
            what: "pass the environment on".to_owned(),
            cause: "a NUL byte in a variable".to_owned(),
        })
    };
    all.into_iter().map(join).collect()
}
