//! Redis: whether its configuration and modules are protected: else a client moves its files to where they are executed,
//! or loads a library. Asks for nothing that changes anything.

use super::{Login, MOST, Unfit, Visit, Wire, broken, strange, told};
use std::io::{BufRead, BufReader, Read, Write};

pub(super) fn check(visit: &Visit, login: Option<&Login>) -> Result<(), Unfit> {
    let password = login.and_then(|login| login.password.as_deref());
    // A command need not log in: what stands open to everybody is looked at first.
    let mut talk = Talk::begin(visit)?;
    match talk.ask(&["PING"])? {
        Reply::Error(why) if password.is_some() && why.starts_with("NOAUTH") => {}
        Reply::Error(why) if !why.starts_with("NOPERM") => return Err(told(&why)),
        Reply::Error(_) | Reply::Texts(_) | Reply::Other => talk.look()?,
    }
    let Some(password) = password else { return Ok(()) };
    let mut talk = Talk::begin(visit)?;
    let user = login.and_then(|login| login.user.as_deref());
    let words: Vec<&str> = ["AUTH"].into_iter().chain(user).chain([password]).collect();
    for words in [&words[..], &["PING"]] {
        if let Reply::Error(why) = talk.ask(words)? {
            return Err(told(&why));
        }
    }
    talk.look()
}

#[derive(Debug, PartialEq, Eq)]
enum Reply {
    Error(String),
    Texts(Vec<String>),
    Other,
}

struct Talk {
    stream: BufReader<Wire>,
}

impl Talk {
    fn begin(visit: &Visit) -> Result<Self, Unfit> {
        Ok(Self { stream: BufReader::new(visit.enter()?) })
    }

    /// Looks at what is open to whoever this is by now.
    fn look(&mut self) -> Result<(), Unfit> {
        // Where it may not be asked: the folder it is in already, and a name that it would not take.
        for (name, unasked) in [("dir", "."), ("dbfilename", "guard/posture")] {
            // The value it has already.
            let value = match self.ask(&["CONFIG", "GET", name])? {
                Reply::Error(_) => unasked.to_owned(),
                Reply::Texts(texts) => texts.into_iter().nth(1).ok_or_else(strange)?,
                Reply::Other => return Err(strange()),
            };
            let set = match self.ask(&["CONFIG", "SET", name, &value])? {
                // It was tried, and only the name was wrong.
                Reply::Error(why) => why.contains("can't be a path"),
                Reply::Texts(_) | Reply::Other => true,
            };
            if set {
                let why =
                    "its `CONFIG SET dir` moves where it writes: set `enable-protected-configs no`, or rename `CONFIG`";
                return Err(Unfit::Open(why.to_owned()));
            }
        }
        match self.ask(&["MODULE", "LOAD", "/nonexistent/guard-posture"])? {
            // It was tried, and only the file was missing.
            Reply::Error(why) if why.contains("loading the extension") => {
                Err(Unfit::Open("it loads modules: set `enable-module-command no`, or rename `MODULE`".to_owned()))
            }
            Reply::Error(_) => Ok(()),
            Reply::Texts(_) | Reply::Other => Err(strange()),
        }
    }

    fn ask(&mut self, words: &[&str]) -> Result<Reply, Unfit> {
        let mut command = format!("*{}\r\n", words.len());
        for word in words {
            command += &format!("${}\r\n{word}\r\n", word.len());
        }
        self.stream.get_mut().write_all(command.as_bytes()).map_err(broken)?;
        let line = self.line()?;
        let number = |text: &str| text.parse::<usize>().ok().filter(|n| *n <= MOST).ok_or_else(strange);
        match line.split_at_checked(1) {
            Some(("-", why)) => Ok(Reply::Error(why.to_owned())),
            Some(("+" | ":", _)) => Ok(Reply::Other),
            Some(("*", count)) => {
                let mut texts = Vec::new();
                for _ in 0..number(count)?.min(64) {
                    let head = self.line()?;
                    let len = number(head.strip_prefix('$').ok_or_else(strange)?)?;
                    let mut text = vec![0; len + 2];
                    self.stream.read_exact(&mut text).map_err(broken)?;
                    text.truncate(len);
                    texts.push(String::from_utf8(text).map_err(|_| strange())?);
                }
                Ok(Reply::Texts(texts))
            }
            _ => Err(strange()),
        }
    }

    fn line(&mut self) -> Result<String, Unfit> {
        let mut line = Vec::new();
        (&mut self.stream).take(MOST as u64).read_until(b'\n', &mut line).map_err(broken)?;
        let text = line.strip_suffix(b"\r\n").ok_or_else(strange)?;
        String::from_utf8(text.to_vec()).map_err(|_| strange())
    }
}
