//! `guard exec`: judge a command, run it fenced, record it, pass its output and exit code on.

use super::live::{Live, Silent};
use super::{code, diagnostics, json, project, text};
use crate::action::shell::Asked;
use crate::gate::{self, Answer, Patience, Request, Stop, Waiting, World};
use crate::record::Holder;
use std::ffi::OsString;
use std::io::{ErrorKind, IsTerminal, Write};
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
  guard exec --json -- mypy services/
  guard exec --dry-run -- black services/      show what it would change, and change nothing
  guard exec --wait=600 -- terraform plan      ask a person, and wait for their answer
  guard exec --tty -- bash -i                  with a terminal of its own, for programs that need one")]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) what: What,
    /// Print one JSON object at the end instead of the command's output
    #[arg(long)]
    pub(crate) json: bool,
    /// Give the command a terminal of its own, apart from yours; what it prints there is one stream
    #[arg(long)]
    pub(crate) tty: bool,
    /// Run it, show what it would change in the project, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Where a person is asked, wait for their answer, S seconds at most; without S as long as the request waits
    #[arg(long, value_name = "S", num_args = 0..=1, require_equals = true, value_parser = seconds)]
    pub(crate) wait: Option<Option<Duration>>,
    #[command(flatten)]
    turn: TurnArgs,
}

/// What `exec` and `run-approved` do while other commands run.
#[derive(Debug, clap::Args)]
pub(crate) struct TurnArgs {
    /// Where as many commands run in the project as may at once, wait S seconds at most; without it, do not run
    #[arg(long, value_name = "S", value_parser = turn, allow_hyphen_values = true)]
    wait_turn: Option<Duration>,
}

impl TurnArgs {
    fn patience(&self) -> Patience {
        Patience { limit: self.wait_turn.unwrap_or_default(), told: taking_turns }
    }
}

/// What both `exec` and `check` are asked.
#[derive(Debug, clap::Args)]
pub(crate) struct What {
    /// Time limit in seconds; can only shorten the policy's
    #[arg(long, value_name = "S", value_parser = seconds, allow_hyphen_values = true)]
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
    #[arg(value_name = "ARGV", last = true, required_unless_present = "line")]
    argv: Vec<OsString>,
}

impl What {
    pub(crate) fn request(self) -> Request {
        let asked = match self.line {
            Some(line) => Asked::Line(line),
            None => Asked::Argv(self.argv),
        };
        Request {
            asked,
            timeout: self.timeout,
            task: self.task,
            reason: self.reason,
            waiting: None,
            dry_run: false,
            step: None,
        }
    }
}

/// As [`seconds`], or none.
fn turn(text: &str) -> Result<Duration, String> {
    if matches!(text, "0" | "0s") { Ok(Duration::ZERO) } else { seconds(text) }
}

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.trim_end_matches('s').parse().map_err(|_| "not a number of seconds".to_owned())?;
    if !(0.001..=86_400.0).contains(&seconds) {
        return Err("not between 0.001 and 86400 seconds".to_owned());
    }
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

pub(crate) fn run(world: World, from: &Path, args: Args) -> ExitCode {
    if args.json && args.tty {
        let stop = Stop::Usage {
            what:
                "`--json` and `--tty` exclude each other: a terminal is for somebody who looks at it while the command \
                   runs, and with `--json` nothing is shown before its end"
                    .into(),
            help: "leave one of them out; `guard audit show SEQ` prints what a command printed on its terminal".into(),
        };
        return finish(true, Answer { stop: Some(stop), ..Answer::default() }, Live::default());
    }
    let (world, project) = match project(world, from) {
        Ok(found) => found,
        Err(stop) => return finish(args.json, Answer { stop: Some(stop), ..Answer::default() }, Live::default()),
    };
    diagnostics::to(&project.paths.state);
    let waiting = args.wait.map(|limit| Waiting { limit, told: waits });
    let request = Request { waiting, dry_run: args.dry_run, ..args.what.request() };
    let patience = args.turn.patience();
    let mut live = Live::new(args.tty);
    let answer = if args.json {
        gate::exec(&world, &project, request, patience, &mut Silent)
    } else {
        gate::exec(&world, &project, request, patience, &mut live)
    };
    finish(args.json, answer, live)
}

/// Run a command that a person approved: guard's own copy of it, once
///
/// What is run is what the person saw. It is judged once more; what has become forbidden does not run.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard run-approved command-3
  guard run-approved command-3 --json")]
pub(crate) struct RunApproved {
    /// The request's name
    #[arg(value_name = "ID")]
    name: String,
    /// Print one JSON object at the end instead of the command's output
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    turn: TurnArgs,
}

pub(crate) fn run_approved(world: World, from: &Path, args: RunApproved) -> ExitCode {
    let (world, project) = match project(world, from) {
        Ok(found) => found,
        Err(stop) => return finish(args.json, Answer { stop: Some(stop), ..Answer::default() }, Live::default()),
    };
    diagnostics::to(&project.paths.state);
    let (mut live, patience) = (Live::default(), args.turn.patience());
    let answer = if args.json {
        gate::run_approved(&world, &project, &args.name, patience, &mut Silent)
    } else {
        gate::run_approved(&world, &project, &args.name, patience, &mut live)
    };
    finish(args.json, answer, live)
}

pub(super) fn waits(name: &str, untold: Option<Stop>) {
    text::untold(untold.as_ref());
    let _gone = writeln!(std::io::stderr(), "guard: a person is asked (`{name}`): waiting for their answer");
}

/// What is waited for, where a person sits and wonders.
fn taking_turns(holders: &[Holder]) {
    let mut stderr = std::io::stderr();
    if stderr.is_terminal() {
        let who: Vec<String> = holders.iter().map(gate::held).collect();
        let _gone = writeln!(stderr, "guard: waiting for its turn, after {}", who.join(", "));
    }
}

/// The command's code, unless what it printed could not be passed on: then nobody may take its code for all of its answer.
/// A reader that went away is no fault of anybody's.
fn finish(as_json: bool, answer: Answer, live: Live) -> ExitCode {
    let (stdout, stderr) = live.over();
    let exit = code(answer.exit_code());
    text::untold(answer.untold.as_ref());
    if as_json {
        return match json::print(&answer) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => text::unwritten(&error, &answer),
            written => text::written(written, exit),
        };
    }
    text::print(&answer);
    let unwritten = [stdout, stderr].into_iter().flatten().find(|error| error.kind() != ErrorKind::BrokenPipe);
    unwritten.map_or(exit, |error| text::unwritten(&error, &answer))
}
