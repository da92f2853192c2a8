//! Where the libraries of a Python lie, by its program or a script that it runs.
//! Knows the file system as it lies; what becomes of them is the fence's.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What a folder of packages within a library is called.
pub(super) const PACKAGES: [&str; 2] = ["site-packages", "dist-packages"];
/// Links from one interpreter to the next, at most.
const LINKS: usize = 8;

/// The folders of libraries that `program` takes modules from if it is a Python or a script of one: its environment's and its
/// installation's, and the folders of packages in them, unless the environment does without the installation's. Absolute and
/// without links; those that are reached through links are left out.
pub fn libraries(program: &Path) -> Vec<PathBuf> {
    let Some(mut at) = interpreter(program) else { return Vec::new() };
    let mut found = Vec::new();
    let mut packages = true;
    for _ in 0..LINKS {
        if let Some(prefix) = at.parent().and_then(Path::parent) {
            of_prefix(prefix, packages, &mut found);
            packages &= !is_alone(prefix);
        }
        // `python3` of an environment leads to that of its installation.
        let Ok(to) = fs::read_link(&at) else { break };
        at = at.parent().unwrap_or(Path::new("/")).join(to);
    }
    if let Some(prefix) = fs::canonicalize(&at).ok().as_deref().and_then(Path::parent).and_then(Path::parent) {
        of_prefix(prefix, packages, &mut found);
        if prefix == Path::new("/usr") {
            of_prefix(Path::new("/usr/local"), packages, &mut found);
        }
    }
    found.retain(|folder| fs::canonicalize(folder).is_ok_and(|real| real == *folder));
    found.sort();
    found.dedup();
    found
}

/// `program` if it is called as a Python is, or the Python that its first line names.
pub fn interpreter(program: &Path) -> Option<PathBuf> {
    let is_python = |path: &Path| path.file_name().is_some_and(|name| name.as_bytes().starts_with(b"python"));
    if is_python(program) {
        return Some(program.to_owned());
    }
    let mut start = [0; 256];
    let read = File::open(program).and_then(|mut file| file.read(&mut start)).ok()?;
    let line = start.get(..read)?.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let named = line.split(|byte| matches!(byte, b' ' | b'\t')).find(|word| !word.is_empty())?;
    let named = PathBuf::from(OsStr::from_bytes(named));
    Some(named).filter(|path| path.is_absolute() && is_python(path))
}

/// Whether a prefix is an environment without the packages of the installation that it is made from: `pyvenv.cfg` says so.
fn is_alone(prefix: &Path) -> bool {
    let text = fs::read_to_string(prefix.join("pyvenv.cfg")).unwrap_or_default();
    let settings = text.lines().filter_map(|line| line.split_once('='));
    settings.map(|(name, value)| (name.trim(), value.trim())).any(|(name, value)| {
        name.eq_ignore_ascii_case("include-system-site-packages") && value.eq_ignore_ascii_case("false")
    })
}

/// The folders `lib/python3…` of a prefix, and those of `packages` in them.
fn of_prefix(prefix: &Path, packages: bool, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(prefix.join("lib")) else { return };
    let folders = entries.flatten().filter(|entry| entry.file_name().as_bytes().starts_with(b"python3"));
    for folder in folders.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()) {
        let sites = PACKAGES.iter().map(|name| folder.join(name)).filter(|site| packages && site.is_dir());
        found.extend(sites);
        found.push(folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn those_of_an_environment_and_of_its_installation_are_found() {
        let root = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(root.path()).unwrap();
        let [env, base] = ["env", "base"].map(|name| root.join(name));
        let site = "lib/python3.11/site-packages";
        for folder in ["env/bin", "base/bin", "base/lib/other"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        for prefix in [&env, &base] {
            fs::create_dir_all(prefix.join(site)).unwrap();
        }
        fs::write(base.join("bin/python3.11"), "").unwrap();
        symlink("../../base/bin/python3.11", env.join("bin/python3")).unwrap();
        symlink("python3", env.join("bin/python")).unwrap();
        let script = |name: &str, line: &str| {
            fs::write(env.join("bin").join(name), format!("{line}\nprint(1)\n")).unwrap();
            env.join("bin").join(name)
        };
        let of = |prefix: &Path| [prefix.join("lib/python3.11"), prefix.join(site)];
        let all = [of(&base), of(&env)].concat();
        assert_eq!(libraries(&env.join("bin/python")), all);
        assert_eq!(libraries(&script("pytest", &format!("#! {}/bin/python3 -I", env.display()))), all);
        assert_eq!(libraries(&base.join("bin/python3.11")), of(&base));
        fs::write(env.join("pyvenv.cfg"), "home = x\nInclude-System-Site-Packages = False\n").unwrap();
        assert_eq!(libraries(&env.join("bin/python")), [&of(&base)[..1], &of(&env)].concat());
        for line in ["#!/bin/sh", "#!python3", "", "#!", "#!/usr/bin/env python3"] {
            assert_eq!(libraries(&script("other", line)), [] as [PathBuf; 0], "{line}");
        }
        assert_eq!(libraries(&root.join("missing")), [] as [PathBuf; 0]);
    }
}
