//! The few operations on the system that the log's safety rests on, so that tests can let each of them fail.
//! Knows nothing of records.

use chrono::{DateTime, Utc};
use rustix::fs::{FallocateFlags, FlockOperation, fallocate, fdatasync, flock};
use rustix::io::{Errno, pwrite, write};
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// The steps of the append protocol, in order; a test may stop or fail at each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The lock is about to be taken.
    Lock,
    /// The lock is held; the tail is about to be read.
    Tail,
    /// Room is about to be reserved.
    Reserve,
    /// The lines are about to be written.
    Write,
    /// They are written; the lock is about to be released.
    Unlock,
    /// They are about to be made durable.
    Sync,
    /// The key state is about to be advanced: once before each of its two slots.
    Keys,
    /// The snapshot is about to be written.
    Snapshot,
    /// Everything is done.
    Done,
    /// A blob is about to be written to its temporary file.
    BlobWrite,
    /// A blob is about to be made durable.
    BlobSync,
    /// A blob is about to get its name.
    BlobName,
}

/// Operations on open files. The methods given here are the real ones.
pub trait Files {
    /// The time of a record.
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    /// How long to wait for the lock.
    fn patience(&self) -> Duration {
        Duration::from_secs(10)
    }

    /// Called before each step.
    fn at(&self, _step: Step) -> Result<(), Errno> {
        Ok(())
    }

    /// Takes or releases the lock of an open file.
    fn lock(&self, fd: BorrowedFd<'_>, operation: FlockOperation) -> Result<(), Errno> {
        flock(fd, operation)
    }

    /// Appends in one call; may write less.
    fn write(&self, fd: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize, Errno> {
        write(fd, bytes)
    }

    /// Makes what was written durable.
    fn sync(&self, fd: BorrowedFd<'_>) -> Result<(), Errno> {
        fdatasync(fd)
    }

    /// Takes disk space beyond the end of the file without changing its length.
    fn reserve(&self, fd: BorrowedFd<'_>, offset: u64, length: u64) -> Result<(), Errno> {
        fallocate(fd, FallocateFlags::KEEP_SIZE, offset, length)
    }

    /// Overwrites in place.
    fn put(&self, fd: BorrowedFd<'_>, bytes: &[u8], offset: u64) -> Result<(), Errno> {
        let written = pwrite(fd, bytes, offset)?;
        if written == bytes.len() { Ok(()) } else { Err(Errno::IO) }
    }
}

/// The real file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl Files for Disk {}
