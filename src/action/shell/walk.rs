//! The walk over a text: where it stands, what it has found, and when it has had enough.
//! Knows neither the order of execution nor what words come to: its neighbours do.

use super::command::{Command, Fault, FaultKind, Unproven, Word, Wrapper};
use super::parse::{Doc, Parsed, parse};
use super::scope::Scope;
use super::suspect;
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

/// How many commands are taken from one text.
const COMMANDS: usize = 2048;
/// How much is looked at in all: words of commands, and bytes of texts within the text.
const WORK: usize = 256 * 1024;
/// How deep texts within texts (`sh -c`, `eval`) and wrappers are followed.
pub(super) const LAYERS: usize = 24;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) commands: Vec<Command>,
    pub(super) suspects: Vec<Command>,
    pub(super) faults: Vec<Fault>,
    pub(super) unproven: Vec<Unproven>,
    pub(super) overlaps: Vec<Overlap>,
}

/// Commands of which each may run at the same time as each of the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Overlap {
    pub(super) some: Range<usize>,
    pub(super) others: Range<usize>,
}

/// How many overlaps are kept.
const OVERLAPS: usize = 1024;

/// The walk.
pub(super) struct Walk<'a> {
    pub(super) found: Found,
    pub(super) scope: Scope,
    pub(super) environment: &'a HashMap<String, String>,
    /// The wrappers around the text that is being walked.
    pub(super) wrappers: Vec<Wrapper>,
    /// The text that spans point into, and the span of whatever holds it, where that is not the text asked.
    pub(super) source: String,
    pub(super) fixed: Option<Range<usize>>,
    /// Whether what is found is only suspected.
    pub(super) suspecting: bool,
    pub(super) layers: usize,
    work: usize,
    pub(super) stopped: bool,
    pub(super) rounds: usize,
    /// Bodies of the here-documents of the tree that is being walked.
    pub(super) docs: Rc<Vec<Doc>>,
    /// Output of the command before this one in a pipeline, where it is certain.
    pub(super) piped: Option<String>,
    /// Names that arithmetic evaluates, and names that are set to anything but a number.
    pub(super) evaluated: Vec<(String, Range<usize>)>,
    pub(super) textual: Vec<String>,
    /// Names of the environment that functions rely on, and names that are set at all.
    pub(super) relied: Vec<(String, Range<usize>)>,
    pub(super) assigned: Vec<String>,
    pub(super) in_function: bool,
    /// Names that functions and traps set, so that their values hold nowhere.
    pub(super) volatile: Vec<String>,
    /// Functions of the text, for what they start.
    pub(super) bodies: super::bomb::Functions,
    /// Where the overlaps begin whose commands are still running.
    pub(super) running: usize,
    /// The folder before a `cd` whose success is not settled yet.
    pub(super) left: Option<Option<String>>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(environment: &'a HashMap<String, String>) -> Self {
        Walk {
            found: Found::default(),
            scope: Scope::new(),
            environment,
            wrappers: Vec::new(),
            source: String::new(),
            fixed: None,
            suspecting: false,
            layers: 0,
            work: 0,
            stopped: false,
            rounds: 0,
            docs: Rc::default(),
            piped: None,
            evaluated: Vec::new(),
            textual: Vec::new(),
            relied: Vec::new(),
            assigned: Vec::new(),
            in_function: false,
            volatile: Vec::new(),
            bodies: super::bomb::Functions::default(),
            running: 0,
            left: None,
        }
    }

    /// Walks a text of shell commands in the present scope. `span`: what holds the text, unless it is what was asked.
    pub(super) fn text(&mut self, text: &str, span: Option<Range<usize>>) {
        if self.layers >= LAYERS {
            self.fault(FaultKind::TooBig, format!("texts within texts deeper than {LAYERS} levels"), span);
            return;
        }
        if span.is_some() && !self.spend(text.len()) {
            return;
        }
        let fixed = span.or_else(|| self.fixed.clone());
        match parse(text) {
            Ok(parsed) => {
                let source = std::mem::replace(&mut self.source, text.to_owned());
                let before = std::mem::replace(&mut self.fixed, fixed);
                self.layers += 1;
                self.tree(parsed);
                self.layers -= 1;
                (self.source, self.fixed) = (source, before);
            }
            Err(halt) => {
                let message = format!("{}: {}", place(text, halt.at), halt.message);
                let end = text.len();
                let span = fixed.clone().unwrap_or(halt.at.min(end)..end);
                if halt.deep {
                    self.fault(FaultKind::TooBig, message, Some(span));
                } else if fixed.is_some() {
                    // It fails when it is run, unless its shell is not bash.
                    self.unproven(format!("inner text with an error at {message}"), &span);
                } else {
                    self.fault(FaultKind::Syntax, message, Some(span));
                }
                self.suspect_text(text, fixed.unwrap_or(0..end));
            }
        }
    }

    fn tree(&mut self, parsed: Parsed) {
        for (message, at) in parsed.doubts {
            self.unproven(message, &(at..at));
        }
        let docs = std::mem::replace(&mut self.docs, Rc::new(parsed.docs));
        self.list(&parsed.list);
        self.docs = docs;
    }

    /// Walks a tree that was parsed apart (backquotes); spans within it mean nothing outside.
    pub(super) fn apart(&mut self, parsed: &Parsed, span: &Range<usize>) {
        let place = self.place(span);
        let fixed = self.fixed.replace(place);
        let source = std::mem::take(&mut self.source);
        for (message, at) in &parsed.doubts {
            self.unproven(message.clone(), &(*at..*at));
        }
        // Its here-documents are its own; they cannot be moved out of the shared tree.
        let bodies: Vec<Doc> = parsed.docs.iter().map(Doc::copy).collect();
        let docs = std::mem::replace(&mut self.docs, Rc::new(bodies));
        self.list(&parsed.list);
        (self.docs, self.fixed, self.source) = (docs, fixed, source);
    }

    /// Hands on what a text may start that is not proved to be run, or does not parse.
    pub(super) fn suspect_text(&mut self, text: &str, span: Range<usize>) {
        let before = std::mem::replace(&mut self.suspecting, true);
        let scope = self.scope.clone();
        if !self.spend(text.len()) {
            return;
        }
        for words in suspect::commands(text) {
            let words = words.iter().map(|word| Word::known(word)).collect();
            self.run(Command { words, span: span.clone(), ..self.blank() }, super::simple::Lookup::Shell);
        }
        self.scope = scope;
        self.suspecting = before;
    }

    /// Hands on `words` as a command that may be run.
    pub(super) fn suspect_words(&mut self, words: &[Word], span: &Range<usize>) {
        if words.first().and_then(Word::literal).is_none() {
            return;
        }
        let before = std::mem::replace(&mut self.suspecting, true);
        let scope = self.scope.clone();
        let command = Command { words: words.to_vec(), span: span.clone(), ..self.blank() };
        self.run(command, super::simple::Lookup::Shell);
        self.scope = scope;
        self.suspecting = before;
    }

    /// A command that holds what is true of any command here.
    pub(super) fn blank(&self) -> Command {
        Command {
            stdin: self.scope.stdin.clone(),
            wrappers: self.wrappers.clone(),
            cwd: self.scope.cwd.clone(),
            assumes: self.scope.assumed.clone(),
            ..Command::default()
        }
    }

    pub(super) fn emit(&mut self, mut command: Command) {
        if self.found.commands.len() + self.found.suspects.len() >= COMMANDS {
            self.stop(format!("more than {COMMANDS} commands"), &command.span);
        }
        if self.stopped || !self.spend(command.words.len() + 8) {
            return;
        }
        command.span = self.place(&command.span);
        if self.suspecting {
            self.found.suspects.push(command);
        } else {
            self.found.commands.push(command);
        }
    }

    /// Takes `work` from what is left; false where nothing is, and then the whole is too big.
    pub(super) fn spend(&mut self, work: usize) -> bool {
        self.work = self.work.saturating_add(work);
        if self.work > WORK {
            self.stop("more work than guard spends on one command".to_owned(), &(0..self.source.len()));
        }
        !self.stopped
    }

    fn stop(&mut self, message: String, span: &Range<usize>) {
        if !self.stopped {
            self.stopped = true;
            let span = self.place(span);
            self.found.faults.push(Fault { kind: FaultKind::TooBig, message, span });
        }
    }

    pub(super) fn place(&self, span: &Range<usize>) -> Range<usize> {
        self.fixed.clone().unwrap_or_else(|| span.clone())
    }

    pub(super) fn unproven(&mut self, message: impl Into<String>, span: &Range<usize>) {
        if self.suspecting {
            return;
        }
        let unproven = Unproven { message: message.into(), span: self.place(span) };
        if self.found.unproven.len() < 64 && !self.found.unproven.contains(&unproven) {
            self.found.unproven.push(unproven);
        }
    }

    pub(super) fn fault(&mut self, kind: FaultKind, message: String, span: Option<Range<usize>>) {
        if self.suspecting {
            return;
        }
        let span = span.unwrap_or(0..self.source.len());
        let span = self.place(&span);
        self.found.faults.push(Fault { kind, message, span });
    }

    pub(super) fn text_at(&self, span: &Range<usize>) -> &str {
        self.source.get(span.clone()).unwrap_or("")
    }

    /// The commands that `walk` finds, by their numbers.
    pub(super) fn found_by(&mut self, walk: impl FnOnce(&mut Self)) -> Range<usize> {
        let start = self.found.commands.len();
        walk(self);
        start..self.found.commands.len()
    }

    /// Notes that commands run beside others.
    pub(super) fn overlap(&mut self, some: Range<usize>, others: Range<usize>) {
        if self.suspecting || some.is_empty() || others.is_empty() {
            return;
        }
        let full = self.found.overlaps.len() >= OVERLAPS;
        match self.found.overlaps.last_mut() {
            // Too many to tell apart: all beside all.
            Some(last) if full => {
                (last.some.start, last.others.start) = (0, 0);
                last.some.end = last.some.end.max(some.end);
                last.others.end = last.others.end.max(others.end);
            }
            Some(_) | None => self.found.overlaps.push(Overlap { some, others }),
        }
    }

    /// Notes that commands go on beside whatever follows.
    pub(super) fn background(&mut self, some: Range<usize>) {
        let end = some.end;
        self.overlap(some, end..usize::MAX);
    }

    /// What was started in the background has ended.
    pub(super) fn waited(&mut self) {
        let now = self.found.commands.len();
        for overlap in self.found.overlaps.iter_mut().skip(self.running) {
            overlap.others.end = overlap.others.end.min(now);
        }
        self.running = self.found.overlaps.len();
    }

    /// Adds what can only be said once everything was seen.
    pub(super) fn finish(mut self) -> Found {
        self.waited();
        for bomb in self.bodies.bombs() {
            self.fixed = Some(bomb.span.clone());
            let name = format!("the function `{}`", bomb.name);
            if bomb.endless {
                self.fault(FaultKind::Bomb, name, Some(bomb.span));
            } else {
                self.unproven(format!("{name}, which starts copies of itself"), &bomb.span);
            }
        }
        for (name, span) in std::mem::take(&mut self.evaluated) {
            if self.textual.contains(&name) {
                self.fixed = Some(span.clone());
                self.unproven(format!("arithmetic on `{name}`, whose text it would evaluate"), &span);
            }
        }
        for (name, span) in std::mem::take(&mut self.relied) {
            if self.assigned.contains(&name) {
                self.fixed = Some(span.clone());
                self.unproven(format!("`{name}` in a function, which is set elsewhere"), &span);
            }
        }
        let commands = &self.found.commands;
        if commands.len().saturating_mul(self.found.suspects.len()) < 64 * 1024 {
            self.found.suspects.retain(|suspect| {
                !commands.iter().any(|command| command.words == suspect.words && command.kind == suspect.kind)
            });
            self.found.suspects.dedup();
        }
        self.found
    }
}

/// `line 2, column 7`.
fn place(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |tail| tail.chars().count()) + 1;
    format!("line {line}, column {column}")
}
