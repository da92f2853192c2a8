//! An approval that may be used now: bound to one request's content, unexpired, not used before.
//! Knows neither who gave it nor how what it allows is run.

use crate::event::{Done, Requests};

/// The right to do what one request asks, once. Only [`usable`] makes one.
///
/// ```compile_fail
/// // An approval cannot be made up: its field is private.
/// let forged = guard::approve::Approval { name: "command-1".into() };
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    name: String,
}

impl Approval {
    /// The request's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Why an approval cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// No such request.
    #[error("nothing of that name was ever asked here, or it is long done with")]
    Unknown,
    /// Nobody has answered.
    #[error("nobody has answered yet")]
    Waiting,
    /// Nobody answered in time.
    #[error("nobody answered in time")]
    Unanswered,
    /// The approval was not used in time.
    #[error("its approval was not used in time")]
    Expired,
    /// It was used before.
    #[error("its approval was used before: it is good for one use")]
    Used,
    /// A person denied it.
    #[error("a person denied it")]
    Denied,
    /// What it rests on has changed.
    #[error("what it rests on has changed since it was asked")]
    Changed,
    /// The policy allows it by now.
    #[error("it needs no approval any more: the policy allows it")]
    Allowed,
    /// It names a halt.
    #[error("it is a halt, not a request: a person resumes it")]
    Halt,
    /// It names a halt that is over.
    #[error("it was resumed before")]
    Resumed,
}

/// The approval of the request called `name`, if its stored copy is still the one that was approved, and it can be used
/// at `now` (seconds since 1970).
///
/// # Errors
/// Why it cannot be used.
pub fn usable(requests: &Requests, name: &str, content: &str, now: i64) -> Result<Approval, Unusable> {
    let Some(open) = requests.open(name) else {
        return Err(match requests.done(name) {
            Some(done) => of_done(done),
            None if requests.halt.as_ref().is_some_and(|halt| halt.name == name) => Unusable::Halt,
            None => Unusable::Unknown,
        });
    };
    match &open.approved {
        None if now > open.asked.expires => Err(Unusable::Unanswered),
        None => Err(Unusable::Waiting),
        Some(approved) if now > approved.until => Err(Unusable::Expired),
        Some(_) if open.asked.content != content => Err(Unusable::Changed),
        Some(_) => Ok(Approval { name: name.to_owned() }),
    }
}

fn of_done(done: Done) -> Unusable {
    match done {
        Done::Used => Unusable::Used,
        Done::Denied => Unusable::Denied,
        Done::Expired => Unusable::Expired,
        Done::Changed => Unusable::Changed,
        Done::Resumed => Unusable::Resumed,
        Done::Allowed => Unusable::Allowed,
    }
}
