//! The way of a query: judged as text, sent to a server that was looked at, judged by its catalog, run, recorded, counted.
//! Knows no doors.

use super::ended::Ran;
use super::entries::{self, About};
use super::handed::{Handed, Watched};
use super::opened::{Opened, learn, open, same};
use super::place::Asked;
use super::stored::Bound;
use super::{QueryAnswer, QueryRequest, Stop};
use crate::action::query::{Query, read};
use crate::approve::usable;
use crate::decide::policy::{Literals, Policy};
use crate::decide::{Export, QueryJudgement, Verdict, judge_export, judge_query, judge_unreadable, judge_write};
use crate::event::{Detail, Entry};
use crate::execute::query::{Caps, Done, Failed, Session, Sink};
use crate::gate::desk::{Desk, now};
use crate::gate::{Project, World};
use crate::record::Started;
use std::time::Instant;

/// What stands for a text whose values nobody told apart, where the log shows none.
const UNREAD: &str = "(a text that was not read)";

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

/// What a conversation came to. The inner error: rules refused it by what the catalog says.
pub(super) type Came = Result<Result<Done, QueryJudgement>, Failed>;

/// What a conversation is for: how it is begun, and what is done in it.
pub(super) struct Work<'w, S> {
    pub(super) open: &'w mut dyn FnMut() -> Result<Opened<S>, Failed>,
    pub(super) run: &'w mut dyn FnMut(&Policy, S, &Caps) -> Came,
    /// What of an answer was handed on.
    pub(super) handed: &'w Handed,
    /// Whether it may be tried once more, as long as nothing of an answer was handed on.
    pub(super) again: bool,
    /// What a person approved.
    pub(super) approval: Option<&'w Bound>,
}

impl Desk<'_> {
    fn asked(&mut self, request: &QueryRequest, sink: &mut dyn Sink, answer: &mut QueryAnswer) -> Result<(), Stop> {
        self.not_halted_for(request, None, answer)?;
        let asked = self.place(request.database.as_deref(), request.test)?;
        asked.tell(answer);
        let read = read(asked.database.engine, &request.sql);
        let shown = self.shown(&asked, &read, request);
        let judged = match (&read, self.out_of_reach(&asked)?) {
            (_, Some(refused)) => refused,
            (Ok(query), None) => judge_write(query, None, &self.policy, asked.writing()),
            (Err(unreadable), None) => judge_unreadable(unreadable),
        };
        match (&read, judged.verdict) {
            (Ok(query), Verdict::Allow) if !query.kind().reads_only() => {
                self.write(asked, (&shown, request), (query, judged), sink, answer)
            }
            (Ok(query), Verdict::Ask) => self.ask_to_write(&asked, (&shown, request), (query, judged), sink, answer),
            (Ok(query), Verdict::Allow) => {
                let given = self.exported(request);
                let spent = judge_export(&self.policy, &judged.groups, given);
                if spent.verdict != Verdict::Allow {
                    return self.refuse_query(&asked, (&shown, request), spent, answer);
                }
                let handed = Handed::default();
                let run = &mut |policy: &Policy, session: Session, caps: &Caps| {
                    once(session, (policy, given), query, caps, &mut Watched { sink, handed: &handed })
                };
                let work = Work { open: &mut || open(&asked), run, handed: &handed, again: true, approval: None };
                self.send(&asked, (&shown, request), work, answer)
            }
            (Ok(_) | Err(_), Verdict::Deny) | (Err(_), Verdict::Allow | Verdict::Ask) => {
                self.refuse_query(&asked, (&shown, request), judged, answer)
            }
        }
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
        asked.tell(answer);
        if let Some(refused) = self.out_of_reach(&asked)? {
            return self.refuse_query(&asked, (shown, request), refused, answer);
        }
        let run = &mut |_: &Policy, mut session: Session, _: &Caps| {
            let rows = run(&mut session)?;
            session.close();
            Ok(Ok(Done { rows, ..Done::default() }))
        };
        let handed = Handed::default();
        let work = Work { open: &mut || open(&asked), run, handed: &handed, again: true, approval: None };
        self.send(&asked, (shown, request), work, answer)
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
        let about = entries::Refusing::of("halted");
        let entry = entries::refused((&answer.database, engine), shown, request, about);
        answer.receipt = Some(self.log.append(&self.redactor, vec![entry]).map_err(Stop::Log)?);
        Err(Stop::Halted { name })
    }

    /// Rows of markets and trades that were given so far.
    pub(super) fn exported(&self, request: &QueryRequest) -> Export {
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

    pub(super) fn refuse_query(
        &mut self,
        asked: &Asked,
        (shown, request): (&str, &QueryRequest),
        judged: QueryJudgement,
        answer: &mut QueryAnswer,
    ) -> Result<(), Stop> {
        let about = entries::Refusing {
            rules: entries::hits(&judged),
            policy: self.policy.hash(),
            environment: Some(asked.environment()),
            ..entries::Refusing::of(judged.verdict.word())
        };
        let of = (asked.database.name.as_str(), Some(asked.database.engine));
        let entry = entries::refused(of, shown, request, about);
        answer.receipt = Some(self.log.append(&self.redactor, vec![entry]).map_err(Stop::Log)?);
        answer.judgement = Some(judged);
        Ok(())
    }

    /// Holds a conversation, recorded and counted.
    pub(super) fn send<S>(
        &mut self,
        asked: &Asked,
        (shown, request): (&str, &QueryRequest),
        work: Work<'_, S>,
        answer: &mut QueryAnswer,
    ) -> Result<(), Stop> {
        let began = Instant::now();
        let mut ran = Ran { tries: 1, ..Ran::default() };
        let mut opened = (work.open)();
        if work.again && opened.as_ref().is_err_and(Failed::is_transient) {
            ran.tries = 2;
            opened = (work.open)();
        }
        let mut warnings = Vec::new();
        if let Ok(opened) = &opened {
            let judged;
            (judged, warnings) = opened.let_in(asked);
            let refused =
                if judged.verdict == Verdict::Allow { self.not_apart(asked, &opened.identity)? } else { Some(judged) };
            if let Some(refused) = refused {
                return self.refuse_query(asked, (shown, request), refused, answer);
            }
        }
        let identity = opened.as_ref().ok().map(|opened| opened.identity.clone());
        if let (Some(bound), Some(found)) = (work.approval, &identity)
            && !bound.is_of(found)
        {
            return Err(self.is_changed(&bound.name)?);
        }
        let server = identity.as_ref().map(|identity| identity.stable.clone());
        answer.server = identity.as_ref().map(|identity| identity.shown.clone());
        answer.identity = identity;
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
            approval: work.approval.map(|bound| bound.name.as_str()),
        };
        let start = entries::start(asked, shown, request, about);
        let started = self.begin(&start, work.approval.map(|bound| bound.name.as_str()))?;
        answer.warnings = warnings;
        let mut came = opened.and_then(|opened| (work.run)(&self.policy, opened.session, &caps));
        // A read may be tried once more, as long as nobody has seen anything of its answer.
        let unseen = work.again && !work.handed.any.get();
        if server.is_some() && ran.tries == 1 && unseen && came.as_ref().is_err_and(Failed::is_transient) {
            ran.tries = 2;
            let again = (work.open)().and_then(|opened| same(opened, server.as_deref()));
            came = again.and_then(|session| (work.run)(&self.policy, session, &caps));
        }
        match came {
            Ok(Ok(done)) => ran.done = done,
            Ok(Err(judged)) => ran.refused = Some(judged),
            Err(failed) => {
                ran.failed = Some(failed);
                ran.done.rows = work.handed.rows.get();
            }
        }
        ran.groups = work.handed.groups.take();
        answer.tries = ran.tries;
        answer.failed.clone_from(&ran.failed);
        if let (Literals::Replaced, Some(failed)) = (asked.database.literals, &mut ran.failed) {
            // Its message may hold values of the query.
            failed.message = "(its message is not kept: it may hold values)".to_owned();
        }
        self.finish(asked, shown, (&started, &ran), (began.elapsed(), request), answer)?;
        let ended = ran.failed.is_none() && ran.refused.is_none();
        answer.done = ended.then_some(ran.done);
        answer.judgement = Some(match ran.refused {
            Some(judged) => judged,
            None => QueryJudgement::allowed(),
        });
        Ok(())
    }

    /// That it is about to be sent, durably; not where everything was halted meanwhile. An approval is used up by it.
    fn begin(&mut self, start: &Entry, approval: Option<&str>) -> Result<Started, Stop> {
        let started = self.log.start_when(&self.redactor, |state| {
            if let Some(halt) = &state.requests.halt {
                return Err(Stop::Halted { name: halt.name.clone() });
            }
            let mut entries = Vec::new();
            if let Some(name) = approval {
                let content = state.requests.open(name).map(|open| open.asked.content.as_str()).unwrap_or_default();
                usable(&state.requests, name, content, now().timestamp())
                    .map_err(|cause| Stop::Approval { name: name.to_owned(), cause })?;
                let used = Detail::Consumed { name: name.to_owned() };
                entries.push(crate::gate::entries::approval("CONSUME", name, "SUCCESS", used));
            }
            entries.push(start.clone());
            Ok(entries)
        });
        let started = started.map_err(Stop::Log)??;
        self.log.remember();
        Ok(started)
    }
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
    let ground = learn(query, |wanted| session.catalog(wanted))?;
    let judged = judge_query(query, Some(&ground), policy);
    if judged.verdict != Verdict::Allow {
        session.close();
        return Ok(Err(judged));
    }
    let caps = match sink.handed.within(policy, &judged, given, caps) {
        Ok(caps) => caps,
        Err(spent) => {
            session.close();
            return Ok(Err(spent));
        }
    };
    let done = session.run(&caps, sink)?;
    session.close();
    Ok(Ok(done))
}

pub(super) fn hash(text: &str) -> String {
    use sha2::{Digest, Sha256};
    crate::event::line::hex(&Sha256::digest(text.as_bytes()))
}
