//! What all processes of a fence use together, read from `/proc` now and then, and the limit that is exceeded.
//! Allocates nothing, since the first process does the looking. Knows nothing of how a tree is stopped.

use super::digits::{self, LONGEST};
use super::nameless;
use super::sys;
use super::tree::Tree;
use crate::execute::Limits;
use libc::pid_t;
use std::time::{Duration, Instant};

/// Milliseconds of a tick of the clock by which `/proc` counts processor time, on every architecture.
const TICK: u128 = 10;

/// A limit that all processes together exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exceeded {
    Memory,
    Cpu,
    Processes,
}

/// Looks at a tree from time to time.
pub(super) struct Meter<'a> {
    limits: &'a Limits,
    /// Whether `/tmp`, `/dev` and `/run` are the fence's own, in memory.
    private: bool,
    page: u64,
    begin: Instant,
    next: Duration,
    /// Since when there is more memory than there may be.
    over: Option<Instant>,
}

/// What a tree uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Usage {
    /// Processes and threads.
    tasks: u64,
    /// Bytes resident, what several processes share counted for each of them.
    resident: u64,
    /// Processor time in ticks, that of children they have waited for included.
    ticks: u64,
}

impl<'a> Meter<'a> {
    /// `page`: bytes of one.
    pub(super) fn new(limits: &'a Limits, private: bool, page: u64) -> Self {
        Self { limits, private, page, begin: Instant::now(), next: limits.pause(), over: None }
    }

    /// How long until the next look is due.
    pub(super) fn left(&self) -> Duration {
        self.next.saturating_sub(self.begin.elapsed())
    }

    /// The tree stands still, and no time is held against it.
    pub(super) fn pause(&mut self) {
        self.over = None;
    }

    /// Looks, if it is time to. What takes long takes no longer than `left`.
    pub(super) fn look(&mut self, tree: &Tree, left: Duration) -> Option<Exceeded> {
        if self.left().is_zero() { self.measure(tree, left) } else { None }
    }

    /// What this needs of the stack, the first process of a short command would touch for nothing.
    #[inline(never)]
    fn measure(&mut self, tree: &Tree, left: Duration) -> Option<Exceeded> {
        let now = Instant::now();
        let found = usage(tree, self.page);
        // A tree of thousands takes a while to look at: not more than a tenth of the time.
        self.next = self.begin.elapsed() + self.limits.pause().max(now.elapsed() * 10);
        if found.tasks > self.limits.processes.into() {
            return Some(Exceeded::Processes);
        }
        if u128::from(found.ticks) * TICK > self.limits.cpu.as_millis() {
            return Some(Exceeded::Cpu);
        }
        let files = self.files(tree);
        if found.resident.saturating_add(files) <= self.limits.memory {
            self.over = None;
            return None;
        }
        let exact = memory(tree, files, || now.elapsed() >= left);
        if exact <= self.limits.memory {
            self.over = None;
            return None;
        }
        let since = *self.over.get_or_insert(now);
        (exact > self.limits.hard_memory() || since.elapsed() >= self.limits.memory_window).then_some(Exceeded::Memory)
    }

    /// Bytes of files in memory: those of the private folders, and those without a name; and of shared memory that nobody
    /// has attached.
    fn files(&self, tree: &Tree) -> u64 {
        if !self.private {
            return nameless::open(tree, &[]);
        }
        let folders = [c"/tmp", c"/dev", c"/run"];
        let used = folders.iter().map(|at| sys::used(at).unwrap_or(0)).fold(0, u64::saturating_add);
        used.saturating_add(nameless::open(tree, &folders)).saturating_add(nameless::detached())
    }
}

fn usage(tree: &Tree, page: u64) -> Usage {
    let mut sum = Usage::default();
    tree.each(|pid| {
        if let Some(found) = of(pid, page) {
            sum.tasks = sum.tasks.saturating_add(found.tasks);
            sum.resident = sum.resident.saturating_add(found.resident);
            sum.ticks = sum.ticks.saturating_add(found.ticks);
        }
    });
    // What has ended is on the account of who waited for it: the first process, in the end.
    sum.ticks = sum.ticks.saturating_add(waited(sys::me()).unwrap_or(0));
    sum
}

/// What one process uses: `pid (name) state …`, counted from the last parenthesis, since a name may hold anything.
fn of(pid: pid_t, page: u64) -> Option<Usage> {
    with_stat(pid, |field| {
        let ticks = [14, 15, 16, 17].into_iter().filter_map(&field).fold(0, u64::saturating_add);
        Some(Usage { tasks: field(20)?, resident: field(24)?.saturating_mul(page), ticks })
    })
}

/// Processor time of the children that a process has waited for.
fn waited(pid: pid_t) -> Option<u64> {
    with_stat(pid, |field| Some(field(16)?.saturating_add(field(17)?)))
}

/// Hands the numbered fields of `/proc/PID/stat` to `take`; fields count from 1, as in proc(5).
fn with_stat<T>(pid: pid_t, take: impl Fn(&dyn Fn(usize) -> Option<u64>) -> Option<T>) -> Option<T> {
    let mut buffer = [0; 1024];
    let text = read(pid, b"/stat", &mut buffer)?;
    let after = text.iter().rposition(|byte| *byte == b')')?;
    let rest = text.get(after + 1..)?;
    take(&|number| {
        let word = rest.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).nth(number.checked_sub(3)?)?;
        std::str::from_utf8(word).ok()?.trim_end().parse().ok()
    })
}

/// Bytes of memory that a tree holds, each counted once: of what is anonymous, and of what is shared or a file in memory, the
/// share of each process that maps it. `files`: bytes of files in memory, mapped or not; of these and of what is mapped the
/// larger counts, since the one may be the other. Pages of files on a disk do not count: the kernel takes them back. Once
/// `over` says so the rest is left out.
fn memory(tree: &Tree, files: u64, over: impl Fn() -> bool) -> u64 {
    let (mut own, mut shared) = (0_u64, 0_u64);
    tree.each(|pid| {
        if over() {
            return;
        }
        let mut buffer = [0; 2048];
        // A process that lets nobody look into it is counted whole.
        let found = read(pid, b"/smaps_rollup", &mut buffer).and_then(|text| pair(text, b"Pss_Anon:", b"Pss_Shmem:"));
        let found = found.or_else(|| {
            let mut buffer = [0; 4096];
            pair(read(pid, b"/status", &mut buffer)?, b"RssAnon:", b"RssShmem:")
        });
        let (anonymous, mapped) = found.unwrap_or_default();
        own = own.saturating_add(anonymous);
        shared = shared.saturating_add(mapped);
    });
    own.saturating_add(shared.max(files))
}

/// Two lines of a text, in bytes.
fn pair(text: &[u8], one: &[u8], other: &[u8]) -> Option<(u64, u64)> {
    Some((kilobytes(text, one)?, kilobytes(text, other)?))
}

/// The bytes that a line `NAME:   123 kB` tells.
fn kilobytes(text: &[u8], name: &[u8]) -> Option<u64> {
    let line = text.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(name))?;
    let word = line.split(u8::is_ascii_whitespace).find(|word| !word.is_empty())?;
    let kilobytes: u64 = std::str::from_utf8(word).ok()?.parse().ok()?;
    kilobytes.checked_mul(1024)
}

/// Reads the beginning of `/proc/PID` + `name`.
fn read<'b>(pid: pid_t, name: &[u8], buffer: &'b mut [u8]) -> Option<&'b [u8]> {
    let mut path = [0_u8; LONGEST];
    let fd = sys::open(digits::path(&mut path, b"/proc/", pid, name)?, libc::O_RDONLY).ok()?;
    let len = sys::read(fd, buffer);
    sys::close(fd);
    buffer.get(..len.ok()?)
}
