//! What a process inside does so that guard is asked: it installs the filter, and hands over what asks. It shares guard's
//! memory, so nothing here allocates. Knows no calls that are asked about.

#![expect(unsafe_code, reason = "system calls that no safe crate offers without allocating between clone and exec")]

use crate::execute::sandbox::raw;
use crate::execute::sandbox::sys::Errno;
use libc::c_int;
use std::mem::MaybeUninit;
use std::ptr;

fn call(number: i64, arguments: [usize; 5]) -> Result<c_int, Errno> {
    // SAFETY: both callers below pass pointers to what they own, of the kernel's own layout.
    let result = unsafe { raw::call(number, arguments) };
    match c_int::try_from(result) {
        Ok(result @ 0..) => Ok(result),
        Ok(error) => Err(-error),
        Err(_) => Err(libc::EOVERFLOW),
    }
}

/// Installs a filter that asks; the descriptor through which it does. Once asked, the command's calls are interrupted by
/// nothing but its end where the kernel can do that (5.19): a connection is never begun twice.
pub(in crate::execute::sandbox) fn install_asking(program: &[libc::sock_filter]) -> Result<c_int, Errno> {
    const NEW_LISTENER: usize = 8;
    const WAIT_KILLABLE: usize = 32;
    let len = u16::try_from(program.len()).map_err(|_| libc::E2BIG)?;
    let program = libc::sock_fprog { len, filter: program.as_ptr().cast_mut() };
    // A valid program of the length given (mode 1 of seccomp); the kernel copies and never writes it.
    let install = |flags| call(libc::SYS_seccomp, [1, flags, (&raw const program).expose_provenance(), 0, 0]);
    match install(NEW_LISTENER | WAIT_KILLABLE) {
        Err(libc::EINVAL) => install(NEW_LISTENER),
        other => other,
    }
}

/// Writes `bytes` to a local socket and hands `passed` over with them.
pub(in crate::execute::sandbox) fn pass(fd: c_int, bytes: &[u8], passed: c_int) -> Result<(), Errno> {
    /// One descriptor behind `struct cmsghdr`, padded.
    #[repr(C)]
    struct Control {
        len: usize,
        level: c_int,
        kind: c_int,
        passed: [c_int; 2],
    }
    let mut control = Control { len: 20, level: libc::SOL_SOCKET, kind: libc::SCM_RIGHTS, passed: [passed, 0] };
    let part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let mut message = MaybeUninit::<libc::msghdr>::zeroed();
    // SAFETY: zeros are a valid message; only its fields are written.
    let message = unsafe { message.assume_init_mut() };
    message.msg_iov = (&raw const part).cast_mut();
    message.msg_iovlen = 1;
    message.msg_control = (&raw mut control).cast();
    message.msg_controllen = size_of::<Control>();
    let fd = usize::try_from(fd).map_err(|_| libc::EBADF)?;
    call(libc::SYS_sendmsg, [fd, ptr::from_ref(message).expose_provenance(), 0, 0, 0]).map(drop)
}
