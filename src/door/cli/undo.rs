//! `guard undo`: take back what a command changed.
//! Knows how it is said, not how it is done.

use super::text::{self, Paint};
use super::{changes, project};
use crate::event::line::safe_json;
use crate::gate::{self, Stop, World};
use serde_json::json;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// Take back what a command changed in the project: all of it, or nothing
///
/// What has changed since is left alone, and said. A person's call: an agent changes files anew instead.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard undo 4219            the changes that record 4219 tells of, or those of the command that began there
  guard undo 4219 --json")]
pub(crate) struct Args {
    /// Number of the record
    #[arg(value_name = "SEQ")]
    seq: u64,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(world: World, from: &Path, args: Args) -> ExitCode {
    match undone(world, from, &args) {
        Ok(written) => written,
        Err(stop) if args.json => text::stop_json(stop),
        Err(stop) => text::stop(&stop),
    }
}

fn undone(world: World, from: &Path, args: &Args) -> Result<ExitCode, Stop> {
    let (world, project) = project(world, from)?;
    let done = gate::undo(&world, &project, args.seq)?;
    let text = if args.json {
        format!("{}\n", safe_json(&json!({ "undone": args.seq, "changes": changes::object(&done) }).to_string()))
    } else {
        let list = changes::list(&done, Paint::on(&std::io::stdout()));
        format!("taken back, as record {}:\n{list}", done.seq.unwrap_or_default())
    };
    let mut out = std::io::stdout().lock();
    Ok(text::written(out.write_all(text.as_bytes()).and_then(|()| out.flush()), ExitCode::SUCCESS))
}
