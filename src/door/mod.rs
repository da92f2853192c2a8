//! Doors: translation in and out. Doors do not know each other.

pub mod cli;
pub mod hook;

use std::process::ExitCode;

/// Runs the program on the process's arguments. A harness waits for each of its hook's answers, and takes every failure
/// but one for consent: that door is opened before anything else can go wrong.
pub fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    let asked = [words.next(), words.next(), words.next()];
    match asked {
        [Some(door), Some(harness), None] if door == "hook" && harness == "claude" => hook::run(),
        _ => cli::main(hook::run),
    }
}
