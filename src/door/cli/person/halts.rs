//! `guard halt`, `escalate`, `resume` and `escalations`: stopping, and going on.

use super::consent::{Consent, Question};
use super::view::text;
use super::{say, told};
use crate::approve::Decision;
use crate::door::cli::project;
use crate::door::cli::text::{self, Paint, Tone};
use crate::event::Cause;
use crate::event::line::{safe_json, visible};
use crate::gate::{self, About, Extent, Project, Stop, Stopped, World};
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

/// Stop everything until a person resumes
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  guard halt\n  guard halt --reason 'the plan is wrong'")]
pub(crate) struct Halt {
    /// Why, for the report and the log
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

pub(crate) fn halt(world: World, from: &Path, args: Halt) -> ExitCode {
    told(false, stop(world, from, Cause::Person, args.reason))
}

/// Stop and ask a person, saying what seems wrong
///
/// For the agent itself. Where everything is halted already, what it says is added to the report.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  guard escalate --analysis 'the fee is applied twice: the spec and the test disagree'"
)]
pub(crate) struct Escalate {
    /// What you think is wrong, and what you would need to know
    #[arg(long, value_name = "TEXT", required = true)]
    analysis: String,
}

pub(crate) fn escalate(world: World, from: &Path, args: Escalate) -> ExitCode {
    told(false, stop(world, from, Cause::Agent, Some(args.analysis)))
}

fn stop(world: World, from: &Path, cause: Cause, said: Option<String>) -> Result<ExitCode, Stop> {
    let (world, project) = project(world, from)?;
    if said.as_deref().is_some_and(|said| said.trim().is_empty()) {
        return Err(Stop::Usage { what: "the text is empty".into(), help: "say what seems wrong".into() });
    }
    let Stopped { name, before, untold } = gate::stop(&world, &project, cause, said.clone())?;
    text::untold(untold.as_ref());
    say(&match (before, said) {
        (false, _) => format!("halted (`{name}`): nothing runs until a person resumes\n"),
        (true, Some(_)) => format!("already halted (`{name}`): what you say is added to the report\n"),
        (true, None) => format!("already halted (`{name}`): nothing changed\n"),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Go on after a halt: every count begins anew
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard resume resume-8 --note 'the test was wrong, I mended it'
  guard resume resume-8 --digest 7f3a-91bc --agent")]
pub(crate) struct Resume {
    /// The halt's name
    #[arg(value_name = "ID")]
    name: String,
    /// What was found or mended, for the log
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    #[command(flatten)]
    consent: Consent,
}

pub(crate) fn resume(world: World, from: &Path, args: Resume) -> ExitCode {
    let done = project(world, from)
        .and_then(|(world, project)| go_on(&world, &project, from, &args.name, args.note, &args.consent));
    told(false, done)
}

/// Shows the halt, and goes on if a person agrees.
pub(super) fn go_on(
    world: &World,
    project: &Project,
    from: &Path,
    name: &str,
    note: Option<String>,
    consent: &Consent,
) -> Result<ExitCode, Stop> {
    let shown = gate::show(world, project, name, Extent::SCREEN)?;
    if let About::Command(_) | About::Change(_) | About::Query(_) | About::Migration(_) = shown.about {
        return Err(Stop::Usage {
            what: format!("`{name}` is a request, not a halt"),
            help: "answer it with `guard approve` or `guard deny`".into(),
        });
    }
    let (view, _) = text(&shown, false, Paint::on(&std::io::stdout()));
    let approvers = gate::approvers(world, from)?;
    let question = Question {
        statement: &shown.statement,
        decision: Decision::Approve,
        required: shown.required,
        approvers: &approvers.signers,
        view: &view,
        // The whole of it lies in the state folder; what is agreed to is only to go on.
        cut: false,
    };
    let proof = consent.proof(world, from, &question)?;
    gate::resume(world, project, name, proof, note)?;
    say(&format!("resumed: `{name}`; every count begins anew\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// List what was escalated, or print one report
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  guard escalations\n  guard escalations resume-8\n  guard escalations resume-8 --json"
)]
pub(crate) struct Escalations {
    /// The halt's name
    #[arg(value_name = "ID")]
    name: Option<String>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn escalations(world: World, from: &Path, args: Escalations) -> ExitCode {
    told(args.json, reports(world, from, &args))
}

fn reports(world: World, from: &Path, args: &Escalations) -> Result<ExitCode, Stop> {
    let (_, project) = project(world, from)?;
    let Some(name) = &args.name else { return all(&project, args.json) };
    let report = gate::escalated(&project, name)?;
    say(&match args.json {
        true => format!("{}\n", safe_json(&json!(report).to_string())),
        false => report.to_string(),
    })?;
    Ok(ExitCode::SUCCESS)
}

fn all(project: &Project, as_json: bool) -> Result<ExitCode, Stop> {
    let reports = gate::escalations(project)?;
    if as_json {
        say(&format!("{}\n", safe_json(&json!({ "escalations": reports }).to_string())))?;
        return Ok(ExitCode::SUCCESS);
    }
    let paint = Paint::on(&std::io::stdout());
    let mut out = String::new();
    for report in &reports {
        let how = match &report.resumed {
            Some(resumed) => format!("resumed {} by {}", resumed.time, visible(&resumed.who)),
            None => paint.with(Tone::Bad, "still halted"),
        };
        let _ = writeln!(out, "{:<12}  {}  {} ({how})", report.name, report.time, visible(&report.title()));
    }
    say(if out.is_empty() { "nothing was escalated\n" } else { &out })?;
    Ok(ExitCode::SUCCESS)
}
