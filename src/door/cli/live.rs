//! A command's output as it comes, and, while it is silent for long, a line that tells how long it may yet run.
//! Knows no verdicts.

use crate::execute::Sink;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rustix::fs::{FileType, fstat};
use rustix::process::getpgrp;
use rustix::termios::tcgetpgrp;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long a command runs before anything is said of its time.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often that is said, and how long a command must have been silent before.
const TICK: Duration = Duration::from_millis(500);

/// Passes output on as it comes. Where that is not possible any more the command is told, as in any pipeline.
#[derive(Default)]
pub(super) struct Live {
    /// Whether the command has a terminal of its own: the screen is its own, too.
    terminal: bool,
    stdout: Option<io::Error>,
    stderr: Option<io::Error>,
    clock: Option<Clock>,
}

impl Live {
    /// For a command with a terminal of its own, or without.
    pub(super) fn new(terminal: bool) -> Self {
        Self { terminal, ..Self::default() }
    }

    /// Nothing more comes: why standard output and error could not be written, if they could not.
    pub(super) fn over(mut self) -> (Option<io::Error>, Option<io::Error>) {
        if let Some(clock) = self.clock.take() {
            clock.stop();
        }
        (self.stdout, self.stderr)
    }

    /// Passes bytes on where the line is out of the way.
    fn pass(&mut self, bytes: &[u8], shown: bool, write: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let Some(clock) = self.clock.as_ref().filter(|_| shown) else { return write() };
        let mut screen = clock.face.screen();
        screen.clear();
        screen.last = Instant::now();
        screen.midway = !bytes.ends_with(b"\n");
        write()
    }
}

impl Sink for Live {
    fn terminal(&self) -> bool {
        self.terminal
    }

    fn begins(&mut self, limit: Duration) {
        // Behind a pipe may be a program that draws on the same screen.
        let piped = fstat(rustix::stdio::stdout())
            .is_ok_and(|stat| matches!(FileType::from_raw_mode(stat.st_mode), FileType::Fifo | FileType::Socket));
        if !self.terminal && !piped && io::stderr().is_terminal() {
            self.clock = Some(Clock::start(limit));
        }
    }

    fn stdout(&mut self, bytes: &[u8]) {
        let written = self.pass(bytes, io::stdout().is_terminal(), || {
            let mut out = io::stdout().lock();
            out.write_all(bytes).and_then(|()| out.flush())
        });
        self.stdout = self.stdout.take().or(written.err());
    }

    fn stderr(&mut self, bytes: &[u8]) {
        let written = self.pass(bytes, true, || io::stderr().lock().write_all(bytes));
        self.stderr = self.stderr.take().or(written.err());
    }

    fn stdout_closed(&self) -> bool {
        self.stdout.is_some()
    }

    fn stderr_closed(&self) -> bool {
        self.stderr.is_some()
    }
}

/// Takes no output: all of it is told at the end.
pub(super) struct Silent;

impl Sink for Silent {
    fn stdout(&mut self, _: &[u8]) {}
    fn stderr(&mut self, _: &[u8]) {}
}

/// A thread that shows the time while the command is silent.
struct Clock {
    face: Arc<Face>,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct Face {
    screen: Mutex<Screen>,
    over: Condvar,
}

struct Screen {
    line: Option<ProgressBar>,
    /// When the command wrote last.
    last: Instant,
    /// Whether what it wrote last is no whole line.
    midway: bool,
    over: bool,
}

impl Default for Screen {
    fn default() -> Self {
        Self { line: None, last: Instant::now(), midway: false, over: false }
    }
}

impl Face {
    fn screen(&self) -> MutexGuard<'_, Screen> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Screen {
    fn clear(&mut self) {
        if let Some(line) = self.line.take() {
            line.finish_and_clear();
        }
    }

    fn show(&mut self, text: String) {
        let line = self.line.get_or_insert_with(|| {
            let line = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            line.set_style(
                ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()),
            );
            line
        });
        line.set_message(text);
        line.tick();
    }
}

impl Clock {
    fn start(limit: Duration) -> Self {
        let face = Arc::new(Face::default());
        let shared = Arc::clone(&face);
        Self { face, thread: thread::spawn(move || tick(&shared, limit)) }
    }

    fn stop(self) {
        {
            let mut screen = self.face.screen();
            screen.over = true;
            screen.clear();
        }
        self.face.over.notify_all();
        // It has nothing to say that is not said.
        let _ = self.thread.join();
    }
}

fn tick(face: &Face, limit: Duration) {
    let mut ran = Duration::ZERO;
    let mut screen = face.screen();
    while !screen.over {
        let before = Instant::now();
        screen = face.over.wait_timeout(screen, TICK).unwrap_or_else(PoisonError::into_inner).0;
        // While guard stands still (Ctrl-Z), so does the command's time.
        ran += before.elapsed().min(TICK * 2);
        let silent = screen.last.elapsed() >= TICK && !screen.midway;
        if !screen.over && ran >= PATIENCE && silent && in_front() {
            screen.show(told(ran, limit));
        }
    }
}

/// Whether the terminal is guard's to write to, and not that of whoever is in front of it.
fn in_front() -> bool {
    tcgetpgrp(rustix::stdio::stderr()).is_ok_and(|group| group == getpgrp())
}

/// Whole seconds, so that the line changes no more often than there is something new.
fn told(ran: Duration, limit: Duration) -> String {
    let left = limit.saturating_sub(ran);
    match left.is_zero() {
        false => format!("guard: {} so far, {} left", clock(ran), clock(left)),
        true => format!("guard: {} so far, the time is up", clock(ran)),
    }
}

fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_in_two_units_at_most() {
        for (seconds, text) in [(0, "0 s"), (59, "59 s"), (60, "1 min 0 s"), (3599, "59 min 59 s"), (7384, "2 h 3 min")]
        {
            assert_eq!(clock(Duration::from_secs(seconds)), text);
        }
        let told = |ran, limit| told(Duration::from_secs(ran), Duration::from_secs(limit));
        assert_eq!(told(3, 60), "guard: 3 s so far, 57 s left");
        assert_eq!(told(61, 60), "guard: 1 min 1 s so far, the time is up");
    }
}
