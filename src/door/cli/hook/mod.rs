//! `guard hook`: the answers a harness waits for, and putting guard into its settings or taking it out.
//! Knows where the settings lie; the answers are another door's.

mod edit;
mod installed;
mod settings;
mod spans;

pub(super) use installed::{Found, State, find};

use super::text;
use crate::gate::{Stop, World, root_of, shown};
use settings::Done;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Stand between a harness and its tools: it asks guard before each of them
#[derive(Debug, clap::Subcommand)]
#[command(after_help = "\
Examples:
  guard hook install claude            in this project's .claude/settings.json
  guard hook install claude --user     in ~/.claude/settings.json, for every project
  guard hook uninstall claude
  guard doctor                         tells whether the hook is live, silent or absent")]
pub(crate) enum Command {
    Claude(Claude),
    Install(Install),
    Uninstall(Uninstall),
}

/// Answer one question of Claude Code: what it is about to do, as JSON on standard input
///
/// Standard output gets exactly one JSON object. Exit code 2, with the reason on standard error, for whatever must not run,
/// and wherever guard cannot judge: Claude Code takes any other failure for consent.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  echo '{\"hook_event_name\":\"PreToolUse\",\"cwd\":\"'\"$PWD\"'\",\"tool_name\":\"Bash\",\"tool_input\":{\"command\":\"ls\"}}' |
    guard hook claude")]
pub(crate) struct Claude {}

/// Have a harness ask guard before each of its tools
///
/// Nothing else in its settings changes; where it asks guard already, nothing does.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  guard hook install claude\n  guard hook install claude --user")]
pub(crate) struct Install {
    #[command(flatten)]
    at: At,
}

/// Take guard out of a harness's settings
///
/// Nothing else in them changes. From then on the harness acts without guard.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  guard hook uninstall claude\n  guard hook uninstall claude --user")]
pub(crate) struct Uninstall {
    #[command(flatten)]
    at: At,
}

#[derive(Debug, clap::Args)]
struct At {
    /// The harness
    #[arg(value_enum)]
    harness: Harness,
    /// In the project's settings, `.claude/settings.json` (the default)
    #[arg(long, conflicts_with = "user")]
    project: bool,
    /// In your own settings, `~/.claude/settings.json`, for every project
    #[arg(long)]
    user: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Harness {
    /// Claude Code
    Claude,
}

pub(crate) fn run(world: &World, from: &Path, command: Command, answer: fn() -> ExitCode) -> ExitCode {
    let done = match command {
        Command::Claude(Claude {}) => return answer(),
        Command::Install(Install { at }) => file(world, from, &at).and_then(|file| install(&file)),
        Command::Uninstall(Uninstall { at }) => file(world, from, &at).and_then(|file| uninstall(&file)),
    };
    match done {
        Ok(said) => text::written(std::io::stdout().lock().write_all(said.as_bytes()), ExitCode::SUCCESS),
        Err(stop) => text::stop(&stop),
    }
}

fn install(file: &Path) -> Result<String, Stop> {
    let guard = std::env::current_exe()
        .map_err(|error| Stop::System { what: "cannot tell where guard is".into(), cause: error.to_string() })?;
    Ok(match settings::install(file, &guard)? {
        Done::Unchanged => format!("Claude Code asks guard already, by `{}`: nothing changed\n", shown(file)),
        Done::Changed => format!(
            "Claude Code now asks guard before each tool, by `{}`\n  sessions that run already may have to be started \
             anew; `guard doctor` tells whether it is live\n",
            shown(file)
        ),
    })
}

fn uninstall(file: &Path) -> Result<String, Stop> {
    Ok(match settings::uninstall(file)? {
        Done::Unchanged => format!("Claude Code does not ask guard by `{}`: nothing changed\n", shown(file)),
        Done::Changed => format!("Claude Code no longer asks guard by `{}`\n", shown(file)),
    })
}

fn file(world: &World, from: &Path, at: &At) -> Result<PathBuf, Stop> {
    let At { harness: Harness::Claude, project: _, user } = at;
    let folder = if *user {
        world.home().ok_or(Stop::NoHome)?
    } else {
        let from = std::fs::canonicalize(from)
            .map_err(|error| Stop::Folder { path: from.to_owned(), cause: error.to_string() })?;
        root_of(&from).ok_or(Stop::NoProject { from })?
    };
    Ok(folder.join(".claude/settings.json"))
}
