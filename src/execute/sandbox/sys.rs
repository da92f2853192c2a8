//! The system calls the fence is built from, each as a safe function that allocates nothing.
//! Knows no order of steps.

#![expect(unsafe_code, reason = "system calls that no safe crate offers without allocating between clone and exec")]

use libc::{c_int, c_long, c_ulong, pid_t, sigset_t};
use std::ffi::{CStr, c_void};
use std::mem::MaybeUninit;
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
const SECBITS_ALL_LOCKED: c_ulong = 0xef;

/// The error of the last call.
pub(super) fn errno() -> Errno {
    // SAFETY: the pointer to this thread's errno is always valid.
    unsafe { *libc::__errno_location() }
}

fn check(result: c_long) -> Result<c_long, Errno> {
    if result < 0 { Err(errno()) } else { Ok(result) }
}

fn done(result: c_int) -> Result<(), Errno> {
    check(c_long::from(result)).map(drop)
}

#[expect(clippy::cast_possible_truncation, reason = "descriptors and process ids fit an int")]
fn small(result: c_long) -> Result<c_int, Errno> {
    check(result).map(|n| n as c_int)
}

/// Starts a copy of this process; 0 in the copy. The copy may only do what is safe after a fork of a threaded process.
pub(super) fn fork_with(flags: c_int) -> Result<pid_t, Errno> {
    // SAFETY: no stack is given, so the child runs on a copy of this one; exit signal 0 keeps it from being reaped by SIGCHLD.
    small(unsafe { libc::syscall(libc::SYS_clone, c_long::from(flags), 0, 0, 0, 0) })
}

/// Starts `entry` on `stack` in this very memory and sleeps until it has executed a program or ended.
pub(super) fn spawn_shared<T>(
    entry: extern "C" fn(*mut c_void) -> c_int,
    stack: &mut [u8],
    data: &mut T,
) -> Result<pid_t, Errno> {
    let top = stack.as_mut_ptr_range().end.map_addr(|a| a & !15);
    // SAFETY: the stack is exclusively borrowed, aligned, and outlives the child's use of it, because CLONE_VFORK keeps
    // this thread asleep; the same holds for `data`.
    let pid = unsafe {
        libc::clone(entry, top.cast(), libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD, ptr::from_mut(data).cast())
    };
    small(c_long::from(pid))
}

/// Ends this process at once.
pub(super) fn exit(code: c_int) -> ! {
    // SAFETY: always sound.
    unsafe { libc::_exit(code) }
}

pub(super) fn open_tree(path: &CStr) -> Result<c_int, Errno> {
    let flags = OPEN_TREE_CLONE | AT_RECURSIVE | libc::O_CLOEXEC;
    // SAFETY: `path` is a valid string.
    small(unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags) })
}

pub(super) fn move_mount(from: c_int, to: &CStr) -> Result<(), Errno> {
    // SAFETY: both are valid strings.
    check(unsafe {
        libc::syscall(libc::SYS_move_mount, from, c"".as_ptr(), libc::AT_FDCWD, to.as_ptr(), MOVE_MOUNT_F_EMPTY_PATH)
    })
    .map(drop)
}

/// Changes attributes of the mount at `path`, or of the one `fd` stands for where `path` is empty.
pub(super) fn mount_setattr(fd: c_int, path: &CStr, recursive: bool, attr: &MountAttr) -> Result<(), Errno> {
    let flags = libc::AT_EMPTY_PATH | if recursive { AT_RECURSIVE } else { 0 };
    // SAFETY: `path` is a valid string and `attr` has the size given.
    check(unsafe {
        libc::syscall(libc::SYS_mount_setattr, fd, path.as_ptr(), flags, ptr::from_ref(attr), size_of::<MountAttr>())
    })
    .map(drop)
}

pub(super) fn mount(source: &CStr, at: &CStr, kind: &CStr, flags: c_ulong, options: &CStr) -> Result<(), Errno> {
    // SAFETY: all are valid strings.
    done(unsafe { libc::mount(source.as_ptr(), at.as_ptr(), kind.as_ptr(), flags, options.as_ptr().cast()) })
}

pub(super) fn mkdir(path: &CStr, mode: u32) -> Result<(), Errno> {
    // SAFETY: `path` is a valid string.
    done(unsafe { libc::mkdir(path.as_ptr(), mode) })
}

pub(super) fn chmod(path: &CStr, mode: u32) -> Result<(), Errno> {
    // SAFETY: `path` is a valid string.
    done(unsafe { libc::chmod(path.as_ptr(), mode) })
}

/// Makes an empty file.
pub(super) fn mkfile(path: &CStr) -> Result<(), Errno> {
    // SAFETY: `path` is a valid string.
    done(unsafe { libc::mknod(path.as_ptr(), libc::S_IFREG | 0o444, 0) })
}

pub(super) fn symlink(to: &CStr, at: &CStr) -> Result<(), Errno> {
    // SAFETY: both are valid strings.
    done(unsafe { libc::symlink(to.as_ptr(), at.as_ptr()) })
}

pub(super) fn chdir(path: &CStr) -> Result<(), Errno> {
    // SAFETY: `path` is a valid string.
    done(unsafe { libc::chdir(path.as_ptr()) })
}

pub(super) fn executable(path: &CStr) -> Result<(), Errno> {
    // SAFETY: `path` is a valid string.
    done(unsafe { libc::access(path.as_ptr(), libc::X_OK) })
}

pub(super) fn open(path: &CStr, flags: c_int) -> Result<c_int, Errno> {
    // SAFETY: `path` is a valid string, and no flag given here asks for a mode.
    small(c_long::from(unsafe { libc::open(path.as_ptr(), flags | libc::O_CLOEXEC) }))
}

pub(super) fn close(fd: c_int) {
    // SAFETY: closing a number that is not open only fails.
    let _ = unsafe { libc::close(fd) };
}

/// Device and inode of an open file.
pub(super) fn identity(fd: c_int) -> Result<(u64, u64), Errno> {
    let mut stat = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the buffer has the size of `struct stat`.
    done(unsafe { libc::fstat(fd, stat.as_mut_ptr()) })?;
    // SAFETY: fstat succeeded, so it is filled.
    let stat = unsafe { stat.assume_init() };
    Ok((stat.st_dev, stat.st_ino))
}

pub(super) fn seek(fd: c_int, offset: i64) -> Result<(), Errno> {
    // SAFETY: always sound.
    check(unsafe { libc::lseek(fd, offset, libc::SEEK_SET) }).map(drop)
}

/// Makes `to` mean what `from` means; it is closed on exec where `on_exec` says so.
pub(super) fn duplicate(from: c_int, to: c_int, on_exec: bool) -> Result<(), Errno> {
    // SAFETY: always sound.
    done(unsafe { libc::dup3(from, to, if on_exec { libc::O_CLOEXEC } else { 0 }) })
}

/// A copy of `fd` that is at least `least`.
pub(super) fn duplicate_above(fd: c_int, least: c_int) -> Result<c_int, Errno> {
    // SAFETY: always sound.
    small(c_long::from(unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, least) }))
}

/// Closes every descriptor from `first` on, or marks it to be closed on exec.
pub(super) fn close_from(first: u32, on_exec: bool) -> Result<(), Errno> {
    let flags = if on_exec { 4 } else { 0 };
    // SAFETY: the numbers closed are not used after this.
    check(unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, flags) }).map(drop)
}

/// Reads until something came; the number of bytes, 0 at the end.
pub(super) fn read(fd: c_int, buffer: &mut [u8]) -> Result<usize, Errno> {
    loop {
        // SAFETY: the buffer is valid for its length.
        match check(unsafe { libc::read(fd, buffer.as_mut_ptr().cast(), buffer.len()) } as c_long) {
            Ok(n) => return Ok(usize::try_from(n).unwrap_or(0)),
            Err(libc::EINTR) => {}
            Err(error) => return Err(error),
        }
    }
}

pub(super) fn write(fd: c_int, bytes: &[u8]) -> Result<(), Errno> {
    // SAFETY: the buffer is valid for its length.
    check(unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) } as c_long).map(drop)
}

pub(super) fn prctl(option: c_int, value: c_ulong) -> Result<c_int, Errno> {
    // SAFETY: the options used here take no pointers.
    small(c_long::from(unsafe { libc::prctl(option, value, 0, 0, 0) }))
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
    check(unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr()) }).map(drop)
}

pub(super) fn setsid() {
    // SAFETY: always sound. Fails only for a group leader, which is in its own session already.
    let _ = unsafe { libc::setsid() };
}

pub(super) fn limit(resource: libc::__rlimit_resource_t, most: u64) -> Result<(), Errno> {
    let mut now = MaybeUninit::<libc::rlimit>::uninit();
    // SAFETY: the buffer has the size of `struct rlimit`.
    done(unsafe { libc::getrlimit(resource, now.as_mut_ptr()) })?;
    // SAFETY: getrlimit succeeded, so it is filled.
    let now = unsafe { now.assume_init() };
    let new = libc::rlimit { rlim_cur: now.rlim_cur.min(most), rlim_max: now.rlim_max.min(most) };
    // SAFETY: a valid `struct rlimit`.
    done(unsafe { libc::setrlimit(resource, &raw const new) })
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
    // SAFETY: both are valid sets.
    let _ = unsafe { libc::pthread_sigmask(how, ptr::from_ref(set), &raw mut old) };
    old
}

/// Sets a signal's disposition to its default.
pub(super) fn default_action(signal: c_int) {
    // SAFETY: no handler is installed.
    let _ = unsafe { libc::signal(signal, libc::SIG_DFL) };
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
    let signal = small(c_long::from(unsafe { libc::sigtimedwait(ptr::from_ref(set), info.as_mut_ptr(), spec) }))?;
    // SAFETY: a signal arrived, so the information is filled; the field is read only for its number.
    let (code, sender) = unsafe { (info.assume_init().si_code, info.assume_init().si_pid()) };
    Ok((signal, if matches!(code, libc::SI_USER | libc::SI_KERNEL) { sender } else { -1 }))
}

/// Reaps a child: its id (0: none has ended yet) and wait status.
pub(super) fn reap(pid: pid_t, options: c_int) -> Result<(pid_t, c_int), Errno> {
    let mut status = 0;
    loop {
        // SAFETY: `status` is valid.
        match small(c_long::from(unsafe { libc::waitpid(pid, &raw mut status, options) })) {
            Err(libc::EINTR) => {}
            Err(error) => return Err(error),
            Ok(pid) => return Ok((pid, status)),
        }
    }
}

pub(super) fn kill(pid: pid_t, signal: c_int) -> Result<(), Errno> {
    // SAFETY: always sound.
    done(unsafe { libc::kill(pid, signal) })
}

pub(super) fn parent() -> pid_t {
    // SAFETY: always sound.
    unsafe { libc::getppid() }
}

pub(super) fn me() -> pid_t {
    // SAFETY: always sound.
    unsafe { libc::getpid() }
}

/// Installs a seccomp filter on this thread.
pub(super) fn install_filter(program: &[libc::sock_filter]) -> Result<(), Errno> {
    let len = u16::try_from(program.len()).map_err(|_| libc::E2BIG)?;
    let program = libc::sock_fprog { len, filter: program.as_ptr().cast_mut() };
    // SAFETY: a valid program of the length given; the kernel copies and never writes it.
    check(unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const program) }).map(drop)
}

/// The version of Landlock the kernel offers; 0 where it offers none.
pub(super) fn landlock_version() -> u32 {
    // SAFETY: with the version flag the kernel reads no attributes.
    let version = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, ptr::null::<u8>(), 0, 1) };
    u32::try_from(version).unwrap_or(0)
}

/// Creates a Landlock ruleset from the first `size` bytes of `attr`.
pub(super) fn landlock_create(attr: &[u64; 3], size: usize) -> Result<c_int, Errno> {
    // SAFETY: `size` is at most the size of the array.
    small(unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, attr.as_ptr(), size.min(size_of_val(attr)), 0) })
}

pub(super) fn landlock_allow(ruleset: c_int, parent: c_int, access: u64) -> Result<(), Errno> {
    #[repr(C, packed)]
    struct PathBeneath {
        access: u64,
        parent: i32,
    }
    let rule = PathBeneath { access, parent };
    // SAFETY: rule type 1 takes this structure.
    check(unsafe { libc::syscall(libc::SYS_landlock_add_rule, ruleset, 1, &raw const rule, 0) }).map(drop)
}

pub(super) fn landlock_restrict(ruleset: c_int) -> Result<(), Errno> {
    // SAFETY: takes numbers only.
    check(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset, 0) }).map(drop)
}

/// Executes a program; returns only the error.
///
/// # Safety
/// Both arrays must end with a null pointer and point to valid strings.
pub(super) unsafe fn execute(program: &CStr, argv: &[*const libc::c_char], envp: &[*const libc::c_char]) -> Errno {
    // SAFETY: as the caller promises.
    unsafe { libc::execve(program.as_ptr(), argv.as_ptr(), envp.as_ptr()) };
    errno()
}

/// Reads directory entries; the number of bytes, 0 at the end.
pub(super) fn entries(fd: c_int, buffer: &mut [u8]) -> Result<usize, Errno> {
    // SAFETY: the buffer is valid for its length.
    let n = check(unsafe { libc::syscall(libc::SYS_getdents64, fd, buffer.as_mut_ptr(), buffer.len()) })?;
    usize::try_from(n).map_err(|_| libc::EINVAL)
}

/// Whether `fd` is a local stream socket: bytes to and from its peer, and to nobody else.
pub(super) fn local_stream(fd: c_int) -> bool {
    let option = |name: c_int| {
        let (mut value, mut len): (c_int, libc::socklen_t) = (0, 4);
        // SAFETY: value and length are valid and agree.
        let result = unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, name, (&raw mut value).cast(), &raw mut len) };
        (result == 0).then_some(value)
    };
    option(libc::SO_DOMAIN) == Some(libc::AF_UNIX)
        && matches!(option(libc::SO_TYPE), Some(libc::SOCK_STREAM | libc::SOCK_SEQPACKET))
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
