//! Where a project keeps its secrets in `.env` files, as far as that can be known at once.
//! Reads names, never what stands in them.

use crate::execute::Place;
use rustix::fs::{FileType, Mode, OFlags, RawDir, open};
use std::collections::{BTreeSet, VecDeque};
use std::ffi::OsStr;
use std::fs;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Folders that are looked into, outermost first: a project of a hundred thousand files is not walked.
const FOLDERS: usize = 64;
/// Folders of one folder that are looked into, but for those of the root.
const EACH: usize = 8;
/// Names that are looked at in all.
const NAMES: usize = 8192;
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

/// The `.env` files of a resolved place, without links: those of the project's root, of the working folder and every folder
/// between, and of further folders, those nearest the root first, [`FOLDERS`] in all.
pub(super) fn files(place: &Place) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let between = place.cwd.ancestors().take_while(|folder| *folder != place.project);
    let first: Vec<&Path> = [place.project.as_path()].into_iter().chain(between).collect();
    for path in first.iter().flat_map(|folder| USUAL.map(|name| folder.join(name))) {
        note(&path, &mut found);
    }
    let mut waiting: VecDeque<PathBuf> = first.iter().map(|folder| folder.to_path_buf()).collect();
    let mut names = NAMES;
    let mut buffer = [MaybeUninit::uninit(); 8192];
    for number in 0..FOLDERS {
        let Some(folder) = waiting.pop_front() else { break };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let Ok(fd) = open(&folder, flags, Mode::empty()) else { continue };
        let mut entries = RawDir::new(fd, &mut buffer);
        // One folder with many others in it does not keep the rest from being looked into.
        let mut room = if number == 0 { FOLDERS } else { EACH };
        while let Some(Ok(entry)) = entries.next() {
            let Some(left) = names.checked_sub(1) else { return found };
            names = left;
            let name = entry.file_name().to_bytes();
            if is_dotenv(name) {
                note(&folder.join(OsStr::from_bytes(name)), &mut found);
            } else if entry.file_type() == FileType::Directory
                && room > 0
                && number + waiting.len() < FOLDERS
                && name != b"."
                && name != b".."
                && !FOREIGN.iter().any(|foreign| foreign.as_bytes() == name)
            {
                let below = folder.join(OsStr::from_bytes(name));
                if !first.contains(&below.as_path()) {
                    room -= 1;
                    waiting.push_back(below);
                }
            }
        }
    }
    found
}

/// Notes the file at `path`, or the one that a link there leads to.
fn note(path: &Path, found: &mut BTreeSet<PathBuf>) {
    if fs::metadata(path).is_ok_and(|there| there.is_file())
        && let Ok(real) = fs::canonicalize(path)
    {
        found.insert(real);
    }
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
        assert_eq!(files(&place(&project, "")), expected);
        // Far below, and named by the working folder alone.
        for number in 0..200 {
            fs::create_dir_all(project.join(format!("many/{number}/deep/er"))).unwrap();
        }
        let deep = file("many/77/deep/er/.env");
        assert_eq!(files(&place(&project, "")), expected);
        expected.insert(deep);
        assert_eq!(files(&place(&project, "many/77/deep/er")), expected);
    }

    #[test]
    fn those_of_the_root_are_found_among_any_number_of_names() {
        let folder = tempfile::tempdir().unwrap();
        let project = fs::canonicalize(folder.path()).unwrap();
        for number in 0..NAMES + 10 {
            fs::write(project.join(format!("f{number}")), "").unwrap();
        }
        fs::write(project.join(".env.live"), "A=1").unwrap();
        assert_eq!(files(&place(&project, "")), [project.join(".env.live")].into());
    }
}
