//! A check with something around it: a list, a pipeline, a wrapper. Its failures count; its success proves nothing.
//! Knows no line, only what is said of it.

use super::text::clean;
use super::{Finding, Ran, Tool, failed, read};
use crate::event::Ended;

/// [`super::classify`] for a check that does not stand alone, so that the exit code may be another's: a failure is what its output
/// shows to be one, and where that shows nothing a failure of the whole, if `ends` says that no other command comes after
/// it. `None`: nothing is known of it. Its success proves nothing.
pub fn classify_among(ran: &Ran<'_>, ends: bool) -> Option<Finding> {
    let badly = match ran.ended {
        Ended::Cancelled => return None,
        Ended::Exited => ran.exit_code != 0,
        Ended::Signalled | Ended::TimedOut | Ended::Limit => true,
    };
    let (stdout, stderr) = (clean(ran.stdout), clean(ran.stderr));
    let reading = read(ran, &stdout, &stderr, false);
    let shows = match ran.tool {
        Tool::Pytest | Tool::Unittest => reading.counts.is_some_and(|counts| counts.has_failures()),
        Tool::Mypy | Tool::Pylint | Tool::Black | Tool::Isort => !reading.failures.is_empty(),
        Tool::Pip | Tool::Python | Tool::Other => false,
    };
    let well = reading.counts.is_some_and(|counts| counts.is_green());
    if shows || badly && ends && !well {
        return Some(Finding::Failed(failed(ran, reading, &stdout, &stderr)));
    }
    well.then_some(Finding::Unproved(reading.counts))
}
