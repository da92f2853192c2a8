//! Why a program that is there for guard does not run inside: out of sight, or refused by the kernel.
//! Builds no fence.

use super::layout;
use super::program::{Work, interpreter};
use super::start::Standing;
use crate::execute::ExecuteError;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

impl Standing {
    /// The program is there for guard, but not inside.
    pub(super) fn unreachable(&self, cause: io::Error) -> ExecuteError {
        let program = match &self.order.work {
            Work::Argv { program, .. } => program.display().to_string(),
            Work::Line(_) => "bash".to_owned(),
        };
        let hint = ["/tmp/", "/var/tmp/", "/run/", "/dev/"].iter().find(|base| program.starts_with(**base));
        let cause = match hint {
            Some(base) => format!("{cause}: the fence has its own `{base}`"),
            None => {
                layout::out_of_sight(&self.place, self.order.bounds.reading().unwrap_or_default(), Path::new(&program))
                    .unwrap_or(cause.to_string())
            }
        };
        ExecuteError::NotExecutable { program, cause }
    }

    /// The error for an `execve` that failed although all was ready.
    pub(in crate::execute) fn not_executed(&self, error: i32) -> ExecuteError {
        let program = match &self.order.work {
            Work::Argv { program, argv } => argv.first().map_or(program.as_os_str(), OsString::as_os_str),
            Work::Line(_) => OsStr::new("bash"),
        };
        let program = program.to_string_lossy().into_owned();
        let hidden = match &self.order.work {
            Work::Argv { program, .. } => interpreter(program),
            Work::Line(_) => None,
        }
        .and_then(|interpreter| {
            layout::out_of_sight(&self.place, self.order.bounds.reading().unwrap_or_default(), &interpreter)
        });
        let cause = hidden.unwrap_or_else(|| io::Error::from_raw_os_error(error).to_string());
        ExecuteError::NotExecutable { program, cause }
    }
}
