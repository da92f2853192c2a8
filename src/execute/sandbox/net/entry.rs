//! The network of a fence that is being built: what its command will be asked about through, and its way to hosts.
//! Knows nothing of what is answered.

use super::Net;
use super::proxy::Proxy;
use crate::execute::ExecuteError;
use crate::execute::sandbox::order::{Calls, Order, Reach};
use rustix::io::retry_on_intr;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SocketFlags, SocketType, recvmsg, socketpair,
};
use rustix::pipe::{PipeFlags, pipe_with};
use std::fs::File;
use std::io::{IoSliceMut, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

const ASKING: &str = "use Linux 5.6 or later, and in a container a seccomp profile that lets `seccomp` pass";

/// What is there of a fence's network before its command begins.
pub(in crate::execute::sandbox) struct Entry {
    reach: Reach,
    calls: Option<Calls>,
    /// Whether guard is to be asked.
    pub(in crate::execute::sandbox) asks: bool,
    /// Variables that tell programs of the proxy.
    pub(in crate::execute::sandbox) variables: Vec<(&'static str, String)>,
    proxy: Option<Arc<Proxy>>,
    /// What guard is asked through, once a report brought it.
    listener: Option<OwnedFd>,
    /// Whether no report brings anything any more.
    over: bool,
}

impl Entry {
    /// For what `order`'s command may reach, nothing where there is no fence around it; with both ends of what reports come through.
    pub(in crate::execute::sandbox) fn open(
        order: &Order,
        outside: bool,
    ) -> Result<(Self, OwnedFd, OwnedFd), ExecuteError> {
        let trouble = |cause: String| ExecuteError::System { what: "open the way to hosts".to_owned(), cause };
        let (reach, calls) = (&order.reach, order.calls.clone());
        let asks = !outside && (!reach.is_nothing() || calls.is_some());
        let proxy = match reach.hosts.as_slice() {
            hosts @ [_, ..] if asks => Some(Proxy::open(hosts).map_err(|error| trouble(error.to_string()))?),
            _ => None,
        };
        let (reports, told) =
            if asks { pair()? } else { pipe_with(PipeFlags::CLOEXEC).map_err(|error| trouble(error.to_string()))? };
        let variables = proxy.as_deref().map(variables).unwrap_or_default();
        let entry = Self { reach: reach.clone(), calls, asks, variables, proxy, listener: None, over: !asks };
        Ok((entry, reports, told))
    }

    /// Reads a report, and keeps what comes with it.
    pub(in crate::execute::sandbox) fn report(&mut self, from: &mut File, report: &mut [u8]) -> Option<()> {
        if self.over {
            return from.read_exact(report).ok();
        }
        self.listener = receive(from, report)?;
        Some(())
    }

    /// The network, once the fence stands; or what is missing of it, where the kernel cannot ask because of `error`.
    pub(in crate::execute::sandbox) fn done(&mut self, private: bool, error: i32) -> Result<Option<Net>, String> {
        self.over = true;
        if error != 0 {
            let cause = std::io::Error::from_raw_os_error(error);
            return Err(format!("a network (ask guard for sockets: {cause}): {ASKING}"));
        }
        let (proxy, calls) = (self.proxy.take(), self.calls.take());
        Ok(self.listener.take().map(|listener| Net::new(listener, (self.reach.clone(), private), proxy, calls)))
    }
}

/// Two ends of a local socket, through which a descriptor can be handed over.
fn pair() -> Result<(OwnedFd, OwnedFd), ExecuteError> {
    let made = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None);
    made.map_err(|error| ExecuteError::System { what: "make a pair of sockets".to_owned(), cause: error.to_string() })
}

/// Reads a report, with the descriptor that came with it; `None`: there is no report.
#[expect(clippy::option_option, reason = "a report, and what may come with it")]
fn receive(from: impl AsFd, report: &mut [u8]) -> Option<Option<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let len = report.len();
    let parts = &mut [IoSliceMut::new(report)];
    let got = retry_on_intr(|| recvmsg(&from, parts, &mut control, RecvFlags::CMSG_CLOEXEC)).ok()?;
    let mut passed = None;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(mut rights) = message {
            passed = rights.next();
        }
    }
    (got.bytes == len).then_some(passed)
}

/// What tells programs of the proxy.
fn variables(proxy: &Proxy) -> Vec<(&'static str, String)> {
    let way = format!("http://{}", proxy.address());
    let names = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
    let here = ["NO_PROXY", "no_proxy"].map(|name| (name, "localhost,127.0.0.1,::1".to_owned()));
    names.map(|name| (name, way.clone())).into_iter().chain(here).collect()
}
