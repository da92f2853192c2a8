//! Hooks as a harness uses them: its documented questions, the answers, and what becomes of the answers.
//! Sources: the hooks reference (code.claude.com/docs/en/hooks), and reports of its users where named.

mod after;
mod bounds;
mod fixtures;
mod live;
mod own;
mod settings;

use crate::cli::{Done, Home, done};

/// What guard answers to a question, in the project.
fn asked(home: &Home, question: &[u8]) -> Done {
    done(home.command(&["hook", "claude"]).write_stdin(question))
}

/// A question about one call of a tool in the project.
fn before(home: &Home, tool: &str, input: &serde_json::Value) -> Vec<u8> {
    let question = serde_json::json!({
        "session_id": "abc123", "transcript_path": "/dev/null", "cwd": home.project, "permission_mode": "default",
        "hook_event_name": "PreToolUse", "tool_name": tool, "tool_input": input, "tool_use_id": "toolu_01ABC123",
    });
    question.to_string().into_bytes()
}
