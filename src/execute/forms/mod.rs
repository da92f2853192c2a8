//! Compiled forms of a project's own Python sources, kept from run to run: compiled by guard apart from the project's code, and
//! used as long as nothing changed in the source. What a run itself compiled is not among them: it could be forged, and would
//! run in place of its source.
//! Knows files and what Python calls them; runs nothing.

mod frames;
mod index;
mod making;

pub use making::{Batch, Making};

use super::kept;
use index::{Entry, Identity};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// What a Python is told to do, as the argument of its `-c`: it compiles the sources that the other arguments name, and
/// runs none.
pub const PROGRAM: &str = include_str!("compile.py");
/// Bytes of forms and how many of them, at most: they are kept in memory.
const ROOM: u64 = 32 << 20;
const MOST: usize = 4096;
/// Sets of forms that are kept besides the one that is used.
const SETS: usize = 7;

/// The forms of one project's sources for one Python.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forms {
    folder: PathBuf,
    project: PathBuf,
}

/// A form that is lacking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lacking {
    source: String,
    form: String,
}

impl Forms {
    /// Those for `project` and the Python at `python` of `libraries`, in a folder of guard's own; `also`: what else must not
    /// change. `None` where anything of this Python lies where a command may write, which is `without`, where the file system does not say what
    /// changes, or nothing can be kept.
    pub fn of(
        store: &Path,
        project: &Path,
        (python, libraries): (&Path, &[PathBuf]),
        without: &[&Path],
        also: &str,
    ) -> Option<Self> {
        let real = fs::canonicalize(python).ok()?;
        let programs = [python.to_owned(), real];
        let all = kept::apart(libraries, without).len() == libraries.len() && !libraries.is_empty();
        if !all || kept::apart(&programs, without).len() < 2 || !index::is_noted(project) || !kept::is_own(store) {
            return None;
        }
        let store = store.join("forms");
        let folder = store.join(kept::name(libraries, (project, python, also)));
        if !folder.is_dir() {
            let _there = fs::create_dir(&store);
            // Another run may have been faster.
            let _made = fs::create_dir(&folder);
            kept::clear(&store, &folder, SETS);
        }
        let project = project.to_owned();
        kept::used(&folder).then_some(Self { folder, project })
    }

    /// The folder that holds them, as Python looks for them below its prefix: forms of sources that stand as they were
    /// compiled, and no others. `None` where this cannot be said.
    pub fn current(&self) -> Option<PathBuf> {
        let tree = self.folder.join("tree");
        let entries = index::read(&self.index()).unwrap_or_default();
        // Of what is there and not on record nobody knows what it was made of: somebody is removing it, or was stopped.
        if entries.is_empty() && tree.symlink_metadata().is_ok() {
            fs::remove_dir_all(&tree).ok()?;
        }
        for entry in entries.iter().filter(|entry| entry.made && !self.holds(entry)) {
            self.forget(entry).ok()?;
        }
        Some(tree)
    }

    /// Those of `found`, files that a run left below Python's prefix, that are worth compiling. Whoever ran had a say in
    /// these names.
    pub fn lacking(&self, found: &[PathBuf]) -> Vec<Lacking> {
        let known = index::read(&self.index()).unwrap_or_default();
        let is_known = |lacking: &Lacking| {
            let same = |entry: &&Entry| entry.source == lacking.source && entry.form == lacking.form;
            known.iter().find(same).is_some_and(|entry| self.holds(entry) && (!entry.made || self.form(entry).exists()))
        };
        let all = found.iter().filter_map(|path| self.source(path)).filter(|lacking| !is_known(lacking));
        all.take(MOST.saturating_sub(known.len())).collect()
    }

    /// Keeps what is to be compiled, for whoever compiles it.
    ///
    /// # Errors
    /// The system's.
    pub fn want(&self, wanted: &[Lacking]) -> io::Result<()> {
        let bytes = postcard::to_stdvec(wanted).map_err(io::Error::other)?;
        index::replace(&self.wanted(), &[&bytes])
    }

    /// The source of a form that lies at `path` below Python's prefix.
    fn source(&self, path: &Path) -> Option<Lacking> {
        let below = path.strip_prefix(self.project.strip_prefix("/").ok()?).ok()?;
        let form = below.file_name()?.to_str()?;
        let is_below = below.components().all(|part| matches!(part, Component::Normal(_)));
        let mut parts = form.splitn(3, '.');
        let (stem, tag, end) = (parts.next()?, parts.next()?, parts.next()?);
        let is_plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
        let version = tag.strip_prefix("cpython-").filter(|_| end == "pyc" || tag.contains("-pytest-"));
        if !is_below || stem.is_empty() || !version.is_some_and(is_plain) || !end.ends_with("pyc") || !is_plain(end) {
            return None;
        }
        let source = below.with_file_name(format!("{stem}.py"));
        Identity::of(&self.project.join(&source))?;
        Some(Lacking { source: source.to_str()?.to_owned(), form: form.to_owned() })
    }

    /// Whether the source of an entry stands as it was compiled.
    fn holds(&self, entry: &Entry) -> bool {
        Identity::of(&self.project.join(&entry.source)) == Some(entry.identity)
    }

    fn form(&self, entry: &Entry) -> PathBuf {
        let project = self.project.strip_prefix("/").unwrap_or(&self.project);
        self.folder.join("tree").join(project).join(&entry.source).with_file_name(&entry.form)
    }

    fn forget(&self, entry: &Entry) -> io::Result<()> {
        match fs::remove_file(self.form(entry)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn index(&self) -> PathBuf {
        self.folder.join("index")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    /// A project, and a Python that lies apart from it.
    pub(super) fn scene() -> (tempfile::TempDir, Forms) {
        let root = tempfile::tempdir().unwrap();
        let at = fs::canonicalize(root.path()).unwrap();
        for folder in ["project", "env/bin", "env/lib/python3.11"] {
            fs::create_dir_all(at.join(folder)).unwrap();
        }
        fs::write(at.join("env/bin/python3"), "").unwrap();
        let forms = of(&at, "env/bin/python3", &["env/lib/python3.11"], "").unwrap();
        (root, forms)
    }

    fn of(at: &Path, python: &str, libraries: &[&str], also: &str) -> Option<Forms> {
        let libraries: Vec<PathBuf> = libraries.iter().map(|path| at.join(path)).collect();
        let project = at.join("project");
        Forms::of(&at.join("store"), &project, (&at.join(python), &libraries), &[&project], also)
    }

    #[test]
    fn nothing_is_kept_of_a_python_that_a_command_could_have_changed() {
        let (root, forms) = scene();
        let at = fs::canonicalize(root.path()).unwrap();
        fs::create_dir_all(at.join("project/.venv/bin")).unwrap();
        fs::create_dir_all(at.join("project/.venv/lib/python3.11")).unwrap();
        fs::write(at.join("project/.venv/bin/python3"), "").unwrap();
        symlink(at.join("env/bin/python3"), at.join("project/.venv/bin/python")).unwrap();
        symlink(at.join("project/.venv/bin/python3"), at.join("env/bin/led")).unwrap();
        let own = "env/lib/python3.11";
        for (python, libraries) in [
            ("project/.venv/bin/python3", &[own][..]),
            ("project/.venv/bin/python", &[own]),
            ("env/bin/led", &[own]),
            ("env/bin/python3", &[own, "project/.venv/lib/python3.11"]),
            ("env/bin/python3", &[""]),
            ("env/bin/python3", &[]),
            ("env/bin/none", &[own]),
        ] {
            assert_eq!(of(&at, python, libraries, ""), None, "{python} {libraries:?}");
        }
        assert_eq!(of(&at, "env/bin/python3", &[own], ""), Some(forms.clone()));
        assert_ne!(of(&at, "env/bin/python3", &[own], "another policy"), Some(forms));
        fs::set_permissions(at.join("store"), fs::Permissions::from_mode(0o770)).unwrap();
        assert_eq!(of(&at, "env/bin/python3", &[own], ""), None);
    }

    #[test]
    fn another_set_is_used_once_something_is_installed_and_old_ones_go() {
        let (root, first) = scene();
        let at = fs::canonicalize(root.path()).unwrap();
        let mut last = first.clone();
        for n in 0..20 {
            fs::create_dir(at.join(format!("env/lib/python3.11/{n}"))).unwrap();
            let forms = of(&at, "env/bin/python3", &["env/lib/python3.11"], "").unwrap();
            assert_ne!(std::mem::replace(&mut last, forms.clone()), forms);
            assert!(fs::read_dir(at.join("store/forms")).unwrap().count() <= SETS + 1);
        }
        assert!(!first.folder.exists() && last.folder.exists());
    }

    #[test]
    fn what_is_not_on_record_or_cannot_be_read_there_is_worth_nothing() {
        let (_root, forms) = scene();
        let form = forms.folder.join("tree/a.pyc");
        for record in [Some([255; 20]), None] {
            fs::create_dir_all(form.parent().unwrap()).unwrap();
            fs::write(&form, "").unwrap();
            let _gone = fs::remove_file(forms.index());
            record.iter().for_each(|record| fs::write(forms.index(), record).unwrap());
            assert_eq!(forms.current(), Some(forms.folder.join("tree")));
            assert!(!form.exists());
        }
    }

    #[test]
    fn only_what_python_could_have_compiled_is_lacking() {
        let (_root, forms) = scene();
        for name in ["a.py", "b", "test_x.py", "pkg/__init__.py"] {
            let path = forms.project.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        symlink("a.py", forms.project.join("led.py")).unwrap();
        fs::write(forms.project.with_file_name("a.py"), "").unwrap();
        let file = fs::File::create(forms.project.join("long.py")).unwrap();
        file.set_len((1 << 20) + 1).unwrap();
        let project = forms.project.strip_prefix("/").unwrap();
        for (name, source) in [
            ("a.cpython-311.pyc", Some("a.py")),
            ("test_x.cpython-312-pytest-8.4.2.pyc", Some("test_x.py")),
            ("test_x.cpython-312-pytest-9.0.0rc1.pyc", Some("test_x.py")),
            ("pkg/__init__.cpython-311.pyc", Some("pkg/__init__.py")),
            ("a.cpython-311.opt-1.pyc", None),
            ("a.pypy39.pyc", None),
            ("a.cpython-311.pyc.140212", None),
            ("a.cpython-311.py", None),
            ("a.cpython-311", None),
            ("a.pyc", None),
            (".cpython-311.pyc", None),
            ("a.cpython-3 1.pyc", None),
            ("b.cpython-311.pyc", None),
            ("led.cpython-311.pyc", None),
            ("long.cpython-311.pyc", None),
            ("none.cpython-311.pyc", None),
            ("../a.cpython-311.pyc", None),
        ] {
            let found: Vec<String> =
                forms.lacking(&[project.join(name)]).into_iter().map(|lacking| lacking.source).collect();
            assert_eq!(found, source.into_iter().collect::<Vec<_>>(), "{name}");
        }
        assert_eq!(forms.lacking(&["elsewhere/a.cpython-311.pyc".into()]), []);
    }
}
