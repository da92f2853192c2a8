//! `guard migration` with real servers: proposed, tried on a copy, approved, run as it was shown, recorded; and every way around it.
//! Source of the rules: the owner's specification, SKILL 3 (schema safety).

mod alembic;
mod refused;
mod sql;
mod trial;
mod walk;
mod wire;

use crate::cli::{Done, Home, terminal};
use crate::servers::{Database, Postgres, unique};
use serde_json::Value;

/// A project whose policy names one database, `trades`, of a user who owns it, and may make databases and no more.
pub(crate) struct Scene {
    pub(crate) home: Home,
    pub(crate) database: Database,
    pub(crate) user: String,
}

/// A user of the server who may make databases, and no more; it goes with its database's test.
pub(crate) fn mover(server: &Postgres) -> String {
    let user = unique("mover");
    server.psql("postgres", &format!("CREATE ROLE {user} LOGIN CREATEDB PASSWORD 'p@ss'"));
    user
}

impl Scene {
    /// With these statements run in the database, and more said of it in the policy.
    pub(crate) fn new(server: &Postgres, sql: &str, more: &str) -> Self {
        let (home, user) = (Home::bare(), mover(server));
        let database = server.database("");
        database
            .psql(&format!("ALTER DATABASE {} OWNER TO {user}; ALTER SCHEMA public OWNER TO {user}", database.name));
        if !sql.is_empty() {
            database.psql(&format!("SET ROLE {user}; {sql}"));
        }
        let table =
            format!("[[database]]\nname = \"trades\"\nkind = \"postgres\"\nurl_env = \"DATABASE_URL\"\n{more}\n");
        home.write("guard.toml", &format!("version = 1\nextends = [\"python\"]\n{table}"));
        home.write(
            ".env",
            &format!("DATABASE_URL={}\n", database.url(&user).replace("postgres://", "postgresql+psycopg2://")),
        );
        let made = home.guard(&["init"]);
        assert_eq!(made.code, Some(0), "{}", made.stderr);
        Self { home, database, user }
    }

    /// What a call says as JSON.
    pub(crate) fn told(&self, words: &[&str]) -> (Done, Value) {
        let done = self.home.guard(&[&["migration"], words, &["--json"]].concat());
        let value = serde_json::from_str(&done.stdout);
        assert!(value.is_ok(), "{words:?}: {}{}", done.stdout, done.stderr);
        (done, value.unwrap())
    }

    /// Proposes a file of SQL with this in it; the migration.
    pub(crate) fn propose(&self, sql: &str) -> (Done, Value) {
        self.home.write("m.sql", sql);
        self.told(&["propose", "m.sql", "--db", "trades", "--description", "a change"])
    }

    /// A person at a terminal says yes.
    pub(crate) fn approve(&self, name: &str) {
        let shown: Value = serde_json::from_str(&self.home.guard(&["show", name, "--json"]).stdout).unwrap();
        let done = terminal(&self.home, &["approve", name], &format!("{}\n", shown["digest"].as_str().unwrap()));
        assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    }

    /// The tables of the database.
    pub(crate) fn tables(&self) -> String {
        self.database.psql("SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
    }

    /// No copy is left on the server.
    pub(crate) fn clean(&self) {
        let left = "SELECT count(*) FROM pg_database WHERE datdba = (SELECT oid FROM pg_roles WHERE rolname = '{}') AND datname LIKE 'guard_copy%'";
        assert_eq!(self.database.psql(&left.replace("{}", &self.user)), "0");
    }
}

/// The classes and words of each statement's operations.
pub(crate) fn operations(value: &Value) -> Vec<String> {
    let all = value["statements"].as_array().into_iter().flatten();
    let operations = all.flat_map(|statement| statement["operations"].as_array().into_iter().flatten());
    operations.map(|one| format!("{}: {}", one["class"].as_str().unwrap(), one["what"].as_str().unwrap())).collect()
}

/// The message of what stopped it.
pub(crate) fn stopped(value: &Value) -> &str {
    value["error"]["message"].as_str().unwrap_or_default()
}
