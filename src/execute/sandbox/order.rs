//! What a fence is built for: what runs in it, and what it gets, as plain data.
//! Knows neither policies nor how a fence is built.

use super::bounds::Bounds;
use super::program::Work;
use crate::execute::Limits;
use std::path::PathBuf;
use std::time::Duration;

/// What to run, as plain data.
#[derive(Debug, Clone)]
pub struct Order {
    /// The program or line.
    pub work: Work,
    /// Time limit, counted from the command's start.
    pub timeout: Duration,
    /// What takes the command's changes to the project; `None`: the project is read-only.
    pub layer: Option<Layer>,
    /// Whether it may read the project's `.env` files.
    pub dotenv: bool,
    /// What holds it.
    pub bounds: Bounds,
    /// What it may use.
    pub limits: Limits,
}

/// Two empty folders on one file system, out of the command's reach, that take what it writes to the project: the project
/// itself lies below them and stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Where changes are kept, as overlayfs lays them out.
    pub upper: PathBuf,
    /// Where the kernel prepares them.
    pub work: PathBuf,
}

impl Order {
    /// To run `work` for at most `timeout`, with the least of everything: nothing to write to.
    pub fn new(work: Work, timeout: Duration) -> Self {
        Self { work, timeout, layer: None, dotenv: false, limits: Limits::default(), bounds: Bounds::Fence }
    }
}
