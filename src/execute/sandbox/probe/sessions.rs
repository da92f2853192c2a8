//! Probes that make sessions: one that types into a terminal, and one that outlives its command.
//! Knows no wording.

#![expect(unsafe_code, reason = "no allocation between fork and exit")]

use super::{result, sys};
use libc::c_int;
use std::ffi::CStr;
use std::time::Duration;

/// Makes a terminal its own and types a letter into it.
pub(super) fn type_into() -> c_int {
    // SAFETY: all calls take valid descriptors, strings and numbers.
    unsafe {
        let master = libc::posix_openpt(libc::O_RDWR | libc::O_NOCTTY);
        let unlock: c_int = 0;
        if master < 0 || libc::ioctl(master, libc::TIOCSPTLCK, &raw const unlock) < 0 {
            return sys::errno();
        }
        let slave = libc::ioctl(master, libc::TIOCGPTPEER, libc::O_RDWR | libc::O_NOCTTY);
        libc::setsid();
        if slave < 0 || libc::ioctl(slave, libc::TIOCSCTTY, 0) < 0 {
            return sys::errno();
        }
        result(libc::ioctl(slave, libc::TIOCSTI, c"x".as_ptr()))
    }
}

/// Leaves a process behind, in a session of its own, that writes a file a little later.
pub(super) fn daemon(late: &CStr) -> c_int {
    match sys::fork_with(libc::SIGCHLD) {
        Ok(0) => {
            sys::setsid();
            if sys::fork_with(libc::SIGCHLD) == Ok(0) {
                std::thread::sleep(Duration::from_millis(120));
                let _ = sys::mkfile(late, 0o444);
            }
            sys::exit(0)
        }
        Ok(_) => 0,
        Err(error) => error,
    }
}
