//! Whether an installed hook is live: fired as the harness would fire it, with a request that must be denied.
//! Knows settings by their entries; what is denied it takes from the answer alone.

use super::settings::{Entry, Settings};
use crate::gate::{World, root_of, shown};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a hook may take here, seconds more than guard gives itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is said where only half of the hook stands.
const UNTOLD: &str = "; it is not told what tools have done (no `PostToolUse`), so a command that ran outside the fence \
                      goes unseen: `guard hook install claude` completes it";

/// How a hook was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::door::cli) enum State {
    /// It denied what must be denied.
    Live,
    /// It stands in the settings and denies nothing.
    Silent,
    /// It stands nowhere.
    Absent,
}

impl State {
    /// The word for it.
    pub(in crate::door::cli) fn word(self) -> &'static str {
        match self {
            State::Live => "live",
            State::Silent => "silent",
            State::Absent => "absent",
        }
    }
}

/// A hook in one settings file.
#[derive(Debug)]
pub(in crate::door::cli) struct Found {
    pub(in crate::door::cli) state: State,
    /// The settings it stands in; `None` where it is absent.
    pub(in crate::door::cli) settings: Option<PathBuf>,
    /// What it came to, as a fragment.
    pub(in crate::door::cli) said: String,
}

/// Every hook of guard's in the settings that count in `from`, each fired once.
pub(in crate::door::cli) fn find(world: &World, from: &Path) -> Vec<Found> {
    let root = std::fs::canonicalize(from).ok().and_then(|from| root_of(&from));
    let below = |folder: &Path, name: &str| folder.join(".claude").join(name);
    let project = root.iter().flat_map(|root| ["settings.json", "settings.local.json"].map(|name| below(root, name)));
    let person = world.home().filter(|home| root.as_ref() != Some(home));
    let files: Vec<PathBuf> = project.chain(person.map(|home| below(&home, "settings.json"))).collect();
    let cwd = root.or_else(|| world.home()).unwrap_or_else(|| "/".into());
    let mut off = None;
    let mut found = Vec::new();
    let mut entries = Vec::new();
    for file in files {
        match Settings::read(&file) {
            Ok(None) => {}
            Ok(Some(settings)) => {
                if settings.switched_off() {
                    off.get_or_insert(file.clone());
                }
                let untold = settings.untold();
                entries.extend(settings.refusing().map(|entry| (file.clone(), entry, untold)));
            }
            Err(stop) => found.push(Found { state: State::Silent, settings: Some(file), said: stop.to_string() }),
        }
    }
    for (file, entry, untold) in entries {
        let (state, mut said) = match &off {
            Some(off) => (State::Silent, format!("`disableAllHooks` is set in `{}`", shown(off))),
            None => fire(&entry, &cwd),
        };
        if untold {
            said += UNTOLD;
        }
        found.push(Found { state, settings: Some(file), said });
    }
    if found.is_empty() {
        let said = "Claude Code does not ask guard: `guard hook install claude` has it ask".into();
        found.push(Found { state: State::Absent, settings: None, said });
    }
    found
}

/// What a hook says to a write that no policy can allow.
fn fire(entry: &Entry, cwd: &Path) -> (State, String) {
    let reached = entry
        .matcher
        .as_deref()
        .is_none_or(|tools| matches!(tools, "" | "*" | ".*") || tools.split('|').any(|tool| tool == "Bash"));
    if !reached {
        return (State::Silent, "its `matcher` leaves Bash out".into());
    }
    // Settings can come with a clone: nothing but this very program is started at their word.
    let own = std::env::current_exe().and_then(std::fs::canonicalize).ok();
    if own.is_none() || std::fs::canonicalize(&entry.guard).ok() != own {
        let guard = shown(&entry.guard);
        return (
            State::Silent,
            format!("it would start `{guard}`, not this guard: `guard hook install claude` mends it"),
        );
    }
    let question = json!({
        "session_id": "guard-doctor", "transcript_path": "/dev/null", "cwd": cwd, "permission_mode": "default",
        "hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_use_id": "guard-doctor",
        "tool_input": { "command": "> /etc/guard/policy.toml", "description": "guard doctor: must be denied" },
    });
    match answer(&entry.command, cwd, &question) {
        Err(cause) => (State::Silent, cause),
        Ok((Some(2), out)) if out.is_empty() => {
            (State::Live, "it denies whatever is asked, since it cannot judge".into())
        }
        Ok((Some(0 | 2), out)) => verdict(&out),
        Ok((code, _)) => {
            let code = code.map_or_else(|| "a signal".to_owned(), |code| format!("exit code {code}"));
            (State::Silent, format!("it ended with {code}, which Claude Code takes for consent"))
        }
    }
}

fn verdict(out: &[u8]) -> (State, String) {
    let answer: Value = serde_json::from_slice(out).unwrap_or_default();
    let part = |key: &str| answer.get("hookSpecificOutput").and_then(|part| part.get(key)).and_then(Value::as_str);
    let denied = part("hookEventName") == Some("PreToolUse")
        && part("permissionDecision") == Some("deny")
        && part("permissionDecisionReason").is_some_and(|reason| !reason.is_empty());
    if denied {
        (State::Live, "it denied a write to guard's own policy".into())
    } else {
        (State::Silent, "it let a write to guard's own policy pass".into())
    }
}

/// Exit code and output of a hook that is asked `question`.
fn answer(command: &str, cwd: &Path, question: &Value) -> Result<(Option<i32>, Vec<u8>), String> {
    let mut hook = Command::new("sh");
    hook.args(["-c", command]).current_dir(cwd).env("CLAUDE_PROJECT_DIR", cwd);
    hook.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut hook = hook.spawn().map_err(|error| format!("it cannot be started: {error}"))?;
    if let Some(mut input) = hook.stdin.take() {
        // A hook that reads nothing may still answer.
        let _gone = input.write_all(question.to_string().as_bytes());
    }
    let code = ended(&mut hook)?;
    let mut out = Vec::new();
    if let Some(pipe) = hook.stdout.take() {
        let _partly = pipe.take(1 << 16).read_to_end(&mut out);
    }
    Ok((code, out))
}

fn ended(hook: &mut Child) -> Result<Option<i32>, String> {
    let begun = Instant::now();
    loop {
        match hook.try_wait() {
            Ok(Some(status)) => return Ok(status.code()),
            Ok(None) if begun.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(5)),
            Ok(None) => {
                let _gone = hook.kill();
                let _reaped = hook.wait();
                return Err(format!("it gave no answer within {} s", PATIENCE.as_secs()));
            }
            Err(error) => return Err(format!("it cannot be waited for: {error}")),
        }
    }
}
