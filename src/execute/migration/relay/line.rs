//! One connection of a relay: what a client says is looked at, handed on, and answered by the server.
//! Knows how to talk, and not what may be said.

use super::Ground;
use super::bytes::{be, bound, closed, error, exactly, frame, message, prepared, setting, text, told};
use super::heard::{Heard, Open, Stopped};
use super::names::Names;
use crate::action::migration::sent;
use crate::action::query::Engine;
use crate::execute::query::Failed;
use crate::execute::query::wire::{Allowed, Ask, Login, Route, Talk};
use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often a relay looks whether it is over.
pub(super) const TICK: Duration = Duration::from_millis(10);
/// Strings mean to the server what guard reads in them.
const STRINGS: &str = "SELECT pg_catalog.set_config('standard_conforming_strings', 'on', false)";

pub(super) struct Line<'g> {
    client: TcpStream,
    talk: Talk,
    ground: &'g Ground,
    names: Names,
    open: Open,
    /// Messages that the server gets along with the next that it answers.
    held: Vec<u8>,
}

impl<'g> Line<'g> {
    pub(super) fn serve(mut client: TcpStream, ground: &'g Ground) -> io::Result<()> {
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
        let (names, open, held) = (Names::default(), Open::default(), Vec::new());
        let mut line = Line { client, talk, ground, names, open, held };
        let ended = line.follow();
        if line.open.unsaved {
            let why = "its connection ended before what was sent by it was committed".to_owned();
            line.heard().stop(Stopped::Failed(why));
        }
        line.talk.end();
        ended
    }

    fn follow(&mut self) -> io::Result<()> {
        while let Some((tag, body)) = frame(&mut self.client, &self.ground.over)? {
            if !self.take(tag, &body)? {
                break;
            }
        }
        Ok(())
    }

    /// Takes a message of the client; false: that was all.
    fn take(&mut self, tag: u8, body: &[u8]) -> io::Result<bool> {
        if tag == b'X' {
            return Ok(false);
        }
        if let Err(why) = self.look(tag, body) {
            self.heard().stop(Stopped::Refused(why.clone()));
            self.client.write_all(&error("42501", &format!("guard: {why}")))?;
            return Ok(false);
        }
        self.held.extend(message(tag, body));
        if matches!(tag, b'Q' | b'S') {
            return self.answer();
        }
        Ok(true)
    }

    /// Whether a message may be handed on.
    fn look(&mut self, tag: u8, body: &[u8]) -> Result<(), String> {
        let unread = || "a message that is none of the protocol's".to_owned();
        match tag {
            b'Q' => {
                let (sql, _) = text(body).ok_or_else(unread)?;
                self.judge(&sql, &[], true)
            }
            b'P' => {
                let (name, sql) = prepared(body).ok_or_else(unread)?;
                if self.open.works {
                    // What was sent before may change how the server reads this one.
                    return Err("it sends another statement before the last one is answered".to_owned());
                }
                self.names.prepare(name, sql);
                Ok(())
            }
            b'B' => {
                let bound = bound(body).ok_or_else(unread)?;
                let sql = self.names.text(&bound.name).ok_or_else(unread)?;
                self.judge(&sql, &bound.given, false)?;
                self.names.bind(bound.portal, sql, bound.given);
                Ok(())
            }
            b'E' => {
                let (portal, _) = text(body).ok_or_else(unread)?;
                let known = self.names.portal(&portal).cloned();
                let (sql, given) = known.ok_or("it runs what it bound before the last answer")?;
                self.judge(&sql, &given, true)
            }
            b'C' => {
                let (sort, name) = closed(body).ok_or_else(unread)?;
                self.names.close(sort, name);
                Ok(())
            }
            b'D' | b'S' => Ok(()),
            _ => Err("a message that guard does not follow: COPY, a fast call, a flush".to_owned()),
        }
    }

    /// Whether statements may pass; `runs`: they are run by that.
    fn judge(&mut self, sql: &str, given: &[String], runs: bool) -> Result<(), String> {
        let ground = self.ground;
        let mut heard = ground.heard.lock().unwrap_or_else(PoisonError::into_inner);
        for step in sent(Engine::Postgres, sql, given) {
            heard.may(&ground.rule, &step, self.open)?;
            if runs {
                heard.passes(&ground.rule, step, &mut self.open);
            }
        }
        Ok(())
    }

    fn heard(&self) -> MutexGuard<'g, Heard> {
        self.ground.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands on what is held, and the answer.
    fn answer(&mut self) -> io::Result<bool> {
        let held = std::mem::take(&mut self.held);
        if let Err(failed) = self.talk.pass(&held) {
            self.client.write_all(&error("08006", &failed.message))?;
            return Ok(false);
        }
        loop {
            let (tag, bytes) = match self.talk.frame() {
                // It waits for rows that nobody has read.
                Ok((b'G' | b'W', _)) => return Ok(false),
                Ok(frame) => frame,
                Err(failed) => {
                    self.client.write_all(&error("08006", &failed.message))?;
                    return Ok(false);
                }
            };
            match tag {
                b'1' | b'3' => self.names.taken(tag),
                // Whoever sent it may keep it to themselves.
                b'E' if self.open.unsaved => self.heard().stop(Stopped::Failed(told(&bytes))),
                b'S' if !setting(&bytes).is_some_and(|(name, value)| fits(&name, &value)) => {
                    let why = "it changes how the server reads strings".to_owned();
                    self.heard().stop(Stopped::Refused(why.clone()));
                    self.client.write_all(&error("42501", &format!("guard: {why}")))?;
                    return Ok(false);
                }
                _ => {}
            }
            self.client.write_all(&bytes)?;
            if tag == b'Z' {
                self.names.ready();
                let within = bytes.get(5) != Some(&b'I');
                self.open = Open { works: false, unsaved: self.open.unsaved && within };
                return Ok(true);
            }
        }
    }
}

/// Whether strings are still read as guard reads them.
fn fits(name: &str, value: &str) -> bool {
    match name {
        "client_encoding" => value.eq_ignore_ascii_case("UTF8"),
        "standard_conforming_strings" => value == "on",
        _ => true,
    }
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
    talk.ask(&[Ask { sql: STRINGS, given: &[] }])?;
    talk.patience(ground.patience);
    Ok(talk)
}

/// Whether a client has begun a conversation, and knows the password of this relay.
fn greeted(client: &mut TcpStream, ground: &Ground) -> io::Result<bool> {
    loop {
        let Some(length) = exactly(client, 4, &ground.over)? else { return Ok(false) };
        let length = be(&length);
        if !(8..=10_000).contains(&length) {
            return Ok(false);
        }
        let Some(body) = exactly(client, length - 4, &ground.over)? else { return Ok(false) };
        match be(&body) {
            // Encryption of either sort is not offered: it goes no further than this machine.
            80_877_103 | 80_877_104 => client.write_all(b"N")?,
            196_608..=196_610 => break,
            _ => return Ok(false),
        }
    }
    client.write_all(&message(b'R', &3_i32.to_be_bytes()))?;
    let Some((b'p', said)) = frame(client, &ground.over)? else { return Ok(false) };
    let known = text(&said).is_some_and(|(said, _)| said == ground.password);
    if !known {
        client.write_all(&error("28P01", "this is guard's relay, and its password another"))?;
    }
    Ok(known)
}
