//! The guard that compiles a project's sources after a run: nobody waits for it.
//! Knows no Python, only what is told where it fails.

use super::{diagnostics, project, text};
use crate::gate::{self, World};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Compile what the last run in this project with a Python had to compile itself; guard starts this by itself
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  guard compile /usr/bin/python3")]
pub(crate) struct Args {
    /// The Python that compiles
    #[arg(value_name = "PYTHON")]
    python: PathBuf,
}

/// Whatever goes wrong stands in the diagnostics, and costs the next run its time alone.
pub(crate) fn run(world: World, from: &Path, args: &Args) -> ExitCode {
    let (world, project) = match project(world, from) {
        Ok(found) => found,
        Err(stop) => return text::stop(&stop),
    };
    diagnostics::to(&project.paths.state);
    match gate::compile(&world, &project, &args.python) {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => {
            tracing::error!(%stop, "what a run compiled is not compiled for the next one");
            text::stop(&stop)
        }
    }
}
