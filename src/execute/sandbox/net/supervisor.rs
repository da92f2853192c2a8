//! The loop that answers a fence's calls: who asks, with which socket, for which address.
//! Knows no policy: what may be reached is data.

use super::address::{self, Address};
use super::kernel::{self, Call};
use super::proxy::Proxy;
use super::{Tally, calls, local, tcp};
use crate::execute::sandbox::order::{Calls, Reach};
use crate::execute::sandbox::sys::Errno;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{AddressFamily, Shutdown, SocketType, ipproto, shutdown, sockopt};
use std::collections::HashSet;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes of the longest address: `struct sockaddr_storage`.
const ADDRESS: usize = 128;
/// Connections that may be waited for at once.
const MOST: usize = 64;
/// Sockets that are remembered.
const REMEMBERED: usize = 65_536;

/// What the loop and its helpers share.
pub(super) struct Ground {
    pub(super) listener: OwnedFd,
    pub(super) reach: Reach,
    /// Whether the fence has a `/tmp` of its own.
    pub(super) private: bool,
    pub(super) proxy: Option<Arc<Proxy>>,
    /// Takes connections to guard.
    pub(super) calls: Option<Calls>,
    pub(super) tally: Tally,
    own: Mutex<Own>,
    /// Connections that are waited for.
    pending: Mutex<Vec<(Call, Arc<OwnedFd>)>>,
}

/// The fence's own sockets, by their cookies, which are never given twice.
#[derive(Debug, Default)]
pub(super) struct Own {
    /// Those that listen, or did.
    pub(super) listening: HashSet<u64>,
    /// Those for both families, which stand at the IPv4 loopback.
    pub(super) both: HashSet<u64>,
    /// Local ones with a path.
    pub(super) local: HashSet<u64>,
}

impl Own {
    /// Remembers a socket.
    pub(super) fn remember(set: &mut HashSet<u64>, cookie: u64) -> Result<(), Errno> {
        if set.len() >= REMEMBERED {
            return Err(libc::ENOBUFS);
        }
        set.insert(cookie);
        Ok(())
    }
}

/// What becomes of a call.
pub(super) enum Done {
    /// It is answered now: 0, or an error.
    Now(Errno),
    /// A thread of its own answers.
    Later,
}

impl From<Result<(), Errno>> for Done {
    fn from(result: Result<(), Errno>) -> Self {
        Self::Now(result.err().unwrap_or(0))
    }
}

/// The answers of the kernel in one type.
pub(super) fn number(error: rustix::io::Errno) -> Errno {
    error.raw_os_error()
}

impl Ground {
    pub(super) fn new(
        listener: OwnedFd,
        (reach, private): (Reach, bool),
        proxy: Option<Arc<Proxy>>,
        calls: Option<Calls>,
    ) -> Self {
        let tally = proxy.as_ref().map_or_else(Tally::default, |proxy| proxy.tally());
        let (own, pending) = (Mutex::default(), Mutex::default());
        Self { listener, reach, private, proxy, calls, tally, own, pending }
    }

    pub(super) fn own(&self) -> MutexGuard<'_, Own> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pending(&self) -> MutexGuard<'_, Vec<(Call, Arc<OwnedFd>)>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses a call, and remembers that.
    pub(super) fn refuse(&self, call: &'static str, address: impl ToString, why: &'static str) -> Errno {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).refuse(call, &address.to_string(), why);
        libc::EPERM
    }

    /// Connects as `perform` says, in a thread, since the loop must go on. Never is a socket told not to wait: whoever has it
    /// would find it changed; nor is one believed that does not wait: whoever has it can change that meanwhile.
    pub(super) fn connecting(
        self: &Arc<Self>,
        call: Call,
        socket: OwnedFd,
        perform: impl FnOnce(&Ground, &OwnedFd) -> Errno + Send + 'static,
    ) -> Done {
        let socket = Arc::new(socket);
        {
            let mut pending = self.pending();
            if pending.len() >= MOST {
                // Whoever does not wait any more has ended.
                for (_, gone) in pending.iter().filter(|(call, _)| !kernel::waits(self.listener.as_fd(), call)) {
                    let _ = shutdown(gone, Shutdown::Both);
                }
                return Done::Now(libc::EAGAIN);
            }
            pending.push((call, Arc::clone(&socket)));
        }
        let ground = Arc::clone(self);
        let thread = std::thread::Builder::new().name("connect".to_owned()).stack_size(128 * 1024);
        let spawned = thread.spawn(move || {
            kernel::undisturbed();
            let error = perform(&ground, &socket);
            ground.pending().retain(|(other, _)| other.id != call.id);
            drop(socket);
            kernel::answer(ground.listener.as_fd(), &call, error);
        });
        match spawned {
            Ok(_) => Done::Later,
            Err(_) => {
                self.pending().retain(|(other, _)| other.id != call.id);
                Done::Now(libc::EAGAIN)
            }
        }
    }
}

/// Answers until `stop` is closed or nobody is left who could ask.
pub(super) fn serve(ground: &Arc<Ground>, stop: &OwnedFd) {
    kernel::undisturbed();
    loop {
        let mut fds = [PollFd::new(stop, PollFlags::IN), PollFd::new(&ground.listener, PollFlags::IN)];
        let polled = poll(&mut fds, None);
        let [stopped, asked] = fds.map(|fd| fd.revents());
        match polled {
            Err(rustix::io::Errno::INTR) => continue,
            Ok(_) if stopped.is_empty() && asked.contains(PollFlags::IN) => {}
            Ok(_) | Err(_) => break,
        }
        // Whoever asked may have ended since.
        let Ok(call) = kernel::receive(ground.listener.as_fd()) else { continue };
        match judge(ground, &call) {
            Done::Now(error) => kernel::answer(ground.listener.as_fd(), &call, error),
            Done::Later => {}
        }
    }
    for (_, socket) in ground.pending().iter() {
        let _ = shutdown(socket, Shutdown::Both);
    }
    if let Some(proxy) = &ground.proxy {
        proxy.close();
    }
}

/// Families of sockets that are let be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Four,
    Six,
    Local,
}

fn judge(ground: &Arc<Ground>, call: &Call) -> Done {
    judged(ground, call).unwrap_or_else(Done::Now)
}

fn judged(ground: &Arc<Ground>, call: &Call) -> Result<Done, Errno> {
    let name = match call.number {
        libc::SYS_connect => "connect",
        libc::SYS_bind => "bind",
        libc::SYS_listen => "listen",
        _ => return Err(libc::ENOSYS),
    };
    let mut bytes = [0; ADDRESS];
    let address = if call.number == libc::SYS_listen {
        None
    } else {
        let len = usize::try_from(call.int(2)).map_err(|_| libc::EINVAL)?;
        let bytes = bytes.get_mut(..len).ok_or(libc::EINVAL)?;
        let from = call.arguments.get(1).copied().unwrap_or(0);
        kernel::copy(call.thread, from, bytes)?;
        Some(&*bytes)
    };
    let handle = kernel::handle(call.thread)?;
    // What was copied and what is taken now belong to whoever asked, and not to another of the same number.
    if !kernel::waits(ground.listener.as_fd(), call) {
        return Err(libc::ESRCH);
    }
    let socket = kernel::take(&handle, call.int(0))?;
    let Some(family) = family(&socket)? else {
        return Err(ground.refuse(name, "a socket of another kind", "only TCP and local stream sockets are let be"));
    };
    let six = family == Family::Six;
    let address = address.map(|bytes| address::read(bytes).map(|address| (address, bytes))).transpose()?;
    Ok(match (name, family, address) {
        ("listen", Family::Local, _) => local::listen(ground, &socket, call.int(1)).into(),
        ("listen", _, _) => tcp::listen(ground, &socket, six, call.int(1)).into(),
        ("connect", Family::Local, Some((Address::Path(path), _))) if calls::meant(ground, &path) => {
            calls::connect(ground, call, &socket).into()
        }
        ("connect", Family::Local, Some((Address::Path(path), _))) => local::connect(ground, *call, socket, &path),
        ("bind", Family::Local, Some((Address::Path(path), bytes))) => {
            local::bind(ground, call, &socket, &path, bytes).into()
        }
        (_, Family::Local, Some((Address::Abstract(name), _))) => {
            let shown = name.split_first().map_or_else(String::new, |(_, rest)| String::from_utf8_lossy(rest).into());
            let why = "abstract sockets are open to the whole machine";
            Done::Now(ground.refuse(
                if call.number == libc::SYS_bind { "bind" } else { "connect" },
                format!("@{shown}"),
                why,
            ))
        }
        ("connect", Family::Four | Family::Six, Some((Address::Internet(to), _))) => {
            if to.is_ipv6() != six {
                return Err(libc::EAFNOSUPPORT);
            }
            tcp::connect(ground, *call, socket, six, to)
        }
        ("bind", Family::Four | Family::Six, Some((Address::Internet(to), _))) => {
            if to.is_ipv6() != six {
                return Err(libc::EAFNOSUPPORT);
            }
            tcp::bind(ground, &socket, six, to).into()
        }
        // To disconnect a socket (`AF_UNSPEC`) is no more needed than another family.
        _ => Done::Now(libc::EAFNOSUPPORT),
    })
}

/// What a socket is; `None`: nothing that is let be.
fn family(socket: &OwnedFd) -> Result<Option<Family>, Errno> {
    let domain = sockopt::socket_domain(socket).map_err(number)?;
    let kind = sockopt::socket_type(socket).map_err(number)?;
    let protocol = sockopt::socket_protocol(socket).map_err(number)?;
    let stream = kind == SocketType::STREAM;
    Ok(match domain {
        AddressFamily::INET if stream && protocol == Some(ipproto::TCP) => Some(Family::Four),
        AddressFamily::INET6 if stream && protocol == Some(ipproto::TCP) => Some(Family::Six),
        AddressFamily::UNIX if stream || kind == SocketType::SEQPACKET => Some(Family::Local),
        _ => None,
    })
}
