//! Tests of commands: how argument vectors and lines are taken apart.
#![expect(clippy::unwrap_used, reason = "a test may stop where its ground gives way")]

mod attacks;
mod differential;
mod hostile;
mod properties;
mod structure;
mod values;
mod wrapping;

use guard::action::Shell;
use guard::action::shell::{Access, Command, Kind, Word};

/// The line taken apart, where `HOME` is `/home/u`.
fn line(text: &str) -> Shell {
    let environment = [("HOME".to_owned(), "/home/u".to_owned())].into();
    Shell::from_line_in(text.into(), &environment)
}

fn argv(words: &[&str]) -> Shell {
    Shell::from_argv(words.iter().map(Into::into).collect())
}

fn word(word: &Word) -> String {
    match &word.value {
        Some(value) if value.is_empty() || value.contains(' ') => format!("'{value}'"),
        Some(value) => value.clone(),
        None => format!("?{}", word.prefix),
    }
}

/// One command in one line: wrappers, assignments, words, redirections.
fn shown(command: &Command) -> String {
    let mut parts: Vec<String> = command.wrappers.iter().map(|w| format!("{}:", word(&w.word))).collect();
    parts.extend(command.assigns.iter().map(|a| format!("{}={}", a.name, word(&a.value))));
    parts.extend(command.words.iter().map(word));
    for redirect in &command.redirects {
        let sign = match redirect.access {
            Access::Read => "<",
            Access::Write => ">",
            Access::ReadWrite => "<>",
            Access::Duplicate => "&",
        };
        parts.push(format!("{sign}{}", word(&redirect.target)));
    }
    if command.open_ended {
        parts.push("…".to_owned());
    }
    if command.kind == Kind::Function {
        parts.push("()".to_owned());
    }
    parts.join(" ")
}

/// All commands of a line that is proved to its end.
fn proved(text: &str) -> Vec<String> {
    let shell = line(text);
    assert_eq!((text, shell.faults(), shell.unproven()), (text, &[][..], &[][..]));
    shell.commands().iter().map(shown).collect()
}

/// All commands and suspects, whatever is proved.
fn seen(text: &str) -> Vec<String> {
    let shell = line(text);
    shell.commands().iter().chain(shell.suspects()).map(shown).collect()
}

/// What is not proved, in words.
fn doubts(text: &str) -> Vec<String> {
    line(text).unproven().iter().map(|doubt| doubt.message.clone()).collect()
}
