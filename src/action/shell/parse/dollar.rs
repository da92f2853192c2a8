//! What begins with `$` or a backquote, and process substitutions.
//! Knows how far an expansion reaches, not what it yields.

use super::word::{Place, push_bare, push_quoted};
use super::{Halt, Operation, Parameter, Parser, Piece};
use std::rc::Rc;

impl Parser<'_> {
    /// The cursor is on `$`.
    pub(super) fn dollar(&mut self, quoted: bool, pieces: &mut Vec<Piece>) -> Result<(), Halt> {
        let start = self.at;
        self.at += 1;
        match self.peek() {
            Some(b'(') if self.second() == Some(b'(') && self.is_arithmetic() => self.arithmetic(quoted, pieces),
            Some(b'(') => {
                self.at += 1;
                let list = self.substitution()?;
                pieces.push(Piece::Command(Rc::new(list), quoted));
                Ok(())
            }
            Some(b'{') => self.braces(start, quoted, pieces),
            Some(b'[') => {
                self.at += 1;
                let mut inner = Vec::new();
                self.nest(|parser| parser.pieces(Place::Index, &mut inner))?;
                self.at += 1;
                pieces.push(Piece::Arithmetic(inner, quoted));
                Ok(())
            }
            Some(b'\'') if !quoted => self.ansi(pieces),
            Some(b'"') if !quoted => self.double(pieces),
            Some(byte) if byte.is_ascii_alphabetic() || byte == b'_' => {
                let name = self.name();
                pieces.push(parameter(name, quoted));
                Ok(())
            }
            Some(byte) if byte.is_ascii_digit() || is_special(byte) => {
                self.at += 1;
                pieces.push(parameter(char::from(byte).to_string(), quoted));
                Ok(())
            }
            _ => {
                if quoted {
                    push_quoted(pieces, "$")
                } else {
                    push_bare(pieces, "$")
                }
                Ok(())
            }
        }
    }

    /// A name; the cursor is on its first byte.
    pub(super) fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(byte) = self.peek().filter(|b| b.is_ascii_alphanumeric() || *b == b'_') {
            name.push(char::from(byte));
            self.at += 1;
        }
        name
    }

    /// Commands up to `)`, which is consumed. Here-documents do not reach across it.
    fn substitution(&mut self) -> Result<super::List, Halt> {
        let start = self.at;
        let outer = std::mem::take(&mut self.pending);
        let list = self.nest(|parser| {
            let list = parser.list(true)?;
            parser.blanks();
            if parser.eat(b')') {
                return Ok(list);
            }
            Err(match parser.peek() {
                None => Halt { at: start.saturating_sub(1), message: "`(` has no end".to_owned(), deep: false },
                Some(_) => parser.unexpected(),
            })
        })?;
        let read = self.text.get(start..self.at).unwrap_or("");
        if !self.pending.is_empty() || (!outer.is_empty() && read.contains('\n')) {
            self.doubts.push(("a here-document that reaches across a substitution".to_owned(), start));
        }
        self.pending = outer;
        Ok(list)
    }

    /// `<(…)` or `>(…)`.
    pub(super) fn process(&mut self, pieces: &mut Vec<Piece>) -> Result<(), Halt> {
        self.at += 1;
        self.peek();
        self.at += 1;
        let list = self.substitution()?;
        pieces.push(Piece::Process(Rc::new(list)));
        Ok(())
    }

    /// Backquotes: their text loses one level of backslashes and is parsed apart.
    pub(super) fn backquoted(&mut self, quoted: bool, pieces: &mut Vec<Piece>) -> Result<(), Halt> {
        let start = self.at;
        self.at += 1;
        let mut inner = String::new();
        loop {
            match self.take() {
                None => return Err(Halt { at: start, message: "a backquote has no end".to_owned(), deep: false }),
                Some('`') => break,
                Some('\\') => match self.raw() {
                    Some(b'`' | b'\\' | b'$') => inner.extend(self.take()),
                    Some(b'"') if quoted => inner.extend(self.take()),
                    _ => inner.push('\\'),
                },
                Some(c) => inner.push(c),
            }
        }
        self.count()?;
        let parsed = self.nest(|parser| {
            let depth = parser.depth;
            let mut apart = Parser::new(&inner);
            apart.depth = depth;
            apart.extglob = parser.extglob;
            apart.count = parser.count;
            apart.whole().map_err(|halt| Halt { at: start, ..halt })
        })?;
        pieces.push(Piece::Backquoted(Rc::new(parsed), quoted));
        Ok(())
    }

    /// Whether `((` at the cursor is closed by `))` that belongs to it, as bash decides between arithmetic and
    /// a subshell in a subshell.
    pub(super) fn is_arithmetic(&self) -> bool {
        let mut bytes = self.text.as_bytes().get(self.at..).unwrap_or(&[]).iter().copied().peekable();
        let mut open = 0_usize;
        let mut quote = None;
        while let Some(byte) = bytes.next() {
            match (quote, byte) {
                (Some(b'\''), b'\'') => quote = None,
                (Some(b'\''), _) => {}
                (_, b'\\') => {
                    bytes.next();
                }
                (Some(mark), byte) if mark == byte => quote = None,
                (Some(_), _) => {}
                (None, b'\'' | b'"' | b'`') => quote = Some(byte),
                (None, b'(') => open += 1,
                (None, b')') if open == 2 => return bytes.peek() == Some(&b')'),
                (None, b')') => open = open.saturating_sub(1),
                (None, _) => {}
            }
        }
        false
    }

    /// `((…))` after an optional `$`; the cursor is on the first parenthesis.
    fn arithmetic(&mut self, quoted: bool, pieces: &mut Vec<Piece>) -> Result<(), Halt> {
        let parts = self.arithmetic_parts(0)?;
        pieces.push(Piece::Arithmetic(parts.into_iter().flatten().collect(), quoted));
        Ok(())
    }

    /// The parts between `((` and `))`, split at `;` into at most `splits + 1`.
    pub(super) fn arithmetic_parts(&mut self, splits: usize) -> Result<Vec<Vec<Piece>>, Halt> {
        let start = self.at;
        for _ in 0..2 {
            self.peek();
            self.at += 1;
        }
        self.nest(|parser| {
            let mut parts = vec![Vec::new()];
            let mut open = 0_usize;
            loop {
                let Some(byte) = parser.peek() else {
                    return Err(Halt { at: start, message: "`((` has no end".to_owned(), deep: false });
                };
                if byte == b';' && open == 0 && parts.len() <= splits {
                    parser.at += 1;
                    parts.push(Vec::new());
                    continue;
                }
                if byte == b')' && open == 0 {
                    parser.at += 1;
                    if parser.eat(b')') {
                        return Ok(parts);
                    }
                    return Err(parser.unexpected());
                }
                let Some(pieces) = parts.last_mut() else { return parser.halt("`((` has no end") };
                match byte {
                    b'$' => parser.dollar(true, pieces)?,
                    b'`' => parser.backquoted(true, pieces)?,
                    b'"' => parser.double(pieces)?,
                    _ => {
                        match byte {
                            b'(' => open += 1,
                            b')' => open -= 1,
                            _ => {}
                        }
                        let c = parser.take().unwrap_or(' ');
                        push_quoted(pieces, c.encode_utf8(&mut [0; 4]));
                    }
                }
            }
        })
    }

    /// `${…}`; the cursor is on the brace, `start` on the `$`.
    fn braces(&mut self, start: usize, quoted: bool, pieces: &mut Vec<Piece>) -> Result<(), Halt> {
        self.at += 1;
        if matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'|')) {
            // A substitution run in place, since bash 5.3.
            self.doubts.push(("`${ …; }`, which bash reads differently by version".to_owned(), start));
            self.eat(b'|');
            let list = self.nest(|parser| {
                let list = parser.list(true)?;
                parser.newlines()?;
                if parser.eat(b'}') { Ok(list) } else { Err(parser.unexpected()) }
            })?;
            pieces.push(Piece::Command(Rc::new(list), quoted));
            return Ok(());
        }
        let parameter = self.nest(|parser| {
            let parameter = parser.expansion(quoted)?;
            if parser.eat(b'}') {
                return Ok(parameter);
            }
            Err(Halt { at: start, message: "`${` has no end".to_owned(), deep: false })
        })?;
        pieces.push(Piece::Parameter(Rc::new(parameter)));
        Ok(())
    }

    /// What stands between `${` and `}`.
    fn expansion(&mut self, quoted: bool) -> Result<Parameter, Halt> {
        let mut operation = Operation::Value;
        match (self.peek(), self.second()) {
            (Some(b'#'), Some(b'}')) => {}
            (Some(b'#'), Some(next)) if next.is_ascii_alphanumeric() || next == b'_' || is_special(next) => {
                operation = Operation::Length;
                self.at += 1;
            }
            (Some(b'!'), Some(next)) if next.is_ascii_alphanumeric() || next == b'_' => {
                operation = Operation::Indirect;
                self.at += 1;
            }
            _ => {}
        }
        let name = match self.peek() {
            Some(byte) if byte.is_ascii_alphabetic() || byte == b'_' => self.name(),
            Some(byte) if byte.is_ascii_digit() => self.name(),
            Some(byte) if is_special(byte) => {
                self.at += 1;
                char::from(byte).to_string()
            }
            _ => String::new(),
        };
        let mut index = None;
        if !name.is_empty() && self.peek() == Some(b'[') {
            self.at += 1;
            let mut inner = Vec::new();
            self.pieces(Place::Index, &mut inner)?;
            self.at += 1;
            index = Some(inner);
        }
        let mut rest = Vec::new();
        if self.peek() == Some(b'}') {
            return Ok(Parameter { name, index, operation, rest, quoted });
        }
        let literal = matches!(self.peek(), Some(b'-' | b'=' | b'?' | b'+'))
            || (self.peek() == Some(b':') && matches!(self.second(), Some(b'-' | b'=' | b'?' | b'+')));
        let behind = self.operator();
        if operation == Operation::Value && !name.is_empty() {
            operation = behind;
        } else {
            operation = Operation::Other;
        }
        let place = if quoted && literal { Place::QuotedBraces } else { Place::Braces };
        self.pieces(place, &mut rest)?;
        Ok(Parameter { name, index, operation, rest, quoted })
    }

    fn operator(&mut self) -> Operation {
        let Some(byte) = self.peek() else { return Operation::Other };
        let second = self.second();
        match byte {
            b'-' | b'=' | b'?' | b'+' => {
                self.at += 1;
                Operation::Test(byte, false)
            }
            b':' => match second {
                Some(test @ (b'-' | b'=' | b'?' | b'+')) => {
                    self.at += 1;
                    self.peek();
                    self.at += 1;
                    Operation::Test(test, true)
                }
                _ => {
                    self.at += 1;
                    Operation::Slice
                }
            },
            b'#' | b'%' | b'^' | b',' => {
                self.at += 1;
                let doubled = second == Some(byte) && self.eat(byte);
                if matches!(byte, b'#' | b'%') {
                    Operation::Trim(byte, doubled)
                } else {
                    Operation::Case(byte, doubled)
                }
            }
            b'/' => {
                self.at += 1;
                Operation::Replace
            }
            b'@' => {
                self.at += 1;
                let letter = self.peek().unwrap_or(b'}');
                Operation::Transform(letter)
            }
            _ => Operation::Other,
        }
    }

    /// The whole text as commands.
    pub(super) fn whole(mut self) -> Result<super::Parsed, Halt> {
        let list = self.list(false)?;
        self.blanks();
        if self.peek().is_some() {
            return Err(self.unexpected());
        }
        self.bodies(true)?;
        Ok(super::Parsed { list, docs: self.docs, doubts: self.doubts })
    }
}

fn parameter(name: String, quoted: bool) -> Piece {
    let operation = Operation::Value;
    Piece::Parameter(Rc::new(Parameter { name, index: None, operation, rest: Vec::new(), quoted }))
}

fn is_special(byte: u8) -> bool {
    matches!(byte, b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!')
}
