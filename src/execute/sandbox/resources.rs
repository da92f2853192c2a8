//! What the kernel itself bounds of a command, process by process, as resource limits.
//! Knows nothing of what is watched: several processes together, and time.

use crate::execute::Limits;
use libc::{__rlimit_resource_t, RLIMIT_CORE, RLIMIT_CPU, RLIMIT_DATA, RLIMIT_FSIZE, RLIMIT_NOFILE, RLIMIT_NPROC};

/// Seconds by which the kernel lets one process exceed what is watched for all: it is the watch that tells why it ended.
const LATER: u64 = 5;
/// Where processes are not counted for the fence alone, but for everything that its user runs.
const USERS: u64 = 4096;
/// Process ids that are not given out a second time, and the first process.
const RESERVED: u32 = 302;

/// Resource limits, each with the most that it may be.
pub(super) type Resources = [(__rlimit_resource_t, u64); 6];

/// The resource limits for `limits`; `counted`: the kernel counts processes for this fence alone.
pub(super) fn resources(limits: &Limits, counted: bool) -> Resources {
    let processes = u64::from(limits.processes) + 1;
    [
        (RLIMIT_CORE, 0),
        (RLIMIT_NOFILE, limits.open_files.into()),
        // The first process counts as well.
        (RLIMIT_NPROC, if counted { processes } else { processes.max(USERS) }),
        // Not RLIMIT_AS: V8 reserves address space by the gigabyte and never touches it.
        (RLIMIT_DATA, limits.hard_memory()),
        (RLIMIT_FSIZE, limits.total_write),
        (RLIMIT_CPU, limits.cpu.as_secs() + LATER),
    ]
}

/// The highest process id for a pid namespace in which root, too, may have so many processes at once; `None`: this kernel
/// cannot say so.
pub(super) fn highest_pid(limits: &Limits) -> Option<u32> {
    counts_root().then(|| limits.processes.saturating_add(RESERVED))
}

/// Whether the kernel bounds how many processes root may have in a fence: since 6.14 each pid namespace has a highest id of
/// its own; before there is one, for the whole machine.
pub fn counts_root() -> bool {
    rustix::system::uname().release().to_str().is_ok_and(own_highest)
}

fn own_highest(release: &str) -> bool {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= (6, 14),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_kernel_that_has_a_number_for_each_namespace_is_given_one() {
        let own = ["6.14.0", "6.18.44-fc-v657", "7.0-rc1", "10.1"];
        let one = ["6.13.9", "5.15.0-91-generic", "6.1.0", "", "6", "linux-6.18", "six.eighteen"];
        assert_eq!(own.map(own_highest), [true; 4]);
        assert_eq!(one.map(own_highest), [false; 7]);
    }
}
