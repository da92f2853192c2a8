//! Homes, and what of them a policy opens: from `~/.cargo` to the folder that is meant.
//! Knows where homes lie; what closes them is the fence's.

use super::World;
use crate::decide::policy::Toolchain;
use crate::execute::{Reads, real_in};
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

/// Where the homes of all users lie.
const ALL: [&str; 2] = ["/home", "/root"];

/// What a command in the project at `root`, a path without links, may read of homes and of the system's closed folders.
///
/// `~` is both the user's home by the user database and the caller's `HOME`. What is a link in the first opens what it
/// leads to; in the second, which the caller chooses, only what lies in it.
pub(super) fn reads(world: &World, root: &Path, toolchain: &Toolchain) -> Reads {
    let real = |path: PathBuf| fs::canonicalize(path).ok();
    let own = of_database().and_then(real);
    let called = world.home().and_then(real).filter(|called| Some(called) != own.as_ref());
    let homes = ALL.iter().map(PathBuf::from).filter_map(real).chain(own.clone()).chain(called.clone());
    let mut open = Vec::new();
    let chosen = called.iter().map(|home| (home, true));
    for (home, chosen) in own.iter().map(|home| (home, false)).chain(chosen) {
        // One look at the home instead of one for each of what it might hold.
        let names: HashSet<OsString> =
            fs::read_dir(home).into_iter().flatten().flatten().map(|e| e.file_name()).collect();
        let listed = toolchain.open.iter().filter_map(|path| path.strip_prefix("~/"));
        let listed =
            listed.filter(|path| path.split('/').next().is_some_and(|first| names.contains(OsStr::new(first))));
        for path in listed {
            let Ok(leads) = real_in(home, Path::new(path)) else { continue };
            let found = home.join(path);
            if !chosen || leads.starts_with(home) {
                open.push(leads.clone());
            }
            // A link is there as a link, unless it lies behind one.
            let plain =
                || found.parent().is_some_and(|parent| fs::canonicalize(parent).is_ok_and(|real| real == parent));
            if leads != found && plain() {
                open.push(found);
            }
        }
    }
    let absolute = toolchain.open.iter().map(PathBuf::from).filter(|path| path.is_absolute());
    open.extend(absolute.filter_map(real));
    let shut = toolchain.shut.iter().flat_map(|path| match path.strip_prefix("~/") {
        Some(path) => own.iter().chain(&called).map(|home| (home.as_path(), path)).collect(),
        None => vec![(root, path.as_str())],
    });
    let shut = shut.filter_map(|(folder, path)| real_in(folder, Path::new(path)).ok()).collect();
    Reads { homes: homes.collect(), open, shut, libraries: Vec::new() }
}

/// The user's home by the user database.
pub(super) fn of_database() -> Option<PathBuf> {
    let text = fs::read_to_string("/etc/passwd").ok()?;
    let own = rustix::process::geteuid().as_raw().to_string();
    // name:password:uid:gid:comment:home:shell
    text.lines()
        .map(|line| line.split(':'))
        .find_map(|mut fields| if fields.nth(2)? == own { fields.nth(2).map(PathBuf::from) } else { None })
        .filter(|home| home.is_absolute())
}
