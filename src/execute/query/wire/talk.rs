//! A conversation: messages out, messages in, each within bounds and within its time.

use super::said;
use super::stream::{Route, Stream};
use super::watch::Watch;
use crate::action::query::Engine;
use crate::execute::query::{Cause, Failed};
use bytes::{BufMut, BytesMut};
use postgres_protocol::IsNull;
use postgres_protocol::message::backend::{DATA_ROW_TAG, Header, Message};
use postgres_protocol::message::frontend;
use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

/// Bytes of the longest message but a row.
const MESSAGE: usize = 4 << 20;
/// Bytes of the longest row.
pub(super) const ROW: usize = 16 << 20;
/// Bytes that are read at once.
const CHUNK: usize = 128 << 10;
/// Bytes of all rows of an answer that is kept whole.
const KEPT: usize = 32 << 20;

/// Settings that are kept of those that a server tells of.
const TOLD: usize = 64;

/// A question of guard's own, with what stands in its `$1`, `$2`, …
pub(crate) struct Ask<'a> {
    /// One statement.
    pub(crate) sql: &'a str,
    /// Its parameters.
    pub(crate) given: &'a [Option<String>],
}

/// The rows of an answer, as text.
pub(crate) type Rows = Vec<Vec<Option<String>>>;

/// A conversation with a server.
pub(crate) struct Talk {
    pub(super) engine: Engine,
    stream: Stream,
    input: BytesMut,
    scratch: Box<[u8]>,
    pub(super) out: BytesMut,
    pub(super) watch: Watch,
    pub(super) key: Option<(i32, i32)>,
    /// Whether the last statement left a transaction open.
    open: bool,
    /// Whether nothing more can be said or heard.
    broken: bool,
    /// Settings that the server told of which change what a statement means; of no weight before they were set.
    settled: bool,
    /// Settings that the server told of.
    told: Vec<(String, String)>,
    time: Duration,
}

impl Talk {
    /// Connects. All that comes until the login is over has to come until then.
    ///
    /// # Errors
    /// [`Cause::Down`], [`Cause::Auth`], [`Cause::Strange`].
    pub(crate) fn begin(route: &Route, until: Instant) -> Result<Self, Failed> {
        let stream = Stream::open(route, until)?;
        let watch = Watch::new(stream.raw(), route, until)
            .map_err(|error| Failed::new(route.engine, Cause::Other, format!("cannot start a timer: {error}")))?;
        Ok(Self {
            engine: route.engine,
            stream,
            input: BytesMut::new(),
            scratch: vec![0; CHUNK].into_boxed_slice(),
            out: BytesMut::new(),
            watch,
            key: None,
            open: false,
            broken: false,
            settled: false,
            told: Vec::new(),
            time: Duration::from_secs(30),
        })
    }

    /// How long an answer may take from now on.
    pub(crate) fn patience(&mut self, time: Duration) {
        self.time = time;
    }

    /// From now on the server must not say that it reads strings or bytes otherwise.
    pub(crate) fn settle(&mut self) {
        self.settled = true;
    }

    /// Whether a transaction is open.
    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.stream.is_encrypted()
    }

    /// Sends what was put together; an answer may take as long as is allowed, and is then given up by the server.
    pub(super) fn send(&mut self) -> Result<(), Failed> {
        self.watch.until(Instant::now() + self.time, self.key);
        self.flush()
    }

    pub(super) fn flush(&mut self) -> Result<(), Failed> {
        if self.broken {
            return Err(self.failed(Cause::Lost, "it was broken off before"));
        }
        let sent = self.stream.write_all(&self.out).and_then(|()| self.stream.flush());
        self.out.clear();
        let Err(error) = sent else { return Ok(()) };
        // It may have said why before it hung up.
        match self.next() {
            Err(failed) if failed.code.is_some() => {
                let _broken = self.lost(&error);
                Err(failed)
            }
            Ok(_) | Err(_) => Err(self.lost(&error)),
        }
    }

    /// The next message. What is said beside the answer is left out.
    #[expect(clippy::wildcard_enum_match_arm, reason = "any other message is the answer")]
    pub(super) fn next(&mut self) -> Result<Message, Failed> {
        loop {
            match self.whole()? {
                Message::NoticeResponse(_) => {}
                Message::ParameterStatus(told) => {
                    let (Ok(name), Ok(value)) = (told.name(), told.value()) else { return Err(self.strange()) };
                    if !self.settled && self.told.len() < TOLD {
                        self.told.push((name.to_owned(), value.to_owned()));
                    }
                    let fits = match name {
                        "client_encoding" => value.eq_ignore_ascii_case("UTF8"),
                        "standard_conforming_strings" => !self.settled || value == "on",
                        _ => true,
                    };
                    if !fits {
                        let what = format!("its `{name}` is `{}`", crate::event::line::brief(value));
                        return Err(self.broke(Cause::Strange, what));
                    }
                }
                Message::ErrorResponse(body) => return Err(said::failed(self.engine, body.fields())),
                Message::ReadyForQuery(ready) => {
                    self.watch.rest();
                    self.open = match ready.status() {
                        b'I' => false,
                        b'T' | b'E' => true,
                        _ => return Err(self.strange()),
                    };
                    return Ok(Message::ReadyForQuery(ready));
                }
                message => return Ok(message),
            }
        }
    }

    /// A message, however many bytes come at once.
    fn whole(&mut self) -> Result<Message, Failed> {
        loop {
            match Header::parse(&self.input) {
                Ok(None) => {}
                Ok(Some(header)) => {
                    let len = usize::try_from(header.len()).unwrap_or(usize::MAX);
                    if header.tag() == DATA_ROW_TAG && len > ROW {
                        let what = format!("a row has {len} bytes, more than {ROW}");
                        return Err(self
                            .broke(Cause::Limit, what)
                            .hint("ask for fewer columns, or for parts of long values"));
                    }
                    if header.tag() != DATA_ROW_TAG && len > MESSAGE {
                        return Err(self.strange());
                    }
                    if self.input.len() > len {
                        return Message::parse(&mut self.input).ok().flatten().ok_or_else(|| self.strange());
                    }
                }
                Err(_) => return Err(self.strange()),
            }
            self.more()?;
        }
    }

    /// Puts `PARSE` in.
    pub(super) fn parse(&mut self, name: &str, sql: &str) -> Result<(), Failed> {
        let put = frontend::parse(name, sql, [], &mut self.out);
        self.put(put)
    }

    /// Puts `BIND` of the unnamed portal in, with results as text.
    pub(super) fn bind(&mut self, name: &str, given: &[Option<String>]) -> Result<(), Failed> {
        let write = |value: &Option<String>, out: &mut BytesMut| {
            Ok(match value {
                Some(value) => {
                    out.put_slice(value.as_bytes());
                    IsNull::No
                }
                None => IsNull::Yes,
            })
        };
        let put = frontend::bind("", name, [], given, write, [], &mut self.out).map_err(|error| match error {
            frontend::BindError::Conversion(_) => ErrorKind::InvalidInput.into(),
            frontend::BindError::Serialization(error) => error,
        });
        self.put(put)
    }

    pub(super) fn put(&mut self, put: io::Result<()>) -> Result<(), Failed> {
        put.map_err(|_| {
            self.out.clear();
            self.failed(Cause::Syntax, "it holds a NUL, or is longer than the protocol allows")
        })
    }

    /// Puts a question in.
    pub(super) fn put_ask(&mut self, ask: &Ask<'_>) -> Result<(), Failed> {
        self.parse("", ask.sql)?;
        self.bind("", ask.given)?;
        let put = frontend::execute("", 0, &mut self.out);
        self.put(put)
    }

    /// Has the server forget a statement, along with the next question.
    pub(crate) fn forget(&mut self, name: &str) {
        if frontend::close(b'S', name, &mut self.out).is_err() {
            self.out.clear();
        }
    }

    /// Asks, in one go; the rows of each answer.
    ///
    /// # Errors
    /// The first failure; what was asked after it was not done.
    pub(crate) fn ask(&mut self, asked: &[Ask<'_>]) -> Result<Vec<Rows>, Failed> {
        for ask in asked {
            self.put_ask(ask)?;
        }
        frontend::sync(&mut self.out);
        self.send()?;
        let (mut answers, mut rows, mut kept) = (Vec::new(), Rows::new(), 0_usize);
        loop {
            match self.next() {
                Ok(Message::ParseComplete | Message::BindComplete | Message::CloseComplete) => {}
                Ok(Message::DataRow(row)) => {
                    kept = kept.saturating_add(row.buffer().len());
                    if kept > KEPT {
                        return Err(self.broke(Cause::Limit, "its catalog says more than guard keeps"));
                    }
                    let row = super::result::texts(&row).ok_or_else(|| self.strange())?;
                    rows.push(row);
                }
                Ok(Message::CommandComplete(_) | Message::EmptyQueryResponse) => {
                    answers.push(std::mem::take(&mut rows))
                }
                Ok(Message::ReadyForQuery(_)) if answers.len() == asked.len() => return Ok(answers),
                Ok(_) => return Err(self.strange()),
                Err(failed) => return Err(self.after(failed)),
            }
        }
    }

    /// After the server said what is wrong it has to be ready again.
    pub(super) fn after(&mut self, failed: Failed) -> Failed {
        while !self.broken {
            if let Ok(Message::ReadyForQuery(_)) = self.next() {
                break;
            }
        }
        failed
    }

    /// Settings that the server told of at the login.
    pub(crate) fn told(&self) -> &[(String, String)] {
        &self.told
    }

    /// Sends messages of somebody else's as they are; the answer may take as long as is allowed.
    ///
    /// # Errors
    /// A connection that broke off.
    pub(crate) fn pass(&mut self, messages: &[u8]) -> Result<(), Failed> {
        self.out.clear();
        self.out.extend_from_slice(messages);
        self.send()
    }

    /// The next message as it came: its tag, and all of its bytes.
    ///
    /// # Errors
    /// A connection that broke off; a message longer than any is.
    pub(crate) fn frame(&mut self) -> Result<(u8, BytesMut), Failed> {
        loop {
            if let Some(header) = Header::parse(&self.input).map_err(|_| self.strange())? {
                let len = usize::try_from(header.len()).unwrap_or(usize::MAX);
                if len > ROW {
                    return Err(self.strange());
                }
                if self.input.len() > len {
                    if header.tag() == b'Z' {
                        self.watch.rest();
                    }
                    return Ok((header.tag(), self.input.split_to(len + 1)));
                }
            }
            self.more()?;
        }
    }

    /// Reads on.
    fn more(&mut self) -> Result<(), Failed> {
        loop {
            match self.stream.read(&mut self.scratch) {
                Ok(0) => return Err(self.lost(&ErrorKind::UnexpectedEof.into())),
                Ok(count) => {
                    self.input.extend_from_slice(self.scratch.get(..count).unwrap_or_default());
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.lost(&error)),
            }
        }
    }

    /// Says good-bye, where it can still be heard.
    pub(crate) fn end(mut self) {
        self.out.clear();
        frontend::terminate(&mut self.out);
        let _sent = self.flush();
    }

    pub(super) fn failed(&self, cause: Cause, message: impl Into<String>) -> Failed {
        Failed::new(self.engine, cause, message)
    }

    /// A failure after which nothing more can be said.
    pub(super) fn broke(&mut self, cause: Cause, message: impl Into<String>) -> Failed {
        self.broken = true;
        self.stream.raw().shut();
        self.failed(cause, message)
    }

    /// An answer that is none of the protocol's.
    pub(super) fn strange(&mut self) -> Failed {
        self.broke(Cause::Strange, "its answer is none of the protocol's at this place")
    }

    /// A connection that broke off, or was broken off because its time was over.
    fn lost(&mut self, error: &io::Error) -> Failed {
        if self.watch.is_late() {
            return self.broke(Cause::TimedOut, "it does not answer");
        }
        let kind = error.kind();
        if matches!(kind, ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) {
            return self.broke(Cause::Lost, "it hung up");
        }
        // Of the encryption.
        let cause = if kind == ErrorKind::InvalidData { Cause::Auth } else { Cause::Lost };
        self.broke(cause, error.to_string())
    }
}
