//! The two processes inside: the first one, which builds the fence, starts the command, keeps its time and ends its tree;
//! and the command itself up to its `execve`. The first shares guard's memory, the command its parent's until it
//! executes: a copy of it would cost a third of a millisecond. So nothing here allocates, or uses what guard's own
//! thread uses. Knows nothing of how the plan came about.

#![expect(unsafe_code, reason = "the processes inside share memory with guard until the command executes")]

use super::meter::{Exceeded, Meter};
use super::mounts::{SLOTS, Step};
use super::net::inside;
use super::processors::Processors;
use super::pty;
use super::resources::Resources;
use super::rules::Rules;
use super::steer::STOP;
use super::sys::{self, Errno};
use super::tree::Tree;
use crate::execute::Limits;
use libc::{c_char, c_int, pid_t, sigset_t, sock_filter};
use std::ffi::{CStr, CString, c_void};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// Time between asking a tree to end and ending it.
pub(in crate::execute) const GRACE: Duration = Duration::from_secs(2);

/// Everything the processes inside need: made before they exist, but for what the command alone needs.
pub(super) struct Plan {
    pub(super) steps: Arc<Vec<Step>>,
    pub(super) cwd: CString,
    pub(super) program: CString,
    /// Set by guard while the inside mounts, before it lets the command's process be confined.
    pub(super) confinement: Arc<OnceLock<Confinement>>,
    pub(super) timeout: Duration,
    /// What the kernel bounds, process by process.
    pub(super) resources: Resources,
    /// What is watched.
    pub(super) limits: Limits,
    /// Bytes of a page of memory.
    pub(super) page: u64,
    /// Whether there are namespaces of users and mounts.
    pub(super) mounts: bool,
    /// Whether there is a pid namespace.
    pub(super) pids: bool,
    /// Whether there is no fence at all: only time and end are kept.
    pub(super) outside: bool,
    /// The signal mask the command gets.
    pub(super) mask: sigset_t,
    /// Where it may all run, while guard has it begin elsewhere than on its own processor.
    pub(super) processors: Option<Processors>,
    /// What this process runs on, and below that the command until it executes.
    pub(super) stacks: Vec<u8>,
    /// Whether the command gets a terminal; guard's end of it goes by the way that stands for standard output until then.
    pub(super) terminal: bool,
    /// Ends of pipes: reports out, release in, standard output and error; and Landlock's domain, -1: there is none.
    pub(super) ends: [c_int; 5],
    /// What becomes standard input; -1: what it is already.
    pub(super) input: c_int,
    /// A deed to do instead of a program, for `guard doctor`.
    pub(super) deed: Option<Deed>,
}

/// What confines the command, and what it is told.
pub(super) struct Confinement {
    pub(super) rules: Rules,
    pub(super) filter: Vec<sock_filter>,
    /// The filter instead, where guard is to be asked; the first one is for kernels that cannot ask.
    pub(super) asking: Option<Vec<sock_filter>>,
    pub(super) argv: Strings,
    pub(super) envp: Strings,
}

/// What a probe does inside the fence; its result becomes the exit code. Must not allocate.
pub(super) type Deed = Box<dyn Fn() -> c_int>;

/// Strings with an array of pointers to them, as `execve` wants.
pub(super) struct Strings {
    _owned: Vec<CString>,
    pointers: Vec<*const c_char>,
}

// SAFETY: the pointers lead to what it owns, which nobody changes.
unsafe impl Send for Strings {}
// SAFETY: the same.
unsafe impl Sync for Strings {}

impl Strings {
    pub(super) fn new(owned: Vec<CString>) -> Self {
        let pointers = owned.iter().map(|s| s.as_ptr()).chain([std::ptr::null()]).collect();
        Self { _owned: owned, pointers }
    }
}

/// Where things went wrong, besides the mount steps, which count from [`STEPS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(super) enum Stage {
    Descriptors = 1,
    Folder,
    Capabilities,
    Program,
    Start,
    Limits,
    Landlock,
    Seccomp,
    Terminal,
}

/// Number of the first mount step.
pub(super) const STEPS: c_int = 1000;

/// What the inside tells guard, three numbers each.
pub(in crate::execute) mod report {
    /// The fence stands; the command waits. With the error, where the kernel cannot ask guard for its sockets.
    pub(in crate::execute) const READY: i32 = 1;
    /// A stage failed with an error number.
    pub(in crate::execute) const FAILED: i32 = 2;
    /// `execve` failed with an error number.
    pub(in crate::execute) const NOT_EXECUTED: i32 = 3;
    /// The command ended: wait status and cause.
    pub(in crate::execute) const ENDED: i32 = 4;
    /// Causes of an end.
    pub(in crate::execute) const BY_ITSELF: i32 = 0;
    pub(in crate::execute) const TIMED_OUT: i32 = 1;
    pub(in crate::execute) const CANCELLED: i32 = 2;
    pub(in crate::execute) const MEMORY: i32 = 3;
    pub(in crate::execute) const CPU: i32 = 4;
    pub(in crate::execute) const PROCESSES: i32 = 5;
}

const REPORTS: c_int = 3;
const RELEASE: c_int = 4;
const OUT: c_int = 5;
const ERR: c_int = 6;
const DOMAIN: c_int = 7;
const OTHERS: u32 = 8;

fn tell(kind: i32, a: i32, b: i32) {
    // Guard gone: nobody to tell.
    let _ = sys::write(REPORTS, &told(kind, a, b));
}

fn told(kind: i32, a: i32, b: i32) -> [u8; 12] {
    let mut bytes = [0; 12];
    for (to, from) in bytes.iter_mut().zip([kind, a, b].iter().flat_map(|n| n.to_ne_bytes())) {
        *to = from;
    }
    bytes
}

/// Tells guard that the fence stands, and hands over what it is asked through, if it is to be.
fn ready(asking: Option<Result<c_int, Errno>>) {
    match asking {
        None => tell(report::READY, 0, 0),
        Some(Err(error)) => tell(report::READY, error, 0),
        Some(Ok(listener)) => {
            let _ = inside::pass(REPORTS, &told(report::READY, 0, 0), listener);
            sys::close(listener);
        }
    }
}

/// Ends the process if anything below unwinds: it must never return into guard's own frames.
struct NoReturn;

impl Drop for NoReturn {
    fn drop(&mut self) {
        sys::exit(125);
    }
}

/// What the command tells its parent through their common memory.
struct Word<'a> {
    plan: &'a Plan,
    fault: Option<(i32, Errno)>,
    executing: bool,
}

/// The life of the first process.
pub(super) fn live(plan: &mut Plan) -> ! {
    let _never = NoReturn;
    sys::mask(libc::SIG_SETMASK, &sys::all_signals());
    if let Err((stage, error)) = prepare(plan) {
        tell(report::FAILED, stage, error);
        sys::exit(125);
    }
    // Guard's to free: this process ends without letting go of anything.
    let stack = std::ptr::slice_from_raw_parts_mut(plan.stacks.as_mut_ptr(), plan.stacks.len() / 2);
    // SAFETY: nothing else touches these bytes, which the plan owns as long as this process lives.
    let stack = unsafe { &mut *stack };
    let mut word = Word { plan, fault: None, executing: false };
    let spawned = if plan.deed.is_some() {
        // A deed runs for long: it gets memory of its own, with everything in it.
        wait_for_guard();
        match sys::fork_with(libc::SIGCHLD) {
            Ok(0) => command(&mut word),
            other => other,
        }
    } else {
        sys::spawn_shared(enter, stack, &mut word)
    };
    match (spawned, word.fault) {
        (Err(error), _) => tell(report::FAILED, Stage::Start as i32, error),
        (Ok(_), Some((_, error))) if word.executing => tell(report::NOT_EXECUTED, error, 0),
        (Ok(_), Some((stage, error))) => tell(report::FAILED, stage, error),
        (Ok(pid), None) => {
            let (status, cause) = keep(plan, pid);
            tell(report::ENDED, status, cause);
        }
    }
    // In a pid namespace this ends every process left.
    sys::exit(0)
}

/// Returns when guard says so: once it has written the id maps, once it has set the confinement and added its part to the domain, and once
/// the command may begin. If guard ends first nothing more is done.
fn wait_for_guard() {
    if !matches!(sys::read(RELEASE, &mut [0]), Ok(1)) {
        sys::exit(125);
    }
}

fn prepare(plan: &mut Plan) -> Result<(), (i32, Errno)> {
    let at = |stage: Stage| move |error: Errno| (stage as i32, error);
    if plan.input >= 0 {
        sys::duplicate(plan.input, 0, false).map_err(at(Stage::Descriptors))?;
    }
    for (end, place) in plan.ends.iter_mut().zip(10..).filter(|(end, _)| **end >= 0) {
        *end = sys::duplicate_above(*end, place).map_err(at(Stage::Descriptors))?;
    }
    for (end, place) in plan.ends.iter().zip([REPORTS, RELEASE, OUT, ERR, DOMAIN]) {
        match *end {
            -1 => sys::close(place),
            end => sys::duplicate(end, place, true).map_err(at(Stage::Descriptors))?,
        }
    }
    sys::close_from(OTHERS, false).map_err(at(Stage::Descriptors))?;
    sys::dispose(libc::SIGCHLD, false);
    // A terminal's signals come by way of guard. A session of its own would cost 45 µs for the scheduler's group of it.
    sys::lead_group();
    wait_for_guard();
    if let Some(processors) = &plan.processors {
        processors.all();
    }
    if plan.mounts {
        let mut slots = [-1; SLOTS];
        let umask = sys::umask(0);
        for (step, number) in plan.steps.iter().zip(STEPS..) {
            step.take(&mut slots).map_err(|error| (number, error))?;
        }
        sys::umask(umask);
    }
    if plan.terminal {
        let end = pty::open(OUT).map_err(at(Stage::Terminal))?;
        for place in [OUT, ERR] {
            sys::duplicate(end, place, true).map_err(at(Stage::Terminal))?;
        }
        sys::close(end);
    }
    sys::chdir(&plan.cwd).map_err(at(Stage::Folder))?;
    if !plan.outside {
        sys::drop_capabilities().map_err(at(Stage::Capabilities))?;
    }
    if !plan.pids {
        let _ = sys::prctl(libc::PR_SET_CHILD_SUBREAPER, 1);
    }
    // If guard died before this, the release pipe says so.
    let last = if plan.pids { libc::SIGKILL } else { libc::SIGTERM };
    let _ = sys::prctl(libc::PR_SET_PDEATHSIG, u64::try_from(last).unwrap_or(9));
    if plan.deed.is_none() {
        sys::executable(&plan.program).map_err(at(Stage::Program))?;
    }
    Ok(())
}

extern "C" fn enter(word: *mut c_void) -> ! {
    let _never = NoReturn;
    // SAFETY: the parent passes a `Word` that lives on its stack and sleeps until this process executes or ends.
    let word = unsafe { &mut *word.cast::<Word<'_>>() };
    command(word)
}

/// The command's process up to its `execve`.
fn command(word: &mut Word<'_>) -> ! {
    let plan = word.plan;
    let (confinement, asking) = match confine(plan) {
        Ok(confined) => confined,
        Err(fault) => {
            if plan.deed.is_some() {
                tell(report::FAILED, fault.0, fault.1);
            }
            word.fault = Some(fault);
            sys::exit(125)
        }
    };
    ready(asking);
    wait_for_guard();
    sys::mask(libc::SIG_SETMASK, &plan.mask);
    if let Some(deed) = &plan.deed {
        sys::exit(deed());
    }
    word.executing = true;
    // SAFETY: `Strings` ends with a null pointer and owns what it points to.
    let mut error = unsafe { sys::execute(&plan.program, &confinement.argv.pointers, &confinement.envp.pointers) };
    if error == libc::ENOEXEC && is_text(&plan.program) {
        error = as_script(plan, confinement);
    }
    word.fault = Some((0, error));
    sys::exit(126)
}

/// What guard is asked through, or why it cannot be, where it is to be.
type Asking = Option<Result<c_int, Errno>>;

/// Confines this process.
fn confine(plan: &Plan) -> Result<(&Confinement, Asking), (i32, Errno)> {
    let at = |stage: Stage| move |error: Errno| (stage as i32, error);
    // Rust ignores SIGPIPE in guard; a command must not inherit that, nor that a caller (as Python does) ignores the signals
    // by which limits end it.
    for signal in [libc::SIGPIPE, libc::SIGXFSZ, libc::SIGXCPU] {
        sys::dispose(signal, false);
    }
    sys::setsid();
    sys::duplicate(OUT, 1, false).map_err(at(Stage::Descriptors))?;
    sys::duplicate(ERR, 2, false).map_err(at(Stage::Descriptors))?;
    if plan.terminal {
        sys::duplicate(OUT, 0, false).map_err(at(Stage::Descriptors))?;
        pty::take().map_err(at(Stage::Terminal))?;
    }
    sys::close_from(3, true).map_err(at(Stage::Descriptors))?;
    for (resource, most) in &plan.resources {
        sys::limit(*resource, *most).map_err(at(Stage::Limits))?;
    }
    sys::prctl(libc::PR_SET_NO_NEW_PRIVS, 1).map_err(at(Stage::Seccomp))?;
    if plan.deed.is_none() {
        wait_for_guard();
    }
    let Some(confinement) = plan.confinement.get() else { sys::exit(125) };
    if plan.outside {
        return Ok((confinement, None));
    }
    if plan.ends.last() != Some(&-1) {
        confinement.rules.apply(DOMAIN).map_err(at(Stage::Landlock))?;
    }
    let asking = confinement.asking.as_deref().map(inside::install_asking);
    if !matches!(asking, Some(Ok(_))) {
        sys::install_filter(&confinement.filter).map_err(at(Stage::Seccomp))?;
    }
    Ok((confinement, asking))
}

/// Whether a file that the kernel does not know how to run looks like text: no NUL in its first line.
fn is_text(program: &CStr) -> bool {
    let mut start = [0; 256];
    let Ok(fd) = sys::open(program, libc::O_RDONLY) else { return false };
    let Ok(len) = sys::read(fd, &mut start) else { return false };
    !start.iter().take(len).take_while(|byte| **byte != b'\n').any(|byte| *byte == 0)
}

/// Runs a script without `#!` as `execvp` and every shell do: by `/bin/sh`. What its array takes of the stack is not every command's.
#[inline(never)]
fn as_script(plan: &Plan, confinement: &Confinement) -> Errno {
    let mut argv = [std::ptr::null(); 4098];
    let rest = confinement.argv.pointers.iter().skip(1);
    let words = [c"sh".as_ptr(), plan.program.as_ptr()];
    if confinement.argv.pointers.len() > 4096 {
        return libc::E2BIG;
    }
    for (to, from) in argv.iter_mut().zip(words.iter().chain(rest)) {
        *to = *from;
    }
    // SAFETY: the array was null throughout and is longer than what was copied; the strings are owned by the plan.
    unsafe { sys::execute(c"/bin/sh", &argv, &confinement.envp.pointers) }
}

/// Stays with the command to its end; its wait status, and the cause of the end.
fn keep(plan: &Plan, command: pid_t) -> (c_int, i32) {
    sys::close(RELEASE);
    sys::close(DOMAIN);
    if !plan.terminal {
        // A terminal that nobody has open any more would lose what was printed last.
        sys::close(OUT);
        sys::close(ERR);
    }
    let told = [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT];
    let awaited = [libc::SIGCHLD, libc::SIGTSTP, libc::SIGCONT, STOP].into_iter().chain(told);
    let mut list = [0; 8];
    for (to, from) in list.iter_mut().zip(awaited) {
        *to = from;
    }
    let awaited = sys::signals(&list);
    let guard = sys::parent();
    let tree = Tree { namespace: plan.pids };
    let mut meter = Meter::new(&plan.limits, plan.mounts, plan.page);
    let mut cause = report::BY_ITSELF;
    let mut left = plan.timeout;
    let mut paused = false;
    loop {
        let start = Instant::now();
        let until = if cause == report::BY_ITSELF { left.min(meter.left()) } else { left };
        let signal = sys::wait_signal(&awaited, if paused { None } else { Some(until) });
        if !paused {
            left = left.saturating_sub(start.elapsed());
        }
        match signal {
            Ok((libc::SIGCHLD, _)) => {
                while let Ok((pid @ 1.., status)) = sys::reap(-1, libc::WNOHANG) {
                    if pid == command {
                        tree.kill_all();
                        return (status, cause);
                    }
                }
            }
            // From inside, only guard and the kernel are heard.
            Ok((_, from)) if from != 0 && from != guard => {}
            Ok((libc::SIGTSTP, _)) => {
                tree.signal(libc::SIGSTOP);
                meter.pause();
                paused = true;
            }
            Ok((libc::SIGCONT, _)) => {
                tree.signal(libc::SIGCONT);
                paused = false;
            }
            // Said again and again.
            Ok((STOP, _)) if cause != report::BY_ITSELF => {}
            Ok((signal, _)) => {
                if cause != report::BY_ITSELF && cause != report::TIMED_OUT {
                    tree.kill_all();
                    return (libc::SIGKILL, cause);
                }
                cause = report::CANCELLED;
                left = GRACE;
                paused = false;
                tree.signal(if signal == STOP { libc::SIGTERM } else { signal });
                tree.signal(libc::SIGCONT);
            }
            Err(_) => {}
        }
        if paused {
            continue;
        }
        // Whatever signals come, as fast as they may: time is up when it is up.
        let stop = match (cause, left.is_zero()) {
            (report::BY_ITSELF, true) => report::TIMED_OUT,
            (report::BY_ITSELF, false) => match meter.look(&tree, left) {
                None => continue,
                Some(Exceeded::Memory) => report::MEMORY,
                Some(Exceeded::Cpu) => report::CPU,
                Some(Exceeded::Processes) => {
                    // What multiplies makes more of itself in any time that it is given.
                    tree.kill_all();
                    return (libc::SIGKILL, report::PROCESSES);
                }
            },
            (_, true) => {
                tree.kill_all();
                return (libc::SIGKILL, cause);
            }
            (_, false) => continue,
        };
        cause = stop;
        left = GRACE;
        tree.signal(libc::SIGTERM);
        tree.signal(libc::SIGCONT);
    }
}
