//! `guard notify`: trying whether a person is reached, and the guard that reaches them.
//! Knows no channels, only how what came of them is told.

use super::doctor::target;
use super::{code, diagnostics, project, text};
use crate::event::line::printable;
use crate::gate::{self, Stop, World, shown};
use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// Try whether a person is told when one is needed
#[derive(Debug, clap::Subcommand)]
#[command(after_help = "Example:\n  guard notify test")]
pub(crate) enum Command {
    Test(Test),
}

/// Send a test through every configured channel, and say what came of each
///
/// `[notify]` in ~/.config/guard/config.toml names a command, a webhook, or both; so does the machine's
/// /etc/guard/config.toml. Exit code 0 if every channel took it, 125 if one did not or none is there.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  guard notify test")]
pub(crate) struct Test {}

/// Send what waits to be sent; guard starts this by itself
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  guard deliver")]
pub(crate) struct Deliver {}

pub(crate) fn run(world: &World, from: &Path, command: Command) -> ExitCode {
    let Command::Test(Test {}) = command;
    let (tried, reach) = match gate::try_channels(world, from) {
        Ok(found) => found,
        Err(stop) => return text::stop(&stop),
    };
    let mut said = String::new();
    for tried in &tried {
        let outcome =
            tried.failed.as_deref().map_or("sent".to_owned(), |cause| format!("FAILED: {}", printable(cause)));
        let _ = writeln!(said, "{}: {}: {outcome}", tried.channel.name, printable(&target(&tried.channel)));
    }
    let mut worst = text::written(std::io::stdout().lock().write_all(said.as_bytes()), ExitCode::SUCCESS);
    if tried.iter().any(|tried| tried.failed.is_some()) {
        worst = code(125);
    }
    for stop in &reach.broken {
        text::stop(stop);
        worst = code(125);
    }
    if tried.is_empty() && reach.broken.is_empty() {
        let file = reach.file.as_deref().map_or("~/.config/guard/config.toml".to_owned(), shown);
        worst = text::stop(&Stop::Usage {
            what: "nobody is told when a person is needed: no configuration names a channel".into(),
            help: format!("write `[notify]` and `command = [\"notify-send\", \"guard\"]` into `{file}`"),
        });
    }
    worst
}

/// What nobody waits for: whatever goes wrong stands in the log, or in the diagnostics.
pub(crate) fn deliver(world: World, from: &Path, _: Deliver) -> ExitCode {
    let (world, project) = match project(world, from) {
        Ok(found) => found,
        Err(stop) => return text::stop(&stop),
    };
    diagnostics::to(&project.paths.state);
    match gate::deliver(&world, &project) {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => {
            tracing::error!(%stop, "notices wait on");
            text::stop(&stop)
        }
    }
}
