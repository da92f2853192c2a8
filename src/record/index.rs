//! Which log belongs to a project: an index outside it, by the project's real path.

use super::{LogError, Paths};
use crate::event::line::hex;
use rustix::fs::{Mode, OFlags, open};
use sha2::{Digest, Sha256};
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// The log's name in every project.
pub const LOG_NAME: &str = "build_audit.log";

/// The state folder of the log of the project at `project`, if it has one; `state_root` is guard's folder below the
/// person's state folder.
pub fn find_state(state_root: &Path, project: &Path) -> Result<Option<PathBuf>, LogError> {
    Ok(read(state_root, &real(project)?)?.map(|log_id| state_root.join(log_id)))
}

/// Finds the log of the project at `project`, and says what is the matter where there is none.
pub fn find(state_root: &Path, project: &Path) -> Result<Paths, LogError> {
    find_real(state_root, &real(project)?)
}

/// The same for a path without links.
pub fn find_real(state_root: &Path, project: &Path) -> Result<Paths, LogError> {
    let log = project.join(LOG_NAME);
    match read(state_root, project)? {
        Some(log_id) => Ok(Paths { log, state: state_root.join(log_id) }),
        None if log.symlink_metadata().is_ok() => Err(LogError::Unknown { log, project: project.to_owned() }),
        None => Err(LogError::NotCreated { project: project.to_owned() }),
    }
}

/// The projects below `project` that have logs of their own. What cannot be read is no entry: it is found missing, and said
/// to be garbage, when that project is used.
pub fn below(state_root: &Path, project: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(state_root.join("index")) else { return Vec::new() };
    let own = entry(state_root, project);
    let others = entries.flatten().map(|entry| entry.path()).filter(|path| *path != own);
    let projects = others.filter_map(|path| {
        let bytes = fs::read(path).ok()?;
        let (_, owner) = bytes.split_at_checked(33)?;
        Some(PathBuf::from(OsStr::from_bytes(owner)))
    });
    projects.filter(|other| other.starts_with(project)).collect()
}

pub(super) fn real(project: &Path) -> Result<PathBuf, LogError> {
    project.canonicalize().map_err(|e| LogError::system("resolve", project, e))
}

fn entry(state_root: &Path, project: &Path) -> PathBuf {
    let name: [u8; 32] = Sha256::digest(project.as_os_str().as_bytes()).into();
    state_root.join("index").join(hex(&name))
}

/// The log id noted for a project.
pub(super) fn read(state_root: &Path, project: &Path) -> Result<Option<String>, LogError> {
    let path = entry(state_root, project);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(LogError::system("read", path, e)),
    };
    let mut parts = bytes.splitn(2, |b| *b == b'\n');
    let id = parts.next().and_then(|id| std::str::from_utf8(id).ok()).filter(|id| is_log_id(id));
    match (id, parts.next()) {
        (Some(id), Some(owner)) if owner == project.as_os_str().as_bytes() => Ok(Some(id.to_owned())),
        _ => Err(LogError::system("read", path, "it is garbage; remove it and run `guard audit recover`")),
    }
}

/// Whether a text is a log's name; nothing else may become part of a path.
pub(super) fn is_log_id(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// Notes, durably, that the log `log_id` belongs to the project.
pub(super) fn write(state_root: &Path, project: &Path, log_id: &str) -> Result<(), LogError> {
    let path = entry(state_root, project);
    let mut bytes = log_id.as_bytes().to_vec();
    bytes.push(b'\n');
    bytes.extend(project.as_os_str().as_bytes());
    place(&path, &bytes)
}

/// Writes a small file durably under its name: temporary file, sync, rename, sync of the folder.
pub(super) fn place(path: &Path, bytes: &[u8]) -> Result<(), LogError> {
    let failed = |e: std::io::Error| LogError::system("write", path, e);
    let temporary = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = fs::File::create(&temporary).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(&temporary, path).map_err(failed)?;
    sync_folder(path.parent().unwrap_or(path))
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> Result<(), LogError> {
    let failed = |e: rustix::io::Errno| LogError::system("sync", folder, e);
    let fd = open(folder, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).map_err(failed)?;
    rustix::fs::fsync(&fd).map_err(failed)
}
