//! The outside of calls: each is done by a guard of its own, which nobody inside can reach, and which ends with its caller.
//! Knows neither which words are an agent's nor what they do.

use super::spare::Spare;
use super::wire::{self, Asked};
use super::{Answer, FOR};
use crate::event::line::brief;
use crate::execute::sandbox::Calls;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, ResolveFlags, open, openat2};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Calls that may be served at once.
const MOST: usize = 64;
/// How long a caller may take to say what it wants.
const ASKING: Duration = Duration::from_secs(10);
/// How long a guard may take to end once its caller is gone: it has its own grace for what it runs.
const ENDING: Duration = Duration::from_secs(5);
/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(20);
/// Exit code of a call that is refused.
const REFUSED: u8 = 126;
/// Exit code where guard cannot do its job.
const TROUBLE: u8 = 125;

/// What calls are served by.
#[derive(Debug, Clone)]
pub struct Terms {
    /// The project's root, without links: the only one that is acted in.
    pub root: PathBuf,
    /// The environment of the guard that serves; nothing of the caller's counts.
    pub environment: Vec<(OsString, OsString)>,
    /// Whether somebody inside may make the call of these words; the error says why not.
    pub allows: fn(&[OsString]) -> Result<(), String>,
    /// Told of each refused call, as it is written, at once.
    pub refused: Refused,
}

/// Takes note of a refused call.
#[derive(Clone)]
pub struct Refused(pub Arc<dyn Fn(&str) + Send + Sync>);

impl std::fmt::Debug for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Refused")
    }
}

/// What was served.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Served {
    /// Calls that were let through.
    pub calls: u64,
    /// Calls that were not, beyond those that were told of one by one.
    pub refused_more: u64,
}

/// Serves calls, each in a thread of its own, until it is ended or dropped.
#[derive(Debug)]
pub struct Serving {
    shared: Arc<Shared>,
    /// Keeps a guard waiting.
    spares: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    terms: Terms,
    now: Mutex<Now>,
    /// That no guard waits any more, or that it is over.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Now {
    over: bool,
    served: Served,
    /// Guards that serve, and whether they were asked to end: once, as they have to say how it ended.
    children: Vec<(Pid, bool)>,
    /// One that waits.
    spare: Option<Spare>,
    /// Connections that are served.
    open: usize,
    /// Refused calls so far.
    told: usize,
}

impl Serving {
    /// Begins.
    pub fn begin(terms: Terms) -> Self {
        let shared = Arc::new(Shared { terms, now: Mutex::default(), changed: Condvar::new() });
        let own = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("spare".to_owned()).stack_size(256 * 1024);
        // Without it each call is served by a guard that is started for it.
        let spares = thread.spawn(move || keep_spare(&own)).ok();
        Self { shared, spares }
    }

    /// What takes the connections.
    pub fn calls(&self) -> Calls {
        let shared = Arc::clone(&self.shared);
        Calls(Arc::new(move |socket| take(&shared, socket)))
    }

    /// Ends every call that is still served; what was.
    pub fn end(mut self) -> Served {
        self.over()
    }

    fn over(&mut self) -> Served {
        self.shared.now().over = true;
        let begun = Instant::now();
        let served = loop {
            // A child is taken off the list before its number can be another's, and none is added any more.
            let mut now = self.shared.now();
            if now.children.is_empty() {
                break std::mem::take(&mut now.served);
            }
            now.ask_to_end(|_| true);
            if begun.elapsed() > ENDING {
                for (child, _) in &now.children {
                    let _ = kill_process(*child, Signal::KILL);
                }
            }
            drop(now);
            std::thread::sleep(LOOK);
        };
        self.shared.changed.notify_all();
        if let Some(spares) = self.spares.take() {
            let _ended = spares.join();
        }
        served
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.over();
    }
}

/// Keeps a guard waiting as long as calls are served. What this thread starts ends with it: so it stays until the last of them
/// has ended.
fn keep_spare(shared: &Shared) {
    let mut now = shared.now();
    let mut can = true;
    while !(now.over && now.children.is_empty()) {
        if now.over || now.spare.is_some() || !can {
            now = shared.changed.wait(now).unwrap_or_else(PoisonError::into_inner);
            continue;
        }
        drop(now);
        let started = Spare::start(guard(shared));
        now = shared.now();
        can = started.is_ok();
        now.spare = started.ok();
    }
    let spare = now.spare.take();
    drop(now);
    spare.into_iter().for_each(Spare::end);
}

impl Now {
    /// Asks those guards to end that were not yet.
    fn ask_to_end(&mut self, which: impl Fn(Pid) -> bool) {
        for (child, asked) in self.children.iter_mut().filter(|(child, asked)| !asked && which(*child)) {
            let _ = kill_process(*child, Signal::TERM);
            *asked = true;
        }
    }

    /// One has ended.
    fn ended(&mut self, child: Pid) {
        self.children.retain(|(other, _)| *other != child);
    }
}

impl Shared {
    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves one connection; false: it is not served.
fn take(shared: &Arc<Shared>, socket: OwnedFd) -> bool {
    let mut now = shared.now();
    if now.over || now.open >= MOST {
        return false;
    }
    let own = Arc::clone(shared);
    // The guard that serves ends with the thread that starts it: so this one stays to its end.
    let thread = std::thread::Builder::new().name("call".to_owned()).stack_size(256 * 1024);
    let served = thread.spawn(move || {
        serve(&own, &UnixStream::from(socket));
        own.now().open -= 1;
    });
    now.open += usize::from(served.is_ok());
    served.is_ok()
}

fn serve(shared: &Shared, socket: &UnixStream) {
    let answer = wire::asked(socket, Instant::now() + ASKING)
        .map_or_else(|error| trouble("what is asked cannot be read", &error), |asked| done(shared, socket, asked));
    // Whoever does not take the answer is not waited for.
    let _gone = socket.set_write_timeout(Some(ASKING)).and_then(|()| wire::reply(socket, &answer));
}

fn trouble(what: &str, error: &io::Error) -> Answer {
    Answer { code: TROUBLE, said: format!("guard: {what}: {error}") }
}

fn done(shared: &Shared, socket: &UnixStream, asked: Asked) -> Answer {
    if let Err(said) = (shared.terms.allows)(&asked.words) {
        refuse(shared, &asked.words);
        return Answer { code: REFUSED, said };
    }
    let folder = match folder(&shared.terms.root, &asked.cwd) {
        Ok(folder) => folder,
        Err(error) => {
            let what = format!("guard acts in the project alone, and `{}` is none of it", asked.cwd.display());
            return trouble(&what, &error);
        }
    };
    match start(shared, asked, &folder).and_then(|child| attend(shared, socket, child)) {
        Ok(status) => Answer { code: code(status), said: String::new() },
        Err(error) => trouble("the call cannot be served", &error),
    }
}

/// Tells of a refused call; of more than are worth a record only how many there were.
fn refuse(shared: &Shared, words: &[OsString]) {
    {
        let mut now = shared.now();
        now.told += 1;
        if now.told > MOST {
            now.served.refused_more += 1;
            return;
        }
    }
    let first: Vec<_> = words.iter().take(3).map(|word| word.to_string_lossy()).collect();
    (shared.terms.refused.0)(&brief(&format!("guard {}", first.join(" "))));
}

/// The folder as it is outside: the project is the same there, and nothing else is believed to be.
fn folder(root: &Path, cwd: &Path) -> io::Result<OwnedFd> {
    let below = cwd.strip_prefix(root).map_err(|_| io::Error::other("it lies elsewhere"))?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = open(root, flags, Mode::empty())?;
    let below = if below.as_os_str().is_empty() { Path::new(".") } else { below };
    let within = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_SYMLINKS;
    Ok(openat2(root, below, flags, Mode::empty(), within)?)
}

/// Has it done by the guard that waits, or else by one that is started for it.
fn start(shared: &Shared, asked: Asked, folder: &OwnedFd) -> io::Result<Child> {
    let over = || io::Error::other("the harness has ended");
    let mut now = shared.now();
    if now.over {
        return Err(over());
    }
    if let Some(spare) = now.spare.take() {
        let pid = Pid::from_raw(spare.id().cast_signed());
        now.children.extend(pid.map(|pid| (pid, false)));
        drop(now);
        let handed = spare.hand(&asked, folder.as_fd());
        shared.changed.notify_all();
        now = shared.now();
        if let Some(child) = handed {
            now.served.calls += 1;
            return Ok(child);
        }
        pid.into_iter().for_each(|pid| now.ended(pid));
        if now.over {
            return Err(over());
        }
    }
    let [stdin, stdout, stderr] = asked.streams.map(Stdio::from);
    let mut command = guard(shared);
    command.args(asked.words).current_dir(format!("/proc/self/fd/{}", folder.as_raw_fd()));
    let child = command.stdin(stdin).stdout(stdout).stderr(stderr).spawn()?;
    now.served.calls += 1;
    now.children.extend(Pid::from_raw(child.id().cast_signed()).map(|pid| (pid, false)));
    Ok(child)
}

/// A guard that serves, still without words.
fn guard(shared: &Shared) -> Command {
    let pid = rustix::process::getpid().as_raw_nonzero().get();
    let mut command = Command::new("/proc/self/exe");
    command.arg0("guard").env_clear().envs(shared.terms.environment.iter().map(|(name, value)| (name, value)));
    command.env(FOR, wire::join(pid, &shared.terms.root));
    command
}

/// Stays with a guard to its end, which is asked for when its caller goes away.
fn attend(shared: &Shared, socket: &UnixStream, mut child: Child) -> io::Result<ExitStatus> {
    let Some(pid) = Pid::from_raw(child.id().cast_signed()) else { return child.wait() };
    let Ok(ended) = pidfd_open(pid, PidfdFlags::empty()) else {
        shared.now().ended(pid);
        child.kill()?;
        return child.wait();
    };
    let mut left = None;
    loop {
        let mut fds = vec![PollFd::new(&ended, PollFlags::IN)];
        if left.is_none() {
            // Whoever asked says nothing more: whatever comes is its end.
            fds.push(PollFd::new(socket, PollFlags::IN));
        }
        match poll(&mut fds, left.as_ref()) {
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
            Ok(0) => child.kill()?,
            Ok(_) => {}
        }
        let mut ready = fds.iter().map(|fd| !fd.revents().is_empty());
        if ready.next().unwrap_or(true) {
            // Before its number can be another's.
            let mut now = shared.now();
            now.ended(pid);
            return child.wait();
        }
        if ready.next().unwrap_or(false) {
            shared.now().ask_to_end(|child| child == pid);
            left = Timespec::try_from(ENDING).ok();
        }
    }
}

fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(TROUBLE)
}
