//! Migrations of Alembic: which revisions there are, run in the fence, where all that they send goes through guard's relay.
//! What was sent to the copy is what a person sees, and all that may be sent to the database.

use super::MigrationAnswer;
use super::kept::{File, Kept, Trial};
use super::propose::{Ends, Read, STATEMENT, limits, look, statements};
use super::run::Ran;
use crate::action::migration::{Revision, Step, read_revision};
use crate::action::query::Engine;
use crate::action::shell::Asked;
use crate::execute::migration::{Heard, Relay, Rule, Stopped};
use crate::execute::query::{Cause, Endpoint, Failed};
use crate::execute::sandbox::{Order, Reach, Work};
use crate::execute::{self, Outcome, Sink};
use crate::gate::desk::Desk;
use crate::gate::grants::{environment, libraries, limits as bounds, place, required};
use crate::gate::{Request, Stop};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Bytes of what Alembic says that are told where it fails.
const SAID: usize = 2_000;
/// Revisions that one folder may hold.
const MOST: usize = 4_096;

/// A project of Alembic's.
struct Found {
    /// The folder of `alembic.ini`.
    folder: PathBuf,
    /// The revisions of the same folder as those that were proposed, by name, with the file of each.
    revisions: BTreeMap<String, (Revision, PathBuf)>,
}

impl Desk<'_> {
    /// Reads revisions, and tries them. The inner error: what failed on the copy.
    pub(super) fn of_alembic(
        &mut self,
        ends: &Ends,
        read: &[Read],
        kept: &mut Kept,
    ) -> Result<Result<(), Failed>, Stop> {
        if kept.engine != Engine::Postgres {
            return Err(Stop::Usage {
                what: format!("guard runs Alembic on PostgreSQL, and `{}` is {}", kept.database, kept.engine),
                help: "propose the SQL of it (`alembic upgrade --sql` prints it for a person), or have a person run it"
                    .into(),
            });
        }
        let found = self.alembic_project(read)?;
        let mut proposed = BTreeMap::new();
        for read in read {
            let revision = read_revision(&read.text).map_err(|why| Stop::Usage {
                what: format!("`{}` cannot be read: {why}", read.file.path),
                help: "mend it first".into(),
            })?;
            let passages = revision.passages.iter().map(|passage| (read.file.path.clone(), passage.clone()));
            kept.passages.extend(passages);
            let Some(id) = revision.id.clone() else {
                return Err(Stop::Usage {
                    what: format!("`{}` is no revision: it says no `revision`", read.file.path),
                    help: "make one with `alembic revision -m TEXT`".into(),
                });
            };
            proposed.insert(id, revision);
        }
        let target = target(&proposed, &found, kept)?;
        kept.target = Some(target.clone());
        let relative = found.folder.strip_prefix(&self.project.root).unwrap_or(Path::new(""));
        kept.folder = Some(relative.to_string_lossy().into_owned());
        self.bind_others(read, &found, kept)?;
        let (mut copied, apart) = match self.copy(ends, kept.test)? {
            Ok(made) => made,
            Err(untried) => {
                kept.trial = Trial::Not { why: untried.why, help: untried.help };
                return Ok(Ok(()));
            }
        };
        let limits = limits(&ends.asked);
        let before = match copied.writer(&limits).and_then(|mut writer| writer.look()) {
            Ok((before, _)) => before,
            Err(failed) => return Ok(Err(failed)),
        };
        let Some(endpoint) = copied.endpoint().cloned() else {
            kept.trial = Trial::Not { why: "there is no server for the copy".into(), help: String::new() };
            return Ok(Ok(()));
        };
        let (outcome, said, heard) = self.alembic(kept, ends, &endpoint, Rule::Tried { opaque: apart })?;
        kept.statements = statements(&within(heard.steps));
        if let Some(Stopped::Refused(why)) = heard.stopped {
            let help = "look at what it sends; a person may run it by hand, and say `guard migration done`".to_owned();
            kept.trial = Trial::Not { why, help };
            return Ok(Ok(()));
        }
        if outcome.exit_code != 0 {
            return Ok(Err(ended(&outcome, &said, &ends.asked.database.url_env)));
        }
        if let Some(Stopped::Failed(why)) = heard.stopped {
            return Ok(Err(went_on(&why)));
        }
        let (after, revisions) = match copied.writer(&limits).and_then(|mut writer| writer.look()) {
            Ok(after) => after,
            Err(failed) => return Ok(Err(failed)),
        };
        if revisions == kept.revisions {
            let what = format!(
                "Alembic sent nothing to the database in `{}`: `env.py` has to take the URL from that variable",
                ends.asked.database.url_env
            );
            return Ok(Err(Failed::new(kept.engine, Cause::Other, what)));
        }
        kept.trial = Trial::Ran { difference: before.difference(&after), revisions };
        Ok(Ok(()))
    }

    pub(super) fn run_alembic(
        &mut self,
        name: &str,
        kept: &Kept,
        ends: &Ends,
        answer: &mut MigrationAnswer,
    ) -> Result<(), Stop> {
        let title = kept.title(name);
        if let Trial::Not { why, .. } = &kept.trial {
            let what = format!("nobody knows what `{name}` would send, since it was not tried: {why}");
            let help = format!("a person runs it with Alembic, and says `guard migration done {name}`");
            return Err(self.refuse_migration(&title, Some(name), what, &help));
        }
        let limits = limits(&ends.asked);
        let looked = crate::execute::migration::Writer::open(&ends.writes, &limits)
            .and_then(|mut writer| Ok((writer.stable()?, writer.look()?)));
        let (server, (before, revisions)) = match looked {
            Ok(looked) => looked,
            Err(failed) => {
                answer.failed = Some(failed);
                return Ok(());
            }
        };
        if let Some(why) = Self::elsewhere(kept, &server, &before, &revisions) {
            return Err(self.over(name, &title, why));
        }
        let began = Instant::now();
        let started = self.begin_migration(name, kept)?;
        let approved: Vec<String> = kept.statements.iter().map(|statement| statement.text.clone()).collect();
        let mut ran = Ran::default();
        match self.alembic(kept, ends, &ends.writes, Rule::Approved(approved)) {
            Ok((outcome, said, heard)) => {
                ran.statements = heard.sent as u64;
                let less = heard.sent < kept.statements.len();
                ran.failed = match heard.stopped {
                    Some(Stopped::Refused(why)) => Some(Failed::new(kept.engine, Cause::Denied, why)),
                    Some(Stopped::Failed(why)) if outcome.exit_code == 0 || !said.contains(&why) => Some(went_on(&why)),
                    Some(Stopped::Failed(_)) | None if outcome.exit_code != 0 => {
                        Some(ended(&outcome, &said, &ends.asked.database.url_env))
                    }
                    Some(Stopped::Failed(why)) => Some(went_on(&why)),
                    None => less.then(|| went_on("not all that was approved has been sent")),
                };
            }
            Err(stop) => ran.failed = Some(Failed::new(kept.engine, Cause::Other, stop.to_string())),
        }
        match look(&ends.writes, &limits) {
            Ok((after, _)) => {
                let other = kept.after(&before).map(|expected| expected.difference(&after)).unwrap_or_default();
                if ran.failed.is_none() && !other.is_empty() {
                    let what = format!("it comes to another schema than on the copy: {}", other.join("; "));
                    ran.failed = Some(Failed::new(kept.engine, Cause::Other, what));
                }
                ran.partly = ran.failed.is_some() && after != before;
            }
            Err(failed) => {
                ran.partly = true;
                ran.failed.get_or_insert(failed);
            }
        }
        self.end_migration(name, kept, (&started, began), ran, answer)
    }

    /// Runs Alembic in the fence, where it reaches a relay to `to` and nothing else: how it ended, what it said, what it sent.
    fn alembic(
        &mut self,
        kept: &Kept,
        ends: &Ends,
        to: &Endpoint,
        rule: Rule,
    ) -> Result<(Outcome, String, Heard), Stop> {
        let trouble = |cause: String| Stop::System { what: "cannot run Alembic".into(), cause };
        let argv: Vec<OsString> =
            ["alembic", if kept.down { "downgrade" } else { "upgrade" }, kept.target.as_deref().unwrap_or("head")]
                .map(OsString::from)
                .to_vec();
        let asked = Asked::Argv(argv.clone());
        let request =
            Request { asked, timeout: None, task: None, reason: None, waiting: None, dry_run: false, step: None };
        let looked = self.look(self.world, &request);
        let program = match (looked.judgement.program(), looked.absent) {
            (_, Some(absent)) => return Err(absent),
            (Some(program), None) => program.to_owned(),
            (None, None) => return Err(trouble("there is no `alembic` on the path".into())),
        };
        let relay = Relay::begin(to, rule, STATEMENT).map_err(|error| trouble(error.to_string()))?;
        let variable = if kept.test { ends.asked.database.test_url_env.as_ref() } else { None };
        let own = variable.unwrap_or(&ends.asked.database.url_env);
        let written = self.url(own)?.map(|(url, _)| url).unwrap_or_default();
        let scheme = written.split_once("://").map_or("postgresql", |(scheme, _)| scheme);
        let name = written.rsplit_once('/').map_or("postgres", |(_, rest)| rest.split('?').next().unwrap_or(rest));
        let mut environment = environment(self.world, &[]);
        // What Alembic is configured by is always the plain one: `env.py` knows no other.
        let url = OsString::from(relay.url(scheme, name));
        for variable in BTreeSet::from([&ends.asked.database.url_env, own]) {
            environment.variables.retain(|(known, _)| known != variable.as_str());
            environment.variables.push((OsString::from(variable), url.clone()));
        }
        let mut place = place(self.world, self.project, &self.policy);
        place.reads.libraries = libraries(&looked.facts);
        place.cwd = self.project.root.join(kept.folder.as_deref().unwrap_or_default());
        let order = Order {
            reach: Reach { services: vec![relay.address()], ..Reach::own() },
            limits: bounds(&self.policy),
            ..Order::new(Work::Argv { program, argv }, STATEMENT)
        };
        let prepared = execute::prepare_order(order, &place, &environment, required(&self.policy));
        let prepared = prepared.map_err(Stop::Execute)?;
        let mut said = Said(Vec::new());
        let outcome = prepared.run(&mut said).map_err(Stop::Execute)?;
        let text = String::from_utf8_lossy(&said.0).into_owned();
        Ok((outcome, text, relay.end()))
    }

    /// Binds it to what else Alembic reads: its settings, `env.py`, and the other revisions.
    fn bind_others(&self, read: &[Read], found: &Found, kept: &mut Kept) -> Result<(), Stop> {
        let versions = read.first().and_then(|read| read.path.parent()).unwrap_or(Path::new("/"));
        let mut others = vec![found.folder.join("alembic.ini")];
        others.extend(versions.parent().map(|scripts| scripts.join("env.py")));
        others.extend(found.revisions.values().map(|(_, path)| path.clone()));
        others.retain(|path| !read.iter().any(|read| read.path == *path));
        for path in others {
            let read = self.read_file(&path, false)?;
            kept.files.push(File { proposed: false, ..read.file });
        }
        Ok(())
    }

    /// The project that revisions belong to.
    fn alembic_project(&self, read: &[Read]) -> Result<Found, Stop> {
        let wrong = |what: &str, help: &str| Stop::Usage { what: what.to_owned(), help: help.to_owned() };
        let versions = read.first().and_then(|read| read.path.parent()).unwrap_or(Path::new("/"));
        if read.iter().any(|read| read.path.parent() != Some(versions)) {
            return Err(wrong("the revisions lie in several folders", "propose those of one folder"));
        }
        let root = &self.project.root;
        let folder = versions.ancestors().take_while(|folder| folder.starts_with(root));
        let folder = folder.into_iter().find(|folder| folder.join("alembic.ini").is_file()).ok_or_else(|| {
            wrong("there is no `alembic.ini` above the revisions", "make one with `alembic init`, or propose SQL")
        })?;
        let mut revisions = BTreeMap::new();
        let entries = std::fs::read_dir(versions).map_err(|error| Stop::System {
            what: "cannot read the folder of the revisions".into(),
            cause: error.to_string(),
        })?;
        let files =
            entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "py"));
        for path in files.take(MOST) {
            let other = self.read_file(&path, false)?;
            // What is none of Python's has no part in it: Alembic itself stops there.
            if let Ok(revision) = read_revision(&other.text)
                && let Some(id) = revision.id.clone()
            {
                revisions.insert(id, (revision, other.path));
            }
        }
        Ok(Found { folder: folder.to_owned(), revisions })
    }
}

/// What Alembic goes to, where it runs the proposed revisions on the way and no others.
fn target(proposed: &BTreeMap<String, Revision>, found: &Found, kept: &Kept) -> Result<String, Stop> {
    let wrong = |what: String, help: &str| Stop::Usage { what, help: help.to_owned() };
    let followed: BTreeSet<&String> = proposed.values().flat_map(|revision| &revision.follows).collect();
    let tops: Vec<&String> = proposed.keys().filter(|id| !followed.contains(id)).collect();
    let [top] = tops.as_slice() else {
        return Err(wrong(
            "the revisions are no line of which one follows the other".into(),
            "propose them one by one",
        ));
    };
    let outside: BTreeSet<&String> = followed.into_iter().filter(|id| !proposed.contains_key(*id)).collect();
    let now: BTreeSet<&String> = kept.revisions.iter().collect();
    let told = if now.is_empty() { "none".to_owned() } else { kept.revisions.join(", ") };
    if kept.down {
        if !now.contains(*top) {
            return Err(wrong(
                format!("the current revision is {told}, and not `{top}`: there is nothing to go back from"),
                "propose the revisions that are to be undone, the last one among them",
            ));
        }
        let below: Vec<&&String> = outside.iter().collect();
        return match below.as_slice() {
            [] => Ok("base".to_owned()),
            [one] => Ok((**one).clone()),
            _ => Err(wrong("they follow several revisions".into(), "have a person run it")),
        };
    }
    if let Some(done) = proposed.keys().find(|id| now.contains(id)) {
        return Err(wrong(format!("the database is at revision `{done}` already"), "propose what follows it"));
    }
    if let Some(missing) = outside.iter().find(|id| !now.contains(**id)) {
        let file = found
            .revisions
            .get(missing.as_str())
            .map(|(_, path)| path.file_name().unwrap_or_default().to_string_lossy());
        let file = file.map(|file| format!(" (`{file}`)")).unwrap_or_default();
        return Err(wrong(
            format!("the current revision is {told}, so that `{missing}`{file} would be run as well"),
            "name its file too, in the same proposal",
        ));
    }
    Ok((*top).clone())
}

/// Without what only begins and ends the transaction around all of it.
fn within(steps: Vec<Step>) -> Vec<Step> {
    let is_work = |step: &Step| step.transaction().is_none();
    let first = steps.iter().position(is_work).unwrap_or(0);
    let last = steps.iter().rposition(is_work).map_or(0, |last| last + 1);
    steps.into_iter().take(last).skip(first).collect()
}

/// Something of what Alembic sent came to nothing, and it does not say so.
fn went_on(why: &str) -> Failed {
    Failed::new(
        Engine::Postgres,
        Cause::Other,
        format!("not all of it was done, though Alembic does not say so: {why}"),
    )
}

/// How Alembic failed: the end of what it says.
fn ended(outcome: &Outcome, said: &str, variable: &str) -> Failed {
    let start = said.len().saturating_sub(SAID);
    let start = (start..said.len()).find(|at| said.is_char_boundary(*at)).unwrap_or(said.len());
    let tail = said.get(start..).unwrap_or_default().trim();
    let mut failed =
        Failed::new(Engine::Postgres, Cause::Other, format!("Alembic ended with {}: {tail}", outcome.exit_code));
    if !outcome.traffic.refused.is_empty() {
        failed.hint = Some(format!(
            "it tried to connect to something else: `env.py` has to take the URL from `{variable}` in the environment"
        ));
    }
    failed
}

/// What Alembic says.
struct Said(Vec<u8>);

impl Said {
    fn keep(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
        let over = self.0.len().saturating_sub(4 * SAID);
        self.0.drain(..over);
    }
}

impl Sink for Said {
    fn stdout(&mut self, bytes: &[u8]) {
        self.keep(bytes);
    }

    fn stderr(&mut self, bytes: &[u8]) {
        self.keep(bytes);
    }
}
