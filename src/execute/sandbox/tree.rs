//! All processes of one fence: signalling and ending every one, with or without a pid namespace.
//! Knows nothing of why.

use super::sys;
use libc::{c_int, pid_t};
use std::ffi::CStr;

/// As many processes as a walk remembers at once.
const MOST: usize = 4096;

/// The processes below the one that calls.
pub(super) struct Tree {
    /// Whether the kernel knows the tree: then one call reaches all of it.
    pub(super) namespace: bool,
}

impl Tree {
    /// Signals every process.
    pub(super) fn signal(&self, signal: c_int) {
        if self.namespace {
            let _ = sys::kill(-1, signal);
        } else {
            each_below(|pid| {
                let _ = sys::kill(pid, signal);
            });
        }
    }

    /// Calls `f` with every process but the one that calls.
    pub(super) fn each(&self, mut f: impl FnMut(pid_t)) {
        if self.namespace {
            let me = sys::me();
            each_process(|pid, _| {
                if pid != me {
                    f(pid);
                }
            });
        } else {
            each_below(f);
        }
    }

    /// Ends every process and returns when none is left.
    pub(super) fn kill_all(&self) {
        if self.namespace {
            // One call reaches every process at once, also those that are being made; orphans become the caller's.
            if sys::kill(-1, libc::SIGKILL).is_ok() {
                while sys::reap(-1, 0).is_ok() {}
            }
            return;
        }
        loop {
            // Orphans become children of the caller (a subreaper), so this ends when there are no children.
            self.signal(libc::SIGKILL);
            match sys::reap(-1, libc::WNOHANG) {
                Ok((0, _)) => sys::give_way(),
                Ok(_) => while let Ok((1.., _)) = sys::reap(-1, libc::WNOHANG) {},
                Err(_) => return,
            }
        }
    }
}

/// Calls `f` with every process below this one. Its table is on the stack: where the kernel knows the tree none is needed.
#[inline(never)]
fn each_below(mut f: impl FnMut(pid_t)) {
    let mut found = [0; MOST];
    let mut count = 0;
    let me = sys::me();
    loop {
        let before = count;
        each_process(|pid, name| {
            let known = found.get(..count).unwrap_or_default();
            if pid != me
                && !known.contains(&pid)
                && let Some(parent) = parent_of(name)
                && (parent == me || known.contains(&parent))
                && let Some(slot) = found.get_mut(count)
            {
                *slot = pid;
                count += 1;
            }
        });
        if count == before {
            break;
        }
    }
    found.iter().take(count).for_each(|pid| f(*pid));
}

/// Calls `f` with every process that `/proc` shows, and what opens with its id in decimal.
fn each_process(f: impl FnMut(pid_t, &[u8])) {
    each_number(c"/proc", f);
}

/// Calls `f` with every number that something in `folder` is called by, and what opens with it in decimal.
pub(super) fn each_number(folder: &CStr, mut f: impl FnMut(c_int, &[u8])) {
    let Ok(folder) = sys::open(folder, libc::O_RDONLY | libc::O_DIRECTORY) else { return };
    let mut buffer = [0_u8; 8192];
    while let Ok(len @ 1..) = sys::entries(folder, &mut buffer) {
        let mut rest = buffer.get(..len).unwrap_or_default();
        // struct linux_dirent64: inode 8, offset 8, record length 2, type 1, name.
        while let Some([low, high]) = rest.get(16..18) {
            let size = usize::from(u16::from_ne_bytes([*low, *high]));
            let name = rest.get(19..size).unwrap_or_default();
            if let Some(found) = CStr::from_bytes_until_nul(name).ok().and_then(|n| number(n.to_bytes())) {
                f(found, name);
            }
            rest = rest.get(size.max(1)..).unwrap_or_default();
        }
    }
    sys::close(folder);
}

fn number(digits: &[u8]) -> Option<pid_t> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The parent of the process whose decimal id opens `name`.
fn parent_of(name: &[u8]) -> Option<pid_t> {
    let mut path = [0_u8; 40];
    let id = name.iter().take_while(|b| b.is_ascii_digit());
    for (to, from) in path.iter_mut().zip(b"/proc/".iter().chain(id).chain(b"/stat")) {
        *to = *from;
    }
    let fd = sys::open(CStr::from_bytes_until_nul(&path).ok()?, libc::O_RDONLY).ok()?;
    let mut text = [0_u8; 512];
    let len = sys::read(fd, &mut text);
    sys::close(fd);
    let text = text.get(..len.ok()?)?;
    // `pid (name) state parent …`; the name may hold anything, so count from the last parenthesis.
    let after = text.iter().rposition(|b| *b == b')')?;
    let mut words = text.get(after + 1..)?.split(|b| *b == b' ').filter(|w| !w.is_empty());
    number(words.nth(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_found_whatever_the_name_of_the_process() {
        assert_eq!(parent_of(format!("{}\0", sys::me()).as_bytes()), Some(sys::parent()));
        let mut seen = Vec::new();
        each_process(|pid, name| seen.push((pid, parent_of(name))));
        assert!(seen.contains(&(sys::me(), Some(sys::parent()))), "{seen:?}");
    }
}
