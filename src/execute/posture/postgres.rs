//! PostgreSQL: whether a user is bare: no superuser, none who could read or write the server's files or run programs there,
//! and none who could become one. Speaks version 3 of the protocol, and asks one question.

use super::scram::{self, Scram};
use super::{Login, MOST, Unfit, Visit, Wire, broken, strange, told};
use crate::event::line::brief;
use std::io::{Read, Write};

/// A role the user is or may take on that is more than bare. A `CREATEROLE` gives itself the others (up to version 15).
const QUESTION: &str = "SELECT rolname || CASE WHEN rolsuper THEN ' (superuser)' WHEN rolcreaterole THEN ' (createrole)' \
    ELSE '' END FROM pg_catalog.pg_roles WHERE (rolsuper OR rolcreaterole OR rolname IN ('pg_execute_server_program', \
    'pg_read_server_files', 'pg_write_server_files')) AND pg_catalog.pg_has_role(session_user, oid, 'MEMBER') ORDER BY \
    rolname = session_user DESC, rolname LIMIT 1";

/// Who is a superuser wherever nobody changed that.
const SUPERUSER: &str = "postgres";

pub(super) fn check(visit: &Visit, login: &Login) -> Result<(), Unfit> {
    let user = login.user.as_deref().ok_or_else(|| Unfit::Unknown("its URL names no user".to_owned()))?;
    let database = login.database.as_deref().unwrap_or(user);
    let mut talk = Talk::begin(visit, user, database)?;
    talk.admit(login.password.as_deref())?;
    talk.send(Some(b'Q'), &[QUESTION.as_bytes(), b"\0"].concat())?;
    let mut role = None;
    loop {
        match talk.next()? {
            (b'D', row) if role.is_none() => role = Some(field(&row).ok_or_else(strange)?),
            (b'D', _) => return Err(strange()),
            (b'E', error) => return Err(said(&error)),
            (b'Z', _) => break,
            _ => {}
        }
    }
    let _ = talk.send(Some(b'X'), &[]);
    if let Some(role) = role {
        return Err(Unfit::Open(format!(
            "its user `{}` is or can become `{}`: files and programs of the server are open to it",
            brief(user),
            brief(&role)
        )));
    }
    // A command need not come as the user of its URL.
    if Talk::begin(visit, SUPERUSER, database)?.lets_in()? { Err(open()) } else { Ok(()) }
}

fn open() -> Unfit {
    Unfit::Open("it lets anybody in without a password".to_owned())
}

struct Talk {
    stream: Wire,
}

impl Talk {
    /// Says as whom one comes.
    fn begin(visit: &Visit, user: &str, database: &str) -> Result<Self, Unfit> {
        let mut talk = Self { stream: visit.enter()? };
        let mut start = 196_608_i32.to_be_bytes().to_vec();
        for word in ["user", user, "database", database, "application_name", "guard"] {
            start.extend(word.as_bytes());
            start.push(0);
        }
        start.push(0);
        talk.send(None, &start)?;
        Ok(talk)
    }

    /// Whether no password is asked for. Then there need be no such user: others are let in as well.
    fn lets_in(&mut self) -> Result<bool, Unfit> {
        loop {
            match self.next()? {
                (b'R', body) => return Ok(body.starts_with(&[0, 0, 0, 0])),
                (b'E', _) => return Ok(false),
                (b'N', _) => {}
                _ => return Err(strange()),
            }
        }
    }

    fn send(&mut self, kind: Option<u8>, body: &[u8]) -> Result<(), Unfit> {
        let len = u32::try_from(body.len() + 4).map_err(|_| strange())?;
        let mut message: Vec<u8> = kind.into_iter().collect();
        message.extend(len.to_be_bytes());
        message.extend(body);
        self.stream.write_all(&message).map_err(broken)
    }

    fn next(&mut self) -> Result<(u8, Vec<u8>), Unfit> {
        let mut head = [0; 5];
        self.stream.read_exact(&mut head).map_err(broken)?;
        let [kind, len @ ..] = head;
        let len = usize::try_from(u32::from_be_bytes(len)).ok().and_then(|len| len.checked_sub(4));
        let len = len.filter(|len| *len <= MOST).ok_or_else(strange)?;
        let mut body = vec![0; len];
        self.stream.read_exact(&mut body).map_err(broken)?;
        Ok((kind, body))
    }

    /// Gets through to where questions are answered.
    fn admit(&mut self, password: Option<&str>) -> Result<(), Unfit> {
        let missing = || Unfit::Unknown("it asks for a password, and its URL has none".to_owned());
        let mut scram: Option<(Scram, Option<Vec<u8>>)> = None;
        let mut proved = false;
        loop {
            let (kind, body) = self.next()?;
            let (code, rest) = body.split_at_checked(4).map_or((&[][..], &[][..]), |parts| parts);
            match (kind, code) {
                (b'E', _) => return Err(said(&body)),
                (b'R', [0, 0, 0, 0]) if !proved => return Err(open()),
                (b'R', [0, 0, 0, 0]) | (b'S' | b'K' | b'N', _) => {}
                (b'R', [0, 0, 0, 3]) => {
                    return Err(Unfit::Unknown("it asks for the password in clear text".to_owned()));
                }
                (b'R', [0, 0, 0, 10]) => {
                    if !rest.split(|byte| *byte == 0).any(|name| name == b"SCRAM-SHA-256") {
                        return Err(Unfit::Unknown("it asks for a login that guard does not know".to_owned()));
                    }
                    let begun = Scram::new(password.ok_or_else(missing)?, &nonce()?);
                    let first = begun.first();
                    let len = u32::try_from(first.len()).map_err(|_| strange())?;
                    self.send(Some(b'p'), &[b"SCRAM-SHA-256\0", &len.to_be_bytes()[..], first.as_bytes()].concat())?;
                    scram = Some((begun, None));
                }
                (b'R', [0, 0, 0, 11]) => {
                    let (begun, expected) = scram.as_mut().ok_or_else(strange)?;
                    let server = std::str::from_utf8(rest).map_err(|_| strange())?;
                    let (last, signature) = begun.last(server).ok_or_else(strange)?;
                    *expected = Some(signature);
                    self.send(Some(b'p'), last.as_bytes())?;
                }
                (b'R', [0, 0, 0, 12]) => {
                    let expected = scram.as_ref().and_then(|(_, expected)| expected.as_ref()).ok_or_else(strange)?;
                    if !std::str::from_utf8(rest).is_ok_and(|message| scram::signed(message, expected)) {
                        return Err(Unfit::Unknown("it does not know the password itself".to_owned()));
                    }
                    proved = true;
                }
                (b'R', _) => return Err(Unfit::Unknown("it asks for a login that guard does not know".to_owned())),
                (b'Z', _) if proved => return Ok(()),
                _ => return Err(strange()),
            }
        }
    }
}

fn nonce() -> Result<String, Unfit> {
    let mut bytes = [0; 18];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())
        .map_err(|e| Unfit::Unknown(e.to_string()))?;
    Ok(scram::encode(&bytes))
}

/// The one field of a row.
fn field(row: &[u8]) -> Option<String> {
    let (_, rest) = row.split_at_checked(2)?;
    let (len, text) = rest.split_at_checked(4)?;
    let len = usize::try_from(u32::from_be_bytes(len.try_into().ok()?)).ok()?;
    text.get(..len).map(|text| String::from_utf8_lossy(text).into_owned())
}

/// The message of an error.
fn said(error: &[u8]) -> Unfit {
    let message = error.split(|byte| *byte == 0).find_map(|part| part.strip_prefix(b"M"));
    told(&message.map_or_else(|| "it refuses".into(), String::from_utf8_lossy))
}
