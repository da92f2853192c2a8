//! Which database is asked, and where it lies: a name of the policy's, and a URL that only guard reads.
//! Sends nothing.

use super::Stop;
use crate::decide::policy::Database;
use crate::decide::{QueryJudgement, Verdict, judge_place};
use crate::event::line::printable;
use crate::execute::query::{Endpoint, Lies};
use crate::gate::desk::Desk;
use crate::gate::files;
use crate::record::redact::dotenv_value;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Bytes of a `.env`, at most.
const MOST: u64 = 1 << 20;

/// A database that can be asked.
pub(super) struct Asked {
    pub(super) database: Database,
    pub(super) endpoint: Endpoint,
}

/// Where the URL of a database stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    /// In guard's environment.
    Environment,
    /// In the project's `.env`.
    Dotenv,
}

impl Desk<'_> {
    /// The database of a name; the policy's only one, where none is said.
    pub(super) fn database(&self, name: Option<&str>) -> Result<&Database, Stop> {
        let all = &self.policy.settings().databases;
        let known: Vec<&str> = all.iter().map(|database| database.name.as_str()).collect();
        let found = match name {
            Some(name) => all.iter().find(|database| database.name == name),
            None => all.first().filter(|_| all.len() == 1),
        };
        found.ok_or_else(|| {
            let what = match (name, known.is_empty()) {
                (_, true) => "the policy names no database".to_owned(),
                (Some(name), false) => format!("no database is called `{}`", printable(name)),
                (None, false) => "there is more than one database".to_owned(),
            };
            let help = match known.as_slice() {
                [] => "a person adds a `[[database]]` with `name`, `kind` and `url_env` to `guard.toml` (docs/database.md)".into(),
                names => format!("say which: `--db {}`", names.join("`, `--db ")),
            };
            Stop::Usage { what, help }
        })
    }

    /// The URL in a variable, and where it stands: in guard's environment, else in the project's `.env`.
    pub(super) fn url(&self, variable: &str) -> Result<Option<(String, Stands)>, Stop> {
        if let Some(value) = self.world.variable(variable) {
            return Ok(Some((String::from_utf8_lossy(value.as_bytes()).into_owned(), Stands::Environment)));
        }
        let path = self.project.root.join(".env");
        let content = files::small(&path, MOST)
            .map_err(|cause| Stop::System { what: "cannot read the project's `.env`".into(), cause })?;
        let value = content.and_then(|content| dotenv_value(&content, variable)).filter(|value| !value.is_empty());
        Ok(value.map(|value| (String::from_utf8_lossy(&value).into_owned(), Stands::Dotenv)))
    }

    /// The database and its endpoint.
    pub(super) fn place(&self, name: Option<&str>, test: bool) -> Result<Asked, Stop> {
        let database = self.database(name)?.clone();
        let variable = match (&database.test_url_env, test) {
            (Some(variable), true) => variable,
            (None, true) => {
                return Err(Stop::Usage {
                    what: format!("the database `{}` has none for tests", database.name),
                    help: "a person names the variable with its URL as the database's `test_url_env`".into(),
                });
            }
            (_, false) => &database.url_env,
        };
        let Some((url, _)) = self.url(variable)? else {
            return Err(Stop::Usage {
                what: format!("nobody says where the database `{}` is: `{variable}` is not set", database.name),
                help: format!("write `{variable}=…` into the project's `.env`, or set it in guard's environment"),
            });
        };
        let endpoint = Endpoint::of_url(database.engine, &url, &self.project.root).map_err(|cause| Stop::Usage {
            what: format!("`{variable}` is no URL of a {} database: {cause}", database.engine),
            help: "write it as `postgres://USER:PASSWORD@HOST:PORT/NAME`, or `sqlite:///PATH`".into(),
        })?;
        Ok(Asked { database, endpoint })
    }

    /// Judges where it lies. Whoever sets guard's environment could have it lead anywhere.
    pub(super) fn where_it_lies(&self, asked: &Asked) -> Result<Option<QueryJudgement>, Stop> {
        let judged = match asked.endpoint.lies() {
            Lies::Here => return Ok(None),
            Lies::Host(host) => judge_place(&asked.database.hosts, host),
            Lies::File(path) => match self.is_inside(path)? {
                true => return Ok(None),
                false => judge_place(&asked.database.hosts, &path.to_string_lossy()),
            },
        };
        Ok((judged.verdict != Verdict::Allow).then_some(judged))
    }

    /// Whether a file, once links are followed, is one of the project's that commands may read.
    fn is_inside(&self, path: &Path) -> Result<bool, Stop> {
        let Ok(real) = std::fs::canonicalize(path) else {
            // What is not there is told by whoever opens it.
            return Ok(path.starts_with(&self.project.root));
        };
        Ok(real.starts_with(&self.project.root) && !self.project.hidden().iter().any(|hidden| real.starts_with(hidden)))
    }
}
