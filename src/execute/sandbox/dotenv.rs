//! Where a project keeps its secrets in `.env` files, as far as that can be known at once, or by looking through all of it.
//! Reads names, never what stands in them.

use crate::execute::Place;
use rustix::fs::{FileType, Mode, OFlags, RawDir, open};
use std::collections::{BTreeSet, HashSet, VecDeque};
use std::ffi::OsStr;
use std::fs;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Folders that are looked into, outermost first: a project of a hundred thousand files is not walked.
const FOLDERS: usize = 64;
/// Folders of one folder that are looked into, but for those of the root.
const EACH: usize = 8;
/// Names that are looked at in all.
const NAMES: usize = 8192;
/// The same where a project is looked through whole.
const ALL: usize = 4_000_000;
/// Names that are looked for in the project's root and the working folder even where there are more names than that.
const USUAL: [&str; 5] = [".env", ".env.local", ".env.production", ".env.prod", ".env.live"];
/// Endings of those that are made to be read by everybody.
const SAMPLES: [&str; 6] = [".example", ".sample", ".template", ".dist", ".defaults", ".schema"];
/// Folders whose files others wrote, or whose files are made.
const FOREIGN: [&str; 7] = [".git", "node_modules", "__pycache__", "site-packages", "target", "venv", ".venv"];

/// Whether a file of this name holds settings with their secrets: `.env` and `.env.NAME`, but for samples.
fn is_dotenv(name: &[u8]) -> bool {
    let Some(rest) = name.strip_prefix(b".env") else { return false };
    (rest.is_empty() || rest.starts_with(b".")) && !SAMPLES.iter().any(|ending| rest.ends_with(ending.as_bytes()))
}

/// What a look for `.env` files came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dotenv {
    /// The files, without links, and their other names in the project.
    pub files: BTreeSet<PathBuf>,
    /// Whether everything was looked into.
    pub whole: bool,
    /// Those that have further names, which are not known.
    pub shared: Vec<PathBuf>,
}

/// How much is looked at.
struct Reach {
    folders: usize,
    each: usize,
    names: usize,
}

/// The `.env` files of a resolved place: those that are known, those of the project's root, of the working folder and every
/// folder between, and of further folders, those nearest the root first, [`FOLDERS`] in all.
fn look(place: &Place) -> Dotenv {
    let between = place.cwd.ancestors().take_while(|folder| *folder != place.project);
    let first: Vec<&Path> = [place.project.as_path()].into_iter().chain(between).collect();
    let usual = first.iter().flat_map(|folder| USUAL.map(|name| folder.join(name)));
    let mut found = BTreeSet::new();
    for path in usual.chain(place.reads.dotenv.iter().cloned()) {
        note(&path, &mut found);
    }
    let whole = walk(&first, &Reach { folders: FOLDERS, each: EACH, names: NAMES }, &mut found);
    named(&place.project, found, whole)
}

/// Has a place know its `.env` files; what may have been missed.
pub(super) fn find(place: &mut Place) -> Vec<String> {
    let found = look(place);
    place.reads.dotenv = found.files.into_iter().collect();
    let shared = found.shared.iter().map(|path| {
        format!(
            "a cover for other names of `{}`: hard links of it lie outside the project and can be read there: remove them",
            path.display()
        )
    });
    let cut = (!found.whole && !place.reads.looked_through).then(|| {
        "a look for `.env` files in all of the project, which is large: `guard policy trust` looks through it, and `!PATH` \
         in `toolchain` in `[fence]` names one"
            .to_owned()
    });
    shared.chain(cut).collect()
}

/// All `.env` files of the project at `root`, which has no links in it.
pub fn look_through(root: &Path) -> Dotenv {
    let mut found = BTreeSet::new();
    let whole = walk(&[root], &Reach { folders: ALL, each: ALL, names: ALL }, &mut found);
    named(root, found, whole)
}

/// Looks into folders, those of `first` before what lies in them; whether everything was looked into.
fn walk(first: &[&Path], reach: &Reach, found: &mut BTreeSet<PathBuf>) -> bool {
    let mut waiting: VecDeque<PathBuf> = first.iter().map(|folder| folder.to_path_buf()).collect();
    let (mut names, mut whole) = (reach.names, true);
    let mut buffer = [MaybeUninit::uninit(); 8192];
    for number in 0..reach.folders {
        let Some(folder) = waiting.pop_front() else { return whole };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let Ok(fd) = open(&folder, flags, Mode::empty()) else { continue };
        let mut entries = RawDir::new(fd, &mut buffer);
        // One folder with many others in it does not keep the rest from being looked into.
        let mut room = if number == 0 { reach.folders } else { reach.each };
        while let Some(Ok(entry)) = entries.next() {
            let Some(left) = names.checked_sub(1) else { return false };
            names = left;
            let name = entry.file_name().to_bytes();
            let path = || folder.join(OsStr::from_bytes(name));
            if is_dotenv(name) {
                note(&path(), found);
            } else if !matches!(name, b"." | b"..")
                && !FOREIGN.iter().any(|foreign| foreign.as_bytes() == name)
                && is_folder(entry.file_type(), path)
                && !first.contains(&path().as_path())
            {
                if room > 0 && number + waiting.len() < reach.folders {
                    room -= 1;
                    waiting.push_back(path());
                } else {
                    whole = false;
                }
            }
        }
    }
    whole && waiting.is_empty()
}

/// Whether a name means a folder; some file systems do not say so in their lists.
fn is_folder(kind: FileType, path: impl Fn() -> PathBuf) -> bool {
    kind == FileType::Directory
        || kind == FileType::Unknown && fs::symlink_metadata(path()).is_ok_and(|found| found.is_dir())
}

/// Notes the file at `path`, or the one that a link there leads to.
fn note(path: &Path, found: &mut BTreeSet<PathBuf>) {
    if fs::metadata(path).is_ok_and(|there| there.is_file())
        && let Ok(real) = fs::canonicalize(path)
    {
        found.insert(real);
    }
}

/// The same with the other names (hard links) of what was found, for which all of the project is looked through.
fn named(root: &Path, mut files: BTreeSet<PathBuf>, whole: bool) -> Dotenv {
    let mut shared: Vec<(PathBuf, u64, (u64, u64))> = Vec::new();
    for path in &files {
        if let Ok(found) = fs::symlink_metadata(path)
            && found.nlink() > 1
        {
            shared.push((path.clone(), found.nlink(), (found.dev(), found.ino())));
        }
    }
    if !shared.is_empty() {
        let wanted: HashSet<u64> = shared.iter().map(|(_, _, (_, inode))| *inode).collect();
        for path in called(root, &wanted) {
            let Ok(found) = fs::symlink_metadata(&path) else { continue };
            if shared.iter().any(|(_, _, identity)| *identity == (found.dev(), found.ino())) {
                files.insert(path);
            }
        }
        shared.retain(|(_, names, identity)| {
            let known = files.iter().filter_map(|path| fs::symlink_metadata(path).ok());
            let known = known.filter(|found| (found.dev(), found.ino()) == *identity).count();
            u64::try_from(known).is_ok_and(|known| known < *names)
        });
    }
    Dotenv { files, whole, shared: shared.into_iter().map(|(path, ..)| path).collect() }
}

/// Everything in the project whose number is one of `wanted`; no file is looked at.
fn called(root: &Path, wanted: &HashSet<u64>) -> Vec<PathBuf> {
    let (mut waiting, mut found, mut names) = (vec![root.to_owned()], Vec::new(), ALL);
    let mut buffer = [MaybeUninit::uninit(); 8192];
    while let Some(folder) = waiting.pop() {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let Ok(fd) = open(&folder, flags, Mode::empty()) else { continue };
        let mut entries = RawDir::new(fd, &mut buffer);
        while let Some(Ok(entry)) = entries.next() {
            let Some(left) = names.checked_sub(1) else { return found };
            names = left;
            let name = entry.file_name().to_bytes();
            let path = || folder.join(OsStr::from_bytes(name));
            if wanted.contains(&entry.ino()) {
                found.push(path());
            } else if !matches!(name, b"." | b"..") && is_folder(entry.file_type(), path) {
                waiting.push(path());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_for_everybody_and_the_others_are_not() {
        let kept = [".env", ".env.local", ".env.production", ".env.test", ".env.bak", ".env.example.old", ".env."];
        let open =
            [".env.example", ".env.sample", ".env.template", ".env.local.example", ".envrc", "env", "x.env", ".en"];
        assert!(kept.iter().all(|name| is_dotenv(name.as_bytes())), "{kept:?}");
        assert!(!open.iter().any(|name| is_dotenv(name.as_bytes())), "{open:?}");
    }

    fn place(project: &Path, cwd: &str) -> Place {
        Place {
            project: project.to_owned(),
            cwd: project.join(cwd),
            protected: Vec::new(),
            hidden: Vec::new(),
            caches: PathBuf::from("/tmp/none"),
            reads: crate::execute::Reads::default(),
        }
    }

    #[test]
    fn they_are_found_where_a_person_would_look_and_a_large_project_is_not_walked() {
        let folder = tempfile::tempdir().unwrap();
        let project = fs::canonicalize(folder.path()).unwrap();
        let file = |name: &str| {
            let path = project.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "A=1").unwrap();
            path
        };
        let mut expected: BTreeSet<PathBuf> =
            [".env", ".env.live", "services/.env", "services/api/.env.prod"].map(file).into();
        let _open = [".env.example", "node_modules/x/.env", ".git/.env", "venv/.env"].map(file);
        fs::create_dir(project.join("sub")).unwrap();
        fs::create_dir(project.join("sub/.env")).unwrap();
        // A link leads to what is meant.
        let settings = file("config/settings");
        std::os::unix::fs::symlink("config/settings", project.join(".env.linked")).unwrap();
        expected.insert(settings);
        assert_eq!(look(&place(&project, "")), Dotenv { files: expected.clone(), whole: true, shared: vec![] });
        // Far below, and named by the working folder alone.
        for number in 0..200 {
            fs::create_dir_all(project.join(format!("many/{number}/deep/er"))).unwrap();
        }
        let deep = file("many/77/deep/er/.env");
        assert_eq!(look(&place(&project, "")), Dotenv { files: expected.clone(), whole: false, shared: vec![] });
        let mut known = place(&project, "");
        known.reads.dotenv = vec![deep.clone(), project.join("gone/.env")];
        expected.insert(deep);
        assert_eq!(look(&place(&project, "many/77/deep/er")).files, expected);
        assert_eq!(look_through(&project), Dotenv { files: expected.clone(), whole: true, shared: vec![] });
        // Once known it is found whatever is put before it.
        assert_eq!(look(&known).files, expected);
    }

    #[test]
    fn those_of_the_root_are_found_among_any_number_of_names() {
        let folder = tempfile::tempdir().unwrap();
        let project = fs::canonicalize(folder.path()).unwrap();
        for number in 0..NAMES + 10 {
            fs::write(project.join(format!("f{number}")), "").unwrap();
        }
        fs::write(project.join(".env.live"), "A=1").unwrap();
        let found = look(&place(&project, ""));
        assert_eq!((found.files, found.whole), ([project.join(".env.live")].into(), false));
    }

    #[test]
    fn other_names_of_the_same_file_are_found_and_those_elsewhere_missed() {
        let folder = tempfile::tempdir().unwrap();
        let project = fs::canonicalize(folder.path()).unwrap().join("project");
        fs::create_dir_all(project.join("a/node_modules/deep")).unwrap();
        fs::write(project.join(".env"), "A=1").unwrap();
        let (near, far) = (project.join("a/node_modules/deep/settings"), folder.path().join("elsewhere"));
        fs::hard_link(project.join(".env"), &near).unwrap();
        let files: BTreeSet<PathBuf> = [project.join(".env"), near].into();
        let expected = Dotenv { files: files.clone(), whole: true, shared: vec![] };
        assert_eq!((look(&place(&project, "")), look_through(&project)), (expected.clone(), expected));
        fs::hard_link(project.join(".env"), far).unwrap();
        let expected = Dotenv { files, whole: true, shared: vec![project.join(".env")] };
        assert_eq!(look(&place(&project, "")), expected);
    }
}
