//! What a fence is built for: what runs in it, and what it gets, as plain data.
//! Knows neither policies nor how a fence is built.

use super::bounds::Bounds;
use super::program::Work;
use std::net::SocketAddr;
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
    /// What holds it.
    pub bounds: Bounds,
    /// What it may reach.
    pub reach: Reach,
}

/// What a command may reach over the network, which is nothing where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// Whether it may listen on ports of the loopback and in its own `/tmp`, and connect to what it listens on.
    pub own: bool,
    /// What it may connect to, exactly.
    pub services: Vec<SocketAddr>,
    /// Hosts it may connect to by TLS on port 443, through guard's proxy.
    pub hosts: Vec<String>,
}

impl Reach {
    /// Its own ports, and nothing else.
    pub fn own() -> Self {
        Self { own: true, ..Self::default() }
    }

    /// Whether it may reach nothing at all.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
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
        Self { work, timeout, layer: None, bounds: Bounds::Fence, reach: Reach::default() }
    }
}
