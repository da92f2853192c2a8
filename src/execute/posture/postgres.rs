//! PostgreSQL: whether a user is bare: no superuser, none who could read or write the server's files or run programs there,
//! and none who could become one.

use super::{Login, Unfit, Visit};
use crate::event::line::brief;
use crate::execute::query::wire::{self, Allowed, Ask, Route, Talk, UNASKED};
use crate::execute::query::{Cause, Failed};
use std::time::Instant;

/// A role the user is or may take on that is more than bare. A `CREATEROLE` gives itself the others (up to version 15).
const QUESTION: &str = "SELECT rolname || CASE WHEN rolsuper THEN ' (superuser)' WHEN rolcreaterole THEN ' (createrole)' \
    ELSE '' END FROM pg_catalog.pg_roles WHERE (rolsuper OR rolcreaterole OR rolname IN ('pg_execute_server_program', \
    'pg_read_server_files', 'pg_write_server_files')) AND pg_catalog.pg_has_role(session_user, oid, 'MEMBER') ORDER BY \
    rolname = session_user DESC, rolname LIMIT 1";

/// No operator of somebody's own is asked.
const PATH: &str = "SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false)";

/// Who is a superuser wherever nobody changed that.
const SUPERUSER: &str = "postgres";

pub(super) fn check(visit: &Visit, login: &Login) -> Result<(), Unfit> {
    let user = login.user.as_deref().ok_or_else(|| Unfit::Unknown("its URL names no user".to_owned()))?;
    let database = login.database.as_deref().unwrap_or(user);
    let route = Route::plain(visit.address);
    let unfit = |failed: Failed| unfit(failed, visit);
    let begin = || Talk::begin(&route, visit.until).map_err(unfit);
    let mut talk = begin()?;
    let who = wire::Login { user, password: login.password.as_deref(), database, more: &[] };
    talk.enter(&who, &route, Allowed::default()).map_err(unfit)?;
    talk.patience(visit.until.saturating_duration_since(Instant::now()));
    let answers = talk.ask(&[PATH, QUESTION].map(|sql| Ask { sql, given: &[] })).map_err(unfit)?;
    talk.end();
    if let Some(role) = answers.into_iter().nth(1).and_then(|rows| rows.into_iter().flatten().next()) {
        return Err(Unfit::Open(format!(
            "its user `{}` is or can become `{}`: files and programs of the server are open to it",
            brief(user),
            brief(&role.unwrap_or_default())
        )));
    }
    // A command need not come as the user of its URL.
    let mut talk = begin()?;
    let anybody = wire::Login { user: SUPERUSER, password: None, database, more: &[] };
    talk.introduce(&anybody).map_err(unfit)?;
    if talk.is_unasked().map_err(unfit)? { Err(Unfit::Open(UNASKED.to_owned())) } else { Ok(()) }
}

fn unfit(failed: Failed, visit: &Visit) -> Unfit {
    match failed.message.strip_prefix(&format!("{}: ", visit.address)) {
        Some(why) if failed.cause == Cause::Down => Unfit::Down(why.to_owned()),
        _ if failed.message == UNASKED => Unfit::Open(failed.message),
        _ => super::told(&failed.message),
    }
}
