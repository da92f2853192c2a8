//! `guard init`: make a folder a project.

use super::text;
use crate::gate::{self, Initialised, Setup, World};
use std::fs::OpenOptions;
use std::io::{IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Make a folder a project: policy, audit log and state
///
/// Writes a commented `guard.toml`, trusts it, begins `build_audit.log` and keeps git from adding it.
/// In a folder that is a project already it changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard init --preset python
  guard init --preset python-trading --seed-file /media/usb/guard-seed ~/bot
  guard init --observe                 record what would be asked, but run it")]
pub(crate) struct Args {
    /// The policy to start from: default, python or python-trading
    #[arg(long, value_name = "NAME", default_value = "default")]
    preset: String,
    /// Run what would be asked (never what is denied), fenced and recorded, to see what a policy would do
    #[arg(long)]
    observe: bool,
    /// Write the log's seed to FILE (mode 0600, must not exist) instead of showing it on the terminal
    #[arg(long, value_name = "FILE")]
    seed_file: Option<PathBuf>,
    /// The project's root
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(crate) fn run(world: &World, from: &Path, args: Args) -> ExitCode {
    let root = args.dir.map_or_else(|| from.to_owned(), |dir| from.join(dir));
    // Made first: a seed that cannot be kept must not be made.
    let seed_file = match args.seed_file.map(|path| from.join(path)).map(|path| create(&path).map(|file| (path, file)))
    {
        None => None,
        Some(Ok(kept)) => Some(kept),
        Some(Err(error)) => return text::failure("cannot make the seed file", &error.to_string()),
    };
    let setup = Setup { preset: args.preset, observe: args.observe };
    let made = match gate::init(world, &root, &setup) {
        Ok(made) => made,
        Err(stop) => {
            discard(seed_file);
            return text::stop(&stop);
        }
    };
    match made {
        Initialised::Already { root } => {
            discard(seed_file);
            say(&format!("`{}` is a guard project already: nothing changed\n", gate::shown(&root)))
        }
        Initialised::Fresh { root, log_id, seed, policy_kept, excluded } => {
            let mut lines = format!("guard now watches over `{}` (log {log_id})\n", gate::shown(&root));
            lines += if policy_kept {
                "  guard.toml          kept as it was, and trusted\n"
            } else {
                "  guard.toml          the policy: read it, change it, then `guard policy trust`\n"
            };
            lines += "  build_audit.log     everything that happens here\n";
            if excluded {
                lines += "  .git/info/exclude   keeps the log out of commits\n";
            }
            let shown = say(&lines);
            let kept = match seed_file {
                Some((path, mut file)) => match writeln!(file, "{seed}").and_then(|()| file.sync_all()) {
                    Ok(()) => {
                        say(&format!("the seed is in `{}`: keep it away from this machine\n", gate::shown(&path)))
                    }
                    Err(error) => text::failure("cannot write the seed file", &error.to_string()),
                },
                None => show_seed(&seed),
            };
            if kept == ExitCode::SUCCESS { shown } else { kept }
        }
    }
}

fn create(path: &Path) -> std::io::Result<std::fs::File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn discard(seed_file: Option<(PathBuf, std::fs::File)>) {
    if let Some((path, _)) = seed_file {
        let _unused = std::fs::remove_file(path);
    }
}

/// Shows the seed once, on the terminal and nowhere else: what is redirected may be kept by somebody.
fn show_seed(seed: &str) -> ExitCode {
    let block = format!(
        "\nThe log's seed, shown this once. Keep it away from this machine: with it anybody can prove,\n\
         and you can check with `guard audit verify --seed FILE`, that the log is whole to its last line.\n\n  {seed}\n\n"
    );
    if std::io::stdout().is_terminal() {
        return say(&block);
    }
    let terminal = OpenOptions::new().write(true).open("/dev/tty");
    match terminal.and_then(|mut terminal| terminal.write_all(block.as_bytes())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => {
            say("the log's seed was not shown, since there is no terminal: `--seed-file FILE` would have kept it\n")
        }
    }
}

fn say(text: &str) -> ExitCode {
    text::written(std::io::stdout().lock().write_all(text.as_bytes()), ExitCode::SUCCESS)
}
