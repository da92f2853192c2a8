//! Landlock: what a command may open where, and that it reaches no process or socket outside.
//! Knows how rules are applied, not what they protect.

use super::sys::{self, Errno};
use libc::c_int;
use std::ffi::CString;
use std::os::fd::{AsRawFd, OwnedFd};

const EXECUTE: u64 = 1;
const WRITE_FILE: u64 = 1 << 1;
const READ_FILE: u64 = 1 << 2;
const READ_DIR: u64 = 1 << 3;
const TRUNCATE: u64 = 1 << 14;
const IOCTL_DEV: u64 = 1 << 15;
/// Everything that makes, removes, renames or changes a file.
const CHANGE: u64 = WRITE_FILE | (0x1ff << 4) | (1 << 13) | TRUNCATE | IOCTL_DEV;
const READ: u64 = EXECUTE | READ_FILE | READ_DIR;
/// What can be granted on something that is not a folder.
const ON_FILE: u64 = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV;

/// What a path is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Reading and executing.
    Read,
    /// Everything.
    Write,
}

/// What of reading is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judged {
    /// What files hold. Names can be seen: they are harmless, and where `/` itself could be listed everything could.
    Files,
    /// That, and what folders hold.
    All,
}

/// A Landlock domain, to be begun by guard and entered inside.
#[derive(Debug, Default)]
pub(super) struct Rules {
    attr: [u64; 3],
    size: usize,
    /// What lies inside as it does outside.
    shared: Vec<(CString, u64)>,
    /// What is to be looked for inside.
    paths: Vec<(CString, u64)>,
}

/// A domain begun, to which guard adds what lies inside as it does outside, while the rest of the fence is built there.
#[derive(Debug)]
pub(super) struct Begun {
    ruleset: OwnedFd,
}

impl Rules {
    /// Rules for a kernel with Landlock `version`; none for 0. Of reads `judged` is judged.
    pub(super) fn new(version: u32, judged: Judged) -> Self {
        let reads = match judged {
            Judged::Files => READ & ON_FILE,
            Judged::All => READ,
        };
        let mut handled = CHANGE | reads;
        for (since, bit) in [(2, 1 << 13), (3, TRUNCATE), (5, IOCTL_DEV)] {
            if version < since {
                handled &= !bit;
            }
        }
        let (net, scopes) = (if version >= 4 { 3 } else { 0 }, if version >= 6 { 3 } else { 0 });
        let size = match version {
            0 => 0,
            1..=3 => 8,
            4..=5 => 16,
            _ => 24,
        };
        Self { attr: [handled, net, scopes], size, shared: Vec::new(), paths: Vec::new() }
    }

    /// Allows `access` at and below `path`, which is looked for inside.
    pub(super) fn allow(&mut self, path: CString, access: Access, folder: bool) {
        let granted = self.granted(access, folder);
        if granted != 0 {
            self.paths.push((path, granted));
        }
    }

    /// Allows reading at and below `path`, where the fence mounts nothing on it or above it.
    pub(super) fn allow_shared(&mut self, path: CString, folder: bool) {
        let granted = self.granted(Access::Read, folder);
        if granted != 0 {
            self.shared.push((path, granted));
        }
    }

    fn granted(&self, access: Access, folder: bool) -> u64 {
        let [handled, ..] = self.attr;
        let wanted = match access {
            Access::Read => READ,
            Access::Write => READ | CHANGE,
        };
        wanted & handled & if folder { u64::MAX } else { ON_FILE }
    }

    /// Begins the domain; `None`: there is to be none.
    pub(super) fn begin(&self) -> Result<Option<Begun>, Errno> {
        if self.size == 0 {
            return Ok(None);
        }
        Ok(Some(Begun { ruleset: sys::landlock_create(&self.attr, self.size)? }))
    }

    /// Confines the calling thread, by what was begun as `ruleset`. Allocates nothing.
    pub(super) fn apply(&self, ruleset: c_int) -> Result<(), Errno> {
        add(ruleset, &self.paths)?;
        // What it was given to read can be opened by name too (`/dev/stdin`), wherever it lies. Pipes need no rule.
        if let Ok(fd) = sys::open(c"/proc/self/fd/0", libc::O_PATH) {
            let _ = sys::landlock_allow(ruleset, fd, self.attr.first().map_or(0, |handled| handled & READ & ON_FILE));
            sys::close(fd);
        }
        sys::landlock_restrict(ruleset)
    }
}

impl Begun {
    /// By which number guard knows it.
    pub(super) fn number(&self) -> c_int {
        self.ruleset.as_raw_fd()
    }

    /// Adds what is guard's to add.
    pub(super) fn finish(self, rules: &Rules) -> Result<(), Errno> {
        add(self.number(), &rules.shared)
    }
}

/// Adds rules. Paths that are not there are left out.
fn add(ruleset: c_int, paths: &[(CString, u64)]) -> Result<(), Errno> {
    for (path, access) in paths {
        match sys::open(path, libc::O_PATH) {
            Ok(fd) => {
                let added = sys::landlock_allow(ruleset, fd, *access);
                sys::close(fd);
                added?;
            }
            Err(libc::ENOENT | libc::ENOTDIR | libc::EACCES) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
