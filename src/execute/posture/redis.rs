//! Redis: whether its configuration and modules are protected: else a client moves its files to where they are executed,
//! or loads a library. Asks for nothing that changes anything.

use super::{Login, MOST, Unfit, broken, strange};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

pub(super) fn check(stream: TcpStream, login: Option<&Login>) -> Result<(), Unfit> {
    let mut talk = Talk { stream: BufReader::new(stream) };
    if let Some(password) = login.and_then(|login| login.password.as_deref()) {
        let user = login.and_then(|login| login.user.as_deref());
        let words: Vec<&str> = ["AUTH"].into_iter().chain(user).chain([password]).collect();
        if let Reply::Error(why) = talk.ask(&words)? {
            return Err(Unfit::Unknown(why));
        }
    }
    if let Reply::Error(why) = talk.ask(&["PING"])? {
        return Err(Unfit::Unknown(why));
    }
    for name in ["dir", "dbfilename"] {
        // The value it has already.
        let value = match talk.ask(&["CONFIG", "GET", name])? {
            Reply::Error(_) => continue,
            Reply::Texts(texts) => texts.into_iter().nth(1).ok_or_else(strange)?,
            Reply::Other => return Err(strange()),
        };
        match talk.ask(&["CONFIG", "SET", name, &value])? {
            Reply::Error(_) => {}
            Reply::Texts(_) | Reply::Other => {
                let why =
                    "its `CONFIG SET dir` moves where it writes: set `enable-protected-configs no`, or rename `CONFIG`";
                return Err(Unfit::Open(why.to_owned()));
            }
        }
    }
    match talk.ask(&["MODULE", "LOAD", "/nonexistent/guard-posture"])? {
        // It was tried, and only the file was missing.
        Reply::Error(why) if why.contains("loading the extension") => {
            Err(Unfit::Open("it loads modules: set `enable-module-command no`, or rename `MODULE`".to_owned()))
        }
        Reply::Error(_) => Ok(()),
        Reply::Texts(_) | Reply::Other => Err(strange()),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Reply {
    Error(String),
    Texts(Vec<String>),
    Other,
}

struct Talk {
    stream: BufReader<TcpStream>,
}

impl Talk {
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
