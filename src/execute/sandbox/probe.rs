//! Live probes: each really tries, inside a real fence, what must not be possible there.
//! Knows no wording of reports beyond one line a probe.

#![expect(unsafe_code, reason = "forbidden system calls, made on purpose")]

mod limits;

use super::init::Deed;
use super::layout::c_path;
use super::order::{Layer, Order, Reach};
use super::program::Work;
use super::start::start;
use super::sys;
use crate::event::Ended;
use crate::execute::run::{Prepared, Sink};
use crate::execute::{Environment, ExecuteError, Fence, Level, Limits, Outcome, Place, Reads};
use libc::{c_int, c_long};
use std::ffi::{CStr, CString, OsString};
use std::fs;
use std::io::{self, Write};
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// What one probe found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was tried.
    pub tried: &'static str,
    /// What stands in the way.
    pub by: &'static str,
    /// Whether it failed, as it must.
    pub held: bool,
    /// What the system said.
    pub said: String,
}

/// All that was found: the fence that stands here, and what each probe met.
#[derive(Debug)]
pub struct Examination {
    /// The strongest fence the kernel builds.
    pub fence: Fence,
    /// One per probe.
    pub findings: Vec<Finding>,
}

/// Tries everything in fences around a project made below `base`, which is removed afterwards.
pub fn examine(base: &Path) -> Result<Examination, ExecuteError> {
    let trouble = |error: io::Error| ExecuteError::System {
        what: format!("prepare the probes in `{}`", base.display()),
        cause: error.to_string(),
    };
    let ground = Ground::new(base).map_err(trouble)?;
    let mut fence = None;
    let mut findings = Vec::new();
    for probe in ground.probes()? {
        let (stood, finding) = ground.run(probe)?;
        fence = Some(stood);
        findings.push(finding);
    }
    let fence = fence.ok_or_else(|| trouble(io::Error::other("no probe ran")))?;
    Ok(Examination { fence, findings })
}

/// A thing that must not be possible, and the deed that tries it: 0 if it succeeded, else the error number.
struct Probe {
    tried: &'static str,
    by: &'static str,
    timeout: Duration,
    deed: Deed,
    after: After,
    limits: Limits,
}

/// What tells whether it held.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    /// The deed's own result.
    Result,
    /// The project is as it was.
    Project,
    /// The victim is still alive.
    Victim,
    /// No file was written after the end.
    Late,
    /// The time limit ended it.
    TimedOut,
    /// This limit ended it.
    Limit(&'static str),
}

/// A project, and things outside that listen, wait and lie about.
struct Ground {
    root: PathBuf,
    place: Place,
    tcp: TcpListener,
    udp: UdpSocket,
    _unix: UnixListener,
    _abstract: UnixListener,
    name: String,
    victim: std::cell::RefCell<Child>,
    layers: std::cell::Cell<u32>,
}

struct Silent;

impl Sink for Silent {
    fn stdout(&mut self, _: &[u8]) {}
    fn stderr(&mut self, _: &[u8]) {}
}

impl Ground {
    fn new(base: &Path) -> io::Result<Self> {
        let mut nonce = [0; 8];
        rustix::rand::getrandom(&mut nonce, rustix::rand::GetRandomFlags::empty())?;
        let name = format!("guard-probe-{:016x}", u64::from_ne_bytes(nonce));
        let root = fs::canonicalize(base)?.join(&name);
        let project = root.join("project");
        let (state, caches) = (root.join("state"), root.join("state/caches"));
        for folder in [&project.join(".git/hooks"), &caches] {
            fs::create_dir_all(folder)?;
        }
        fs::write(project.join("guard.toml"), "policy")?;
        fs::write(project.join("build_audit.log"), "log")?;
        fs::write(project.join(".git/config"), "[core]\n")?;
        fs::write(state.join("key"), "secret")?;
        fs::write(root.join("outside"), "untouched")?;
        fs::write(project.join(".env"), "KEY=secret")?;
        let home = root.join("home");
        fs::create_dir_all(home.join("tools"))?;
        fs::write(home.join("key"), "secret")?;
        fs::write(home.join("tools/credentials"), "secret")?;
        rustix::fs::mknodat(rustix::fs::CWD, root.join("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0)?;
        Ok(Self {
            tcp: TcpListener::bind("127.0.0.1:0")?,
            udp: UdpSocket::bind("127.0.0.1:0")?,
            _unix: UnixListener::bind(root.join("socket"))?,
            _abstract: UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name)?)?,
            victim: Command::new("sleep").arg("60").stdin(Stdio::null()).stdout(Stdio::null()).spawn()?.into(),
            place: Place {
                cwd: project.clone(),
                protected: ["guard.toml", ".git/hooks", ".git/config"].map(|p| project.join(p)).to_vec(),
                hidden: vec![project.join("build_audit.log"), state],
                project,
                caches,
                reads: Reads {
                    open: vec![home.join("tools")],
                    shut: vec![home.join("tools/credentials")],
                    homes: vec![home],
                    ..Reads::default()
                },
            },
            root,
            name,
            layers: std::cell::Cell::new(0),
        })
    }

    fn run(&self, probe: Probe) -> Result<(Fence, Finding), ExecuteError> {
        let Probe { tried, by, timeout, deed, after, limits } = probe;
        // Never executed: the deed takes its place.
        let work = Work::Argv { program: PathBuf::from("/proc/self/exe"), argv: vec![OsString::from("probe")] };
        let layer = self.layer().map_err(|error| ExecuteError::System {
            what: "make room for a probe's changes".to_owned(),
            cause: error.to_string(),
        })?;
        let order = Order { layer: Some(layer), limits, reach: Reach::own(), ..Order::new(work, timeout) };
        let standing = start(order, &self.place, &Environment::default(), Level::Landlock, Some(deed))?;
        let outcome = Prepared::of(standing).run(&mut Silent)?;
        let (held, said) = self.judge(after, &outcome);
        Ok((outcome.fence, Finding { tried, by, held, said }))
    }

    /// Room for the changes of one run, which nobody takes in.
    fn layer(&self) -> io::Result<Layer> {
        let count = self.layers.get();
        self.layers.set(count + 1);
        let folder = self.root.join(format!("state/layer-{count}"));
        let layer = Layer { upper: folder.join("upper"), work: folder.join("work") };
        fs::create_dir_all(&layer.upper)?;
        fs::create_dir(&layer.work)?;
        Ok(layer)
    }

    fn judge(&self, after: After, outcome: &Outcome) -> (bool, String) {
        let said = match (outcome.ended, outcome.exit_code) {
            (Ended::Exited, 0) => "it succeeded".to_owned(),
            (Ended::Exited, code) => message(code),
            (Ended::TimedOut, _) => "ended at its time limit".to_owned(),
            (Ended::Limit, _) => "stopped at its limit".to_owned(),
            (Ended::Signalled | Ended::Cancelled, code) => format!("ended by signal {}", code - 128),
        };
        match after {
            After::Result => (outcome.exit_code != 0, said),
            After::Project => {
                let policy = fs::read(self.place.project.join("guard.toml"));
                let held = policy.is_ok_and(|text| text == b"policy") && self.place.project.join(".git/hooks").is_dir();
                (held, if outcome.exit_code == 0 { "kept apart from the project".to_owned() } else { said })
            }
            After::Victim => {
                let alive = self.victim.borrow_mut().try_wait().is_ok_and(|ended| ended.is_none());
                (alive && outcome.exit_code != 0, said)
            }
            After::Late => {
                std::thread::sleep(Duration::from_millis(250));
                let late = self.place.project.join("late").exists();
                (!late, if late { "it was still there".to_owned() } else { "gone with its command".to_owned() })
            }
            After::TimedOut => (outcome.ended == Ended::TimedOut, said),
            After::Limit(limit) => (outcome.limit.as_deref() == Some(limit), said),
        }
    }

    fn probes(&self) -> Result<Vec<Probe>, ExecuteError> {
        let outside = |name: &str| c_path(&self.root.join(name));
        let inside = |name: &str| c_path(&self.place.project.join(name));
        let port = |address: io::Result<std::net::SocketAddr>| address.map_or(9, |a| a.port());
        let (tcp, udp) = (port(self.tcp.local_addr()), port(self.udp.local_addr()));
        let victim = i32::try_from(self.victim.borrow().id()).unwrap_or(i32::MAX);
        let unix = unix_address(self.root.join("socket").as_os_str().as_encoded_bytes(), false);
        let hidden = unix_address(self.name.as_bytes(), true);
        let (git, moved) = (inside(".git")?, inside("moved")?);
        let late = inside("late")?;
        let device = device();
        let mut probes = Vec::new();
        let mut add = |tried, by, deed: Deed| {
            probes.push(Probe {
                tried,
                by,
                timeout: Duration::from_secs(10),
                deed,
                after: After::Result,
                limits: Limits::default(),
            });
        };
        add("write a file outside the project", "read-only mounts", opens(outside("outside")?, libc::O_WRONLY));
        let path = outside("outside")?;
        add("change the mode of a file outside", "read-only mounts", Box::new(move || done(sys::chmod(&path, 0o777))));
        add("write to a named pipe outside", "Landlock", opens(outside("pipe")?, libc::O_RDWR));
        add("read the audit log", "cover", reads(inside("build_audit.log")?));
        add("read guard's state", "cover", reads(outside("state/key")?));
        add("read a key in a home", "private home", reads(outside("home/key")?));
        add("read a token among the toolchain", "cover", reads(outside("home/tools/credentials")?));
        add("read the project's `.env`", "cover", reads(inside(".env")?));
        add("read the machine's passwords", "closed `/etc`", reads(c"/etc/shadow".to_owned()));
        add("connect by TCP", "guard, asked by seccomp", Box::new(move || connect(0, tcp)));
        add("connect by MPTCP", "seccomp", Box::new(move || connect(262, tcp)));
        add("send by UDP", "seccomp", Box::new(move || send(udp)));
        add("connect to a socket in the file system", "guard, asked by seccomp", Box::new(move || connect_unix(&unix)));
        add("connect to an abstract socket", "guard, asked by seccomp", Box::new(move || connect_unix(&hidden)));
        add("open a vsock", "seccomp", calls(libc::SYS_socket, [libc::AF_VSOCK.into(), 1, 0]));
        add("trace its parent", "seccomp", calls(libc::SYS_ptrace, [c_long::from(libc::PTRACE_TRACEME), 0, 0]));
        add("change the first process's memory", "not dumpable", Box::new(open_parent));
        add("mount", "seccomp, no capabilities", Box::new(|| done(sys::mount(c"none", c"/mnt", c"tmpfs", 0, c""))));
        let user: c_long = libc::CLONE_NEWUSER.into();
        add("make a user namespace", "seccomp", calls(libc::SYS_unshare, [user, 0, 0]));
        add("set up an io_uring", "seccomp", Box::new(io_uring));
        add("type into a terminal", "seccomp", Box::new(type_into));
        add("open a device", "private `/dev`", opens(device, libc::O_RDONLY));
        let switch = c"/proc/sys/kernel/domainname".to_owned();
        add("set a switch of the kernel", "read-only `/proc`", opens(switch, libc::O_WRONLY));
        add("use a capability", "no capabilities", Box::new(|| i32::from(!capable())));
        let kill: Deed = Box::new(move || done(sys::kill(victim, libc::SIGKILL)));
        let wait: Deed = Box::new(|| {
            std::thread::sleep(Duration::from_secs(60));
            0
        });
        let mut also = |tried, by, timeout, deed, after| {
            probes.push(Probe { tried, by, timeout, deed, after, limits: Limits::default() })
        };
        let (short, long) = (Duration::from_millis(100), Duration::from_secs(10));
        let empties = opens(inside("guard.toml")?, libc::O_WRONLY | libc::O_TRUNC);
        also("change the policy", "overlay", long, empties, After::Project);
        let renames: Deed = Box::new(move || done(rename(&git, &moved)));
        also("put a hook into a renamed `.git`", "overlay", long, renames, After::Project);
        also("outlive its time limit", "first process", short, wait, After::TimedOut);
        also("outlive its command as a daemon", "pid namespace", long, Box::new(move || daemon(&late)), After::Late);
        also("kill a process outside", "pid namespace", long, kill, After::Victim);
        probes.extend(limits::probes(&self.place.project)?);
        Ok(probes)
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let mut victim = self.victim.borrow_mut();
        let _ = victim.kill();
        let _ = victim.wait();
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// A disk, or failing that the kernel's log.
fn device() -> CString {
    let disks = fs::read_dir("/sys/class/block").into_iter().flatten().flatten();
    let disk = disks.map(|entry| Path::new("/dev").join(entry.file_name())).find(|path| path.exists());
    disk.and_then(|path| c_path(&path).ok()).unwrap_or_else(|| c"/dev/kmsg".to_owned())
}

fn message(code: i32) -> String {
    let text = io::Error::from_raw_os_error(code).to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

fn done(result: Result<(), sys::Errno>) -> c_int {
    result.map_or_else(|error| error, |()| 0)
}

fn opens(path: CString, flags: c_int) -> Deed {
    Box::new(move || done(sys::open(&path, flags | libc::O_NONBLOCK).map(sys::close)))
}

/// Opens the memory of the process that started this one: inside, the fence's first.
fn open_parent() -> c_int {
    let mut path = [0; 40];
    // Writing into an array allocates nothing, and leaves a NUL behind.
    let _ = write!(&mut path[..], "/proc/{}/mem", sys::parent());
    let path = CStr::from_bytes_until_nul(&path).unwrap_or(c"");
    done(sys::open(path, libc::O_RDWR).map(sys::close))
}

fn reads(path: CString) -> Deed {
    Box::new(move || match sys::open(&path, libc::O_RDONLY).and_then(|fd| sys::read(fd, &mut [0])) {
        Ok(0) => libc::ENODATA,
        Ok(_) => 0,
        Err(error) => error,
    })
}

/// A system call with three numbers.
fn calls(number: c_long, [a, b, c]: [c_long; 3]) -> Deed {
    // SAFETY: the calls given take numbers only.
    Box::new(move || if unsafe { libc::syscall(number, a, b, c, 0) } < 0 { sys::errno() } else { 0 })
}

fn result(value: c_int) -> c_int {
    if value < 0 { sys::errno() } else { 0 }
}

fn rename(from: &CStr, to: &CStr) -> Result<(), sys::Errno> {
    // SAFETY: both are valid strings.
    if unsafe { libc::rename(from.as_ptr(), to.as_ptr()) } < 0 { Err(sys::errno()) } else { Ok(()) }
}

fn here(port: u16) -> libc::sockaddr_in {
    libc::sockaddr_in {
        sin_family: 2,
        sin_port: port.to_be(),
        sin_addr: libc::in_addr { s_addr: 0x7f00_0001_u32.to_be() },
        sin_zero: [0; 8],
    }
}

fn connect(protocol: c_int, port: u16) -> c_int {
    let address = here(port);
    // SAFETY: the address is valid and has the length given.
    unsafe {
        match libc::socket(libc::AF_INET, libc::SOCK_STREAM, protocol) {
            fd @ 0.. => result(libc::connect(fd, (&raw const address).cast(), 16)),
            _ => sys::errno(),
        }
    }
}

fn send(port: u16) -> c_int {
    let address = here(port);
    // SAFETY: the address is valid and has the length given.
    unsafe {
        match libc::socket(libc::AF_INET, libc::SOCK_DGRAM, 0) {
            fd @ 0.. if libc::sendto(fd, c"x".as_ptr().cast(), 1, 0, (&raw const address).cast(), 16) == 1 => 0,
            _ => sys::errno(),
        }
    }
}

fn unix_address(name: &[u8], hidden: bool) -> (libc::sockaddr_un, u32) {
    let mut address = libc::sockaddr_un { sun_family: 1, sun_path: [0; 108] };
    let places = address.sun_path.iter_mut().skip(usize::from(hidden));
    for (to, from) in places.zip(name) {
        *to = i8::from_ne_bytes([*from]) as libc::c_char;
    }
    let len = 2 + usize::from(hidden) + name.len().min(107) + usize::from(!hidden);
    (address, u32::try_from(len).unwrap_or(110))
}

fn connect_unix((address, len): &(libc::sockaddr_un, u32)) -> c_int {
    // SAFETY: the address is valid and at least as long as given.
    unsafe {
        match libc::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0) {
            fd @ 0.. => result(libc::connect(fd, std::ptr::from_ref(address).cast(), *len)),
            _ => sys::errno(),
        }
    }
}

fn io_uring() -> c_int {
    let mut parameters = [0_u8; 256];
    // SAFETY: the structure of parameters is smaller than the buffer.
    if unsafe { libc::syscall(libc::SYS_io_uring_setup, 4, parameters.as_mut_ptr()) } < 0 { sys::errno() } else { 0 }
}

/// Makes a terminal its own and types a letter into it.
fn type_into() -> c_int {
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
fn daemon(late: &CStr) -> c_int {
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

/// Whether any capability could be used.
fn capable() -> bool {
    let header: [u32; 2] = [0x2008_0522, 0];
    let mut sets = [0_u32; 6];
    // SAFETY: version 3 of the header with room for two sets of three words.
    let result = unsafe { libc::syscall(libc::SYS_capget, header.as_ptr(), sets.as_mut_ptr()) };
    result < 0 || sets.iter().any(|word| *word != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Folders that nothing private covers.
    fn base() -> PathBuf {
        std::env::var_os("GUARD_TEST_BASE")
            .map_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/target").into(), PathBuf::from)
    }

    #[test]
    fn every_probe_succeeds_without_a_fence() {
        let root = rustix::process::geteuid().is_root();
        let ground = Ground::new(&base()).unwrap();
        for probe in ground.probes().unwrap() {
            let privileged = ["open a device", "set a switch of the kernel", "use a capability"];
            // What prints without end would print it here.
            if matches!(probe.after, After::TimedOut | After::Limit("output"))
                || (!root && privileged.contains(&probe.tried))
            {
                continue;
            }
            // Nothing is mounted for real.
            let flags = if probe.tried == "mount" { libc::CLONE_NEWUSER | libc::CLONE_NEWNS } else { 0 };
            let pid = match sys::fork_with(flags | libc::SIGCHLD).unwrap() {
                0 => sys::exit((probe.deed)()),
                pid => pid,
            };
            let (_, status) = sys::reap(pid, 0).unwrap();
            assert_eq!(status, 0, "{}: {}", probe.tried, message(libc::WEXITSTATUS(status)));
            match probe.after {
                After::Late => {
                    std::thread::sleep(Duration::from_millis(300));
                    assert!(ground.place.project.join("late").exists(), "the daemon lives");
                }
                After::Victim => assert!(ground.victim.borrow_mut().wait().is_ok()),
                After::Project => {
                    fs::write(ground.place.project.join("guard.toml"), "policy").unwrap();
                }
                After::Result | After::TimedOut | After::Limit(_) => {}
            }
            if probe.tried.contains("renamed") {
                fs::rename(ground.place.project.join("moved"), ground.place.project.join(".git")).unwrap();
            }
        }
    }

    #[test]
    fn every_probe_fails_within_the_fence() {
        let found = examine(&base()).unwrap();
        assert_eq!(found.fence, Fence { level: Level::Full, missing: Vec::new() });
        let open: Vec<_> = found.findings.iter().filter(|finding| !finding.held).collect();
        assert!(open.is_empty() && found.findings.len() == 36, "{:#?}", found.findings);
    }
}
