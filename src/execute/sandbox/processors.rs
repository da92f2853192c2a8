//! Which processors the fence's first process runs on: another one than guard at first, which has more to do meanwhile. A
//! kernel that packs processes leaves a new one on the processor it was made on, where it would wait for guard to wait.
//! Knows nothing of what it does there.

use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

/// Processors that guard may use, of 1024 at most. Asks the kernel without the C library and allocates nothing, so that the
/// first process may use it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Processors(CpuSet);

impl Processors {
    /// Guard's own; `None`: there is only one, or the kernel does not say.
    pub(super) fn own() -> Option<Self> {
        sched_getaffinity(None).ok().filter(|own| own.count() > 1).map(Self)
    }

    /// Has `process` go on elsewhere than on the processor this is said on. It has to take them [all](Self::all) back.
    pub(super) fn but_this(&self, process: i32) {
        let mut others = self.0;
        others.unset(sched_getcpu());
        // Refused, it stays where it is.
        let _ = sched_setaffinity(Pid::from_raw(process), &others);
    }

    /// Lets the process that asks run on all of them.
    pub(super) fn all(&self) {
        // What was taken can be had back, unless the machine has lost it meanwhile.
        let _ = sched_setaffinity(None, &self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn it_goes_elsewhere_and_takes_what_it_had_back() {
        let Some(own) = Processors::own() else { return };
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let of_child = || sched_getaffinity(Pid::from_raw(pid)).unwrap();
        // This thread may be moved at any moment, but to one of them.
        own.but_this(pid);
        assert_eq!(of_child().count(), own.0.count() - 1);
        assert!((0..CpuSet::MAX_CPU).all(|cpu| own.0.is_set(cpu) || !of_child().is_set(cpu)));
        sched_setaffinity(None, &of_child()).unwrap();
        own.all();
        assert_eq!(sched_getaffinity(None).unwrap(), own.0);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
