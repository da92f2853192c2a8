//! The narrowest rule: what a rule would have to say to allow one command, as it was asked, and nothing else.
//! Writes no rule, and decides nothing.

use super::exact;
use super::paths::{self, Places, Touched};
use super::subject::{Standing, Subject};
use super::{Ground, urls};
use crate::action::shell::{Command, Kind, Runs, Stdin, Word, runs};
use crate::action::{Action, Facts};
use crate::decide::policy::{Policy, Rule, is_plain};
use crate::decide::{Judgement, Verdict};
use std::path::Path;

/// The conditions of the narrowest rule, each as its key takes it. An empty list stands for a key that is not needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Narrow {
    /// `program`: the file, links followed.
    pub program: String,
    /// `exactly`: its arguments.
    pub exactly: Vec<String>,
    /// `folder`: where it starts.
    pub folder: String,
    /// `reads`, where a rule that asks looks at that.
    pub reads: Vec<String>,
    /// `writes_to`, likewise.
    pub writes_to: Vec<String>,
    /// `removes`, likewise.
    pub removes: Vec<String>,
    /// `url`, likewise.
    pub url: Vec<String>,
    /// Whether `unprovable = false` is needed, likewise.
    pub proved: bool,
    /// `mode`, where the project is in one: in another, other rules may ask.
    pub mode: Option<String>,
    /// `phase`, likewise.
    pub phase: Option<String>,
}

/// Why no rule could allow a command without allowing more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TooWide {
    /// A list, a pipeline, a fault, or something only suspected.
    #[error("it is not one plain command")]
    NotOne,
    /// Something only the run will tell.
    #[error("only the run will tell what it is: {0}")]
    Unproven(String),
    /// A builtin, a function, or nothing.
    #[error("it starts no program of its own")]
    NoProgram,
    /// Something around it.
    #[error("it is started by `{0}`, which would start anything else as well")]
    Wrapped(String),
    /// Variables.
    #[error("it sets `{0}`, and a variable may change what any program does")]
    Assigns(String),
    /// Redirections, here-documents.
    #[error("its input or output is redirected")]
    Redirected,
    /// Program text.
    #[error("it is handed program text")]
    Code,
    /// A shell, an interpreter, a wrapper.
    #[error("`{program}` is {what}: what it does is said elsewhere than in the rule")]
    RunsOthers {
        /// Its name.
        program: String,
        /// `a shell`, `an interpreter`, …
        what: &'static str,
    },
    /// Guard itself.
    #[error("`{0}` is guard itself: what it changes is a person's to say each time")]
    Guard(String),
    /// Not found, or not executable.
    #[error("its program was not found")]
    Missing,
    /// Where commands write.
    #[error("`{0}` lies where commands can write: it may be another program tomorrow")]
    Writable(String),
    /// Called by another name than its file's.
    #[error("it is called by another name than that of its file, `{0}`, which may do something else under each name")]
    Renamed(String),
    /// A path or host that cannot be written down as itself.
    #[error("`{0}` cannot be written in a rule as it is")]
    Unwritable(String),
    /// A place that is not known for certain.
    #[error("it touches a place that only the run will tell")]
    Place,
}

/// What the narrowest rule that allows a judged command would say, so that it answers the rules that ask.
///
/// # Errors
/// Why there is none.
pub fn narrowest(judgement: &Judgement, facts: &Facts, policy: &Policy) -> Result<Narrow, TooWide> {
    let Action::Shell(shell) = judgement.action();
    let ground = Ground { facts, policy, shell };
    let first = shell.commands().first().map(|command| Subject::new(ground, command));
    if let Some(cause) = first.and_then(|first| runs_others(&first)) {
        return Err(cause);
    }
    if let Some(unproven) = shell.unproven().first() {
        return Err(TooWide::Unproven(unproven.message.clone()));
    }
    if let Some(wrapper) = shell.commands().iter().find_map(|command| command.wrappers.first()) {
        return Err(TooWide::Wrapped(wrapper.word.text.clone()));
    }
    let [command] = shell.commands() else { return Err(TooWide::NotOne) };
    let subject = Subject::new(ground, command);
    let program = plain_program(&subject)?;
    let exactly = arguments(command)?;
    if !shell.faults().is_empty() || !shell.suspects().is_empty() || !exact::alone(ground, &subject, true) {
        return Err(TooWide::NotOne);
    }
    let folder = written(&facts.cwd)?;
    let asking: Vec<&Rule> = asking(judgement, policy);
    let looks = |at: fn(&Rule) -> bool| asking.iter().any(|rule| at(rule));
    let places = Places::new(ground, command, &subject.names);
    let touched = |looked: bool, how: Touched| -> Result<Vec<String>, TooWide> {
        let counted = if looked { paths::counted(ground, command, &places, true, how) } else { Vec::new() };
        let mut all = Vec::new();
        for place in counted {
            let path = place.path.filter(|_| place.certain && !place.pattern).ok_or(TooWide::Place)?;
            all.push(written(&path)?);
        }
        all.sort();
        all.dedup();
        Ok(all)
    };
    Ok(Narrow {
        program,
        exactly,
        folder,
        reads: touched(looks(|rule| !rule.when.reads.is_empty()), Touched::Read)?,
        writes_to: touched(looks(|rule| !rule.when.writes_to.is_empty()), Touched::Written)?,
        removes: touched(looks(|rule| !rule.when.removes.is_empty()), Touched::Removed)?,
        url: if looks(|rule| !rule.when.url.is_empty()) { hosts(command)? } else { Vec::new() },
        proved: looks(|rule| rule.when.unprovable.is_some()),
        mode: label(facts.mode.as_deref())?,
        phase: label(facts.phase.as_deref())?,
    })
}

/// The rules of which a person is asked.
fn asking<'p>(judgement: &Judgement, policy: &'p Policy) -> Vec<&'p Rule> {
    let asks = judgement.matches().iter().filter(|found| found.verdict == Verdict::Ask && found.overruled.is_none());
    let ids: Vec<&str> = asks.map(|found| found.id.as_str()).collect();
    let numbers = policy.rules().enumerate().filter(|(_, (_, _, text))| ids.contains(&text.id.as_str()));
    numbers.filter_map(|(number, _)| policy.rule(number)).collect()
}

/// The file of a program that is nothing but itself.
fn plain_program(subject: &Subject<'_>) -> Result<String, TooWide> {
    match subject.standing {
        Standing::Program => {}
        Standing::Writable => return Err(TooWide::Writable(super::word(&subject.command))),
        Standing::Absent | Standing::Missing | Standing::Unusable(_) | Standing::Unknown => {
            return Err(TooWide::Missing);
        }
        Standing::Builtin | Standing::Function | Standing::NoProgram => return Err(TooWide::NoProgram),
    }
    let real = subject.real.as_deref().ok_or(TooWide::Missing)?;
    if !exact::own_name(subject) {
        return Err(TooWide::Renamed(real.display().to_string()));
    }
    written(real)
}

/// Why a program is more than itself, under any of the names it goes by.
fn runs_others(subject: &Subject<'_>) -> Option<TooWide> {
    let program = || subject.shown();
    if subject.is("guard") {
        return Some(TooWide::Guard(program()));
    }
    let what = match subject.names.iter().find_map(|name| runs(name))? {
        Runs::Shell => "a shell",
        Runs::Interpreter => "an interpreter",
        Runs::Wrapper => "a program that runs others",
    };
    Some(TooWide::RunsOthers { program: program(), what })
}

/// The arguments of a command that is started plainly.
fn arguments(command: &Command) -> Result<Vec<String>, TooWide> {
    if let Some(assign) = command.assigns.first() {
        return Err(TooWide::Assigns(assign.name.clone()));
    }
    if !command.redirects.is_empty() || command.stdin != Stdin::Inherited {
        return Err(TooWide::Redirected);
    }
    if command.code.is_some() {
        return Err(TooWide::Code);
    }
    match command.kind {
        Kind::External => {}
        Kind::Builtin | Kind::Function | Kind::None => return Err(TooWide::NoProgram),
    }
    let known = |word: &Word| word.literal().map(str::to_owned).ok_or_else(|| TooWide::Unproven(word.text.clone()));
    let words = command.args().iter().map(known).collect::<Result<_, _>>()?;
    if command.open_ended { Err(TooWide::Unproven("words are added to it".to_owned())) } else { Ok(words) }
}

fn hosts(command: &Command) -> Result<Vec<String>, TooWide> {
    let mut hosts: Vec<String> = command.args().iter().filter_map(Word::literal).flat_map(urls::hosts).collect();
    hosts.sort();
    hosts.dedup();
    match hosts.iter().find(|host| !is_plain(host)) {
        Some(host) => Err(TooWide::Unwritable(host.clone())),
        None => Ok(hosts),
    }
}

fn label(text: Option<&str>) -> Result<Option<String>, TooWide> {
    match text {
        Some(text) if !is_plain(text) => Err(TooWide::Unwritable(text.to_owned())),
        text => Ok(text.map(str::to_owned)),
    }
}

/// A path as a rule has it: itself, and no pattern.
fn written(path: &Path) -> Result<String, TooWide> {
    match path.to_str() {
        Some(text) if is_plain(text) && text.starts_with('/') => Ok(text.to_owned()),
        Some(_) | None => Err(TooWide::Unwritable(path.display().to_string())),
    }
}
