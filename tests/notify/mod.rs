//! Telling a person, with a real command, real servers on this machine, and the real guard that sends.

mod channels;
mod configuration;
mod detached;
mod events;
mod secrecy;
mod tls;

use crate::cli::{Done, Home, done};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// The secret that posts are signed with.
const SECRET: &str = "a secret of the tests, long enough";
/// How long anything is waited for that happens elsewhere.
const PATIENCE: Duration = Duration::from_secs(30);

/// A post as it came, and how to answer it.
struct Post {
    head: String,
    headers: BTreeMap<String, String>,
    body: String,
    answer: TcpStream,
}

impl Post {
    fn answer(mut self, status: &str) {
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
        let _gone = self.answer.write_all(answer.as_bytes());
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A server on this machine that hands every post to the test.
struct Server {
    address: SocketAddr,
    posts: Receiver<Post>,
}

impl Server {
    fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, posts) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let tell = tell.clone();
                std::thread::spawn(move || receive(stream.unwrap(), &tell));
            }
        });
        Server { address, posts }
    }

    fn url(&self) -> String {
        format!("http://{}/hook?token=URLTOKEN", self.address)
    }

    /// The next post.
    fn post(&self) -> Post {
        self.posts.recv_timeout(PATIENCE).expect("no post came")
    }

    /// That no post comes any more, once nothing waits.
    fn quiet(&self, home: &Home) {
        sent(home);
        assert!(self.posts.try_recv().is_err());
    }
}

fn receive(stream: TcpStream, tell: &Sender<Post>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let head = line.trim_end().to_owned();
    let mut headers = BTreeMap::new();
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let _over = tell.send(Post { head, headers, body: String::from_utf8(body).unwrap(), answer: stream });
}

/// The person's configuration folder of a home.
fn folder(home: &Home) -> PathBuf {
    let folder = home.path().join(".config/guard");
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Writes the person's configuration, with a secret beside it.
fn configure(home: &Home, text: &str) {
    private(&folder(home).join("notify.key"), &format!("{SECRET}\n"));
    fs::write(folder(home).join("config.toml"), text).unwrap();
}

/// A home whose person is told through `server`, tries following each other at once.
fn reached(server: &Server) -> Home {
    let home = Home::with("default");
    configure(&home, &webhook(&server.url()));
    home
}

fn webhook(url: &str) -> String {
    format!("[notify]\nwebhook = \"{url}\"\nsecret_file = \"notify.key\"\nretry = \"10ms\"\ntimeout = \"60s\"\n")
}

/// Asks for something that a person has to allow, and was not asked before.
fn ask(home: &Home) -> Done {
    asking(done(&mut asks(home, &[])))
}

/// The call that does.
fn asks(home: &Home, flags: &[&str]) -> assert_cmd::Command {
    static ASKED: AtomicU64 = AtomicU64::new(0);
    let command = format!("truncate -s 0 data-{}.csv", ASKED.fetch_add(1, Ordering::Relaxed));
    home.command(&[&["exec"], flags, &["-c", &command]].concat())
}

fn asking(done: Done) -> Done {
    assert_eq!(done.code, Some(75), "{}", done.stderr);
    done
}

/// What waits to be sent.
fn waiting(home: &Home) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(home.state().join("notices")) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect()
}

/// Waits until nothing waits to be sent.
fn sent(home: &Home) {
    until("everything is sent", || waiting(home).is_empty());
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < PATIENCE, "not within {} s: {what}", PATIENCE.as_secs());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The log's only failure to tell somebody: its line up to the machine's part, and that part.
fn failure(home: &Home) -> (String, serde_json::Value) {
    sent(home);
    let log = home.log();
    let found: Vec<&str> = log.lines().filter(|line| line.contains("] [NOTIFY] [")).collect();
    assert_eq!(found.len(), 1, "{log}");
    let line = found[0];
    let (human, machine) = line.split_once(" {").unwrap();
    let machine = format!("{{{}", machine.rsplit_once("} #").unwrap().0) + "}";
    let human = human.split_once("] ").unwrap().1.to_owned();
    assert_eq!(home.guard(&["audit", "verify"]).code, Some(0));
    (human, serde_json::from_str(&machine).unwrap())
}
