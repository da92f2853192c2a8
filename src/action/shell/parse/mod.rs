//! From text to a tree, as bash reads it: one pass, no backtracking, a bounded depth.
//! Knows the grammar; knows nothing of what words come to mean.

mod compound;
mod dollar;
mod grammar;
mod redirect;
mod tree;
mod word;

pub(super) use tree::*;

/// How deep substitutions, quotes and compound commands may nest.
pub(super) const DEPTH: usize = 48;

/// How many simple commands a text may hold.
const COMMANDS: usize = 4096;

/// Why there is no tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Halt {
    /// Where: a byte of the text.
    pub(super) at: usize,
    /// What is wrong.
    pub(super) message: String,
    /// Nested too deep, rather than wrong.
    pub(super) deep: bool,
}

/// Parses a whole text as commands.
pub(super) fn parse(text: &str) -> Result<Parsed, Halt> {
    Parser::new(text).whole()
}

/// Parses text as what stands in a here-document: expansions, and nothing else, are alive in it.
pub(super) fn parse_text(text: &str) -> Result<Vec<Piece>, Halt> {
    let mut parser = Parser::new(text);
    parser.body_pieces()
}

/// Where reading stands.
struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    /// Here-documents whose bodies begin after the next newline, by index.
    pending: Vec<usize>,
    docs: Vec<Doc>,
    /// The index of the first of `docs`, where they are to be added to another parser's.
    first_doc: usize,
    doubts: Vec<(String, usize)>,
    /// Whether `shopt -s extglob` may be in force.
    extglob: bool,
    /// Simple commands so far.
    count: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        let extglob = text.contains("extglob");
        Parser {
            text,
            at: 0,
            depth: 0,
            pending: Vec::new(),
            docs: Vec::new(),
            first_doc: 0,
            doubts: Vec::new(),
            extglob,
            count: 0,
        }
    }

    /// The next byte, without any look at continuations.
    fn raw(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn raw_at(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    /// The next byte after any line continuations, which are consumed.
    fn peek(&mut self) -> Option<u8> {
        while self.raw() == Some(b'\\') && self.raw_at(1) == Some(b'\n') {
            self.at += 2;
        }
        self.raw()
    }

    /// The byte after the next one, continuations between them skipped but not consumed.
    fn second(&mut self) -> Option<u8> {
        self.peek()?;
        let mut ahead = 1;
        while self.raw_at(ahead) == Some(b'\\') && self.raw_at(ahead + 1) == Some(b'\n') {
            ahead += 2;
        }
        self.raw_at(ahead)
    }

    /// Consumes the next byte if it is `byte`.
    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.at += 1;
        }
        found
    }

    /// Consumes one whole character.
    fn take(&mut self) -> Option<char> {
        let c = self.text.get(self.at..)?.chars().next()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// Skips blanks, and a comment where a word could begin.
    fn blanks(&mut self) {
        while let Some(b' ' | b'\t') = self.peek() {
            self.at += 1;
        }
        if self.raw() == Some(b'#') {
            while self.raw().is_some_and(|b| b != b'\n') {
                self.at += 1;
            }
        }
    }

    /// Skips blanks, comments and newlines; the bodies of here-documents follow a newline.
    fn newlines(&mut self) -> Result<(), Halt> {
        loop {
            self.blanks();
            if self.raw() != Some(b'\n') {
                return Ok(());
            }
            self.at += 1;
            self.bodies(false)?;
        }
    }

    fn halt<T>(&self, message: impl Into<String>) -> Result<T, Halt> {
        Err(Halt { at: self.at, message: message.into(), deep: false })
    }

    /// An error about whatever stands here.
    fn unexpected(&mut self) -> Halt {
        self.blanks();
        let rest = self.text.get(self.at..).unwrap_or("");
        let message = match rest.chars().next() {
            None => "the line ends too early".to_owned(),
            Some('\n') => "a line break is not expected here".to_owned(),
            Some(first) => {
                let token: String = match first {
                    ';' | '&' | '|' | '<' | '>' => rest.chars().take_while(|c| *c == first).take(2).collect(),
                    '(' | ')' => first.to_string(),
                    _ => rest.chars().take_while(|c| !c.is_whitespace() && !";&|<>()".contains(*c)).take(20).collect(),
                };
                format!("`{token}` is not expected here")
            }
        };
        Halt { at: self.at, message, deep: false }
    }

    /// Counts a command.
    fn count(&mut self) -> Result<(), Halt> {
        self.count += 1;
        if self.count > COMMANDS {
            return Err(Halt { at: self.at, message: format!("more than {COMMANDS} commands"), deep: true });
        }
        Ok(())
    }

    /// Goes one level deeper for `inner`.
    fn nest<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, Halt>) -> Result<T, Halt> {
        if self.depth >= DEPTH {
            let message = format!("nested deeper than {DEPTH} levels");
            return Err(Halt { at: self.at, message, deep: true });
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }
}

/// Bytes that end an unquoted word.
fn is_meta(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>')
}
