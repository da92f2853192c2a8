//! A write that a person must allow: shown to them, and done once by their word.
//! Knows no doors.

use super::act::Work;
use super::entries;
use super::handed::Handed;
use super::opened::{learn, open};
use super::place::Asked;
use super::stored::{Asks, KIND, StoredQuery};
use super::{QueryAnswer, QueryRequest, Stop};
use crate::action::query::Query;
use crate::approve::Unusable;
use crate::decide::policy::Policy;
use crate::decide::{QueryJudgement, Verdict, judge_denied, judge_write};
use crate::event::{Detail, Done, Entry, Requested};
use crate::execute::query::{Caps, Session, Sink};
use crate::gate::ask::{seconds, waiting};
use crate::gate::desk::{Desk, now};
use crate::gate::notice::tell;
use crate::gate::person;
use crate::notify::Notice;
use crate::record::nonce;

/// What came of looking for a request of the same write.
enum Known {
    Approved(String),
    Waits(String),
    None,
}

impl Desk<'_> {
    /// Writes by a person's word, where they gave it; else asks them.
    pub(super) fn ask_to_write(
        &mut self,
        asked: &Asked,
        (shown, request): (&str, &QueryRequest),
        (query, judged): (&Query, QueryJudgement),
        sink: &mut dyn Sink,
        answer: &mut QueryAnswer,
    ) -> Result<(), Stop> {
        person::somebody(self)?;
        let asked = self.place_to_write(asked)?;
        if let Some(refused) = self.out_of_reach(&asked)? {
            return self.refuse_query(&asked, (shown, request), refused, answer);
        }
        let target = self.target(&asked, request);
        if let Some(refused) = self.state().requests.denied(&target).cloned() {
            let judged = judge_denied(&refused.name, refused.reason.as_deref());
            return self.denied_before(&asked, (shown, request), (judged, target), answer);
        }
        match self.known(&self.same(&asked, request)) {
            Known::Approved(name) => {
                answer.request = Some(name.clone());
                let approved = self.approved_query(&name)?;
                self.written(&asked, (shown, request), (query, judged), Some(approved), sink, answer)?;
                crate::gate::stored::Stored::erase(self.project, &name);
                // It was used up, and nothing was written: another catalog than the person saw.
                if answer.judgement.as_ref().is_some_and(|judged| judged.verdict == Verdict::Ask) {
                    return Err(Stop::Approval { name, cause: Unusable::Changed });
                }
                Ok(())
            }
            Known::Waits(name) => {
                answer.request = Some(name);
                self.asking(&asked, (shown, request), judged, None, answer)
            }
            Known::None => {
                let writing = asked.writing();
                let run = &mut |policy: &Policy, session: Session, _: &Caps| {
                    look(session, query, |ground| judge_write(query, Some(ground), policy, writing))
                };
                let handed = Handed::default();
                let work = Work { open: &mut || open(&asked), run, handed: &handed, again: false, approval: None };
                self.send(&asked, (shown, request), work, answer)?;
                if answer.failed.is_some() {
                    // The server made nothing of it: nobody is asked, and nothing was let through.
                    answer.judgement = Some(judged);
                    return Ok(());
                }
                let (Some(judged), Some(identity)) = (answer.judgement.take(), answer.identity.clone()) else {
                    return Ok(());
                };
                if judged.verdict != Verdict::Ask {
                    answer.judgement = Some(judged);
                    return Ok(());
                }
                let stored = StoredQuery {
                    v: 1,
                    salt: nonce().map_err(Stop::Log)?,
                    database: asked.database.name.clone(),
                    variable: asked.variable.clone(),
                    server: identity.stable,
                    shown: identity.shown,
                    sql: request.sql.clone(),
                    task: request.task.clone(),
                    policy: self.policy.hash().to_owned(),
                    rules: Asks::of(&judged),
                };
                self.asking(&asked, (shown, request), judged, Some((stored, target)), answer)
            }
        }
    }

    /// Records that a person is asked, or was before; `new`: what they are asked.
    fn asking(
        &mut self,
        asked: &Asked,
        (shown, request): (&str, &QueryRequest),
        judged: QueryJudgement,
        new: Option<(StoredQuery, String)>,
        answer: &mut QueryAnswer,
    ) -> Result<(), Stop> {
        let approvals = self.policy.settings().approvals.clone();
        let (project, policy, same) = (self.project, self.policy.hash().to_owned(), self.same(asked, request));
        let of = (asked.database.name.as_str(), Some(asked.database.engine));
        let (mut name, mut fresh) = (answer.request.clone(), false);
        let nonce = nonce().map_err(Stop::Log)?;
        let written = self.log.append_when(&self.redactor, |state| {
            let known = state.requests.open.iter().find(|(_, open)| open.asked.same == same);
            let mut entries: Vec<Entry> = Vec::new();
            if let Some((known, _)) = known {
                name = Some(known.clone());
            } else if let Some((stored, target)) = new.as_ref().filter(|_| waiting(state) < approvals.waiting) {
                let fresh_name = format!("{KIND}-{}", state.requests.named + 1);
                let requested = Requested {
                    name: fresh_name.clone(),
                    kind: KIND.into(),
                    nonce: nonce.clone(),
                    content: stored.keep(project, &fresh_name)?,
                    same: same.clone(),
                    targets: vec![target.clone()],
                    policy: policy.clone(),
                    uid: rustix::process::getuid().as_raw(),
                    expires: now().timestamp().saturating_add(seconds(approvals.request)),
                };
                let target = format!("{fresh_name}: {}: {shown}", asked.database.engine);
                let detail = Detail::Requested(Box::new(requested));
                entries.push(crate::gate::entries::approval("REQUEST", &target, "PENDING", detail));
                (name, fresh) = (Some(fresh_name), true);
            }
            let about = entries::Refusing {
                rules: entries::hits(&judged),
                policy: &policy,
                environment: Some(asked.environment()),
                request: name.clone(),
                ..entries::Refusing::of(Verdict::Ask.word())
            };
            entries.push(entries::refused(of, shown, request, about));
            Ok::<_, Stop>(entries)
        });
        answer.receipt = Some(written.map_err(Stop::Log)??);
        if let (true, Some(name)) = (fresh, &name) {
            let reasons: Vec<String> =
                judged.matches.iter().map(|found| format!("{}: {}\n", found.id, found.reason)).collect();
            let notice = Notice::of_query(name, &format!("{}: {shown}", asked.database.name), &reasons.concat());
            answer.untold = tell(self.project, &self.redactor, notice).err();
        }
        answer.unasked = name.is_none();
        answer.request = name;
        answer.judgement = Some(judged);
        Ok(())
    }

    /// Refuses what a person denied before, which counts.
    fn denied_before(
        &mut self,
        asked: &Asked,
        (shown, request): (&str, &QueryRequest),
        (judged, target): (QueryJudgement, String),
        answer: &mut QueryAnswer,
    ) -> Result<(), Stop> {
        let policy = self.policy.hash().to_owned();
        let about = entries::Refusing {
            rules: entries::hits(&judged),
            policy: &policy,
            environment: Some(asked.environment()),
            targets: vec![target.clone()],
            ..entries::Refusing::of(judged.verdict.word())
        };
        let of = (asked.database.name.as_str(), Some(asked.database.engine));
        let entry = entries::refused(of, shown, request, about);
        let why = judged.matches.iter().map(|found| format!("{}: {}\n", found.id, found.reason)).collect();
        let command = format!("guard db query --db {}: {shown}", asked.database.name);
        let told = (command.as_str(), request.task.as_deref());
        let counted = self.count_denial(vec![entry], (&[target], true), told, why)?;
        answer.attempts = counted.spent;
        answer.halted = counted.halted;
        answer.untold = counted.untold;
        answer.receipt = Some(counted.receipt);
        answer.judgement = Some(judged);
        Ok(())
    }

    /// By what a write is known again that a person denied, under whatever policy.
    fn target(&self, asked: &Asked, request: &QueryRequest) -> String {
        let parts = (KIND, &asked.database.name, &request.sql);
        self.log.tag_key().seal(&serde_json::to_vec(&parts).unwrap_or_default())
    }

    /// What makes two requests the same: text, database and policy.
    fn same(&self, asked: &Asked, request: &QueryRequest) -> String {
        let parts = (KIND, &asked.database.name, &asked.variable, &request.sql, self.policy.hash());
        self.log.tag_key().seal(&serde_json::to_vec(&parts).unwrap_or_default())
    }

    fn known(&self, same: &str) -> Known {
        let requests = &self.state().requests;
        match requests.open.iter().find(|(_, open)| open.asked.same == same) {
            Some((name, open)) if open.approved.is_some() => Known::Approved(name.clone()),
            Some((name, _)) if requests.done(name) != Some(Done::Used) => Known::Waits(name.clone()),
            Some(_) | None => Known::None,
        }
    }
}

/// Has a write read by the server and judged by its catalog, in a session that cannot run it.
fn look(
    mut session: Session,
    query: &Query,
    judge: impl Fn(&crate::decide::QueryGround) -> QueryJudgement,
) -> super::act::Came {
    session.parse(query.text())?;
    let ground = learn(query, |wanted| session.catalog(wanted))?;
    session.close();
    Ok(Err(judge(&ground)))
}
