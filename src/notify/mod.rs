//! Telling a person: which channels a configuration names, what is sent through them, how often it is tried, and what waits.
//! Text only. Knows no policy, and nothing that could answer or act.

mod command;
mod config;
mod names;
mod notice;
mod queue;
mod webhook;

pub use config::{By, Channel, FileSort, LONGEST_SECRET, Webhook, read};
pub use notice::{Delivery, Event, Message, Notice, Where};
pub use queue::{Queue, Turn};

use std::ffi::OsString;
use std::time::Duration;

/// How often a notice is tried through one channel.
const TRIES: u32 = 3;
/// The pause before the third try, measured by the one before the second.
const LONGER: u32 = 4;

/// Why one try came to nothing, as a fragment that names no secret and no address but its host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Another try may do better.
    Passing(String),
    /// No other try can.
    Lasting(String),
}

/// A notice that could not be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotSent {
    /// How often it was tried.
    pub tries: u32,
    /// What came of the last try.
    pub cause: String,
}

/// Sends a delivery through its channel, three times at most, and sleeps in between. `environment`: the caller's, of which a
/// command gets what a desktop needs.
///
/// # Errors
/// What came of the last try.
pub fn send(
    channel: &Channel,
    delivery: &Delivery,
    environment: &[(OsString, OsString)],
    wait: fn(Duration),
) -> Result<(), NotSent> {
    let mut pause = channel.retry;
    let mut tries = 0;
    loop {
        tries += 1;
        let cause = match attempt(channel, delivery, environment) {
            Ok(()) => return Ok(()),
            Err(Failure::Lasting(cause)) => return Err(NotSent { tries, cause }),
            Err(Failure::Passing(cause)) => cause,
        };
        if tries == TRIES {
            return Err(NotSent { tries, cause });
        }
        wait(pause);
        pause = pause.saturating_mul(LONGER);
    }
}

/// One try.
///
/// # Errors
/// Why it came to nothing.
pub fn attempt(channel: &Channel, delivery: &Delivery, environment: &[(OsString, OsString)]) -> Result<(), Failure> {
    let body = serde_json::to_vec(&delivery.message)
        .map_err(|error| Failure::Lasting(format!("the notice cannot be written as JSON: {error}")))?;
    match &channel.by {
        By::Command(argv) => command::run(argv, channel.timeout, &delivery.message, &body, environment),
        By::Webhook(webhook) => webhook::post(webhook, channel.timeout, &delivery.id, &body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(argv: &[&str]) -> Result<(), NotSent> {
        let by = By::Command(argv.iter().map(|word| (*word).to_owned()).collect());
        let moment = Duration::from_secs(1);
        let channel =
            Channel { name: "command".into(), by, events: vec![Event::Request], timeout: moment, retry: moment };
        let message = Message::test("host".into(), "2026-01-01T00:00:00Z".into());
        send(&channel, &Delivery { channel: "command".into(), id: "test-1".into(), message }, &[], |_| {})
    }

    #[test]
    fn what_may_pass_is_tried_three_times_and_what_lasts_once() {
        assert_eq!(told(&["true"]), Ok(()));
        assert_eq!(told(&["false"]), Err(NotSent { tries: 3, cause: "it ended with exit code 1".into() }));
        assert_eq!(
            told(&["no-such-program-here"]).map_err(|failed| failed.tries),
            Err(1),
            "a program that is not there will not come"
        );
        assert_eq!(told(&["sleep", "60"]), Err(NotSent { tries: 3, cause: "it did not end within 1 s".into() }));
    }
}
