//! `guard file`: the files of a project for whoever has no tools of their own, or none that guard judges.
//! Knows how it is said, not how it is done.

mod change;
mod check;
mod look;

use crate::gate::World;
use std::path::Path;
use std::process::ExitCode;

/// Read and change files of the project: judged, atomic, recorded, undoable
///
/// A path is looked up below the project, whatever links stand on the way; what leads out of it is refused.
/// Every change needs a reason, which the log keeps. `guard undo SEQ` takes a change back.
#[derive(Debug, clap::Subcommand)]
#[command(after_help = "\
Examples:
  guard file list 'services/*.py'
  guard file read services/risk.py --lines 1:80
  guard file write tests/test_risk.py --reason 'a test of the limit' < test_risk.py
  guard file edit services/risk.py --old 'LIMIT = 2' --new 'LIMIT = 3' --reason 'the limit of phase 2'
  guard file delete scripts/old.py --reason 'nobody calls it'
  guard file check services/")]
pub(crate) enum Command {
    Read(look::Read),
    List(look::List),
    Write(change::Write),
    Edit(change::Edit),
    Delete(change::Delete),
    Move(change::Move),
    Check(check::Args),
}

pub(crate) fn run(world: World, from: &Path, command: Command) -> ExitCode {
    match command {
        Command::Read(args) => look::read(world, from, args),
        Command::List(args) => look::list(world, from, args),
        Command::Write(args) => change::write(world, from, args),
        Command::Edit(args) => change::edit(world, from, args),
        Command::Delete(args) => change::delete(world, from, args),
        Command::Move(args) => change::rename(world, from, args),
        Command::Check(args) => check::run(world, from, args),
    }
}
