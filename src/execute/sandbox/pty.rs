//! A terminal of the fence's own: made by its first process, from the terminals that the fence itself has; the command
//! gets it as its controlling one, guard the other end. Nothing of the person's own terminal is in it.
//! Knows nothing of what either end is used for.

#![expect(unsafe_code, reason = "system calls that must neither allocate nor touch the C library's `errno`")]

use super::raw;
use super::sys::{self, Errno};
use crate::execute::ExecuteError;
use libc::c_int;
use rustix::io::{IoSliceMut, retry_on_intr};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SocketFlags, SocketType, recvmsg, socketpair,
};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

/// A pair of local sockets, by which the first process hands over guard's end.
pub(super) fn way() -> Result<(OwnedFd, OwnedFd), ExecuteError> {
    socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None).map_err(|error| trouble(&error))
}

/// Makes a terminal and sends guard's end through `way`; the command's end. Called by the first process; allocates nothing.
pub(super) fn open(way: c_int) -> Result<c_int, Errno> {
    let master = sys::open(c"/dev/ptmx", libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC)?;
    let unlocked: c_int = 0;
    control(master, libc::TIOCSPTLCK, (&raw const unlocked).expose_provenance())?;
    let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
    let own = control(master, libc::TIOCGPTPEER, usize::try_from(flags).unwrap_or_default())?;
    send(way, master)?;
    sys::close(master);
    Ok(own)
}

/// Makes the terminal on standard input the controlling one of a session that this process leads.
pub(super) fn take() -> Result<(), Errno> {
    control(0, libc::TIOCSCTTY, 0).map(drop)
}

/// Guard's end of the terminal, which came through `way`.
pub(super) fn receive(way: &OwnedFd) -> Result<OwnedFd, ExecuteError> {
    let mut byte = [0];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut parts = [IoSliceMut::new(&mut byte)];
    retry_on_intr(|| recvmsg(way, &mut parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC)).map_err(|e| trouble(&e))?;
    let sent = ancillary.drain().find_map(|message| {
        let RecvAncillaryMessage::ScmRights(mut descriptors) = message else { return None };
        descriptors.next()
    });
    sent.ok_or_else(|| trouble(&"the fence gave none"))
}

fn trouble(cause: &dyn std::fmt::Display) -> ExecuteError {
    ExecuteError::System { what: "make a terminal for the command".to_owned(), cause: cause.to_string() }
}

/// `argument` is a number or points to what the request reads.
fn control(fd: c_int, request: libc::Ioctl, argument: usize) -> Result<c_int, Errno> {
    let word = |number: c_int| usize::try_from(number).unwrap_or(usize::MAX);
    let request = usize::try_from(request).unwrap_or_default();
    // SAFETY: as the two callers above pass it, `argument` is a plain number or points to a living `c_int`.
    let done = unsafe { raw::call(libc::SYS_ioctl, [word(fd), request, argument, 0, 0]) };
    answer(done)
}

/// A control message with one descriptor, as the kernel lays it out.
#[repr(C)]
struct Rights {
    header: libc::cmsghdr,
    descriptor: c_int,
}

fn send(socket: c_int, descriptor: c_int) -> Result<(), Errno> {
    let mut byte = 0_u8;
    let mut part = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    // SAFETY: plain data, for which zeroes are valid.
    let (mut rights, mut message) =
        unsafe { (MaybeUninit::<Rights>::zeroed().assume_init(), MaybeUninit::<libc::msghdr>::zeroed().assume_init()) };
    // SAFETY: it only counts.
    rights.header.cmsg_len = usize::try_from(unsafe { libc::CMSG_LEN(4) }).unwrap_or_default();
    rights.header.cmsg_level = libc::SOL_SOCKET;
    rights.header.cmsg_type = libc::SCM_RIGHTS;
    rights.descriptor = descriptor;
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = (&raw mut rights).cast();
    message.msg_controllen = size_of::<Rights>();
    let flags = usize::try_from(libc::MSG_NOSIGNAL).unwrap_or_default();
    let words = [usize::try_from(socket).unwrap_or(usize::MAX), (&raw const message).expose_provenance(), flags, 0, 0];
    // SAFETY: the message, its part and its rights live until the call returns.
    answer(unsafe { raw::call(libc::SYS_sendmsg, words) }).map(drop)
}

fn answer(result: isize) -> Result<c_int, Errno> {
    match c_int::try_from(result) {
        Ok(number @ 0..) => Ok(number),
        Ok(error) => Err(-error),
        Err(_) => Err(libc::EOVERFLOW),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::io::{read, write};
    use std::os::fd::{AsRawFd, FromRawFd};

    #[test]
    fn both_ends_of_a_new_terminal_are_one_terminal() {
        let (here, there) = way().unwrap();
        let own = open(there.as_raw_fd()).unwrap();
        // SAFETY: it was just opened and is nobody else's.
        let own = unsafe { OwnedFd::from_raw_fd(own) };
        let master = receive(&here).unwrap();
        write(&own, b"out\n").unwrap();
        let mut bytes = [0; 16];
        let len = read(&master, &mut bytes).unwrap();
        assert_eq!(&bytes[..len], b"out\r\n");
        write(&master, b"in\n").unwrap();
        let len = read(&own, &mut bytes).unwrap();
        assert_eq!(&bytes[..len], b"in\n");
    }

    #[test]
    fn an_end_that_never_came_is_an_error() {
        let (here, there) = way().unwrap();
        drop(there);
        assert_eq!(receive(&here).unwrap_err().to_string(), "make a terminal for the command: the fence gave none");
    }
}
