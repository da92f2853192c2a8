//! `guard policy`: check a policy, and trust it.

mod cases;
mod explain;
mod history;
mod report;

use super::text;
use crate::decide::policy;
use crate::decide::{Layer, Source};
use crate::gate::{self, POLICY_FILE, Project, Stop, World};
pub use report::{Checked, check};
use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Check, explain, test and trust the policy
#[derive(Debug, clap::Subcommand)]
#[command(after_help = "\
Examples:
  guard policy check
  guard policy trust
  guard policy explain pip install requests
  guard policy test
  guard policy replay --since 3d")]
pub(crate) enum Command {
    Check(Check),
    Trust(Trust),
    Explain(explain::Explain),
    Test(cases::Test),
    Replay(history::ReplayArgs),
    Unused(history::UnusedArgs),
    Schema(Schema),
}

/// Check a policy: its form, its meaning, and every rule's own examples
///
/// Needs no trust, so that a policy can be checked while it is written.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard policy check                   this project's, with every layer
  guard policy check other/guard.toml  a file alone, with the machine's and the person's layer")]
pub(crate) struct Check {
    /// A policy file, instead of the project's
    file: Option<PathBuf>,
}

/// Show what changed in the project's policy since it was trusted, and trust it if a person says yes
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  guard policy trust")]
pub(crate) struct Trust {}

/// Print the JSON Schema of a policy file, for editors
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard policy schema > policy.schema.json
  taplo check --schema file://$PWD/policy.schema.json guard.toml")]
pub(crate) struct Schema {}

pub(crate) fn run(world: &World, from: &Path, command: Command) -> ExitCode {
    let (json, done) = match command {
        Command::Check(args) => (false, check_file(world, from, args)),
        Command::Trust(Trust {}) => (false, trust(world, from)),
        Command::Explain(args) => (args.json, explain::run(world, from, args)),
        Command::Test(args) => (args.json, cases::run(world, from, args)),
        Command::Replay(args) => (args.json, history::run_replay(world, from, args)),
        Command::Unused(args) => (args.json, history::run_unused(world, from, args)),
        Command::Schema(Schema {}) => (false, schema()),
    };
    match done {
        Ok(code) => code,
        Err(stop) if json => text::stop_json(stop),
        Err(stop) => text::stop(&stop),
    }
}

fn check_file(world: &World, from: &Path, args: Check) -> Result<ExitCode, Stop> {
    let file = match args.file {
        Some(file) => from.join(file),
        None => {
            let root = gate::root_of(from).ok_or_else(|| Stop::NoProject { from: from.to_owned() })?;
            root.join(POLICY_FILE)
        }
    };
    let mut sources = gate::outer_layers(world.config_root().as_deref())?;
    let name = file.file_name().map_or_else(|| POLICY_FILE.into(), |name| name.to_string_lossy().into_owned());
    sources.push(Source { layer: Layer::Project, name, text: gate::policy_text(&file)? });
    let mut out = Vec::new();
    match report::check(&sources, &mut out).map_err(unwritten)? {
        Checked::Sound => {
            std::io::stdout().lock().write_all(&out).map_err(unwritten)?;
            Ok(ExitCode::SUCCESS)
        }
        Checked::Faulty => {
            std::io::stderr().lock().write_all(&out).map_err(unwritten)?;
            Ok(super::code(78))
        }
    }
}

fn trust(world: &World, from: &Path) -> Result<ExitCode, Stop> {
    let project = Project::find(world, from)?;
    let proposal = gate::propose_trust(&project)?;
    let mut out = Vec::new();
    if proposal.difference.is_empty() {
        say("`guard.toml` is as it was trusted: nothing changed\n")?;
        return Ok(ExitCode::SUCCESS);
    }
    report::write_difference(POLICY_FILE, proposal.trusted.as_deref(), &proposal.text, &mut out).map_err(unwritten)?;
    std::io::stdout().lock().write_all(&out).map_err(unwritten)?;
    if !(std::io::stdin().is_terminal() && std::io::stdout().is_terminal()) {
        return Err(Stop::Usage {
            what: "trusting a policy needs a person at a terminal".into(),
            help: "run `guard policy trust` in a terminal of your own".into(),
        });
    }
    say("\nTrust this policy? Type `yes`: ")?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(unwritten)?;
    if answer.trim() != "yes" {
        say("nothing changed: the policy is not trusted\n")?;
        return Ok(super::code(125));
    }
    gate::trust_project(world, &project, &proposal)?;
    say("trusted\n")?;
    Ok(ExitCode::SUCCESS)
}

fn schema() -> Result<ExitCode, Stop> {
    say(&format!("{:#}\n", policy::schema()))?;
    Ok(ExitCode::SUCCESS)
}

fn say(text: &str) -> Result<(), Stop> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(unwritten)
}

fn unwritten(error: std::io::Error) -> Stop {
    Stop::System { what: "cannot read or write the terminal".into(), cause: error.to_string() }
}
