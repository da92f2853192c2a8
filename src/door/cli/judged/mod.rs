//! A judgement as a tree: each part of what was asked, what it would run, and which rules spoke of it.
//! The one view that `check` and `policy explain` show, as text and as JSON; decides nothing.

mod build;
pub(super) mod text;

pub(super) use build::{said, view};

use crate::action::shell::quoted;
use serde::Serialize;

/// A judged action.
#[derive(Debug, Serialize)]
pub(super) struct View {
    /// The parts of what was asked, in order.
    pub(super) parts: Vec<Part>,
    /// What was said of the action as a whole, or of commands that it only may start.
    pub(super) whole: Vec<Said>,
}

/// A part of an action: a command, a pipeline, a group, …
#[derive(Debug, Serialize)]
pub(super) struct Part {
    pub(super) kind: &'static str,
    /// `&&`, `||` or `|`, where that stands before it.
    pub(super) join: Option<&'static str>,
    pub(super) negated: bool,
    pub(super) background: bool,
    pub(super) text: String,
    /// Where it begins and ends, in bytes.
    pub(super) span: (usize, usize),
    /// The strictest of what was said of it and of its parts; answered asks left out.
    pub(super) verdict: Option<&'static str>,
    /// What only the run will tell, and where that stands.
    pub(super) unproven: Vec<Doubt>,
    pub(super) rules: Vec<Said>,
    /// The commands it would run: none, one, or several behind a wrapper or in a loop.
    pub(super) runs: Vec<Run>,
    pub(super) parts: Vec<Part>,
}

/// Something that is not proved.
#[derive(Debug, Serialize)]
pub(super) struct Doubt {
    pub(super) what: String,
    pub(super) text: String,
}

/// One command that would be run.
#[derive(Debug, Serialize)]
pub(super) struct Run {
    /// `program`, `builtin`, `function` or `none` (assignments or redirections only).
    pub(super) kind: &'static str,
    /// Its words as the shell would hand them on; `null`: only the run will tell.
    pub(super) words: Vec<Option<String>>,
    pub(super) program: Option<Program>,
    /// Wrappers around it, outermost first.
    pub(super) started_by: Vec<String>,
    /// Names of variables it sets.
    pub(super) sets: Vec<String>,
    pub(super) reads: Vec<String>,
    pub(super) writes: Vec<String>,
    /// `inherited`, `pipe`, `file` or `text`.
    pub(super) stdin: &'static str,
    /// The folder it starts in, from where the action does; `null`: only the run will tell.
    pub(super) folder: Option<String>,
    /// Whether words are added that only the run will tell.
    pub(super) open_ended: bool,
    pub(super) verdict: Option<&'static str>,
    pub(super) rules: Vec<Said>,
}

/// What a program word was found to be.
#[derive(Debug, Serialize)]
pub(super) struct Program {
    /// As `PATH` or the word gave it.
    pub(super) path: String,
    /// The file behind all links.
    pub(super) real: String,
    /// Whether a fenced command could have put it there.
    pub(super) writable: bool,
}

/// A rule that matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Said {
    pub(super) id: String,
    pub(super) verdict: &'static str,
    pub(super) reason: String,
    pub(super) instead: Option<String>,
    pub(super) at: String,
    /// The rule that answers this ask with an allow.
    pub(super) answered_by: Option<String>,
}

/// The verdict's rank, for the strictest of some.
fn rank(verdict: &str) -> u8 {
    match verdict {
        "allow" => 0,
        "ask" => 1,
        _ => 2,
    }
}

fn strictest(verdicts: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    verdicts.max_by_key(|verdict| rank(verdict))
}

impl Said {
    /// Its verdict, unless another rule answers it.
    fn standing(&self) -> Option<&'static str> {
        self.answered_by.is_none().then_some(self.verdict)
    }
}

impl View {
    /// Passes every text of a command through `clean`.
    pub(super) fn cleaned(mut self, clean: &dyn Fn(&str) -> String) -> View {
        self.parts.iter_mut().for_each(|part| part.clean(clean));
        self.whole.iter_mut().for_each(|said| said.clean(clean));
        self
    }

    /// All commands it would run.
    pub(super) fn runs(&self) -> usize {
        fn count(part: &Part) -> usize {
            part.runs.len() + part.parts.iter().map(count).sum::<usize>()
        }
        self.parts.iter().map(count).sum()
    }
}

impl Part {
    fn clean(&mut self, clean: &dyn Fn(&str) -> String) {
        self.text = clean(&self.text);
        for doubt in &mut self.unproven {
            (doubt.what, doubt.text) = (clean(&doubt.what), clean(&doubt.text));
        }
        self.rules.iter_mut().for_each(|said| said.clean(clean));
        self.parts.iter_mut().for_each(|part| part.clean(clean));
        for run in &mut self.runs {
            // Together, since it is the word before that tells of a secret (`--password X`).
            let line = run.words.iter().flatten().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
            let cleaned = clean(&line);
            for word in run.words.iter_mut().flatten().filter(|word| !cleaned.contains(&*quoted(word))) {
                let alone = clean(word);
                *word = if alone == *word { "‹redacted›".to_owned() } else { alone };
            }
            let texts = run.reads.iter_mut().chain(&mut run.writes).chain(&mut run.folder);
            texts.for_each(|text| *text = clean(text));
            run.rules.iter_mut().for_each(|said| said.clean(clean));
        }
    }
}

impl Said {
    fn clean(&mut self, clean: &dyn Fn(&str) -> String) {
        self.reason = clean(&self.reason);
    }
}
