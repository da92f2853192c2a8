//! Whether a database for tests is one of its own: held against every real one of the policy, by what the servers say they
//! are and not by how their URLs are spelled. Whatever cannot be compared is taken for the same.

use super::Stop;
use super::place::{Asked, Stands};
use crate::decide::{QueryJudgement, Verdict, judge_apart};
use crate::event::line::printable;
use crate::execute::query::{Endpoint, Failed, Identity, Lies, Limits, Session};
use crate::gate::desk::Desk;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;

impl Desk<'_> {
    /// Why a database for tests may be a real one, where that matters: it is to be written to, or nothing else may be reached.
    pub(in crate::gate) fn not_apart(&self, asked: &Asked, found: &Identity) -> Result<Option<QueryJudgement>, Stop> {
        let matters = asked.test && (asked.writes || asked.mode.is_some_and(|mode| mode.is_for_tests()));
        let why = if matters { self.alike(asked, found)? } else { None };
        Ok(why.map(|why| judge_apart(Some(&why))))
    }

    fn alike(&self, asked: &Asked, found: &Identity) -> Result<Option<String>, Stop> {
        let engine = asked.database.engine;
        let mut known = false;
        for database in self.policy.settings().databases.iter().filter(|database| database.engine == engine) {
            for variable in [Some(&database.url_env), database.write_url_env.as_ref()].into_iter().flatten() {
                for url in self.urls(variable)? {
                    known |= database.name == asked.database.name;
                    let Ok(endpoint) = Endpoint::of_url(engine, &url, &self.project.root) else {
                        return Ok(Some(format!("`{variable}` holds no URL that it could be held against")));
                    };
                    let name = &database.name;
                    match self.is_same(asked, &endpoint, found)? {
                        Compared::Other => {}
                        Compared::Same => {
                            return Ok(Some(format!("`{variable}` leads to the same one, the real `{name}`")));
                        }
                        Compared::Unknown(why) => {
                            let why = printable(&why);
                            return Ok(Some(format!(
                                "it cannot be held against the real `{name}` of `{variable}`: {why}"
                            )));
                        }
                    }
                }
            }
        }
        let variable = &asked.database.url_env;
        Ok((!known).then(|| format!("`{variable}` is not set, so that nobody can tell which one is the real one")))
    }

    /// The URLs in a variable: in guard's environment and in the project's `.env`, which may be two.
    fn urls(&self, variable: &str) -> Result<Vec<String>, Stop> {
        let mut all: Vec<String> = Vec::new();
        for stands in [Stands::Environment, Stands::Dotenv] {
            all.extend(self.url_in(variable, stands)?.filter(|url| !url.is_empty()));
        }
        all.dedup();
        Ok(all)
    }

    fn is_same(&self, asked: &Asked, real: &Endpoint, found: &Identity) -> Result<Compared, Stop> {
        if let Lies::File(path) = real.lies() {
            // Links lead to the file they name: it is told apart by its numbers, not by its names.
            return Ok(match std::fs::metadata(path) {
                Ok(file) if found.stable == format!("sqlite {}:{}", file.dev(), file.ino()) => Compared::Same,
                Ok(_) => Compared::Other,
                Err(error) if error.kind() == ErrorKind::NotFound => Compared::Other,
                Err(error) => Compared::Unknown(error.to_string()),
            });
        }
        if *real == asked.endpoint {
            return Ok(Compared::Same);
        }
        let there = Asked {
            database: asked.database.clone(),
            endpoint: real.clone(),
            variable: String::new(),
            test: false,
            writes: false,
            role: None,
            mode: asked.mode,
        };
        if self.where_it_lies(&there)?.is_some_and(|judged| judged.verdict != Verdict::Allow) {
            return Ok(Compared::Unknown("it lies where the policy opens no database".to_owned()));
        }
        Ok(match identity(real) {
            Ok(real) if is_one(&real, found) => Compared::Same,
            Ok(_) => Compared::Other,
            Err(failed) => Compared::Unknown(failed.to_string()),
        })
    }
}

/// What came of comparing.
enum Compared {
    Same,
    Other,
    Unknown(String),
}

fn identity(endpoint: &Endpoint) -> Result<Identity, Failed> {
    let mut session = Session::open(endpoint, &Limits::default())?;
    let identity = session.identity()?;
    session.close();
    Ok(identity)
}

/// Whether two tell of one database. Of users who see more or less of the server one may tell less: the process that answers
/// is the same all the same.
fn is_one(real: &Identity, found: &Identity) -> bool {
    real.stable == found.stable || real.running.is_some() && real.running == found.running
}
