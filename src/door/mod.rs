//! Doors: translation in and out. Doors do not know each other.

pub mod cli;
pub mod hook;

use crate::action::shell::Asked;
use crate::execute::calls;
use crate::execute::sandbox::begin;
use crate::gate::{self, Project, Request, World};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

/// Runs the program on the process's arguments to its end; the process's exit code.
pub fn main() -> i32 {
    // Not to be said: there is nowhere to say it.
    let words = begin().then(words).flatten();
    let ended = words.map_or(ExitCode::from(125), |words| through(&words));
    // What is still to be printed is printed.
    std::process::exit((0..=u8::MAX).find(|code| ExitCode::from(*code) == ended).unwrap_or(125).into())
}

/// The program's name and arguments: the process's, or those of the call that it was started ahead of; `None`: there is no
/// call for it any more.
fn words() -> Option<Vec<OsString>> {
    let own: Vec<OsString> = std::env::args_os().collect();
    match (std::env::var_os(calls::FOR), own.as_slice()) {
        (Some(whom), [program, waits]) if waits == calls::WAITS => {
            warm();
            let words = calls::wait(&whom).ok()?;
            Some(std::iter::once(program.clone()).chain(words).collect())
        }
        _ => Some(own),
    }
}

/// Judges something, for nobody: what the kernel has to fetch for that is there by the time of a call.
fn warm() {
    let judge = || {
        let world = world(std::env::current_dir().ok()?).ok()?;
        let project = Project::around(&world, world.only.clone()?).ok()?;
        gate::check(&world, &project, Request::of(Asked::Line("true".into()))).ok()
    };
    let _nobody_asked = judge();
}

/// A harness waits for each of its hook's answers, and takes every failure but one for consent: that door is opened before
/// anything else can go wrong.
fn through(words: &[OsString]) -> ExitCode {
    let inside = calls::is_inside();
    let asked = words.get(1).is_some_and(|door| door == "hook") && words.get(2).is_some_and(|name| name == "claude");
    match words.get(3) {
        None if asked && inside => match calls::call(&["hook", "claude"].map(OsString::from)) {
            Ok(answer) => ExitCode::from(answer.code),
            Err(error) => hook::refuse(&format!("the guard outside does not answer: {error}")),
        },
        None if asked => hook::run(),
        Some(word) if asked && word != "--help" && word != "-h" => hook::refuse("`hook claude` takes no arguments"),
        Some(_) | None => cli::main(words, hook::run, inside),
    }
}

/// The world of a call that starts in `cwd`; for a call from inside a harness's fence, as it is outside.
fn world(cwd: PathBuf) -> std::io::Result<World> {
    let only = std::env::var_os(calls::FOR).map(|whom| calls::begin(&whom)).transpose()?;
    let environment = std::env::vars_os().filter(|(name, _)| name != calls::FOR).collect();
    Ok(World { only, ..World::new(environment, cwd) })
}
