//! The posture of a service before a command is let through to it: whether what speaks there could be made to write files
//! or run programs outside of every fence. Knows no policy.

mod login;
mod postgres;
mod redis;

pub use login::Login;

use crate::event::line::brief;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Time for all that is asked of a service.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of the longest answer that is read.
const MOST: usize = 1 << 20;

/// What can be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checkable {
    /// PostgreSQL: the user is bare.
    Postgres,
    /// Redis: its configuration and modules are protected.
    Redis,
}

/// Why a service is not opened. Fragments.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Nobody answers there.
    #[error("it is down: {0}")]
    Down(String),
    /// It cannot be told how it stands.
    #[error("its posture cannot be checked: {0}")]
    Unknown(String),
    /// It stands open.
    #[error("{0}")]
    Open(String),
}

/// Checks that somebody answers at `address`.
///
/// # Errors
/// [`Unfit::Down`].
pub fn answers(address: SocketAddr) -> Result<(), Unfit> {
    Visit::new(address).enter().map(drop)
}

/// Checks how the service at `address` stands for whoever has `login`.
///
/// # Errors
/// Why it is not fit to be opened.
pub fn check(kind: Checkable, address: SocketAddr, login: Option<&Login>) -> Result<(), Unfit> {
    let visit = Visit::new(address);
    match kind {
        Checkable::Postgres => {
            let why = "guard has no user to look as: name the variable with its URL as the service's `url_env`";
            postgres::check(&visit, login.ok_or_else(|| Unfit::Unknown(why.to_owned()))?)
        }
        Checkable::Redis => redis::check(&visit, login),
    }
}

/// All conversations of one check, which end together.
struct Visit {
    address: SocketAddr,
    until: Instant,
}

impl Visit {
    fn new(address: SocketAddr) -> Self {
        Self { address, until: Instant::now() + PATIENCE }
    }

    fn enter(&self) -> Result<Wire, Unfit> {
        let stream = left(self.until).and_then(|left| TcpStream::connect_timeout(&self.address, left));
        let stream = stream.map_err(|error| Unfit::Down(error.to_string()))?;
        Ok(Wire { stream, until: self.until })
    }
}

/// A connection that fails once the time of its visit is over, however slowly the other side goes on.
struct Wire {
    stream: TcpStream,
    until: Instant,
}

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(left(self.until)?))?;
        self.stream.read(into)
    }
}

impl Write for Wire {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(left(self.until)?))?;
        self.stream.write(from)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

fn left(until: Instant) -> io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// What the service itself says, for a person to read.
fn told(words: &str) -> Unfit {
    Unfit::Unknown(brief(words))
}

/// A conversation that broke off.
fn broken(error: io::Error) -> Unfit {
    let kind = error.kind();
    Unfit::Unknown(if kind == io::ErrorKind::UnexpectedEof {
        "it hung up".to_owned()
    } else if matches!(kind, io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) {
        "it does not answer".to_owned()
    } else {
        error.to_string()
    })
}

/// An answer that is none of the protocol's.
fn strange() -> Unfit {
    Unfit::Unknown("its answer cannot be read".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    /// A service that says `first` to everybody and then `drop` again and again, and what it heard first.
    fn fake(first: &'static [u8], drop: &'static [u8]) -> (SocketAddr, thread::JoinHandle<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let serving = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut heard = vec![0; 4096];
            let len = stream.read(&mut heard).unwrap();
            heard.truncate(len);
            stream.write_all(first).unwrap();
            while !drop.is_empty() && stream.write_all(drop).is_ok() {
                thread::sleep(Duration::from_millis(200));
            }
            stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            let _ = stream.read_to_end(&mut heard);
            heard
        });
        (address, serving)
    }

    fn login() -> Login {
        Login { user: Some("app".to_owned()), password: Some("hush".to_owned()), database: None }
    }

    #[test]
    fn whoever_speaks_without_end_is_not_listened_to_for_longer_than_five_seconds() {
        // Notices of PostgreSQL, and a line of Redis that never ends.
        for (kind, drop) in [(Checkable::Postgres, &b"N\0\0\0\x05\0"[..]), (Checkable::Redis, b"+")] {
            let (address, serving) = fake(b"", drop);
            let begin = Instant::now();
            let unfit = check(kind, address, Some(&login()));
            assert_eq!(unfit, Err(Unfit::Unknown("it does not answer".to_owned())), "{kind:?}");
            assert!(begin.elapsed() < PATIENCE + Duration::from_secs(2), "{:?}", begin.elapsed());
            serving.join().unwrap();
        }
    }

    #[test]
    fn no_password_is_said_to_a_postgresql_that_wants_to_read_it() {
        let (address, serving) = fake(b"R\0\0\0\x08\0\0\0\x03", b"");
        let unfit = check(Checkable::Postgres, address, Some(&login()));
        assert_eq!(unfit, Err(Unfit::Unknown("it asks for the password in clear text".to_owned())));
        let heard = serving.join().unwrap();
        assert!(!heard.is_empty() && !heard.windows(4).any(|part| part == b"hush"));
    }

    #[test]
    fn what_a_service_says_stays_on_its_line() {
        let (address, serving) = fake(b"E\0\0\0\x10Mno\nguard:\0\0", b"");
        let unfit = check(Checkable::Postgres, address, Some(&login()));
        assert_eq!(unfit, Err(Unfit::Unknown("no\\nguard:".to_owned())));
        serving.join().unwrap();
    }
}
