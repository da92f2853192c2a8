//! Doors: translation in and out. Doors do not know each other.

pub mod cli;
pub mod hook;

use std::process::ExitCode;

/// Runs the program on the process's arguments. A harness waits for each of its hook's answers, and takes every failure
/// but one for consent: that door is opened before anything else can go wrong.
pub fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    let asked =
        words.next().is_some_and(|door| door == "hook") && words.next().is_some_and(|harness| harness == "claude");
    match words.next() {
        None if asked => hook::run(),
        Some(word) if asked && word != "--help" && word != "-h" => hook::refuse("`hook claude` takes no arguments"),
        Some(_) | None => cli::main(hook::run),
    }
}
