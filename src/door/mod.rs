//! Doors: translation in and out. Doors do not know each other.

pub mod cli;
pub mod hook;

use crate::execute::calls;
use crate::execute::sandbox::begin;
use crate::gate::World;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

/// Runs the program on the process's arguments to its end; the process's exit code.
pub fn main() -> i32 {
    // Not to be said: there is nowhere to say it.
    let ended = if begin() { through() } else { ExitCode::from(125) };
    // What is still to be printed is printed.
    std::process::exit((0..=u8::MAX).find(|code| ExitCode::from(*code) == ended).unwrap_or(125).into())
}

/// A harness waits for each of its hook's answers, and takes every failure but one for consent: that door is opened before
/// anything else can go wrong.
fn through() -> ExitCode {
    let inside = calls::is_inside();
    let mut words = std::env::args_os().skip(1);
    let asked =
        words.next().is_some_and(|door| door == "hook") && words.next().is_some_and(|harness| harness == "claude");
    match words.next() {
        None if asked && inside => match calls::call(&["hook", "claude"].map(OsString::from)) {
            Ok(answer) => ExitCode::from(answer.code),
            Err(error) => hook::refuse(&format!("the guard outside does not answer: {error}")),
        },
        None if asked => hook::run(),
        Some(word) if asked && word != "--help" && word != "-h" => hook::refuse("`hook claude` takes no arguments"),
        Some(_) | None => cli::main(hook::run, inside),
    }
}

/// The world of a call that starts in `cwd`; for a call from inside a harness's fence, as it is outside.
fn world(cwd: PathBuf) -> std::io::Result<World> {
    let only = std::env::var_os(calls::FOR).map(|whom| calls::begin(&whom)).transpose()?;
    let environment = std::env::vars_os().filter(|(name, _)| name != calls::FOR).collect();
    Ok(World { only, ..World::new(environment, cwd) })
}
