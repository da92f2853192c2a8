//! Standard input through a pipe of guard's own, where the caller's could be written to through `/proc/self/fd/0`.
//! The caller's input is taken no faster than the command reads: what it leaves is there for whoever reads next.

use crate::execute::ExecuteError;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{SeekFrom, seek};
use rustix::io::{Errno, ioctl_fionread, pread, read, write};
use rustix::net::{RecvFlags, recv};
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, tee};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};

/// One slot of a pipe: it can be written again only when all of it was read.
const SLOT: usize = 4096;

/// What the caller's standard input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// A pipe: looked at with `tee`, which takes nothing.
    Pipe,
    /// A file without a name.
    File,
    /// A local socket: looked at with `MSG_PEEK`, which takes nothing. What is passed along with bytes is not given: a descriptor
    /// that leaves the fence would be a way into it.
    Socket,
    /// A terminal: what was typed is taken line by line, since it can neither be looked at nor put back.
    Terminal,
}

/// Guard's end of the pipe.
#[derive(Debug)]
pub(in crate::execute) struct Feed {
    source: Source,
    end: OwnedFd,
    /// The command's end, until the fence has it.
    other: Option<OwnedFd>,
    /// Bytes shown to the command and not yet taken from the caller.
    shown: u64,
}

impl Feed {
    pub(super) fn new(source: Source) -> Result<Self, ExecuteError> {
        let trouble = |error: Errno| ExecuteError::System {
            what: "make a pipe for standard input".to_owned(),
            cause: error.to_string(),
        };
        let (other, end) = pipe_with(PipeFlags::CLOEXEC).map_err(trouble)?;
        fcntl_setpipe_size(&end, SLOT).map_err(trouble)?;
        Ok(Self { source, end, other: Some(other), shown: 0 })
    }

    /// The command's end, for the plan of the fence.
    pub(super) fn other(&self) -> RawFd {
        self.other.as_ref().map_or(-1, AsRawFd::as_raw_fd)
    }

    /// The fence has its end: guard's copy would keep the pipe open.
    pub(super) fn started(&mut self) {
        self.other = None;
    }

    /// What to wait for: the command to have read what it was shown, or else the caller to give more.
    pub(in crate::execute) fn awaits(&self) -> PollFd<'_> {
        if self.shown > 0 {
            PollFd::new(&self.end, PollFlags::OUT)
        } else {
            PollFd::from_borrowed_fd(stdin(), PollFlags::IN)
        }
    }

    /// One step, when that has come; false: there is nothing more to give, or nobody who reads.
    pub(in crate::execute) fn step(&mut self) -> bool {
        if self.shown > 0 {
            self.take();
            // Readers that are gone leave what they did not read.
            return self.shown == 0 || self.read_by_somebody();
        }
        match self.show() {
            Ok(0) => false,
            Ok(shown) => {
                self.shown = shown as u64;
                true
            }
            Err(Errno::AGAIN | Errno::INTR) => true,
            Err(_) => false,
        }
    }

    fn read_by_somebody(&self) -> bool {
        let mut fds = [PollFd::new(&self.end, PollFlags::OUT)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut fds, Some(&now)).is_ok() && !fds.iter().any(|fd| fd.revents().contains(PollFlags::ERR))
    }

    /// Puts the next bytes into the pipe without taking them from the caller; 0 at the end.
    fn show(&self) -> Result<usize, Errno> {
        match self.source {
            Source::Pipe => tee(stdin(), &self.end, SLOT, SpliceFlags::NONBLOCK),
            Source::Terminal => {
                let mut bytes = [0; SLOT];
                let len = read(stdin(), &mut bytes)?;
                write(&self.end, bytes.get(..len).unwrap_or_default())
            }
            Source::Socket => {
                let mut bytes = [0; SLOT];
                let (_, len) = recv(stdin(), &mut bytes, RecvFlags::PEEK | RecvFlags::DONTWAIT)?;
                write(&self.end, bytes.get(..len.min(SLOT)).unwrap_or_default())
            }
            Source::File => {
                let mut bytes = [0; SLOT];
                let len = pread(stdin(), &mut bytes, seek(stdin(), SeekFrom::Current(0))?)?;
                write(&self.end, bytes.get(..len).unwrap_or_default())
            }
        }
    }

    /// Takes from the caller what the command has read of what it was shown.
    fn take(&mut self) {
        let left = ioctl_fionread(&self.end).unwrap_or(0).min(self.shown);
        let mut rest = self.shown - left;
        self.shown = left;
        match self.source {
            Source::Pipe | Source::Socket => {}
            Source::Terminal => return,
            Source::File => {
                let _ = seek(stdin(), SeekFrom::Current(i64::try_from(rest).unwrap_or(0)));
                return;
            }
        }
        let mut bytes = [0; SLOT];
        while rest > 0 {
            let most = usize::try_from(rest).unwrap_or(SLOT).min(SLOT);
            // Another reader of the same pipe may have been quicker: then there is nothing to wait for.
            let mut fds = [PollFd::from_borrowed_fd(stdin(), PollFlags::IN)];
            let now = Timespec { tv_sec: 0, tv_nsec: 0 };
            if !matches!(poll(&mut fds, Some(&now)), Ok(1..)) {
                return;
            }
            match read(stdin(), bytes.get_mut(..most).unwrap_or_default()) {
                Ok(len @ 1..) => rest -= (len as u64).min(rest),
                Ok(0) | Err(_) => return,
            }
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.take();
    }
}

fn stdin() -> BorrowedFd<'static> {
    rustix::stdio::stdin()
}
