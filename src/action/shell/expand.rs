//! Expansion: what the words of a command come to, as far as that is certain.
//! Knows quotes, splitting and patterns; walks every substitution it meets.

use super::brace;
use super::command::Word;
use super::parse::{Assigned, Assignment, List, Node, Operation, Operator, Piece, Source, Text};
use super::walk::Walk;
use std::ops::Range;

/// What an expansion yields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Yield {
    Known(String),
    /// Only the run will tell; it begins with this for certain.
    Unknown,
    /// One word that fits this pattern.
    Pattern(String),
    /// The positional parameters or an array, each a word of its own.
    Words(Vec<String>),
    /// Any number of words.
    Many,
}

/// The longest word that is put together (bytes); the kernel takes no longer argument.
const WORD: usize = 128 * 1024;

/// What an expansion costs beside what it starts.
const PIECE: usize = 8;

/// A word that is being put together.
#[derive(Debug, Default)]
struct Field {
    text: String,
    prefix: Option<String>,
    glob: bool,
    /// An unquoted `[` that `]` may still close.
    bracket: bool,
    many: bool,
    started: bool,
}

/// The text of a word that holds no quotes and no expansions.
pub(super) fn written(text: &Text) -> Option<&str> {
    match text.pieces.as_slice() {
        [Piece::Bare(text)] => Some(text),
        _ => None,
    }
}

/// Whether a word is `"$@"` and nothing else.
fn is_all(pieces: &[Piece]) -> bool {
    matches!(pieces, [Piece::Quoted(_), Piece::Parameter(parameter)] if parameter.name == "@")
}

/// Whether a word comes to a number for certain.
fn is_number(text: &Text) -> bool {
    matches!(text.pieces.as_slice(), [piece] if match piece {
        Piece::Arithmetic(..) => true,
        Piece::Parameter(parameter) => {
            parameter.operation == Operation::Length || matches!(parameter.name.as_str(), "#" | "?" | "$" | "!")
        }
        Piece::Bare(_) | Piece::Quoted(_) | Piece::Command(..) | Piece::Backquoted(..) | Piece::Process(_) => false,
    })
}

impl Walk<'_> {
    /// The words that one word of a command comes to.
    pub(super) fn expand(&mut self, text: &Text) -> Vec<Word> {
        let shown = self.text_at(&text.span).to_owned();
        if let [Piece::Bare(bare)] = text.pieces.as_slice()
            && !bare.contains(['*', '?', '[', '{', '~'])
        {
            let shown = if shown.is_empty() { bare.clone() } else { shown };
            return vec![Word { value: Some(bare.clone()), text: shown, ..Word::default() }];
        }
        let mut words = Vec::new();
        let Some(alternatives) = brace::expand(&text.pieces) else {
            self.fields(&text.pieces, &shown, &text.span, &mut words);
            return vec![Word { value: None, text: shown, many: true, ..Word::default() }];
        };
        for pieces in &alternatives {
            self.fields(pieces, &shown, &text.span, &mut words);
        }
        words
    }

    /// The value of a word where nothing is split: assignments, redirections, `case`.
    pub(super) fn scalar(&mut self, text: &Text) -> Word {
        let shown = self.text_at(&text.span).to_owned();
        let (value, prefix) = self.joined(&text.pieces, &text.span);
        let shown = if shown.is_empty() { value.clone().unwrap_or_default() } else { shown };
        Word { value, prefix, text: shown, ..Word::default() }
    }

    /// Pieces as one text, and what it begins with if the whole is not known.
    pub(super) fn joined(&mut self, pieces: &[Piece], span: &Range<usize>) -> (Option<String>, String) {
        let mut text = String::new();
        let mut prefix = None;
        for (index, piece) in pieces.iter().enumerate() {
            match piece {
                Piece::Bare(bare) => match self.tilde(bare, index == 0, pieces.len() == 1) {
                    Some(home) => text.push_str(&home),
                    None => {
                        prefix.get_or_insert_with(|| text.clone());
                    }
                },
                Piece::Quoted(quoted) => text.push_str(quoted),
                Piece::Parameter(_)
                | Piece::Command(..)
                | Piece::Backquoted(..)
                | Piece::Process(_)
                | Piece::Arithmetic(..) => match self.piece(piece, span) {
                    Yield::Known(value) => text.push_str(&value),
                    Yield::Words(values) => text.push_str(&values.join(" ")),
                    Yield::Pattern(pattern) => {
                        let start = pattern.find(['*', '?', '[']).and_then(|at| pattern.get(..at)).unwrap_or("");
                        prefix.get_or_insert_with(|| format!("{text}{start}"));
                    }
                    Yield::Unknown | Yield::Many => {
                        prefix.get_or_insert_with(|| text.clone());
                    }
                },
            }
            if text.len() > WORD {
                prefix.get_or_insert_default();
                text.clear();
            }
        }
        match prefix {
            Some(prefix) => (None, prefix),
            None => (Some(text), String::new()),
        }
    }

    /// Expands pieces into fields, as bash does after brace expansion.
    fn fields(&mut self, pieces: &[Piece], shown: &str, span: &Range<usize>, words: &mut Vec<Word>) {
        let mut field = Field::default();
        // bash splits nothing in a word that ends with a bare `$`.
        if pieces.len() > 1 && matches!(pieces.last(), Some(Piece::Bare(bare)) if bare.ends_with('$')) {
            field.unknown(true);
        }
        for (index, piece) in pieces.iter().enumerate() {
            match piece {
                Piece::Bare(bare) => {
                    field.started = true;
                    field.pattern(bare);
                    match self.tilde(bare, index == 0, pieces.len() == 1) {
                        Some(text) => field.push(&text),
                        None => field.unknown(false),
                    }
                }
                Piece::Quoted(quoted) => {
                    // The empty text before the `$@` of `"$@"` makes no word.
                    field.started |= !(quoted.is_empty() && is_all(pieces));
                    field.push(quoted);
                }
                Piece::Parameter(_)
                | Piece::Command(..)
                | Piece::Backquoted(..)
                | Piece::Process(_)
                | Piece::Arithmetic(..) => {
                    let quoted = match piece {
                        Piece::Parameter(parameter) => parameter.quoted,
                        Piece::Command(_, quoted) | Piece::Backquoted(_, quoted) | Piece::Arithmetic(_, quoted) => {
                            *quoted
                        }
                        Piece::Bare(_) | Piece::Quoted(_) | Piece::Process(_) => true,
                    };
                    let yielded = self.piece(piece, span);
                    // `"$@"` of nothing is no word at all.
                    let nothing = matches!(&yielded, Yield::Words(values) if values.is_empty());
                    match yielded {
                        Yield::Known(value) if quoted => field.push(&value),
                        Yield::Known(value) => self.split(&value, &mut field, shown, words),
                        Yield::Words(values) => {
                            for (index, value) in values.iter().enumerate() {
                                if index > 0 {
                                    words.extend(std::mem::take(&mut field).word(shown));
                                }
                                if quoted {
                                    field.started = true;
                                    field.push(value);
                                } else {
                                    self.split(value, &mut field, shown, words);
                                }
                            }
                        }
                        Yield::Pattern(pattern) => {
                            field.push(&pattern);
                            field.glob = true;
                        }
                        Yield::Unknown => field.unknown(!quoted),
                        Yield::Many => field.unknown(true),
                    }
                    if nothing && quoted && !is_all(pieces) {
                        field.unknown(true);
                    }
                    field.started |= quoted && !nothing;
                }
            }
        }
        words.extend(field.word(shown));
    }

    /// Splits an unquoted value at the characters of `IFS`.
    fn split(&mut self, value: &str, field: &mut Field, shown: &str, words: &mut Vec<Word>) {
        let Some(separators) = self.scope.value("IFS", self.environment) else {
            field.unknown(true);
            return;
        };
        field.pattern(value);
        for c in value.chars() {
            if !separators.contains(c) {
                field.push(c.encode_utf8(&mut [0; 4]));
            } else if field.started || !c.is_whitespace() {
                field.started = true;
                words.extend(std::mem::take(field).word(shown));
            }
        }
    }

    /// `text` with a `~` at its start, or (in assignments and paths) none, replaced; `None`: not known.
    fn tilde(&mut self, text: &str, first: bool, alone: bool) -> Option<String> {
        if !first || !text.starts_with('~') {
            return Some(text.to_owned());
        }
        let (name, rest) = match text.find('/') {
            Some(at) => (text.get(1..at).unwrap_or(""), text.get(at..).unwrap_or("")),
            // A quote in the name of the user, or an expansion, makes it plain text.
            None if !alone => return None,
            None => (text.get(1..).unwrap_or(""), ""),
        };
        match name {
            "" => self.value("HOME").map(|home| format!("{home}{rest}")),
            "root" => Some(format!("/root{rest}")),
            _ => None,
        }
    }

    /// The value of a variable, noting what functions rely on.
    pub(super) fn value(&mut self, name: &str) -> Option<String> {
        let value = self.scope.value(name, self.environment);
        let own = self.scope.variables.iter().any(|(known, _)| **known == *name);
        if self.in_function
            && !own
            && name != "IFS"
            && value.is_some()
            && !self.relied.iter().any(|(known, _)| known == name)
        {
            let span = self.place(&(0..self.source.len()));
            self.relied.push((name.to_owned(), span));
        }
        value
    }

    /// Walks an expansion and tells what it yields.
    fn piece(&mut self, piece: &Piece, span: &Range<usize>) -> Yield {
        // Some expansions are walked twice, so that nested ones (`${x:${x:…}}`) would be walked without end.
        if !self.spend(PIECE) {
            return Yield::Unknown;
        }
        match piece {
            Piece::Bare(text) | Piece::Quoted(text) => Yield::Known(text.clone()),
            Piece::Parameter(parameter) => self.parameter(parameter, span),
            Piece::Command(list, _) => {
                self.isolated(|walk| walk.list(list));
                self.output(list, span).map_or(Yield::Unknown, Yield::Known)
            }
            Piece::Backquoted(parsed, _) => {
                self.isolated(|walk| walk.apart(parsed, span));
                let apart = parsed.docs.is_empty().then(|| self.output(&parsed.list, span)).flatten();
                apart.map_or(Yield::Unknown, Yield::Known)
            }
            Piece::Process(list) => {
                let some = self.found_by(|walk| {
                    walk.isolated(|walk| {
                        walk.scope.stdin = super::Stdin::Pipe;
                        walk.list(list);
                    });
                });
                self.background(some);
                Yield::Unknown
            }
            Piece::Arithmetic(pieces, _) => self.arithmetic(pieces, span).map_or(Yield::Unknown, Yield::Known),
        }
    }

    /// What `$(cat <<EOF …)` and `$(echo word)` print, where that is certain.
    fn output(&mut self, list: &List, span: &Range<usize>) -> Option<String> {
        let [item] = list.0.as_slice() else { return None };
        let [(_, pipeline)] = item.chain.as_slice() else { return None };
        let [Node::Simple(simple)] = pipeline.nodes.as_slice() else { return None };
        if !simple.assigns.is_empty() {
            return None;
        }
        let (program, args) = simple.words.split_first()?;
        let program = written(program)?;
        if self.scope.functions.iter().any(|function| *function.name == *program) {
            return None;
        }
        match (program, args, simple.redirects.as_slice()) {
            ("cat", [], [redirect]) if redirect.operator == Operator::HereDocument => {
                let Source::Document(index) = &redirect.source else { return None };
                let docs = self.docs.clone();
                let body = docs.get(*index)?.body.as_ref()?;
                let before = self.suspecting;
                self.suspecting = true;
                let text = self.quietly(|walk| walk.joined(body, span).0);
                self.suspecting = before;
                text.map(|text| text.trim_end_matches('\n').to_owned())
            }
            ("echo", args, []) => {
                let values: Option<Vec<String>> = args
                    .iter()
                    .map(|arg| match arg.pieces.as_slice() {
                        [Piece::Bare(text)] if !text.contains(['*', '?', '[', '{', '~', '\\']) => Some(text.clone()),
                        [Piece::Quoted(text)] if !text.contains('\\') => Some(text.clone()),
                        _ => None,
                    })
                    .collect();
                let values = values.filter(|v| v.first().is_none_or(|first| !first.starts_with('-')))?;
                Some(values.join(" ").trim_end_matches('\n').to_owned())
            }
            _ => None,
        }
    }

    /// Runs `walk` once more over what was walked before: nothing it finds is kept.
    fn quietly<T>(&mut self, walk: impl FnOnce(&mut Self) -> T) -> T {
        let scope = self.scope.clone();
        let (commands, suspects) = (self.found.commands.len(), self.found.suspects.len());
        let result = walk(self);
        self.found.commands.truncate(commands);
        self.found.suspects.truncate(suspects);
        self.scope = scope;
        result
    }

    /// Assignments of a tree, in order.
    pub(super) fn assignments(&mut self, assigns: &[Assignment], keep: bool) -> Vec<super::Assign> {
        let mut made = Vec::new();
        for assign in assigns {
            if let Some(index) = &assign.index {
                self.subscript(index, &(0..0));
            }
            let value = match &assign.value {
                Assigned::Scalar(text) => self.scalar(text),
                Assigned::Array(elements) => {
                    let mut words = Vec::new();
                    for element in elements {
                        words.extend(self.expand(element));
                    }
                    let span = elements.first().map_or(0..0, |element| element.span.clone());
                    self.suspect_words(&words, &span);
                    Word {
                        text: words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" "),
                        ..Word::default()
                    }
                }
            };
            let plain = assign.index.is_none() && !assign.append && matches!(assign.value, Assigned::Scalar(_));
            let mut known = value.value.clone().filter(|_| plain);
            if assign.append
                && assign.index.is_none()
                && let (Some(before), Some(added)) = (self.value(&assign.name), value.value.as_ref())
            {
                known = Some(before + added);
            }
            let value = if plain { value } else { Word { value: known.clone(), ..value } };
            let number = known.is_none() && plain && matches!(&assign.value, Assigned::Scalar(text) if is_number(text));
            if keep && number {
                self.assign_number(&assign.name);
            } else if keep {
                self.assign(&assign.name, known);
            }
            self.dangerous(&assign.name, &value);
            made.push(super::Assign { name: assign.name.clone(), value });
        }
        made
    }
}

impl Field {
    /// Notes what is alive as a pattern in unquoted text; a lone `[` is none.
    fn pattern(&mut self, text: &str) {
        let opened = text.find('[');
        let closes = text.rfind(']').is_some_and(|at| self.bracket || opened.is_some_and(|open| open < at));
        self.glob |= closes || text.contains(['*', '?']);
        self.bracket |= opened.is_some();
    }

    fn push(&mut self, text: &str) {
        self.started |= !text.is_empty();
        if self.prefix.is_some() {
            return;
        }
        if self.text.len() + text.len() > WORD {
            self.unknown(false);
            return;
        }
        self.text.push_str(text);
    }

    fn unknown(&mut self, many: bool) {
        self.prefix.get_or_insert_with(|| self.text.clone());
        self.many |= many;
        self.started = true;
    }

    /// The finished word; none if it was only an expansion that yielded nothing.
    fn word(self, shown: &str) -> Option<Word> {
        if !self.started {
            return None;
        }
        let pattern = self.text.find(['*', '?', '[']).and_then(|at| self.text.get(..at));
        let prefix = match (&self.prefix, self.glob) {
            (Some(prefix), _) => prefix.clone(),
            (None, true) => pattern.unwrap_or("").to_owned(),
            (None, false) => String::new(),
        };
        let text = if shown.is_empty() { self.text.clone() } else { shown.to_owned() };
        let value = if self.prefix.is_none() { Some(self.text) } else { None };
        Some(Word { value, prefix, text, glob: self.glob, many: self.many })
    }
}
