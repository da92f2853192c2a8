//! What an approval is worth here: who may give one, and what else could; and the fence that is the least.
//! Knows no layout.

use super::{Project, Stop, World, grants, load, person, signers};
use crate::approve::Strength;
use crate::execute::Level;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// What approvals are worth on this machine, in this project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worth {
    /// How many keys may sign.
    pub approvers: usize,
    /// The strongest of them; `None`: there is none, or none that counts now.
    pub strongest: Option<Strength>,
    /// The least that a command takes.
    pub command: Strength,
    /// The least that going on after a halt takes.
    pub resume: Strength,
    /// The socket of an ssh-agent that answers whoever runs as this user outside a fence.
    pub agent: Option<PathBuf>,
}

impl Worth {
    /// Whether something takes no more than this.
    pub fn takes(&self, strength: Strength) -> bool {
        self.command == strength || self.resume == strength
    }
}

/// The least level of the fence that commands run at where `from` lies: by its project's policy, elsewhere the default.
///
/// # Errors
/// Why the policy cannot be read.
pub fn required(world: &World, from: &Path) -> Result<Level, Stop> {
    match Project::find(world, from) {
        Ok(project) => Ok(grants::required(&load(&project)?)),
        Err(Stop::NoProject { .. } | Stop::NotInitialised { .. }) => Ok(Level::Full),
        Err(stop) => Err(stop),
    }
}

/// What approvals are worth where `from` lies: in a project by its policy, elsewhere by the defaults.
///
/// # Errors
/// Why the policy or the lists of approvers cannot be read.
pub fn worth(world: &World, from: &Path) -> Result<Worth, Stop> {
    let project = match Project::find(world, from) {
        Ok(project) => Some(project),
        Err(Stop::NoProject { .. } | Stop::NotInitialised { .. }) => None,
        Err(stop) => return Err(stop),
    };
    let policy = project.as_ref().map(load).transpose()?;
    let approvals = policy.as_ref().map(|policy| policy.settings().approvals.clone());
    let own = project.and_then(|project| project.config_root).or_else(|| world.config_root());
    let all = signers::load(own.as_deref())?;
    let now = chrono::Utc::now();
    let least = |said: Option<Strength>| person::least(said, all.is_empty());
    let agent = world.variable("SSH_AUTH_SOCK").map(PathBuf::from);
    Ok(Worth {
        approvers: all.iter().count(),
        strongest: all.iter().filter(|signer| signer.standing(now).is_ok()).map(|signer| signer.strength()).max(),
        command: least(approvals.as_ref().and_then(|approvals| approvals.command)),
        resume: least(approvals.as_ref().and_then(|approvals| approvals.resume)),
        agent: agent.filter(|socket| UnixStream::connect(socket).is_ok()),
    })
}
