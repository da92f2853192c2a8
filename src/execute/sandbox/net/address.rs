//! Addresses as a call gives them, and what they really mean.
//! Pure: knows no sockets.

use crate::execute::sandbox::sys::Errno;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// An address of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// Of the internet's families.
    Internet(SocketAddr),
    /// Of a local socket, with a path.
    Path(Vec<u8>),
    /// Of a local socket, abstract or without a name.
    Abstract(Vec<u8>),
    /// Of any other family.
    Other(u16),
}

/// Reads `struct sockaddr`.
///
/// # Errors
/// As the kernel's, where it is too short for its family.
pub(super) fn read(bytes: &[u8]) -> Result<Address, Errno> {
    let two = |at: usize| bytes.get(at..at + 2).and_then(|b| <[u8; 2]>::try_from(b).ok()).ok_or(libc::EINVAL);
    let family = u16::from_ne_bytes(two(0)?);
    match i32::from(family) {
        libc::AF_INET => {
            let ip: [u8; 4] = bytes.get(4..8).and_then(|b| b.try_into().ok()).ok_or(libc::EINVAL)?;
            if bytes.len() < 16 {
                return Err(libc::EINVAL);
            }
            Ok(Address::Internet(SocketAddrV4::new(Ipv4Addr::from(ip), u16::from_be_bytes(two(2)?)).into()))
        }
        libc::AF_INET6 => {
            let ip: [u8; 16] = bytes.get(8..24).and_then(|b| b.try_into().ok()).ok_or(libc::EINVAL)?;
            // The scope means a device; the loopback needs none.
            Ok(Address::Internet(SocketAddrV6::new(Ipv6Addr::from(ip), u16::from_be_bytes(two(2)?), 0, 0).into()))
        }
        libc::AF_UNIX => {
            let name = bytes.get(2..).unwrap_or_default();
            match name.first() {
                None | Some(0) => Ok(Address::Abstract(name.to_vec())),
                Some(_) => Ok(Address::Path(name.iter().copied().take_while(|byte| *byte != 0).collect())),
            }
        }
        _ => Ok(Address::Other(family)),
    }
}

/// What a destination means: IPv4 within IPv6 is IPv4, and the wildcard is the loopback.
pub(super) fn meant(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip().to_canonical() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        other => other,
    };
    SocketAddr::new(ip, address.port())
}

/// The same address for a socket of IPv6 (`six`) or of IPv4; `None`: there is none.
pub(super) fn for_family(address: SocketAddr, six: bool) -> Option<SocketAddr> {
    let ip = match (address.ip(), six) {
        (IpAddr::V4(ip), true) => IpAddr::V6(ip.to_ipv6_mapped()),
        (IpAddr::V6(_), false) => return None,
        (same, _) => same,
    };
    Some(SocketAddr::new(ip, address.port()))
}

/// Whether the internet at large has it: nothing private, of this machine or link, of a carrier, or for many.
pub(in crate::execute) fn public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let special = a == 0 || a >= 240 || (a, b, c) == (192, 0, 0) || (a == 198 && (18..20).contains(&b));
            !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_multicast() || shared || special)
        }
        IpAddr::V6(ip) => {
            let [first, second, ..] = ip.segments();
            // Only global unicast, without what holds another address: 6to4, Teredo, and the like under 2001:0-1ff.
            first & 0xe000 == 0x2000 && first != 0x2002 && !(first == 0x2001 && second < 0x200)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sockaddr_is_read_as_the_kernel_reads_it() {
        let four = [2, 0, 0x1f, 0x90, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(read(&four), Ok(Address::Internet("127.0.0.1:8080".parse().unwrap())));
        assert_eq!(read(&four[..15]), Err(libc::EINVAL));
        let mut six = vec![10, 0, 0x1f, 0x90, 0, 0, 0, 0];
        six.extend(Ipv6Addr::LOCALHOST.octets());
        assert_eq!(read(&six), Ok(Address::Internet("[::1]:8080".parse().unwrap())));
        assert_eq!(read(b"\x01\0/tmp/s\0junk"), Ok(Address::Path(b"/tmp/s".to_vec())));
        assert_eq!(read(b"\x01\0\0name"), Ok(Address::Abstract(b"\0name".to_vec())));
        assert_eq!(read(b"\x28\0"), Ok(Address::Other(40)));
        assert_eq!(read(b"\x01"), Err(libc::EINVAL));
    }

    #[test]
    fn mapped_and_wildcard_destinations_are_what_they_lead_to() {
        for (given, is) in [
            ("0.0.0.0:5", "127.0.0.1:5"),
            ("[::]:5", "[::1]:5"),
            ("[::ffff:127.0.0.53]:5", "127.0.0.53:5"),
            ("[::ffff:0.0.0.0]:5", "127.0.0.1:5"),
            ("10.0.0.1:5", "10.0.0.1:5"),
        ] {
            assert_eq!(meant(given.parse().unwrap()), is.parse().unwrap(), "{given}");
        }
    }

    #[test]
    fn only_addresses_of_the_internet_at_large_are_public() {
        for ip in ["151.101.0.223", "203.0.113.80", "2a04:4e42::223", "100.63.0.1", "::ffff:8.8.8.8"] {
            assert!(public(ip.parse().unwrap()), "{ip}");
        }
        for ip in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "0.0.0.0",
            "192.0.0.8",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "2001::1",
        ] {
            assert!(!public(ip.parse().unwrap()), "{ip}");
        }
    }
}
