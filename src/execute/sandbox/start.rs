//! Starting a fence: the strongest rung of the ladder that the kernel builds and the caller accepts.
//! Knows neither judgements nor what becomes of the output.

use super::bounds::{Bounds, OUTSIDE};
use super::compiled::Upper;
use super::feed::Feed;
use super::first::{Failed, First, STACKS};
use super::fresh::Fresh;
use super::init::{Confinement, Deed, Plan, STEPS, Stage, Strings, report};
use super::input::{self, Input};
use super::ladder::Rung;
use super::layout::{self, c_path};
use super::mends::{self, LANDLOCK};
use super::mounts::Step;
use super::net::{Entry, Net};
use super::order::Order;
use super::processors::Processors;
use super::program::{executable, words};
use super::pty;
use super::rules::{Begun, Judged};
use super::steer::{Hold, Stopper};
use super::sys::Errno;
use super::variables::variables;
use super::watch::{Alarm, Watch};
use super::{dotenv, elsewhere, filter, resources, sys};
use crate::execute::{Environment, ExecuteError, Fence, Level, Limits, Place};
use rustix::pipe::{PipeFlags, pipe_with};
use std::ffi::CString;
use std::fs;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// A fence being built, with its command held before `execve`.
pub(in crate::execute) struct Standing {
    pub(super) order: Order,
    pub(super) place: Place,
    environment: Environment,
    pub(super) require: Level,
    pub(super) rung: Rung,
    pub(super) missing: Vec<String>,
    pub(super) landlock: u32,
    /// Whether what was asked to take the project's changes is there.
    pub(super) overlay: bool,
    watch: Watch,
    alarm: Option<Alarm>,
    pub(super) deed: Option<Deed>,
    pub(super) fenced: Option<Fenced>,
    pub(in crate::execute) hold: Hold,
    /// Whether the command begins as soon as its fence stands.
    goes: bool,
}

/// The first process of a fence, seen from outside. Dropped, everything inside ends.
pub(in crate::execute) struct Fenced {
    /// Closed before the first process is ended: a command that was not released then ends by itself.
    release: Option<fs::File>,
    first: First,
    /// What it mounts. Made again it may be something else: what is kept from run to run goes and comes.
    steps: Arc<Vec<Step>>,
    reports: fs::File,
    /// Read end of its standard output, while anybody takes it.
    pub(in crate::execute) out: Option<OwnedFd>,
    /// Read end of its standard error, while anybody takes it.
    pub(in crate::execute) err: Option<OwnedFd>,
    _caches: Option<Fresh>,
    entry: Entry,
    /// What answers for its sockets, if it has any.
    pub(in crate::execute) net: Option<Net>,
    /// What tells that something which was to stay read-only can be written to.
    pub(in crate::execute) alarm: Option<Alarm>,
    /// The pipe its standard input comes through, if it has one of its own.
    pub(in crate::execute) feed: Option<Feed>,
}

/// Begins a fence for `order`. Fails at once where the program cannot be there or the level cannot be reached.
pub(in crate::execute) fn start(
    order: Order,
    place: &Place,
    environment: &Environment,
    require: Level,
    deed: Option<Deed>,
) -> Result<Standing, ExecuteError> {
    if deed.is_none() {
        executable(&order.work)?;
    }
    let mut place = layout::resolved(place)?;
    let mut missing = Vec::new();
    if !matches!(order.bounds, Bounds::Outside(_)) {
        missing.extend(elsewhere::hide(&mut place, order.writable.iter().map(|writable| writable.path.as_path())));
        missing.extend(if order.dotenv { Vec::new() } else { dotenv::find(&mut place) });
    }
    let mut standing = Standing {
        watch: Watch::default(),
        alarm: None,
        place,
        order,
        environment: environment.clone(),
        require,
        rung: Rung::Namespaces,
        missing,
        landlock: sys::landlock_version(),
        overlay: true,
        deed,
        fenced: None,
        hold: Hold::new(),
        goes: false,
    };
    if let Bounds::Outside(_) = standing.order.bounds {
        standing.rung = Rung::Outside;
        standing.missing.push(OUTSIDE.to_owned());
    } else if standing.landlock == 0 {
        standing.missing.push(format!("Landlock: the kernel offers none: {LANDLOCK}"));
        standing.accept("use Landlock", "the kernel offers none", LANDLOCK)?;
    }
    if standing.order.layer.as_ref().is_some_and(|layer| !layer.keeps_attributes()) {
        standing.without_layer("lay an overlay", "the file system of guard's state keeps no `user.*` attributes")?;
    }
    let kept = layout::kept(&standing.order);
    if !kept.is_empty() {
        let alarm = Alarm::over(kept).map_err(|error| trouble("watch what stays read-only", &error.to_string()))?;
        standing.alarm = Some(alarm);
    }
    standing.spawn()?;
    // While the inside builds.
    standing.watch = Watch::over(layout::mounted_on(&standing.place, &standing.order));
    Ok(standing)
}

impl Standing {
    /// Spawns on the highest rung that starts at all.
    fn spawn(&mut self) -> Result<(), ExecuteError> {
        loop {
            match self.spawn_here()? {
                Ok(mut fenced) => {
                    if self.goes {
                        fenced.go();
                    }
                    self.fenced = Some(fenced);
                    return Ok(());
                }
                Err((what, error)) => self.step_down(&what, &error.to_string())?,
            }
        }
    }

    fn spawn_here(&mut self) -> Result<Result<Fenced, (String, io::Error)>, ExecuteError> {
        let (mounts, pids, outside) = match self.rung {
            Rung::Namespaces => (true, true, false),
            Rung::SharedProcesses => (true, false, false),
            Rung::Alone => (false, false, false),
            Rung::Outside => (false, false, true),
        };
        let mut steps = Vec::new();
        let (mut feed, mut instead) = (None, None);
        let input = match &self.order.bounds {
            Bounds::Outside(file) => {
                Input::Instead(file.try_clone().map_err(|e| trouble("take its input", &e.to_string()))?)
            }
            Bounds::Fence | Bounds::Reading(_) if self.order.terminal => Input::AsIs,
            Bounds::Fence | Bounds::Reading(_) => input::fenced(mounts)?,
        };
        match input {
            Input::AsIs => {}
            Input::Reopened(step) => steps.push(step),
            Input::Instead(file) => instead = Some(file),
            Input::Fed(source) => feed = Some(Feed::new(source)?),
        }
        if mounts {
            steps.extend(layout::steps(&self.place, &self.order, (pids, self.landlock > 0))?);
            let highest =
                resources::highest_pid(&self.order.limits).and_then(|most| CString::new(most.to_string()).ok());
            for step in &mut steps {
                if let Step::Processes { highest: slot } = step {
                    slot.clone_from(&highest);
                }
            }
        }
        let caches =
            if mounts || outside || self.place.caches.exists() { None } else { Some(Fresh::make(&self.place.caches)?) };
        let judged = if mounts { Judged::Files } else { Judged::All };
        let domain =
            if outside { None } else { self.order.bounds.no_rules(self.landlock, judged).begin().map_err(unruled)? };
        let (entry, reports, told) = Entry::open(&self.order, outside)?;
        let (out, stdout) = if self.order.terminal { pty::way()? } else { pipe()? };
        let [(go, release), (err, stderr)] = [pipe()?, pipe()?];
        let (program, argv) = words(&self.order.work)?;
        let confinement = Arc::new(OnceLock::new());
        let steps = Arc::new(steps);
        let plan = Plan {
            steps: Arc::clone(&steps),
            // Outside, nothing of the project's is looked for in the working folder.
            cwd: c_path(if outside { Path::new("/") } else { &self.place.cwd })?,
            program,
            confinement: confinement.clone(),
            timeout: self.order.timeout,
            resources: resources::resources(&self.order.limits, mounts),
            limits: self.order.limits.clone(),
            page: rustix::param::page_size() as u64,
            mounts,
            pids,
            outside,
            mask: self.hold.before(),
            processors: Processors::own(),
            stacks: vec![0; STACKS],
            ends: [
                told.as_raw_fd(),
                go.as_raw_fd(),
                stdout.as_raw_fd(),
                stderr.as_raw_fd(),
                domain.as_ref().map_or(-1, Begun::number),
            ],
            terminal: self.order.terminal,
            deed: self.deed.take(),
            input: feed.as_ref().map(Feed::other).or_else(|| instead.as_ref().map(AsRawFd::as_raw_fd)).unwrap_or(-1),
        };
        let mut flags = 0;
        if mounts {
            flags |= libc::CLONE_NEWUSER | libc::CLONE_NEWNS | libc::CLONE_NEWIPC;
        }
        if pids {
            flags |= libc::CLONE_NEWPID;
        }
        let first = match First::begin(plan, flags) {
            Ok(first) => first,
            Err(Failed { what, error, deed }) => {
                self.deed = deed;
                return Ok(Err((what.to_owned(), error)));
            }
        };
        if let Some(feed) = &mut feed {
            feed.started();
        }
        let mut fenced = Fenced {
            first,
            steps,
            reports: reports.into(),
            release: Some(release.into()),
            out: Some(out),
            err: Some(err),
            _caches: caches,
            entry,
            net: None,
            alarm: None,
            feed,
        };
        fenced.go();
        // While the inside builds.
        let told = self.confinement((mounts, pids), argv, &fenced.entry)?;
        if let Some(domain) = domain {
            domain.finish(&told.rules).map_err(unruled)?;
        }
        let _first = confinement.set(told);
        fenced.go();
        Ok(Ok(fenced))
    }

    /// What confines the command, and what it is told.
    fn confinement(
        &self,
        (mounts, pids): (bool, bool),
        argv: Vec<CString>,
        entry: &Entry,
    ) -> Result<Confinement, ExecuteError> {
        let program = |asks| {
            filter::program(mounts, pids, asks).ok_or_else(|| trouble("assemble the seccomp filter", "it is too long"))
        };
        let private = mounts || self.rung == Rung::Outside;
        Ok(Confinement {
            rules: if mounts {
                layout::rules(&self.place, &self.order, self.landlock)?
            } else {
                layout::rules_alone(&self.place, &self.order, self.landlock)?
            },
            filter: program(false)?,
            asking: entry.asks.then(|| program(true)).transpose()?,
            argv: Strings::new(argv),
            envp: Strings::new(variables(&self.environment, (&self.order, &self.place), private, entry)?),
        })
    }

    /// Lets the command go as soon as its fence stands, where nothing has to be done between the two; whether that is so.
    pub(in crate::execute) fn goes_by_itself(&mut self) -> bool {
        if self.goes {
            return true;
        }
        let between = self.order.terminal || self.order.calls.is_some() || self.place.reads.forms.is_some();
        self.goes = !between && !self.hold.told();
        if let Some(fenced) = self.fenced.as_mut().filter(|_| self.goes) {
            fenced.go();
        }
        self.goes
    }

    /// Waits until the fence stands, stepping down the ladder where the kernel refuses and the caller accepts.
    pub(in crate::execute) fn ready(&mut self) -> Result<Fence, ExecuteError> {
        loop {
            let Some(fenced) = self.fenced.as_mut() else {
                return Err(trouble("build the fence", "it is gone"));
            };
            match fenced.report() {
                Some([report::READY, error, _]) => {
                    match fenced.entry.done(self.rung != Rung::Alone, error) {
                        Ok(net) => fenced.net = net,
                        Err(missing) if self.order.calls.is_some() => {
                            let mend = "use Linux 5.9 or later".to_owned();
                            let what = "answer calls of guard from inside".to_owned();
                            return Err(ExecuteError::Fence { what, cause: missing, mend });
                        }
                        Err(missing) => self.missing.push(missing),
                    }
                    return Ok(self.fence());
                }
                Some([report::FAILED, stage, error]) => self.failed(stage, error)?,
                _ => return Err(trouble("build the fence", "its first process ended")),
            }
        }
    }

    /// A stage failed inside: steps down, or says why nothing can run.
    fn failed(&mut self, stage: i32, error: i32) -> Result<(), ExecuteError> {
        let cause = io::Error::from_raw_os_error(error);
        if stage == Stage::Program as i32 {
            return Err(self.unreachable(cause));
        }
        if let Ok(step) = usize::try_from(stage - STEPS) {
            let steps = self.fenced.as_ref().map(|fenced| Arc::clone(&fenced.steps)).unwrap_or_default();
            let step = steps.get(step);
            let what = step.map_or_else(|| "build the fence".to_owned(), Step::describe);
            if let Some(Step::Overlay { .. }) = step {
                self.without_layer(&what, &cause.to_string())?;
                return self.spawn();
            }
            if let Some(Step::Open { .. } | Step::Over { .. }) = step {
                self.without_kept()?;
                return self.spawn();
            }
            if let Some(Step::Input { .. }) = step {
                let mend = "give it a pipe, a file that can be read, or `/dev/null`".to_owned();
                return Err(ExecuteError::Fence { what, cause: cause.to_string(), mend });
            }
            if matches!(error, libc::EPERM | libc::EACCES | libc::ENOSYS | libc::EINVAL | libc::ENODEV | libc::ENOSPC) {
                self.step_down(&what, &cause.to_string())?;
                return self.spawn();
            }
            return Err(ExecuteError::Fence { what, cause: cause.to_string(), mend: "see `guard doctor`".to_owned() });
        }
        Err(mends::refused(stage, error))
    }

    /// Hands the fence over to whoever watches it.
    pub(in crate::execute) fn take(&mut self) -> Result<Fenced, ExecuteError> {
        let mut fenced = self.fenced.take().ok_or_else(|| trouble("run the command", "its fence is gone"))?;
        fenced.alarm = self.alarm.take();
        if let Some(way) = fenced.out.as_ref().filter(|_| self.order.terminal) {
            fenced.out = Some(pty::receive(way)?);
        }
        Ok(fenced)
    }

    /// Hidden paths whose cover was taken away from outside while the fence stood: from then on the command could see
    /// what is there.
    pub(in crate::execute) fn uncovered(&self) -> impl Iterator<Item = &PathBuf> {
        self.watch.gone()
    }

    /// The `.env` files that were found, where they were looked for.
    pub(in crate::execute) fn dotenv(&self) -> &[PathBuf] {
        if self.order.dotenv { &[] } else { &self.place.reads.dotenv }
    }

    /// Where what it compiles is to be found at its end, asked before it begins.
    pub(in crate::execute) fn upper(&self, fenced: &Fenced) -> Option<Upper> {
        self.place.reads.forms.as_ref()?;
        fenced.first.seen(|first| Upper::of(first, &self.place))
    }

    /// Whether the command has a terminal of its own.
    pub(in crate::execute) fn terminal(&self) -> bool {
        self.order.terminal
    }

    /// The time limit that was ordered.
    pub(in crate::execute) fn timeout(&self) -> Duration {
        self.order.timeout
    }

    /// The other limits.
    pub(in crate::execute) fn limits(&self) -> &Limits {
        &self.order.limits
    }

    /// What stands of the fence.
    pub(in crate::execute) fn fence(&self) -> Fence {
        Fence { level: self.level(), missing: self.missing.clone() }
    }
}

impl std::fmt::Debug for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Standing").field("order", &self.order).field("rung", &self.rung).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Fenced {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fenced").field("pid", &self.pid()).finish_non_exhaustive()
    }
}

impl Fenced {
    /// Lets the inside take its next step.
    pub(in crate::execute) fn go(&mut self) {
        if let Some(release) = &mut self.release {
            // If the inside is gone already its report says so.
            let _ = release.write_all(b"g");
        }
    }

    /// The next report from inside; `None`: it has ended.
    pub(in crate::execute) fn report(&mut self) -> Option<[i32; 3]> {
        let mut bytes = [0; 12];
        self.entry.report(&mut self.reports, &mut bytes)?;
        let mut numbers = bytes.chunks_exact(4).map(|c| c.try_into().map(i32::from_ne_bytes));
        Some([numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?])
    }

    /// The descriptor that becomes readable when a report is there.
    pub(in crate::execute) fn reports(&self) -> &fs::File {
        &self.reports
    }

    /// Returns when the first process is gone; in a pid namespace no other is left then. Its signal, if one ended it.
    pub(in crate::execute) fn reap(&mut self) -> Option<i32> {
        self.first.reap()
    }

    /// The first process's id, as guard knows it.
    pub(in crate::execute) fn pid(&self) -> i32 {
        self.first.pid()
    }

    /// After its report of the end: whoever drops this does not wait for the rest.
    pub(in crate::execute) fn leave(&mut self) {
        self.first.leave();
    }

    /// What asks it to end, for as long as it is not reaped.
    pub(in crate::execute) fn stopper(&self) -> Stopper {
        self.first.stopper()
    }

    /// Ends whatever is left inside; the deed that was to be done, if there was one.
    pub(super) fn end(self) -> Option<Deed> {
        drop(self.release);
        self.first.end()
    }
}

pub(super) fn trouble(what: &str, cause: &str) -> ExecuteError {
    ExecuteError::System { what: what.to_owned(), cause: cause.to_owned() }
}

/// Landlock's domain could not be made.
fn unruled(error: Errno) -> ExecuteError {
    mends::refused(Stage::Landlock as i32, error)
}

fn pipe() -> Result<(OwnedFd, OwnedFd), ExecuteError> {
    pipe_with(PipeFlags::CLOEXEC).map_err(|error| trouble("make a pipe", &error.to_string()))
}
