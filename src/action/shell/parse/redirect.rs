//! Redirections and the bodies of here-documents.
//! Knows where a body stands in the text, not who reads it.

use super::{Doc, Halt, Operator, Parser, Piece, Redirection, Source, Text};

impl Parser<'_> {
    /// A redirection, if one begins here: `>`, `2>`, `{name}>`, `&>`.
    pub(super) fn redirection(&mut self) -> Result<Option<Redirection>, Halt> {
        self.peek();
        let rest = self.text.get(self.at..).unwrap_or("");
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let mut skip = digits;
        let mut variable = None;
        if let Some((name, _)) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            let is_name = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'[' | b']'));
            if is_name && !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) {
                variable = Some(name.to_owned());
                skip = name.len() + 2;
            }
        }
        let tail = rest.get(skip..).unwrap_or("");
        let both = skip == 0 && tail.starts_with("&>");
        if !both && !tail.starts_with(['<', '>']) {
            return Ok(None);
        }
        if tail.starts_with("<(") || tail.starts_with(">(") {
            return Ok(None);
        }
        let fd = rest.get(..digits).filter(|d| !d.is_empty()).map(|d| d.parse().unwrap_or(u32::MAX));
        self.at += skip;
        let (operator, tabs) = self.redirection_operator();
        self.blanks();
        let start = self.at;
        let target = self.word()?;
        if target.span.is_empty() || target.pieces.is_empty() {
            self.at = start;
            return Err(self.unexpected());
        }
        let source = if operator == Operator::HereDocument {
            Source::Document(self.document(&target, tabs))
        } else {
            Source::Word(target)
        };
        Ok(Some(Redirection { fd, variable, operator, source }))
    }

    fn redirection_operator(&mut self) -> (Operator, bool) {
        let first = self.peek();
        self.at += 1;
        let mut tabs = false;
        let operator = match first {
            Some(b'&') => {
                self.eat(b'>');
                self.eat(b'>');
                Operator::Both
            }
            Some(b'<') if self.eat(b'<') => {
                if self.eat(b'<') {
                    Operator::HereString
                } else {
                    tabs = self.eat(b'-');
                    Operator::HereDocument
                }
            }
            Some(b'<') if self.eat(b'&') => Operator::DuplicateIn,
            Some(b'<') if self.eat(b'>') => Operator::ReadWrite,
            Some(b'<') => Operator::Read,
            _ if self.eat(b'&') => Operator::DuplicateOut,
            _ => {
                let _appended_or_clobbered = self.eat(b'>') || self.eat(b'|');
                Operator::Write
            }
        };
        (operator, tabs)
    }

    /// Notes a here-document whose body is to follow.
    fn document(&mut self, delimiter: &Text, tabs: bool) -> usize {
        let mut end = String::new();
        let mut quoted = false;
        for piece in &delimiter.pieces {
            match piece {
                Piece::Bare(text) => end.push_str(text),
                Piece::Quoted(text) => {
                    quoted = true;
                    end.push_str(text);
                }
                Piece::Parameter(_)
                | Piece::Command(..)
                | Piece::Backquoted(..)
                | Piece::Process(_)
                | Piece::Arithmetic(..) => {
                    // bash takes such a delimiter as it is written.
                    let written = self.text.get(delimiter.span.clone()).unwrap_or("");
                    self.doubts.push(("an expansion as the end of a here-document".to_owned(), delimiter.span.start));
                    end = written.to_owned();
                    break;
                }
            }
        }
        let index = self.docs.len();
        self.pending.push(index);
        self.docs.push(Doc { end, quoted, tabs, body: None });
        self.first_doc + index
    }

    /// Reads the bodies that are due; the cursor is behind a newline, or at the end of the text (`ended`).
    pub(super) fn bodies(&mut self, ended: bool) -> Result<(), Halt> {
        for index in std::mem::take(&mut self.pending) {
            let Some(doc) = self.docs.get(index) else { continue };
            let (end, quoted, tabs) = (doc.end.clone(), doc.quoted, doc.tabs);
            let start = self.at;
            let body = if ended { String::new() } else { self.lines(&end, quoted, tabs) };
            let pieces = if quoted {
                vec![Piece::Quoted(body)]
            } else {
                self.nest(|parser| {
                    let mut apart = Parser::new(&body);
                    (apart.depth, apart.first_doc) = (parser.depth, parser.first_doc + parser.docs.len());
                    let pieces = apart.body_pieces();
                    parser.doubts.extend(apart.doubts.into_iter().map(|(message, _)| (message, start)));
                    parser.docs.extend(apart.docs);
                    pieces.map_err(|halt| Halt { at: start, ..halt })
                })?
            };
            if let Some(doc) = self.docs.get_mut(index) {
                doc.body = Some(pieces);
            }
        }
        Ok(())
    }

    /// The lines up to `end`, which is consumed with them.
    fn lines(&mut self, end: &str, quoted: bool, tabs: bool) -> String {
        let mut body = String::new();
        loop {
            let rest = self.text.get(self.at..).unwrap_or("");
            if rest.is_empty() {
                return body;
            }
            let mut line = String::new();
            // Where text is expanded, a continued line is one line also for finding the end.
            loop {
                let rest = self.text.get(self.at..).unwrap_or("");
                let length = rest.find('\n').map_or(rest.len(), |at| at + 1);
                let part = rest.get(..length).unwrap_or("");
                self.at += length;
                let part = if tabs && line.is_empty() { part.trim_start_matches('\t') } else { part };
                let slashes = part.trim_end_matches('\n').bytes().rev().take_while(|b| *b == b'\\').count();
                let continued = !quoted && part.ends_with('\n') && slashes % 2 == 1;
                if !continued {
                    line.push_str(part);
                    break;
                }
                line.push_str(part.strip_suffix("\\\n").unwrap_or(part));
            }
            if line.strip_suffix('\n').unwrap_or(&line) == end {
                return body;
            }
            body.push_str(&line);
        }
    }
}
