//! What the user of a session could do to the database beside reading, were it not for the session. Plain data.

use crate::action::query::catalog::Named;

/// What the user is and may.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Posture {
    /// The user, as the database calls it; of SQLite empty.
    pub user: String,
    /// It is a superuser, or can become one.
    pub superuser: bool,
    /// It, or a role it can become, makes roles: up to PostgreSQL 15 it gives itself any role but a superuser's.
    pub creates_roles: bool,
    /// It, or a role it can become, makes databases.
    pub creates_databases: bool,
    /// It, or a role it can become, reads the whole log of changes.
    pub replication: bool,
    /// Row security does not hold it, or a role it can become.
    pub bypasses_row_security: bool,
    /// Roles that reach out of the database, which it has or can become: `pg_read_server_files`,
    /// `pg_write_server_files`, `pg_execute_server_program`, …
    pub reaching_roles: Vec<String>,
    /// Relations it may write to, the first twenty; and `*` where it may write to all.
    pub writes: Vec<Named>,
    /// How many such relations there are.
    pub writes_in_all: u64,
    /// Schemas it may create things in.
    pub creates_in: Vec<String>,
    /// What could not be found out, each as a fragment: to be taken as the worst.
    pub unknown: Vec<String>,
}

impl Posture {
    /// By what it reaches out of the database, or into other roles: each a fragment.
    pub fn reaching(&self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        let mut tell = |holds: bool, what: &str| {
            if holds {
                all.push(format!("`{}` {what}", self.user));
            }
        };
        tell(self.superuser, "is a superuser");
        tell(self.creates_roles, "makes roles");
        tell(self.replication, "reads the log of all changes");
        all.extend(self.reaching_roles.iter().map(|role| format!("`{}` is or can become `{role}`", self.user)));
        all.extend(self.unknown.iter().cloned());
        all
    }

    /// What it changes of the database itself: each a fragment.
    pub fn writing(&self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        if self.creates_databases {
            all.push(format!("`{}` makes databases", self.user));
        }
        if self.bypasses_row_security {
            all.push(format!("row security does not hold `{}`", self.user));
        }
        if let [first, ..] = self.writes.as_slice() {
            let more = match self.writes_in_all {
                0 | 1 => String::new(),
                all => format!(" and {} more", all - 1),
            };
            let first = if first.name == "*" { "everything".to_owned() } else { format!("`{first}`{more}") };
            all.push(format!("`{}` may write to {first}", self.user));
        }
        if !self.creates_in.is_empty() {
            all.push(format!("`{}` makes things in `{}`", self.user, self.creates_in.join("`, `")));
        }
        all
    }
}
