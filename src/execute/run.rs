//! One run from start to end: fence, release, streams, time limit, the end.
//! Knows no policy; the rights it needs come as a permit.

use super::capture::Capturing;
use super::limits::{Limits, word};
use super::sandbox::{
    self, Alarm, Console, Feed, Fenced, GRACE, Layer, Net, Order, Reach, Standing, Steering, Stopper, Work, report,
};
use super::terminal::Terminal;
use super::written::Watching;
use super::{Environment, ExecuteError, Fence, Level, Outcome, Place, Traffic, compose, unlinked};
use crate::action::Action;
use crate::action::shell::Asked;
use crate::approve::Permit;
use crate::event::Ended;
use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::{Errno, read};
use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

/// Exit code of a command that was ended at its time limit.
const TIMED_OUT: i32 = 124;
/// Exit code of a command that was ended at another limit.
const LIMITED: i32 = 137;
/// Bytes read from a stream at once.
const CHUNK: usize = 64 * 1024;
/// What a busy stream's pipe is widened to.
const WIDE: usize = 512 * 1024;

/// Takes a command's output as it comes.
pub trait Sink {
    /// Whether the command has a terminal of its own, whose output comes as standard output.
    fn terminal(&self) -> bool {
        false
    }
    /// The command begins, and has at most that much time.
    fn begins(&mut self, _: Duration) {}
    /// Bytes of standard output.
    fn stdout(&mut self, bytes: &[u8]);
    /// Bytes of standard error.
    fn stderr(&mut self, bytes: &[u8]);
    /// Whether nobody takes standard output any more: then the command's end is closed too, as in any pipeline.
    fn stdout_closed(&self) -> bool {
        false
    }
    /// Whether nobody takes standard error any more.
    fn stderr_closed(&self) -> bool {
        false
    }
    /// Asked once a second at least: the limit that the command is to be ended at, if it is.
    fn ends(&mut self) -> Option<&'static str> {
        None
    }
}

/// A fence that is being built around a command that does not run yet. Dropped, it is torn down.
#[derive(Debug)]
pub struct Prepared {
    standing: Standing,
    stands: bool,
}

/// What a run gets besides its permit.
#[derive(Debug, Default)]
pub struct Means {
    /// What it may use.
    pub limits: Limits,
    /// What it may reach over the network.
    pub reach: Reach,
    /// What takes its changes to the project; without one, or where the permit lets it write nothing, the project is
    /// read-only.
    pub layer: Option<Layer>,
    /// Whether it has a terminal of its own.
    pub terminal: bool,
}

/// Starts to build the fence for what `permit` allows, for at most `timeout` and with `means`; returns at once. The command
/// waits for [`Prepared::run`].
///
/// Signals that end guard are held back from here on, until the run begins or the fence is dropped.
pub fn prepare(
    permit: &Permit,
    timeout: Duration,
    means: Means,
    (place, environment, require): (&Place, &Environment, Level),
) -> Result<Prepared, ExecuteError> {
    if let Some(order) = compose::order(permit, timeout)? {
        if means.terminal {
            return Err(ExecuteError::System {
                what: "cannot give docker-compose a terminal".to_owned(),
                cause: "the configuration that was judged is its standard input".to_owned(),
            });
        }
        return prepare_order(Order { limits: means.limits, ..order }, place, environment, require);
    }
    let Action::Shell(shell) = permit.action();
    let work = match shell.asked() {
        Asked::Argv(argv) => match permit.judgement().program() {
            Some(program) => Work::Argv { program: program.to_owned(), argv: argv.clone() },
            None => {
                let name = argv.first().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
                return Err(ExecuteError::NoProgram(name));
            }
        },
        Asked::Line(line) => Work::Line(OsString::from(line)),
    };
    let Means { limits, reach, layer, terminal } = means;
    let grant = permit.grant();
    let layer = layer.filter(|_| grant.writes);
    let order = Order { layer, limits, reach, terminal, dotenv: grant.dotenv, ..Order::new(work, timeout) };
    prepare_order(order, place, environment, require)
}

/// As [`prepare`], for an order that nobody judged: a harness, whose calls are judged one by one, a probe, a test or a measurement.
pub fn prepare_order(
    order: Order,
    place: &Place,
    environment: &Environment,
    require: Level,
) -> Result<Prepared, ExecuteError> {
    Ok(Prepared::of(sandbox::start(order, place, environment, require, None)?))
}

impl Prepared {
    /// A run in a fence that is being built.
    pub(super) fn of(standing: Standing) -> Self {
        Self { standing, stands: false }
    }

    /// The `.env` files that the command cannot read; none where it may.
    pub fn dotenv(&self) -> &[PathBuf] {
        self.standing.dotenv()
    }

    /// Waits until the fence stands, and says what stands.
    pub fn ready(&mut self) -> Result<Fence, ExecuteError> {
        if self.stands {
            return Ok(self.standing.fence());
        }
        let fence = self.standing.ready()?;
        self.stands = true;
        Ok(fence)
    }

    /// Lets the command go as soon as its fence stands, where nothing has to be done between the two; whether that is so. It takes two
    /// turns between processes less than to hear that the fence stands, and then to say so. Only after its start is durable in
    /// the log.
    pub fn go(&mut self) -> bool {
        !self.stands && self.standing.goes_by_itself()
    }

    /// Lets the command go and stays with it to the end. Only after its start is durable in the log.
    pub fn run(mut self, sink: &mut dyn Sink) -> Result<Outcome, ExecuteError> {
        let goes = self.go();
        let mut fence = self.ready()?;
        let mut fenced = self.standing.take()?;
        let _as_it_was = Terminal::remember();
        let mut steering = Steering::new(fenced.pid(), &self.standing.hold);
        let printed = Printed { left: self.standing.limits().output, over: false };
        let stopper = fenced.stopper();
        let (out, err) = (Capturing::default(), Capturing::default());
        let mut run = Run { sink, out, err, printed, ended_at: None, buffer: Vec::with_capacity(CHUNK) };
        let console = match fenced.out.as_ref().filter(|_| self.standing.terminal()) {
            Some(end) => Some(Console::tie(end, fenced.reports())?),
            None => None,
        };
        let start = Instant::now();
        if let Some(signal) = steering.first().filter(|_| !goes) {
            // Told to stop before it began: nothing is executed.
            steering.release();
            drop(fenced);
            return Ok(run.outcome(Ended::Cancelled, 128 + signal, None, start.elapsed(), fence));
        }
        let watching = watch(self.standing.limits(), &fenced);
        let upper = self.standing.upper(&fenced);
        run.sink.begins(self.standing.timeout());
        if !goes {
            fenced.go();
        }
        let last = run.relay(&mut fenced, Watch::new(stopper, self.standing.timeout()), || steering.first().is_some());
        if console.is_some() {
            // Shown before the person's terminal changes back.
            run.drain(&fenced);
        }
        drop(console);
        // From here on nobody asks it to end: its number may be another's.
        let written = watching.is_some_and(Watching::end);
        let told = steering.first();
        steering.release();
        // A report of the end comes when nothing is left inside: the fence itself may go while the end is recorded, and after.
        let ended = matches!(last, Some([report::ENDED, ..]));
        let compiled = upper.filter(|_| ended).map(|upper| upper.files()).unwrap_or_default();
        let killed = if ended {
            fenced.leave();
            None
        } else {
            fenced.reap()
        };
        run.drain(&fenced);
        let duration = start.elapsed();
        fence.missing.extend(self.standing.uncovered().map(|path| {
            format!(
                "`{}` was removed or replaced from outside during the run, which takes its mount away: look at what stands \
                 there now, and leave it alone while a command runs",
                path.display()
            )
        }));
        let gone = fenced.alarm.iter().flat_map(Alarm::gone);
        fence.missing.extend(gone.map(|path| {
            format!(
                "`{}` was removed or replaced from outside, after which it could be written to inside, so everything was \
                 ended: look at what stands there now, and change it while no harness runs",
                path.display()
            )
        }));
        let by_guard = if run.printed.over { Some(word::OUTPUT) } else { written.then_some(word::TOTAL_WRITE) };
        let by_guard = by_guard.or(run.ended_at);
        let mut limit = None;
        let (ended, code, signal) = match last {
            Some([report::NOT_EXECUTED, error, _]) => return Err(self.standing.not_executed(error)),
            Some([report::ENDED, status, cause]) => {
                let status = ExitStatus::from_raw(status);
                let code = status.code().or_else(|| status.signal().map(|n| 128 + n)).unwrap_or(125);
                limit = stopped_by(cause, status).or(by_guard.filter(|_| told.is_none()));
                match (cause, told) {
                    _ if limit.is_some() => (Ended::Limit, LIMITED, status.signal()),
                    (report::TIMED_OUT, _) => (Ended::TimedOut, TIMED_OUT, status.signal()),
                    (report::CANCELLED, Some(told)) => (Ended::Cancelled, 128 + told, status.signal()),
                    (report::CANCELLED, None) => (Ended::Cancelled, code, status.signal()),
                    _ if status.signal().is_some() => (Ended::Signalled, code, status.signal()),
                    _ => (Ended::Exited, code, None),
                }
            }
            // The first process itself was ended from outside (the kernel short of memory, another person). Past the
            // time limit that is what would have happened anyway: no way of ending it makes a run one of another kind.
            _ => {
                let signal = killed.unwrap_or(9);
                if duration >= self.standing.timeout() {
                    (Ended::TimedOut, TIMED_OUT, Some(signal))
                } else {
                    (Ended::Signalled, 128 + signal, Some(signal))
                }
            }
        };
        let mut outcome = run.outcome(ended, code, signal, duration, fence);
        outcome.limit = limit.map(str::to_owned);
        outcome.traffic = fenced.net.take().map(Net::finish).unwrap_or_default();
        outcome.remains = Some(fenced);
        outcome.compiled = compiled;
        Ok(outcome)
    }
}

/// The limit that the inside, or the kernel, ended a command at.
fn stopped_by(cause: i32, status: ExitStatus) -> Option<&'static str> {
    match (cause, status.signal()) {
        (report::MEMORY, _) => Some(word::MEMORY),
        (report::CPU, _) | (report::BY_ITSELF, Some(libc::SIGXCPU)) => Some(word::CPU),
        (report::PROCESSES, _) => Some(word::PROCESSES),
        (report::BY_ITSELF, Some(libc::SIGXFSZ)) => Some(word::TOTAL_WRITE),
        _ => None,
    }
}

/// Watches what is written, where there is one place for all of it, and what lies nowhere any more.
fn watch(limits: &Limits, fenced: &Fenced) -> Option<Watching> {
    let folder = limits.watched.clone()?;
    let (first, stopper) = (fenced.pid(), fenced.stopper());
    let elsewhere = move || unlinked::held(first);
    Some(Watching::begin(folder, limits.total_write, limits.pause(), elsewhere, move || stopper.stop()))
}

/// What may still be printed.
struct Printed {
    left: u64,
    over: bool,
}

impl Printed {
    /// As much of `bytes` as may be printed; with the first that may not be the command is to end.
    fn within<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let len = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
        self.left = self.left.saturating_sub(len as u64);
        self.over |= len < bytes.len();
        bytes.get(..len).unwrap_or_default()
    }
}

/// Time between two looks at the clock, and between two stops.
const PULSE: Duration = Duration::from_secs(1);
const AGAIN: Duration = Duration::from_millis(50);

/// Guard's own watch: the first process keeps the time, and is ended where it does not.
struct Watch {
    stopper: Stopper,
    /// What is left of all the time that there can be, and once the end is asked for of that.
    left: Duration,
    asked: bool,
    last: Instant,
}

impl Watch {
    fn new(stopper: Stopper, timeout: Duration) -> Self {
        Self { stopper, left: timeout.saturating_add(2 * GRACE), asked: false, last: Instant::now() }
    }

    /// Looks at the clock; `over`: a limit is reached, `told`: an end was asked for. How long nothing else need be looked at.
    fn look(&mut self, over: bool, told: bool) -> Duration {
        // While guard itself is stopped, so is the time of what it runs.
        self.left = self.left.saturating_sub(self.last.elapsed().min(PULSE));
        self.last = Instant::now();
        if (over || told) && !std::mem::replace(&mut self.asked, true) {
            self.left = self.left.min(2 * GRACE);
        }
        if self.left.is_zero() {
            self.stopper.end();
            return AGAIN;
        }
        if over {
            self.stopper.stop();
            return AGAIN;
        }
        self.left.min(PULSE)
    }
}

struct Run<'a> {
    sink: &'a mut dyn Sink,
    out: Capturing,
    err: Capturing,
    printed: Printed,
    /// The limit that whoever takes the output ends it at.
    ended_at: Option<&'static str>,
    buffer: Vec<u8>,
}

impl Run<'_> {
    /// Passes output on until the inside reports the end or is gone.
    fn relay(&mut self, fenced: &mut Fenced, mut watch: Watch, told: impl Fn() -> bool) -> Option<[i32; 3]> {
        loop {
            self.ended_at = self.ended_at.or_else(|| self.sink.ends());
            let pause = watch.look(self.printed.over || self.ended_at.is_some(), told());
            if fenced.alarm.as_ref().is_some_and(Alarm::rings) {
                // Nothing inside is waited for: it could write there now.
                watch.stopper.end();
            }
            let (out, err, reports, fed, asked) = {
                let mut fds = Vec::with_capacity(5);
                fds.push(PollFd::new(fenced.reports(), PollFlags::IN));
                fds.extend(fenced.out.iter().chain(&fenced.err).map(|pipe| PollFd::new(pipe, PollFlags::IN)));
                let fed = fenced.feed.is_some();
                fds.extend(fenced.feed.iter().map(Feed::awaits));
                fds.extend(fenced.net.iter().filter_map(Net::awaits));
                fds.extend(fenced.alarm.iter().map(Alarm::awaits));
                match poll(&mut fds, Timespec::try_from(pause).ok().as_ref()) {
                    Ok(_) => {}
                    Err(Errno::INTR) => continue,
                    Err(_) => return None,
                }
                let mut ready = fds.iter().map(|fd| !fd.revents().is_empty());
                let reports = ready.next().unwrap_or(true);
                let out = fenced.out.is_some() && ready.next().unwrap_or(false);
                let err = fenced.err.is_some() && ready.next().unwrap_or(false);
                let fed = fed && ready.next().unwrap_or(false);
                let asks = fenced.net.as_ref().is_some_and(|net| net.awaits().is_some());
                (out, err, reports, fed, asks && ready.next().unwrap_or(false))
            };
            if asked && fenced.net.as_mut().is_some_and(|net| net.serve().is_err()) {
                // Nobody answers any more: what is asked gets `ENOSYS`.
                fenced.net = None;
            }
            if fed && !fenced.feed.as_mut().is_some_and(Feed::step) {
                fenced.feed = None;
            }
            if out && !self.stdout(fenced.out.as_ref()) {
                fenced.out = None;
            }
            if err && !self.stderr(fenced.err.as_ref()) {
                fenced.err = None;
            }
            if reports {
                return fenced.report();
            }
        }
    }

    /// What is left in the pipes after the end. A writer that escaped into another process is not waited for.
    fn drain(&mut self, fenced: &Fenced) {
        for pipe in fenced.out.iter().chain(&fenced.err) {
            if let Ok(flags) = fcntl_getfl(pipe) {
                let _ = fcntl_setfl(pipe, flags | OFlags::NONBLOCK);
            }
        }
        while self.stdout(fenced.out.as_ref()) {}
        while self.stderr(fenced.err.as_ref()) {}
    }

    /// Passes one chunk on; false: there is no more, or nobody who takes it.
    fn stdout(&mut self, pipe: Option<&OwnedFd>) -> bool {
        let Some(bytes) = pipe.and_then(|pipe| chunk(pipe, &mut self.buffer)) else { return false };
        let bytes = self.printed.within(bytes);
        self.sink.stdout(bytes);
        self.out.add(bytes);
        !self.sink.stdout_closed()
    }

    fn stderr(&mut self, pipe: Option<&OwnedFd>) -> bool {
        let Some(bytes) = pipe.and_then(|pipe| chunk(pipe, &mut self.buffer)) else { return false };
        let bytes = self.printed.within(bytes);
        self.sink.stderr(bytes);
        self.err.add(bytes);
        !self.sink.stderr_closed()
    }

    fn outcome(self, ended: Ended, exit_code: i32, signal: Option<i32>, duration: Duration, fence: Fence) -> Outcome {
        let (stdout, stderr) = (self.out.end(), self.err.end());
        Outcome {
            ended,
            exit_code,
            signal,
            limit: None,
            stdout,
            stderr,
            duration,
            fence,
            traffic: Traffic::default(),
            compiled: Vec::new(),
            remains: None,
        }
    }
}

/// Reads what is there; `None` at the end, or where nothing is and the pipe does not block.
fn chunk<'a>(pipe: &OwnedFd, buffer: &'a mut Vec<u8>) -> Option<&'a [u8]> {
    buffer.clear();
    let len = loop {
        match read(pipe.as_fd(), spare_capacity(buffer)) {
            Ok(0) => return None,
            Ok(len) => break len,
            Err(Errno::INTR) => {}
            Err(_) => return None,
        }
    };
    if len == buffer.capacity() {
        // A busy stream: fewer, larger reads. Refused past the user's allowance, which costs only speed.
        let _ = rustix::pipe::fcntl_setpipe_size(pipe, WIDE);
    }
    Some(buffer)
}
