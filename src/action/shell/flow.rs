//! The order of execution: what runs always, perhaps, in rounds, or apart in a subshell.
//! Knows what each way of running does to what is known of the shell.

use super::Stdin;
use super::command::{Assign, Assumed, Command, Kind, Word};
use super::parse::{Compound, Item, Join, List, Node, Pipeline, Redirection};
use super::scope::{FUNCTIONS, Function, Scope};
use super::walk::Walk;
use std::ops::Range;

/// How many folders a place may rest on.
const ASSUMED: usize = 16;
/// How many rounds of loops are walked beyond the first.
const ROUNDS: usize = 32;

impl Walk<'_> {
    pub(super) fn list(&mut self, list: &List) {
        for item in &list.0 {
            if self.stopped {
                return;
            }
            if item.background {
                let some = self.found_by(|walk| walk.isolated(|walk| walk.item(item)));
                self.background(some);
            } else {
                self.item(item);
            }
        }
    }

    /// Pipelines joined by `&&` and `||`: what comes after `&&` runs where what came before went well.
    fn item(&mut self, item: &Item) {
        // The scope where what came before failed; `None`: the same as where it went well.
        let mut failed: Option<Scope> = None;
        // The folder that the first of them, a plain `cd`, goes to.
        let mut gone: Option<(Option<String>, usize)> = None;
        for (join, pipeline) in &item.chain {
            if self.stopped {
                return;
            }
            match join {
                Join::First => {
                    self.pipeline(pipeline);
                    failed = self.failed();
                    let before = self.found.commands.len();
                    gone = failed.as_ref().map(|_| (self.scope.cwd.clone(), before));
                }
                Join::And => {
                    let skipped = failed.take().unwrap_or_else(|| self.scope.clone());
                    self.pipeline(pipeline);
                    let mut either = self.failed().unwrap_or_else(|| self.scope.clone());
                    either.merge(&skipped);
                    failed = Some(either);
                }
                Join::Or => {
                    let went_well = self.scope.clone();
                    if let Some(scope) = failed.take() {
                        self.scope = scope;
                    }
                    self.pipeline(pipeline);
                    failed = self.failed();
                    if leaves(pipeline) {
                        self.scope = went_well;
                        failed = None;
                    } else {
                        failed = failed.or_else(|| Some(self.scope.clone()));
                        self.scope.merge(&went_well);
                    }
                }
            }
        }
        let Some(mut failed) = failed.filter(|_| item.chain.len() > 1 || !self.scope.errexit) else { return };
        let plain = item.chain.iter().all(|(join, _)| *join != Join::Or);
        if let Some((Some(folder), before)) = gone.filter(|(gone, _)| plain && *gone == self.scope.cwd)
            && self.scope.assumed.len() < ASSUMED
        {
            // Facts say whether that folder is there; the shell goes on in it then.
            failed.cwd.clone_from(&self.scope.cwd);
            self.scope.assumed.push(Assumed { folder, before });
        }
        self.scope.merge(&failed);
    }

    /// The scope if the `cd` that has just run failed.
    fn failed(&mut self) -> Option<Scope> {
        let cwd = self.left.take()?;
        Some(Scope { cwd, ..self.scope.clone() })
    }

    fn pipeline(&mut self, pipeline: &Pipeline) {
        self.piped = None;
        if let [node] = pipeline.nodes.as_slice() {
            self.node(node);
            if pipeline.negated && self.left.is_some() {
                self.left = None;
                self.scope.cwd = None;
            }
            return;
        }
        let start = self.found.commands.len();
        for (index, node) in pipeline.nodes.iter().enumerate() {
            if self.stopped {
                return;
            }
            let before = start..self.found.commands.len();
            let found = self.found_by(|walk| {
                walk.isolated(|walk| {
                    if index > 0 {
                        walk.scope.stdin = Stdin::Pipe;
                    }
                    walk.node(node);
                });
            });
            self.overlap(before, found);
        }
        self.piped = None;
        self.left = None;
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::Simple(simple) => self.simple(simple),
            Node::Compound(compound, redirects, span) => {
                let stdin = self.scope.stdin.clone();
                self.compound_redirects(redirects, span);
                self.piped = None;
                self.compound(compound, span);
                self.piped = None;
                self.scope.stdin = stdin;
            }
            Node::Function(name, body, span) => {
                if !self.suspecting {
                    let place = self.place(span);
                    self.bodies.add(name, body, place);
                }
                let moves = self.text_at(span).split(|c: char| !c.is_alphanumeric()).any(may_move);
                self.apart_body(|walk| walk.node(body));
                self.scope.functions.retain(|known| *known.name != **name);
                if self.scope.functions.len() < FUNCTIONS {
                    self.scope.functions.push(Function { name: name.as_str().into(), sure: true, moves });
                } else {
                    self.unproven("more functions than guard follows", span);
                }
                self.piped = None;
            }
        }
    }

    /// Walks code that runs later, or never: functions and traps. What it sets is unknown from here on.
    pub(super) fn apart_body(&mut self, walk: impl FnOnce(&mut Self)) {
        let before = self.scope.clone();
        let outer = std::mem::replace(&mut self.in_function, true);
        let known = self.assigned.len();
        for (_, value) in &mut self.scope.variables {
            *value = None;
        }
        self.scope.cwd = None;
        self.scope.positional = None;
        self.scope.stdin = Stdin::Inherited;
        walk(self);
        let after = std::mem::replace(&mut self.scope, before);
        for name in self.assigned.get(known..).unwrap_or(&[]) {
            self.scope.set(name, None);
            if !self.volatile.contains(name) {
                self.volatile.push(name.clone());
            }
        }
        self.scope.forgot |= after.forgot;
        self.in_function = outer;
    }

    /// Runs `walk` in a subshell: what it changes stays there.
    pub(super) fn isolated(&mut self, walk: impl FnOnce(&mut Self)) {
        let before = self.scope.clone();
        walk(self);
        self.scope = before;
    }

    /// Runs `walk` where it may not be reached: what it changes is unknown afterwards.
    fn perhaps(&mut self, walk: impl FnOnce(&mut Self)) {
        let before = self.scope.clone();
        walk(self);
        self.scope.merge(&before);
    }

    fn compound_redirects(&mut self, redirects: &[Redirection], span: &Range<usize>) {
        if redirects.is_empty() {
            return;
        }
        let (redirects, stdin, assigns) = self.redirects(redirects);
        if let Some(stdin) = stdin {
            self.scope.stdin = stdin;
        }
        let shown = Command { kind: Kind::None, redirects, assigns, span: span.clone(), ..self.blank() };
        if !shown.redirects.is_empty() || !shown.assigns.is_empty() {
            self.emit(shown);
        }
    }

    fn compound(&mut self, compound: &Compound, span: &Range<usize>) {
        match compound {
            Compound::Group(list) => self.list(list),
            Compound::Subshell(list) => self.isolated(|walk| walk.list(list)),
            Compound::If(lists) => {
                let mut lists = lists.iter();
                if let Some(condition) = lists.next() {
                    self.list(condition);
                }
                for list in lists {
                    self.perhaps(|walk| walk.list(list));
                }
            }
            Compound::While(condition, body) => self.rounds(span, |walk| {
                walk.list(condition);
                walk.list(body);
            }),
            Compound::For(name, words, body) => self.for_loop(name, words.as_deref(), body, span),
            Compound::ArithmeticFor(parts, body) => {
                for part in parts {
                    self.arithmetic(part, span);
                }
                self.rounds(span, |walk| walk.list(body));
            }
            Compound::Case(subject, arms) => {
                self.scalar(subject);
                for (patterns, list) in arms {
                    for pattern in patterns {
                        self.scalar(pattern);
                    }
                    self.perhaps(|walk| walk.list(list));
                }
            }
            Compound::Arithmetic(pieces) => {
                let before = self.assigned.len();
                self.arithmetic(pieces, span);
                let set = self.assigned.get(before..).unwrap_or(&[]).to_vec();
                let assigns: Vec<Assign> =
                    set.into_iter().map(|name| Assign { name, value: Word::default() }).collect();
                if !assigns.is_empty() {
                    self.emit(Command { kind: Kind::None, assigns, span: span.clone(), ..self.blank() });
                }
            }
            Compound::Test(words) => {
                for word in words {
                    if word.arithmetic {
                        self.arithmetic(&word.text.pieces, &word.text.span);
                    } else {
                        self.scalar(&word.text);
                    }
                }
            }
            Compound::Coprocess(name, node) => {
                let name = name.as_deref().unwrap_or("COPROC");
                self.assign(name, None);
                self.sets(name, span);
                let some = self.found_by(|walk| {
                    walk.isolated(|walk| {
                        walk.scope.stdin = Stdin::Pipe;
                        walk.node(node);
                    });
                });
                self.background(some);
            }
        }
    }

    /// Shows that a compound command sets a variable.
    fn sets(&mut self, name: &str, span: &Range<usize>) {
        self.dangerous(name, &Word::default());
        let assigns = vec![Assign { name: name.to_owned(), value: Word::default() }];
        self.emit(Command { kind: Kind::None, assigns, span: span.clone(), ..self.blank() });
    }

    fn for_loop(&mut self, name: &str, words: Option<&[super::parse::Text]>, body: &List, span: &Range<usize>) {
        let mut values = Vec::new();
        for word in words.unwrap_or(&[]) {
            values.extend(self.expand(word));
        }
        let known: Option<Vec<Word>> = match words {
            Some(_) => Some(values).filter(|words| words.iter().all(|word| word.value.is_some() && !word.many)),
            None => self.scope.positional.as_ref().map(|words| words.iter().map(|word| Word::known(word)).collect()),
        };
        self.sets(name, span);
        match known {
            Some(known) if known.len() <= 16 && self.rounds + known.len() <= ROUNDS && !known.is_empty() => {
                self.rounds += known.len();
                self.rounds(span, |walk| {
                    for word in known {
                        walk.assign(name, word.literal().map(str::to_owned));
                        if let (true, Some(pattern)) = (word.glob && !walk.suspecting, &word.value)
                            && !walk.volatile.iter().any(|known| known == name)
                        {
                            walk.scope.set_pattern(name, pattern);
                        }
                        walk.list(body);
                    }
                });
            }
            _ => self.rounds(span, |walk| {
                walk.assign(name, None);
                walk.list(body);
            }),
        }
    }

    /// Walks the body of a loop so that what it finds holds in every round.
    fn rounds(&mut self, span: &Range<usize>, body: impl FnOnce(&mut Self)) {
        let before = self.scope.clone();
        let text = self.text_at(span).to_owned();
        if text.split(|c: char| !c.is_alphanumeric()).any(may_move) {
            self.scope.cwd = None;
        }
        for (name, value) in &mut self.scope.variables {
            if value.is_some() && (text.is_empty() || may_set(&text, name)) {
                *value = None;
            }
        }
        self.scope.patterns.retain(|(name, _)| !text.is_empty() && !may_set(&text, name));
        let start = self.scope.clone();
        let first = self.found.overlaps.len();
        body(self);
        // What one round leaves behind runs beside the next round, itself included.
        for at in first..self.found.overlaps.len() {
            let Some(open) = self.found.overlaps.get(at).filter(|open| open.others.end == usize::MAX) else { continue };
            let some = open.some.clone();
            self.overlap(some.clone(), some);
        }
        let hidden = start.variables.iter().any(|(name, value)| {
            value.is_some() && !self.scope.variables.iter().any(|(known, now)| known == name && now == value)
        });
        if hidden || (start.cwd.is_some() && start.cwd != self.scope.cwd) || (!start.forgot && self.scope.forgot) {
            self.unproven("a loop that changes what its next round starts from", span);
        }
        self.scope.merge(&before);
    }
}

/// Whether a word may name a command that changes the folder.
fn may_move(word: &str) -> bool {
    matches!(word, "cd" | "pushd" | "popd" | "eval" | "source")
}

/// Whether a pipeline certainly ends the shell: `exit`, `return`, or a group that ends with one.
fn leaves(pipeline: &Pipeline) -> bool {
    let [node] = pipeline.nodes.as_slice() else { return false };
    match node {
        Node::Simple(simple) => matches!(
            simple.words.first().and_then(super::expand::written),
            Some("exit" | "return" | "break" | "continue")
        ),
        Node::Compound(compound, _, _) => match compound.as_ref() {
            Compound::Group(list) => list.0.last().is_some_and(|item| match item.chain.as_slice() {
                [(_, pipeline)] => !item.background && leaves(pipeline),
                _ => false,
            }),
            Compound::Subshell(_)
            | Compound::If(_)
            | Compound::While(..)
            | Compound::For(..)
            | Compound::ArithmeticFor(..)
            | Compound::Case(..)
            | Compound::Arithmetic(_)
            | Compound::Test(_)
            | Compound::Coprocess(..) => false,
        },
        Node::Function(..) => false,
    }
}

/// Whether `text` may set the variable `name`: it stands there other than as `$name` or `${name…}`.
fn may_set(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let before = text.get(..at).unwrap_or("");
        let after = text.get(at + name.len()..).unwrap_or("");
        if before.ends_with("${") {
            return after.starts_with('=') || after.starts_with(":=");
        }
        !before.ends_with('$')
    })
}
