//! What kind of socket a descriptor is.
//! Knows nothing of what passes through it.

#![expect(unsafe_code, reason = "a safe crate wants to own a descriptor, and this one is the process's standard input")]

use libc::c_int;

/// Whether `fd` is a local stream socket that does not listen: bytes to and from its peer, and to nobody else.
pub(super) fn local_stream(fd: c_int) -> bool {
    let option = |name: c_int| {
        let (mut value, mut len): (c_int, libc::socklen_t) = (0, 4);
        // SAFETY: value and length are valid and agree.
        let result = unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, name, (&raw mut value).cast(), &raw mut len) };
        (result == 0).then_some(value)
    };
    option(libc::SO_DOMAIN) == Some(libc::AF_UNIX)
        && option(libc::SO_ACCEPTCONN) == Some(0)
        && option(libc::SO_TYPE) == Some(libc::SOCK_STREAM)
}
