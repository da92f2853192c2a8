//! `guard completions` and `guard man`: generated from the one definition of the command line.

use super::{Cli, text};
use clap::CommandFactory;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Print a completion script for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  guard completions bash > ~/.local/share/bash-completion/completions/guard")]
pub(crate) struct Completions {
    /// The shell
    shell: clap_complete::Shell,
}

/// Write the man pages into a folder
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  guard man ~/.local/share/man/man1")]
pub(crate) struct Man {
    /// The folder; made if it is not there
    folder: PathBuf,
}

pub(crate) fn completions(args: Completions) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "guard", &mut script);
    text::written(std::io::stdout().write_all(&script), ExitCode::SUCCESS)
}

pub(crate) fn man(args: Man) -> ExitCode {
    let written =
        std::fs::create_dir_all(&args.folder).and_then(|()| clap_mangen::generate_to(Cli::command(), &args.folder));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => text::failure("cannot write the man pages", &error.to_string()),
    }
}
