//! The tree of a judgement for people: one line a command, what decided it below, the strictest marked.
//! Short for one simple command. Knows no JSON.

use super::{Part, Run, Said, View};
use crate::decide::{Judgement, Verdict};
use crate::door::cli::text::{Paint, Tone};
use crate::door::cli::words;
use crate::event::line::printable;
use std::fmt::Write as _;

/// Longest text of one part, in characters.
const SHOWN: usize = 160;
/// Commands beyond this many are shown only where something is not allowed.
const MOST: usize = 40;

/// Writes the tree, without the verdict's own line.
pub(in crate::door::cli) fn tree(view: &View, judgement: &Judgement, paint: Paint) -> String {
    let several = all(view).count() > 1;
    let strictest = match judgement.verdict() {
        Verdict::Allow => None,
        Verdict::Ask | Verdict::Deny => Some(judgement.verdict().word()).filter(|_| several),
    };
    let crowded = view.runs() > MOST;
    let mut page = Page { paint, strictest, crowded, left_out: 0, out: String::new() };
    match view.parts.as_slice() {
        [part] if is_simple(part) => page.facts(part, 1, judgement.verdict() != Verdict::Allow),
        parts => parts.iter().for_each(|part| page.part(part, 1)),
    }
    if !view.whole.is_empty() && view.parts.len() + page.out.len() > 0 {
        page.line(1, "as a whole, or in what it may start", Tone::Faint);
        view.whole.iter().for_each(|said| page.said(said, 2));
    } else {
        view.whole.iter().for_each(|said| page.said(said, 1));
    }
    if page.left_out > 0 {
        let text = format!("{} allowed commands are left out here; `--json` has them all", page.left_out);
        page.line(1, &text, Tone::Faint);
    }
    page.out
}

/// What an allowed action gets, with its program where it is one simple command.
pub(in crate::door::cli) fn grant(view: &View, judgement: &Judgement) -> String {
    let program = match view.parts.as_slice() {
        [part] if is_simple(part) => part.runs.first().and_then(|run| run.program.as_ref()),
        _ => None,
    };
    let path = program.map(|program| printable(&program.real));
    words::granted(judgement.grant(), path.as_deref())
}

fn is_simple(part: &Part) -> bool {
    part.kind == "command" && part.parts.is_empty() && part.runs.len() == 1 && !part.background && !part.negated
}

/// Everything that was said.
fn all(view: &View) -> impl Iterator<Item = &Said> {
    fn of(part: &Part) -> Vec<&Said> {
        let own = part.rules.iter().chain(part.runs.iter().flat_map(|run| &run.rules));
        own.chain(part.parts.iter().flat_map(of)).collect()
    }
    view.whole.iter().chain(view.parts.iter().flat_map(of))
}

struct Page {
    paint: Paint,
    /// What is marked.
    strictest: Option<&'static str>,
    crowded: bool,
    left_out: usize,
    out: String,
}

impl Page {
    fn line(&mut self, depth: usize, text: &str, tone: Tone) {
        let _ = writeln!(self.out, "{}{}", "  ".repeat(depth), self.paint.with(tone, text));
    }

    fn part(&mut self, part: &Part, depth: usize) {
        if self.crowded && part.verdict.is_none_or(|verdict| verdict == "allow") {
            fn runs(part: &Part) -> usize {
                part.runs.len() + part.parts.iter().map(runs).sum::<usize>()
            }
            self.left_out += runs(part);
            return;
        }
        let mut head = String::new();
        if let Some(join) = part.join {
            head.push_str(join);
            head.push(' ');
        }
        if part.negated {
            head.push_str("! ");
        }
        match part.kind {
            "command" | "line" => head.push_str(&short(&part.text)),
            "pipeline" | "chain" | "group" | "subshell" | "substitution" if !part.parts.is_empty() => {
                head.push_str(part.kind);
            }
            kind => {
                let _ = write!(head, "{kind}: {}", short(&part.text));
            }
        }
        if part.background {
            head.push_str(" &");
        }
        let path = match part.runs.as_slice() {
            [run] => run.program.as_ref().map(|program| format!("  ({})", printable(&program.real))),
            _ => None,
        };
        let path = path.map(|path| self.paint.with(Tone::Faint, &path)).unwrap_or_default();
        let _ = writeln!(self.out, "{}{head}{path}", "  ".repeat(depth));
        self.facts(part, depth + 1, false);
        part.parts.iter().for_each(|inner| self.part(inner, depth + 1));
    }

    /// What is known of a part, and what was said of it; `whole`: its program's place as well.
    fn facts(&mut self, part: &Part, depth: usize, whole: bool) {
        for doubt in part.unproven.iter().filter(|doubt| !doubt.text.is_empty() && doubt.text != part.text) {
            self.line(depth, &format!("not proved at `{}`", short(&doubt.text)), Tone::Faint);
        }
        part.rules.iter().for_each(|said| self.said(said, depth));
        let single = part.runs.len() == 1;
        // Rounds of a loop are said once, however many there are.
        for group in part.runs.chunk_by(|run, next| run.rules == next.rules) {
            for run in group {
                let known = about(run, single, whole);
                if !known.is_empty() {
                    self.line(depth, &known, Tone::Faint);
                }
            }
            let depth = if single { depth } else { depth + 1 };
            let rules = group.first().map(|run| run.rules.as_slice()).unwrap_or_default();
            rules.iter().for_each(|said| self.said(said, depth));
        }
    }

    fn said(&mut self, said: &Said, depth: usize) {
        let paint = self.paint;
        let marked = said.answered_by.is_none() && self.strictest == Some(said.verdict);
        let margin = if marked { format!(">{}", " ".repeat(depth * 2 - 1)) } else { "  ".repeat(depth) };
        let answered = said.answered_by.as_ref().map(|rule| format!(", answered by `{rule}`")).unwrap_or_default();
        let at = paint.with(Tone::Faint, &format!("({})", said.at));
        let reason = printable(&said.reason);
        let _ = writeln!(self.out, "{margin}{} {}: {reason}{answered} {at}", paint.word(said.verdict), said.id);
        if let Some(instead) = said.instead.as_ref().filter(|_| said.answered_by.is_none()) {
            let _ = writeln!(self.out, "{}instead: {}", "  ".repeat(depth + 1), printable(instead));
        }
    }
}

/// What is known of a command beside its text, as one line; empty where there is nothing to say.
fn about(run: &Run, single: bool, whole: bool) -> String {
    let mut known = Vec::new();
    if !single {
        let words: Vec<&str> = run.words.iter().map(|word| word.as_deref().unwrap_or("…")).collect();
        let path = run.program.as_ref().map(|program| format!(" ({})", printable(&program.real))).unwrap_or_default();
        known.push(match words.as_slice() {
            [] => "a redirection or assignment".to_owned(),
            words => format!("{}{path}", short(&words.join(" "))),
        });
    } else if let Some(program) = run.program.as_ref().filter(|_| whole) {
        known.push(format!("runs {}", printable(&program.real)));
    }
    if let Some(program) = run.program.as_ref().filter(|program| program.path != program.real) {
        known.push(format!("found as {}", printable(&program.path)));
    }
    let backticked = |items: &[String]| {
        let items: Vec<String> = items.iter().map(|item| short(item)).collect();
        words::listed(&words::quoted(&items), "and")
    };
    for (what, items) in
        [("started by", &run.started_by), ("sets", &run.sets), ("reads", &run.reads), ("writes to", &run.writes)]
    {
        if !items.is_empty() {
            known.push(format!("{what} {}", backticked(items)));
        }
    }
    match run.folder.as_deref() {
        Some("") => {}
        Some(folder) => known.push(format!("in the folder `{}`", short(folder))),
        None => known.push("in a folder that only the run will tell".to_owned()),
    }
    if run.open_ended {
        known.push("with words that only the run will add".to_owned());
    }
    known.join("; ")
}

fn short(text: &str) -> String {
    let text = printable(text);
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
