//! Compound commands and function definitions.
//! Knows their keywords; their lists are the grammar's.

use super::grammar::literal;
use super::word::Place;
use super::{Compound, Halt, List, Node, Parser, TestWord, Text};

impl Parser<'_> {
    /// One command of a pipeline.
    pub(super) fn command(&mut self) -> Result<Node, Halt> {
        self.blanks();
        let start = self.at;
        let keyword = self.reserved();
        match keyword.as_deref() {
            Some("function") => {
                self.skip_reserved();
                self.blanks();
                let word = self.word()?;
                let Some(name) = literal(&word).map(str::to_owned) else { return Err(self.unexpected()) };
                self.blanks();
                if self.peek() == Some(b'(') {
                    let before = self.at;
                    self.at += 1;
                    self.blanks();
                    if !self.eat(b')') {
                        self.at = before;
                    }
                }
                return self.function_body(name, start);
            }
            Some("then" | "do" | "done" | "fi" | "elif" | "else" | "esac" | "}" | "in" | "!" | "]]") => {
                return Err(self.unexpected());
            }
            _ => {}
        }
        let compound = self.nest(|parser| parser.compound(keyword.as_deref()))?;
        let Some(compound) = compound else { return self.simple() };
        let mut redirects = Vec::new();
        loop {
            self.blanks();
            match self.redirection()? {
                Some(redirection) => redirects.push(redirection),
                None => break,
            }
        }
        // A word behind a compound command is an error, unless it ends an outer one.
        self.blanks();
        if self.peek().is_some_and(|b| !super::is_meta(b)) && self.closing().is_none() {
            return Err(self.unexpected());
        }
        Ok(Node::Compound(Box::new(compound), redirects, start..self.at))
    }

    fn closing(&mut self) -> Option<String> {
        let closing = ["then", "do", "done", "fi", "elif", "else", "esac", "}"];
        self.reserved().filter(|word| closing.contains(&word.as_str()))
    }

    pub(super) fn function_body(&mut self, name: String, start: usize) -> Result<Node, Halt> {
        self.newlines()?;
        let before = self.at;
        let body = self.nest(Self::command)?;
        match body {
            Node::Compound(..) => Ok(Node::Function(name, Box::new(body), start..self.at)),
            Node::Simple(_) | Node::Function(..) => {
                self.at = before;
                Err(self.unexpected())
            }
        }
    }

    fn compound(&mut self, keyword: Option<&str>) -> Result<Option<Compound>, Halt> {
        let Some(keyword) = keyword else {
            return if self.peek() == Some(b'(') { self.parenthesis().map(Some) } else { Ok(None) };
        };
        let compound = match keyword {
            "{" => {
                self.skip_reserved();
                let list = self.body()?;
                self.expect("}")?;
                Compound::Group(list)
            }
            "if" => self.conditional()?,
            "while" | "until" => {
                self.skip_reserved();
                let condition = self.body()?;
                self.expect("do")?;
                let body = self.body()?;
                self.expect("done")?;
                Compound::While(condition, body)
            }
            "for" | "select" => self.for_loop(keyword == "for")?,
            "case" => self.case()?,
            "[[" => self.test()?,
            "coproc" => self.coprocess()?,
            _ => return Ok(None),
        };
        Ok(Some(compound))
    }

    fn parenthesis(&mut self) -> Result<Compound, Halt> {
        if self.second() == Some(b'(') && self.is_arithmetic() {
            let parts = self.arithmetic_parts(0)?;
            return Ok(Compound::Arithmetic(parts.into_iter().flatten().collect()));
        }
        self.at += 1;
        let list = self.body()?;
        self.newlines()?;
        if self.eat(b')') { Ok(Compound::Subshell(list)) } else { Err(self.unexpected()) }
    }

    fn conditional(&mut self) -> Result<Compound, Halt> {
        self.skip_reserved();
        let mut lists = vec![self.body()?];
        self.expect("then")?;
        lists.push(self.body()?);
        loop {
            self.newlines()?;
            match self.reserved().as_deref() {
                Some("elif") => {
                    self.skip_reserved();
                    lists.push(self.body()?);
                    self.expect("then")?;
                    lists.push(self.body()?);
                }
                Some("else") => {
                    self.skip_reserved();
                    lists.push(self.body()?);
                    self.expect("fi")?;
                    return Ok(Compound::If(lists));
                }
                _ => {
                    self.expect("fi")?;
                    return Ok(Compound::If(lists));
                }
            }
        }
    }

    /// `do … done`, or the older `{ … }`.
    fn do_group(&mut self) -> Result<List, Halt> {
        self.newlines()?;
        let braces = self.reserved().as_deref() == Some("{");
        let (open, close) = if braces { ("{", "}") } else { ("do", "done") };
        self.expect(open)?;
        let list = self.body()?;
        self.expect(close)?;
        Ok(list)
    }

    fn for_loop(&mut self, arithmetic: bool) -> Result<Compound, Halt> {
        self.skip_reserved();
        self.blanks();
        if arithmetic && self.peek() == Some(b'(') && self.second() == Some(b'(') {
            let parts = self.arithmetic_parts(2)?;
            self.blanks();
            self.eat(b';');
            return Ok(Compound::ArithmeticFor(parts, self.do_group()?));
        }
        let word = self.word()?;
        let Some(name) = literal(&word).map(str::to_owned) else { return Err(self.unexpected()) };
        self.blanks();
        let mut words = None;
        if self.eat(b';') {
            return Ok(Compound::For(name, words, self.do_group()?));
        }
        self.newlines()?;
        if self.reserved().as_deref() == Some("in") {
            self.skip_reserved();
            let mut list = Vec::new();
            loop {
                self.blanks();
                let process = matches!(self.peek(), Some(b'<' | b'>')) && self.second() == Some(b'(');
                match self.peek() {
                    Some(b';' | b'\n') => {
                        self.eat(b';');
                        break;
                    }
                    Some(byte) if !super::is_meta(byte) || process => list.push(self.word()?),
                    _ => return Err(self.unexpected()),
                }
            }
            words = Some(list);
        }
        Ok(Compound::For(name, words, self.do_group()?))
    }

    fn case(&mut self) -> Result<Compound, Halt> {
        self.skip_reserved();
        self.blanks();
        let subject = self.word()?;
        if subject.pieces.is_empty() {
            return Err(self.unexpected());
        }
        self.expect("in")?;
        let mut arms = Vec::new();
        loop {
            self.newlines()?;
            let parenthesis = self.peek() == Some(b'(');
            if !parenthesis && self.reserved().as_deref() == Some("esac") {
                self.skip_reserved();
                return Ok(Compound::Case(subject, arms));
            }
            self.eat(b'(');
            let mut patterns = Vec::new();
            loop {
                self.blanks();
                let pattern = self.word()?;
                if pattern.pieces.is_empty() {
                    return Err(self.unexpected());
                }
                patterns.push(pattern);
                self.blanks();
                if self.eat(b')') {
                    break;
                }
                if !self.eat(b'|') {
                    return Err(self.unexpected());
                }
            }
            let list = self.list(true)?;
            arms.push((patterns, list));
            self.newlines()?;
            if self.peek() == Some(b';') && matches!(self.second(), Some(b';' | b'&')) {
                self.at += 1;
                let doubled = self.eat(b';');
                let fall = self.peek() == Some(b'&');
                if fall || !doubled {
                    self.eat(b'&');
                }
                continue;
            }
            self.expect("esac")?;
            return Ok(Compound::Case(subject, arms));
        }
    }

    fn test(&mut self) -> Result<Compound, Halt> {
        self.skip_reserved();
        let mut words: Vec<TestWord> = Vec::new();
        let mut open = 0_usize;
        let mut operand = false;
        loop {
            self.newlines()?;
            let (byte, second) = (self.peek(), self.second());
            match (byte, second) {
                (None, _) => return self.halt("`[[` has no end"),
                (Some(b'('), _) => {
                    open += 1;
                    self.at += 1;
                    operand = false;
                }
                (Some(b')'), _) if open > 0 && operand => {
                    open -= 1;
                    self.at += 1;
                }
                (Some(b'&'), Some(b'&')) | (Some(b'|'), Some(b'|')) if operand => {
                    self.at += 1;
                    self.peek();
                    self.at += 1;
                    operand = false;
                }
                (Some(b'<' | b'>'), next) if next != Some(b'(') && operand => self.at += 1,
                (Some(b';' | b'&' | b'|' | b')'), _) => return Err(self.unexpected()),
                _ => {
                    let regex = matches!(words.last(), Some(last) if literal(&last.text) == Some("=~"));
                    let text = if regex { self.regex()? } else { self.word()? };
                    if text.pieces.is_empty() {
                        return Err(self.unexpected());
                    }
                    if literal(&text) == Some("]]") && !regex {
                        if open > 0 || !operand {
                            return self.halt("`]]` is not expected here");
                        }
                        return Ok(Compound::Test(words));
                    }
                    operand = operand || literal(&text) != Some("!");
                    push_test_word(&mut words, text);
                }
            }
        }
    }

    fn regex(&mut self) -> Result<Text, Halt> {
        let start = self.at;
        let mut pieces = Vec::new();
        self.pieces(Place::Regex, &mut pieces)?;
        Ok(Text { pieces, span: start..self.at })
    }

    fn coprocess(&mut self) -> Result<Compound, Halt> {
        self.skip_reserved();
        self.blanks();
        let mut name = None;
        let start = self.at;
        if self.reserved().is_none() && self.peek() != Some(b'(') {
            let word = self.word()?;
            self.blanks();
            let behind = self.reserved();
            let compound = behind.is_some_and(|word| !["!", "time", "in"].contains(&word.as_str()));
            if compound || self.peek() == Some(b'(') {
                name = literal(&word).map(str::to_owned);
            } else {
                self.at = start;
            }
        }
        let node = self.nest(Self::command)?;
        Ok(Compound::Coprocess(name, node))
    }
}

/// Notes a word of `[[ … ]]` and which of its neighbours are evaluated.
fn push_test_word(words: &mut Vec<TestWord>, text: Text) {
    const NUMERIC: &[&str] = &["-eq", "-ne", "-lt", "-le", "-gt", "-ge"];
    let before = words.last().and_then(|last| literal(&last.text)).unwrap_or("");
    let arithmetic = NUMERIC.contains(&before) || matches!(before, "-v" | "-R");
    if literal(&text).is_some_and(|operator| NUMERIC.contains(&operator))
        && let Some(last) = words.last_mut()
    {
        last.arithmetic = true;
    }
    words.push(TestWord { text, arithmetic });
}
