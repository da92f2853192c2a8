//! Facts about the world that a judgement rests on, gathered by the gate and given as data.
//! Knows how names were resolved, not how to resolve them.

use super::shell::{Command, Word};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// What the world looks like to the command at the moment it is judged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The project's root, without symbolic links.
    pub project: PathBuf,
    /// The folder the command would start in, without symbolic links.
    pub cwd: PathBuf,
    /// The person's home folder, for `~`.
    pub home: Option<PathBuf>,
    /// Values of the environment variables that the command will really see, for `$NAME`.
    pub environment: HashMap<String, String>,
    /// Every program word of the action and its wrappers, looked up as the fenced command would look it up;
    /// a word with a `/` stands as [`Command::located`] gives it.
    pub programs: HashMap<String, Found>,
    /// Every text that may name a path ([`Command::path_texts`]), as [`Command::located`] gives it, to the path it
    /// resolves to: absolute, links followed as far as the path exists, the rest appended without `.` and `..`.
    pub paths: HashMap<String, PathBuf>,
    /// Those of the paths, and of the folders above them, that are folders a command could go to.
    pub folders: HashSet<PathBuf>,
    /// Those of the paths that are there, whatever they are.
    pub present: HashSet<PathBuf>,
    /// What the caller calls the task; chosen by whoever asks.
    pub task: Option<String>,
    /// A key that fingerprints of what is asked are made with, so that a record of one tells nothing of the text. Empty
    /// where none is kept.
    pub key: Vec<u8>,
    /// The mode the project is in.
    pub mode: Option<String>,
    /// The phase of the plan that is being worked on.
    pub phase: Option<String>,
    /// Files that the open phase names, letter for letter, as absolute paths.
    pub planned: HashSet<PathBuf>,
}

/// How the look-up of a program word ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// An executable file.
    Program(Program),
    /// Nothing of that name.
    Missing,
    /// Something of that name that cannot be executed: a folder, a plain file, a loop of links.
    Unusable(String),
}

/// An executable file that a program word stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The path that was found, as `PATH` or the word gave it, made absolute.
    pub path: PathBuf,
    /// The file behind it, all symbolic links followed.
    pub real: PathBuf,
    /// Whether the found path or the file behind it lies where a fenced command may write
    /// (the project, a temporary folder), so that its name proves nothing.
    pub writable: bool,
}

impl Facts {
    /// How the look-up of `word` as a program of `command` ended: its own program word or a wrapper's. None where
    /// the word is not known, or a path from a folder that is not known.
    pub fn found(&self, command: &Command, word: &Word) -> Option<&Found> {
        let value = word.literal()?;
        if value.contains('/') { self.programs.get(&command.located(value)?) } else { self.programs.get(value) }
    }

    /// The program behind `word` of `command`, if one was found.
    pub fn program(&self, command: &Command, word: &Word) -> Option<&Program> {
        match self.found(command, word)? {
            Found::Program(program) => Some(program),
            Found::Missing | Found::Unusable(_) => None,
        }
    }

    /// Where `path`, a word of `command` or a part of one, leads, if that is known.
    pub fn path(&self, command: &Command, path: &str) -> Option<&Path> {
        self.paths.get(&command.located(path)?).map(PathBuf::as_path)
    }
}
