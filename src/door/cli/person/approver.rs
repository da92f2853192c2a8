//! `guard approver`: who may approve.

use super::consent::{Consent, Question};
use super::{say, told};
use crate::approve::Decision;
use crate::event::line::{safe_json, visible};
use crate::gate::{self, Revision, Stop, World};
use serde_json::json;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Say who may approve by a signature
#[derive(Debug, clap::Subcommand)]
#[command(after_help = "\
Examples:
  guard approver add anna ~/.ssh/id_ed25519.pub
  guard approver list
  guard approver remove anna --key other_key")]
pub(crate) enum Command {
    Add(Add),
    List(List),
    Remove(Remove),
}

/// Let a key approve; after the first, an approver signs the change
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard approver add anna ~/.ssh/id_ed25519.pub
  guard approver add ben ben.pub --agent            the change signed by a key of an approver's")]
pub(crate) struct Add {
    /// What the approver is called
    name: String,
    /// Their public key, as `ssh-keygen` writes it
    #[arg(value_name = "KEY.pub")]
    file: PathBuf,
    #[command(flatten)]
    consent: Consent,
}

/// List the approvers
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  guard approver list")]
pub(crate) struct List {
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// Let an approver's keys approve no longer; an approver signs the change
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  guard approver remove anna --agent")]
pub(crate) struct Remove {
    /// What the approver is called
    name: String,
    #[command(flatten)]
    consent: Consent,
}

pub(crate) fn run(world: &World, from: &Path, command: Command) -> ExitCode {
    match command {
        Command::Add(args) => told(false, add(world, from, &args)),
        Command::List(args) => told(args.json, list(world, from, args.json)),
        Command::Remove(args) => told(false, remove(world, from, &args)),
    }
}

fn add(world: &World, from: &Path, args: &Add) -> Result<ExitCode, Stop> {
    let path = from.join(&args.file);
    let text = std::fs::read_to_string(&path).map_err(|error| Stop::System {
        what: format!("cannot read the key `{}`", gate::shown(&path)),
        cause: error.to_string(),
    })?;
    let revision = gate::add_approver(world, from, &args.name, &text)?;
    let what = format!("add the approver `{}`: {}", visible(&args.name), visible(text.trim()));
    agree(world, from, revision, &args.consent, &what)?;
    say(&format!("`{}` may approve from now on\n", visible(&args.name)))?;
    Ok(ExitCode::SUCCESS)
}

fn remove(world: &World, from: &Path, args: &Remove) -> Result<ExitCode, Stop> {
    let revision = gate::remove_approver(world, from, &args.name)?;
    agree(world, from, revision, &args.consent, &format!("remove the approver `{}`", visible(&args.name)))?;
    say(&format!("`{}` may approve no longer\n", visible(&args.name)))?;
    Ok(ExitCode::SUCCESS)
}

fn agree(world: &World, from: &Path, revision: Revision, consent: &Consent, what: &str) -> Result<(), Stop> {
    let view = format!("{what}\n  in `{}`\n", gate::shown(&revision.approvers.path));
    let question = Question {
        statement: &revision.statement,
        decision: Decision::Approve,
        required: revision.required,
        approvers: &revision.approvers.signers,
        view: &view,
        cut: false,
    };
    let proof = consent.proof(world, from, &question)?;
    gate::revise_approvers(world, revision, proof)
}

fn list(world: &World, from: &Path, as_json: bool) -> Result<ExitCode, Stop> {
    let approvers = gate::approvers(world, from)?;
    let now = chrono::Utc::now();
    if as_json {
        let all = approvers.signers.iter().map(|signer| {
            json!({
                "name": signer.name(), "type": signer.kind(), "key": signer.fingerprint(),
                "strength": signer.strength().name(), "at": signer.place(), "valid": signer.standing(now).is_ok(),
            })
        });
        let object = json!({ "approvers": all.collect::<Vec<_>>(), "file": gate::shown(&approvers.path) });
        say(&format!("{}\n", safe_json(&object.to_string())))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut out = String::new();
    for signer in approvers.signers.iter() {
        let (name, kind, print) = (visible(signer.name()), signer.kind(), signer.fingerprint());
        let not = signer.standing(now).err().map(|why| format!("; not now: {why}")).unwrap_or_default();
        let _ = writeln!(out, "{name}  {kind}  {print}  {} ({}{not})", signer.strength(), signer.place());
    }
    if out.is_empty() {
        let file = gate::shown(&approvers.path);
        let _ = writeln!(
            out,
            "nobody: approvals are given at a terminal, which a program outside a fence can open as well"
        );
        let _ = writeln!(out, "`guard approver add NAME KEY.pub` adds the first to `{file}`");
    }
    say(&out)?;
    Ok(ExitCode::SUCCESS)
}
