//! `guard report`: what was done of a plan, as text, as Markdown, or as JSON.
//! Knows layouts; what happened is read by `supervise`.

use super::build::{duration, result_word};
use super::{project, text};
use crate::event::StepResult;
use crate::event::line::{hex, safe_json, visible};
use crate::gate::{self, Project, Stop, World};
use crate::record::verify::{Proof, Verdict, verify};
use crate::supervise::{self, PastPhase, Report};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// Tell what was done of a plan: phases, steps, attempts, refusals, approvals, and whether the log that says so is whole
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard report 2.3                   one phase
  guard report --all                 every phase that was ever begun
  guard report --all --markdown > report.md
  guard report --all --json")]
pub(crate) struct Args {
    /// The phase
    #[arg(value_name = "X.Y", required_unless_present = "all", conflicts_with = "all")]
    phase: Option<String>,
    /// Every phase
    #[arg(long)]
    all: bool,
    /// As Markdown
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(world: World, from: &Path, args: Args) -> ExitCode {
    match told(world, from, &args) {
        Ok(written) => written,
        Err(stop) if args.json => text::stop_json(stop),
        Err(stop) => text::stop(&stop),
    }
}

fn told(world: World, from: &Path, args: &Args) -> Result<ExitCode, Stop> {
    let (world, project) = project(world, from)?;
    let state = gate::standing(&world, &project)?.state;
    let report = supervise::report(&project, &state, args.phase.as_deref()).map_err(Stop::Log)?;
    if let (Some(phase), true) = (&args.phase, report.phases.is_empty()) {
        return Err(Stop::Usage {
            what: format!("no phase `{}` was ever begun", visible(phase)),
            help: "`guard report --all` tells of those that were".into(),
        });
    }
    let log = Log::of(&project)?;
    let text = match (args.json, args.markdown) {
        (true, _) => format!("{}\n", safe_json(&object(&report, &log).to_string())),
        (false, true) => markdown(&report, &log),
        (false, false) => plain(&report, &log),
    };
    let mut out = std::io::stdout().lock();
    Ok(text::written(out.write_all(text.as_bytes()).and_then(|()| out.flush()), ExitCode::SUCCESS))
}

/// The log that the report rests on.
struct Log {
    records: u64,
    hash: String,
    verdict: Verdict,
    flaw: Option<String>,
}

impl Log {
    fn of(project: &Project) -> Result<Self, Stop> {
        let (log, state) = (project.paths.log.clone(), Some(project.paths.state.clone()));
        let workers = std::thread::available_parallelism().map_or(1, usize::from).min(8);
        let found = verify(&Proof { log, state, seed: None, head: None, workers }).map_err(Stop::Log)?;
        let flaw = found.flaw.map(|flaw| flaw.what.to_string());
        Ok(Self { records: found.records, hash: hex(&found.hash), verdict: found.verdict, flaw })
    }

    fn line(&self) -> String {
        let verified = match self.verdict {
            Verdict::Whole => "it verifies",
            Verdict::Torn => "it verifies but for lines that a crash tore",
            Verdict::Tampered => "IT DOES NOT VERIFY: see `guard audit verify`",
            Verdict::Undecided | Verdict::Unended => "whether it is whole cannot be told: see `guard audit verify`",
        };
        format!("{} records, the last {}; {verified}", self.records, self.hash)
    }
}

/// How a phase stands, in words.
fn standing(past: &PastPhase) -> String {
    match &past.ended {
        Some((_, ended)) if ended.complete => "complete".to_owned(),
        Some((_, ended)) => {
            let halt = ended.halt.as_ref().map(|halt| format!(" ({halt})")).unwrap_or_default();
            format!("failed{halt}")
        }
        None => "not done".to_owned(),
    }
}

fn attempts(past: &PastPhase) -> u32 {
    past.steps.iter().map(|step| step.step.attempt).max().unwrap_or(1)
}

fn spent_ms(past: &PastPhase) -> u64 {
    past.steps.iter().fold(0, |sum, step| sum.saturating_add(step.step.duration_ms))
}

fn took(ms: u64) -> String {
    duration(std::time::Duration::from_millis(ms))
}

fn plain(report: &Report, log: &Log) -> String {
    let mut out = String::new();
    if report.phases.is_empty() {
        let _ = writeln!(out, "no phase was begun yet");
    }
    for past in &report.phases {
        let (id, what) = (visible(&past.started.phase), visible(&past.started.description));
        let _ = writeln!(out, "Phase {id}: {what}: {}", standing(past));
        let _ = writeln!(out, "  plan: {}", visible(&past.started.plan));
        let _ = writeln!(out, "  began: {} UTC, record {}", past.began.format("%Y-%m-%d %H:%M:%S"), past.seq);
        if let Some((at, _)) = &past.ended {
            let _ = writeln!(out, "  ended: {} UTC", at.format("%Y-%m-%d %H:%M:%S"));
        }
        let _ = writeln!(
            out,
            "  attempts: {}; time of its steps: {}; commands: {}",
            attempts(past),
            took(spent_ms(past)),
            past.runs
        );
        for step in &past.steps {
            let message =
                step.step.message.as_ref().map(|message| format!(": {}", visible(message))).unwrap_or_default();
            let _ = writeln!(
                out,
                "  {}. {} {} in {}{message} (record {})",
                step.step.attempt,
                visible(&step.step.step),
                result_word(step.step.result),
                took(step.step.duration_ms),
                step.seq
            );
        }
        for (name, items) in rest(past) {
            let _ = writeln!(out, "  {name}: {}", if items.is_empty() { "none".to_owned() } else { items.join(", ") });
        }
        out.push('\n');
    }
    let _ = writeln!(out, "Log: {}", log.line());
    out
}

/// What else there is to say of a phase, each thing under its name.
fn rest(past: &PastPhase) -> Vec<(&'static str, Vec<String>)> {
    let shown = |items: &[String]| items.iter().map(|item| visible(item)).collect::<Vec<_>>();
    let refused = past.refused.iter().map(|(what, rules)| format!("{} ({})", visible(what), rules.join(", ")));
    let tests = past.ended.as_ref().and_then(|(_, ended)| ended.tests).map(|tests| tests.to_string());
    let cost = past.ended.as_ref().map(|(_, ended)| ended.cost).filter(|cost| *cost > 0);
    let cost = cost.map(|cost| format!("{}.{:02} US dollars", cost / 1_000_000, cost % 1_000_000 / 10_000));
    let mut all = vec![
        ("files modified", shown(&past.files)),
        ("tests passed", tests.into_iter().collect()),
        ("refused", refused.collect()),
        ("decided by a person", shown(&past.decided)),
        ("halts", shown(&past.halts)),
        ("ended at a limit", shown(&past.limits)),
    ];
    all.extend(cost.map(|cost| ("cost", vec![cost])));
    all
}

fn markdown(report: &Report, log: &Log) -> String {
    let cell = |text: &str| visible(text).replace('|', "\\|");
    let mut out = String::from(
        "# Build report\n\n| Phase | Description | State | Attempts | Time | Files | Tests |\n|---|---|---|---|---|---|---|\n",
    );
    for past in &report.phases {
        let tests =
            past.ended.as_ref().and_then(|(_, ended)| ended.tests).map_or_else(String::new, |tests| tests.to_string());
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {tests} |",
            cell(&past.started.phase),
            cell(&past.started.description),
            standing(past),
            attempts(past),
            took(spent_ms(past)),
            past.files.len()
        );
    }
    for past in &report.phases {
        let _ = writeln!(out, "\n## Phase {}: {}\n", visible(&past.started.phase), visible(&past.started.description));
        let _ =
            writeln!(out, "| Attempt | Step | Result | Time | What was wrong | Record |\n|---|---|---|---|---|---|");
        for step in &past.steps {
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} | {} | #{} |",
                step.step.attempt,
                cell(&step.step.step),
                result_word(step.step.result),
                took(step.step.duration_ms),
                cell(step.step.message.as_deref().unwrap_or_default()),
                step.seq
            );
        }
        out.push('\n');
        for (name, items) in rest(past) {
            let _ = writeln!(out, "- {name}: {}", if items.is_empty() { "none".to_owned() } else { items.join(", ") });
        }
    }
    let _ = writeln!(out, "\nLog: {}", log.line());
    out
}

fn object(report: &Report, log: &Log) -> Value {
    let phases: Vec<Value> = report.phases.iter().map(phase_object).collect();
    json!({
        "phases": phases,
        "log": {
            "records": log.records,
            "hash": log.hash,
            "verifies": log.verdict == Verdict::Whole,
            "flaw": log.flaw,
        },
    })
}

fn phase_object(past: &PastPhase) -> Value {
    let steps = past.steps.iter().map(|step| {
        json!({
            "seq": step.seq,
            "at": step.at.to_rfc3339(),
            "attempt": step.step.attempt,
            "step": step.step.step,
            "result": step.step.result.word(),
            "category": step.step.category,
            "message": step.step.message,
            "duration_ms": step.step.duration_ms,
            "tests": step.step.tests,
        })
    });
    json!({
        "phase": past.started.phase,
        "description": past.started.description,
        "plan": past.started.plan,
        "mode": past.started.mode.map(crate::event::Mode::word),
        "seq": past.seq,
        "began": past.began.to_rfc3339(),
        "ended": past.ended.as_ref().map(|(at, _)| at.to_rfc3339()),
        "complete": past.ended.as_ref().map(|(_, ended)| ended.complete),
        "attempts": attempts(past),
        "stuck": past.steps.iter().filter(|step| step.step.result == StepResult::Stuck).count(),
        "duration_ms": spent_ms(past),
        "steps": steps.collect::<Vec<_>>(),
        "files": past.files,
        "tests": past.ended.as_ref().and_then(|(_, ended)| ended.tests),
        "agent_runs": past.ended.as_ref().map(|(_, ended)| ended.agent_runs),
        "cost": past.ended.as_ref().map(|(_, ended)| ended.cost),
        "category": past.ended.as_ref().and_then(|(_, ended)| ended.category.clone()),
        "last_error": past.ended.as_ref().and_then(|(_, ended)| ended.last.clone()),
        "halt": past.ended.as_ref().and_then(|(_, ended)| ended.halt.clone()),
        "refused": past.refused.iter().map(|(what, rules)| json!({ "what": what, "rules": rules })).collect::<Vec<_>>(),
        "decided": past.decided,
        "halts": past.halts,
        "commands": past.runs,
        "limits": past.limits,
    })
}
