//! `guard mode`: say which mode the project is in, or set it.
//! Knows how it is said; what a mode lets through is the gate's.

use super::consent::{Consent, Question};
use super::{say, told};
use crate::approve::Decision;
use crate::door::cli::project;
use crate::event::line::safe_json;
use crate::event::{Mode, ModeStanding};
use crate::gate::{self, NewMode, Stop, World};
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;

/// Say which mode the project is in, or set it: backtest, test, paper, live
///
/// In backtest and test, queries reach databases for tests alone. In paper they read the real ones, and write to tables of
/// paper. In live they read. Every entry of the log says the mode. A person sets it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard mode                     which one it is
  guard mode paper               set it, at a terminal
  guard mode live --agent        set it, and sign for it")]
pub(crate) struct Args {
    /// The mode from now on
    #[arg(value_name = "MODE", value_parser = read)]
    mode: Option<Mode>,
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    consent: Consent,
}

fn read(word: &str) -> Result<Mode, String> {
    let known = Mode::WORDS.iter().find(|(known, _)| *known == word).map(|(_, mode)| *mode);
    known.ok_or_else(|| format!("there are {}", Mode::WORDS.map(|(known, _)| known).join(", ")))
}

pub(crate) fn run(world: World, from: &Path, args: Args) -> ExitCode {
    told(args.json, mode(world, from, &args))
}

fn mode(world: World, from: &Path, args: &Args) -> Result<ExitCode, Stop> {
    let (world, project) = project(world, from)?;
    let Some(mode) = args.mode else {
        if args.consent.is_given() {
            let what = "an answer by a person goes with a mode to set".to_owned();
            return Err(Stop::Usage { what, help: "name it: `guard mode paper`".into() });
        }
        let standing = gate::mode(&world, &project)?;
        return said(args.json, &object(standing), &format!("{}\n", line(standing)));
    };
    let new = gate::propose_mode(&world, &project, mode)?;
    let approvers = gate::approvers(&world, from)?;
    let view = view(&new);
    let question = Question {
        statement: &new.statement,
        decision: Decision::Approve,
        required: new.required,
        approvers: &approvers.signers,
        view: &view,
        cut: false,
    };
    let proof = args.consent.proof(&world, from, &question)?;
    let seq = gate::set_mode(&world, &project, &new, proof)?.last;
    let standing = ModeStanding { now: Some(mode), seq };
    said(args.json, &object(standing), &format!("mode {} from now on, as record {seq}\n", mode.word()))
}

/// The mode in a line.
pub(super) fn line(standing: ModeStanding) -> String {
    match standing.now {
        Some(mode) => format!("mode: {} since record {}: {}", mode.word(), standing.seq, means(mode)),
        None => "mode: none was set; databases are read".to_owned(),
    }
}

fn object(standing: ModeStanding) -> Value {
    json!({ "mode": standing.now.map(Mode::word), "seq": (standing.seq > 0).then_some(standing.seq) })
}

fn means(mode: Mode) -> &'static str {
    match mode {
        Mode::Backtest | Mode::Test => "databases for tests alone are reached",
        Mode::Paper => "databases are read, and tables of paper written",
        Mode::Live => "databases are read",
    }
}

/// What a person agrees to, whole.
fn view(new: &NewMode) -> String {
    let before = new.before.now.map_or("none", Mode::word);
    let (word, means, digest) = (new.mode.word(), means(new.mode), new.statement.digest());
    format!("Set the mode to {word}\n\n  It is   {before}\n  Then    {means}\n  Digest  {digest}\n")
}

fn said(as_json: bool, object: &Value, text: &str) -> Result<ExitCode, Stop> {
    say(&if as_json { format!("{}\n", safe_json(&object.to_string())) } else { text.to_owned() })?;
    Ok(ExitCode::SUCCESS)
}
