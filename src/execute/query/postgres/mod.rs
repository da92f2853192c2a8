//! A conversation with PostgreSQL: one transaction, which only reads unless it is to write, in which guard asks its own
//! questions, has the agent's statement read, and runs it.
//!
//! The transaction's first statement sets what a statement's meaning and end depend on. It takes a snapshot, after which
//! PostgreSQL lets nobody make the transaction a writing one. Guard's own questions see nothing but `pg_catalog`.

mod catalog;
mod identity;
mod list;
mod posture;
mod relations;
mod row;
mod types;

pub(crate) use identity::QUESTION;

use super::endpoint::Server;
use super::value::literal;
use super::wire::{Allowed, Ask, Login, Route, Talk, stream};
use super::{Access, Caps, Cause, Column, Done, Failed, Limits, Sink};
use crate::action::query::Engine;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How much later than the server guard's own timer is.
const GRACE: Duration = Duration::from_secs(1);
/// Time to say good-bye.
const BYE: Duration = Duration::from_secs(2);
/// What guard's own questions see.
const OWN: &str = "pg_catalog, pg_temp";

/// Numbers of statements: a pool may hand a server's connection on, and a statement's name with it.
static NEXT: AtomicU64 = AtomicU64::new(1);

pub(super) struct Postgres {
    talk: Talk,
    server: Server,
    access: Access,
    /// The search path of the agent's statement, as it is set.
    path: String,
    /// The schemas on it.
    schemas: Vec<String>,
    name: String,
    columns: Option<Vec<Column>>,
}

impl Postgres {
    pub(super) fn open(server: &Server, limits: &Limits, access: Access) -> Result<Self, Failed> {
        let until = Instant::now() + limits.connect;
        let route = Route::find(server, until)?;
        let mut talk = Talk::begin(&route, until)?;
        let options = limits.role.as_ref().map(|role| format!("-c role={}", escaped(role)));
        let more: Vec<(&str, &str)> = options.iter().map(|options| ("options", options.as_str())).collect();
        let (password, database) = (server.password.as_deref(), &server.database);
        let login = Login { user: &server.user, password, database, more: &more };
        talk.enter(&login, &route, Allowed { unasked: true, md5: true, overheard: false })?;
        talk.patience(limits.time + GRACE);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let mut session = Self {
            talk,
            server: server.clone(),
            access,
            path: String::new(),
            schemas: Vec::new(),
            name: format!("guard_{}_{number}", std::process::id()),
            columns: None,
        };
        session.begin(limits)?;
        Ok(session)
    }

    fn begin(&mut self, limits: &Limits) -> Result<(), Failed> {
        let time = limits.time.as_millis().clamp(1, i32::MAX as u128).to_string();
        let idle =
            (limits.time + limits.time + Duration::from_secs(60)).as_millis().clamp(1, i32::MAX as u128).to_string();
        let settings = [
            ("statement_timeout", time.as_str()),
            // Should guard be stopped, the server does not wait for it for ever.
            ("idle_in_transaction_session_timeout", &idle),
            ("standard_conforming_strings", "on"),
            ("client_min_messages", "error"),
            ("DateStyle", "ISO"),
            ("IntervalStyle", "postgres"),
            ("bytea_output", "hex"),
            ("extra_float_digits", "1"),
            ("transform_null_equals", "off"),
            ("array_nulls", "on"),
            ("quote_all_identifiers", "off"),
            ("xmloption", "content"),
        ];
        let calls =
            (0..settings.len()).map(|at| format!("pg_catalog.set_config(${}, ${}, true)", 2 * at + 1, 2 * at + 2));
        let set = format!("SELECT {}", calls.collect::<Vec<_>>().join(", "));
        let values: Vec<_> =
            settings.iter().flat_map(|(name, value)| [name, value]).map(|text| Some((*text).to_owned())).collect();
        // Names that the catalog's own are looked for before, wherever the user's settings put it.
        let path = match &limits.path {
            Some(schemas) => {
                let quoted: Vec<_> = schemas.iter().map(|name| format!("\"{}\"", name.replace('"', "\"\""))).collect();
                vec![Some(quoted.join(", "))]
            }
            None => vec![None],
        };
        // What a writer makes it makes in the first schema of the path, so there `pg_catalog` is first without being named.
        let first = match self.access {
            Access::Read => "'pg_catalog, '",
            Access::Write => "''",
        };
        let whole = format!(
            "SELECT pg_catalog.set_config('search_path', pg_catalog.regexp_replace(pg_catalog.concat({first}, \
            coalesce($1, pg_catalog.current_setting('search_path')), ', pg_temp'), ', , ', ', '), true)"
        );
        let own = [Some(OWN.to_owned())];
        let (begin, only_reads) = match self.access {
            Access::Read => ("BEGIN TRANSACTION READ ONLY", "on"),
            Access::Write => ("BEGIN TRANSACTION READ WRITE", "off"),
        };
        let answers = self.talk.ask(&[
            Ask { sql: begin, given: &[] },
            Ask { sql: &set, given: &values },
            Ask { sql: &whole, given: &path },
            Ask {
                sql: "SELECT pg_catalog.current_setting('search_path'), pg_catalog.current_schemas(true), \
                pg_catalog.current_setting('transaction_read_only')",
                given: &[],
            },
            Ask { sql: SET_PATH, given: &own },
        ])?;
        let [path, schemas, read_only] = match answers.get(3).map(Vec::as_slice) {
            Some([row]) => <[Option<String>; 3]>::try_from(row.clone()).unwrap_or_default(),
            _ => Default::default(),
        };
        if !self.talk.is_open() || read_only.as_deref() != Some(only_reads) {
            let what = match self.access {
                Access::Read => "it began no transaction that only reads",
                Access::Write => "it began no transaction that writes: is it a standby?",
            };
            return Err(self.failed(Cause::Strange, what));
        }
        self.path = path.unwrap_or_default();
        self.schemas =
            schemas.as_deref().and_then(super::value::elements).unwrap_or_default().into_iter().flatten().collect();
        self.talk.settle();
        Ok(())
    }

    pub(super) fn prepare(&mut self, sql: &str) -> Result<&[Column], Failed> {
        if self.columns.is_some() {
            return Err(self.failed(Cause::Other, "a statement was prepared before: a session has one"));
        }
        let columns = match (self.parse(sql)?, self.access) {
            (Some(columns), _) => columns,
            (None, Access::Write) => Vec::new(),
            (None, Access::Read) => return Err(self.failed(Cause::Denied, "it gives no rows: it is not a read")),
        };
        Ok(self.columns.insert(columns))
    }

    /// Has a statement read, which cannot be run by that; `None`: it gives no rows.
    pub(super) fn parse(&mut self, sql: &str) -> Result<Option<Vec<Column>>, Failed> {
        self.alive()?;
        if self.access == Access::Write {
            // A writer may have run another before.
            self.talk.forget(&self.name);
        }
        let (agents, own) = ([Some(self.path.clone())], [Some(OWN.to_owned())]);
        let look = |given| Ask { sql: SET_PATH, given };
        let fields = self.talk.prepare(&self.name, sql, &[look(&agents)], &[look(&own)])?;
        fields.map(|fields| self.columns_of(fields)).transpose()
    }

    pub(super) fn run(&mut self, caps: &Caps, sink: &mut dyn Sink) -> Result<Done, Failed> {
        self.alive()?;
        let Some(columns) = self.columns.take() else {
            return Err(self.failed(Cause::Other, "no statement was prepared"));
        };
        let path = [Some(self.path.clone())];
        let look = Ask { sql: SET_PATH, given: &path };
        let done = stream(&mut self.talk, &[look], &self.name, (&columns, self.access), caps, sink)?;
        if done.truncated.is_none() && !self.talk.is_open() {
            return Err(self.failed(Cause::Strange, "the statement ended guard's transaction"));
        }
        Ok(done)
    }

    /// Makes what was written last.
    pub(super) fn commit(&mut self) -> Result<(), Failed> {
        self.alive()?;
        // What a deferred check runs sees what the statement saw; and a transaction that has failed refuses this, where it would
        // take a COMMIT for the end that it has come to.
        let path = [Some(self.path.clone())];
        let done = self.talk.ask(&[Ask { sql: SET_PATH, given: &path }, Ask { sql: "COMMIT", given: &[] }]);
        done.map(drop).map_err(uncertain)?;
        if self.talk.is_open() { Err(self.failed(Cause::Strange, "the transaction did not end")) } else { Ok(()) }
    }

    pub(super) fn close(mut self) {
        self.talk.patience(BYE);
        self.talk.forget(&self.name);
        if self.talk.is_open() {
            let _undone = self.talk.ask(&[Ask { sql: "ROLLBACK", given: &[] }]);
        }
        self.talk.end();
    }

    /// Whether the transaction is still there: outside of it guard asks nothing.
    fn alive(&self) -> Result<(), Failed> {
        if self.talk.is_open() { Ok(()) } else { Err(self.failed(Cause::Lost, "its transaction is over")) }
    }

    fn ask(&mut self, asked: &[Ask<'_>]) -> Result<Vec<super::wire::Rows>, Failed> {
        self.alive()?;
        self.talk.ask(asked)
    }

    fn failed(&self, cause: Cause, message: &str) -> Failed {
        Failed::new(Engine::Postgres, cause, message)
    }

    /// An answer to a question of guard's that is not what was asked for.
    fn strange(&self) -> Failed {
        self.failed(Cause::Strange, "its catalog is not PostgreSQL's")
    }
}

const SET_PATH: &str = "SELECT pg_catalog.set_config('search_path', $1, true)";

/// A failure to commit: what the server itself says went wrong did not happen, but for its last words as it was shut down.
fn uncertain(failed: Failed) -> Failed {
    let code = failed.code.as_deref().unwrap_or_default();
    if code.is_empty() || code.starts_with("57P") || code.starts_with("08") {
        return Failed { cause: Cause::Uncertain, ..failed }.hint("look at the rows before anything is written again");
    }
    failed
}

/// A word of the server's start-up options.
fn escaped(word: &str) -> String {
    word.chars().flat_map(|c| (c == '\\' || c.is_whitespace()).then_some('\\').into_iter().chain([c])).collect()
}

/// Names as the one parameter of a question.
fn list<'a>(names: impl Iterator<Item = Option<&'a str>>) -> Option<String> {
    Some(literal(names))
}
