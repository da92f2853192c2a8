//! The pipeline: from what is asked to what is recorded, top to bottom, and the facts it rests on.
//! Knows nothing of doors.

mod ahead;
mod answer;
mod compose;
mod entries;
mod examine;
pub mod facts;
mod files;
mod grants;
mod init;
mod notice;
mod owned;
mod policy;
mod present;
mod project;
mod replay;
mod request;
mod secrets;
mod stop;
mod trust;
mod world;

pub use ahead::{Refused, before_command, before_write};
pub use answer::Answer;
pub use examine::{Examined, check, examine};
pub use init::{Initialised, Proposal, Setup, init, propose_trust, trust_project};
pub use notice::{Reach, Tried, config_root, deliver, reach, tell, try_channels};
pub use policy::{build, layers, load, outer_layers, policy_text, project_text};
pub use present::{Layers, Present, present};
pub use project::{POLICY_FILE, Project, root_of, shown};
pub use replay::{Change, Lost, Replay, Usage, replay, unused};
pub use request::Request;
pub use stop::Stop;
pub use world::World;

use crate::approve::settle;
use crate::decide::{Verdict, judge};
use crate::execute::{self, Sink};
use crate::notify::Notice;
use crate::record::Log;
use grants::{environment, place, required, writable};
use request::parse;

/// Judges, and if that allows it, fences, records, runs and records again.
pub fn exec(world: &World, project: &Project, request: Request, sink: &mut dyn Sink) -> Answer {
    let mut answer = Answer::default();
    if let Err(stop) = pipeline(world, project, request, sink, &mut answer) {
        answer.stop = Some(stop);
    }
    answer
}

fn pipeline(
    world: &World,
    project: &Project,
    request: Request,
    sink: &mut dyn Sink,
    answer: &mut Answer,
) -> Result<(), Stop> {
    let Request { asked, timeout, task, reason } = request;
    let notes = entries::Notes { task, reason };
    let policy = load(project)?;
    let mut log = Log::open(&project.paths).map_err(Stop::Log)?;
    let redactor = secrets::redactor(world, project, log.tag_key())?;
    log.bury(&redactor).map_err(Stop::Log)?;

    let seen = environment(world, &[]);
    let action = parse(asked, &seen);
    let mut facts = facts::gather(&action, &project.root, &world.cwd, &seen.variables, &writable(&project.root));
    facts.task.clone_from(&notes.task);
    let judgement = judge(action, &facts, log.state(), &policy);
    answer.judgement = Some(judgement.clone());
    let absent = grants::absent(&judgement, &facts);
    let asked = judgement.action().clone();
    let compose::Configured { judgement, composition } =
        match compose::judged(world, project, judgement, (&facts, &policy, &redactor)) {
            Ok(configured) => configured,
            Err(stop) => return answer.stopped(&mut log, &redactor, &asked, stop),
        };
    answer.judgement = Some(judgement.clone());
    let permit = match settle(judgement) {
        Ok(permit) => permit,
        Err(refusal) => {
            answer.receipt = Some(
                log.append(&redactor, entries::refused(&refusal, project, &world.cwd, &notes)).map_err(Stop::Log)?,
            );
            if refusal.judgement().verdict() == Verdict::Ask {
                let seq = answer.receipt.as_ref().map_or(0, |receipt| receipt.last);
                let asked = Notice::request(&format!("record-{seq}"), refusal.judgement(), notes.reason.as_deref());
                let asked = Notice { look: format!("guard audit show {seq}"), ..asked };
                answer.untold = tell(project, &redactor, asked).err();
            }
            return absent.map_or(Ok(()), Err);
        }
    };

    let place = place(world, project);
    let environment = match composition {
        Some(_) => compose::outside(world, project),
        None => environment(world, &permit.grant().env),
    };
    let limit = timeout.map_or(permit.grant().timeout, |asked| asked.min(permit.grant().timeout));
    let prepared = grants::honoured(permit.grant()).and_then(|()| {
        execute::prepare(&permit, limit, &place, &environment, required(&policy)).map_err(Stop::Execute)
    });
    let mut prepared = match prepared {
        Ok(prepared) => prepared,
        Err(stop) => return answer.stopped(&mut log, &redactor, permit.action(), stop),
    };
    let start = entries::start(&permit, (project, &world.cwd), limit, &notes, composition);
    let started = log.start(&redactor, start).map_err(Stop::Log)?;
    let run = prepared.ready().and_then(|_| prepared.run(sink)).map_err(Stop::Execute);
    let ended = match &run {
        Ok(outcome) => entries::end(&log, &redactor, &permit, started.seq(), outcome)?,
        Err(stop) => entries::not_run(permit.action(), Some(started.seq()), stop),
    };
    let written = log.append(&redactor, ended).map_err(Stop::Log);
    drop(started);
    answer.outcome = Some(run?);
    answer.receipt = Some(written?);
    Ok(())
}
