//! `guard check`: judge a command; run nothing, write nothing.

use super::{code, exec::What, json, project, text};
use crate::gate::{self, Answer, World};
use std::path::Path;
use std::process::ExitCode;

/// Judge a command without running or recording anything
///
/// Exit code 0: it would run; 75: a person would be asked; 126: it would be refused; 78: the policy is invalid.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard check -- docker-compose down -v
  guard check --json -c 'rm -rf build && pytest'")]
pub(crate) struct Args {
    #[command(flatten)]
    what: What,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(world: World, from: &Path, args: Args) -> ExitCode {
    let judged = project(world, from).and_then(|(world, project)| gate::check(&world, &project, args.what.request()));
    let answer = match judged {
        Ok(judgement) => Answer { judgement: Some(judgement), ..Answer::default() },
        Err(stop) => Answer { stop: Some(stop), ..Answer::default() },
    };
    let exit = answer.exit_code();
    let written = if args.json { json::print(&answer) } else { text::print_judgement(&answer) };
    text::written(written, code(exit))
}
