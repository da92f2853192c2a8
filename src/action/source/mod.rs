//! The contents of files, read as what they are: programs, data, lists of requirements, plain text.
//! Says what is wrong with them and where; knows neither files nor what a policy wants.

mod compiled;
mod data;
mod depth;
mod explained;
mod fields;
mod module;
mod outer;
mod pins;
mod python;
mod scopes;
mod stdlib;
mod text;

pub use explained::unexplained;
pub use fields::{Lost, lost};
pub use module::{Class, Definition, Field, Import, Module};
pub use pins::{Requirement, distributions, included, unpinned};
pub use python::{PythonVersion, newest, python, says_encoding};
pub use stdlib::{is_moving, is_standard, may_hold};
pub use text::{Ending, is_text, kept_encoding, kept_endings, markers, not_utf8, nul};

use std::path::Path;

/// Something wrong at a place of a text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// Its line, from 1.
    pub line: u64,
    /// Its column in characters, from 1.
    pub column: u64,
    /// What is wrong, as a fragment.
    pub what: String,
}

/// What a file is written in, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// `.py`, and `.pyi`, which has the same syntax.
    Python,
    /// `.json`.
    Json,
    /// JSON with comments and commas behind the last item: `.jsonc`, and files whose tools read them so.
    Jsonc,
    /// `.toml`.
    Toml,
    /// `.yaml`, `.yml`.
    Yaml,
}

/// Faults of one file that are told; whoever mends these learns of the others.
const MOST: usize = 20;

/// Names, and folders they lie in, of `.json` files that their tools read with comments.
/// Source: the pages of TypeScript, VS Code, Dev Containers, ESLint, Babel, Deno, API Extractor, Turborepo and Rush about
/// their configuration.
const COMMENTED: [&str; 16] = [
    "tsconfig",
    "jsconfig",
    "tslint",
    ".eslintrc",
    ".jshintrc",
    ".jscsrc",
    ".babelrc",
    "babel.config",
    ".swcrc",
    "devcontainer",
    "deno",
    "api-extractor",
    "turbo",
    "typedoc",
    "rush",
    "language-configuration",
];
const COMMENTED_FOLDERS: [&str; 4] = [".vscode", ".devcontainer", ".zed", "common/config/rush"];

impl Language {
    /// What a file of that name is written in; `None`: nothing guard can read.
    pub fn of(path: &Path) -> Option<Language> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "py" | "pyi" => Some(Language::Python),
            "jsonc" => Some(Language::Jsonc),
            "json" => Some(if is_commented(path) { Language::Jsonc } else { Language::Json }),
            "toml" => Some(Language::Toml),
            "yaml" | "yml" => Some(Language::Yaml),
            _ => None,
        }
    }

    /// Whether one may read in two ways what stands between conflict markers: there markers may be part of a text.
    pub fn is_strict(self) -> bool {
        match self {
            Language::Python | Language::Json | Language::Jsonc | Language::Toml => true,
            Language::Yaml => false,
        }
    }
}

fn is_commented(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_ascii_lowercase();
    let stem = name.strip_suffix(".json").unwrap_or(&name);
    let known = |known: &str| stem.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    let folder = path.parent().unwrap_or(Path::new(""));
    COMMENTED.iter().any(|name| known(name)) || COMMENTED_FOLDERS.iter().any(|known| folder.ends_with(known))
}

/// What keeps `text` from being what it should be; none where it is sound. `version`: the Python it is written for.
pub fn faults(language: Language, text: &str, version: PythonVersion) -> Vec<Fault> {
    match language {
        Language::Python => python::faults(text, version),
        Language::Json => data::json(text),
        Language::Jsonc => data::jsonc(text),
        Language::Toml => data::toml(text),
        Language::Yaml => data::yaml(text),
    }
}

/// The line and column, from 1, of a byte of `text`; a byte within a character counts as its first.
fn place(text: &str, offset: usize) -> (u64, u64) {
    let offset = (0..=offset.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let before = text.get(..offset).unwrap_or_default();
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before.get(start..).unwrap_or_default().chars().filter(|c| *c != '\u{feff}').count() + 1;
    (line as u64, column as u64)
}

fn fault(text: &str, offset: usize, what: impl Into<String>) -> Fault {
    let (line, column) = place(text, offset);
    Fault { line, column, what: what.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_by_its_name() {
        let table = [
            ("a.py", Some(Language::Python)),
            ("a/b.PY", Some(Language::Python)),
            ("a.pyi", Some(Language::Python)),
            ("a.py.j2", None),
            ("a.ipynb", None),
            ("package.json", Some(Language::Json)),
            ("tsconfig.json", Some(Language::Jsonc)),
            ("sub/tsconfig.build.json", Some(Language::Jsonc)),
            ("tsconfigs.json", Some(Language::Json)),
            (".vscode/settings.json", Some(Language::Jsonc)),
            ("sub/.vscode/launch.json", Some(Language::Jsonc)),
            (".devcontainer/devcontainer.json", Some(Language::Jsonc)),
            ("a.jsonc", Some(Language::Jsonc)),
            ("a.json5", None),
            ("a.jsonl", None),
            ("pyproject.toml", Some(Language::Toml)),
            ("poetry.lock", None),
            ("a.yml", Some(Language::Yaml)),
            ("Makefile", None),
            (".json", None),
            ("", None),
        ];
        for (path, expected) in table {
            assert_eq!(Language::of(Path::new(path)), expected, "{path}");
        }
    }

    #[test]
    fn a_place_is_told_in_lines_and_characters() {
        let text = "\u{feff}aé\nßx\r\n";
        let table =
            [(0, (1, 1)), (3, (1, 1)), (4, (1, 2)), (5, (1, 2)), (6, (1, 3)), (7, (2, 1)), (9, (2, 2)), (99, (3, 1))];
        for (offset, expected) in table {
            assert_eq!(place(text, offset), expected, "{offset}");
        }
        assert_eq!(place("", 0), (1, 1));
    }
}
