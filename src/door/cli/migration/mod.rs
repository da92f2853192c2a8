//! `guard migration`: changes of a schema, proposed by an agent, allowed by a person, run as they were shown.
//! Knows how it is said, not how it is done.

mod act;
mod list;
pub(super) mod view;

use crate::gate::World;
use std::path::Path;
use std::process::ExitCode;

/// Change a database's schema: propose a migration, and run it once a person has allowed it
///
/// A migration is files of SQL, or revisions of Alembic. Each statement is classified, and all are tried on a throw-away copy
/// of the schema; a person sees the SQL, the classes and what the schema becomes, and approves exactly that.
#[derive(Debug, clap::Subcommand)]
#[command(after_help = "\
Examples:
  guard migration propose migrations/007_note.sql --db trades --description 'orders get a note'
  guard migration propose alembic/versions/1a2b_note.py --db trades --description 'orders get a note'
  guard approve migration-1                     a person allows it
  guard migration run migration-1               runs exactly what was shown
  guard migration done migration-1              or a person ran it: checked, and recorded
  guard migration list")]
pub(crate) enum Command {
    Propose(act::Propose),
    Run(act::Run),
    Done(act::Done),
    List(list::List),
    Show(list::Show),
}

pub(crate) fn run(world: World, from: &Path, command: Command) -> ExitCode {
    match command {
        Command::Propose(args) => act::propose(world, from, args),
        Command::Run(args) => act::run(world, from, args),
        Command::Done(args) => act::done(world, from, args),
        Command::List(args) => list::list(world, from, args),
        Command::Show(args) => list::show(world, from, args),
    }
}
