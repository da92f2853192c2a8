//! `guard agent replay`: an agent without a model, which does what a file says.
//! Knows no log and no state: it calls guard as any agent does, as a program on its `PATH`.

use super::text;
use crate::gate::Stop;
use crate::supervise::agent::{self, Act, Actions, Brief, Call, Step, excerpt};
use serde_json::json;
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode, ExitStatus, Stdio};
use std::time::Duration;

/// Bytes of a brief, and of a file of actions, that are read.
const MOST: u64 = 16 << 20;
/// Bytes that are printed at once.
const PIECE: u64 = 64 * 1024;
/// Characters of what an action is about that its result says.
const ABOUT: usize = 200;

/// Agents of the build loop
#[derive(Debug, clap::Subcommand)]
#[command(after_help = "\
Examples:
  guard agent replay actions.toml < brief.json
  guard agent replay actions.toml --phase 1.1 --attempt 2")]
pub(crate) enum Command {
    Replay(Replay),
}

/// Be an agent that does what a file says: for demonstrations, and for trying a plan without a model
///
/// It reads its brief from standard input, as every agent of kind `command` does, and does what FILE holds for that phase and
/// attempt, or for `attempt = "any"`, or nothing. It calls `guard exec`, `file` and `db` as found on the PATH; what these print goes to
/// standard error. Of each action it prints what came of it, as one line of JSON.
/// Exit codes: 0 done, or that of `exit`; 1 a call with `must = true` failed; 125 FILE or the brief cannot be read.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard agent replay actions.toml < brief.json
  guard run -- guard agent replay actions.toml --phase 1.1 --attempt 1

In actions.toml:
  [[attempt]]
  phase = \"1.1\"
  attempt = 1                 # or \"any\"
  [[attempt.do]]
  write = \"services/risk.py\"  # the file whole, by `guard file write`
  content = \"LIMIT = 3\\n\"
  [[attempt.do]]
  edit = \"services/risk.py\"
  find = \"LIMIT = 3\"
  replace = \"LIMIT = 2\"
  [[attempt.do]]
  exec = \"pytest tests/\"      # or [\"pytest\", \"tests/\"]
  must = true                 # end here if it fails
  [[attempt.do]]
  db = { database = \"trades\", sql = \"SELECT 1\" }
Others, one each: say = \"text\", print = \"a line as it is\", print_bytes = 1000000,
cost = 0.25 (US dollars so far), sleep = \"2s\", exit = 3, hang = true, fork = true")]
pub(crate) struct Replay {
    /// The actions, in TOML
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Read no brief: be at this phase
    #[arg(long, value_name = "X.Y", requires = "attempt")]
    phase: Option<String>,
    /// Read no brief: be at this attempt
    #[arg(long, value_name = "N", requires = "phase", value_parser = clap::value_parser!(u64).range(1..))]
    attempt: Option<u64>,
}

/// Why it is over before the last action.
enum Over {
    /// The file says so, or a call that must not fail did.
    Exit(u8),
    /// Nobody reads what it prints, or nothing can be written.
    Unwritten(io::Error),
}

impl From<io::Error> for Over {
    fn from(error: io::Error) -> Self {
        Over::Unwritten(error)
    }
}

/// `folder`: where it acts, if not here.
pub(crate) fn run(folder: Option<&Path>, command: Command) -> ExitCode {
    let Command::Replay(args) = command;
    if let Some(folder) = folder
        && let Err(error) = std::env::set_current_dir(folder)
    {
        return text::stop(&Stop::Folder { path: folder.to_owned(), cause: error.to_string() });
    }
    match ready(&args) {
        Err(stop) => text::stop(&stop),
        Ok((actions, phase, attempt)) => match replay(actions.of(&phase, attempt)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(Over::Exit(code)) => ExitCode::from(code),
            Err(Over::Unwritten(error)) => text::written(Err(error), ExitCode::SUCCESS),
        },
    }
}

/// The actions, and which of them are meant.
fn ready(args: &Replay) -> Result<(Actions, String, u64), Stop> {
    let usage = |what: String, help: &str| Stop::Usage { what, help: help.to_owned() };
    let shown = args.file.display();
    let read = std::fs::File::open(&args.file).and_then(whole);
    let text =
        read.map_err(|error| usage(format!("cannot read the actions `{shown}`: {error}"), "name a file in TOML"))?;
    let actions = Actions::read(&text).map_err(|agent::Unread { line, what }| {
        usage(format!("{shown}:{line}: {what}"), "`guard agent replay --help` shows what such a file holds")
    })?;
    if let (Some(phase), Some(attempt)) = (&args.phase, args.attempt) {
        return Ok((actions, phase.clone(), attempt));
    }
    let input = io::stdin();
    let help = "the loop hands a brief over; by hand, say `--phase` and `--attempt`";
    if input.is_terminal() {
        return Err(usage("there is no brief on standard input".into(), help));
    }
    let brief = whole(input).map_err(|error| usage(format!("cannot read standard input: {error}"), help))?;
    let brief: Brief =
        serde_json::from_str(&brief).map_err(|error| usage(format!("standard input holds no brief: {error}"), help))?;
    Ok((actions, brief.phase.id, brief.attempt))
}

fn whole(from: impl Read) -> io::Result<String> {
    let mut text = String::new();
    from.take(MOST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MOST { Err(io::Error::other(format!("longer than {MOST} bytes"))) } else { Ok(text) }
}

fn replay(steps: &[Step]) -> Result<(), Over> {
    steps.iter().try_for_each(|step| act(&step.act, step))
}

fn act(act: &Act, step: &Step) -> Result<(), Over> {
    match act {
        Act::Call(call) => return called(call, step),
        Act::Say(text) => tell(&json!({ "say": text }))?,
        Act::Print(line) => print(format!("{line}\n").as_bytes())?,
        Act::PrintBytes(bytes) => print_bytes(*bytes)?,
        Act::Cost(cost) => tell(&json!({ "cost_usd": cost }))?,
        Act::Sleep(long) => {
            std::thread::sleep(*long);
            tell(&json!({ "did": "sleep", "seconds": long.as_secs_f64() }))?;
        }
        Act::Exit(code) => {
            tell(&json!({ "did": "exit", "code": code }))?;
            return Err(Over::Exit(*code));
        }
        Act::Hang => {
            tell(&json!({ "did": "hang" }))?;
            loop {
                std::thread::sleep(Duration::from_secs(3600));
            }
        }
        Act::Fork => {
            let forked = fork();
            let process = forked.as_ref().ok();
            let error = forked.as_ref().err().map(ToString::to_string);
            tell(&json!({ "did": "fork", "process": process, "error": error }))?;
        }
    }
    Ok(())
}

fn called(call: &Call, step: &Step) -> Result<(), Over> {
    let ran = guard(call);
    let code = ran.as_ref().map_or(127, |status| code(*status));
    let mut result = json!({ "did": call.kind, "what": excerpt(&call.what, ABOUT), "code": code });
    if let (Err(error), Some(result)) = (&ran, result.as_object_mut()) {
        result.insert("error".into(), format!("cannot call `guard`: {error}").into());
    }
    tell(&result)?;
    if code == 0 || !step.must {
        return Ok(());
    }
    tell(&json!({ "failed": format!("line {}: `{}` had to succeed, and ended with {code}", step.line, call.kind) }))?;
    Err(Over::Exit(1))
}

/// Calls guard, and waits for it.
fn guard(call: &Call) -> io::Result<ExitStatus> {
    let mut command = process::Command::new("guard");
    command.args(&call.words).stdout(io::stderr());
    let Some(input) = &call.input else { return command.stdin(Stdio::null()).status() };
    let mut child = command.stdin(Stdio::piped()).spawn()?;
    if let Some(mut to) = child.stdin.take() {
        // One who was refused reads nothing: the exit code tells.
        let _unread = to.write_all(input.as_bytes());
    }
    child.wait()
}

fn code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(125)
}

/// Leaves a process behind that ignores being told to end, and keeps standard output open.
fn fork() -> io::Result<u32> {
    let mut command = process::Command::new("sh");
    command.args(["-c", "trap '' HUP INT TERM; while :; do sleep 60; done"]);
    command.stdin(Stdio::null()).process_group(0).spawn().map(|child| child.id())
}

fn tell(result: &serde_json::Value) -> io::Result<()> {
    print(format!("{result}\n").as_bytes())
}

fn print(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

fn print_bytes(bytes: u64) -> io::Result<()> {
    let piece = [b'x'; PIECE as usize];
    let mut left = bytes;
    while left > 0 {
        let now = left.min(PIECE);
        print(piece.get(..usize::try_from(now).unwrap_or_default()).unwrap_or_default())?;
        left -= now;
    }
    print(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::shell::unquoted;
    use crate::door::cli::Cli;
    use clap::{CommandFactory, Parser};

    #[test]
    fn the_file_that_the_help_shows_can_be_read() {
        let mut cli = Cli::command();
        let replay = cli.find_subcommand_mut("agent").and_then(|agent| agent.find_subcommand_mut("replay")).unwrap();
        let help = replay.get_after_help().unwrap().to_string();
        let file = help.split("In actions.toml:\n").nth(1).unwrap().split("Others").next().unwrap();
        assert_eq!(Actions::read(file).unwrap().of("1.1", 1).len(), 4);
        let others = help.split("Others, one each: ").nth(1).unwrap().replace(" (US dollars so far)", "");
        let others: Vec<_> = others.trim().split(',').map(|other| format!("{{ {} }}", other.trim())).collect();
        let file = format!("[[attempt]]\nphase = \"1\"\nattempt = \"any\"\ndo = [{}]\n", others.join(", "));
        assert_eq!(Actions::read(&file).unwrap().of("1", 9).len(), 8);
    }

    #[test]
    fn the_calls_that_agents_are_shown_are_calls() {
        for allowed in Brief::calls() {
            let line = allowed.example.split(" < ").next().unwrap();
            let words = unquoted(line).unwrap();
            assert!(Cli::try_parse_from(words).is_ok(), "{line}");
            assert!(line.starts_with(&allowed.call), "{line}");
        }
    }
}
