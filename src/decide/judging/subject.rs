//! The subject of a rule: a command and the names it truly goes by.
//! Knows what facts say about its program; nothing of rules.

use super::Ground;
use super::hit::Part;
use crate::action::Found;
use crate::action::shell::{Command, Kind, Word, Wrapper};
use crate::decide::policy::unversioned;
use std::borrow::Cow;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// What the first word of a command is, as far as facts say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// An installed program, which fenced commands cannot replace.
    Program,
    /// A program that fenced commands can write to: its name proves nothing.
    Writable,
    /// Not there, and nothing the line does can make it: the shell will only say so.
    Absent,
    /// Not there, or not there yet.
    Missing,
    /// There, and cannot be executed.
    Unusable(String),
    /// Only the run will tell, or it was not looked up.
    Unknown,
    /// A builtin of bash.
    Builtin,
    /// A function of the line.
    Function,
    /// Assignments or redirections only.
    NoProgram,
}

/// A command under the names it goes by.
#[derive(Debug, Clone)]
pub(super) struct Subject<'a> {
    /// The command; for a module that python runs, as if it were called by its own name.
    pub(super) command: Cow<'a, Command>,
    /// What its program is.
    pub(super) standing: Standing,
    /// Names of its program, with and without version.
    pub(super) names: Vec<String>,
    /// The program's file, all links followed.
    pub(super) real: Option<PathBuf>,
    /// Which part of the command it is; a wrapper's arguments are not its own.
    pub(super) part: Part,
    /// Which of the action's commands it is; `None`: only suspected.
    pub(super) number: Option<usize>,
    /// Whether allowing rules count: a module's name is whatever file the working folder holds.
    pub(super) allowable: bool,
}

impl<'a> Subject<'a> {
    /// The command itself.
    pub(super) fn new(ground: Ground<'_>, command: &'a Command) -> Subject<'a> {
        let mut subject = Subject {
            command: Cow::Borrowed(command),
            standing: Standing::NoProgram,
            names: Vec::new(),
            real: None,
            part: Part::Guise(0),
            number: None,
            allowable: true,
        };
        match command.kind {
            Kind::External => {
                if let Some(word) = command.program_word() {
                    subject.look_up(ground, word);
                }
            }
            Kind::Builtin => {
                subject.standing = Standing::Builtin;
                subject.go_by(command.program().unwrap_or_default());
            }
            Kind::Function => subject.standing = Standing::Function,
            Kind::None => {}
        }
        subject
    }

    /// The wrapper of that number around `command`.
    pub(super) fn wrapper(ground: Ground<'_>, command: &'a Command, number: usize, wrapper: &Wrapper) -> Subject<'a> {
        let mut subject = Subject {
            command: Cow::Borrowed(command),
            standing: Standing::Builtin,
            names: Vec::new(),
            real: None,
            part: Part::Wrapper(number),
            number: None,
            allowable: true,
        };
        match wrapper.kind {
            Kind::External => subject.look_up(ground, &wrapper.word),
            Kind::Builtin | Kind::Function | Kind::None => subject.go_by(&wrapper.word.text),
        }
        subject
    }

    fn look_up(&mut self, ground: Ground<'_>, word: &Word) {
        let command: &Command = &self.command;
        let Some(value) = word.literal() else {
            self.standing = Standing::Unknown;
            return;
        };
        match ground.facts.found(command, word) {
            Some(Found::Program(program)) => {
                let (path, real, writable) = (program.path.clone(), program.real.clone(), program.writable);
                self.standing = if writable { Standing::Writable } else { Standing::Program };
                self.go_by_path(&path);
                self.go_by_path(&real);
                if writable {
                    // Its names only serve to deny; the word it was called by is one of them.
                    self.go_by_path(Path::new(value));
                }
                self.real = Some(real);
            }
            Some(Found::Missing) => {
                self.standing = if stays_absent(ground, value) { Standing::Absent } else { Standing::Missing };
                self.go_by_path(Path::new(value));
            }
            Some(Found::Unusable(cause)) => {
                self.standing = Standing::Unusable(cause.clone());
                self.go_by_path(Path::new(value));
            }
            None => {
                self.standing = Standing::Unknown;
                self.go_by_path(Path::new(value));
            }
        }
    }

    fn go_by_path(&mut self, path: &Path) {
        if let Some(name) = path.file_name() {
            self.go_by(&name.to_string_lossy());
        }
    }

    fn go_by(&mut self, name: &str) {
        for name in [Some(name), unversioned(name)].into_iter().flatten() {
            if !self.names.iter().any(|known| known == name) {
                self.names.push(name.to_owned());
            }
        }
    }

    /// Whether it goes by that name.
    pub(super) fn is(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    /// The program for messages: its file's name, beside the word where that differs.
    pub(super) fn shown(&self) -> String {
        let word = super::word(&self.command);
        match self.names.first() {
            Some(name) if *name != word && !word.is_empty() => format!("{word} ({name})"),
            Some(name) => name.clone(),
            None => word,
        }
    }

    /// The command itself, and what else it amounts to: `python -m pip` is pip, `docker compose` docker-compose.
    /// Rules that ask or deny hold for all of them, so that no spelling escapes them.
    pub(super) fn guises(self) -> Vec<Subject<'a>> {
        let module = if self.is("python") { self.module() } else { None };
        let module = module.map(|module| Subject { allowable: false, ..module });
        let plugin = if self.is("docker") && self.command.subcommand(&[]).and_then(Word::literal) == Some("compose") {
            let at = self.command.words.iter().position(|word| word.literal() == Some("compose"));
            // Docker's own flags (`-H tcp://x`) mean the same to docker-compose.
            at.map(|at| self.called("docker-compose", 1..at, at + 1))
        } else {
            None
        };
        let mut guises = vec![self];
        for guise in module.into_iter().chain(plugin) {
            guises.push(Subject { part: Part::Guise(guises.len()), ..guise });
        }
        guises
    }

    /// The module that python runs, as a command.
    fn module(&self) -> Option<Subject<'a>> {
        let (module, from) = self.command.module()?;
        Some(self.named_module(module, from))
    }

    /// A module as a program: under its own name, and under that of the package it belongs to, which is what
    /// `pip._internal`, `pip.__main__` and `_pytest` come to.
    fn named_module(&self, module: &str, from: usize) -> Subject<'a> {
        let package = module.split('.').next().unwrap_or(module);
        let package = package.strip_prefix('_').filter(|rest| !rest.starts_with('_')).unwrap_or(package);
        let mut subject = self.called(package, 0..0, from);
        subject.go_by(module);
        subject
    }

    /// The same command by another name, its arguments those of the words `kept` and of all from `from` on.
    fn called(&self, name: &str, kept: Range<usize>, from: usize) -> Subject<'a> {
        let mut command = self.command.clone().into_owned();
        let arguments = command.words.split_off(from.min(command.words.len()));
        let kept = command.words.get(kept).unwrap_or_default().to_vec();
        command.words = std::iter::once(Word::known(name)).chain(kept).chain(arguments).collect();
        command.code = None;
        command.read_argument_files();
        let mut subject = Subject { command: Cow::Owned(command), names: Vec::new(), ..self.clone() };
        subject.go_by(name);
        subject
    }
}

/// Whether a missing program stays missing whatever the line does: a bare name, and no folder of `PATH` where
/// commands can write.
fn stays_absent(ground: Ground<'_>, word: &str) -> bool {
    if word.contains('/') {
        return false;
    }
    match ground.shell.asked() {
        crate::action::shell::Asked::Argv(_) => return false,
        crate::action::shell::Asked::Line(_) => {}
    }
    let Some(path) = ground.facts.environment.get("PATH") else { return false };
    let sets_path = ground.shell.commands().iter().flat_map(|command| &command.assigns).any(|a| a.name == "PATH");
    !sets_path
        && path.split(':').map(Path::new).all(|folder| {
            folder.is_absolute() && !folder.starts_with(&ground.facts.project) && !folder.starts_with("/tmp")
        })
}
