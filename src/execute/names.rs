//! Looking up a host's addresses by the system's own `getent`.
//! guard is linked statically, and such a program cannot load what `/etc/nsswitch.conf` names (mDNS, systemd-resolved, …)
//! unless that fits the C library it was linked with; asked by itself, it could end with a crash.

use super::child::{self, Heard, PATH, Trouble};
use std::io::{Error, ErrorKind};
use std::net::IpAddr;
use std::process::Command;
use std::time::Duration;

/// The addresses of a host, none where it is not known.
///
/// # Errors
/// `TimedOut`, or what keeps `getent` from being run.
pub(crate) fn look_up(host: &str, limit: Duration) -> Result<Vec<IpAddr>, Error> {
    let mut getent = Command::new("getent");
    getent.args(["ahosts", "--", host]).env_clear().env("PATH", PATH);
    let (_, said) = child::run(getent, b"", Heard::Stdout, limit).map_err(|trouble| match trouble {
        Trouble::Late => ErrorKind::TimedOut.into(),
        Trouble::Start(error) => {
            Error::new(error.kind(), format!("cannot start `getent`, which looks up names: {error}"))
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
