//! `guard run`: an agent's harness in a fence, whose calls of guard are answered outside of it.
//! Knows what it gets; neither judges nor records what it does by itself.

use super::desk::Desk;
use super::grants::{environment, limits, place, required};
use super::own::is_agents;
use super::{Answer, Project, Request, Stop, World, entries, shown};
use crate::action::shell::{Asked, quoted};
use crate::decide::policy::Harness;
use crate::event::{AgentEnded, AgentStarted, Detail, Entry};
use crate::execute::calls::{self, Refused, Served, Serving, Terms};
use crate::execute::sandbox::{Order, Reach, Work, Writable};
use crate::execute::{self, Environment, ExecuteError, Limits, Outcome, Sink};
use crate::record::{Log, Redactor};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Runs `argv` with what `[run]` gives it, and answers its calls of guard until it ends.
pub fn run(world: &World, project: &Project, argv: Vec<OsString>, sink: &mut dyn Sink) -> Answer {
    let mut answer = Answer::default();
    answer.stop = Desk::open(world, project).and_then(|desk| fenced(desk, argv, sink, &mut answer)).err();
    answer
}

fn fenced(mut desk: Desk<'_>, argv: Vec<OsString>, sink: &mut dyn Sink, answer: &mut Answer) -> Result<(), Stop> {
    let (world, project) = (desk.world, desk.project);
    if let Some(halt) = &desk.state().requests.halt {
        return Err(Stop::Halted { name: halt.name.clone() });
    }
    let given = desk.policy.settings().run.clone();
    let (writable, links) = writable(world, project, &given)?;
    let mut place = place(world, project, &desk.policy);
    place.reads.open.extend(links);
    // By its own name as well, which a harness's settings may hold.
    place.reads.open.extend(std::env::current_exe().and_then(fs::canonicalize));
    let program = program(&desk, &argv)?;
    if let Some(why) = execute::unseen(&place, &program) {
        let help = "a person adds it, or runs what lies elsewhere".to_owned();
        return Err(Stop::Usage { what: why, help });
    }
    let text = argv.iter().map(|word| quoted(&word.to_string_lossy())).collect::<Vec<_>>().join(" ");
    let begun = Arc::new(OnceLock::new());
    let serving = Serving::begin(Terms {
        refused: refused(project, Arc::clone(&begun), desk.redactor.clone()),
        root: project.root.clone(),
        environment: world.environment.clone(),
        allows: is_agents,
    });
    let order = Order {
        terminal: sink.terminal(),
        reach: Reach { hosts: given.hosts.clone(), ..Reach::own() },
        limits: bounds(limits(&desk.policy), &given),
        writable,
        calls: Some(serving.calls()),
        ..Order::new(Work::Argv { program, argv }, given.timeout)
    };
    let environment = callable(environment(world, &given.env));
    let folders = order.writable.iter().map(|writable| shown(&writable.path)).collect();
    let prepared = execute::prepare_order(order, &place, &environment, required(&desk.policy));
    let mut prepared = prepared.map_err(Stop::Execute)?;
    let started = AgentStarted {
        policy: desk.policy.hash().to_owned(),
        cwd: entries::folder(project, &world.cwd),
        hosts: given.hosts,
        folders,
        env: given.env,
        timeout_ms: u64::try_from(given.timeout.as_millis()).unwrap_or(u64::MAX),
    };
    let start = entry(&text, "STARTED", Detail::AgentStarted(Box::new(started)));
    let started = desk.log.start_when(&desk.redactor, |state| match &state.requests.halt {
        Some(halt) => Err(Stop::Halted { name: halt.name.clone() }),
        None => Ok(vec![start.clone()]),
    });
    let started = started.map_err(Stop::Log)??;
    let _ = begun.set(started.seq());
    let ran = prepared.ready().and_then(|_| prepared.run(sink)).map_err(Stop::Execute);
    let served = serving.end();
    let of = started.seq();
    let written = match &ran {
        Ok(outcome) => ended(&text, of, outcome, served),
        Err(stop) => {
            let detail = Detail::ShellError { of: Some(of), exit_code: stop.exit_code(), cause: stop.to_string() };
            vec![entry(&text, "ERROR", detail)]
        }
    };
    let written = desk.log.append(&desk.redactor, written).map_err(Stop::Log);
    drop(started);
    answer.outcome = Some(ran?);
    answer.receipt = Some(written?);
    Ok(())
}

/// The program that is meant, found as that of any command.
fn program(desk: &Desk<'_>, argv: &[OsString]) -> Result<PathBuf, Stop> {
    let asked = Asked::Argv(argv.iter().take(1).cloned().collect());
    let request = Request { asked, timeout: None, task: None, reason: None, waiting: None, dry_run: false };
    let looked = desk.look(desk.world, &request);
    match (looked.judgement.program(), looked.absent) {
        (_, Some(absent)) => Err(absent),
        (Some(program), None) => Ok(program.to_owned()),
        (None, None) => {
            let name = argv.first().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            Err(Stop::Execute(ExecuteError::NoProgram(name)))
        }
    }
}

/// What a harness may use: it runs as long as it is worked with, and prints for a person. What it has done by guard has
/// limits of its own.
fn bounds(limits: Limits, given: &Harness) -> Limits {
    Limits { memory: given.memory, output: u64::MAX, cpu: Duration::from_secs(u64::from(u32::MAX)), ..limits }
}

/// With guard first on its `PATH`.
fn callable(mut environment: Environment) -> Environment {
    let mut path = calls::folder().as_os_str().to_owned();
    match environment.variables.iter_mut().find(|(name, _)| name == "PATH") {
        Some((_, value)) => {
            path.push(":");
            path.push(&*value);
            *value = path;
        }
        None => environment.variables.push(("PATH".into(), path)),
    }
    environment
}

/// What it may write to outside the project, of what is there; and the links by which it finds that.
fn writable(world: &World, project: &Project, given: &Harness) -> Result<(Vec<Writable>, Vec<PathBuf>), Stop> {
    let home = world.home().ok_or(Stop::NoHome)?;
    let meant = |path: &String| path.strip_prefix("~/").map_or_else(|| PathBuf::from(path), |below| home.join(below));
    let (mut all, mut links): (Vec<Writable>, Vec<PathBuf>) = (Vec::new(), Vec::new());
    for path in given.folders.iter().map(meant) {
        let Ok(real) = fs::canonicalize(&path) else { continue };
        allowed(&real, &home, project)?;
        if real != path {
            links.push(path);
        }
        if !all.iter().any(|other| real.starts_with(&other.path)) {
            all.retain(|other| !other.path.starts_with(&real));
            all.push(Writable { path: real, kept: Vec::new() });
        }
    }
    let mut missing = Vec::new();
    for path in given.settings.iter().map(meant) {
        let Some((parent, name)) = path.parent().zip(path.file_name()) else { continue };
        // In a folder that is not there either, nothing can be made: what leads to it is looked at as well.
        let Some((above, below)) = nearest(parent) else { continue };
        let real = above.join(below).join(name);
        let Some(folder) = all.iter_mut().find(|writable| real.starts_with(&writable.path)) else { continue };
        match real.symlink_metadata() {
            Err(_) => missing.push(shown(&path)),
            Ok(found) if found.is_symlink() => {
                let what = format!(
                    "`{}` is a link, which cannot be kept read-only in a folder that is written to",
                    shown(&path)
                );
                let help =
                    "make it a file of its own, or name only those folders in `[run] folders` that are written to";
                return Err(Stop::Usage { what, help: help.into() });
            }
            Ok(_) => {
                if let Some(linked) = linked(&real, &mut { LOOKED }) {
                    let what =
                        format!("`{}` goes by another name as well, by which it could be written to", shown(&linked));
                    let help = "make it a file of its own: copy it, and put the copy in its place";
                    return Err(Stop::Usage { what, help: help.into() });
                }
                folder.kept.push(real);
            }
        }
    }
    if all.len() > MOST {
        let what = format!("`[run] folders` names {} that are there, and {MOST} can be given", all.len());
        return Err(Stop::Usage { what, help: "name a folder that holds several of them".into() });
    }
    if missing.is_empty() { Ok((all, links)) } else { Err(unkept(&missing)) }
}

/// Files and folders that can be given.
const MOST: usize = 16;
/// Files of a folder that stays read-only which are looked at.
const LOOKED: usize = 10_000;

/// A file at or below `path` that has more than one name.
fn linked(path: &Path, left: &mut usize) -> Option<PathBuf> {
    let found = path.symlink_metadata().ok()?;
    *left = left.checked_sub(1)?;
    if found.is_file() && found.nlink() > 1 {
        return Some(path.to_owned());
    }
    let entries = fs::read_dir(path).ok().filter(|_| found.is_dir())?;
    entries.flatten().find_map(|entry| linked(&entry.path(), left))
}

/// The nearest folder above that is there, without links, and what is below it.
fn nearest(path: &Path) -> Option<(PathBuf, PathBuf)> {
    path.ancestors().find_map(|above| Some((fs::canonicalize(above).ok()?, path.strip_prefix(above).ok()?.to_owned())))
}

fn unkept(missing: &[String]) -> Stop {
    let all = missing.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
    Stop::Usage {
        what: format!("{all}: not there, and what is not there cannot be kept read-only: the harness could make it"),
        help: "make each (an empty folder, or a file that says nothing, such as `{}`), or name only those folders in \
               `[run] folders` that are written to"
            .into(),
    }
}

/// Whether a harness can be given `path`: not the project, guard's own or the keys, nor what they lie in, nor a whole home.
fn allowed(path: &Path, home: &Path, project: &Project) -> Result<(), Stop> {
    let program = std::env::current_exe().ok();
    let own = [
        Some(&project.root),
        Some(&project.state_root),
        project.config_root.as_ref(),
        project.keys.as_ref(),
        program.as_ref(),
    ];
    let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let touches =
        own.into_iter().flatten().map(|own| real(own)).any(|own| own.starts_with(path) || path.starts_with(&own));
    if touches || real(home).starts_with(path) || path.parent().is_none() {
        return Err(Stop::Usage {
            what: format!(
                "`{}` cannot be given to a harness: the project, guard's own files, keys or a whole home lie there",
                shown(path)
            ),
            help: "name the folders that it keeps its sessions and credentials in, in `[run] folders`".into(),
        });
    }
    Ok(())
}

/// Records refused calls as they come, each by a log of its own: the run's is waited with.
fn refused(project: &Project, begun: Arc<OnceLock<u64>>, redactor: Redactor) -> Refused {
    let paths = project.paths.clone();
    Refused(Arc::new(move |call| {
        // Nothing runs inside before the start is on record.
        let Some(of) = begun.get() else { return };
        let entry = entries::of("AGENT", "CALL", call, "DENIED", Detail::CallRefused { of: *of, times: 1 });
        // Where the log cannot be written to, nothing more begins anyway, and the end says why.
        let _unwritten = Log::open(&paths).and_then(|mut log| log.append(&redactor, vec![entry]));
    }))
}

fn ended(text: &str, of: u64, outcome: &Outcome, served: Served) -> Vec<Entry> {
    let mut all: Vec<Entry> = entries::traffic(of, &outcome.traffic).collect();
    if served.refused_more > 0 {
        let detail = Detail::CallRefused { of, times: served.refused_more };
        all.push(entries::of("AGENT", "CALL", "others, too many to record one by one", "DENIED", detail));
    }
    let detail = AgentEnded {
        of,
        ended: outcome.ended,
        exit_code: outcome.exit_code,
        limit: outcome.limit.clone(),
        duration_ms: u64::try_from(outcome.duration.as_millis()).unwrap_or(u64::MAX),
        fence: outcome.fence.level.name().to_owned(),
        missing: outcome.fence.missing.clone(),
        calls: served.calls,
    };
    all.push(entry(text, entries::word(outcome, false), Detail::AgentEnded(Box::new(detail))));
    all
}

fn entry(text: &str, result: &str, detail: Detail) -> Entry {
    entries::of("AGENT", "RUN", text, result, detail)
}
