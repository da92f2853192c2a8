//! What a person does: looks at what is asked, answers, halts and resumes, and says who may.
//! Knows how they are asked; what their answers mean is the gate's.

pub(super) mod answer;
pub(super) mod approver;
mod consent;
pub(super) mod halts;
pub(super) mod iteration;
pub(super) mod mode;
pub(super) mod requests;
pub(super) mod status;
mod view;

use super::text;
use crate::gate::Stop;
use std::io::Write;
use std::process::ExitCode;

/// Prints to standard output.
fn say(text: &str) -> Result<(), Stop> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| unwritten(&error))
}

fn unwritten(error: &std::io::Error) -> Stop {
    Stop::System { what: "cannot read or write the terminal".into(), cause: error.to_string() }
}

/// The exit code of a subcommand, its error told as text or as one object.
fn told(json: bool, done: Result<ExitCode, Stop>) -> ExitCode {
    match done {
        Ok(code) => code,
        Err(stop) if json => text::stop_json(stop),
        Err(stop) => text::stop(&stop),
    }
}

/// A span of seconds as a person reads it: `23 h 59 min`, `14 min`, `30 s`.
fn span(seconds: i64) -> String {
    match seconds.max(0) {
        under @ 0..60 => format!("{under} s"),
        under @ 60..3600 => format!("{} min", under / 60),
        more => format!("{} h {} min", more / 3600, more % 3600 / 60),
    }
}
