//! Which database it is, however its address is spelled. Plain data.

use crate::action::query::Engine;
use std::fmt;

/// Which database a session talks to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its kind.
    pub engine: Engine,
    /// The same at every connection to the same database, by whatever address, and after a restart. A copy of the server's
    /// files has the same.
    pub stable: String,
    /// The process that answers, where it can be told: two connections with the same `running` speak with the same server at
    /// this moment, and with another one where it differs.
    pub running: Option<String>,
    /// For a person: `shop at 127.0.0.1:5432`, `/srv/shop.db`.
    pub shown: String,
}

impl fmt::Display for Identity {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} {}", self.engine, self.shown)
    }
}
