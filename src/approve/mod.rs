//! Permission as a type: a judgement becomes a [`Permit`] or a [`Refusal`], and only a permit can be executed.
//! Knows nothing of how things run.

pub mod ssh;
mod strength;

pub use strength::Strength;

use crate::action::Action;
use crate::decide::{Grant, Judgement, Verdict};

/// The right to do exactly one action once. Only [`settle`] makes one.
///
/// ```compile_fail
/// // A permit cannot be made up: its fields are private.
/// fn forge(judgement: guard::decide::Judgement) -> guard::approve::Permit {
///     guard::approve::Permit { judgement, observed: false }
/// }
/// ```
#[derive(Debug)]
pub struct Permit {
    judgement: Judgement,
    observed: bool,
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
        Verdict::Allow => Ok(Permit { judgement, observed: false }),
        Verdict::Ask if judgement.observe() && judgement.grant().runner.is_none() => {
            Ok(Permit { judgement, observed: true })
        }
        Verdict::Ask | Verdict::Deny => Err(Box::new(Refusal { judgement })),
    }
}
