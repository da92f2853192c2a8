//! What approvals are worth, as `guard doctor` says it.
//! Knows neither lists nor policies.

use crate::approve::Strength;
use crate::door::cli::words;
use crate::event::line::printable;
use crate::gate::{Stop, Worth, shown};
use serde_json::{Value, json};

/// What a terminal proves.
const TERMINAL: &str = "anyone who runs programs outside a fence as this user can answer at a terminal: it proves no \
                        person; `guard approver add NAME KEY.pub` has answers signed";

pub(super) fn text(worth: &Result<Worth, Stop>) -> String {
    let worth = match worth {
        Ok(worth) => worth,
        Err(stop) => return format!("approvals: cannot tell: {}\n", printable(&stop.to_string())),
    };
    let strongest = worth.strongest.map(|strength| format!(", the strongest of strength `{strength}`"));
    let mut text = format!(
        "approvals: {}{}; a command takes `{}`, going on after a halt `{}`\n",
        words::count(worth.approvers, "approver", "approvers"),
        strongest.unwrap_or_default(),
        worth.command,
        worth.resume
    );
    for note in notes(worth) {
        text += &format!("note: {note}\n");
    }
    text
}

pub(super) fn object(worth: &Result<Worth, Stop>) -> Value {
    match worth {
        Ok(worth) => json!({
            "approvers": worth.approvers,
            "strongest": worth.strongest.map(Strength::name),
            "command": worth.command.name(),
            "resume": worth.resume.name(),
            "agent": worth.agent.as_deref().map(shown),
            "notes": notes(worth),
        }),
        Err(stop) => json!({ "error": stop.to_string() }),
    }
}

/// What somebody who relies on approvals must know.
fn notes(worth: &Worth) -> Vec<String> {
    let mut notes = Vec::new();
    if worth.takes(Strength::Terminal) {
        notes.push(TERMINAL.to_owned());
    }
    if let (true, Some(agent)) = (worth.takes(Strength::Signature), &worth.agent) {
        notes.push(format!(
            "a program outside a fence can have the ssh-agent at `{}` sign, unless the key is a security key's (`sk-`) or \
             asks for confirmation (`ssh-add -c`)",
            shown(agent)
        ));
    }
    for (what, least) in [("a command", worth.command), ("going on after a halt", worth.resume)] {
        if least > Strength::Terminal && worth.strongest.is_none_or(|strongest| strongest < least) {
            notes.push(format!("nobody can answer where {what} takes `{least}`: no approver's key is that strong"));
        }
    }
    notes
}
