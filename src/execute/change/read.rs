//! What really changes: the upper layer of an overlay compared with the project below it.
//! Goes from folder to folder without recursion, and gives up (`cut`) where a command wrote more than can be judged.

use super::error::ReadError;
use super::overlay::{self, Mark};
use super::side::{Folder, MODE, Side, hashed};
use super::stand::special;
use crate::action::{Change, ChangeSet, Node};
use rustix::fs::{FileType, Stat};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How much is looked at before a set is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Changed paths.
    pub changes: usize,
    /// Bytes of all changed paths together.
    pub paths: usize,
    /// Entries looked at, changed or not.
    pub entries: usize,
    /// Bytes of the names of those.
    pub names: usize,
    /// Bytes of content read from the upper layer, holes included: they are content to whoever reads the file.
    pub written: u64,
    /// Bytes of content read from the project.
    pub before: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            changes: 200_000,
            paths: 128 << 20,
            entries: 1_000_000,
            names: 64 << 20,
            written: 4 << 30,
            before: 32 << 30,
        }
    }
}

/// Reads what the overlay's upper layer at `upper` changes in `project`: whatever differs in kind, content, mode or target;
/// of a removed or replaced folder everything below. Owners, times and attributes are nothing that a project keeps.
/// The roots' own modes are not compared. The command must have ended.
///
/// # Errors
/// Where either cannot be read, the upper layer says what no overlay of guard's would, or the project changes meanwhile.
pub fn read(upper: &Path, project: &Path) -> Result<ChangeSet, ReadError> {
    read_within(upper, project, Bounds::default())
}

/// As [`read`], within other bounds.
///
/// # Errors
/// As for [`read`].
pub fn read_within(upper: &Path, project: &Path, bounds: Bounds) -> Result<ChangeSet, ReadError> {
    let mut walk = Walk { bounds, set: ChangeSet::default(), path: Vec::new(), levels: Vec::new() };
    let (upper, lower) = (Side::Upper.root(upper)?, Side::Lower.root(project)?);
    let mut whole = walk.descend(Some((upper, Mark::Merged)), Some(lower))?;
    while whole && let Some(level) = walk.levels.last_mut() {
        match level.names.pop() {
            Some(name) => whole = walk.visit(&name)?,
            None => walk.ascend()?,
        }
    }
    let mut set = walk.set;
    set.cut = !whole;
    set.changes.sort_by(|a, b| a.path.as_os_str().cmp(b.path.as_os_str()));
    set.left_out.sort();
    set.linked.sort();
    set.touched.sort();
    Ok(set)
}

/// Levels whose descriptors are held; those above are opened again on the way back.
const HELD: usize = 64;

/// A folder that is being looked through.
struct Level {
    /// In the upper layer, if it is there; below a level without it there is none.
    upper: Option<Folder>,
    /// In the project, if it is there; below a level without it there is none.
    lower: Option<Folder>,
    /// Whether what the upper layer does not hold is gone.
    opaque: bool,
    /// Whether whiteouts may be plain files here.
    whiteouts: bool,
    /// Names still to be looked at.
    names: Vec<OsString>,
    /// Bytes of the path to the folder above.
    above: usize,
}

struct Walk {
    bounds: Bounds,
    set: ChangeSet,
    /// Of the innermost level, or of what is looked at in it.
    path: Vec<u8>,
    levels: Vec<Level>,
}

/// What was found under a name on one side.
enum Found {
    Nothing,
    Node(Node),
    Folder(Node, Folder),
    /// Its content is more than may be read.
    TooMuch,
}

/// What stands under a name after and before.
struct Seen {
    after: Found,
    before: Found,
    /// Of a folder.
    mark: Mark,
    /// By how many names a file goes.
    links: u64,
    /// When each was last written to.
    times: [Option<SystemTime>; 2],
}

/// When a file was last written to, as the file system says.
fn modified(stat: &Stat) -> Option<SystemTime> {
    let seconds = Duration::from_secs(u64::try_from(stat.st_mtime).ok()?);
    Some(UNIX_EPOCH + seconds + Duration::from_nanos(stat.st_mtime_nsec))
}

impl Walk {
    /// Goes into the folder that stands at the path; `false`: it holds more than may be looked at.
    fn descend(&mut self, upper: Option<(Folder, Mark)>, lower: Option<Folder>) -> Result<bool, ReadError> {
        let path = self.shown();
        let inherited = self.levels.last().is_some_and(|level| level.opaque);
        let mark = upper.as_ref().map(|(_, mark)| *mark);
        let opaque = inherited || mark.is_none_or(|mark| mark == Mark::Opaque);
        let (mut names, room, bytes) = (Vec::new(), &mut self.bounds.entries, &mut self.bounds.names);
        let mut whole = true;
        if let Some((upper, _)) = &upper {
            whole = upper.names(&mut names, room, bytes, &path)?;
        }
        if let Some(lower) = lower.as_ref().filter(|_| opaque && whole) {
            whole = lower.names(&mut names, room, bytes, &path)?;
            names.sort_unstable();
            names.dedup();
        }
        let above = self.levels.last().map_or(0, |_| self.path.iter().rposition(|b| *b == b'/').unwrap_or(0));
        let upper = upper.map(|(folder, _)| folder);
        self.levels.push(Level { upper, lower, opaque, whiteouts: mark == Some(Mark::Whiteouts), names, above });
        let held = self.levels.len().checked_sub(HELD + 1);
        let (inner, far) = match held {
            Some(far) => {
                let (outer, inner) = self.levels.split_at_mut(far + 1);
                (inner.last(), outer.last_mut())
            }
            None => (None, None),
        };
        if let (Some(inner), Some(far)) = (inner, far) {
            // The way back leads through the folders below: where there is none on a side, that side stays open.
            for (below, outer) in [(&inner.upper, &mut far.upper), (&inner.lower, &mut far.lower)] {
                if let (Some(_), Some(outer)) = (below, outer) {
                    outer.release();
                }
            }
        }
        Ok(whole)
    }

    /// Leaves the innermost folder.
    fn ascend(&mut self) -> Result<(), ReadError> {
        let Some(left) = self.levels.pop() else { return Ok(()) };
        self.path.truncate(left.above);
        let path = self.shown();
        let Some(level) = self.levels.last_mut() else { return Ok(()) };
        for (below, outer) in [(&left.upper, &mut level.upper), (&left.lower, &mut level.lower)] {
            if let (Some(below), Some(outer)) = (below, outer) {
                outer.back(below, &path)?;
            }
        }
        Ok(())
    }

    /// Looks at one name of the innermost folder; `false`: it is more than may be looked at.
    fn visit(&mut self, name: &OsStr) -> Result<bool, ReadError> {
        let above = self.path.len();
        if above > 0 {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(name.as_bytes());
        let path = self.shown();
        let Seen { after, before, mark, links, times } = self.both_sides(name, &path)?;
        let (after, upper) = match after {
            Found::TooMuch => return Ok(false),
            Found::Nothing => (None, None),
            Found::Node(node) => (Some(node), None),
            Found::Folder(node, folder) => (Some(node), Some((folder, mark))),
        };
        let (before, lower) = match before {
            Found::TooMuch => return Ok(false),
            Found::Nothing => (None, None),
            Found::Node(node) => (Some(node), None),
            Found::Folder(node, folder) => (Some(node), Some(folder)),
        };
        if before == after {
            self.touched(path, before.as_ref(), times);
        } else if !self.note(Change { path, before, after }, links) {
            return Ok(false);
        }
        if upper.is_some() || lower.is_some() {
            return self.descend(upper, lower);
        }
        self.path.truncate(above);
        Ok(true)
    }

    /// What stands under `name` after and before.
    fn both_sides(&mut self, name: &OsStr, path: &Path) -> Result<Seen, ReadError> {
        let mut times = [None, None];
        let (mut after, mut mark, mut links) = (Found::Nothing, Mark::Merged, 0);
        let Some(level) = self.levels.last() else {
            return Ok(Seen { after, before: Found::Nothing, mark, links, times });
        };
        if let Some(upper) = &level.upper
            && let Some(stat) = Side::Upper.look(upper, name, path)?
            && !overlay::is_whiteout_device(&stat)
        {
            let empty = FileType::from_raw_mode(stat.st_mode).is_file() && stat.st_size == 0;
            if !(level.whiteouts && empty && Side::Upper.is_whiteout(upper, name, &stat, path)?) {
                after = found(Side::Upper, upper, name, &stat, &mut self.bounds.written, path)?;
                (links, times[0]) = (stat.st_nlink, modified(&stat));
            }
            if let Found::Folder(_, folder) = &after {
                mark = folder.mark(path)?;
            }
        }
        let mut before = Found::Nothing;
        if let Some(lower) = &level.lower
            && !matches!(after, Found::TooMuch)
            && let Some(stat) = Side::Lower.look(lower, name, path)?
        {
            before = found(Side::Lower, lower, name, &stat, &mut self.bounds.before, path)?;
            times[1] = modified(&stat);
        }
        Ok(Seen { after, before, mark, links, times })
    }

    /// Remembers that a file was written and stayed what it was; not of more files than may be changed.
    fn touched(&mut self, path: PathBuf, node: Option<&Node>, [after, before]: [Option<SystemTime>; 2]) {
        if let (Some(Node::File { .. }), Some(time)) = (node, after.filter(|_| after != before))
            && self.set.touched.len() < self.bounds.changes
        {
            self.set.touched.push((path, time));
        }
    }

    /// Adds a change; `false`: there are too many.
    fn note(&mut self, mut change: Change, links: u64) -> bool {
        let rest = (self.bounds.changes.checked_sub(1), self.bounds.paths.checked_sub(change.path.as_os_str().len()));
        let (Some(changes), Some(paths)) = rest else { return false };
        (self.bounds.changes, self.bounds.paths) = (changes, paths);
        match &change.after {
            Some(Node::Special { kind: "pipe" | "socket" }) => {
                self.set.left_out.push(change.path.clone());
                change.after = None;
            }
            Some(Node::File { .. }) if links > 1 => self.set.linked.push(change.path.clone()),
            Some(Node::File { .. } | Node::Link { .. } | Node::Folder { .. } | Node::Special { .. }) | None => {}
        }
        if change.before.is_some() || change.after.is_some() {
            self.set.changes.push(change);
        }
        true
    }

    fn shown(&self) -> PathBuf {
        PathBuf::from(OsString::from_vec(self.path.clone()))
    }
}

/// What stands under a name, its content read within `most` bytes.
fn found(
    side: Side,
    folder: &Folder,
    name: &OsStr,
    stat: &Stat,
    most: &mut u64,
    path: &Path,
) -> Result<Found, ReadError> {
    let mode = stat.st_mode & MODE;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => {
            // A hole of a terabyte is written in no time, and would be read for an hour.
            if u64::try_from(stat.st_size).is_ok_and(|len| len > *most) {
                return Ok(Found::TooMuch);
            }
            let fd = side.file(folder, name, stat, path)?;
            Ok(match hashed(fd, most, path)? {
                Some((len, sha256)) => Found::Node(Node::File { len, mode, sha256 }),
                None => Found::TooMuch,
            })
        }
        FileType::Directory => Ok(Found::Folder(Node::Folder { mode }, side.enter(folder, name, stat, path)?)),
        FileType::Symlink => Ok(Found::Node(Node::Link { to: side.link(folder, name, path)? })),
        kind @ (FileType::Fifo
        | FileType::Socket
        | FileType::CharacterDevice
        | FileType::BlockDevice
        | FileType::Unknown) => Ok(Found::Node(Node::Special { kind: special(kind).unwrap_or("unknown") })),
    }
}
