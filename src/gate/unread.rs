//! Why a command failed that the fence did not let read something, as far as its end shows that.
//! Knows what a fence hides; reads no file.

use crate::action::{Facts, Found};
use crate::approve::Permit;
use crate::execute::{Outcome, Place, unseen};

/// Bytes of standard error that are looked at.
const SAID: usize = 8192;

/// What it lacked, and what a person may do about it; `None` where its end does not speak for that.
pub(super) fn lacked(permit: &Permit, place: &Place, facts: &Facts, outcome: &Outcome) -> Option<String> {
    if outcome.exit_code == 0 {
        return None;
    }
    // What a shell says of a program that it does not find, or cannot run.
    if matches!(outcome.exit_code, 126 | 127) {
        let programs = facts.programs.values().filter_map(|found| match found {
            Found::Program(program) => Some(&program.path),
            Found::Missing | Found::Unusable(_) => None,
        });
        if let Some(cause) = programs.filter_map(|path| unseen(place, path)).min() {
            return Some(cause);
        }
    }
    let (said, _) = outcome.stderr.excerpt(SAID);
    let said = String::from_utf8_lossy(&said);
    let dotenv = said.lines().any(|line| line.contains(".env") && line.contains("ermission denied"));
    (dotenv && !permit.grant().dotenv).then(|| {
        "`.env` files are kept from commands: do without, or have a person give its rule `dotenv = true`".to_owned()
    })
}
