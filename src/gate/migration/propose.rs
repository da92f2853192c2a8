//! The way of a proposal: read, classified, tried on a copy of the schema, put before a person.
//! Runs nothing on the database itself.

use super::kept::{File, Kept, Statement, Tool, Trial};
use super::{KIND, MigrationAnswer, MigrationRequest, entries};
use crate::action::migration::{Step, steps};
use crate::action::query::Engine;
use crate::decide::Verdict;
use crate::decide::migration::{Class, Operation, classify_steps};
use crate::event::line::{hex, printable};
use crate::event::{Came, Entry, Requested};
use crate::execute::migration::{Shape, WriteLimits, Writer};
use crate::execute::query::{Endpoint, Failed};
use crate::gate::ask::{seconds, waiting};
use crate::gate::desk::{Desk, now};
use crate::gate::notice::tell;
use crate::gate::query::{Asked, open};
use crate::gate::{Project, Stop, World, entries as told, files, person};
use crate::notify::Notice;
use crate::record::nonce;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Bytes of one file, and how many files there may be.
const LONGEST: u64 = 1 << 20;
const FILES: usize = 64;
/// Time for one statement of a migration: they may write a large table anew.
pub(super) const STATEMENT: Duration = Duration::from_secs(3600);

/// Proposes a migration.
pub fn propose_migration(world: &World, project: &Project, request: &MigrationRequest) -> MigrationAnswer {
    let mut answer = MigrationAnswer::default();
    let done = Desk::open(world, project).and_then(|mut desk| desk.propose(request, &mut answer));
    answer.stop = done.err();
    answer
}

/// A file of a migration, read.
pub(super) struct Read {
    pub(super) file: File,
    pub(super) text: String,
    /// Where it lies, without links.
    pub(super) path: PathBuf,
}

/// The ends of a migration: the database as it is asked, and as it is written to.
pub(super) struct Ends {
    pub(super) asked: Asked,
    pub(super) writes: Endpoint,
}

impl Desk<'_> {
    fn propose(&mut self, request: &MigrationRequest, answer: &mut MigrationAnswer) -> Result<(), Stop> {
        let title = format!("proposal: {}", request.description);
        self.migrates(&title, None)?;
        let description = described(&request.description)?;
        let ends = self.ends(request.database.as_deref(), request.test, &title)?;
        answer.engine = Some(ends.asked.database.engine);
        let read = self.read_files(&request.paths, true)?;
        let tool = tool(&read)?;
        let (server, shown) = match self.identity(&ends.asked, &title)? {
            Ok(found) => found,
            Err(failed) => return self.unproposed(&title, failed, None, answer),
        };
        let limits = limits(&ends.asked);
        let (before, revisions) = match look(&ends.asked.endpoint, &limits) {
            Ok(found) => found,
            Err(failed) => return self.unproposed(&title, failed, None, answer),
        };
        let mut kept = Kept {
            v: 1,
            salt: nonce().map_err(Stop::Log)?,
            description,
            database: ends.asked.database.name.clone(),
            engine: ends.asked.database.engine,
            test: request.test,
            server,
            shown,
            tool,
            down: request.down,
            target: None,
            folder: None,
            files: read.iter().map(|read| read.file.clone()).collect(),
            statements: Vec::new(),
            passages: Vec::new(),
            before: before.fingerprint(),
            revisions,
            trial: Trial::Not { why: String::new(), help: String::new() },
            asks: true,
            policy: self.policy.hash().to_owned(),
            task: request.task.clone(),
        };
        match tool {
            Tool::Sql if request.down => {
                return Err(Stop::Usage {
                    what: "a file of SQL has no way back".into(),
                    help: "propose the SQL that goes back, without `--down`".into(),
                });
            }
            Tool::Sql => {
                let (steps, statements) = of_sql(kept.engine, &read);
                if let Some(word) = steps.iter().find_map(Step::transaction) {
                    return Err(Stop::Usage {
                        what: format!("it says {word}, and guard runs all of it in one transaction of its own"),
                        help: "leave statements of transactions out of the files".into(),
                    });
                }
                if statements.is_empty() {
                    return Err(Stop::Usage { what: "there is no statement".into(), help: "write one".into() });
                }
                kept.statements = statements;
                match self.try_sql(&ends, &steps, request.test)? {
                    Ok(trial) => kept.trial = trial,
                    Err((at, failed)) => return self.unproposed(&title, failed, Some(at), answer),
                }
            }
            Tool::Alembic => {
                if let Err(failed) = self.of_alembic(&ends, &read, &mut kept)? {
                    return self.unproposed(&title, failed, None, answer);
                }
            }
        }
        kept.asks = !self.is_free(&kept)?;
        self.put(kept, answer)
    }

    /// Whether nobody need allow it: it only adds, to a database for tests that is not the other one.
    pub(super) fn is_free(&self, kept: &Kept) -> Result<bool, Stop> {
        if !kept.test || kept.class() > Class::Additive || !matches!(kept.trial, Trial::Ran { .. }) {
            return Ok(false);
        }
        let asked = self.place(Some(&kept.database), true)?.to_write();
        let Ok(opened) = open(&asked) else { return Ok(false) };
        Ok(opened.identity.stable == kept.server && self.not_apart(&asked, &opened.identity)?.is_none())
    }

    /// Records it, and asks a person where one must allow it.
    fn put(&mut self, kept: Kept, answer: &mut MigrationAnswer) -> Result<(), Stop> {
        if kept.asks {
            person::somebody(self)?;
        }
        let same = self.log.tag_key().seal(&kept.same());
        let approvals = self.policy.settings().approvals.clone();
        let nonce = nonce().map_err(Stop::Log)?;
        let project = self.project;
        let (mut name, mut fresh) = (None, false);
        let written = self.log.append_when(&self.redactor, |state| {
            let known = state.requests.open.iter().find(|(_, open)| open.asked.same == same);
            if let Some((known, _)) = known {
                name = Some(known.clone());
                return Err(None);
            }
            if kept.asks && waiting(state) >= approvals.waiting {
                return Err(Some(Stop::Migration {
                    what: format!("{} requests wait for a person already", approvals.waiting),
                    help: "wait until they are answered: `guard pending` lists them".into(),
                }));
            }
            let own = format!("{KIND}-{}", state.migrations.named + 1);
            kept.keep(project, &own).map_err(Some)?;
            let mut all: Vec<Entry> = vec![entries::proposed(&kept, &own)];
            if kept.asks {
                let requested = Requested {
                    name: own.clone(),
                    kind: KIND.into(),
                    nonce: nonce.clone(),
                    content: kept.content(),
                    same: same.clone(),
                    targets: Vec::new(),
                    policy: kept.policy.clone(),
                    uid: rustix::process::getuid().as_raw(),
                    expires: now().timestamp().saturating_add(seconds(approvals.request)),
                };
                let detail = crate::event::Detail::Requested(Box::new(requested));
                all.push(told::approval("REQUEST", &format!("{own}: {}", kept.description), "PENDING", detail));
            }
            (name, fresh) = (Some(own), true);
            Ok(all)
        });
        match written.map_err(Stop::Log)? {
            Ok(receipt) => answer.receipt = Some(receipt),
            Err(Some(stop)) => return Err(stop),
            Err(None) => {}
        }
        if let Some(name) = name.as_ref().filter(|_| kept.asks && fresh) {
            let notice = Notice::of_migration(name, &kept.description, kept.class().word());
            answer.untold = tell(project, &self.redactor, notice).err();
        }
        answer.request = name.clone().filter(|_| kept.asks);
        answer.name = name;
        answer.migration = Some(kept);
        Ok(())
    }

    /// Records that it was not proposed, because a database says so.
    fn unproposed(
        &mut self,
        title: &str,
        failed: Failed,
        at: Option<usize>,
        answer: &mut MigrationAnswer,
    ) -> Result<(), Stop> {
        let place = at.map(|at| format!("statement {at}: ")).unwrap_or_default();
        let entry = entries::refused(title, None, &format!("{place}{}", failed.message), "FAIL");
        answer.receipt = Some(self.log.append(&self.redactor, vec![entry]).map_err(Stop::Log)?);
        answer.at = at;
        answer.failed = Some(failed);
        Ok(())
    }

    /// Records a refusal, and gives it back.
    pub(super) fn refuse_migration(&mut self, title: &str, name: Option<&str>, what: String, help: &str) -> Stop {
        let entry = entries::refused(title, name, &what, "DENIED");
        match self.log.append(&self.redactor, vec![entry]) {
            Ok(_) => Stop::Migration { what, help: help.to_owned() },
            Err(error) => Stop::Log(error),
        }
    }

    /// Nothing of a migration happens while everything is halted.
    pub(super) fn migrates(&mut self, title: &str, name: Option<&str>) -> Result<(), Stop> {
        let Some(halt) = self.state().requests.halt.as_ref().map(|halt| halt.name.clone()) else { return Ok(()) };
        let entry = entries::refused(title, name, "everything is halted", "HALTED");
        self.log.append(&self.redactor, vec![entry]).map_err(Stop::Log)?;
        Err(Stop::Halted { name: halt })
    }

    /// Where the database is read and written.
    pub(super) fn ends(&mut self, name: Option<&str>, test: bool, title: &str) -> Result<Ends, Stop> {
        let asked = self.place(name, test)?;
        let database = asked.database.clone();
        let writes = match &database.write_url_env {
            Some(variable) if !test => self.endpoint(&asked, variable)?,
            Some(_) | None => asked.endpoint.clone(),
        };
        let ends = Ends { asked, writes };
        for endpoint in [&ends.asked.endpoint, &ends.writes] {
            if let Some(judged) = self.out_of_reach(&ends.asked.at(endpoint))? {
                return Err(self.refused_by(title, &judged));
            }
        }
        Ok(ends)
    }

    /// The endpoint whose URL stands in a variable.
    pub(super) fn endpoint(&self, asked: &Asked, variable: &str) -> Result<Endpoint, Stop> {
        let Some((url, _)) = self.url(variable)? else {
            return Err(Stop::Usage {
                what: format!("`{variable}` is not set"),
                help: format!("write `{variable}=…` into the project's `.env`, or set it in guard's environment"),
            });
        };
        let engine = asked.database.engine;
        Endpoint::of_url(engine, &url, &self.project.root).map_err(|cause| Stop::Usage {
            what: format!("`{variable}` is no URL of a {engine} database: {cause}"),
            help: "write it as `postgres://USER:PASSWORD@HOST:PORT/NAME`, or `sqlite:///PATH`".into(),
        })
    }

    fn refused_by(&mut self, title: &str, judged: &crate::decide::QueryJudgement) -> Stop {
        let rules = judged.matches.iter().map(|found| format!("{}: {}", found.id, found.reason));
        let help = judged.matches.iter().find_map(|found| found.instead.clone()).unwrap_or_default();
        self.refuse_migration(title, None, rules.collect::<Vec<_>>().join("; "), &help)
    }

    /// Which database it is, for guard and for a person; the inner error: that cannot be told.
    pub(super) fn identity(&mut self, asked: &Asked, title: &str) -> Result<Result<(String, String), Failed>, Stop> {
        let opened = match open(asked) {
            Ok(opened) => opened,
            Err(failed) => return Ok(Err(failed)),
        };
        let (judged, _) = opened.let_in(asked);
        if judged.verdict != Verdict::Allow {
            return Err(self.refused_by(title, &judged));
        }
        let identity = (opened.identity.stable.clone(), opened.identity.shown.clone());
        opened.session.close();
        Ok(Ok(identity))
    }

    /// Reads files of the project.
    pub(super) fn read_files(&self, paths: &[PathBuf], proposed: bool) -> Result<Vec<Read>, Stop> {
        if paths.is_empty() || paths.len() > FILES {
            let what = format!("a migration has 1 to {FILES} files");
            return Err(Stop::Usage { what, help: "name its files".into() });
        }
        paths.iter().map(|path| self.read_file(path, proposed)).collect()
    }

    pub(super) fn read_file(&self, path: &Path, proposed: bool) -> Result<Read, Stop> {
        let root = &self.project.root;
        let written = printable(&path.to_string_lossy());
        let wrong = |what: String| Stop::Usage { what, help: "name a file of the project".into() };
        let real =
            std::fs::canonicalize(self.world.cwd.join(path)).map_err(|error| wrong(format!("`{written}`: {error}")))?;
        let relative =
            real.strip_prefix(root).map_err(|_| wrong(format!("`{written}` lies outside of the project")))?;
        if self.project.hidden().iter().any(|hidden| real.starts_with(hidden)) {
            return Err(wrong(format!("`{written}` is guard's own")));
        }
        let bytes = files::small(&real, LONGEST).map_err(|cause| wrong(format!("`{written}`: {cause}")))?;
        let bytes = bytes.ok_or_else(|| wrong(format!("`{written}` is no file")))?;
        let sha256 = hex(&Sha256::digest(&bytes));
        let text = String::from_utf8(bytes).map_err(|_| wrong(format!("`{written}` is not UTF-8")))?;
        let path = relative.to_string_lossy().into_owned();
        Ok(Read { file: File { path, sha256, proposed }, text, path: real })
    }

    /// Whether each file is still what it was.
    pub(super) fn changed_file(&self, kept: &Kept) -> Option<String> {
        let same = |file: &File| {
            let bytes = files::small(&self.project.root.join(&file.path), LONGEST).ok().flatten();
            bytes.is_some_and(|bytes| hex(&Sha256::digest(&bytes)) == file.sha256)
        };
        kept.files.iter().find(|file| !same(file)).map(|file| file.path.clone())
    }

    /// The name of a migration, and its stored copy, if nothing has come of it yet.
    pub(super) fn ready(&mut self, name: &str) -> Result<Kept, Stop> {
        let unknown = |what: String, help: &str| Stop::Migration { what, help: help.to_owned() };
        let Some(known) = self.state().migrations.known(name).cloned() else {
            let what = format!("no migration is called `{}`", printable(name));
            return Err(unknown(what, "`guard migration list` names them"));
        };
        let again = "propose it again with `guard migration propose`, if it is still wanted";
        let Some(kept) = Kept::load(self.project, name, &known.content)? else {
            let what = format!("the stored copy of `{name}` is gone or changed");
            return Err(self.refuse_migration(name, Some(name), what, again));
        };
        let what = match known.came {
            Came::Proposed => return Ok(kept),
            Came::Runs(_) => "it runs at this moment",
            Came::Done => "it was run before",
            Came::ByPerson => "a person ran it before",
            Came::Undone => "it failed before, and its approval was used up by that",
            Came::Partly => "it failed before, and some of it is left: look at the database first",
            Came::Lost => "it was interrupted, and its approval was used up by that",
        };
        let title = kept.title(name);
        Err(self.refuse_migration(&title, Some(name), format!("`{name}`: {what}"), again))
    }
}

fn described(text: &str) -> Result<String, Stop> {
    let text = text.trim();
    if text.is_empty() || text.chars().any(char::is_control) || text.len() > 400 {
        return Err(Stop::Usage {
            what: "a description is one line of at most 400 bytes".into(),
            help: "say in a few words what the migration is for".into(),
        });
    }
    Ok(text.to_owned())
}

fn tool(read: &[Read]) -> Result<Tool, Stop> {
    let has = |ending: &str| read.iter().all(|read| read.file.path.ends_with(ending));
    match (has(".sql"), has(".py")) {
        (true, _) => Ok(Tool::Sql),
        (_, true) => Ok(Tool::Alembic),
        (false, false) => Err(Stop::Usage {
            what: "a migration is files of SQL (`.sql`), or revisions of Alembic (`.py`), not both".into(),
            help: "propose them apart".into(),
        }),
    }
}

/// What sessions for migrations may take.
pub(super) fn limits(asked: &Asked) -> WriteLimits {
    WriteLimits { connect: Duration::from_secs(5), statement: STATEMENT, lock: asked.database.timeout }
}

/// What the schema looks like now, and Alembic's revisions.
pub(super) fn look(endpoint: &Endpoint, limits: &WriteLimits) -> Result<(Shape, Vec<String>), Failed> {
    Writer::open(endpoint, limits)?.look()
}

fn of_sql(engine: Engine, read: &[Read]) -> (Vec<Step>, Vec<Statement>) {
    let each: Vec<(usize, Step)> = read
        .iter()
        .enumerate()
        .flat_map(|(at, read)| steps(engine, &read.text).into_iter().map(move |step| (at, step)))
        .collect();
    let files: Vec<String> =
        each.iter().map(|(at, _)| read.get(*at).map(|read| read.file.path.clone()).unwrap_or_default()).collect();
    let all: Vec<Step> = each.into_iter().map(|(_, step)| step).collect();
    let statements = statements(&all).into_iter().zip(files).zip(&all);
    let statements =
        statements.map(|((statement, file), step)| Statement { at: Some((file, step.at.line)), ..statement });
    (all.clone(), statements.collect())
}

/// Statements with what they do.
pub(super) fn statements(steps: &[Step]) -> Vec<Statement> {
    let classes: Vec<Vec<Operation>> = classify_steps(steps);
    let each = steps.iter().zip(classes);
    each.map(|(step, operations)| Statement { text: step.text.clone(), at: None, operations, alone: step.is_alone() })
        .collect()
}
