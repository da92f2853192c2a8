//! Where a notice goes by name: to addresses that the system's own `getent` finds.

use crate::execute::names;
use std::net::{IpAddr, SocketAddr};
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// Addresses that are tried.
const MOST: usize = 8;

/// Looks names up; addresses stand for themselves.
#[derive(Debug)]
pub(super) struct Names {
    /// Whether nothing but this machine will do.
    pub(super) loopback: bool,
}

impl Resolver for Names {
    fn resolve(&self, uri: &Uri, _: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
        let found = match host.parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) => names::look_up(host, *timeout.after).map_err(|error| {
                let late = error.kind() == std::io::ErrorKind::TimedOut;
                if late { ureq::Error::Timeout(ureq::Timeout::Resolve) } else { ureq::Error::Io(error) }
            })?,
        };
        let mut addresses = self.empty();
        for address in found.into_iter().filter(|found| !self.loopback || found.is_loopback()).take(MOST) {
            addresses.push(SocketAddr::new(address, port));
        }
        if addresses.is_empty() { Err(ureq::Error::HostNotFound) } else { Ok(addresses) }
    }
}
