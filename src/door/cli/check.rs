//! `guard check`: judge a command; run nothing, write nothing.

use super::{code, exec::What, json, judged, project, text};
use crate::gate::{self, Answer, World};
use std::path::Path;
use std::process::ExitCode;

/// Judge a command without running or recording anything
///
/// Shows the parts of what was asked, each with what decided it; what decided the whole is marked with `>`.
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
    let examined = match judged {
        Ok(examined) => examined,
        Err(stop) if args.json => return print(&Answer { stop: Some(stop), ..Answer::default() }, None),
        Err(stop) => return text::stop(&stop),
    };
    if args.json {
        let view = judged::view(&examined.judgement, &examined.facts);
        return print(&Answer { judgement: Some(examined.judgement), ..Answer::default() }, Some(view));
    }
    let written = text::print_examined(&examined);
    let exit = Answer { judgement: Some(examined.judgement), ..Answer::default() }.exit_code();
    text::written(written, code(exit))
}

fn print(answer: &Answer, view: Option<judged::View>) -> ExitCode {
    text::written(json::print_with(answer, view), code(answer.exit_code()))
}
