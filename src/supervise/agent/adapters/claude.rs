//! `claude`: Claude Code without its screen. Knows its flags and its stream, and nothing of its tools.
//!
//! Looked up on 2026-11-22, and not tried against the network:
//! - <https://code.claude.com/docs/en/headless>: `-p` runs without a screen; `--output-format stream-json` prints a JSON object a line,
//!   the last of them a `result`. It takes its prompt from standard input (<https://github.com/anthropics/claude-code/issues/92305>, 2026-09-05).
//! - <https://docs.anthropic.com/en/docs/claude-code/sdk/sdk-headless>: `--allowedTools` and `--disallowedTools` take a list with commas.
//! - <https://code.claude.com/docs/en/cli-reference>: `--verbose`, `--max-budget-usd` (with `-p` alone).
//!   Without `--verbose` the program refuses this format (<https://github.com/nullclaw/nullclaw/pull/125>, 2026-02-26).
//! - <https://code.claude.com/docs/en/agent-sdk/typescript>: the messages. Of `result` are used `subtype` (`success`, or `error_…`), `is_error`,
//!   `result`, `errors`, `num_turns`, `session_id` and `total_cost_usd`; of others `session_id`, and of `assistant` the texts in `message.content`.
//! - `total_cost_usd` is the total of the process so far, also where several results come
//!   (<https://github.com/anthropics/claude-code/issues/83239>, 2026-08-16).

use super::super::brief::Brief;
use super::super::heard::{Heard, object, text};
use super::super::prompt::prompt;
use super::{Adapter, Given, words};
use serde_json::{Map, Value};
use std::ffi::OsString;

pub(super) const ADAPTER: Adapter = Adapter { name: "claude", about: "Claude Code", argv, stdin: prompt, hear };

/// Bash, whose every command the fence holds, and what reads; the project's files are changed by `guard file`.
const OWN: [&str; 9] = [
    "claude",
    "-p",
    "--output-format",
    "stream-json",
    "--verbose",
    "--allowedTools",
    "Bash,Read,Glob,Grep",
    "--disallowedTools",
    "Edit,Write,NotebookEdit,WebFetch,WebSearch",
];

fn argv(given: Given<'_>, brief: &Brief) -> Result<Vec<OsString>, &'static str> {
    let mut argv = words(&OWN, &[]);
    if let Some(left) = brief.budget.cost_left.filter(|left| left.is_finite() && *left > 0.0) {
        argv.extend(["--max-budget-usd".into(), format!("{left:.4}").into()]);
    }
    argv.extend(words(&[], given.run));
    Ok(argv)
}

fn hear(heard: &mut Heard, line: &str) {
    let Some(message) = object(heard, line) else { return };
    if let Some(session) = text(&message, "session_id") {
        heard.name(session);
    }
    match text(&message, "type") {
        Some("assistant") => said(heard, &message),
        Some("result") => result(heard, &message),
        // Kinds come and go with its releases.
        Some(_) => {}
        None => heard.malformed += 1,
    }
}

fn said(heard: &mut Heard, message: &Map<String, Value>) {
    let content = message.get("message").and_then(|inner| inner.get("content")).and_then(Value::as_array);
    let texts = content.into_iter().flatten().filter(|block| block.get("type").and_then(Value::as_str) == Some("text"));
    texts.filter_map(|block| block.get("text").and_then(Value::as_str)).for_each(|text| heard.say(text));
}

fn result(heard: &mut Heard, message: &Map<String, Value>) {
    if let Some(cost) = message.get("total_cost_usd") {
        heard.cost(cost);
    }
    if let Some(turns) = message.get("num_turns").and_then(Value::as_u64) {
        heard.turns = Some(turns);
    }
    let said = text(message, "result");
    let subtype = text(message, "subtype").unwrap_or("result");
    // What was asked of the API in vain comes as `success` too.
    let wrong = subtype.starts_with("error") || message.get("is_error") == Some(&Value::Bool(true));
    if wrong {
        let errors = message.get("errors").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let why = errors.chain(said).filter(|why| !why.is_empty()).collect::<Vec<_>>().join("; ");
        if why.is_empty() { heard.fail(subtype) } else { heard.fail(&format!("{subtype}: {why}")) }
    } else {
        // A later turn may mend what an earlier one broke off.
        heard.failed = None;
        said.into_iter().for_each(|said| heard.say(said));
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::brief::Budget;
    use super::*;

    fn heard(lines: &[&str]) -> Heard {
        let mut listening = ADAPTER.listen();
        listening.hear(lines.join("\n").as_bytes());
        listening.end()
    }

    const INIT: &str = r#"{"type":"system","subtype":"init","session_id":"5f1c","model":"some-model","tools":["Bash","Read"],"cwd":"/p"}"#;

    #[test]
    fn a_run_that_went_well() {
        let heard = heard(&[
            INIT,
            r#"{"type":"assistant","session_id":"5f1c","message":{"role":"assistant","content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"I read the tests first."},{"type":"tool_use","id":"t1","name":"Bash","input":{"command":"guard exec -- pytest"}}]}}"#,
            r#"{"type":"user","session_id":"5f1c","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"1 failed"}]}}"#,
            r#"{"type":"some_new_kind","session_id":"5f1c"}"#,
            r#"{"type":"result","subtype":"success","is_error":false,"duration_ms":9100,"num_turns":4,"result":"The limit is in place.","session_id":"5f1c","total_cost_usd":0.1375,"usage":{"input_tokens":3}}"#,
        ]);
        let expected = Heard {
            cost_usd: Some(0.1375),
            session: Some("5f1c".into()),
            said: "The limit is in place.".into(),
            turns: Some(4),
            failed: None,
            malformed: 0,
            lines: 5,
        };
        assert_eq!(heard, expected);
    }

    #[test]
    fn what_was_said_before_it_was_ended_is_kept() {
        let heard =
            heard(&[INIT, r#"{"type":"assistant","message":{"content":[{"type":"text","text":"Let me look."}]}}"#]);
        assert_eq!((heard.said.as_str(), heard.cost_usd, heard.turns), ("Let me look.", None, None));
    }

    #[test]
    fn every_way_to_say_that_it_failed_is_heard() {
        for (result, failed) in [
            (r#"{"type":"result","subtype":"error_max_turns","is_error":true,"num_turns":9}"#, "error_max_turns"),
            (
                r#"{"type":"result","subtype":"error_max_budget_usd","is_error":false,"result":"","total_cost_usd":1.2}"#,
                "error_max_budget_usd",
            ),
            (
                r#"{"type":"result","subtype":"error_during_execution","errors":["no conversation","x"]}"#,
                "error_during_execution: no conversation; x",
            ),
            (
                r#"{"type":"result","subtype":"success","is_error":true,"result":"API Error: 529 overloaded"}"#,
                "success: API Error: 529 overloaded",
            ),
            (r#"{"type":"result","is_error":true}"#, "result"),
        ] {
            assert_eq!(heard(&[INIT, result]).failed.as_deref(), Some(failed), "{result}");
        }
    }

    #[test]
    fn of_two_results_the_last_counts_and_the_cost_is_the_total() {
        let result = |subtype: &str, cost: &str| {
            format!(
                r#"{{"type":"result","subtype":"{subtype}","total_cost_usd":{cost},"num_turns":1,"result":"{cost}"}}"#
            )
        };
        let twice = heard(&[&result("error_during_execution", "0.5"), &result("success", "0.75")]);
        let expected =
            Heard { cost_usd: Some(0.75), said: "0.75".into(), turns: Some(1), lines: 2, ..Heard::default() };
        assert_eq!(twice, expected);
        let back = heard(&[&result("success", "0.5"), &result("success", "0.25"), &result("success", "-3")]);
        assert_eq!((back.cost_usd, back.malformed), (Some(0.5), 2));
    }

    #[test]
    fn what_is_not_of_the_stream_is_counted() {
        let heard = heard(&[
            "Error: no credentials",
            "[]",
            "{}",
            r#"{"type":7}"#,
            r#"{"type":"result","total_cost_usd":NaN}"#,
            INIT,
        ]);
        assert_eq!((heard.lines, heard.malformed, heard.session.as_deref()), (6, 5, Some("5f1c")));
        assert_eq!(heard.said, "");
    }

    #[test]
    fn what_is_left_of_the_cost_is_its_limit_and_the_plan_s_words_come_last() {
        let run = ["--model".to_owned(), "sonnet".to_owned()];
        let given = Given { run: &run, file: None, guard: "/usr/bin/guard".as_ref() };
        let argv = |cost_left| {
            let brief = Brief { budget: Budget { cost_left, ..Budget::default() }, ..Brief::default() };
            ADAPTER.argv(given, &brief).unwrap().join(" ".as_ref()).into_string().unwrap()
        };
        let own = OWN.join(" ");
        assert_eq!(argv(None), format!("{own} --model sonnet"));
        assert_eq!(argv(Some(2.5)), format!("{own} --max-budget-usd 2.5000 --model sonnet"));
        assert_eq!(argv(Some(f64::NAN)), argv(None));
    }
}
