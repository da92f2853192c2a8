//! Judging for a harness that is about to act: a command before it is handed to `exec`, a file before the harness itself
//! writes it. Starts nothing; what is refused of commands is recorded.

use super::ask::Asking;
use super::desk::Desk;
use super::examine::examine;
use super::grants::honoured;
use super::{Answer, Examined, Project, Request, Stop, World, hint, load};
use crate::action::shell::{Asked, quoted};
use crate::approve::settle;
use crate::decide::{Judgement, Match, Verdict, own_rules};
use std::path::Path;

/// Why a harness must not go on.
#[derive(Debug)]
pub struct Refused {
    /// `ask` or `deny`.
    pub verdict: Verdict,
    /// The rules that decided.
    pub rules: Vec<Match>,
    /// What to do next, where guard knows more than the rules say.
    pub hint: Option<String>,
    /// Why a person was not told, who should have been.
    pub untold: Option<Stop>,
}

impl Refused {
    fn by(judgement: &Judgement) -> Self {
        let verdict = judgement.verdict();
        let decided = |found: &&Match| found.verdict == verdict && found.overruled.is_none();
        Self { verdict, rules: judgement.matches().iter().filter(decided).cloned().collect(), hint: None, untold: None }
    }
}

/// Judges a command that will be handed to `exec`, which judges it again, docker-compose's configuration too. `None`: it
/// would run, by a person's approval as well. What would not is recorded, and a person asked as `exec` would.
///
/// # Errors
/// Whatever keeps guard from judging, or from giving what the policy grants.
pub fn before_command(world: &World, project: &Project, request: Request) -> Result<Option<Refused>, Stop> {
    let mut desk = Desk::open(world, project)?;
    let mut answer = Answer::default();
    desk.not_halted(&mut answer, Some(&request))?;
    let judged = desk.look(world, &request);
    let refusal = match settle(judged.judgement.clone()) {
        Ok(permit) => return honoured(permit.grant()).map(|()| None),
        Err(refusal) => refusal,
    };
    let mut refused = Refused::by(refusal.judgement());
    answer.judgement = Some(judged.judgement.clone());
    match refused.verdict {
        Verdict::Deny => desk.deny(&refusal, &judged, &request, &mut answer)?,
        Verdict::Ask | Verdict::Allow => {
            if let Asking::Approved(_) = desk.ask(&refusal, &judged, &request, &mut answer)? {
                return Ok(None);
            }
        }
    }
    refused.hint = hint(&answer);
    refused.untold = answer.untold;
    Ok(Some(refused))
}

/// Judges a write that the harness makes itself, by the rules for what a command writes to; no fence will hold it, so
/// that it must also lie in the project, off everything a fence keeps from commands. `None`: no rule speaks against it.
///
/// # Errors
/// Whatever keeps guard from judging.
pub fn before_write(world: &World, project: &Project, path: &str) -> Result<Option<Refused>, Stop> {
    let line = format!("> {}", quoted(path));
    let request = Request { asked: Asked::Line(line.into()), timeout: None, task: None, reason: None, waiting: None };
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
    Refused { verdict: Verdict::Deny, rules: rules.collect(), hint: None, untold: None }
}
