//! Commands: an argument vector or a shell line, taken apart as a shell would.
//! Knows no policy: it says what would run, and names what it cannot prove.

mod arguments;
mod arithmetic;
mod bomb;
mod brace;
mod builtin;
mod command;
mod effects;
mod expand;
mod find;
pub mod flags;
mod flow;
mod interpret;
mod launch;
mod outline;
mod parameter;
mod parse;
mod scope;
mod script;
mod simple;
mod suspect;
mod unwrap;
mod valued;
mod variables;
mod walk;
mod wrappers;

pub use arguments::Arguments;
pub use builtin::is_harmless_builtin;
pub use command::{
    Access, Asked, Assign, Assumed, Code, Command, Fault, FaultKind, Kind, Redirect, Stdin, Unproven, Word, Wrapper,
};
pub use effects::{Effect, Touch};
pub use flags::Tri;
pub use outline::{Joined, Outline, Shape};
pub use wrappers::{Runs, runs};

use std::collections::HashMap;
use std::ffi::OsString;

/// A command, taken apart into every simple command that it could start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shell {
    asked: Asked,
    text: String,
    commands: Vec<Command>,
    suspects: Vec<Command>,
    faults: Vec<Fault>,
    unproven: Vec<Unproven>,
    overlaps: Vec<walk::Overlap>,
}

/// The longest single argument the kernel hands to a program, and so the longest line (bytes).
const LINE: usize = 128 * 1024 - 1;
/// The longest argument vector that guard takes apart (bytes, and words).
const VECTOR: (usize, usize) = (1024 * 1024, 16 * 1024);

impl Shell {
    /// Takes an argument vector, started without a shell. Total: what cannot be run becomes a [`Fault`].
    pub fn from_argv(argv: Vec<OsString>) -> Shell {
        Shell::from_argv_in(argv, &HashMap::new())
    }

    /// Takes a line for `bash -c`. Total: what cannot be run becomes a [`Fault`].
    pub fn from_line(line: OsString) -> Shell {
        Shell::from_line_in(line, &HashMap::new())
    }

    /// [`Shell::from_argv`], with the variables that the command will certainly see.
    pub fn from_argv_in(argv: Vec<OsString>, environment: &HashMap<String, String>) -> Shell {
        let asked = Asked::Argv(argv.clone());
        let size: usize = argv.iter().map(|word| word.len() + 1).sum();
        if size > VECTOR.0 || argv.len() > VECTOR.1 || argv.iter().any(|word| word.len() > LINE) {
            let message = format!("{} arguments of {size} bytes", argv.len());
            return Shell::refused(asked, String::new(), FaultKind::TooBig, message);
        }
        let mut text = String::new();
        let mut words = Vec::new();
        let mut wrong = None;
        for (index, word) in argv.iter().enumerate() {
            let shown = word.to_string_lossy();
            if word.to_str().is_none() || shown.contains('\0') {
                wrong.get_or_insert(index);
            }
            if index > 0 {
                text.push(' ');
            }
            quote(&shown, &mut text);
            words.push(Word::known(&shown));
        }
        if let Some(index) = wrong {
            let message = format!("argument {index} holds a NUL byte or is not UTF-8");
            return Shell::refused(asked, text, FaultKind::NotText, message);
        }
        match argv.first() {
            None => return Shell::refused(asked, text, FaultKind::Empty, "no command was given".to_owned()),
            Some(first) if first.is_empty() => {
                return Shell::refused(asked, text, FaultKind::Empty, "the program's name is empty".to_owned());
            }
            Some(_) => {}
        }
        let mut walk = walk::Walk::new(environment);
        walk.source.clone_from(&text);
        let command = Command { words, span: 0..text.len(), ..Command::default() };
        walk.run(command, simple::Lookup::Files);
        Shell::found(asked, text, walk.finish())
    }

    /// [`Shell::from_line`], with the variables that the command will certainly see (`HOME` for `~`).
    pub fn from_line_in(line: OsString, environment: &HashMap<String, String>) -> Shell {
        let text = line.to_string_lossy().into_owned();
        let not_text = line.to_str().is_none() || text.contains('\0');
        let asked = Asked::Line(line);
        if text.len() > LINE {
            let message = format!("a line of {} bytes; at most {LINE} can be run", text.len());
            return Shell::refused(asked, String::new(), FaultKind::TooBig, message);
        }
        if not_text {
            let message = "the line holds a NUL byte or is not UTF-8".to_owned();
            return Shell::refused(asked, text, FaultKind::NotText, message);
        }
        let mut walk = walk::Walk::new(environment);
        walk.text(&text, None);
        let found = walk.finish();
        let silent = found.faults.is_empty() && found.unproven.is_empty() && found.suspects.is_empty();
        if found.commands.is_empty() && silent {
            return Shell::refused(asked, text, FaultKind::Empty, "no command was given".to_owned());
        }
        Shell::found(asked, text, found)
    }

    fn found(asked: Asked, text: String, found: walk::Found) -> Shell {
        let walk::Found { commands, suspects, faults, unproven, overlaps } = found;
        Shell { asked, text, commands, suspects, faults, unproven, overlaps }
    }

    fn refused(asked: Asked, text: String, kind: FaultKind, message: String) -> Shell {
        let faults = vec![Fault { kind, message, span: 0..text.len() }];
        let (commands, suspects, unproven, overlaps) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Shell { asked, text, commands, suspects, faults, unproven, overlaps }
    }

    /// What was asked, unchanged: this and nothing else may be run.
    pub fn asked(&self) -> &Asked {
        &self.asked
    }

    /// The whole command as one line of text, quoted where needed; lossy where it is not UTF-8.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Every simple command that could be started, outermost first, in order of appearance.
    pub fn commands(&self) -> &[Command] {
        &self.commands
    }

    /// Commands that may be started although that is not proved: after a syntax error, in text that is only
    /// perhaps run, behind an unknown wrapper. Deny by them; never allow by them. Never mere repetitions of
    /// [`Shell::commands`].
    pub fn suspects(&self) -> &[Command] {
        &self.suspects
    }

    /// The commands, by number, that may run at the same time as the command of that number: in its pipeline, in the
    /// background, in rounds of `xargs -P`. Itself among them where several of it may run.
    pub fn beside(&self, number: usize) -> impl Iterator<Item = usize> {
        let count = self.commands.len();
        let sides = self.overlaps.iter().flat_map(|overlap| {
            [(overlap.some.clone(), overlap.others.clone()), (overlap.others.clone(), overlap.some.clone())]
        });
        sides
            .filter(move |(own, _)| own.contains(&number))
            .flat_map(move |(_, others)| others.start..others.end.min(count))
    }

    /// Why it cannot be run at all.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// What could not be proved.
    pub fn unproven(&self) -> &[Unproven] {
        &self.unproven
    }
}

/// `word` as a shell would need it written.
pub fn quoted(word: &str) -> String {
    let mut text = String::new();
    quote(word, &mut text);
    text
}

/// Appends `word` as a shell would need it written.
fn quote(word: &str, text: &mut String) {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        text.push_str(word);
    } else {
        text.push('\'');
        text.push_str(&word.replace('\'', "'\\''"));
        text.push('\'');
    }
}

/// The words of an argument vector from [`Shell::text`], which holds them quoted. `None`: it was not quoted so.
pub fn unquoted(text: &str) -> Option<Vec<OsString>> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix('\'') {
            let (inner, after) = quoted.split_once('\'')?;
            word.push_str(inner);
            rest = after;
        } else if let Some(after) = rest.strip_prefix("\\'") {
            word.push('\'');
            rest = after;
        } else if let Some(after) = rest.strip_prefix(' ') {
            words.push(std::mem::take(&mut word).into());
            rest = after;
        } else {
            let end = rest.find(['\'', '\\', ' ']).unwrap_or(rest.len());
            let (bare, after) = rest.split_at_checked(end)?;
            // A backslash before anything but a quote is not written by `quote`.
            if bare.is_empty() {
                return None;
            }
            word.push_str(bare);
            rest = after;
        }
    }
    words.push(word.into());
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_argument_vector_comes_back_from_its_text(words in proptest::collection::vec("[a-z '\\\\$\"\n*é]{0,6}", 1..6)) {
            prop_assume!(!words[0].is_empty());
            let argv: Vec<OsString> = words.iter().map(Into::into).collect();
            let shell = Shell::from_argv(argv.clone());
            prop_assert_eq!(unquoted(shell.text()), Some(argv));
        }
    }
}
