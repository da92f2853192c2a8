//! The snapshot: the state after some record, so that opening costs the same however long the log is.
//! Only a shortcut: whatever is wrong with it, the log itself is read instead.

use super::keys::take;
use super::{Files, Point};
use crate::event::State;
use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, read};
use sha2::{Digest, Sha256};
use std::os::fd::AsFd;
use std::path::Path;

const MAGIC: &[u8; 16] = b"guard snapshot1\n";
/// Another version of guard may fold otherwise.
const VERSION: &str = env!("CARGO_PKG_VERSION");
const NAMES: [&str; 2] = ["snapshot.0", "snapshot.1"];

/// A state and the record it stands after.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Snapshot {
    pub(super) point: Point,
    pub(super) state: State,
}

/// The newest readable snapshot, and which of the two files to write next.
pub(super) fn load(folder: &Path) -> (Option<Snapshot>, usize) {
    let [a, b] = NAMES.map(|name| slurp(&folder.join(name)).and_then(|bytes| decode(&bytes)));
    match (a, b) {
        (Some(a), Some(b)) if a.point.seq >= b.point.seq => (Some(a), 1),
        (_, Some(b)) => (Some(b), 0),
        (a, None) => (a, 1),
    }
}

fn slurp(path: &Path) -> Option<Vec<u8>> {
    let fd = open(path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW, Mode::empty()).ok()?;
    let mut bytes = vec![0; 8192];
    let mut got = 0;
    loop {
        let n = read(&fd, bytes.get_mut(got..)?).ok()?;
        got += n;
        if n == 0 {
            break;
        }
        if got == bytes.len() {
            bytes.resize(got * 2, 0);
        }
    }
    bytes.truncate(got);
    Some(bytes)
}

/// Writes the snapshot over the older of the two files, without waiting for the disk.
pub(super) fn store<F: Files>(files: &F, folder: &Path, which: usize, snapshot: &Snapshot) -> Result<(), Errno> {
    let name = NAMES.get(which % 2).copied().unwrap_or_default();
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let fd = open(folder.join(name), flags, Mode::RUSR | Mode::WUSR)?;
    files.put(fd.as_fd(), &encode(snapshot), 0)
}

fn encode(snapshot: &Snapshot) -> Vec<u8> {
    let state = serde_json::to_vec(&snapshot.state).unwrap_or_default();
    let mut body = Vec::with_capacity(state.len() + 96);
    body.extend(snapshot.point.seq.to_le_bytes());
    body.extend(snapshot.point.hash);
    body.extend(snapshot.point.end.to_le_bytes());
    body.extend(snapshot.point.micros.to_le_bytes());
    body.extend(state);
    let mut out = MAGIC.to_vec();
    out.extend((body.len() as u64).to_le_bytes());
    out.extend(checksum(&body));
    out.extend(body);
    out
}

fn checksum(body: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(VERSION).chain_update(body).finalize().into()
}

fn decode(bytes: &[u8]) -> Option<Snapshot> {
    let mut rest = bytes.strip_prefix(MAGIC)?;
    let length = u64::from_le_bytes(take(&mut rest)?);
    let sum: [u8; 32] = take(&mut rest)?;
    let mut body = rest.get(..usize::try_from(length).ok()?)?;
    if checksum(body) != sum {
        return None;
    }
    let seq = u64::from_le_bytes(take(&mut body)?);
    let hash = take(&mut body)?;
    let end = u64::from_le_bytes(take(&mut body)?);
    let micros = i64::from_le_bytes(take(&mut body)?);
    Some(Snapshot { point: Point { seq, hash, end, micros }, state: serde_json::from_slice(body).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_comes_back_and_one_flipped_bit_makes_it_garbage() {
        let state = State { records: 7, runs: 3, ..State::default() };
        let snapshot = Snapshot { point: Point { seq: 7, hash: [9; 32], end: 1234, micros: -5 }, state };
        let bytes = encode(&snapshot);
        assert_eq!(decode(&bytes), Some(snapshot));
        for at in 0..bytes.len() {
            let mut broken = bytes.clone();
            broken[at] ^= 1;
            assert_eq!(decode(&broken), None, "bit in byte {at}");
        }
    }
}
