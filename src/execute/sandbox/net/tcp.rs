//! TCP of a fence: ports of the loopback that it bound itself, the services and the proxy that were opened to it.
//! Knows no processes.

use super::address::{for_family, meant};
use super::diag::listening;
use super::kernel::Call;
use super::supervisor::{Done, Ground, Own, number};
use crate::execute::sandbox::sys::Errno;
use rustix::net::{Shutdown, getsockname, shutdown, sockopt};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// Ports below need a right that a command does not have, while guard may have it.
const ORDINARY: u16 = 1024;

/// Where a connection may go.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// To a service that was opened.
    Service(SocketAddr),
    /// To a socket of the fence, known by its cookie.
    Own(SocketAddr),
    /// To guard's proxy.
    Proxy(SocketAddr),
}

pub(super) fn connect(ground: &Arc<Ground>, call: Call, socket: OwnedFd, six: bool, given: SocketAddr) -> Done {
    match way(ground, six, meant(given)) {
        Ok(way) => ground.connecting(call, socket, move |ground, socket| go(ground, socket, six, way)),
        Err(error) => Done::Now(error),
    }
}

fn way(ground: &Ground, six: bool, to: SocketAddr) -> Result<Way, Errno> {
    if ground.reach.services.contains(&to) {
        return Ok(Way::Service(to));
    }
    if ground.proxy.as_ref().is_some_and(|proxy| proxy.address() == to) {
        return Ok(Way::Proxy(to));
    }
    if !to.ip().is_loopback() {
        return Err(ground.refuse("connect", to, "no rule opens this address"));
    }
    if !ground.reach.own {
        return Err(ground.refuse("connect", to, "no rule opens this port"));
    }
    match listening(to) {
        Ok(Some(cookie)) if ground.own().listening.contains(&cookie) => Ok(Way::Own(to)),
        Ok(Some(_)) => Err(ground.refuse("connect", to, "it listens outside of this fence")),
        Ok(None) => {
            // A socket for both families stands at the loopback of the older one.
            let four = SocketAddr::from((Ipv4Addr::LOCALHOST, to.port()));
            let found = if six && to.ip() == Ipv6Addr::LOCALHOST { listening(four).ok().flatten() } else { None };
            match found {
                Some(cookie) if ground.own().both.contains(&cookie) => Ok(Way::Own(four)),
                Some(_) | None => Err(libc::ECONNREFUSED),
            }
        }
        Err(_) => Err(ground.refuse("connect", to, "the kernel does not tell who listens there")),
    }
}

fn go(ground: &Ground, socket: &OwnedFd, six: bool, way: Way) -> Errno {
    let (Way::Service(to) | Way::Own(to) | Way::Proxy(to)) = way;
    let Some(address) = for_family(to, six) else { return libc::EAFNOSUPPORT };
    let mut expected = None;
    if let (Way::Proxy(_), Some(proxy)) = (way, &ground.proxy) {
        // The proxy hears those alone of whom it was told.
        let own = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let bound = match bound(socket) {
            Ok(at) if at.port() != 0 => Ok(()),
            Ok(_) => for_family(own, six).map_or(Err(libc::EAFNOSUPPORT), |own| join(socket, own)),
            Err(error) => Err(error),
        };
        match bound.and_then(|()| self::bound(socket)) {
            Ok(from) if proxy.expect(meant(from)) => expected = Some((proxy, meant(from))),
            Ok(_) => return libc::EAGAIN,
            Err(error) => return error,
        }
    }
    let result = rustix::net::connect(socket, &address).map_err(number);
    if let (Some((proxy, from)), Err(error)) = (expected, result)
        && error != libc::EINPROGRESS
    {
        proxy.forget(from);
    }
    match (way, result) {
        (Way::Own(_), Ok(()) | Err(libc::EINPROGRESS)) => match listening(to) {
            // Another took the port between the look and the connection.
            Ok(Some(cookie)) if !ground.own().listening.contains(&cookie) => {
                let _ = shutdown(socket, Shutdown::Both);
                ground.refuse("connect", to, "it listens outside of this fence")
            }
            Ok(_) => result.err().unwrap_or(0),
            Err(error) => number(error),
        },
        (Way::Own(_) | Way::Service(_) | Way::Proxy(_), result) => result.err().unwrap_or(0),
    }
}

/// Binds; a wildcard means the loopback, since a fence's ports are not for other machines.
pub(super) fn bind(ground: &Ground, socket: &OwnedFd, six: bool, given: SocketAddr) -> Result<(), Errno> {
    if !ground.reach.own {
        return Err(ground.refuse("bind", given, "no rule gives it ports"));
    }
    if (1..ORDINARY).contains(&given.port()) {
        return Err(libc::EACCES);
    }
    let wildcard = given.ip().to_canonical().is_unspecified();
    if !wildcard && !given.ip().to_canonical().is_loopback() {
        return Err(ground.refuse("bind", given, "ports are had on the loopback alone"));
    }
    if !wildcard {
        return join(socket, given);
    }
    let both = six && !sockopt::ipv6_v6only(socket).map_err(number)?;
    let ip = match (six, both || matches!(given.ip(), IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some())) {
        (false, _) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        (true, true) => IpAddr::V6(Ipv4Addr::LOCALHOST.to_ipv6_mapped()),
        (true, false) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    };
    join(socket, SocketAddr::new(ip, given.port()))?;
    if both {
        let cookie = sockopt::socket_cookie(socket).map_err(number)?;
        Own::remember(&mut ground.own().both, cookie)?;
    }
    Ok(())
}

/// Listens; a socket that is bound nowhere would listen to everybody, so it is bound to the loopback first.
pub(super) fn listen(ground: &Ground, socket: &OwnedFd, six: bool, backlog: i32) -> Result<(), Errno> {
    if !ground.reach.own {
        return Err(ground.refuse("listen", "a socket", "no rule gives it ports"));
    }
    let at = bound(socket)?;
    if at.ip().to_canonical().is_unspecified() {
        if at.port() != 0 {
            return Err(ground.refuse("listen", at, "ports are had on the loopback alone"));
        }
        let any = if six { IpAddr::V6(Ipv6Addr::UNSPECIFIED) } else { IpAddr::V4(Ipv4Addr::UNSPECIFIED) };
        bind(ground, socket, six, SocketAddr::new(any, 0))?;
    }
    if !bound(socket)?.ip().to_canonical().is_loopback() {
        return Err(ground.refuse("listen", at, "ports are had on the loopback alone"));
    }
    let cookie = sockopt::socket_cookie(socket).map_err(number)?;
    Own::remember(&mut ground.own().listening, cookie)?;
    rustix::net::listen(socket, backlog).map_err(number)?;
    if bound(socket)?.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    let _ = shutdown(socket, Shutdown::Both);
    Err(ground.refuse("listen", at, "ports are had on the loopback alone"))
}

fn bound(socket: &OwnedFd) -> Result<SocketAddr, Errno> {
    let name = getsockname(socket).map_err(number)?;
    SocketAddr::try_from(name).map_err(number)
}

fn join(socket: &OwnedFd, address: SocketAddr) -> Result<(), Errno> {
    rustix::net::bind(socket, &address).map_err(number)
}
