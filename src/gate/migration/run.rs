//! Running what was approved, exactly as it was shown, on the database as it was then; or taking down that a person did.
//! Knows no doors.

use super::MigrationAnswer;
use super::entries::{self, Came};
use super::kept::{Kept, Tool, Trial};
use super::propose::{Ends, limits};
use crate::approve::{Unusable, usable};
use crate::event::{Cause as HaltedBy, Checked, Closing, Detail, Proves};
use crate::execute::migration::{Shape, Writer};
use crate::execute::query::{Cause, Failed};
use crate::failfast::{Category, spent};
use crate::gate::desk::{Desk, closed, now};
use crate::gate::halt::{Calling, escalation};
use crate::gate::notice::tell_halt;
use crate::gate::{Project, Stop, World, entries as told};
use crate::record::Started;
use std::time::Instant;

/// Runs a migration that a person approved, or that needs nobody's word.
pub fn run_migration(world: &World, project: &Project, name: &str) -> MigrationAnswer {
    let mut answer = MigrationAnswer { name: Some(name.to_owned()), ..MigrationAnswer::default() };
    let done = Desk::open(world, project).and_then(|mut desk| desk.migrate(name, &mut answer));
    answer.stop = done.err();
    answer
}

/// Takes down that a person ran it.
pub fn migration_done(world: &World, project: &Project, name: &str) -> MigrationAnswer {
    let mut answer = MigrationAnswer { name: Some(name.to_owned()), ..MigrationAnswer::default() };
    let done = Desk::open(world, project).and_then(|mut desk| desk.by_person(name, &mut answer));
    answer.stop = done.err();
    answer
}

/// Runs statements in one transaction, but those that the server takes only outside of one. The error: the index of the one that
/// failed, and why.
pub(super) fn each<'s>(
    writer: &mut Writer,
    statements: impl IntoIterator<Item = (&'s str, bool)>,
) -> Result<(), (usize, Failed)> {
    writer.begin().map_err(|failed| (0, failed))?;
    let mut at = 0;
    for (text, alone) in statements {
        let ran = if alone {
            writer.commit().and_then(|()| writer.run(text)).and_then(|()| writer.begin())
        } else {
            writer.run(text)
        };
        ran.map_err(|failed| (at, failed))?;
        at += 1;
    }
    writer.commit().map_err(|failed| (at, failed))
}

/// What came of running it.
#[derive(Default)]
pub(super) struct Ran {
    pub(super) statements: u64,
    pub(super) failed: Option<Failed>,
    /// The statement that failed, from 1.
    pub(super) at: Option<usize>,
    /// Some of it is left, though it failed.
    pub(super) partly: bool,
}

impl Desk<'_> {
    fn migrate(&mut self, name: &str, answer: &mut MigrationAnswer) -> Result<(), Stop> {
        let kept = self.ready(name)?;
        answer.engine = Some(kept.engine);
        answer.migration = Some(kept.clone());
        let title = kept.title(name);
        self.migrates(&title, Some(name))?;
        let ends = self.ends(Some(&kept.database), kept.test, &title)?;
        if let Some(why) = self.no_longer(&kept) {
            return Err(self.over(name, &title, why));
        }
        match self.identity(&ends.asked, &title)? {
            // A copy of a server has its number.
            Ok((_, shown)) if shown != kept.shown => {
                return Err(self.over(name, &title, Self::another(&kept)));
            }
            Ok(_) => {}
            Err(failed) => {
                answer.failed = Some(failed);
                return Ok(());
            }
        }
        if kept.asks || !self.is_free(&kept)? {
            let usable = usable(&self.state().requests, name, &kept.content(), now().timestamp());
            if let Err(cause) = usable {
                if cause == Unusable::Waiting {
                    answer.request = Some(name.to_owned());
                }
                return Err(Stop::Approval { name: name.to_owned(), cause });
            }
        }
        match kept.tool {
            Tool::Sql => self.run_sql(name, &kept, &ends, answer),
            Tool::Alembic => self.run_alembic(name, &kept, &ends, answer),
        }
    }

    /// Why what was approved is not what would be run.
    fn no_longer(&self, kept: &Kept) -> Option<String> {
        if kept.policy != self.policy.hash() {
            return Some("the policy has changed since it was proposed".to_owned());
        }
        self.changed_file(kept).map(|path| format!("`{path}` has changed since it was proposed"))
    }

    fn another(kept: &Kept) -> String {
        format!("another database answers there now than {}, for which it was proposed", kept.shown)
    }

    /// Why the database is not the one, or not as it was, that it was proposed for.
    pub(super) fn elsewhere(kept: &Kept, server: &str, before: &Shape, revisions: &[String]) -> Option<String> {
        if server != kept.server {
            return Some(Self::another(kept));
        }
        if revisions != kept.revisions {
            let told = |all: &[String]| if all.is_empty() { "none".to_owned() } else { all.join(", ") };
            return Some(format!(
                "the current revision is {} and was {} when it was proposed",
                told(revisions),
                told(&kept.revisions)
            ));
        }
        (before.fingerprint() != kept.before).then(|| "the schema has changed since it was proposed".to_owned())
    }

    /// Ends a migration whose ground has changed.
    pub(super) fn over(&mut self, name: &str, title: &str, why: String) -> Stop {
        let again = "look at what has changed, and propose it again with `guard migration propose`";
        let stop = self.refuse_migration(title, Some(name), format!("`{name}` is not run: {why}"), again);
        let closing = self.log.append_when(&self.redactor, |state| {
            state.requests.open(name).map(|_| vec![closed(name, Closing::Changed)]).ok_or(())
        });
        match closing {
            Ok(_) => stop,
            Err(error) => Stop::Log(error),
        }
    }

    fn run_sql(&mut self, name: &str, kept: &Kept, ends: &Ends, answer: &mut MigrationAnswer) -> Result<(), Stop> {
        let title = kept.title(name);
        let opened = Writer::open(&ends.writes, &limits(&ends.asked)).and_then(|mut writer| {
            let server = writer.stable()?;
            writer.begin()?;
            let (before, revisions) = (writer.shape()?, writer.revisions()?);
            Ok((writer, server, before, revisions))
        });
        let (mut writer, server, before, revisions) = match opened {
            Ok(opened) => opened,
            Err(failed) => {
                answer.failed = Some(failed);
                return Ok(());
            }
        };
        if let Some(why) = Self::elsewhere(kept, &server, &before, &revisions) {
            let _undone = writer.undo();
            return Err(self.over(name, &title, why));
        }
        let began = Instant::now();
        let started = self.begin_migration(name, kept)?;
        let mut ran = Ran::default();
        if let Err(failed) = statements(&mut writer, kept, &before, &mut ran) {
            ran.failed = Some(failed);
            let _undone = writer.undo();
        }
        drop(writer);
        self.end_migration(name, kept, (&started, began), ran, answer)
    }

    /// That it is about to be run, durably; its approval is used up by it.
    pub(super) fn begin_migration(&mut self, name: &str, kept: &Kept) -> Result<Started, Stop> {
        let content = kept.content();
        let started = self.log.start_when(&self.redactor, |state| {
            if let Some(halt) = &state.requests.halt {
                return Err(Stop::Halted { name: halt.name.clone() });
            }
            let known = state.migrations.known(name).map(|known| known.came);
            if known != Some(crate::event::Came::Proposed) {
                return Err(Stop::Approval { name: name.to_owned(), cause: Unusable::Used });
            }
            let mut all = Vec::new();
            let asked = state.requests.open(name).is_some();
            if kept.asks || asked {
                usable(&state.requests, name, &content, now().timestamp())
                    .map_err(|cause| Stop::Approval { name: name.to_owned(), cause })?;
                let used = Detail::Consumed { name: name.to_owned() };
                all.push(told::approval("CONSUME", name, "SUCCESS", used));
            }
            all.push(entries::start(kept, name, (kept.asks || asked).then_some(name)));
            Ok(all)
        });
        let started = started.map_err(Stop::Log)??;
        self.log.remember();
        Ok(started)
    }

    /// Records how it ended. A failure counts, and halts where it spends the budget.
    pub(super) fn end_migration(
        &mut self,
        name: &str,
        kept: &Kept,
        (started, began): (&Started, Instant),
        ran: Ran,
        answer: &mut MigrationAnswer,
    ) -> Result<(), Stop> {
        let (project, redactor) = (self.project, &self.redactor);
        let budgets = self.budgets();
        let (mut attempts, mut halted) = (None, None);
        let written = self.log.append_when(redactor, |state| {
            let check = ran.failed.as_ref().map(|failed| {
                let spent = spent(&state.attempts, Category::Database, &budgets);
                attempts = Some(spent);
                Checked {
                    rule: format!("db:{}", kept.database),
                    proves: Proves::Failure,
                    at_ms: now().timestamp_millis(),
                    targets: vec![kept.database.clone()],
                    options: Vec::new(),
                    ran: None,
                    left_out: None,
                    clears: Vec::new(),
                    category: Some(Category::Database.word().to_owned()),
                    attempts: Some(spent),
                    tests: Vec::new(),
                    message: Some(failed.message.clone()),
                }
            });
            let came = Came {
                of: started.seq(),
                failed: ran.failed.as_ref(),
                partly: ran.partly,
                statements: ran.statements,
                took: began.elapsed(),
                check,
            };
            let mut all = vec![entries::end(kept, name, came)];
            if attempts.is_some_and(|spent| spent.is_all()) && state.requests.halt.is_none() {
                let calling = Calling {
                    cause: HaltedBy::Failures,
                    category: Some(Category::Database.word().to_owned()),
                    attempts,
                    task: kept.task.clone(),
                    command: Some(format!("guard migration run {name}: {}", kept.description)),
                    last_error: ran.failed.as_ref().map(|failed| failed.message.clone()).unwrap_or_default(),
                    said: None,
                };
                let (entry, halt) = escalation((project, redactor), state, calling)?;
                all.push(entry);
                halted = Some(halt);
            }
            Ok::<_, Stop>(all)
        });
        answer.attempts = attempts;
        answer.untold = halted.as_ref().and_then(|name| tell_halt(project, redactor, name).err());
        answer.halted = halted;
        (answer.at, answer.partly, answer.done) = (ran.at, ran.partly, ran.failed.is_none());
        answer.failed = ran.failed;
        answer.receipt = Some(written.map_err(Stop::Log)??);
        Ok(())
    }

    fn by_person(&mut self, name: &str, answer: &mut MigrationAnswer) -> Result<(), Stop> {
        let kept = self.ready(name)?;
        answer.engine = Some(kept.engine);
        answer.migration = Some(kept.clone());
        let title = kept.title(name);
        if self.world.only.is_some() && matches!(kept.trial, Trial::Not { .. }) {
            let what = format!("nobody can tell whether `{name}` was run, since it was not tried, but a person");
            let help = "nobody inside a fence is one: ask the person who ran it to say so";
            return Err(self.refuse_migration(&title, Some(name), what, help));
        }
        let ends = self.ends(Some(&kept.database), kept.test, &title)?;
        let looked = Writer::open(&ends.asked.endpoint, &limits(&ends.asked))
            .and_then(|mut writer| Ok((writer.stable()?, writer.look()?)));
        let (server, (now, revisions)) = match looked {
            Ok(looked) => looked,
            Err(failed) => {
                answer.failed = Some(failed);
                return Ok(());
            }
        };
        let help = "run all of it, or propose what is there now";
        if server != kept.server {
            let what = format!("another database answers there now than {}", kept.shown);
            return Err(self.refuse_migration(&title, Some(name), what, help));
        }
        let compared = match &kept.trial {
            Trial::Ran { difference, revisions: expected } => {
                // What it came from: what is there now, taken back.
                let back: Vec<String> = difference.iter().map(|line| turned(line)).collect();
                let came = now.changed(&back).is_some_and(|before| before.fingerprint() == kept.before);
                if !came || *expected != revisions {
                    let missing = missing(difference, &now);
                    answer.notes = missing.clone();
                    let what = match (missing.is_empty(), *expected == revisions) {
                        (false, _) => format!("the schema is not what `{name}` came to: {}", missing.join("; ")),
                        (true, false) => format!(
                            "the current revision is {}, and `{name}` leads to {}",
                            revisions.join(", "),
                            expected.join(", ")
                        ),
                        (true, true) => "something else in the schema has changed as well".to_owned(),
                    };
                    return Err(self.refuse_migration(&title, Some(name), what, help));
                }
                true
            }
            Trial::Not { .. } => false,
        };
        let written =
            self.log.append_when(&self.redactor, |state| match state.migrations.known(name).map(|known| known.came) {
                Some(crate::event::Came::Proposed) => Ok(vec![entries::done(&kept, name, compared)]),
                Some(_) | None => Err(Stop::Approval { name: name.to_owned(), cause: Unusable::Used }),
            });
        answer.receipt = Some(written.map_err(Stop::Log)??);
        answer.done = true;
        Ok(())
    }
}

/// Runs the approved statements within the transaction that is begun, and ends it where the schema is what it was to become.
fn statements(writer: &mut Writer, kept: &Kept, before: &Shape, ran: &mut Ran) -> Result<(), Failed> {
    for (at, statement) in kept.statements.iter().enumerate() {
        let run = if statement.alone {
            writer.commit().and_then(|()| {
                ran.partly |= at > 0;
                writer.run(&statement.text)?;
                ran.partly = true;
                writer.begin()
            })
        } else {
            writer.run(&statement.text)
        };
        if let Err(failed) = run {
            ran.at = Some(at + 1);
            return Err(failed);
        }
        ran.statements += 1;
    }
    if let Some(expected) = kept.after(before) {
        let came = writer.shape()?;
        let other = expected.difference(&came);
        if !other.is_empty() {
            let what = format!("it comes to another schema than on the copy: {}", other.join("; "));
            return Err(Failed::new(kept.engine, Cause::Other, what));
        }
    }
    writer.commit()?;
    ran.partly = false;
    Ok(())
}

/// A line of a difference, the other way round.
fn turned(line: &str) -> String {
    match line.split_at_checked(2) {
        Some(("- ", rest)) => format!("+ {rest}"),
        Some(("+ ", rest)) => format!("- {rest}"),
        Some(_) | None => line.to_owned(),
    }
}

/// Lines of a difference that have not come about.
fn missing(difference: &[String], now: &Shape) -> Vec<String> {
    let came = |line: &&String| {
        let back = turned(line);
        now.changed(std::slice::from_ref(&back)).is_none()
    };
    difference.iter().filter(came).map(|line| format!("missing `{line}`")).collect()
}
