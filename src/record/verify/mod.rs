//! Proving the log: one pass over the file, hashed on several cores, in constant memory.
//! Says what it found; who is told, and how, is a door's business.

mod chunk;
mod ledger;
mod pass;

pub use pass::verify;

use super::Key;
use std::path::PathBuf;

/// What to prove, and by what.
#[derive(Debug, Clone)]
pub struct Proof {
    /// The log.
    pub log: PathBuf,
    /// Its state folder, for the key state, the blobs and the running commands.
    pub state: Option<PathBuf>,
    /// The seed shown at `guard init`: with it no record can be forged, and none can be missing before the last one. It
    /// does not tell which is the last.
    pub seed: Option<Key>,
    /// A sequence number and hash noted elsewhere, which the log must reach.
    pub head: Option<(u64, [u8; 32])>,
    /// Threads that hash.
    pub workers: usize,
}

/// What the proof came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is missing or changed (exit 0).
    Whole,
    /// Something is (exit 1).
    Tampered,
    /// Nothing is, but there are torn lines (exit 2).
    Torn,
    /// Neither seed, key state nor head is there to tell (exit 3).
    Undecided,
    /// Every record is proved by the seed, but neither key state nor head tells whether more followed (exit 4).
    Unended,
}

impl Verdict {
    /// The exit code that says it.
    pub fn code(self) -> u8 {
        match self {
            Verdict::Whole => 0,
            Verdict::Tampered => 1,
            Verdict::Torn => 2,
            Verdict::Undecided => 3,
            Verdict::Unended => 4,
        }
    }
}

/// A place where the log does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// The line, from 1.
    pub line: u64,
    /// The record that should stand there.
    pub seq: u64,
    /// What is wrong.
    pub what: String,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The verdict.
    pub verdict: Verdict,
    /// Records read.
    pub records: u64,
    /// Hash of the last good one.
    pub hash: [u8; 32],
    /// The first bad line.
    pub flaw: Option<Flaw>,
    /// Torn lines that a record vouches for.
    pub tears: u64,
    /// Whether MACs were checked.
    pub macs: bool,
    /// Starts without an end whose command still runs.
    pub running: Vec<u64>,
    /// What else a person should know.
    pub notes: Vec<String>,
}
