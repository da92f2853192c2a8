//! Looking up a host's addresses by the system's own `getent`.
//! guard is linked statically, and such a program cannot load what `/etc/nsswitch.conf` names (mDNS, systemd-resolved, …)
//! unless that fits the C library it was linked with; asked by itself, it could end with a crash.

use super::child::{self, Heard, PATH, Trouble};
use std::net::{IpAddr, SocketAddr};
use std::process::Command;
use std::time::Duration;
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
            Err(_) => look_up(host, *timeout.after)?,
        };
        let mut addresses = self.empty();
        for address in found.into_iter().filter(|found| !self.loopback || found.is_loopback()).take(MOST) {
            addresses.push(SocketAddr::new(address, port));
        }
        if addresses.is_empty() { Err(ureq::Error::HostNotFound) } else { Ok(addresses) }
    }
}

fn look_up(host: &str, limit: Duration) -> Result<Vec<IpAddr>, ureq::Error> {
    let mut getent = Command::new("getent");
    getent.args(["ahosts", "--", host]).env_clear().env("PATH", PATH);
    let (_, said) = child::run(getent, b"", Heard::Stdout, limit).map_err(|trouble| match trouble {
        Trouble::Late => ureq::Error::Timeout(ureq::Timeout::Resolve),
        Trouble::Start(error) => {
            let what = format!("cannot start `getent`, which looks up names: {error}");
            ureq::Error::Io(std::io::Error::new(error.kind(), what))
        }
    })?;
    let mut found = Vec::new();
    for line in String::from_utf8_lossy(&said).lines() {
        let address = line.split_whitespace().next().and_then(|word| word.parse().ok());
        found.extend(address.filter(|address| !found.contains(address)));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine_are_found_and_others_are_not_made_up() {
        let second = Duration::from_secs(5);
        assert!(look_up("localhost", second).unwrap().iter().all(IpAddr::is_loopback));
        assert!(!look_up("localhost", second).unwrap().is_empty());
        assert_eq!(look_up("no-such-host.invalid", second).unwrap(), Vec::<IpAddr>::new());
        assert_eq!(look_up("--version", second).unwrap(), Vec::<IpAddr>::new());
    }
}
