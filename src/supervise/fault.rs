//! Why the build loop stopped before its plan was done, besides a person being needed.
//! Knows no layout.

use crate::decide::policy::Fault;
use crate::gate::{Stop, shown};
use std::path::PathBuf;

/// Why the loop stopped. What was done until then is on record, and the same call goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum LoopFault {
    /// Guard itself stopped.
    #[error(transparent)]
    Gate(#[from] Stop),
    /// The plan cannot be read.
    #[error("cannot read the plan `{}`: {cause}", shown(path))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's message.
        cause: String,
    },
    /// The plan has faults.
    #[error("the plan is invalid")]
    Invalid {
        /// All of them.
        faults: Vec<Fault>,
    },
    /// The plan is another than the one that was begun.
    #[error("the plan `{plan}` has changed since the loop began")]
    Changed {
        /// The plan.
        plan: String,
    },
    /// Another plan is worked on.
    #[error("the plan `{open}` is worked on: its phase {phase} is not done")]
    Another {
        /// That one.
        open: String,
        /// Its phase.
        phase: String,
    },
    /// Another loop runs in the project.
    #[error("another `guard loop` runs in this project")]
    Busy,
    /// There is no such phase.
    #[error("the plan has no phase {0}")]
    NoPhase(String),
    /// A phase that must be complete before is not.
    #[error("phase {phase} comes after phase {after}, which is not complete")]
    After {
        /// The phase.
        phase: String,
        /// The one that it comes after.
        after: String,
    },
    /// What the plan says of its agent cannot be started.
    #[error("the agent cannot be started: {0}")]
    Agent(String),
    /// The policy refuses what the plan says is a check.
    #[error("the policy refuses `{what}`, which is step `{step}` of phase {phase}: {reason}")]
    Refused {
        /// The phase.
        phase: String,
        /// The step.
        step: String,
        /// The command.
        what: String,
        /// The rule, and why.
        reason: String,
    },
}

impl LoopFault {
    /// The exit code.
    pub fn exit_code(&self) -> i32 {
        match self {
            LoopFault::Gate(stop) => stop.exit_code(),
            LoopFault::Unreadable { .. }
            | LoopFault::Invalid { .. }
            | LoopFault::Changed { .. }
            | LoopFault::NoPhase(_)
            | LoopFault::After { .. }
            | LoopFault::Agent(_) => 78,
            LoopFault::Refused { .. } => 126,
            LoopFault::Another { .. } | LoopFault::Busy => 125,
        }
    }

    /// What to do.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            LoopFault::Gate(stop) => return stop.help(),
            LoopFault::Unreadable { .. } => {
                "name a plan: a TOML or YAML file (`guard plan schema`, docs/plan.md)".into()
            }
            LoopFault::Invalid { .. } => "`guard plan check` shows the same".into(),
            LoopFault::Changed { plan } => format!(
                "look at what changed in it; `guard loop {plan} --replan` goes on with it as it is now: phases that say the \
                 same as before stay complete"
            ),
            LoopFault::Another { open, .. } => {
                format!("go on with it (`guard loop {open}`), or begin with this one all the same: `--replan`")
            }
            LoopFault::Busy => "wait until it ends, or end it: what it did is on record".into(),
            LoopFault::NoPhase(_) => "`guard plan check` lists the phases".into(),
            LoopFault::After { after, .. } => format!("begin with that one: `--from {after}`"),
            LoopFault::Agent(_) => "see `[agent]` in docs/plan.md and docs/agents.md".into(),
            LoopFault::Refused { .. } => {
                "a person changes the plan, or adds a rule to the policy that allows it (`guard policy explain`)".into()
            }
        })
    }
}
