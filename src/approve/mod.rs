//! Permission as a type: a judgement becomes a [`Permit`] or a [`Refusal`], and only a permit can be executed.
//! Knows nothing of how things run.

mod approval;
pub mod ssh;
mod statement;
mod write;

pub use crate::decide::policy::Strength;
pub use approval::{Approval, Unusable, usable};
pub use statement::{Decision, Statement};
pub use write::{WritePermit, settle_write};

use crate::action::Action;
use crate::decide::{Grant, Judgement, Verdict};

/// The right to do exactly one action once. Only [`settle`] and its kin make one.
///
/// ```compile_fail
/// // A permit cannot be made up: its fields are private.
/// fn forge(judgement: guard::decide::Judgement) -> guard::approve::Permit {
///     guard::approve::Permit { judgement, observed: false, approval: None }
/// }
/// ```
#[derive(Debug)]
pub struct Permit {
    judgement: Judgement,
    observed: bool,
    approval: Option<Approval>,
}

/// An action that may not be done, and the judgement that says why.
#[derive(Debug)]
pub struct Refusal {
    judgement: Judgement,
}

impl Permit {
    /// Exactly what may be done.
    pub fn action(&self) -> &Action {
        self.judgement.action()
    }

    /// What it gets.
    pub fn grant(&self) -> &Grant {
        self.judgement.grant()
    }

    /// The judgement behind it.
    pub fn judgement(&self) -> &Judgement {
        &self.judgement
    }

    /// Whether it runs only because the policy observes.
    pub fn observed(&self) -> bool {
        self.observed
    }

    /// The name of the request that a person approved, where it runs by one.
    pub fn approval(&self) -> Option<&str> {
        self.approval.as_ref().map(Approval::name)
    }
}

impl Refusal {
    /// What was refused.
    pub fn action(&self) -> &Action {
        self.judgement.action()
    }

    /// The judgement that refused it: `ask` (nobody there to ask) or `deny`.
    pub fn judgement(&self) -> &Judgement {
        &self.judgement
    }
}

/// Turns a judgement into permission or refusal. What is asked runs only while the policy observes, and fenced; what
/// is denied never.
pub fn settle(judgement: Judgement) -> Result<Permit, Box<Refusal>> {
    match judgement.verdict() {
        Verdict::Allow => Ok(Permit { judgement, observed: false, approval: None }),
        Verdict::Ask if judgement.observe() && judgement.grant().runner.is_none() => {
            Ok(Permit { judgement, observed: true, approval: None })
        }
        Verdict::Ask | Verdict::Deny => Err(Box::new(Refusal { judgement })),
    }
}

/// [`settle`] for what needs nobody's word: permission only by the policy, and the judgement back where it says anything else.
pub fn settle_by_policy(judgement: Judgement) -> Result<Permit, Box<Judgement>> {
    match judgement.verdict() {
        Verdict::Allow => Ok(Permit { judgement, observed: false, approval: None }),
        Verdict::Ask | Verdict::Deny => Err(Box::new(judgement)),
    }
}

/// [`settle`] for what a person approved: what is asked runs by it, and what is denied never.
pub fn settle_approved(judgement: Judgement, approval: Approval) -> Result<Permit, Box<Refusal>> {
    match judgement.verdict() {
        Verdict::Allow | Verdict::Ask => Ok(Permit { judgement, observed: false, approval: Some(approval) }),
        Verdict::Deny => Err(Box::new(Refusal { judgement })),
    }
}
