//! Making forms: what is to be compiled, and keeping what was, one guard at a time.
//! Knows what is on record of each form; runs nothing.

use super::frames::{Frame, frames};
use super::index::{self, Entry, Identity};
use super::{Forms, Lacking, MOST, ROOM};
use rustix::fs::{FlockOperation, flock};
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::thread;
use std::time::SystemTime;

/// The right to make forms.
#[derive(Debug)]
pub struct Making<'f> {
    forms: &'f Forms,
    _lock: File,
}

/// Sources that are to be compiled at once, each as it stands.
#[derive(Debug)]
pub struct Batch {
    all: Vec<(Lacking, Identity)>,
}

impl Forms {
    /// Begins to make forms; `None` where somebody is at it.
    pub fn make(&self) -> Option<Making<'_>> {
        let lock = File::create(self.folder.join("lock")).ok()?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).ok()?;
        Some(Making { forms: self, _lock: lock })
    }
}

impl Making<'_> {
    /// What is to be compiled, which nobody is told again.
    pub fn wanted(&self) -> Option<Vec<Lacking>> {
        let path = self.forms.wanted();
        let bytes = fs::read(&path).ok()?;
        fs::remove_file(&path).ok()?;
        postcard::from_bytes(&bytes).ok()
    }

    /// The sources of `lacking` as they stand, after a moment in which a change could go unseen.
    pub fn begin(&self, lacking: &[Lacking]) -> Batch {
        let settled = |lacking: &Lacking| {
            let path = self.forms.project.join(&lacking.source);
            // A link on the way would lead to what is another's.
            let real = fs::canonicalize(&path).is_ok_and(|real| real == path);
            let identity = Identity::of(&path).filter(|found| real && found.is_on_that_of(&self.forms.project))?;
            thread::sleep(identity.settles(SystemTime::now())?);
            Identity::of(&path).filter(|now| *now == identity)
        };
        let with = |lacking: &Lacking| Some((lacking.clone(), settled(lacking)?));
        Batch { all: lacking.iter().filter_map(with).collect() }
    }

    /// Keeps what the program said of a batch, `whole`: that it came to its end by itself. What is left to be compiled is in the batch
    /// still: whatever ended the program is on record as not to be compiled.
    ///
    /// # Errors
    /// The system's.
    pub fn keep(&self, batch: &mut Batch, said: &[u8], whole: bool) -> io::Result<()> {
        let made = frames(said);
        let count = if whole { batch.all.len() } else { made.len().saturating_add(1).min(batch.all.len()) };
        let of: Vec<(Lacking, Identity)> = batch.all.drain(..count).collect();
        let forms = self.forms;
        forms.current().ok_or_else(|| io::Error::other("what is no longer true cannot be taken away"))?;
        let entries = index::read(&forms.index()).unwrap_or_default();
        let mut new = HashMap::new();
        for ((lacking, identity), frame) in of.into_iter().zip(made.into_iter().chain(std::iter::repeat(None))) {
            let frame = frame.filter(|frame| frame.name == lacking.form.as_bytes());
            let entry = Entry { source: lacking.source, form: lacking.form, identity, made: frame.is_some() };
            // What was changed while it was compiled may have been compiled as it was or as it is.
            if forms.holds(&entry) {
                new.insert((entry.source.clone(), entry.form.clone()), (entry, frame));
            }
        }
        let (stand, gone): (Vec<_>, Vec<_>) = entries
            .into_iter()
            .partition(|entry| forms.holds(entry) && !new.contains_key(&(entry.source.clone(), entry.form.clone())));
        let mut entries = stand;
        gone.iter().try_for_each(|entry| forms.forget(entry))?;
        let mut room = ROOM.saturating_sub(entries.iter().map(|entry| forms.size(entry)).sum());
        let mut kept: Vec<(Entry, Frame<'_>)> = Vec::new();
        for (entry, frame) in new.into_values().take(MOST.saturating_sub(entries.len())) {
            let size = frame.map_or(0, |frame| frame.code.len() as u64 + 16);
            if size <= room {
                room -= size;
                kept.extend(frame.map(|frame| (entry.clone(), frame)));
                entries.push(entry);
            }
        }
        // On record before it is there: what is not on record is never looked at again.
        index::write(&forms.index(), &entries)?;
        for (entry, frame) in kept {
            let path = forms.form(&entry);
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            index::replace(&path, &[&entry.identity.head(frame.magic), frame.code])?;
        }
        Ok(())
    }
}

impl Batch {
    /// What the program is told: the words after its text.
    pub fn words(&self, forms: &Forms) -> Vec<OsString> {
        let two = |(lacking, _): &(Lacking, Identity)| {
            let by = if lacking.form.contains("-pytest-") { "pytest" } else { "python" };
            [OsString::from(by), forms.project.join(&lacking.source).into_os_string()]
        };
        self.all.iter().flat_map(two).collect()
    }

    /// Whether nothing is left to be compiled.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}

impl Forms {
    /// Bytes of a form that is kept.
    fn size(&self, entry: &Entry) -> u64 {
        fs::symlink_metadata(self.form(entry)).map_or(0, |found| found.len())
    }

    pub(super) fn wanted(&self) -> PathBuf {
        self.folder.join("wanted")
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::scene;
    use super::*;
    use std::fs::File;
    use std::path::Path;
    use std::time::Duration;

    fn said(name: &str, code: &[u8]) -> Vec<u8> {
        let form = if name.is_empty() { Vec::new() } else { [b"abcd", code].concat() };
        let lengths = [name.len(), form.len()].map(|len| u32::try_from(len).unwrap().to_le_bytes()).concat();
        [&lengths, name.as_bytes(), &form].concat()
    }

    /// Forms that a run left in the project's part.
    fn left(project: &Path, names: &[&str]) -> Vec<PathBuf> {
        names.iter().map(|name| project.strip_prefix("/").unwrap().join(name)).collect()
    }

    fn kept(forms: &Forms, name: &str) -> Option<Vec<u8>> {
        let project = forms.project.strip_prefix("/").unwrap();
        fs::read(forms.current().unwrap().join(project).join(name)).ok()
    }

    #[test]
    fn what_was_compiled_is_kept_until_its_source_changes_however_that_looks() {
        let (_root, forms) = scene();
        let source = forms.project.join("a.py");
        fs::write(&source, "a = 1\n").unwrap();
        let found = left(&forms.project, &["a.cpython-311.pyc", "a.cpython-311-pytest-8.4.2.pyc"]);
        let lacking = forms.lacking(&found);
        assert_eq!(lacking.len(), 2);
        let making = forms.make().unwrap();
        assert!(forms.make().is_none(), "one at a time");
        assert_eq!(making.wanted(), None);
        forms.want(&lacking).unwrap();
        assert_eq!((making.wanted(), making.wanted()), (Some(lacking.clone()), None));
        let mut batch = making.begin(&lacking);
        let path = source.clone().into_os_string();
        assert_eq!(batch.words(&forms), ["python".into(), path.clone(), "pytest".into(), path]);
        let both = [said("a.cpython-311.pyc", b"one"), said("a.cpython-311-pytest-8.4.2.pyc", b"two")].concat();
        making.keep(&mut batch, &both, true).unwrap();
        assert!(batch.is_empty());
        let head = Identity::of(&source).unwrap().head(*b"abcd");
        assert_eq!(kept(&forms, "a.cpython-311.pyc"), Some([&head[..], b"one"].concat()));
        assert_eq!(kept(&forms, "a.cpython-311-pytest-8.4.2.pyc"), Some([&head[..], b"two"].concat()));
        assert_eq!(forms.lacking(&found), []);
        // Of the same size and time.
        let time = fs::metadata(&source).unwrap().modified().unwrap();
        fs::write(&source, "a = 2\n").unwrap();
        File::options().write(true).open(&source).unwrap().set_modified(time).unwrap();
        assert_eq!(kept(&forms, "a.cpython-311.pyc"), None);
        assert_eq!(kept(&forms, "a.cpython-311-pytest-8.4.2.pyc"), None);
        assert_eq!(forms.lacking(&found), lacking);
    }

    #[test]
    fn what_changes_while_it_is_compiled_is_not_kept() {
        let (_root, forms) = scene();
        let [a, b] = ["a.py", "b.py"].map(|name| forms.project.join(name));
        fs::write(&a, "a = 1\n").unwrap();
        fs::write(&b, "b = 1\n").unwrap();
        let lacking = forms.lacking(&left(&forms.project, &["a.cpython-311.pyc", "b.cpython-311.pyc"]));
        let making = forms.make().unwrap();
        let mut batch = making.begin(&lacking);
        assert_eq!(batch.words(&forms).len(), 4);
        fs::rename(&b, &a).unwrap();
        making
            .keep(&mut batch, &[said("a.cpython-311.pyc", b""), said("b.cpython-311.pyc", b"")].concat(), true)
            .unwrap();
        assert_eq!((kept(&forms, "a.cpython-311.pyc"), kept(&forms, "b.cpython-311.pyc")), (None, None));
        assert_eq!(index::read(&forms.index()).unwrap(), []);
        // What is gone from the record is gone: nobody would compare it any more.
        let mut batch = making.begin(&lacking);
        making.keep(&mut batch, &said("a.cpython-311.pyc", b""), true).unwrap();
        assert!(kept(&forms, "a.cpython-311.pyc").is_some());
        fs::write(&a, "a = 3\n").unwrap();
        fs::write(&b, "b = 3\n").unwrap();
        let mut batch = making.begin(lacking.get(1..).unwrap());
        making.keep(&mut batch, &said("b.cpython-311.pyc", b""), true).unwrap();
        let tree = forms.folder.join("tree").join(forms.project.strip_prefix("/").unwrap());
        let left: Vec<_> = fs::read_dir(tree).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["b.cpython-311.pyc"]);
    }

    #[test]
    fn what_cannot_be_compiled_is_not_tried_again_as_it_stands_and_keeps_nothing_else_back() {
        let (_root, forms) = scene();
        for name in ["a", "b", "c", "d"] {
            fs::write(forms.project.join(format!("{name}.py")), "x = 1\n").unwrap();
        }
        let names = ["a.cpython-311.pyc", "b.cpython-311.pyc", "c.cpython-311.pyc", "d.cpython-311.pyc"];
        let lacking = forms.lacking(&left(&forms.project, &names));
        let making = forms.make().unwrap();
        let mut batch = making.begin(&lacking);
        // The second ends the program.
        making.keep(&mut batch, &said(names[0], b"one"), false).unwrap();
        let rest: Vec<_> = batch.words(&forms).into_iter().skip(1).step_by(2).collect();
        assert_eq!(rest, [forms.project.join("c.py"), forms.project.join("d.py")]);
        // One is no Python, and the other is called something else.
        making.keep(&mut batch, &[said("", b""), said(names[0], b"forged")].concat(), true).unwrap();
        assert!(batch.is_empty());
        assert!(
            kept(&forms, names[0]).unwrap().ends_with(b"abcd\0\0\0\0")
                || kept(&forms, names[0]).unwrap().ends_with(b"one")
        );
        assert!(names.iter().skip(1).all(|name| kept(&forms, name).is_none()));
        assert_eq!(forms.lacking(&left(&forms.project, &names)), []);
        std::thread::sleep(Duration::from_millis(20));
        fs::write(forms.project.join("b.py"), "x = 2\n").unwrap();
        assert_eq!(forms.lacking(&left(&forms.project, &names)), lacking.get(1..2).unwrap());
    }

    #[test]
    fn there_is_room_for_so_much() {
        let (_root, forms) = scene();
        fs::write(forms.project.join("a.py"), "x = 1\n").unwrap();
        fs::write(forms.project.join("b.py"), "x = 1\n").unwrap();
        let names = ["a.cpython-311.pyc", "b.cpython-311.pyc"];
        let lacking = forms.lacking(&left(&forms.project, &names));
        let making = forms.make().unwrap();
        let much = vec![0; usize::try_from(ROOM).unwrap() * 2 / 3];
        let mut batch = making.begin(&lacking);
        making.keep(&mut batch, &[said(names[0], &much), said(names[1], &much)].concat(), true).unwrap();
        assert_eq!(names.iter().filter(|name| kept(&forms, name).is_some()).count(), 1);
    }

    #[test]
    fn a_link_on_the_way_is_not_followed() {
        let (root, forms) = scene();
        let other = root.path().join("other");
        fs::create_dir(&other).unwrap();
        fs::write(other.join("a.py"), "x = 1\n").unwrap();
        std::os::unix::fs::symlink(&other, forms.project.join("led")).unwrap();
        let lacking = forms.lacking(&left(&forms.project, &["led/a.cpython-311.pyc"]));
        assert!(forms.make().unwrap().begin(&lacking).is_empty());
    }
}
