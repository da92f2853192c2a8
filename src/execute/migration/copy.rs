//! A throw-away copy of a database's schema, without its rows: a database of its own on a server, or one in memory.
//! Its name says that it is guard's and when it was made, so that what a killed guard left is dropped by the next.

use super::postgres::Postgres;
use super::sqlite::Sqlite;
use super::{Behind, WriteLimits, Writer, programs};
use crate::execute::query::{Endpoint, Failed, Server, Target};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// What the names of copies begin with.
const PREFIX: &str = "guard_copy_";
/// Seconds after which a copy that nobody is connected with is a leftover.
const OLD: u64 = 60;

/// Why there is no copy: what is missing, and how to get it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untried {
    /// What is missing.
    pub why: String,
    /// What a person does about it.
    pub help: String,
}

/// A copy. Dropped, it is gone.
pub struct Copied {
    keeper: Option<Postgres>,
    name: String,
    endpoint: Option<Endpoint>,
    memory: Option<Writer>,
}

/// Copies the schema of `of` to the server of `to`, in whose `folder` nothing else lies. Connections made for it last
/// as long as `limits` says.
///
/// # Errors
/// What is missing.
pub fn copy(of: &Endpoint, to: &Endpoint, folder: &Path, limits: &WriteLimits) -> Result<Copied, Untried> {
    match (&of.target, &to.target) {
        (Target::File(path), _) => in_memory(path, limits),
        (Target::Server(from), Target::Server(_)) => on_server(from, to, folder, limits),
        (Target::Server(_), Target::File(_)) => {
            Err(Untried { why: "the copy's database is a file".into(), help: "name a server's".into() })
        }
    }
}

fn in_memory(path: &Path, limits: &WriteLimits) -> Result<Copied, Untried> {
    let failed = |failed: Failed| Untried {
        why: format!("its schema cannot be made anew: {}", failed.message),
        help: "a person tries the migration on a copy of the file".into(),
    };
    let mut source = Sqlite::open(path, limits).map_err(failed)?;
    let mut copy = Sqlite::nowhere(limits).map_err(failed)?;
    let (definitions, revisions) = (source.definitions().map_err(failed)?, source.revisions().map_err(failed)?);
    for sql in definitions {
        copy.run(&sql).map_err(failed)?;
    }
    for revision in revisions {
        let value = revision.replace('\'', "''");
        copy.run(&format!("INSERT INTO alembic_version VALUES ('{value}')")).map_err(failed)?;
    }
    let memory = Some(Writer { behind: Behind::Sqlite(Box::new(copy)) });
    Ok(Copied { keeper: None, name: String::new(), endpoint: None, memory })
}

fn on_server(from: &Server, to: &Endpoint, folder: &Path, limits: &WriteLimits) -> Result<Copied, Untried> {
    let program = |name: &str| {
        programs::find(name).ok_or_else(|| Untried {
            why: format!("there is no `{name}`, by which guard copies a schema"),
            help: "install PostgreSQL's client programs: `apt-get install postgresql-client`".into(),
        })
    };
    let (dump, restore) = (program("pg_dump")?, program("pg_restore")?);
    let Target::Server(at) = &to.target else {
        return Err(Untried { why: "the copy's database is a file".into(), help: "name a server's".into() });
    };
    let down = |failed: Failed| Untried {
        why: format!("the server for the copy cannot be asked: {}", failed.message),
        help: failed.hint.unwrap_or_else(|| "start it, or name another one as the database's `test_url_env`".into()),
    };
    let mut keeper = Postgres::open(at, limits).map_err(down)?;
    sweep(&mut keeper);
    let name = format!("{PREFIX}{}_{}_{:08x}", seconds(), std::process::id(), random());
    let made = keeper.ask(&format!("CREATE DATABASE {name} TEMPLATE template0"), &[]);
    made.map_err(|failed| Untried {
        why: format!("a database for the copy cannot be made: {}", failed.message),
        help: format!(
            "a person lets that user make databases (`ALTER ROLE {} CREATEDB`), or names the URL of one who may, on a server \
             for tests, as the database's `test_url_env`",
            at.user
        ),
    })?;
    let mut copied = Copied { keeper: Some(keeper), name: name.clone(), endpoint: to.sibling(&name), memory: None };
    let file = folder.join(format!("{name}.dump"));
    let filled = fill((&dump, &restore), from, &Server { database: name, ..at.clone() }, &file);
    let _gone = std::fs::remove_file(&file);
    filled?;
    copied.stamp(from, limits).map_err(down)?;
    Ok(copied)
}

fn fill((dump, restore): (&PathBuf, &PathBuf), from: &Server, to: &Server, file: &Path) -> Result<(), Untried> {
    programs::dump(dump, from, file).map_err(|why| Untried {
        why: format!("the schema cannot be read: {why}"),
        help: "the user of `url_env` may read the whole schema, and `pg_dump` is at least as new as the server".into(),
    })?;
    programs::restore(restore, to, file).map_err(|why| Untried {
        why: format!("the schema cannot be made anew: {why}"),
        help: "give the server of `test_url_env` the extensions, roles and version that the schema needs".into(),
    })
}

impl Copied {
    /// Where it lies; `None`: in this process.
    pub fn endpoint(&self) -> Option<&Endpoint> {
        self.endpoint.as_ref()
    }

    /// A session that writes to it; the same again where it lies in this process.
    ///
    /// # Errors
    /// Why there is none.
    pub fn writer(&mut self, limits: &WriteLimits) -> Result<Lent<'_>, Failed> {
        match (&mut self.memory, &self.endpoint) {
            (Some(writer), _) => Ok(Lent::Kept(writer)),
            (None, Some(endpoint)) => Ok(Lent::Own(Box::new(Writer::open(endpoint, limits)?))),
            (None, None) => {
                Ok(Lent::Own(Box::new(Writer { behind: Behind::Sqlite(Box::new(Sqlite::nowhere(limits)?)) })))
            }
        }
    }

    /// Alembic's current revisions are rows, which no schema holds.
    fn stamp(&mut self, from: &Server, limits: &WriteLimits) -> Result<(), Failed> {
        let mut source = Postgres::open(from, limits)?;
        source.begin_to_read()?;
        let revisions = source.revisions()?;
        source.undo()?;
        let Some(Target::Server(own)) = self.endpoint.as_ref().map(|endpoint| &endpoint.target) else { return Ok(()) };
        let mut copy = Postgres::open(own, limits)?;
        copy.stamp(&revisions)
    }
}

/// A session with a copy.
pub enum Lent<'c> {
    /// The copy's only one.
    Kept(&'c mut Writer),
    /// One of its own.
    Own(Box<Writer>),
}

impl std::ops::Deref for Lent<'_> {
    type Target = Writer;
    fn deref(&self) -> &Writer {
        match self {
            Lent::Kept(writer) => writer,
            Lent::Own(writer) => writer,
        }
    }
}

impl std::ops::DerefMut for Lent<'_> {
    fn deref_mut(&mut self) -> &mut Writer {
        match self {
            Lent::Kept(writer) => writer,
            Lent::Own(writer) => writer,
        }
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        if let Some(keeper) = &mut self.keeper {
            let _gone = keeper.ask(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name), &[]);
        }
    }
}

/// Drops what a guard that was killed left. What cannot be dropped stays for the next.
fn sweep(keeper: &mut Postgres) {
    let sql = "SELECT d.datname FROM pg_catalog.pg_database d WHERE d.datname ~ '^guard_copy_[0-9]+_[0-9]+_[0-9a-f]{8}$' \
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.datname = d.datname)";
    let found = keeper.ask(sql, &[]).unwrap_or_default();
    let now = seconds();
    for name in found.into_iter().flatten().flatten() {
        let made =
            name.strip_prefix(PREFIX).and_then(|rest| rest.split('_').next()).and_then(|text| text.parse::<u64>().ok());
        if made.is_some_and(|made| now.saturating_sub(made) > OLD) {
            let _left = keeper.ask(&format!("DROP DATABASE IF EXISTS {name}"), &[]);
        }
    }
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn random() -> u32 {
    let mut bytes = [0; 4];
    let _read = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    u32::from_ne_bytes(bytes)
}
