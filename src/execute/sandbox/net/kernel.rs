//! What the kernel offers to answer calls of a fenced command: its questions, its memory, its descriptors.
//! For guard's own threads alone. Knows no meaning of a call.

#![expect(unsafe_code, reason = "system calls that no safe crate offers")]

use crate::execute::sandbox::sys::{self, Errno};
use libc::{c_int, c_long, c_ulong, pid_t, seccomp_notif, seccomp_notif_resp};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

const RECEIVE: c_ulong = 0xc050_2100;
const SEND: c_ulong = 0xc018_2101;
const ID_VALID: c_ulong = 0x4008_2102;
/// `PIDFD_THREAD`, the flag of `pidfd_open` for a thread that leads no group.
const OF_THREAD: c_int = libc::O_EXCL;

/// A call of a fenced process that waits for guard's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Call {
    /// The kernel's name for it.
    pub(super) id: u64,
    /// The thread that makes it, as guard sees it.
    pub(super) thread: pid_t,
    /// Which one it is.
    pub(super) number: c_long,
    /// Its arguments.
    pub(super) arguments: [u64; 6],
}

impl Call {
    /// Argument `n`, where it is a C `int`.
    #[expect(clippy::cast_possible_truncation, reason = "the kernel takes the low half of the register")]
    #[expect(clippy::cast_possible_wrap, reason = "the kernel takes the bits as they are")]
    pub(super) fn int(&self, n: usize) -> c_int {
        self.arguments.get(n).map_or(-1, |word| *word as u32 as c_int)
    }
}

/// The next call that waits.
pub(super) fn receive(listener: BorrowedFd<'_>) -> Result<Call, Errno> {
    let mut notice = MaybeUninit::<seccomp_notif>::zeroed();
    // SAFETY: the structure is the kernel's and zeroed, as it demands.
    if unsafe { libc::ioctl(listener.as_raw_fd(), RECEIVE, notice.as_mut_ptr()) } < 0 {
        return Err(sys::errno());
    }
    // SAFETY: the kernel filled it; numbers are valid whatever they are.
    let notice = unsafe { notice.assume_init() };
    Ok(Call {
        id: notice.id,
        thread: pid_t::try_from(notice.pid).unwrap_or(0),
        number: c_long::from(notice.data.nr),
        arguments: notice.data.args,
    })
}

/// Whether the process still waits in that very call: else its number may be another's by now.
pub(super) fn waits(listener: BorrowedFd<'_>, call: &Call) -> bool {
    // SAFETY: the kernel reads one number.
    unsafe { libc::ioctl(listener.as_raw_fd(), ID_VALID, &raw const call.id) == 0 }
}

/// Answers a call: 0, or an error number. Never lets the call itself go on: its arguments may have changed.
pub(super) fn answer(listener: BorrowedFd<'_>, call: &Call, error: Errno) {
    let answer = seccomp_notif_resp { id: call.id, val: 0, error: -error, flags: 0 };
    // A process that has ended meanwhile needs no answer.
    // SAFETY: the structure is the kernel's.
    let _ = unsafe { libc::ioctl(listener.as_raw_fd(), SEND, &raw const answer) };
}

/// Puts a copy of `fd` in place of descriptor `number` of the process that waits; Linux 5.9 and later.
pub(super) fn replace(listener: BorrowedFd<'_>, call: &Call, number_of: c_int, fd: &OwnedFd) -> Result<(), Errno> {
    /// `struct seccomp_notif_addfd`.
    #[repr(C)]
    struct Added {
        id: u64,
        flags: u32,
        source: u32,
        number: u32,
        number_flags: u32,
    }
    /// `SECCOMP_IOCTL_NOTIF_ADDFD`, and the flag that the number is given.
    const ADD: c_ulong = 0x4018_2103;
    const AT: u32 = 1;
    let number = |fd: c_int| u32::try_from(fd).map_err(|_| libc::EBADF);
    let close = u32::try_from(libc::O_CLOEXEC).unwrap_or(0);
    let (source, number) = (number(fd.as_raw_fd())?, number(number_of)?);
    let added = Added { id: call.id, flags: AT, source, number, number_flags: close };
    // SAFETY: the structure is the kernel's, which only reads it.
    if unsafe { libc::ioctl(listener.as_raw_fd(), ADD, &raw const added) } < 0 { Err(sys::errno()) } else { Ok(()) }
}

/// Copies memory of the thread from `from` on.
pub(super) fn copy(thread: pid_t, from: u64, into: &mut [u8]) -> Result<(), Errno> {
    let from = usize::try_from(from).map_err(|_| libc::EFAULT)?;
    let local = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let remote = libc::iovec { iov_base: std::ptr::without_provenance_mut(from), iov_len: into.len() };
    // SAFETY: the local part is valid for its length; the remote one is the kernel's to check.
    let copied = unsafe { libc::process_vm_readv(thread, &raw const local, 1, &raw const remote, 1, 0) };
    match usize::try_from(copied) {
        Ok(len) if len == into.len() => Ok(()),
        Ok(_) => Err(libc::EFAULT),
        Err(_) => Err(sys::errno()),
    }
}

/// A handle of the thread itself, or where the kernel has none (before 6.9) of the process it is part of.
pub(super) fn handle(thread: pid_t) -> Result<OwnedFd, Errno> {
    match open(thread, OF_THREAD) {
        Err(libc::EINVAL) => open(leader(thread).ok_or(libc::ESRCH)?, 0),
        other => other,
    }
}

/// A handle of a whole process.
pub(super) fn process(thread: pid_t) -> Result<OwnedFd, Errno> {
    open(leader(thread).ok_or(libc::ESRCH)?, 0)
}

fn open(pid: pid_t, flags: c_int) -> Result<OwnedFd, Errno> {
    // SAFETY: takes numbers only; a result that is not negative is a new descriptor of ours.
    owned(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, flags) })
}

fn leader(thread: pid_t) -> Option<pid_t> {
    let status = std::fs::read_to_string(format!("/proc/{thread}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("Tgid:")).and_then(|id| id.trim().parse().ok())
}

/// Guard's own copy of descriptor `number` of a thread or process.
pub(super) fn take(handle: &OwnedFd, number: c_int) -> Result<OwnedFd, Errno> {
    // SAFETY: takes numbers only; a result that is not negative is a new descriptor of ours.
    owned(unsafe { libc::syscall(libc::SYS_pidfd_getfd, handle.as_raw_fd(), number, 0) })
}

fn owned(number: c_long) -> Result<OwnedFd, Errno> {
    match RawFd::try_from(number) {
        // SAFETY: the kernel has just made it for us.
        Ok(number @ 0..) => Ok(unsafe { OwnedFd::from_raw_fd(number) }),
        Ok(_) | Err(_) => Err(sys::errno()),
    }
}

/// Holds every signal back from this thread: they are for the one that steers.
pub(super) fn undisturbed() {
    sys::mask(libc::SIG_SETMASK, &sys::all_signals());
}
