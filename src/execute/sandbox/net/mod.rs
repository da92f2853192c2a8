//! The network of a fence: `connect`, `bind` and `listen` of its command wait for guard, which copies the address, takes
//! the socket and acts itself. What was not given is refused, and remembered for the log.
//! Knows neither policies nor how a fence is built.

mod address;
mod calls;
mod diag;
mod entry;
mod hello;
pub(super) mod inside;
mod kernel;
mod local;
mod proxy;
mod supervisor;
mod tcp;

use super::order::{Calls, Reach};
use crate::execute::{ExecuteError, Traffic};
use rustix::event::{PollFd, PollFlags};
use rustix::pipe::{PipeFlags, pipe_with};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use supervisor::Ground;

pub(super) use entry::Entry;

/// What of the traffic is remembered, shared by everything that lets something through or not.
pub(super) type Tally = Arc<Mutex<Traffic>>;

/// Guard's side of a fence's network. No thread runs before the first call that waits.
pub(in crate::execute) struct Net {
    ground: Arc<Ground>,
    /// The loop that answers, and what ends it.
    serving: Option<(JoinHandle<()>, OwnedFd)>,
}

impl Net {
    /// Answers what comes through `listener`; with `reach`, whether the fence has a `/tmp` of its own.
    fn new(listener: OwnedFd, reach: (Reach, bool), proxy: Option<Arc<proxy::Proxy>>, calls: Option<Calls>) -> Self {
        Self { ground: Arc::new(Ground::new(listener, reach, proxy, calls)), serving: None }
    }

    /// What to wait for until it is served: the first call.
    pub(in crate::execute) fn awaits(&self) -> Option<PollFd<'_>> {
        self.serving.is_none().then(|| PollFd::new(&self.ground.listener, PollFlags::IN))
    }

    /// Answers from now on, in a thread of its own: nothing that guard waits for stalls it.
    ///
    /// # Errors
    /// Where there is no thread to be had.
    pub(in crate::execute) fn serve(&mut self) -> Result<(), ExecuteError> {
        if self.serving.is_some() {
            return Ok(());
        }
        let trouble = |cause: String| ExecuteError::System { what: "serve the fence's network".to_owned(), cause };
        let (stop, end) = pipe_with(PipeFlags::CLOEXEC).map_err(|error| trouble(error.to_string()))?;
        let ground = Arc::clone(&self.ground);
        let thread = std::thread::Builder::new().name("network".to_owned());
        let thread = thread.spawn(move || supervisor::serve(&ground, &stop)).map_err(|e| trouble(e.to_string()))?;
        self.serving = Some((thread, end));
        Ok(())
    }

    /// Ends it; what went through it.
    pub(in crate::execute) fn finish(mut self) -> Traffic {
        self.stop();
        let tally = self.ground.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.clone()
    }

    fn stop(&mut self) {
        if let Some((thread, end)) = self.serving.take() {
            drop(end);
            // It waits for nothing but its pipe and its listener; what connects is cut off by it.
            let _ = thread.join();
        }
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        self.stop();
    }
}
