//! `guard file write`, `edit`, `delete`, `move`: one change of one file, and what came of it.
//! Decides nothing.

use crate::door::cli::text::{self, Paint, Tone};
use crate::door::cli::{changes, code, diagnostics, exec, json, project};
use crate::event::Why;
use crate::event::line::printable;
use crate::gate::{self, Answer, Changes, FileAct, FileRequest, Stop, Waiting, World};
use std::ffi::OsString;
use std::io::{IsTerminal, Read};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// Bytes of standard input that are taken.
const MOST: u64 = 256 << 20;

/// What is said with every change.
#[derive(Debug, clap::Args)]
pub(crate) struct Said {
    /// Why: the log says `Modified [file]: [reason]`
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Change it only if this is its SHA-256 (`none`: if it is not there)
    #[arg(long, value_name = "SHA256", value_parser = expected)]
    expect: Option<String>,
    /// What the task at hand is called, for rules and the log
    #[arg(long, value_name = "LABEL")]
    task: Option<String>,
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Where a person is asked, wait for their answer, S seconds at most; without S as long as the request waits
    #[arg(long, value_name = "S", num_args = 0..=1, require_equals = true, value_parser = exec::seconds)]
    wait: Option<Option<Duration>>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// Make a file, or give it another content: standard input, or that of another file of the project
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard file write services/risk.py --reason 'position sizing' < risk.py
  printf '{}\\n' | guard file write config/empty.json --reason 'a place for settings'
  guard file write .env.example --from config/example.env --reason 'where people look for it'")]
pub(crate) struct Write {
    /// The file
    #[arg(value_name = "PATH")]
    path: OsString,
    /// Take the content of this file of the project
    #[arg(long, value_name = "FILE")]
    from: Option<OsString>,
    #[command(flatten)]
    said: Said,
}

/// Replace a text in a file, exactly; or apply a unified diff from standard input, exactly
///
/// The old text must stand there once, or `--all` replaces it wherever it stands. A diff must fit line by line where it says.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard file edit services/risk.py --old 'LIMIT = 2' --new 'LIMIT = 3' --reason 'the limit of phase 2'
  guard file edit services/risk.py --all --old old_name --new new_name --reason 'the name the plan uses'
  guard file edit services/risk.py --reason 'the limit of phase 2' < risk.diff")]
pub(crate) struct Edit {
    /// The file
    #[arg(value_name = "PATH")]
    path: OsString,
    /// What stands there now
    #[arg(long, value_name = "TEXT", requires = "new", allow_hyphen_values = true)]
    old: Option<String>,
    /// What is to stand there
    #[arg(long, value_name = "TEXT", requires = "old", allow_hyphen_values = true)]
    new: Option<String>,
    /// Replace it wherever it stands
    #[arg(long, requires = "old")]
    all: bool,
    #[command(flatten)]
    said: Said,
}

/// Remove a file; of a link, the link
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard file delete scripts/old.py --reason 'nobody calls it'")]
pub(crate) struct Delete {
    /// The file
    #[arg(value_name = "PATH")]
    path: OsString,
    #[command(flatten)]
    said: Said,
}

/// Give a file another name, which nothing has yet
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard file move services/rsik.py services/risk.py --reason 'spelling'")]
pub(crate) struct Move {
    /// The file
    #[arg(value_name = "FROM")]
    path: OsString,
    /// Its new name
    #[arg(value_name = "TO")]
    to: OsString,
    #[command(flatten)]
    said: Said,
}

pub(crate) fn write(world: World, from: &Path, args: Write) -> ExitCode {
    let json = args.said.json;
    match args.from.map_or_else(|| input("the new content").map(FileAct::Write), |from| Ok(FileAct::From(from))) {
        Ok(act) => change(world, from, args.path, act, args.said),
        Err(stop) => stopped(stop, json),
    }
}

pub(crate) fn edit(world: World, from: &Path, args: Edit) -> ExitCode {
    let json = args.said.json;
    let act = match (args.old, args.new) {
        (Some(old), Some(new)) => Ok(FileAct::Replace { old, new, all: args.all }),
        _ => input("a unified diff").and_then(|diff| {
            String::from_utf8(diff).map(FileAct::Patch).map_err(|_| Stop::Usage {
                what: "the diff on standard input is not text (UTF-8)".into(),
                help: "write such a file whole: `guard file write`".into(),
            })
        }),
    };
    match act {
        Ok(act) => change(world, from, args.path, act, args.said),
        Err(stop) => stopped(stop, json),
    }
}

pub(crate) fn delete(world: World, from: &Path, args: Delete) -> ExitCode {
    change(world, from, args.path, FileAct::Delete, args.said)
}

pub(crate) fn rename(world: World, from: &Path, args: Move) -> ExitCode {
    change(world, from, args.path, FileAct::Move(args.to), args.said)
}

/// All of standard input.
fn input(what: &str) -> Result<Vec<u8>, Stop> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        let text = format!("guard: {what} comes from standard input; Ctrl-D ends it\n");
        let _gone = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
    }
    let mut bytes = Vec::new();
    let read = stdin.lock().take(MOST + 1).read_to_end(&mut bytes);
    read.map_err(|error| Stop::System { what: "cannot read standard input".into(), cause: error.to_string() })?;
    if bytes.len() as u64 > MOST {
        return Err(Stop::Usage {
            what: format!("more than {} MiB on standard input", MOST >> 20),
            help: "make a file of that size with a command: `guard exec`".into(),
        });
    }
    Ok(bytes)
}

fn expected(text: &str) -> Result<String, String> {
    let is_hash = text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit());
    if is_hash || text == "none" { Ok(text.to_owned()) } else { Err("not 64 hex digits, nor `none`".to_owned()) }
}

fn change(world: World, from: &Path, path: OsString, act: FileAct, said: Said) -> ExitCode {
    let (world, project) = match project(world, from) {
        Ok(found) => found,
        Err(stop) => return stopped(stop, said.json),
    };
    diagnostics::to(&project.paths.state);
    let waiting = said.wait.map(|limit| Waiting { limit, told: exec::waits });
    let Said { reason, expect, task, dry_run, json: as_json, .. } = said;
    let request = FileRequest { path, act, reason, expect, task, waiting, dry_run };
    let answer = gate::change_file(&world, &project, &request);
    let exit = code(answer.exit_code());
    text::untold(answer.untold.as_ref());
    if as_json {
        return text::written(json::print(&answer), exit);
    }
    let (out, error) = told(&answer);
    let _gone = std::io::Write::write_all(&mut std::io::stderr(), error.as_bytes());
    text::written(std::io::Write::write_all(&mut std::io::stdout(), out.as_bytes()), exit)
}

fn stopped(stop: Stop, as_json: bool) -> ExitCode {
    if as_json { text::stop_json(stop) } else { text::stop(&stop) }
}

/// What goes to standard output, and what to standard error.
fn told(answer: &Answer) -> (String, String) {
    let paint = Paint::on(&std::io::stderr());
    let mut error = changes::left_alone(&answer.left_alone, paint);
    if let Some(stop) = &answer.stop {
        error += &text::stop_text(stop, paint);
    }
    let mut out = String::new();
    if let Some(changes) = &answer.changes {
        match changes.withheld {
            None if changes.changed.files.is_empty() => out += "unchanged: it is like that already\n",
            None => out += &done(changes, Paint::on(&std::io::stdout())),
            Some(why) => error += &withheld(changes, why, paint),
        }
        for note in &changes.notes {
            error += &format!("guard: {}: {}\n", paint.with(Tone::Question, "note"), printable(note));
        }
    }
    if let Some(name) = &answer.halted {
        error += &format!("guard: {} ({name})\n", paint.with(Tone::Bad, "halted: a person is needed"));
    }
    (out, error)
}

fn done(changes: &Changes, paint: Paint) -> String {
    let record = changes.seq.map(|seq| format!("  record {seq}; `guard undo {seq}` takes it back\n"));
    changes::list(changes, paint) + &paint.with(Tone::Faint, &record.unwrap_or_default())
}

fn withheld(changes: &Changes, why: Why, paint: Paint) -> String {
    let name = changes.request.as_deref().unwrap_or_default();
    let head = match why {
        Why::Deny => paint.with(Tone::Bad, "refused"),
        Why::Ask if changes.request.is_none() => paint.with(Tone::Bad, "refused: too many requests wait for a person"),
        Why::Ask => paint.with(Tone::Question, "not changed yet: a person has to allow it") + &format!(" ({name})"),
        Why::DryRun => paint.with(Tone::Question, "dry run: nothing was changed"),
        Why::Conflict => paint.with(Tone::Bad, "not changed: somebody else was at work there"),
        Why::Error => paint.with(Tone::Bad, "not changed, and tried twice"),
        Why::Halted => paint.with(Tone::Bad, "not changed: everything was halted meanwhile"),
        Why::Ended => paint.with(Tone::Bad, "not changed"),
    };
    let cause = changes.cause.as_ref().map(|cause| format!(": {}", printable(cause))).unwrap_or_default();
    let mut text = format!("guard: {head}{cause}\n") + &text::rules(changes.rules.iter(), paint);
    text += changes.diff.as_deref().unwrap_or_default();
    let next = match why {
        Why::Ask if changes.request.is_some() => {
            Some(format!("go on with something else, or wait for the answer: `guard wait {name}`"))
        }
        Why::Conflict => Some("read the file as it is now (`guard file read`), and change that".to_owned()),
        Why::Error => {
            Some("mend what stands in the way, or tell the person: `guard escalate --analysis TEXT`".to_owned())
        }
        Why::Deny | Why::Ask | Why::DryRun | Why::Halted | Why::Ended => None,
    };
    text + &next.map(|next| format!("  hint: {next}\n")).unwrap_or_default()
}
