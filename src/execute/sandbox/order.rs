//! What a fence is built for: what runs in it, and what it gets, as plain data.
//! Knows neither policies nor how a fence is built.

use super::bounds::Bounds;
use super::program::Work;
use std::time::Duration;

/// What to run, as plain data.
#[derive(Debug, Clone)]
pub struct Order {
    /// The program or line.
    pub work: Work,
    /// Time limit, counted from the command's start.
    pub timeout: Duration,
    /// Whether the project may be written.
    pub writes: bool,
    /// Whether its standard streams are a terminal of its own; what it prints there is one stream.
    pub terminal: bool,
    /// What holds it.
    pub bounds: Bounds,
}

impl Order {
    /// To run `work` for at most `timeout`, with the least of everything: nothing to write to.
    pub fn new(work: Work, timeout: Duration) -> Self {
        Self { work, timeout, writes: false, terminal: false, bounds: Bounds::Fence }
    }
}
