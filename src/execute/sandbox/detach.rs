//! A guard that outlives its caller: nobody waits for it, and nothing that ends the caller ends it.
//! Knows nothing of what it is started for.
#![expect(unsafe_code, reason = "only what runs between fork and exec can leave the caller's session")]

use super::sys;
use crate::execute::calls::FOR;
use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// Starts guard once more, with these arguments, in a session of its own, with no descriptor of the caller's.
///
/// # Errors
/// It cannot be started.
pub fn detached<A: AsRef<OsStr>>(arguments: &[A]) -> io::Result<()> {
    let mut command = Command::new("/proc/self/exe");
    // Nobody that this process was called for counts for one that outlives it.
    command.arg0("guard").args(arguments).current_dir("/").env_remove(FOR);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // SAFETY: between fork and exec nothing is called but system calls.
    unsafe {
        command.pre_exec(|| {
            // What waits for a pipe's end must not wait for this process too.
            sys::close_from(3, true).map_err(io::Error::from_raw_os_error)?;
            sys::setsid();
            // Its parent ends here, so that the caller is left no child to wait for.
            match sys::fork_with(0) {
                Ok(0) => Ok(()),
                Ok(_) => sys::exit(0),
                Err(error) => Err(io::Error::from_raw_os_error(error)),
            }
        });
    }
    command.spawn()?.wait().map(drop)
}
