//! What a fence is built for: what runs in it, and what it gets, as plain data.
//! Knows neither policies nor how a fence is built.

use super::bounds::Bounds;
use super::program::Work;
use crate::execute::Limits;
use crate::execute::change::remove_folder;
use std::fmt;
use std::fs::DirBuilder;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;
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
    /// What it may reach.
    pub reach: Reach,
    /// Files and folders outside the project that it may write to.
    pub writable: Vec<Writable>,
    /// Takes its connections to guard; `None`: it makes none.
    pub calls: Option<Calls>,
}

/// A file or folder outside the project that a command may write to. All paths are absolute and without links.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Writable {
    /// Where it lies.
    pub path: PathBuf,
    /// What of it stays read-only; each is there.
    pub kept: Vec<PathBuf>,
}

/// Takes guard's end of each connection that a command makes to [`SUPERVISOR`]; false: nobody answers any more.
#[derive(Clone)]
pub struct Calls(pub Arc<dyn Fn(OwnedFd) -> bool + Send + Sync>);

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Calls")
    }
}

/// Where a command finds guard, if it may call it: no socket lies there, the connection itself is handed over.
pub(in crate::execute) const SUPERVISOR: &str = "/run/guard/supervisor";
/// Guard's own program, where it may be called.
pub(in crate::execute) const PROGRAM: &str = "/run/guard/bin/guard";

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

impl Layer {
    /// Whether its file system keeps attributes of users. Without them an overlay lies there too, but no folder can be
    /// removed or replaced in it.
    pub(super) fn keeps_attributes(&self) -> bool {
        rustix::fs::getxattr(&self.upper, "user.overlay.opaque", &mut [0; 1]) != Err(rustix::io::Errno::OPNOTSUPP)
    }

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
        let (limits, reach) = (Limits::default(), Reach::default());
        let (writable, calls, bounds) = (Vec::new(), None, Bounds::Fence);
        Self { work, timeout, layer: None, dotenv: false, terminal: false, bounds, limits, reach, writable, calls }
    }
}
