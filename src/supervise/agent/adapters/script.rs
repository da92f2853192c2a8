//! `script`: no model, but a file of actions, done by `guard agent replay` (`docs/agents.md`). Prints what [`super::command`] hears.
//! Knows not what the file holds.

use super::super::brief::Brief;
use super::{Adapter, Given, command};
use std::ffi::OsString;

pub(super) const ADAPTER: Adapter =
    Adapter { name: "script", about: "a file of actions, replayed", argv, stdin: Brief::json, hear: command::hear };

/// Guard by its own path: in the fence it is open under that, and is this very program.
fn argv(given: Given<'_>, _: &Brief) -> Result<Vec<OsString>, &'static str> {
    let Some(file) = given.file else { return Err("an agent of kind `script` needs `file`: its actions") };
    Ok(vec![given.guard.into(), "agent".into(), "replay".into(), "--".into(), file.into()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_guard_itself_with_the_file() {
        let given = Given { run: &[], file: Some("/p/-actions.toml".as_ref()), guard: "/usr/bin/guard".as_ref() };
        let argv = ADAPTER.argv(given, &Brief::default()).unwrap().join(" ".as_ref());
        assert_eq!(argv, "/usr/bin/guard agent replay -- /p/-actions.toml");
        assert!(ADAPTER.argv(Given { file: None, ..given }, &Brief::default()).is_err());
    }
}
