//! What a build loop tells, as lines for a person or as objects for a program.
//! Knows no screen.

use crate::door::cli::words::count;
use crate::event::StepResult;
use crate::event::line::{safe_json, visible};
use crate::supervise::{Show, Told};
use std::fmt::Write as _;
use std::io::Write;
use std::time::Duration;

/// One JSON object a line.
pub(super) struct Objects;

impl Show for Objects {
    fn tell(&mut self, told: &Told) {
        let object = serde_json::to_string(told).unwrap_or_default();
        print(&format!("{}\n", safe_json(&object)));
    }
}

/// Plain lines.
pub(super) struct Lines;

impl Show for Lines {
    fn tell(&mut self, told: &Told) {
        print(&text(told));
    }
}

/// Whoever reads no more is not waited for: the loop goes on.
pub(super) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _unread = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// What is told, in lines.
pub(super) fn text(told: &Told) -> String {
    let mut out = String::new();
    let _infallible = match told {
        Told::Plan { plan, phases, complete } => {
            writeln!(out, "{}: {}, {} complete", visible(plan), count(phases.len(), "phase", "phases"), complete.len())
        }
        Told::Phase { phase, description, resumed } => {
            let what = if *resumed { "goes on" } else { "begins" };
            writeln!(out, "phase {phase} {what}: {}", visible(description))
        }
        Told::Step { step, attempt, budget, what, .. } => {
            writeln!(out, "  {step} (attempt {attempt} of {budget}): {}", visible(what))
        }
        Told::Stepped { step, result, duration_ms, message, attempts, .. } => {
            let time = time(Duration::from_millis(*duration_ms));
            let spent = attempts.map(|spent| {
                let (used, budget) = (spent.used, spent.budget);
                format!(" [{used}/{budget}, {}/{} in all]", spent.total_used, spent.total_budget)
            });
            let message = message.as_ref().map(|message| format!(": {}", visible(message))).unwrap_or_default();
            writeln!(out, "  {step} {} in {time}{message}{}", word(*result), spent.unwrap_or_default())
        }
        Told::Waiting { phase, requests } => {
            writeln!(out, "phase {phase} waits for a person: {}", requests.join(", "))
        }
        Told::Note { text } => writeln!(out, "  note: {}", visible(text)),
        Told::Complete { phase, description, files, more, tests } => {
            let tests = tests.map_or_else(|| "none was counted".to_owned(), |tests| tests.to_string());
            writeln!(
                out,
                "[PHASE_COMPLETE] Phase {phase}: {}\n- Files modified: {}\n- Tests passed: {tests}\n- Validation: PASS",
                visible(description),
                named(files, *more)
            )
        }
        Told::Failed { phase, description, category, attempts, last, halt } => {
            let attempts = attempts.map_or_else(
                || "none".to_owned(),
                |spent| {
                    if spent.used >= spent.budget {
                        format!("{}/{}", spent.used, spent.budget)
                    } else {
                        format!("{}/{} in all", spent.total_used, spent.total_budget)
                    }
                },
            );
            writeln!(
                out,
                "[PHASE_FAILED] Phase {phase}: {}\n- Error: {}\n- Attempts: {attempts}\n- Last error: {}\n- Awaiting human intervention ({halt})",
                visible(description),
                category.as_deref().unwrap_or("none"),
                last.as_ref().map_or_else(|| "none".to_owned(), |last| visible(last)),
            )
        }
    };
    out
}

pub(in crate::door::cli) fn word(result: StepResult) -> &'static str {
    match result {
        StepResult::Pass => "passed",
        StepResult::Fail => "failed",
        StepResult::Stuck => "is stuck",
        StepResult::Waits => "waits",
    }
}

fn named(files: &[String], more: u64) -> String {
    if files.is_empty() {
        return "none".to_owned();
    }
    let names: Vec<String> = files.iter().map(|file| visible(file)).collect();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", names.join(", "))
}

/// A duration to a tenth of a second, or in minutes.
pub(in crate::door::cli) fn time(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds >= 60 { format!("{}m{:02}s", seconds / 60, seconds % 60) } else { format!("{:.1}s", time.as_secs_f64()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Spent;

    #[test]
    fn the_ends_of_a_phase_are_the_owners_blocks() {
        let complete = Told::Complete {
            phase: "2.3".into(),
            description: "Position sizing".into(),
            files: vec!["a.py".into(), "b.py".into()],
            more: 1,
            tests: Some(12),
        };
        assert_eq!(
            text(&complete),
            "[PHASE_COMPLETE] Phase 2.3: Position sizing\n- Files modified: a.py, b.py and 1 more\n- Tests passed: 12\n\
             - Validation: PASS\n"
        );
        let failed = Told::Failed {
            phase: "2.3".into(),
            description: "Position sizing".into(),
            category: Some("test".into()),
            attempts: Some(Spent { used: 3, budget: 3, total_used: 3, total_budget: 3 }),
            last: Some("assert 2 == 3".into()),
            halt: "resume-4".into(),
        };
        assert_eq!(
            text(&failed),
            "[PHASE_FAILED] Phase 2.3: Position sizing\n- Error: test\n- Attempts: 3/3\n- Last error: assert 2 == 3\n\
             - Awaiting human intervention (resume-4)\n"
        );
    }
}
