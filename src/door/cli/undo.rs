//! `guard undo`: take back what a command changed.
//! Knows how it is said, not how it is done.

use super::text::{self, Paint};
use super::{changes, project};
use crate::event::line::{printable, safe_json};
use crate::gate::{self, Project, Stop, World};
use crate::supervise;
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
  guard undo 4219 --json
  guard undo --phase 2.3     all that a phase of the plan changed, the newest first")]
pub(crate) struct Args {
    /// Number of the record
    #[arg(value_name = "SEQ", required_unless_present = "phase", conflicts_with = "phase")]
    seq: Option<u64>,
    /// All changes of this phase of the plan that still stand
    #[arg(long, value_name = "X.Y")]
    phase: Option<String>,
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
    let Some(seq) = args.seq else {
        return phase_undone(&world, &project, args.phase.as_deref().unwrap_or_default(), args.json);
    };
    let done = gate::undo(&world, &project, seq)?;
    let text = if args.json {
        format!("{}\n", safe_json(&json!({ "undone": seq, "changes": changes::object(&done) }).to_string()))
    } else {
        let list = changes::list(&done, Paint::on(&std::io::stdout()));
        format!("taken back, as record {}:\n{list}", done.seq.unwrap_or_default())
    };
    let mut out = std::io::stdout().lock();
    Ok(text::written(out.write_all(text.as_bytes()).and_then(|()| out.flush()), ExitCode::SUCCESS))
}

/// Takes back what a phase changed, the newest first. Where something has changed since, what stands before it stays.
fn phase_undone(world: &World, project: &Project, phase: &str, as_json: bool) -> Result<ExitCode, Stop> {
    let state = gate::standing(world, project)?.state;
    if state.phases.open.as_ref().is_some_and(|open| open.phase == phase) && state.requests.halt.is_none() {
        return Err(Stop::Usage {
            what: format!("phase {phase} is being worked on"),
            help: "wait until it ends, or end it: `guard halt`, then `guard loop` once more, which takes note of that"
                .into(),
        });
    }
    let unknown = || Stop::Usage {
        what: format!("no phase `{}` was ever begun", printable(phase)),
        help: "`guard report --all` lists those that were".into(),
    };
    let all = supervise::phase_changes(project, &state, phase).map_err(Stop::Log)?.ok_or_else(unknown)?;
    let mut undone = Vec::new();
    let mut stopped = None;
    for seq in &all {
        match gate::undo(world, project, *seq) {
            Ok(done) => undone.push((*seq, done)),
            Err(stop) => {
                stopped = Some((*seq, stop));
                break;
            }
        }
    }
    let text = if as_json {
        let changes: Vec<_> =
            undone.iter().map(|(seq, done)| json!({ "undone": seq, "changes": changes::object(done) })).collect();
        let failed = stopped.as_ref().map(|(seq, stop)| json!({ "seq": seq, "error": stop.to_string() }));
        let object = json!({ "phase": phase, "changes": changes, "left": all.len() - undone.len(), "stopped": failed });
        format!("{}\n", safe_json(&object.to_string()))
    } else {
        let paint = Paint::on(&std::io::stdout());
        let mut text = format!("phase {phase}: {} of {} changes taken back\n", undone.len(), all.len());
        undone.iter().for_each(|(_, done)| text += &changes::list(done, paint));
        text
    };
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match stopped {
        Some((_, stop)) if !as_json => Err(stop),
        Some((_, stop)) => Ok(text::written(written, super::code(stop.exit_code()))),
        None => Ok(text::written(written, ExitCode::SUCCESS)),
    }
}
