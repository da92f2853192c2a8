//! `guard policy test`: the cases a project keeps, tried against its policy.
//! Prints like a test runner; what passes is `decide`'s.

use super::say;
use crate::action::Action;
use crate::action::shell::Asked;
use crate::decide::policy::{Fault, Policy};
use crate::decide::{Case, Judgement, Layer, Source, Verdict, read_cases};
use crate::door::cli::judged::{Said, said};
use crate::door::cli::text::{Paint, Tone};
use crate::door::cli::{code, words};
use crate::event::line::{printable, safe_json};
use crate::gate::{self, Layers, Present, Request, Stop, World, examine, present};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Where a project keeps its cases.
const FILE: &str = "guard-tests.toml";

/// Try the project's own cases against its policy
///
/// Each `[[case]]` of `guard-tests.toml` has `command = "a line"` or `argv = ["program", "argument"]`, and
/// `expect = "allow"`, `"ask"` or `"deny"`; it may name the `rule` that must be among those that decide, a `name`, and
/// the `task`. The project's text and what it extends are taken as they stand, and judged in a made-up world, the same
/// on every machine: every program is installed in `/usr/bin`, the project is `/project`, the home `/home/user`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard policy test
  guard policy test --here tests/deployment.toml

Exit code 0: all pass; 1: some do not; 78: the cases or the policy cannot be read.")]
pub(crate) struct Test {
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
    /// Judge in the world as it is here: this machine's programs and links, the machine's and the person's layer
    #[arg(long)]
    here: bool,
    /// The file of cases, instead of the project's guard-tests.toml
    file: Option<PathBuf>,
}

struct Tried {
    case: Case,
    judgement: Judgement,
    failure: Option<Fault>,
    at: String,
}

pub(super) fn run(world: &World, from: &Path, args: Test) -> Result<ExitCode, Stop> {
    let present = present(world, from, if args.here { Layers::All } else { Layers::Project })?;
    let path = args.file.as_ref().map_or_else(|| present.root.join(FILE), |file| from.join(file));
    let text = gate::policy_text(&path).map_err(|stop| {
        if let Stop::PolicyUnreadable { path, cause } = stop { Stop::CasesUnreadable { path, cause } } else { stop }
    })?;
    let name = args.file.unwrap_or_else(|| FILE.into());
    let source = Source { layer: Layer::Project, name: gate::shown(&name), text };
    let cases = read_cases(&source).map_err(|faults| Stop::CasesInvalid { faults })?;
    let tried: Vec<Tried> = cases
        .into_iter()
        .map(|case| {
            let judgement = if args.here { judged_here(world, &present, &case) } else { case.judged(&present.policy) };
            let failure = case.failure(&judgement, &present.policy, &source);
            Tried { at: case.at(&source), case, judgement, failure }
        })
        .collect();
    let failed = tried.iter().filter(|tried| tried.failure.is_some()).count();
    if args.json {
        say(&object(&source, &tried, failed))?;
    } else {
        say(&page(&source, &tried, failed, args.here, Paint::on(&std::io::stdout())))?;
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { code(1) })
}

fn judged_here(world: &World, present: &Present, case: &Case) -> Judgement {
    let request = Request {
        asked: case.asked.clone(),
        timeout: None,
        task: case.task.clone(),
        reason: None,
        waiting: None,
        dry_run: false,
        step: None,
    };
    let world = World { cwd: present.root.clone(), ..world.clone() };
    let policy: &Policy = &present.policy;
    examine(&world, &present.root, request, policy).judgement
}

/// What decided: the strictest that no other rule answers.
fn deciding(judgement: &Judgement) -> Vec<Said> {
    let decides = |said: &Said| said.verdict == judgement.verdict().word() && said.answered_by.is_none();
    judgement.matches().iter().map(said).filter(decides).collect()
}

fn page(source: &Source, tried: &[Tried], failed: usize, here: bool, paint: Paint) -> String {
    let mut out = String::new();
    for tried in tried {
        let Some(fault) = &tried.failure else { continue };
        let name = tried.case.name.as_ref().map(|name| format!(" {}", printable(name))).unwrap_or_default();
        let _ = writeln!(out, "{}{name}", paint.with(Tone::Bad, "failed"));
        let _ = writeln!(out, "{}", printable_lines(&fault.to_string()));
        for said in deciding(&tried.judgement) {
            let at = paint.with(Tone::Faint, &format!("({})", said.at));
            let _ = writeln!(out, "  {} {}: {} {at}", paint.word(said.verdict), said.id, printable(&said.reason));
        }
        let _ = writeln!(out, "  {}\n", paint.with(Tone::Faint, &advice(&tried.case)));
    }
    let world = if here { "in the world as it is here" } else { "in the made-up world" };
    let passed = words::count(tried.len() - failed, "case passes", "cases pass");
    let _ = match failed {
        0 => writeln!(out, "{}: {passed} {world}", source.name),
        _ => writeln!(out, "{}: {passed}, {} {world}", source.name, words::count(failed, "fails", "fail")),
    };
    out
}

/// What a person would look at next.
fn advice(case: &Case) -> String {
    let command = match &case.asked {
        Asked::Line(line) => format!("-c '{}'", line.to_string_lossy().replace('\'', "'\\''")),
        Asked::Argv(words) => {
            words.iter().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
        }
    };
    format!("see why: guard policy explain {}", printable(&command))
}

/// Each line made visible; the newlines between them are the layout's.
fn printable_lines(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}

fn object(source: &Source, tried: &[Tried], failed: usize) -> String {
    let cases: Vec<Value> = tried
        .iter()
        .map(|tried| {
            let Action::Shell(shell) = tried.judgement.action();
            let verdict: Verdict = tried.judgement.verdict();
            let failure = tried.failure.as_ref();
            json!({
                "name": tried.case.name, "command": shell.text(), "at": tried.at, "passed": failure.is_none(),
                "expect": tried.case.expect.word(), "verdict": verdict.word(), "rule": tried.case.rule,
                "rules": deciding(&tried.judgement), "failure": failure.map(|fault| fault.message.clone()),
                "line": failure.map(|fault| fault.line), "column": failure.map(|fault| fault.column),
            })
        })
        .collect();
    let object = json!({ "file": source.name, "passed": tried.len() - failed, "failed": failed, "cases": cases });
    format!("{}\n", safe_json(&object.to_string()))
}
