//! Local sockets with a path, where that lies in the fence's own memory (`/tmp`, `/dev/shm`): a socket there can be
//! nobody's but the fence's. Every other one belongs to somebody outside.
//! Knows no network.

#![expect(unsafe_code, reason = "a process that enters the fence, to bind there under the name the command chose")]

use super::kernel::{self, Call};
use super::supervisor::{Done, Ground, Own, number};
use crate::execute::sandbox::first::alone;
use crate::execute::sandbox::raw;
use crate::execute::sandbox::sys::{self, Errno};
use libc::{c_int, pid_t};
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fstat, open, openat, openat2};
use rustix::net::{SocketAddrUnix, sockopt};
use std::ffi::{OsStr, c_void};
use std::os::fd::{AsFd, AsRawFd, IntoRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

/// Memory that belongs to the fence.
const PRIVATE: [&str; 2] = ["tmp", "dev/shm"];
/// What the process that binds runs on.
const STACK: usize = 64 * 1024;
/// Bytes of `struct sockaddr_un`.
const ADDRESS: usize = 110;
/// `LANDLOCK_ACCESS_FS_MAKE_SOCK`: to make a local socket.
const MAKE_SOCKET: u64 = 1 << 9;

const WHY: &str = "only sockets in the fence's own `/tmp` are reached";

pub(super) fn connect(ground: &Arc<Ground>, call: Call, socket: OwnedFd, path: &[u8]) -> Done {
    match find(ground, &call, path) {
        Ok(Some(found)) => ground.connecting(call, socket, move |_, socket| {
            // By its descriptor: whatever the name means by now, it is this socket.
            let name = format!("/proc/self/fd/{}", found.as_raw_fd());
            let address = SocketAddrUnix::new(name.as_str()).map_err(number);
            address.and_then(|to| rustix::net::connect(socket, &to).map_err(number)).err().unwrap_or(0)
        }),
        Ok(None) => Done::Now(ground.refuse("connect", String::from_utf8_lossy(path), WHY)),
        Err(error) => Done::Now(error),
    }
}

/// The socket at `path` inside; `None`: it is not the fence's own.
fn find(ground: &Ground, call: &Call, path: &[u8]) -> Result<Option<OwnedFd>, Errno> {
    if !ground.private || !ground.reach.own {
        return Ok(None);
    }
    let inside = Inside::of(ground, call)?;
    let found = inside.open(Path::new(OsStr::from_bytes(path)))?;
    let stat = fstat(&found).map_err(number)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Socket {
        return Err(libc::ECONNREFUSED);
    }
    Ok(inside.owns(stat.st_dev).then_some(found))
}

/// Lets a local socket listen that was bound here.
pub(super) fn listen(ground: &Ground, socket: &OwnedFd, backlog: i32) -> Result<(), Errno> {
    let cookie = sockopt::socket_cookie(socket).map_err(number)?;
    if !ground.own().local.contains(&cookie) {
        return Err(ground.refuse("listen", "a local socket", "it was not bound in this fence"));
    }
    rustix::net::listen(socket, backlog).map_err(number)
}

/// Binds inside, under the very name that was given: others ask the socket for it.
pub(super) fn bind(ground: &Ground, call: &Call, socket: &OwnedFd, path: &[u8], address: &[u8]) -> Result<(), Errno> {
    let refuse = || Err(ground.refuse("bind", String::from_utf8_lossy(path), WHY));
    if !ground.private || !ground.reach.own {
        return refuse();
    }
    let inside = Inside::of(ground, call)?;
    let path = Path::new(OsStr::from_bytes(path));
    let parent = match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => return Err(libc::EADDRINUSE),
    };
    let folder = inside.open(parent)?;
    if !inside.owns(fstat(&folder).map_err(number)?.st_dev) {
        return refuse();
    }
    let process = kernel::process(call.thread)?;
    if !kernel::waits(ground.listener.as_fd(), call) {
        return Err(libc::ESRCH);
    }
    let mut copied = [0; ADDRESS];
    let copy = copied.get_mut(..address.len()).ok_or(libc::EINVAL)?;
    copy.copy_from_slice(address);
    let mut places = [-1; PRIVATE.len()];
    for (place, at) in places.iter_mut().zip(&inside.private) {
        *place = at.as_raw_fd();
    }
    let mut errand = Errand {
        places,
        process: process.as_raw_fd(),
        folder: inside.folder.as_raw_fd(),
        socket: socket.as_raw_fd(),
        address: copied,
        len: address.len(),
        result: libc::EIO,
    };
    let mut stack = vec![0; STACK];
    let _alone = alone();
    let pid: pid_t = sys::spawn_shared(enter, &mut stack, &mut errand)?;
    let _ = sys::reap(pid, 0);
    // Who changes its rights may make its memory, which is guard's, one to be looked into.
    let _ = sys::prctl(libc::PR_SET_DUMPABLE, 0);
    if errand.result != 0 {
        return Err(errand.result);
    }
    let cookie = sockopt::socket_cookie(socket).map_err(number)?;
    Own::remember(&mut ground.own().local, cookie)
}

/// The files a process of the fence sees.
struct Inside {
    root: OwnedFd,
    folder: OwnedFd,
    /// What of it is its own, and the devices of that.
    private: Vec<OwnedFd>,
    devices: Vec<u64>,
}

impl Inside {
    fn of(ground: &Ground, call: &Call) -> Result<Self, Errno> {
        let folder = |name: &str| {
            let path = format!("/proc/{}/{name}", call.thread);
            open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).map_err(number)
        };
        let (root, cwd) = (folder("root")?, folder("cwd")?);
        if !kernel::waits(ground.listener.as_fd(), call) {
            return Err(libc::ESRCH);
        }
        // What the fence shares with the machine is not its own.
        let shared = ["/", "/tmp", "/dev"].iter().filter_map(|path| rustix::fs::stat(*path).ok()).map(|s| s.st_dev);
        let shared: Vec<u64> = shared.collect();
        let private = PRIVATE.iter().filter_map(|name| {
            let at = openat(&root, *name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty()).ok()?;
            let device = fstat(&at).ok().map(|stat| stat.st_dev).filter(|device| !shared.contains(device))?;
            Some((at, device))
        });
        let (private, devices) = private.unzip();
        Ok(Self { root, folder: cwd, private, devices })
    }

    /// Opens what `path` means to the process, without anything of `/proc` that leads elsewhere.
    fn open(&self, path: &Path) -> Result<OwnedFd, Errno> {
        let (from, within) = match path.strip_prefix("/") {
            Ok(_) => (&self.root, ResolveFlags::IN_ROOT),
            Err(_) => (&self.folder, ResolveFlags::BENEATH),
        };
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        openat2(from, path, flags, Mode::empty(), within | ResolveFlags::NO_MAGICLINKS).map_err(number)
    }

    fn owns(&self, device: u64) -> bool {
        self.devices.contains(&device)
    }
}

/// What the process that binds needs, and what came of it. It shares guard's memory, and allocates nothing.
struct Errand {
    /// The folders below which alone it may make anything.
    places: [c_int; PRIVATE.len()],
    process: c_int,
    folder: c_int,
    socket: c_int,
    address: [u8; ADDRESS],
    len: usize,
    result: Errno,
}

extern "C" fn enter(errand: *mut c_void) -> ! {
    // SAFETY: the parent passes an errand on its stack and sleeps until this process ends.
    let errand = unsafe { &mut *errand.cast::<Errand>() };
    errand.result = bind_inside(errand).err().unwrap_or(0);
    sys::exit(0)
}

/// Enters the fence as a process without rights of guard's, and binds there.
fn bind_inside(errand: &Errand) -> Result<(), Errno> {
    let [process, folder, socket] =
        [errand.process, errand.folder, errand.socket].map(|fd| usize::try_from(fd).unwrap_or(usize::MAX));
    let spaces = usize::try_from(libc::CLONE_NEWUSER | libc::CLONE_NEWNS).unwrap_or(0);
    let call = |number, arguments| {
        // SAFETY: numbers, and an address that is valid for the length given.
        let result = unsafe { raw::call(number, arguments) };
        if result < 0 { Err(Errno::try_from(-result).unwrap_or(libc::EINVAL)) } else { Ok(()) }
    };
    call(libc::SYS_setns, [process, spaces, 0, 0, 0])?;
    call(libc::SYS_fchdir, [folder, 0, 0, 0, 0])?;
    // The name is looked up once more, and may mean another place by now.
    if sys::landlock_version() > 0 {
        let ruleset = sys::landlock_create(&[MAKE_SOCKET, 0, 0], size_of::<u64>())?.into_raw_fd();
        for place in errand.places.iter().filter(|place| **place >= 0) {
            sys::landlock_allow(ruleset, *place, MAKE_SOCKET)?;
        }
        sys::landlock_restrict(ruleset)?;
        sys::close(ruleset);
    }
    sys::drop_capabilities()?;
    call(libc::SYS_bind, [socket, errand.address.as_ptr().expose_provenance(), errand.len, 0, 0])
}
