//! Which database it is: the cluster's own number, which every user may read (measured on 15.18), and the database's.

use super::Postgres;
use crate::action::query::Engine;
use crate::execute::query::wire::Ask;
use crate::execute::query::{Failed, Identity};

/// A cluster is numbered when it is made. Who answers now is told by when it was started, to the microsecond.
pub(crate) const QUESTION: &str = "SELECT d.oid, d.datname, extract(epoch FROM pg_postmaster_start_time())::numeric, \
    CASE WHEN has_function_privilege('pg_control_system()', 'EXECUTE') THEN \
    (SELECT system_identifier FROM pg_control_system()) END \
    FROM pg_database d WHERE d.datname = current_database()";

impl Postgres {
    pub(in super::super) fn identity(&mut self) -> Result<Identity, Failed> {
        let answers = self.ask(&[Ask { sql: QUESTION, given: &[] }])?;
        let row = answers.into_iter().flatten().next().unwrap_or_default();
        let [Some(oid), Some(name), Some(started), system] = row.as_slice() else { return Err(self.strange()) };
        let stable = match system {
            Some(system) => format!("postgresql {system} {oid}"),
            // Of a server that does not tell: what stands for it until it is started anew.
            None => format!("postgresql started {started} {oid}"),
        };
        Ok(Identity {
            engine: Engine::Postgres,
            stable,
            running: Some(format!("{started} {oid}")),
            shown: format!("{name} at {}", self.server.host),
        })
    }
}
