//! Why a database gave no answer: one sort for each thing a person does about it. Knows no protocol.

use crate::action::query::Engine;
use std::fmt;

/// What sort of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// Nobody answers there, or it takes nobody in at the moment.
    Down,
    /// It does not let the user in.
    Auth,
    /// The user may not, or nobody may in a session that only reads.
    Denied,
    /// The statement is wrong: its syntax, or a name that does not exist.
    Syntax,
    /// It took longer than it may.
    TimedOut,
    /// The connection broke off.
    Lost,
    /// It came into the way of others (40001, 40P01).
    Serialization,
    /// It wanted more than it may: of the server's memory, of a row's bytes.
    Limit,
    /// What answers there does not speak as it should.
    Strange,
    /// The connection broke off at the very end of a write: whether it happened is not known.
    Uncertain,
    /// The rows could not be passed on: whoever took them stopped.
    Sink,
    /// Anything else the database says.
    Other,
}

impl Cause {
    /// The word of logs and of `--json`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Auth => "auth",
            Self::Denied => "denied",
            Self::Syntax => "syntax",
            Self::TimedOut => "timeout",
            Self::Lost => "lost",
            Self::Serialization => "serialization",
            Self::Limit => "limit",
            Self::Strange => "strange",
            Self::Uncertain => "uncertain",
            Self::Sink => "sink",
            Self::Other => "other",
        }
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// The sort.
    pub cause: Cause,
    /// Whose failure it is.
    pub engine: Engine,
    /// The database's own message, or guard's: a fragment, as it came, which may hold parts of the query.
    pub message: String,
    /// The database's own code: an SQLSTATE, an extended code of SQLite.
    pub code: Option<String>,
    /// Where in the statement, in characters from 1.
    pub position: Option<usize>,
    /// What the database says to do about it, or guard.
    pub hint: Option<String>,
}

impl Failed {
    /// A failure with a message of guard's.
    pub(crate) fn new(engine: Engine, cause: Cause, message: impl Into<String>) -> Self {
        Self { cause, engine, message: message.into(), code: None, position: None, hint: None }
    }

    /// A conversation that was to be begun once, and was.
    pub(crate) fn ended(engine: Engine) -> Self {
        Self::new(engine, Cause::Other, "it was begun before, and what writes is not begun again")
    }

    /// With what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Whether a read may be tried once more, on a fresh connection.
    pub fn is_transient(&self) -> bool {
        match self.cause {
            Cause::TimedOut | Cause::Lost | Cause::Serialization => true,
            Cause::Down
            | Cause::Auth
            | Cause::Denied
            | Cause::Syntax
            | Cause::Limit
            | Cause::Strange
            | Cause::Uncertain
            | Cause::Sink
            | Cause::Other => false,
        }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let engine = self.engine;
        match self.cause {
            Cause::Down => write!(to, "{engine} is down: ")?,
            Cause::Auth => write!(to, "{engine} does not let the user in: ")?,
            Cause::Lost => write!(to, "the connection to {engine} broke off: ")?,
            Cause::Strange => write!(to, "what answers does not speak as {engine} does: ")?,
            Cause::Uncertain => to.write_str("whether it happened is not known: ")?,
            Cause::Sink => to.write_str("the rows cannot be passed on: ")?,
            Cause::Denied | Cause::Syntax | Cause::TimedOut | Cause::Serialization | Cause::Limit | Cause::Other => {}
        }
        to.write_str(&self.message)?;
        match &self.code {
            Some(code) => write!(to, " ({code})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failed {}
