//! `guard audit`: look at the log, prove it, mend it.

pub mod report;

use super::text;
use crate::gate::{Project, Stop, World};
use crate::record::LogError;
use report::{AuditError, Format, Given};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Look at the audit log, prove it, mend it
#[derive(Debug, clap::Subcommand)]
#[command(after_help = "\
Examples:
  guard audit tail
  guard audit search DENIED
  guard audit verify --seed /media/usb/guard-seed")]
pub(crate) enum Command {
    Tail(Tail),
    Show(Show),
    Search(Search),
    Export(Export),
    Verify(Verify),
    Recover(Recover),
}

/// Print the last records
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  guard audit tail -n 50\n  guard audit tail -f --json")]
pub(crate) struct Tail {
    /// Print new records as they come, until Ctrl-C
    #[arg(short, long)]
    follow: bool,
    /// How many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    lines: usize,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// Print one record and what belongs to it
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  guard audit show 4211\n  guard audit show 4213 --whole   the kept output, to its end"
)]
pub(crate) struct Show {
    /// The record's number
    seq: u64,
    /// Print kept output and long texts whole
    #[arg(long)]
    whole: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// Print the records that match a regular expression; exit code 1 if there are none
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  guard audit search DENIED\n  guard audit search '\\[EXEC\\] \\[pytest'")]
pub(crate) struct Search {
    /// The regular expression; `\d`, `\w` and `(?i)` mean ASCII
    pattern: String,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// Print the whole log for another program
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  guard audit export --format jsonl > audit.jsonl")]
pub(crate) struct Export {
    /// `jsonl`: one JSON object a line; `text`: as it stands
    #[arg(long, value_name = "FORMAT", default_value = "jsonl")]
    format: Layout,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Layout {
    Jsonl,
    Text,
}

/// Prove the log: every line, its place in the chain, and with the seed every seal
///
/// Exit code 0: whole; 1: tampered; 2: whole but for mended tears; 3: cannot be decided; 4: whole as far as it goes,
/// but nothing vouches for the end.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard audit verify
  guard audit verify --seed /media/usb/guard-seed
  guard audit verify --head 4215:9f86d0… --seed seed copied.log")]
pub(crate) struct Verify {
    /// The file that holds the seed shown at `guard init`
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// A record known to have been there
    #[arg(long, value_name = "SEQ:HASH")]
    head: Option<String>,
    /// One JSON object
    #[arg(long)]
    json: bool,
    /// A log anywhere, instead of the project's
    file: Option<PathBuf>,
}

/// Prove the log and mend what bars it: a failed sync, a lost key state, a moved project
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  guard audit recover\n  guard audit recover --seed /media/usb/guard-seed")]
pub(crate) struct Recover {
    /// The file that holds the seed, needed where the key state is lost
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
}

pub(crate) fn run(world: &World, from: &Path, command: Command) -> ExitCode {
    let mut out = std::io::stdout().lock();
    let done = match command {
        Command::Tail(args) => tail(world, from, &args, &mut out),
        Command::Show(args) => project(world, from)
            .and_then(|project| Ok(report::show(&project.paths, args.seq, args.whole, args.json, &mut out)?)),
        Command::Search(args) => project(world, from)
            .and_then(|project| Ok(report::search(&project.paths.log, &args.pattern, format(args.json), &mut out)?)),
        Command::Export(args) => {
            let json = matches!(args.format, Layout::Jsonl);
            project(world, from).and_then(|project| Ok(report::export(&project.paths.log, format(json), &mut out)?))
        }
        Command::Verify(args) => verify(world, from, args, &mut out),
        Command::Recover(args) => recover(world, from, args, &mut out),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(Failure::Audit(AuditError::Log(error))) => text::stop(&Stop::Log(error)),
        Err(Failure::Audit(AuditError::Output(error))) => text::written(Err(error), ExitCode::SUCCESS),
        Err(Failure::Audit(AuditError::Usage(what))) => {
            text::stop(&Stop::Usage { what, help: "see `guard audit --help`".into() })
        }
        Err(Failure::Stop(stop)) => text::stop(&stop),
    }
}

enum Failure {
    Audit(AuditError),
    Stop(Stop),
}

impl From<AuditError> for Failure {
    fn from(error: AuditError) -> Self {
        Self::Audit(error)
    }
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

fn project(world: &World, from: &Path) -> Result<Project, Failure> {
    Ok(Project::find(world, from)?)
}

fn format(json: bool) -> Format {
    if json { Format::Jsonl } else { Format::Text }
}

fn tail(world: &World, from: &Path, args: &Tail, out: &mut dyn Write) -> Result<u8, Failure> {
    let project = project(world, from)?;
    let mut wait = || {
        std::thread::sleep(std::time::Duration::from_millis(200));
        true
    };
    let more: Option<&mut dyn FnMut() -> bool> = if args.follow { Some(&mut wait) } else { None };
    Ok(report::tail(&project.paths.log, args.lines, format(args.json), more, out)?)
}

fn verify(world: &World, from: &Path, args: Verify, out: &mut dyn Write) -> Result<u8, Failure> {
    let given = Given { seed: seed(from, args.seed)?, head: args.head, json: args.json };
    match args.file {
        Some(file) => Ok(report::prove(&from.join(file), None, &given, out)?),
        None => {
            let project = project(world, from)?;
            Ok(report::prove(&project.paths.log, Some(&project.paths.state), &given, out)?)
        }
    }
}

fn recover(world: &World, from: &Path, args: Recover, out: &mut dyn Write) -> Result<u8, Failure> {
    let seed = seed(from, args.seed)?;
    let project = match Project::find(world, from) {
        Err(Stop::Log(LogError::Unknown { .. })) => {
            let (project, before) = Project::relink(world, from)?;
            writeln!(out, "the log is found again; the project was `{}`", crate::gate::shown(&before))
                .map_err(AuditError::Output)?;
            project
        }
        found => found?,
    };
    Ok(report::mend(&project.paths, seed.as_deref(), out)?)
}

/// The content of the seed file.
fn seed(from: &Path, file: Option<PathBuf>) -> Result<Option<String>, Failure> {
    let Some(file) = file else { return Ok(None) };
    let path = from.join(file);
    let read = std::fs::read_to_string(&path);
    let what = || format!("cannot read the seed file `{}`", crate::gate::shown(&path));
    Ok(Some(read.map_err(|error| Stop::System { what: what(), cause: error.to_string() })?))
}
