//! User and group ids of a new user namespace.
//! Knows nothing of what runs in it.

use std::fs;
use std::io;

/// Maps ids into the user namespace of a process cloned with `flags`, if it has one of its own: root maps every id it
/// has, an ordinary user its own.
pub(super) fn map(pid: i32, flags: i32) -> io::Result<()> {
    if flags & libc::CLONE_NEWUSER == 0 {
        return Ok(());
    }
    let write = |name: &str, text: &str| fs::write(format!("/proc/{pid}/{name}"), text);
    let (user, group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    if user == 0 {
        let all = |name: &str| match write(name, "0 0 4294967295\n") {
            // Guard is in a user namespace itself: what it has, unchanged.
            Err(error) if error.raw_os_error() == Some(libc::EPERM) => {
                let own = fs::read_to_string(format!("/proc/self/{name}"))?;
                let own = own.lines().filter_map(|line| {
                    let mut words = line.split_whitespace();
                    let (inside, count) = (words.next()?, words.nth(1)?);
                    Some(format!("{inside} {inside} {count}\n"))
                });
                write(name, &own.collect::<String>())
            }
            other => other,
        };
        if all("uid_map").is_ok() {
            return all("gid_map");
        }
    }
    write("setgroups", "deny")?;
    write("uid_map", &format!("{user} {user} 1\n"))?;
    write("gid_map", &format!("{group} {group} 1\n"))
}
