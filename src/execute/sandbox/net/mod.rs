//! The network of a fence: `connect`, `bind` and `listen` of its command wait for guard, which copies the address, takes
//! the socket and acts itself. What was not given is refused, and remembered for the log.
//! Knows neither policies nor how a fence is built.

mod address;
mod diag;
mod hello;
mod kernel;
mod local;
mod proxy;
mod supervisor;
mod tcp;

use super::order::Reach;
use crate::execute::{ExecuteError, Traffic};
use rustix::event::{PollFd, PollFlags};
use rustix::io::retry_on_intr;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SocketFlags, SocketType, recvmsg, socketpair,
};
use rustix::pipe::{PipeFlags, pipe_with};
use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use supervisor::Ground;

pub(super) use proxy::Proxy;

/// What of the traffic is remembered, shared by everything that lets something through or not.
pub(super) type Tally = Arc<Mutex<Traffic>>;

/// Guard's side of a fence's network. No thread runs before the first call that waits.
pub(in crate::execute) struct Net {
    ground: Arc<Ground>,
    /// The loop that answers, and what ends it.
    serving: Option<(JoinHandle<()>, OwnedFd)>,
}

impl Net {
    /// Answers what comes through `listener`; `private`: whether the fence has a `/tmp` of its own.
    pub(super) fn new(listener: OwnedFd, reach: Reach, private: bool, proxy: Option<Arc<Proxy>>) -> Self {
        let tally = proxy.as_ref().map_or_else(Tally::default, |proxy| proxy.tally());
        Self { ground: Arc::new(Ground::new(listener, reach, private, proxy, tally)), serving: None }
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

/// Two ends of a local socket, through which a descriptor can be handed over.
pub(super) fn pair() -> Result<(OwnedFd, OwnedFd), ExecuteError> {
    let made = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None);
    made.map_err(|error| ExecuteError::System { what: "make a pair of sockets".to_owned(), cause: error.to_string() })
}

/// Reads a report, with the descriptor that came with it; `None`: there is no report.
#[expect(clippy::option_option, reason = "a report, and what may come with it")]
pub(super) fn receive(from: impl AsFd, report: &mut [u8]) -> Option<Option<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let len = report.len();
    let parts = &mut [IoSliceMut::new(report)];
    let got = retry_on_intr(|| recvmsg(&from, parts, &mut control, RecvFlags::CMSG_CLOEXEC)).ok()?;
    let passed = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut rights) => rights.next(),
        _ => None,
    });
    (got.bytes == len).then_some(passed)
}

/// What tells programs of the proxy.
pub(super) fn variables(proxy: &Proxy) -> Vec<(&'static str, String)> {
    let way = format!("http://{}", proxy.address());
    let names = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
    let here = ["NO_PROXY", "no_proxy"].map(|name| (name, "localhost,127.0.0.1,::1".to_owned()));
    names.map(|name| (name, way.clone())).into_iter().chain(here).collect()
}
