//! Words: quotes, escapes and the text between expansions.
//! Knows where a word ends; leaves what begins with `$` to its neighbour.

use super::{Halt, Parser, Piece, Text, is_meta};

/// Where a word stands, which decides what ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Among the words of a command.
    Command,
    /// Behind `=~`, where parentheses and `|` are part of it.
    Regex,
    /// Behind the operator of `${…}`: ends with `}`.
    Braces,
    /// The same within double quotes, where single quotes quote nothing.
    QuotedBraces,
    /// Within `[…]` of an array element.
    Index,
}

impl Parser<'_> {
    /// A word of a command; the caller has skipped blanks. May be empty.
    pub(super) fn word(&mut self) -> Result<Text, Halt> {
        self.peek();
        let start = self.at;
        let mut pieces = Vec::new();
        self.pieces(Place::Command, &mut pieces)?;
        Ok(Text { pieces, span: start..self.at })
    }

    /// Reads pieces up to what ends the place, which is not consumed.
    pub(super) fn pieces(&mut self, place: Place, pieces: &mut Vec<Piece>) -> Result<(), Halt> {
        let quoted = place == Place::QuotedBraces;
        let mut open = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'\\' => self.backslash(quoted, pieces),
                b'\'' if !quoted => self.single(pieces)?,
                b'"' => self.double(pieces)?,
                b'$' => self.dollar(quoted, pieces)?,
                b'`' => self.backquoted(quoted, pieces)?,
                b'<' | b'>' if place == Place::Command && self.second() == Some(b'(') => self.process(pieces)?,
                b'?' | b'*' | b'+' | b'@' | b'!'
                    if self.extglob && matches!(place, Place::Command) && self.second() == Some(b'(') =>
                {
                    self.extended_glob(pieces)?;
                }
                _ => {
                    match (place, byte) {
                        (Place::Command, _) if is_meta(byte) => return Ok(()),
                        (Place::Regex, b'(') => open += 1,
                        (Place::Regex, b')') if open == 0 => return Ok(()),
                        (Place::Regex, b')') => open -= 1,
                        (Place::Regex, b' ' | b'\t' | b'\n') if open == 0 => return Ok(()),
                        (Place::Regex, b'&') if open == 0 => return Ok(()),
                        (Place::Regex, b'|') if open == 0 && self.second() == Some(b'|') => return Ok(()),
                        (Place::Braces | Place::QuotedBraces, b'}') => return Ok(()),
                        (Place::Index, b'[') => open += 1,
                        (Place::Index, b']') if open == 0 => return Ok(()),
                        (Place::Index, b']') => open -= 1,
                        _ => {}
                    }
                    self.plain(quoted, pieces);
                }
            }
        }
        match place {
            Place::Command | Place::Regex => Ok(()),
            Place::Braces | Place::QuotedBraces => self.halt("`${` has no end"),
            Place::Index => self.halt("`[` has no end"),
        }
    }

    /// One character that stands for itself, and those like it that follow.
    fn plain(&mut self, quoted: bool, pieces: &mut Vec<Piece>) {
        let start = self.at;
        if self.take().is_none() {
            return;
        }
        while self.raw().is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/' | b'=')) {
            self.at += 1;
        }
        let text = self.text.get(start..self.at).unwrap_or("");
        if quoted { push_quoted(pieces, text) } else { push_bare(pieces, text) }
    }

    fn backslash(&mut self, quoted: bool, pieces: &mut Vec<Piece>) {
        self.at += 1;
        match self.raw() {
            Some(byte) if quoted && !matches!(byte, b'$' | b'`' | b'"' | b'\\' | b'}') => push_quoted(pieces, "\\"),
            Some(_) => {
                let mut buffer = [0; 4];
                let c = self.take().unwrap_or('\\');
                push_quoted(pieces, c.encode_utf8(&mut buffer));
            }
            None => push_quoted(pieces, "\\"),
        }
    }

    fn single(&mut self, pieces: &mut Vec<Piece>) -> Result<(), Halt> {
        let rest = self.text.get(self.at + 1..).unwrap_or("");
        let Some(end) = rest.find('\'') else { return self.halt("`'` has no end") };
        push_quoted(pieces, rest.get(..end).unwrap_or(""));
        self.at += end + 2;
        Ok(())
    }

    /// `"…"`, the cursor on the opening quote.
    pub(super) fn double(&mut self, pieces: &mut Vec<Piece>) -> Result<(), Halt> {
        let start = self.at;
        self.at += 1;
        push_quoted(pieces, "");
        self.nest(|parser| {
            loop {
                let run = parser.at;
                while parser.raw().is_some_and(|b| !matches!(b, b'"' | b'\\' | b'$' | b'`')) {
                    parser.at += 1;
                }
                if run < parser.at {
                    push_quoted(pieces, parser.text.get(run..parser.at).unwrap_or(""));
                }
                match parser.raw() {
                    None => {
                        return Err(Halt { at: start, message: "`\"` has no end".to_owned(), deep: false });
                    }
                    Some(b'"') => {
                        parser.at += 1;
                        return Ok(());
                    }
                    Some(b'\\') => parser.double_backslash(true, pieces),
                    Some(b'$') => parser.dollar(true, pieces)?,
                    Some(_) => parser.backquoted(true, pieces)?,
                }
            }
        })
    }

    /// A backslash in double quotes or (`quote` false) in a here-document.
    fn double_backslash(&mut self, quote: bool, pieces: &mut Vec<Piece>) {
        self.at += 1;
        match self.raw() {
            Some(b'\n') => self.at += 1,
            Some(byte @ (b'$' | b'`' | b'\\')) => {
                self.at += 1;
                push_quoted(pieces, char::from(byte).encode_utf8(&mut [0; 4]));
            }
            Some(b'"') if quote => {
                self.at += 1;
                push_quoted(pieces, "\"");
            }
            _ => push_quoted(pieces, "\\"),
        }
    }

    /// The whole text as the body of a here-document that is expanded.
    pub(super) fn body_pieces(&mut self) -> Result<Vec<Piece>, Halt> {
        let mut pieces = vec![Piece::Quoted(String::new())];
        loop {
            let run = self.at;
            while self.raw().is_some_and(|b| !matches!(b, b'\\' | b'$' | b'`')) {
                self.at += 1;
            }
            push_quoted(&mut pieces, self.text.get(run..self.at).unwrap_or(""));
            match self.raw() {
                None => return Ok(pieces),
                Some(b'\\') => self.double_backslash(false, &mut pieces),
                Some(b'$') => self.dollar(true, &mut pieces)?,
                Some(_) => self.backquoted(true, &mut pieces)?,
            }
        }
    }

    /// `@(a|b)`: kept as a pattern whose parts may hold expansions.
    fn extended_glob(&mut self, pieces: &mut Vec<Piece>) -> Result<(), Halt> {
        self.doubts.push(("an extended pattern".to_owned(), self.at));
        self.plain(false, pieces);
        self.nest(|parser| {
            parser.plain(false, pieces);
            let mut open = 1_usize;
            loop {
                match parser.peek() {
                    None => return parser.halt("`(` of a pattern has no end"),
                    Some(b'\\') => parser.backslash(false, pieces),
                    Some(b'\'') => parser.single(pieces)?,
                    Some(b'"') => parser.double(pieces)?,
                    Some(b'$') => parser.dollar(false, pieces)?,
                    Some(b'`') => parser.backquoted(false, pieces)?,
                    Some(byte) => {
                        match byte {
                            b'(' => open += 1,
                            b')' => open -= 1,
                            _ => {}
                        }
                        parser.plain(false, pieces);
                        if open == 0 {
                            return Ok(());
                        }
                    }
                }
            }
        })
    }

    /// `$'…'`, the cursor on the quote.
    pub(super) fn ansi(&mut self, pieces: &mut Vec<Piece>) -> Result<(), Halt> {
        let start = self.at;
        self.at += 1;
        let mut bytes = Vec::new();
        // bash cuts the string at a NUL.
        let mut cut = false;
        loop {
            let Some(c) = self.take() else {
                return Err(Halt { at: start, message: "`$'` has no end".to_owned(), deep: false });
            };
            let before = bytes.len();
            match c {
                '\'' => break,
                '\\' => self.ansi_escape(&mut bytes, &mut cut),
                c => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
            if cut {
                bytes.truncate(before);
            }
        }
        match String::from_utf8(bytes) {
            Ok(text) => push_quoted(pieces, &text),
            Err(error) => {
                self.doubts.push(("text that is not UTF-8".to_owned(), start));
                push_quoted(pieces, &String::from_utf8_lossy(error.as_bytes()));
            }
        }
        Ok(())
    }

    fn ansi_escape(&mut self, bytes: &mut Vec<u8>, cut: &mut bool) {
        let Some(c) = self.take() else { return };
        let code = match c {
            'a' => 7,
            'b' => 8,
            'e' | 'E' => 27,
            'f' => 12,
            'n' => 10,
            'r' => 13,
            't' => 9,
            'v' => 11,
            '\\' | '\'' | '"' | '?' => c as u32,
            '0'..='7' => {
                self.at -= 1;
                self.digits(8, 3).unwrap_or(0) & 0xff
            }
            'x' => match self.digits(16, 2) {
                Some(code) => code,
                None => return bytes.extend_from_slice(b"\\x"),
            },
            'u' | 'U' => {
                let code = self.digits(16, if c == 'u' { 4 } else { 8 });
                let Some(code) = code else { return bytes.extend_from_slice(&[b'\\', c as u8]) };
                if code != 0 {
                    let c = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
                    return bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
                0
            }
            'c' => self.take().map_or(0, |c| c as u32 & 0x1f),
            c => {
                bytes.push(b'\\');
                return bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        };
        match u8::try_from(code) {
            Ok(0) | Err(_) => *cut = true,
            Ok(byte) => bytes.push(byte),
        }
    }

    fn digits(&mut self, radix: u32, most: usize) -> Option<u32> {
        let mut value = None;
        for _ in 0..most {
            let Some(digit) = self.raw().and_then(|b| char::from(b).to_digit(radix)) else { break };
            self.at += 1;
            value = Some(value.unwrap_or(0_u32).wrapping_mul(radix).wrapping_add(digit));
        }
        value
    }
}

pub(super) fn push_bare(pieces: &mut Vec<Piece>, text: &str) {
    if let Some(Piece::Bare(last)) = pieces.last_mut() {
        last.push_str(text);
    } else {
        pieces.push(Piece::Bare(text.to_owned()));
    }
}

pub(super) fn push_quoted(pieces: &mut Vec<Piece>, text: &str) {
    if let Some(Piece::Quoted(last)) = pieces.last_mut() {
        last.push_str(text);
    } else {
        pieces.push(Piece::Quoted(text.to_owned()));
    }
}
