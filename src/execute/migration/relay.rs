//! A relay on the loopback that speaks PostgreSQL's protocol: what runs in the fence talks to it and to nothing else, so that
//! every statement is seen before a server gets it, whatever the code that sends it does. It logs in by itself: the fence
//! learns no password of a database, and a name for this relay alone.

use crate::action::migration::{Step, sent};
use crate::action::query::Engine;
use crate::execute::query::wire::{Allowed, Login, Route, Talk};
use crate::execute::query::{Endpoint, Failed, Server, Target};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Bytes of the longest message of a client.
const MESSAGE: usize = 16 << 20;
/// Connections that one run makes.
const MOST: usize = 64;
/// How often a relay looks whether it is over.
const TICK: Duration = Duration::from_millis(10);

/// What is let through.
#[derive(Debug, Clone)]
pub enum Rule {
    /// Whatever stays within the database.
    Tried {
        /// Whether code that guard does not read may run as well: the server is one for such trials.
        opaque: bool,
    },
    /// Reads, and these statements in this order.
    Approved(Vec<String>),
}

/// What was heard.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    /// Statements that were let through and are more than reads, in order.
    pub steps: Vec<Step>,
    /// What was not let through, and why.
    pub refused: Option<String>,
    /// Approved statements that were sent.
    pub sent: usize,
}

/// A relay. Dropped, it takes nobody in any more.
pub struct Relay {
    address: SocketAddr,
    password: String,
    heard: Arc<Mutex<Heard>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What every connection of a relay knows.
struct Ground {
    server: Server,
    password: String,
    rule: Rule,
    heard: Arc<Mutex<Heard>>,
    over: Arc<AtomicBool>,
    patience: Duration,
}

impl Relay {
    /// Begins to listen; `patience`: time for one answer of the server.
    ///
    /// # Errors
    /// Where there is no port to be had, or the endpoint is no server of PostgreSQL.
    pub fn begin(to: &Endpoint, rule: Rule, patience: Duration) -> io::Result<Self> {
        let Target::Server(server) = &to.target else { return Err(io::ErrorKind::Unsupported.into()) };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let mut bytes = [0; 16];
        rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
        let password: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let (heard, over) = (Arc::new(Mutex::new(Heard::default())), Arc::new(AtomicBool::new(false)));
        let ground = Arc::new(Ground {
            server: server.clone(),
            password: password.clone(),
            rule,
            heard: Arc::clone(&heard),
            over: Arc::clone(&over),
            patience,
        });
        let thread = std::thread::Builder::new().name("relay".to_owned()).spawn(move || accept(&listener, &ground))?;
        Ok(Self { address, password, heard, over, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL by which it is reached, as the drivers of `scheme` write it.
    pub fn url(&self, scheme: &str, database: &str) -> String {
        format!("{scheme}://guard:{}@{}/{database}", self.password, self.address)
    }

    /// Ends it; what was heard.
    pub fn end(mut self) -> Heard {
        self.stop();
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn stop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stop();
    }
}

fn accept(listener: &TcpListener, ground: &Arc<Ground>) {
    let mut threads = Vec::new();
    while !ground.over.load(Ordering::Relaxed) {
        match listener.accept() {
            Ok((client, _)) if threads.len() < MOST => {
                let ground = Arc::clone(ground);
                threads.extend(std::thread::Builder::new().name("relay".to_owned()).spawn(move || {
                    // A connection that breaks off is told by whoever made it.
                    let _ended = Line::serve(client, &ground);
                }));
            }
            Ok(_) => {}
            Err(_) => std::thread::sleep(TICK),
        }
    }
    for thread in threads {
        let _ended = thread.join();
    }
}

/// One connection.
struct Line<'g> {
    client: TcpStream,
    talk: Talk,
    ground: &'g Ground,
    /// Statements that were prepared, by their names.
    prepared: BTreeMap<Vec<u8>, String>,
    /// Messages that the server gets along with the next that it answers.
    held: Vec<u8>,
}

impl<'g> Line<'g> {
    fn serve(mut client: TcpStream, ground: &'g Ground) -> io::Result<()> {
        client.set_nonblocking(false)?;
        client.set_read_timeout(Some(TICK))?;
        client.set_nodelay(true)?;
        if !greeted(&mut client, ground)? {
            return Ok(());
        }
        let talk = match enter(ground) {
            Ok(talk) => talk,
            Err(failed) => return client.write_all(&error("08006", &failed.message)),
        };
        let mut hello = message(b'R', &0_i32.to_be_bytes());
        for (name, value) in talk.told() {
            hello.extend(message(b'S', &[name.as_bytes(), b"\0", value.as_bytes(), b"\0"].concat()));
        }
        hello.extend(message(b'K', &[0; 8]));
        hello.extend(message(b'Z', b"I"));
        client.write_all(&hello)?;
        let mut line = Line { client, talk, ground, prepared: BTreeMap::new(), held: Vec::new() };
        while let Some((tag, body)) = frame(&mut line.client, ground)? {
            if !line.take(tag, &body)? {
                break;
            }
        }
        line.talk.end();
        Ok(())
    }

    /// Takes a message of the client; false: that was all.
    fn take(&mut self, tag: u8, body: &[u8]) -> io::Result<bool> {
        let judged = match tag {
            b'Q' => text(body).ok_or_else(unread).and_then(|(sql, _)| self.judge(&sql, &[])),
            b'P' => prepared(body).ok_or_else(unread).map(|(name, sql)| {
                self.prepared.insert(name, sql);
            }),
            b'B' => bound(body).ok_or_else(unread).and_then(|(name, given)| {
                let sql = self.prepared.get(&name).cloned().ok_or_else(unread)?;
                self.judge(&sql, &given)
            }),
            b'D' | b'E' | b'C' | b'S' => Ok(()),
            b'X' => return Ok(false),
            _ => Err("a message that guard does not follow: COPY, a fast call, a flush".to_owned()),
        };
        if let Err(why) = judged {
            let mut heard = self.ground.heard.lock().unwrap_or_else(PoisonError::into_inner);
            heard.refused.get_or_insert_with(|| why.clone());
            drop(heard);
            self.client.write_all(&error("42501", &format!("guard: {why}")))?;
            return Ok(false);
        }
        self.held.extend(message(tag, body));
        if matches!(tag, b'Q' | b'S') {
            return self.answer();
        }
        Ok(true)
    }

    /// Hands on what is held, and the answer.
    fn answer(&mut self) -> io::Result<bool> {
        let held = std::mem::take(&mut self.held);
        if let Err(failed) = self.talk.pass(&held) {
            self.client.write_all(&error("08006", &failed.message))?;
            return Ok(false);
        }
        loop {
            match self.talk.frame() {
                // It waits for rows that nobody has read.
                Ok((b'G' | b'W', _)) => return Ok(false),
                Ok((tag, bytes)) => {
                    self.client.write_all(&bytes)?;
                    if tag == b'Z' {
                        return Ok(true);
                    }
                }
                Err(failed) => {
                    self.client.write_all(&error("08006", &failed.message))?;
                    return Ok(false);
                }
            }
        }
    }

    /// Whether statements may pass; they are heard then.
    fn judge(&self, sql: &str, given: &[String]) -> Result<(), String> {
        let mut heard = self.ground.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if heard.refused.is_some() {
            return Err("something was refused before".to_owned());
        }
        for step in sent(Engine::Postgres, sql, given) {
            if step.only_reads() {
                continue;
            }
            match &self.ground.rule {
                Rule::Tried { opaque } => {
                    if let Some(what) = step.beyond() {
                        return Err(format!(
                            "it sends what reaches out of its database: {what}: `{}`",
                            brief(&step.text)
                        ));
                    }
                    if step.is_opaque() && !opaque {
                        return Err(format!("it sends what guard cannot read: `{}`", brief(&step.text)));
                    }
                    heard.steps.push(step);
                }
                Rule::Approved(_) if step.transaction().is_some() => {}
                Rule::Approved(approved) => {
                    if approved.get(heard.sent).is_none_or(|next| *next != step.text) {
                        return Err(format!("it sends what was not shown: `{}`", brief(&step.text)));
                    }
                    heard.sent += 1;
                    heard.steps.push(step);
                }
            }
        }
        Ok(())
    }
}

fn brief(text: &str) -> String {
    let brief: String = text.chars().take(120).collect();
    if brief.len() < text.len() { format!("{brief}…") } else { brief }
}

fn unread() -> String {
    "a message that is none of the protocol's".to_owned()
}

/// Logs in to the server.
fn enter(ground: &Ground) -> Result<Talk, Failed> {
    let server = &ground.server;
    let until = Instant::now() + Duration::from_secs(5);
    let route = Route::find(server, until)?;
    let mut talk = Talk::begin(&route, until)?;
    let login =
        Login { user: &server.user, password: server.password.as_deref(), database: &server.database, more: &[] };
    talk.enter(&login, &route, Allowed { unasked: true, md5: true, overheard: false })?;
    talk.patience(ground.patience);
    Ok(talk)
}

/// Whether a client has begun a conversation, and knows the password of this relay.
fn greeted(client: &mut TcpStream, ground: &Ground) -> io::Result<bool> {
    loop {
        let Some(length) = exactly(client, 4, ground)? else { return Ok(false) };
        let length = be(&length);
        if !(8..=10_000).contains(&length) {
            return Ok(false);
        }
        let Some(body) = exactly(client, length - 4, ground)? else { return Ok(false) };
        match be(&body) {
            // Encryption of either sort is not offered: it goes no further than this machine.
            80_877_103 | 80_877_104 => client.write_all(b"N")?,
            196_608..=196_610 => break,
            _ => return Ok(false),
        }
    }
    client.write_all(&message(b'R', &3_i32.to_be_bytes()))?;
    let Some((b'p', said)) = frame(client, ground)? else { return Ok(false) };
    let known = text(&said).is_some_and(|(said, _)| said == ground.password);
    if !known {
        client.write_all(&error("28P01", "this is guard's relay, and its password another"))?;
    }
    Ok(known)
}

/// That many bytes; `None`: it hung up, or all is over.
fn exactly(client: &mut TcpStream, count: usize, ground: &Ground) -> io::Result<Option<Vec<u8>>> {
    let (mut bytes, mut got) = (vec![0; count], 0);
    while got < count {
        match client.read(bytes.get_mut(got..).unwrap_or_default()) {
            Ok(0) => return Ok(None),
            Ok(more) => got += more,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                if ground.over.load(Ordering::Relaxed) {
                    return Ok(None);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Some(bytes))
}

/// A message: its tag and its body.
fn frame(client: &mut TcpStream, ground: &Ground) -> io::Result<Option<(u8, Vec<u8>)>> {
    let Some(head) = exactly(client, 5, ground)? else { return Ok(None) };
    let (Some((tag, length)), true) = (head.split_first(), head.len() == 5) else { return Ok(None) };
    let length = be(length);
    if !(4..=MESSAGE).contains(&length) {
        return Ok(None);
    }
    Ok(exactly(client, length - 4, ground)?.map(|body| (*tag, body)))
}

fn be(bytes: &[u8]) -> usize {
    let number = bytes.get(..4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_be_bytes);
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX).to_be_bytes();
    [&[tag], &length[..], body].concat()
}

fn error(code: &str, why: &str) -> Vec<u8> {
    let why = why.replace('\0', "");
    let fields = format!("SFATAL\0VFATAL\0C{code}\0M{why}\0\0");
    message(b'E', fields.as_bytes())
}

/// A text that ends with a NUL, and what follows.
fn text(bytes: &[u8]) -> Option<(String, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    Some((String::from_utf8(bytes.get(..end)?.to_vec()).ok()?, bytes.get(end + 1..)?))
}

/// The name and the text of a statement that is prepared.
fn prepared(body: &[u8]) -> Option<(Vec<u8>, String)> {
    let (name, rest) = text(body)?;
    let (sql, _) = text(rest)?;
    Some((name.into_bytes(), sql))
}

/// The name of a statement that is bound, and what is given for its parameters.
fn bound(body: &[u8]) -> Option<(Vec<u8>, Vec<String>)> {
    let (_, rest) = text(body)?;
    let (name, rest) = text(rest)?;
    let short = |bytes: &[u8]| bytes.get(..2).and_then(|two| two.try_into().ok()).map(u16::from_be_bytes);
    let formats = usize::from(short(rest)?);
    let rest = rest.get(2 + 2 * formats..)?;
    let count = short(rest)?;
    let mut rest = rest.get(2..)?;
    let mut given = Vec::new();
    for _ in 0..count {
        let length = be(rest.get(..4)?);
        rest = rest.get(4..)?;
        if u32::try_from(length) == Ok(u32::MAX) {
            given.push("NULL".to_owned());
            continue;
        }
        let value = rest.get(..length)?;
        rest = rest.get(length..)?;
        given.push(match std::str::from_utf8(value) {
            Ok(text) if !text.chars().any(char::is_control) => format!("'{text}'"),
            Ok(_) | Err(_) => format!("\\x{}", crate::event::line::hex(value)),
        });
    }
    Some((name.into_bytes(), given))
}
