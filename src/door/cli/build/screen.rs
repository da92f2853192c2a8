//! A build loop on a terminal: lines for what has happened, and below them one line for what runs.
//! Draws when it is told something or about once a second; has no thread, since fences are built from a process with one.

use super::lines::{self, time};
use crate::event::line::visible;
use crate::supervise::{Show, Told};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::{Duration, Instant};

/// Bytes of a line that are kept while it is not whole.
const LINE: usize = 400;

/// The screen.
pub(super) struct Screen {
    bar: ProgressBar,
    /// Phases in all, and complete.
    phases: (usize, usize),
    running: Option<Running>,
}

struct Running {
    what: String,
    attempt: String,
    began: Instant,
    limit: Option<Duration>,
    /// The last whole line that it printed, and what came after.
    last: String,
    rest: Vec<u8>,
}

impl Screen {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()));
        Self { bar, phases: (0, 0), running: None }
    }

    fn draw(&self) {
        let Some(running) = &self.running else { return };
        let spent = running.began.elapsed();
        let left =
            running.limit.map(|limit| format!(", {} left", time(limit.saturating_sub(spent)))).unwrap_or_default();
        let (all, complete) = self.phases;
        let last = if running.last.is_empty() { String::new() } else { format!("  | {}", running.last) };
        self.bar.set_message(format!(
            "[{complete}/{all}] {} ({}) {}{left}{last}",
            running.what,
            running.attempt,
            time(spent)
        ));
        self.bar.tick();
    }
}

impl Show for Screen {
    fn tell(&mut self, told: &Told) {
        let text = lines::text(told);
        match told {
            Told::Plan { phases, complete, .. } => self.phases = (phases.len(), complete.len()),
            Told::Complete { .. } => self.phases.1 += 1,
            Told::Phase { .. }
            | Told::Step { .. }
            | Told::Stepped { .. }
            | Told::Waiting { .. }
            | Told::Note { .. }
            | Told::Failed { .. } => {}
        }
        if let Told::Step { phase, step, attempt, budget, limit_ms, .. } = told {
            self.running = Some(Running {
                what: format!("phase {phase}, {step}"),
                attempt: format!("attempt {attempt} of {budget}"),
                began: Instant::now(),
                limit: limit_ms.map(Duration::from_millis),
                last: String::new(),
                rest: Vec::new(),
            });
            return self.draw();
        }
        if let Told::Stepped { .. } | Told::Waiting { .. } | Told::Complete { .. } | Told::Failed { .. } = told {
            self.running = None;
        }
        self.bar.suspend(|| lines::print(&text));
        self.draw();
    }

    fn output(&mut self, bytes: &[u8]) {
        let Some(running) = &mut self.running else { return };
        running.rest.extend_from_slice(bytes);
        if let Some(end) = running.rest.iter().rposition(|byte| *byte == b'\n') {
            let whole = running.rest.drain(..=end).collect::<Vec<u8>>();
            let whole = String::from_utf8_lossy(&whole).into_owned();
            if let Some(line) = whole.lines().rev().find(|line| !line.trim().is_empty()) {
                running.last = visible(line.trim());
            }
        }
        let over = running.rest.len().saturating_sub(LINE);
        running.rest.drain(..over);
        // As often as it prints would be too often: the bar itself draws no more than its rate.
        self.draw();
    }

    fn limit(&mut self, limit: Duration) {
        if let Some(running) = &mut self.running {
            running.began = Instant::now();
            running.limit = Some(limit);
        }
        self.draw();
    }

    fn pulse(&mut self) {
        self.draw();
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
