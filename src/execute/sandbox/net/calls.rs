//! A fenced command's connections to guard itself: each is made of a pair of sockets, of which the command gets one end in
//! place of its own socket. So nothing lies in a file system that somebody else could connect to, and the peer is certain.
//! Knows nothing of what is said.

use super::kernel::{self, Call};
use super::supervisor::{Ground, number};
use crate::execute::sandbox::order::SUPERVISOR;
use crate::execute::sandbox::sys::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair, sockopt};
use std::os::fd::{AsFd, OwnedFd};

/// Whether `path` means guard.
pub(super) fn meant(ground: &Ground, path: &[u8]) -> bool {
    ground.calls.is_some() && path == SUPERVISOR.as_bytes()
}

/// Hands one end of a new connection to whoever asked.
pub(super) fn connect(ground: &Ground, call: &Call, socket: &OwnedFd) -> Result<(), Errno> {
    let Some(calls) = &ground.calls else { return Err(libc::ECONNREFUSED) };
    if sockopt::socket_type(socket).map_err(number)? != SocketType::STREAM {
        return Err(libc::EPROTOTYPE);
    }
    let (own, theirs) =
        socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None).map_err(number)?;
    kernel::replace(ground.listener.as_fd(), call, call.int(0), &theirs)?;
    if (calls.0)(own) { Ok(()) } else { Err(libc::ECONNREFUSED) }
}
