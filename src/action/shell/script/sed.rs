//! Scripts of sed, command by command, as GNU sed 4.9 reads them.
//! Knows what each command takes; nothing of regular expressions.

use super::Deed;
use std::iter::Peekable;
use std::str::Chars;

/// What a script does. The error says what is not clear.
pub(super) fn read(script: &str) -> Result<Vec<Deed>, String> {
    let mut script = Script { rest: script.chars().peekable(), deeds: Vec::new() };
    while script.command()? {}
    Ok(script.deeds)
}

struct Script<'s> {
    rest: Peekable<Chars<'s>>,
    deeds: Vec<Deed>,
}

impl Script<'_> {
    /// Reads one command; false at the end.
    fn command(&mut self) -> Result<bool, String> {
        self.skip(|c| c.is_whitespace() || c == ';');
        if self.rest.peek().is_none() {
            return Ok(false);
        }
        if self.address()? {
            self.skip(char::is_whitespace);
            if self.rest.next_if_eq(&',').is_some() {
                self.skip(char::is_whitespace);
                self.rest.next_if(|c| matches!(c, '+' | '~'));
                if !self.address()? {
                    return Err("an address that guard does not know".to_owned());
                }
            }
        }
        self.skip(|c| c.is_whitespace() || c == '!');
        let Some(name) = self.rest.next() else { return Err("an address without a command".to_owned()) };
        match name {
            '{' | '}' => return Ok(true),
            '#' => {
                self.line();
                return Ok(true);
            }
            '=' | 'd' | 'D' | 'g' | 'G' | 'h' | 'H' | 'n' | 'N' | 'p' | 'P' | 'x' | 'z' | 'F' => {}
            'l' | 'L' | 'q' | 'Q' => self.skip(|c| c == ' ' || c.is_ascii_digit()),
            'a' | 'i' | 'c' => {
                self.text();
                return Ok(true);
            }
            ':' | 'b' | 't' | 'T' | 'v' => self.skip(|c| !matches!(c, ';' | '\n' | '}')),
            'r' | 'R' => {
                let file = self.line();
                self.deeds.push(Deed::Reads(file));
                return Ok(true);
            }
            'w' | 'W' => {
                let file = self.line();
                self.deeds.push(Deed::Writes(file));
                return Ok(true);
            }
            'e' => {
                let text = self.line();
                if text.is_empty() {
                    return Err("`e` runs the text it works on".to_owned());
                }
                self.deeds.push(Deed::Runs(text, false));
                return Ok(true);
            }
            's' => {
                if self.substitute()? {
                    return Ok(true);
                }
            }
            'y' => {
                let mark = self.mark()?;
                self.part(mark)?;
                self.part(mark)?;
            }
            other => return Err(format!("a command `{other}` that guard does not know")),
        }
        self.skip(|c| c == ' ' || c == '\t' || c == '\r');
        match self.rest.peek() {
            None | Some(';' | '\n' | '}' | '#') => Ok(true),
            Some(other) => Err(format!("`{other}` behind a command")),
        }
    }

    /// Whether an address stands here; it is consumed.
    fn address(&mut self) -> Result<bool, String> {
        let Some(first) = self.rest.peek().copied() else { return Ok(false) };
        match first {
            '$' => {
                self.rest.next();
            }
            '0'..='9' => self.skip(|c| c.is_ascii_digit() || c == '~'),
            '/' | '\\' => {
                self.rest.next();
                let mark = if first == '\\' { self.mark()? } else { '/' };
                self.part(mark)?;
                self.skip(|c| matches!(c, 'I' | 'M'));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Reads what follows `s`; whether its flags took the rest of the line.
    fn substitute(&mut self) -> Result<bool, String> {
        let mark = self.mark()?;
        self.part(mark)?;
        self.part(mark)?;
        while let Some(flag) = self.rest.peek().copied() {
            match flag {
                'g' | 'p' | 'i' | 'I' | 'm' | 'M' | '0'..='9' => {
                    self.rest.next();
                }
                'e' => return Err("its flag `e` runs what it makes".to_owned()),
                'w' => {
                    self.rest.next();
                    let file = self.line();
                    self.deeds.push(Deed::Writes(file));
                    return Ok(true);
                }
                _ => break,
            }
        }
        Ok(false)
    }

    fn mark(&mut self) -> Result<char, String> {
        self.rest.next().filter(|c| !matches!(c, '\n' | '\\')).ok_or_else(|| "it ends too early".to_owned())
    }

    /// Skips to behind the next `mark` without a backslash before it.
    fn part(&mut self, mark: char) -> Result<(), String> {
        while let Some(c) = self.rest.next() {
            if c == mark {
                return Ok(());
            }
            if c == '\\' {
                self.rest.next();
            }
        }
        Err("it ends too early".to_owned())
    }

    /// The text of `a`, `i`, `c`: to the end of the line that no backslash continues.
    fn text(&mut self) {
        while let Some(c) = self.rest.next() {
            match c {
                '\\' => {
                    self.rest.next();
                }
                '\n' => return,
                _ => {}
            }
        }
    }

    /// The rest of the line, without blanks before it.
    fn line(&mut self) -> String {
        self.skip(|c| c == ' ' || c == '\t');
        let mut line = String::new();
        while let Some(c) = self.rest.next_if(|c| *c != '\n') {
            line.push(c);
        }
        line
    }

    fn skip(&mut self, is: impl Fn(char) -> bool) {
        while self.rest.next_if(|c| is(*c)).is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_that_only_change_text_do_nothing_else() {
        for script in [
            "1,20p",
            "s/a/b/g",
            "s|/usr|/opt|2p;s,x,we,",
            "/start/,/end/d",
            "$!N;P;D",
            "0~3d",
            "/x/I,+3{s/e/w/;p}",
            ":a;N;$!ba;s/\\n/ /g",
            "y/abc/xyz/",
            "1i\\\nw file\\\ne id",
            "a w file; e id",
            "# w file\np",
            "\\,re,d",
            "s/[^;]*e/x/;q5",
            "/a\\/b/!d",
            "1{p}",
            "",
            "  2 q ",
        ] {
            assert_eq!((script, read(script)), (script, Ok(vec![])));
        }
    }

    #[test]
    fn files_and_commands_are_found_in_every_spelling() {
        // GNU sed's manual: the rest of the line is the file's name, with or without a blank.
        let writes = |file: &str| Deed::Writes(file.to_owned());
        let table = [
            ("w out", writes("out")),
            ("wout", writes("out")),
            ("W /etc/x", writes("/etc/x")),
            ("$w out;p", writes("out;p")),
            ("s/a/b/w out", writes("out")),
            ("s/a/b/gpwout", writes("out")),
            ("s,a,b,w /etc/cron.d/x", writes("/etc/cron.d/x")),
            ("/x/{p;w out\n}", writes("out")),
            ("r /etc/shadow", Deed::Reads("/etc/shadow".to_owned())),
            ("1R x", Deed::Reads("x".to_owned())),
            ("1e id", Deed::Runs("id".to_owned(), false)),
            ("1!{ e rm -rf /\n}", Deed::Runs("rm -rf /".to_owned(), false)),
            ("p;erm x", Deed::Runs("rm x".to_owned(), false)),
        ];
        for (script, deed) in table {
            assert_eq!((script, read(script)), (script, Ok(vec![deed])));
        }
    }

    #[test]
    fn what_is_not_clear_is_said() {
        for script in ["e", "1e", "s/a/b/e", "s/a/b/ge", "s/a/b", "1,p x", "k", "p p", "s/a/b/k", "1,", "\\"] {
            assert!(read(script).is_err(), "{script}");
        }
    }
}
