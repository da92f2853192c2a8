//! Why a query was not read: what is wrong, where, and what to write instead.

use super::Place;
use std::fmt;

/// A query that is not read, and so not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {why}")]
pub struct Unreadable {
    /// What sort of reason.
    pub fault: Fault,
    /// Where.
    pub at: Place,
    /// Why, as a fragment.
    pub why: String,
    /// What to write instead, as a fragment, if there is something.
    pub instead: Option<String>,
}

impl Unreadable {
    pub(super) fn new(fault: Fault, at: Place, why: impl Into<String>) -> Unreadable {
        Unreadable { fault, at, why: why.into(), instead: None }
    }

    pub(super) fn instead(mut self, instead: impl Into<String>) -> Unreadable {
        self.instead = Some(instead.into());
        self
    }
}

/// Sorts of reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// There is no statement.
    Empty,
    /// It is longer than 16 KiB.
    Long,
    /// It is nested deeper than 64 levels.
    Deep,
    /// There is more than one statement.
    Several,
    /// It holds a character that people do not see, or that changes the order they see others in.
    Invisible,
    /// A quote, comment or bracket does not end, or a token is malformed.
    Broken,
    /// A spelling that is refused because it hides what is meant: `U&"…"`, `\` commands, `$1`.
    Spelling,
    /// A parser does not accept it.
    Syntax,
    /// It is SQL, but of a kind guard does not follow.
    Unknown,
    /// Two parsers read it differently.
    Disagreement,
}

impl fmt::Display for Fault {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Fault::Empty => "empty",
            Fault::Long => "long",
            Fault::Deep => "deep",
            Fault::Several => "several",
            Fault::Invisible => "invisible",
            Fault::Broken => "broken",
            Fault::Spelling => "spelling",
            Fault::Syntax => "syntax",
            Fault::Unknown => "unknown",
            Fault::Disagreement => "disagreement",
        })
    }
}
