//! `guard plan`: check a plan, print its schema, make one from Markdown.
//! Runs nothing of it, and decides nothing.

use super::text::{self, Paint, Tone};
use super::{code, words};
use crate::decide::policy::Fault;
use crate::event::line::{printable, safe_json};
use crate::gate::{self, Layers, Present, Stop, World, present};
use crate::supervise::plan::{self, Against, NotAPlan, Phase, Plan};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Names under which a plan is looked for, where none is given.
const NAMES: [&str; 3] = ["plan.toml", "plan.yaml", "plan.yml"];

/// Check a plan of the build loop, or make one from Markdown
#[derive(Debug, clap::Subcommand)]
#[command(after_help = "\
Examples:
  guard plan check
  guard plan import PLAN.md --output plan.toml
  guard plan schema > plan.schema.json")]
pub(crate) enum Command {
    Check(Check),
    Import(Import),
    Schema(Schema),
}

/// Check a plan: its form, its meaning, and what the policy says to it
///
/// In a project, its limits must only tighten the policy's, its commands and queries are judged by the policy as it stands,
/// and the databases and programs it names must be there. Nothing of it is run. What a person will be asked is told.
///
/// Exit code 0: it can be run; 78: it has faults.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard plan check                     the project's plan.toml, plan.yaml or plan.yml
  guard plan check plans/sizing.yaml
  guard plan check --json plan.toml")]
pub(crate) struct Check {
    /// The plan, in TOML or YAML
    plan: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Make a plan from a document in Markdown
///
/// Reads headings `### Phase 2.3: Description`, goals, boxes `- [ ]` as acceptance criteria, lists of files, `Depends on:`, `Mode:`,
/// and the commands in backticks of a validation list, which become checks by their tool. What has no place is told on
/// standard error, line by line; what only a person can say is marked `FILL IN`, and a fault until it is filled.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard plan import PLAN.md --output plan.toml
  guard plan import PLAN.md | less
  guard plan import - < PLAN.md")]
pub(crate) struct Import {
    /// The document; `-` reads standard input
    document: PathBuf,
    /// Write the plan there, where no file is yet, instead of printing it
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Print the JSON Schema of a plan, for editors
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard plan schema > plan.schema.json
  taplo check --schema file://$PWD/plan.schema.json plan.toml")]
pub(crate) struct Schema {}

pub(crate) fn run(world: &World, from: &Path, command: Command) -> ExitCode {
    let (json, done) = match command {
        Command::Check(args) => (args.json, check(world, from, &args)),
        Command::Import(args) => (false, import(from, &args)),
        Command::Schema(Schema {}) => (false, Ok(print(&format!("{:#}\n", plan::schema()), 0))),
    };
    match done {
        Ok(code) => code,
        Err(stop) if json => text::stop_json(stop),
        Err(stop) => text::stop(&stop),
    }
}

/// What was found out about a plan.
struct Checked {
    name: String,
    plan: Option<Plan>,
    against: Against,
    /// By which policy; `None`: there is no project, and the plan was looked at alone.
    policy: Option<Present>,
}

fn check(world: &World, from: &Path, args: &Check) -> Result<ExitCode, Stop> {
    let root = gate::root_of(&std::fs::canonicalize(from).unwrap_or_else(|_| from.to_owned()));
    let (path, name) = found(from, root.as_deref(), args.plan.as_deref())?;
    let mut checked = Checked { name, plan: None, against: Against::default(), policy: None };
    match plan::load(&path, &checked.name) {
        Ok(read) => {
            if root.is_some() {
                let present = present(world, from, Layers::All)?;
                let file = std::fs::canonicalize(&path).ok();
                let file = file.as_ref().and_then(|file| file.strip_prefix(&present.root).ok());
                let mut against = plan::against(&read, world, &present.root, file, &present.policy);
                against.faults.extend(plan::tightens(&read, present.policy.settings()));
                against.faults.sort_by_key(|fault| (fault.line, fault.column));
                (checked.against, checked.policy) = (against, Some(present));
            }
            checked.plan = Some(read);
        }
        Err(NotAPlan::Faulty { faults }) => checked.against.faults = faults,
        Err(error @ NotAPlan::Unreadable { .. }) => {
            let help = "name the plan: `guard plan check FILE`".into();
            return Err(Stop::Usage { what: printable(&error.to_string()), help });
        }
    }
    let sound = checked.against.faults.is_empty();
    let exit = if sound { 0 } else { 78 };
    if args.json {
        return Ok(print(&checked.object(), exit));
    }
    if sound {
        return Ok(print(&checked.page(Paint::on(&std::io::stdout())), exit));
    }
    let text = checked.faults(Paint::on(&std::io::stderr()));
    let _gone = std::io::stderr().lock().write_all(text.as_bytes());
    Ok(code(exit))
}

/// The plan that is meant, and its name in messages.
fn found(from: &Path, root: Option<&Path>, given: Option<&Path>) -> Result<(PathBuf, String), Stop> {
    if let Some(given) = given {
        return Ok((from.join(given), gate::shown(given)));
    }
    let folder = root.unwrap_or(from);
    let there: Vec<&str> = NAMES.into_iter().filter(|name| folder.join(name).exists()).collect();
    match there.as_slice() {
        [one] => Ok((folder.join(one), (*one).to_owned())),
        [] => Err(Stop::Usage {
            what: format!("no plan in `{}`: neither of {}", gate::shown(folder), NAMES.join(", ")),
            help: "name it: `guard plan check FILE`; docs/plan.md has an example".into(),
        }),
        [..] => Err(Stop::Usage {
            what: format!("several plans in `{}`: {}", gate::shown(folder), there.join(", ")),
            help: "name the one that is meant: `guard plan check FILE`".into(),
        }),
    }
}

impl Checked {
    fn page(&self, paint: Paint) -> String {
        let Some(plan) = &self.plan else { return String::new() };
        let phases = words::count(plan.phases.len(), "phase", "phases");
        let agent = plan.agent.kind.word();
        let sound = paint.with(Tone::Good, "sound");
        let mut out = format!("plan {} is {sound}: {phases}, agent `{agent}`\n", printable(&self.name));
        for phase in plan.order() {
            let _ = writeln!(out, "  {:<6} {}: {}", phase.id, printable(&phase.description), proofs(phase));
        }
        let _ = match &self.policy {
            Some(present) if present.trusted => writeln!(out, "policy: judged by {}", gate::POLICY_FILE),
            Some(_) => {
                writeln!(out, "policy: judged by {}, which nobody has trusted as it stands", gate::POLICY_FILE)
            }
            None => writeln!(out, "policy: no project here, so only the plan itself was looked at"),
        };
        for warning in self.warnings(paint) {
            let _ = writeln!(out, "\n{warning}");
        }
        out
    }

    fn warnings(&self, paint: Paint) -> impl Iterator<Item = String> {
        let head = paint.with(Tone::Question, "warning:");
        self.against.warnings.iter().map(move |warning| format!("{head} {}", printable(&warning.to_string())))
    }

    fn faults(&self, paint: Paint) -> String {
        let faults = &self.against.faults;
        let mut out = String::new();
        for warning in self.warnings(paint) {
            let _ = writeln!(out, "{warning}\n");
        }
        for fault in faults {
            let _ = writeln!(out, "{}\n", printable(&fault.to_string()));
        }
        let number = words::count(faults.len(), "fault", "faults");
        let _ = writeln!(out, "{number}: the plan is not run until mended");
        out
    }

    fn object(&self) -> String {
        let plan = self.plan.as_ref();
        let order: Vec<&str> =
            plan.map(Plan::order).unwrap_or_default().iter().map(|phase| phase.id.as_str()).collect();
        let phases: Vec<Value> = plan
            .map(|plan| plan.phases.as_slice())
            .unwrap_or_default()
            .iter()
            .map(|phase| {
                json!({
                    "id": phase.id, "description": phase.description, "hash": phase.hash(), "after": phase.after,
                    "files": phase.files, "mode": phase.mode.map(|mode| mode.word()),
                    "checks": phase.checks.steps().count(), "data": phase.data.len(),
                    "dry_run": phase.dry_run.is_some(), "migrations": phase.migrations.len(),
                })
            })
            .collect();
        let object = json!({
            "plan": self.name, "sound": self.against.faults.is_empty(), "hash": plan.map(|plan| plan.hash.as_str()),
            "title": plan.and_then(|plan| plan.title.as_deref()), "agent": plan.map(|plan| plan.agent.kind.word()),
            "phases": phases, "order": order,
            "policy": self.policy.as_ref().map(|present| present.policy.hash()),
            "trusted": self.policy.as_ref().map(|present| present.trusted),
            "faults": told(&self.against.faults), "warnings": told(&self.against.warnings),
        });
        format!("{}\n", safe_json(&object.to_string()))
    }
}

/// What proves a phase, in words.
fn proofs(phase: &Phase) -> String {
    let counted = [
        (phase.checks.steps().count(), "check", "checks"),
        (phase.data.len(), "data validation", "data validations"),
        (usize::from(phase.dry_run.is_some()), "dry run", "dry runs"),
        (phase.migrations.len(), "migration", "migrations"),
    ];
    let said: Vec<String> = counted
        .into_iter()
        .filter(|(number, ..)| *number > 0)
        .map(|(number, one, many)| words::count(number, one, many))
        .collect();
    said.join(", ")
}

fn told(faults: &[Fault]) -> Vec<Value> {
    let one = |fault: &Fault| {
        json!({
            "file": fault.file, "line": fault.line, "column": fault.column,
            "message": fault.message, "help": fault.help,
        })
    };
    faults.iter().map(one).collect()
}

fn import(from: &Path, args: &Import) -> Result<ExitCode, Stop> {
    let stdin = args.document.as_os_str() == "-";
    let name = if stdin { "standard input".to_owned() } else { gate::shown(&args.document) };
    let unread = |error: std::io::Error| Stop::Usage {
        what: format!("cannot read `{name}`: {error}"),
        help: "name a document in Markdown: `guard plan import PLAN.md`".into(),
    };
    let mut bytes = Vec::new();
    let most = plan::LARGEST as u64 + 1;
    let read = if stdin {
        std::io::stdin().lock().take(most).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(from.join(&args.document)).and_then(|file| file.take(most).read_to_end(&mut bytes))
    };
    read.map_err(unread)?;
    let imported = match plan::import(&name, &bytes) {
        Ok(imported) => imported,
        Err(faults) => {
            let text: String = faults.iter().map(|fault| format!("{}\n", printable(&fault.to_string()))).collect();
            let _gone = std::io::stderr().lock().write_all(text.as_bytes());
            return Ok(code(78));
        }
    };
    let paint = Paint::on(&std::io::stderr());
    let mut told = String::new();
    for note in &imported.notes {
        let _ = writeln!(told, "{}:{}: {}", printable(&name), note.line, printable(&note.message));
    }
    let phases = words::count(imported.phases, "phase", "phases");
    let gaps = words::count(imported.gaps, "place", "places");
    let notes = words::count(imported.notes.len(), "line", "lines");
    let head = paint.with(Tone::Question, "guard:");
    let _ = writeln!(told, "{head} {phases}; {gaps} marked FILL IN, {notes} to look at; then `guard plan check`");
    let exit = match &args.output {
        None => print(&imported.toml, 0),
        Some(path) => {
            let path = from.join(path);
            // What is there may be somebody's work.
            let file = std::fs::OpenOptions::new().write(true).create_new(true).open(&path);
            file.and_then(|mut file| file.write_all(imported.toml.as_bytes())).map_err(|error| Stop::Usage {
                what: format!("cannot write `{}`: {error}", gate::shown(&path)),
                help: "name a file that is not there yet".into(),
            })?;
            code(0)
        }
    };
    let _gone = std::io::stderr().lock().write_all(told.as_bytes());
    Ok(exit)
}

fn print(text: &str, exit: i32) -> ExitCode {
    let mut out = std::io::stdout().lock();
    text::written(out.write_all(text.as_bytes()).and_then(|()| out.flush()), code(exit))
}
