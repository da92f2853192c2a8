//! A connection to a server: by TCP or a local socket, in clear or encrypted.

use super::tls;
use crate::action::query::Engine;
use crate::execute::names;
use crate::execute::query::endpoint::{Host, Mode, Server, Tls};
use crate::execute::query::{Cause, Failed};
use bytes::BytesMut;
use postgres_protocol::message::frontend;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use rustls::{ClientConfig, ClientConnection, StreamOwned, pki_types::ServerName};
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Addresses of one name that are tried.
const MOST: usize = 8;

/// The way to a server: found once, taken again to cancel.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    pub(super) engine: Engine,
    addresses: Vec<Address>,
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    must: bool,
    /// Whether who answers is proved by a certificate.
    pub(super) proved: bool,
    /// How it is called for a person.
    shown: String,
}

#[derive(Debug, Clone)]
enum Address {
    Inet(SocketAddr),
    Local(PathBuf),
}

impl Route {
    /// The way to `server`, its name looked up.
    ///
    /// # Errors
    /// [`Cause::Down`] where the name is not known; [`Cause::Other`] where its certificates cannot be checked.
    pub(crate) fn find(server: &Server, until: Instant) -> Result<Self, Failed> {
        let engine = server.engine;
        let shown = server.host.to_string();
        let (name, port) = match &server.host {
            Host::Socket(path) => {
                return Ok(Self::of(engine, vec![Address::Local(path.clone())], shown));
            }
            Host::Name(name, port) => (name, *port),
        };
        let found = match name.parse::<IpAddr>() {
            Ok(address) => vec![address],
            // RFC 6761: it is this machine, whatever a name server says.
            Err(_) if name == "localhost" => vec![Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()],
            Err(_) => names::look_up(name, left(until).unwrap_or_default())
                .map_err(|error| down(engine, &shown, &format!("its name cannot be looked up: {error}")))?,
        };
        if found.is_empty() {
            return Err(down(engine, &shown, "no such host is known"));
        }
        let addresses = found.into_iter().take(MOST).map(|ip| Address::Inet(SocketAddr::new(ip, port))).collect();
        let mut route = Self::of(engine, addresses, shown);
        let Tls { mode, roots, .. } = &server.tls;
        if *mode != Mode::Disable {
            let (config, name) = tls::config(*mode, roots.as_deref(), name).map_err(|why| {
                Failed::new(engine, Cause::Other, format!("its certificate cannot be checked: {why}"))
            })?;
            route.tls = Some((config, name));
        }
        route.must = !matches!(mode, Mode::Disable | Mode::Prefer);
        route.proved = matches!(mode, Mode::VerifyCa | Mode::VerifyFull);
        Ok(route)
    }

    /// The way to an address of a PostgreSQL, in clear.
    pub(crate) fn plain(address: SocketAddr) -> Self {
        Self::of(Engine::Postgres, vec![Address::Inet(address)], address.to_string())
    }

    fn of(engine: Engine, addresses: Vec<Address>, shown: String) -> Self {
        Self { engine, addresses, tls: None, must: false, proved: false, shown }
    }

    /// Whether what is said there stays on this machine.
    pub(super) fn is_local(&self) -> bool {
        self.addresses.iter().all(|address| match address {
            Address::Inet(address) => address.ip().is_loopback(),
            Address::Local(_) => true,
        })
    }
}

fn down(engine: Engine, shown: &str, why: &str) -> Failed {
    Failed::new(engine, Cause::Down, format!("{shown}: {why}"))
}

/// A socket.
#[derive(Debug)]
pub(super) enum Raw {
    Inet(TcpStream),
    Local(UnixStream),
}

impl Raw {
    /// Connects to the first address that takes it; gives the address as well.
    fn open(route: &Route, until: Instant) -> Result<Self, Failed> {
        let mut why = io::Error::from(io::ErrorKind::TimedOut);
        for address in &route.addresses {
            let tried = left(until).and_then(|left| match address {
                Address::Inet(address) => TcpStream::connect_timeout(address, left).map(Self::Inet),
                Address::Local(path) => local(path, left).map(Self::Local),
            });
            match tried {
                Ok(raw) => {
                    if let Self::Inet(stream) = &raw {
                        // A message is written whole.
                        let _faster = stream.set_nodelay(true);
                    }
                    return Ok(raw);
                }
                Err(error) => why = error,
            }
        }
        let why = if is_late(&why) { "it does not answer".to_owned() } else { why.to_string() };
        Err(down(route.engine, &route.shown, &why))
    }

    pub(super) fn twin(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Inet(stream) => Self::Inet(stream.try_clone()?),
            Self::Local(stream) => Self::Local(stream.try_clone()?),
        })
    }

    /// Ends both directions, whoever waits for them.
    pub(super) fn shut(&self) {
        let _gone = match self {
            Self::Inet(stream) => stream.shutdown(Shutdown::Both),
            Self::Local(stream) => stream.shutdown(Shutdown::Both),
        };
    }

    fn patience(&self, limit: Option<Duration>) -> io::Result<()> {
        match self {
            Self::Inet(stream) => stream.set_read_timeout(limit).and_then(|()| stream.set_write_timeout(limit)),
            Self::Local(stream) => stream.set_read_timeout(limit).and_then(|()| stream.set_write_timeout(limit)),
        }
    }
}

/// Connects to a local socket; the kernel waits for a full queue no longer than it may for sending.
fn local(path: &Path, limit: Duration) -> io::Result<UnixStream> {
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    set_socket_timeout(&socket, Timeout::Send, Some(limit))?;
    connect(&socket, &SocketAddrUnix::new(path)?)?;
    let stream = UnixStream::from(socket);
    stream.set_write_timeout(None)?;
    Ok(stream)
}

impl Read for Raw {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Inet(stream) => stream.read(into),
            Self::Local(stream) => stream.read(into),
        }
    }
}

impl Write for Raw {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        match self {
            Self::Inet(stream) => stream.write(from),
            Self::Local(stream) => stream.write(from),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A socket, in clear or encrypted.
pub(super) enum Stream {
    Clear(Raw),
    Encrypted(Box<StreamOwned<ClientConnection, Raw>>),
}

impl Stream {
    /// Connects, and has the encryption agreed on. Its handshake comes with the first bytes.
    pub(super) fn open(route: &Route, until: Instant) -> Result<Self, Failed> {
        let mut raw = Raw::open(route, until)?;
        let Some((config, name)) = &route.tls else { return Ok(Self::Clear(raw)) };
        let lost = |error: io::Error| {
            let why = if is_late(&error) { "it does not answer".to_owned() } else { error.to_string() };
            Failed::new(route.engine, Cause::Lost, why)
        };
        let mut ask = BytesMut::new();
        frontend::ssl_request(&mut ask);
        raw.patience(Some(left(until).map_err(lost)?)).map_err(lost)?;
        let mut answer = [0];
        raw.write_all(&ask).and_then(|()| raw.read_exact(&mut answer)).map_err(|error| {
            if is_late(&error) { down(route.engine, &route.shown, "it does not answer") } else { lost(error) }
        })?;
        raw.patience(None).map_err(lost)?;
        match answer {
            [b'S'] => {
                let connection = ClientConnection::new(Arc::clone(config), name.clone()).map_err(|error| {
                    Failed::new(route.engine, Cause::Other, format!("cannot encrypt the connection: {error}"))
                })?;
                Ok(Self::Encrypted(Box::new(StreamOwned::new(connection, raw))))
            }
            [b'N'] if !route.must => Ok(Self::Clear(raw)),
            [b'N'] => {
                let why = "it offers no encryption, and the URL's `sslmode` wants it";
                Err(Failed::new(route.engine, Cause::Auth, why))
            }
            _ => Err(Failed::new(
                route.engine,
                Cause::Strange,
                "its answer to the first message is none of the protocol's",
            )),
        }
    }

    pub(super) fn raw(&self) -> &Raw {
        match self {
            Self::Clear(raw) => raw,
            Self::Encrypted(stream) => stream.get_ref(),
        }
    }

    pub(super) fn is_encrypted(&self) -> bool {
        match self {
            Self::Clear(_) => false,
            Self::Encrypted(_) => true,
        }
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Clear(raw) => raw.read(into),
            Self::Encrypted(stream) => stream.read(into),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        match self {
            Self::Clear(raw) => raw.write(from),
            Self::Encrypted(stream) => stream.write(from),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Clear(raw) => raw.flush(),
            Self::Encrypted(stream) => stream.flush(),
        }
    }
}

/// What a cancelling connection says, and nothing else: the server closes it without an answer.
pub(super) fn cancel(route: &Route, (process, secret): (i32, i32), limit: Duration) {
    let until = Instant::now() + limit;
    let Ok(mut stream) = Stream::open(route, until) else { return };
    if stream.raw().patience(Some(limit)).is_err() {
        return;
    }
    let mut message = BytesMut::new();
    frontend::cancel_request(process, secret, &mut message);
    if stream.write_all(&message).and_then(|()| stream.flush()).is_ok() {
        // It is done once the server hangs up.
        let _end = stream.read(&mut [0]);
    }
}

pub(super) fn left(until: Instant) -> io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}
