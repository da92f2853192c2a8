//! What stands in the project compared with what a set of changes says: whether somebody else was at work there.
//! Changes nothing.

use super::overlay;
use super::place::Root;
use super::stage::{Basis, ChangeError, Conflict, hash, system};
use crate::action::{ChangeSet, Node};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, Statx, StatxAttributes, StatxFlags, openat};
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Nothing may stand there that is not what the set says, or was touched meanwhile.
pub(super) fn unchanged(root: &Root, set: &ChangeSet, basis: Basis) -> Result<(), ChangeError> {
    for change in &set.changes {
        let found = root.stat(&change.path).map_err(|error| system("look at", &change.path, error))?;
        let conflict = match (&change.before, found) {
            (None, None) => continue,
            (None, Some(_)) => Conflict::Made,
            (Some(_), None) => Conflict::Gone,
            (Some(node), Some(found)) => {
                let stays = change.after.as_ref().is_some_and(Node::is_folder);
                let same = stands(root, &change.path, node, (&found, stays), basis)
                    .map_err(|error| system("look at", &change.path, error))?;
                if same && (change.after.is_some() || !node.is_folder() || holds_no_more(root, &change.path, set)?) {
                    continue;
                }
                Conflict::Changed
            }
        };
        return Err(ChangeError::Conflict { path: change.path.clone(), conflict });
    }
    Ok(())
}

/// Everything that goes or is replaced must be able to: once it is on record, nothing may stand in the way. An attribute
/// (`chattr +i`, `+a`) of a file or its folder does, which no mode tells of, a sticky folder where both are somebody else's, and
/// what is mounted there.
pub(super) fn replaceable(root: &Root, set: &ChangeSet) -> Result<(), ChangeError> {
    let fixed = |found: &Statx, bits: StatxAttributes| found.stx_attributes.intersects(bits);
    let (me, both) = (rustix::process::geteuid(), StatxAttributes::IMMUTABLE | StatxAttributes::APPEND);
    for change in set.changes.iter().filter(|change| change.before.is_some()) {
        let trouble = |error| system("replace", &change.path, error);
        let (parent, name) = root.parent(&change.path).map_err(trouble)?;
        let look = |name: &OsStr, flags| rustix::fs::statx(&parent, name, flags, StatxFlags::BASIC_STATS);
        let folder = look(OsStr::new(""), AtFlags::EMPTY_PATH).map_err(trouble)?;
        let found = look(name, AtFlags::SYMLINK_NOFOLLOW).map_err(trouble)?;
        let sticky =
            folder.stx_mode & 0o1000 != 0 && !me.is_root() && ![folder.stx_uid, found.stx_uid].contains(&me.as_raw());
        if fixed(&folder, both) || fixed(&found, both) || sticky {
            return Err(trouble(Errno::PERM));
        }
        if fixed(&found, StatxAttributes::MOUNT_ROOT) {
            return Err(trouble(Errno::BUSY));
        }
    }
    Ok(())
}

/// Whether what stands there is `node`, untouched since the transaction began; `stays`: a folder that is one afterwards.
pub(super) fn stands(
    root: &Root,
    path: &Path,
    node: &Node,
    (found, stays): (&Stat, bool),
    basis: Basis,
) -> Result<bool, Errno> {
    let kind = FileType::from_raw_mode(found.st_mode);
    let mode = found.st_mode & 0o7777;
    let untouched = match basis {
        Basis::Since(began) => at(found.st_ctime, found.st_ctime_nsec) < began,
        Basis::Content => true,
    };
    Ok(match node {
        Node::File { len, mode: wanted, sha256 } => {
            kind == FileType::RegularFile
                && (mode, u64::try_from(found.st_size).unwrap_or(0)) == (*wanted, *len)
                && untouched
                && (basis != Basis::Content || hash(File::from(root.file(path)?))? == *sha256)
        }
        Node::Link { to } => {
            let (parent, name) = root.parent(path)?;
            kind == FileType::Symlink
                && untouched
                && rustix::fs::readlinkat(&parent, name, Vec::new())?.to_bytes() == to.as_os_str().as_bytes()
        }
        // Whoever makes something in a folder touches it. One that stays may have been opened for what comes into it.
        Node::Folder { mode: wanted } => {
            kind == FileType::Directory && (mode == *wanted || stays && mode == *wanted | 0o700) && (untouched || stays)
        }
        Node::Special { kind: wanted } => special(kind) == Some(*wanted) && untouched,
    })
}

/// What is neither file nor link nor folder, and the words for it.
const SPECIAL: [(FileType, &str); 5] = [
    (FileType::Fifo, "pipe"),
    (FileType::Socket, "socket"),
    (FileType::CharacterDevice, "character device"),
    (FileType::BlockDevice, "block device"),
    (FileType::Unknown, "unknown"),
];

/// The word for such a thing; `None`: it is none.
pub(in crate::execute) fn special(kind: FileType) -> Option<&'static str> {
    SPECIAL.iter().find(|(known, _)| *known == kind).map(|(_, word)| *word)
}

/// The same from the word as it was written down.
pub(super) fn special_called(word: &str) -> Option<&'static str> {
    SPECIAL.iter().map(|(_, known)| *known).find(|known| *known == word)
}

/// Whether a folder that goes holds nothing but what goes with it.
fn holds_no_more(root: &Root, path: &Path, set: &ChangeSet) -> Result<bool, ChangeError> {
    let trouble = |error| system("read the folder", path, error);
    let folder = root.folder(path).map_err(trouble)?;
    for entry in Dir::read_from(&folder).map_err(trouble)? {
        let entry = entry.map_err(trouble)?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        let known =
            |path: &Path| set.changes.binary_search_by(|change| super::apply::order(&change.path, path)).is_ok();
        if !matches!(name.as_bytes(), b"." | b"..") && !known(&path.join(name)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// No folder on the way to a change may be another one than the command saw: moved away, with one of the same name moved into
/// its place, nothing in it need have been touched.
pub(super) fn nothing_swapped(
    root: &Root,
    set: &ChangeSet,
    upper: &Path,
    began: SystemTime,
) -> Result<(), ChangeError> {
    let mut folders = BTreeSet::new();
    for change in &set.changes {
        for folder in change.path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()) {
            // Those above it are known as well.
            if !folders.insert(folder) {
                break;
            }
        }
    }
    let trouble = |path: &Path, error| system("look at", path, error);
    for path in folders {
        let Some(found) = root.stat(path).map_err(|error| trouble(path, error))? else { continue };
        // Who moves a folder touches it, and writes to the folder it comes into.
        if !FileType::from_raw_mode(found.st_mode).is_dir() || at(found.st_ctime, found.st_ctime_nsec) < began {
            continue;
        }
        let (above, _) = root.parent(path).map_err(|error| trouble(path, error))?;
        let above = rustix::fs::fstat(&above).map_err(|error| trouble(path, error))?;
        let moved = at(above.st_mtime, above.st_mtime_nsec) >= began;
        // Who makes something in a folder sets both of its times, who moves it one of them.
        let alone = (found.st_mtime, found.st_mtime_nsec) != (found.st_ctime, found.st_ctime_nsec);
        if moved && !is_origin(upper, path, &found).unwrap_or(!alone) {
            return Err(ChangeError::Conflict { path: path.to_owned(), conflict: Conflict::Swapped });
        }
    }
    Ok(())
}

/// Whether the upper layer says that its folder `path` came from the very one that stands there now; `None`: it does not say.
fn is_origin(upper: &Path, path: &Path, found: &Stat) -> Option<bool> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let folder = openat(rustix::fs::CWD, upper.join(path), flags, Mode::empty()).ok()?;
    overlay::is_from(&folder, found.st_ino)
}

/// A file's time; its change time no program can set.
pub(super) fn at(seconds: i64, nanos: u64) -> SystemTime {
    UNIX_EPOCH + Duration::new(u64::try_from(seconds).unwrap_or(0), u32::try_from(nanos).unwrap_or(0))
}
