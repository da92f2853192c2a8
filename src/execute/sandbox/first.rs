//! A fence's first process as guard sees it: begun on a plan, in guard's own memory, and ended before that goes.
//! Knows nothing of what the plan says.

#![expect(unsafe_code, reason = "the first process shares guard's memory: to copy it costs a quarter of a millisecond")]

use super::init::{self, Deed, Plan};
use super::steer::Stopper;
use super::{ids, sys};
use libc::{c_int, pid_t};
use std::ffi::c_void;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bytes that both processes inside run on until they execute something: the first on the upper half.
pub(super) const STACKS: usize = 512 * 1024;

/// The first process of a fence. Dropped, it and everything inside end.
pub(super) struct First {
    pid: pid_t,
    pids: bool,
    ended: bool,
    /// Nothing is left inside, and nothing left to do.
    leaves: bool,
    /// Its own as long as it lives.
    plan: *mut Plan,
}

/// Held while ids are mapped, or anything else that changes whether this process may be looked at: that is a matter of its
/// memory, which all of its fences share.
pub(super) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// First processes that were left, perhaps while the kernel took down what they had mounted, which takes as long as there are files
/// that were looked at.
static LEFT: Mutex<Vec<First>> = Mutex::new(Vec::new());

// SAFETY: the plan is the process's; whoever has this only frees it once that has ended.
unsafe impl Send for First {}

/// Frees what those had that are gone by now.
fn sweep() {
    let mut left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
    left.retain_mut(|first| !first.is_gone());
}

/// Why a first process could not be had: what failed, how, and the deed, for another attempt.
pub(super) struct Failed {
    pub(super) what: &'static str,
    pub(super) error: io::Error,
    pub(super) deed: Option<Deed>,
}

impl First {
    /// Starts it in new namespaces as `flags` say, its ids mapped where there is a namespace for them.
    pub(super) fn begin(plan: Plan, flags: c_int) -> Result<Self, Failed> {
        sweep();
        let (_alone, processors) = (alone(), plan.processors);
        // Its ids can be mapped only while it may be looked at …
        let _ = sys::prctl(libc::PR_SET_DUMPABLE, 1);
        let begun = Self::spawn(plan, flags).and_then(|first| {
            if let Some(processors) = processors {
                processors.but_this(first.pid);
            }
            match ids::map(first.pid, flags) {
                Ok(()) => Ok(first),
                Err(error) => Err(Failed { what: "map user ids", error, deed: first.end() }),
            }
        });
        // … and a command that could look through /proc/1 would forge its exit code, or guard's own memory.
        let _ = sys::prctl(libc::PR_SET_DUMPABLE, 0);
        begun
    }

    fn spawn(plan: Plan, flags: c_int) -> Result<Self, Failed> {
        let pids = plan.pids;
        let plan = Box::into_raw(Box::new(plan));
        // SAFETY: it came from a box, and no process has it yet.
        let stacks = unsafe { &mut (*plan).stacks };
        let (_, stack) = stacks.split_at_mut(STACKS / 2);
        // SAFETY: stack and plan are handed to the process and freed only when it has ended.
        match unsafe { sys::spawn_sharing(flags, stack, live, plan) } {
            Ok(pid) => Ok(Self { pid, pids, ended: false, leaves: false, plan }),
            Err(error) => {
                // SAFETY: it came from a box, and no process has it.
                let plan = unsafe { Box::from_raw(plan) };
                let error = io::Error::from_raw_os_error(error);
                Err(Failed { what: "make namespaces", error, deed: plan.deed })
            }
        }
    }

    /// Its id, as guard knows it.
    pub(super) fn pid(&self) -> pid_t {
        self.pid
    }

    /// What can be seen of it only while it may be looked at: before its command begins.
    pub(super) fn seen<T>(&self, look: impl FnOnce(pid_t) -> T) -> T {
        let _alone = alone();
        let _ = sys::prctl(libc::PR_SET_DUMPABLE, 1);
        let seen = look(self.pid);
        let _ = sys::prctl(libc::PR_SET_DUMPABLE, 0);
        seen
    }

    /// What ends it, for as long as it is not reaped.
    pub(super) fn stopper(&self) -> Stopper {
        Stopper::of(self.pid, self.pids)
    }

    /// Returns when it is gone; in a pid namespace no other process is left then. Its signal, if one ended it.
    pub(super) fn reap(&mut self) -> Option<i32> {
        if self.ended {
            return None;
        }
        self.ended = true;
        let (_, status) = sys::reap(self.pid, libc::__WALL).ok()?;
        libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status))
    }

    /// Ends it; the deed that was to be done, if there was one.
    pub(super) fn end(mut self) -> Option<Deed> {
        self.finish();
        // SAFETY: nobody else has the plan any more.
        unsafe { (*self.plan).deed.take() }
    }

    /// It has reported the end of everything inside: whoever drops it does not wait until it is gone.
    pub(super) fn leave(&mut self) {
        self.leaves = true;
    }

    /// Whether it is gone. Waits for nothing.
    fn is_gone(&mut self) -> bool {
        self.ended = self.ended || !matches!(sys::reap(self.pid, libc::__WALL | libc::WNOHANG), Ok((0, _)));
        self.ended
    }

    fn finish(&mut self) {
        if self.ended {
            return;
        }
        self.stopper().end();
        let _ = self.reap();
    }
}

impl Drop for First {
    fn drop(&mut self) {
        if self.leaves {
            if !self.is_gone() {
                self.stopper().end();
            }
            // What it had is freed by the next: where guard itself ends now, that would take time for nothing.
            let left = Self { leaves: false, ..*self };
            LEFT.lock().unwrap_or_else(PoisonError::into_inner).push(left);
            return;
        }
        self.finish();
        // SAFETY: it came from a box, and the process that had it has ended.
        drop(unsafe { Box::from_raw(self.plan) });
    }
}

extern "C" fn live(plan: *mut c_void) -> ! {
    // SAFETY: the plan is nobody else's as long as this process lives.
    init::live(unsafe { &mut *plan.cast::<Plan>() })
}
