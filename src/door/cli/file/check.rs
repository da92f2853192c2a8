//! `guard file check`: what files hold, checked as a change of them would be.
//! Knows how it is said, not what is checked.

use crate::decide::Finding;
use crate::door::cli::text::{self, Paint, Tone};
use crate::door::cli::{code, project};
use crate::event::line::{safe_json, visible};
use crate::gate::{self, CheckedFiles, World};
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Check what files hold, as the policy has it checked before a change is kept
///
/// What was there before does not count here: everything that is found is told.
///
/// Exit code 0: nothing was found; 1: something was; 125: a path cannot be looked at.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard file check services/orders.py
  guard file check --json .")]
pub(crate) struct Args {
    /// Files, or folders with all below them
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(world: World, from: &Path, args: Args) -> ExitCode {
    let checked = project(world, from).and_then(|(world, project)| gate::check_files(&world, &project, &args.paths));
    match checked {
        Ok(checked) => told(&checked, args.json),
        Err(stop) if args.json => text::stop_json(stop),
        Err(stop) => text::stop(&stop),
    }
}

fn told(checked: &CheckedFiles, as_json: bool) -> ExitCode {
    let text = if as_json { object(checked) } else { list(checked) };
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    text::written(written, code(i32::from(number(checked) > 0)))
}

/// The word of secrets, beside those of the policy's checks.
const SECRETS: &str = "secrets";

fn number(checked: &CheckedFiles) -> usize {
    checked.findings.len() + checked.secrets.len()
}

fn holds(kinds: &[String]) -> String {
    format!("holds a secret: {}; a change that puts one into a file asks a person", kinds.join(", "))
}

fn object(checked: &CheckedFiles) -> String {
    let finding = |finding: &Finding| {
        json!({
            "path": finding.path.to_string_lossy(),
            "check": finding.check.word(),
            "line": finding.line,
            "column": finding.column,
            "message": finding.what,
        })
    };
    let secret = |(path, kinds): &(PathBuf, Vec<String>)| json!({ "path": path.to_string_lossy(), "check": SECRETS, "line": null, "column": null, "message": holds(kinds) });
    let findings: Vec<_> = checked.findings.iter().map(finding).chain(checked.secrets.iter().map(secret)).collect();
    format!("{}\n", safe_json(&json!({ "checked": checked.files.len(), "findings": findings }).to_string()))
}

fn list(checked: &CheckedFiles) -> String {
    let paint = Paint::on(&std::io::stdout());
    let line = |finding: &Finding| format!("{} ({})\n", finding.told(), finding.check.word());
    let secret = |(path, kinds): &(PathBuf, Vec<String>)| {
        format!("{}: {} ({SECRETS})\n", visible(&path.to_string_lossy()), holds(kinds))
    };
    let mut text: String = checked.findings.iter().map(line).chain(checked.secrets.iter().map(secret)).collect();
    let files = checked.files.len();
    let what = if files == 1 { "1 file".to_owned() } else { format!("{files} files") };
    text += &match number(checked) {
        0 => paint.with(Tone::Good, &format!("{what}: nothing was found")),
        1 => paint.with(Tone::Bad, &format!("{what}: 1 finding")),
        many => paint.with(Tone::Bad, &format!("{what}: {many} findings")),
    };
    text + "\n"
}
