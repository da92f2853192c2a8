//! PostgreSQL's protocol, version 3, as PostgreSQL and QuestDB speak it: connections, messages, logins, results as text.
//! Statements go by the extended protocol alone, which takes one at a time. Knows no SQL and no catalog.

mod login;
mod result;
mod said;
mod stream;
mod talk;
mod tls;
mod watch;

pub(crate) use login::{Allowed, Login, UNASKED};
pub(crate) use result::{Field, stream};
pub(crate) use stream::Route;
pub(crate) use talk::{Ask, Rows, Talk};
