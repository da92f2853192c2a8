//! A notice handed to a program of the person's choice: as JSON on its standard input, its texts in two variables.
//! No shell, nothing of the caller's environment but what a desktop needs.

use super::{Failure, Message};
use crate::execute::child::{self, Heard, PATH, Trouble};
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::Duration;

/// What of the caller's environment the program gets.
const KEPT: [&str; 15] = [
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_CTYPE",
    "LC_MESSAGES",
    "LC_TIME",
    "TZ",
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
];
/// Characters of what it says that are passed on.
const SHOWN: usize = 200;

pub(super) fn run(
    argv: &[String],
    limit: Duration,
    message: &Message,
    body: &[u8],
    environment: &[(OsString, OsString)],
) -> Result<(), Failure> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err(Failure::Lasting("it names no program".into()));
    };
    let mut command = Command::new(program);
    command.args(arguments).env_clear().env("PATH", PATH);
    command.envs(environment.iter().filter(|(name, _)| KEPT.iter().any(|kept| name == kept)).cloned());
    command.env("GUARD_NOTICE_TITLE", &message.title).env("GUARD_NOTICE_TEXT", &message.text);
    let (status, said) = match child::run(command, body, Heard::Stderr, limit) {
        Ok(ended) => ended,
        Err(Trouble::Late) => return Err(Failure::Passing(format!("it did not end within {} s", limit.as_secs_f64()))),
        Err(Trouble::Start(error)) => return Err(Failure::Lasting(format!("it cannot be started: {error}"))),
    };
    let said = String::from_utf8_lossy(&said);
    let said: String = said.lines().next().unwrap_or_default().chars().take(SHOWN).collect();
    let said = if said.is_empty() { said } else { format!(": {said}") };
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(()),
        (Some(code), _) => Err(Failure::Passing(format!("it ended with exit code {code}{said}"))),
        (None, signal) => Err(Failure::Passing(format!("it was ended by signal {}{said}", signal.unwrap_or(0)))),
    }
}
