//! Calls of guard from inside a fence: what a harness in `guard run` asks of the guard outside, which has it done there.
//! Knows neither which calls are an agent's nor what they do.

mod serve;
mod spare;
mod wire;

pub use serve::{Refused, Served, Serving, Terms};

use super::sandbox::{PROGRAM, SUPERVISOR, heed};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// The variable by which a guard that was called for somebody inside knows the process that called it, and the only
/// project it may act in.
pub const FOR: &str = "GUARD_RUN_FOR";

/// The one argument of a guard that is started before there is a call for it.
pub const WAITS: &str = "--waits";

/// Whether this process is inside a fence from which guard can be called.
pub fn is_inside() -> bool {
    Path::new(SUPERVISOR).symlink_metadata().is_ok_and(|found| found.is_file())
}

/// Where guard's program lies in such a fence.
pub fn folder() -> &'static Path {
    Path::new(PROGRAM).parent().unwrap_or(Path::new("/"))
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The exit code.
    pub code: u8,
    /// What guard says besides, for standard error; empty: nothing.
    pub said: String,
}

/// Has guard outside do what `words` say, with this process's standard streams.
///
/// # Errors
/// Where the supervisor cannot be reached, or went away.
pub fn call(words: &[OsString]) -> io::Result<Answer> {
    let cwd = std::env::current_dir()?;
    let socket = UnixStream::connect(SUPERVISOR)?;
    wire::ask(&socket, words, &cwd)?;
    wire::answer(&socket)
}

/// For a guard that was called for somebody inside: begins as if it had been called plainly, and ends with the guard that
/// called it. The project it may act in.
///
/// # Errors
/// Where that guard is gone already.
pub fn begin(for_whom: &OsStr) -> io::Result<PathBuf> {
    let gone = || io::Error::other("the guard that called this one is gone");
    let (pid, root) = wire::split(for_whom).ok_or_else(gone)?;
    heed();
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    let parent = rustix::process::getppid().map(|parent| parent.as_raw_nonzero().get());
    if parent == Some(pid) { Ok(root) } else { Err(gone()) }
}

/// For a guard that was started before there was a call: waits for one, takes on its streams and its folder, and gives its
/// words.
///
/// # Errors
/// Where the guard that started it is gone, or has no call for it any more.
pub fn wait(for_whom: &OsStr) -> io::Result<Vec<OsString>> {
    begin(for_whom)?;
    let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let wire::Handed { words, folder, streams: [stdin, stdout, stderr] } = wire::handed(&socket)?;
    rustix::process::fchdir(folder)?;
    dup2_stdin(stdin)?;
    dup2_stdout(stdout)?;
    dup2_stderr(stderr)?;
    Ok(words)
}
