//! Messages of PostgreSQL's protocol, as a client sends them: their frames, and what stands in those that a relay reads.
//! Knows nothing of what they mean.

use crate::event::line::hex;
use std::io::{self, Read};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes of the longest message of a client.
const MESSAGE: usize = 16 << 20;

/// That many bytes; `None`: it hung up, or all is over.
pub(super) fn exactly(client: &mut TcpStream, count: usize, over: &AtomicBool) -> io::Result<Option<Vec<u8>>> {
    let (mut bytes, mut got) = (vec![0; count], 0);
    while got < count {
        match client.read(bytes.get_mut(got..).unwrap_or_default()) {
            Ok(0) => return Ok(None),
            Ok(more) => got += more,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                if over.load(Ordering::Relaxed) {
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
pub(super) fn frame(client: &mut TcpStream, over: &AtomicBool) -> io::Result<Option<(u8, Vec<u8>)>> {
    let Some(head) = exactly(client, 5, over)? else { return Ok(None) };
    let (Some((tag, length)), true) = (head.split_first(), head.len() == 5) else { return Ok(None) };
    let length = be(length);
    if !(4..=MESSAGE).contains(&length) {
        return Ok(None);
    }
    Ok(exactly(client, length - 4, over)?.map(|body| (*tag, body)))
}

pub(super) fn be(bytes: &[u8]) -> usize {
    let number = bytes.get(..4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_be_bytes);
    usize::try_from(number).unwrap_or(usize::MAX)
}

pub(super) fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX).to_be_bytes();
    [&[tag], &length[..], body].concat()
}

pub(super) fn error(code: &str, why: &str) -> Vec<u8> {
    let why = why.replace('\0', "");
    let fields = format!("SFATAL\0VFATAL\0C{code}\0M{why}\0\0");
    message(b'E', fields.as_bytes())
}

/// A text that ends with a NUL, and what follows.
pub(super) fn text(bytes: &[u8]) -> Option<(String, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    Some((String::from_utf8(bytes.get(..end)?.to_vec()).ok()?, bytes.get(end + 1..)?))
}

/// The message of an answer that tells of an error.
pub(super) fn told(answer: &[u8]) -> String {
    let mut fields = answer.get(5..).unwrap_or_default().split(|byte| *byte == 0);
    let said = fields.find_map(|field| field.strip_prefix(b"M")).unwrap_or_default();
    String::from_utf8_lossy(said).into_owned()
}

/// The name and the value of a setting that an answer tells of.
pub(super) fn setting(answer: &[u8]) -> Option<(String, String)> {
    let (name, rest) = text(answer.get(5..)?)?;
    let (value, _) = text(rest)?;
    Some((name, value))
}

/// The name and the text of a statement that is prepared.
pub(super) fn prepared(body: &[u8]) -> Option<(String, String)> {
    let (name, rest) = text(body)?;
    let (sql, _) = text(rest)?;
    Some((name, sql))
}

/// What is closed: the letter of its sort, and its name.
pub(super) fn closed(body: &[u8]) -> Option<(u8, String)> {
    let (sort, rest) = body.split_first()?;
    Some((*sort, text(rest)?.0))
}

/// A statement that is bound.
pub(super) struct Bound {
    /// The portal it is run by.
    pub(super) portal: String,
    /// Its name.
    pub(super) name: String,
    /// What is given for its parameters.
    pub(super) given: Vec<String>,
}

pub(super) fn bound(body: &[u8]) -> Option<Bound> {
    let (portal, rest) = text(body)?;
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
            Ok(_) | Err(_) => format!("\\x{}", hex(value)),
        });
    }
    Some(Bound { portal, name, given })
}
