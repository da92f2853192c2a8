//! What a person reads: refusals, judgements and errors, coloured only on a terminal.
//! Knows no JSON.

use super::{changes, code, json, judged};
use crate::action::Action;
use crate::decide::{Judgement, Match, Verdict};
use crate::event::Ended;
use crate::event::line::{printable, visible};
use crate::execute::Level;
use crate::failfast::Finding;
use crate::gate::{self, Answer, Examined, Stop};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

/// Longest command shown in a message, in characters.
const SHOWN: usize = 200;

#[derive(Debug, Clone, Copy)]
pub(super) enum Tone {
    Good,
    Question,
    Bad,
    Faint,
}

/// Colours, or not: decided once for the stream that is written to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paint(bool);

impl Paint {
    /// For that stream.
    pub(super) fn on(stream: &impl IsTerminal) -> Self {
        Self(stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()))
    }

    /// The text in a tone.
    pub(super) fn with(self, tone: Tone, text: &str) -> String {
        let number = match tone {
            Tone::Good => "32",
            Tone::Question => "33",
            Tone::Bad => "1;31",
            Tone::Faint => "2",
        };
        if self.0 { format!("\x1b[{number}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// A verdict in its own colour.
    pub(super) fn verdict(self, verdict: Verdict) -> String {
        let tone = match verdict {
            Verdict::Allow => Tone::Good,
            Verdict::Ask => Tone::Question,
            Verdict::Deny => Tone::Bad,
        };
        self.with(tone, verdict.word())
    }

    /// A verdict's word in its own colour.
    pub(super) fn word(self, word: &str) -> String {
        let known = [Verdict::Allow, Verdict::Ask, Verdict::Deny].into_iter().find(|verdict| verdict.word() == word);
        known.map_or_else(|| word.to_owned(), |verdict| self.verdict(verdict))
    }
}

/// What `exec` has to say besides the command's own output: nothing, if all went as asked.
pub(super) fn print(answer: &Answer) {
    let paint = Paint::on(&std::io::stderr());
    let mut text = changes::left_alone(&answer.left_alone, paint);
    if let Some(stop) = &answer.stop {
        text += &stop_text(stop, paint);
        text += &answer.changes.as_ref().map(|changes| changes::lost(changes, paint)).unwrap_or_default();
    } else if let Some(outcome) = &answer.outcome {
        let what = match outcome.fence.level {
            Level::Full | Level::Partial | Level::Landlock => "the fence is not whole",
            Level::None => "ran outside the fence",
        };
        for missing in &outcome.fence.missing {
            let _ = writeln!(text, "guard: {}: {}", paint.with(Tone::Question, what), printable(missing));
        }
        for refused in &outcome.traffic.refused {
            let what = format!("{} {}: {}", refused.call, printable(&refused.address), refused.why);
            let times = if refused.times > 1 { format!(" ({} times)", refused.times) } else { String::new() };
            let _ = writeln!(text, "guard: {}: {what}{times}", paint.with(Tone::Bad, "network refused"));
        }
        if outcome.traffic.refused_more > 0 {
            let more = outcome.traffic.refused_more;
            let _ = writeln!(text, "guard: {}: {more} more", paint.with(Tone::Bad, "network refused"));
        }
        match outcome.ended {
            Ended::TimedOut => {
                let seconds = outcome.duration.as_secs_f64();
                let _ = writeln!(
                    text,
                    "guard: {}: ended after {seconds:.1} s with everything it had started",
                    paint.with(Tone::Bad, "timed out")
                );
            }
            Ended::Limit => {
                let limit = outcome.limit.as_deref().unwrap_or("a limit");
                let _ = writeln!(text, "guard: {}: {limit}", paint.with(Tone::Bad, "stopped at a limit"));
            }
            Ended::Exited | Ended::Signalled | Ended::Cancelled => {}
        }
        match &answer.finding {
            Some(Finding::Failed(failed)) => {
                let category = failed.category.word();
                let head = paint.with(Tone::Bad, &format!("{category} failure"));
                let _ = writeln!(text, "guard: {head}: {}", visible(&failed.message));
            }
            Some(Finding::Unproved(_)) => {
                let _ = writeln!(text, "guard: {}", paint.with(Tone::Question, "this proves nothing"));
            }
            Some(Finding::Green(_)) | None => {}
        }
        if let Some(changes) = &answer.changes {
            text += &changes::withheld(changes, paint);
        }
        text += &hint(answer, paint);
    } else if let Some(judgement) = &answer.judgement {
        let what = match judgement.verdict() {
            Verdict::Deny => paint.with(Tone::Bad, "refused by policy"),
            Verdict::Ask | Verdict::Allow => paint.with(Tone::Question, "not run: a person has to allow this"),
        };
        let what = match &answer.request {
            Some(name) => format!("{what} ({name})"),
            None => what,
        };
        let _ = writeln!(text, "guard: {what}: `{}`", command(judgement));
        text += &deciding(judgement, paint);
        text += &hint(answer, paint);
    }
    if let Some(name) = &answer.halted {
        let _ = writeln!(text, "guard: {} ({name})", paint.with(Tone::Bad, "halted: a person is needed"));
    }
    let _gone = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Prints why a person was not told who should have been: also beside `--json`, whose object is about the command.
pub(super) fn untold(untold: Option<&Stop>) {
    if let Some(stop) = untold {
        let paint = Paint::on(&std::io::stderr());
        let not = paint.with(Tone::Question, "a person was not told");
        let text = format!("guard: {not}: {}", said(stop, paint));
        let _gone = std::io::stderr().lock().write_all(text.as_bytes());
    }
}

/// What to do next, unless a rule has just said so.
fn hint(answer: &Answer, paint: Paint) -> String {
    let said = |hint: &String| {
        answer.judgement.iter().flat_map(Judgement::matches).any(|found| found.instead.as_ref() == Some(hint))
    };
    let hint = gate::hint(answer).filter(|hint| !said(hint));
    hint.map(|hint| format!("  {} {}\n", paint.with(Tone::Good, "hint:"), printable(&hint))).unwrap_or_default()
}

/// What `check` prints: the verdict, the parts of what was asked, what decided each, and what it would get.
///
/// # Errors
/// Those of standard output.
pub(super) fn print_examined(examined: &Examined) -> std::io::Result<()> {
    let paint = Paint::on(&std::io::stdout());
    let judgement = &examined.judgement;
    let view = judged::view(judgement, &examined.facts);
    let mut text = format!("{}: `{}`\n", paint.verdict(judgement.verdict()), command(judgement));
    text += &judged::text::tree(&view, judgement, paint);
    if judgement.verdict() == Verdict::Allow {
        let line = format!("  {}\n", judged::text::grant(&view, judgement));
        text += &paint.with(Tone::Faint, &line);
    }
    std::io::stdout().lock().write_all(text.as_bytes())
}

/// Prints why guard stopped, and gives its exit code.
pub(super) fn stop(stop: &Stop) -> ExitCode {
    let text = stop_text(stop, Paint::on(&std::io::stderr()));
    let _gone = std::io::stderr().lock().write_all(text.as_bytes());
    code(stop.exit_code())
}

/// The same as the one object of `--json`.
pub(super) fn stop_json(stop: Stop) -> ExitCode {
    let answer = Answer { stop: Some(stop), ..Answer::default() };
    written(json::print(&answer), code(answer.exit_code()))
}

/// The exit code of a call whose answer is written, or could not be. A reader that went away is told nothing, and the code is
/// that of any program in a pipeline (141, as of SIGPIPE); a full disk is an error, since nobody got the answer.
pub(super) fn written(result: std::io::Result<()>, code: ExitCode) -> ExitCode {
    match result {
        Ok(()) => code,
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::from(141),
        Err(error) => failure("cannot write to standard output", &error.to_string()),
    }
}

/// As [`written`], where a command has run: its own exit code is told, since guard's is another.
pub(super) fn unwritten(error: &std::io::Error, answer: &Answer) -> ExitCode {
    let ended = match &answer.outcome {
        Some(outcome) => format!("{error}: the command itself ended with exit code {}", outcome.exit_code),
        None => error.to_string(),
    };
    failure("cannot write to standard output or error", &ended)
}

/// Prints a failure of a subcommand that has no room of its own; 125.
pub(super) fn failure(what: &str, cause: &str) -> ExitCode {
    stop(&Stop::System { what: what.to_owned(), cause: cause.to_owned() })
}

/// A call that could not be understood: clap's message, and 125, since 2 could be a command's own code.
pub(super) fn usage(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    if !error.use_stderr() {
        return written(error.print(), ExitCode::SUCCESS);
    }
    let own = arguments.iter().skip(1).take_while(|argument| *argument != "--");
    if own.clone().any(|argument| argument == "--json") {
        json::print_usage(&error.to_string(), own);
    } else {
        let _gone = error.print();
    }
    code(125)
}

pub(super) fn stop_text(stop: &Stop, paint: Paint) -> String {
    format!("guard: {}", said(stop, paint))
}

fn said(stop: &Stop, paint: Paint) -> String {
    // It quotes names and contents that somebody else chose.
    let mut text = printable(&format!("{stop}\n"));
    if let Some(help) = stop.help() {
        let _ = writeln!(text, "  {} {help}", paint.with(Tone::Good, "help:"));
    }
    text
}

/// What was judged, cut where it is long.
pub(super) fn command(judgement: &Judgement) -> String {
    let Action::Shell(shell) = judgement.action();
    let text = printable(shell.text());
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// The rules that decided: those with the strictest verdict.
fn deciding(judgement: &Judgement, paint: Paint) -> String {
    rules(judgement.matches().iter().filter(|found| found.verdict == judgement.verdict()), paint)
}

/// Each rule once, however many of the commands it matched for the same reason.
pub(super) fn rules<'a>(matches: impl Iterator<Item = &'a Match>, paint: Paint) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in matches.map(|found| rule(found, paint)) {
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines.concat()
}

fn rule(found: &Match, paint: Paint) -> String {
    let at = paint.with(Tone::Faint, &format!("({})", found.at));
    let mut text = format!("  {} {}: {} {at}\n", paint.verdict(found.verdict), found.id, printable(&found.reason));
    if let Some(instead) = &found.instead {
        let _ = writeln!(text, "    instead: {}", printable(instead));
    }
    text
}
