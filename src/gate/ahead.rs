//! Judging for a harness that is about to act: a command before it is handed to `exec`, a file before the harness itself
//! writes it. Starts nothing; what is refused is recorded.

use super::ask::Asking;
use super::desk::Desk;
use super::examine::examine;
use super::own::{self, Call};
use super::{Answer, Examined, Project, Request, Stop, World, after, entries, hint};
use crate::action::shell::{Asked, quoted};
use crate::approve::settle;
use crate::decide::{Judgement, Match, Verdict, own_rules};
use std::path::Path;

/// How a command may go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// Handed to `exec`.
    Handed,
    /// As this line: a call of guard itself, that an agent may make.
    Own(String),
}

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

/// Judges a command that will be handed to `exec`, which judges it again, docker-compose's configuration too; what calls
/// `guard`, the program that runs, by its words. The inner error: it must not run. What must not is recorded, and a person
/// asked as `exec` would.
///
/// # Errors
/// Whatever keeps guard from judging, or from giving what the policy grants.
pub fn before_command(
    world: &World,
    project: &Project,
    request: Request,
    guard: &Path,
) -> Result<Result<Accepted, Refused>, Stop> {
    let own = own::call(world, project, &request.asked, guard);
    if let Some(Call::Agents(line)) = own {
        return Ok(Ok(Accepted::Own(line)));
    }
    let mut desk = Desk::open(world, project)?;
    let mut answer = Answer::default();
    desk.not_halted(&mut answer, Some(&request))?;
    let judged = desk.look(world, &request);
    if let Some(Call::Persons(said)) = own {
        let refused = own_rule("guard:for-a-person", &said, None);
        let hits = after::hits(&refused.rules);
        let entries = entries::persons(&judged.judgement, hits, (project, &world.cwd), &request);
        desk.log.append(&desk.redactor, entries).map_err(Stop::Log)?;
        return Ok(Err(refused));
    }
    let refusal = match settle(judged.judgement.clone()) {
        Ok(_) => return Ok(Ok(Accepted::Handed)),
        Err(refusal) => refusal,
    };
    let mut refused = Refused::by(refusal.judgement());
    answer.judgement = Some(judged.judgement.clone());
    match refused.verdict {
        Verdict::Deny => desk.deny(&refusal, &judged, &request, &mut answer)?,
        Verdict::Ask | Verdict::Allow => {
            if let Asking::Approved(_) = desk.ask(&refusal, &judged, &request, &mut answer)? {
                return Ok(Ok(Accepted::Handed));
            }
        }
    }
    refused.hint = hint(&answer);
    refused.untold = answer.untold;
    Ok(Err(refused))
}

/// Judges a write that the harness makes itself, by the rules for what a command writes to; no fence will hold it, so
/// that it must also lie in the project, off everything a fence keeps from commands. `None`: no rule speaks against it.
///
/// # Errors
/// Whatever keeps guard from judging.
pub fn before_write(world: &World, project: &Project, tool: &str, path: &str) -> Result<Option<Refused>, Stop> {
    let mut desk = Desk::open(world, project)?;
    let halted = desk.state().requests.halt.as_ref().map(|halt| halt.name.clone());
    let (refused, policy) = match halted {
        Some(_) => (None, String::new()),
        None => judged_write(&desk, path),
    };
    let rules = refused.as_ref().map(|refused| refused.rules.as_slice()).unwrap_or_default();
    if refused.is_some() || halted.is_some() {
        let entry = after::refused_file(&desk, (tool, path), (rules, policy), halted.is_some());
        desk.log.append(&desk.redactor, vec![entry]).map_err(Stop::Log)?;
    }
    halted.map_or(Ok(refused), |name| Err(Stop::Halted { name }))
}

/// The refusal of a write, and the hash of the policy that judged it.
fn judged_write(desk: &Desk<'_>, path: &str) -> (Option<Refused>, String) {
    let (world, project) = (desk.world, desk.project);
    let line = format!("> {}", quoted(path));
    let request = Request {
        asked: Asked::Line(line.into()),
        timeout: None,
        task: None,
        reason: None,
        waiting: None,
        dry_run: false,
        step: None,
    };
    let Examined { judgement, facts } = examine(world, &project.root, request, &desk.policy);
    let policy = judgement.policy().to_owned();
    let inside = |real: &Path| real.starts_with(&project.root) && real != project.root;
    if !facts.paths.values().all(|real| inside(real)) {
        let instead = "write below the project: nothing fences what is written without a command, in /tmp neither";
        return (Some(own_rule("guard:writes-outside", path, Some(instead))), policy);
    }
    let mut kept = project.protected().into_iter().chain(project.hidden());
    let protected = "guard:writes-protected";
    if judgement.matches().iter().any(|found| found.id == protected)
        || kept.any(|kept| facts.paths.values().any(|real| real.starts_with(&kept)))
    {
        return (Some(own_rule(protected, path, None)), policy);
    }
    let allowed = judgement.verdict() == Verdict::Allow && !facts.paths.is_empty();
    ((!allowed).then(|| Refused::by(&judgement)), policy)
}

/// A refusal by a rule of guard's own, said as the judging says it.
pub(super) fn own_rule(id: &str, what: &str, instead: Option<&str>) -> Refused {
    let shown = format!("`{}`", crate::event::line::printable(what));
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
