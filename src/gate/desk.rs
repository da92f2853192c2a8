//! What every stage of the pipeline works with: the project, its policy, its log, and what must not be written down.
//! Decides nothing.

use super::grants::{environment, writable};
use super::request::parse;
use super::stored::Stored;
use super::{Patience, Project, Request, Stop, World, compose, entries, facts, grants, load, secrets};
use crate::action::Facts;
use crate::decide::{Judgement, Policy, judge};
use crate::event::{Closing, Composition, Detail, Entry, State};
use crate::record::{Log, Redactor, Turn};
use chrono::{DateTime, Utc};
use std::path::PathBuf;

/// A project's policy and log, opened for one call.
pub(super) struct Desk<'a> {
    pub(super) world: &'a World,
    pub(super) project: &'a Project,
    pub(super) policy: Policy,
    pub(super) log: Log,
    pub(super) redactor: Redactor,
    /// What the caller does while other commands run.
    pub(super) patience: Patience,
    /// The turn of the command that is about to run, or runs.
    pub(super) turn: Option<Turn>,
    /// Changes that are on record and cannot be brought in yet: until they are nothing else happens in the project.
    pub(super) unfinished: Option<Stop>,
    /// Paths of changes that were finished just now, and that were left as somebody has made them since.
    pub(super) left_alone: Vec<PathBuf>,
}

/// A judgement, and what it rests on.
pub(super) struct Judged {
    pub(super) judgement: Judgement,
    pub(super) facts: Facts,
    /// What of docker-compose's configuration the log keeps.
    pub(super) composition: Option<Composition>,
    /// Why nothing could run: the program is not there.
    pub(super) absent: Option<Stop>,
}

impl<'a> Desk<'a> {
    /// Opens the policy and the log, and records what is over: commands whose guard is gone, requests that have expired.
    ///
    /// # Errors
    /// Those of both; and changes that are only half in the project.
    pub(super) fn open(world: &'a World, project: &'a Project) -> Result<Desk<'a>, Stop> {
        let mut desk = Self::open_to_look(world, project)?;
        match desk.unfinished.take() {
            Some(stop) => Err(stop),
            None => Ok(desk),
        }
    }

    /// The same for whoever looks, stops or refuses, and runs and changes nothing: that must work whatever is unfinished.
    pub(super) fn open_to_look(world: &'a World, project: &'a Project) -> Result<Desk<'a>, Stop> {
        let policy = load(project)?;
        let mut log = Log::open(&project.paths).map_err(Stop::Log)?;
        let redactor = secrets::redactor(world, project, log.tag_key())?;
        log.bury(&redactor).map_err(Stop::Log)?;
        let patience = Patience::NONE;
        let mut desk = Desk {
            world,
            project,
            policy,
            log,
            redactor,
            patience,
            turn: None,
            unfinished: None,
            left_alone: Vec::new(),
        };
        desk.finish_changes()?;
        desk.expire()?;
        Ok(desk)
    }

    /// What all records add up to.
    pub(super) fn state(&self) -> &State {
        self.log.state()
    }

    /// The log's name.
    pub(super) fn log_id(&self) -> String {
        let name = self.project.paths.state.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// Judges a request in the world it is asked in, as far as that takes no process.
    pub(super) fn look(&self, world: &World, request: &Request) -> Judged {
        let seen = environment(world, &[]);
        let action = parse(request.asked.clone(), &seen);
        let root = &self.project.root;
        let mut facts = facts::gather(&action, root, &world.cwd, &seen.variables, &writable(root));
        facts.task.clone_from(&request.task);
        facts.mode = self.state().mode.now.map(|mode| mode.word().to_owned());
        if let Some(open) = &self.state().phases.open {
            facts.phase = Some(open.phase.clone());
            facts.planned = open.files.iter().map(|file| root.join(file)).collect();
        }
        facts.key = self.log.tag_key().for_fingerprints();
        let judgement = judge(action, &facts, self.state(), &self.policy);
        let absent = grants::absent(&judgement, &facts);
        Judged { judgement, facts, composition: None, absent }
    }

    /// Judges a request in the world it is asked in; the configuration of docker-compose with it. The error holds what
    /// was judged before that failed.
    pub(super) fn judge(&self, world: &World, request: &Request) -> Result<Judged, (Box<Judgement>, Stop)> {
        let Judged { judgement, facts, absent, .. } = self.look(world, request);
        let before = judgement.clone();
        match compose::judged(world, self.project, judgement, (&facts, &self.policy, &self.redactor)) {
            Ok(compose::Configured { judgement, composition }) => Ok(Judged { judgement, facts, composition, absent }),
            Err(stop) => Err((Box::new(before), stop)),
        }
    }

    /// Ends requests that nobody answered, and approvals that nobody used, in time.
    fn expire(&mut self) -> Result<(), Stop> {
        let now = now().timestamp();
        let over = |state: &State| -> Vec<String> {
            let open = state.requests.open.iter();
            let over = open.filter(|(_, open)| now > open.approved.as_ref().map_or(open.asked.expires, |a| a.until));
            over.map(|(name, _)| name.clone()).collect()
        };
        if over(self.state()).is_empty() {
            return Ok(());
        }
        let mut names = Vec::new();
        let written = self.log.append_when(&self.redactor, |state| {
            names = over(state);
            if names.is_empty() {
                Err(())
            } else {
                Ok(names.iter().map(|name| closed(name, Closing::Expired)).collect())
            }
        });
        // Another guard may have done it meanwhile.
        let _ended = written.map_err(Stop::Log)?;
        names.iter().for_each(|name| Stored::erase(self.project, name));
        Ok(())
    }

    /// Ends a request whose ground has changed.
    pub(super) fn changed(&mut self, name: &str) -> Result<(), Stop> {
        let written = self.log.append_when(&self.redactor, |state| {
            state.requests.open(name).map(|_| vec![closed(name, Closing::Changed)]).ok_or(())
        });
        let _ended = written.map_err(Stop::Log)?;
        Stored::erase(self.project, name);
        Ok(())
    }

    /// A text without secrets.
    pub(super) fn clean(&self, text: &str) -> String {
        self.redactor.redact(text).unwrap_or_else(|| text.to_owned())
    }
}

pub(super) fn closed(name: &str, how: Closing) -> Entry {
    let result = match how {
        Closing::Expired => "EXPIRED",
        Closing::Changed => "CHANGED",
        Closing::Allowed => "ALLOWED",
    };
    entries::approval("CLOSE", name, result, Detail::Closed { name: name.to_owned(), how })
}

/// The time, for requests and reports.
pub(super) fn now() -> DateTime<Utc> {
    Utc::now()
}
