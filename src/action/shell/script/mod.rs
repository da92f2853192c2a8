//! Scripts of sed and programs of awk: the files they read and write, and the commands they run.
//! Knows their grammar as far as that needs; nothing of what is done with it.

mod awk;
mod sed;

use super::builtin::first;
use super::command::{Access, Command, Kind, Redirect, Stdin, Word, Wrapper};
use super::launch;
use super::walk::Walk;

/// What a script does beside changing text.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Deed {
    Reads(String),
    Writes(String),
    /// Hands text to a shell; whether the shell's input is what the script prints.
    Runs(String, bool),
}

/// Flags of sed that only change how text is read or printed, or whose value is looked at.
const SED_FLAGS: &[&str] = &[
    "--binary",
    "--debug",
    "--expression",
    "--follow-symlinks",
    "--help",
    "--in-place",
    "--line-length",
    "--null-data",
    "--posix",
    "--quiet",
    "--regexp-extended",
    "--sandbox",
    "--separate",
    "--silent",
    "--unbuffered",
    "--version",
    "--zero-terminated",
];

/// The same for awk.
const AWK_FLAGS: &[&str] = &[
    "--assign",
    "--bignum",
    "--characters-as-bytes",
    "--csv",
    "--field-separator",
    "--help",
    "--lint",
    "--non-decimal-data",
    "--optimize",
    "--posix",
    "--re-interval",
    "--sandbox",
    "--source",
    "--traditional",
    "--use-lc-numeric",
    "--version",
];

/// `sed`: what its scripts do is done by it.
pub(super) fn sed(walk: &mut Walk<'_>, mut command: Command) {
    let span = command.span.clone();
    if let Some(flag) = strange(&command, SED_FLAGS, "EbeilnrsuzV") {
        walk.unproven(format!("an option `{flag}` of `sed`"), &span);
    }
    if command.arguments().flags().filter_map(Word::literal).filter_map(backup).any(|suffix| suffix.contains('/')) {
        walk.unproven("a backup of `sed -i` that goes elsewhere", &span);
    }
    let mut scripts = command.arguments().values("-e");
    scripts.extend(command.arguments().values("--expression"));
    if scripts.is_empty() {
        scripts.extend(command.operands(&[]).first().map(|word| (*word).clone()));
    }
    let texts: Option<Vec<&str>> = scripts.iter().map(Word::literal).collect();
    match texts.map(|texts| sed::read(&texts.join("\n"))) {
        Some(Ok(deeds)) => done(walk, &mut command, deeds),
        Some(Err(cause)) => walk.unproven(format!("a script of `sed`: {cause}"), &span),
        None => walk.unproven("a script of `sed` that only the run will tell", &span),
    }
    walk.emit(command);
}

/// What `-i` has for a suffix: the rest of its word, never the next one. A word that is not known is strange already.
fn backup(flag: &str) -> Option<&str> {
    match flag.strip_prefix("--") {
        Some(long) => long.strip_prefix("in-place="),
        None => {
            let at = flag.find(['e', 'f', 'i', 'l'])?;
            flag.get(at..)?.strip_prefix('i')
        }
    }
}

/// `awk`: what its programs do is done by it.
pub(super) fn awk(walk: &mut Walk<'_>, mut command: Command) {
    let span = command.span.clone();
    if let Some(flag) = strange(&command, AWK_FLAGS, "FMOPSVbcenrstv") {
        walk.unproven(format!("an option `{flag}` of `awk`"), &span);
    }
    let mut programs = command.arguments().values("-e");
    programs.extend(command.arguments().values("--source"));
    if programs.is_empty() {
        programs.extend(command.operands(&[]).first().map(|word| (*word).clone()));
    }
    for program in programs {
        match program.literal().map(awk::read) {
            Some(Ok(deeds)) => done(walk, &mut command, deeds),
            Some(Err(cause)) => {
                walk.unproven(format!("a program of `awk`: {cause}"), &span);
                let text = program.value.unwrap_or_default();
                for quoted in text.split('"').skip(1).step_by(2).take(8) {
                    walk.suspect_text(quoted, span.clone());
                }
            }
            None => walk.unproven("a program of `awk` that only the run will tell", &span),
        }
    }
    walk.emit(command);
}

/// The first flag that is neither in `long` nor put together from `letters`.
fn strange(command: &Command, long: &[&str], letters: &str) -> Option<String> {
    let strange = |flag: &&Word| match flag.literal() {
        None => true,
        Some(text) if text.starts_with("--") => !long.contains(&text.split('=').next().unwrap_or(text)),
        // What follows a letter with a value is that value.
        Some(text) => {
            let valued = |c: char| matches!(c, 'F' | 'v' | 'e' | 'i' | 'l');
            let own = text.chars().skip(1).scan(false, |ended, c| {
                let before = std::mem::replace(ended, *ended || valued(c));
                (!before).then_some(c)
            });
            own.into_iter().any(|c| !letters.contains(c))
        }
    };
    command.flags().into_iter().find(strange).map(|word| word.text.clone())
}

/// Files become redirections of the command, and what it runs a command of its own.
fn done(walk: &mut Walk<'_>, command: &mut Command, deeds: Vec<Deed>) {
    for deed in deeds {
        match deed {
            Deed::Reads(file) => {
                command.redirects.push(Redirect { access: Access::Read, target: Word::known(&file) });
            }
            Deed::Writes(file) => {
                command.redirects.push(Redirect { access: Access::Write, target: Word::known(&file) });
            }
            Deed::Runs(text, fed) => {
                let mut inner = Command { words: Vec::new(), ..command.clone() };
                inner.redirects.clear();
                inner.assigns.clear();
                inner.wrappers.push(Wrapper { word: first(command), kind: Kind::External });
                inner.stdin = if fed { Stdin::Pipe } else { inner.stdin };
                launch::line(walk, inner, &[Word::known(&text)], false);
            }
        }
    }
}
