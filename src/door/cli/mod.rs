//! The command line: one definition of it for parsing, help, man pages and completions, and one file per subcommand.
//! Knows how things are said, not how they are decided.

mod agent;
pub mod audit;
mod build;
mod changes;
mod check;
mod compile;
mod db;
mod demo;
mod diagnostics;
mod doctor;
mod exec;
mod file;
mod generate;
mod hook;
mod init;
mod inside;
mod json;
mod live;
mod migration;
mod judged;
mod notify;
mod person;
mod plan;
pub mod policy;
mod report;
mod run;
mod sign;
mod text;
mod undo;
mod words;

use crate::gate::{Project, Stop, World};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

/// Stands between a coding agent and this machine: judges each command by a policy people can read,
/// runs it inside a fence the kernel enforces, limits it, and records it in a log that cannot be quietly changed.
#[derive(Debug, Parser)]
#[command(name = "guard", version, propagate_version = true, arg_required_else_help = true, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    /// Act in DIR's project instead of the current folder's
    #[arg(short = 'C', value_name = "DIR", global = true)]
    directory: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Examples:
  guard init --preset python          make this folder a project
  guard exec -- pytest tests/         run a command: judged, fenced, recorded
  guard check -c 'rm -rf build'       only judge it
  guard audit tail                    see what happened
  guard run -- claude                 run an agent's harness in the fence
  guard loop plan.toml                have an agent work through a plan
  guard status                        see where everything stands
  guard approve command-3             say yes to what was asked

Exit codes of guard's own (a command's own code passes through, a signal is 128+n):
   75  a person has to allow it          125  guard could not do its job
   77  halted: a person is needed        126  refused by policy, or not executable
   78  policy or settings invalid        127  no such program
  124  timed out                         137  stopped at a limit";

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Args),
    Exec(exec::Args),
    Run(run::Args),
    Loop(build::Args),
    Report(report::Args),
    #[command(subcommand)]
    Agent(agent::Command),
    Check(check::Args),
    Pending(person::requests::Pending),
    Show(person::requests::Show),
    Approve(person::answer::Approve),
    Deny(person::answer::Deny),
    Wait(person::requests::Wait),
    RunApproved(exec::RunApproved),
    #[command(subcommand)]
    File(file::Command),
    #[command(subcommand)]
    Db(db::Command),
    #[command(subcommand)]
    Migration(migration::Command),
    Undo(undo::Args),
    #[command(subcommand)]
    Iteration(person::iteration::Command),
    #[command(subcommand)]
    Approver(person::approver::Command),
    Status(person::status::Args),
    Mode(person::mode::Args),
    Escalate(person::halts::Escalate),
    Halt(person::halts::Halt),
    Resume(person::halts::Resume),
    Escalations(person::halts::Escalations),
    #[command(subcommand)]
    Policy(policy::Command),
    #[command(subcommand)]
    Plan(plan::Command),
    #[command(subcommand)]
    Audit(audit::Command),
    #[command(subcommand)]
    Hook(hook::Command),
    #[command(subcommand)]
    Notify(notify::Command),
    #[command(hide = true)]
    Deliver(notify::Deliver),
    #[command(hide = true)]
    Compile(compile::Args),
    Doctor(doctor::Args),
    Demo(demo::Args),
    Completions(generate::Completions),
    Man(generate::Man),
}

/// Runs the program on its name and arguments; `hook` answers a harness, where it is called in some uncommon way; `inside`:
/// whether guard is called from inside a harness's fence.
pub(super) fn main(arguments: &[OsString], hook: fn() -> ExitCode, inside: bool) -> ExitCode {
    let cli = match at_once(arguments).map_or_else(|| whole(arguments), Ok) {
        Ok(cli) => cli,
        Err(error) => return text::usage(&error, arguments),
    };
    if inside {
        // What only tells about the program needs nobody outside; an agent calls guard by itself.
        return if let Command::Completions(args) = cli.command {
            generate::completions(args)
        } else if let Command::Man(args) = cli.command {
            generate::man(args)
        } else if let Command::Agent(command) = cli.command {
            agent::run(cli.directory.as_deref(), command)
        } else {
            inside::call(arguments.get(1..).unwrap_or_default())
        };
    }
    let world = match world() {
        Ok(world) => world,
        Err(stop) => return text::stop(&stop),
    };
    let from = match &cli.directory {
        Some(directory) => world.cwd.join(directory),
        None => world.cwd.clone(),
    };
    match cli.command {
        Command::Init(args) => init::run(&world, &from, args),
        Command::Exec(args) => exec::run(world, &from, args),
        Command::Run(args) => run::run(world, &from, args),
        Command::Loop(args) => build::run(world, &from, args),
        Command::Report(args) => report::run(world, &from, args),
        Command::Agent(command) => agent::run(cli.directory.as_deref(), command),
        Command::Check(args) => check::run(world, &from, args),
        Command::Pending(args) => person::requests::pending(world, &from, args),
        Command::Show(args) => person::requests::show(world, &from, args),
        Command::Approve(args) => person::answer::approve(world, &from, args),
        Command::Deny(args) => person::answer::deny(world, &from, args),
        Command::Wait(args) => person::requests::wait(world, &from, args),
        Command::RunApproved(args) => exec::run_approved(world, &from, args),
        Command::File(command) => file::run(world, &from, command),
        Command::Db(command) => db::run(world, &from, command),
        Command::Migration(command) => migration::run(world, &from, command),
        Command::Undo(args) => undo::run(world, &from, args),
        Command::Iteration(command) => person::iteration::run(world, &from, command),
        Command::Approver(command) => person::approver::run(&world, &from, command),
        Command::Status(args) => person::status::run(world, &from, args),
        Command::Mode(args) => person::mode::run(world, &from, args),
        Command::Escalate(args) => person::halts::escalate(world, &from, args),
        Command::Halt(args) => person::halts::halt(world, &from, args),
        Command::Resume(args) => person::halts::resume(world, &from, args),
        Command::Escalations(args) => person::halts::escalations(world, &from, args),
        Command::Policy(command) => policy::run(&world, &from, command),
        Command::Plan(command) => plan::run(&world, &from, command),
        Command::Audit(command) => audit::run(&world, &from, command),
        Command::Hook(command) => hook::run(&world, &from, command, hook),
        Command::Notify(command) => notify::run(&world, &from, command),
        Command::Deliver(args) => notify::deliver(world, &from, args),
        Command::Compile(args) => compile::run(world, &from, &args),
        Command::Doctor(args) => doctor::run(&world, &from, args),
        Command::Demo(args) => demo::run(&world, args),
        Command::Completions(args) => generate::completions(args),
        Command::Man(args) => generate::man(args),
    }
}

fn whole(arguments: &[OsString]) -> clap::error::Result<Cli> {
    Cli::command().try_get_matches_from(arguments).and_then(|found| Cli::from_arg_matches(&found))
}

/// A call of the commands that agents wait for, read without building all the others: that takes as long as judging.
/// What is not right, help included, is left to the whole definition.
fn at_once(arguments: &[OsString]) -> Option<Cli> {
    #[derive(Parser)]
    struct Alone<A: clap::Args> {
        #[arg(short = 'C')]
        directory: Option<PathBuf>,
        #[command(flatten)]
        args: A,
    }
    #[derive(Parser)]
    struct Above<S: Subcommand> {
        #[arg(short = 'C', global = true)]
        directory: Option<PathBuf>,
        #[command(subcommand)]
        below: S,
    }
    fn read<A: clap::Args>(words: &[OsString], command: fn(A) -> Command) -> Option<Cli> {
        let Alone { directory, args } = Alone::<A>::try_parse_from(words).ok()?;
        Some(Cli { directory, command: command(args) })
    }
    fn read_below<S: Subcommand>(words: &[OsString], command: fn(S) -> Command) -> Option<Cli> {
        let Above { directory, below } = Above::<S>::try_parse_from(words).ok()?;
        Some(Cli { directory, command: command(below) })
    }
    let words = arguments.get(1..)?;
    match words.first()?.to_str()? {
        "exec" => read(words, Command::Exec),
        "check" => read(words, Command::Check),
        "file" => read_below(words, Command::File),
        "db" => read_below(words, Command::Db),
        _ => None,
    }
}

fn world() -> Result<World, Stop> {
    let trouble = |what: &str| {
        let what = what.to_owned();
        move |error: std::io::Error| Stop::System { what, cause: error.to_string() }
    };
    let cwd = std::env::current_dir().map_err(trouble("cannot tell the current folder"))?;
    super::world(cwd).map_err(trouble("cannot answer a call from inside"))
}

/// The project of a call, and the world as that call sees it: `-C DIR` starts commands in DIR.
fn project(mut world: World, from: &std::path::Path) -> Result<(World, Project), Stop> {
    let real = std::fs::canonicalize(from)
        .map_err(|error| Stop::Folder { path: from.to_owned(), cause: error.to_string() })?;
    let project = Project::around(&world, real.clone())?;
    world.cwd = real;
    Ok((world, project))
}

/// A process exit code from one of guard's; out of range becomes 125.
fn code(code: i32) -> ExitCode {
    ExitCode::from(u8::try_from(code).unwrap_or(125))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_read_at_once_is_the_call_read_by_the_whole_definition() {
        let calls = [
            "exec",
            "exec --",
            "exec ls",
            "exec -- pytest -q tests",
            "exec -c ls",
            "exec -c ls -- pwd",
            "exec --json -- ls",
            "exec -- ls --json",
            "exec -C x -- ls",
            "exec -C x -C y -- ls",
            "exec -Cx --task t -- ls -C y",
            "-C x exec -- ls",
            "exec -C",
            "exec --help",
            "exec -h",
            "exec --version",
            "exec help",
            "exec --unknown -- ls",
            "exec --jso -- ls",
            "exec --timeout 5s -- ls",
            "exec --wait -- ls",
            "exec --wait=5 -- ls",
            "exec --wait 5 -- ls",
            "exec --timeout",
            "check",
            "check ls -la",
            "check -- ls",
            "check -c ls --json",
            "check --all -c ls",
            "check -C x -c ls",
            "check --help",
            "chec ls",
            "help exec",
            "file list",
            "file -C x list",
            "file list -C x --most 3",
            "file -C x list -C y",
            "file write --reason r a.py",
            "file writ --reason r a.py",
            "file",
            "file help",
            "file --help",
            "file --version",
            "file write --help",
            "file edit --reason r --old a --new b a.py",
            "db list",
            "db query --db x --json SELECT",
            "db query --db x -C y",
            "db query",
            "db -V",
            "db",
        ];
        let mut read = 0;
        for call in calls {
            let arguments: Vec<OsString> = "guard".split(' ').chain(call.split(' ')).map(OsString::from).collect();
            let whole = whole(&arguments).ok().map(|cli| format!("{cli:?}"));
            let at_once = at_once(&arguments).map(|cli| format!("{cli:?}"));
            read += usize::from(at_once.is_some());
            assert!(at_once.is_none() || at_once == whole, "{call}: {at_once:?}, not {whole:?}");
        }
        assert!(read >= 10, "{read}");
    }
}
