//! Memory that is in no process and in no folder: files in memory without a name (`memfd_create`) that are open and not
//! mapped, and segments of System V's shared memory that nobody has attached.
//! Allocates nothing, since the first process does the looking. Knows nothing of limits.

#![expect(unsafe_code, reason = "system calls without the C library, as the first process shares guard's memory")]

use super::digits::{self, LONGEST};
use super::raw;
use super::sys;
use super::tree::{self, Tree};
use libc::{c_int, pid_t};
use std::ffi::CStr;
use std::mem::MaybeUninit;

/// Files that are told apart; one that several processes have open counts again from there on.
const MOST: usize = 1024;
/// `TMPFS_MAGIC`, `HUGETLBFS_MAGIC` of statfs(2).
const IN_MEMORY: [i64; 2] = [0x0102_1994, 0x9584_58f6];

/// What a file is, as far as it counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct File {
    device: u64,
    inode: u64,
    bytes: u64,
}

/// Bytes of files in memory without a name that any process of `tree` has open, but for those in the file systems of
/// `counted`, whose use is known as a whole.
#[inline(never)]
pub(super) fn open(tree: &Tree, counted: &[&CStr]) -> u64 {
    let mut known = [File::default(); MOST];
    let (mut count, mut total) = (0, 0_u64);
    let mut folders = [u64::MAX; 8];
    for (slot, at) in folders.iter_mut().zip(counted) {
        *slot = stat(at).map_or(u64::MAX, |found| found.st_dev);
    }
    tree.each(|pid| {
        each_open(pid, |path| {
            let Some(file) = nameless(path).filter(|file| !folders.contains(&file.device)) else { return };
            let seen = known.get(..count).unwrap_or_default();
            if seen.iter().any(|other| (other.device, other.inode) == (file.device, file.inode)) {
                return;
            }
            if let Some(slot) = known.get_mut(count) {
                *slot = file;
                count += 1;
            }
            total = total.saturating_add(file.bytes);
        });
    });
    total
}

/// Calls `f` with the name in `/proc` of everything that a process has open.
fn each_open(pid: pid_t, mut f: impl FnMut(&CStr)) {
    let mut path = [0; LONGEST];
    let Some(folder) = digits::path(&mut path, b"/proc/", pid, b"/fd") else { return };
    tree::each_number(folder, |number, _| {
        let (mut path, mut before) = ([0; LONGEST], [0; LONGEST]);
        let Some(folder) = digits::path(&mut before, b"/proc/", pid, b"/fd/") else { return };
        if let Some(path) = digits::path(&mut path, folder.to_bytes(), number, b"") {
            f(path);
        }
    });
}

/// The file without a name and in memory that `path` leads to.
fn nameless(path: &CStr) -> Option<File> {
    let found = stat(path)?;
    if found.st_nlink != 0 || found.st_mode & libc::S_IFMT != libc::S_IFREG || !is_in_memory(path) {
        return None;
    }
    let bytes = u64::try_from(found.st_blocks).unwrap_or(0).saturating_mul(512);
    Some(File { device: found.st_dev, inode: found.st_ino, bytes })
}

fn stat(path: &CStr) -> Option<libc::stat> {
    let mut found = MaybeUninit::<libc::stat>::zeroed();
    filled(libc::SYS_newfstatat, path, found.as_mut_ptr().expose_provenance())?;
    // SAFETY: the kernel filled it; numbers are valid whatever they are.
    Some(unsafe { found.assume_init() })
}

fn is_in_memory(path: &CStr) -> bool {
    let mut found = MaybeUninit::<libc::statfs>::zeroed();
    if filled(libc::SYS_statfs, path, found.as_mut_ptr().expose_provenance()).is_none() {
        return false;
    }
    // SAFETY: as above.
    let kind = unsafe { found.assume_init() }.f_type;
    IN_MEMORY.iter().any(|memory| i128::from(*memory) == i128::from(kind))
}

/// Has the kernel say what is at `path`, in the structure at `into`.
fn filled(number: i64, path: &CStr, into: usize) -> Option<()> {
    let path = path.as_ptr().expose_provenance();
    let arguments = match number {
        libc::SYS_statfs => [path, into, 0, 0, 0],
        _ => [usize::from_ne_bytes((libc::AT_FDCWD as isize).to_ne_bytes()), path, into, 0, 0],
    };
    // SAFETY: `path` is a valid string, and both callers pass the structure that their call fills.
    (unsafe { raw::call(number, arguments) } == 0).then_some(())
}

/// Bytes in System V segments of this ipc namespace that no process has attached.
pub(super) fn detached() -> u64 {
    let Ok(fd) = sys::open(c"/proc/sysvipc/shm", libc::O_RDONLY) else { return 0 };
    let mut buffer = [0_u8; 4096];
    let mut sum = Segments::default();
    while let Ok(len @ 1..) = sys::read(fd, &mut buffer) {
        buffer.iter().take(len).for_each(|byte| sum.take(*byte));
    }
    sys::close(fd);
    sum.total
}

/// The table of segments, read byte by byte: lines of numbers, after one of words.
#[derive(Debug, Default, PartialEq, Eq)]
struct Segments {
    total: u64,
    column: u32,
    number: Option<u64>,
    attached: u64,
    held: u64,
}

impl Segments {
    /// `key shmid perms size cpid lpid nattch … rss swap`
    const ATTACHED: u32 = 7;
    const RESIDENT: u32 = 15;
    const SWAPPED: u32 = 16;

    fn take(&mut self, byte: u8) {
        if byte.is_ascii_digit() {
            let number = self.number.unwrap_or(0).saturating_mul(10);
            self.number = Some(number.saturating_add(u64::from(byte - b'0')));
            return;
        }
        if let Some(number) = self.number.take() {
            self.column += 1;
            match self.column {
                Self::ATTACHED => self.attached = number,
                Self::RESIDENT | Self::SWAPPED => self.held = self.held.saturating_add(number),
                _ => {}
            }
        }
        if byte == b'\n' {
            if self.column >= Self::SWAPPED && self.attached == 0 {
                self.total = self.total.saturating_add(self.held);
            }
            (self.column, self.attached, self.held) = (0, 0, 0);
        }
    }
}

/// Descriptor numbers are small, so the longest name fits.
const _: () = assert!(LONGEST >= b"/proc/2147483647/fd/2147483647\0".len() && size_of::<c_int>() == 4);

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::FromRawFd;

    #[test]
    fn a_file_in_memory_without_a_name_is_known_and_no_other() {
        // SAFETY: a valid name; the descriptor is new.
        let memory = unsafe { std::fs::File::from_raw_fd(libc::memfd_create(c"x".as_ptr(), 0)) };
        std::io::Write::write_all(&mut &memory, &[1; 100_000]).unwrap();
        let disk = tempfile::tempfile_in(concat!(env!("CARGO_MANIFEST_DIR"), "/target")).unwrap();
        let found = |file: &std::fs::File| {
            let mut path = [0; LONGEST];
            let number = std::os::fd::AsRawFd::as_raw_fd(file);
            nameless(digits::path(&mut path, b"/proc/self/fd/", number, b"").unwrap()).map(|file| file.bytes)
        };
        assert_eq!((found(&memory), found(&disk)), (Some(102_400), None));
        let mut numbers = Vec::new();
        each_open(sys::me(), |path| numbers.push(path.to_owned()));
        assert!(numbers.len() >= 2 && numbers.iter().all(|path| path.to_bytes().starts_with(b"/proc/")), "{numbers:?}");
    }

    #[test]
    fn of_segments_those_count_that_nobody_has_attached() {
        let text = "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap\n\
            \x20        0          1   600              1000000    12    12      0     0     0     0     0 1763771000 1763771000 1763771000                995328                  4096\n\
            -123456789          2   600              1000000    12    12      2     0     0     0     0 1763771000 1763771000 1763771000                995328                     0\n";
        let mut sum = Segments::default();
        text.bytes().for_each(|byte| sum.take(byte));
        assert_eq!(sum.total, 999_424);
    }
}
