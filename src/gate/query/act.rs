//! The way of a query: judged as text, sent to a server that was looked at, judged by its catalog, run, recorded, counted.
//! Knows no doors.

use super::entries::{self, About};
use super::place::Asked;
use super::{QueryAnswer, QueryRequest, Stop};
use crate::action::query::{Engine, Query, read};
use crate::decide::policy::{Database, Literals, Policy};
use crate::decide::{
    Export, QueryGround, QueryJudgement, Verdict, judge_export, judge_posture, judge_query, judge_unreadable,
};
use crate::event::{Attempts, Cause as HaltedBy, Checked, Proves, Spent};
use crate::execute::query::{
    Caps, Cause, Cell as Value, Column, Done, Failed, Identity, Limits, Posture, Session, Sink, Truncated,
};
use crate::failfast::{Category, spent};
use crate::gate::desk::{Desk, now};
use crate::gate::halt::{Calling, escalation};
use crate::gate::notice::tell_halt;
use crate::gate::{Project, World};
use crate::record::Started;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::io;
use std::time::{Duration, Instant};

/// What stands for a text whose values nobody told apart, where the log shows none.
const UNREAD: &str = "(a text that was not read)";

/// Rounds of asking a catalog: views within views, and what stands behind their names.
const ROUNDS: usize = 24;

/// Asks a database, if that is allowed.
pub fn query(world: &World, project: &Project, request: &QueryRequest, sink: &mut dyn Sink) -> QueryAnswer {
    let mut answer = QueryAnswer { database: request.database.clone().unwrap_or_default(), ..QueryAnswer::default() };
    let done = Desk::open(world, project).and_then(|mut desk| desk.asked(request, sink, &mut answer));
    answer.stop = done.err();
    answer
}

/// Looks at a database in a way of guard's own, which is recorded as `shown`; `run` says how much it found.
pub(super) fn look(
    world: &World,
    project: &Project,
    request: &QueryRequest,
    shown: &str,
    mut run: impl FnMut(&mut Session) -> Result<u64, Failed>,
) -> QueryAnswer {
    let mut answer = QueryAnswer { database: request.database.clone().unwrap_or_default(), ..QueryAnswer::default() };
    let done = Desk::open(world, project).and_then(|mut desk| desk.looked(request, shown, &mut run, &mut answer));
    answer.stop = done.err();
    answer
}

/// What a session came to. The inner error: rules refused it by what the catalog says.
type Came = Result<Result<Done, QueryJudgement>, Failed>;

/// What a session is for.
struct Work<'w> {
    run: &'w mut dyn FnMut(&Policy, Session, &Caps) -> Came,
    /// What of an answer was handed on.
    handed: &'w Handed,
}

/// What of an answer was handed on.
#[derive(Default)]
struct Handed {
    any: Cell<bool>,
    rows: Cell<u64>,
    /// The groups of the policy's `[alpha]` that these are rows of.
    groups: RefCell<BTreeSet<String>>,
}

/// What came of sending it.
#[derive(Default)]
pub(super) struct Ran {
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) truncated: Option<Truncated>,
    pub(super) groups: BTreeSet<String>,
    pub(super) tries: u32,
    pub(super) refused: Option<QueryJudgement>,
    pub(super) failed: Option<Failed>,
}

impl Ran {
    fn take(&mut self, done: Done) {
        (self.rows, self.bytes, self.truncated) = (done.rows, done.bytes, done.truncated);
    }
}

/// A session, and whom it is with.
pub(super) struct Opened {
    pub(super) session: Session,
    pub(super) identity: Identity,
    posture: Posture,
}

impl Opened {
    /// What the policy says of its user, and what the user could do beside reading.
    pub(super) fn let_in(&self, asked: &Asked) -> (QueryJudgement, Vec<String>) {
        let (reaching, writing) = (self.posture.reaching(), self.posture.writing());
        (judge_posture(asked.database.posture, &reaching, &writing), [reaching, writing].concat())
    }
}

impl Desk<'_> {
    fn asked(&mut self, request: &QueryRequest, sink: &mut dyn Sink, answer: &mut QueryAnswer) -> Result<(), Stop> {
        self.not_halted_for(request, None, answer)?;
        let asked = self.place(request.database.as_deref(), request.test)?;
        answer.database.clone_from(&asked.database.name);
        answer.engine = Some(asked.database.engine);
        let read = read(asked.database.engine, &request.sql);
        let shown = self.shown(&asked, &read, request);
        let judged = match (&read, self.where_it_lies(&asked)?) {
            (_, Some(refused)) => refused,
            (Ok(query), None) => judge_query(query, None, &self.policy),
            (Err(unreadable), None) => judge_unreadable(unreadable),
        };
        let (Ok(query), Verdict::Allow) = (&read, judged.verdict) else {
            return self.refuse_query(&asked, (&shown, request), judged, answer);
        };
        let given = self.exported(request);
        let spent = judge_export(&self.policy, &judged.groups, given);
        if spent.verdict != Verdict::Allow {
            return self.refuse_query(&asked, (&shown, request), spent, answer);
        }
        let handed = Handed::default();
        let work = &mut |policy: &Policy, session: Session, caps: &Caps| {
            once(session, (policy, given), query, caps, &mut Watched { sink, handed: &handed })
        };
        self.send(&asked, (&shown, request), Work { run: work, handed: &handed }, answer)
    }

    fn looked(
        &mut self,
        request: &QueryRequest,
        shown: &str,
        run: &mut dyn FnMut(&mut Session) -> Result<u64, Failed>,
        answer: &mut QueryAnswer,
    ) -> Result<(), Stop> {
        self.not_halted_for(request, Some(shown), answer)?;
        let asked = self.place(request.database.as_deref(), request.test)?;
        answer.database.clone_from(&asked.database.name);
        answer.engine = Some(asked.database.engine);
        if let Some(refused) = self.where_it_lies(&asked)? {
            return self.refuse_query(&asked, (shown, request), refused, answer);
        }
        let work = &mut |_: &Policy, mut session: Session, _: &Caps| {
            let rows = run(&mut session)?;
            session.close();
            Ok(Ok(Done { rows, bytes: 0, truncated: None }))
        };
        self.send(&asked, (shown, request), Work { run: work, handed: &Handed::default() }, answer)
    }

    /// Records that it was asked while everything is halted, and stops there.
    /// `shown`: a look of guard's own.
    fn not_halted_for(
        &mut self,
        request: &QueryRequest,
        shown: Option<&str>,
        answer: &mut QueryAnswer,
    ) -> Result<(), Stop> {
        let Some(name) = self.state().requests.halt.as_ref().map(|halt| halt.name.clone()) else { return Ok(()) };
        let database = self.database(request.database.as_deref()).ok();
        let engine = database.map(|database| database.engine);
        let literals = database.map_or(Literals::Replaced, |database| database.literals);
        let shown = shown.unwrap_or_else(|| if literals == Literals::Shown { request.sql.trim() } else { UNREAD });
        let entry = entries::refused((&answer.database, engine), shown, request, ("halted", Vec::new(), ""));
        answer.receipt = Some(self.log.append(&self.redactor, vec![entry]).map_err(Stop::Log)?);
        Err(Stop::Halted { name })
    }

    /// Rows of markets and trades that were given so far.
    fn exported(&self, request: &QueryRequest) -> Export {
        let exports = &self.state().exports;
        Export { task: exports.task(request.task.as_deref()), all: exports.all() }
    }

    /// The text as the log shows it.
    fn shown<E>(&self, asked: &Asked, read: &Result<Query, E>, request: &QueryRequest) -> String {
        match (asked.database.literals, read) {
            (Literals::Shown, _) => request.sql.trim().to_owned(),
            (Literals::Replaced, Ok(query)) => query.without_literals(),
            (Literals::Replaced, Err(_)) => UNREAD.to_owned(),
        }
    }

    fn refuse_query(
        &mut self,
        asked: &Asked,
        (shown, request): (&str, &QueryRequest),
        judged: QueryJudgement,
        answer: &mut QueryAnswer,
    ) -> Result<(), Stop> {
        let about = (judged.verdict.word(), entries::hits(&judged), self.policy.hash());
        let of = (asked.database.name.as_str(), Some(asked.database.engine));
        let entry = entries::refused(of, shown, request, about);
        answer.receipt = Some(self.log.append(&self.redactor, vec![entry]).map_err(Stop::Log)?);
        answer.judgement = Some(judged);
        Ok(())
    }

    fn send(
        &mut self,
        asked: &Asked,
        (shown, request): (&str, &QueryRequest),
        work: Work<'_>,
        answer: &mut QueryAnswer,
    ) -> Result<(), Stop> {
        let began = Instant::now();
        let mut ran = Ran { tries: 1, ..Ran::default() };
        let mut opened = open(asked);
        if opened.as_ref().is_err_and(Failed::is_transient) {
            ran.tries = 2;
            opened = open(asked);
        }
        let mut warnings = Vec::new();
        if let Ok(opened) = &opened {
            let judged;
            (judged, warnings) = opened.let_in(asked);
            if judged.verdict != Verdict::Allow {
                return self.refuse_query(asked, (shown, request), judged, answer);
            }
        }
        let server = opened.as_ref().ok().map(|opened| opened.identity.stable.clone());
        answer.server = opened.as_ref().ok().map(|opened| opened.identity.shown.clone());
        let caps = Caps {
            rows: request.limit.map_or(asked.database.rows, |limit| limit.min(asked.database.rows)),
            bytes: asked.database.bytes,
        };
        let shows = asked.database.literals == Literals::Shown;
        let about = About {
            server: server.as_deref(),
            policy: self.policy.hash(),
            warnings: &warnings,
            most: (!self.policy.settings().alpha.is_empty() && !request.sql.is_empty()).then_some(caps.rows),
            sha256: (shows && !request.sql.is_empty()).then(|| hash(&request.sql)),
        };
        let start = entries::start(asked, shown, request, about);
        let started = self.begin(start)?;
        answer.warnings = warnings;
        if let Err(failed) = opened {
            ran.failed = Some(failed);
        } else if let Ok(opened) = opened {
            let mut came = (work.run)(&self.policy, opened.session, &caps);
            // A read may be tried once more, as long as nobody has seen anything of its answer.
            if ran.tries == 1 && !work.handed.any.get() && came.as_ref().is_err_and(Failed::is_transient) {
                ran.tries = 2;
                let again = open(asked).and_then(|opened| same(opened, server.as_deref()));
                came = again.and_then(|session| (work.run)(&self.policy, session, &caps));
            }
            match came {
                Ok(Ok(done)) => ran.take(done),
                Ok(Err(judged)) => ran.refused = Some(judged),
                Err(failed) => {
                    ran.failed = Some(failed);
                    ran.rows = work.handed.rows.get();
                }
            }
            ran.groups = work.handed.groups.take();
        }
        answer.tries = ran.tries;
        answer.failed.clone_from(&ran.failed);
        if let (Literals::Replaced, Some(failed)) = (asked.database.literals, &mut ran.failed) {
            // Its message may hold values of the query.
            failed.message = "(its message is not kept: it may hold values)".to_owned();
        }
        self.finish(asked, shown, (&started, &ran), (began.elapsed(), request), answer)?;
        answer.judgement = Some(match ran.refused {
            Some(judged) => judged,
            None => QueryJudgement::allowed(),
        });
        answer.done =
            ran.failed.is_none().then_some(Done { rows: ran.rows, bytes: ran.bytes, truncated: ran.truncated });
        Ok(())
    }

    /// That it is about to be sent, durably; not where everything was halted meanwhile.
    fn begin(&mut self, start: crate::event::Entry) -> Result<Started, Stop> {
        let started = self.log.start_when(&self.redactor, |state| match &state.requests.halt {
            Some(halt) => Err(Stop::Halted { name: halt.name.clone() }),
            None => Ok(vec![start.clone()]),
        });
        started.map_err(Stop::Log)?
    }

    /// Records how it ended. The failure that spends the budget halts (SKILL 3, error handling).
    fn finish(
        &mut self,
        asked: &Asked,
        shown: &str,
        (started, ran): (&Started, &Ran),
        (took, request): (Duration, &QueryRequest),
        answer: &mut QueryAnswer,
    ) -> Result<(), Stop> {
        let (project, redactor) = (self.project, &self.redactor);
        let budgets = self.policy.settings().attempts.clone();
        let engine = asked.database.engine;
        let (mut attempts, mut halted) = (None, None);
        let written = self.log.append_when(redactor, |state| {
            let check = checked(&asked.database.name, ran, &state.attempts, |attempts| {
                spent(attempts, Category::Database, &budgets)
            });
            attempts = check.as_ref().and_then(|check| check.attempts);
            let mut entries = entries::end(engine, shown, (started.seq(), ran), took, check);
            if attempts.is_some_and(|spent| spent.is_all()) && state.requests.halt.is_none() {
                let failed = ran.failed.as_ref();
                let calling = Calling {
                    cause: HaltedBy::Failures,
                    category: Some(Category::Database.word().to_owned()),
                    attempts,
                    task: request.task.clone(),
                    command: Some(format!("guard db query --db {}: {shown}", asked.database.name)),
                    last_error: failed.map(|failed| failed.message.clone()).unwrap_or_default(),
                    said: None,
                };
                let (entry, name) = escalation((project, redactor), state, calling)?;
                entries.push(entry);
                halted = Some(name);
            }
            Ok::<_, Stop>(entries)
        });
        answer.attempts = attempts;
        answer.untold = halted.as_ref().and_then(|name| tell_halt(project, redactor, name).err());
        answer.halted = halted;
        answer.receipt = Some(written.map_err(Stop::Log)??);
        Ok(())
    }
}

/// Opens a session and looks at what its user is.
pub(super) fn open(asked: &Asked) -> Result<Opened, Failed> {
    let Asked { database, endpoint } = asked;
    let path = (database.engine == Engine::Postgres).then(|| database.schemas.clone());
    let limits = Limits { time: database.timeout, path, ..Limits::default() };
    let mut session = Session::open(endpoint, &limits).map_err(|failed| advised(failed, asked))?;
    let (identity, posture) = (session.identity()?, session.posture()?);
    Ok(Opened { session, identity, posture })
}

/// What to do where nobody answers, or nobody is let in.
fn advised(mut failed: Failed, asked: &Asked) -> Failed {
    let Database { engine, url_env, .. } = &asked.database;
    let advice = match failed.cause {
        Cause::Down => {
            Some(format!("no {engine} answers for {}: start that service, or correct `{url_env}`", asked.endpoint))
        }
        Cause::Auth => Some(format!("a person corrects the user and the password in `{url_env}`")),
        Cause::Denied
        | Cause::Syntax
        | Cause::TimedOut
        | Cause::Lost
        | Cause::Serialization
        | Cause::Limit
        | Cause::Strange
        | Cause::Sink
        | Cause::Other => None,
    };
    failed.hint = failed.hint.or(advice);
    failed
}

/// The session, if it leads to the same database as the one before.
fn same(opened: Opened, server: Option<&str>) -> Result<Session, Failed> {
    if server.is_some_and(|server| server == opened.identity.stable) {
        return Ok(opened.session);
    }
    Err(Failed::new(opened.identity.engine, Cause::Strange, "another database answers there now"))
}

/// One try: read by the server, judged by its catalog, run, undone, closed. The inner error: rules.
fn once(
    mut session: Session,
    (policy, given): (&Policy, Export),
    query: &Query,
    caps: &Caps,
    sink: &mut Watched<'_>,
) -> Came {
    session.prepare(query.text())?;
    let ground = learn(&mut session, query)?;
    let judged = judge_query(query, Some(&ground), policy);
    if judged.verdict != Verdict::Allow {
        session.close();
        return Ok(Err(judged));
    }
    let mut caps = *caps;
    if !judged.groups.is_empty() {
        // Views may have led to groups that the text does not name.
        let spent = judge_export(policy, &judged.groups, given);
        if spent.verdict != Verdict::Allow {
            session.close();
            return Ok(Err(spent));
        }
        caps.rows = caps.rows.min(given.left(policy));
        sink.handed.groups.replace(judged.groups);
    }
    let done = session.run(&caps, sink)?;
    session.close();
    Ok(Ok(done))
}

/// Asks the catalog until it has told all that a judgement needs.
pub(super) fn learn(session: &mut Session, query: &Query) -> Result<QueryGround, Failed> {
    let mut ground = QueryGround::default();
    for _ in 0..ROUNDS {
        let wanted = ground.missing(query);
        if wanted.is_empty() {
            return Ok(ground);
        }
        let said = session.catalog(&wanted)?;
        ground.learn(query.engine(), wanted, said);
    }
    let what = format!("its views name more and more, after {ROUNDS} looks at the catalog");
    Err(Failed::new(query.engine(), Cause::Limit, what))
}

/// What a query means for the budget: a failure of the database's, or of the way to it, is an attempt.
fn checked(database: &str, ran: &Ran, attempts: &Attempts, spent: impl Fn(&Attempts) -> Spent) -> Option<Checked> {
    let rule = format!("db:{database}");
    let mut checked = Checked {
        rule: rule.clone(),
        proves: Proves::Green,
        at_ms: now().timestamp_millis(),
        targets: vec![database.to_owned()],
        options: Vec::new(),
        ran: None,
        left_out: None,
        clears: Vec::new(),
        category: None,
        attempts: None,
        tests: Vec::new(),
        message: None,
    };
    match &ran.failed {
        Some(failed) if failed.cause == Cause::Sink => None,
        Some(failed) => {
            checked.proves = Proves::Failure;
            checked.category = Some(Category::Database.word().to_owned());
            checked.attempts = Some(spent(attempts));
            checked.message = Some(failed.message.clone());
            Some(checked)
        }
        None if ran.refused.is_some() => None,
        None => {
            let series = attempts.series.get(Category::Database.word())?;
            let made_good = series.tries.iter().filter(|tried| tried.rule == rule && !tried.good);
            checked.clears = made_good.map(|tried| tried.seq).collect();
            Some(checked)
        }
    }
}

fn hash(text: &str) -> String {
    use sha2::{Digest, Sha256};
    crate::event::line::hex(&Sha256::digest(text.as_bytes()))
}

/// Hands rows on, and knows whether anything was.
struct Watched<'s> {
    sink: &'s mut dyn Sink,
    handed: &'s Handed,
}

impl Sink for Watched<'_> {
    fn columns(&mut self, columns: &[Column]) -> io::Result<()> {
        self.handed.any.set(true);
        self.sink.columns(columns)
    }

    fn row(&mut self, cells: &[Value<'_>]) -> io::Result<()> {
        self.handed.rows.set(self.handed.rows.get().saturating_add(1));
        self.sink.row(cells)
    }
}
