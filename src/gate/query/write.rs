//! The way of a write: into a database of its own for tests, into tables of paper, or by a person's word. One statement, in a
//! transaction of its own, judged in it by the catalog, committed at its end; never tried again.
//! Knows no doors.

use super::act::{Came, Work};
use super::handed::{Handed, Watched};
use super::opened::{learn, open_to_write};
use super::place::Asked;
use super::stored::{Approved, Bound};
use super::{QueryAnswer, QueryRequest, Stop};
use crate::action::query::Query;
use crate::approve::settle_write;
use crate::decide::policy::Policy;
use crate::decide::{Export, QueryJudgement, Verdict, Writing, judge_touched, judge_write};
use crate::execute::query::{Caps, Sink, Writer};
use crate::gate::desk::Desk;

impl Desk<'_> {
    /// Writes what the policy lets through by itself. What turns out to be more by the catalog, a person is asked about.
    pub(super) fn write(
        &mut self,
        asked: Asked,
        (shown, request): (&str, &QueryRequest),
        (query, judged): (&Query, QueryJudgement),
        sink: &mut dyn Sink,
        answer: &mut QueryAnswer,
    ) -> Result<(), Stop> {
        let asked = Asked { writes: true, ..asked };
        self.written(&asked, (shown, request), (query, judged), None, sink, answer)?;
        let found = answer.judgement.take();
        match found {
            Some(judged) if judged.verdict == Verdict::Ask => {
                self.ask_to_write(&asked, (shown, request), (query, judged), sink, answer)
            }
            found => {
                answer.judgement = found;
                Ok(())
            }
        }
    }

    /// Writes, by the policy or by an approval.
    pub(super) fn written(
        &mut self,
        asked: &Asked,
        (shown, request): (&str, &QueryRequest),
        (query, judged): (&Query, QueryJudgement),
        approved: Option<Approved>,
        sink: &mut dyn Sink,
        answer: &mut QueryAnswer,
    ) -> Result<(), Stop> {
        let bound = approved.as_ref().map(|approved| approved.bound.clone());
        let Some(permit) = settle_write(&judged, approved.map(|approved| approved.approval)) else {
            return self.refuse_query(asked, (shown, request), judged, answer);
        };
        let mut permit = Some(permit);
        let writing = asked.writing();
        let open = &mut || match permit.take() {
            Some(permit) => open_to_write(asked, permit),
            // It is begun once.
            None => Err(crate::execute::query::Failed::ended(query.engine())),
        };
        let (handed, given) = (Handed::default(), self.exported(request));
        let run = &mut |policy: &Policy, writer: Writer, caps: &Caps| {
            once(writer, bound.as_ref(), (policy, writing, given), query, caps, &mut Watched { sink, handed: &handed })
        };
        let approval = bound.as_ref();
        self.send(asked, (shown, request), Work { open, run, handed: &handed, again: false, approval }, answer)
    }
}

/// One try, and no other: read by the server, judged by its catalog, run, committed.
fn once(
    mut writer: Writer,
    bound: Option<&Bound>,
    (policy, writing, given): (&Policy, Writing<'_>, Export),
    query: &Query,
    caps: &Caps,
    sink: &mut Watched<'_>,
) -> Came {
    writer.prepare(query.text())?;
    let touched = writer.writes();
    let ground = learn(query, |wanted| writer.catalog(wanted))?;
    let mut judged = judge_write(query, Some(&ground), policy, writing);
    if let (Verdict::Allow, Some(strays)) = (judged.verdict, touched.and_then(|all| judge_touched(&all, writing))) {
        judged = strays;
    }
    let allowed = match judged.verdict {
        Verdict::Allow => true,
        Verdict::Ask => writer.permit().approval().is_some() && bound.is_some_and(|bound| bound.is_as_seen(&judged)),
        Verdict::Deny => false,
    };
    if !allowed {
        writer.close();
        return Ok(Err(judged));
    }
    // Rows that it returns are rows like any others.
    let caps = match sink.handed.within(policy, &judged, given, caps) {
        Ok(caps) => caps,
        Err(spent) => {
            writer.close();
            return Ok(Err(spent));
        }
    };
    let done = writer.run(&caps, sink)?;
    writer.commit()?;
    Ok(Ok(done))
}
