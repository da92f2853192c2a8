//! A probe that must succeed: a command that listens, and meets itself there.
//! Knows no wording.

#![expect(unsafe_code, reason = "no allocation between fork and exit")]

use super::{here, result, sys};
use libc::c_int;

pub(super) fn meet() -> c_int {
    let mut address = here(0);
    let mut len: libc::socklen_t = 16;
    // SAFETY: the address is valid for the length given throughout.
    unsafe {
        let listener = libc::socket(libc::AF_INET, libc::SOCK_STREAM, 0);
        let client = libc::socket(libc::AF_INET, libc::SOCK_STREAM, 0);
        if listener < 0
            || client < 0
            || libc::bind(listener, (&raw const address).cast(), len) < 0
            || libc::listen(listener, 1) < 0
            || libc::getsockname(listener, (&raw mut address).cast(), &raw mut len) < 0
        {
            return sys::errno();
        }
        result(libc::connect(client, (&raw const address).cast(), len))
    }
}
