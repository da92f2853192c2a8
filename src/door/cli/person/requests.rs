//! `guard pending`, `show` and `wait`: what a person is asked.

use super::view::{object, text, time, with_rule};
use super::{say, span, told};
use crate::approve::Decision;
use crate::door::cli::text::{Paint, Tone};
use crate::door::cli::{code, project};
use crate::event::line::{safe_json, visible};
use crate::gate::{self, Extent, NewRule, Shown, Standing, Stop, World};
use chrono::Utc;
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// Characters of a command that a list shows.
const SHOWN: usize = 100;

/// List what waits for a person
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  guard pending\n  guard pending --json")]
pub(crate) struct Pending {
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn pending(world: World, from: &Path, args: Pending) -> ExitCode {
    told(args.json, list(world, from, args.json))
}

fn list(world: World, from: &Path, as_json: bool) -> Result<ExitCode, Stop> {
    let (world, project) = project(world, from)?;
    let Standing { state, requests, .. } = gate::standing(&world, &project)?;
    let now = Utc::now().timestamp();
    let open = |name: &str| state.requests.open(name);
    if as_json {
        let waiting = requests.iter().filter_map(|(name, command)| {
            let open = open(name)?;
            Some(json!({
                "name": name,
                "kind": open.asked.kind,
                "command": command,
                "uid": open.asked.uid,
                "expires": time(open.approved.as_ref().map_or(open.asked.expires, |approved| approved.until)),
                "approved_by": open.approved.as_ref().map(|approved| approved.by.who.clone()),
            }))
        });
        let halted = state.requests.halt.as_ref().map(|halt| halt.name.clone());
        let object = json!({ "requests": waiting.collect::<Vec<_>>(), "halted": halted });
        say(&format!("{}\n", safe_json(&object.to_string())))?;
        return Ok(ExitCode::SUCCESS);
    }
    let paint = Paint::on(&std::io::stdout());
    let mut out = String::new();
    if let Some(halt) = &state.requests.halt {
        let report = gate::escalated(&project, &halt.name)?;
        let word = paint.with(Tone::Bad, "halted");
        let _ = writeln!(out, "{:<12}  {word}: {}", halt.name, visible(&report.title()));
    }
    for (name, command) in &requests {
        let Some(open) = open(name) else { continue };
        let standing = match &open.approved {
            Some(approved) => {
                let left = span(approved.until - now);
                paint.with(Tone::Good, &format!("approved by {}, {left} to use it", visible(&approved.by.who)))
            }
            None => paint.with(Tone::Question, &format!("waits, {} more", span(open.asked.expires - now))),
        };
        let command = visible(command);
        let cut: String = command.chars().take(SHOWN).collect();
        let more = if cut.len() < command.len() { "…" } else { "" };
        let _ = writeln!(out, "{name:<12}  {standing}: {cut}{more}");
    }
    if out.is_empty() {
        out += "nothing waits for a person\n";
    } else {
        out += "look at one with `guard show ID`\n";
        if !requests.is_empty() {
            out += "answer a request with `guard approve ID` or `guard deny ID`\n";
        }
        if state.requests.halt.is_some() {
            out += "go on after a halt with `guard resume ID`\n";
        }
    }
    say(&out)?;
    Ok(ExitCode::SUCCESS)
}

/// Show everything about a request or a halt
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard show command-3
  guard show resume-8
  guard show change-4 --full | less
  guard show command-3 --statement anna > s && ssh-keygen -Y sign -n guard-approval-v1 -f key s
  guard approve command-3 --signature s.sig")]
pub(crate) struct Show {
    /// The request's name
    #[arg(value_name = "ID")]
    name: String,
    /// One JSON object
    #[arg(long)]
    json: bool,
    /// Print instead the bytes that the approver of this name signs to approve
    #[arg(long, value_name = "NAME", conflicts_with = "json")]
    statement: Option<String>,
    /// With `--statement`: to deny
    #[arg(long, requires = "statement")]
    deny: bool,
    /// All of it, however long: for a pager or a file
    #[arg(long)]
    full: bool,
    /// With the rule that `guard approve --always` would add, and the digest of that answer
    #[arg(long, conflicts_with = "deny")]
    always: bool,
}

pub(crate) fn show(world: World, from: &Path, args: Show) -> ExitCode {
    told(args.json, one(world, from, &args))
}

fn one(world: World, from: &Path, args: &Show) -> Result<ExitCode, Stop> {
    let (world, project) = project(world, from)?;
    let extent = if args.full { Extent::WHOLE } else { Extent::SCREEN };
    let shown = gate::show(&world, &project, &args.name, extent)?;
    if args.always {
        return say(&rule(args, &shown, &gate::narrowest(&world, &project, &args.name)?)).map(|()| ExitCode::SUCCESS);
    }
    if let Some(approver) = &args.statement {
        let decision = if args.deny { Decision::Deny } else { Decision::Approve };
        say(&String::from_utf8_lossy(&shown.statement.to_sign(decision, approver)))?;
    } else if args.json {
        say(&format!("{}\n", safe_json(&object(&shown).to_string())))?;
    } else {
        say(&text(&shown, args.full, Paint::on(&std::io::stdout())).0)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn rule(args: &Show, shown: &Shown, rule: &NewRule) -> String {
    if let Some(approver) = &args.statement {
        return String::from_utf8_lossy(&rule.statement().to_sign(Decision::Approve, approver)).into_owned();
    }
    if !args.json {
        return with_rule(shown, rule, Paint::on(&std::io::stdout())).0;
    }
    let mut object = object(shown);
    if let Some(members) = object.as_object_mut() {
        let (id, file, text) = (rule.id(), gate::shown(rule.path()), rule.text("(whoever approves)"));
        members.insert("digest".into(), rule.statement().digest().into());
        members.insert("required".into(), rule.required().name().into());
        members.insert("rule".into(), json!({ "id": id, "file": file, "text": text, "files": rule.files() }));
    }
    format!("{}\n", safe_json(&object.to_string()))
}

/// Wait until a person has answered
///
/// Exit code 0: approved, or resumed; 126: denied; 75: no answer in time; 77: everything is halted.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  guard wait command-3\n  guard wait command-3 --timeout 600 && guard run-approved command-3"
)]
pub(crate) struct Wait {
    /// The request's name, or the halt's
    #[arg(value_name = "ID")]
    name: String,
    /// For how many seconds at most; left out: as long as the request waits
    #[arg(long, value_name = "S", value_parser = crate::door::cli::exec::seconds)]
    timeout: Option<Duration>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn wait(world: World, from: &Path, args: Wait) -> ExitCode {
    told(args.json, answered(world, from, &args))
}

fn answered(world: World, from: &Path, args: &Wait) -> Result<ExitCode, Stop> {
    let (world, project) = project(world, from)?;
    let yes = gate::wait(&world, &project, &args.name, args.timeout)?;
    let what = match (yes, args.name.starts_with("resume-")) {
        (true, false) => "approved",
        (true, true) => "resumed",
        (false, _) => "waits",
    };
    if args.json {
        say(&format!("{}\n", json!({ "name": args.name, "answer": what })))?;
    } else if yes {
        say(&format!("`{}` is {what}\n", args.name))?;
    } else {
        say(&format!("nobody has answered `{}` yet\n", args.name))?;
    }
    Ok(if yes { ExitCode::SUCCESS } else { code(75) })
}
