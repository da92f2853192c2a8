//! A guard that is started before there is a call for it: what starting takes is over by the time there is one.
//! Knows nothing of what is asked.

use super::WAITS;
use super::wire::{self, Asked};
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long it may take to be handed a call, which is next to nothing unless somebody has stopped it.
const HANDING: Duration = Duration::from_secs(2);

/// It waits. Nobody but its own end and the end of the thread that started it ends it.
#[derive(Debug)]
pub(super) struct Spare {
    child: Child,
    socket: UnixStream,
}

impl Spare {
    /// Starts one by `command`, which is guard with its environment.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn start(mut command: Command) -> io::Result<Self> {
        let (own, its) = UnixStream::pair()?;
        own.set_write_timeout(Some(HANDING))?;
        let its = Stdio::from(OwnedFd::from(its));
        // In whatever folder this is: with one of its own the process would be forked, which copies more.
        command.arg(WAITS).stdin(its).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self { child: command.spawn()?, socket: own })
    }

    /// Its process.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Has it do what is asked; `None`: it cannot be reached any more, and is gone.
    pub(super) fn hand(self, asked: &Asked, folder: BorrowedFd<'_>) -> Option<Child> {
        match wire::hand(&self.socket, asked, folder) {
            Ok(()) => Some(self.child),
            Err(_) => {
                self.end();
                None
            }
        }
    }

    /// Ends it.
    pub(super) fn end(mut self) {
        // It is gone already, or goes now: nothing was begun.
        let _gone = self.child.kill().and_then(|()| self.child.wait());
    }
}
