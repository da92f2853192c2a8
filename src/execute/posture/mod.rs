//! The posture of a service before a command is let through to it: whether what speaks there could be made to write files
//! or run programs outside of every fence. Knows no policy.

mod login;
mod postgres;
mod redis;
mod scram;

pub use login::Login;

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Time for one answer of a service.
const PATIENCE: Duration = Duration::from_secs(3);
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
    connect(address).map(drop)
}

/// Checks how the service at `address` stands for whoever has `login`.
///
/// # Errors
/// Why it is not fit to be opened.
pub fn check(kind: Checkable, address: SocketAddr, login: Option<&Login>) -> Result<(), Unfit> {
    let stream = connect(address)?;
    match kind {
        Checkable::Postgres => {
            let why = "guard has no user to look as: name the variable with its URL as the service's `url_env`";
            postgres::check(stream, login.ok_or_else(|| Unfit::Unknown(why.to_owned()))?)
        }
        Checkable::Redis => redis::check(stream, login),
    }
}

fn connect(address: SocketAddr) -> Result<TcpStream, Unfit> {
    let down = |error: io::Error| Unfit::Down(error.to_string());
    let stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(down)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(down)?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(down)?;
    Ok(stream)
}

/// A conversation that broke off.
fn broken(error: io::Error) -> Unfit {
    Unfit::Unknown(match error.kind() {
        io::ErrorKind::UnexpectedEof => "it hung up".to_owned(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => "it does not answer".to_owned(),
        _ => error.to_string(),
    })
}

/// An answer that is none of the protocol's.
fn strange() -> Unfit {
    Unfit::Unknown("its answer cannot be read".to_owned())
}
