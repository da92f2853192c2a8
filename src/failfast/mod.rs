//! What a check that has ended proves, what of the budgets is spent by it, and the report when a person is called.
//! Pure: takes what a tool printed, and what was counted, as data; stops nothing itself.

mod among;
mod budget;
mod category;
mod finding;
mod idle;
mod lint;
mod pytest;
mod python;
mod report;
mod scope;
mod text;
mod tool;
mod trace;
mod unittest;

pub use among::classify_among;
pub use budget::{DENIALS, refused_again, spent};
pub use category::Category;
pub use finding::{Counts, Failed, Failure, Finding, KEPT, Ran};
pub use report::{Report, Resumption, Try};
pub use scope::Scope;
pub use tool::Tool;

use crate::decide::policy::Check;
use crate::event::Ended;
use finding::{Reading, short};
use text::{clean, said};

/// Reads what a check printed, beside how it ended: the exit code decides whether it failed, whatever the output claims.
/// `None`: guard was told to stop it, which proves nothing.
pub fn classify(ran: &Ran<'_>) -> Option<Finding> {
    let succeeded = match ran.ended {
        Ended::Cancelled => return None,
        Ended::Exited => ran.exit_code == 0,
        Ended::Signalled | Ended::TimedOut | Ended::Limit => false,
    };
    let (stdout, stderr) = (clean(ran.stdout), clean(ran.stderr));
    let reading = read(ran, &stdout, &stderr, succeeded);
    if succeeded {
        let proved = match ran.check {
            Check::Test => reading.counts.is_some_and(|counts| counts.is_green()),
            Check::Type | Check::Syntax | Check::Format => !idle::shows(ran.tool, &stdout, &stderr),
        };
        return Some(if proved { Finding::Green(reading.counts) } else { Finding::Unproved(reading.counts) });
    }
    Some(Finding::Failed(failed(ran, reading, &stdout, &stderr)))
}

fn read(ran: &Ran<'_>, stdout: &str, stderr: &str, succeeded: bool) -> Reading {
    match ran.tool {
        Tool::Pytest => {
            let reading = pytest::read(stdout, stderr, succeeded);
            if succeeded || !reading.is_mute() {
                return reading;
            }
            // Pytest did not come up, or a file of that name ran in its place: python may say why.
            Some(python::python(stdout, stderr, ran.check))
                .filter(|python| python.category.is_some())
                .unwrap_or(reading)
        }
        Tool::Unittest => unittest::read(stdout, stderr, succeeded),
        // What has succeeded, and counts nothing, has nothing to say.
        _ if succeeded => Reading::default(),
        Tool::Mypy => lint::mypy(stdout, stderr),
        Tool::Pylint => lint::pylint(stdout, stderr),
        Tool::Black => lint::black(stdout, stderr),
        Tool::Isort => lint::isort(stdout, stderr),
        Tool::Pip => python::pip(stdout, stderr),
        Tool::Python => python::python(stdout, stderr, ran.check),
        Tool::Other => lint::other(stdout, stderr),
    }
}

fn failed(ran: &Ran<'_>, mut reading: Reading, stdout: &str, stderr: &str) -> Failed {
    let stopped = match ran.ended {
        Ended::TimedOut => Some("timed out".to_owned()),
        Ended::Limit => Some("stopped at a limit".to_owned()),
        Ended::Signalled => {
            Some(ran.signal.map_or("ended by a signal".into(), |signal| format!("ended by signal {signal}")))
        }
        Ended::Exited | Ended::Cancelled => None,
    };
    // Pytest calls 3 what went wrong within itself.
    let internal = ran.tool == Tool::Pytest && ran.exit_code == 3;
    let category = match (ran.tool, &stopped) {
        (_, Some(_)) => Category::Runtime,
        (Tool::Mypy, None) => Category::Type,
        (Tool::Pylint | Tool::Black | Tool::Isort, None) => Category::Syntax,
        (Tool::Pytest, None) if internal => {
            reading.category.filter(|found| *found < Category::Test).unwrap_or(Category::Runtime)
        }
        (Tool::Pytest | Tool::Unittest, None) => reading.category.unwrap_or(Category::Test),
        (Tool::Python | Tool::Pip | Tool::Other, None) => reading.category.unwrap_or(Category::of_check(ran.check)),
    };
    let first = reading.failures.first().map(|failure| failure.message.clone());
    let message = stopped
        .or(reading.message.take())
        .or(first)
        .unwrap_or_else(|| unsaid(ran.exit_code, reading.counts, stdout, stderr));
    let message = short(&message);
    if reading.failures.is_empty() {
        reading.add(Failure { file: None, line: None, message: message.clone() });
    }
    Failed { category, counts: reading.counts, tests: reading.tests, failures: reading.failures, message }
}

/// What there is to say of a failure that no reader found words for: the first line that was printed, errors first.
fn unsaid(exit_code: i32, counts: Option<Counts>, stdout: &str, stderr: &str) -> String {
    if counts.is_some_and(|counts| counts.ran() == 0) {
        return "no tests ran".into();
    }
    let said = said(stderr).next().or_else(|| said(stdout).next());
    said.map_or_else(|| format!("ended with {exit_code}, and said nothing"), String::from)
}
