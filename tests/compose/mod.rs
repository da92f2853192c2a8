//! docker-compose with the real tool, and with a real Docker engine where one can be had.

mod attacks;
mod engine;
mod running;

use crate::cli::{Done, Home, done};
use std::path::{Path, PathBuf};

/// A project under `python-trading` whose folder, and so its compose project, is called `name`.
pub(crate) fn project(name: &str) -> Home {
    let home = Home::with_project(Path::new(name));
    let made = home.guard(&["init", "--preset", "python-trading"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    home
}

/// Where docker-compose is: `GUARD_TEST_COMPOSE` names another folder than the system's, to try another version.
pub(crate) fn tool() -> Option<PathBuf> {
    let own = std::env::var_os("GUARD_TEST_COMPOSE").map(PathBuf::from);
    let folders = own.into_iter().chain(["/usr/local/bin", "/usr/bin"].map(PathBuf::from));
    folders.map(|folder| folder.join("docker-compose")).find(|path| path.exists())
}

/// `guard ARGUMENTS…` in the project, with docker-compose on its PATH.
pub(crate) fn guard(home: &Home, arguments: &[&str]) -> Done {
    done(home.command(arguments).env("PATH", path()))
}

pub(crate) fn path() -> String {
    let tool = tool().and_then(|tool| tool.parent().map(|folder| folder.display().to_string()));
    format!("{}:{}", tool.unwrap_or_default(), crate::cli::path())
}

/// Leaves the test, with a word of why, where there is no docker-compose.
macro_rules! tool_or_skip {
    () => {
        if crate::compose::tool().is_none() {
            let test = std::thread::current().name().unwrap_or_default().to_owned();
            eprintln!("skipped: {test}: there is no docker-compose");
            return;
        }
    };
}
pub(crate) use tool_or_skip;

/// Leaves the test, with a word of why, where there is no docker-compose or no Docker engine.
macro_rules! engine_or_skip {
    () => {
        tool_or_skip!();
        if let Err(cause) = crate::compose::engine::ready() {
            let test = std::thread::current().name().unwrap_or_default().to_owned();
            eprintln!("skipped: {test}: no Docker engine: {cause}");
            return;
        }
    };
}
pub(crate) use engine_or_skip;
