//! What a fence is built for: what runs in it, and what it gets, as plain data.
//! Knows neither policies nor how a fence is built.

use super::bounds::Bounds;
use super::program::Work;
use crate::execute::Limits;
use crate::execute::change::remove_folder;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
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
    /// Whether its standard streams are a terminal of its own; what it prints there is one stream.
    pub terminal: bool,
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

impl Layer {
    /// Makes the kernel's folder anew after a fence that did not come to stand: a layer that was mounted without waiting for
    /// disks bears a mark there, and is not mounted again.
    pub(super) fn renew(&self) -> io::Result<()> {
        remove_folder(&self.work)?;
        DirBuilder::new().mode(0o700).create(&self.work)
    }
}

impl Order {
    /// To run `work` for at most `timeout`, with the least of everything: nothing to write to.
    pub fn new(work: Work, timeout: Duration) -> Self {
        let limits = Limits::default();
        Self { work, timeout, layer: None, dotenv: false, terminal: false, limits, bounds: Bounds::Fence }
    }
}
