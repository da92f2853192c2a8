//! `guard db`: databases of the policy, asked by name.
//! Knows how it is said, not how it is done.

mod look;
mod query;
mod rows;

use crate::gate::World;
use std::path::Path;
use std::process::ExitCode;

/// Ask databases: judged as SQL, read-only by the server's own rules, recorded
///
/// The policy names the databases (`[[database]]`) and the variables their URLs stand in; nobody else gets to see those.
/// Statements that only read are let through, once the text and the server's catalog prove that they do.
#[derive(Debug, clap::Subcommand)]
#[command(after_help = "\
Examples:
  guard db list                                       which databases there are
  guard db tables trades                              what is in one
  guard db columns trades orders
  guard db query --db trades \"SELECT * FROM orders WHERE status = 'pending' LIMIT 50\"
  guard db query --db trades --json < question.sql    the statement on standard input
  guard db check --db trades 'DELETE FROM orders'     only judge it")]
pub(crate) enum Command {
    List(look::List),
    Tables(look::Tables),
    Columns(look::Columns),
    Check(query::Check),
    Query(query::Args),
}

pub(crate) fn run(world: World, from: &Path, command: Command) -> ExitCode {
    match command {
        Command::List(args) => look::list(world, from, args),
        Command::Tables(args) => look::tables(world, from, args),
        Command::Columns(args) => look::columns(world, from, args),
        Command::Check(args) => query::check(world, from, args),
        Command::Query(args) => query::run(world, from, args),
    }
}
