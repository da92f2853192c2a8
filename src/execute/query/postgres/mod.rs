//! A session with PostgreSQL: one transaction that only reads, in which guard asks its own questions, has the agent's one
//! statement read, and runs it.
//!
//! The transaction's first statement sets what a statement's meaning and end depend on. It takes a snapshot, after which
//! PostgreSQL lets nobody make the transaction a writing one. Guard's own questions see nothing but `pg_catalog`.

mod catalog;
mod identity;
mod list;
mod posture;
mod types;

use super::endpoint::Server;
use super::value::literal;
use super::wire::{Allowed, Ask, Login, Route, Talk, stream};
use super::{Caps, Cause, Column, Done, Failed, Limits, Sink};
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
    /// The search path of the agent's statement, as it is set.
    path: String,
    /// The schemas on it.
    schemas: Vec<String>,
    name: String,
    columns: Option<Vec<Column>>,
}

impl Postgres {
    pub(super) fn open(server: &Server, limits: &Limits) -> Result<Self, Failed> {
        let until = Instant::now() + limits.connect;
        let route = Route::find(server, until)?;
        let mut talk = Talk::begin(&route, until)?;
        let login =
            Login { user: &server.user, password: server.password.as_deref(), database: &server.database, more: &[] };
        talk.enter(&login, &route, Allowed { unasked: true, md5: true, overheard: false })?;
        talk.patience(limits.time + GRACE);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let mut session = Self {
            talk,
            server: server.clone(),
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
        let whole = "SELECT pg_catalog.set_config('search_path', pg_catalog.regexp_replace(pg_catalog.concat('pg_catalog, ', \
            coalesce($1, pg_catalog.current_setting('search_path')), ', pg_temp'), ', , ', ', '), true)";
        let own = [Some(OWN.to_owned())];
        let answers = self.talk.ask(&[
            Ask { sql: "BEGIN TRANSACTION READ ONLY", given: &[] },
            Ask { sql: &set, given: &values },
            Ask { sql: whole, given: &path },
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
        if !self.talk.is_open() || read_only.as_deref() != Some("on") {
            return Err(self.failed(Cause::Strange, "it began no transaction that only reads"));
        }
        self.path = path.unwrap_or_default();
        self.schemas =
            schemas.as_deref().and_then(super::value::elements).unwrap_or_default().into_iter().flatten().collect();
        self.talk.settle();
        Ok(())
    }

    pub(super) fn prepare(&mut self, sql: &str) -> Result<&[Column], Failed> {
        self.alive()?;
        if self.columns.is_some() {
            return Err(self.failed(Cause::Other, "a statement was prepared before: a session has one"));
        }
        let (agents, own) = ([Some(self.path.clone())], [Some(OWN.to_owned())]);
        let look = |given| Ask { sql: SET_PATH, given };
        let fields = self.talk.prepare(&self.name, sql, &[look(&agents)], &[look(&own)])?;
        let columns = self.columns_of(fields)?;
        Ok(self.columns.insert(columns))
    }

    pub(super) fn run(&mut self, caps: &Caps, sink: &mut dyn Sink) -> Result<Done, Failed> {
        self.alive()?;
        let Some(columns) = self.columns.take() else {
            return Err(self.failed(Cause::Other, "no statement was prepared"));
        };
        let path = [Some(self.path.clone())];
        let look = Ask { sql: SET_PATH, given: &path };
        let done = stream(&mut self.talk, &[look], &self.name, &columns, caps, sink)?;
        if done.truncated.is_none() && !self.talk.is_open() {
            return Err(self.failed(Cause::Strange, "the statement ended the transaction that only reads"));
        }
        Ok(done)
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

/// Names as the one parameter of a question.
fn list<'a>(names: impl Iterator<Item = Option<&'a str>>) -> Option<String> {
    Some(literal(names))
}
