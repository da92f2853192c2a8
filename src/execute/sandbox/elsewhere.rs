//! Where what is hidden or closed lies a second time: the same file system mounted at another place (`mount --bind / /x`,
//! the top of a btrfs, a second `/proc`). Reads the table of mounts, and hides the other names as well.
//! Knows neither why something is hidden nor how.

use super::closed;
use crate::execute::Place;
use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Bytes that are read at once: the table of an ordinary machine.
const TABLE: usize = 32 * 1024;

/// Hides what is hidden in `place` at its other names, too; where it is around something of `besides` that alone stays to be
/// seen. What is missing, where the table of mounts cannot be read.
pub(super) fn hide<'a>(place: &mut Place, besides: impl Iterator<Item = &'a Path>) -> Option<String> {
    let mut text = Vec::with_capacity(TABLE);
    let read = File::open("/proc/self/mountinfo").and_then(|mut file| file.read_to_end(&mut text));
    if let Err(error) = read {
        return Some(format!(
            "a look at what is mounted twice (`/proc/self/mountinfo`: {error}), so what is hidden can be read at its other \
             names: mount `/proc`"
        ));
    }
    let rows: Vec<Row<'_>> = text.split(|byte| *byte == b'\n').filter_map(Row::read).collect();
    if rows.iter().any(Row::is_odd) || !are_all_once(&rows) {
        Table(rows.iter().map(Mount::of).collect()).hide(place, &besides.collect::<Vec<_>>());
    }
    None
}

/// Whether every file system is mounted but once, as on most machines: then there is nothing to look for.
fn are_all_once(rows: &[Row<'_>]) -> bool {
    let mut devices: Vec<&[u8]> = rows.iter().map(|row| row.device).collect();
    devices.sort_unstable();
    devices.windows(2).all(|two| two.first() != two.last())
}

/// A line of the table, as it stands there (proc_pid_mountinfo(5)).
#[derive(Debug, Clone, Copy)]
struct Row<'a> {
    id: &'a [u8],
    parent: &'a [u8],
    device: &'a [u8],
    root: &'a [u8],
    at: &'a [u8],
    kind: &'a [u8],
    options: &'a [u8],
}

impl<'a> Row<'a> {
    fn read(line: &'a [u8]) -> Option<Self> {
        let mut words = line.split(|byte| *byte == b' ');
        let (id, parent, device, root, at) =
            (words.next()?, words.next()?, words.next()?, words.next()?, words.next()?);
        // Any number of optional fields ends with a dash.
        words.find(|word| word == b"-")?;
        let (kind, _, options) = (words.next()?, words.next()?, words.next()?);
        Some(Self { id, parent, device, root, at, kind, options })
    }

    /// Whether it means something that is not a matter of where a file system is mounted twice.
    fn is_odd(&self) -> bool {
        self.is_windows() || (self.kind == b"proc" && !self.at.starts_with(b"/proc"))
    }

    /// A drive of the Windows around this machine, with the homes of its users.
    fn is_windows(&self) -> bool {
        let part = b"aname=drvfs";
        self.kind == b"drvfs" || (self.kind == b"9p" && self.options.windows(part.len()).any(|found| found == part))
    }
}

/// One mount.
#[derive(Debug)]
struct Mount<'a> {
    row: Row<'a>,
    /// The folder of its file system that is mounted.
    root: PathBuf,
    /// Where.
    at: PathBuf,
}

impl<'a> Mount<'a> {
    fn of(row: &Row<'a>) -> Self {
        Self { row: *row, root: unescaped(row.root), at: unescaped(row.at) }
    }
}

/// Blanks and the like stand as three octal digits behind a backslash.
fn unescaped(text: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let octal = after.first_chunk::<3>().filter(|_| *first == b'\\');
        let number = octal.and_then(|three| u8::from_str_radix(std::str::from_utf8(three).ok()?, 8).ok());
        bytes.push(number.unwrap_or(*first));
        rest = if number.is_some() { after.get(3..).unwrap_or_default() } else { after };
    }
    PathBuf::from(OsString::from_vec(bytes))
}

/// Another name of a place, or of a part of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Name {
    path: PathBuf,
    part: bool,
}

struct Table<'a>(Vec<Mount<'a>>);

impl Table<'_> {
    fn hide(&self, place: &mut Place, besides: &[&Path]) {
        let mut found = HashSet::new();
        for path in Self::places(place) {
            found.extend(self.others(&path).into_iter().filter(|name| !is_needed(name)));
        }
        for path in self.mounted_within() {
            // Whose it is cannot be told: what lies in the project is the project's.
            let names = self.others(path).into_iter().filter(|name| !name.path.starts_with(&place.project));
            found.extend(names.filter(|name| !is_needed(name)));
        }
        // What is private is nobody's secret by itself: a part of it that is mounted elsewhere is meant to be seen.
        for path in super::layout::PRIVATE {
            let names = self.others(Path::new(path)).into_iter().filter(|name| !name.part && !is_needed(name));
            found.extend(names);
        }
        let odd = self.0.iter().filter(|mount| mount.row.is_odd() && self.is_seen(mount));
        let odd = odd.map(|mount| if mount.row.is_windows() { mount.at.join("Users") } else { mount.at.clone() });
        let mut names: Vec<PathBuf> = found.into_iter().map(|name| name.path).chain(odd).collect();
        names.sort();
        for name in names {
            add(name, place, besides);
        }
        closed::outermost(&mut place.hidden);
    }

    /// Whose other names are looked for.
    fn places(place: &Place) -> Vec<PathBuf> {
        let real = |path: &PathBuf| fs::canonicalize(path).ok();
        let closed = place.reads.homes.iter().cloned().chain(closed::closed().map(Path::to_owned));
        let mut all: Vec<PathBuf> = closed.filter(|path| path.parent().is_some()).collect();
        all.extend(place.hidden.iter().chain(&place.reads.shut).filter_map(real));
        all.push(place.project.clone());
        all.sort();
        all.dedup();
        all
    }

    /// Somebody's home, or a folder of services, that is a file system of its own.
    fn mounted_within(&self) -> impl Iterator<Item = &Path> {
        let folder = |path: &Path| path == "/home" || closed::closed().any(|closed| closed == path);
        let within = move |at: &&Path| at.parent().is_some_and(folder);
        self.0.iter().map(|mount| mount.at.as_path()).filter(within)
    }

    /// The other names under which all of what is at `path`, or a part of it, can be seen.
    fn others(&self, path: &Path) -> Vec<Name> {
        let (Some(own), Ok(found)) = (self.mount_of(path), fs::symlink_metadata(path)) else { return Vec::new() };
        let Ok(inner) = path.strip_prefix(&own.at) else { return Vec::new() };
        let inner = own.root.join(inner);
        let same = |name: &Path| {
            fs::symlink_metadata(name).is_ok_and(|other| (other.dev(), other.ino()) == (found.dev(), found.ino()))
        };
        let name = |mount: &Mount<'_>| {
            if let Ok(rest) = inner.strip_prefix(&mount.root) {
                let name = if rest.as_os_str().is_empty() { mount.at.clone() } else { mount.at.join(rest) };
                let seen = self.mount_of(&name).is_some_and(|seen| seen.row.id == mount.row.id);
                return (name != path && seen && same(&name)).then_some(Name { path: name, part: false });
            }
            let part = mount.root.starts_with(&inner) && !mount.at.starts_with(path) && self.is_seen(mount);
            (part && fs::symlink_metadata(&mount.at).is_ok()).then(|| Name { path: mount.at.clone(), part: true })
        };
        self.0.iter().filter(|mount| mount.row.device == own.row.device).filter_map(name).collect()
    }

    /// The mount that is seen at `path`: of those on one another the uppermost.
    fn mount_of(&self, path: &Path) -> Option<&Mount<'_>> {
        let outer =
            |mount: &Mount<'_>| !self.0.iter().any(|m| m.row.id == mount.row.parent && m.row.id != mount.row.id);
        let mut found = self.0.iter().find(|mount| outer(mount) && path.starts_with(&mount.at))?;
        for _ in 0..self.0.len() {
            let below = self.0.iter().filter(|m| m.row.parent == found.row.id && m.row.id != found.row.id);
            match below.filter(|m| path.starts_with(&m.at)).min_by_key(|m| m.at.as_os_str().len()) {
                Some(next) => found = next,
                None => break,
            }
        }
        Some(found)
    }

    fn is_seen(&self, mount: &Mount<'_>) -> bool {
        self.mount_of(&mount.at).is_some_and(|seen| seen.row.id == mount.row.id)
    }
}

/// Hides what is called `name`: as a home where something of it stays to be seen.
fn add(name: PathBuf, place: &mut Place, besides: &[&Path]) {
    let own = [&place.project, &place.caches].into_iter().chain(&place.reads.open).map(PathBuf::as_path);
    if own.chain(besides.iter().copied()).any(|path| path.starts_with(&name)) {
        place.reads.homes.push(name);
    } else {
        place.hidden.push(name);
    }
}

/// Whether nothing would run without it, or it is a folder of the system with something else mounted on it.
fn is_needed(name: &Name) -> bool {
    closed::is_around_system(&name.path) || (name.part && closed::is_of_system(&name.path))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: &str = "\
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 27 254:0 / /x/mnt\\040a rw - ext4 /dev/vda rw
31 30 0:21 / /x/mnt\\040a/proc rw - proc proc rw
32 27 0:21 / /proc rw - proc proc rw
33 27 0:45 / /mnt rw - tmpfs none rw
34 33 0:46 / /mnt rw master:7 propagate_from:1 - tmpfs none rw
35 27 254:0 /home/me/src /src rw - ext4 /dev/vda rw
36 27 0:50 / /mnt/c rw - 9p C:\\134 rw,aname=drvfs;path=C:\\;uid=0
";

    fn rows() -> Vec<Row<'static>> {
        ROWS.as_bytes().split(|byte| *byte == b'\n').filter_map(Row::read).collect()
    }

    #[test]
    fn a_line_of_the_table_is_read_with_any_number_of_optional_fields() {
        let rows = rows();
        assert_eq!(rows.len(), 8);
        let odd: Vec<&[u8]> = rows.iter().filter(|row| row.is_odd()).map(|row| row.at).collect();
        assert_eq!(odd, [&b"/x/mnt\\040a/proc"[..], b"/mnt/c"]);
        assert!(!are_all_once(&rows) && are_all_once(&rows[3..6]));
        assert_eq!(unescaped(rows[1].at), Path::new("/x/mnt a"));
        assert_eq!(unescaped(b"a\\134040\\9"), Path::new("a\\040\\9"));
    }

    #[test]
    fn the_mount_at_a_path_is_the_uppermost_of_those_on_one_another() {
        let rows = rows();
        let table = Table(rows.iter().map(Mount::of).collect());
        let at = |path: &str| std::str::from_utf8(table.mount_of(path.as_ref()).unwrap().row.id).unwrap().to_owned();
        let found = ["/", "/etc/shadow", "/x/mnt a/etc", "/x/mnt a/proc/1", "/mnt/y", "/src/z", "/srcs"].map(at);
        assert_eq!(found, ["27", "27", "30", "31", "34", "35", "27"]);
        let seen: Vec<bool> = table.0.iter().map(|mount| table.is_seen(mount)).collect();
        assert_eq!(seen, [true, true, true, true, false, true, true, false]);
    }
}
