//! `guard status`: where everything stands.

use super::{iteration, mode, say, told};
use crate::door::cli::text::{Paint, Tone};
use crate::door::cli::{code, project, words};
use crate::event::Working;
use crate::event::line::{printable, safe_json, visible};
use crate::gate::{self, Standing, Stop, World};
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

/// Say where everything stands: halts, attempts, what waits for a person
///
/// Exit code 0, or 77 while everything is halted.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  guard status\n  guard status --json")]
pub(crate) struct Args {
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(world: World, from: &Path, args: Args) -> ExitCode {
    told(args.json, status(world, from, args.json))
}

fn status(world: World, from: &Path, as_json: bool) -> Result<ExitCode, Stop> {
    let (world, project) = project(world, from)?;
    let Standing { state, requests, budgets, most, unfinished } = gate::standing(&world, &project)?;
    let attempts = &state.attempts;
    let rows = [
        ("syntax", budgets.syntax),
        ("import", budgets.import),
        ("type", budgets.r#type),
        ("test", budgets.test),
        ("runtime", budgets.runtime),
        ("database", budgets.database),
    ];
    let halted = state.requests.halt.as_ref();
    let exit = if halted.is_some() { code(77) } else { ExitCode::SUCCESS };
    if as_json {
        let used = rows
            .iter()
            .map(|(word, budget)| ((*word).to_owned(), json!({ "used": attempts.used(word), "budget": budget })));
        let object = json!({
            "halted": halted.map(|halt| json!({ "name": halt.name, "cause": halt.cause.word(), "category": halt.category })),
            "attempts": used.collect::<serde_json::Map<_, _>>(),
            "total": { "used": attempts.total(), "budget": budgets.total },
            "denials": { "used": attempts.denials, "budget": budgets.denials },
            "phase": state.phases.open.as_deref().map(phase_object),
            "phases": state.phases.ended.iter().map(|(id, ending)| json!({ "phase": id, "complete": ending.complete })).collect::<Vec<_>>(),
            "iteration": state.iteration.open.as_deref().map(iteration::object),
            "requests": requests.iter().map(|(name, _)| name).collect::<Vec<_>>(),
            "mode": state.mode.now.map(crate::event::Mode::word),
            "runs": state.runs,
            "running": state.running.len(),
            "denied": state.denied,
            "asked": state.asked,
            "timed_out": state.timed_out,
            "lost": state.lost,
            "unfinished": unfinished.as_ref().map(ToString::to_string),
            "records": state.records,
        });
        say(&format!("{}\n", safe_json(&object.to_string())))?;
        return Ok(exit);
    }
    let paint = Paint::on(&std::io::stdout());
    let mut out = String::new();
    match halted {
        Some(halt) => {
            let title = gate::escalated(&project, &halt.name)?.title();
            let word = paint.with(Tone::Bad, "halted");
            let _ = writeln!(out, "{word} ({}): {}", halt.name, visible(&title));
            let _ =
                writeln!(out, "  a person decides how it goes on; `guard escalations {}` has the report", halt.name);
        }
        None => {
            let _ = writeln!(out, "{}", paint.with(Tone::Good, "open: nothing is halted"));
        }
    }
    if let Some(stop) = &unfinished {
        let word = paint.with(Tone::Bad, "unfinished");
        let _ = writeln!(out, "{word}: {}", printable(&stop.to_string()));
        let _ = writeln!(out, "  {}", stop.help().unwrap_or_default());
    }
    let _ = writeln!(out, "{}", mode::line(state.mode));
    if let Some(open) = &state.phases.open {
        let most = open.attempts.get("total").map_or(budgets.total, |own| budgets.total.min(*own));
        out += &phase_lines(open, most.saturating_sub(attempts.total()));
    }
    let spent: Vec<String> = rows
        .iter()
        .filter(|(word, _)| attempts.used(word) > 0)
        .map(|(word, budget)| format!("{word} {} of {budget}", attempts.used(word)))
        .collect();
    let spent = if spent.is_empty() { "none failed".to_owned() } else { spent.join(", ") };
    let _ = writeln!(out, "attempts: {spent}; {} of {} in all", attempts.total(), budgets.total);
    let _ = writeln!(out, "refused again: {} of {}", attempts.denials, budgets.denials);
    let names: Vec<String> = requests.iter().map(|(name, _)| name.clone()).collect();
    let waiting = if names.is_empty() { "none".to_owned() } else { words::listed(&names, "and") };
    let _ = writeln!(out, "requests: {waiting}");
    if let Some(round) = &state.iteration.open {
        let _ = writeln!(out, "{}", iteration::line(round, most));
    }
    let _ = writeln!(
        out,
        "commands: {} run, {} denied, {} asked, {} timed out, {} lost, {} running",
        state.runs,
        state.denied,
        state.asked,
        state.timed_out,
        state.lost,
        state.running.len()
    );
    let _ = writeln!(
        out,
        "log: {}",
        words::count(usize::try_from(state.records).unwrap_or(usize::MAX), "record", "records")
    );
    say(&out)?;
    Ok(exit)
}

/// The phase that is worked on, as an object.
fn phase_object(open: &Working) -> serde_json::Value {
    json!({
        "phase": open.phase,
        "description": open.description,
        "seq": open.seq,
        "attempt": open.attempt,
        "agent_runs": open.agent_runs,
        "files": open.files,
        "step": open.run.as_ref().map(|run| &run.step),
        "passed": open.passed.iter().map(|passed| &passed.step).collect::<Vec<_>>(),
        "last_error": open.red.as_ref().map(|red| json!({ "step": red.step, "category": red.category, "message": red.message })),
        "waits": open.asks,
    })
}

/// The same for a person; `left`: failed attempts that may still come.
fn phase_lines(open: &Working, left: u32) -> String {
    let mut out = String::new();
    let running = open.run.as_ref().map(|run| format!(", {} runs", visible(&run.step))).unwrap_or_default();
    let _ = writeln!(
        out,
        "phase {}: {}; attempt {} of {}{running}",
        visible(&open.phase),
        visible(&open.description),
        open.attempt,
        open.attempt.saturating_sub(1).saturating_add(left)
    );
    let files: Vec<String> = open.files.iter().map(|glob| visible(glob)).collect();
    let _ = writeln!(out, "  may touch: {}", files.join(", "));
    if let Some(red) = &open.red {
        let _ = writeln!(out, "  last error: {}: {}", visible(&red.step), visible(&red.message));
    }
    out
}
