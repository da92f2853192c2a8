//! `guard exec`: judge a command, run it fenced, record it, pass its output and exit code on.

use super::{code, diagnostics, json, project, text};
use crate::action::shell::Asked;
use crate::execute::Sink;
use crate::gate::{self, Answer, Request, World};
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// Run a command: judged, fenced, limited, recorded
///
/// The command's output passes through as it comes and its exit code is guard's.
/// A refusal says which rule refused, why, and what to do instead.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard exec -- pytest tests/
  guard exec --timeout 30 -- python scripts/validate_config.py
  guard exec -c 'pytest -q | tail -n 5'
  guard exec --json -- mypy services/")]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) what: What,
    /// Print one JSON object at the end instead of the command's output
    #[arg(long)]
    pub(crate) json: bool,
}

/// What both `exec` and `check` are asked.
#[derive(Debug, clap::Args)]
pub(crate) struct What {
    /// Time limit in seconds; can only shorten the policy's
    #[arg(long, value_name = "S", value_parser = seconds)]
    timeout: Option<Duration>,
    /// What the task at hand is called, for rules and the log
    #[arg(long, value_name = "LABEL")]
    task: Option<String>,
    /// Why this is wanted, for the log
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// A line for bash, instead of a program and its arguments
    #[arg(short = 'c', value_name = "COMMAND LINE", conflicts_with = "argv", allow_hyphen_values = true)]
    line: Option<OsString>,
    /// The program and its arguments, after `--`
    #[arg(value_name = "ARGV", last = true)]
    argv: Vec<OsString>,
}

impl What {
    pub(crate) fn request(self) -> Request {
        let asked = match self.line {
            Some(line) => Asked::Line(line),
            None => Asked::Argv(self.argv),
        };
        Request { asked, timeout: self.timeout, task: self.task, reason: self.reason }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.trim_end_matches('s').parse().map_err(|_| "not a number of seconds".to_owned())?;
    if !(0.001..=86_400.0).contains(&seconds) {
        return Err("not between 0.001 and 86400 seconds".to_owned());
    }
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

pub(crate) fn run(world: World, from: &Path, args: Args) -> ExitCode {
    let (world, project) = match project(world, from) {
        Ok(found) => found,
        Err(stop) => return finish(args.json, Answer { stop: Some(stop), ..Answer::default() }),
    };
    diagnostics::to(&project.paths.state);
    let request = args.what.request();
    let answer = if args.json {
        gate::exec(&world, &project, request, &mut Silent)
    } else {
        gate::exec(&world, &project, request, &mut Live::default())
    };
    finish(args.json, answer)
}

fn finish(as_json: bool, answer: Answer) -> ExitCode {
    let exit = answer.exit_code();
    if as_json {
        if let Err(error) = json::print(&answer) {
            return text::failure("cannot write the answer", &error.to_string());
        }
    } else {
        text::print(&answer);
    }
    code(exit)
}

/// Passes output on as it comes. Where a reader went away the command is told, as in any pipeline.
#[derive(Default)]
struct Live {
    stdout_closed: bool,
    stderr_closed: bool,
}

impl Sink for Live {
    fn stdout(&mut self, bytes: &[u8]) {
        let mut out = std::io::stdout().lock();
        self.stdout_closed |= out.write_all(bytes).and_then(|()| out.flush()).is_err();
    }

    fn stderr(&mut self, bytes: &[u8]) {
        self.stderr_closed |= std::io::stderr().lock().write_all(bytes).is_err();
    }

    fn stdout_closed(&self) -> bool {
        self.stdout_closed
    }

    fn stderr_closed(&self) -> bool {
        self.stderr_closed
    }
}

struct Silent;

impl Sink for Silent {
    fn stdout(&mut self, _: &[u8]) {}
    fn stderr(&mut self, _: &[u8]) {}
}
