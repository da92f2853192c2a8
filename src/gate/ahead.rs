//! Judging for a harness that is about to act: a command before it is handed to `exec`, a file before the harness itself
//! writes it. Starts nothing; what is refused is recorded.

use super::examine::examine;
use super::grants::honoured;
use super::own::{self, Call};
use super::{Examined, Project, Request, Stop, World, after, entries, load, secrets};
use crate::action::shell::{Asked, quoted};
use crate::approve::{Refusal, settle};
use crate::decide::{Judgement, Match, Verdict, own_rules};
use crate::event::{Detail, Entry};
use crate::record::Log;
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

/// Judges a command that will be handed to `exec`, which judges it again; what calls `guard`, the program that runs, by
/// its words. The inner error: it must not run.
///
/// # Errors
/// Whatever keeps guard from judging, or from giving what the policy grants.
pub fn before_command(
    world: &World,
    project: &Project,
    request: Request,
    guard: &Path,
) -> Result<Result<Accepted, Refused>, Stop> {
    let notes = entries::Notes { task: request.task.clone(), reason: request.reason.clone() };
    match own::call(world, project, &request.asked, guard) {
        Some(Call::Agents(line)) => return Ok(Ok(Accepted::Own(line))),
        Some(Call::Persons(said)) => return persons(world, project, (request, notes), &said).map(Err),
        None => {}
    }
    let Examined { judgement, .. } = examine(world, &project.root, request, &load(project)?);
    match settle(judgement) {
        Ok(permit) => honoured(permit.grant()).map(|()| Ok(Accepted::Handed)),
        Err(refusal) => {
            let mut refused = Refused::by(refusal.judgement());
            refused.unrecorded = record(world, project, &refusal, &notes).err();
            Ok(Err(refused))
        }
    }
}

/// Refuses a call of guard that is a person's.
fn persons(
    world: &World,
    project: &Project,
    (request, notes): (Request, entries::Notes),
    said: &str,
) -> Result<Refused, Stop> {
    let Examined { judgement, .. } = examine(world, &project.root, request, &load(project)?);
    let mut refused = own_rule("guard:for-a-person", said, None);
    let crate::action::Action::Shell(shell) = judgement.action();
    let detail = Detail::ShellRefused {
        verdict: refused.verdict.word().into(),
        rules: after::hits(&refused.rules),
        policy: judgement.policy().into(),
        cwd: Some(after::relative(project, &world.cwd)),
        asked: Some("line".into()),
        task: notes.task,
        reason: notes.reason,
        targets: Vec::new(),
        request: None,
    };
    let human = after::fields("SHELL", "EXEC", shell.text().to_owned(), "DENIED");
    refused.unrecorded = after::append(world, project, Entry { human, detail }).err();
    Ok(refused)
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
pub fn before_write(world: &World, project: &Project, tool: &str, path: &str) -> Result<Option<Refused>, Stop> {
    let (refused, policy) = judged_write(world, project, path)?;
    Ok(refused.map(|mut refused| {
        refused.unrecorded = after::refused_file(world, project, (tool, path), (&refused.rules, &policy)).err();
        refused
    }))
}

/// The refusal of a write, and the hash of the policy that judged it.
fn judged_write(world: &World, project: &Project, path: &str) -> Result<(Option<Refused>, String), Stop> {
    let line = format!("> {}", quoted(path));
    let request = Request { asked: Asked::Line(line.into()), timeout: None, task: None, reason: None };
    let Examined { judgement, facts } = examine(world, &project.root, request, &load(project)?);
    let policy = judgement.policy().to_owned();
    let inside = |real: &Path| real.starts_with(&project.root) && real != project.root;
    if !facts.paths.values().all(|real| inside(real)) {
        let instead = "write below the project: nothing fences what is written without a command, in /tmp neither";
        return Ok((Some(own_rule("guard:writes-outside", path, Some(instead))), policy));
    }
    let mut kept = project.protected().into_iter().chain(project.hidden());
    let protected = "guard:writes-protected";
    if judgement.matches().iter().any(|found| found.id == protected)
        || kept.any(|kept| facts.paths.values().any(|real| real.starts_with(&kept)))
    {
        return Ok((Some(own_rule(protected, path, None)), policy));
    }
    let allowed = judgement.verdict() == Verdict::Allow && !facts.paths.is_empty();
    Ok(((!allowed).then(|| Refused::by(&judgement)), policy))
}

/// A refusal by a rule of guard's own, said as the judging says it.
fn own_rule(id: &str, what: &str, instead: Option<&str>) -> Refused {
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
    Refused { verdict: Verdict::Deny, rules: rules.collect(), unrecorded: None }
}
