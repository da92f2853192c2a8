//! What one command may use, as plain data, and the words for what stopped it.
//! Knows neither policies nor what enforces a limit.

use std::path::PathBuf;
use std::time::Duration;

/// The limits of one command. Each counts for all of its processes together, unless it says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes resident that must not be exceeded for `memory_window`.
    pub memory: u64,
    /// How long `memory` may be exceeded.
    pub memory_window: Duration,
    /// Bytes written to `watched`, and of any one file.
    pub total_write: u64,
    /// The folder that everything written to the project lands in, as guard sees it; none: only single files are bounded.
    pub watched: Option<PathBuf>,
    /// Bytes printed, both streams together.
    pub output: u64,
    /// Processor time.
    pub cpu: Duration,
    /// Processes and threads at once.
    pub processes: u32,
    /// Files that one process may hold open.
    pub open_files: u32,
}

/// Longest time between two looks at what a command uses.
const RARELY: Duration = Duration::from_secs(1);
/// Shortest.
const OFTEN: Duration = Duration::from_millis(50);
/// The least that a process may take hold of, however little may be resident: V8 and the JVM write to a few hundred
/// megabytes before a program's first line, a thread's stack is 8 MB of it though nobody has touched it, and a linker or a
/// compiler of large sources asks for two or three gigabytes and gives them back.
const ROOM: u64 = 4 << 30;

/// Wide limits, for what is no command of an agent's.
impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 1_000_000_000,
            memory_window: Duration::from_secs(30),
            total_write: 1 << 30,
            watched: None,
            output: 10_000_000_000,
            cpu: Duration::from_secs(3600),
            processes: 4096,
            open_files: 65_536,
        }
    }
}

impl Limits {
    /// Bytes at which nothing is waited for: of one process by the kernel, of all together at the next look.
    pub fn hard_memory(&self) -> u64 {
        self.memory.saturating_mul(4).max(ROOM)
    }

    /// How often what a command uses is looked at; a command that ends before the first look costs nothing by it.
    pub fn pause(&self) -> Duration {
        (self.memory_window / 4).clamp(OFTEN, RARELY)
    }
}

/// The words of `limit`, in `--json` and in the log.
pub(super) mod word {
    pub(in crate::execute) const MEMORY: &str = "memory";
    pub(in crate::execute) const TOTAL_WRITE: &str = "total-write";
    pub(in crate::execute) const OUTPUT: &str = "output";
    pub(in crate::execute) const CPU: &str = "cpu";
    pub(in crate::execute) const PROCESSES: &str = "processes";
}
