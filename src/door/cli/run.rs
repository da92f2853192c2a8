//! `guard run`: an agent's harness in the fence.
//! Knows how it is asked for and what is said at the end.

use super::live::Live;
use super::{code, diagnostics, project, text};
use crate::gate::{self, Answer, World};
use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

/// Run an agent's harness in the fence, with guard to call from inside
///
/// The project is read-only to it, and so is everything else but what `[run]` in the policy gives: folders for its
/// sessions and credentials, the hosts of its model, variables. Its `guard exec` and the like are answered outside: judged,
/// run and recorded there. What it does by itself is fenced and not recorded. It cannot approve, resume or change a policy.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard run -- claude
  guard run -- codex exec 'make the tests pass'
  guard run -- bash                  look around as an agent would

In guard.toml:
  [run]
  hosts = [\"api.anthropic.com\"]
  folders = [\"~/.claude\"]
  settings = [\"~/.claude/settings.json\"]   what stays read-only in them
  env = [\"ANTHROPIC_API_KEY\"]")]
pub(crate) struct Args {
    /// The harness and its arguments, after `--`
    #[arg(value_name = "AGENT", last = true, required = true)]
    argv: Vec<OsString>,
}

pub(crate) fn run(world: World, from: &Path, args: Args) -> ExitCode {
    let (world, project) = match project(world, from) {
        Ok(found) => found,
        Err(stop) => return text::stop(&stop),
    };
    diagnostics::to(&project.paths.state);
    let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let mut live = Live::new(terminal);
    let answer = gate::run(&world, &project, gate::Agent { argv: args.argv, ..gate::Agent::default() }, &mut live);
    finish(&answer, live)
}

fn finish(answer: &Answer, live: Live) -> ExitCode {
    let (stdout, stderr) = live.over();
    let exit = code(answer.exit_code());
    text::print(answer);
    let unwritten = [stdout, stderr].into_iter().flatten().find(|error| error.kind() != std::io::ErrorKind::BrokenPipe);
    unwritten.map_or(exit, |error| text::unwritten(&error, answer))
}
