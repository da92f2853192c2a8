//! The system calls the fence is built from, each as a safe function that allocates nothing and leaves the C library's
//! `errno` alone: the fence's first process shares guard's memory. Knows no order of steps.

#![expect(unsafe_code, reason = "system calls that no safe crate offers without allocating between clone and exec")]

use super::raw::{self, Entry};
use libc::{c_int, c_long, c_ulong, pid_t, sigset_t};
use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::os::fd::{FromRawFd, OwnedFd};
use std::ptr;

/// A system error number.
pub(super) type Errno = i32;

/// Attributes for [`mount_setattr`], as `struct mount_attr` of the kernel.
#[repr(C)]
#[derive(Default)]
pub(super) struct MountAttr {
    pub(super) set: u64,
    pub(super) clear: u64,
    pub(super) propagation: u64,
    pub(super) userns: u64,
}

/// `MOUNT_ATTR_RDONLY`
pub(super) const READ_ONLY: u64 = 1;
/// `MOUNT_ATTR_NOSUID`
pub(super) const NO_SUID: u64 = 2;
/// `MOUNT_ATTR_NODEV`
pub(super) const NO_DEV: u64 = 4;
const OPEN_TREE_CLONE: c_int = 1;
const MOVE_MOUNT_F_EMPTY_PATH: c_int = 4;
const AT_RECURSIVE: c_int = 0x8000;
const FSOPEN_CLOEXEC: c_int = 1;
const FSMOUNT_CLOEXEC: c_int = 1;
const FSCONFIG_SET_FLAG: c_int = 0;
const FSCONFIG_SET_STRING: c_int = 1;
const FSCONFIG_CMD_CREATE: c_int = 6;
const SECBITS_ALL_LOCKED: c_ulong = 0xef;

/// Bytes of a signal set that the kernel reads and writes; [`sigset_t`] is longer.
const SET: usize = 8;

/// What a system call takes in a register.
trait Register {
    fn word(self) -> usize;
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Register for $number {
            #[expect(clippy::cast_possible_truncation, reason = "a register holds as many bits as any of them")]
            #[expect(clippy::cast_sign_loss, reason = "the kernel takes the bits of a negative number")]
            fn word(self) -> usize {
                self as i64 as usize
            }
        }
    )*};
}
numbers!(c_int, u32, i64, u64, usize);

impl Register for &CStr {
    fn word(self) -> usize {
        self.as_ptr().expose_provenance()
    }
}

impl<T> Register for *const T {
    fn word(self) -> usize {
        self.expose_provenance()
    }
}

impl<T> Register for *mut T {
    fn word(self) -> usize {
        self.expose_provenance()
    }
}

/// Makes a system call with up to five arguments: what it answers, or its error.
macro_rules! call {
    ($number:ident $(, $argument:expr)*) => {
        answer(raw::call(libc::$number, five([$(Register::word($argument)),*])))
    };
}

fn five<const N: usize>(arguments: [usize; N]) -> [usize; 5] {
    let mut all = [0; 5];
    for (to, from) in all.iter_mut().zip(arguments) {
        *to = from;
    }
    all
}

fn answer(result: isize) -> Result<usize, Errno> {
    usize::try_from(result).map_err(|_| Errno::try_from(-result).unwrap_or(libc::EINVAL))
}

fn small(result: Result<usize, Errno>) -> Result<c_int, Errno> {
    result.and_then(|number| c_int::try_from(number).map_err(|_| libc::EOVERFLOW))
}

/// The error of the last call that the C library made.
pub(super) fn errno() -> Errno {
    // SAFETY: the pointer to this thread's errno is always valid.
    unsafe { *libc::__errno_location() }
}

/// Starts a copy of this process; 0 in the copy. The copy may only do what is safe after a fork of a threaded process.
pub(super) fn fork_with(flags: c_int) -> Result<pid_t, Errno> {
    // SAFETY: no stack is given, so the child runs on a copy of this one; exit signal 0 keeps it from being reaped by SIGCHLD.
    small(unsafe { call!(SYS_clone, flags) })
}

/// Starts `entry` with `data` on `stack`, in this very memory.
///
/// # Safety
/// The stack and the data must not be touched, moved or freed before the process has executed a program or ended.
pub(super) unsafe fn spawn_sharing<T>(
    flags: c_int,
    stack: &mut [u8],
    entry: Entry,
    data: *mut T,
) -> Result<pid_t, Errno> {
    // From the beginning of a page down, so that none is touched for its last bytes.
    let top = stack.as_mut_ptr_range().end.map_addr(|a| a & !4095);
    // SAFETY: the stack is aligned and nobody else's, as the caller promises.
    small(answer(unsafe { raw::clone(Register::word(flags | libc::CLONE_VM), top.cast(), entry, data.cast()) }))
}

/// Starts `entry` on `stack` in this very memory and sleeps until it has executed a program or ended.
pub(super) fn spawn_shared<T>(entry: Entry, stack: &mut [u8], data: &mut T) -> Result<pid_t, Errno> {
    // SAFETY: both are exclusively borrowed and outlive the child's use of them, as CLONE_VFORK keeps this thread asleep.
    unsafe { spawn_sharing(libc::CLONE_VFORK | libc::SIGCHLD, stack, entry, ptr::from_mut(data)) }
}

/// Ends this process at once.
pub(super) fn exit(code: c_int) -> ! {
    loop {
        // SAFETY: always sound.
        let _ = unsafe { call!(SYS_exit_group, code) };
    }
}

pub(super) fn open_tree(path: &CStr) -> Result<c_int, Errno> {
    // SAFETY: `path` is a valid string.
    small(unsafe { call!(SYS_open_tree, libc::AT_FDCWD, path, OPEN_TREE_CLONE | AT_RECURSIVE | libc::O_CLOEXEC) })
}

pub(super) fn move_mount(from: c_int, to: &CStr) -> Result<(), Errno> {
    // SAFETY: both are valid strings.
    unsafe { call!(SYS_move_mount, from, c"", libc::AT_FDCWD, to, MOVE_MOUNT_F_EMPTY_PATH) }.map(drop)
}

/// Changes attributes of the mount at `path`, or of the one `fd` stands for where `path` is empty.
pub(super) fn mount_setattr(fd: c_int, path: &CStr, recursive: bool, attr: &MountAttr) -> Result<(), Errno> {
    let flags = libc::AT_EMPTY_PATH | if recursive { AT_RECURSIVE } else { 0 };
    // SAFETY: `path` is a valid string and `attr` has the size given.
    unsafe { call!(SYS_mount_setattr, fd, path, flags, ptr::from_ref(attr), size_of::<MountAttr>()) }.map(drop)
}

pub(super) fn mount(source: &CStr, at: &CStr, kind: &CStr, flags: c_ulong, options: &CStr) -> Result<(), Errno> {
    // SAFETY: all are valid strings.
    unsafe { call!(SYS_mount, source, at, kind, flags, options) }.map(drop)
}

/// Begins the making of a file system of this kind.
pub(super) fn fsopen(kind: &CStr) -> Result<c_int, Errno> {
    // SAFETY: `kind` is a valid string.
    small(unsafe { call!(SYS_fsopen, kind, FSOPEN_CLOEXEC) })
}

/// Sets one of its options.
pub(super) fn fsconfig_text(context: c_int, key: &CStr, value: &CStr) -> Result<(), Errno> {
    // SAFETY: both are valid strings.
    unsafe { call!(SYS_fsconfig, context, FSCONFIG_SET_STRING, key, value, 0) }.map(drop)
}

/// Sets one of its options that takes no value.
pub(super) fn fsconfig_flag(context: c_int, key: &CStr) -> Result<(), Errno> {
    // SAFETY: `key` is a valid string, and no value is read.
    unsafe { call!(SYS_fsconfig, context, FSCONFIG_SET_FLAG, key, ptr::null::<u8>(), 0) }.map(drop)
}

/// Makes it.
pub(super) fn fsconfig_create(context: c_int) -> Result<(), Errno> {
    let none = ptr::null::<u8>();
    // SAFETY: nothing is read.
    unsafe { call!(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, none, none, 0) }.map(drop)
}

/// A detached mount of it, with `MOUNT_ATTR_*`.
pub(super) fn fsmount(context: c_int, attributes: u64) -> Result<c_int, Errno> {
    // SAFETY: takes numbers only.
    small(unsafe { call!(SYS_fsmount, context, FSMOUNT_CLOEXEC, attributes) })
}

/// Bytes that are in use in the file system at `path`.
pub(super) fn used(path: &CStr) -> Result<u64, Errno> {
    let mut found = MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: `path` is a valid string and the buffer has the size of `struct statfs`.
    unsafe { call!(SYS_statfs, path, found.as_mut_ptr()) }?;
    // SAFETY: statfs succeeded, so it is filled.
    let found = unsafe { found.assume_init() };
    let taken = found.f_blocks.saturating_sub(found.f_bfree);
    Ok(taken.saturating_mul(u64::try_from(found.f_bsize).unwrap_or(0)))
}

pub(super) fn mkdir(path: &CStr, mode: u32) -> Result<(), Errno> {
    // SAFETY: `path` is a valid string.
    unsafe { call!(SYS_mkdirat, libc::AT_FDCWD, path, mode) }.map(drop)
}

pub(super) fn chmod(path: &CStr, mode: u32) -> Result<(), Errno> {
    // SAFETY: `path` is a valid string.
    unsafe { call!(SYS_fchmodat, libc::AT_FDCWD, path, mode) }.map(drop)
}

/// Makes an empty file.
pub(super) fn mkfile(path: &CStr, mode: u32) -> Result<(), Errno> {
    // SAFETY: `path` is a valid string.
    unsafe { call!(SYS_mknodat, libc::AT_FDCWD, path, libc::S_IFREG | mode) }.map(drop)
}

pub(super) fn symlink(to: &CStr, at: &CStr) -> Result<(), Errno> {
    // SAFETY: both are valid strings.
    unsafe { call!(SYS_symlinkat, to, libc::AT_FDCWD, at) }.map(drop)
}

pub(super) fn chdir(path: &CStr) -> Result<(), Errno> {
    // SAFETY: `path` is a valid string.
    unsafe { call!(SYS_chdir, path) }.map(drop)
}

pub(super) fn executable(path: &CStr) -> Result<(), Errno> {
    // SAFETY: `path` is a valid string.
    unsafe { call!(SYS_faccessat, libc::AT_FDCWD, path, libc::X_OK) }.map(drop)
}

pub(super) fn open(path: &CStr, flags: c_int) -> Result<c_int, Errno> {
    // SAFETY: `path` is a valid string, and no flag given here asks for a mode.
    small(unsafe { call!(SYS_openat, libc::AT_FDCWD, path, flags | libc::O_CLOEXEC) })
}

pub(super) fn close(fd: c_int) {
    // SAFETY: closing a number that is not open only fails.
    let _ = unsafe { call!(SYS_close, fd) };
}

/// Device and inode of an open file.
pub(super) fn identity(fd: c_int) -> Result<(u64, u64), Errno> {
    let mut stat = MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: the buffer has the size of `struct stat`.
    unsafe { call!(SYS_fstat, fd, stat.as_mut_ptr()) }?;
    // SAFETY: fstat succeeded, so it is filled.
    let stat = unsafe { stat.assume_init() };
    Ok((stat.st_dev, stat.st_ino))
}

pub(super) fn seek(fd: c_int, offset: i64) -> Result<(), Errno> {
    // SAFETY: always sound.
    unsafe { call!(SYS_lseek, fd, offset, libc::SEEK_SET) }.map(drop)
}

/// Makes `to` mean what `from` means; it is closed on exec where `on_exec` says so.
pub(super) fn duplicate(from: c_int, to: c_int, on_exec: bool) -> Result<(), Errno> {
    // SAFETY: always sound.
    unsafe { call!(SYS_dup3, from, to, if on_exec { libc::O_CLOEXEC } else { 0 }) }.map(drop)
}

/// A copy of `fd` that is at least `least`.
pub(super) fn duplicate_above(fd: c_int, least: c_int) -> Result<c_int, Errno> {
    // SAFETY: always sound.
    small(unsafe { call!(SYS_fcntl, fd, libc::F_DUPFD_CLOEXEC, least) })
}

/// Closes every descriptor from `first` on, or marks it to be closed on exec.
pub(super) fn close_from(first: u32, on_exec: bool) -> Result<(), Errno> {
    // SAFETY: the numbers closed are not used after this.
    unsafe { call!(SYS_close_range, first, u32::MAX, if on_exec { 4 } else { 0 }) }.map(drop)
}

/// Reads until something came; the number of bytes, 0 at the end.
pub(super) fn read(fd: c_int, buffer: &mut [u8]) -> Result<usize, Errno> {
    loop {
        // SAFETY: the buffer is valid for its length.
        match unsafe { call!(SYS_read, fd, buffer.as_mut_ptr(), buffer.len()) } {
            Err(libc::EINTR) => {}
            other => return other,
        }
    }
}

pub(super) fn write(fd: c_int, bytes: &[u8]) -> Result<(), Errno> {
    // SAFETY: the buffer is valid for its length.
    unsafe { call!(SYS_write, fd, bytes.as_ptr(), bytes.len()) }.map(drop)
}

pub(super) fn prctl(option: c_int, value: c_ulong) -> Result<c_int, Errno> {
    // SAFETY: the options used here take no pointers.
    small(unsafe { call!(SYS_prctl, option, value) })
}

/// Gives up every capability, now and for whatever is executed later.
pub(super) fn drop_capabilities() -> Result<(), Errno> {
    for capability in 0..64 {
        match prctl(libc::PR_CAPBSET_DROP, capability) {
            Ok(_) => {}
            // Past the last capability this kernel knows, or nothing to drop it with (no user namespace).
            Err(libc::EINVAL | libc::EPERM) => break,
            Err(error) => return Err(error),
        }
    }
    // Fails without CAP_SETPCAP, where there is nothing to lock either: no new privileges does the same.
    let _ = prctl(libc::PR_SET_SECUREBITS, SECBITS_ALL_LOCKED);
    let header: [u32; 2] = [0x2008_0522, 0];
    let none = [0_u32; 6];
    // SAFETY: version 3 of the header with two sets of three words, as the kernel wants them.
    unsafe { call!(SYS_capset, header.as_ptr(), none.as_ptr()) }.map(drop)
}

pub(super) fn setsid() {
    // SAFETY: always sound. Fails only for a group leader, which is in its own session already.
    let _ = unsafe { call!(SYS_setsid) };
}

/// Makes this process the leader of a process group of its own.
pub(super) fn lead_group() {
    // SAFETY: always sound. Fails only for the leader of a session, which leads its group already.
    let _ = unsafe { call!(SYS_setpgid, 0, 0) };
}

pub(super) fn limit(resource: libc::__rlimit_resource_t, most: u64) -> Result<(), Errno> {
    let mut now = [0_u64; 2];
    let none = ptr::null::<u64>();
    // SAFETY: the buffer has the size of the kernel's `struct rlimit64`.
    unsafe { call!(SYS_prlimit64, 0, resource, none, now.as_mut_ptr()) }?;
    let new = now.map(|limit| limit.min(most));
    // SAFETY: a valid `struct rlimit64`.
    unsafe { call!(SYS_prlimit64, 0, resource, new.as_ptr(), none) }.map(drop)
}

/// A set of signals.
pub(super) fn signals(list: &[c_int]) -> sigset_t {
    let mut set = MaybeUninit::<sigset_t>::uninit();
    // SAFETY: sigemptyset fills the set before it is read.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        let mut set = set.assume_init();
        for signal in list {
            libc::sigaddset(&raw mut set, *signal);
        }
        set
    }
}

/// Every signal.
pub(super) fn all_signals() -> sigset_t {
    let mut set = MaybeUninit::<sigset_t>::uninit();
    // SAFETY: sigfillset fills the set before it is read.
    unsafe {
        libc::sigfillset(set.as_mut_ptr());
        set.assume_init()
    }
}

/// Sets this thread's mask (`SIG_SETMASK`, `SIG_BLOCK`) and returns the one before.
pub(super) fn mask(how: c_int, set: &sigset_t) -> sigset_t {
    let mut old = signals(&[]);
    // SAFETY: both are valid sets, longer than what the kernel is told.
    let _ = unsafe { call!(SYS_rt_sigprocmask, how, ptr::from_ref(set), &raw mut old, SET) };
    old
}

/// Sets a signal's disposition: it is ignored, or what the kernel does by default is done.
pub(super) fn dispose(signal: c_int, ignored: bool) {
    // The kernel's `struct sigaction`: handler (0: the default; 1: ignored), flags, restorer, mask.
    let action = [u64::from(ignored), 0, 0, 0];
    // SAFETY: no handler is installed.
    let _ = unsafe { call!(SYS_rt_sigaction, signal, action.as_ptr(), ptr::null::<u64>(), SET) };
}

/// Sets which bits of a mode are not given to what this process makes; those before.
pub(super) fn umask(mode: u32) -> u32 {
    // SAFETY: always sound; it cannot fail.
    let before = unsafe { call!(SYS_umask, mode) };
    before.ok().and_then(|mode| u32::try_from(mode).ok()).unwrap_or(0o077)
}

/// Waits for one of `set`: the signal and who sent it (0: the kernel, or a process outside this pid namespace; -1: not
/// to be known, since the sender of a queued signal may write any number there).
pub(super) fn wait_signal(set: &sigset_t, timeout: Option<std::time::Duration>) -> Result<(c_int, pid_t), Errno> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let spec = timeout.map(|t| libc::timespec {
        tv_sec: libc::time_t::try_from(t.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: c_long::from(t.subsec_nanos()),
    });
    let spec = spec.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the set, the buffer and the optional time are valid.
    let signal = small(unsafe { call!(SYS_rt_sigtimedwait, ptr::from_ref(set), info.as_mut_ptr(), spec, SET) })?;
    // SAFETY: a signal arrived, so the information is filled; the field is read only for its number.
    let (code, sender) = unsafe { (info.assume_init().si_code, info.assume_init().si_pid()) };
    Ok((signal, if matches!(code, libc::SI_USER | libc::SI_KERNEL) { sender } else { -1 }))
}

/// Reaps a child: its id (0: none has ended yet) and wait status.
pub(super) fn reap(pid: pid_t, options: c_int) -> Result<(pid_t, c_int), Errno> {
    let mut status: c_int = 0;
    loop {
        // SAFETY: `status` is valid.
        match small(unsafe { call!(SYS_wait4, pid, &raw mut status, options) }) {
            Err(libc::EINTR) => {}
            Err(error) => return Err(error),
            Ok(pid) => return Ok((pid, status)),
        }
    }
}

pub(super) fn kill(pid: pid_t, signal: c_int) -> Result<(), Errno> {
    // SAFETY: always sound.
    unsafe { call!(SYS_kill, pid, signal) }.map(drop)
}

/// Lets another process run first.
pub(super) fn give_way() {
    // SAFETY: always sound.
    let _ = unsafe { call!(SYS_sched_yield) };
}

pub(super) fn parent() -> pid_t {
    // SAFETY: always sound; it cannot fail.
    small(unsafe { call!(SYS_getppid) }).unwrap_or(0)
}

pub(super) fn me() -> pid_t {
    // SAFETY: always sound; it cannot fail.
    small(unsafe { call!(SYS_getpid) }).unwrap_or(0)
}

/// Installs a seccomp filter on this thread.
pub(super) fn install_filter(program: &[libc::sock_filter]) -> Result<(), Errno> {
    let len = u16::try_from(program.len()).map_err(|_| libc::E2BIG)?;
    let program = libc::sock_fprog { len, filter: program.as_ptr().cast_mut() };
    // SAFETY: a valid program of the length given; the kernel copies and never writes it.
    unsafe { call!(SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const program) }.map(drop)
}

/// The version of Landlock the kernel offers; 0 where it offers none.
pub(super) fn landlock_version() -> u32 {
    // SAFETY: with the version flag the kernel reads no attributes.
    let version = unsafe { call!(SYS_landlock_create_ruleset, ptr::null::<u8>(), 0, 1) };
    version.ok().and_then(|version| u32::try_from(version).ok()).unwrap_or(0)
}

/// Creates a Landlock ruleset from the first `size` bytes of `attr`.
pub(super) fn landlock_create(attr: &[u64; 3], size: usize) -> Result<OwnedFd, Errno> {
    // SAFETY: `size` is at most the size of the array.
    let fd = small(unsafe { call!(SYS_landlock_create_ruleset, attr.as_ptr(), size.min(size_of_val(attr)), 0) })?;
    // SAFETY: it has just been opened, and nobody else has its number.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

pub(super) fn landlock_allow(ruleset: c_int, parent: c_int, access: u64) -> Result<(), Errno> {
    #[repr(C, packed)]
    struct PathBeneath {
        access: u64,
        parent: i32,
    }
    let rule = PathBeneath { access, parent };
    // SAFETY: rule type 1 takes this structure.
    unsafe { call!(SYS_landlock_add_rule, ruleset, 1, &raw const rule, 0) }.map(drop)
}

pub(super) fn landlock_restrict(ruleset: c_int) -> Result<(), Errno> {
    // SAFETY: takes numbers only.
    unsafe { call!(SYS_landlock_restrict_self, ruleset, 0) }.map(drop)
}

/// Executes a program; returns only the error.
///
/// # Safety
/// Both arrays must end with a null pointer and point to valid strings.
pub(super) unsafe fn execute(program: &CStr, argv: &[*const libc::c_char], envp: &[*const libc::c_char]) -> Errno {
    // SAFETY: as the caller promises.
    let failed = unsafe { call!(SYS_execve, program, argv.as_ptr(), envp.as_ptr()) };
    failed.err().unwrap_or(0)
}

/// Reads directory entries; the number of bytes, 0 at the end.
pub(super) fn entries(fd: c_int, buffer: &mut [u8]) -> Result<usize, Errno> {
    // SAFETY: the buffer is valid for its length.
    unsafe { call!(SYS_getdents64, fd, buffer.as_mut_ptr(), buffer.len()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sender_of_a_queued_signal_is_not_believed() {
        let set = signals(&[libc::SIGWINCH]);
        mask(libc::SIG_BLOCK, &set);
        let mut info = [0_i32; 32];
        // SI_QUEUE; the kernel lets anybody write 0, its own number, after it.
        info[2] = -1;
        // SAFETY: the buffer has the size of a `siginfo_t`; the signal goes to this thread, which has blocked it.
        let sent =
            unsafe { libc::syscall(libc::SYS_rt_tgsigqueueinfo, me(), libc::gettid(), libc::SIGWINCH, info.as_ptr()) };
        assert_eq!(sent, 0);
        let soon = Some(std::time::Duration::from_secs(5));
        assert_eq!(wait_signal(&set, soon), Ok((libc::SIGWINCH, -1)));
    }
}
