//! What has to hold before anything else is done, as the standard library sees to in other programs.
//! Knows nothing of what comes then.

use super::sys;
use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, fcntl_getfd};
use std::os::fd::IntoRawFd;

/// Makes the three standard streams be something, so that no file opened later is taken for one of them, and has writing to
/// a pipe that nobody reads fail instead of ending the process. False where the first cannot be had.
pub fn begin() -> bool {
    sys::dispose(libc::SIGPIPE, true);
    let streams = [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()];
    streams.iter().zip(0..).all(|(stream, number)| match fcntl_getfd(stream) {
        Err(Errno::BADF) => {
            // The lowest number that is free, which is this one; never closed.
            open("/dev/null", OFlags::RDWR, Mode::empty()).is_ok_and(|null| null.into_raw_fd() == number)
        }
        Ok(_) | Err(_) => true,
    })
}
