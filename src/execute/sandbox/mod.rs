//! The fence: what the kernel enforces around one command.
//! The only room with `unsafe` code. Knows nothing of permits, policies or logs.

mod begin;
mod bounds;
mod cgroup;
mod closed;
mod compiled;
mod covering;
mod console;
mod detach;
mod digits;
mod dotenv;
mod elsewhere;
mod feed;
mod filter;
mod first;
mod fresh;
mod ids;
mod init;
mod input;
mod ladder;
mod layout;
mod meter;
mod mends;
mod mounts;
mod nameless;
mod net;
mod order;
mod probe;
mod processors;
mod program;
mod pty;
mod raw;
mod refused;
mod resources;
mod rules;
mod socket;
mod start;
mod steer;
mod sys;
mod tree;
mod variables;
mod watch;

pub use begin::begin;
pub use bounds::Bounds;
pub use cgroup::{Cgroup, cgroup};
pub use detach::detached;
pub use dotenv::{Dotenv, look_through};
pub use order::{Calls, Layer, Order, Reach, Writable};
pub use probe::{Examination, Finding, Topic, examine};
pub use program::Work;
pub use resources::counts_root;

pub(super) use console::Console;
pub(super) use feed::Feed;
pub(super) use init::{GRACE, report};
pub(super) use layout::out_of_sight;
pub(super) use net::Net;
pub(super) use order::{PROGRAM, SUPERVISOR};
pub(super) use start::{Fenced, Standing, start};
pub(super) use steer::{Hold, Steering, Stopper};
pub(super) use watch::Alarm;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Lets this thread get every signal again, whatever the process that started it held back.
pub(super) fn heed() {
    sys::mask(libc::SIG_SETMASK, &sys::signals(&[]));
}

/// Whether this process runs inside a fence: it is filtered, may gain no privileges, and the state is out of reach.
/// No environment variable says so, because anybody can set one.
pub fn inside(state_root: &Path) -> bool {
    if sys::prctl(libc::PR_GET_SECCOMP, 0) != Ok(2) || sys::prctl(libc::PR_GET_NO_NEW_PRIVS, 0) != Ok(1) {
        return false;
    }
    let nearest = state_root.ancestors().find_map(|path| Some((path, fs::symlink_metadata(path).ok()?)));
    let Some((path, found)) = nearest else { return true };
    let covered = path == state_root && found.is_dir() && fs::read_dir(path).is_ok_and(|mut d| d.next().is_none());
    let shut = fs::read_dir(path).is_err() && found.is_dir();
    let writable = rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok();
    shut || !writable || (covered && found.mode() & 0o222 == 0)
}
