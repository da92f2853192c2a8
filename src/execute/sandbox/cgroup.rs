//! Whether this process has a control group of version 2 of its own to hand limits to. Only looks: a fence uses none.
//! Knows no limits.

use std::fs;
use std::path::{Path, PathBuf};

/// What there is of control groups of version 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cgroup {
    /// Nothing that controls anything.
    None,
    /// A folder that belongs to somebody else.
    Foreign(PathBuf),
    /// A folder in which this user may make groups, with these controllers.
    Delegated(PathBuf, Vec<String>),
}

/// The control group of this process.
pub fn cgroup() -> Cgroup {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let (own, mounts) = (read("/proc/self/cgroup"), read("/proc/self/mounts"));
    let Some(folder) = folder(&own, &mounts) else { return Cgroup::None };
    let controllers: Vec<String> = fs::read_to_string(folder.join("cgroup.controllers"))
        .unwrap_or_default()
        .split_whitespace()
        .filter(|name| ["memory", "pids", "cpu"].contains(name))
        .map(str::to_owned)
        .collect();
    if controllers.is_empty() {
        return Cgroup::None;
    }
    let may = |path: &Path| rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok();
    if may(&folder) && may(&folder.join("cgroup.subtree_control")) {
        Cgroup::Delegated(folder, controllers)
    } else {
        Cgroup::Foreign(folder)
    }
}

/// Where the group of version 2 lies, by the process's line `0::PATH` and the table of mounts.
fn folder(own: &str, mounts: &str) -> Option<PathBuf> {
    let path = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let at = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let at = at.filter(|words| words.get(2) == Some(&"cgroup2")).find_map(|words| words.get(1).copied())?;
    Some(Path::new(at).join(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_version_2_is_found_beside_those_of_version_1() {
        let mounts = "cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
        let own = "3:cpu:/a\n0::/user.slice/one.scope\n";
        assert_eq!(folder(own, mounts), Some("/sys/fs/cgroup/unified/user.slice/one.scope".into()));
        assert_eq!(folder("3:cpu:/a\n", mounts), None);
        assert_eq!(folder(own, "cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n"), None);
    }
}
