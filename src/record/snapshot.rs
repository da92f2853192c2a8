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
/// Bytes before what is summed: magic, its length, and the sum.
const HEAD: usize = 16 + 8 + 32;
const NAMES: [&str; 2] = ["snapshot.0", "snapshot.1"];

/// A state and the record it stands after.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Snapshot {
    pub(super) point: Point,
    pub(super) state: State,
}

/// The newest readable snapshot, and which of the two files to write next.
pub(super) fn load(folder: &Path) -> (Option<Snapshot>, usize) {
    let files = NAMES.map(|name| slurp(&folder.join(name)));
    let [first, second] = files.each_ref().map(|bytes| bytes.as_deref().and_then(claimed));
    // The other one is only read where this is not what its beginning claims.
    let order = if first >= second { [0, 1] } else { [1, 0] };
    let read = |which: usize| Some((decode(files.get(which)?.as_deref()?)?, which ^ 1));
    order.into_iter().find_map(read).map_or((None, 1), |(snapshot, next)| (Some(snapshot), next))
}

/// The record that a snapshot says it stands after.
fn claimed(bytes: &[u8]) -> Option<u64> {
    let mut body = bytes.get(HEAD..)?;
    Some(u64::from_le_bytes(take(&mut body)?))
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

    #[test]
    fn the_newer_one_is_read_and_the_other_where_that_is_garbage() {
        let folder = tempfile::tempdir().unwrap();
        let put = |which: usize, bytes: &[u8]| std::fs::write(folder.path().join(NAMES[which]), bytes).unwrap();
        let found = || {
            let (snapshot, next) = load(folder.path());
            (snapshot.map(|snapshot| snapshot.point.seq), next)
        };
        let of = |seq| encode(&Snapshot { point: Point { seq, ..Point::default() }, state: State::default() });
        assert_eq!(found(), (None, 1));
        for [first, second] in [[16, 32], [48, 32]] {
            put(0, &of(first));
            put(1, &of(second));
            let (newer, older) = if first > second { (0, 1) } else { (1, 0) };
            assert_eq!(found(), (Some(first.max(second)), older));
            let mut broken = of(first.max(second));
            *broken.last_mut().unwrap() ^= 1;
            put(newer, &broken);
            assert_eq!(found(), (Some(first.min(second)), newer));
            put(newer, b"guard");
            assert_eq!(found(), (Some(first.min(second)), newer));
        }
        put(1, b"");
        assert_eq!(found(), (None, 1));
    }
}
