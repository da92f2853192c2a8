//! Probes of limits: each uses more of something than it may.
//! Knows no wording beyond one line a probe.

use super::{After, Deed, Probe, Topic, done, sys};
use crate::execute::limits::word;
use crate::execute::sandbox::layout::c_path;
use crate::execute::{ExecuteError, Limits};
use libc::{c_int, pid_t};
use std::ffi::{CStr, CString};
use std::path::Path;
use std::ptr;
use std::time::{Duration, Instant};

/// More processes than a fence has room for that may have [`PROCESSES`].
const STORM: usize = 400;
const PROCESSES: u32 = 20;
const PAGE: usize = 4096;
/// Files of half of what may be written.
const PARTS: usize = 6;

/// What would go on for longer than any of these limits lets it.
const LONG: Duration = Duration::from_millis(1500);

/// All of them; `project`: where a file is made.
pub(super) fn probes(project: &Path) -> Result<Vec<Probe>, ExecuteError> {
    let quick = Limits { memory_window: Duration::from_millis(200), ..Limits::default() };
    let large = c_path(&project.join("large"))?;
    let parts =
        (0..PARTS).map(|number| c_path(&project.join(format!("part-{number}")))).collect::<Result<Vec<_>, _>>()?;
    let probe = |tried, by, limits, after, deed: Deed| {
        let timeout = Duration::from_secs(10);
        Probe { topic: Topic::Limits, tried, by, timeout, deed, after, limits }
    };
    let (watch, kernel) = ("first process", "resource limit");
    Ok(vec![
        probe(
            "hold more memory than it may",
            watch,
            Limits { memory: 32_000_000, ..quick.clone() },
            After::Limit(word::MEMORY),
            Box::new(|| hold(64_000_000)),
        ),
        probe("take hold of much more memory", kernel, quick.clone(), After::Result, Box::new(|| reserve(5 << 30))),
        probe(
            "use more processor time than it may",
            watch,
            Limits { cpu: Duration::from_millis(300), ..quick.clone() },
            After::Limit(word::CPU),
            Box::new(spin),
        ),
        probe(
            "start more processes than it may",
            "limits of the kernel",
            Limits { processes: PROCESSES, ..quick.clone() },
            After::Result,
            Box::new(storm),
        ),
        probe(
            "open more files than it may",
            kernel,
            Limits { open_files: 32, ..quick.clone() },
            After::Result,
            Box::new(|| open_many(c"/dev/null")),
        ),
        probe(
            "make a file larger than it may be",
            kernel,
            Limits { total_write: 1_000_000, ..quick.clone() },
            After::Limit(word::TOTAL_WRITE),
            Box::new(move || grow(&large)),
        ),
        probe(
            "write more in all than it may",
            "guard, looking",
            Limits { total_write: 1_000_000, ..quick.clone() },
            After::Result,
            Box::new(move || fill(&parts)),
        ),
        probe(
            "print more than it may",
            "guard",
            Limits { output: 100_000, ..quick },
            After::Limit(word::OUTPUT),
            Box::new(print),
        ),
    ])
}

/// Address space that is nobody else's and could be written; null where there is none.
fn space(size: usize) -> *mut u8 {
    let (protection, flags) =
        (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE);
    // SAFETY: new address space, at a place of the kernel's choice.
    let space = unsafe { libc::mmap(ptr::null_mut(), size, protection, flags, -1, 0) };
    if space == libc::MAP_FAILED { ptr::null_mut() } else { space.cast() }
}

fn hold(size: usize) -> c_int {
    let memory = space(size);
    if memory.is_null() {
        return sys::errno();
    }
    for at in (0..size).step_by(PAGE) {
        // SAFETY: within the space that was got.
        unsafe { memory.add(at).write_volatile(1) };
    }
    std::thread::sleep(LONG * 3);
    0
}

fn reserve(size: usize) -> c_int {
    if space(size).is_null() { sys::errno() } else { 0 }
}

fn spin() -> c_int {
    let mut used = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // On a busy machine time passes and nothing is used.
    while used.tv_sec < 1 {
        // SAFETY: the place for the answer is valid.
        unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut used) };
    }
    0
}

fn storm() -> c_int {
    let mut made: [pid_t; STORM] = [0; STORM];
    let mut failed = 0;
    for slot in &mut made {
        match sys::fork_with(libc::SIGCHLD) {
            Ok(0) => {
                std::thread::sleep(Duration::from_secs(60));
                sys::exit(0)
            }
            Ok(pid) => *slot = pid,
            Err(error) => {
                failed = error;
                break;
            }
        }
    }
    if failed == 0 {
        // Where the kernel refuses none they are found by looking, which takes its time.
        std::thread::sleep(LONG);
    }
    for pid in made.iter().filter(|pid| **pid > 0) {
        let _ = sys::kill(*pid, libc::SIGKILL);
        let _ = sys::reap(*pid, 0);
    }
    failed
}

fn open_many(path: &CStr) -> c_int {
    (0..100).find_map(|_| sys::open(path, libc::O_RDONLY).err()).unwrap_or(0)
}

fn grow(path: &CStr) -> c_int {
    // SAFETY: a valid string, and numbers.
    unsafe {
        let fd = libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_CREAT | libc::O_CLOEXEC, 0o600);
        if fd < 0 || libc::ftruncate(fd, 2_000_000) < 0 { sys::errno() } else { 0 }
    }
}

/// Fills files none of which is too large, and holds them for a while.
fn fill(parts: &[CString]) -> c_int {
    let text = [b'x'; PAGE];
    for path in parts {
        let fd = match sys::open(path, libc::O_WRONLY | libc::O_CREAT) {
            Ok(fd) => fd,
            Err(error) => return error,
        };
        for _ in 0..500_000 / PAGE {
            if let Err(error) = sys::write(fd, &text) {
                return done(Err(error));
            }
        }
        sys::close(fd);
    }
    std::thread::sleep(LONG);
    0
}

fn print() -> c_int {
    let begin = Instant::now();
    let text = [b'\n'; PAGE];
    while begin.elapsed() < LONG {
        if let Err(error) = sys::write(1, &text) {
            return done(Err(error));
        }
    }
    0
}
