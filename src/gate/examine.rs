//! Looking without doing: an action judged as `exec` would judge it, with the facts it was judged on.
//! Writes no record and starts nothing.

use super::grants::{environment, writable};
use super::request::parse;
use super::{Project, Request, Stop, World, facts, load};
use crate::action::Facts;
use crate::decide::{Judgement, Policy, judge};
use crate::event::{Mode, State};
use std::path::Path;

/// A judgement and what it rests on.
#[derive(Debug)]
pub struct Examined {
    /// The judgement.
    pub judgement: Judgement,
    /// What the world looked like.
    pub facts: Facts,
}

/// Judges and does nothing: no record, no process.
pub fn check(world: &World, project: &Project, request: Request) -> Result<Examined, Stop> {
    Ok(examine(world, &project.root, request, &load(project)?))
}

/// Judges by any policy, in the world as it is, for a project at `root`.
pub fn examine(world: &World, root: &Path, request: Request, policy: &Policy) -> Examined {
    examine_in(world, root, request, policy, None)
}

/// The same for a project in that mode.
pub fn examine_in(world: &World, root: &Path, request: Request, policy: &Policy, mode: Option<Mode>) -> Examined {
    let environment = environment(world, &[]);
    let action = parse(request.asked, &environment);
    let mut facts = facts::gather(&action, root, &world.cwd, &environment.variables, &writable(root));
    facts.task = request.task;
    facts.mode = mode.map(|mode| mode.word().to_owned());
    let judgement = judge(action, &facts, &State::default(), policy);
    Examined { judgement, facts }
}
