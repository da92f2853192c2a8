//! Mending, by a person's hand: lifting the bar after a failed sync, keys from the seed, a project that was moved.
//! Each looks first, and changes nothing where the log does not hold.

use super::keys::{Head, KeyFile};
use super::plain::open_log;
use super::scan::{Keyed, scan};
use super::snapshot::{self, Snapshot};
use super::{Disk, Key, LOG_NAME, Log, LogError, Paths, Point, Redactor, Secrets, index};
use crate::event::line::{self, Line, Machine, unhex};
use crate::event::{Detail, Entry, Human};
use rustix::fs::OFlags;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

/// What was mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mended {
    /// The bar was lifted; what it said.
    Bar(String),
    /// The key state was made anew from the seed, up to this record.
    Keys(u64),
    /// The log of a moved project was found again; where the project was.
    Moved(PathBuf),
}

/// Mends the log at `paths`: the key state, with the seed, if it is garbage; the bar, if there is one.
pub fn recover(paths: &Paths, seed: Option<&Key>) -> Result<Vec<Mended>, LogError> {
    let mut mended = Vec::new();
    if let Some(seed) = seed
        && KeyFile::open(&paths.state.join("keys")).and_then(|k| k.read()).map_or(true, |c| c.head.is_none())
    {
        mended.push(Mended::Keys(keys_from_seed(paths, seed)?));
    }
    let mut log = Log::open_barred(Disk, paths)?;
    if let Some(cause) = log.bar()? {
        let redactor = Redactor::new(log.tag_key(), Secrets::default());
        let human = Human::Fields {
            skill: "GUARD".into(),
            action: "RECOVER".into(),
            target: LOG_NAME.into(),
            result: "SUCCESS".into(),
        };
        log.append(&redactor, vec![Entry { human, detail: Detail::PoisonCleared { cause: cause.clone() } }])?;
        log.keys.poison("")?;
        mended.push(Mended::Bar(cause));
    }
    Ok(mended)
}

/// Makes the key state anew: every record up to the last must carry the MAC that the seed gives.
fn keys_from_seed(paths: &Paths, seed: &Key) -> Result<u64, LogError> {
    let log = std::fs::File::from(open_log(&paths.log, OFlags::RDONLY, 0)?);
    let size = log.metadata().map_err(|e| LogError::system("look at", &paths.log, e))?.len();
    let mut keyed = Some(Keyed { next: 1, key: seed.clone(), hash: [0; 32] });
    let point = scan((log.as_fd(), &paths.log), Point::default(), size, &mut keyed, &mut |_, _| {})?;
    let Some(Keyed { key, .. }) = keyed.filter(|_| point.seq > 0) else {
        return Err(LogError::Shorter { log: paths.log.clone(), has: 0, had: 1 });
    };
    // Without the key state the snapshot is all that remembers how long the log was.
    if let (Some(Snapshot { point: known, .. }), _) = snapshot::load(&paths.state)
        && known.seq > point.seq
    {
        return Err(LogError::Shorter { log: paths.log.clone(), has: point.seq, had: known.seq });
    }
    let head = Head { point, key };
    let path = paths.state.join("keys");
    let file = KeyFile::open(&path);
    if let Ok(file) = &file
        && file.read().is_ok()
    {
        file.set(&head)?;
        return Ok(point.seq);
    }
    // The header is gone too: a new one, so redaction tags differ from here on.
    let name = log_id(&log, &paths.log)?;
    let id = unhex(name.as_bytes()).ok_or_else(|| LogError::system("read", &paths.log, "its log id is garbage"))?;
    let aside = path.with_extension("broken");
    match std::fs::rename(&path, &aside) {
        Ok(()) => {}
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
        Err(e) => return Err(LogError::system("move away", path, e)),
    }
    KeyFile::create(&path, id, super::create::random()?, seed)?.set(&head)?;
    Ok(point.seq)
}

/// The log id in the first record.
fn log_id(log: &std::fs::File, path: &Path) -> Result<String, LogError> {
    let mut bytes = vec![0; line::LONGEST];
    let got = rustix::io::pread(log, &mut bytes, 0).map_err(|e| LogError::system("read", path, e))?;
    let text = bytes.get(..got).unwrap_or_default().split(|b| *b == b'\n').next().unwrap_or_default();
    match line::split(text).and_then(|(body, _)| line::parse(body).ok()) {
        Some(Line { machine: Machine::Known(Detail::Created { log_id, .. }), .. }) if index::is_log_id(&log_id) => {
            Ok(log_id)
        }
        _ => Err(LogError::Edited { log: path.to_owned(), seq: 1, what: "it is not the beginning of a log" }),
    }
}

/// Finds the state of a project that was moved, by the log id in its log, and notes where the project is now. A copy of a
/// project that is still in its place is refused: two logs cannot share one state.
pub fn relink(state_root: &Path, project: &Path) -> Result<(Paths, Mended), LogError> {
    let project = index::real(project)?;
    let log = project.join(LOG_NAME);
    let file = std::fs::File::from(open_log(&log, OFlags::RDONLY, 0)?);
    let id = log_id(&file, &log)?;
    let state = state_root.join(&id);
    let unknown = || LogError::Unknown { log: log.clone(), project: project.clone() };
    let keys = KeyFile::open(&state.join("keys")).map_err(|_| unknown())?.read()?;
    if line::hex(&keys.log_id) != id {
        return Err(unknown());
    }
    let old = std::fs::read(state.join("project")).map_err(|e| LogError::system("read", state.join("project"), e))?;
    let old = PathBuf::from(<std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(old));
    if old != project && old.join(LOG_NAME).symlink_metadata().is_ok() {
        return Err(LogError::system("take over the log of", old, "it is still there, so this is a copy"));
    }
    let paths = Paths { log, state };
    Log::open_barred(Disk, &paths)?;
    index::place(&paths.state.join("project"), project.as_os_str().as_encoded_bytes())?;
    index::write(state_root, &project, &id)?;
    Ok((paths, Mended::Moved(old)))
}
