//! `guard file`: files of the project, within the policy.

mod check;

use crate::gate::World;
use std::path::Path;
use std::process::ExitCode;

/// Work on files of the project
#[derive(Debug, clap::Subcommand)]
#[command(after_help = "Example:\n  guard file check services/")]
pub(crate) enum Command {
    Check(check::Args),
}

pub(crate) fn run(world: World, from: &Path, command: Command) -> ExitCode {
    match command {
        Command::Check(args) => check::run(world, from, args),
    }
}
