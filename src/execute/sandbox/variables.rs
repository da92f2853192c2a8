//! The environment that a command gets inside.
//! Knows nothing of where the variables come from.

use super::net::Entry;
use super::order::Order;
use crate::execute::{Environment, ExecuteError, Place};
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;

/// What of `environment` a command gets, with what the way to its hosts adds; `private`: whether there is a `/tmp` of its own,
/// or no fence.
pub(super) fn variables(
    environment: &Environment,
    (order, place): (&Order, &Place),
    private: bool,
    entry: &Entry,
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
    if !private {
        // There is no private /tmp without mounts.
        all.retain(|(name, _)| *name != "TMPDIR");
        all.push((OsStr::new("TMPDIR"), place.caches.as_os_str()));
    }
    let join = |(name, value): (&OsStr, &OsStr)| {
        CString::new([name.as_bytes(), b"=", value.as_bytes()].concat()).map_err(|_| ExecuteError::System {
            what: "pass the environment on".to_owned(),
            cause: "a NUL byte in a variable".to_owned(),
        })
    };
    all.into_iter().map(join).collect()
}
