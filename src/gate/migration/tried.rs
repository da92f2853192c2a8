//! Trying a migration on a throw-away copy of the schema, where nothing of it can reach further.
//! What could reach further is not tried before a person has seen it.

use super::kept::Trial;
use super::propose::{Ends, limits};
use crate::action::migration::Step;
use crate::decide::{Verdict, judge_posture};
use crate::execute::migration::{Copied, Untried, copy};
use crate::execute::query::{Endpoint, Failed};
use crate::gate::Stop;
use crate::gate::desk::Desk;
use crate::gate::query::{Asked, open};

/// What is not tried on a server that others use, and why.
fn reaches(steps: &[Step], apart: bool) -> Option<Untried> {
    if let Some((at, what)) = steps.iter().enumerate().find_map(|(at, step)| Some((at + 1, step.beyond()?))) {
        return Some(Untried {
            why: format!("statement {at} reaches out of its database: {what}"),
            help: "a person tries it on a server of its own".into(),
        });
    }
    let opaque = steps.iter().position(Step::is_opaque).filter(|_| !apart)?;
    Some(Untried {
        why: format!(
            "guard cannot read what statement {} would do, and the copy lies on the database's own server",
            opaque + 1
        ),
        help: "name a database of another server, for tests, as the database's `test_url_env`".into(),
    })
}

impl Desk<'_> {
    /// Tries statements one by one. The inner error: the number of the one that failed, from 1, and why.
    pub(super) fn try_sql(
        &mut self,
        ends: &Ends,
        steps: &[Step],
        test: bool,
    ) -> Result<Result<Trial, (usize, Failed)>, Stop> {
        let limits = limits(&ends.asked);
        let (mut copied, apart) = match self.copy(ends, test)? {
            Ok(made) => made,
            Err(untried) => return Ok(Ok(not(untried))),
        };
        if let Some(untried) = reaches(steps, apart) {
            return Ok(Ok(not(untried)));
        }
        let mut writer = match copied.writer(&limits) {
            Ok(writer) => writer,
            Err(failed) => return Ok(Err((0, failed))),
        };
        let tried = writer.look().map_err(|failed| (0, failed)).and_then(|(before, _)| {
            super::run::each(&mut writer, steps.iter().map(|step| (step.text.as_str(), step.is_alone())))
                .map_err(|(at, failed)| (at + 1, failed))?;
            let (after, revisions) = writer.look().map_err(|failed| (0, failed))?;
            Ok(Trial::Ran { difference: before.difference(&after), revisions })
        });
        Ok(tried)
    }

    /// A copy of the schema, and whether it lies on another server than the database; the inner error: why there is none.
    pub(super) fn copy(&mut self, ends: &Ends, test: bool) -> Result<Result<(Copied, bool), Untried>, Stop> {
        let database = &ends.asked.database;
        let to = match &database.test_url_env {
            Some(variable) if !test && self.url(variable)?.is_some() => self.endpoint(&ends.asked, variable)?,
            Some(_) | None => ends.writes.clone(),
        };
        if let Some(judged) = self.where_it_lies(&ends.asked.at(&to))? {
            let why = judged.matches.first().map(|found| found.reason.clone()).unwrap_or_default();
            return Ok(Err(Untried { why, help: "name its host among the database's `hosts`".into() }));
        }
        let own = self.server(&ends.asked, &ends.asked.endpoint);
        let other = match self.server(&ends.asked, &to) {
            Ok((server, reaching)) => {
                let judged = judge_posture(database.posture, &reaching, &[]);
                if judged.verdict != Verdict::Allow {
                    return Ok(Err(Untried {
                        why: format!("the user who would make the copy could reach out of it: {}", reaching.join("; ")),
                        help: "name the URL of a user with CREATEDB and no more as the database's `test_url_env`, or \
                            `write_url_env`"
                            .into(),
                    }));
                }
                server
            }
            Err(failed) => {
                let help =
                    failed.hint.unwrap_or_else(|| "start it, or name another as the database's `test_url_env`".into());
                return Ok(Err(Untried { why: failed.message, help }));
            }
        };
        let apart = own.is_ok_and(|(own, _)| own != other);
        let folder = self.project.paths.state.join("migrations");
        crate::gate::stored::folder(&folder)?;
        Ok(copy(&ends.asked.endpoint, &to, &folder, &limits(&ends.asked)).map(|copied| (copied, apart)))
    }

    /// Which server it is, whatever database of it, and what the user could do beside reading and writing it.
    fn server(&self, asked: &Asked, endpoint: &Endpoint) -> Result<(String, Vec<String>), Failed> {
        let mut opened = open(&asked.at(endpoint))?;
        let reaching = opened.session.posture()?.reaching();
        let stable = opened.identity.stable.clone();
        opened.session.close();
        // The last word is the database's own number.
        let server = stable.rsplit_once(' ').map_or(stable.as_str(), |(server, _)| server).to_owned();
        Ok((server, reaching))
    }
}

fn not(untried: Untried) -> Trial {
    Trial::Not { why: untried.why, help: untried.help }
}
