//! Who would take a connection: the kernel's own look-up of the socket that listens for an address and port.
//! Knows nothing of fences.

use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType, netlink, recv, send, socket};
use std::net::{IpAddr, SocketAddr};

/// `SOCK_DIAG_BY_FAMILY`
const BY_FAMILY: u16 = 20;
const NLMSG_ERROR: u16 = 2;
const NLM_F_REQUEST: u16 = 1;
const TCP: u8 = 6;
const LISTEN: u8 = 10;
/// The loopback device has this number in every network namespace.
const LOOPBACK: u32 = 1;
/// Bytes of `struct nlmsghdr`, and with `struct inet_diag_req_v2` behind it.
const HEADER: usize = 16;
const REQUEST: usize = HEADER + 56;

/// The cookie of the socket that listens for what is sent to `address` over the loopback; `None`: there is none.
///
/// # Errors
/// The kernel's, where it cannot say.
pub(super) fn listening(address: SocketAddr) -> Result<Option<u64>, Errno> {
    let kernel = socket(AddressFamily::NETLINK, SocketType::DGRAM, Some(netlink::SOCK_DIAG))?;
    send(&kernel, &request(address), SendFlags::empty())?;
    let mut answer = [0; 1024];
    let (len, _) = recv(&kernel, &mut answer, RecvFlags::empty())?;
    read(answer.get(..len).unwrap_or_default())
}

fn request(address: SocketAddr) -> [u8; REQUEST] {
    let mut bytes = [0; REQUEST];
    let family = match address.ip() {
        IpAddr::V4(_) => libc::AF_INET,
        IpAddr::V6(_) => libc::AF_INET6,
    };
    let mut put = |at: usize, from: &[u8]| {
        for (to, from) in bytes.iter_mut().skip(at).zip(from) {
            *to = *from;
        }
    };
    put(0, &u32::try_from(REQUEST).unwrap_or(0).to_ne_bytes());
    put(4, &BY_FAMILY.to_ne_bytes());
    put(6, &NLM_F_REQUEST.to_ne_bytes());
    put(HEADER, &[u8::try_from(family).unwrap_or(0), TCP]);
    put(HEADER + 4, &u32::MAX.to_ne_bytes());
    // The socket's own port and address; a peer of zeros is nobody's, so that only what listens is found.
    put(HEADER + 8, &address.port().to_be_bytes());
    match address.ip() {
        IpAddr::V4(ip) => put(HEADER + 12, &ip.octets()),
        IpAddr::V6(ip) => put(HEADER + 12, &ip.octets()),
    }
    put(HEADER + 44, &LOOPBACK.to_ne_bytes());
    // Any cookie.
    put(HEADER + 48, &[0xff; 8]);
    bytes
}

fn read(answer: &[u8]) -> Result<Option<u64>, Errno> {
    let number = |at: usize| answer.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_ne_bytes);
    let kind = answer.get(4..6).and_then(|b| b.try_into().ok()).map(u16::from_ne_bytes);
    match kind {
        Some(BY_FAMILY) if answer.get(HEADER + 1) != Some(&LISTEN) => Ok(None),
        Some(BY_FAMILY) => match (number(HEADER + 44), number(HEADER + 48)) {
            (Some(low), Some(high)) => Ok(Some(u64::from(low) | u64::from(high) << 32)),
            _ => Err(Errno::BADMSG),
        },
        Some(NLMSG_ERROR) => match number(HEADER).map(|n| n.wrapping_neg()).and_then(|n| i32::try_from(n).ok()) {
            Some(libc::ENOENT) => Ok(None),
            Some(error) => Err(Errno::from_raw_os_error(error)),
            None => Err(Errno::BADMSG),
        },
        Some(_) | None => Err(Errno::BADMSG),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::net::sockopt::socket_cookie;
    use std::net::TcpListener;

    #[test]
    fn who_listens_is_told_by_its_cookie_also_behind_a_wildcard() {
        for (bound, asked) in
            [("127.0.0.1:0", "127.0.0.1"), ("0.0.0.0:0", "127.0.0.1"), ("[::1]:0", "::1"), ("[::]:0", "127.0.0.1")]
        {
            let listener = TcpListener::bind(bound).unwrap();
            let port = listener.local_addr().unwrap().port();
            let address = SocketAddr::new(asked.parse().unwrap(), port);
            assert_eq!(listening(address), Ok(Some(socket_cookie(&listener).unwrap())), "{bound}");
            drop(listener);
            assert_eq!(listening(address), Ok(None), "{bound}");
        }
        let one = TcpListener::bind("127.0.0.1:0").unwrap();
        let elsewhere = SocketAddr::new("127.0.0.2".parse().unwrap(), one.local_addr().unwrap().port());
        assert_eq!(listening(elsewhere), Ok(None));
    }
}
