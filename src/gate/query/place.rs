//! Which database is asked, and where it lies: a name of the policy's, and a URL that only guard reads.
//! Sends nothing.

use super::{QueryAnswer, Stop};
use crate::decide::policy::Database;
use crate::decide::{QueryJudgement, Verdict, Writing, judge_mode, judge_place};
use crate::event::line::printable;
use crate::event::{Environment, Mode};
use crate::execute::query::{Endpoint, Lies};
use crate::gate::desk::Desk;
use crate::gate::files;
use crate::record::redact::dotenv_value;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Bytes of a `.env`, at most.
const MOST: u64 = 1 << 20;

/// A database that can be asked.
#[derive(Clone)]
pub(in crate::gate) struct Asked {
    pub(in crate::gate) database: Database,
    pub(in crate::gate) endpoint: Endpoint,
    /// The variable with its URL.
    pub(super) variable: String,
    /// Whether it is the one for tests.
    pub(super) test: bool,
    /// Whether it is asked by one who is to write.
    pub(super) writes: bool,
    /// The role that is taken on.
    pub(super) role: Option<String>,
    /// The mode the project is in.
    pub(super) mode: Option<Mode>,
}

impl Asked {
    /// The same at another endpoint, as whoever that one lets in.
    pub(in crate::gate) fn at(&self, endpoint: &Endpoint) -> Asked {
        Asked { endpoint: endpoint.clone(), role: None, ..self.clone() }
    }

    /// The same, to be written to.
    pub(in crate::gate) fn to_write(&self) -> Asked {
        Asked { writes: true, ..self.clone() }
    }

    /// Which of its databases it is.
    pub(super) fn environment(&self) -> Environment {
        Environment::of(self.test, self.mode)
    }

    /// What may be written there.
    pub(super) fn writing(&self) -> Writing<'_> {
        writing(&self.database, self.environment())
    }

    /// Puts it into the answer.
    pub(super) fn tell(&self, answer: &mut QueryAnswer) {
        answer.database.clone_from(&self.database.name);
        answer.engine = Some(self.database.engine);
        answer.mode = self.mode;
        answer.environment = Some(self.environment());
    }
}

fn writing(database: &Database, environment: Environment) -> Writing<'_> {
    match (environment, &database.write_prefix) {
        (Environment::Test, _) => Writing::Test,
        (Environment::Paper, Some(prefix)) => Writing::Paper(prefix),
        (Environment::Paper, None) | (Environment::Live, _) => Writing::Real,
    }
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
    pub(in crate::gate) fn database(&self, name: Option<&str>) -> Result<&Database, Stop> {
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
    pub(in crate::gate) fn url(&self, variable: &str) -> Result<Option<(String, Stands)>, Stop> {
        for stands in [Stands::Environment, Stands::Dotenv] {
            if let Some(url) = self.url_in(variable, stands)? {
                return Ok(Some((url, stands)));
            }
        }
        Ok(None)
    }

    /// What stands in a variable at one of the two places.
    pub(super) fn url_in(&self, variable: &str, stands: Stands) -> Result<Option<String>, Stop> {
        if stands == Stands::Environment {
            let value = self.world.variable(variable);
            return Ok(value.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()));
        }
        let path = self.project.root.join(".env");
        let content = files::small(&path, MOST)
            .map_err(|cause| Stop::System { what: "cannot read the project's `.env`".into(), cause })?;
        let value = content.and_then(|content| dotenv_value(&content, variable)).filter(|value| !value.is_empty());
        Ok(value.map(|value| String::from_utf8_lossy(&value).into_owned()))
    }

    /// The database and its endpoint.
    pub(in crate::gate) fn place(&self, name: Option<&str>, test: bool) -> Result<Asked, Stop> {
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
        let role = database.role.clone().filter(|_| !test);
        self.placed(&database, variable, test, role)
    }

    /// The same database, as whoever may write to it; nobody else is named: as it is asked.
    pub(super) fn place_to_write(&self, asked: &Asked) -> Result<Asked, Stop> {
        let (variable, role) = match &asked.database.write_url_env {
            Some(variable) if !asked.test => (variable, None),
            Some(_) | None => (&asked.variable, asked.role.clone()),
        };
        Ok(Asked { writes: true, ..self.placed(&asked.database, variable, asked.test, role)? })
    }

    /// What may be written to a database.
    pub(super) fn writing<'d>(&self, database: &'d Database, test: bool) -> Writing<'d> {
        writing(database, Environment::of(test, self.state().mode.now))
    }

    fn placed(&self, database: &Database, variable: &str, test: bool, role: Option<String>) -> Result<Asked, Stop> {
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
        let (database, variable, mode) = (database.clone(), variable.to_owned(), self.state().mode.now);
        Ok(Asked { database, endpoint, variable, test, writes: false, role, mode })
    }

    /// Judges whether the mode reaches it, and where it lies.
    pub(in crate::gate) fn out_of_reach(&self, asked: &Asked) -> Result<Option<QueryJudgement>, Stop> {
        let judged = judge_mode(asked.mode, asked.test);
        if judged.verdict != Verdict::Allow {
            return Ok(Some(judged));
        }
        self.where_it_lies(asked)
    }

    /// Judges where it lies. Whoever sets guard's environment could have it lead anywhere.
    pub(in crate::gate) fn where_it_lies(&self, asked: &Asked) -> Result<Option<QueryJudgement>, Stop> {
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
