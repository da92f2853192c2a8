//! A relay on the loopback that speaks PostgreSQL's protocol: what runs in the fence talks to it and to nothing else, so that
//! every statement is seen before a server gets it, whatever the code that sends it does. It logs in by itself: the fence
//! learns no password of a database, and a name for this relay alone.

mod bytes;
mod heard;
mod line;
mod names;

pub use heard::{Heard, Rule, Stopped};

use crate::execute::query::{Endpoint, Server, Target};
use line::{Line, TICK};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Connections that one run makes.
const MOST: usize = 64;
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
