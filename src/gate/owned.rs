//! Files that count only where nobody but their owner could have written them: a person's and a machine's policy,
//! configuration, and what the configuration names.
//! Knows nothing of what they hold.

use super::project::shown;
use crate::notify::FileSort;
use std::fs;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Bytes of a certificate file, at most; secrets have a bound of their own.
const LONGEST: u64 = 1 << 20;

/// Why a file does not count.
#[derive(Debug)]
pub(super) enum Unfit {
    /// It cannot be read.
    Unreadable(String),
    /// Somebody else could have written it.
    Loose(String),
}

/// A file's text, if it is there; it and its folder must belong to `owner` or root and be writable by nobody else.
pub(super) fn text(path: &Path, owner: u32) -> Result<Option<String>, Unfit> {
    let unreadable = |error: std::io::Error| Unfit::Unreadable(error.to_string());
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    for place in [Some(path), path.parent()].into_iter().flatten() {
        let meta = fs::metadata(place).map_err(unreadable)?;
        if let Some(cause) = loose(&format!("`{}`", shown(place)), &meta, owner, 0o022) {
            return Err(Unfit::Loose(cause));
        }
    }
    Ok(Some(text))
}

/// A file that a configuration in `folder` names. It must lie in that folder, which is hidden from commands, under no other
/// name besides. A secret may be read by its owner alone; where root owns it, by a group as well.
pub(super) fn beside(folder: &Path, name: &str, owner: u32, sort: FileSort) -> Result<Vec<u8>, String> {
    let path = fs::canonicalize(folder.join(name)).map_err(|error| error.to_string())?;
    let real = fs::canonicalize(folder).map_err(|error| error.to_string())?;
    if !path.starts_with(&real) {
        return Err(format!("it does not lie in `{}`, which is hidden from commands", shown(&real)));
    }
    let mut options = fs::OpenOptions::new();
    options.read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_NOFOLLOW);
    let file = options.open(&path).map_err(|error| error.to_string())?;
    let found = file.metadata().map_err(|error| error.to_string())?;
    if !found.is_file() {
        return Err("it is not a plain file".into());
    }
    let (shut, most) = match sort {
        FileSort::Secret if found.uid() == 0 && owner != found.uid() => (0o027, crate::notify::LONGEST_SECRET),
        FileSort::Secret => (0o077, crate::notify::LONGEST_SECRET),
        FileSort::Public => (0o022, LONGEST),
    };
    if let Some(cause) = loose("it", &found, owner, shut) {
        return Err(cause);
    }
    if found.nlink() != 1 {
        return Err(format!("it has {} names (hard links), so that hiding one is not enough", found.nlink()));
    }
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > most {
        return Err(format!("it is larger than {most} bytes"));
    }
    Ok(bytes)
}

/// Why a file is not its owner's alone: `shut` are the permissions that nobody may have.
fn loose(name: &str, found: &fs::Metadata, owner: u32, shut: u32) -> Option<String> {
    if found.uid() != owner && found.uid() != 0 {
        return Some(format!("{name} belongs to user {}", found.uid()));
    }
    let others = if shut & 0o044 == 0 { "written" } else { "read" };
    (found.mode() & shut != 0).then(|| format!("{name} can be {others} by others (mode {:o})", found.mode() & 0o7777))
}
