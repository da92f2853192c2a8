//! `codex`: Codex without its screen. Knows its flags and its stream, and nothing of its tools.
//!
//! Looked up on 2026-11-22, and not tried against the network:
//! - <https://developers.openai.com/codex/noninteractive> and <https://github.com/openai/codex/blob/main/codex-rs/exec/src/cli.rs>: `codex exec -` reads
//!   the prompt from standard input; `--json` prints an event a line; `--skip-git-repo-check` runs outside of Git too;
//!   `--sandbox danger-full-access` leaves out its own sandbox, which cannot be made inside another: guard's fence is around it.
//! - <https://github.com/openai/codex/blob/main/codex-rs/exec/src/exec_events.rs>: the events. Used are `thread.started` (`thread_id`), `turn.completed` (counted),
//!   `turn.failed` (`error.message`), `error` (`message`), and of `item.completed` the `text` of an `agent_message`.
//! - `error` also tells of a lost connection that is made again, `Reconnecting... 2/5`, and the turn then goes on
//!   (<https://github.com/openai/codex/issues/32984>, 2026-08-20).
//! - What a run costs is not told, only its tokens (<https://github.com/harbor-framework/harbor/pull/1489>, 2026-04-22): a limit to the cost
//!   does not hold for it.

use super::super::brief::Brief;
use super::super::heard::{Heard, object, text};
use super::super::prompt::prompt;
use super::{Adapter, Given, words};
use serde_json::Value;
use std::ffi::OsString;

pub(super) const ADAPTER: Adapter = Adapter { name: "codex", about: "Codex", argv, stdin: prompt, hear };

const OWN: [&str; 6] = ["codex", "exec", "--json", "--skip-git-repo-check", "--sandbox", "danger-full-access"];

fn argv(given: Given<'_>, _: &Brief) -> Result<Vec<OsString>, &'static str> {
    let mut argv = words(&OWN, given.run);
    argv.push("-".into());
    Ok(argv)
}

fn hear(heard: &mut Heard, line: &str) {
    let Some(event) = object(heard, line) else { return };
    match text(&event, "type") {
        Some("thread.started") => text(&event, "thread_id").into_iter().for_each(|id| heard.name(id)),
        Some("turn.completed") => {
            heard.turns = Some(heard.turns.unwrap_or(0) + 1);
            // What went wrong on the way did not end it.
            heard.failed = None;
        }
        Some("turn.failed") => {
            let error = event.get("error").and_then(|error| error.get("message")).and_then(Value::as_str);
            heard.fail(error.unwrap_or("turn.failed"));
        }
        Some("error") => match text(&event, "message") {
            Some(message) if message.starts_with("Reconnecting...") => {}
            Some(message) => heard.fail(message),
            None => heard.malformed += 1,
        },
        Some("item.completed") => {
            let item =
                event.get("item").filter(|item| item.get("type").and_then(Value::as_str) == Some("agent_message"));
            let said = item.and_then(|item| item.get("text")).and_then(Value::as_str);
            said.into_iter().for_each(|said| heard.say(said));
        }
        // Kinds come and go with its releases.
        Some(_) => {}
        None => heard.malformed += 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(lines: &[&str]) -> Heard {
        let mut listening = ADAPTER.listen();
        listening.hear(lines.join("\n").as_bytes());
        listening.end()
    }

    const STARTED: &str = r#"{"type":"thread.started","thread_id":"0b7e"}"#;
    const SAID: &str =
        r#"{"type":"item.completed","item":{"id":"item_4","type":"agent_message","text":"All four tests pass."}}"#;
    const DONE: &str =
        r#"{"type":"turn.completed","usage":{"input_tokens":812,"cached_input_tokens":0,"output_tokens":97}}"#;

    #[test]
    fn a_run_that_went_well() {
        let heard = heard(&[
            STARTED,
            r#"{"type":"turn.started"}"#,
            r#"{"type":"item.completed","item":{"id":"item_0","type":"reasoning","text":"Look at the tests"}}"#,
            r#"{"type":"item.started","item":{"id":"item_1","type":"command_execution","command":"guard exec -- pytest","status":"in_progress"}}"#,
            r#"{"type":"item.completed","item":{"id":"item_1","type":"command_execution","command":"guard exec -- pytest","aggregated_output":"4 passed","exit_code":0,"status":"completed"}}"#,
            SAID,
            DONE,
        ]);
        let expected = Heard {
            session: Some("0b7e".into()),
            said: "All four tests pass.".into(),
            turns: Some(1),
            lines: 7,
            ..Heard::default()
        };
        assert_eq!(heard, expected);
    }

    #[test]
    fn a_failure_is_heard_and_a_connection_made_again_is_none() {
        let again = r#"{"type":"error","message":"Reconnecting... 2/5 (stream disconnected)"}"#;
        assert_eq!(heard(&[STARTED, again, SAID, DONE]).failed, None);
        assert_eq!(heard(&[STARTED, again]).failed, None);
        let limit = r#"{"type":"error","message":"usage limit reached"}"#;
        assert_eq!(heard(&[STARTED, limit]).failed.as_deref(), Some("usage limit reached"));
        assert_eq!(heard(&[STARTED, limit, DONE]).failed, None, "the turn was completed all the same");
        let turn = r#"{"type":"turn.failed","error":{"message":"no such model"}}"#;
        assert_eq!(heard(&[STARTED, limit, turn]).failed.as_deref(), Some("no such model"));
        assert_eq!(heard(&[STARTED, r#"{"type":"turn.failed"}"#]).failed.as_deref(), Some("turn.failed"));
    }

    #[test]
    fn what_is_not_of_the_stream_is_counted() {
        let heard =
            heard(&["thread", "7", "{}", r#"{"type":"error"}"#, r#"{"type":"item.completed","item":3}"#, DONE, DONE]);
        let expected = Heard { turns: Some(2), malformed: 4, lines: 7, ..Heard::default() };
        assert_eq!(heard, expected);
    }

    #[test]
    fn the_prompt_comes_on_standard_input() {
        let run = ["-m".to_owned(), "m".to_owned()];
        let given = Given { run: &run, file: None, guard: "/usr/bin/guard".as_ref() };
        let argv = ADAPTER.argv(given, &Brief::default()).unwrap().join(" ".as_ref()).into_string().unwrap();
        assert_eq!(argv, "codex exec --json --skip-git-repo-check --sandbox danger-full-access -m m -");
    }
}
