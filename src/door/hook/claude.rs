//! Claude Code's protocol: `PreToolUse`, `PostToolUse` and `Stop`, as <https://code.claude.com/docs/en/hooks> has them.
//! Knows what its tools are asked with, not how that is judged.

use crate::action::shell::Asked;
use crate::decide::Verdict;
use crate::event::line::printable;
use crate::gate::{self, Accepted, Project, Refused, Request, Stop, World};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Longest reason and longest command in it, in characters: the harness cuts off what is longer than 10 000.
const SAID: usize = 6000;
const SHOWN: usize = 200;

/// What is judged of a tool.
#[derive(Clone, Copy)]
enum Kind {
    /// A line for the shell, in `command`.
    Line,
    /// A file that the harness writes itself, named by this key.
    File(&'static str),
}

/// The tools that are judged; of all others nothing is known, and nothing said. `Monitor` runs its `command` as Bash does.
const TOOLS: [(&str, Kind); 6] = [
    ("Bash", Kind::Line),
    ("Monitor", Kind::Line),
    ("Write", Kind::File("file_path")),
    ("Edit", Kind::File("file_path")),
    ("MultiEdit", Kind::File("file_path")),
    ("NotebookEdit", Kind::File("notebook_path")),
];

/// A shell whose lines guard cannot take apart: agents were seen to go on with it where Bash was refused
/// (anthropics/claude-code#60935).
const FOREIGN: &str = "PowerShell";

/// What guard reads of a question; what else stands there is the harness's own business.
#[derive(Deserialize)]
struct Question {
    hook_event_name: String,
    cwd: String,
    tool_name: Option<String>,
    tool_input: Option<Map<String, Value>>,
}

/// What the harness is told.
pub(super) struct Answer {
    /// The one object.
    pub(super) object: Value,
    /// Why the tool must not run, where it must not.
    pub(super) denied: Option<String>,
}

impl Answer {
    fn accepted(object: Value) -> Self {
        Self { object, denied: None }
    }

    fn denied(reason: &str) -> Self {
        let reason = cut(reason, SAID);
        let object = json!({ "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": "deny",
            "permissionDecisionReason": reason,
        } });
        Self { object, denied: Some(reason) }
    }
}

/// The answer to one question.
///
/// # Errors
/// Why it cannot be told what is asked, as a fragment: to be refused.
pub(super) fn answer(world: World, question: &[u8]) -> Result<Answer, String> {
    let question: Question =
        serde_json::from_slice(question).map_err(|error| format!("the question cannot be read: {error}"))?;
    match question.hook_event_name.as_str() {
        "PreToolUse" => before(world, question),
        "PostToolUse" | "PostToolUseFailure" => after(world, question),
        "Stop" => Ok(Answer::accepted(json!({}))),
        other => Err(format!("guard knows no event `{}` of Claude Code", printable(other))),
    }
}

impl Question {
    fn tool(&self) -> Result<(&str, &Map<String, Value>), String> {
        let name = self.tool_name.as_deref().ok_or("the question names no tool (`tool_name`)")?;
        let input = self.tool_input.as_ref().ok_or("the question has no `tool_input`")?;
        Ok((name, input))
    }
}

fn before(world: World, question: Question) -> Result<Answer, String> {
    let (name, input) = question.tool()?;
    if name == FOREIGN {
        return Err(format!("guard takes apart no lines of {name}: use Bash"));
    }
    let Some((kind, value)) = judged(name, input)? else { return Ok(Answer::accepted(json!({}))) };
    let guard = guard()?;
    let reason = input.get("description").and_then(Value::as_str).map(str::to_owned);
    let decided = place(world, &question.cwd).and_then(|(world, project)| match kind {
        Kind::Line => {
            let request = Request {
                asked: Asked::Line(value.into()),
                timeout: None,
                task: None,
                reason,
                waiting: None,
                dry_run: false,
                step: None,
            };
            let accepted = gate::before_command(&world, &project, request, Path::new(&guard))?;
            Ok(accepted.map(|accepted| match accepted {
                Accepted::Handed => run(input, gate::handed(&guard, value), HANDED),
                Accepted::Own(line) => run(input, line, OWN),
            }))
        }
        Kind::File(_) => {
            let path = expanded(&world, value)?;
            Ok(gate::before_write(&world, &project, name, &path)?.map_or(Ok(json!({})), Err))
        }
    });
    Ok(match decided {
        Err(stop) => Answer::denied(&stopped(&stop)),
        Ok(Err(refused)) => Answer::denied(&told(&refused, value)),
        Ok(Ok(object)) => Answer::accepted(object),
    })
}

/// What of a call of a tool is judged; `None`: nothing is known of the tool.
fn judged<'a>(name: &str, input: &'a Map<String, Value>) -> Result<Option<(Kind, &'a str)>, String> {
    let Some((_, kind)) = TOOLS.iter().find(|(known, _)| *known == name) else { return Ok(None) };
    let key = match kind {
        Kind::Line => "command",
        Kind::File(key) => key,
    };
    let value = input.get(key).ok_or_else(|| format!("`tool_input` of {name} has no `{key}`"))?;
    let value = value.as_str().ok_or_else(|| format!("`{key}` of {name} is no text"))?;
    Ok(Some((*kind, value)))
}

/// Of what a tool has done, a changed file is recorded, and a command that did not go through guard, which is said too.
fn after(world: World, question: Question) -> Result<Answer, String> {
    let (name, input) = question.tool()?;
    let Some((kind, value)) = judged(name, input)? else { return Ok(Answer::accepted(json!({}))) };
    let recorded = |record: &dyn Fn(&World, &Project) -> Result<(), Stop>| {
        place(world.clone(), &question.cwd).and_then(|(world, project)| record(&world, &project))
    };
    match kind {
        Kind::Line if gate::is_handed(value, &guard()?) => Ok(Answer::accepted(json!({}))),
        Kind::Line => {
            let recorded = recorded(&|world, project| gate::ran_unfenced(world, project, name, value));
            Ok(Answer::accepted(unfenced(&question.hook_event_name, value, recorded.err())))
        }
        // A tool that failed changed nothing.
        Kind::File(_) if question.hook_event_name != "PostToolUse" => Ok(Answer::accepted(json!({}))),
        Kind::File(_) => {
            let changed =
                recorded(&|world, project| gate::changed_file(world, project, name, &expanded(world, value)?));
            changed
                .map_err(|stop| format!("the change of `{}` is not recorded: {stop}", cut(&printable(value), SHOWN)))?;
            Ok(Answer::accepted(json!({})))
        }
    }
}

/// What the agent and the person are told of a command that ran although guard would have had it run fenced.
fn unfenced(event: &str, line: &str, unrecorded: Option<Stop>) -> Value {
    let mut reason = format!(
        "guard: this command ran outside the fence, as it was given and not as guard hands it on: `{}`\n  Another hook may \
         have replaced what guard answered, or guard was not asked before it. Run nothing more, and tell the person: \
         `guard doctor` says whether guard is asked.",
        cut(&printable(line), SHOWN)
    );
    match unrecorded {
        Some(stop) => {
            let _ = write!(reason, "\n  It is not recorded: {stop}");
        }
        None => reason.push_str("\n  It is recorded."),
    }
    let reason = cut(&reason, SAID);
    match event {
        "PostToolUse" => json!({ "decision": "block", "reason": reason, "systemMessage": reason }),
        _ => json!({
            "hookSpecificOutput": { "hookEventName": event, "additionalContext": reason }, "systemMessage": reason,
        }),
    }
}

/// The world as a session in `cwd` sees it, and the project it is in.
fn place(mut world: World, cwd: &str) -> Result<(World, Project), Stop> {
    let cwd = Path::new(cwd);
    let fault = |cause: String| Stop::Folder { path: cwd.to_owned(), cause };
    if !cwd.is_absolute() {
        return Err(fault("the session's folder is not an absolute path".into()));
    }
    world.cwd = std::fs::canonicalize(cwd).map_err(|error| fault(error.to_string()))?;
    let project = Project::around(&world, world.cwd.clone())?;
    Ok((world, project))
}

/// A path as the harness reads it: it takes white space (JavaScript's, U+FEFF too) off both ends, and `~` for the home folder.
fn expanded(world: &World, path: &str) -> Result<String, Stop> {
    let path = path.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let home = || world.home().ok_or(Stop::NoHome);
    let expanded = match path.strip_prefix('~') {
        Some("") => Some(home()?),
        Some(below) if below.starts_with('/') => Some(home()?.join(below.trim_start_matches('/'))),
        Some(_) | None => None,
    };
    match expanded.map(PathBuf::into_os_string).map(std::ffi::OsString::into_string) {
        None => Ok(path.to_owned()),
        Some(Ok(expanded)) => Ok(expanded),
        Some(Err(_)) => Err(Stop::NoHome),
    }
}

/// Where this very guard lies.
fn guard() -> Result<String, String> {
    let guard = std::env::current_exe().map_err(|error| format!("cannot tell where guard is: {error}"))?;
    guard.into_os_string().into_string().map_err(|_| "guard lies at a path that is not UTF-8".to_owned())
}

const HANDED: &str = "the policy allows it: it runs fenced and recorded by guard";
const OWN: &str = "guard itself answers it";

/// Allowed, as something else.
fn run(input: &Map<String, Value>, line: String, reason: &str) -> Value {
    let mut updated = input.clone();
    updated.insert("command".into(), line.into());
    json!({ "hookSpecificOutput": {
        "hookEventName": "PreToolUse",
        "permissionDecision": "allow",
        "permissionDecisionReason": reason,
        "updatedInput": updated,
    } })
}

fn told(refused: &Refused, what: &str) -> String {
    let head = match refused.verdict {
        Verdict::Deny => "refused by policy",
        Verdict::Ask | Verdict::Allow => "not run: a person has to allow this",
    };
    let text = format!("guard: {head}: `{}`", cut(&printable(what), SHOWN));
    let mut lines: Vec<String> = Vec::new();
    for rule in &refused.rules {
        let mut line = format!("\n  {} {}: {} ({})", rule.verdict.word(), rule.id, printable(&rule.reason), rule.at);
        if let Some(instead) = &rule.instead {
            let _ = write!(line, "\n    instead: {}", printable(instead));
        }
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    let said = |hint: &String| refused.rules.iter().any(|rule| rule.instead.as_ref() == Some(hint));
    if let Some(hint) = refused.hint.as_ref().filter(|hint| !said(hint)) {
        lines.push(format!("\n  hint: {}", printable(hint)));
    } else if !refused.rules.iter().any(|rule| rule.instead.is_some()) {
        lines.push(
            "\n    instead: use what the policy allows, or have a person do it or add a rule to guard.toml".into(),
        );
    }
    if let Some(stop) = &refused.untold {
        lines.push(format!("\n  a person was not told: {stop}"));
    }
    text + &lines.concat()
}

fn stopped(stop: &Stop) -> String {
    let mut text = format!("guard: refused, since nothing is allowed before guard can judge it: {stop}");
    if let Some(help) = stop.help() {
        let _ = write!(text, "\n  help: {help}");
    }
    text
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_every_tool_that_is_judged() {
        let page = include_str!("../../../docs/hook.md");
        let names = TOOLS.iter().map(|(name, _)| *name).chain([FOREIGN]);
        assert_eq!(names.filter(|name| !page.contains(name)).collect::<Vec<_>>(), [] as [&str; 0]);
    }

    #[test]
    fn what_is_too_long_is_cut_between_characters() {
        assert_eq!((cut("äöü", 2), cut("äöü", 3)), ("äö…".to_owned(), "äöü".to_owned()));
    }
}
