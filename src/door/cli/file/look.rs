//! `guard file read` and `list`: what is there.
//! Decides nothing.

use crate::door::cli::text::{self, Paint, Tone};
use crate::door::cli::{diagnostics, json, project};
use crate::event::line::{printable, safe_json, visible};
use crate::gate::{self, Part, Reading, Refused, World};
use serde_json::json;
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// Print a file of the project, or some of its lines
///
/// What is not text is told by its length and SHA-256. Of a `.env` only the names are shown.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard file read services/risk.py
  guard file read services/risk.py --lines 40:80
  guard file read services/risk.py --json        with the SHA-256 that `--expect` takes")]
pub(crate) struct Read {
    /// The file
    #[arg(value_name = "PATH")]
    path: OsString,
    /// Lines A to B, counted from 1; either may be left out
    #[arg(long, value_name = "A:B", value_parser = part)]
    lines: Option<Part>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// List the project's files, by patterns
///
/// A pattern without a slash means names at any depth. What builds make is left out, and what git keeps for itself.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard file list
  guard file list 'services/*.py' 'test_*.py'
  guard file list --all --json '**/*.pyc'")]
pub(crate) struct List {
    /// Patterns: `*`, `**`, `?`, `[a-z]`, `{a,b}`
    #[arg(value_name = "PATTERN")]
    patterns: Vec<String>,
    /// What builds make as well
    #[arg(long)]
    all: bool,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 1000)]
    most: usize,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

fn part(text: &str) -> Result<Part, String> {
    let fault = || "not lines as `40:80`, `40:`, `:80` or `40`, counted from 1".to_owned();
    let number = |text: &str| text.parse::<u64>().ok().filter(|number| *number > 0).ok_or_else(fault);
    let (from, to) = match text.split_once(':') {
        Some((from, to)) => {
            (if from.is_empty() { 1 } else { number(from)? }, if to.is_empty() { None } else { Some(number(to)?) })
        }
        None => (number(text)?, Some(number(text)?)),
    };
    if to.is_some_and(|to| to < from) { Err(fault()) } else { Ok(Part { from, to }) }
}

pub(crate) fn read(world: World, from: &Path, args: Read) -> ExitCode {
    let read = project(world, from).and_then(|(world, project)| {
        diagnostics::to(&project.paths.state);
        gate::read_file(&world, &project, &args.path, args.lines)
    });
    match read {
        Ok(Ok(reading)) => shown(&reading, args.json),
        Ok(Err(refused)) => refusal(&refused, args.json),
        Err(stop) if args.json => text::stop_json(stop),
        Err(stop) => text::stop(&stop),
    }
}

fn shown(reading: &Reading, as_json: bool) -> ExitCode {
    let Reading { path, len, sha256, text, masked } = reading;
    if as_json {
        let object = json!({
            "path": path, "len": len, "sha256": sha256, "text": text, "binary": text.is_none(), "masked": masked,
        });
        return print(&format!("{}\n", safe_json(&object.to_string())), ExitCode::SUCCESS);
    }
    match text {
        Some(text) => print(text, ExitCode::SUCCESS),
        None => {
            let paint = Paint::on(&std::io::stderr());
            let hash = sha256.as_deref().unwrap_or_default();
            let head = paint.with(Tone::Question, "not text");
            let line = format!("guard: {head}: `{}` has {len} bytes, SHA-256 {hash}\n", printable(path));
            text::written(std::io::stderr().write_all(line.as_bytes()), ExitCode::from(1))
        }
    }
}

fn refusal(refused: &Refused, as_json: bool) -> ExitCode {
    let code = ExitCode::from(126);
    if as_json {
        let rules: Vec<_> = refused.rules.iter().map(json::rule).collect();
        let object = json!({ "verdict": refused.verdict.word(), "rules": rules });
        return print(&format!("{}\n", safe_json(&object.to_string())), code);
    }
    let paint = Paint::on(&std::io::stderr());
    let text = format!("guard: {}\n", paint.with(Tone::Bad, "refused")) + &text::rules(refused.rules.iter(), paint);
    text::written(std::io::stderr().write_all(text.as_bytes()), code)
}

pub(crate) fn list(world: World, from: &Path, args: List) -> ExitCode {
    let listed = project(world, from)
        .and_then(|(world, project)| gate::list_files(&world, &project, &args.patterns, (args.most, args.all)));
    let listed = match listed {
        Ok(listed) => listed,
        Err(stop) if args.json => return text::stop_json(stop),
        Err(stop) => return text::stop(&stop),
    };
    if args.json {
        let file = |(path, len): &(std::path::PathBuf, u64)| json!({ "path": path.to_string_lossy(), "len": len });
        let files: Vec<_> = listed.files.iter().map(file).collect();
        let object = json!({ "files": files, "more": listed.more });
        return print(&format!("{}\n", safe_json(&object.to_string())), ExitCode::SUCCESS);
    }
    if listed.more {
        let paint = Paint::on(&std::io::stderr());
        let text = format!("guard: {}: `--most N` shows more\n", paint.with(Tone::Question, "there are more"));
        let _gone = std::io::stderr().write_all(text.as_bytes());
    }
    let lines: String = listed.files.iter().map(|(path, _)| visible(&path.to_string_lossy()) + "\n").collect();
    print(&lines, ExitCode::SUCCESS)
}

fn print(text: &str, code: ExitCode) -> ExitCode {
    let mut out = std::io::stdout().lock();
    text::written(out.write_all(text.as_bytes()).and_then(|()| out.flush()), code)
}
