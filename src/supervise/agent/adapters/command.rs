//! `command`: any program. The contract is guard's own, and so may change with it alone (`docs/agents.md`).
//!
//! It gets the brief as JSON on standard input. What it prints is for people, but a line that is a JSON object may tell
//! what it cost and the like: `cost_usd` (US dollars of this run so far), `session`, `say`, `turns`, `failed`.
//! Knows no program.

use super::super::brief::Brief;
use super::super::heard::{Heard, text};
use super::{Adapter, Given, words};
use serde_json::{Map, Value};
use std::ffi::OsString;

pub(super) const ADAPTER: Adapter =
    Adapter { name: "command", about: "any program, told by JSON on standard input", argv, stdin: Brief::json, hear };

fn argv(given: Given<'_>, _: &Brief) -> Result<Vec<OsString>, &'static str> {
    match given.run {
        [] => Err("an agent of kind `command` needs `run`: its program and arguments"),
        run => Ok(words(&[], run)),
    }
}

/// A line: an object that tells, or text.
pub(super) fn hear(heard: &mut Heard, line: &str) {
    match serde_json::from_str::<Map<String, Value>>(line) {
        Ok(object) => tell(heard, &object),
        // What only looks like an object was meant as one.
        Err(_) if line.starts_with('{') => heard.malformed += 1,
        Err(_) => heard.say(line),
    }
}

fn tell(heard: &mut Heard, object: &Map<String, Value>) {
    if let Some(cost) = object.get("cost_usd") {
        heard.cost(cost);
    }
    if let Some(session) = text(object, "session") {
        heard.name(session);
    }
    if let Some(said) = text(object, "say") {
        heard.say(said);
    }
    if let Some(turns) = object.get("turns").and_then(Value::as_u64) {
        heard.turns = Some(turns);
    }
    if let Some(why) = text(object, "failed") {
        heard.fail(why);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(stream: &[u8]) -> Heard {
        let mut whole = ADAPTER.listen();
        whole.hear(stream);
        let mut pieces = ADAPTER.listen();
        stream.chunks(7).for_each(|piece| pieces.hear(piece));
        let whole = whole.end();
        assert_eq!(pieces.end(), whole, "in whatever pieces it comes");
        whole
    }

    #[test]
    fn text_is_what_it_said_and_objects_tell() {
        let stream = b"reading\n\n{\"cost_usd\":0.25,\"turns\":3,\"session\":\"s1\",\"other\":[1]}\nwrote two files\n";
        let expected = Heard {
            cost_usd: Some(0.25),
            session: Some("s1".into()),
            said: "wrote two files".into(),
            turns: Some(3),
            lines: 4,
            ..Heard::default()
        };
        assert_eq!(heard(stream), expected);
        let failed = heard(b"{\"failed\":\" no key \",\"say\":\"giving up\"}");
        let expected = Heard { failed: Some("no key".into()), said: "giving up".into(), lines: 1, ..Heard::default() };
        assert_eq!(failed, expected);
    }

    #[test]
    fn a_cost_that_cannot_be_is_counted_and_changes_nothing() {
        for wrong in ["-1", "-0.5", "\"NaN\"", "null", "\"1\"", "0.1", "[2]", "true"] {
            let stream = format!("{{\"cost_usd\":0.5}}\n{{\"cost_usd\":{wrong}}}\n");
            let expected = Heard { cost_usd: Some(0.5), malformed: 1, lines: 2, ..Heard::default() };
            assert_eq!(heard(stream.as_bytes()), expected, "{wrong}");
        }
        // No JSON at all.
        for wrong in ["NaN", "1e999", "-Infinity", "", "0x10"] {
            let stream = format!("{{\"cost_usd\":0.5}}\n{{\"cost_usd\":{wrong}}}\n");
            let expected = Heard { cost_usd: Some(0.5), malformed: 1, lines: 2, ..Heard::default() };
            assert_eq!(heard(stream.as_bytes()), expected, "{wrong}");
        }
        assert_eq!(heard(b"{\"cost_usd\":0}\n{\"cost_usd\":0}\n{\"cost_usd\":2}").cost_usd, Some(2.0));
    }

    #[test]
    fn garbage_is_counted_and_never_fatal() {
        let stream = b"\xff\xfe\n{\"cut\":\n\0\0\n[1,2]\n\"text\"\n{}\n\x1b[2Jfine";
        let heard = heard(stream);
        assert_eq!((heard.lines, heard.malformed, heard.said.as_str()), (7, 2, "\u{1b}[2Jfine"));
    }

    #[test]
    fn a_program_is_needed() {
        let given = Given { run: &[], file: None, guard: "/usr/bin/guard".as_ref() };
        assert!(ADAPTER.argv(given, &Brief::default()).is_err());
        let run = ["python3".to_owned(), "agent.py".to_owned()];
        assert_eq!(
            ADAPTER.argv(Given { run: &run, ..given }, &Brief::default()),
            Ok(vec!["python3".into(), "agent.py".into()])
        );
    }
}
