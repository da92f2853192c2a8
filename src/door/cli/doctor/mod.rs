//! `guard doctor`: what the kernel enforces on this machine, whether a harness asks guard, what an approval is worth, and who
//! is told.

mod approvals;
mod report;
mod stated;
mod turn;

pub(super) use report::target;

use super::{hook, text};
use crate::gate::{self, Stop, World};
use std::path::Path;
use std::process::ExitCode;

/// Try, inside a fence, everything a fence must stop, and say what this machine enforces
///
/// Lines that begin with `held` or `OPEN` are live probes; those with `yes`, `part` or `no` say what guard does or does not
/// enforce without trying it. An installed hook is asked what it must deny: it is live, silent or absent.
/// The last lines say who may approve, what else could, and who is told when a person is needed; nothing is sent.
/// Exit code 0 if everything held, no hook is silent and no configuration is broken.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  guard doctor\n  guard doctor --json")]
pub(crate) struct Args {
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(world: &World, from: &Path, args: Args) -> ExitCode {
    let Some(base) = world.cache_root() else { return text::stop(&Stop::NoHome) };
    if let Err(error) = std::fs::create_dir_all(&base) {
        return text::failure("cannot make a folder to try things in", &error.to_string());
    }
    let hooks = hook::find(world, from);
    let reach = gate::reach(gate::config_root(world, from).as_deref());
    let worth = gate::worth(world, from);
    let required = gate::required(world, from);
    match report::doctor(&base, (&hooks, &worth, &reach, &required), args.json, &mut std::io::stdout().lock()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => text::written(Err(error), ExitCode::FAILURE),
    }
}
