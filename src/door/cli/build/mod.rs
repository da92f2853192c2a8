//! `guard loop`: work through a plan.
//! Knows how it is asked for and what comes out at the end; what is shown meanwhile lies beside this file.

mod lines;
mod screen;

use super::exec::seconds;
use super::text;
use super::{code, diagnostics, project};
use crate::decide::policy::Faults;
use crate::event::line::{printable, safe_json, visible};
use crate::gate::{Stop, World};
use crate::supervise::{self, End, LoopFault, Options, Show, Waits};
pub(super) use lines::{time as duration, word as result_word};
use screen::Screen;
use serde_json::json;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Work through a plan: an agent implements each phase, guard checks what it did, until all are complete or a person is needed
///
/// Each phase is told to the agent of the plan, which works in the fence and by calls of guard; then lint, types, format, tests,
/// migrations, data and a dry run are looked at, as the plan says. What is red goes back to the agent until a budget is spent:
/// then everything is halted and a person is called. Whatever ended an earlier call, the same call goes on where the log says it
/// was, with the attempts already spent.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard plan check plan.toml            what is wrong with a plan, before it is begun
  guard loop plan.toml                  work through it, or go on with it
  guard loop plan.toml --phase 2.3      this phase alone
  guard loop plan.toml --from 2.1       from this phase on
  guard loop plan.toml --wait           wait for a person instead of ending with 75
  guard report --all                    what was done, as text or Markdown
  guard undo --phase 2.3                take back what a phase changed

Exit codes:
    0  every phase is complete      75  waits for a person's answer: call it again afterwards
   77  a phase failed: a person     78  the plan is invalid, or was changed
       resumes (`guard resume`)    130  interrupted: call it again")]
pub(crate) struct Args {
    /// The plan: a TOML or YAML file
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
    /// This phase alone
    #[arg(long, value_name = "X.Y", conflicts_with = "from")]
    phase: Option<String>,
    /// From this phase on
    #[arg(long, value_name = "X.Y")]
    from: Option<String>,
    /// Wait while a person is asked, S seconds at most; without S as long as the request waits
    #[arg(long, value_name = "S", value_parser = seconds, num_args = 0..=1, require_equals = true)]
    wait: Option<Option<Duration>>,
    /// Take the plan as it is now, where it has changed since it was begun
    #[arg(long)]
    replan: bool,
    /// One JSON object a line for everything that happens
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(world: World, from: &Path, args: Args) -> ExitCode {
    let inside = world.only.is_some();
    let (world, project) = match project(world, from) {
        Ok(found) => found,
        Err(stop) => return text::stop(&stop),
    };
    if inside {
        let what = "a person begins the build loop, and nobody inside a fence is one".to_owned();
        return text::stop(&Stop::Usage { what, help: "work on what you were told, and end".to_owned() });
    }
    diagnostics::to(&project.paths.state);
    let options = Options {
        plan: from.join(&args.plan),
        phase: args.phase,
        from: args.from,
        replan: args.replan,
        waits: args.wait.map_or(Waits::No, Waits::For),
    };
    let world = World { cwd: project.root.clone(), ..world };
    let mut show: Box<dyn Show> = match (args.json, std::io::stderr().is_terminal()) {
        (true, _) => Box::new(lines::Objects),
        (false, true) => Box::new(Screen::new()),
        (false, false) => Box::new(lines::Lines),
    };
    let ended = supervise::run(&world, &project, &options, show.as_mut());
    drop(show);
    let (exit, object, said) = match &ended {
        Ok(end) => (
            end.exit_code(),
            json!({ "event": "end", "end": end_object(end), "exit_code": end.exit_code() }),
            end_text(end),
        ),
        Err(fault) => {
            let object = json!({ "event": "end", "end": { "fault": fault.to_string(), "help": fault.help() }, "exit_code": fault.exit_code() });
            (fault.exit_code(), object, String::new())
        }
    };
    if args.json {
        let line = format!("{}\n", safe_json(&object.to_string()));
        let mut out = std::io::stdout().lock();
        return text::written(out.write_all(line.as_bytes()).and_then(|()| out.flush()), code(exit));
    }
    if let Err(LoopFault::Gate(stop)) = &ended {
        return text::stop(stop);
    }
    let said = match &ended {
        Ok(_) => said,
        Err(fault) => fault_text(fault),
    };
    let _gone = std::io::stderr().write_all(said.as_bytes());
    code(exit)
}

fn end_object(end: &End) -> serde_json::Value {
    match end {
        End::Complete => json!({ "complete": true }),
        End::Person { halt } => json!({ "halt": halt }),
        End::Waiting { requests } => json!({ "waiting": requests }),
        End::Interrupted { code } => json!({ "interrupted": code }),
    }
}

fn end_text(end: &End) -> String {
    match end {
        End::Complete => "guard: every phase is complete\n".to_owned(),
        End::Person { halt } => format!(
            "guard: a person is needed: `guard escalations {halt}` has the report, `guard resume {halt} --note TEXT` goes on; then call \
             this again\n"
        ),
        End::Waiting { requests } => {
            let names: Vec<String> = requests.iter().map(|name| visible(name)).collect();
            let first = names.first().cloned().unwrap_or_default();
            format!(
                "guard: waits for a person: {}; `guard show {first}`, `guard approve {first}` or `guard deny {first}`; then call this \
                 again\n",
                names.join(", ")
            )
        }
        End::Interrupted { .. } => "guard: interrupted; the same call goes on from here\n".to_owned(),
    }
}

fn fault_text(fault: &LoopFault) -> String {
    let what = if let LoopFault::Invalid { faults } = fault {
        Faults(faults.clone()).to_string()
    } else {
        format!("guard: {fault}")
    };
    let help = fault.help().map(|help| format!("  help: {}\n", printable(&help))).unwrap_or_default();
    format!("{}\n{help}", printable(what.trim_end()))
}
