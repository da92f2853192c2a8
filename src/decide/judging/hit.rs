//! A hit: one thing that matched, before it is put into words.
//! Knows no order of verdicts.

use super::built_in::BuiltIn;
use crate::action::shell::Tri;
use crate::decide::Verdict;

/// One thing that matched.
pub(super) struct Hit {
    pub(super) verdict: Verdict,
    pub(super) by: By,
    /// Which command; `None`: the action, or a suspect.
    pub(super) command: Option<usize>,
    /// Which part of the command.
    pub(super) part: Part,
    /// The number of the rule that answers this ask.
    pub(super) overruled: Option<usize>,
}

/// A part of a command. What is said of one part answers nothing that is asked about another: who may run `env` or
/// `python` may not run whatever stands behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The command, under one of the names it goes by.
    Guise(usize),
    /// Something around it.
    Wrapper(usize),
}

/// What matched.
pub(super) enum By {
    /// The policy's rule of that number; whether it matches for certain.
    Rule(usize, Tri),
    /// The whitelist of that number.
    Whitelist(usize),
    /// A rule of guard's own, and what it says here.
    Own(&'static BuiltIn, String),
}

impl Hit {
    /// A rule of guard's own, and what it says here.
    pub(super) fn own(own: &'static BuiltIn, what: String, command: Option<usize>) -> Hit {
        Hit { verdict: own.verdict, by: By::Own(own, what), command, part: Part::Guise(0), overruled: None }
    }
}
