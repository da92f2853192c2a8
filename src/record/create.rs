//! A new log: its state folder, its seed, its first record, and its place in the index.
//! Killed at any point, it either has not happened or can be done again.

use super::keys::{Head, KeyFile};
use super::seal::chain;
use super::{Key, LOG_NAME, LogError, Point, index};
use crate::event::line::{self, Draft, Seal, hex};
use crate::event::{Detail, Human};
use chrono::{SubsecRound as _, Utc};
use rustix::fs::{AtFlags, CWD, RenameFlags, renameat_with};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// A new log, and the seed to be shown once.
#[derive(Debug)]
pub struct Created {
    /// Its state folder.
    pub state: PathBuf,
    /// Its name, 32 hex digits.
    pub log_id: String,
    /// The first record's key, 64 hex digits. Whoever keeps it can prove the whole log, offline; guard forgets it.
    pub seed: String,
}

/// Makes the log `log` of the project at `project`; `state_root` is guard's folder below the person's state folder.
/// A log that is already there is [`LogError::AlreadyCreated`], and nothing is changed.
pub fn create(state_root: &Path, project: &Path, log: &Path, policy_hash: &str) -> Result<Created, LogError> {
    let project = index::real(project)?;
    let log = log.to_owned();
    if let Some(id) = index::read(state_root, &project)? {
        let state = state_root.join(id);
        let records = KeyFile::open(&state.join("keys")).and_then(|k| k.read());
        let records = records.map(|c| c.head.map_or(0, |h| h.point.seq));
        match (log.symlink_metadata().is_ok(), records) {
            (true, _) => return Err(LogError::AlreadyCreated { log }),
            (false, Ok(0)) => {} // an earlier creation was cut short before the log got its name
            (false, Ok(records)) => return Err(LogError::Missing { log, records }),
            (false, Err(e)) => return Err(e),
        }
    } else if log.symlink_metadata().is_ok() {
        return Err(LogError::Unknown { log, project });
    }
    let (log_id, seed, tag_key) = (random::<16>()?, Key::new(random()?), random()?);
    let state = state_root.join(hex(&log_id));
    for folder in [state.join("run"), state.join("blobs/sha256"), state_root.join("index")] {
        folders(&folder)?;
    }
    let keys = KeyFile::create(&state.join("keys"), log_id, tag_key, &seed)?;
    new_file(&state.join("lock"), 0o600)?;
    index::place(&state.join("project"), project.as_os_str().as_encoded_bytes())?;
    index::sync_folder(&state)?;
    index::sync_folder(state_root)?;
    index::write(state_root, &project, &hex(&log_id))?;
    let head = first_record(&log, &hex(&log_id), policy_hash, &seed)?;
    keys.set(&head)?;
    Ok(Created { state, log_id: hex(&log_id), seed: hex(seed.bytes()) })
}

/// Writes the first record into a file that gets its name only when it is whole.
fn first_record(log: &Path, log_id: &str, policy_hash: &str, seed: &Key) -> Result<Head, LogError> {
    let human = Human::Fields {
        skill: "GUARD".into(),
        action: "INIT".into(),
        target: LOG_NAME.into(),
        result: "SUCCESS".into(),
    };
    let detail = Detail::Created {
        log_id: log_id.to_owned(),
        guard: env!("CARGO_PKG_VERSION").into(),
        policy: policy_hash.to_owned(),
        seed_fingerprint: seed.fingerprint(),
    };
    let draft = Draft::new(&human, &detail, &[]).map_err(|e| LogError::system("write", log, e))?;
    let now = Utc::now().trunc_subsecs(6);
    let mut bytes = Vec::new();
    draft.write(&mut bytes, now, (None, None));
    let hash = chain(&[0; 32], &bytes);
    line::seal(&mut bytes, &Seal { seq: 1, hash, mac: seed.mac(&hash) });

    let failed = |e: std::io::Error| {
        if e.kind() == std::io::ErrorKind::StorageFull {
            LogError::Full { log: log.to_owned(), cause: e.to_string() }
        } else {
            LogError::system("create", log, e)
        }
    };
    let temporary = log.with_file_name(format!(".{LOG_NAME}.{log_id}"));
    let mut file = new_file(&temporary, 0o640)?;
    let written = file.write_all(&bytes).and_then(|()| file.sync_all());
    let named = written.map_err(failed).and_then(|()| {
        renameat_with(CWD, &temporary, CWD, log, RenameFlags::NOREPLACE)
            .or_else(|_| rustix::fs::linkat(CWD, &temporary, CWD, log, AtFlags::empty()))
            .map_err(|e| failed(e.into()))
    });
    let _ = fs::remove_file(&temporary);
    named?;
    index::sync_folder(log.parent().unwrap_or(log))?;
    let mut key = seed.clone();
    key.ratchet();
    Ok(Head { point: Point { seq: 1, hash, end: bytes.len() as u64, micros: now.timestamp_micros() }, key })
}

/// 32 hex digits that were never used before.
pub fn nonce() -> Result<String, LogError> {
    random::<16>().map(|bytes| hex(&bytes))
}

pub(super) fn random<const N: usize>() -> Result<[u8; N], LogError> {
    let mut bytes = [0; N];
    let mut rest = bytes.as_mut_slice();
    while !rest.is_empty() {
        let got = rustix::rand::getrandom(&mut *rest, rustix::rand::GetRandomFlags::empty())
            .map_err(|e| LogError::system("read", "/dev/urandom", e))?;
        rest = rest.get_mut(got..).unwrap_or_default();
    }
    Ok(bytes)
}

fn folders(path: &PathBuf) -> Result<(), LogError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|e| LogError::system("create", path, e))
}

fn new_file(path: &Path, mode: u32) -> Result<fs::File, LogError> {
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .map_err(|e| LogError::system("create", path, e))
}
