//! Simple commands: assignments, redirections and words put together, then looked through.
//! Knows how a shell finds what a first word means.

use super::command::{Access, Assign, Command, Kind, Redirect, Stdin, Word};
use super::parameter::is_name;
use super::parse::{Operator, Redirection, Simple, Source};
use super::walk::Walk;
use super::{builtin, unwrap};
use std::ops::Range;

/// Where a first word is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lookup {
    /// Functions, builtins, files.
    Shell,
    /// Builtins and files (`command`).
    NoFunctions,
    /// Builtins only (`builtin`).
    Builtins,
    /// Files only (`env`).
    Files,
}

/// Variables that change what a shell or the loader does with everything after them.
const DANGEROUS: &[&str] = &[
    "BASHOPTS",
    "BASH_ALIASES",
    "BASH_CMDS",
    "BASH_ENV",
    "BASH_LOADABLES_PATH",
    "CDPATH",
    "ENV",
    "EXECIGNORE",
    "FPATH",
    "LD_AUDIT",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "PATH",
    "POSIXLY_CORRECT",
    "SHELLOPTS",
    "ZDOTDIR",
];

impl Walk<'_> {
    pub(super) fn simple(&mut self, simple: &Simple) {
        let piped = self.piped.take();
        let only_assigns = simple.words.is_empty();
        let mut assigns = self.assignments(&simple.assigns, only_assigns);
        assigns.extend(self.assignments(&simple.arrays, true));
        let mut words: Vec<Word> = Vec::new();
        let declaring = simple
            .words
            .first()
            .and_then(super::expand::written)
            .is_some_and(|name| matches!(name, "declare" | "typeset" | "local" | "readonly" | "export"));
        for (index, text) in simple.words.iter().enumerate() {
            // Nothing is split behind `export NAME=`.
            let assigned = declaring
                && index > 0
                && matches!(text.pieces.first(), Some(super::parse::Piece::Bare(bare))
                    if bare.split_once('=').is_some_and(|(name, _)| is_name(name.trim_end_matches('+'))));
            if assigned {
                words.push(self.scalar(text));
            } else {
                words.extend(self.expand(text));
            }
        }
        let (redirects, stdin, set) = self.redirects(&simple.redirects);
        assigns.extend(set);
        let mut command = Command { words, assigns, redirects, span: simple.span.clone(), ..self.blank() };
        if let Some(stdin) = stdin {
            command.stdin = stdin;
        }
        if command.stdin != Stdin::Pipe {
            self.piped = None;
        } else {
            self.piped = piped;
        }
        self.run(command, Lookup::Shell);
    }

    /// Finds out what a command means and hands it on: itself, or what it wraps.
    pub(super) fn run(&mut self, mut command: Command, lookup: Lookup) {
        if !self.spend(command.words.len()) {
            return;
        }
        let Some(first) = command.words.first() else {
            command.kind = Kind::None;
            if !command.assigns.is_empty() || !command.redirects.is_empty() {
                self.emit(command);
            }
            return;
        };
        let Some(name) = first.literal().map(str::to_owned) else {
            let shown = first.text.clone();
            let span = command.span.clone();
            self.unproven(format!("the program `{shown}`, which only the run will tell"), &span);
            // If it comes to nothing, the next word is the program.
            let rest = command.words.get(1..).unwrap_or(&[]).to_vec();
            self.emit(command);
            self.scope.forget();
            self.suspect_words(&rest, &span);
            return;
        };
        let function = self.scope.functions.iter().find(|function| *function.name == *name);
        if let (Some(function), Lookup::Shell) = (function, lookup) {
            let (sure, moves) = (function.sure, function.moves);
            let span = command.span.clone();
            let args = command.args().to_vec();
            if moves {
                self.scope.cwd = None;
            }
            if sure {
                self.emit(Command { kind: Kind::Function, ..command });
                return self.suspect_words(&args, &span);
            }
            self.emit(Command { kind: Kind::Function, ..command.clone() });
            self.suspect_words(&args, &span);
        }
        let shells = matches!(lookup, Lookup::Shell | Lookup::NoFunctions | Lookup::Builtins);
        if shells && !name.contains('/') && builtin::is_builtin(&name) {
            command.kind = Kind::Builtin;
            self.builtin(&name, command);
            return;
        }
        command.kind = Kind::External;
        if lookup == Lookup::Builtins {
            let span = command.span.clone();
            self.unproven(format!("`builtin {name}`, which is no builtin"), &span);
        }
        unwrap::external(self, command);
    }

    /// Redirections, what they make standard input, and the variables that `{name}>` sets.
    pub(super) fn redirects(&mut self, list: &[Redirection]) -> (Vec<Redirect>, Option<Stdin>, Vec<Assign>) {
        let mut redirects = Vec::new();
        let mut stdin = None;
        let mut assigns = Vec::new();
        for redirection in list {
            if let Some(name) = &redirection.variable {
                self.assign(name, None);
                assigns.push(Assign { name: name.clone(), value: Word::default() });
            }
            let on_stdin = redirection.fd == Some(0) || (redirection.fd.is_none() && redirection.variable.is_none());
            match &redirection.source {
                Source::Document(index) => {
                    let docs = self.docs.clone();
                    let body = docs.get(*index).and_then(|doc| doc.body.as_ref());
                    let text = body.and_then(|body| self.joined(body, &(0..0)).0);
                    if on_stdin {
                        stdin = Some(Stdin::Text(text));
                    }
                }
                Source::Word(target) => {
                    let word = self.target(target);
                    let access = match redirection.operator {
                        Operator::HereString | Operator::HereDocument => {
                            if on_stdin {
                                stdin = Some(Stdin::Text(word.value.map(|text| text + "\n")));
                            }
                            continue;
                        }
                        Operator::Read => Access::Read,
                        Operator::ReadWrite => Access::ReadWrite,
                        Operator::Write | Operator::Both => Access::Write,
                        Operator::DuplicateIn if is_descriptor(&word) => Access::Duplicate,
                        Operator::DuplicateOut if is_descriptor(&word) => Access::Duplicate,
                        Operator::DuplicateIn => Access::Read,
                        Operator::DuplicateOut => Access::Write,
                    };
                    if on_stdin && matches!(redirection.operator, Operator::Read | Operator::ReadWrite) {
                        stdin = Some(Stdin::File(word.clone()));
                    }
                    if redirection.operator == Operator::DuplicateIn && on_stdin {
                        // Whatever that descriptor leads to.
                        stdin = Some(Stdin::Text(None));
                    }
                    redirects.push(Redirect { access, target: word });
                }
            }
        }
        (redirects, stdin, assigns)
    }

    /// A redirection's target: one word, or an error when it is run.
    fn target(&mut self, text: &super::parse::Text) -> Word {
        let mut words = self.expand(text);
        match (words.pop(), words.is_empty()) {
            (Some(word), true) => word,
            (last, _) => Word { text: last.map_or_else(String::new, |word| word.text), ..Word::default() },
        }
    }

    /// Sets a variable of the shell; `None`: to something unknown.
    pub(super) fn assign(&mut self, name: &str, value: Option<String>) {
        let base = name.split('[').next().unwrap_or(name);
        let numeric = value.as_ref().is_some_and(|v| !v.is_empty() && v.bytes().all(|b| b.is_ascii_digit()));
        if !numeric && !self.suspecting && !self.textual.iter().any(|known| known == base) {
            self.textual.push(base.to_owned());
        }
        self.set(base, if base == name { value } else { None });
    }

    /// Sets a variable to a number that is not known.
    pub(super) fn assign_number(&mut self, name: &str) {
        self.set(name, None);
    }

    fn set(&mut self, name: &str, value: Option<String>) {
        if self.suspecting {
            return;
        }
        let volatile = self.volatile.iter().any(|known| known == name);
        self.scope.set(name, value.filter(|_| !volatile));
        self.assigned.push(name.to_owned());
    }

    /// Notes variables that change the meaning of what follows, and walks those that hold code.
    pub(super) fn dangerous(&mut self, name: &str, value: &Word) {
        let span = 0..self.source.len();
        if DANGEROUS.contains(&name) || name.starts_with("BASH_FUNC_") {
            self.unproven(format!("`{name}` is set, which changes what later words run"), &span);
        }
        if matches!(name, "PS4" | "PS0" | "PS1" | "PROMPT_COMMAND") {
            match &value.value {
                Some(text) if name == "PROMPT_COMMAND" => self.suspect_text(&text.clone(), span),
                Some(text) => self.evaluated_text(&text.clone(), &span),
                None => self.unproven(format!("`{name}` is set to text that would be run"), &span),
            }
        }
    }

    /// Walks text as commands in the present shell (`eval`) or later (`trap`); unknown text is not proved.
    pub(super) fn code(&mut self, words: &[Word], what: &str, span: &Range<usize>) {
        let known: Option<Vec<&str>> = words.iter().map(Word::literal).collect();
        match known {
            Some(texts) => {
                let text = texts.join(" ");
                let place = self.place(span);
                self.text(&text, Some(place));
            }
            None => {
                self.unproven(format!("`{what}` of text that only the run will tell"), span);
                let text = words.iter().map(|w| w.value.as_deref().unwrap_or(&w.prefix)).collect::<Vec<_>>().join(" ");
                self.suspect_text(&text, span.clone());
                self.scope.forget();
            }
        }
    }
}

/// `3`, `-`, `3-`: a descriptor, not a file.
fn is_descriptor(word: &Word) -> bool {
    word.literal().is_some_and(|text| {
        let digits = text.strip_suffix('-').unwrap_or(text);
        text == "-" || (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
    })
}
