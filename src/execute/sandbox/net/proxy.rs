//! The way out to named hosts: a proxy in guard that a fence alone can reach, for TLS on port 443 to those hosts.
//! Knows no policy: the hosts are data.

use super::hello::{Hello, Listening};
use super::{Tally, address};
use crate::execute::sandbox::probe::{Finding, Topic};
use rustix::net::{AddressFamily, Shutdown as Both, SocketType, bind, connect, shutdown, socket};
use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The one port that is reached.
const PORT: u16 = 443;
/// Bytes of the longest request.
const HEAD: usize = 8 * 1024;
/// Time for a request, a hello, a connection to one address.
const PATIENCE: Duration = Duration::from_secs(15);
/// Tunnels at once.
const MOST: usize = 64;
/// Connections that were let go and did not arrive yet.
const EXPECTED: usize = 256;

/// The proxy of one fence.
#[derive(Debug)]
pub(in crate::execute::sandbox) struct Proxy {
    listener: TcpListener,
    address: SocketAddr,
    hosts: Vec<String>,
    tally: Tally,
    /// Where connections of the fence come from that were not taken yet.
    expected: Mutex<HashSet<SocketAddr>>,
    started: AtomicBool,
    next: AtomicU64,
    open: Mutex<Vec<(u64, TcpStream)>>,
}

impl Proxy {
    /// Listens on the loopback, to nobody yet.
    ///
    /// # Errors
    /// Where no port is to be had.
    pub(in crate::execute::sandbox) fn open(hosts: &[String]) -> io::Result<Arc<Self>> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        Ok(Arc::new(Self {
            address: listener.local_addr()?,
            listener,
            hosts: hosts.iter().map(|host| host.to_ascii_lowercase()).collect(),
            tally: Tally::default(),
            expected: Mutex::default(),
            started: AtomicBool::new(false),
            next: AtomicU64::new(0),
            open: Mutex::default(),
        }))
    }

    /// Where it listens.
    pub(in crate::execute::sandbox) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn tally(&self) -> Tally {
        Arc::clone(&self.tally)
    }

    /// Takes the connection that will come from `from`, and begins to work with the first; false: there are too many.
    pub(super) fn expect(self: &Arc<Self>, from: SocketAddr) -> bool {
        let mut expected = held(&self.expected);
        if expected.len() >= EXPECTED {
            return false;
        }
        expected.insert(from);
        drop(expected);
        if !self.started.swap(true, Ordering::SeqCst) {
            let proxy = Arc::clone(self);
            // Without a thread nothing is let through.
            let _ = std::thread::Builder::new().name("proxy".to_owned()).spawn(move || proxy.work());
        }
        true
    }

    /// Nothing will come from `from`.
    pub(super) fn forget(&self, from: SocketAddr) {
        held(&self.expected).remove(&from);
    }

    /// Ends it, and every tunnel.
    pub(super) fn close(&self) {
        let _ = shutdown(&self.listener, Both::Both);
        for (_, stream) in held(&self.open).drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn work(self: Arc<Self>) {
        super::kernel::undisturbed();
        for stream in self.listener.incoming() {
            let Ok(stream) = stream else { return };
            let known = stream.peer_addr().is_ok_and(|from| held(&self.expected).remove(&from));
            if !known || held(&self.open).len() >= 2 * MOST {
                continue;
            }
            let Ok(number) = self.keep(&stream) else { continue };
            let proxy = Arc::clone(&self);
            let thread = std::thread::Builder::new().name("tunnel".to_owned()).stack_size(256 * 1024);
            let _ = thread.spawn(move || {
                // A tunnel that breaks is the client's to see.
                let _ = proxy.tunnel(stream);
                held(&proxy.open).retain(|(other, _)| *other != number);
            });
        }
    }

    fn keep(&self, stream: &TcpStream) -> io::Result<u64> {
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        held(&self.open).push((number, stream.try_clone()?));
        Ok(number)
    }

    fn refuse(&self, host: &str, why: &'static str) {
        held(&self.tally).refuse("connect", host, why);
    }

    fn tunnel(&self, mut client: TcpStream) -> io::Result<()> {
        client.set_read_timeout(Some(PATIENCE))?;
        let (head, mut sent) = head(&mut client)?;
        let target = match target(&head) {
            Ok(target) => target,
            Err(why) => return answer(&mut client, "400 Bad Request", why),
        };
        let (host, port) = &target;
        let shown = format!("{host}:{port}");
        if *port != PORT || !self.hosts.contains(host) {
            let why = "no rule opens this host";
            self.refuse(&shown, why);
            return answer(&mut client, "403 Forbidden", why);
        }
        let addresses: Vec<SocketAddr> = match (host.as_str(), *port).to_socket_addrs() {
            Ok(found) => found.collect(),
            Err(_) => return answer(&mut client, "502 Bad Gateway", "the name is not known"),
        };
        let public: Vec<SocketAddr> =
            addresses.into_iter().filter(|at| address::public(at.ip()) && !is_own(*at)).collect();
        if public.is_empty() {
            let why = "its addresses are not of the internet at large";
            self.refuse(&shown, why);
            return answer(&mut client, "403 Forbidden", why);
        }
        let Some(mut server) = public.iter().find_map(|at| TcpStream::connect_timeout(at, PATIENCE).ok()) else {
            return answer(&mut client, "502 Bad Gateway", "it cannot be reached");
        };
        let number = self.keep(&server)?;
        let passed = (|| {
            client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
            let mut chunk = [0; 4096];
            let mut listening = Listening::default();
            let named = loop {
                match listening.read(&sent) {
                    Hello::Partial => {}
                    Hello::Host(name) if name == *host => break Ok(()),
                    Hello::Host(_) => break Err("the TLS inside names another host"),
                    Hello::Unfit(why) => break Err(why),
                }
                match client.read(&mut chunk)? {
                    0 => return Ok(()),
                    len => sent.extend_from_slice(chunk.get(..len).unwrap_or_default()),
                }
            };
            if let Err(why) = named {
                self.refuse(&shown, why);
                return client.shutdown(Shutdown::Both);
            }
            held(&self.tally).reached(&shown);
            client.set_read_timeout(None)?;
            server.write_all(&sent)?;
            relay(client, server)
        })();
        held(&self.open).retain(|(other, _)| *other != number);
        passed
    }
}

/// Asks a proxy for what it must not give: another host than those of the rule, and this machine by a name that is among them.
pub(in crate::execute::sandbox) fn probe() -> io::Result<Vec<Finding>> {
    let mut found = Vec::new();
    for (tried, host) in
        [("reach a host that no rule opens", "example.org"), ("reach this machine by a name", "localhost")]
    {
        let proxy = Proxy::open(&["localhost".to_owned()])?;
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
        bind(&socket, &SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let mut client = TcpStream::from(socket);
        proxy.expect(client.local_addr()?);
        connect(&client, &proxy.address())?;
        client.set_read_timeout(Some(PATIENCE))?;
        write!(client, "CONNECT {host}:{PORT} HTTP/1.1\r\n\r\n")?;
        let mut answer = String::new();
        client.read_to_string(&mut answer)?;
        proxy.close();
        let held = answer.starts_with("HTTP/1.1 403 ");
        let said = answer.lines().last().unwrap_or_default().trim_start_matches("guard: ").to_owned();
        found.push(Finding { topic: Topic::Network, tried, by: "guard's proxy", held, said });
    }
    Ok(found)
}

/// Whether this machine itself has the address: what listens there takes it for a neighbour. Nothing is sent to find out.
fn is_own(at: SocketAddr) -> bool {
    let (any, nobody) = if at.is_ipv4() { ("0.0.0.0:0", "192.0.2.1:0") } else { ("[::]:0", "[2001:db8::1]:0") };
    // One may be bound to what one has. Where one may be to anything, what is used towards oneself tells.
    if UdpSocket::bind(nobody).is_err() {
        return UdpSocket::bind((at.ip(), 0)).is_ok();
    }
    let from = UdpSocket::bind(any).and_then(|socket| socket.connect(at).and_then(|()| socket.local_addr()));
    from.is_ok_and(|from| from.ip() == at.ip())
}

fn held<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The request up to its empty line, and what came behind it.
fn head(client: &mut TcpStream) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 1024];
    let mut looked = 0_usize;
    loop {
        let begin = looked.saturating_sub(3);
        let new = bytes.get(begin..).unwrap_or_default();
        if let Some(at) = new.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = bytes.split_off(begin + at + 4);
            return Ok((bytes, rest));
        }
        looked = bytes.len();
        let len = client.read(&mut chunk)?;
        if len == 0 || bytes.len() > HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
        bytes.extend_from_slice(chunk.get(..len).unwrap_or_default());
    }
}

/// Host and port of a `CONNECT`.
fn target(head: &[u8]) -> Result<(String, u16), &'static str> {
    let line = head.split(|byte| *byte == b'\r').next().and_then(|line| std::str::from_utf8(line).ok());
    let mut words = line.ok_or("the request cannot be read")?.split(' ');
    let (method, authority, version) = (words.next(), words.next(), words.next());
    if method != Some("CONNECT") || !version.is_some_and(|v| v.starts_with("HTTP/1.")) || words.next().is_some() {
        return Err("only `CONNECT` is answered: use https");
    }
    let (host, port) = authority.and_then(|a| a.rsplit_once(':')).ok_or("the request names no port")?;
    let port = port.parse().map_err(|_| "the request names no port")?;
    Ok((host.trim_end_matches('.').to_ascii_lowercase(), port))
}

fn answer(client: &mut TcpStream, status: &str, why: &str) -> io::Result<()> {
    let text = format!("guard: {why}\n");
    let whole = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    );
    client.write_all(whole.as_bytes())
}

/// Passes bytes on both ways until both ends are done.
fn relay(client: TcpStream, server: TcpStream) -> io::Result<()> {
    let (mut up, mut to) = (client.try_clone()?, server.try_clone()?);
    let thread = std::thread::Builder::new().stack_size(256 * 1024).spawn(move || {
        let _ = io::copy(&mut up, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    })?;
    let (mut down, mut back) = (server, client);
    let copied = io::copy(&mut down, &mut back);
    let _ = back.shutdown(Shutdown::Write);
    // A client that is gone leaves nobody to send for.
    if copied.is_err() {
        let _ = down.shutdown(Shutdown::Both);
    }
    let _ = thread.join();
    copied.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_this_machine_is_known_as_its_own() {
        let own = |at: &str| is_own(at.parse().unwrap());
        assert_eq!(["127.0.0.1:443", "[::1]:443", "127.0.0.9:443"].map(own), [true; 3]);
        let outside = UdpSocket::bind("0.0.0.0:0").unwrap();
        // Whatever address it has towards others.
        if outside.connect("192.0.2.1:443").is_ok() {
            let mut at = outside.local_addr().unwrap();
            at.set_port(443);
            assert!(is_own(at), "{at}");
        }
        assert!(!own("192.0.2.1:443"));
    }

    #[test]
    fn only_so_many_connections_are_expected_and_each_can_be_forgotten() {
        let proxy = Proxy::open(&[]).unwrap();
        let at = |port: usize| SocketAddr::from(([127, 0, 0, 1], u16::try_from(port).unwrap()));
        assert!((1..=EXPECTED).all(|port| proxy.expect(at(port))) && !proxy.expect(at(9999)));
        proxy.forget(at(1));
        assert!(proxy.expect(at(9999)));
        proxy.close();
    }

    #[test]
    fn only_a_connect_to_a_host_and_port_is_understood() {
        let read = |line: &str| target(format!("{line}\r\nHost: x\r\n\r\n").as_bytes());
        assert_eq!(read("CONNECT PyPI.org:443 HTTP/1.1"), Ok(("pypi.org".into(), 443)));
        assert_eq!(read("CONNECT pypi.org.:443 HTTP/1.0"), Ok(("pypi.org".into(), 443)));
        assert_eq!(read("CONNECT pypi.org HTTP/1.1"), Err("the request names no port"));
        assert_eq!(read("CONNECT pypi.org:https HTTP/1.1"), Err("the request names no port"));
        assert_eq!(read("GET http://pypi.org/ HTTP/1.1"), Err("only `CONNECT` is answered: use https"));
        assert_eq!(read("CONNECT pypi.org:443 HTTP/1.1 x"), Err("only `CONNECT` is answered: use https"));
        assert_eq!(target(b"\xff\r\n\r\n"), Err("the request cannot be read"));
    }
}
