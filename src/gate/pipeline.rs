//! The way of one command: judged, permitted by the policy or by a person, fenced, recorded, run, counted.
//! Knows no doors.

use super::ask::{Answered, Asking};
use super::count::Counting;
use super::desk::{Desk, Judged, now};
use super::forms::Own;
use super::grants::{environment, libraries, limits, place, required};
use super::held;
use super::origin::Origin;
use super::reach::reach;
use super::stored::Stored;
use super::transaction;
use super::unread::lacked;
use super::{Answer, Patience, Project, Request, Step, Stop, World, compose, dotenv, entries, load};
use crate::approve::{Permit, Unusable, settle, settle_approved, settle_by_policy, usable};
use crate::decide::Verdict;
use crate::execute::change::Transaction;
use crate::execute::{self, Limits, Means, Sink};

/// Judges, and if that allows it, fences, records, runs and records again.
pub fn exec(world: &World, project: &Project, request: Request, patience: Patience, sink: &mut dyn Sink) -> Answer {
    let mut answer = Answer::default();
    let done = Desk::open(world, project).and_then(|desk| {
        let mut desk = Desk { patience, ..desk };
        answer.left_alone = std::mem::take(&mut desk.left_alone);
        asked(&mut desk, request, sink, &mut answer)
    });
    answer.stop = done.err();
    answer
}

/// Runs the stored copy of a request that a person approved.
pub fn run_approved(world: &World, project: &Project, name: &str, patience: Patience, sink: &mut dyn Sink) -> Answer {
    let mut answer = Answer::default();
    let done = Desk::open(world, project).and_then(|desk| {
        let mut desk = Desk { patience, ..desk };
        answer.left_alone = std::mem::take(&mut desk.left_alone);
        desk.not_halted(&mut answer, None)?;
        approved(&mut desk, name, None, sink, &mut answer)
    });
    answer.stop = done.err();
    answer
}

fn asked(desk: &mut Desk<'_>, request: Request, sink: &mut dyn Sink, answer: &mut Answer) -> Result<(), Stop> {
    desk.not_halted(answer, Some(&request))?;
    let world = desk.world;
    let judged = judged(desk, world, &request, answer)?;
    let refusal = match settle(judged.judgement.clone()) {
        Ok(permit) if desk.take_turn(&permit, answer)? => return asked(desk, request, sink, answer),
        Ok(permit) => return run(desk, world, permit, judged, &request, sink, answer),
        Err(refusal) => refusal,
    };
    // Judged once more after waiting for its turn, it may not run at all.
    desk.turn = None;
    if refusal.judgement().verdict() == Verdict::Deny {
        desk.deny(&refusal, &judged, &request, answer)?;
        return judged.absent.map_or(Ok(()), Err);
    }
    let name = match desk.ask(&refusal, &judged, &request, answer)? {
        Asking::Approved(name) => return approved(desk, &name, request.step, sink, answer),
        Asking::Waits(name) => name,
        Asking::TooMany => return Ok(()),
    };
    let Some(waiting) = request.waiting else { return Ok(()) };
    (waiting.told)(&name, answer.untold.take());
    let answered = desk.wait(&name, waiting.limit)?;
    // The answer may have changed the policy.
    desk.policy = load(desk.project)?;
    match answered {
        Answered::Approved | Answered::Not(Unusable::Allowed) => approved(desk, &name, request.step, sink, answer),
        Answered::Waits => Ok(()),
        Answered::Not(cause) => Err(Stop::Approval { name, cause }),
        Answered::Halted(name) => Err(Stop::Halted { name }),
    }
}

/// Guard's own copy of what was approved, judged once more, used up and run. What the policy allows by itself by now runs
/// by that, approved or not. `step`: the step of a phase that it is asked as now.
fn approved(
    desk: &mut Desk<'_>,
    name: &str,
    step: Option<Step>,
    sink: &mut dyn Sink,
    answer: &mut Answer,
) -> Result<(), Stop> {
    answer.request = Some(name.to_owned());
    if desk.state().requests.open(name).is_some_and(|open| open.asked.kind == held::KIND) {
        return desk.approved_changes(name, answer);
    }
    if super::migration::is_named(name) {
        return Err(Stop::Migration {
            what: format!("`{}` is a migration", crate::event::line::printable(name)),
            help: format!("run it with `guard migration run {}`", crate::event::line::printable(name)),
        });
    }
    if desk.state().requests.open(name).is_some_and(|open| open.asked.kind == super::query::KIND) {
        return Err(Stop::Usage {
            what: format!("`{name}` is a write to a database, and no command"),
            help: "ask it again as it was: `guard db query` does it by the approval".into(),
        });
    }
    let unusable = |cause| Stop::Approval { name: name.to_owned(), cause };
    let stored = Stored::load(desk.project, name)?;
    let content = stored.as_ref().map(|(_, content)| content.as_str()).unwrap_or_default();
    let approval = usable(&desk.state().requests, name, content, now().timestamp());
    let stored = match (&approval, stored) {
        (Ok(_) | Err(Unusable::Waiting | Unusable::Allowed), Some((stored, _))) => stored,
        (Ok(_), None) => return Err(unusable(Unusable::Changed)),
        (Err(cause), _) => return Err(unusable(*cause)),
    };
    let (world, request) = (stored.world(), Request { step, ..stored.request() });
    let judged = judged(desk, &world, &request, answer)?;
    let judgement = match settle_by_policy(judged.judgement.clone()) {
        Ok(permit) if desk.take_turn(&permit, answer)? => return approved(desk, name, request.step, sink, answer),
        Ok(permit) => return run(desk, &world, permit, judged, &request, sink, answer),
        Err(judgement) => judgement,
    };
    let approval = approval.map_err(unusable)?;
    if !stored.holds(desk.policy.hash(), &judged.facts) {
        desk.changed(name)?;
        return Err(unusable(Unusable::Changed));
    }
    match settle_approved(*judgement, approval) {
        Ok(permit) if desk.take_turn(&permit, answer)? => approved(desk, name, request.step, sink, answer),
        Ok(permit) => run(desk, &world, permit, judged, &request, sink, answer),
        Err(refusal) => desk.deny(&refusal, &judged, &request, answer),
    }
}

fn judged(desk: &mut Desk<'_>, world: &World, request: &Request, answer: &mut Answer) -> Result<Judged, Stop> {
    match desk.judge(world, request) {
        Ok(judged) => {
            answer.judgement = Some(judged.judgement.clone());
            Ok(judged)
        }
        Err((judgement, stop)) => {
            answer.judgement = Some(*judgement);
            Err(desk.stopped(answer, stop))
        }
    }
}

fn run(
    desk: &mut Desk<'_>,
    world: &World,
    permit: Permit,
    judged: Judged,
    request: &Request,
    sink: &mut dyn Sink,
    answer: &mut Answer,
) -> Result<(), Stop> {
    let mut place = place(world, desk.project, &desk.policy);
    place.reads.libraries = libraries(&judged.facts);
    let own = Own::of(&desk.policy, &place, &judged.facts);
    place.reads.forms = own.as_ref().and_then(Own::current);
    let environment = match judged.composition {
        Some(_) => compose::outside(world, desk.project),
        None => environment(world, &permit.grant().env),
    };
    let limit = request.timeout.map_or(permit.grant().timeout, |asked| asked.min(permit.grant().timeout));
    let (state, root) = (&desk.project.paths.state, &desk.project.root);
    let wanted = permit.grant().writes && permit.grant().runner.is_none();
    let prepared = reach(permit.grant(), &desk.policy, world).and_then(|reach| {
        let begun = wanted.then(|| Transaction::begin(state, root)).transpose();
        let transaction = begun.map_err(|error| Stop::Change(transaction::begun(desk.project, &error)))?;
        let layer = transaction.as_ref().map(Transaction::layer);
        let limits = Limits { watched: layer.as_ref().map(|layer| layer.upper.clone()), ..limits(&desk.policy) };
        let means = Means { limits, reach, layer, terminal: sink.terminal() };
        let prepared = execute::prepare(&permit, limit, means, (&place, &environment, required(&desk.policy)));
        let prepared = prepared.map_err(Stop::Execute)?;
        dotenv::remember(desk.project, &place.reads, prepared.dotenv())?;
        Ok((prepared, transaction))
    });
    let (mut prepared, transaction) = match prepared {
        Ok(prepared) => prepared,
        Err(stop) => return Err(desk.stopped(answer, stop)),
    };
    let start = entries::start(&permit, (desk.project, &world.cwd), limit, request, judged.composition.clone());
    let started = desk.start(&permit, answer.request.as_deref(), start)?;
    prepared.go();
    desk.log.remember();
    if let Some(turn) = &mut desk.turn {
        turn.began(started.seq());
    }
    let origin = Origin::command(&permit, started.seq(), request);
    let still = own.as_ref().filter(|_| place.reads.forms.is_some()).map_or(Ok(()), Own::still);
    let run = still.and_then(|()| prepared.run(sink).map_err(Stop::Execute));
    let written = match &run {
        Ok(outcome) => {
            let counting = Counting::of(&permit, &judged.facts, outcome, request.step.as_ref());
            answer.lacked = lacked(&permit, &place, &judged.facts, outcome);
            answer.finding = counting.as_ref().map(|counting| counting.finding.clone());
            desk.end(&permit, started.seq(), outcome, counting, request, answer)
        }
        Err(stop) => {
            let ended = entries::not_run(permit.action(), Some(started.seq()), stop);
            desk.log.append(&desk.redactor, ended).map_err(Stop::Log)
        }
    };
    let outcome = match (run, &transaction) {
        (Ok(outcome), _) => outcome,
        (Err(stop), Some(transaction)) => return Err(desk.lose_unread(transaction, &origin, stop, answer)),
        (Err(stop), None) => return Err(stop),
    };
    let taken = match (written, transaction) {
        (Ok(receipt), Some(transaction)) => {
            answer.receipt = Some(receipt);
            desk.take_in(transaction, (outcome.ended, &origin), answer)
        }
        (Ok(receipt), None) => {
            answer.receipt = Some(receipt);
            Ok(())
        }
        (Err(stop), Some(transaction)) => Err(desk.lose_unread(&transaction, &origin, stop, answer)),
        (Err(stop), None) => Err(stop),
    };
    drop(started);
    if let Some(own) = own {
        own.after(desk.project, &outcome);
    }
    answer.outcome = Some(outcome);
    taken
}
