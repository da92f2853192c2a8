//! The Python a project is written for: what it declares, else the interpreter that is found.
//! Runs nothing.

use super::tree::Tree;
use crate::action::source::{PythonVersion, newest};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use toml::Table;

/// Bytes of the files that declare it, at most.
const LONGEST: u64 = 1 << 20;

/// Folders of a project in which its virtual environment lies.
pub(super) const ENVIRONMENTS: [&str; 4] = [".venv", "venv", "env", ".env"];

/// The version of Python that the project's files are checked against.
pub(super) fn version(tree: &Tree<'_>, path: Option<&OsStr>) -> PythonVersion {
    declared(tree).or_else(|| installed(tree.root(), path)).unwrap_or_else(newest)
}

/// What the project says: `requires-python`, poetry's `python`, `.python-version`.
fn declared(tree: &Tree<'_>) -> Option<PythonVersion> {
    let text = |path: &str| String::from_utf8(tree.read(Path::new(path), LONGEST)?).ok();
    let from_project = || {
        let table: Table = text("pyproject.toml")?.parse().ok()?;
        let wanted = table.get("project").and_then(|project| project.get("requires-python"));
        let poetry = || table.get("tool")?.get("poetry")?.get("dependencies")?.get("python");
        least(wanted.or_else(poetry)?.as_str()?)
    };
    let from_file = || text(".python-version")?.lines().find_map(number);
    from_project().or_else(from_file)
}

/// The least version that a specifier lets through: `>=3.9,<4`, `~=3.10`, `^3.11`, `==3.12.*`.
fn least(specifier: &str) -> Option<PythonVersion> {
    let from = |part: &str| {
        let part = part.trim();
        let bare = part.trim_start_matches(['>', '=', '~', '^']);
        if part.starts_with(['<', '!']) { None } else { number(bare.trim()) }
    };
    specifier.split(['|']).filter_map(|either| either.split([',', ' ']).filter_map(from).max()).min()
}

/// `3.11` and `3.11.2`, whatever stands around; `3` says nothing.
fn number(text: &str) -> Option<PythonVersion> {
    let text = text.trim().trim_start_matches(|c: char| !c.is_ascii_digit());
    let mut parts = text.split(|c: char| !c.is_ascii_digit());
    let major = parts.next()?.parse().ok()?;
    Some((major, parts.next()?.parse().ok()?))
}

/// The interpreter of the project's virtual environment, else the first on `PATH`, told by names alone.
fn installed(root: &Path, path: Option<&OsStr>) -> Option<PythonVersion> {
    let environment = ENVIRONMENTS.iter().find_map(|name| {
        let text = std::fs::read_to_string(root.join(name).join("pyvenv.cfg")).ok()?;
        text.lines().find_map(|line| line.strip_prefix("version").and_then(number))
    });
    environment.or_else(|| interpreter(root, path).and_then(|found| number(found.file_name()?.to_str()?)))
}

/// The file of the `python3` that is first on `PATH`, links followed.
pub(super) fn interpreter(root: &Path, path: Option<&OsStr>) -> Option<PathBuf> {
    let mut folders = super::folders(path);
    folders.extend(["/usr/local/bin", "/usr/bin"].map(PathBuf::from));
    folders.iter().find_map(|folder| program(root, folder, "python3")?.canonicalize().ok())
}

/// A program of Python's in a folder of programs. Where pyenv's scripts stand for programs, that of the version the project
/// or the person has chosen, if that version has it.
pub(super) fn program(root: &Path, folder: &Path, name: &str) -> Option<PathBuf> {
    let found = Some(folder.join(name)).filter(|path| path.is_file())?;
    let (Some(home), true) = (folder.parent(), folder.ends_with("shims")) else { return Some(found) };
    let versions = home.join("versions");
    if !versions.is_dir() {
        return Some(found);
    }
    let chosen = [root.join(".python-version"), home.join("version")];
    let chosen = chosen.iter().find_map(|file| std::fs::read_to_string(file).ok())?;
    // Of several the first that has it; `3.11` is the newest of those.
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(&versions).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    folders.sort();
    let named = |wanted: &str| {
        let begins = format!("{wanted}.");
        let known = folders.iter().rev().filter(|folder| {
            let name = folder.file_name().and_then(OsStr::to_str).unwrap_or_default();
            name == wanted || name.starts_with(&begins)
        });
        known.map(|folder| folder.join("bin").join(name)).find(|path| path.is_file())
    };
    chosen.split_whitespace().find_map(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_version_of_a_specifier_counts() {
        let table = [
            (">=3.9", Some((3, 9))),
            (">= 3.9, <4", Some((3, 9))),
            ("~=3.10.2", Some((3, 10))),
            ("^3.11", Some((3, 11))),
            ("==3.12.*", Some((3, 12))),
            (">3.8,!=3.9.1", Some((3, 8))),
            ("<3.13", None),
            ("*", None),
            (">=3", None),
            ("^3.8 || ^3.12", Some((3, 8))),
            ("", None),
            (">=3.999", None),
        ];
        for (specifier, expected) in table {
            assert_eq!(least(specifier), expected, "{specifier}");
        }
        let table = [("python3.11", Some((3, 11))), (" = 3.12.1", Some((3, 12))), ("3", None)];
        for (text, expected) in table {
            assert_eq!(number(text), expected, "{text}");
        }
    }
}
