//! `guard run`: an agent's harness in a fence, whose calls of guard are answered outside of it.
//! Knows what it gets; neither judges nor records what it does by itself.

use super::desk::Desk;
use super::given::writable;
use super::grants::{environment, limits, place, required};
use super::own::is_agents;
use super::{Answer, Project, Request, Stop, World, entries, shown};
use crate::action::shell::{Asked, quoted};
use crate::decide::policy::Harness;
use crate::event::{AgentEnded, AgentStarted, Detail, Entry};
use crate::execute::calls::{self, Refused, Served, Serving, Terms};
use crate::execute::sandbox::{Order, Reach, Work};
use crate::execute::{self, Environment, ExecuteError, Limits, Outcome, Sink};
use crate::record::{Log, Redactor};
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// An agent's harness, as it is started.
#[derive(Debug, Default)]
pub struct Agent {
    /// The program and its arguments.
    pub argv: Vec<OsString>,
    /// A shorter time limit than the policy's.
    pub timeout: Option<Duration>,
    /// The most bytes it may print; none: as many as it likes.
    pub output: Option<u64>,
    /// Variables it is given beside those of the policy.
    pub variables: Vec<(OsString, OsString)>,
    /// The attempt of the open phase that it works on, where the build loop starts it.
    pub attempt: Option<u32>,
}

/// Runs an agent with what `[run]` gives it, and answers its calls of guard until it ends.
pub fn run(world: &World, project: &Project, agent: Agent, sink: &mut dyn Sink) -> Answer {
    let mut answer = Answer::default();
    answer.stop = Desk::open(world, project).and_then(|desk| fenced(desk, agent, sink, &mut answer)).err();
    answer
}

fn fenced(mut desk: Desk<'_>, agent: Agent, sink: &mut dyn Sink, answer: &mut Answer) -> Result<(), Stop> {
    let (world, project) = (desk.world, desk.project);
    let Agent { argv, timeout, output, variables, attempt } = agent;
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
    let time = timeout.map_or(given.timeout, |asked| asked.min(given.timeout));
    let order = Order {
        terminal: sink.terminal(),
        reach: Reach { hosts: given.hosts.clone(), ..Reach::own() },
        limits: Limits { output: output.unwrap_or(u64::MAX), ..bounds(limits(&desk.policy), &given) },
        writable,
        calls: Some(serving.calls()),
        ..Order::new(Work::Argv { program, argv }, time)
    };
    let mut environment = callable(environment(world, &given.env));
    environment.variables.extend(variables);
    let folders = order.writable.iter().map(|writable| shown(&writable.path)).collect();
    let prepared = execute::prepare_order(order, &place, &environment, required(&desk.policy));
    let prepared = prepared.map_err(Stop::Execute)?;
    let started = AgentStarted {
        policy: desk.policy.hash().to_owned(),
        cwd: entries::folder(project, &world.cwd),
        hosts: given.hosts,
        folders,
        env: given.env,
        timeout_ms: u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
        attempt,
    };
    let start = entry(&text, "STARTED", Detail::AgentStarted(Box::new(started)));
    let started = desk.log.start_when(&desk.redactor, |state| match &state.requests.halt {
        Some(halt) => Err(Stop::Halted { name: halt.name.clone() }),
        None => Ok(vec![start.clone()]),
    });
    let started = started.map_err(Stop::Log)??;
    desk.log.remember();
    let _ = begun.set(started.seq());
    let ran = prepared.run(sink).map_err(Stop::Execute);
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
    let looked = desk.look(desk.world, &Request::of(asked));
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
