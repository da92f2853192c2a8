//! The person: what they are asked, how it is known that they answered, and their answers.
//! Knows no terminals and makes no signatures: doors do.

use super::desk::{Desk, Judged, now};
use super::diff::{Diff, Extent};
use super::query::{self, Asks, StoredQuery};
use super::stored::Stored;
use super::{Migration, Project, Stop, World, ask, entries, held, migration, signers};
use crate::action::Facts;
use crate::approve::{Decision, Statement, Unusable, usable};
use crate::decide::policy::Strength;
use crate::decide::{Judgement, Match};
use crate::event::{By, Changed, Detail, Open, State};
use crate::execute::change::{ChangeError, Conflict};
use crate::failfast::Report;
use crate::record::{Masked, Receipt, Redactor};
use std::path::PathBuf;

/// How a door knows that a person answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// They typed the statement's digest at a terminal.
    Terminal,
    /// They signed the statement: an SSH signature, armoured.
    Signature(String),
}

/// Everything there is to show of a request or a halt, without secrets.
#[derive(Debug)]
pub struct Shown {
    /// What a person says yes or no to.
    pub statement: Statement,
    /// The least their answer must be.
    pub required: Strength,
    /// What it is about.
    pub about: About,
}

/// What a name stands for.
#[derive(Debug)]
pub enum About {
    /// A command.
    Command(Box<Asked>),
    /// Changes to the project.
    Change(Box<AskedChange>),
    /// A write to a database.
    Query(Box<AskedQuery>),
    /// A migration.
    Migration(Box<AskedMigration>),
    /// A halt.
    Halt(Box<Report>),
}

/// A write to a database that a person is asked about.
#[derive(Debug)]
pub struct AskedQuery {
    /// The request.
    pub open: Open,
    /// The database's name.
    pub database: String,
    /// Which one that is, in words of its own.
    pub server: String,
    /// The statement, without secrets.
    pub text: String,
    /// Whether something of it is masked: what nobody can see, nobody can approve.
    pub masked: bool,
    /// The rules that ask, with what the catalog said of what is written to.
    pub rules: Vec<Asks>,
    /// Whether the policy is another by now, so that it can no longer be approved.
    pub changed: bool,
}

/// Changes that a person is asked about.
#[derive(Debug)]
pub struct AskedChange {
    /// The request.
    pub open: Open,
    /// What would change.
    pub changed: Changed,
    /// Rules that ask, or by now deny.
    pub rules: Vec<Match>,
    /// The changes line by line, without secrets.
    pub diff: String,
    /// Whether there is more than that.
    pub cut: bool,
    /// New content that it tells of and does not show, and why: a file each.
    pub unseen: Vec<String>,
    /// Where guard's copies of all new content lie, which are what comes in.
    pub copies: PathBuf,
    /// The command or the call of guard that made them, without secrets.
    pub command: String,
    /// Sequence number of the command's start; `None`: it was a call of guard.
    pub of: Option<u64>,
    /// Why the caller wanted it.
    pub reason: Option<String>,
}

/// A migration that a person is asked about.
#[derive(Debug)]
pub struct AskedMigration {
    /// The request.
    pub open: Open,
    /// The migration.
    pub migration: Migration,
    /// What masks the secrets in its statements.
    pub redactor: Redactor,
}

/// A command that a person is asked about.
#[derive(Debug)]
pub struct Asked {
    /// The request.
    pub open: Open,
    /// Its stored copy judged as it would be now.
    pub judgement: Judgement,
    /// What that rests on.
    pub facts: Facts,
    /// The command, without secrets; and whether there are any in it.
    pub text: String,
    /// Whether something of it is masked.
    pub masked: bool,
    /// Whether a mask hides more than a part of one word, so that nobody can see what would be run.
    pub hides: bool,
    /// What masks the secrets in the judgement, which names parts of the command as they are.
    pub redactor: Redactor,
    /// Why the caller wants it.
    pub reason: Option<String>,
    /// The folder it starts in.
    pub cwd: String,
    /// Names of the variables it finds.
    pub variables: Vec<String>,
    /// Files whose content it is bound to.
    pub files: Vec<String>,
    /// Whether its ground has changed, so that it can no longer be approved.
    pub changed: bool,
}

/// Shows a request that waits, or what is halted; of changes as much as `extent` says.
pub fn show(world: &World, project: &Project, name: &str, extent: Extent) -> Result<Shown, Stop> {
    let mut desk = Desk::open_to_look(world, project)?;
    let log_id = desk.log_id();
    if let Some(halt) = desk.state().requests.halt.clone().filter(|halt| halt.name == name) {
        let statement = Statement::of_halt(&log_id, &halt);
        let about = About::Halt(Box::new(super::escalated(project, name)?));
        return Ok(Shown { statement, required: required(&desk, "resume")?, about });
    }
    let open = open(&desk, name)?;
    if open.asked.kind == held::KIND {
        return changes(&mut desk, open, name, extent);
    }
    if open.asked.kind == query::KIND {
        return a_query(&mut desk, open, name);
    }
    if open.asked.kind == migration::KIND {
        let Some(migration) = Migration::load(project, name, &open.asked.content)? else {
            desk.changed(name)?;
            return Err(unusable(name, Unusable::Changed));
        };
        let statement = Statement::of_request(&log_id, &open);
        let asked = AskedMigration { open, migration, redactor: desk.redactor.clone() };
        let required = required(&desk, migration::KIND)?;
        return Ok(Shown { statement, required, about: About::Migration(Box::new(asked)) });
    }
    let stored = Stored::load(project, name)?.filter(|(_, content)| *content == open.asked.content);
    let Some((stored, _)) = stored else {
        desk.changed(name)?;
        return Err(unusable(name, Unusable::Changed));
    };
    let judged = desk.judge(&stored.world(), &stored.request()).map_err(|(_, stop)| stop)?;
    let Judged { judgement, facts, .. } = judged;
    let Masked { text, masked, hides } = desk.redactor.command(entries::text(judgement.action()));
    let asked = Asked {
        changed: !stored.holds(desk.policy.hash(), &facts),
        masked,
        hides,
        text,
        redactor: desk.redactor.clone(),
        reason: stored.request().reason.map(|reason| desk.clean(&reason)),
        cwd: stored.world().cwd.to_string_lossy().into_owned(),
        variables: stored.variables(),
        files: stored.files().cloned().collect(),
        judgement,
        facts,
        open: open.clone(),
    };
    let statement = Statement::of_request(&log_id, &open);
    Ok(Shown { statement, required: required(&desk, "command")?, about: About::Command(Box::new(asked)) })
}

/// Shows a write that waits.
fn a_query(desk: &mut Desk<'_>, open: Open, name: &str) -> Result<Shown, Stop> {
    let Some(stored) = StoredQuery::load(desk.project, &open)? else {
        desk.changed(name)?;
        return Err(unusable(name, Unusable::Changed));
    };
    let text = desk.redactor.redact(&stored.sql);
    let rules = stored.rules.iter().map(|asks| Asks { reason: desk.clean(&asks.reason), ..asks.clone() });
    let asked = AskedQuery {
        masked: text.is_some(),
        text: text.unwrap_or_else(|| stored.sql.clone()),
        rules: rules.collect(),
        changed: stored.policy != desk.policy.hash(),
        database: stored.database,
        server: stored.shown,
        open: open.clone(),
    };
    let statement = Statement::of_request(&desk.log_id(), &open);
    Ok(Shown { statement, required: required(desk, query::KIND)?, about: About::Query(Box::new(asked)) })
}

/// Shows changes that wait.
fn changes(desk: &mut Desk<'_>, open: Open, name: &str, extent: Extent) -> Result<Shown, Stop> {
    let held = held::load(desk.project, name)?.filter(|held| held.content == open.asked.content);
    let Some(held) = held else {
        desk.changed(name)?;
        return Err(unusable(name, Unusable::Changed));
    };
    let Diff { text: diff, cut, unseen, forged } = desk.diff(&held.upper, &held.set, extent);
    if let Some(path) = forged {
        desk.changed(name)?;
        return Err(Stop::Change(ChangeError::Conflict { path, conflict: Conflict::Forged }));
    }
    let rules = match desk.judged_held(&held) {
        Err(stop @ Stop::Change(ChangeError::Conflict { .. })) => {
            desk.changed(name)?;
            return Err(stop);
        }
        judged => judged?.matches,
    };
    let asked = AskedChange {
        changed: Changed::of(held.about.of, &held.set),
        rules,
        diff,
        cut,
        unseen,
        copies: held.upper.clone(),
        command: desk.redactor.command(&held.about.command().to_string_lossy()).text,
        of: held.about.of,
        reason: held.about.reason.as_ref().map(|reason| desk.clean(reason)),
        open: open.clone(),
    };
    let statement = Statement::of_request(&desk.log_id(), &open);
    Ok(Shown { statement, required: required(desk, held::KIND)?, about: About::Change(Box::new(asked)) })
}

/// The request of a name, if it waits.
pub(super) fn open(desk: &Desk<'_>, name: &str) -> Result<Open, Stop> {
    let requests = &desk.state().requests;
    match usable(requests, name, requests.open(name).map_or("", |open| &open.asked.content), now().timestamp()) {
        Ok(_) | Err(Unusable::Waiting) => requests.open(name).cloned().ok_or_else(|| unusable(name, Unusable::Unknown)),
        Err(cause) => Err(unusable(name, cause)),
    }
}

pub(super) fn unusable(name: &str, cause: Unusable) -> Stop {
    Stop::Approval { name: name.to_owned(), cause }
}

/// Approves a request.
pub fn approve(world: &World, project: &Project, name: &str, proof: Proof) -> Result<Receipt, Stop> {
    let within = |desk: &Desk<'_>| ask::seconds(desk.policy.settings().approvals.use_within);
    answer(world, project, name, Decision::Approve, proof, |desk, by| Detail::Approved {
        name: name.to_owned(),
        by,
        until: now().timestamp().saturating_add(within(desk)),
    })
}

/// Denies a request.
pub fn deny(
    world: &World,
    project: &Project,
    name: &str,
    proof: Proof,
    reason: Option<String>,
) -> Result<Receipt, Stop> {
    let receipt = answer(world, project, name, Decision::Deny, proof, |_, by| Detail::Denied {
        name: name.to_owned(),
        by,
        reason: reason.clone(),
    })?;
    Stored::erase(project, name);
    Ok(receipt)
}

fn answer(
    world: &World,
    project: &Project,
    name: &str,
    decision: Decision,
    proof: Proof,
    detail: impl Fn(&Desk<'_>, By) -> Detail,
) -> Result<Receipt, Stop> {
    let mut desk = match decision {
        Decision::Approve => Desk::open(world, project)?,
        Decision::Deny => Desk::open_to_look(world, project)?,
    };
    let open = open(&desk, name)?;
    let statement = Statement::of_request(&desk.log_id(), &open);
    let by = proved(&desk, &statement, decision, proof)?;
    let detail = detail(&desk, by);
    let written = desk.log.append_when(&desk.redactor, |state| {
        waits(state, name, now().timestamp())?;
        let (action, result) = match decision {
            Decision::Approve => ("APPROVE", "SUCCESS"),
            Decision::Deny => ("DENY", "DENIED"),
        };
        Ok::<_, Stop>(vec![entries::approval(action, name, result, detail.clone())])
    });
    written.map_err(Stop::Log)?
}

/// Nothing if the request waits for its answer: somebody else may have been quicker, and so may the clock.
pub(super) fn waits(state: &State, name: &str, now: i64) -> Result<(), Stop> {
    let requests = &state.requests;
    if let Some(approved) = requests.open(name).and_then(|open| open.approved.as_ref()) {
        return Err(Stop::Answered { name: name.to_owned(), by: approved.by.who.clone() });
    }
    match usable(requests, name, "", now) {
        Err(Unusable::Waiting) => Ok(()),
        Err(cause) => Err(unusable(name, cause)),
        Ok(_) => Err(unusable(name, Unusable::Used)),
    }
}

/// Who answered, if the proof holds and is as strong as the policy demands. A denial needs no more than a terminal: it
/// allows nothing.
pub(super) fn proved(desk: &Desk<'_>, statement: &Statement, decision: Decision, proof: Proof) -> Result<By, Stop> {
    let required = match decision {
        Decision::Approve => required(desk, statement.kind())?,
        Decision::Deny => Strength::Terminal,
    };
    let by = match proof {
        Proof::Terminal => By {
            who: format!("uid {}", rustix::process::getuid().as_raw()),
            strength: Strength::Terminal.name().into(),
            key: None,
            signature: None,
        },
        Proof::Signature(signature) => signers::signed(desk.project, statement, decision, &signature)?,
    };
    let given = Strength::of(&by.strength).unwrap_or(Strength::Terminal);
    if given < required {
        return Err(Stop::TooWeak { given: given.name(), required: required.name() });
    }
    Ok(by)
}

/// The least an answer must be: the policy's word, else a signature once there is an approver.
pub(super) fn required(desk: &Desk<'_>, kind: &str) -> Result<Strength, Stop> {
    let approvals = &desk.policy.settings().approvals;
    let said = if kind == "resume" { approvals.resume } else { approvals.command };
    Ok(least(said, said.is_none() && signers::load(desk.project.config_root.as_deref())?.is_empty()))
}

/// The least an answer must be, where the policy says `said` and there is `nobody` who could sign.
pub(super) fn least(said: Option<Strength>, nobody: bool) -> Strength {
    said.unwrap_or(if nobody { Strength::Terminal } else { Strength::Signature })
}

/// Refuses to ask where nobody could answer.
pub(super) fn somebody(desk: &Desk<'_>) -> Result<(), Stop> {
    let required = required(desk, "command")?;
    if required == Strength::Terminal {
        return Ok(());
    }
    let known = signers::load(desk.project.config_root.as_deref())?;
    if known.iter().any(|signer| signer.strength() >= required) {
        return Ok(());
    }
    Err(Stop::Nobody { required: required.name() })
}

/// Requests that wait for an answer or their use, and what is halted.
#[derive(Debug)]
pub struct Standing {
    /// What all records add up to.
    pub state: State,
    /// Names and texts of the requests, without secrets, in the order of their numbers.
    pub requests: Vec<(String, String)>,
    /// Budgets of failures.
    pub budgets: crate::decide::policy::Attempts,
    /// Files that one iteration may touch.
    pub most: u32,
    /// Changes that are on record and not all in the project, and why: nothing runs until they are.
    pub unfinished: Option<Stop>,
}

/// Where everything stands.
pub fn standing(world: &World, project: &Project) -> Result<Standing, Stop> {
    let desk = Desk::open_to_look(world, project)?;
    let state = desk.state().clone();
    let mut open: Vec<&Open> = state.requests.open.values().collect();
    open.sort_by_key(|open| open.seq);
    let text = |open: &Open| -> Result<String, Stop> {
        if open.asked.kind == held::KIND {
            let held = held::load(project, &open.asked.name)?.filter(|held| held.content == open.asked.content);
            return Ok(held.map_or_else(
                || "its copy is gone or changed: it cannot be used".into(),
                |held| desk.clean(&Changed::of(None, &held.set).paths()),
            ));
        }
        if open.asked.kind == query::KIND {
            return Ok(StoredQuery::load(project, open)?.map_or_else(
                || "its copy is gone or changed: it cannot be used".into(),
                |stored| desk.clean(&format!("{}: {}", stored.database, stored.sql)),
            ));
        }
        if open.asked.kind == migration::KIND {
            let kept = Migration::load(project, &open.asked.name, &open.asked.content)?;
            return Ok(kept.map_or_else(
                || "its copy is gone or changed: it cannot be used".into(),
                |kept| desk.clean(&kept.title(&kept.database)),
            ));
        }
        let stored = Stored::load(project, &open.asked.name)?.filter(|(_, content)| *content == open.asked.content);
        let Some((stored, _)) = stored else { return Ok("its copy is gone or changed: it cannot be used".into()) };
        let action = super::request::parse(stored.request().asked, &super::grants::environment(&stored.world(), &[]));
        Ok(desk.redactor.command(entries::text(&action)).text)
    };
    let requests = open.into_iter().map(|open| Ok((open.asked.name.clone(), text(open)?)));
    let requests = requests.collect::<Result<Vec<_>, Stop>>()?;
    let settings = desk.policy.settings();
    let (budgets, most) = (desk.budgets(), settings.iteration.files);
    Ok(Standing { state, requests, budgets, most, unfinished: desk.unfinished })
}

/// Waits until a request is answered; the error says why it cannot be used.
pub fn wait(world: &World, project: &Project, name: &str, limit: Option<std::time::Duration>) -> Result<bool, Stop> {
    let mut desk = Desk::open_to_look(world, project)?;
    let requests = &desk.state().requests;
    if requests.done(name) == Some(crate::event::Done::Resumed) {
        return Ok(true);
    }
    match desk.wait(name, limit)? {
        ask::Answered::Approved | ask::Answered::Not(Unusable::Allowed) => Ok(true),
        ask::Answered::Waits => Ok(false),
        ask::Answered::Not(Unusable::Resumed) => Ok(true),
        ask::Answered::Not(cause) => Err(unusable(name, cause)),
        ask::Answered::Halted(name) => Err(Stop::Halted { name }),
    }
}
