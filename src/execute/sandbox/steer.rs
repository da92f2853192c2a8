//! Signals to guard while a command runs: passed on to the fence, whatever guard is doing.
//! Knows no outcome: it says which signal came first.

#![expect(unsafe_code, reason = "signal handlers")]

use super::{console, sys};
use libc::{c_int, pid_t, sigset_t};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};

const STEERED: [c_int; 5] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT, libc::SIGTSTP];

/// The fence's first process; 0: none. One run of a process is steered by signals, others run beside it unsteered.
static INIT: AtomicI32 = AtomicI32::new(0);
/// The first signal that asked for an end; 0: none.
static FIRST: AtomicI32 = AtomicI32::new(0);

/// Signals held back from the moment a fence is begun, so that none is lost or kills guard half-way.
#[derive(Debug)]
pub(in crate::execute) struct Hold {
    before: Mask,
}

struct Mask(sigset_t);

impl std::fmt::Debug for Mask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mask")
    }
}

impl Hold {
    pub(in crate::execute) fn new() -> Self {
        Self { before: Mask(sys::mask(libc::SIG_BLOCK, &sys::signals(&STEERED))) }
    }

    /// Whether one of them waits already.
    pub(in crate::execute) fn told(&self) -> bool {
        let mut waiting = sys::signals(&[]);
        // SAFETY: the set is valid, and so are the signals' numbers.
        unsafe {
            libc::sigpending(&raw mut waiting) == 0
                && STEERED.iter().any(|signal| libc::sigismember(&raw const waiting, *signal) == 1)
        }
    }

    /// The mask before.
    pub(super) fn before(&self) -> sigset_t {
        self.before.0
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        sys::mask(libc::SIG_SETMASK, &self.before.0);
    }
}

/// Handlers in place of the defaults, for as long as this lives.
#[derive(Debug)]
pub(in crate::execute) struct Steering {
    old: Vec<Old>,
}

struct Old(c_int, libc::sigaction);

impl std::fmt::Debug for Old {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Old({})", self.0)
    }
}

impl Steering {
    /// Passes signals on to `init` from now on. Held signals arrive at once.
    pub(in crate::execute) fn new(init: pid_t, hold: &Hold) -> Self {
        let mut old = Vec::new();
        if INIT.compare_exchange(0, init, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            FIRST.store(0, Ordering::SeqCst);
            for signal in STEERED {
                if let Some(before) = install(signal) {
                    old.push(Old(signal, before));
                }
            }
            sys::mask(libc::SIG_SETMASK, &hold.before());
        }
        Self { old }
    }

    /// The signal that asked for the end, if one did.
    pub(in crate::execute) fn first(&self) -> Option<c_int> {
        Some(FIRST.load(Ordering::SeqCst)).filter(|signal| *signal != 0 && !self.old.is_empty())
    }

    /// Stops passing signals on: the process they go to is about to be reaped.
    ///
    /// Where one asked for the end, one more of each kind is let pass: a terminal's, a supervisor's and a person's second come
    /// together, and would end guard before it has said how the run ended.
    pub(in crate::execute) fn release(&mut self) {
        if self.old.is_empty() {
            return;
        }
        let told = self.first().is_some();
        for Old(signal, before) in self.old.drain(..) {
            // SAFETY: `before` is what sigaction gave; without a process to pass them on to the handler does nothing.
            unsafe {
                let mut next = before;
                if told {
                    next = handler();
                    next.sa_flags |= libc::SA_RESETHAND;
                }
                libc::sigaction(signal, &raw const next, ptr::null_mut());
            }
        }
        INIT.store(0, Ordering::SeqCst);
    }
}

impl Drop for Steering {
    fn drop(&mut self) {
        self.release();
    }
}

/// Installs the handler unless the signal is ignored (`nohup`, a background job); what was there before.
fn install(signal: c_int) -> Option<libc::sigaction> {
    let mut before = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: zeroed is a valid `sigaction`; the handler only calls what is safe in one.
    unsafe {
        libc::sigaction(signal, ptr::null(), before.as_mut_ptr());
        let before = before.assume_init();
        if before.sa_sigaction == libc::SIG_IGN {
            return None;
        }
        let new = handler();
        libc::sigaction(signal, &raw const new, ptr::null_mut());
        Some(before)
    }
}

fn handler() -> libc::sigaction {
    // SAFETY: zeroed is a valid `sigaction`.
    let mut new: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    new.sa_sigaction = (pass_on as extern "C" fn(c_int)) as *const () as usize;
    new.sa_flags = libc::SA_RESTART;
    new.sa_mask = sys::signals(&STEERED);
    new
}

/// Leaves the C library's `errno` alone, as what it interrupts may be about to read it.
extern "C" fn pass_on(signal: c_int) {
    let init = INIT.load(Ordering::SeqCst);
    if init > 0 {
        let _ = sys::kill(init, signal);
        if signal == libc::SIGTSTP {
            // The tree stands still; now guard itself, until it is continued.
            console::rest();
            let _ = sys::kill(sys::me(), libc::SIGSTOP);
            console::go_on();
            let _ = sys::kill(init, libc::SIGCONT);
        } else {
            let _ = FIRST.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst);
        }
    }
}

/// The signal by which guard stops a fence at a limit: as TERM, but repeated it changes nothing.
pub(super) const STOP: c_int = libc::SIGUSR1;

/// Ends a fence from outside.
#[derive(Debug, Clone, Copy)]
pub(in crate::execute) struct Stopper {
    first: pid_t,
    /// Whether everything inside ends with the first process.
    whole: bool,
}

impl Stopper {
    /// For the fence whose first process has this id.
    pub(super) fn of(first: pid_t, whole: bool) -> Self {
        Self { first, whole }
    }

    /// Asks it to end: its tree gets TERM, and KILL after a while. To be repeated, since whoever floods the first process with
    /// this signal makes the kernel drop others.
    pub(in crate::execute) fn stop(self) {
        let _ = sys::kill(self.first, STOP);
    }

    /// Ends it at once.
    pub(in crate::execute) fn end(self) {
        if self.whole {
            let _ = sys::kill(self.first, libc::SIGKILL);
        } else {
            // Twice: at once. It ends the tree itself.
            let _ = sys::kill(self.first, libc::SIGTERM);
            let _ = sys::kill(self.first, libc::SIGINT);
        }
    }
}
