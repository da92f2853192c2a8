//! Lists, pipelines and simple commands.
//! Knows which words are reserved, and where.

use super::word::Place;
use super::{Assigned, Assignment, Halt, Item, Join, List, Node, Parser, Piece, Pipeline, Simple, Text, is_meta};

/// Words that end a list when they stand where a command would begin.
const CLOSING: &[&str] = &["then", "do", "done", "fi", "elif", "else", "esac", "}"];

/// Builtins whose arguments may be array assignments.
const DECLARING: &[&str] = &["declare", "typeset", "local", "readonly", "export", "alias", "eval", "let"];

impl Parser<'_> {
    /// Commands up to something that cannot begin one. `inner`: a `)` or a closing word ends it.
    pub(super) fn list(&mut self, inner: bool) -> Result<List, Halt> {
        let mut items = Vec::new();
        loop {
            self.newlines()?;
            if self.ends_list(inner) {
                return Ok(List(items));
            }
            let mut item = self.chain()?;
            self.blanks();
            let more = match self.peek() {
                Some(b';') if self.second() != Some(b';') && self.second() != Some(b'&') => {
                    self.at += 1;
                    true
                }
                Some(b'&') if self.second() != Some(b'&') => {
                    self.at += 1;
                    item.background = true;
                    true
                }
                Some(b'\n') => true,
                _ => false,
            };
            items.push(item);
            if !more {
                return Ok(List(items));
            }
        }
    }

    /// A list that must hold at least one command.
    pub(super) fn body(&mut self) -> Result<List, Halt> {
        let list = self.list(true)?;
        if list.0.is_empty() { Err(self.unexpected()) } else { Ok(list) }
    }

    fn ends_list(&mut self, inner: bool) -> bool {
        match self.peek() {
            None | Some(b')') => true,
            Some(b';') => matches!(self.second(), Some(b';' | b'&')),
            _ => inner && self.reserved().is_some_and(|word| CLOSING.contains(&word.as_str())),
        }
    }

    fn chain(&mut self) -> Result<Item, Halt> {
        let mut chain = vec![(Join::First, self.pipeline()?)];
        loop {
            self.blanks();
            let join = match (self.peek(), self.second()) {
                (Some(b'&'), Some(b'&')) => Join::And,
                (Some(b'|'), Some(b'|')) => Join::Or,
                _ => return Ok(Item { chain, background: false }),
            };
            for _ in 0..2 {
                self.peek();
                self.at += 1;
            }
            self.newlines()?;
            chain.push((join, self.pipeline()?));
        }
    }

    fn pipeline(&mut self) -> Result<Pipeline, Halt> {
        let mut negated = false;
        let mut prefixed = false;
        loop {
            self.blanks();
            match self.reserved().as_deref() {
                Some("!") => {
                    negated = !negated;
                    self.skip_reserved();
                }
                Some("time") => {
                    self.skip_reserved();
                    self.blanks();
                    for option in ["-p", "--"] {
                        let rest = self.text.get(self.at..).unwrap_or("");
                        let behind = rest.strip_prefix(option).and_then(|rest| rest.bytes().next());
                        if rest == option || (rest.starts_with(option) && behind.is_some_and(is_meta)) {
                            self.at += option.len();
                            self.blanks();
                        }
                    }
                }
                _ => break,
            }
            prefixed = true;
        }
        if prefixed && matches!(self.peek(), None | Some(b';' | b'\n')) {
            return Ok(Pipeline { nodes: Vec::new(), negated });
        }
        let mut nodes = vec![self.command()?];
        loop {
            self.blanks();
            if self.peek() != Some(b'|') || self.second() == Some(b'|') {
                return Ok(Pipeline { nodes, negated });
            }
            self.at += 1;
            self.eat(b'&');
            self.newlines()?;
            nodes.push(self.command()?);
        }
    }

    /// The reserved word that begins here, if one does; not consumed.
    pub(super) fn reserved(&mut self) -> Option<String> {
        let start = self.at;
        let mut word = String::new();
        while let Some(byte) = self.peek().filter(|b| b.is_ascii_lowercase() || b"!{}[]".contains(b)) {
            if word.len() > 8 {
                break;
            }
            word.push(char::from(byte));
            self.at += 1;
        }
        let ends = self.peek().is_none_or(is_meta);
        self.at = start;
        let known = [
            "!", "{", "}", "[[", "]]", "case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for", "function",
            "if", "in", "select", "then", "time", "until", "while",
        ];
        (ends && known.contains(&word.as_str())).then_some(word)
    }

    /// Consumes the reserved word that begins here.
    pub(super) fn skip_reserved(&mut self) {
        while self.peek().is_some_and(|b| !is_meta(b)) {
            self.at += 1;
        }
    }

    /// Consumes the reserved word `word` or fails.
    pub(super) fn expect(&mut self, word: &str) -> Result<(), Halt> {
        self.newlines()?;
        if self.reserved().as_deref() == Some(word) {
            self.skip_reserved();
            return Ok(());
        }
        let mut halt = self.unexpected();
        halt.message.push_str(&format!(", `{word}` is missing"));
        Err(halt)
    }

    pub(super) fn simple(&mut self) -> Result<Node, Halt> {
        self.count()?;
        self.peek();
        let start = self.at;
        let mut simple = Simple::default();
        let mut end = self.at;
        let mut declaring = false;
        loop {
            self.blanks();
            if let Some(redirection) = self.redirection()? {
                simple.redirects.push(redirection);
                end = self.at;
                continue;
            }
            let process = matches!(self.peek(), Some(b'<' | b'>')) && self.second() == Some(b'(');
            if self.peek().is_none_or(|b| is_meta(b) && !process) {
                break;
            }
            if (simple.words.is_empty() || declaring)
                && let Some((assignment, array)) = self.assignment(declaring)?
            {
                if declaring {
                    let known = Text { pieces: vec![Piece::Quoted(assignment.name.clone())], span: array };
                    simple.words.push(known);
                    simple.arrays.push(assignment);
                } else {
                    simple.assigns.push(assignment);
                }
                end = self.at;
                continue;
            }
            let word = self.word()?;
            end = self.at;
            if simple.words.is_empty() {
                declaring = literal(&word).is_some_and(|name| DECLARING.contains(&name));
                if simple.assigns.is_empty() && simple.redirects.is_empty() {
                    self.blanks();
                    if self.peek() == Some(b'(') {
                        return self.function(&word, start);
                    }
                }
            }
            simple.words.push(word);
        }
        simple.span = start..end;
        if simple.words.is_empty() && simple.assigns.is_empty() && simple.redirects.is_empty() {
            return Err(self.unexpected());
        }
        Ok(Node::Simple(simple))
    }

    /// `name () body`; the cursor is on the parenthesis.
    fn function(&mut self, name: &Text, start: usize) -> Result<Node, Halt> {
        let paren = self.at;
        self.at += 1;
        self.blanks();
        let bare = match name.pieces.as_slice() {
            [Piece::Bare(name) | Piece::Quoted(name)] => Some(name.clone()),
            _ => None,
        };
        match bare {
            Some(bare) if self.eat(b')') => self.function_body(bare, start),
            _ => {
                self.at = paren;
                Err(self.unexpected())
            }
        }
    }

    /// An assignment, if one begins here, with its span. `arrays_only`: a scalar one is left as a word.
    fn assignment(&mut self, arrays_only: bool) -> Result<Option<(Assignment, std::ops::Range<usize>)>, Halt> {
        let start = self.at;
        if !self.peek().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_') {
            return Ok(None);
        }
        let name = self.name();
        let mut index = None;
        if self.peek() == Some(b'[') && !arrays_only {
            self.at += 1;
            let mut inner = Vec::new();
            self.nest(|parser| parser.pieces(Place::Index, &mut inner))?;
            self.at += 1;
            index = Some(inner);
        }
        let append = self.peek() == Some(b'+') && self.second() == Some(b'=') && self.eat(b'+');
        if !self.eat(b'=') {
            // `a[1 2]` without `=` is one word for bash; here it is two, or a word with an unusual end.
            if index.is_some() {
                let read = self.text.get(start..self.at).unwrap_or("");
                if read.contains([' ', '\t', '\n', ';', '&', '|', '(', ')', '<', '>']) {
                    self.doubts.push(("an index that is no assignment".to_owned(), start));
                }
            }
            self.at = start;
            return Ok(None);
        }
        if self.peek() == Some(b'(') && index.is_none() {
            self.at += 1;
            let value = Assigned::Array(self.nest(Self::array)?);
            if self.peek().is_some_and(|b| !is_meta(b)) {
                self.doubts.push(("an array with text behind it".to_owned(), start));
                self.word()?;
            }
            return Ok(Some((Assignment { name, index, append, value }, start..self.at)));
        }
        if arrays_only {
            self.at = start;
            return Ok(None);
        }
        let value = Assigned::Scalar(self.word()?);
        Ok(Some((Assignment { name, index, append, value }, start..self.at)))
    }

    /// The elements of an array up to `)`, which is consumed.
    fn array(&mut self) -> Result<Vec<Text>, Halt> {
        let mut elements = Vec::new();
        loop {
            self.newlines()?;
            if self.eat(b')') {
                return Ok(elements);
            }
            let word = self.word()?;
            if word.pieces.is_empty() {
                return Err(self.unexpected());
            }
            elements.push(word);
        }
    }
}

/// The text of a word without any quote or expansion.
pub(super) fn literal(word: &Text) -> Option<&str> {
    match word.pieces.as_slice() {
        [Piece::Bare(text)] => Some(text),
        _ => None,
    }
}
