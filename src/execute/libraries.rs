//! Where the libraries of a Python lie, by its program or a script that it runs.
//! Knows the file system as it lies; what becomes of them is the fence's.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Links from one interpreter to the next, at most.
const LINKS: usize = 8;

/// The folders of libraries that `program` takes modules from if it is a Python or a script of one: its environment's and its
/// installation's. Absolute and without links; those that are reached through links are left out.
pub fn libraries(program: &Path) -> Vec<PathBuf> {
    let Some(mut at) = interpreter(program) else { return Vec::new() };
    let mut found = Vec::new();
    for _ in 0..LINKS {
        if let Some(prefix) = at.parent().and_then(Path::parent) {
            of_prefix(prefix, &mut found);
        }
        // `python3` of an environment leads to that of its installation.
        let Ok(to) = fs::read_link(&at) else { break };
        at = at.parent().unwrap_or(Path::new("/")).join(to);
    }
    if let Some(prefix) = fs::canonicalize(&at).ok().as_deref().and_then(Path::parent).and_then(Path::parent) {
        of_prefix(prefix, &mut found);
        if prefix == Path::new("/usr") {
            of_prefix(Path::new("/usr/local"), &mut found);
        }
    }
    found.retain(|folder| fs::canonicalize(folder).is_ok_and(|real| real == *folder));
    found.sort();
    found.dedup();
    found
}

/// `program` if it is called as a Python is, or the Python that its first line names.
fn interpreter(program: &Path) -> Option<PathBuf> {
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

/// The folders `lib/python3…` of a prefix.
fn of_prefix(prefix: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(prefix.join("lib")) else { return };
    let folders = entries.flatten().filter(|entry| entry.file_name().as_bytes().starts_with(b"python3"));
    found.extend(folders.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()));
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
        for folder in
            ["env/bin", "env/lib/python3.11/site-packages", "base/bin", "base/lib/python3.11", "base/lib/other"]
        {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        fs::write(base.join("bin/python3.11"), "").unwrap();
        symlink("../../base/bin/python3.11", env.join("bin/python3")).unwrap();
        symlink("python3", env.join("bin/python")).unwrap();
        let script = |name: &str, line: &str| {
            fs::write(env.join("bin").join(name), format!("{line}\nprint(1)\n")).unwrap();
            env.join("bin").join(name)
        };
        let all = vec![base.join("lib/python3.11"), env.join("lib/python3.11")];
        assert_eq!(libraries(&env.join("bin/python")), all);
        assert_eq!(libraries(&script("pytest", &format!("#! {}/bin/python3 -I", env.display()))), all);
        assert_eq!(libraries(&base.join("bin/python3.11")), [base.join("lib/python3.11")]);
        for line in ["#!/bin/sh", "#!python3", "", "#!", "#!/usr/bin/env python3"] {
            assert_eq!(libraries(&script("other", line)), [] as [PathBuf; 0], "{line}");
        }
        assert_eq!(libraries(&root.join("missing")), [] as [PathBuf; 0]);
    }
}
