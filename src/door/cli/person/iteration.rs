//! `guard iteration`: begin one, say where it stands, close it.
//! Knows how it is said; what counts and what closes is the gate's.

use super::consent::{Consent, Question};
use super::{say, told};
use crate::approve::Decision;
use crate::door::cli::text::{Paint, Tone};
use crate::door::cli::{project, words};
use crate::event::Round;
use crate::event::line::{safe_json, visible};
use crate::gate::{self, Progress, Stop, Unproved, World};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

/// Work in iterations: a few files each, closed by a green check
///
/// The first change begins one. At most `[iteration] files` files count in it, more where every two of them are coupled.
#[derive(Debug, clap::Subcommand)]
#[command(after_help = "\
Examples:
  guard iteration start 'round fees to cents'
  guard iteration status
  guard iteration close")]
pub(crate) enum Command {
    Start(Start),
    Status(Status),
    Close(Close),
}

/// Begin an iteration, and say what it is for
///
/// Refused while one with changes is open.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  guard iteration start 'round fees to cents'")]
pub(crate) struct Start {
    /// What is to be changed, in a line
    #[arg(value_name = "WHAT")]
    what: String,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// Say which files the open iteration has changed, and what is missing to close it
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  guard iteration status\n  guard iteration status --json")]
pub(crate) struct Status {
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// Close the open iteration, so that the next one may touch other files
///
/// Takes a check that was green and began after the last change, or a person.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard iteration close               after a green check
  guard iteration close --person      without one: a person answers for it")]
pub(crate) struct Close {
    /// Without a green check, by a person
    #[arg(long)]
    person: bool,
    #[command(flatten)]
    consent: Consent,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(world: World, from: &Path, command: Command) -> ExitCode {
    match command {
        Command::Start(args) => told(args.json, start(world, from, &args)),
        Command::Status(args) => told(args.json, status(world, from, args.json)),
        Command::Close(args) => told(args.json, close(world, from, &args)),
    }
}

fn start(world: World, from: &Path, args: &Start) -> Result<ExitCode, Stop> {
    let (world, project) = project(world, from)?;
    let seq = gate::start_iteration(&world, &project, &args.what)?.last;
    said(args.json, &json!({ "started": seq }), &format!("iteration open, as record {seq}\n"))
}

fn close(world: World, from: &Path, args: &Close) -> Result<ExitCode, Stop> {
    let (world, project) = project(world, from)?;
    let receipt = if args.person {
        let unproved = gate::unproved(&world, &project)?;
        let approvers = gate::approvers(&world, from)?;
        let view = view(&unproved);
        let question = Question {
            statement: &unproved.statement,
            decision: Decision::Approve,
            required: unproved.required,
            approvers: &approvers.signers,
            view: &view,
            cut: false,
        };
        let proof = args.consent.proof(&world, from, &question)?;
        gate::close_by_person(&world, &project, &unproved, proof)?
    } else if args.consent.is_given() {
        let what = "an answer by a person goes with `--person`".to_owned();
        return Err(Stop::Usage { what, help: "add it: `guard iteration close --person`".into() });
    } else {
        gate::close_iteration(&world, &project)?
    };
    let seq = receipt.last;
    said(args.json, &json!({ "closed": seq }), &format!("iteration closed, as record {seq}\n"))
}

fn status(world: World, from: &Path, as_json: bool) -> Result<ExitCode, Stop> {
    let (world, project) = project(world, from)?;
    let progress = gate::progress(&world, &project)?;
    let paint = Paint::on(&std::io::stdout());
    let object = json!({
        "open": progress.open.as_deref().map(object),
        "files": progress.bounds.files,
        "folder": progress.bounds.folder,
        "unproved": progress.unproved,
    });
    said(as_json, &object, &lines(&progress, paint))
}

fn lines(progress: &Progress, paint: Paint) -> String {
    let Some(round) = &progress.open else {
        return "no iteration is open: the first change begins one\n".to_owned();
    };
    let mut out = String::new();
    let _ = writeln!(out, "{}", line(round, progress.bounds.files));
    for file in round.files.keys() {
        let _ = writeln!(out, "  {}", visible(file));
    }
    if round.more > 0 {
        let _ = writeln!(out, "  and {} more", round.more);
    }
    let _ = match &progress.unproved {
        Some(why) => writeln!(out, "{}: {why}", paint.with(Tone::Question, "cannot be closed yet")),
        None => writeln!(out, "{}", paint.with(Tone::Good, "can be closed: guard iteration close")),
    };
    out
}

/// The open iteration in a line.
pub(super) fn line(round: &Round, most: u32) -> String {
    let number = words::count(usize::try_from(round.number()).unwrap_or(usize::MAX), "file", "files");
    let what = round.what.as_ref().map(|what| format!(", `{}`", visible(what))).unwrap_or_default();
    format!("iteration: open since record {}{what}: {number} changed; {most}, or more where all are coupled", round.seq)
}

/// The open iteration as an object.
pub(super) fn object(round: &Round) -> Value {
    json!({
        "seq": round.seq,
        "what": round.what,
        "files": round.files.keys().collect::<Vec<_>>(),
        "more": round.more,
        "changed": round.last,
        "green": round.green,
    })
}

/// What a person agrees to, whole.
fn view(unproved: &Unproved) -> String {
    let Unproved { round, why, .. } = unproved;
    let mut out = String::new();
    let what = round.what.as_deref().map_or_else(|| "begun by a change".to_owned(), visible);
    let _ = writeln!(out, "Close the iteration of record {} without a green check\n", round.seq);
    let _ = writeln!(out, "  For      {what}\n  Why not  {why}\n  Files");
    for file in round.files.keys() {
        let _ = writeln!(out, "    {}", visible(file));
    }
    if round.more > 0 {
        let _ = writeln!(out, "    and {} more", round.more);
    }
    out
}

fn said(as_json: bool, object: &Value, text: &str) -> Result<ExitCode, Stop> {
    let json = || format!("{}\n", safe_json(&object.to_string()));
    say(&if as_json { json() } else { text.to_owned() })?;
    Ok(ExitCode::SUCCESS)
}
