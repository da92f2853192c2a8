//! Judging for a harness that is about to act: a command before it is handed to `exec`, a file before the harness itself
//! writes it. Starts nothing; what is refused of commands is recorded.

use super::examine::examine;
use super::grants::honoured;
use super::{Examined, Project, Request, Stop, World, entries, load, secrets};
use crate::action::shell::{Asked, quoted};
use crate::approve::{Refusal, settle};
use crate::decide::{Judgement, Match, Verdict, own_rules};
use crate::record::Log;
use std::path::Path;

/// Why a harness must not go on.
#[derive(Debug)]
pub struct Refused {
    /// `ask` or `deny`.
    pub verdict: Verdict,
    /// The rules that decided.
    pub rules: Vec<Match>,
    /// Why the refusal is not in the log, where it should be.
    pub unrecorded: Option<Stop>,
}

impl Refused {
    fn by(judgement: &Judgement) -> Self {
        let verdict = judgement.verdict();
        let decided = |found: &&Match| found.verdict == verdict && found.overruled.is_none();
        Self { verdict, rules: judgement.matches().iter().filter(decided).cloned().collect(), unrecorded: None }
    }
}

/// Judges a command that will be handed to `exec`, which judges it again. `None`: it would run.
///
/// # Errors
/// Whatever keeps guard from judging, or from giving what the policy grants.
pub fn before_command(world: &World, project: &Project, request: Request) -> Result<Option<Refused>, Stop> {
    let notes = entries::Notes { task: request.task.clone(), reason: request.reason.clone() };
    let Examined { judgement, .. } = examine(world, &project.root, request, &load(project)?);
    match settle(judgement) {
        Ok(permit) => honoured(permit.grant()).map(|()| None),
        Err(refusal) => {
            let mut refused = Refused::by(refusal.judgement());
            refused.unrecorded = record(world, project, &refusal, &notes).err();
            Ok(Some(refused))
        }
    }
}

fn record(world: &World, project: &Project, refusal: &Refusal, notes: &entries::Notes) -> Result<(), Stop> {
    let mut log = Log::open(&project.paths).map_err(Stop::Log)?;
    let redactor = secrets::redactor(world, project, log.tag_key())?;
    log.append(&redactor, entries::refused(refusal, project, &world.cwd, notes)).map_err(Stop::Log)?;
    Ok(())
}

/// Judges a write that the harness makes itself, by the rules for what a command writes to; no fence will hold it, so
/// that it must also lie in the project, off everything a fence keeps from commands. `None`: no rule speaks against it.
///
/// # Errors
/// Whatever keeps guard from judging.
pub fn before_write(world: &World, project: &Project, path: &str) -> Result<Option<Refused>, Stop> {
    let line = format!("> {}", quoted(path));
    let request = Request { asked: Asked::Line(line.into()), timeout: None, task: None, reason: None };
    let Examined { judgement, facts } = examine(world, &project.root, request, &load(project)?);
    let inside = |real: &Path| real.starts_with(&project.root) && real != project.root;
    if !facts.paths.values().all(|real| inside(real)) {
        let instead = "write below the project: nothing fences what is written without a command, in /tmp neither";
        return Ok(Some(own("guard:writes-outside", path, Some(instead))));
    }
    let mut kept = project.protected().into_iter().chain(project.hidden());
    let protected = "guard:writes-protected";
    if judgement.matches().iter().any(|found| found.id == protected)
        || kept.any(|kept| facts.paths.values().any(|real| real.starts_with(&kept)))
    {
        return Ok(Some(own(protected, path, None)));
    }
    let allowed = judgement.verdict() == Verdict::Allow && !facts.paths.is_empty();
    Ok((!allowed).then(|| Refused::by(&judgement)))
}

/// A refusal by a rule of guard's own, said as the judging says it.
fn own(id: &str, path: &str, instead: Option<&str>) -> Refused {
    let shown = format!("`{}`", crate::event::line::printable(path));
    let rules = own_rules().filter(|rule| rule.id == id).map(|rule| Match {
        id: rule.id.to_owned(),
        verdict: Verdict::Deny,
        reason: rule.reason.replace("{}", &shown),
        instead: instead.or(rule.instead).map(str::to_owned),
        at: "built in".to_owned(),
        command: None,
        overruled: None,
    });
    Refused { verdict: Verdict::Deny, rules: rules.collect(), unrecorded: None }
}
