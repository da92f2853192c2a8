//! The vocabulary of commands: words, assignments, redirections, and what is wrong with them.
//! Knows how they are written down, not how they are found.

use super::Shell;
use std::ffi::OsString;
use std::ops::Range;

/// How a command was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// A program and its arguments, started without a shell.
    Argv(Vec<OsString>),
    /// A line for `bash -c`.
    Line(OsString),
}

/// One simple command, wherever it stands: in a pipeline, a list, a substitution, behind a wrapper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The program word and the arguments. Empty where there are only assignments or redirections.
    pub words: Vec<Word>,
    /// What the first word is.
    pub kind: Kind,
    /// `NAME=value` before the command, given by `env`, or set by `export`, `declare`, `read` and their like;
    /// where the value is not known, the word's value is `None`.
    pub assigns: Vec<Assign>,
    /// Redirections, in order, its wrappers' included (`time -o FILE`, `flock FILE`).
    pub redirects: Vec<Redirect>,
    /// Where its standard input comes from.
    pub stdin: Stdin,
    /// Program text it is handed in a language that guard does not read (`python -c`, `python -`).
    pub code: Option<Code>,
    /// The wrappers around it, outermost first (`env`, `timeout`, `xargs`, `sh`).
    pub wrappers: Vec<Wrapper>,
    /// Whether words may be added to it that only the run will tell (`xargs`, `find -exec … +`).
    pub open_ended: bool,
    /// The folder that its relative paths start from, itself relative to the folder the action starts in
    /// (`""`: that folder). `None`: only the run will tell.
    pub cwd: Option<String>,
    /// What that folder rests on: folders that a `cd` must have found, since it is not told whether it did.
    pub assumes: Vec<Assumed>,
    /// The bytes of [`Shell::text`] it stands in, for messages.
    pub span: Range<usize>,
}

impl Default for Command {
    fn default() -> Self {
        Command {
            words: Vec::new(),
            kind: Kind::External,
            assigns: Vec::new(),
            redirects: Vec::new(),
            stdin: Stdin::Inherited,
            code: None,
            wrappers: Vec::new(),
            open_ended: false,
            cwd: Some(String::new()),
            assumes: Vec::new(),
            span: 0..0,
        }
    }
}

/// A folder that a `cd` must have found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assumed {
    /// The folder, as [`Command::cwd`].
    pub folder: String,
    /// How many of [`Shell::commands`] come before that `cd`.
    pub before: usize,
}

/// What the first word of a command is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// A file, found along `PATH` or by its path.
    #[default]
    External,
    /// A builtin of bash.
    Builtin,
    /// A function defined in the same line; its body's commands stand beside it.
    Function,
    /// Only assignments or redirections.
    None,
}

/// A wrapper around a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrapper {
    /// Its program word, whose value is known.
    pub word: Word,
    /// [`Kind::External`] for `env`, [`Kind::Builtin`] for `command`, `exec`, `eval`.
    pub kind: Kind,
}

/// A shell word after all expansion that can be known beforehand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Word {
    /// The value, where it is certain (of a pattern: the pattern). `None`: only the run will tell.
    pub value: Option<String>,
    /// What its value begins with for certain, where the whole is not known or is a pattern.
    pub prefix: String,
    /// The word as written.
    pub text: String,
    /// Whether it holds an unquoted pattern (`*`, `?`, `[`) that the shell would expand to file names.
    pub glob: bool,
    /// Whether it may become no word or several (`$@`, an unquoted `$x`), each of which may be a flag.
    pub many: bool,
}

/// An assignment to a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assign {
    /// The variable's name.
    pub name: String,
    /// What it is set to.
    pub value: Word,
}

/// A redirection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// What is done to the target.
    pub access: Access,
    /// The file, or for [`Access::Duplicate`] the descriptor.
    pub target: Word,
}

/// What a redirection does to its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// `<`
    Read,
    /// `>`, `>>`, `>|`, `&>`
    Write,
    /// `<>`
    ReadWrite,
    /// `2>&1`, `<&3`
    Duplicate,
}

/// Where a command's standard input comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Stdin {
    /// Guard's own standard input.
    #[default]
    Inherited,
    /// The output of the command before it in a pipeline.
    Pipe,
    /// A file.
    File(Word),
    /// A here-document or here-string; `None` where its text is not known beforehand.
    Text(Option<String>),
}

/// Where an interpreter takes its program text from, where that is not a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// An argument: `python -c CODE`.
    Argument(Word),
    /// Its standard input: `python -`, `python <<EOF`, `… | python`.
    Stdin,
}

/// A reason why the command cannot be run at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which kind.
    pub kind: FaultKind,
    /// What is wrong, with the position where there is one.
    pub message: String,
    /// The bytes of [`Shell::text`] that are meant.
    pub span: Range<usize>,
}

/// The kinds of [`Fault`]; each is a built-in rule that denies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// Nothing was asked.
    Empty,
    /// A NUL byte, or bytes that are not UTF-8.
    NotText,
    /// Longer or deeper than guard takes apart.
    TooBig,
    /// A shell would refuse it as well.
    Syntax,
    /// A function that starts copies of itself without end.
    Bomb,
}

/// A part whose meaning only the run will tell; what cannot be proved is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unproven {
    /// What cannot be proved, as a fragment for messages.
    pub message: String,
    /// The bytes of [`Shell::text`] that are meant.
    pub span: Range<usize>,
}

impl Word {
    /// A word that is certain and written as it is.
    pub fn known(value: &str) -> Word {
        Word { value: Some(value.to_owned()), text: value.to_owned(), ..Word::default() }
    }

    /// The value, where it is certain and stands for exactly itself (no pattern).
    pub fn literal(&self) -> Option<&str> {
        if self.glob || self.many { None } else { self.value.as_deref() }
    }
}

impl Command {
    /// Everything but the words.
    pub(super) fn without_words(&mut self) -> Command {
        let words = std::mem::take(&mut self.words);
        let rest = self.clone();
        self.words = words;
        rest
    }

    /// The program word; none where there are only assignments or redirections.
    pub fn program_word(&self) -> Option<&Word> {
        self.words.first()
    }

    /// The program word's value, where it is certain.
    pub fn program(&self) -> Option<&str> {
        self.words.first().and_then(Word::literal)
    }

    /// The words after the program word.
    pub fn args(&self) -> &[Word] {
        self.words.get(1..).unwrap_or(&[])
    }

    /// Read as python's: the module it runs and the number of the first word behind that: `-m pip install`, `-mpip`,
    /// `-Im pip`, `-W ignore -m pip`.
    pub fn module(&self) -> Option<(&str, usize)> {
        let mut words = self.words.iter().enumerate().skip(1);
        while let Some((number, word)) = words.next() {
            let value = word.literal()?;
            let letters = value.strip_prefix('-').filter(|rest| !rest.is_empty())?;
            if letters.starts_with('-') {
                if value == "--check-hash-based-pycs" {
                    words.next();
                }
                continue;
            }
            let Some(at) = letters.find(['m', 'c', 'W', 'X']) else { continue };
            let (kind, rest) = letters.get(at..)?.split_at_checked(1)?;
            match (kind, rest) {
                ("m", "") => return Some((words.next()?.1.literal()?, number + 2)),
                ("m", name) => return Some((name, number + 1)),
                ("c", _) => return None,
                (_, "") => {
                    words.next();
                }
                (_, _) => {}
            }
        }
        None
    }

    /// The command as written; for one that was found in other text (`sh -c '…'`), what holds that text.
    pub fn text<'a>(&self, shell: &'a Shell) -> &'a str {
        shell.text().get(self.span.clone()).unwrap_or(shell.text())
    }

    /// `path` as seen from the folder the action starts in: the key of [`crate::action::Facts::paths`].
    /// None where the path is relative to a folder that is not known.
    pub fn located(&self, path: &str) -> Option<String> {
        if path.starts_with('/') {
            return Some(path.to_owned());
        }
        match self.cwd.as_deref()? {
            "" => Some(path.to_owned()),
            cwd => Some(format!("{}/{path}", cwd.trim_end_matches('/'))),
        }
    }
}
