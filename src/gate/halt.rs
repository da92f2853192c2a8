//! Halts: what leads to one, the report a person gets, and going on afterwards.
//! Knows no layout: the report prints itself.

use super::desk::{Desk, now};
use super::notice::tell_halt;
use super::person::{Proof, proved};
use super::stored::folder;
use super::{Project, Stop, World, entries, trust};
use crate::approve::{Decision, Statement};
use crate::event::line::hex;
use crate::event::{Cause, Detail, Entry, Escalated, Human, Spent, State};
use crate::failfast::{Report, Resumption, Try};
use crate::record::{History, Looked, Receipt, Redactor, nonce, read};
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Entries of the project that are looked at for a report, and files it names.
const LOOKED: usize = 50_000;
const NAMED: usize = 50;
/// Lines of the log that are read for refusals.
const LINES: usize = 400;

/// What a halt is called for.
pub(super) struct Calling {
    pub(super) cause: Cause,
    pub(super) category: Option<String>,
    pub(super) attempts: Option<Spent>,
    pub(super) task: Option<String>,
    pub(super) command: Option<String>,
    pub(super) last_error: String,
    pub(super) said: Option<String>,
}

/// The record of a halt, and its name; its report is kept by then.
pub(super) fn escalation(
    (project, redactor): (&Project, &Redactor),
    state: &State,
    calling: Calling,
) -> Result<(Entry, String), Stop> {
    let name = format!("resume-{}", state.requests.named + 1);
    let report = report((project, redactor), state, &name, &calling);
    let content = keep(project, &report)?;
    let detail = Detail::Escalated(Box::new(Escalated {
        name: name.clone(),
        cause: calling.cause,
        category: calling.category,
        attempts: calling.attempts,
        nonce: nonce().map_err(Stop::Log)?,
        content,
        uid: rustix::process::getuid().as_raw(),
        said: calling.said,
    }));
    let target = format!("{name}: {}", report.title());
    Ok((entries::escalation("HALT", &target, "ESCALATED", detail), name))
}

/// What was recorded, and the halt it led to.
pub(super) struct Recorded {
    pub(super) receipt: Receipt,
    /// The halt's name.
    pub(super) halted: Option<String>,
    /// Why a person was not told of it.
    pub(super) untold: Option<Stop>,
}

impl Desk<'_> {
    /// Records what counts; what it calls a halt for, halts, unless everything is halted already.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(super) fn record(
        &mut self,
        mut made: impl FnMut(&State) -> (Vec<Entry>, Option<Calling>),
    ) -> Result<Recorded, Stop> {
        let (project, redactor) = (self.project, &self.redactor);
        let mut halted = None;
        let written = self.log.append_when(redactor, |state| {
            let (mut entries, calling) = made(state);
            if let Some(calling) = calling.filter(|_| state.requests.halt.is_none()) {
                let (entry, name) = escalation((project, redactor), state, calling)?;
                entries.push(entry);
                halted = Some(name);
            }
            Ok::<_, Stop>(entries)
        });
        let receipt = written.map_err(Stop::Log)??;
        let untold = halted.as_ref().and_then(|name| tell_halt(project, redactor, name).err());
        Ok(Recorded { receipt, halted, untold })
    }
}

fn report((project, redactor): (&Project, &Redactor), state: &State, name: &str, calling: &Calling) -> Report {
    let clean = |text: &str| redactor.redact(text).unwrap_or_else(|| text.to_owned());
    let since = state.attempts.calm_ms.and_then(DateTime::from_timestamp_millis).or_else(|| began(project));
    let (files, more) = since.map(|since| changed(&project.root, since)).unwrap_or_default();
    let mut named: Vec<String> = files.iter().take(NAMED).map(|file| clean(file)).collect();
    if more || files.len() > named.len() {
        named.push("and more".into());
    }
    let mut unverified: Vec<String> = Vec::new();
    for (category, series) in &state.attempts.series {
        for tried in series.tries.iter().filter(|tried| !tried.good) {
            let what = format!("{category}: {} over {}", tried.rule, tried.targets.join(" "));
            if !unverified.contains(&what) {
                unverified.push(what);
            }
        }
    }
    if let (Cause::Failures | Cause::Memory, Some(command)) = (calling.cause, &calling.command) {
        let what = if calling.cause == Cause::Memory { "does" } else { "checks" };
        unverified.push(format!("what `{}` {what}", clean(command)));
    }
    if !files.is_empty() {
        unverified.push("the files above: no check was green since they changed".into());
    }
    if unverified.is_empty() {
        unverified.push("nothing that guard knows of".into());
    }
    Report {
        name: name.to_owned(),
        time: said(now()),
        project: project.root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        phase: state.phases.open.as_ref().map(|open| (open.phase.clone(), clean(&open.description))),
        cause: calling.cause,
        category: calling.category.clone(),
        attempts: calling.attempts,
        task: calling.task.as_deref().map(clean),
        files: named,
        since: since.map(said),
        command: calling.command.as_deref().map(clean),
        last_error: clean(&calling.last_error),
        tries: tries(project, state, calling).into_iter().map(|tried| cleaned(tried, &clean)).collect(),
        unverified,
        analysis: calling.said.as_deref().map(clean),
        resumed: None,
    }
}

fn cleaned(tried: Try, clean: &dyn Fn(&str) -> String) -> Try {
    Try { action: clean(&tried.action), result: clean(&tried.result), ..tried }
}

/// What was tried: the failed attempts of every category, in their order; of refusals, what was refused of late.
fn tries(project: &Project, state: &State, calling: &Calling) -> Vec<Try> {
    let mut tries: Vec<Try> = match calling.cause {
        Cause::Denials => refusals(project),
        Cause::Failures | Cause::Memory | Cause::Budget | Cause::Agent | Cause::Person => {
            let mut failed: Vec<_> = state.attempts.series.values().flat_map(|series| &series.tries).collect();
            failed.sort_by_key(|tried| tried.seq);
            let shown = |seq| subject(project, seq).unwrap_or_default();
            let result =
                |good, message: &str| if good { format!("{message}; made good since") } else { message.into() };
            let tried = failed.iter().map(|tried| Try {
                seq: Some(tried.seq),
                action: shown(tried.seq),
                result: result(tried.good, &tried.message),
            });
            tried.collect()
        }
    };
    if let (Cause::Failures | Cause::Memory | Cause::Denials, Some(command)) = (calling.cause, &calling.command) {
        let result = calling.last_error.lines().next().unwrap_or_default().to_owned();
        tries.push(Try { seq: None, action: command.clone(), result });
    }
    tries
}

/// What a record is about.
fn subject(project: &Project, seq: u64) -> Option<String> {
    let item = read::find_record(&project.paths.log, seq).ok()??;
    let (line, _) = item.record?;
    Some(match line.ok()?.human {
        Human::Fields { target, .. } => target,
        Human::Labelled { text, .. } => text,
    })
}

fn refusals(project: &Project) -> Vec<Try> {
    let Ok(mut history) = History::last(&project.paths, LINES) else { return Vec::new() };
    let mut tries = Vec::new();
    while let Ok(Some((_, looked))) = history.next_record() {
        if let Looked::Action(past) = looked
            && past.verdict == "deny"
        {
            let rules: Vec<&str> =
                past.rules.iter().filter(|rule| rule.verdict == "deny").map(|rule| rule.id.as_str()).collect();
            tries.push(Try {
                seq: Some(past.seq),
                action: past.shown,
                result: format!("refused by {}", rules.join(", ")),
            });
        }
    }
    tries.split_off(tries.len().saturating_sub(10))
}

/// When the log's first record was written.
fn began(project: &Project) -> Option<DateTime<Utc>> {
    let item = read::find_record(&project.paths.log, 1).ok()??;
    let (line, _) = item.record?;
    Some(line.ok()?.time)
}

/// Files of the project that were changed since, by their times; and whether there are more than were looked at. Version
/// control and tools' caches are left out.
fn changed(root: &Path, since: DateTime<Utc>) -> (Vec<String>, bool) {
    let (mut found, mut folders, mut looked) = (Vec::new(), vec![root.to_owned()], 0);
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            looked += 1;
            if looked > LOOKED {
                found.sort();
                return (found, true);
            }
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let Ok(kind) = entry.file_type() else { continue };
            let path = entry.path();
            if kind.is_dir() {
                let left_out = [".git", "__pycache__", "node_modules", ".venv", "venv", "target"]
                    .contains(&name.as_ref())
                    || name.ends_with("_cache");
                if !left_out {
                    folders.push(path);
                }
                continue;
            }
            let modified = entry.metadata().and_then(|found| found.modified()).map(DateTime::<Utc>::from);
            let own = folder == root && name == crate::record::LOG_NAME;
            if !own && modified.is_ok_and(|modified| modified > since) {
                found.push(path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    (found, false)
}

fn said(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S").to_string()
}

fn place(project: &Project, name: &str) -> PathBuf {
    project.paths.state.join("escalations").join(format!("{name}.json"))
}

/// Keeps a report, for programs and as text, and gives the hash of the first.
fn keep(project: &Project, report: &Report) -> Result<String, Stop> {
    let path = place(project, &report.name);
    folder(&project.paths.state.join("escalations"))?;
    let bytes = serde_json::to_vec(report).unwrap_or_default();
    trust::keep(&path, &bytes)?;
    trust::keep(&path.with_extension("txt"), report.to_string().as_bytes())?;
    Ok(hex(&Sha256::digest(&bytes)))
}

/// The report of a halt.
pub fn escalated(project: &Project, name: &str) -> Result<Report, Stop> {
    let path = place(project, name);
    let plain = name.strip_prefix("resume-").is_some_and(|number| number.parse::<u64>().is_ok());
    let unknown = || Stop::Usage {
        what: format!("no escalation is called `{}`", super::shown(Path::new(name))),
        help: "`guard escalations` lists them".into(),
    };
    if !plain {
        return Err(unknown());
    }
    match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| Stop::System {
            what: format!("cannot read `{}`", super::shown(&path)),
            cause: error.to_string(),
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(unknown()),
        Err(error) => {
            Err(Stop::System { what: format!("cannot read `{}`", super::shown(&path)), cause: error.to_string() })
        }
    }
}

/// Every escalation there ever was, the oldest first.
pub fn escalations(project: &Project) -> Result<Vec<Report>, Stop> {
    let folder = project.paths.state.join("escalations");
    let Ok(entries) = std::fs::read_dir(&folder) else { return Ok(Vec::new()) };
    let names = entries.flatten().filter_map(|entry| {
        let name = entry.file_name().to_str()?.strip_suffix(".json")?.to_owned();
        let number: u64 = name.strip_prefix("resume-")?.parse().ok()?;
        Some((number, name))
    });
    let mut names: Vec<(u64, String)> = names.collect();
    names.sort();
    names.into_iter().map(|(_, name)| escalated(project, &name)).collect()
}

/// What came of stopping.
#[derive(Debug)]
pub struct Stopped {
    /// The halt's name.
    pub name: String,
    /// Whether everything was halted before, and this only added to its report.
    pub before: bool,
    /// Why a person was not told, who should have been.
    pub untold: Option<Stop>,
}

/// Stops everything until a person resumes; where that is so already, what is said is added to the report.
pub fn stop(world: &World, project: &Project, cause: Cause, said: Option<String>) -> Result<Stopped, Stop> {
    let mut desk = Desk::open_to_look(world, project)?;
    let (project, redactor) = (desk.project, &desk.redactor);
    let mut stopped = Stopped { name: String::new(), before: false, untold: None };
    let written = desk.log.append_when(redactor, |state| {
        if let Some(halt) = &state.requests.halt {
            stopped = Stopped { name: halt.name.clone(), before: true, untold: None };
            let Some(said) = &said else { return Err(None) };
            let mut report = escalated(project, &halt.name).map_err(Some)?;
            report.analysis = Some(redactor.redact(said).unwrap_or_else(|| said.clone()));
            keep(project, &report).map_err(Some)?;
            let detail = Detail::Analysed { name: halt.name.clone(), analysis: said.clone() };
            return Ok(vec![entries::escalation("ANALYSE", &halt.name, "SUCCESS", detail)]);
        }
        let last = state.attempts.series.values().flat_map(|series| &series.tries).max_by_key(|tried| tried.seq);
        let calling = Calling {
            cause,
            category: None,
            attempts: None,
            task: None,
            command: last.and_then(|tried| subject(project, tried.seq)),
            last_error: last.map_or_else(|| "none".to_owned(), |tried| tried.message.clone()),
            said: said.clone(),
        };
        let (entry, name) = escalation((project, redactor), state, calling).map_err(Some)?;
        stopped = Stopped { name, before: false, untold: None };
        Ok::<_, Option<Stop>>(vec![entry])
    });
    match written.map_err(Stop::Log)? {
        Ok(_) if !stopped.before => {
            stopped.untold = super::notice::tell_halt(project, redactor, &stopped.name).err();
            Ok(stopped)
        }
        Ok(_) | Err(None) => Ok(stopped),
        Err(Some(stop)) => Err(stop),
    }
}

/// Goes on after a halt: every count begins anew.
pub fn resume(
    world: &World,
    project: &Project,
    name: &str,
    proof: Proof,
    note: Option<String>,
) -> Result<Receipt, Stop> {
    let mut desk = Desk::open_to_look(world, project)?;
    let halt = desk.state().requests.halt.clone().filter(|halt| halt.name == name);
    let Some(halt) = halt else { return Err(not_halted(&desk, name)) };
    let statement = Statement::of_halt(&desk.log_id(), &halt);
    let by = proved(&desk, &statement, Decision::Approve, proof)?;
    let written = desk.log.append_when(&desk.redactor, |state| {
        if state.requests.halt.as_ref().is_none_or(|halt| halt.name != name) {
            return Err(());
        }
        let detail = Detail::Resumed { name: name.to_owned(), by: by.clone(), note: note.clone() };
        Ok(vec![entries::escalation("RESUME", name, "SUCCESS", detail)])
    });
    let Ok(receipt) = written.map_err(Stop::Log)? else { return Err(not_halted(&desk, name)) };
    let mut report = escalated(project, name)?;
    let note = note.map(|note| desk.clean(&note));
    report.resumed = Some(Resumption { time: said(now()), who: by.who, strength: by.strength, note });
    keep(project, &report)?;
    Ok(receipt)
}

fn not_halted(desk: &Desk<'_>, name: &str) -> Stop {
    let shown = super::shown(Path::new(name));
    let requests = &desk.state().requests;
    let what = match (&requests.halt, requests.done(name)) {
        (_, Some(_)) => format!("`{shown}` was resumed before"),
        (Some(halt), None) => format!("`{shown}` is not what is halted: that is `{}`", halt.name),
        (None, None) => format!("nothing is halted, and nothing was under the name `{shown}`"),
    };
    Stop::Usage { what, help: "`guard status` says what is halted, `guard escalations` what ever was".into() }
}
