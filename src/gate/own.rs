//! Calls of guard itself: which of them an agent may make, told by their words alone.
//! Knows not what they do; a fence would keep them from guard's state, so that they are handed on as they are.

use super::grants::{environment, writable};
use super::request::parse;
use super::{Project, World, facts};
use crate::action::Action;
use crate::action::shell::{Asked, Kind, Shell, Stdin, Word, quoted, unquoted};
use crate::event::line::printable;
use std::ffi::OsString;
use std::path::Path;

/// What an agent may call: what tells, asks a person, or judges, fences and records by itself.
const AGENTS: [&str; 10] =
    ["status", "escalate", "wait", "run-approved", "check", "exec", "file", "iteration", "db", "migration"];

/// What a harness calls besides, for its agent: the answers to its own hooks.
const HARNESS: [&str; 2] = ["hook", "claude"];

/// Words that have guard only tell about itself.
const TELLS: [&str; 5] = ["help", "--help", "-h", "--version", "-V"];

/// A call of guard itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Call {
    /// An agent's: the same words, written for a shell, with guard's own path.
    Agents(String),
    /// A person's, or nobody's: the words that say so.
    Persons(String),
}

/// The call of `guard`, the program that runs, which `asked` is if it is one simple command and nothing else.
pub(super) fn call(world: &World, project: &Project, asked: &Asked, guard: &Path) -> Option<Call> {
    let environment = environment(world, &[]);
    let action = parse(asked.clone(), &environment);
    let Action::Shell(shell) = &action;
    let words = simple(shell)?;
    let facts = facts::gather(&action, &project.root, &world.cwd, &environment.variables, &writable(&project.root));
    let command = shell.commands().first()?;
    let program = facts.program(command, command.program_word()?)?;
    if std::fs::canonicalize(guard).ok()? != program.real {
        return None;
    }
    let (_, words) = words.split_first()?;
    Some(match persons(words) {
        Some(said) => Call::Persons(said),
        None => Call::Agents(written(guard.to_str()?, words)),
    })
}

/// Whether `line` is as guard writes it for a harness to run: a command handed to `exec`, or an agent's call.
pub fn is_handed(line: &str, guard: &str) -> bool {
    let words: Option<Vec<String>> =
        unquoted(line).and_then(|words| words.into_iter().map(|word| word.into_string().ok()).collect());
    let Some((program, words)) = words.as_ref().and_then(|words| words.split_first()) else { return false };
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ours = matches!(words.as_slice(), ["exec", "-c", _]) || persons(&words).is_none();
    program == guard && written(guard, &words) == line && ours
}

/// A line that is handed to `exec`, which judges, fences and records it.
pub fn handed(guard: &str, line: &str) -> String {
    written(guard, &["exec", "-c", line])
}

fn written(guard: &str, words: &[&str]) -> String {
    std::iter::once(&guard).chain(words).map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// Whether whoever is inside a harness's fence may make the call of these words; the error is what they are told.
pub(super) fn is_agents(words: &[OsString]) -> Result<(), String> {
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match persons(&words).filter(|_| words != HARNESS) {
        None => Ok(()),
        Some(said) => Err(format!(
            "guard: refused: `{}` is not for an agent, and cannot be reached from inside its fence\n  \
             hint: an agent calls {}; what else is needed a person does outside",
            printable(&said),
            AGENTS.map(|name| format!("`{name}`")).join(", "),
        )),
    }
}

/// The words of a line that is one simple command, all of them certain.
fn simple(shell: &Shell) -> Option<Vec<&str>> {
    let [command] = shell.commands() else { return None };
    let proved = shell.faults().is_empty() && shell.unproven().is_empty() && shell.suspects().is_empty();
    let alone = command.assigns.is_empty()
        && command.redirects.is_empty()
        && command.wrappers.is_empty()
        && command.kind == Kind::External
        && command.stdin == Stdin::Inherited
        && !command.open_ended;
    // Nothing stands around it: no `&`, `!`, brackets, comment.
    let whole = command.text(shell).trim_ascii() == shell.text().trim_ascii();
    (proved && alone && whole).then(|| command.words.iter().map(Word::literal).collect()).flatten()
}

/// What of the words after guard's name keeps an agent from calling it so.
fn persons(words: &[&str]) -> Option<String> {
    let (subcommand, rest) = words.split_first()?;
    if !AGENTS.contains(subcommand) && !(TELLS.contains(subcommand)) {
        return Some(format!("guard {subcommand}"));
    }
    // A person's way to close one is told by its words.
    if *subcommand == "iteration" {
        match rest {
            ["close", rest @ ..] if rest.iter().any(|word| *word != "--json") => {
                return Some("guard iteration close --person".to_owned());
            }
            [] | ["start" | "status" | "close" | "help" | "--help" | "-h", ..] => {}
            [_, ..] => return Some("guard iteration".to_owned()),
        }
    }
    // Another folder can be another project, with another policy.
    let mut own = rest.iter();
    while let Some(word) = own.next() {
        if *word == "--" {
            break;
        } else if *word == "-c" {
            // The line itself, be it `--`.
            own.next();
        } else if word.starts_with("-C") {
            return Some("guard -C".to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_s_calls_are_told_by_their_words() {
        let table = [
            ("status", None),
            ("status --json", None),
            ("escalate --analysis x", None),
            ("wait command-43", None),
            ("run-approved command-43", None),
            ("check -c x", None),
            ("exec -- ls -C x", None),
            ("exec -c -Cx", None),
            ("exec --json -c x --task t", None),
            ("--version", None),
            ("help exec", None),
            ("approve command-43", Some("guard approve")),
            ("-C /x status", Some("guard -C")),
            ("-C/x approve x", Some("guard -C/x")),
            ("status -C /x", Some("guard -C")),
            ("exec -C/x -- ls", Some("guard -C")),
            ("exec -C=/x -- ls", Some("guard -C")),
            ("exec -c x -C /x", Some("guard -C")),
            ("exec -c -- -C /x", Some("guard -C")),
            ("exec --json -C /x -c y", Some("guard -C")),
            ("-- approve x", Some("guard --")),
            ("statu", Some("guard statu")),
            ("Status", Some("guard Status")),
            ("policy trust", Some("guard policy")),
            ("iteration start 'close --person'", None),
            ("iteration status --json", None),
            ("iteration close", None),
            ("iteration close --json", None),
            ("iteration close --person", Some("guard iteration close --person")),
            ("iteration close --json --digest x --agent", Some("guard iteration close --person")),
            ("iteration close --pers", Some("guard iteration close --person")),
            ("iteration -C /x close --person", Some("guard iteration")),
            ("iteration -C /x status", Some("guard iteration")),
            ("iteration --json close --person", Some("guard iteration")),
            ("hook uninstall claude", Some("guard hook")),
        ];
        for (line, expected) in table {
            let words: Vec<&str> = line.split(' ').collect();
            assert_eq!(persons(&words).as_deref(), expected, "{line}");
        }
        assert_eq!(persons(&[]), None);
    }

    #[test]
    fn what_guard_hands_to_a_harness_is_known_again_and_nothing_like_it() {
        let guard = "/opt/my guard/guard";
        for line in ["ls", "echo 'a' \"b\" $(c)\n# d", "", "-C x", "it's"] {
            assert!(is_handed(&handed(guard, line), guard), "{line}");
        }
        assert!(is_handed("'/opt/my guard/guard' status", guard));
        let whole = handed(guard, "ls");
        for line in [
            "ls".to_owned(),
            format!("{whole}; ls"),
            format!("{whole} && ls"),
            format!("{whole} > x"),
            format!(" {whole}"),
            format!("{whole}\nls"),
            whole.replace("exec -c", "exec  -c"),
            whole.replace("exec", "approve"),
            whole.replace(guard, "/opt/other/guard"),
            format!("'{guard}' exec -c \"$(rm x)\""),
            format!("'{guard}' exec -c $(rm x)"),
            format!("'{guard}' exec -c `rm x`"),
            format!("'{guard}' status;rm"),
            format!("'{guard}' exec -C /x -c ls"),
            String::new(),
        ] {
            assert!(!is_handed(&line, guard), "{line}");
        }
    }
}
