//! The real servers that `scripts/servers` started. Where one is missing, a test that needs it is skipped by name, and noted
//! in the file that `GUARD_TEST_SKIPPED` names; with `GUARD_TEST_NEEDS_SERVERS` it fails.

use std::io::Write;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

/// PostgreSQL, whose superuser is `owner`; every password is `p@ss`.
#[derive(Debug, Clone)]
pub(crate) struct Postgres {
    pub(crate) port: u16,
    /// The folder of its local socket.
    pub(crate) sockets: String,
    /// The certificate of the authority that signed its own, which is for `localhost`.
    pub(crate) authority: String,
}

/// QuestDB: `admin` with the password `quest` may all, `user` with `quest` may read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quest {
    pub(crate) port: u16,
}

/// A test goes on without what it needs.
#[expect(clippy::print_stderr, reason = "who runs the tests is told")]
pub(crate) fn skip<T>(what: &str) -> Option<T> {
    let name = std::thread::current().name().unwrap_or("a test").to_owned();
    assert!(std::env::var_os("GUARD_TEST_NEEDS_SERVERS").is_none(), "{name}: there is no {what}");
    eprintln!("skipped: {name}: there is no {what}");
    if let Some(path) = std::env::var_os("GUARD_TEST_SKIPPED") {
        let mut file = std::fs::File::options().append(true).create(true).open(path).unwrap();
        file.write_all(format!("{name}: there is no {what}\n").as_bytes()).unwrap();
    }
    None
}

fn port(url: &str) -> u16 {
    let address = url.rsplit_once('@').unwrap().1;
    address.split_once('/').unwrap().0.rsplit_once(':').unwrap().1.parse().unwrap()
}

pub(crate) fn postgres() -> Option<Postgres> {
    let setting = |name: &str| std::env::var(format!("GUARD_TEST_POSTGRES{name}"));
    let Ok(url) = setting("") else { return skip("PostgreSQL") };
    let (sockets, authority) = (setting("_SOCKETS").unwrap(), setting("_CA").unwrap());
    Some(Postgres { port: port(&url), sockets, authority })
}

pub(crate) fn quest() -> Option<Quest> {
    let Ok(url) = std::env::var("GUARD_TEST_QUESTDB") else { return skip("QuestDB") };
    Some(Quest { port: port(&url) })
}

/// A name that no other test has.
pub(crate) fn unique(stem: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{stem}_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

impl Postgres {
    /// What `psql` prints as the superuser, in a database.
    pub(crate) fn psql(&self, database: &str, sql: &str) -> String {
        self.psql_as("owner", database, sql).unwrap()
    }

    /// The same as another user, or its error.
    pub(crate) fn psql_as(&self, user: &str, database: &str, sql: &str) -> Result<String, String> {
        let done = Command::new("psql")
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", &self.sockets, "-p", &self.port.to_string()])
            .args(["-U", user, "-d", database, "-c", sql])
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        if done.status.success() { Ok(text(&done.stdout)) } else { Err(text(&done.stderr)) }
    }

    /// A fresh database, with these statements run in it.
    pub(crate) fn database(&self, sql: &str) -> Database {
        let name = unique("test");
        self.psql("postgres", &format!("CREATE DATABASE {name}"));
        let database = Database { server: self.clone(), name };
        if !sql.is_empty() {
            database.psql(sql);
        }
        database
    }
}

/// A database that goes with its test.
pub(crate) struct Database {
    pub(crate) server: Postgres,
    pub(crate) name: String,
}

impl Database {
    pub(crate) fn psql(&self, sql: &str) -> String {
        self.server.psql(&self.name, sql)
    }

    /// Its URL by TCP, for a user.
    pub(crate) fn url(&self, user: &str) -> String {
        format!("postgres://{user}:p%40ss@127.0.0.1:{}/{}?sslmode=disable", self.server.port, self.name)
    }

    /// Its URL by the local socket.
    pub(crate) fn local(&self, user: &str) -> String {
        let (sockets, port) = (&self.server.sockets, self.server.port);
        format!("postgres://{user}@/{}?host={sockets}&port={port}", self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let _gone = self.server.psql_as("owner", "postgres", &format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}
