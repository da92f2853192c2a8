//! Agents of the build loop in the fence of `guard run`: the scripted one, and programs that keep to the contract.

mod bad;
mod contract;
mod replay;

use crate::cli::{Done, Home, PATIENT, done};
use guard::supervise::agent::{Brief, PhaseBrief};

/// Guard by its own path, as the loop starts it.
const GUARD: &str = env!("CARGO_BIN_EXE_guard");

/// What these agents may run.
const RULES: &str = "
[[rule]]
id = \"programs\"
program = [\"sh\", \"cat\", \"true\", \"false\", \"python3\"]
verdict = \"allow\"
reason = \"tests\"
writes = true
";

/// A project with these actions, the harness's table as `run` says.
fn scene(run: &str, actions: &str) -> Home {
    let home = Home::bare();
    home.write("guard.toml", &format!("version = 1\nsupervision = \"attended\"\n{PATIENT}{run}\n{RULES}"));
    home.write("actions.toml", actions);
    let made = home.guard(&["init"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    home
}

/// One attempt at phase 1.1 that does these things.
fn attempt(actions: &[&str]) -> String {
    let actions: String = actions.iter().map(|action| format!("[[attempt.do]]\n{action}\n")).collect();
    format!("[[attempt]]\nphase = \"1.1\"\nattempt = 1\n{actions}")
}

fn brief(phase: &str, attempt: u64) -> Brief {
    Brief { phase: PhaseBrief { id: phase.into(), ..PhaseBrief::default() }, attempt, ..Brief::default() }
}

/// What came of the actions for that brief, in the fence.
fn replayed(home: &Home, brief: &Brief) -> Done {
    let words = ["run", "--", GUARD, "agent", "replay", "actions.toml"];
    done(home.command(&words).write_stdin(brief.json()))
}

/// A brief with something in every key.
fn full() -> Brief {
    let text = r#"{"version":1,
        "phase":{"id":"1.1","description":"d","goal":"g","accept":["a"],"files":["f"],"mode":"test"},"attempt":2,
        "budget":{"left":{"all":1},"agent_runs_left":1,"wall_left_s":1,"cost_left":1.5},
        "last":{"step":"tests","command":"c","category":"test","message":"m","output":"o","tests":["t"]},
        "stuck":"s","cleaned":["c"],"iteration":{"open":["f"],"more":1},
        "allowed":[{"call":"c","what":"w","example":"e"}],
        "refused":[{"what":"w","rule":"r","reason":"y","instead":"i"}],
        "checks":[{"step":"tests","command":"c"}],"cut":["last.output"]}"#;
    serde_json::from_str(text).unwrap()
}

/// The paths of all keys of an object, as `a.b`; entries of lists are not told apart, nor are categories.
fn keys(value: &serde_json::Value, into: &mut Vec<String>) {
    fn walk(value: &serde_json::Value, at: &str, into: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(all) => {
                for (key, value) in all {
                    let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                    if path == "budget.left" {
                        into.push(path);
                        continue;
                    }
                    into.push(path.clone());
                    walk(value, &path, into);
                }
            }
            serde_json::Value::Array(all) => all.iter().for_each(|value| walk(value, at, into)),
            serde_json::Value::Null
            | serde_json::Value::Bool(_)
            | serde_json::Value::Number(_)
            | serde_json::Value::String(_) => {}
        }
    }
    walk(value, "", into);
}
